/* Replay: worked examples, and market_properties.h over policies of every kind. */
#include "market_policies.h"
#include "market_properties.h"

enum { CASES = 150 };

static const linear_config linear_100 = {.nanos_per_click = 1e8};

static const market_subject subjects[] = {
    {.type = &whim},
    {.type = &test_linear, .config = &linear_100},
    {.type = &listener},
    {.type = &clinger},
};

enum { SUBJECTS = sizeof subjects / sizeof subjects[0] };

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_give_what_single_auctions_give),
        test_in_folder(a_stopped_replay_resumes_to_the_same_bytes),
        cmocka_unit_test(no_policy_sees_the_future),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
