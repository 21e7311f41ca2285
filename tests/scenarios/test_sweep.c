/* Sweep files: points by hand, ranges counted out, every problem told in its place. */
#include <stdio.h>
#include <string.h>

#include "cmocka_all.h"
#include "scenarios/sweep/sweep.h"
#include "sim/base/mem.h"

static const char scenario[] = "seed: 11\n"
                               "log: {path: a.gvlog}\n"
                               "campaigns: [{name: a, budget: 1}]\n"
                               "policies: [{name: lin, type: linear, b0: 1}]\n";

static gv_status parse(const char *text, gv_sweep **out)
{
    return gv_sweep_parse("dir/x.yaml", text, strlen(text), out);
}

static gv_sweep *load(const char *text)
{
    gv_sweep *sweep = NULL;
    if (parse(text, &sweep) != GV_OK ||
        gv_sweep_bind_text(sweep, scenario, sizeof scenario - 1, NULL, 0) != GV_OK) {
        fail_msg("%s", gv_status_detail());
    }
    return sweep;
}

/* What the point sets, with blanks between. */
static void assert_point(const gv_sweep *sweep, size_t point, const char *expected)
{
    const char *sets[GV_SWEEP_AXES_MAX + 1];
    char seed[GV_SWEEP_SEED_SIZE];
    char text[512] = "";
    const size_t count = gv_sweep_point_sets(sweep, point, sets, seed);
    for (size_t i = 0; i < count; i++) {
        const size_t used = strlen(text);
        (void)snprintf(text + used, sizeof text - used, "%s%s", i == 0 ? "" : " ", sets[i]);
    }
    assert_string_equal(text, expected);
}

static void the_grid_turns_its_last_axis_fastest_and_seeds_faster_still(void **state)
{
    (void)state;
    gv_sweep *sweep = load("scenario: s.yaml\n"
                           "replications: 2\n"
                           "axes:\n"
                           "  - {set: campaigns.a.budget, list: [3 CPM, 4]}\n"
                           "  - {set: policies.lin.b0, range: {from: 5, to: 20, step: 5}}\n");
    assert_string_equal(sweep->name, "x");
    assert_string_equal(sweep->scenario_path, "dir/s.yaml");
    assert_int_equal(sweep->setting_count, 8);
    assert_int_equal(sweep->point_count, 16);
    assert_point(sweep, 0, "campaigns.a.budget=3 CPM policies.lin.b0=5 seed=11");
    assert_point(sweep, 1, "campaigns.a.budget=3 CPM policies.lin.b0=5 seed=12");
    assert_point(sweep, 2, "campaigns.a.budget=3 CPM policies.lin.b0=10 seed=11");
    assert_point(sweep, 7, "campaigns.a.budget=3 CPM policies.lin.b0=20 seed=12");
    assert_point(sweep, 8, "campaigns.a.budget=4 policies.lin.b0=5 seed=11");
    assert_point(sweep, 15, "campaigns.a.budget=4 policies.lin.b0=20 seed=12");
    gv_sweep_destroy(sweep);
}

/* b0 and tick go together; the axis between them turns by itself. */
static void zipped_axes_go_together(void **state)
{
    (void)state;
    gv_sweep *sweep = load("name: z\n"
                           "scenario: s.yaml\n"
                           "seeds: [7]\n"
                           "axes:\n"
                           "  - {name: b0, set: policies.lin.b0, list: [1, 2, 3]}\n"
                           "  - {set: campaigns.a.budget, list: [8, 9]}\n"
                           "  - {set: campaigns.a.tick, list: [1 min, 2 min, 3 min]}\n"
                           "zip: [campaigns.a.tick, b0]\n");
    assert_int_equal(sweep->point_count, 6);
    assert_point(sweep, 0, "policies.lin.b0=1 campaigns.a.budget=8 campaigns.a.tick=1 min seed=7");
    assert_point(sweep, 1, "policies.lin.b0=1 campaigns.a.budget=9 campaigns.a.tick=1 min seed=7");
    assert_point(sweep, 2, "policies.lin.b0=2 campaigns.a.budget=8 campaigns.a.tick=2 min seed=7");
    assert_point(sweep, 5, "policies.lin.b0=3 campaigns.a.budget=9 campaigns.a.tick=3 min seed=7");
    gv_sweep_destroy(sweep);
}

static void assert_values(const char *axis, const char *expected)
{
    char text[256];
    char found[512] = "";
    gv_sweep *sweep = NULL;
    (void)snprintf(text, sizeof text, "scenario: s.yaml\naxes: [{set: policies.lin.b0, %s}]\n",
                   axis);
    if (parse(text, &sweep) != GV_OK) {
        fail_msg("%s: %s", axis, gv_status_detail());
    }
    for (size_t i = 0; i < sweep->axes[0].count; i++) {
        const size_t used = strlen(found);
        (void)snprintf(found + used, sizeof found - used, "%s%s", i == 0 ? "" : " ",
                       sweep->axes[0].values[i]);
    }
    assert_string_equal(found, expected);
    gv_sweep_destroy(sweep);
}

static void ranges_are_counted_out_in_round_numbers(void **state)
{
    (void)state;
    assert_values("range: {from: 5, to: 20, step: 5}", "5 10 15 20");
    assert_values("range: {from: 5, to: 19, step: 5}", "5 10 15");
    assert_values("range: {from: 0.1, to: 0.5, step: 0.1}", "0.1 0.2 0.3 0.4 0.5");
    assert_values("range: {from: 1, to: -1, step: -0.5}", "1 0.5 0 -0.5 -1");
    assert_values("range: {from: 3, to: 3, step: 1}", "3");
    assert_values("range: {from: 1/8, to: 1/2, step: 1/8}", "0.125 0.25 0.375 0.5");
    assert_values("log_range: {from: 1, to: 1000, count: 4}", "1 10 100 1000");
    assert_values("log_range: {from: 8, to: 0.5, count: 5}", "8 4 2 1 0.5");
    assert_values("log_range: {from: 1, to: 2, count: 2}", "1 2");
    assert_values("list: [1/2, 'a b', auto]", "1/2 a b auto");
}

static bool has_problem(const gv_problems *problems, uint32_t line, uint32_t column,
                        const char *phrase)
{
    for (const gv_problem *p = problems->first; p != NULL; p = p->next) {
        if (p->mark.line == line && p->mark.column == column &&
            strstr(p->sentence, phrase) != NULL) {
            return true;
        }
    }
    return false;
}

typedef struct expectation {
    uint32_t line;
    uint32_t column;
    const char *phrase;
} expectation;

static void assert_problems(const gv_sweep *sweep, const expectation *expected, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!has_problem(&sweep->problems, expected[i].line, expected[i].column,
                         expected[i].phrase)) {
            gv_problems_print(&sweep->problems, stdout, false);
            fail_msg("no '%s' at %u:%u", expected[i].phrase, expected[i].line, expected[i].column);
        }
    }
    assert_int_equal(sweep->problems.count, count);
}

#define PROBLEMS(sweep, ...)                                          \
    do {                                                              \
        const expectation list[] = {__VA_ARGS__};                     \
        assert_problems((sweep), list, sizeof list / sizeof list[0]); \
    } while (0)

static void every_problem_is_told_in_its_place(void **state)
{
    (void)state;
    static const char text[] = "scenari: s.yaml\n"
                               "replications: 0\n"
                               "axes:\n"
                               "  - {set: a, list: []}\n"
                               "  - {set: b, range: {from: 1, to: 2, step: 0}}\n"
                               "  - {set: c, range: {from: 1, to: 2, step: -1}}\n"
                               "  - {set: d, log_range: {from: 1, to: 0, count: 3}}\n"
                               "  - {set: e, log_range: {from: -1, to: 1, count: 3}}\n"
                               "  - {set: f, list: [1, 2, 1]}\n"
                               "  - {set: f, list: [1]}\n"
                               "  - {set: g}\n"
                               "  - {set: h, list: [1], range: {from: 1, to: 2, step: 1}}\n"
                               "  - {list: [1]}\n"
                               "  - {set: seed, list: [1]}\n"
                               "  - {set: i, range: {from: 1, to: 2e9, step: 1}}\n"
                               "  - {set: j, lst: [1]}\n"
                               "  - {set: k, log_range: {from: 1, to: 2, count: 1}}\n";
    gv_sweep *sweep = NULL;
    assert_int_equal(parse(text, &sweep), GV_EUSAGE);
    PROBLEMS(sweep, {1, 1, "sweep has no key 'scenari'; did you mean 'scenario'?"},
             {1, 1, "sweep.scenario must be given"},
             {2, 15, "replications: expected a whole number from 1 to 1000000, found '0'"},
             {4, 20, "axes.0.list is empty"}, {5, 44, "axes.1.range.step is 0"},
             {6, 44, "axes.2.range.step leads away from 2: it must be positive"},
             {7, 39, "both ends must be above 0"}, {8, 32, "both ends must be above 0"},
             {9, 27, "f has the value 1 twice"}, {10, 11, "the axis f is given twice"},
             {11, 5, "one of list, range and log_range must be given"},
             {12, 5, "only one of list, range and log_range"}, {13, 5, "set must be given"},
             {14, 11, "the seed is no axis"}, {15, 46, "has more than 1000000 values"},
             {16, 14, "has no key 'lst'; did you mean 'list'?"},
             {17, 49, "count: expected a whole number from 2"});
    gv_sweep_destroy(sweep);
}

static void assert_refused(const char *text, uint32_t line, uint32_t column, const char *phrase)
{
    gv_sweep *sweep = NULL;
    assert_int_equal(parse(text, &sweep), GV_EUSAGE);
    PROBLEMS(sweep, {line, column, phrase});
    gv_sweep_destroy(sweep);
}

static void what_cannot_be_counted_or_zipped_is_refused(void **state)
{
    (void)state;
    const char *two = "scenario: s\naxes: [{set: a, list: [1, 2]}, {set: b, list: [1]}]\n";
    char text[256];
    assert_refused("scenario: s\naxes: [{set: a, range: {from: 1, to: 2000, step: 1}},"
                   " {set: b, range: {from: 1, to: 2000, step: 1}}]\n",
                   2, 7, "more than 1000000 points");
    assert_refused("scenario: s\naxes: []\n", 2, 7, "axes must be given");
    assert_refused("scenario: s\n", 1, 1, "axes must be given");
    assert_refused("scenario: s\nseeds: [1, 2, 1]\naxes: [{set: a, list: [1]}]\n", 2, 8,
                   "1 is given twice");
    assert_refused("scenario: s\nseeds: [1]\nreplications: 2\naxes: [{set: a, list: [1]}]\n", 2, 8,
                   "either replications or seeds");
    assert_refused("- a\n", 1, 1, "a sweep is a mapping");
    (void)snprintf(text, sizeof text, "%szip: [a, b]\n", two);
    assert_refused(text, 3, 10, "b has 1 value, but a has 2");
    (void)snprintf(text, sizeof text, "%szip: [a, c]\n", two);
    assert_refused(text, 3, 10, "there is no axis 'c'");
    (void)snprintf(text, sizeof text, "%szip: [[a], [a]]\n", two);
    assert_refused(text, 3, 13, "the axis a is given twice");
}

static void assert_unbound(const char *axes, uint32_t column, const char *phrase)
{
    char text[256];
    gv_sweep *sweep = NULL;
    (void)snprintf(text, sizeof text, "scenario: s.yaml\naxes: [%s]\n", axes);
    assert_int_equal(parse(text, &sweep), GV_OK);
    assert_int_equal(gv_sweep_bind_text(sweep, scenario, sizeof scenario - 1, NULL, 0), GV_EUSAGE);
    PROBLEMS(sweep, {2, column, phrase});
    gv_sweep_destroy(sweep);
}

static void axes_are_tried_on_the_scenario(void **state)
{
    (void)state;
    assert_unbound("{set: policies.lin.bo, list: [1, 2]}", 14, "no key 'bo'; did you mean 'b0'?");
    assert_unbound("{set: policies.lni.b0, list: [1]}", 14, "no item 'lni'; did you mean 'lin'?");
    assert_unbound("{set: policies.lin.b0, list: [1, ten, 3]}", 41, "found 'ten'");
    assert_unbound("{set: policies.lin.b0, range: {from: 1, to: -1, step: -1}}", 38, "found '-1'");
    /* The second is known to a pid alone, which the first brings: no problem together. */
    gv_sweep_destroy(load("scenario: s.yaml\naxes: [{set: policies.lin.type, list: [pid]}, "
                          "{set: policies.lin.b0, list: [1, 2]}]\n"));
}

static void a_wrong_scenario_is_told_as_its_own(void **state)
{
    (void)state;
    gv_sweep *sweep = NULL;
    assert_int_equal(parse("scenario: s.yaml\naxes: [{set: seed.x, list: [1]}]\n", &sweep), GV_OK);
    assert_int_equal(gv_sweep_bind_text(sweep, "lgo: 3\n", 7, NULL, 0), GV_EUSAGE);
    assert_int_equal(sweep->problems.count, 0);
    assert_true(has_problem(&sweep->base->problems, 1, 1, "did you mean 'log'?"));
    gv_sweep_destroy(sweep);
}

static void no_allocation_may_fail_badly(void **state)
{
    (void)state;
    static const char text[] = "scenario: s.yaml\nseeds: [1, 2]\naxes:\n"
                               "  - {set: policies.lin.b0, log_range: {from: 1, to: 9, count: 3}}\n"
                               "  - {set: campaigns.a.budget, list: [1, 2, 3]}\n"
                               "zip: [policies.lin.b0, campaigns.a.budget]\n";
    gv_status status = GV_ENOMEM;
    for (int n = 0; status != GV_OK; n++) {
        gv_sweep *sweep = NULL;
        gv_mem_fail_after(n);
        status = parse(text, &sweep);
        if (status == GV_OK) {
            status = gv_sweep_bind_text(sweep, scenario, sizeof scenario - 1, NULL, 0);
        }
        gv_mem_fail_after(-1);
        if (status != GV_OK && status != GV_ENOMEM) {
            fail_msg("after %d allocations: %s", n, gv_status_detail());
        }
        gv_sweep_destroy(sweep);
        assert_true(n < 1000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_grid_turns_its_last_axis_fastest_and_seeds_faster_still),
        cmocka_unit_test(zipped_axes_go_together),
        cmocka_unit_test(ranges_are_counted_out_in_round_numbers),
        cmocka_unit_test(every_problem_is_told_in_its_place),
        cmocka_unit_test(what_cannot_be_counted_or_zipped_is_refused),
        cmocka_unit_test(axes_are_tried_on_the_scenario),
        cmocka_unit_test(a_wrong_scenario_is_told_as_its_own),
        cmocka_unit_test(no_allocation_may_fail_badly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
