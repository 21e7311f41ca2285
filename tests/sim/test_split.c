/* Every splitter that this machine has, against one that looks at a byte at a time. */
#include <string.h>

#include "cmocka_all.h"
#include "sim/base/mem.h"
#include "sim/log/input_impl.h"
#include "sim/log/split_impl.h"
#include "test_random.h"

enum { CASES = 20000, TEXT_SIZE = 700 };

/* The slow one. */
static void split_naive(const char *text, size_t size, char delimiter, gv_rows *rows)
{
    uint32_t fields = 0;
    rows->text = text;
    rows->row_count = 0;
    rows->has_nul = false;
    rows->marks[0] = UINT32_MAX;
    rows->firsts[0] = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] == delimiter || text[i] == '\n') {
            rows->marks[++fields] = (uint32_t)i;
        }
        if (text[i] == '\n') {
            rows->firsts[++rows->row_count] = fields;
        }
        rows->has_nul = rows->has_nul || text[i] == '\0';
    }
}

static void check_equal(const gv_rows *found, const gv_rows *expected)
{
    assert_int_equal(found->row_count, expected->row_count);
    assert_memory_equal(found->firsts, expected->firsts,
                        (expected->row_count + 1) * sizeof *expected->firsts);
    assert_memory_equal(found->marks, expected->marks,
                        (expected->firsts[expected->row_count] + 1) * sizeof *expected->marks);
    assert_int_equal(found->has_nul, expected->has_nul);
    assert_ptr_equal(found->text, expected->text);
}

static void every_splitter_agrees_with_the_naive_one(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    static char text[TEXT_SIZE + GV_INPUT_PAD];
    gv_rows found;
    gv_rows expected;
    assert_int_equal(gv_rows_init(&found, TEXT_SIZE), GV_OK);
    assert_int_equal(gv_rows_init(&expected, TEXT_SIZE), GV_OK);
    for (int i = 0; i < CASES; i++) {
        const char delimiter = "\t, ;\x80"[test_random_below(&random, 5)];
        const int64_t density = 1 + test_random_below(&random, 30);
        const size_t size = 1 + (size_t)test_random_below(&random, TEXT_SIZE);
        for (size_t b = 0; b < sizeof text;
             b++) { /* the pad holds marks too: they must not count */
            const int64_t kind = test_random_below(&random, density);
            const int64_t other = test_random_below(&random, i % 2 == 0 ? 256 : 0x7F);
            text[b] = (char)(kind == 0 ? delimiter : kind == 1 ? '\n' : other);
        }
        text[size - 1] = '\n';
        split_naive(text, size, delimiter, &expected);
        for (const gv_splitter *const *splitter = gv_splitters; *splitter != NULL; splitter++) {
            if ((*splitter)->is_supported()) {
                (*splitter)->split(text, size, delimiter, &found);
                check_equal(&found, &expected);
            }
        }
    }
    gv_rows_fini(&found);
    gv_rows_fini(&expected);
}

/* What split_quoted promises, a byte at a time; false where quotes are not simple. */
static bool split_quoted_naive(const char *text, size_t size, char delimiter, gv_rows *rows)
{
    uint32_t fields = 0;
    size_t start = 0;
    bool is_inside = false;
    *rows = (gv_rows){.text = text, .marks = rows->marks, .firsts = rows->firsts};
    rows->marks[0] = UINT32_MAX;
    rows->firsts[0] = 0;
    for (size_t i = 0; i < size; i++) {
        rows->has_nul = rows->has_nul || text[i] == '\0';
        if (text[i] == '"') {
            const bool closes = is_inside;
            const size_t end = i + 1 + (text[i + 1] == '\r' && text[i + 2] == '\n');
            is_inside = !is_inside;
            if (closes ? text[end] != delimiter && text[end] != '\n' : i != start) {
                return false;
            }
        } else if (text[i] == '\n' && is_inside) {
            return false;
        } else if ((text[i] == delimiter || text[i] == '\n') && !is_inside) {
            rows->marks[++fields] = (uint32_t)i;
            start = i + 1;
            if (text[i] == '\n') {
                rows->firsts[++rows->row_count] = fields;
            }
        }
    }
    return !is_inside;
}

static void every_splitter_agrees_about_quotes(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    static char text[TEXT_SIZE + GV_INPUT_PAD];
    gv_rows found;
    gv_rows expected;
    int simple = 0;
    assert_int_equal(gv_rows_init(&found, TEXT_SIZE), GV_OK);
    assert_int_equal(gv_rows_init(&expected, TEXT_SIZE), GV_OK);
    for (int i = 0; i < CASES; i++) {
        const char *const cells[] = {
            "a",  "\"b,c\"", "\"\"",    "",     "7.5",      "\"long cell, of many words\"",
            "\n", "\r\n",    "\"d\r\"", "x\"y", "\"\"\"\"", "\"e\nf\""};
        const int64_t kinds = i % 4 == 0 ? 12 : 8;
        size_t size = 0;
        while (size < 400) {
            const char *const cell = cells[test_random_below(&random, kinds)];
            memcpy(text + size, cell, strlen(cell));
            size += strlen(cell);
            if (cell[0] != '\n' && cell[0] != '\r') {
                text[size++] = test_random_below(&random, 6) == 0 ? '\n' : ',';
            }
        }
        text[size++] = '\n';
        memset(text + size, '"', GV_INPUT_PAD);
        const bool is_simple = split_quoted_naive(text, size, ',', &expected);
        simple += is_simple;
        for (const gv_splitter *const *splitter = gv_splitters; *splitter != NULL; splitter++) {
            if ((*splitter)->is_supported()) {
                assert_int_equal((*splitter)->split_quoted(text, size, ',', &found), is_simple);
                if (is_simple) {
                    check_equal(&found, &expected);
                }
            }
        }
    }
    assert_true(simple > CASES / 4);
    assert_true(simple < CASES);
    gv_rows_fini(&found);
    gv_rows_fini(&expected);
}

static void fields_lose_a_carriage_return_at_the_end_alone(void **state)
{
    (void)state;
    char text[64 + GV_INPUT_PAD] = "a\r\tb\r\n\r\n\n\tx\n";
    gv_rows rows;
    assert_int_equal(gv_rows_init(&rows, 64), GV_OK);
    gv_splitter_pick()->split(text, strlen(text), '\t', &rows);
    assert_int_equal(rows.row_count, 4);
    const char *const expected[] = {"a\r", "b", "", "", "", "x"};
    assert_int_equal(rows.firsts[4], 6);
    for (uint32_t i = 0; i < 6; i++) {
        const gv_span field = gv_rows_field(&rows, i);
        assert_int_equal(field.size, strlen(expected[i]));
        assert_memory_equal(field.bytes, expected[i], field.size);
    }
    gv_rows_fini(&rows);
}

static void the_portable_splitter_is_always_there(void **state)
{
    (void)state;
    const gv_splitter *const *last = gv_splitters;
    while (last[1] != NULL) {
        last++;
    }
    assert_string_equal((*last)->name, "portable");
    assert_true((*last)->is_supported());
    assert_true(gv_splitter_pick()->is_supported());
    printf("splitting by %s\n", gv_splitter_pick()->name);
}

static void rows_survive_failing_memory(void **state)
{
    (void)state;
    for (int count = 0;; count++) {
        gv_rows rows = {0};
        gv_mem_fail_after(count);
        const gv_status status = gv_rows_init(&rows, 100);
        gv_mem_fail_after(-1);
        gv_rows_fini(&rows);
        if (status == GV_OK) {
            assert_true(count > 1);
            break;
        }
        assert_int_equal(status, GV_ENOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_splitter_agrees_with_the_naive_one),
        cmocka_unit_test(every_splitter_agrees_about_quotes),
        cmocka_unit_test(fields_lose_a_carriage_return_at_the_end_alone),
        cmocka_unit_test(the_portable_splitter_is_always_there),
        cmocka_unit_test(rows_survive_failing_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
