/* A log holds what was put into it, in its order, joined; anything else is no log. */
#include "test_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "sim/base/file.h"
#include "sim/base/mem.h"

/* Out of order, a repeated bid id, a click before its impression, repeated clicks, orphans. */
static const char *const worked[] = {
    "click time=2 bid_id=b advertiser=x",
    "impression time=50 bid_id=c advertiser=y price=30 pctr=0.5 floor=1",
    "impression time=10 bid_id=a advertiser=x price=10 pctr=0.25 floor=2",
    "reject reason=broken text=what",
    "impression time=30 bid_id=b advertiser=y price=20 pctr=1 floor=3",
    "impression time=40 bid_id=a advertiser=z price=25 pctr=2 floor=4",
    "click time=45 bid_id=a advertiser=x",
    "click time=39 bid_id=a advertiser=x",
    "click time=39 bid_id=a advertiser=x",
    "click time=5 bid_id=a advertiser=x",
    "click time=7 bid_id=lost advertiser=w",
    "conversion time=60 bid_id=c advertiser=y",
    "conversion time=61 bid_id=gone advertiser=v",
    "reject reason=late text=rest",
    NULL,
};

static const int64_t *integers(const gv_log *log, gv_log_table table, const char *name)
{
    const gv_log_column *column = gv_log_find(log, table, name);
    assert_non_null(column);
    return gv_log_integers(column);
}

static void assert_text(const gv_log *log, gv_log_table table, const char *name, uint64_t row,
                        const char *expected)
{
    size_t size = 0;
    const gv_log_column *column = gv_log_find(log, table, name);
    assert_non_null(column);
    const char *text = gv_log_text(column, row, &size);
    assert_int_equal(size, strlen(expected));
    assert_memory_equal(text, expected, size);
}

static void assert_integers(const gv_log *log, gv_log_table table, const char *name,
                            const int64_t *expected, uint64_t count)
{
    assert_int_equal(gv_log_rows(log, table), count);
    const int64_t *cells = integers(log, table, name);
    for (uint64_t i = 0; i < count; i++) {
        assert_int_equal(cells[i], expected[i]);
    }
}

static void rows_are_sorted_and_events_joined(void **state)
{
    gv_log *log = test_log_make(*state, "a.gvlog", worked);
    const gv_log_table imp = GV_LOG_IMPRESSION;
    assert_integers(log, imp, "time", (const int64_t[]){10, 30, 40, 50}, 4);
    assert_integers(log, imp, "price", (const int64_t[]){10, 20, 25, 30}, 4);
    assert_integers(log, imp, "clicks", (const int64_t[]){3, 1, 1, 0}, 4);
    assert_integers(log, imp, "conversions", (const int64_t[]){0, 0, 0, 1}, 4);
    assert_integers(log, GV_LOG_CLICK, "row", (const int64_t[]){0, 0, 0, 1, 2}, 5);
    assert_integers(log, GV_LOG_CLICK, "time", (const int64_t[]){5, 39, 39, 2, 45}, 5);
    assert_integers(log, GV_LOG_CONVERSION, "row", (const int64_t[]){3}, 1);
    assert_integers(log, GV_LOG_CONVERSION, "time", (const int64_t[]){60}, 1);
    assert_integers(log, GV_LOG_ORPHAN_CLICK, "time", (const int64_t[]){7}, 1);
    assert_integers(log, GV_LOG_REJECT, "line", (const int64_t[]){4, 14}, 2);
    assert_integers(log, GV_LOG_REJECT, "column", (const int64_t[]){3, 3}, 2);
    assert_text(log, imp, "bid_id", 1, "b");
    assert_text(log, imp, "advertiser", 2, "z");
    assert_text(log, GV_LOG_ORPHAN_CLICK, "bid_id", 0, "lost");
    assert_text(log, GV_LOG_ORPHAN_CLICK, "advertiser", 0, "w");
    assert_text(log, GV_LOG_ORPHAN_CONVERSION, "advertiser", 0, "v");
    assert_text(log, GV_LOG_REJECT, "file", 1, "input");
    assert_text(log, GV_LOG_REJECT, "reason", 0, "broken");
    assert_text(log, GV_LOG_REJECT, "text", 1, "rest");
    const double *pctr = gv_log_reals(gv_log_find(log, imp, "pctr"));
    assert_true(pctr[0] >= 0.25 && pctr[0] <= 0.25);
    gv_log_close(log);
}

/* Of three impressions of one bid id: the latest not later, one at the same instant included. */
static void event_belongs_to_the_latest_impression_not_after_it(void **state)
{
    static const char *const repeats[] = {
        "impression time=10 bid_id=a", "impression time=20 bid_id=a",
        "impression time=30 bid_id=a", "click time=9 bid_id=a",
        "click time=10 bid_id=a",      "click time=19 bid_id=a",
        "click time=20 bid_id=a",      "click time=30 bid_id=a",
        "click time=99 bid_id=a",      NULL};
    gv_log *log = test_log_make(*state, "a.gvlog", repeats);
    assert_integers(log, GV_LOG_CLICK, "row", (const int64_t[]){0, 0, 0, 1, 2, 2}, 6);
    assert_integers(log, GV_LOG_CLICK, "time", (const int64_t[]){9, 10, 19, 20, 30, 99}, 6);
    gv_log_close(log);
}

static void codes_are_numbered_by_first_appearance(void **state)
{
    gv_log *log = test_log_make(*state, "a.gvlog", worked);
    const gv_log_column *column = gv_log_find(log, GV_LOG_IMPRESSION, "advertiser");
    const char *const order[] = {"x", "y", "z", "w", "v"};
    assert_int_equal(gv_log_code_count(column), 5);
    for (uint32_t code = 0; code < 5; code++) {
        size_t size = 0;
        assert_int_equal(*gv_log_code_text(column, code, &size), *order[code]);
        assert_int_equal(gv_log_code_find(column, order[code], 1), code);
    }
    assert_int_equal(gv_log_code_find(column, "q", 1), GV_LOG_NO_CODE);
    assert_int_equal(gv_log_code_find(column, "", 0), GV_LOG_NO_CODE);
    const uint32_t *codes = gv_log_codes(column);
    assert_int_equal(codes[0], 0);
    assert_int_equal(codes[1], 1);
    assert_int_equal(codes[3], 1);
    assert_int_equal(gv_log_codes(gv_log_find(log, GV_LOG_ORPHAN_CLICK, "advertiser"))[0], 3);
    gv_log_close(log);
}

static void counts_and_facts_tell_of_the_ingest(void **state)
{
    char path[TEST_PATH_SIZE];
    gv_builder_counts counts = {.lines = 0};
    gv_log *log = NULL;
    test_folder_path(*state, "a.gvlog", path);
    const test_log_options options = {.zone_us = 28800000000};
    assert_int_equal(test_log_build(path, worked, options, &counts), GV_OK);
    assert_int_equal(counts.rows[GV_LOG_IMPRESSION], 4);
    assert_int_equal(counts.rows[GV_LOG_CLICK], 5);
    assert_int_equal(counts.rows[GV_LOG_ORPHAN_CLICK], 1);
    assert_int_equal(counts.rows[GV_LOG_CONVERSION], 1);
    assert_int_equal(counts.rows[GV_LOG_ORPHAN_CONVERSION], 1);
    assert_int_equal(counts.rows[GV_LOG_REJECT], 2);
    assert_int_equal(counts.lines, 14);
    assert_int_equal(counts.repeated_bid_ids, 1);
    assert_int_equal(counts.clicked_bid_ids, 3);
    assert_int_equal(gv_log_open(path, &log), GV_OK);
    assert_string_equal(gv_log_fact(log, "format"), "literal");
    assert_string_equal(gv_log_fact(log, "ordinal_time"), "no");
    assert_string_equal(gv_log_fact(log, "repeated_bid_ids"), "1");
    assert_string_equal(gv_log_fact(log, "inputs"), "- - input\n");
    assert_null(gv_log_fact(log, "nothing"));
    assert_int_equal(gv_log_zone_us(log), 28800000000);
    int64_t first = 0;
    int64_t last = 0;
    assert_true(gv_log_time_range(log, GV_LOG_IMPRESSION, &first, &last));
    assert_int_equal(first, 10);
    assert_int_equal(last, 50);
    gv_log_close(log);
}

static void rows_say_themselves_how_often_they_were_clicked(void **state)
{
    static const char *const rows[] = {"impression price=3 clicks=0", "impression price=2 clicks=2",
                                       "impression price=1 clicks=1", NULL};
    gv_log *log = test_log_make(*state, "a.gvlog", rows);
    assert_integers(log, GV_LOG_IMPRESSION, "price", (const int64_t[]){3, 2, 1}, 3);
    assert_integers(log, GV_LOG_IMPRESSION, "time", (const int64_t[]){0, 1000000, 2000000}, 3);
    assert_integers(log, GV_LOG_IMPRESSION, "clicks", (const int64_t[]){0, 2, 1}, 3);
    assert_integers(log, GV_LOG_CLICK, "row", (const int64_t[]){1, 1, 2}, 3);
    assert_integers(log, GV_LOG_CLICK, "time", (const int64_t[]){1000000, 1000000, 2000000}, 3);
    assert_int_equal(gv_log_column_count(log, GV_LOG_IMPRESSION), 3);
    assert_null(gv_log_find(log, GV_LOG_IMPRESSION, "conversions"));
    assert_string_equal(gv_log_fact(log, "ordinal_time"), "yes");
    assert_string_equal(gv_log_fact(log, "clicked_bid_ids"), "2");
    gv_log_close(log);
}

static void empty_log_is_a_log(void **state)
{
    static const char *const rows[] = {"reject reason=only time=1 bid_id=a advertiser=x", NULL};
    gv_log *log = test_log_make(*state, "a.gvlog", rows);
    uint64_t row = 7;
    int64_t first = 0;
    assert_int_equal(gv_log_rows(log, GV_LOG_IMPRESSION), 0);
    assert_int_equal(gv_log_lower_bound(log, GV_LOG_IMPRESSION, 5, &row), GV_OK);
    assert_int_equal(row, 0);
    assert_false(gv_log_time_range(log, GV_LOG_IMPRESSION, &first, &first));
    assert_int_equal(gv_log_code_count(gv_log_find(log, GV_LOG_IMPRESSION, "advertiser")), 0);
    gv_log_close(log);
}

static void lower_bound_finds_the_first_row_not_before(void **state)
{
    gv_log *log = test_log_make(*state, "a.gvlog", worked);
    const int64_t times[] = {10, 30, 40, 50};
    for (int64_t time = 0; time < 60; time++) {
        uint64_t expected = 0;
        uint64_t row = 99;
        while (expected < 4 && times[expected] < time) {
            expected++;
        }
        assert_int_equal(gv_log_lower_bound(log, GV_LOG_IMPRESSION, time, &row), GV_OK);
        assert_int_equal(row, expected);
    }
    gv_log_close(log);
}

static void too_many_rejects_leave_no_log(void **state)
{
    const test_folder *folder = *state;
    char path[TEST_PATH_SIZE];
    gv_builder_counts counts = {.lines = 0};
    test_folder_path(folder, "a.gvlog", path);
    const test_log_options tolerant = {.rejects_min = 0.857};
    const test_log_options strict = {.rejects_min = 0.858};
    assert_int_equal(test_log_build(path, worked, strict, &counts), GV_EREJECTS);
    assert_non_null(strstr(gv_status_detail(), "input:4: column 3: broken"));
    assert_non_null(strstr(gv_status_detail(), "2 of 14 rows"));
    assert_int_equal(counts.rows[GV_LOG_REJECT], 2);
    assert_int_equal(test_folder_count(folder), 0);
    assert_int_equal(test_log_build(path, worked, tolerant, &counts), GV_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(rows_are_sorted_and_events_joined),
        test_in_folder(event_belongs_to_the_latest_impression_not_after_it),
        test_in_folder(codes_are_numbered_by_first_appearance),
        test_in_folder(counts_and_facts_tell_of_the_ingest),
        test_in_folder(rows_say_themselves_how_often_they_were_clicked),
        test_in_folder(empty_log_is_a_log),
        test_in_folder(lower_bound_finds_the_first_row_not_before),
        test_in_folder(too_many_rejects_leave_no_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
