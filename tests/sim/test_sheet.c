/* Small tables of text: cells as they are written, lines as they are counted, faults by name. */
#include <string.h>

#include "sim/base/mem.h"
#include "sim/log/sheet.h"
#include "traffic_fixture.h"

static void expect_cell(const gv_sheet *sheet, size_t row, size_t column, const char *text)
{
    const gv_span cell = gv_sheet_cell(sheet, row, column);
    assert_int_equal(cell.size, strlen(text));
    assert_memory_equal(cell.bytes, text, cell.size);
}

/* Quotes hide commas and newlines, which count as lines; empty lines are no rows. */
static void cells_and_lines_are_those_of_the_file(void **state)
{
    char path[TEST_PATH_SIZE];
    gv_sheet *sheet = NULL;
    size_t column = 9;
    traffic_write(*state, "a.csv",
                  "\xEF\xBB\xBFname, share\r\n\n\"a, b\",1\n\"two\nlines\",\nc,\"\"\"\"", path);
    assert_int_equal(gv_sheet_read(path, &sheet), GV_OK);
    assert_string_equal(gv_sheet_path(sheet), path);
    assert_int_equal(gv_sheet_row_count(sheet), 3);
    assert_true(gv_sheet_find(sheet, "share", &column));
    assert_int_equal(column, 1);
    assert_true(gv_sheet_find(sheet, "name", &column));
    assert_int_equal(column, 0);
    assert_false(gv_sheet_find(sheet, "nam", &column));
    assert_false(gv_sheet_find(sheet, "c", &column));
    expect_cell(sheet, 0, 0, "a, b");
    expect_cell(sheet, 0, 1, "1");
    expect_cell(sheet, 1, 0, "two\nlines");
    expect_cell(sheet, 1, 1, "");
    expect_cell(sheet, 2, 0, "c");
    expect_cell(sheet, 2, 1, "\"");
    assert_int_equal(gv_sheet_line(sheet, 0), 3);
    assert_int_equal(gv_sheet_line(sheet, 1), 4);
    assert_int_equal(gv_sheet_line(sheet, 2), 6);
    gv_sheet_destroy(sheet);
}

/* More rows and text than any of its arrays begins with, over several pieces of input. */
static void long_tables_are_read_whole(void **state)
{
    enum { ROWS = 200000 };
    char path[TEST_PATH_SIZE];
    char text[32];
    gv_sheet *sheet = NULL;
    test_folder_path(*state, "long.csv", path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fputs("n,square\n", file);
    for (int i = 0; i < ROWS; i++) {
        (void)fprintf(file, "%d,%lld\n", i, (long long)i * i);
    }
    assert_int_equal(fclose(file), 0);
    assert_int_equal(gv_sheet_read(path, &sheet), GV_OK);
    assert_int_equal(gv_sheet_row_count(sheet), ROWS);
    for (int i = 0; i < ROWS; i += 777) {
        (void)snprintf(text, sizeof text, "%lld", (long long)i * i);
        expect_cell(sheet, (size_t)i, 1, text);
        assert_int_equal(gv_sheet_line(sheet, (size_t)i), i + 2);
    }
    gv_sheet_destroy(sheet);
}

static void refuse(const test_folder *folder, const char *text, const char *words)
{
    char path[TEST_PATH_SIZE];
    gv_sheet *sheet = NULL;
    traffic_write(folder, "bad.csv", text, path);
    assert_int_equal(gv_sheet_read(path, &sheet), GV_EPARSE);
    assert_null(sheet);
    assert_non_null(strstr(gv_status_detail(), words));
}

static void tables_that_are_not_whole_are_refused(void **state)
{
    gv_sheet *sheet = NULL;
    refuse(*state, "", "bad.csv: is empty");
    refuse(*state, "\n\n", "bad.csv: is empty");
    refuse(*state, "a,b\n1,2\n3\n", "bad.csv:3: 1 cells, expected 2");
    refuse(*state, "a,b\n1,2,3\n", "bad.csv:2: 3 cells, expected 2");
    refuse(*state, "a,b\n1,\"2\n", "bad.csv:2: a quote");
    refuse(*state, "a,b\n1,x\"2\"\n", "bad.csv:2: a quote");
    assert_int_equal(gv_sheet_read("/nowhere/a.csv", &sheet), GV_EIO);
    assert_non_null(strstr(gv_status_detail(), "/nowhere/a.csv"));
    gv_sheet_destroy(NULL);
}

static void every_failed_allocation_is_survived(void **state)
{
    char path[TEST_PATH_SIZE];
    char text[301 * 4 + 1];
    gv_sheet *sheet = NULL;
    int failures = 0;
    for (size_t i = 0; i <= 300; i++) {
        memcpy(text + 4 * i, i == 0 ? "n,m\n" : "1,2\n", 5);
    }
    traffic_write(*state, "a.csv", text, path);
    gv_mem_fail_after(0);
    while (gv_sheet_read(path, &sheet) != GV_OK) {
        assert_null(sheet);
        gv_mem_fail_after(++failures);
    }
    gv_mem_fail_after(-1);
    assert_true(failures > 8);
    gv_sheet_destroy(sheet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(cells_and_lines_are_those_of_the_file),
        test_in_folder(long_tables_are_read_whole),
        test_in_folder(tables_that_are_not_whole_are_refused),
        test_in_folder(every_failed_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
