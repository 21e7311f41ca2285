/*
 * Each offer sinks through the sorted places of its opportunity: one maximum and one minimum a
 * place, over the lanes of a vector. The places of a strip stay in registers or in the
 * first-level cache while all bidders pass by.
 */
#include "sim/market/rank.h"

#include <assert.h>
#include <stdbool.h>

#include "sim/base/vector.h"

enum { STRIP = 64, OFFER_BITS = 62 };

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

/* The keys of one bidder's offers: negative offers give negative keys, whatever their value. */
static inline void keys_of(const gv_ranking *ranking, const int64_t *offers, uint32_t bidder,
                           size_t count, int64_t *keys)
{
    const int64_t scale = INT64_C(1) << ranking->bidder_bits;
    const int64_t tail = scale - 1 - (int64_t)bidder;
    for (size_t i = 0; i < count; i++) {
        const int64_t offer = offers[i] < 0 ? -scale : offers[i];
        keys[i] = (int64_t)((uint64_t)offer << ranking->bidder_bits) + tail;
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

GV_VECTOR static void rank_strip(const gv_ranking *ranking, const int64_t *offers, size_t stride,
                                 size_t count, int64_t *keys)
{
    int64_t places[GV_RANK_PLACES_MAX][STRIP];
    for (size_t place = 0; place < ranking->places; place++) {
        for (size_t i = 0; i < STRIP; i++) {
            places[place][i] = -1;
        }
    }
    for (size_t bidder = 0; bidder < ranking->bidder_count; bidder++) {
        int64_t sinking[STRIP];
        keys_of(ranking, offers + bidder * stride, (uint32_t)bidder, count, sinking);
        for (size_t place = 0; place < ranking->places; place++) {
            sink(places[place], sinking, count);
        }
    }
    for (size_t place = 0; place < ranking->places; place++) {
        for (size_t i = 0; i < count; i++) {
            keys[place * stride + i] = places[place][i];
        }
    }
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
    int64_t places[GV_RANK_PLACES_MAX][STRIP];
    int64_t sinking[STRIP];
    for (size_t place = 0; place < ranking->places; place++) {
        for (size_t i = 0; i < STRIP; i++) {
            places[place][i] = -1;
        }
    }
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
    for (size_t place = 0; place < ranking->places; place++) {
        for (size_t i = 0; i < own.count; i++) {
            keys[place * stride + i] = places[place][i];
        }
    }
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
