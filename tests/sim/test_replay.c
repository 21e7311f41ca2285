/* Replay: worked examples, and market_properties.h over policies of every kind. */
#include "market_subjects.h"

enum { CASES = 150 };

static void batches_give_what_single_auctions_give(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    for (size_t s = 0; s < SUBJECTS; s++) {
        market_batches_equal_reference(&subjects[s], &random, CASES);
    }
}

static void a_stopped_replay_resumes_to_the_same_bytes(void **state)
{
    test_random random = test_random_seeded();
    char path[TEST_PATH_SIZE];
    test_folder_path(*state, "replay.checkpoint", path);
    for (size_t s = 0; s < SUBJECTS; s++) {
        market_resumes_to_the_same_bytes(&subjects[s], &random, CASES / 3, path);
    }
}

static void no_policy_sees_the_future(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    for (size_t s = 0; s < SUBJECTS; s++) {
        market_future_changes_no_bid(&subjects[s], &random, CASES);
    }
}

/* The next allocation would fail, and with it the run. */
static void nothing_is_allocated_while_running(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    for (size_t s = 0; s < SUBJECTS; s++) {
        for (int i = 0; i < 10; i++) {
            drawn_market market = market_drawn(&random, subjects[s].type->reads);
            market_run run = market_run_create(&subjects[s], &market, i % 2 == 1);
            gv_mem_fail_after(0);
            assert_int_equal(gv_replay_run(run.replay, NULL), GV_OK);
            assert_null(gv_mem_alloc(0, 1, 1)); /* the fault is still to come */
            gv_mem_fail_after(-1);
            market_run_destroy(&run);
            market_free(&market);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_give_what_single_auctions_give),
        test_in_folder(a_stopped_replay_resumes_to_the_same_bytes),
        cmocka_unit_test(no_policy_sees_the_future),
        cmocka_unit_test(nothing_is_allocated_while_running),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
