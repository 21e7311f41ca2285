/* Single-precision lanes: against exact Philox words, the true normal law, and every path. */
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "sim/base/random_impl.h"
#include "sim/base/random_lanes.h"

enum { ENTITIES = 1000, STRIDE = 1100, BLOCKS = 250 };

static void a_normal_is_the_inverse_of_its_words_share(void **state)
{
    (void)state;
    static float normals[GV_LANE_DRAWS * STRIDE];
    double worst = 0.0;
    for (uint64_t block = 0; block < BLOCKS; block++) {
        gv_random_lanes_normal(3, GV_STREAM_TEST, 17, ENTITIES, block, STRIDE, normals);
        for (uint64_t i = 0; i < ENTITIES; i++) {
            uint32_t words[GV_LANE_DRAWS];
            gv_random_lane_words(3, GV_STREAM_TEST, 17 + i, block, words);
            for (size_t j = 0; j < GV_LANE_DRAWS; j++) {
                const double share = ((double)words[j] + 0.5) * 0x1p-32;
                const double exact = gsl_cdf_ugaussian_Pinv(share);
                const double error = fabs((double)normals[j * STRIDE + i] - exact);
                worst = fmax(worst, error / fmax(1.0, fabs(exact)));
            }
        }
    }
    assert_true(worst < 4e-6);
}

/* A strip that is not whole goes another way. */
static void any_count_gives_the_normals_of_a_longer_run(void **state)
{
    (void)state;
    static float whole[GV_LANE_DRAWS * STRIDE];
    static float part[GV_LANE_DRAWS * STRIDE];
    gv_random_lanes_normal(3, GV_STREAM_TEST, 17, ENTITIES, 5, STRIDE, whole);
    for (size_t count = 1; count < ENTITIES; count = count * 2 + count % 3) {
        memset(part, 0, sizeof part);
        gv_random_lanes_normal(3, GV_STREAM_TEST, 17, count, 5, STRIDE, part);
        for (size_t j = 0; j < GV_LANE_DRAWS; j++) {
            assert_memory_equal(part + j * STRIDE, whole + j * STRIDE, count * sizeof *part);
            assert_true(part[j * STRIDE + count] == 0.0F);
        }
    }
}

static void words_of_many_are_those_of_each(void **state)
{
    (void)state;
    static uint32_t words[GV_LANE_DRAWS * STRIDE];
    const uint64_t first = (UINT64_C(1) << 32) - ENTITIES / 2;
    gv_random_lanes_words(3, GV_STREAM_TEST, first, ENTITIES, 7, STRIDE, words);
    for (size_t i = 0; i < ENTITIES; i++) {
        uint32_t own[GV_LANE_DRAWS];
        gv_random_lane_words(3, GV_STREAM_TEST, first + i, 7, own);
        for (size_t j = 0; j < GV_LANE_DRAWS; j++) {
            assert_int_equal(words[j * STRIDE + i], own[j]);
        }
    }
}

static void the_first_and_the_last_word_are_far_out_and_finite(void **state)
{
    (void)state;
    /* A million: none beyond 6.3, the largest beyond 4.2, as many as theory has beyond 3. */
    static float normals[GV_LANE_DRAWS * STRIDE];
    float largest = 0.0F;
    size_t beyond = 0;
    for (uint64_t block = 0; block < BLOCKS; block++) {
        gv_random_lanes_normal(4, GV_STREAM_TEST, 0, ENTITIES, block, ENTITIES, normals);
        for (size_t i = 0; i < (size_t)GV_LANE_DRAWS * ENTITIES; i++) {
            largest = fmaxf(largest, fabsf(normals[i]));
            beyond += fabsf(normals[i]) > 3.0F;
        }
    }
    const double count = (double)GV_LANE_DRAWS * ENTITIES * BLOCKS;
    const double expected = count * 2.0 * gsl_cdf_ugaussian_Q(3.0);
    assert_true(largest > 4.2F && largest < 6.4F);
    assert_true(fabs((double)beyond - expected) < 4.0 * sqrt(expected));
}

static int rises(const void *a, const void *b)
{
    const float one = *(const float *)a;
    const float other = *(const float *)b;
    return (one > other) - (one < other);
}

/* Kolmogorov and Smirnov: sqrt(n) D is above 1.95 in one of a thousand. */
static void normals_follow_the_normal_law_across_entities_and_draws(void **state)
{
    (void)state;
    static float normals[GV_LANE_DRAWS * STRIDE];
    gv_random_lanes_normal(5, GV_STREAM_TRAFFIC, 0, ENTITIES, 0, ENTITIES, normals);
    const size_t count = (size_t)GV_LANE_DRAWS * ENTITIES;
    double product = 0.0;
    for (size_t i = 0; i < ENTITIES; i++) {
        product += (double)normals[i] * (double)normals[ENTITIES + i];
    }
    assert_true(fabs(product / sqrt((double)ENTITIES)) < 3.5);
    qsort(normals, count, sizeof normals[0], rises);
    double distance = 0.0;
    for (size_t i = 0; i < count; i++) {
        const double share = gsl_cdf_ugaussian_P((double)normals[i]);
        distance = fmax(distance, fabs(share - ((double)i + 0.5) / (double)count));
    }
    assert_true(distance * sqrt((double)count) < 1.95);
}

static void every_path_and_every_cut_gives_the_same_words(void **state)
{
    (void)state;
    static uint32_t whole[GV_LANE_DRAWS * STRIDE];
    static uint32_t other[GV_LANE_DRAWS * STRIDE];
    const uint32_t key[2] = {7, 8};
    const uint64_t first = UINT64_C(0xfffffffe); /* a carry into the high word on the way */
    size_t last = 0;
    while (gv_random_paths[last + 1] != NULL) {
        last++;
    }
    gv_random_paths[last]->words(key, 99, first, ENTITIES, STRIDE, whole);
    for (size_t p = 0; p < last; p++) {
        if (gv_random_paths[p]->is_supported()) {
            memset(other, 0, sizeof other);
            gv_random_paths[p]->words(key, 99, first, 501, STRIDE, other);
            gv_random_paths[p]->words(key, 99, first + 501, ENTITIES - 501, STRIDE, other + 501);
            assert_memory_equal(other, whole, sizeof whole);
        }
    }
}

static void lanes_never_meet_the_single_draws(void **state)
{
    (void)state;
    uint32_t words[GV_LANE_DRAWS];
    gv_random_lane_words(1, GV_STREAM_TEST, 2, 0, words);
    const gv_random key = gv_random_key(1, GV_STREAM_TEST, 2);
    const uint64_t lane = (uint64_t)words[1] << 32 | words[0];
    assert_true(gv_random_bits(&key, 0) != lane);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_normal_is_the_inverse_of_its_words_share),
        cmocka_unit_test(any_count_gives_the_normals_of_a_longer_run),
        cmocka_unit_test(words_of_many_are_those_of_each),
        cmocka_unit_test(the_first_and_the_last_word_are_far_out_and_finite),
        cmocka_unit_test(normals_follow_the_normal_law_across_entities_and_draws),
        cmocka_unit_test(every_path_and_every_cut_gives_the_same_words),
        cmocka_unit_test(lanes_never_meet_the_single_draws),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
