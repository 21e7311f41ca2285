/* Parameter tables: what is read, what is refused and why, and printing that reads back. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "sim/base/clock.h"
#include "sim/base/money.h"
#include "sim/base/param.h"
#include "test_random.h"

typedef struct everything {
    int64_t count;
    double gain;
    int64_t cap;
    int64_t pace;
    int64_t start;
    bool is_on;
    int32_t shape;
    const char *label;
    double fitted;
    int64_t spend;
} everything;

static const char *const shapes[] = {"flat", "linear", "cubic", NULL};

static const gv_param rows[] = {
    {.name = "count",
     .kind = GV_PARAM_INTEGER,
     .fallback = "3",
     .minimum = 1,
     .maximum = 9,
     .offset = offsetof(everything, count),
     .help = "How many."},
    {.name = "gain",
     .kind = GV_PARAM_REAL,
     .fallback = "1/4",
     .minimum = 0,
     .maximum = HUGE_VAL,
     .offset = offsetof(everything, gain),
     .help = "How strongly."},
    {.name = "cap",
     .kind = GV_PARAM_MONEY,
     .unit = "CPM",
     .fallback = "auto",
     .minimum = 0,
     .maximum = 300,
     .offset = offsetof(everything, cap),
     .help = "Highest bid."},
    {.name = "pace",
     .kind = GV_PARAM_DURATION,
     .fallback = "30 min",
     .minimum = 1,
     .maximum = 86400,
     .offset = offsetof(everything, pace),
     .help = "How often."},
    {.name = "start",
     .kind = GV_PARAM_TIME,
     .fallback = "auto",
     .offset = offsetof(everything, start),
     .help = "When."},
    {.name = "is_on",
     .kind = GV_PARAM_SWITCH,
     .fallback = "off",
     .offset = offsetof(everything, is_on),
     .help = "Whether."},
    {.name = "shape",
     .kind = GV_PARAM_CHOICE,
     .fallback = "linear",
     .choices = shapes,
     .offset = offsetof(everything, shape),
     .help = "Which."},
    {.name = "label",
     .kind = GV_PARAM_TEXT,
     .offset = offsetof(everything, label),
     .help = "What."},
    {.name = "fitted",
     .kind = GV_PARAM_REAL,
     .fallback = "auto",
     .offset = offsetof(everything, fitted),
     .help = "Learnt."},
    {.name = "spend",
     .kind = GV_PARAM_MONEY,
     .unit = "currency",
     .fallback = "auto",
     .offset = offsetof(everything, spend),
     .help = "Spent."},
    {0},
};

static const gv_param *row(const char *name)
{
    const gv_param *found = gv_param_find(rows, name);
    assert_non_null(found);
    return found;
}

static void defaults_are_what_the_rows_spell(void **state)
{
    (void)state;
    everything config = {0};
    gv_param_defaults(rows, &config);
    assert_int_equal(config.count, 3);
    assert_true(config.gain == 0.25);
    assert_true(config.cap == GV_PARAM_UNSET);
    assert_int_equal(config.pace, 30 * GV_US_PER_MINUTE);
    assert_true(config.start == GV_PARAM_UNSET);
    assert_false(config.is_on);
    assert_int_equal(config.shape, 1);
    assert_null(config.label);
    assert_true(isnan(config.fitted));
    assert_false(gv_param_is_set(row("label"), &config));
    assert_false(gv_param_is_set(row("fitted"), &config));
    assert_true(gv_param_is_set(row("is_on"), &config));
}

static void units_and_zones_are_understood(void **state)
{
    (void)state;
    everything config = {0};
    assert_int_equal(gv_param_parse(row("cap"), "12.5", 0, &config), GV_OK);
    assert_int_equal(config.cap, 12500000);
    assert_int_equal(gv_param_parse(row("spend"), "2", 0, &config), GV_OK);
    assert_int_equal(config.spend, 2 * GV_NANOS_PER_UNIT);
    assert_int_equal(gv_param_parse(row("spend"), "1969 CPM", 0, &config), GV_OK);
    assert_int_equal(config.spend, 1969 * GV_NANOS_PER_CPM);
    assert_int_equal(gv_param_parse(row("pace"), "90", 0, &config), GV_OK);
    assert_int_equal(config.pace, 90 * GV_US_PER_SECOND);
    assert_int_equal(gv_param_parse(row("start"), "1970-01-01 08:00", 8 * GV_US_PER_HOUR, &config),
                     GV_OK);
    assert_int_equal(config.start, 0);
    assert_int_equal(gv_param_parse(row("fitted"), "1/0.00343", 0, &config), GV_OK);
    assert_true(config.fitted == 1 / 0.00343);
}

typedef struct refusal {
    const char *name;
    const char *text;
    const char *says;
} refusal;

static void refusals_say_what_was_expected(void **state)
{
    (void)state;
    static const refusal cases[] = {
        {"count", "0", "count: expected a whole number from 1 to 9, found '0'"},
        {"count", "2.5", "whole number"},
        {"count", "", "found ''"},
        {"count", "99999999999999999999", "whole number"},
        {"gain", "-1", "gain: expected a number of at least 0, found '-1'"},
        {"gain", "nan", "found 'nan'"},
        {"gain", "inf", "found 'inf'"},
        {"gain", "0x10", "found '0x10'"},
        {"gain", "1e999", "found '1e999'"},
        {"gain", "1/0", "found '1/0'"},
        {"gain", "1/2/3", "found '1/2/3'"},
        {"gain", " 1", "found ' 1'"},
        {"gain", "auto", "found 'auto'"},
        {"cap", "301", "cap: expected an amount from 0 to 300 CPM (or auto), found '301'"},
        {"pace", "0 s", "pace: expected a duration such as '30 min' from 1 to 86400 seconds"},
        {"start", "2013-13-01", "start: "},
        {"is_on", "maybe", "is_on: expected on or off, found 'maybe'"},
        {"shape", "linaer",
         "expected one of flat, linear, cubic, found 'linaer'; "
         "did you mean 'linear'?"},
        {"shape", "", "found ''"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        everything config = {0};
        gv_param_defaults(rows, &config);
        everything before = config;
        assert_int_equal(gv_param_parse(row(cases[i].name), cases[i].text, 0, &config), GV_EPARSE);
        if (strstr(gv_status_detail(), cases[i].says) == NULL) {
            fail_msg("%s = '%s' says: %s", cases[i].name, cases[i].text, gv_status_detail());
        }
        assert_memory_equal(&config, &before, sizeof config);
    }
}

static void assert_reads_back(const gv_param *param, const everything *config)
{
    char text[64];
    everything again = {0};
    everything expected = {0};
    const size_t size = param->kind == GV_PARAM_CHOICE ? 4 : 8;
    gv_param_print(param, config, text, sizeof text);
    if (gv_param_parse(param, text, 0, &again) != GV_OK) {
        fail_msg("'%s': %s", text, gv_status_detail());
    }
    memcpy((char *)&expected + param->offset, (const char *)config + param->offset, size);
    assert_memory_equal(&again, &expected, sizeof again);
}

static void printed_values_read_back_to_the_same_bits(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    static const char *const names[] = {"gain", "cap", "pace", "start", "shape", "fitted", "spend"};
    for (int i = 0; i < 3000; i++) {
        everything config = {
            .gain = (double)test_random_below(&random, INT64_C(1) << 52) / 3e7,
            .cap = test_random_below(&random, 300000000),
            .pace = test_random_below(&random, 86399000000) + 1000000,
            .start = test_random_below(&random, 2000000000) * 1000001,
            .shape = (int32_t)test_random_below(&random, 3),
            .fitted = 1 / ((double)test_random_below(&random, 1 << 30) - 1e8 + 0.5),
            .spend = test_random_below(&random, INT64_C(1) << 50),
        };
        for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
            assert_reads_back(row(names[n]), &config);
        }
    }
    everything unset = {0};
    gv_param_defaults(rows, &unset);
    assert_reads_back(row("cap"), &unset);
    assert_reads_back(row("start"), &unset);
}

static void the_nearest_name_is_the_one_meant(void **state)
{
    (void)state;
    static const char *const names[] = {"budget",  "budget_share", "bid_cap",
                                        "episode", "tick",         "b0"};
    const size_t count = sizeof names / sizeof names[0];
    assert_string_equal(gv_param_nearest(names, count, "bugdet"), "budget");
    assert_string_equal(gv_param_nearest(names, count, "Budget"), "budget");
    assert_string_equal(gv_param_nearest(names, count, "bid-cap"), "bid_cap");
    assert_string_equal(gv_param_nearest(names, count, "epi"), "episode");
    assert_string_equal(gv_param_nearest(names, count, "bo"), "b0");
    assert_null(gv_param_nearest(names, count, "reserve"));
    assert_null(gv_param_nearest(names, count, ""));
    char endless[4096];
    memset(endless, 'b', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    assert_null(gv_param_nearest(names, count, endless));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_what_the_rows_spell),
        cmocka_unit_test(units_and_zones_are_understood),
        cmocka_unit_test(refusals_say_what_was_expected),
        cmocka_unit_test(printed_values_read_back_to_the_same_bits),
        cmocka_unit_test(the_nearest_name_is_the_one_meant),
    };
    return cmocka_run_group_tests_name("param", tests, NULL, NULL);
}
