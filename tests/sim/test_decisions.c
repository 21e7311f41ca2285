/* Tables of decisions as they are read, what is rejected in them, and policies made from them. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cmocka_all.h"
#include "sim/base/mem.h"
#include "sim/estimate/target.h"
#include "sim/log/decisions.h"
#include "test_folder.h"

static void put(const test_folder *folder, const char *name, const char *text, char *path)
{
    test_folder_path(folder, name, path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static const char open_bandit[] =
    ",timestamp,item_id,position,click,propensity_score,user_feature_0,user_feature_1,"
    "user_feature_2,user_feature_3,user-item_affinity_0\n"
    "0,2019-11-24 00:01:03.9+00:00,7,2,0,0.5,a,b,c,d,0.0\n"
    "1,2019-11-24 00:59:03.9+00:00,9,1,1,1e-06,a,b,e,d,0.0\n"
    "\n"
    "2,2019-11-24 01:00:00.0+00:00,7,2,0,0.25,\"x\"\"y\",b,c,d,0.0\n";

static bool is(gv_span span, const char *text)
{
    return span.size == strlen(text) && memcmp(span.bytes, text, span.size) == 0;
}

static void open_bandit_by_hand(void **state)
{
    char path[TEST_PATH_SIZE];
    put(*state, "a.csv", open_bandit, path);
    const gv_decision_columns columns = gv_decision_columns_open_bandit();
    gv_decisions *log = NULL;
    assert_int_equal(gv_decisions_read(path, &columns, &log), GV_OK);
    assert_int_equal(log->count, 3);
    assert_int_equal(log->reject_count, 0);
    assert_int_equal(gv_decisions_action_count(log), 2);
    assert_true(is(gv_decisions_action(log, log->actions[1]), "9"));
    assert_true(log->actions[0] == log->actions[2]);
    assert_true(log->rewards[1] == 1 && log->propensities[1] == 1e-6);
    assert_int_equal(log->cluster_count, 2); /* hours */
    assert_true(log->clusters[0] == 0 && log->clusters[1] == 0 && log->clusters[2] == 1);
    assert_true(log->has_position);
    assert_int_equal(log->context_count, 5);
    assert_true(is(gv_decisions_level(log, 0, log->contexts[0][1]), "1"));
    assert_true(is(gv_decisions_level(log, 1, log->contexts[1][2]), "x\"\"y") ||
                is(gv_decisions_level(log, 1, log->contexts[1][2]), "x\"y"));
    assert_int_equal(gv_decisions_level_count(log, 3), 2);
    gv_decisions_destroy(log);
}

/* An empty spend is nothing, one below 0 no spend. */
static void spends_are_read(void **state)
{
    char path[TEST_PATH_SIZE];
    put(*state, "a.csv", "action,reward,propensity,cost\na,1,0.5,2.5\nb,0,0.5,\na,0,0.5,-1\n",
        path);
    gv_decision_columns columns = gv_decision_columns_plain();
    columns.spend = "cost";
    columns.reject_share_max = 0.5;
    gv_decisions *log = NULL;
    assert_int_equal(gv_decisions_read(path, &columns, &log), GV_OK);
    assert_int_equal(log->count, 2);
    assert_true(log->spends[0] == 2.5 && log->spends[1] == 0);
    assert_int_equal(log->reject_count, 1);
    assert_non_null(strstr(log->first_reject, "a.csv:4: cost '-1' is a spend below 0"));
    gv_decisions_destroy(log);
}

/* Each bad row is counted, the first one told by its line and column. */
static void bad_rows_are_counted_and_told(void **state)
{
    static const char *const rows[] = {
        "a,1,0\n",     "a,1,1.01\n", "a,1,-0.5\n", "a,1,nan\n",   "a,one,0.5\n",
        "a,inf,0.5\n", ",1,0.5\n",   "a,1\n",      "a,1,0.5,2\n",
    };
    static const char *const told[] = {"propensity '0'",   "propensity '1.01'", "propensity '-0.5'",
                                       "propensity 'nan'", "reward 'one'",      "reward 'inf'",
                                       "action ''",        "the row",           "the row"};
    gv_decision_columns columns = gv_decision_columns_plain();
    columns.reject_share_max = 0.5;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char path[TEST_PATH_SIZE];
        char text[256];
        (void)snprintf(text, sizeof text, "action,reward,propensity\nb,2,0.5\n%sb,-3,1\n", rows[i]);
        put(*state, "a.csv", text, path);
        gv_decisions *log = NULL;
        assert_int_equal(gv_decisions_read(path, &columns, &log), GV_OK);
        assert_int_equal(log->count, 2);
        assert_int_equal(log->reject_count, 1);
        assert_non_null(strstr(log->first_reject, "a.csv:3: "));
        assert_non_null(strstr(log->first_reject, told[i]));
        gv_decisions_destroy(log);
    }
    columns.reject_share_max = 0.1;
    char path[TEST_PATH_SIZE];
    put(*state, "b.csv", "action,reward,propensity\na,1,2\na,1,1\n", path);
    gv_decisions *log = NULL;
    assert_int_equal(gv_decisions_read(path, &columns, &log), GV_EREJECTS);
    assert_non_null(strstr(gv_status_detail(), "1 of 2 rows cannot be used, more than 10 %"));
    assert_null(log);
}

static void what_is_missing_is_said(void **state)
{
    const gv_decision_columns columns = gv_decision_columns_plain();
    char path[TEST_PATH_SIZE];
    gv_decisions *log = NULL;
    put(*state, "a.csv", "action,rewards,propensity\na,1,1\n", path);
    assert_int_equal(gv_decisions_read(path, &columns, &log), GV_EUSAGE);
    assert_non_null(
        strstr(gv_status_detail(), "a.csv:1: no column 'reward'; the header has: action"));
    put(*state, "a.csv", "action,reward,propensity\n", path);
    assert_int_equal(gv_decisions_read(path, &columns, &log), GV_EPARSE);
    put(*state, "a.csv", "", path);
    assert_int_equal(gv_decisions_read(path, &columns, &log), GV_EPARSE);
    test_folder_path(*state, "none.csv", path);
    assert_int_equal(gv_decisions_read(path, &columns, &log), GV_EIO);
}

static void every_allocation_may_fail(void **state)
{
    char path[TEST_PATH_SIZE];
    put(*state, "a.csv", open_bandit, path);
    const gv_decision_columns columns = gv_decision_columns_open_bandit();
    gv_decisions *log = NULL;
    gv_status status = GV_ENOMEM;
    int count = 0;
    for (; status != GV_OK && count < 200; count++) {
        gv_mem_fail_after(count);
        status = gv_decisions_read(path, &columns, &log);
        gv_mem_fail_after(-1);
        assert_true(status == GV_OK || status == GV_ENOMEM);
    }
    assert_int_equal(status, GV_OK);
    gv_decisions_destroy(log);
}

/* --- policies ------------------------------------------------------------------------------ */

static gv_decisions *read_log(const test_folder *folder, const char *text, bool has_position)
{
    char path[TEST_PATH_SIZE];
    put(folder, "log.csv", text, path);
    gv_decision_columns columns = gv_decision_columns_plain();
    columns.propensity = NULL;
    columns.position = has_position ? "place" : NULL;
    gv_decisions *log = NULL;
    assert_int_equal(gv_decisions_read(path, &columns, &log), GV_OK);
    return log;
}

static const char judging[] = "action,reward,place\na,0,1\nb,1,1\na,1,2\nc,0,2\nb,0,1\nb,1,1\n";

static double chance(const gv_decisions *log, const gv_target_owned *policy, const char *place,
                     const char *action)
{
    for (uint32_t p = 0; p < gv_decisions_level_count(log, 0); p++) {
        for (uint32_t a = 0; a < gv_decisions_action_count(log); a++) {
            if (is(gv_decisions_level(log, 0, p), place) &&
                is(gv_decisions_action(log, a), action)) {
                return policy->table[p * gv_decisions_action_count(log) + a];
            }
        }
    }
    fail();
    return 0;
}

/* The other log names things in another order, and an action that the first never saw. */
static void another_logs_shares_are_a_policy(void **state)
{
    gv_decisions *log = read_log(*state, judging, true);
    gv_decisions *other =
        read_log(*state, "place,action,reward\n2,c,0\n2,z,0\n1,b,0\n1,b,0\n1,c,0\n1,a,0\n", true);
    gv_target_owned policy;
    assert_int_equal(gv_target_frequent(log, other, &policy), GV_OK);
    assert_true(chance(log, &policy, "1", "b") == 0.5);
    assert_true(chance(log, &policy, "1", "a") == 0.25);
    assert_true(chance(log, &policy, "1", "c") == 0.25);
    assert_true(chance(log, &policy, "2", "c") == 1); /* z is lost, the rest scaled up */
    assert_true(fabs(policy.lost - 1.0 / 6) < 1e-15);
    gv_target_fini(&policy);
    gv_decisions_destroy(other);
    other = read_log(*state, "place,action,reward\n2,c,0\n", true);
    assert_int_equal(gv_target_frequent(log, other, &policy), GV_EUSAGE);
    assert_non_null(strstr(gv_status_detail(), "position '1'"));
    gv_decisions_destroy(other);
    gv_decisions_destroy(log);
}

static void uniform_and_greedy_by_hand(void **state)
{
    gv_decisions *log = read_log(*state, judging, true);
    gv_target_owned policy;
    assert_int_equal(gv_target_uniform(log, &policy), GV_OK);
    assert_true(chance(log, &policy, "2", "b") == 1.0 / 3);
    gv_target_fini(&policy);
    assert_int_equal(gv_target_greedy(log, &policy), GV_OK);
    assert_true(chance(log, &policy, "1", "b") == 1 && chance(log, &policy, "1", "a") == 0);
    assert_true(chance(log, &policy, "2", "a") == 1 && chance(log, &policy, "2", "c") == 0);
    gv_target_fini(&policy);
    gv_decisions_destroy(log);
}

static void propensities_are_estimated_by_shares(void **state)
{
    gv_decisions *log = read_log(*state, judging, true);
    double propensities[6];
    assert_int_equal(gv_rounds_estimate_propensities(log, propensities), GV_OK);
    static const double expected[] = {0.25, 0.75, 0.5, 0.5, 0.75, 0.75};
    for (size_t i = 0; i < 6; i++) {
        assert_true(propensities[i] == expected[i]);
    }
    gv_decisions_destroy(log);
    log = read_log(*state, judging, false);
    assert_int_equal(gv_rounds_estimate_propensities(log, propensities), GV_OK);
    assert_true(propensities[0] == 1.0 / 3 && propensities[1] == 0.5);
    gv_decisions_destroy(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(open_bandit_by_hand),
        test_in_folder(spends_are_read),
        test_in_folder(bad_rows_are_counted_and_told),
        test_in_folder(what_is_missing_is_said),
        test_in_folder(every_allocation_may_fail),
        test_in_folder(another_logs_shares_are_a_policy),
        test_in_folder(uniform_and_greedy_by_hand),
        test_in_folder(propensities_are_estimated_by_shares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
