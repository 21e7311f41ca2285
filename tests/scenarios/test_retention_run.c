/* Runs of retention in a store: stopped at midnights and gone on with, and their sums. */
#include <string.h>

#include "cmocka_all.h"
#include "scenarios/run/retention.h"
#include "sim/base/mem.h"

enum { POLICIES = 3, USERS = 300 };

static const char scenario_text[] = "campaign: {users: 300, days: 9, lifetime_value: 2}\n"
                                    "policies:\n"
                                    "  - {name: clicks, aim: clicks}\n"
                                    "  - {name: truth, aim: retention, model: truth}\n"
                                    "  - {name: all, aim: reach}\n";

static gv_retention_plan *plan_of(const char *set)
{
    gv_retention_plan *plan = NULL;
    if (gv_retention_parse("r.yaml", scenario_text, strlen(scenario_text), &set,
                           set == NULL ? 0 : 1, &plan) != GV_OK) {
        fail_msg("%s", gv_status_detail());
    }
    return plan;
}

static gv_store *store_in(const char *path)
{
    gv_store *store = NULL;
    if (gv_store_open(path, GV_STORE_WRITE, &store) != GV_OK) {
        fail_msg("%s", gv_status_detail());
    }
    return store;
}

/* Asks to stop at the report of that number, from 1, and at all behind it; 0: never. */
typedef struct patience {
    size_t reports;
    size_t most;
} patience;

static bool count_reports(void *context, const char *what, uint64_t done, uint64_t total)
{
    patience *self = context;
    (void)what;
    (void)done;
    (void)total;
    self->reports++;
    return self->most == 0 || self->reports < self->most;
}

static gv_status play(gv_store *store, gv_retention_plan *plan, bool resume, size_t most,
                      gv_retention_result *result, gv_retention_run **run)
{
    patience left = {.most = most};
    const gv_progress progress = {.report = count_reports, .context = &left};
    const gv_retention_options options = {
        .jobs = 1, .resume = resume, .arguments = "a test", .progress = &progress};
    *run = NULL;
    return gv_retention_play(plan, store, &options, result, run);
}

static void expect_alike(const gv_retention_run *a, const gv_retention_run *b)
{
    for (size_t i = 0; i < POLICIES; i++) {
        assert_memory_equal(gv_retention_outcome(a, i), gv_retention_outcome(b, i),
                            sizeof(gv_retention_sums));
    }
}

/* However often it is stopped, the run ends in the sums of one that was not. */
static void a_run_stopped_at_any_midnight_ends_in_the_same_sums(void **state)
{
    (void)state;
    gv_retention_plan *plan = plan_of(NULL);
    gv_store *whole = store_in(":memory:");
    gv_retention_result result;
    gv_retention_run *run = NULL;
    gv_retention_run *other = NULL;
    assert_int_equal(play(whole, plan, false, 0, &result, &run), GV_OK);
    assert_int_equal(result.done, POLICIES);
    for (size_t most = 2; most < 9; most += 3) {
        gv_store *store = store_in(":memory:");
        size_t stops = 0;
        gv_status status = GV_ESTOPPED;
        for (; status == GV_ESTOPPED; stops++) {
            status = play(store, plan, true, most, &result, &other);
            assert_int_equal(result.is_resumed, stops > 0);
            assert_int_equal(result.run_id, 1);
            assert_int_equal(result.done + result.left, POLICIES);
        }
        assert_int_equal(status, GV_OK);
        assert_true(stops > POLICIES); /* within policies, too */
        expect_alike(run, other);
        gv_retention_run_destroy(other);
        gv_store_close(store);
    }
    gv_retention_run_destroy(run);
    gv_store_close(whole);
    gv_retention_plan_destroy(plan);
}

static void sums_by_cluster_add_up_and_are_read_back(void **state)
{
    (void)state;
    gv_retention_plan *plan = plan_of(NULL);
    gv_store *store = store_in(":memory:");
    gv_retention_result result;
    gv_retention_run *run = NULL;
    assert_int_equal(play(store, plan, false, 0, &result, &run), GV_OK);
    assert_int_equal(gv_retention_clusters(run), USERS); /* no more than users */
    uint64_t all_retained = 0;
    for (size_t i = 0; i < POLICIES; i++) {
        const gv_retention_sums *sums = gv_retention_outcome(run, i);
        gv_winback_cluster read[USERS];
        gv_winback_tally total;
        int64_t spend = 0;
        uint64_t retained = 0;
        for (size_t c = 0; c < USERS; c++) {
            spend += sums->clusters[c].spend_nanos;
            retained += sums->clusters[c].retained;
        }
        assert_int_equal(spend, sums->total.spend_nanos);
        assert_int_equal(retained, sums->total.retained);
        all_retained += retained;
        assert_int_equal(gv_store_read_winback(store, result.run_id, i, &total, read, USERS),
                         GV_OK);
        assert_memory_equal(&total, &sums->total, sizeof total);
        assert_memory_equal(read, sums->clusters, sizeof read);
        assert_int_equal(gv_store_read_winback(store, result.run_id, i, &total, read, USERS - 1),
                         GV_ECORRUPT);
    }
    assert_true(all_retained > 0);
    gv_winback_tally total;
    gv_winback_cluster one;
    assert_int_equal(gv_store_read_winback(store, result.run_id, POLICIES, &total, &one, 1),
                     GV_ENOTFOUND);
    gv_retention_run_destroy(run);
    gv_store_close(store);
    gv_retention_plan_destroy(plan);
}

/* A scenario whose values differ is another; its name is no value. */
static void only_the_same_scenario_is_gone_on_with(void **state)
{
    (void)state;
    gv_store *store = store_in(":memory:");
    gv_retention_plan *plan = plan_of(NULL);
    gv_retention_plan *named = plan_of("name=other");
    gv_retention_plan *longer = plan_of("campaign.days=6");
    gv_retention_result result;
    gv_retention_run *run = NULL;
    assert_int_equal(play(store, plan, false, 3, &result, &run), GV_ESTOPPED);
    assert_int_equal(play(store, longer, true, 3, &result, &run), GV_ESTOPPED);
    assert_false(result.is_resumed);
    assert_int_equal(result.run_id, 2);
    assert_int_equal(result.unfinished_id, 0);
    assert_int_equal(play(store, plan, false, 3, &result, &run), GV_ESTOPPED);
    assert_int_equal(result.run_id, 3);
    assert_int_equal(result.unfinished_id, 1);
    assert_int_equal(play(store, named, true, 0, &result, &run), GV_OK);
    assert_true(result.is_resumed);
    assert_int_equal(result.run_id, 3); /* the latest */
    gv_retention_run_destroy(run);
    gv_retention_plan_destroy(plan);
    gv_retention_plan_destroy(named);
    gv_retention_plan_destroy(longer);
    gv_store_close(store);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    gv_status status = GV_ENOMEM;
    for (int n = 0; status != GV_OK; n++) {
        gv_retention_plan *plan = plan_of(NULL);
        gv_store *store = store_in(":memory:");
        gv_retention_result result;
        gv_retention_run *run = NULL;
        gv_mem_fail_after(n);
        status = play(store, plan, false, 0, &result, &run);
        gv_mem_fail_after(-1);
        assert_true(status == GV_OK || status == GV_ENOMEM);
        gv_retention_run_destroy(run);
        gv_store_close(store);
        gv_retention_plan_destroy(plan);
    }
}

static void only_retention_is_recognised(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_retention;
    } cases[] = {{scenario_text, true},
                 {"population: {signal: 0.3}\npolicies: []\n", true},
                 {"log: {path: x}\ncampaign: {}\n", false},
                 {"market: {}\npopulation: {}\n", false},
                 {"campaigns: []\ncampaign: {}\n", false},
                 {"policies: []\n", false},
                 {"[campaign]\n", false},
                 {"campaign: {\n", false},
                 {"", false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool is_retention = !cases[i].is_retention;
        assert_int_equal(
            gv_retention_recognise(cases[i].text, strlen(cases[i].text), &is_retention), GV_OK);
        assert_int_equal(is_retention, cases[i].is_retention);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_stopped_at_any_midnight_ends_in_the_same_sums),
        cmocka_unit_test(sums_by_cluster_add_up_and_are_read_back),
        cmocka_unit_test(only_the_same_scenario_is_gone_on_with),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(only_retention_is_recognised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
