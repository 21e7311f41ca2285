/* The vector ranking against a plain sort, with many ties and many that do not bid. */
#include <stdlib.h>

#include "cmocka_all.h"
#include "sim/market/rank.h"
#include "test_random.h"

enum { BIDDERS = 48, STRIDE = 270, CASES = 20, PLACES_MAX = 6, FEW = 3 };

typedef struct entry {
    int64_t offer;
    uint32_t bidder;
} entry;

/* Higher offers first, at equal offers the lower bidder. */
static int compare(const void *a, const void *b)
{
    const entry *one = a;
    const entry *other = b;
    if (one->offer != other->offer) {
        return one->offer > other->offer ? -1 : 1;
    }
    return one->bidder < other->bidder ? -1 : 1;
}

static void assert_ranked(const gv_ranking *ranking, const int64_t *offers, size_t i,
                          const int64_t *keys)
{
    entry entries[BIDDERS];
    for (uint32_t b = 0; b < ranking->bidder_count; b++) {
        entries[b] = (entry){offers[(size_t)b * STRIDE + i], b};
    }
    qsort(entries, ranking->bidder_count, sizeof entries[0], compare);
    for (size_t place = 0; place < ranking->places; place++) {
        const int64_t key = keys[place * STRIDE + i];
        if (place >= ranking->bidder_count || entries[place].offer < 0) {
            assert_true(key < 0);
            continue;
        }
        assert_int_equal(gv_ranking_offer(ranking, key), entries[place].offer);
        assert_int_equal(gv_ranking_bidder(ranking, key), entries[place].bidder);
        assert_int_equal(key, gv_ranking_key(ranking, entries[place].offer, entries[place].bidder));
    }
}

static void compare_with_sort(test_random *random, size_t bidders, size_t places, int64_t offer_max)
{
    static int64_t offers[BIDDERS * STRIDE];
    static int64_t keys[PLACES_MAX * STRIDE];
    const gv_ranking ranking = gv_ranking_of(bidders, places);
    for (size_t i = 0; i < sizeof offers / sizeof offers[0]; i++) {
        offers[i] = test_random_below(random, offer_max + 2) - 2;
    }
    const size_t count = (size_t)test_random_below(random, STRIDE) + 1;
    gv_ranking_best(&ranking, offers, STRIDE, count, keys);
    for (size_t i = 0; i < count; i++) {
        assert_ranked(&ranking, offers, i, keys);
    }
}

static void ranks_as_a_sort_does(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    for (int c = 0; c < CASES; c++) {
        for (size_t places = 1; places <= PLACES_MAX; places++) {
            compare_with_sort(&random, BIDDERS, places, FEW);
            compare_with_sort(&random, BIDDERS - FEW, places, INT64_C(1) << 30);
            compare_with_sort(&random, FEW, places, FEW);
            compare_with_sort(&random, 1, places, FEW);
        }
    }
}

static void the_largest_offer_still_fits(void **state)
{
    (void)state;
    const size_t counts[] = {1, 2, 48, 1000, GV_RANK_BIDDERS_MAX};
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        const gv_ranking ranking = gv_ranking_of(counts[c], 1);
        const int64_t top = gv_ranking_offer_max(&ranking);
        const uint32_t last = (uint32_t)counts[c] - 1;
        assert_int_equal(gv_ranking_offer(&ranking, gv_ranking_key(&ranking, top, last)), top);
        assert_int_equal(gv_ranking_bidder(&ranking, gv_ranking_key(&ranking, top, last)), last);
        assert_true(gv_ranking_key(&ranking, top, last) > gv_ranking_key(&ranking, top - 1, 0));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks_as_a_sort_does),
        cmocka_unit_test(the_largest_offer_still_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
