/*
 * Each offer sinks through the sorted places of its opportunity: one maximum and one minimum a
 * place, over the lanes of a vector. The places of a strip stay in the first-level cache while
 * all bidders pass by, a few at a time, so that they are loaded and stored once for those.
 */
#include "sim/market/rank.h"

#include <assert.h>
#include <stdbool.h>

#include "sim/base/vector.h"

/* Also into the functions of other targets that GV_VECTOR makes. */
#define STATIC_INLINE static inline __attribute__((always_inline))

enum { STRIP = 128, TOGETHER = 4, OFFER_BITS = 62 };

gv_ranking gv_ranking_of(size_t bidder_count, size_t places)
{
    assert(bidder_count >= 1);
    assert(bidder_count <= GV_RANK_BIDDERS_MAX);
    assert(places >= 1);
    assert(places <= GV_RANK_PLACES_MAX);

    uint32_t bits = 1;
    while (((size_t)1 << bits) < bidder_count) {
        bits++;
    }
    return (gv_ranking){.bidder_bits = bits, .bidder_count = bidder_count, .places = places};
}

int64_t gv_ranking_offer_max(const gv_ranking *ranking)
{
    return (INT64_C(1) << (OFFER_BITS - ranking->bidder_bits)) - 1;
}

/* Negative offers give negative keys, whatever their value: -1 or less. */
static inline int64_t key_of(int64_t offer, uint32_t bits, int64_t tail)
{
    return (int64_t)((uint64_t)(offer < 0 ? -1 : offer) << bits) + tail;
}

static int64_t tail_of(const gv_ranking *ranking, size_t bidder)
{
    return (INT64_C(1) << ranking->bidder_bits) - 1 - (int64_t)bidder;
}

static inline void keys_of(const gv_ranking *ranking, const int64_t *offers, size_t bidder,
                           size_t count, int64_t *keys)
{
    const uint32_t bits = ranking->bidder_bits;
    const int64_t tail = tail_of(ranking, bidder);
    for (size_t i = 0; i < count; i++) {
        keys[i] = key_of(offers[i], bits, tail);
    }
}

/* After it place[i] holds the larger of the two and sinking[i] the smaller. */
static inline void sink(int64_t *place, int64_t *sinking, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const int64_t held = place[i];
        const int64_t came = sinking[i];
        place[i] = held > came ? held : came;
        sinking[i] = held > came ? came : held;
    }
}

typedef int64_t strips[GV_RANK_PLACES_MAX][STRIP];

/*
 * TOGETHER bidders at a time, while there are so many; returns the first that is left. `depth`,
 * the number of places, is a constant wherever this is called: so the loops over bidders and
 * places are unrolled, and the vectors run over opportunities.
 */
STATIC_INLINE size_t sink_together(const gv_ranking *ranking, const int64_t *offers, size_t stride,
                                   size_t count, size_t depth, strips places)
{
    const uint32_t bits = ranking->bidder_bits;
    size_t bidder = 0;
    for (; bidder + TOGETHER <= ranking->bidder_count; bidder += TOGETHER) {
        const int64_t *rows = offers + bidder * stride;
        const int64_t tail = tail_of(ranking, bidder);
        for (size_t i = 0; i < count; i++) {
            for (size_t b = 0; b < TOGETHER; b++) {
                int64_t came = key_of(rows[b * stride + i], bits, tail - (int64_t)b);
                for (size_t place = 0; place < depth; place++) {
                    const int64_t held = places[place][i];
                    places[place][i] = held > came ? held : came;
                    came = held > came ? came : held;
                }
            }
        }
    }
    return bidder;
}

/* The usual depths, one to three slots and the best loser; 0 elsewhere, and nothing is done. */
STATIC_INLINE size_t sink_most(const gv_ranking *ranking, const int64_t *offers, size_t stride,
                               size_t count, strips places)
{
    switch (ranking->places) {
    case 2:
        return sink_together(ranking, offers, stride, count, 2, places);
    case 3:
        return sink_together(ranking, offers, stride, count, 3, places);
    case 4:
        return sink_together(ranking, offers, stride, count, 4, places);
    default:
        return 0;
    }
}

static inline void empty(const gv_ranking *ranking, size_t count, strips places)
{
    for (size_t place = 0; place < ranking->places; place++) {
        for (size_t i = 0; i < count; i++) {
            places[place][i] = -1;
        }
    }
}

static inline void copy_out(const gv_ranking *ranking, strips places, size_t count, size_t stride,
                            int64_t *keys)
{
    for (size_t place = 0; place < ranking->places; place++) {
        for (size_t i = 0; i < count; i++) {
            keys[place * stride + i] = places[place][i];
        }
    }
}

GV_VECTOR static void rank_strip(const gv_ranking *ranking, const int64_t *offers, size_t stride,
                                 size_t count, int64_t *keys)
{
    strips places;
    int64_t sinking[STRIP];
    empty(ranking, count, places);
    size_t bidder = sink_most(ranking, offers, stride, count, places);
    for (; bidder < ranking->bidder_count; bidder++) {
        keys_of(ranking, offers + bidder * stride, bidder, count, sinking);
        for (size_t place = 0; place < ranking->places; place++) {
            sink(places[place], sinking, count);
        }
    }
    copy_out(ranking, places, count, stride, keys);
}

/* The others' keys of a place: the bidder's own give way. */
static inline void others_of(const gv_ranking *ranking, const int64_t *ranked, uint32_t bidder,
                             size_t count, int64_t *keys)
{
    const int64_t mask = (INT64_C(1) << ranking->bidder_bits) - 1;
    const int64_t tail = mask - (int64_t)bidder;
    for (size_t i = 0; i < count; i++) {
        keys[i] = (ranked[i] & mask) == tail ? -1 : ranked[i];
    }
}

GV_VECTOR static void join_strip(const gv_ranking *ranking, const int64_t *ranked,
                                 size_t ranked_stride, gv_bidder_offers own, size_t stride,
                                 int64_t *keys)
{
    strips places;
    int64_t sinking[STRIP];
    empty(ranking, own.count, places);
    for (size_t row = 0; row <= ranking->places; row++) {
        if (row < ranking->places) {
            others_of(ranking, ranked + row * ranked_stride, own.bidder, own.count, sinking);
        } else {
            keys_of(ranking, own.offers, own.bidder, own.count, sinking);
        }
        for (size_t place = 0; place < ranking->places; place++) {
            sink(places[place], sinking, own.count);
        }
    }
    copy_out(ranking, places, own.count, stride, keys);
}

void gv_ranking_join(const gv_ranking *ranking, const int64_t *ranked, size_t ranked_stride,
                     gv_bidder_offers own, size_t stride, int64_t *keys)
{
    for (size_t done = 0; done < own.count; done += STRIP) {
        const size_t left = own.count - done;
        const gv_bidder_offers strip = {own.bidder, own.offers + done, left < STRIP ? left : STRIP};
        join_strip(ranking, ranked + done, ranked_stride, strip, stride, keys + done);
    }
}

void gv_ranking_best(const gv_ranking *ranking, const int64_t *offers, size_t stride, size_t count,
                     int64_t *keys)
{
    for (size_t done = 0; done < count; done += STRIP) {
        const size_t left = count - done;
        rank_strip(ranking, offers + done, stride, left < STRIP ? left : STRIP, keys + done);
    }
}

GV_VECTOR
void gv_ranking_bidders(const gv_ranking *ranking, const int64_t *keys, size_t count,
                        uint32_t *bidders)
{
    const int64_t mask = (INT64_C(1) << ranking->bidder_bits) - 1;
    for (size_t i = 0; i < count; i++) {
        bidders[i] = keys[i] < 0 ? 0 : (uint32_t)(mask - (keys[i] & mask));
    }
}
