/* What campaigns a network has learned from: widened, asked, and as a text. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cmocka_all.h"
#include "policies/learn/reach.h"
#include "test_random.h"

enum { TEXT_SIZE = 64 };

static gv_reach_span span_of(const double *values, size_t count)
{
    gv_reach_span span = {.least = 0};
    for (size_t i = 0; i < count; i++) {
        gv_reach_add(&span, values[i]);
    }
    return span;
}

static void the_least_and_the_largest_are_kept(void **state)
{
    (void)state;
    static const double values[] = {60, 0, 40, 90, -7, (double)NAN, HUGE_VAL, DBL_MAX, 5e-324, 41};
    const gv_reach_span span = span_of(values, sizeof values / sizeof values[0]);
    assert_true(span.least == 40 && span.most == 90);
    assert_true(gv_reach_holds(span, 40) && gv_reach_holds(span, 77) && gv_reach_holds(span, 90));
    assert_false(gv_reach_holds(span, 39.999) || gv_reach_holds(span, 90.001));
    assert_true(gv_reach_holds(span, 40 * (1 - 1e-10)) && gv_reach_holds(span, 90 * (1 + 1e-10)));
    assert_true(gv_reach_holds(span, 0));
}

static void nothing_known_holds_everything(void **state)
{
    (void)state;
    const gv_reach_span none = span_of(NULL, 0);
    assert_true(gv_reach_holds(none, 1e-9) && gv_reach_holds(none, 9e9));
}

/* Whatever money may be: what was learned from is within what is read again. */
static void a_text_holds_what_was_learned_from(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    for (int c = 0; c < 1000; c++) {
        double values[3];
        char text[TEXT_SIZE];
        gv_reach_span again = {.least = 0};
        for (size_t i = 0; i < 3; i++) {
            values[i] = (double)(1 + test_random_below(&random, INT64_MAX - 1)) / 1e9;
            values[i] /= (double)(1 + test_random_below(&random, 1000000));
        }
        const gv_reach_span span = span_of(values, 3);
        gv_reach_print(span, text, sizeof text);
        assert_int_equal(gv_reach_read(&again, "there", "trained.cpa", text), GV_OK);
        assert_true(fabs(again.least / span.least - 1) < 1e-14);
        assert_true(fabs(again.most / span.most - 1) < 1e-14);
        for (size_t i = 0; i < 3; i++) {
            assert_true(gv_reach_holds(again, values[i]));
        }
    }
}

static void what_is_no_range_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",       " ",      "60",        "60 ",     " 60",     "60  90", "60 90 ",   "60 90 91",
        "90 60",  "0 60",   "-60 60",    "nan 60",  "60 nan",  "60 inf", "60 1e999", "60,90",
        "60x 90", "60 90x", "1e-999 60", "-inf 60", "0x1 0x2", "60\t90"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        gv_reach_span span = {.least = 3, .most = 4};
        assert_int_equal(gv_reach_read(&span, "there", "trained.cpa", bad[i]), GV_ECORRUPT);
        assert_non_null(strstr(gv_status_detail(), "there: \"trained.cpa\" is \""));
        assert_true(span.least == 3 && span.most == 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_and_the_largest_are_kept),
        cmocka_unit_test(nothing_known_holds_everything),
        cmocka_unit_test(a_text_holds_what_was_learned_from),
        cmocka_unit_test(what_is_no_range_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
