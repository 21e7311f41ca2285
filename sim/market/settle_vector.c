/*
 * Sums over settled auctions, as loops that compilers turn into vector code. All sums are of
 * integers, so their order is of no account: each probability becomes billionths by itself.
 */
#include <assert.h>
#include <string.h>

#include "sim/base/vector.h"
#include "sim/market/replay_impl.h"

static_assert(GV_SETTLE_CHUNK * GV_OFFER_MAX <= INT64_MAX / 2, "a chunk's offers can be summed");

/* Rounds half to even, as the addition does that lifts the number to where doubles are whole. */
static inline int64_t nano_events(double probability)
{
    const double lift = 4503599627370496.0; /* 2^52 */
    const double above = probability > 0.0 ? probability : 0.0;
    const double inside = above < 1.0 ? above : 1.0;
    const double lifted = inside * GV_NANO_EVENTS + lift;
    int64_t bits = 0;
    int64_t lift_bits = 0;
    memcpy(&bits, &lifted, sizeof bits);
    memcpy(&lift_bits, &lift, sizeof lift_bits);
    return bits - lift_bits;
}

typedef struct whole_sums {
    int64_t bids;
    int64_t wins;
    int64_t offered;
    int64_t spent;
    int64_t offer_max;
} whole_sums;

GV_VECTOR
static void sum_whole(const int64_t *offers, const int64_t *prices, size_t count, whole_sums *out)
{
    whole_sums sums = {0};
    for (size_t i = 0; i < count; i++) {
        const int64_t offer = offers[i] > 0 ? offers[i] : 0;
        sums.bids += offer > 0;
        sums.offered += offer;
        sums.offer_max = offer > sums.offer_max ? offer : sums.offer_max;
        sums.wins += prices[i] >= 0;
        sums.spent += prices[i] > 0 ? prices[i] : 0;
    }
    *out = sums;
}

gv_chunk_sums gv_settle_sum(const int64_t *offers, const int64_t *prices, size_t count)
{
    assert(count <= GV_SETTLE_CHUNK);
    whole_sums sums;
    sum_whole(offers, prices, count, &sums);
    return (gv_chunk_sums){
        .tally = {.auctions = count,
                  .bids = (uint64_t)sums.bids,
                  .wins = (uint64_t)sums.wins,
                  .bid_nanos = sums.offered,
                  .spend_nanos = sums.spent},
        .offer_max = sums.offer_max,
    };
}

GV_VECTOR
int64_t gv_settle_sum_clicks(const int64_t *prices, const double *pctr, size_t count)
{
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        const int64_t expected = nano_events(pctr[i]);
        sum += prices[i] >= 0 ? expected : 0;
    }
    return sum;
}

GV_VECTOR
int64_t gv_settle_sum_conversions(const int64_t *prices, const double *pctr, const double *pcvr,
                                  size_t count)
{
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        const int64_t expected = nano_events(pctr[i] * pcvr[i]);
        sum += prices[i] >= 0 ? expected : 0;
    }
    return sum;
}
