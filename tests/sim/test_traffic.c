/* AuctionNet's traffic: counts and values against its law, its bits, and users' response. */
#include <math.h>

#include "cmocka_all.h"
#include "sim/base/clock.h"
#include "sim/base/hash.h"
#include "sim/market/response.h"
#include "sim/market/traffic.h"

enum { ADVERTISERS = 48, TICKS = 48, PERIODS = 40, PIECE = 1000 };

#define TICK_US (30 * GV_US_PER_MINUTE)

static uint32_t categories[ADVERTISERS];

static int set_categories(void **state)
{
    (void)state;
    for (uint32_t a = 0; a < ADVERTISERS; a++) {
        categories[a] = a / 8;
    }
    return 0;
}

static gv_traffic *open_period(void *config, uint64_t period)
{
    gv_param_defaults(gv_traffic_auctionnet.info.params, config);
    const gv_traffic_setup setup = {
        .config = config,
        .seed = 21,
        .period = period,
        .tick_us = TICK_US,
        .tick_count = TICKS,
        .advertiser_count = ADVERTISERS,
        .categories = categories,
    };
    gv_traffic *traffic = NULL;
    assert_int_equal(gv_traffic_create(&gv_traffic_auctionnet, &setup, &traffic), GV_OK);
    return traffic;
}

/* Counts: half a million but for rounding, and the hourly shape within its blocks' factors. */
static void traffic_adds_up_and_has_the_hourly_shape(void **state)
{
    (void)state;
    unsigned char config[1024] = {0};
    double evening = 0.0;
    double night = 0.0;
    for (uint64_t period = 0; period < PERIODS; period++) {
        gv_traffic *traffic = open_period(config, period);
        const uint64_t all = gv_traffic_before(traffic, TICKS);
        assert_true(all <= 500000 && all > 500000 - TICKS);
        evening += (double)gv_traffic_count(traffic, 18);
        night += (double)gv_traffic_count(traffic, 7);
        gv_traffic_destroy(traffic);
    }
    /* 38.1 and 3.0 per mille, each with a factor of standard deviation 0.23 over 40 periods. */
    assert_true(fabs(evening / PERIODS / 500.0 - 38.1) < 4.0 * 38.1 * 0.23 / sqrt(PERIODS));
    assert_true(fabs(night / PERIODS / 500.0 - 3.03) < 4.0 * 3.03 * 0.23 / sqrt(PERIODS));
}

/* values: [ADVERTISERS][count]. */
static void load(const gv_traffic *traffic, size_t tick, uint64_t first, size_t count,
                 float *values)
{
    const gv_traffic_piece piece = {
        .tick = tick, .first = first, .count = count, .advertiser_count = ADVERTISERS};
    gv_traffic_values(traffic, &piece, count, values);
}

/* Mean 0.0005 over advertisers, ticks and periods: spread 0.40 by category, 0.29 by advertiser. */
static void values_have_the_mean_and_the_spread_of_their_law(void **state)
{
    (void)state;
    unsigned char config[1024] = {0};
    static float values[ADVERTISERS * PIECE];
    double sum = 0.0;
    double ratio = 0.0;
    size_t cells = 0;
    for (uint64_t period = 0; period < PERIODS; period++) {
        gv_traffic *traffic = open_period(config, period);
        for (size_t tick = 4; tick < TICKS; tick += 8) {
            const uint64_t first = gv_traffic_before(traffic, tick);
            load(traffic, tick, first, PIECE, values);
            for (size_t a = 0; a < ADVERTISERS; a++) {
                double mean = 0.0;
                double square = 0.0;
                for (size_t i = 0; i < PIECE; i++) {
                    const double value = (double)values[a * PIECE + i];
                    assert_true(value >= 0.0 && value <= 1.0);
                    mean += value / PIECE;
                    square += value * value / PIECE;
                }
                sum += mean;
                ratio += sqrt(square - mean * mean) / mean;
                cells++;
            }
        }
        gv_traffic_destroy(traffic);
    }
    /*
     * A normal of ratio r, cut at 0, has mean and deviation a little off mean and r: at r = 0.5
     * they are 1.0042 and 0.489. Categories are the independent units: 6 x 6 blocks x 40 periods.
     */
    const double blocks = 6.0 * 6.0 * PERIODS;
    assert_true(fabs(sum / (double)cells / 0.0005 - 1.008) < 4.0 * 0.42 / sqrt(blocks));
    assert_true(fabs(ratio / (double)cells - 0.485) < 0.02);
}

static gv_response *open_response(const gv_traffic *traffic, bool cascade)
{
    const gv_response_config config = {
        .slot_count = 3, .exposure = {1.0, 0.8, 0.6}, .cascade = cascade};
    gv_response *response = NULL;
    assert_int_equal(gv_response_create(&config, traffic, 21, 2, ADVERTISERS, &response), GV_OK);
    return response;
}

/* 1, 0.8 and 0.6; with the cascade the third is seen 0.48 of the time, only below a second. */
static void slots_are_seen_as_often_as_they_should(void **state)
{
    (void)state;
    enum { COUNT = 100000 };
    unsigned char config[1024] = {0};
    gv_traffic *traffic = open_period(config, 2);
    for (int cascade = 0; cascade < 2; cascade++) {
        gv_response *response = open_response(traffic, cascade != 0);
        size_t seen[3] = {0};
        for (uint64_t i = 0; i < COUNT; i++) {
            const uint32_t bits = gv_response_seen(response, i);
            for (size_t slot = 0; slot < 3; slot++) {
                seen[slot] += bits >> slot & 1;
            }
            assert_true(cascade == 0 || (bits & 4) == 0 || (bits & 2) != 0);
        }
        const double third = cascade != 0 ? 0.48 : 0.6;
        assert_int_equal(seen[0], COUNT);
        assert_true(fabs((double)seen[1] - 0.8 * COUNT) < 4.0 * sqrt(0.16 * COUNT));
        assert_true(fabs((double)seen[2] - third * COUNT) < 4.0 * sqrt(0.25 * COUNT));
        gv_response_destroy(response);
    }
    gv_traffic_destroy(traffic);
}

/* Conversions come at the rate of the true probabilities, which keep their bias all period. */
static void users_convert_at_their_true_probability(void **state)
{
    (void)state;
    enum { COUNT = 40000 };
    unsigned char config[1024] = {0};
    gv_traffic *traffic = open_period(config, 2);
    gv_response *response = open_response(traffic, true);
    const double value = 0.2;
    double bias_spread = 0.0;
    for (uint32_t a = 0; a < 6; a++) {
        double expected = 0.0;
        size_t conversions = 0;
        for (uint64_t i = 0; i < COUNT; i++) {
            int64_t delay_us = -1;
            const double truth = gv_response_probability(response, i, a, value);
            assert_true(fabs(truth - value) <= 2.0 * 0.3 * value + 1e-12);
            expected += truth;
            conversions += gv_response_converts(response, i, a, value, &delay_us);
        }
        assert_true(fabs((double)conversions - expected) < 4.0 * sqrt(expected));
        bias_spread += fabs(expected / COUNT / value - 1.0);
    }
    assert_true(bias_spread > 0.01);
    gv_response_destroy(response);
    gv_traffic_destroy(traffic);
}

static void hash_tick(const gv_traffic *traffic, size_t tick, gv_hasher *hasher)
{
    static float values[ADVERTISERS * PIECE];
    static int64_t times[PIECE];
    const uint64_t first = gv_traffic_before(traffic, tick);
    const size_t count = (size_t)gv_traffic_count(traffic, tick) % PIECE;
    load(traffic, tick, first, count, values);
    gv_traffic_times(traffic, tick, first, count, times);
    gv_hasher_add(hasher, &first, sizeof first);
    gv_hasher_add(hasher, times, count * sizeof *times);
    gv_hasher_add(hasher, values, ADVERTISERS * count * sizeof *values);
    for (uint32_t a = 0; a < ADVERTISERS; a++) {
        const double sigma = gv_traffic_sigma(traffic, first, a, 0.5);
        gv_hasher_add(hasher, &sigma, sizeof sigma);
    }
}

/* Recorded when the law was written: a seed's market stays what it was. */
static void auctionnet_keeps_its_bits(void **state)
{
    (void)state;
    unsigned char config[1024] = {0};
    gv_hasher *hasher = gv_hasher_create();
    assert_non_null(hasher);
    for (uint64_t period = 0; period < 3; period++) {
        gv_traffic *traffic = open_period(config, period);
        for (size_t tick = 0; tick < TICKS; tick++) {
            hash_tick(traffic, tick, hasher);
        }
        gv_traffic_destroy(traffic);
    }
    assert_int_equal(gv_hasher_value(hasher), UINT64_C(0xc783d69236084227));
    gv_hasher_destroy(hasher);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(traffic_adds_up_and_has_the_hourly_shape),
        cmocka_unit_test(values_have_the_mean_and_the_spread_of_their_law),
        cmocka_unit_test(slots_are_seen_as_often_as_they_should),
        cmocka_unit_test(users_convert_at_their_true_probability),
        cmocka_unit_test(auctionnet_keeps_its_bits),
    };
    return cmocka_run_group_tests(tests, set_categories, NULL);
}
