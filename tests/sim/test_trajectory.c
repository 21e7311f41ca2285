/*
 * Trajectories: by hand, from a market's record, and of the sample against what a plain Python
 * script made of it (scripts/peers/auctionnet_states.py).
 */
#include <math.h>
#include <stdlib.h>

#include "auctionnet_text.h"
#include "sim/base/mem.h"
#include "sim/base/money.h"
#include "sim/base/safetensors.h"
#include "sim/market/observation.h"
#include "sim/market/outlook.h"
#include "sim/outcome/trajectory.h"

enum { TICKS = 48, LINE_SIZE = 1024 };

/* A set's file, and its tensors by name. */
typedef struct opened {
    gv_safetensors *file;
    char path[TEST_PATH_SIZE];
} opened;

static void open_written(void **state, const gv_trajectories *set, opened *out)
{
    test_folder_path(*state, "x.safetensors", out->path);
    assert_int_equal(gv_trajectories_write(set, out->path, "a test", NULL), GV_OK);
    assert_int_equal(gv_safetensors_open(out->path, &out->file), GV_OK);
}

static const double *reals(const opened *from, const char *name, size_t rank)
{
    const uint64_t any[GV_TENSOR_RANK_MAX] = {0};
    const gv_tensor *tensor = NULL;
    assert_int_equal(gv_safetensors_expect(from->file, name, GV_TENSOR_F64, rank, any, &tensor),
                     GV_OK);
    return tensor->data;
}

static const int64_t *integers(const opened *from, const char *name)
{
    const uint64_t any = 0;
    const gv_tensor *tensor = NULL;
    assert_int_equal(gv_safetensors_expect(from->file, name, GV_TENSOR_I64, 1, &any, &tensor),
                     GV_OK);
    return tensor->data;
}

/* The small log: advertiser 7, then 3; two ticks of two opportunities and one; it ends there. */
static void a_log_by_hand(void **state)
{
    char path[TEST_PATH_SIZE];
    gv_trajectories *set = NULL;
    opened file;
    auctionnet_write_text(state, "a.csv", AUCTIONNET_SMALL, path);
    assert_int_equal(gv_trajectories_create(3, &set), GV_OK);
    assert_int_equal(gv_trajectories_read(set, path, NULL), GV_OK);
    assert_int_equal(gv_trajectories_count(set), 2);
    open_written(state, set, &file);
    const uint64_t shape[] = {2, 3, GV_STATE_SIZE};
    const gv_tensor *states = NULL;
    assert_int_equal(gv_safetensors_expect(file.file, "state", GV_TENSOR_F64, 3, shape, &states),
                     GV_OK);
    const double *s = (const double *)states->data + GV_STATE_SIZE; /* advertiser 7 at tick 1 */
    assert_true(s[GV_STATE_TIME_LEFT] == 2.0 / 3.0 && s[GV_STATE_BUDGET_LEFT] == 0.985);
    assert_true(s[GV_STATE_BID] == 2.5 && s[GV_STATE_LEAST_COST] == 1.0);
    assert_true(s[GV_STATE_VALUE] == 0.3125 && s[GV_STATE_CONVERSION] == 0.5);
    assert_true(s[GV_STATE_WIN] == 1.0 && s[GV_STATE_VALUE_NOW] == 0.5);
    assert_true(s[GV_STATE_COUNT_NOW] == 1.0 && s[GV_STATE_COUNT] == 2.0);
    const double *actions = reals(&file, "action", 2);
    assert_true(actions[0] == 5.0 / 0.625 && actions[1] == 4.0 && actions[2] == 0.0);
    assert_true(actions[3] == 2.0 && actions[4] == 0.0);
    const double *rewards = reals(&file, "reward", 2);
    const double *continuous = reals(&file, "reward_continuous", 2);
    assert_true(rewards[0] == 1.0 && rewards[1] == 0.0 && rewards[3] == 0.0);
    assert_true(continuous[0] == 0.5 && continuous[1] == 0.5 && continuous[3] == 0.0);
    const uint8_t *done = gv_safetensors_find(file.file, "done")->data;
    assert_true(done[0] == 0 && done[1] == 1 && done[2] == 1 && done[3] == 0 && done[4] == 1);
    assert_true(integers(&file, "length")[0] == 2 && integers(&file, "advertiser")[1] == 3);
    assert_true(integers(&file, "period")[0] == 5 && integers(&file, "category")[0] == 1);
    /* Spend 1.75 for one conversion; a CPA of 8 is kept. */
    assert_true(reals(&file, "budget", 1)[0] == 100.0 && reals(&file, "cpa", 1)[1] == 9.0);
    assert_true(reals(&file, "spend", 1)[0] == 1.75 && reals(&file, "score", 1)[0] == 1.0);
    assert_non_null(strstr(gv_safetensors_note(file.file, "state"), "time_left,budget_left,"));
    assert_non_null(strstr(gv_safetensors_note(file.file, "outlook"), "budget_left,spent,"));
    gv_safetensors_close(file.file);
    gv_trajectories_destroy(set);
}

/* What a market recorded: what is left follows from the spend, and the score counts late comers. */
static void a_market_s_ticks_give_the_same(void **state)
{
    gv_trajectories *set = NULL;
    opened file;
    const gv_trajectory_about about = {.period = 2,
                                       .advertiser = 9,
                                       .budget_nanos = 10 * GV_NANOS_PER_UNIT,
                                       .cpa_nanos = GV_NANOS_PER_UNIT};
    gv_seat_tick ticks[3] = {
        {.tally = {.auctions = 4,
                   .wins = 2,
                   .bid_nanos = 8 * GV_NANOS_PER_UNIT,
                   .spend_nanos = 4 * GV_NANOS_PER_UNIT},
         .value_units = (int64_t)GV_VALUE_UNITS,
         .exposed_value_units = (int64_t)GV_VALUE_UNITS / 2},
        {.tally = {.auctions = 1, .conversions = 1}},
        {.tally = {.conversions = 1}},
    };
    assert_int_equal(gv_trajectories_create(2, &set), GV_OK);
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(gv_trajectories_add_seat(set, &about, ticks), GV_OK);
    }
    open_written(state, set, &file);
    for (size_t i = 0; i < 100; i++) {
        const double *s = reals(&file, "state", 3) + i * 2 * GV_STATE_SIZE;
        assert_true(s[GV_STATE_BUDGET_LEFT] == 1.0 && s[GV_STATE_COUNT_NOW] == 4.0);
        assert_true(s[GV_STATE_SIZE + GV_STATE_BUDGET_LEFT] == 0.6);
        assert_true(s[GV_STATE_SIZE + GV_STATE_BID] == 2.0);
        assert_true(s[GV_STATE_SIZE + GV_STATE_WIN] == 0.5);
        const float *outlook = gv_safetensors_find(file.file, "outlook")->data;
        const float *o = outlook + (2 * i + 1) * GV_OUTLOOK_SIZE;
        assert_true(o[GV_OUTLOOK_TIME_LEFT] == 0.5F && o[GV_OUTLOOK_SPENT] == 0.4F);
        /* A bid of 8 a conversion at a CPA of 1; of 10 conversions half of one is expected. */
        assert_true(o[GV_OUTLOOK_BID_LAST] == logf(8.0F) && o[GV_OUTLOOK_EXPECTED] == 0.05F);
        assert_true(reals(&file, "action", 2)[2 * i] == 8.0);
        assert_true(reals(&file, "reward", 2)[2 * i + 1] == 1.0);
        assert_true(reals(&file, "reward_continuous", 2)[2 * i] == 0.5);
        /* Two conversions for 4 at a CPA of 1: (1 / 2)^2 x 2. */
        assert_true(reals(&file, "conversions", 1)[i] == 2.0);
        assert_true(reals(&file, "score", 1)[i] == 0.5);
    }
    gv_safetensors_close(file.file);
    gv_trajectories_destroy(set);
}

static void a_period_that_does_not_fit_is_refused(void **state)
{
    char path[TEST_PATH_SIZE];
    gv_trajectories *set = NULL;
    auctionnet_write_text(state, "a.csv", AUCTIONNET_SMALL, path);
    assert_int_equal(gv_trajectories_create(1, &set), GV_OK);
    assert_int_equal(gv_trajectories_read(set, path, NULL), GV_EINVAL);
    assert_non_null(strstr(gv_status_detail(), "a.csv:6: tick 1, expected 1 ticks from 0 on"));
    gv_trajectories_destroy(set);
}

static void every_allocation_may_fail(void **state)
{
    char path[TEST_PATH_SIZE];
    char out[TEST_PATH_SIZE];
    auctionnet_write_text(state, "a.csv", AUCTIONNET_SMALL, path);
    test_folder_path(*state, "x.safetensors", out);
    gv_status status = GV_ENOMEM;
    int count = 0;
    for (; status == GV_ENOMEM; count++) {
        gv_trajectories *set = NULL;
        gv_mem_fail_after(count);
        status = gv_trajectories_create(3, &set);
        status = status == GV_OK ? gv_trajectories_read(set, path, NULL) : status;
        status = status == GV_OK ? gv_trajectories_write(set, out, "a test", NULL) : status;
        gv_mem_fail_after(-1);
        gv_trajectories_destroy(set);
    }
    assert_int_equal(status, GV_OK);
    assert_true(count > 20);
}

/* Money is summed in nanos and values in 2^-40, hence the bound. */
static void assert_near(double found, double expected, const char *what, const char *line)
{
    if (fabs(found - expected) > 1e-8 * fabs(expected) + 1e-12) {
        fail_msg("%s is %.17g, expected %.17g in: %s", what, found, expected, line);
    }
}

static void the_sample_gives_what_a_plain_script_made_of_it(void **state)
{
    char path[TEST_PATH_SIZE];
    char line[LINE_SIZE];
    auctionnet_sample("period-7.csv.zst", path);
    gv_trajectories *set = NULL;
    opened file;
    assert_int_equal(gv_trajectories_create(TICKS, &set), GV_OK);
    assert_int_equal(gv_trajectories_read(set, path, NULL), GV_OK);
    assert_int_equal(gv_trajectories_count(set), 48);
    open_written(state, set, &file);
    FILE *golden = fopen("tests/golden/auctionnet_states.tsv", "r");
    assert_non_null(golden);
    size_t lines = 0;
    for (; fgets(line, sizeof line, golden) != NULL; lines++) {
        char *rest = line;
        const size_t number = (size_t)strtoul(rest, &rest, 10);
        const size_t at = number * TICKS + (size_t)strtoul(rest, &rest, 10);
        assert_true(integers(&file, "advertiser")[number] == (int64_t)number);
        for (int i = 0; i < GV_STATE_SIZE; i++) {
            assert_near(reals(&file, "state", 3)[at * GV_STATE_SIZE + (size_t)i],
                        strtod(rest, &rest), gv_state_name((gv_state_entry)i), line);
        }
        assert_near(reals(&file, "action", 2)[at], strtod(rest, &rest), "action", line);
        assert_near(reals(&file, "reward", 2)[at], strtod(rest, &rest), "reward", line);
        assert_near(reals(&file, "reward_continuous", 2)[at], strtod(rest, &rest), "continuous",
                    line);
        const uint8_t *done = gv_safetensors_find(file.file, "done")->data;
        assert_true(done[at] == (uint8_t)strtoul(rest, &rest, 10));
    }
    assert_int_equal(lines, 3 * TICKS);
    (void)fclose(golden);
    gv_safetensors_close(file.file);
    gv_trajectories_destroy(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(a_log_by_hand),
        test_in_folder(a_market_s_ticks_give_the_same),
        test_in_folder(a_period_that_does_not_fit_is_refused),
        test_in_folder(every_allocation_may_fail),
        test_in_folder(the_sample_gives_what_a_plain_script_made_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
