/* Quoted text: cells, line numbers and faults, and libcsv itself as the oracle. */
#include <csv.h>
#include <string.h>

#include "cmocka_all.h"
#include "sim/base/mem.h"
#include "sim/log/csv_impl.h"
#include "test_folder.h"
#include "test_random.h"

enum { FIELDS_MAX = 4000, TEXT_SIZE = 4096 };

/* Cells of a whole text, each behind the others with its row and line. */
typedef struct cells {
    size_t count;
    char text[2 * TEXT_SIZE];
    size_t used;
    size_t starts[FIELDS_MAX];
    size_t rows[FIELDS_MAX];
    uint64_t lines[FIELDS_MAX];
    uint8_t faults[FIELDS_MAX];
} cells;

static void add_cell(cells *to, const char *bytes, size_t size, size_t row)
{
    assert_true(to->count + 1 < FIELDS_MAX);
    assert_true(to->used + size < sizeof to->text);
    to->starts[to->count] = to->used;
    memcpy(to->text + to->used, bytes, size);
    to->used += size;
    to->rows[to->count++] = row;
    to->starts[to->count] = to->used;
}

static void write_file(const test_folder *folder, const char *text, size_t size, char *path)
{
    test_folder_path(folder, "x.csv", path);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void read_cells(const test_folder *folder, const char *text, size_t size, char delimiter,
                       cells *out)
{
    char path[TEST_PATH_SIZE];
    char *buffer = gv_mem_alloc_vector(GV_INPUT_ROOM + GV_INPUT_PAD, 1);
    gv_input *input = NULL;
    gv_csv *csv = NULL;
    bool has_ended = false;
    size_t row_count = 0;
    write_file(folder, text, size, path);
    assert_int_equal(gv_input_open(path, &input), GV_OK);
    assert_int_equal(gv_csv_create(delimiter, &csv), GV_OK);
    memset(out, 0, sizeof *out);
    while (!has_ended) {
        const gv_rows *rows = NULL;
        assert_int_equal(gv_csv_read(csv, input, buffer, &rows, &has_ended), GV_OK);
        for (size_t row = 0; row < rows->row_count; row++) {
            const bool is_single = rows->firsts[row + 1] - rows->firsts[row] == 1;
            if (is_single && gv_rows_field(rows, rows->firsts[row]).size == 0) {
                continue; /* as good as no row: the decoder passes over it */
            }
            for (uint32_t i = rows->firsts[row]; i < rows->firsts[row + 1]; i++) {
                const gv_span field = gv_rows_field(rows, i);
                out->lines[out->count] = gv_rows_line(rows, row);
                out->faults[out->count] = rows->faults == NULL ? 0 : rows->faults[row];
                add_cell(out, field.bytes, field.size, row_count);
            }
            row_count++;
        }
    }
    gv_csv_destroy(csv);
    gv_input_close(input);
    gv_mem_free(buffer);
}

static void check_cell(const cells *found, size_t i, size_t row, uint64_t line, const char *text)
{
    assert_true(i < found->count);
    assert_int_equal(found->rows[i], row);
    assert_int_equal(found->lines[i], line);
    assert_int_equal(found->starts[i + 1] - found->starts[i], strlen(text));
    assert_memory_equal(found->text + found->starts[i], text, strlen(text));
}

static void quotes_newlines_and_lines_are_understood(void **state)
{
    static cells found;
    const char text[] = "a,\"b,\"\"c\"\"\",d\r\n"
                        "\"two\nlines\r\nthree\",x\n"
                        "\n"
                        "last, spaced ,\"\"";
    read_cells(*state, text, sizeof text - 1, ',', &found);
    assert_int_equal(found.count, 8);
    check_cell(&found, 0, 0, 1, "a");
    check_cell(&found, 1, 0, 1, "b,\"c\"");
    check_cell(&found, 2, 0, 1, "d");
    check_cell(&found, 3, 1, 2, "two\nlines\r\nthree");
    check_cell(&found, 4, 1, 2, "x");
    check_cell(&found, 5, 2, 6, "last");
    check_cell(&found, 6, 2, 6, "spaced");
    check_cell(&found, 7, 2, 6, "");
}

static void a_stray_quote_faults_its_row_alone(void **state)
{
    static cells found;
    const char text[] = "1,2\n3,\"x\"y,4\n5,b\"ad,6\n7,8\n";
    read_cells(*state, text, sizeof text - 1, ',', &found);
    size_t faulty = 0;
    for (size_t i = 0; i < found.count; i++) {
        const bool is_bad = found.lines[i] == 2 || found.lines[i] == 3;
        assert_int_equal(found.faults[i], is_bad ? GV_ROW_STRAY_QUOTE : GV_ROW_WHOLE);
        faulty += is_bad;
    }
    assert_true(faulty >= 2);
    check_cell(&found, found.count - 1, 3, 4, "8");
}

static void a_quote_that_never_ends_is_a_fault(void **state)
{
    static cells found;
    const char text[] = "1,2\n3,\"open\n5,6\n";
    read_cells(*state, text, sizeof text - 1, ',', &found);
    assert_int_equal(found.faults[found.count - 1], GV_ROW_OPEN_QUOTE);
    assert_int_equal(found.lines[found.count - 1], 2);
}

/* A quote without an end in a large file: one row is given up, and memory stays bounded. */
static void an_endless_field_is_given_up(void **state)
{
    const size_t size = (size_t)GV_LINE_MAX * 3;
    char *text = gv_mem_alloc(0, size, 1);
    memset(text, 'x', size);
    for (size_t i = 99; i < size; i += 100) {
        text[i] = '\n';
    }
    text[0] = '"';
    text[size - 1] = '\n';
    char path[TEST_PATH_SIZE];
    char *buffer = gv_mem_alloc_vector(GV_INPUT_ROOM + GV_INPUT_PAD, 1);
    gv_input *input = NULL;
    gv_csv *csv = NULL;
    bool has_ended = false;
    size_t too_long = 0;
    size_t whole = 0;
    uint64_t last_line = 0;
    write_file(*state, text, size, path);
    assert_int_equal(gv_input_open(path, &input), GV_OK);
    assert_int_equal(gv_csv_create(',', &csv), GV_OK);
    while (!has_ended) {
        const gv_rows *rows = NULL;
        assert_int_equal(gv_csv_read(csv, input, buffer, &rows, &has_ended), GV_OK);
        for (size_t row = 0; row < rows->row_count; row++) {
            const uint8_t fault = rows->faults == NULL ? 0 : rows->faults[row];
            too_long += fault == GV_ROW_TOO_LONG;
            whole += fault == GV_ROW_WHOLE;
            assert_true(fault != GV_ROW_TOO_LONG || gv_rows_line(rows, row) == 1);
            last_line = gv_rows_line(rows, row);
        }
    }
    assert_int_equal(too_long, 1);
    assert_true(whole > 0);
    assert_int_equal(last_line, (size + 99) / 100);
    gv_csv_destroy(csv);
    gv_input_close(input);
    gv_mem_free(buffer);
    gv_mem_free(text);
}

/* libcsv's own cells of a text that it accepts; false when it does not. */
typedef struct oracle {
    cells found;
    size_t row;
    size_t in_row;
} oracle;

static void oracle_field(void *bytes, size_t size, void *context)
{
    oracle *to = context;
    add_cell(&to->found, bytes, size, to->row);
    to->in_row++;
}

static void oracle_row(int ended_by, void *context)
{
    oracle *to = context;
    cells *found = &to->found;
    (void)ended_by;
    if (to->in_row == 1 && found->starts[found->count] == found->starts[found->count - 1]) {
        found->count--;
        to->in_row = 0;
    }
    to->row += to->in_row > 0;
    to->in_row = 0;
}

static bool read_by_libcsv(const char *text, size_t size, char delimiter, oracle *out)
{
    struct csv_parser parser;
    memset(out, 0, sizeof *out);
    assert_int_equal(csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI | CSV_APPEND_NULL), 0);
    csv_set_delim(&parser, (unsigned char)delimiter);
    const bool is_read = csv_parse(&parser, text, size, oracle_field, oracle_row, out) == size &&
                         csv_fini(&parser, oracle_field, oracle_row, out) == 0;
    csv_free(&parser);
    return is_read;
}

static void cells_equal_libcsvs_on_random_text(void **state)
{
    static cells found;
    static oracle expected;
    test_random random = test_random_seeded();
    size_t compared = 0;
    for (int i = 0; i < 1500; i++) {
        char text[TEXT_SIZE];
        const size_t size = 1 + (size_t)test_random_below(&random, i % 8 == 0 ? 600 : 60);
        const char delimiter = ",\t; "[i % 4];
        const char kinds[] = {'a', '7', ' ', '\t', '\n', '\r', delimiter, delimiter, '"'};
        const int64_t choices = i % 3 == 0 ? 9 : 8; /* two in three without a quote */
        for (size_t b = 0; b < size; b++) {
            text[b] = kinds[test_random_below(&random, choices)];
        }
        if (i % 3 == 1 && size > 20) { /* some quotes that fit: simple ones, or not */
            const char *const cells_of[] = {"\n\"a\"\"\n\"\n", "\n\"a, ;\t\"\n", "\n\"a\" \"\"\n",
                                            "\n\"\"\r\n\"b\"\n", "\n \"a\",\"\"\n"};
            const char *const cell = cells_of[i / 3 % 5];
            memcpy(text + 8, cell, strlen(cell));
        }
        if (!read_by_libcsv(text, size, delimiter, &expected)) {
            continue;
        }
        read_cells(*state, text, size, delimiter, &found);
        compared++;
        assert_int_equal(found.count, expected.found.count);
        assert_memory_equal(found.text, expected.found.text, expected.found.used);
        assert_memory_equal(found.starts, expected.found.starts,
                            found.count * sizeof *found.starts);
        assert_memory_equal(found.rows, expected.found.rows, found.count * sizeof *found.rows);
    }
    assert_true(compared > 500);
}

static void creating_survives_failing_memory(void **state)
{
    (void)state;
    for (int count = 0;; count++) {
        gv_csv *csv = NULL;
        gv_mem_fail_after(count);
        const gv_status status = gv_csv_create(',', &csv);
        gv_mem_fail_after(-1);
        gv_csv_destroy(csv);
        if (status == GV_OK) {
            assert_true(count > 3);
            break;
        }
        assert_int_equal(status, GV_ENOMEM);
        assert_null(csv);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(quotes_newlines_and_lines_are_understood),
        test_in_folder(a_stray_quote_faults_its_row_alone),
        test_in_folder(a_quote_that_never_ends_is_a_fault),
        test_in_folder(an_endless_field_is_given_up),
        test_in_folder(cells_equal_libcsvs_on_random_text),
        cmocka_unit_test(creating_survives_failing_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
