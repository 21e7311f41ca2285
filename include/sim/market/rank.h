/*
 * rank.h - the best few of many offers, for a whole piece of opportunities at once.
 *
 * An offer and its bidder are packed into one number, so ranking is integer minimum and maximum
 * over vector lanes: key = offer x 2^b + (2^b - 1 - bidder), where 2^b is at least the number of
 * bidders. Larger keys rank first, so equal offers go to the lower bidder number, as in
 * auction.h. Who does not bid has a negative key.
 */
#ifndef SIM_MARKET_RANK_H
#define SIM_MARKET_RANK_H

#include <stddef.h>
#include <stdint.h>

enum { GV_RANK_PLACES_MAX = 16, GV_RANK_BIDDERS_MAX = 1 << 14 };

typedef struct gv_ranking {
    uint32_t bidder_bits;
    size_t bidder_count; /* at most GV_RANK_BIDDERS_MAX */
    size_t places;       /* how many keys to keep, 1 to GV_RANK_PLACES_MAX */
} gv_ranking;

/* The offers of one bidder. */
typedef struct gv_bidder_offers {
    uint32_t bidder;
    const int64_t *offers; /* [count], each at most gv_ranking_offer_max(); negative: no bid */
    size_t count;
} gv_bidder_offers;

gv_ranking gv_ranking_of(size_t bidder_count, size_t places);

/* No offer may be above it: the largest that still fits beside the bidder's number. */
int64_t gv_ranking_offer_max(const gv_ranking *ranking);

static inline int64_t gv_ranking_key(const gv_ranking *ranking, int64_t offer, uint32_t bidder)
{
    const int64_t mask = (INT64_C(1) << ranking->bidder_bits) - 1;
    return offer < 0 ? -1 : offer * (mask + 1) + (mask - (int64_t)bidder);
}

static inline int64_t gv_ranking_offer(const gv_ranking *ranking, int64_t key)
{
    return key < 0 ? -1 : key >> ranking->bidder_bits;
}

/* Of a key that is not negative. */
static inline uint32_t gv_ranking_bidder(const gv_ranking *ranking, int64_t key)
{
    const int64_t mask = (INT64_C(1) << ranking->bidder_bits) - 1;
    return (uint32_t)(mask - (key & mask));
}

/*
 * keys: [places][stride], of which the first `count` of each row are written: the best keys of
 * each opportunity, best first, -1 where there are fewer offers.
 * offers: [bidder_count][stride], each at most gv_ranking_offer_max(); negative: no bid.
 */
void gv_ranking_best(const gv_ranking *ranking, const int64_t *offers, size_t stride, size_t count,
                     int64_t *keys);

/*
 * One bidder's offers among the ranked offers of others, as they were ranked before: `ranked` is
 * [places][ranked_stride], in which the bidder's own earlier offers are passed over.
 * offers: [count]; keys: [places][stride], as of gv_ranking_best(). Where the bidder's earlier
 * offer held a place, one offer of the others behind it is not known, and the last key may be
 * the bidder's own or -1 in its stead.
 */
void gv_ranking_join(const gv_ranking *ranking, const int64_t *ranked, size_t ranked_stride,
                     gv_bidder_offers own, size_t stride, int64_t *keys);

/* Whose the keys are; 0 where there is none. bidders: [count]. */
void gv_ranking_bidders(const gv_ranking *ranking, const int64_t *keys, size_t count,
                        uint32_t *bidders);

#endif
