#include <string.h>
#include <time.h>

#include "cmocka_all.h"
#include "sim/base/clock.h"
#include "test_random.h"

static int64_t time_of(const char *text, int64_t zone_us)
{
    int64_t time_us = -1;
    assert_int_equal(gv_time_parse(text, zone_us, &time_us), GV_OK);
    return time_us;
}

static void times_are_read_in_their_zone(void **state)
{
    (void)state;
    const int64_t china = 8 * GV_US_PER_HOUR;
    assert_int_equal(time_of("1970-01-01", 0), 0);
    assert_int_equal(time_of("1970-01-01", china), -china);
    assert_int_equal(time_of("2013-06-06T12:30:05.25", 0), INT64_C(1370521805250000));
    assert_int_equal(time_of("2013-06-06 12:30:05.25Z", china), INT64_C(1370521805250000));
    assert_int_equal(time_of("2013-06-06 20:30:05.250+08:00", 0), INT64_C(1370521805250000));
    assert_int_equal(time_of("2013-06-06 12:30", 0), INT64_C(1370521800000000));
    assert_int_equal(time_of("1900-01-01", 0), GV_TIME_MIN_US);
    assert_int_equal(time_of("2200-01-01", 0), GV_TIME_MAX_US);
    assert_int_equal(time_of("2019-11-24 00:01:03.979311+00:00", china), INT64_C(1574553663979311));
}

static void bad_times_are_explained(void **state)
{
    (void)state;
    const char *const bad[] = {"",
                               "2013-06",
                               "2013-02-29",
                               "2013-13-01",
                               "1899-12-31",
                               "2200-01-02",
                               "2200-01-01T00:00:00.000001",
                               "2013-06-06X",
                               "2013-06-06 24:00",
                               "2013-06-06 12:60",
                               "2013-06-06 12:30:",
                               "2013-06-06 12:30:05.",
                               "2013-06-06 12:30 east",
                               "2013-06-06 12:30+08:00x"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t time_us = 5;
        assert_int_equal(gv_time_parse(bad[i], 0, &time_us), GV_EPARSE);
        assert_int_equal(time_us, 5);
    }
}

static void zones_are_understood(void **state)
{
    (void)state;
    const struct {
        const char *text;
        int64_t minutes;
    } cases[] = {{"UTC", 0},      {"Z", 0},        {"+08:00", 480},   {"UTC+8", 480},
                 {"GMT-3", -180}, {"-0330", -210}, {"UTC+05:45", 345}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t offset = -1;
        assert_int_equal(gv_zone_parse(cases[i].text, &offset), GV_OK);
        assert_int_equal(offset, cases[i].minutes * GV_US_PER_MINUTE);
    }
    const char *const bad[] = {"",     "8",      "Asia/Shanghai", "UTC+",
                               "+08:", "+16:00", "+08:60",        "UTC8"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t offset = -1;
        assert_int_equal(gv_zone_parse(bad[i], &offset), GV_EPARSE);
    }
}

static void days_agree_with_the_library(void **state)
{
    (void)state;
    for (int64_t day = -25567; day < 84006; day++) {
        const time_t seconds = (time_t)(day * 86400);
        struct tm date;
        assert_non_null(gmtime_r(&seconds, &date));
        assert_true(gv_date_is_valid(date.tm_year + 1900, date.tm_mon + 1, date.tm_mday));
        assert_int_equal(gv_date_days(date.tm_year + 1900, date.tm_mon + 1, date.tm_mday), day);
    }
    assert_false(gv_date_is_valid(1900, 2, 29));
    assert_true(gv_date_is_valid(2000, 2, 29));
    assert_false(gv_date_is_valid(2001, 4, 31));
}

static void printed_times_read_back(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    for (int i = 0; i < 100000; i++) {
        const int64_t span = (GV_TIME_MAX_US - GV_TIME_MIN_US) / (INT64_C(1) << 30);
        int64_t time_us = GV_TIME_MIN_US + test_random_below(&random, INT64_C(1) << 30) * span;
        time_us -= i % 3 == 0 ? time_us % GV_US_PER_SECOND : 0;
        const int64_t zone = (test_random_below(&random, 57) - 28) * 30 * GV_US_PER_MINUTE;
        char text[36];
        gv_time_print(time_us, zone, text, sizeof text);
        assert_int_equal(time_of(text, 12345), time_us);
    }
    char text[36];
    gv_time_print(INT64_C(1370521805250000), 8 * GV_US_PER_HOUR, text, sizeof text);
    assert_string_equal(text, "2013-06-06T20:30:05.250+08:00");
    gv_time_print(-1, 0, text, sizeof text);
    assert_string_equal(text, "1969-12-31T23:59:59.999999Z");
}

static void durations_read_and_print(void **state)
{
    (void)state;
    const struct {
        const char *text;
        int64_t us;
        const char *printed;
    } cases[] = {
        {"30 min", 30 * GV_US_PER_MINUTE, "30 min"},
        {"1.5 h", 90 * GV_US_PER_MINUTE, "90 min"},
        {"250ms", 250000, "250 ms"},
        {"2 d", 2 * GV_US_PER_DAY, "2 d"},
        {"10", 10 * GV_US_PER_SECOND, "10 s"},
        {"5 us", 5, "5 us"},
        {"0", 0, "0 s"},
        {"86400 s", GV_US_PER_DAY, "1 d"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t us = -1;
        char text[32];
        assert_int_equal(gv_duration_parse(cases[i].text, &us), GV_OK);
        assert_int_equal(us, cases[i].us);
        gv_duration_print(us, text, sizeof text);
        assert_string_equal(text, cases[i].printed);
    }
    const char *const bad[] = {"", "min", "5 minutes", "-5 s", "0.5 us", "1e3", "9e99 d"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t us = -1;
        assert_int_equal(gv_duration_parse(bad[i], &us), GV_EPARSE);
    }
}

static void wall_time_never_goes_back(void **state)
{
    (void)state;
    const int64_t first = gv_wall_us();
    assert_true(gv_wall_us() >= first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_read_in_their_zone),
        cmocka_unit_test(bad_times_are_explained),
        cmocka_unit_test(zones_are_understood),
        cmocka_unit_test(days_agree_with_the_library),
        cmocka_unit_test(printed_times_read_back),
        cmocka_unit_test(durations_read_and_print),
        cmocka_unit_test(wall_time_never_goes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
