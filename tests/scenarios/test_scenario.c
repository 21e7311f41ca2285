/* Scenarios: what is read, every problem told at once in its place, printing that reads back. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "scenarios/config/print.h"
#include "scenarios/config/scenario.h"
#include "sim/base/clock.h"
#include "sim/base/mem.h"
#include "sim/base/money.h"

static const char sound[] = "name: june\n"
                            "zone: UTC+8\n"
                            "log: {path: june.gvlog, from: 2013-06-11, rival: bid, floor: on}\n"
                            "history: {share: auto, impression_weight: 1/0.00343}\n"
                            "mechanism: {type: first_price, price_step: 1 CPM}\n"
                            "campaigns:\n"
                            "  - name: a\n"
                            "    where: {advertiser: 1458, exchange: '2'}\n"
                            "    budget: [25, 1969 CPM]\n"
                            "    budget_share: 1/8\n"
                            "    episode: daily\n"
                            "    tick: 10 min\n"
                            "policies:\n"
                            "  - {type: linear, b0: 10}\n"
                            "  - {name: other, type: linear}\n";

static gv_status parse(const char *text, const char *const *sets, size_t set_count,
                       gv_scenario **out)
{
    return gv_scenario_parse("dir/x.yaml", text, strlen(text), sets, set_count, out);
}

static void a_scenario_says_what_it_says(void **state)
{
    (void)state;
    gv_scenario *scenario = NULL;
    if (parse(sound, NULL, 0, &scenario) != GV_OK) {
        fail_msg("%s", gv_status_detail());
    }
    assert_string_equal(scenario->top->name, "june");
    assert_int_equal(scenario->top->seed, 1);
    assert_string_equal(scenario->log->path, "dir/june.gvlog");
    int64_t from_us = 0;
    assert_int_equal(gv_time_parse("2013-06-10T16:00Z", 0, &from_us), GV_OK);
    assert_true(scenario->log->from_us == from_us);
    assert_int_equal(scenario->log->rival, GV_RIVAL_BID);
    assert_true(scenario->log->use_floor);
    assert_true(scenario->history->impression_weight == 1 / 0.00343);
    assert_ptr_equal(scenario->mechanism->type, &gv_mechanism_first_price);
    assert_int_equal(scenario->mechanism->price_step_nanos, GV_NANOS_PER_CPM);
    assert_int_equal(scenario->campaign_count, 1);
    const gv_campaign_plan *campaign = &scenario->campaigns[0];
    assert_int_equal(campaign->filter_count, 2);
    assert_string_equal(campaign->filters[1].column, "exchange");
    assert_string_equal(campaign->filters[1].value, "2");
    assert_int_equal(campaign->budget_count, 3);
    assert_true(campaign->budgets[0].nanos == 25 * GV_NANOS_PER_UNIT);
    assert_string_equal(campaign->budgets[1].label, "1969 CPM");
    assert_true(campaign->budgets[1].nanos == 1969 * GV_NANOS_PER_CPM);
    assert_true(isnan(campaign->budgets[1].share));
    assert_true(campaign->budgets[2].share == 0.125);
    assert_int_equal(campaign->settings->episode, GV_EPISODE_DAILY);
    assert_int_equal(campaign->settings->tick_us, 10 * GV_US_PER_MINUTE);
    assert_int_equal(scenario->policy_count, 2);
    assert_string_equal(scenario->policies[0].name, "linear");
    assert_string_equal(scenario->policies[1].name, "other");
    gv_scenario_destroy(scenario);
}

/* True when some problem of the scenario stands there and holds the phrase. */
static bool has_problem(const gv_scenario *scenario, uint32_t line, uint32_t column,
                        const char *phrase)
{
    for (const gv_problem *p = scenario->problems.first; p != NULL; p = p->next) {
        if (p->mark.line == line && p->mark.column == column &&
            strstr(p->sentence, phrase) != NULL) {
            return true;
        }
    }
    return false;
}

static void every_problem_is_told_in_its_place(void **state)
{
    (void)state;
    static const char text[] = "naem: x\n"
                               "seed: -1\n"
                               "zone: UTC+99\n"
                               "log: {pth: a.gvlog, rival: prise, floor: [1]}\n"
                               "history: 3\n"
                               "predictor: {type: historical_raet}\n"
                               "mechanism: {type: third_price}\n"
                               "campaigns:\n"
                               "  - name: a\n"
                               "    where: [x]\n"
                               "    bid_cap: -3\n"
                               "    budgett: 3\n"
                               "  - {name: a, budget: [1, 1], budget_share: x}\n"
                               "  - {budget: 1}\n"
                               "policies:\n"
                               "  - {name: l, type: lineer}\n"
                               "  - {name: m}\n"
                               "  - {type: linear, bo: 3, b0: ten}\n"
                               "  - {type: linear}\n"
                               "wher: 1\n";
    static const struct {
        uint32_t line;
        uint32_t column;
        const char *phrase;
    } expected[] = {
        {1, 1, "the scenario has no key 'naem'; did you mean 'name'?"},
        {2, 7, "seed: expected a whole number of at least 0, found '-1'"},
        {3, 7, "zone: "},
        {4, 7, "log has no key 'pth'; did you mean 'path'?"},
        {4, 28, "rival: expected one of price, bid, found 'prise'; did you mean 'price'?"},
        {4, 42, "floor: expected one value, found a list"},
        {4, 6, "log.path must be given"},
        {5, 10, "history: expected a mapping, found one value"},
        {6, 19, "there is no type 'historical_raet'; did you mean 'historical_rate'?"},
        {7, 19, "there is no type 'third_price'; did you mean 'first_price'?"},
        {10, 12, "where: expected columns and values"},
        {11, 14, "bid_cap: expected an amount from 0"},
        {12, 5, "campaigns.a has no key 'budgett'; did you mean 'budget'?"},
        {9, 5, "campaigns.a: budget or budget_share must be given"},
        {13, 12, "two campaigns are called 'a'"},
        {13, 27, "the budget 1 is given twice"},
        {13, 45, "budget_share: expected a number"},
        {14, 5, "campaigns.2.name must be given"},
        {16, 21, "policies.l: there is no type 'lineer'; did you mean 'linear'?"},
        {17, 5, "policies.1.type must be given"},
        {18, 20, "policies.linear has no key 'bo'; did you mean 'b0'?"},
        {18, 31, "b0: expected an amount"},
        {19, 5, "two policies are called 'linear'"},
        {20, 1, "the scenario has no key 'wher'"},
    };
    gv_scenario *scenario = NULL;
    assert_int_equal(parse(text, NULL, 0, &scenario), GV_EUSAGE);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        if (!has_problem(scenario, expected[i].line, expected[i].column, expected[i].phrase)) {
            gv_problems_print(&scenario->problems, stderr, false);
            fail_msg("not told: %u:%u: %s", expected[i].line, expected[i].column,
                     expected[i].phrase);
        }
    }
    assert_int_equal(scenario->problems.count, sizeof expected / sizeof expected[0]);
    gv_scenario_destroy(scenario);
}

static void what_must_be_there_is_named(void **state)
{
    (void)state;
    gv_scenario *scenario = NULL;
    assert_int_equal(parse("", NULL, 0, &scenario), GV_EUSAGE);
    assert_true(has_problem(scenario, 1, 1, "log.path must be given"));
    assert_true(has_problem(scenario, 1, 1, "campaigns must be given"));
    assert_true(has_problem(scenario, 1, 1, "policies must be given"));
    gv_scenario_destroy(scenario);
    assert_int_equal(parse("[1, 2]", NULL, 0, &scenario), GV_EUSAGE);
    assert_non_null(strstr(gv_status_detail(), "a scenario is a mapping of keys"));
    gv_scenario_destroy(scenario);
}

static void set_is_checked_as_the_file_is(void **state)
{
    (void)state;
    static const char *const sets[] = {"policies.linear.b0=12x", "seed=9"};
    gv_scenario *scenario = NULL;
    assert_int_equal(parse(sound, sets + 1, 1, &scenario), GV_OK);
    assert_int_equal(scenario->top->seed, 9);
    gv_scenario_destroy(scenario);
    assert_int_equal(parse(sound, sets, 2, &scenario), GV_EUSAGE);
    assert_int_equal(scenario->problems.count, 1);
    assert_true(scenario->problems.first->mark.source->is_option);
    char shown[256] = "";
    FILE *stream = fmemopen(shown, sizeof shown, "w");
    gv_problems_print(&scenario->problems, stream, false);
    (void)fclose(stream);
    assert_non_null(strstr(shown, "--set policies.linear.b0=12x: b0: expected an amount"));
    gv_scenario_destroy(scenario);
}

/* The printed scenario, read and printed again, is the same text but for the origins. */
static void what_is_printed_reads_back_to_itself(void **state)
{
    (void)state;
    static const char *const sets[] = {"seed=9", "campaigns.a.where={slot: \"a: b, {#}\"}",
                                       "name='- x # y'"};
    gv_region region = {.chunks = NULL};
    gv_scenario *first = NULL;
    gv_scenario *second = NULL;
    const char *printed = NULL;
    const gv_scenario_value *values[2] = {NULL, NULL};
    size_t counts[2] = {0, 0};
    assert_int_equal(parse(sound, sets, 3, &first), GV_OK);
    assert_int_equal(gv_scenario_text(first, &region, &printed), GV_OK);
    assert_non_null(strstr(printed, "seed: 9                                          # --set\n"));
    assert_non_null(strstr(printed, "    type: linear                                 # scenario"));
    assert_non_null(strstr(printed, "# fitted\n"));
    if (gv_scenario_parse("x.yaml", printed, strlen(printed), NULL, 0, &second) != GV_OK) {
        fail_msg("%s\n%s", gv_status_detail(), printed);
    }
    assert_int_equal(gv_scenario_values(first, &region, &values[0], &counts[0]), GV_OK);
    assert_int_equal(gv_scenario_values(second, &region, &values[1], &counts[1]), GV_OK);
    assert_int_equal(counts[0], counts[1]);
    for (size_t i = 0; i < counts[0]; i++) {
        assert_string_equal(values[0][i].name, values[1][i].name);
        assert_string_equal(values[0][i].quoted, values[1][i].quoted);
    }
    gv_scenario_destroy(first);
    gv_scenario_destroy(second);
    gv_region_fini(&region);
}

static const char *path_of(const char *written, const char *scenario_path)
{
    static char result[256];
    char text[512];
    gv_scenario *scenario = NULL;
    (void)snprintf(text, sizeof text,
                   "log: {path: '%s'}\ncampaigns: [{name: a, budget: 1}]\n"
                   "policies: [{type: constant}]\n",
                   written);
    const gv_status status =
        gv_scenario_parse(scenario_path, text, strlen(text), NULL, 0, &scenario);
    (void)snprintf(result, sizeof result, "%s",
                   status == GV_OK ? scenario->log->path : gv_status_detail());
    gv_scenario_destroy(scenario);
    return result;
}

static void a_path_from_the_command_line_means_where_that_was_typed(void **state)
{
    (void)state;
    static const char *const sets[] = {"log.path=here.gvlog", "history.path=there/a.gvlog"};
    gv_scenario *scenario = NULL;
    assert_int_equal(parse(sound, sets, 2, &scenario), GV_OK);
    assert_string_equal(scenario->log->path, "here.gvlog");
    assert_string_equal(scenario->history->path, "there/a.gvlog");
    gv_scenario_destroy(scenario);
}

static void paths_are_relative_to_the_file_and_take_variables(void **state)
{
    (void)state;
    (void)setenv("GV_TEST_PLACE", "/data", 1);
    (void)setenv("GV_TEST_NEAR", "near", 1);
    (void)setenv("GV_TEST_EMPTY", "", 1);
    (void)unsetenv("GV_TEST_NOWHERE");
    assert_string_equal(path_of("a.gvlog", "x.yaml"), "a.gvlog");
    assert_string_equal(path_of("a.gvlog", "d/e/x.yaml"), "d/e/a.gvlog");
    assert_string_equal(path_of("/a.gvlog", "d/x.yaml"), "/a.gvlog");
    assert_string_equal(path_of("${GV_TEST_PLACE}/a", "d/x.yaml"), "/data/a");
    assert_string_equal(path_of("${GV_TEST_NEAR}/a", "d/x.yaml"), "near/a");
    assert_string_equal(path_of("b/${GV_TEST_NEAR}", "d/x.yaml"), "d/b/near");
    assert_string_equal(path_of("${GV_TEST_NOWHERE:-../q}/a", "d/x.yaml"), "d/../q/a");
    assert_string_equal(path_of("${GV_TEST_EMPTY:-q}/a", "d/x.yaml"), "d/q/a");
    assert_non_null(
        strstr(path_of("${GV_TEST_NOWHERE}/a", "x.yaml"), "GV_TEST_NOWHERE} is not set"));
    assert_non_null(strstr(path_of("${GV_TEST_PLACE/a", "x.yaml"), "the '}' of '${' is missing"));
    assert_non_null(strstr(path_of("${a b}", "x.yaml"), "expected ${NAME}"));
    assert_non_null(strstr(path_of("${}", "x.yaml"), "expected ${NAME}"));
    assert_non_null(strstr(path_of("${GV_TEST_NOWHERE:-a${b}", "x.yaml"), "inside of what"));
}

/* Every key that `gavel list scenario` prints is one that a scenario may hold. */
static void every_listed_key_is_accepted(void **state)
{
    (void)state;
    for (size_t i = 0; gv_scenario_sections[i] != NULL; i++) {
        const gv_type_info *info = &gv_scenario_sections[i]->info;
        assert_true(info->summary != NULL);
        for (const gv_param *row = info->params; row != NULL && row->name != NULL; row++) {
            assert_non_null(row->help);
            char config[512] = {0};
            assert_true(info->config_size <= sizeof config);
            gv_param_defaults(info->params, config);
        }
        for (const gv_param *row = gv_scenario_sections[i]->others;
             row != NULL && row->name != NULL; row++) {
            assert_non_null(row->help);
            assert_non_null(row->unit);
        }
    }
}

/* Each policy type's every parameter, spelt as its default, is a valid scenario. */
static void every_policy_reads_its_own_defaults(void **state)
{
    (void)state;
    for (size_t i = 0; gv_policy_types[i] != NULL; i++) {
        const gv_type_info *info = &gv_policy_types[i]->info;
        char text[4096];
        size_t used = (size_t)snprintf(text, sizeof text,
                                       "log: {path: a.gvlog}\n"
                                       "campaigns: [{name: a, budget: 1}]\n"
                                       "policies:\n  - type: %s\n",
                                       info->name);
        for (const gv_param *row = info->params; row != NULL && row->name != NULL; row++) {
            if (row->fallback != NULL) {
                used += (size_t)snprintf(text + used, sizeof text - used, "    %s: %s\n", row->name,
                                         row->fallback);
            }
        }
        gv_scenario *scenario = NULL;
        const gv_status status = parse(text, NULL, 0, &scenario);
        for (const gv_problem *p = scenario->problems.first; p != NULL; p = p->next) {
            if (strstr(p->sentence, "must be given") == NULL) {
                fail_msg("%s: %s", info->name, p->sentence);
            }
        }
        assert_true(status == GV_OK || status == GV_EUSAGE);
        gv_scenario_destroy(scenario);
    }
}

static void no_allocation_may_fail_badly(void **state)
{
    (void)state;
    static const char *const sets[] = {"policies.linear.b0=12", "mechanism.reserve=1"};
    gv_status status = GV_ENOMEM;
    for (int n = 0; status != GV_OK; n++) {
        gv_scenario *scenario = NULL;
        gv_region region = {.chunks = NULL};
        const char *text = NULL;
        gv_mem_fail_after(n);
        status = parse(sound, sets, 2, &scenario);
        if (status == GV_OK) {
            status = gv_scenario_text(scenario, &region, &text);
        }
        gv_mem_fail_after(-1);
        if (status != GV_OK && status != GV_ENOMEM) {
            fail_msg("after %d allocations: %s", n, gv_status_detail());
        }
        gv_region_fini(&region);
        gv_scenario_destroy(scenario);
        assert_true(n < 1000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scenario_says_what_it_says),
        cmocka_unit_test(every_problem_is_told_in_its_place),
        cmocka_unit_test(what_must_be_there_is_named),
        cmocka_unit_test(set_is_checked_as_the_file_is),
        cmocka_unit_test(what_is_printed_reads_back_to_itself),
        cmocka_unit_test(a_path_from_the_command_line_means_where_that_was_typed),
        cmocka_unit_test(paths_are_relative_to_the_file_and_take_variables),
        cmocka_unit_test(every_listed_key_is_accepted),
        cmocka_unit_test(every_policy_reads_its_own_defaults),
        cmocka_unit_test(no_allocation_may_fail_badly),
    };
    return cmocka_run_group_tests_name("scenario", tests, NULL, NULL);
}
