/* Mapping files: what they can say, and every way to say it wrong. */
#include <string.h>

#include "cmocka_all.h"
#include "read_text.h"
#include "sim/base/clock.h"
#include "sim/log/mapping_impl.h"
#include "test_folder.h"

enum { ROWS_KEPT = 4 };

typedef struct collected {
    uint64_t rows[GV_LOG_TABLE_COUNT];
    int64_t integers[GV_CHUNK_COLUMNS_MAX][ROWS_KEPT];
    double reals[GV_CHUNK_COLUMNS_MAX][ROWS_KEPT];
    char texts[GV_CHUNK_COLUMNS_MAX][ROWS_KEPT][64];
    uint64_t rejects;
    char reason[320];
    uint32_t reject_column;
} collected;

static void keep_cell(collected *all, const gv_chunk *chunk, size_t field, size_t row)
{
    const gv_log_kind kind = chunk->schema->fields[field].kind;
    if (kind == GV_LOG_INTEGER) {
        all->integers[field][row] = chunk->cells[field].integers[row];
    } else if (kind == GV_LOG_REAL) {
        all->reals[field][row] = chunk->cells[field].reals[row];
    } else {
        const gv_span text = chunk->cells[field].texts[row];
        (void)snprintf(all->texts[field][row], 64, "%.*s", (int)text.size, text.bytes);
    }
}

static gv_status collect(void *context, const gv_chunk *chunk)
{
    collected *all = context;
    for (size_t row = 0; row < chunk->row_count && row < ROWS_KEPT; row++) {
        for (size_t field = 0; field < chunk->schema->field_count; field++) {
            keep_cell(all, chunk, field, row);
        }
    }
    if (chunk->reject_count > 0) {
        (void)snprintf(all->reason, sizeof all->reason, "%s", chunk->rejects[0].reason);
        all->reject_column = chunk->rejects[0].column;
    }
    all->rejects += chunk->reject_count;
    all->rows[chunk->table] += chunk->row_count;
    return GV_OK;
}

static gv_status read_mapped(void **state, const char *yaml, const char *text, collected *all)
{
    char path[TEST_PATH_SIZE];
    gv_mapping *mapping = NULL;
    memset(all, 0, sizeof *all);
    assert_int_equal(gv_mapping_parse("m.yaml", yaml, strlen(yaml), &mapping), GV_OK);
    test_folder_path(*state, "x.csv", path);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    const gv_status status = read_file(gv_mapping_plan(mapping), path, path, collect, all);
    gv_mapping_destroy(mapping);
    return status;
}

static void columns_are_found_by_name_and_number(void **state)
{
    static collected all;
    const char yaml[] = "zone: UTC+8\n"
                        "columns:\n"
                        "  when: {role: time, format: '%d/%m/%Y %H:%M:%S'}\n"
                        "  paid: {role: price, unit: 0.01 currency}\n"
                        "  item: {name: item, kind: code, missing: NA}\n"
                        "  2: {name: share, kind: real, empty: '0.5'}\n"
                        "  click: clicks\n";
    const char text[] = "paid,share,item,when,click\n"
                        "12.5,0.25,shoe,06/06/2013 12:30:05,1\n"
                        "0.0000004,,NA,07/06/2013 00:00:00,0\n";
    assert_int_equal(read_mapped(state, yaml, text, &all), GV_OK);
    assert_int_equal(all.rejects, 0);
    assert_int_equal(all.rows[GV_LOG_IMPRESSION], 2);
    assert_int_equal(all.integers[0][0], INT64_C(1370521805000000) - 8 * GV_US_PER_HOUR);
    assert_int_equal(all.integers[1][0], 125000000);
    assert_int_equal(all.integers[1][1], 4);
    assert_string_equal(all.texts[2][0], "shoe");
    assert_string_equal(all.texts[2][1], "");
    assert_true(all.reals[3][0] == 0.25);
    assert_true(all.reals[3][1] == 0.5);
    assert_int_equal(all.integers[4][0], 1);
}

static void every_time_format_is_read(void **state)
{
    static collected all;
    const struct {
        const char *format;
        const char *text;
        int64_t us;
    } cases[] = {
        {"iso", "2013-06-06T12:30:05.25Z", INT64_C(1370521805250000)},
        {"ipinyou", "20130606123005250", INT64_C(1370521805250000)},
        {"epoch_s", "1370521805.25", INT64_C(1370521805250000)},
        {"epoch_ms", "1370521805250", INT64_C(1370521805250000)},
        {"epoch_us", "1370521805250000", INT64_C(1370521805250000)},
        {"steps, step: 30 min, start: 2013-06-06", "25.0", INT64_C(1370521800000000)},
        {"'%y%m%d-%H%M%S.%f'", "130606-123005.2500009", INT64_C(1370521805250000)},
        {"'%b %d %Y %H:%M %z'", "Jun 6 2013 14:30 +02:00", INT64_C(1370521800000000)},
        {"'%Y%%%m%%%d'", "2013%06%06", INT64_C(1370476800000000)},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char yaml[200];
        (void)snprintf(yaml, sizeof yaml,
                       "header: no\nquoting: none\ndelimiter: pipe\ncolumns:\n  1: {role: time, "
                       "format: %s}\n",
                       cases[i].format);
        assert_int_equal(read_mapped(state, yaml, cases[i].text, &all), GV_OK);
        if (all.rejects > 0) {
            fail_msg("%s: %s", cases[i].format, all.reason);
        }
        assert_int_equal(all.integers[0][0], cases[i].us);
        assert_int_equal(read_mapped(state, yaml, "nonsense\n", &all), GV_OK);
        assert_int_equal(all.rejects, 1);
        assert_int_equal(all.reject_column, 1);
    }
}

static void a_column_can_tell_the_table(void **state)
{
    static collected all;
    const char yaml[] = "header: yes\ntime: none\n"
                        "rows: {column: kind, impression: imp, click: '2'}\n"
                        "columns: {id: bid_id}\n";
    assert_int_equal(read_mapped(state, yaml, "id,kind\na,imp\na,2\nb,imp\nc,conv\n", &all), GV_OK);
    assert_int_equal(all.rows[GV_LOG_IMPRESSION], 2);
    assert_int_equal(all.rows[GV_LOG_CLICK], 1);
    assert_int_equal(all.rejects, 1);
    assert_string_equal(all.reason, "expected the kind of row, one of imp (impression), 2 (click), "
                                    "found 'conv'");
}

static void a_missing_column_is_one_clear_sentence(void **state)
{
    static collected all;
    const char yaml[] = "time: none\ncolumns:\n  prise: price\n";
    assert_int_equal(read_mapped(state, yaml, "price,click\n1,2\n", &all), GV_EPARSE);
    assert_non_null(strstr(gv_status_detail(), "x.csv:1: has no column 'prise', which m.yaml:3:3 "
                                               "names: did you mean 'price'?"));
    const char other[] = "header: no\ntime: none\ncolumns:\n  5: price\n";
    assert_int_equal(read_mapped(state, other, "1,2\n", &all), GV_EPARSE);
    assert_non_null(strstr(gv_status_detail(), "x.csv:1: has 2 columns, but m.yaml:4:3 names "
                                               "column 5"));
}

static void every_error_is_reported_with_its_place(void **state)
{
    (void)state;
    const char yaml[] = "delimiter: coma\n"
                        "quotting: none\n"
                        "zone: Mars\n"
                        "columns:\n"
                        "  a: {role: prise}\n"
                        "  b: {role: price, unit: euro}\n"
                        "  c: {role: clicks, format: iso}\n"
                        "  d: {role: time, format: epoch}\n";
    const char *const parts[] = {"m.yaml:1:12: there is no delimiter 'coma': did you mean 'comma'?",
                                 "m.yaml:2:1: there is no key 'quotting': did you mean 'quoting'?",
                                 "m.yaml:3:7: 'Mars'",
                                 "m.yaml:5:13: there is no role 'prise': did you mean 'price'?",
                                 "m.yaml:6:26: 'euro' is no unit of money",
                                 "m.yaml:7:29: only time has a format",
                                 "m.yaml:8:27: there is no time format 'epoch'"};
    gv_mapping *mapping = NULL;
    assert_int_equal(gv_mapping_parse("m.yaml", yaml, strlen(yaml), &mapping), GV_EUSAGE);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (strstr(gv_status_detail(), parts[i]) == NULL) {
            fail_msg("no '%s' in:\n%s", parts[i], gv_status_detail());
        }
    }
}

static void single_errors_are_named(void **state)
{
    (void)state;
    const struct {
        const char *yaml;
        const char *part;
    } cases[] = {
        {"", "m.yaml: is empty"},
        {"just text", "m.yaml:1:1: expected a mapping"},
        {"header: yes", "m.yaml:1:1: expected `columns`"},
        {"columns: {a: price}", "no column has the role time"},
        {"time: none\ncolumns: {a: time}", "above is `time: none`"},
        {"time: none\ncolumns: [a, b]", "m.yaml:2:10: expected columns, a map"},
        {"time: none\ncolumns: {a: price, a: bid}", "'a' is given twice"},
        {"time: none\ncolumns: {a: price, b: price}", "two columns are 'price'"},
        {"time: none\nheader: no\ncolumns: {a: price}", "the files have no header"},
        {"time: none\nheader: no\ncolumns: {0: price}", "from 1 to 100000, found 0"},
        {"time: none\ncolumns: {a: {name: price}}", "'price' is a role"},
        {"time: none\ncolumns: {a: {name: Up}}", "expected lower case"},
        {"time: none\ncolumns: {a: {name: x, kind: rael}}", "did you mean 'real'?"},
        {"time: none\ncolumns: {a: {kind: real}}", "expected either `role`, or `name`"},
        {"time: none\ncolumns: {a: {role: price, empty: x}}", "'x', which is not a number"},
        {"time: none\ncolumns: {a: row}", "there is no role 'row'"},
        {"columns: {a: {role: time, format: '%Q'}}", "knows only %Y"},
        {"columns: {a: {role: time, format: '%H'}}", "has no year"},
        {"columns: {a: {role: time, format: steps}}", "needs `step`"},
        {"rows: {impression: 1}\ntime: none\ncolumns: {a: price}", "expected `column`"},
        {"columns: {a: [price\n", "is no YAML"},
        {"a: \xff\xfe\n", "m.yaml:1:4: is no YAML"},
        {"delimiter: \"\\0\"\ntime: none\ncolumns: {a: price}", "found a NUL byte"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        gv_mapping *mapping = NULL;
        const gv_status status =
            gv_mapping_parse("m.yaml", cases[i].yaml, strlen(cases[i].yaml), &mapping);
        if (status != GV_EUSAGE || strstr(gv_status_detail(), cases[i].part) == NULL) {
            fail_msg("%s\ngave %d: %s\nexpected: %s", cases[i].yaml, (int)status,
                     gv_status_detail(), cases[i].part);
        }
        assert_null(mapping);
    }
}

static void loading_survives_failing_memory(void **state)
{
    (void)state;
    const char yaml[] = "time: none\ncolumns: {a: price}\n";
    for (int count = 0;; count++) {
        gv_mapping *mapping = NULL;
        gv_mem_fail_after(count);
        const gv_status status = gv_mapping_parse("m.yaml", yaml, sizeof yaml - 1, &mapping);
        gv_mem_fail_after(-1);
        gv_mapping_destroy(mapping);
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
        test_in_folder(columns_are_found_by_name_and_number),
        test_in_folder(every_time_format_is_read),
        test_in_folder(a_column_can_tell_the_table),
        test_in_folder(a_missing_column_is_one_clear_sentence),
        cmocka_unit_test(every_error_is_reported_with_its_place),
        cmocka_unit_test(single_errors_are_named),
        cmocka_unit_test(loading_survives_failing_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
