/*
 * The league of scenarios/ipinyou.yaml on the real sample, at one budget: the same outcome
 * whatever the threads and the engine, budgets kept, and an order among policies that the theory
 * behind them asks for.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmocka_all.h"
#include "scenarios/compose/compose.h"
#include "scenarios/run/run.h"
#include "sim/base/money.h"
#include "sim/outcome/read.h"

enum { POLICY_COUNT = 10, CAMPAIGN_COUNT = 5, CELL_COUNT = POLICY_COUNT * CAMPAIGN_COUNT };

static const char *const sets[] = {
    "campaigns.0.budget_share=[1/8]", "campaigns.1.budget_share=[1/8]",
    "campaigns.2.budget_share=[1/8]", "campaigns.3.budget_share=[1/8]",
    "campaigns.4.budget_share=[1/8]",
};

static bool data_is_there(void)
{
    const char *data = getenv("GAVEL_DATA");
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/ipinyou-season2/imp.20130606.txt.gz",
                   data == NULL ? "../shared/data" : data);
    if (access(path, R_OK) == 0) {
        return true;
    }
    printf("no %s: set GAVEL_DATA to replay real data\n", path);
    return false;
}

/* Runs all cells and reads them back; `store` holds them. */
static gv_outcomes *run(const gv_composition *composition, size_t jobs, bool reference,
                        gv_store **store)
{
    const gv_run_options options = {.jobs = jobs, .reference = reference, .arguments = "test"};
    gv_run_result result = {0};
    gv_outcomes *outcomes = NULL;
    assert_int_equal(gv_store_open(":memory:", GV_STORE_WRITE, store), GV_OK);
    assert_int_equal(gv_run_cells(composition, *store, &options, &result), GV_OK);
    assert_string_equal(result.sentence, "");
    assert_int_equal(result.done, CELL_COUNT);
    assert_int_equal(gv_outcomes_read(*store, GV_RUN_LATEST, true, &outcomes), GV_OK);
    assert_int_equal(outcomes->cell_count, CELL_COUNT);
    return outcomes;
}

static void assert_same(const gv_outcomes *one, const gv_outcomes *other)
{
    for (size_t i = 0; i < CELL_COUNT; i++) {
        const gv_cell_record *a = &one->cells[i];
        const gv_cell_record *b = &other->cells[i];
        assert_memory_equal(a->total, b->total, sizeof *a->total);
        assert_int_equal(a->tick_count, b->tick_count);
        assert_memory_equal(a->ticks, b->ticks, a->tick_count * sizeof *a->ticks);
        assert_int_equal(a->parameter_count, b->parameter_count);
        for (size_t p = 0; p < a->parameter_count; p++) {
            assert_string_equal(a->parameters[p].name, b->parameters[p].name);
            assert_string_equal(a->parameters[p].value, b->parameters[p].value);
        }
    }
}

/* Expected clicks of a policy over all campaigns. */
static double clicks_of(const gv_outcomes *outcomes, const char *policy)
{
    double clicks = 0;
    for (size_t i = 0; i < CELL_COUNT; i++) {
        if (strcmp(outcomes->cells[i].policy, policy) == 0) {
            clicks += (double)outcomes->cells[i].total->expected_nanoclicks / GV_NANO_EVENTS;
        }
    }
    return clicks;
}

/*
 * What is tuned to the budget spends 4/5 of it or more over all campaigns; who reads pCTR beats
 * who does not, and who also watches the budget as it goes beats both.
 */
static void check_order(const gv_outcomes *outcomes)
{
    double budget = 0;
    double spend = 0;
    for (size_t i = 0; i < CELL_COUNT; i++) {
        const gv_cell_record *cell = &outcomes->cells[i];
        assert_true(cell->total->spend_nanos <= cell->campaign->budget_nanos);
        budget += (double)cell->campaign->budget_nanos;
        spend += (double)cell->total->spend_nanos;
    }
    assert_true(spend > 0.8 * budget);
    assert_true(clicks_of(outcomes, "constant") > clicks_of(outcomes, "random"));
    assert_true(clicks_of(outcomes, "linear") > clicks_of(outcomes, "constant"));
    assert_true(clicks_of(outcomes, "rlb") > clicks_of(outcomes, "ss_mdp"));
    assert_true(clicks_of(outcomes, "rlb") > clicks_of(outcomes, "linear"));
    assert_true(clicks_of(outcomes, "pid") > clicks_of(outcomes, "linear"));
    assert_true(clicks_of(outcomes, "adaptive") > clicks_of(outcomes, "linear"));
}

static void the_league_is_one_whatever_the_engine_or_threads(void **state)
{
    (void)state;
    if (!data_is_there()) {
        skip();
    }
    gv_scenario *scenario = NULL;
    gv_composition *composition = NULL;
    assert_int_equal(gv_scenario_load("scenarios/ipinyou.yaml", sets, CAMPAIGN_COUNT, &scenario),
                     GV_OK);
    assert_int_equal(gv_compose(scenario, 1, NULL, &composition), GV_OK);
    gv_store *stores[3];
    gv_outcomes *outcomes[3];
    for (size_t way = 0; way < 3; way++) {
        outcomes[way] = run(composition, way == 1 ? 2 : 1, way == 2, &stores[way]);
        assert_same(outcomes[0], outcomes[way]);
    }
    check_order(outcomes[0]);
    for (size_t way = 0; way < 3; way++) {
        gv_outcomes_destroy(outcomes[way]);
        gv_store_close(stores[way]);
    }
    gv_composition_destroy(composition);
    gv_scenario_destroy(scenario);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_league_is_one_whatever_the_engine_or_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
