/*
 * Who takes the slots of a piece, and what they cost: in vector lanes, against a record, or by
 * auction.h one auction after another. All leave the same keys, offers and prices.
 */
#include "sim/base/vector.h"
#include "sim/market/exchange_impl.h"

enum { PIECE = GV_EXCHANGE_PIECE };

/* The offers of one auction, the lone seat's and the recorded others' alike. Returns how many. */
static size_t gather_entries(gv_exchange *exchange, size_t row)
{
    const size_t i = exchange->pages[row];
    const gv_rivals *rivals = exchange->config.rivals;
    gv_bid *entries = exchange->entries;
    size_t bid_count = 0;
    for (size_t seat = 0; seat < exchange->config.seat_count; seat++) {
        const int64_t amount = exchange->offers[seat * PIECE + i];
        if (amount >= 0) {
            entries[bid_count++] = (gv_bid){gv_exchange_bidder(exchange, seat), amount};
        }
    }
    for (size_t place = 0; rivals != NULL && place < exchange->ranking.places; place++) {
        const gv_record *record = rivals->record;
        const int64_t key = record->keys[place * record->count + exchange->next + i];
        if (key >= 0 && gv_ranking_bidder(&exchange->ranking, key) != rivals->number) {
            entries[bid_count++] = (gv_bid){gv_ranking_bidder(&exchange->ranking, key),
                                            gv_ranking_offer(&exchange->ranking, key)};
        }
    }
    return bid_count;
}

/* One auction by auction.h, in the form that the vector ranking would give. */
static void rank_by_reference(gv_exchange *exchange, size_t row)
{
    const size_t bid_count = gather_entries(exchange, row);
    const size_t sold =
        gv_auction_run(exchange->auction, exchange->entries, bid_count, exchange->awards);
    size_t ranked_count = 0;
    const gv_bid *ranked = gv_auction_ranked(exchange->auction, &ranked_count);
    for (size_t place = 0; place < exchange->ranking.places; place++) {
        const bool is_taken = place < ranked_count;
        exchange->keys[place * PIECE + row] =
            is_taken ? gv_ranking_key(&exchange->ranking, ranked[place].amount_nanos,
                                      ranked[place].bidder)
                     : -1;
        exchange->asked[place * PIECE + row] =
            place < sold ? exchange->awards[place].price_nanos : GV_NO_BID;
    }
}

/* What the record holds of the rows' opportunities, and the lone seat's offers, side by side. */
static void gather_rows(const gv_exchange *exchange, size_t from)
{
    const gv_record *record = exchange->config.rivals->record;
    const size_t places = exchange->ranking.places;
    for (size_t row = from; row < exchange->page_count; row++) {
        exchange->page_offers[row] = exchange->offers[exchange->pages[row]];
    }
    for (size_t place = 0; place < places; place++) {
        const int64_t *keys = record->keys + place * record->count + exchange->next;
        for (size_t row = from; row < exchange->page_count; row++) {
            exchange->recorded[place * PIECE + row] = keys[exchange->pages[row]];
        }
    }
}

/* The lone seat's offers among those of the recorded others. */
static void join(const gv_exchange *exchange, size_t from)
{
    const gv_bidder_offers own = {exchange->config.rivals->number, exchange->page_offers + from,
                                  exchange->page_count - from};
    gather_rows(exchange, from);
    gv_ranking_join(&exchange->ranking, exchange->recorded + from, PIECE, own, PIECE,
                    exchange->keys + from);
}

/* Keys sort as offers do, and -1 stays. */
GV_VECTOR static void read_row(const int64_t *keys, uint32_t bidder_bits, size_t count,
                               int64_t *offers)
{
    for (size_t i = 0; i < count; i++) {
        offers[i] = keys[i] >> bidder_bits;
    }
}

/* The offers that the keys hold, and what the slots cost by them. */
static void price_pages(gv_exchange *exchange, size_t from, size_t count)
{
    for (size_t place = 0; place < exchange->ranking.places; place++) {
        const size_t at = place * PIECE + from;
        read_row(exchange->keys + at, exchange->ranking.bidder_bits, count - from,
                 exchange->ranked + at);
    }
    if (!exchange->config.reference) {
        const gv_page_rows pages = {exchange->ranked + from, PIECE, count - from};
        gv_mechanism_price_pages(&exchange->config.mechanism, &exchange->slots, &pages,
                                 exchange->asked + from);
    }
}

GV_VECTOR static void cancel_row(int64_t reserve, size_t count, int64_t *asked)
{
    for (size_t i = 0; i < count; i++) {
        asked[i] = asked[i] == reserve ? GV_NO_BID : asked[i];
    }
}

void gv_exchange_rank(gv_exchange *exchange, size_t from)
{
    const gv_exchange_config *config = &exchange->config;
    const size_t count = exchange->page_count;
    if (config->reference) {
        for (size_t row = from; row < count; row++) {
            rank_by_reference(exchange, row);
        }
    } else if (config->rivals != NULL) {
        join(exchange, from);
    } else {
        gv_ranking_best(&exchange->ranking, exchange->offers + from, PIECE, count - from,
                        exchange->keys + from);
    }
    price_pages(exchange, from, count);
    for (size_t slot = 0; config->reserve_unsold && slot < config->slot_count; slot++) {
        cancel_row(config->mechanism.reserve_nanos, count - from,
                   exchange->asked + slot * PIECE + from);
    }
}
