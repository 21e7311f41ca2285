/*
 * Which opportunities of a piece are ranked. A market's are all. A lone seat against recorded
 * rivals loses most of its auctions, and of those nothing is kept but sums: with what it has to
 * beat at hand they are found by one comparison each, and only the rest becomes rows to rank.
 *
 * That reads 12 bytes an opportunity, value and key, where ranking all reads 8 (D + 2) + 4.
 */
#include "sim/base/vector.h"
#include "sim/market/exchange_impl.h"

/* Whoever listens or records hears of every page, and the reference ranks all to be compared. */
bool gv_exchange_may_skip_lost(const gv_exchange *exchange)
{
    const gv_exchange_config *config = &exchange->config;
    const gv_rivals *rivals = config->rivals;
    return rivals != NULL && rivals->last_slot != NULL && config->tap == NULL &&
           !config->reference && !gv_policy_listens(config->seats[0].policy) &&
           (rivals->behind != NULL || config->least_cost == GV_LEAST_COST_OTHERS);
}

/* A lone seat's offers in a piece, and what they meet. */
typedef struct own_offers {
    const int64_t *offers;
    const int64_t *last_slot; /* keys to beat */
    const int64_t *lost;      /* keys of what is the least cost where they are not beaten */
    uint32_t bits;
    int64_t tail; /* of the seat's keys */
    int64_t reserve;
} own_offers;

static own_offers offers_of(const gv_exchange *exchange)
{
    const gv_exchange_config *config = &exchange->config;
    const gv_rivals *rivals = config->rivals;
    const bool of_others = config->least_cost == GV_LEAST_COST_OTHERS;
    return (own_offers){.offers = exchange->offers,
                        .last_slot = rivals->last_slot + exchange->next,
                        .lost = (of_others ? rivals->last_slot : rivals->behind) + exchange->next,
                        .bits = exchange->ranking.bidder_bits,
                        .tail = gv_ranking_key(&exchange->ranking, 0, rivals->number),
                        .reserve = config->mechanism.reserve_nanos};
}

/* No offer is -1, which gives a negative key and beats nobody. */
static inline bool has_slot(const own_offers *own, size_t i)
{
    const int64_t key = (int64_t)((uint64_t)own->offers[i] << own->bits) + own->tail;
    return key > own->last_slot[i];
}

/* Without a branch: which page has a slot cannot be foreseen. */
static size_t list_slots(const own_offers *own, size_t from, size_t to, uint32_t *pages)
{
    size_t found = 0;
    for (size_t i = from; i < to; i++) {
        pages[found] = (uint32_t)i;
        found += has_slot(own, i) ? 1 : 0;
    }
    return found;
}

void gv_exchange_list_pages(gv_exchange *exchange, size_t from, size_t to)
{
    uint32_t *pages = exchange->pages + exchange->page_count;
    if (exchange->skips_lost) {
        const own_offers own = offers_of(exchange);
        exchange->page_count += list_slots(&own, from, to, pages);
        return;
    }
    for (size_t i = from; i < to; i++) {
        *pages++ = (uint32_t)i;
    }
    exchange->page_count += to - from;
}

/*
 * The key behind the last slot is not known where the seat's own recorded offer hid it; the seat's
 * offer now may itself be the one behind the last slot. As of gv_ranking_join().
 */
GV_VECTOR static int64_t sum_lost(const own_offers *own, size_t from, size_t to)
{
    int64_t sum = 0;
    for (size_t i = from; i < to; i++) {
        const int64_t other = own->lost[i] >> own->bits;
        const int64_t best = other > own->offers[i] ? other : own->offers[i];
        const int64_t least = best > own->reserve ? best : own->reserve;
        sum += has_slot(own, i) ? 0 : least;
    }
    return sum;
}

int64_t gv_exchange_least_costs_lost(const gv_exchange *exchange, size_t from, size_t to)
{
    if (!exchange->skips_lost) {
        return 0;
    }
    const own_offers own = offers_of(exchange);
    return sum_lost(&own, from, to);
}
