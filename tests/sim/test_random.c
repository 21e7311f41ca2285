/* Known answers, every path against the single draw, accuracy, and the shape of the key. */
#include "test_random.h"

#include <gsl/gsl_cdf.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "cmocka_all.h"
#include "sim/base/random.h"
#include "sim/base/random_impl.h"

enum { LONG = 1500, CASES = 300, DRAWS = 200000 };

static void known_answers_of_random123(void **state)
{
    (void)state;
    /* DEShawResearch/random123, tests/kat_vectors, the lines of philox4x32 with 10 rounds. */
    static const struct {
        uint32_t counter[4];
        uint32_t key[2];
        uint32_t answer[4];
    } vectors[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        uint32_t out[4];
        gv_philox_4x32_10(vectors[i].counter, vectors[i].key, out);
        assert_memory_equal(out, vectors[i].answer, sizeof out);
    }
}

/* The layout of random.h, spelled out once more: it is part of every stored result. */
static void draws_are_halves_of_the_keyed_block(void **state)
{
    (void)state;
    const uint64_t seed = UINT64_C(0x0123456789abcdef);
    const uint64_t entity = UINT64_C(0xfedcba9876543210);
    const uint64_t index = UINT64_C(0xffffffffffff57);
    const gv_random random = gv_random_key(seed, GV_STREAM_CLICK, entity);
    const uint32_t counter[4] = {0x76543210, 0xfedcba98, 0xffffffab, 0x067fffff};
    const uint32_t key[2] = {0x89abcdef, 0x01234567};
    uint32_t out[4];
    gv_philox_4x32_10(counter, key, out);
    assert_int_equal(gv_random_bits(&random, index - 1), out[0] | (uint64_t)out[1] << 32);
    assert_int_equal(gv_random_bits(&random, index), out[2] | (uint64_t)out[3] << 32);
}

static gv_random any_key(test_random *random)
{
    const uint64_t seed = (uint64_t)test_random_below(random, 1 << 30);
    const uint64_t entity = (uint64_t)test_random_below(random, INT64_MAX) << 1;
    return gv_random_key(seed, GV_STREAM_TEST, entity);
}

/* Small, about 2^32 blocks (a carry between counter words), or near the end. */
static uint64_t any_first(test_random *random)
{
    static const uint64_t bases[] = {0, (UINT64_C(1) << 33) - LONG,
                                     GV_RANDOM_INDEX_END - UINT64_C(2) * LONG};
    const uint64_t base = bases[test_random_below(random, 3)];
    return base + (uint64_t)test_random_below(random, LONG);
}

static void check_transforms(const gv_random_path *path, const uint64_t *bits, size_t count)
{
    static double out[LONG];
    path->uniform(bits, count, out);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(bits_of_double(out[i]), bits_of_double(uniform_of_bits(bits[i])));
    }
    path->exponential(bits, count, out);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(bits_of_double(out[i]), bits_of_double(exponential_of_bits(bits[i])));
    }
    path->normal(bits, count, out);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(bits_of_double(out[i]), bits_of_double(normal_of_bits(bits[i])));
    }
}

static void every_path_equals_the_single_draw(void **state)
{
    (void)state;
    static uint64_t bits[LONG];
    test_random random = test_random_seeded();
    for (const gv_random_path *const *path = gv_random_paths; *path != NULL; path++) {
        printf("path %s: %s\n", (*path)->name, (*path)->is_supported() ? "run" : "not here");
        for (int i = 0; i < CASES && (*path)->is_supported(); i++) {
            const gv_random key = any_key(&random);
            const uint64_t first = any_first(&random);
            const size_t count = (size_t)test_random_below(&random, i < CASES / 2 ? 40 : LONG);
            gv_random_path_bits(*path, &key, first, count, bits);
            for (size_t j = 0; j < count; j++) {
                assert_int_equal(bits[j], gv_random_bits(&key, first + j));
            }
            check_transforms(*path, bits, count);
        }
    }
}

/* Bits that no sample reaches: both ends, the centre, the borders of the normal's regions. */
static void every_path_agrees_on_extreme_bits(void **state)
{
    (void)state;
    static const uint64_t corners[] = {0,
                                       UINT64_MAX,
                                       UINT64_C(1) << 63,
                                       UINT64_C(1) << 11,
                                       UINT64_C(0x1333333333333000), /* p = 0.075 */
                                       UINT64_C(0xeccccccccccccfff),
                                       UINT64_C(256214531)};
    enum { CORNERS = sizeof corners / sizeof corners[0], NEAR = 64, EXTREMES = CORNERS * NEAR };
    static uint64_t bits[EXTREMES];
    for (uint64_t i = 0; i < EXTREMES; i++) {
        bits[i] = corners[i / NEAR] + ((i % NEAR - NEAR / 2) << 11);
    }
    for (const gv_random_path *const *path = gv_random_paths; *path != NULL; path++) {
        if ((*path)->is_supported()) {
            check_transforms(*path, bits, EXTREMES);
        }
    }
}

static void check_each(const gv_random_path *path, const uint64_t *entities, const uint64_t *blocks,
                       size_t count)
{
    static uint64_t bits[LONG];
    const gv_random any = gv_random_key(77, GV_STREAM_CLICK, 0);
    path->each(&any, entities, blocks, count, bits);
    for (size_t i = 0; i < count; i++) {
        const gv_random own = gv_random_key(77, GV_STREAM_CLICK, entities[i]);
        assert_int_equal(bits[i], gv_random_bits(&own, blocks == NULL ? 0 : 2 * blocks[i]));
    }
}

static void every_path_draws_each_entity_alike(void **state)
{
    (void)state;
    static uint64_t entities[LONG];
    static uint64_t blocks[LONG];
    static double uniforms[2][LONG];
    test_random random = test_random_seeded();
    for (size_t i = 0; i < LONG; i++) {
        entities[i] = (uint64_t)test_random_below(&random, INT64_MAX);
        blocks[i] = (uint64_t)test_random_below(&random, (int64_t)(GV_RANDOM_INDEX_END / 2));
    }
    for (const gv_random_path *const *path = gv_random_paths; *path != NULL; path++) {
        for (size_t count = LONG - 9; count < LONG && (*path)->is_supported(); count++) {
            check_each(*path, entities, NULL, count);
            check_each(*path, entities, blocks, count);
        }
    }
    gv_random_each_uniform(77, GV_STREAM_CLICK, entities, LONG, uniforms[0]);
    gv_random_each_uniform_at(77, GV_STREAM_CLICK, entities, blocks, LONG, uniforms[1]);
    for (size_t i = 0; i < LONG; i++) {
        const gv_random own = gv_random_key(77, GV_STREAM_CLICK, entities[i]);
        assert_true(uniforms[0][i] == gv_random_uniform(&own, 0));
        assert_true(uniforms[1][i] == gv_random_uniform(&own, 2 * blocks[i]));
    }
}

static void fills_equal_single_draws_from_any_first(void **state)
{
    (void)state;
    static uint64_t bits[LONG];
    static double uniform[LONG];
    static double normal[LONG];
    static double exponential[LONG];
    const gv_random random = gv_random_key(1, GV_STREAM_TEST, 2);
    for (uint64_t first = 5; first < 8; first++) {
        gv_random_fill_bits(&random, first, LONG, bits);
        gv_random_fill_uniform(&random, first, LONG, uniform);
        gv_random_fill_normal(&random, first, LONG, normal);
        gv_random_fill_exponential(&random, first, LONG, exponential);
        for (uint64_t i = 0; i < LONG; i++) {
            assert_int_equal(bits[i], gv_random_bits(&random, first + i));
            assert_true(uniform[i] == gv_random_uniform(&random, first + i));
            assert_true(normal[i] == gv_random_normal(&random, first + i));
            assert_true(exponential[i] == gv_random_exponential(&random, first + i));
        }
    }
}

static void fills_of_nothing_write_nothing(void **state)
{
    (void)state;
    const gv_random random = gv_random_key(1, GV_STREAM_TEST, 2);
    double out = 7.0;
    gv_random_fill_uniform(&random, 3, 0, &out);
    gv_random_fill_normal(&random, 3, 0, &out);
    gv_random_each_uniform(1, GV_STREAM_TEST, NULL, 0, &out);
    assert_true(out == 7.0);
}

/* Against GSL's own AS 241 and the distribution function back again. */
static void normal_is_the_inverse_of_its_distribution(void **state)
{
    (void)state;
    const gv_random random = gv_random_key(3, GV_STREAM_TEST, 0);
    double worst = 0.0;
    for (uint64_t i = 0; i < DRAWS; i++) {
        /* Every size of p from 1/2, where p is exact, down to 2^-53. */
        const uint64_t bits = gv_random_bits(&random, i) >> (1 + i % 53);
        const double p = (double_of_53_bits(bits >> 11) + 0.5) * 0x1p-53;
        const double expected = gsl_cdf_ugaussian_Pinv(p);
        const double error = fabs(normal_of_bits(bits) - expected) / fmax(fabs(expected), 1e-3);
        worst = fmax(worst, error);
        assert_true(normal_of_bits(~bits) == -normal_of_bits(bits));
    }
    printf("normal: worst relative difference from gsl_cdf_ugaussian_Pinv %.2g\n", worst);
    assert_true(worst < 2e-15);
}

/* The smallest p's, where a library working from p near 1 would be blind. */
static void normal_reaches_the_far_tail(void **state)
{
    (void)state;
    for (uint64_t k = 0; k < 100; k++) {
        const double p = ((double)k + 0.5) * 0x1p-53;
        const double expected = gsl_cdf_ugaussian_Pinv(p);
        assert_true(fabs(normal_of_bits(k << 11) - expected) < 2e-15 * fabs(expected));
    }
    assert_true(normal_of_bits(0) < -8.2);
    assert_true(normal_of_bits(0) > -8.3);
}

static double units_in_the_last_place(double value, double expected)
{
    return fabs(value - expected) / (nextafter(fabs(expected), INFINITY) - fabs(expected));
}

static void logarithm_is_within_one_unit(void **state)
{
    (void)state;
    const gv_random random = gv_random_key(4, GV_STREAM_TEST, 0);
    double worst = 0.0;
    for (uint64_t i = 0; i < DRAWS; i++) {
        const uint64_t k = (gv_random_bits(&random, i) >> 11 >> i % 53) + 1;
        const double small = (double)k * 0x1p-53;
        const double near_one = 1.0 - small * 0.5;
        worst = fmax(worst, units_in_the_last_place(log_of(small), log(small)));
        worst = fmax(worst, units_in_the_last_place(log_of(near_one), log(near_one)));
    }
    printf("log: worst difference from libm %.2f units in the last place\n", worst);
    assert_true(worst <= 1.0);
    assert_true(log_of(1.0) == 0.0);
}

static void exponential_has_its_ends(void **state)
{
    (void)state;
    assert_true(exponential_of_bits(0) == 0.0);
    assert_false(signbit(exponential_of_bits(0)));
    assert_true(fabs(exponential_of_bits(UINT64_MAX) - 53.0 * log(2.0)) < 1e-14);
    assert_true(uniform_of_bits(0) == 0.0);
    assert_true(uniform_of_bits(UINT64_MAX) == 1.0 - 0x1p-53);
}

static void exponential_rises_with_the_uniform(void **state)
{
    (void)state;
    const gv_random random = gv_random_key(9, GV_STREAM_TEST, 0);
    for (uint64_t i = 0; i < 20000; i++) {
        const double u = gv_random_uniform(&random, i);
        const double v = gv_random_uniform(&random, i + 1);
        const double x = gv_random_exponential(&random, i);
        const double y = gv_random_exponential(&random, i + 1);
        assert_true(u < v ? x <= y : x >= y);
    }
}

static void below_is_the_high_half_of_the_product(void **state)
{
    (void)state;
    const gv_random random = gv_random_key(5, GV_STREAM_TEST, 0);
    static const uint64_t bounds[] = {
        1, 2, 10, UINT32_MAX, UINT64_C(1) << 32, (UINT64_C(1) << 63) + 12345, UINT64_MAX};
    for (uint64_t i = 0; i < 7000; i++) {
        const uint64_t bound = bounds[i % 7];
        __extension__ const unsigned __int128 wide = gv_random_bits(&random, i);
        assert_int_equal(gv_random_below(&random, i, bound), (uint64_t)(wide * bound >> 64));
        assert_true(gv_random_below(&random, i, bound) < bound);
    }
}

static void bernoulli_is_the_uniform_below_the_probability(void **state)
{
    (void)state;
    const gv_random random = gv_random_key(6, GV_STREAM_TEST, 0);
    for (uint64_t i = 0; i < 1000; i++) {
        const double u = gv_random_uniform(&random, i);
        assert_false(gv_random_bernoulli(&random, i, u));
        assert_true(gv_random_bernoulli(&random, i, nextafter(u, 1.0)));
        assert_false(gv_random_bernoulli(&random, i, 0.0));
        assert_true(gv_random_bernoulli(&random, i, 1.0));
    }
}

static int compare_bits(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/*
 * Neighbours in every coordinate of the key at once. 64-bit draws of 2^16 distinct keys would
 * coincide by luck with probability 2^-33.
 */
static void neighbouring_keys_never_draw_the_same(void **state)
{
    (void)state;
    static uint64_t draws[16 * 16 * 16 * 11];
    size_t count = 0;
    for (uint64_t i = 0; i < UINT64_C(16) * 16 * 16 * 11; i++) {
        const uint64_t seed = i % 16;
        const uint64_t entity = i / 16 % 16;
        const uint64_t index = i / 256 % 16;
        const gv_random random = gv_random_key(seed, (gv_stream)(1 + i / 4096), entity);
        draws[count++] = gv_random_bits(&random, index);
    }
    qsort(draws, count, sizeof draws[0], compare_bits);
    for (size_t i = 1; i < count; i++) {
        assert_true(draws[i - 1] < draws[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers_of_random123),
        cmocka_unit_test(draws_are_halves_of_the_keyed_block),
        cmocka_unit_test(every_path_equals_the_single_draw),
        cmocka_unit_test(every_path_agrees_on_extreme_bits),
        cmocka_unit_test(every_path_draws_each_entity_alike),
        cmocka_unit_test(fills_equal_single_draws_from_any_first),
        cmocka_unit_test(fills_of_nothing_write_nothing),
        cmocka_unit_test(normal_is_the_inverse_of_its_distribution),
        cmocka_unit_test(normal_reaches_the_far_tail),
        cmocka_unit_test(logarithm_is_within_one_unit),
        cmocka_unit_test(exponential_has_its_ends),
        cmocka_unit_test(exponential_rises_with_the_uniform),
        cmocka_unit_test(below_is_the_high_half_of_the_product),
        cmocka_unit_test(bernoulli_is_the_uniform_below_the_probability),
        cmocka_unit_test(neighbouring_keys_never_draw_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
