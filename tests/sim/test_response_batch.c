/* What users do, drawn for many opportunities at once, is what single calls say. */
#include "cmocka_all.h"
#include "sim/base/clock.h"
#include "sim/market/response.h"
#include "test_random.h"

enum { ADVERTISERS = 9, COUNT = 700, SLOTS_MANY = 7 };

static unsigned char config[1024];
static uint32_t categories[ADVERTISERS];
static gv_traffic *traffic;

static int open_traffic(void **state)
{
    (void)state;
    gv_param_defaults(gv_traffic_auctionnet.info.params, config);
    const gv_traffic_setup setup = {
        .config = config,
        .seed = 21,
        .period = 2,
        .tick_us = GV_US_PER_MINUTE,
        .tick_count = 1,
        .advertiser_count = ADVERTISERS,
        .categories = categories,
    };
    return gv_traffic_create(&gv_traffic_auctionnet, &setup, &traffic) == GV_OK ? 0 : 1;
}

static int close_traffic(void **state)
{
    (void)state;
    gv_traffic_destroy(traffic);
    return 0;
}

static gv_response *respond(size_t slot_count, bool cascade)
{
    gv_response_config law = {.slot_count = slot_count, .cascade = cascade};
    for (size_t slot = 0; slot < slot_count; slot++) {
        law.exposure[slot] = slot == 0 ? 1.0 : slot == 4 ? 0.0 : 0.9 - 0.1 * (double)slot;
    }
    gv_response *response = NULL;
    assert_int_equal(gv_response_create(&law, traffic, 21, 2, ADVERTISERS, &response), GV_OK);
    return response;
}

static void what_is_seen_is_the_same_for_many_as_for_one(void **state)
{
    (void)state;
    const size_t counts[] = {1, 3, SLOTS_MANY};
    static uint32_t seen[COUNT];
    for (size_t c = 0; c < 2 * sizeof counts / sizeof counts[0]; c++) {
        gv_response *response = respond(counts[c / 2], c % 2 == 0);
        gv_response_seen_all(response, 12345, COUNT, seen);
        for (size_t i = 0; i < COUNT; i++) {
            assert_int_equal(seen[i], gv_response_seen(response, 12345 + i));
        }
        gv_response_destroy(response);
    }
}

/* Values up to 1, so that many convert. */
static void who_converts_is_the_same_for_many_as_for_one(void **state)
{
    (void)state;
    static uint32_t advertisers[COUNT];
    static double luck[COUNT];
    test_random random = test_random_seeded();
    gv_response *response = respond(3, true);
    size_t conversions = 0;
    for (size_t i = 0; i < COUNT; i++) {
        advertisers[i] = (uint32_t)test_random_below(&random, ADVERTISERS);
    }
    gv_response_luck_all(response, 12345, COUNT, advertisers, luck);
    for (size_t i = 0; i < COUNT; i++) {
        const double value = (double)test_random_below(&random, 1000) / 1000.0;
        int64_t many_us = -1;
        int64_t one_us = -1;
        const bool many =
            gv_response_converts_by(response, 12345 + i, advertisers[i], value, luck[i], &many_us);
        const bool one = gv_response_converts(response, 12345 + i, advertisers[i], value, &one_us);
        assert_int_equal(many, one);
        assert_int_equal(many_us, one_us);
        assert_true(
            one == (luck[i] < gv_response_probability(response, 12345 + i, advertisers[i], value)));
        conversions += one ? 1 : 0;
    }
    assert_in_range(conversions, COUNT / 3, COUNT * 2 / 3);
    gv_response_destroy(response);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_seen_is_the_same_for_many_as_for_one),
        cmocka_unit_test(who_converts_is_the_same_for_many_as_for_one),
    };
    return cmocka_run_group_tests(tests, open_traffic, close_traffic);
}
