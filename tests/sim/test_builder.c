/*
 * A log is a pure function of its rows: neither memory, threads nor the order of chunks reach its
 * bytes, and the join is the naive one. What goes wrong on the way leaves nothing behind.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmocka_all.h"
#include "sim/base/file.h"
#include "sim/base/mem.h"
#include "sim/base/parallel.h"
#include "sim/log/builder.h"
#include "sim/log/log.h"
#include "test_folder.h"
#include "test_random.h"

enum { ROWS = 1200, FILES = 3, CHUNK_ROWS = 40, TEXT_SIZE = 24 };

typedef struct log_row {
    gv_log_table table;
    int64_t time;
    uint32_t file;
    uint64_t line;
    char bid_id[TEXT_SIZE];
    char city[TEXT_SIZE];
    int64_t price;
    double pctr;
} log_row;

enum { TIME, BID_ID, CITY, PRICE, PCTR, FIELDS };

static const gv_log_schema schema = {
    .field_count = FIELDS,
    .fields = {[TIME] = {"time", GV_LOG_INTEGER},
               [BID_ID] = {"bid_id", GV_LOG_TEXT},
               [CITY] = {"city", GV_LOG_CODE},
               [PRICE] = {"price", GV_LOG_INTEGER},
               [PCTR] = {"pctr", GV_LOG_REAL}},
    .format = "test",
};

static const char *const inputs[FILES] = {"one", "two", "three"};

static gv_span span_of(const char *text)
{
    return (gv_span){text, strlen(text)};
}

/* Few times and few bid ids, so that ties and repeats abound; some ids are empty. */
static log_row random_row(test_random *random, size_t number, size_t count)
{
    log_row row = {.table = GV_LOG_IMPRESSION};
    const int64_t kind = test_random_below(random, 10);
    row.table = kind < 6 ? GV_LOG_IMPRESSION : kind < 9 ? GV_LOG_CLICK : GV_LOG_CONVERSION;
    row.time = test_random_below(random, (int64_t)count / 3 + 1) - 100;
    row.file = (uint32_t)(number * FILES / count);
    row.line = number + 1;
    const int64_t id = test_random_below(random, (int64_t)count);
    if (id % 50 != 0) {
        (void)snprintf(row.bid_id, sizeof row.bid_id, "%lldabcdefgh", (long long)id);
    }
    const int64_t city = test_random_below(random, 60);
    (void)snprintf(row.city, sizeof row.city, "%.*s", (int)(city % 12), "cityOfGreatNames");
    row.city[0] = "abcdefghijklmnopqrst"[city % 20];
    row.city[city < 12 ? 0 : TEXT_SIZE - 1] = '\0';
    row.price = test_random_below(random, 1000);
    row.pctr = (double)row.price / 1024;
    return row;
}

static log_row *random_rows(test_random *random, size_t count)
{
    log_row *rows = gv_mem_alloc(0, count, sizeof *rows);
    assert_non_null(rows);
    for (size_t i = 0; i < count; i++) {
        rows[i] = random_row(random, i, count);
    }
    return rows;
}

/* The rows of one table among rows [first, end), all of one file. */
static gv_status add_chunk(gv_builder *builder, gv_log_table table, const log_row *rows,
                           size_t count)
{
    gv_chunk chunk = {.schema = NULL};
    GV_TRY(gv_chunk_init(&chunk, &schema, count));
    chunk.table = table;
    chunk.file = rows[0].file;
    chunk.first_line = rows[0].line;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].table == table) {
            const size_t at = chunk.row_count++;
            chunk.lines[at] = rows[i].line;
            chunk.cells[TIME].integers[at] = rows[i].time;
            chunk.cells[BID_ID].texts[at] = span_of(rows[i].bid_id);
            chunk.cells[CITY].texts[at] = span_of(rows[i].city);
            chunk.cells[PRICE].integers[at] = rows[i].price;
            chunk.cells[PCTR].reals[at] = rows[i].pctr;
        }
    }
    const gv_status status = gv_builder_add(builder, &chunk);
    gv_chunk_fini(&chunk);
    return status;
}

typedef struct chunk_feed {
    gv_builder *builder;
    const log_row *rows;
    size_t count;
    size_t chunk_rows;
    size_t *order; /* of chunks */
} chunk_feed;

static gv_status feed_chunk(void *context, size_t index, size_t worker)
{
    const chunk_feed *feed = context;
    const size_t first = feed->order[index] * feed->chunk_rows;
    (void)worker;
    size_t end = 0;
    for (size_t from = first; from < feed->count && from - first < feed->chunk_rows; from = end) {
        end = from + 1;
        while (end < feed->count && end - first < feed->chunk_rows &&
               feed->rows[end].file == feed->rows[from].file) {
            end++;
        }
        for (gv_log_table table = GV_LOG_IMPRESSION; table <= GV_LOG_CONVERSION; table++) {
            GV_TRY(add_chunk(feed->builder, table, feed->rows + from, end - from));
        }
    }
    return GV_OK;
}

typedef struct build_options {
    size_t memory_max;
    size_t jobs;
    size_t chunk_rows;
    bool is_shuffled;
    const gv_progress *progress;
} build_options;

static gv_status build(const char *path, const log_row *rows, size_t count, build_options options,
                       gv_builder_counts *counts)
{
    const gv_builder_config config = {.path = path,
                                      .schema = &schema,
                                      .memory_max = options.memory_max,
                                      .jobs = options.jobs,
                                      .input_paths = inputs,
                                      .input_count = FILES,
                                      .rejects_max = 0.01};
    test_random random = {.state = 12345};
    const size_t chunks = (count + options.chunk_rows - 1) / options.chunk_rows;
    chunk_feed feed = {.rows = rows, .count = count, .chunk_rows = options.chunk_rows};
    feed.order = calloc(chunks + 1, sizeof *feed.order);
    assert_non_null(feed.order);
    for (size_t i = 0; i < chunks; i++) {
        const size_t other =
            options.is_shuffled ? (size_t)test_random_below(&random, (int64_t)i + 1) : i;
        feed.order[i] = feed.order[other];
        feed.order[other] = i;
    }
    gv_status status = gv_builder_create(&config, &feed.builder);
    if (status == GV_OK) {
        status = gv_parallel_for(options.jobs, chunks, feed_chunk, &feed);
        if (status == GV_OK) {
            status = gv_builder_commit(feed.builder, options.progress, counts);
        } else {
            gv_builder_abandon(feed.builder);
        }
    }
    free(feed.order);
    return status;
}

static void assert_same_bytes(const char *left, const char *right)
{
    gv_file_map a = {NULL, 0};
    gv_file_map b = {NULL, 0};
    assert_int_equal(gv_file_map_open(left, &a), GV_OK);
    assert_int_equal(gv_file_map_open(right, &b), GV_OK);
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.bytes, b.bytes, a.size);
    gv_file_map_close(&a);
    gv_file_map_close(&b);
}

static void bytes_depend_on_the_rows_alone(void **state)
{
    const test_folder *folder = *state;
    const build_options plain = {0, 1, CHUNK_ROWS, false, NULL};
    const build_options others[] = {
        {0, 1, CHUNK_ROWS, true, NULL}, {1, 1, CHUNK_ROWS, true, NULL},
        {1, 1, 7, false, NULL},         {20000, 1, 100, true, NULL},
        {0, 4, 64, true, NULL},         {1, 4, CHUNK_ROWS, true, NULL},
        {100000, 3, 500, true, NULL},   {0, 1, ROWS, false, NULL},
        {1, 1, 5, true, NULL},
    };
    char expected[TEST_PATH_SIZE];
    char path[TEST_PATH_SIZE];
    gv_builder_counts counts = {.lines = 0};
    gv_builder_counts other_counts = {.lines = 0};
    test_random random = test_random_seeded();
    log_row *rows = random_rows(&random, ROWS);
    test_folder_path(folder, "expected.gvlog", expected);
    test_folder_path(folder, "other.gvlog", path);
    assert_int_equal(build(expected, rows, ROWS, plain, &counts), GV_OK);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_int_equal(build(path, rows, ROWS, others[i], &other_counts), GV_OK);
        assert_same_bytes(expected, path);
        assert_memory_equal(&counts, &other_counts, sizeof counts);
    }
    gv_mem_free(rows);
}

static bool precedes(const log_row *left, const log_row *right)
{
    if (left->time != right->time) {
        return left->time < right->time;
    }
    return left->file != right->file ? left->file < right->file : left->line < right->line;
}

static int compare_rows(const void *left, const void *right)
{
    const log_row *a = left;
    const log_row *b = right;
    if (a->table != b->table) {
        return a->table < b->table ? -1 : 1;
    }
    return precedes(a, b) ? -1 : precedes(b, a);
}

/* The latest impression of the bid id that is not later, else the earliest; SIZE_MAX: none. */
static size_t naive_join(const log_row *sorted, size_t impressions, const log_row *event)
{
    size_t earliest = SIZE_MAX;
    size_t latest = SIZE_MAX;
    for (size_t i = 0; i < impressions && event->bid_id[0] != '\0'; i++) {
        if (strcmp(sorted[i].bid_id, event->bid_id) == 0) {
            earliest = earliest == SIZE_MAX ? i : earliest;
            latest = sorted[i].time <= event->time ? i : latest;
        }
    }
    return latest != SIZE_MAX ? latest : earliest;
}

static const gv_log_column *checked(const gv_log *log, gv_log_table table, const char *name)
{
    const gv_log_column *column = gv_log_find(log, table, name);
    assert_non_null(column);
    assert_int_equal(gv_log_check(column, 0, gv_log_rows(log, table)), GV_OK);
    return column;
}

static void assert_text_is(const gv_log_column *column, uint64_t at, const char *expected)
{
    size_t size = 0;
    const char *text = gv_log_text(column, at, &size);
    assert_int_equal(size, strlen(expected));
    assert_memory_equal(text, expected, size);
}

/* rows: [count], the sorted ones of a table that keeps all columns. */
static void assert_features(const gv_log *log, gv_log_table table, const log_row *const *rows,
                            size_t count)
{
    assert_int_equal(gv_log_rows(log, table), count);
    const gv_log_column *bid_id = checked(log, table, "bid_id");
    const gv_log_column *city = checked(log, table, "city");
    const int64_t *times = gv_log_integers(checked(log, table, "time"));
    const int64_t *prices = gv_log_integers(checked(log, table, "price"));
    const double *pctrs = gv_log_reals(checked(log, table, "pctr"));
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(times[i], rows[i]->time);
        assert_int_equal(prices[i], rows[i]->price);
        assert_memory_equal(&pctrs[i], &rows[i]->pctr, sizeof(double));
        assert_text_is(bid_id, i, rows[i]->bid_id);
        assert_text_is(city, i, rows[i]->city);
    }
}

/* Walks the events of one table against the naive join. */
static void assert_joined(const gv_log *log, const log_row *sorted, size_t impressions,
                          gv_log_table table, const log_row **orphans, size_t *orphan_count)
{
    const int64_t *rows = gv_log_integers(checked(log, table, "row"));
    const int64_t *times = gv_log_integers(checked(log, table, "time"));
    uint64_t *seen = calloc(impressions + 1, sizeof *seen);
    size_t joined = 0;
    assert_non_null(seen);
    *orphan_count = 0;
    for (size_t i = impressions; i < ROWS; i++) {
        if (sorted[i].table == table) {
            const size_t own = naive_join(sorted, impressions, &sorted[i]);
            if (own == SIZE_MAX) {
                orphans[(*orphan_count)++] = &sorted[i];
                continue;
            }
            uint64_t first = 0;
            while (first < gv_log_rows(log, table) && (size_t)rows[first] != own) {
                first++;
            }
            first += seen[own]++;
            assert_true(first < gv_log_rows(log, table));
            assert_int_equal(rows[first], own);
            assert_int_equal(times[first], sorted[i].time);
            joined++;
        }
    }
    assert_int_equal(gv_log_rows(log, table), joined);
    const bool is_click = table == GV_LOG_CLICK;
    const int64_t *counts =
        gv_log_integers(checked(log, GV_LOG_IMPRESSION, is_click ? "clicks" : "conversions"));
    for (size_t i = 0; i < impressions; i++) {
        assert_int_equal(counts[i], seen[i]);
    }
    free(seen);
}

static void join_is_the_naive_one(void **state)
{
    const build_options options = {0, 1, CHUNK_ROWS, true, NULL};
    static const log_row *kept[ROWS];
    char path[TEST_PATH_SIZE];
    gv_builder_counts counts = {.lines = 0};
    gv_log *log = NULL;
    size_t impressions = 0;
    size_t orphan_count = 0;
    test_random random = test_random_seeded();
    log_row *rows = random_rows(&random, ROWS);
    test_folder_path(*state, "a.gvlog", path);
    assert_int_equal(build(path, rows, ROWS, options, &counts), GV_OK);
    assert_int_equal(gv_log_open(path, &log), GV_OK);
    qsort(rows, ROWS, sizeof *rows, compare_rows);
    while (rows[impressions].table == GV_LOG_IMPRESSION) {
        kept[impressions] = &rows[impressions];
        impressions++;
    }
    assert_features(log, GV_LOG_IMPRESSION, kept, impressions);
    assert_joined(log, rows, impressions, GV_LOG_CLICK, kept, &orphan_count);
    assert_features(log, GV_LOG_ORPHAN_CLICK, kept, orphan_count);
    assert_true(orphan_count > 0);
    assert_joined(log, rows, impressions, GV_LOG_CONVERSION, kept, &orphan_count);
    assert_features(log, GV_LOG_ORPHAN_CONVERSION, kept, orphan_count);
    uint64_t repeated = 0;
    for (size_t i = 0; i < impressions; i++) {
        size_t earlier = 0;
        while (earlier < i && strcmp(rows[earlier].bid_id, rows[i].bid_id) != 0) {
            earlier++;
        }
        repeated += earlier < i && rows[i].bid_id[0] != '\0';
    }
    assert_int_equal(counts.repeated_bid_ids, repeated);
    assert_true(repeated > 0);
    gv_log_close(log);
    gv_mem_free(rows);
}

/* Several blocks, the last one short: every boundary is crossed by rows, texts and searches. */
static void logs_of_several_blocks_hold_together(void **state)
{
    enum { MANY = 150000, STEP = 997 };
    const build_options options = {1 << 20, 1, 5000, true, NULL};
    char path[TEST_PATH_SIZE];
    gv_builder_counts counts = {.lines = 0};
    gv_log *log = NULL;
    test_random random = test_random_seeded();
    log_row *rows = random_rows(&random, MANY);
    for (size_t i = 0; i < MANY; i++) {
        rows[i].table = GV_LOG_IMPRESSION;
    }
    test_folder_path(*state, "a.gvlog", path);
    assert_int_equal(build(path, rows, MANY, options, &counts), GV_OK);
    assert_int_equal(gv_log_open(path, &log), GV_OK);
    qsort(rows, MANY, sizeof *rows, compare_rows);
    const gv_log_column *bid_id = checked(log, GV_LOG_IMPRESSION, "bid_id");
    const gv_log_column *city = checked(log, GV_LOG_IMPRESSION, "city");
    const int64_t *times = gv_log_integers(checked(log, GV_LOG_IMPRESSION, "time"));
    for (size_t i = 0; i<MANY; i += i % GV_LOG_BLOCK_ROWS> 10 ? 7 : 1) {
        assert_int_equal(times[i], rows[i].time);
        assert_text_is(bid_id, i, rows[i].bid_id);
        assert_text_is(city, i, rows[i].city);
    }
    for (int64_t time = -200; time < MANY / 3 + 100; time += STEP) {
        uint64_t expected = 0;
        uint64_t found = 0;
        while (expected < MANY && times[expected] < time) {
            expected++;
        }
        assert_int_equal(gv_log_lower_bound(log, GV_LOG_IMPRESSION, time, &found), GV_OK);
        assert_int_equal(found, expected);
    }
    gv_log_close(log);
    gv_mem_free(rows);
}

/* Every allocation of a build fails once, in memory and while spilling. */
static void every_allocation_may_fail(void **state)
{
    enum { FEW = 60 };
    const test_folder *folder = *state;
    const build_options kinds[] = {{0, 1, 16, true, NULL}, {1, 1, 16, true, NULL}};
    char path[TEST_PATH_SIZE];
    gv_builder_counts counts = {.lines = 0};
    test_random random = test_random_seeded();
    log_row *rows = random_rows(&random, FEW);
    test_folder_path(folder, "a.gvlog", path);
    for (size_t kind = 0; kind < 2; kind++) {
        gv_status status = GV_ENOMEM;
        for (int n = 0; status != GV_OK; n++) {
            assert_int_equal(status, GV_ENOMEM);
            assert_int_equal(test_folder_count(folder), 0);
            gv_mem_fail_after(n);
            status = build(path, rows, FEW, kinds[kind], &counts);
            gv_mem_fail_after(-1);
        }
        assert_int_equal(unlink(path), 0);
    }
    gv_mem_free(rows);
}

typedef struct stop_after {
    int left;
} stop_after;

static bool lose_patience(void *context, const char *what, uint64_t done, uint64_t total)
{
    stop_after *patience = context;
    assert_non_null(what);
    assert_true(done <= total);
    return patience->left-- > 0;
}

static void request_to_stop_leaves_nothing(void **state)
{
    const test_folder *folder = *state;
    char path[TEST_PATH_SIZE];
    gv_builder_counts counts = {.lines = 0};
    test_random random = test_random_seeded();
    log_row *rows = random_rows(&random, ROWS);
    test_folder_path(folder, "a.gvlog", path);
    gv_status status = GV_ESTOPPED;
    for (int n = 0; status != GV_OK; n++) {
        stop_after patience = {n};
        const gv_progress progress = {lose_patience, &patience};
        const build_options options = {30000, 2, CHUNK_ROWS, true, &progress};
        assert_int_equal(status, GV_ESTOPPED);
        assert_int_equal(test_folder_count(folder), 0);
        status = build(path, rows, ROWS, options, &counts);
    }
    assert_int_equal(test_folder_count(folder), 1);
    gv_mem_free(rows);
}

/* 0: as it should be. The kernel's limit on file sizes stands for a full disk. */
static int build_on_full_disk(const char *path, const log_row *rows, build_options options)
{
    const struct rlimit limit = {30000, 30000};
    gv_builder_counts counts = {.lines = 0};
    (void)signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) {
        return 1;
    }
    const gv_status status = build(path, rows, ROWS, options, &counts);
    return status == GV_EIO && strstr(gv_status_detail(), path) != NULL ? 0 : 2;
}

static void full_disk_leaves_nothing(void **state)
{
    const test_folder *folder = *state;
    const build_options kinds[] = {{0, 1, CHUNK_ROWS, true, NULL}, {50000, 1, 500, true, NULL}};
    char path[TEST_PATH_SIZE];
    test_random random = test_random_seeded();
    log_row *rows = random_rows(&random, ROWS);
    test_folder_path(folder, "a.gvlog", path);
    for (size_t i = 0; i < 2; i++) {
        const pid_t child = fork();
        if (child == 0) {
            _exit(build_on_full_disk(path, rows, kinds[i]));
        }
        int exit_status = -1;
        assert_int_equal(waitpid(child, &exit_status, 0), child);
        assert_int_equal(exit_status, 0);
        assert_int_equal(test_folder_count(folder), 0);
    }
    gv_mem_free(rows);
}

static bool kill_oneself(void *context, const char *what, uint64_t done, uint64_t total)
{
    (void)context;
    (void)what;
    (void)total;
    if (done > ROWS / 2) {
        (void)raise(SIGKILL);
    }
    return true;
}

static void killed_build_leaves_nothing_in_the_way(void **state)
{
    const test_folder *folder = *state;
    const gv_progress progress = {kill_oneself, NULL};
    build_options options = {1, 1, CHUNK_ROWS, true, &progress};
    char path[TEST_PATH_SIZE];
    gv_builder_counts counts = {.lines = 0};
    test_random random = test_random_seeded();
    log_row *rows = random_rows(&random, ROWS);
    test_folder_path(folder, "a.gvlog", path);
    const pid_t child = fork();
    if (child == 0) {
        _exit(build(path, rows, ROWS, options, &counts) == GV_OK ? 0 : 1);
    }
    int exit_status = -1;
    assert_int_equal(waitpid(child, &exit_status, 0), child);
    assert_true(WIFSIGNALED(exit_status));
    assert_int_not_equal(access(path, F_OK), 0);
    options.progress = NULL;
    assert_int_equal(build(path, rows, ROWS, options, &counts), GV_OK);
    gv_log *log = NULL;
    assert_int_equal(gv_log_open(path, &log), GV_OK);
    gv_log_close(log);
    gv_mem_free(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(bytes_depend_on_the_rows_alone),
        test_in_folder(join_is_the_naive_one),
        test_in_folder(logs_of_several_blocks_hold_together),
        test_in_folder(every_allocation_may_fail),
        test_in_folder(request_to_stop_leaves_nothing),
        test_in_folder(full_disk_leaves_nothing),
        test_in_folder(killed_build_leaves_nothing_in_the_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
