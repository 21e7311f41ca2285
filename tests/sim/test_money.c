#include <string.h>

#include "cmocka_all.h"
#include "sim/base/money.h"
#include "test_random.h"

static void units_are_understood(void **state)
{
    (void)state;
    const struct {
        const char *text;
        int64_t nanos;
    } cases[] = {
        {"12.5", 12500000},         {"12.5 CPM", 12500000}, {"12.5cpm", 12500000},
        {"3 currency", 3000000000}, {"700 nanos", 700},     {" 0", 0},
        {"1e3 CPM", 1000000000},    {"0.000001 CPM", 1},    {"1e-6", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t nanos = -1;
        assert_int_equal(gv_money_parse(cases[i].text, GV_NANOS_PER_CPM, &nanos), GV_OK);
        assert_int_equal(nanos, cases[i].nanos);
    }
}

static void bad_amounts_are_explained(void **state)
{
    (void)state;
    const struct {
        const char *text;
        const char *part;
    } cases[] = {
        {"", "expected such as"},
        {"abc", "expected such as"},
        {"-1 CPM", "negative"},
        {"1 euro", "'euro'"},
        {"0.5 nanos", "decimals"},
        {"1 CPM extra", "'CPM extra'"},
        {"99999999999999", "out of range"},
        {"1.2.3", "not a number"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t nanos = -7;
        assert_int_equal(gv_money_parse(cases[i].text, GV_NANOS_PER_CPM, &nanos), GV_EPARSE);
        assert_int_equal(nanos, -7);
        assert_non_null(strstr(gv_status_detail(), cases[i].part));
    }
}

static void printed_money_reads_back(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    const int64_t units[] = {1, GV_NANOS_PER_CPM, GV_NANOS_PER_UNIT};
    for (int i = 0; i < 100000; i++) {
        const int64_t nanos = test_random_below(&random, INT64_C(1) << (1 + i % 30)) *
                              test_random_below(&random, INT64_C(1) << 31);
        const int64_t unit = units[i % 3];
        char text[64];
        int64_t again = -1;
        gv_money_print(nanos, unit, text, sizeof text);
        assert_int_equal(gv_money_parse(text, unit, &again), GV_OK);
        assert_int_equal(again, nanos);
        assert_true(strchr(text, '.') == NULL || text[strlen(text) - 1] != '0');
    }
    char text[64];
    gv_money_print(INT64_MIN, GV_NANOS_PER_UNIT, text, sizeof text);
    assert_string_equal(text, "-9223372036.854775808");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(units_are_understood),
        cmocka_unit_test(bad_amounts_are_explained),
        cmocka_unit_test(printed_money_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
