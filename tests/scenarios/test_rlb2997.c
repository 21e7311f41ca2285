/*
 * Published results, exactly, through the whole of `gavel run scenarios/rlb2997.yaml`: campaign
 * 2997 of iPinYou as Cai et al. (WSDM 2017) and their public code replay it.
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

typedef struct published {
    const char *policy;
    uint64_t impressions;
    uint64_t clicks;
    int64_t cost_cpm;
} published;

static const published results[] = {
    {"mcpc", 14752, 48, 307751},
    {"lin", 32208, 71, 203610},
    {"ss_mdp", 40395, 80, 306637},
    {"rlb", 39680, 78, 304375},
};

enum { RESULT_COUNT = sizeof results / sizeof results[0] };

static bool data_is_there(void)
{
    const char *data = getenv("GAVEL_DATA");
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/ipinyou-rlb/2997.test.theta.txt.gz",
                   data == NULL ? "../shared/data" : data);
    if (access(path, R_OK) == 0) {
        return true;
    }
    printf("no %s: set GAVEL_DATA to replay real data\n", path);
    return false;
}

static gv_store *run(const gv_composition *composition, size_t jobs, bool reference)
{
    const gv_run_options options = {.jobs = jobs, .reference = reference, .arguments = "test"};
    gv_run_result result = {0};
    gv_store *store = NULL;
    assert_int_equal(gv_store_open(":memory:", GV_STORE_WRITE, &store), GV_OK);
    assert_int_equal(gv_run_cells(composition, store, &options, &result), GV_OK);
    assert_int_equal(result.done, RESULT_COUNT);
    assert_int_equal(result.failed, 0);
    return store;
}

static void check_results(gv_store *store)
{
    gv_outcomes *outcomes = NULL;
    assert_int_equal(gv_outcomes_read(store, GV_RUN_LATEST, false, &outcomes), GV_OK);
    assert_int_equal(outcomes->cell_count, RESULT_COUNT);
    for (size_t i = 0; i < RESULT_COUNT; i++) {
        const gv_cell_record *cell = &outcomes->cells[i];
        assert_string_equal(cell->policy, results[i].policy);
        assert_int_equal(cell->total->auctions, 156063);
        assert_int_equal(cell->total->wins, results[i].impressions);
        assert_int_equal(cell->total->clicks, results[i].clicks);
        assert_int_equal(cell->total->spend_nanos, results[i].cost_cpm * GV_NANOS_PER_CPM);
        assert_int_equal(cell->episodes, 157);
    }
    gv_outcomes_destroy(outcomes);
}

static void the_published_rows_come_out_whatever_the_engine_or_threads(void **state)
{
    (void)state;
    if (!data_is_there()) {
        skip();
    }
    gv_scenario *scenario = NULL;
    gv_composition *composition = NULL;
    assert_int_equal(gv_scenario_load("scenarios/rlb2997.yaml", NULL, 0, &scenario), GV_OK);
    assert_int_equal(gv_compose(scenario, 1, NULL, &composition), GV_OK);
    for (size_t way = 0; way < 3; way++) {
        gv_store *store = run(composition, way == 1 ? 2 : 1, way == 2);
        check_results(store);
        gv_store_close(store);
    }
    gv_composition_destroy(composition);
    gv_scenario_destroy(scenario);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_rows_come_out_whatever_the_engine_or_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
