/* Formats by name: worked examples, properties over every type, what is refused, real data. */
#include <inttypes.h>
#include <string.h>

#include "cmocka_all.h"
#include "read_text.h"
#include "sim/base/clock.h"
#include "sim/base/number.h"
#include "sim/log/mapping_impl.h"
#include "test_folder.h"
#include "test_random.h"

enum { KEPT_ROWS = 8, KEPT_REJECTS = 16 };

/* What a reading gave; texts are copied for the first rows only. */
typedef struct collected {
    uint64_t rows[GV_LOG_TABLE_COUNT];
    uint64_t rejects;
    uint64_t last_line;
    size_t kept;
    gv_log_table tables[KEPT_ROWS];
    uint64_t lines[KEPT_ROWS];
    char cells[KEPT_ROWS][GV_CHUNK_COLUMNS_MAX][96];
    char reasons[KEPT_REJECTS][320];
    uint64_t reject_lines[KEPT_REJECTS];
    uint32_t reject_columns[KEPT_REJECTS];
} collected;

static void print_cell(const gv_chunk *chunk, size_t field, size_t row, char text[96])
{
    switch (chunk->schema->fields[field].kind) {
    case GV_LOG_INTEGER:
        (void)snprintf(text, 96, "%" PRId64, chunk->cells[field].integers[row]);
        break;
    case GV_LOG_REAL:
        (void)snprintf(text, 96, "%.17g", chunk->cells[field].reals[row]);
        break;
    case GV_LOG_CODE:
    case GV_LOG_TEXT:
    case GV_LOG_KIND_COUNT:
        (void)snprintf(text, 96, "%.*s", (int)chunk->cells[field].texts[row].size,
                       chunk->cells[field].texts[row].bytes);
    }
}

static void keep_row(collected *all, const gv_chunk *chunk, size_t row)
{
    all->tables[all->kept] = chunk->table;
    all->lines[all->kept] = chunk->lines[row];
    for (size_t field = 0; field < chunk->schema->field_count; field++) {
        print_cell(chunk, field, row, all->cells[all->kept][field]);
    }
    all->kept++;
}

static gv_status collect(void *context, const gv_chunk *chunk)
{
    collected *all = context;
    assert_true(chunk->table <= GV_LOG_CONVERSION);
    for (size_t row = 0; row < chunk->row_count; row++) {
        assert_true(row == 0 || chunk->lines[row] > chunk->lines[row - 1]);
        if (all->kept < KEPT_ROWS) {
            keep_row(all, chunk, row);
        }
    }
    for (size_t i = 0; i < chunk->reject_count; i++) {
        assert_true(i == 0 || chunk->rejects[i].line >= chunk->rejects[i - 1].line);
        assert_true(chunk->rejects[i].text.size <= 200);
        if (all->rejects < KEPT_REJECTS) {
            (void)snprintf(all->reasons[all->rejects], 320, "%s", chunk->rejects[i].reason);
            all->reject_lines[all->rejects] = chunk->rejects[i].line;
            all->reject_columns[all->rejects] = chunk->rejects[i].column;
        }
        all->rejects++;
    }
    all->rows[chunk->table] += chunk->row_count;
    return GV_OK;
}

static void plan_of(const char *format, gv_plan *plan)
{
    const gv_reader_type *type = gv_reader_find(format);
    assert_non_null(type);
    assert_int_equal(type->methods->plan(NULL, plan), GV_OK);
    plan->schema.format = format;
}

static void write_text(const test_folder *folder, const char *name, const char *text, size_t size,
                       char *path)
{
    test_folder_path(folder, name, path);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static collected *read_as(void **state, const char *format, const char *name, const char *text,
                          size_t size)
{
    static collected all;
    static gv_plan plan;
    char path[TEST_PATH_SIZE];
    memset(&all, 0, sizeof all);
    plan_of(format, &plan);
    write_text(*state, name, text, size, path);
    assert_int_equal(read_file(&plan, path, path, collect, &all), GV_OK);
    return &all;
}

static const char *cell(const collected *all, const char *format, size_t row, const char *name)
{
    static gv_plan plan;
    plan_of(format, &plan);
    for (size_t field = 0; field < plan.schema.field_count; field++) {
        if (strcmp(plan.schema.fields[field].name, name) == 0) {
            return all->cells[row][field];
        }
    }
    fail_msg("no field %s", name);
    return NULL;
}

#define ROW(id, time, type, price)                                              \
    id "\t" time "\t" type                                                      \
       "\tVaBc\tMozilla/5.0 (\"q\"; x)\t1.2.3.*\t216\t217\t2\tdom\turl\tnull\t" \
       "slot_9\t300\t250\tFirstView\tNa\t5\tcrea\t277\t" price "\tkey\t2259\tnull"

static void ipinyou_rows_are_read(void **state)
{
    const char text[] = ROW("aa", "20131021120102003", "1", "78.5") "\r\n" ROW(
        "bb", "20131021120102", "2", "0") "\n\n" ROW("cc", "20131022000000000", "3", "0");
    const collected *all = read_as(state, "ipinyou", "other.txt", text, sizeof text - 1);
    assert_int_equal(all->rejects, 0);
    assert_int_equal(all->rows[GV_LOG_IMPRESSION], 1);
    assert_int_equal(all->rows[GV_LOG_CLICK], 1);
    assert_int_equal(all->rows[GV_LOG_CONVERSION], 1);
    assert_string_equal(cell(all, "ipinyou", 0, "bid_id"), "aa");
    assert_string_equal(cell(all, "ipinyou", 0, "time"), "1382328062003000");
    assert_string_equal(cell(all, "ipinyou", 0, "user_agent"), "Mozilla/5.0 (\"q\"; x)");
    assert_string_equal(cell(all, "ipinyou", 0, "price"), "78500000");
    assert_string_equal(cell(all, "ipinyou", 0, "url_id"), "");
    assert_string_equal(cell(all, "ipinyou", 0, "slot_visibility"), "FirstView");
    assert_string_equal(cell(all, "ipinyou", 0, "tags"), "");
    assert_string_equal(cell(all, "ipinyou", 1, "time"), "1382328062000000");
    assert_int_equal(all->lines[2], 4);
}

/* The published conversions carry the log type of clicks. */
static void the_files_name_comes_before_the_log_type(void **state)
{
    const char text[] = ROW("aa", "20131021120102003", "2", "0") "\n";
    assert_int_equal(
        read_as(state, "ipinyou", "conv.1.txt", text, sizeof text - 1)->rows[GV_LOG_CONVERSION], 1);
    assert_int_equal(
        read_as(state, "ipinyou", "clk.1.txt", text, sizeof text - 1)->rows[GV_LOG_CLICK], 1);
    assert_int_equal(
        read_as(state, "ipinyou", "imp.1.txt", text, sizeof text - 1)->rows[GV_LOG_IMPRESSION], 1);
}

static void make_ipinyou_rows_are_read(void **state)
{
    const char text[] =
        "click\tweekday\thour\tbidid\n"
        "1\t1\t12\t" ROW("aa", "20131021120102003", "1",
                         "78") "\n"
                               "0\t1\t12\t" ROW("bb", "20131021120102004", "1", "79") "\t0\t2\n";
    const collected *all = read_as(state, "make-ipinyou", "train.log.txt", text, sizeof text - 1);
    assert_int_equal(all->rejects, 0);
    assert_int_equal(all->rows[GV_LOG_IMPRESSION], 2);
    assert_string_equal(cell(all, "make-ipinyou", 0, "clicks"), "1");
    assert_string_equal(cell(all, "make-ipinyou", 0, "conversions"), "0");
    assert_string_equal(cell(all, "make-ipinyou", 1, "conversions"), "2");
    assert_string_equal(cell(all, "make-ipinyou", 1, "price"), "79000000");
}

static void spaced_rows_are_read(void **state)
{
    const char yzx[] = "1 31 0:1 27:1\n0 7\n";
    const collected *all = read_as(state, "yzx", "a.yzx.txt", yzx, sizeof yzx - 1);
    assert_int_equal(all->rejects, 0);
    assert_string_equal(cell(all, "yzx", 0, "features"), "0:1 27:1");
    assert_string_equal(cell(all, "yzx", 1, "features"), "");
    const char yzbx[] = "0 31 52 0:1 27:1\r\n";
    all = read_as(state, "yzbx", "a.yzbx.txt", yzbx, sizeof yzbx - 1);
    assert_string_equal(cell(all, "yzbx", 0, "bid"), "52000000");
    assert_string_equal(cell(all, "yzbx", 0, "features"), "0:1 27:1");
    const char rlb[] = "0 71 0.0031415926535897933\n1 6 7e-05\n";
    all = read_as(state, "rlb", "t.txt", rlb, sizeof rlb - 1);
    assert_string_equal(cell(all, "rlb", 0, "pctr"), "0.0031415926535897933");
    assert_string_equal(cell(all, "rlb", 1, "clicks"), "1");
}

static void bad_rows_say_where_and_what(void **state)
{
    const struct {
        const char *row;
        size_t size;
        uint32_t column;
        const char *part;
    } cases[] = {
        {"0 70", 4, 0, "expected 3 columns, found 2"},
        {"0 70 0.1 9", 10, 0, "expected 3 columns, found 4"},
        {"0 abc 0.1", 9, 2, "found 'abc', which is not a number"},
        {"0 -5 0.1", 8, 2, "found '-5', which is negative"},
        {"0 9e99 0.1", 10, 2, "out of range"},
        {"0  0.1", 6, 2, "is empty"},
        {"0 7 1.5", 7, 3, "expected a probability from 0 to 1, found '1.5'"},
        {"-1 7 0.5", 8, 1, "found '-1', which is negative"},
        {"0 7\0 0.5", 8, 0, "NUL byte at byte 4"},
        {"0 7 0.5\r\r", 9, 3, "not a number"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[128] = "1 1 0.5\n\n";
        memcpy(text + 9, cases[i].row, cases[i].size);
        memcpy(text + 9 + cases[i].size, "\n0 2 0.25\n", 10);
        const collected *all = read_as(state, "rlb", "a.txt", text, 19 + cases[i].size);
        assert_int_equal(all->rejects, 1);
        assert_int_equal(all->rows[GV_LOG_IMPRESSION], 2);
        assert_string_equal(cell(all, "rlb", 1, "price"), "2000000");
        assert_int_equal(all->lines[1], 4);
        assert_int_equal(all->reject_lines[0], 3);
        assert_int_equal(all->reject_columns[0], cases[i].column);
        if (strstr(all->reasons[0], cases[i].part) == NULL) {
            fail_msg("'%s' lacks '%s'", all->reasons[0], cases[i].part);
        }
    }
}

static void bad_times_and_log_types_are_rejects(void **state)
{
    const char *const times[] = {"20131321120102003",
                                 "20131021240102003",
                                 "20131021126002003",
                                 "2013102112010200x",
                                 "18991231120102003",
                                 "2013102112010200",
                                 "",
                                 "20130229120102003"};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        char text[600];
        const int size = snprintf(text, sizeof text, ROW("aa", "%s", "1", "78") "\n", times[i]);
        const collected *all = read_as(state, "ipinyou", "imp.txt", text, (size_t)size);
        assert_int_equal(all->rejects, 1);
        assert_int_equal(all->reject_columns[0], 2);
        assert_non_null(strstr(all->reasons[0], "expected a time as yyyyMMddHHmmssSSS"));
    }
    const char text[] = ROW("aa", "20131021120102003", "7", "78") "\n";
    const collected *all = read_as(state, "ipinyou", "a.txt", text, sizeof text - 1);
    assert_int_equal(all->reject_columns[0], 3);
    assert_non_null(strstr(all->reasons[0], "found '7'"));
}

static uint64_t lines_with_text(const char *text, size_t size)
{
    uint64_t count = 0;
    for (size_t start = 0; start < size;) {
        const char *end = memchr(text + start, '\n', size - start);
        size_t length = end == NULL ? size - start : (size_t)(end - text) - start;
        length -= end != NULL && length > 0 && text[start + length - 1] == '\r';
        count += length > 0;
        start = end == NULL ? size : (size_t)(end - text) + 1;
    }
    return count;
}

/* No row is lost and none made up, whatever the bytes: each is a row or a reject. */
static void every_line_is_a_row_or_a_reject(void **state)
{
    test_random random = test_random_seeded();
    for (const gv_reader_type *const *type = gv_reader_types; *type != NULL; type++) {
        for (int i = 0; i < 60 && !(*type)->needs_mapping; i++) {
            static char text[5000];
            const size_t size = (size_t)test_random_below(&random, sizeof text - 2);
            for (size_t b = 0; b < size; b++) {
                const char common[] = "0123456789\t \n\r.-:abc";
                const bool is_odd = test_random_below(&random, 50) == 0;
                text[b] = (char)(is_odd ? test_random_below(&random, 256)
                                        : common[test_random_below(&random, sizeof common - 1)]);
            }
            memcpy(text + size, "\n", 2);
            text[0] = '7'; /* no compression's magic, no mark */
            const collected *all = read_as(state, (*type)->info.name, "x.txt", text, size + 1);
            assert_int_equal(all->rejects + all->rows[GV_LOG_IMPRESSION] + all->rows[GV_LOG_CLICK] +
                                 all->rows[GV_LOG_CONVERSION],
                             lines_with_text(text, size + 1));
        }
    }
}

static void every_type_is_described_and_found(void **state)
{
    (void)state;
    for (const gv_reader_type *const *type = gv_reader_types; *type != NULL; type++) {
        assert_ptr_equal(gv_reader_find((*type)->info.name), *type);
        assert_true(strlen((*type)->info.summary) > 10);
        static gv_plan plan;
        if (!(*type)->needs_mapping) {
            plan_of((*type)->info.name, &plan);
            assert_true(plan.schema.field_count > 0);
            assert_int_equal(plan.schema.field_count, plan.binding_count);
            assert_true(plan.delimiter != '\0');
        }
    }
    assert_null(gv_reader_find("nonsense"));
}

/* One cell column against the slow reader, on random digits around every limit. */
static void fast_columns_agree_with_slow_cells(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    static gv_plan plan;
    plan_of("rlb", &plan);
    gv_rows rows;
    assert_int_equal(gv_rows_init(&rows, 64), GV_OK);
    for (int i = 0; i < 200000; i++) {
        char text[64 + GV_INPUT_PAD] = "";
        const size_t size = (size_t)test_random_below(&random, 14);
        for (size_t b = 0; b < size; b++) {
            text[b] = "0123456789.-e"[test_random_below(&random, i % 3 == 0 ? 13 : 10)];
        }
        text[size] = '\n';
        gv_splitter_pick()->split(text, size + 1, ' ', &rows);
        const uint32_t first = 0;
        const uint32_t width = 1;
        uint8_t is_bad = 0;
        gv_cells cells = {
            .rows = &rows, .firsts = &first, .widths = &width, .count = 1, .is_bad = &is_bad};
        int64_t value = -1;
        gv_cells_read(&cells, &plan.bindings[1], 0, false, 1, &value);
        const gv_span span = {text, size};
        assert_int_equal(is_bad != 0, gv_cell_complaint(&plan.bindings[1], span, 0) != NULL);
        int64_t nanos = -1;
        if (is_bad == 0) {
            assert_null(gv_number_scaled(text, size, (gv_scale){1, 6}, GV_ROUND_NEAREST, &nanos));
            assert_int_equal(value, nanos);
        }
    }
    gv_rows_fini(&rows);
}

static const char *data_file(const char *name, char *path)
{
    const char *folder = getenv("GAVEL_DATA");
    (void)snprintf(path, TEST_PATH_SIZE, "%s/%s", folder != NULL ? folder : "../shared/data", name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        printf("skipped: %s is not there (GAVEL_DATA names its folder)\n", path);
        return NULL;
    }
    (void)fclose(file);
    return path;
}

static void read_data(const char *format, const char *name, collected *all)
{
    static gv_plan plan;
    char path[TEST_PATH_SIZE];
    if (data_file(name, path) == NULL) {
        skip();
    }
    plan_of(format, &plan);
    assert_int_equal(read_file(&plan, path, path, collect, all), GV_OK);
}

static void real_season_two_has_its_rows_and_one_reject(void **state)
{
    (void)state;
    static collected all;
    memset(&all, 0, sizeof all);
    for (int day = 6; day <= 12; day++) {
        char name[64];
        (void)snprintf(name, sizeof name, "ipinyou-season2/imp.201306%02d.txt.gz", day);
        read_data("ipinyou", name, &all);
        (void)snprintf(name, sizeof name, "ipinyou-season2/clk.201306%02d.txt.gz", day);
        read_data("ipinyou", name, &all);
        (void)snprintf(name, sizeof name, "ipinyou-season2/conv.201306%02d.txt", day);
        read_data("ipinyou", name, &all);
    }
    assert_int_equal(all.rows[GV_LOG_IMPRESSION], 42000);
    assert_int_equal(all.rows[GV_LOG_CLICK], 9978);
    assert_int_equal(all.rows[GV_LOG_CONVERSION], 493);
    assert_int_equal(all.rejects, 1);
    assert_int_equal(all.reject_lines[0], 15);
    assert_string_equal(all.reasons[0], "expected 24 columns, found 23");
}

static void real_files_of_other_formats_are_read_whole(void **state)
{
    (void)state;
    const struct {
        const char *format;
        const char *name;
        gv_log_table table;
        uint64_t rows;
    } files[] = {
        {"ipinyou", "ipinyou-season3/imp.20131021.adv2821.limit1000.txt.gz", GV_LOG_IMPRESSION,
         10000},
        {"ipinyou", "ipinyou-season3/clk.20131021.adv2821.txt.gz", GV_LOG_CLICK, 442},
        {"make-ipinyou", "ipinyou-season3/2259.train.log.txt.gz", GV_LOG_IMPRESSION, 8355},
        {"make-ipinyou", "ipinyou-season3/2259.test.log.txt.gz", GV_LOG_IMPRESSION, 4171},
        {"yzbx", "ipinyou-season3/2259.train.yzbx.txt.gz", GV_LOG_IMPRESSION, 8355},
        {"rlb", "ipinyou-rlb/2997.test.theta.txt.gz", GV_LOG_IMPRESSION, 156063},
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        static collected all;
        memset(&all, 0, sizeof all);
        read_data(files[i].format, files[i].name, &all);
        if (all.rejects > 0) {
            fail_msg("%s:%" PRIu64 ": column %" PRIu32 ": %s", files[i].name, all.reject_lines[0],
                     all.reject_columns[0], all.reasons[0]);
        }
        assert_int_equal(all.rows[files[i].table], files[i].rows);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(ipinyou_rows_are_read),
        test_in_folder(the_files_name_comes_before_the_log_type),
        test_in_folder(make_ipinyou_rows_are_read),
        test_in_folder(spaced_rows_are_read),
        test_in_folder(bad_rows_say_where_and_what),
        test_in_folder(bad_times_and_log_types_are_rejects),
        test_in_folder(every_line_is_a_row_or_a_reject),
        cmocka_unit_test(every_type_is_described_and_found),
        cmocka_unit_test(fast_columns_agree_with_slow_cells),
        cmocka_unit_test(real_season_two_has_its_rows_and_one_reject),
        cmocka_unit_test(real_files_of_other_formats_are_read_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
