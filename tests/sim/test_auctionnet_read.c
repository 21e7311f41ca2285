/* AuctionNet's logs are read tick by tick, and what is wrong with one is said with its place. */
#include <stdlib.h>

#include "auctionnet_text.h"
#include "sim/base/mem.h"
#include "sim/log/auctionnet.h"
#include "test_random.h"

enum { TEXT_SIZE = 1 << 20, PEOPLE = 80, ROWS = 2500 };

static void columns_are_told_by_advertiser(void **state)
{
    char path[TEST_PATH_SIZE];
    gv_auctionnet_reader *reader = NULL;
    gv_auctionnet_tick tick;
    bool found = false;
    auctionnet_write_text(state, "a.csv", AUCTIONNET_SMALL, path);
    assert_int_equal(gv_auctionnet_open(path, GV_AUCTIONNET_ALL, &reader), GV_OK);
    assert_int_equal(gv_auctionnet_next(reader, &tick, &found), GV_OK);
    assert_true(found && tick.period == 5 && tick.tick == 0 && tick.line == 2);
    assert_int_equal(tick.advertiser_count, 2);
    assert_int_equal(tick.count, 2);
    assert_true(tick.advertisers[0].number == 7 && tick.advertisers[1].number == 3);
    assert_true(tick.advertisers[0].category == 1 && tick.advertisers[0].budget == 100.0 &&
                tick.advertisers[0].cpa == 8.0 && tick.advertisers[0].budget_left == 100.0);
    assert_true(tick.opportunities[1] == 1);
    const size_t other = tick.stride;
    assert_true(tick.values[0] == 0.5 && tick.values[1] == 0.125 && tick.values[other] == 0.25);
    assert_true(tick.sigmas[0] == 0.25 && tick.sigmas[other + 1] == 0.0625);
    assert_true(tick.bids[other] == 1.5 && tick.costs[0] == 1.5 && tick.least_costs[1] == 0.5);
    assert_true(tick.won[0] == 1 && tick.won[other] == 0 && tick.slots[1] == 2);
    assert_true(tick.exposed[0] == 1 && tick.exposed[1] == 0 && tick.converted[0] == 1);
    assert_int_equal(gv_auctionnet_next(reader, &tick, &found), GV_OK);
    assert_true(found && tick.tick == 1 && tick.count == 1 && tick.opportunities[0] == 2);
    assert_true(tick.advertisers[0].budget_left == 98.5 && tick.advertisers[0].has_ended);
    assert_int_equal(gv_auctionnet_next(reader, &tick, &found), GV_OK);
    assert_false(found);
    gv_auctionnet_close(reader);
}

static void what_is_not_wanted_is_not_needed(void **state)
{
    char path[TEST_PATH_SIZE];
    gv_auctionnet_reader *reader = NULL;
    gv_auctionnet_tick tick;
    bool found = false;
    auctionnet_write_text(state, "a.csv",
                          "\xef\xbb\xbfisEnd,pvIndex,extra,leastWinningCost,timeStepIndex,budget,"
                          "CPAConstraint,advertiserNumber,deliveryPeriodIndex,remainingBudget,"
                          "advertiserCategoryIndex\r\n"
                          "0,17,what?,0.5,3,10,2,1,4,9.5,0\r\n\r\n",
                          path);
    const unsigned wanted = 1U << GV_AUCTIONNET_LEAST_COST;
    assert_int_equal(gv_auctionnet_open(path, wanted, &reader), GV_OK);
    assert_int_equal(gv_auctionnet_next(reader, &tick, &found), GV_OK);
    assert_true(found && tick.period == 4 && tick.tick == 3 && tick.least_costs[0] == 0.5);
    assert_null(tick.values);
    assert_int_equal(gv_auctionnet_next(reader, &tick, &found), GV_OK);
    assert_false(found);
    gv_auctionnet_close(reader);
    assert_int_equal(gv_auctionnet_open(path, wanted | GV_AUCTIONNET_VALUES, &reader), GV_EPARSE);
    assert_non_null(strstr(gv_status_detail(), "a.csv:1: the header lacks pValue, pValueSigma:"));
}

/* One text of a period, sorted by opportunity or by advertiser. */
static void draw_period(char *text, bool by_advertiser)
{
    size_t size = (size_t)snprintf(text, TEXT_SIZE, "%s", AUCTIONNET_HEADER);
    for (size_t row = 0; row < (size_t)PEOPLE * 100; row++) {
        const size_t who = by_advertiser ? row / 100 : row % PEOPLE;
        const size_t what = by_advertiser ? row % 100 : row / PEOPLE;
        size += (size_t)snprintf(text + size, TEXT_SIZE - size,
                                 "1,%zu,0,9,9,0,9,%zu,0.%zu,0,%zu,0,0,0,0,0,%zu,0\n", 1000 - who,
                                 what, 100 + who, who * what, what);
        assert_true(size < TEXT_SIZE);
    }
}

static void rows_may_be_sorted_either_way(void **state)
{
    char path[TEST_PATH_SIZE];
    char *text = gv_mem_alloc(0, TEXT_SIZE, 1);
    assert_non_null(text);
    for (int by_advertiser = 0; by_advertiser <= 1; by_advertiser++) {
        gv_auctionnet_reader *reader = NULL;
        gv_auctionnet_tick tick;
        bool found = false;
        draw_period(text, by_advertiser == 1);
        auctionnet_write_text(state, "a.csv", text, path);
        assert_int_equal(gv_auctionnet_open(path, GV_AUCTIONNET_ALL, &reader), GV_OK);
        assert_int_equal(gv_auctionnet_next(reader, &tick, &found), GV_OK);
        assert_int_equal(tick.advertiser_count, PEOPLE);
        assert_int_equal(tick.count, 100);
        for (size_t who = 0; who < PEOPLE; who++) {
            assert_int_equal(tick.advertisers[who].number, 1000 - who);
            for (size_t what = 0; what < 100; what++) {
                const size_t at = who * tick.stride + what;
                assert_true(tick.values[at] == (double)(100 + who) / 1000.0);
                assert_true(tick.bids[at] == (double)(who * what));
                assert_true(tick.least_costs[at] == (double)what);
            }
        }
        gv_auctionnet_close(reader);
    }
    gv_mem_free(text);
}

/* More opportunities than there is room for at first, in pieces of the input. */
static void a_tick_grows_as_it_must(void **state)
{
    char path[TEST_PATH_SIZE];
    test_folder_path(*state, "a.csv", path);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_true(fputs(AUCTIONNET_HEADER, file) >= 0);
    for (size_t row = 0; row < (size_t)ROWS * 10; row++) {
        (void)fprintf(file, "1.0,%zu.0,0.0,9.0,9.0,0.0,9.0,%zu.0,0.%08zu,0.0,%zu.5,0,0,0,0,0,1,0\n",
                      row % 10, row / 10, row, row);
    }
    assert_int_equal(fclose(file), 0);
    gv_auctionnet_reader *reader = NULL;
    gv_auctionnet_tick tick;
    bool found = false;
    assert_int_equal(gv_auctionnet_open(path, GV_AUCTIONNET_ALL, &reader), GV_OK);
    assert_int_equal(gv_auctionnet_next(reader, &tick, &found), GV_OK);
    assert_int_equal(tick.count, ROWS);
    for (size_t row = 0; row < (size_t)ROWS * 10; row++) {
        const size_t at = row % 10 * tick.stride + row / 10;
        assert_true(tick.values[at] == (double)row / 1e8);
        assert_true(tick.bids[at] == (double)row + 0.5);
    }
    gv_auctionnet_close(reader);
}

/* What the whole file gives: GV_OK, or the first fault's status. */
static gv_status read_through(const char *path)
{
    gv_auctionnet_reader *reader = NULL;
    gv_auctionnet_tick tick;
    bool found = true;
    GV_TRY(gv_auctionnet_open(path, GV_AUCTIONNET_ALL, &reader));
    gv_status status = GV_OK;
    while (status == GV_OK && found) {
        status = gv_auctionnet_next(reader, &tick, &found);
    }
    gv_auctionnet_close(reader);
    return status;
}

/* The small log with the first `from` made `to`. */
static void write_changed(void **state, const char *from, const char *to, char *path)
{
    char text[4096] = AUCTIONNET_SMALL;
    char *at = strstr(text, from);
    assert_non_null(at);
    char rest[4096];
    (void)snprintf(rest, sizeof rest, "%s", at + strlen(from));
    (void)snprintf(at, sizeof text - (size_t)(at - text), "%s%s", to, rest);
    auctionnet_write_text(state, "bad.csv", text, path);
}

static void every_fault_is_told_with_its_place(void **state)
{
    static const struct {
        const char *from;
        const char *to;
        const char *phrase;
    } cases[] = {
        {"0.0,0.5,0.25,", "0.0,0.5,-0.25,",
         "bad.csv:2: column pValueSigma: expected a number of 0 or more, found '-0.25'"},
        {"0.0,0.5,0.25,", "0.0,nan,0.25,",
         "bad.csv:2: column pValue: expected a probability from 0 to 1, found 'nan'"},
        {"0.0,0.5,0.25,", "0.0,1.5,0.25,", "column pValue: expected a probability"},
        {"0.0,0.5,0.25,", "0.0,,0.25,",
         "column pValue: expected a probability from 0 to 1, found ''"},
        {"0.0,1.5,0.0\n5.0,7.0,1.0,100.0,8.0,0.0,100.0,1.0,",
         "0.0,,0.0\n5.0,7.0,1.0,100.0,8.0,0.0,100.0,1.0,",
         "bad.csv:3: column leastWinningCost: expected a number of 0 or more, found ''"},
        {"0.25,4.0,", "0.25,inf,", "bad.csv:2: column bid: expected a number of 0 or more"},
        {"0.25,4.0,", "0.25,1e999,", "column bid: expected a number of 0 or more, found '1e999'"},
        {"4.0,1.0,1.0,1.5,", "4.0,0.5,1.0,1.5,", "column xi: expected 0 or 1, found '0.5'"},
        {"4.0,1.0,1.0,1.5,", "4.0,1.0,1.25,1.5,", "column adSlot: expected a slot from 0 to 255"},
        {"5.0,3.0,0.0,50.0", "5.0,x,0.0,50.0",
         "bad.csv:3: column advertiserNumber: expected a whole number from 0 to 65535, found 'x'"},
        {"5.0,3.0,0.0,50.0", "5.0,70000.0,0.0,50.0", "column advertiserNumber: expected a whole"},
        {"5.0,3.0,0.0,50.0", "5.5,3.0,0.0,50.0", "column deliveryPeriodIndex: expected a whole"},
        {"1.5,0.0,0.0,0.0,0.0,0.0,1.5,0.0\n", "1.5\n", "bad.csv:3: 11 cells, expected 18"},
        {"8.0,1.0,98.5,2.0", "8.0,0.0,98.5,2.0",
         "bad.csv:7: tick 0 of period 5 ends with 2 rows of advertiser 3, expected 3"},
        {"5.0,3.0,0.0,50.0,9.0,1.0,50.0,2.0,0.5,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.25,1.0\n", "",
         "tick 1 of period 5 ends with 0 rows of advertiser 3, expected 1 as of the others: it "
         "vanished"},
        {"5.0,3.0,0.0,50.0,9.0,1.0,50.0,2.0", "5.0,4.0,0.0,50.0,9.0,1.0,50.0,2.0",
         "bad.csv:7: advertiser 4 appears in tick 1 of period 5, expected the 2 advertisers"},
        {"50.0,9.0,1.0,50.0,2.0", "50.0,9.5,1.0,50.0,2.0",
         "bad.csv:7: advertiser 3 has category 0, budget 50 and CPA 9.5, expected 0, 50 and 9"},
        {"50.0,9.0,0.0,50.0,1.0,0.75", "50.0,9.0,0.0,50.0,3.0,0.75",
         "bad.csv:5: column pvIndex: expected 1 for advertiser 3, as for the others, found 3"},
        {"pValue,", "pValues,", "bad.csv:1: the header lacks pValue:"},
        {"pValue,pValueSigma", "pValue,pValue", "the header names pValue twice"},
    };
    char path[TEST_PATH_SIZE];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_changed(state, cases[i].from, cases[i].to, path);
        assert_int_equal(read_through(path), GV_EPARSE);
        if (strstr(gv_status_detail(), cases[i].phrase) == NULL) {
            fail_msg("no \"%s\" in: %s", cases[i].phrase, gv_status_detail());
        }
    }
}

static void ticks_out_of_order_are_told(void **state)
{
    char path[TEST_PATH_SIZE];
    char text[8192];
    const char *const rows = strchr(AUCTIONNET_SMALL, '\n') + 1;
    (void)snprintf(text, sizeof text, "%s%s", AUCTIONNET_SMALL, rows);
    auctionnet_write_text(state, "bad.csv", text, path);
    assert_int_equal(read_through(path), GV_EPARSE);
    assert_non_null(strstr(gv_status_detail(), "bad.csv:8: column timeStepIndex: 0 comes after 1 "
                                               "in period 5, expected ticks in order"));
    auctionnet_write_text(state, "bad.csv", "", path);
    assert_int_equal(read_through(path), GV_EPARSE);
    assert_non_null(strstr(gv_status_detail(), "bad.csv: is empty"));
}

static void every_allocation_may_fail(void **state)
{
    char path[TEST_PATH_SIZE];
    auctionnet_write_text(state, "a.csv", AUCTIONNET_SMALL, path);
    gv_status status = GV_ENOMEM;
    int count = 0;
    for (; status == GV_ENOMEM; count++) {
        gv_mem_fail_after(count);
        status = read_through(path);
    }
    gv_mem_fail_after(-1);
    assert_int_equal(status, GV_OK);
    assert_true(count > 4);
}

/* What each advertiser got in the sample, summed by its maker with other tools. */
static void the_sample_adds_up_to_its_summary(void **state)
{
    (void)state;
    char path[TEST_PATH_SIZE];
    char summary_path[TEST_PATH_SIZE];
    auctionnet_sample("period-7.csv.zst", path);
    auctionnet_sample("summary-7.csv", summary_path);
    static double sums[48][4];
    gv_auctionnet_reader *reader = NULL;
    gv_auctionnet_tick tick = {0};
    bool found = true;
    uint64_t opportunities = 0;
    assert_int_equal(gv_auctionnet_open(path, GV_AUCTIONNET_ALL, &reader), GV_OK);
    for (size_t ticks = 0; found; ticks++) {
        assert_int_equal(gv_auctionnet_next(reader, &tick, &found), GV_OK);
        assert_true(found ? tick.tick == ticks : ticks == 48);
        for (size_t i = 0; found && i < tick.advertiser_count * tick.count; i++) {
            const size_t who = i / tick.count;
            const size_t at = who * tick.stride + i % tick.count;
            sums[who][0] += tick.won[at];
            sums[who][1] += tick.exposed[at];
            sums[who][2] += tick.converted[at];
            sums[who][3] += tick.costs[at] * tick.exposed[at];
        }
        opportunities += found ? tick.count : 0;
    }
    assert_int_equal(opportunities, 19977);
    char line[512];
    FILE *summary = fopen(summary_path, "r");
    assert_non_null(summary);
    assert_non_null(fgets(line, sizeof line, summary));
    for (size_t i = 0; i < 48; i++) {
        double facts[8]; /* number, category, budget, CPA, wins, exposed, conversions, spend */
        assert_non_null(fgets(line, sizeof line, summary));
        char *at = line;
        for (size_t k = 0; k < 8; k++) {
            facts[k] = strtod(at, &at);
            assert_true(*at++ == ',');
        }
        assert_true(tick.advertisers[i].number == (uint32_t)facts[0]);
        assert_true(sums[i][0] == facts[4] && sums[i][1] == facts[5] && sums[i][2] == facts[6]);
        assert_true(sums[i][3] > facts[7] - 1e-6 && sums[i][3] < facts[7] + 1e-6);
    }
    (void)fclose(summary);
    gv_auctionnet_close(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(columns_are_told_by_advertiser),
        test_in_folder(what_is_not_wanted_is_not_needed),
        test_in_folder(rows_may_be_sorted_either_way),
        test_in_folder(a_tick_grows_as_it_must),
        test_in_folder(every_fault_is_told_with_its_place),
        test_in_folder(ticks_out_of_order_are_told),
        test_in_folder(every_allocation_may_fail),
        cmocka_unit_test(the_sample_adds_up_to_its_summary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
