/* The auctions of a .gvlog as they are judged: whatever memory there is. */
#include <math.h>

#include "scenarios/run/auctions.h"
#include "sim/base/mem.h"
#include "sim/log/generate.h"
#include "test_folder.h"

enum { ROWS = 300 };

static void make_log(const test_folder *folder, char path[TEST_PATH_SIZE])
{
    gv_builder_counts counts;
    test_folder_path(folder, "made.gvlog", path);
    const gv_generate_config config = {.kind = GV_GENERATE_WEEK,
                                       .path = path,
                                       .auction_count = ROWS,
                                       .seed = 1,
                                       .start_us = 0,
                                       .days = 2};
    assert_int_equal(gv_generate(&config, NULL, &counts), GV_OK);
}

/* Of a constant bid each row's is that bid, until the budget, here what the log paid, ends. */
static void a_constant_bid_is_judged_as_it_is(void **state)
{
    char path[TEST_PATH_SIZE];
    const char *const sets[] = {"constant.bid=25", "log.from=1970-01-01T12:00:00Z"};
    gv_auctions auctions;
    make_log(*state, path);
    const gv_auctions_request request = {
        .policy = "constant", .log = path, .reward = "clicks", .sets = sets, .set_count = 2};
    assert_int_equal(gv_auctions_read(&request, &auctions), GV_OK);
    assert_true(auctions.log->count > ROWS / 2 && auctions.log->count < ROWS);
    double paid = 0;
    double spent = 0;
    for (size_t i = 0; i < auctions.log->count; i++) {
        assert_true(auctions.judged[i] == 25);
        assert_true(auctions.log->doses[i] >= auctions.log->prices[i]);
        paid += auctions.log->prices[i];
        spent += auctions.log->prices[i] <= 25 ? auctions.log->prices[i] : 0;
    }
    assert_true(fabs(auctions.facts.budget - paid / 1000) < 1e-9);
    assert_true(fabs(auctions.facts.spent - spent / 1000) < 1e-9);
    assert_true(auctions.facts.days > 1 && auctions.facts.days < 1.5);
    assert_false(auctions.has_chosen_bids);
    gv_auctions_fini(&auctions);
}

static void every_allocation_may_fail(void **state)
{
    char path[TEST_PATH_SIZE];
    const char *const sets[] = {"constant.bid=25"};
    make_log(*state, path);
    const gv_auctions_request request = {.policy = "constant",
                                         .log = path,
                                         .cluster = "advertiser",
                                         .reward = "clicks",
                                         .sets = sets,
                                         .set_count = 1};
    gv_status status = GV_ENOMEM;
    for (int n = 0; status != GV_OK; n++) {
        gv_auctions auctions;
        assert_true(n < 2000);
        gv_mem_fail_after(n);
        status = gv_auctions_read(&request, &auctions);
        gv_mem_fail_after(-1);
        if (status == GV_OK) {
            assert_int_equal(auctions.log->cluster_count, 5);
        } else {
            assert_int_equal(status, GV_ENOMEM);
        }
        gv_auctions_fini(&auctions);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(a_constant_bid_is_judged_as_it_is),
        test_in_folder(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
