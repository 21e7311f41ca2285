/*
 * Runs of whole scenarios on made-up logs: the same database, to the byte of its dump without
 * wall times, for any number of threads, either engine, and however often it was interrupted.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "scenarios/compose/compose.h"
#include "scenarios/run/run.h"
#include "sim/base/clock.h"
#include "sim/base/mem.h"
#include "sim/log/generate.h"
#include "test_folder.h"

enum { DUMP_SIZE = 4 << 20 };

static const char scenario_text[] =
    "name: identity\n"
    "seed: 5\n"
    "log: {path: test.gvlog, floor: on}\n"
    "history: {share: 5/7}\n"
    "mechanism: {type: second_price, price_step: 1 CPM}\n"
    "campaigns:\n"
    "  - {name: games, where: {advertiser: games}, budget_share: [1/3, 1/20], episode: daily}\n"
    "  - {name: all, budget: 20, bid_cap: 200, click_value: 0.02}\n"
    "policies:\n"
    "  - {type: random, low: 0, high: 90}\n"
    "  - {type: linear}\n"
    "  - {type: pid}\n"
    "  - {type: rlb, table_cells: 4096, table_auctions: 400}\n"
    "  - {type: adaptive}\n";

static void make_log(const test_folder *folder, uint64_t auction_count)
{
    char path[TEST_PATH_SIZE];
    gv_builder_counts counts;
    test_folder_path(folder, "test.gvlog", path);
    const gv_generate_config config = {
        .path = path, .auction_count = auction_count, .seed = 3, .days = 7};
    if (gv_generate(&config, NULL, &counts) != GV_OK) {
        fail_msg("%s", gv_status_detail());
    }
}

static gv_composition *compose(const test_folder *folder, const char *text, gv_scenario **scenario)
{
    char path[TEST_PATH_SIZE];
    gv_composition *composition = NULL;
    test_folder_path(folder, "test.yaml", path);
    if (gv_scenario_parse(path, text, strlen(text), NULL, 0, scenario) != GV_OK ||
        gv_compose(*scenario, 1, NULL, &composition) != GV_OK) {
        fail_msg("%s", gv_status_detail());
    }
    return composition;
}

/* Every row of every table in the order of its key, wall times and provenance aside. */
static void dump(const char *path, char *text)
{
    static const char *const queries[] = {
        "SELECT name, scenario, scenario_hash, seed, cell_count, state FROM run ORDER BY id",
        "SELECT * FROM parameter ORDER BY run_id, name",
        "SELECT * FROM reject ORDER BY run_id, number",
        "SELECT * FROM campaign_parameter ORDER BY run_id, cell, name",
        "SELECT * FROM tick ORDER BY run_id, cell, tick",
        "SELECT * FROM metric ORDER BY run_id, cell, name",
        "SELECT * FROM checkpoint ORDER BY run_id, cell",
        "SELECT * FROM campaign ORDER BY run_id, cell",
    };
    sqlite3 *db = NULL;
    size_t used = 0;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        sqlite3_stmt *rows = NULL;
        assert_int_equal(sqlite3_prepare_v2(db, queries[i], -1, &rows, NULL), SQLITE_OK);
        while (sqlite3_step(rows) == SQLITE_ROW) {
            for (int c = 0; c < sqlite3_column_count(rows); c++) {
                if (strstr(sqlite3_column_name(rows, c), "wall") != NULL) {
                    continue;
                }
                const unsigned char *cell = sqlite3_column_text(rows, c);
                used += (size_t)snprintf(text + used, DUMP_SIZE - used, "%s|",
                                         cell == NULL ? "NULL" : (const char *)cell);
                assert_true(used < DUMP_SIZE);
            }
            used += (size_t)snprintf(text + used, DUMP_SIZE - used, "\n");
        }
        assert_int_equal(sqlite3_finalize(rows), SQLITE_OK);
    }
    (void)sqlite3_close(db);
}

/* Stops after so many reports; -1: never. */
typedef struct stopper {
    int left;
} stopper;

static bool report(void *context, const char *what, uint64_t done, uint64_t total)
{
    struct stopper *stop = context;
    (void)what;
    (void)done;
    (void)total;
    if (stop->left > 0) {
        stop->left--;
    }
    return stop->left != 0;
}

typedef struct trial_run {
    const char *name; /* of the database */
    size_t jobs;
    bool reference;
    int patience; /* reports between interruptions; -1: none */
} trial_run;

/* Runs and, where it is interrupted, resumes until all is done. Returns how often it took. */
static int run_to_the_end(const test_folder *folder, const char *text, const trial_run *how,
                          char *path)
{
    gv_scenario *scenario = NULL;
    gv_composition *composition = compose(folder, text, &scenario);
    gv_status status = GV_ESTOPPED;
    int rounds = 0;
    test_folder_path(folder, how->name, path);
    while (status == GV_ESTOPPED && rounds < 1000) {
        gv_store *store = NULL;
        gv_run_result result;
        stopper patience = {.left = how->patience * (rounds + 1)};
        const gv_progress progress = {.report = report, .context = &patience};
        const gv_run_options options = {.jobs = how->jobs,
                                        .reference = how->reference,
                                        .resume = true,
                                        .arguments = "test",
                                        .progress = &progress};
        assert_int_equal(gv_store_open(path, GV_STORE_WRITE, &store), GV_OK);
        status = gv_run_cells(composition, store, &options, &result);
        gv_store_close(store);
        assert_int_equal(result.failed, 0);
        assert_int_equal(result.is_resumed, rounds > 0);
        assert_int_equal(result.done + result.left, composition->cell_count);
        rounds++;
    }
    if (status != GV_OK) {
        fail_msg("%s", gv_status_detail());
    }
    gv_composition_destroy(composition);
    gv_scenario_destroy(scenario);
    return rounds;
}

static void outcomes_depend_on_nothing_but_scenario_and_inputs(void **state)
{
    static const trial_run trials[] = {
        {.name = "one.db", .jobs = 1, .patience = -1},
        {.name = "two.db", .jobs = 2, .patience = -1},
        {.name = "reference.db", .jobs = 1, .reference = true, .patience = -1},
        {.name = "often.db", .jobs = 1, .patience = 3},
        {.name = "mixed.db", .jobs = 2, .reference = true, .patience = 40},
    };
    const test_folder *folder = *state;
    char *expected = gv_mem_alloc(0, DUMP_SIZE, 1);
    char *found = gv_mem_alloc(0, DUMP_SIZE, 1);
    char path[TEST_PATH_SIZE];
    assert_non_null(expected);
    assert_non_null(found);
    make_log(folder, 4000);
    assert_int_equal(run_to_the_end(folder, scenario_text, &trials[0], path), 1);
    dump(path, expected);
    assert_true(strlen(expected) > 20000);
    for (size_t i = 1; i < sizeof trials / sizeof trials[0]; i++) {
        const int rounds = run_to_the_end(folder, scenario_text, &trials[i], path);
        assert_true(rounds > 1 || trials[i].patience < 0);
        dump(path, found);
        if (strcmp(expected, found) != 0) {
            fail_msg("%s differs from one.db", trials[i].name);
        }
    }
    gv_mem_free(expected);
    gv_mem_free(found);
}

static void another_seed_is_another_outcome_and_identity(void **state)
{
    static const char *const sets[] = {"seed=6"};
    const test_folder *folder = *state;
    char path[TEST_PATH_SIZE];
    gv_scenario *scenarios[2] = {NULL, NULL};
    gv_composition *other = NULL;
    make_log(folder, 3000);
    gv_composition *first = compose(folder, scenario_text, &scenarios[0]);
    test_folder_path(folder, "elsewhere.yaml", path);
    assert_int_equal(
        gv_scenario_parse(path, scenario_text, sizeof scenario_text - 1, sets, 1, &scenarios[1]),
        GV_OK);
    assert_int_equal(gv_compose(scenarios[1], 1, NULL, &other), GV_OK);
    assert_true(first->hash != other->hash);
    gv_composition_destroy(other);
    gv_scenario_destroy(scenarios[1]);
    assert_int_equal(
        gv_scenario_parse(path, scenario_text, sizeof scenario_text - 1, NULL, 0, &scenarios[1]),
        GV_OK);
    assert_int_equal(gv_compose(scenarios[1], 1, NULL, &other), GV_OK);
    assert_true(first->hash == other->hash);
    gv_composition_destroy(first);
    gv_composition_destroy(other);
    gv_scenario_destroy(scenarios[0]);
    gv_scenario_destroy(scenarios[1]);
}

static void budgets_are_the_shares_they_say(void **state)
{
    const test_folder *folder = *state;
    gv_scenario *scenario = NULL;
    make_log(folder, 3000);
    gv_composition *composition = compose(folder, scenario_text, &scenario);
    assert_int_equal(composition->cell_count, 15);
    const gv_composed_campaign *games = &composition->campaigns[0];
    assert_true(games->logged_cost_nanos > 0);
    const gv_cell *cell = &composition->cells[7];
    assert_int_equal(cell->number, 7);
    assert_string_equal(cell->campaign.name, "games");
    assert_string_equal(cell->budget_label, "1/20");
    assert_string_equal(cell->policy->name, "pid");
    assert_true(cell->campaign.budget_nanos == games->logged_cost_nanos / 20);
    assert_true(composition->cells[12].campaign.budget_nanos == 20 * INT64_C(1000000000));
    assert_true(composition->past_to_us == composition->from_us);
    gv_composition_destroy(composition);
    gv_scenario_destroy(scenario);
}

typedef struct refusal {
    const char *log;
    const char *history;
    const char *campaign;
    const char *policy;
    const char *says;
} refusal;

static const refusal refusals[] = {
    {"from: 2031-01-01", NULL, "budget: 1", "type: constant, bid: 30",
     "log: its span lies outside the log, which covers 1970-01-01T00:0"},
    {"from: 1970-01-05, to: 1970-01-03", NULL, "budget: 1", "type: constant, bid: 30",
     "log: it ends (to) before it begins (from)"},
    {NULL, NULL, "budget: 1, start: 1970-01-05, end: 1970-01-04", "type: constant, bid: 30",
     "campaigns.c: the campaign ends before it starts"},
    {"to: 1970-01-03", NULL, "budget: 1, start: 1970-01-04, end: 1970-01-05",
     "type: constant, bid: 30", "campaigns.c: the campaign lies outside what is replayed"},
    {"from: 1970-01-05", "to: 1970-01-06", "budget: 1", "type: linear",
     "reaches into the campaign c: what is learnt must end before the campaign starts"},
    {NULL, "from: auto", "budget: 1", "type: linear",
     "history: nothing of its log lies before the first campaign"},
    {NULL, "share: 1/2, to: 1970-01-02", "budget: 1", "type: linear",
     "history.share cuts the log in two"},
    {"from: 1970-01-05", "to: 1969-01-02", "budget: 1", "type: linear",
     "history: its span lies outside the log"},
    {NULL, NULL, "budget: 1", "type: linear",
     "policies.linear: linear learns b0 from a history, and the scenario has none"},
    {NULL, NULL, "budget: 1, where: {advertisr: games}", "type: constant, bid: 30", "advertisr"},
    {NULL, NULL, "budget: 1, where: {advertiser: gamse}", "type: constant, bid: 30", "gamse"},
    {NULL, NULL, "budget: 1, tick: 1 us", "type: constant, bid: 30", "at most 10000000 are kept"},
    {"format: ipinyuo", NULL, "budget: 1", "type: constant, bid: 30",
     "there is no format 'ipinyuo'; did you mean 'ipinyou'?"},
    {"format: csv", NULL, "budget: 1", "type: constant, bid: 30",
     "the format csv needs a mapping file"},
};

/* Each contradiction is the scenario's fault: one sentence, and GV_EUSAGE. */
static void contradictions_are_refused_with_a_sentence(void **state)
{
    const test_folder *folder = *state;
    char path[TEST_PATH_SIZE];
    make_log(folder, 500);
    test_folder_path(folder, "test.yaml", path);
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        const refusal *r = &refusals[i];
        char text[1024];
        (void)snprintf(text, sizeof text,
                       "log: {path: %s%s%s}\n%s%s%scampaigns: [{name: c, %s}]\n"
                       "policies: [{%s}]\n",
                       r->log != NULL && strncmp(r->log, "format", 6) == 0 ? "raw" : "test.gvlog",
                       r->log == NULL ? "" : ", ", r->log == NULL ? "" : r->log,
                       r->history == NULL ? "" : "history: {", r->history == NULL ? "" : r->history,
                       r->history == NULL ? "" : "}\n", r->campaign, r->policy);
        gv_scenario *scenario = NULL;
        gv_composition *composition = NULL;
        if (gv_scenario_parse(path, text, strlen(text), NULL, 0, &scenario) != GV_OK) {
            fail_msg("%s: %s", text, gv_status_detail());
        }
        const gv_status status = gv_compose(scenario, 1, NULL, &composition);
        if (status != GV_EUSAGE || scenario->problems.count != 1 ||
            strstr(scenario->problems.first->sentence, r->says) == NULL) {
            fail_msg("%s: expected: %s: found: %s", text, r->says, gv_status_detail());
        }
        assert_null(composition);
        gv_scenario_destroy(scenario);
    }
}

static void no_allocation_may_fail_badly(void **state)
{
    static const char text[] =
        "log: {path: test.gvlog}\n"
        "campaigns: [{name: c, budget_share: 1/4, where: {slot_width: 300}}]\n"
        "policies: [{type: constant, bid: 30}]\n";
    const test_folder *folder = *state;
    char path[TEST_PATH_SIZE];
    gv_status status = GV_ENOMEM;
    make_log(folder, 300);
    test_folder_path(folder, "test.yaml", path);
    for (int n = 0; status != GV_OK; n++) {
        gv_scenario *scenario = NULL;
        gv_composition *composition = NULL;
        gv_store *store = NULL;
        gv_run_result result = {.failed = 0};
        const gv_run_options options = {.jobs = 1, .arguments = "test"};
        assert_int_equal(gv_scenario_parse(path, text, sizeof text - 1, NULL, 0, &scenario), GV_OK);
        assert_int_equal(gv_store_open(":memory:", GV_STORE_WRITE, &store), GV_OK);
        gv_mem_fail_after(n);
        status = gv_compose(scenario, 1, NULL, &composition);
        if (status == GV_OK) {
            status = gv_run_cells(composition, store, &options, &result);
        }
        gv_mem_fail_after(-1);
        if ((status != GV_OK && status != GV_ENOMEM) || result.failed != 0) {
            fail_msg("after %d allocations: %s %s", n, gv_status_detail(), result.sentence);
        }
        gv_store_close(store);
        gv_composition_destroy(composition);
        gv_scenario_destroy(scenario);
        assert_true(n < 2000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(outcomes_depend_on_nothing_but_scenario_and_inputs),
        test_in_folder(another_seed_is_another_outcome_and_identity),
        test_in_folder(budgets_are_the_shares_they_say),
        test_in_folder(contradictions_are_refused_with_a_sentence),
        test_in_folder(no_allocation_may_fail_badly),
    };
    return cmocka_run_group_tests_name("run", tests, NULL, NULL);
}
