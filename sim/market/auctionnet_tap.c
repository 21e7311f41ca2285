#include "sim/market/auctionnet_tap.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/money.h"
#include "sim/log/auctionnet_write.h"
#include "sim/market/rank.h"

enum { SENTENCE_SIZE = 512 };

struct gv_auctionnet_tap {
    gv_exchange_tap tap;
    gv_auctionnet_writer *writer;
    gv_status status; /* the first failure, and its sentence */
    char sentence[SENTENCE_SIZE];
    const gv_traffic *traffic;
    const gv_seat *seats; /* [seat_count]; borrowed for the period */
    size_t seat_count;
    size_t tick_count;
    size_t tick;
    size_t capacity; /* opportunities of a piece */
    uint64_t period;
    int64_t *left;                         /* [seat]: of the budget, now */
    gv_auctionnet_advertiser *advertisers; /* [seat] */
    void *block;                           /* of the columns: */
    uint64_t *opportunities;               /* [capacity] */
    double *values;                        /* [seat][capacity], and so on */
    double *sigmas;
    double *bids;
    double *costs;
    double *least_costs;
    uint8_t *won;
    uint8_t *slots;
    uint8_t *exposed;
    uint8_t *converted;
};

static double money_of(int64_t nanos)
{
    return (double)nanos / (double)GV_NANOS_PER_UNIT;
}

static void begin_tick(gv_auctionnet_tap *tap, size_t tick)
{
    tap->tick = tick;
    for (size_t seat = 0; seat < tap->seat_count; seat++) {
        tap->advertisers[seat].budget_left = money_of(tap->left[seat]);
        tap->advertisers[seat].has_ended =
            tick + 1 == tap->tick_count || tap->left[seat] < GV_AUCTIONNET_MIN_REMAINING;
    }
}

/* Room for pieces of `count`: columns of doubles, then those of bytes. */
static gv_status widen(gv_auctionnet_tap *tap, size_t count)
{
    if (count <= tap->capacity) {
        return GV_OK;
    }
    const size_t cells = tap->seat_count * count;
    unsigned char *block =
        gv_mem_alloc_vector(count, sizeof(uint64_t) + tap->seat_count * (5 * sizeof(double) + 4));
    if (block == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to log a piece of %zu opportunities", count);
    }
    gv_mem_free(tap->block);
    tap->block = block;
    tap->capacity = count;
    tap->opportunities = tap->block;
    double *reals = (double *)(void *)(tap->opportunities + count);
    tap->values = reals;
    tap->sigmas = reals + cells;
    tap->bids = reals + 2 * cells;
    tap->costs = reals + 3 * cells;
    tap->least_costs = reals + 4 * cells;
    uint8_t *flags = (uint8_t *)(reals + 5 * cells);
    tap->won = flags;
    tap->slots = flags + cells;
    tap->exposed = flags + 2 * cells;
    tap->converted = flags + 3 * cells;
    return GV_OK;
}

static void load_bids(gv_auctionnet_tap *tap, const gv_exchange_piece *piece)
{
    for (size_t seat = 0; seat < tap->seat_count; seat++) {
        const size_t row = seat * tap->capacity;
        for (size_t i = 0; i < piece->count; i++) {
            const double value =
                gv_seat_believe(&tap->seats[seat], piece->first + i,
                                (double)piece->values[seat * piece->values_stride + i]);
            const int64_t offer = piece->offers[seat * piece->stride + i];
            tap->values[row + i] = value;
            tap->sigmas[row + i] =
                gv_traffic_sigma(tap->traffic, piece->first + i, (uint32_t)seat, value);
            tap->bids[row + i] = offer > 0 ? money_of(offer) : 0.0;
            tap->costs[row + i] = 0.0;
        }
    }
    const size_t cells = tap->seat_count * tap->capacity;
    memset(tap->won, 0, cells);
    memset(tap->slots, 0, cells);
    memset(tap->exposed, 0, cells);
    memset(tap->converted, 0, cells);
}

static int64_t least_cost_of(const gv_exchange_piece *piece, size_t i)
{
    const int64_t key = piece->keys[piece->slot_count * piece->stride + i];
    const int64_t offer = key < 0 ? 0 : gv_ranking_offer(piece->ranking, key);
    return offer > piece->reserve_nanos ? offer : piece->reserve_nanos;
}

static void load_awards(gv_auctionnet_tap *tap, const gv_exchange_piece *piece, size_t i)
{
    for (size_t slot = 0; slot < piece->slot_count; slot++) {
        const size_t at = slot * piece->stride + i;
        if (piece->prices[at] < 0) {
            continue;
        }
        assert(piece->keys[at] >= 0);
        const uint32_t seat = gv_ranking_bidder(piece->ranking, piece->keys[at]);
        const size_t cell = seat * tap->capacity + i;
        const bool is_seen = (piece->states[at] & GV_SLOT_SEEN) != 0;
        tap->won[cell] = 1;
        tap->slots[cell] = (uint8_t)(slot + 1);
        tap->costs[cell] = money_of(piece->prices[at]);
        tap->exposed[cell] = is_seen;
        tap->converted[cell] = (piece->states[at] & GV_SLOT_CONVERTS) != 0;
        tap->left[seat] -= is_seen ? piece->prices[at] : 0;
    }
}

static gv_status write_piece(gv_auctionnet_tap *tap, const gv_exchange_piece *piece)
{
    GV_TRY(widen(tap, piece->count));
    if (piece->tick != tap->tick) {
        begin_tick(tap, piece->tick);
    }
    load_bids(tap, piece);
    for (size_t i = 0; i < piece->count; i++) {
        tap->opportunities[i] = piece->first + i;
        const double least = money_of(least_cost_of(piece, i));
        for (size_t seat = 0; seat < tap->seat_count; seat++) {
            tap->least_costs[seat * tap->capacity + i] = least;
        }
        load_awards(tap, piece, i);
    }
    const gv_auctionnet_tick tick = {
        .period = tap->period,
        .tick = piece->tick,
        .advertiser_count = tap->seat_count,
        .advertisers = tap->advertisers,
        .count = piece->count,
        .stride = tap->capacity,
        .opportunities = tap->opportunities,
        .values = tap->values,
        .sigmas = tap->sigmas,
        .bids = tap->bids,
        .costs = tap->costs,
        .least_costs = tap->least_costs,
        .won = tap->won,
        .slots = tap->slots,
        .exposed = tap->exposed,
        .converted = tap->converted,
    };
    return gv_auctionnet_write(tap->writer, &tick);
}

/* A market cannot stop for its log: the first failure is kept. */
static void take_piece(void *context, const gv_exchange_piece *piece)
{
    gv_auctionnet_tap *tap = context;
    if (tap->status != GV_OK) {
        return;
    }
    assert(piece->seat_count == tap->seat_count);
    tap->status = write_piece(tap, piece);
    if (tap->status != GV_OK) {
        (void)snprintf(tap->sentence, sizeof tap->sentence, "%s", gv_status_detail());
    }
}

gv_status gv_auctionnet_tap_create(const char *path, gv_auctionnet_tap **out)
{
    gv_auctionnet_tap *tap = gv_mem_alloc(sizeof *tap, 0, 0);
    if (tap == NULL) {
        return GV_FAIL(GV_ENOMEM, "%s: no memory to write it", path);
    }
    tap->tap = (gv_exchange_tap){take_piece, tap};
    const gv_status status = gv_auctionnet_writer_create(path, &tap->writer);
    if (status != GV_OK) {
        gv_auctionnet_tap_abandon(tap);
        return status;
    }
    *out = tap;
    return GV_OK;
}

static void forget_period(gv_auctionnet_tap *tap)
{
    gv_mem_free(tap->left);
    gv_mem_free(tap->advertisers);
    gv_mem_free(tap->block);
    tap->left = NULL;
    tap->advertisers = NULL;
    tap->block = NULL;
    tap->capacity = 0;
}

gv_status gv_auctionnet_tap_begin(gv_auctionnet_tap *tap, const gv_exchange_config *config,
                                  uint64_t period)
{
    assert(config->rivals == NULL);
    forget_period(tap);
    tap->traffic = config->traffic;
    tap->seats = config->seats;
    tap->seat_count = config->seat_count;
    tap->tick_count = config->tick_count;
    tap->period = period;
    tap->left = gv_mem_alloc(0, config->seat_count, sizeof *tap->left);
    tap->advertisers = gv_mem_alloc(0, config->seat_count, sizeof *tap->advertisers);
    if (tap->left == NULL || tap->advertisers == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to log a market of %zu campaigns", config->seat_count);
    }
    for (size_t seat = 0; seat < config->seat_count; seat++) {
        const gv_campaign *campaign = config->seats[seat].campaign;
        const bool has_cpa = campaign->cpa_nanos > 0;
        tap->left[seat] = campaign->budget_nanos;
        tap->advertisers[seat] =
            (gv_auctionnet_advertiser){.number = (uint32_t)seat,
                                       .category = config->seats[seat].category,
                                       .budget = money_of(campaign->budget_nanos),
                                       .cpa = has_cpa ? money_of(campaign->cpa_nanos) : 0.0};
    }
    begin_tick(tap, 0);
    return GV_OK;
}

const gv_exchange_tap *gv_auctionnet_tap_of(const gv_auctionnet_tap *tap)
{
    return &tap->tap;
}

gv_status gv_auctionnet_tap_commit(gv_auctionnet_tap *tap)
{
    if (tap->status != GV_OK) {
        const gv_status status = GV_FAIL(tap->status, "%s", tap->sentence);
        gv_auctionnet_tap_abandon(tap);
        return status;
    }
    gv_auctionnet_writer *writer = tap->writer;
    tap->writer = NULL;
    gv_auctionnet_tap_abandon(tap);
    return gv_auctionnet_writer_commit(writer);
}

void gv_auctionnet_tap_abandon(gv_auctionnet_tap *tap)
{
    if (tap == NULL) {
        return;
    }
    gv_auctionnet_writer_abandon(tap->writer);
    forget_period(tap);
    gv_mem_free(tap);
}
