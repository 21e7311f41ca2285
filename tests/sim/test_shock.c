/* A demand shock against the same traffic without one. */
#include <math.h>

#include "traffic_fixture.h"

enum { FROM = 24, TO = 30, PERIODS = 60, COUNT_MAX = 4096 };

static const gv_traffic_type *const types[] = {&gv_traffic_auctionnet, &gv_traffic_poisson};

enum { TYPES = sizeof types / sizeof types[0] };

/* A small period with that shock; NULL: 1. */
static traffic_stage staged(const gv_traffic_type *type, const char *volume, const char *value)
{
    traffic_stage stage;
    traffic_stage_init(&stage, type);
    traffic_stage_try(&stage, "opportunities", "12000");
    traffic_stage_try(&stage, "rate", "12000");
    traffic_stage_set(&stage, "shock_from", "24");
    traffic_stage_set(&stage, "shock_to", "30");
    traffic_stage_set(&stage, "shock_volume", volume == NULL ? "1" : volume);
    traffic_stage_set(&stage, "shock_value", value == NULL ? "1" : value);
    return stage;
}

static gv_traffic *open(traffic_stage *stage)
{
    stage->setup.config = stage->config;
    stage->setup.categories = stage->categories;
    return traffic_stage_open(stage);
}

static float values[TRAFFIC_ADVERTISERS * COUNT_MAX];
static float other_values[TRAFFIC_ADVERTISERS * COUNT_MAX];

static size_t load(const gv_traffic *traffic, size_t tick, float *into)
{
    const gv_traffic_piece piece = {.tick = tick,
                                    .first = gv_traffic_before(traffic, tick),
                                    .count = (size_t)gv_traffic_count(traffic, tick),
                                    .advertiser_count = TRAFFIC_ADVERTISERS};
    assert_true(piece.count <= COUNT_MAX);
    memset(into, 0, sizeof values);
    gv_traffic_values(traffic, &piece, COUNT_MAX, into);
    return piece.count;
}

static void assert_same_times(const gv_traffic *a, const gv_traffic *b, size_t tick, size_t count)
{
    static int64_t times[COUNT_MAX];
    static int64_t other[COUNT_MAX];
    gv_traffic_times(a, tick, gv_traffic_before(a, tick), count, times);
    gv_traffic_times(b, tick, gv_traffic_before(b, tick), count, other);
    assert_memory_equal(times, other, count * sizeof *times);
}

static void assert_same(const gv_traffic *a, const gv_traffic *b)
{
    for (size_t tick = 0; tick < TRAFFIC_TICKS; tick++) {
        const size_t count = load(a, tick, values);
        assert_int_equal(load(b, tick, other_values), count);
        assert_memory_equal(values, other_values, sizeof values);
        assert_same_times(a, b, tick, count);
    }
}

static void a_shock_of_one_and_a_calm_period_change_nothing(void **state)
{
    (void)state;
    for (size_t t = 0; t < TYPES; t++) {
        traffic_stage plain = staged(types[t], NULL, NULL);
        traffic_stage_set(&plain, "shock_from", "auto");
        traffic_stage_set(&plain, "shock_to", "auto");
        traffic_stage one = staged(types[t], NULL, NULL);
        traffic_stage calm = staged(types[t], "3", "2");
        calm.setup.is_calm = true;
        gv_traffic *traffic = open(&plain);
        gv_traffic *others[] = {open(&one), open(&calm)};
        for (size_t i = 0; i < 2; i++) {
            assert_same(traffic, others[i]);
            gv_traffic_destroy(others[i]);
        }
        gv_traffic_destroy(traffic);
    }
}

/* Twice the value is twice each value to the bit, where nothing is cut; elsewhere the same. */
static void a_shock_of_values_doubles_them_in_its_ticks_alone(void **state)
{
    (void)state;
    for (size_t t = 0; t < TYPES; t++) {
        traffic_stage plain = staged(types[t], NULL, NULL);
        traffic_stage shocked = staged(types[t], NULL, "2");
        gv_traffic *traffic = open(&plain);
        gv_traffic *other = open(&shocked);
        for (size_t tick = 0; tick < TRAFFIC_TICKS; tick++) {
            const float factor = tick >= FROM && tick < TO ? 2.0F : 1.0F;
            const size_t count = load(traffic, tick, values);
            assert_int_equal(load(other, tick, other_values), count);
            for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
                assert_true(other_values[i] == factor * values[i]);
            }
            assert_same_times(traffic, other, tick, count);
        }
        gv_traffic_destroy(traffic);
        gv_traffic_destroy(other);
    }
}

/* AuctionNet's counts are whole numbers cut from a share, so twice them is within one. */
static void a_shock_of_the_volume_doubles_counts_in_its_ticks_alone(void **state)
{
    (void)state;
    traffic_stage plain = staged(&gv_traffic_auctionnet, NULL, NULL);
    traffic_stage shocked = staged(&gv_traffic_auctionnet, "2", NULL);
    traffic_stage none = staged(&gv_traffic_auctionnet, "0", NULL);
    gv_traffic *traffic = open(&plain);
    gv_traffic *other = open(&shocked);
    gv_traffic *empty = open(&none);
    for (size_t tick = 0; tick < TRAFFIC_TICKS; tick++) {
        const uint64_t count = gv_traffic_count(traffic, tick);
        const bool is_in = tick >= FROM && tick < TO;
        assert_in_range(gv_traffic_count(other, tick), is_in ? 2 * count : count,
                        is_in ? 2 * count + 1 : count);
        assert_int_equal(gv_traffic_count(empty, tick), is_in ? 0 : count);
    }
    gv_traffic_destroy(traffic);
    gv_traffic_destroy(other);
    gv_traffic_destroy(empty);
}

/* Sums of Poisson counts are Poisson, too: their deviation is their root. */
static void poisson_arrivals_come_at_twice_the_rate_in_the_shock(void **state)
{
    (void)state;
    traffic_stage stage = staged(&gv_traffic_poisson, "2.5", NULL);
    const double each = 12000.0 / TRAFFIC_TICKS * PERIODS;
    double inside = 0.0;
    double outside = 0.0;
    for (uint64_t period = 0; period < PERIODS; period++) {
        stage.setup.period = period;
        gv_traffic *traffic = open(&stage);
        for (size_t tick = 0; tick < TRAFFIC_TICKS; tick++) {
            double *sum = tick >= FROM && tick < TO ? &inside : &outside;
            *sum += (double)gv_traffic_count(traffic, tick);
        }
        gv_traffic_destroy(traffic);
    }
    const double expected = each * 2.5 * (TO - FROM);
    const double others = each * (TRAFFIC_TICKS - (TO - FROM));
    assert_true(fabs(inside - expected) < 5.0 * sqrt(expected));
    assert_true(fabs(outside - others) < 5.0 * sqrt(others));
}

static void impossible_shocks_are_refused_in_a_sentence(void **state)
{
    (void)state;
    static const struct {
        const char *from;
        const char *to;
        const char *volume;
        const char *words;
    } bad[] = {
        {"auto", "auto", "2", "no beginning: give shock_from"},
        {"auto", "30", "1", "no beginning"},
        {"48", "auto", "2", "shock_from is 48, expected a tick of the period: 0 to 47"},
        {"24", "24", "2", "shock_to is 24, expected one of 25 to 48"},
        {"24", "3", "2", "shock_to is 3"},
        {"24", "49", "2", "shock_to is 49"},
    };
    for (size_t t = 0; t < TYPES; t++) {
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
            traffic_stage stage = staged(types[t], bad[i].volume, NULL);
            traffic_stage_set(&stage, "shock_from", bad[i].from);
            traffic_stage_set(&stage, "shock_to", bad[i].to);
            stage.setup.config = stage.config;
            stage.setup.categories = stage.categories;
            traffic_stage_refused(&stage, GV_EINVAL, bad[i].words);
        }
    }
    /* A log has the rows that it has. */
    assert_null(gv_param_find(gv_traffic_log.info.params, "shock_volume"));
    assert_non_null(gv_param_find(gv_traffic_log.info.params, "shock_value"));
    traffic_stage stage;
    traffic_stage_init(&stage, &gv_traffic_log);
    assert_int_equal(gv_traffic_check(stage.type, stage.config, TRAFFIC_TICKS), GV_OK);
    traffic_stage_set(&stage, "shock_value", "2");
    traffic_stage_refused(&stage, GV_EINVAL, "no beginning");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_shock_of_one_and_a_calm_period_change_nothing),
        cmocka_unit_test(a_shock_of_values_doubles_them_in_its_ticks_alone),
        cmocka_unit_test(a_shock_of_the_volume_doubles_counts_in_its_ticks_alone),
        cmocka_unit_test(poisson_arrivals_come_at_twice_the_rate_in_the_shock),
        cmocka_unit_test(impossible_shocks_are_refused_in_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
