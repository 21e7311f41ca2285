/* Whole ingests: the log does not depend on the threads; counts, failures, nothing left behind. */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "cmocka_all.h"
#include "sim/base/hash.h"
#include "sim/base/mem.h"
#include "sim/log/ingest.h"
#include "sim/log/log.h"
#include "test_folder.h"
#include "test_random.h"

enum { FILES = 5, ROWS = 6000 };

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void print_row(FILE *file, test_random *random, int type, int64_t id)
{
    (void)fprintf(file,
                  "id%06" PRId64 "\t201306%02" PRId64 "%02" PRId64 "%02" PRId64 "%02" PRId64
                  "%03" PRId64 "\t%d\tuser%" PRId64 "\tagent %" PRId64 "\t1.2.3.*\t%" PRId64
                  "\t%" PRId64 "\t2\tdom\turl\tnull\tslot\t300\t250\t1\t0\t5\tcrea\t277\t%" PRId64
                  "\tkey\t1458\tnull\n",
                  id, 6 + test_random_below(random, 7), test_random_below(random, 24),
                  test_random_below(random, 60), test_random_below(random, 60),
                  test_random_below(random, 3), type, test_random_below(random, 1000),
                  test_random_below(random, 50), test_random_below(random, 35),
                  test_random_below(random, 370), test_random_below(random, 300));
}

/* Files with impressions and clicks by log type, some bad rows among them. */
static void write_logs(const test_folder *folder, char paths[FILES][TEST_PATH_SIZE])
{
    test_random random = test_random_seeded();
    for (int i = 0; i < FILES; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "log%d.txt", i);
        test_folder_path(folder, name, paths[i]);
        FILE *file = fopen(paths[i], "wb");
        assert_non_null(file);
        for (int row = 0; row < (i == 0 ? 4 * ROWS : ROWS); row++) {
            print_row(file, &random, test_random_below(&random, 10) == 0 ? 2 : 1,
                      test_random_below(&random, 20000));
            if (test_random_below(&random, 500) == 0) {
                (void)fputs("bad\trow\n\n", file);
            }
        }
        assert_int_equal(fclose(file), 0);
    }
}

static gv_status ingest(const char *format, const char *const *paths, size_t count,
                        const char *output, size_t jobs, size_t memory_max,
                        gv_ingest_report *report)
{
    const gv_ingest_config config = {.type = gv_reader_find(format),
                                     .paths = paths,
                                     .path_count = count,
                                     .output_path = output,
                                     .jobs = jobs,
                                     .rejects_max = 0.01,
                                     .memory_max = memory_max};
    return gv_ingest(&config, NULL, report);
}

static void the_log_does_not_depend_on_the_threads(void **state)
{
    char paths[FILES][TEST_PATH_SIZE];
    const char *list[FILES];
    char output[TEST_PATH_SIZE];
    uint64_t first = 0;
    gv_ingest_report expected = {.shown_count = 0};
    write_logs(*state, paths);
    for (int i = 0; i < FILES; i++) {
        list[i] = paths[i];
    }
    test_folder_path(*state, "x.gvlog", output);
    const size_t jobs[] = {1, 2, 5, 1};
    for (size_t i = 0; i < sizeof jobs / sizeof jobs[0]; i++) {
        gv_ingest_report report = {.shown_count = 0};
        uint64_t hash = 0;
        assert_int_equal(
            ingest("ipinyou", list, FILES, output, jobs[i], i == 3 ? (size_t)1 << 20 : 0, &report),
            GV_OK);
        assert_int_equal(gv_hash_file(output, &hash), GV_OK);
        first = i == 0 ? hash : first;
        expected = i == 0 ? report : expected;
        assert_int_equal(hash, first);
        assert_memory_equal(&report.counts, &expected.counts, sizeof report.counts);
        assert_int_equal(report.shown_count, GV_INGEST_SHOWN);
        for (size_t r = 0; r < report.shown_count; r++) {
            assert_int_equal(report.shown[r].file, expected.shown[r].file);
            assert_int_equal(report.shown[r].line, expected.shown[r].line);
            assert_string_equal(report.shown[r].reason, expected.shown[r].reason);
        }
    }
    assert_int_equal(expected.counts.rows[GV_LOG_IMPRESSION] + expected.counts.rows[GV_LOG_CLICK] +
                         expected.counts.rows[GV_LOG_ORPHAN_CLICK],
                     (4 + FILES - 1) * ROWS);
    assert_true(expected.counts.rows[GV_LOG_REJECT] > 20);
}

static void shown_rejects_are_the_first_in_order(void **state)
{
    char path[TEST_PATH_SIZE];
    char output[TEST_PATH_SIZE];
    const char *list[] = {path, path};
    gv_ingest_report report = {.shown_count = 0};
    test_folder_path(*state, "a.txt", path);
    test_folder_path(*state, "x.gvlog", output);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    for (int i = 1; i <= 1000; i++) {
        (void)fputs(i % 200 == 7 ? "1 x 0.5\n" : "0 7 0.5\n", file);
    }
    assert_int_equal(fclose(file), 0);
    assert_int_equal(ingest("rlb", list, 2, output, 2, 0, &report), GV_OK);
    assert_int_equal(report.counts.rows[GV_LOG_REJECT], 10);
    assert_int_equal(report.counts.lines, 2000);
    assert_int_equal(report.shown_count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(report.shown[i].file, 0);
        assert_int_equal(report.shown[i].line, 7 + 200 * i);
        assert_int_equal(report.shown[i].column, 2);
    }
    gv_log *log = NULL;
    assert_int_equal(gv_log_open(output, &log), GV_OK);
    assert_int_equal(gv_log_rows(log, GV_LOG_IMPRESSION), 1990);
    assert_string_equal(gv_log_fact(log, "format"), "rlb");
    gv_log_close(log);
}

static void too_many_rejects_leave_no_log(void **state)
{
    char path[TEST_PATH_SIZE];
    char output[TEST_PATH_SIZE];
    const char *list[] = {path};
    gv_ingest_report report = {.shown_count = 0};
    test_folder_path(*state, "a.txt", path);
    test_folder_path(*state, "x.gvlog", output);
    write_text(path, "0 7 0.5\nnonsense\n");
    assert_int_equal(ingest("rlb", list, 1, output, 1, 0, &report), GV_EREJECTS);
    assert_int_equal(report.counts.rows[GV_LOG_REJECT], 1);
    assert_int_equal(report.shown_count, 1);
    assert_int_equal(access(output, F_OK), -1);
    assert_int_equal(test_folder_count(*state), 1);
}

static void what_cannot_be_read_is_one_sentence(void **state)
{
    char path[TEST_PATH_SIZE];
    char output[TEST_PATH_SIZE];
    const char *list[] = {path};
    gv_ingest_report report = {.shown_count = 0};
    test_folder_path(*state, "x.gvlog", output);
    test_folder_path(*state, "absent", path);
    assert_int_equal(ingest("rlb", list, 1, output, 2, 0, &report), GV_EIO);
    assert_non_null(strstr(gv_status_detail(), "absent: cannot be opened"));
    test_folder_path(*state, "empty", path);
    write_text(path, "");
    assert_int_equal(ingest("rlb", list, 1, output, 2, 0, &report), GV_EPARSE);
    assert_non_null(strstr(gv_status_detail(), "empty: holds no row"));
    write_text(path, "0 7 0.5\n");
    test_folder_path(*state, "no/such/folder.gvlog", output);
    assert_int_equal(ingest("rlb", list, 1, output, 2, 0, &report), GV_EIO);
    assert_int_equal(ingest("csv", list, 1, output, 1, 0, &report), GV_EUSAGE);
    assert_non_null(strstr(gv_status_detail(), "--mapping"));
    assert_int_equal(test_folder_count(*state), 1);
}

static bool stop_at_once(void *context, const char *what, uint64_t done, uint64_t total)
{
    int *calls = context;
    assert_non_null(what);
    assert_true(total == 0 || done <= total);
    return --*calls > 0;
}

static void a_stop_leaves_nothing_behind(void **state)
{
    char paths[FILES][TEST_PATH_SIZE];
    char output[TEST_PATH_SIZE];
    write_logs(*state, paths);
    const char *list[] = {paths[0], paths[1], paths[2]};
    test_folder_path(*state, "x.gvlog", output);
    for (int stop = 1; stop < 6; stop++) {
        int calls = stop;
        const gv_progress progress = {.report = stop_at_once, .context = &calls};
        const gv_ingest_config config = {.type = gv_reader_find("ipinyou"),
                                         .paths = list,
                                         .path_count = 3,
                                         .output_path = output,
                                         .jobs = 1,
                                         .rejects_max = 0.01};
        gv_ingest_report report;
        const gv_status status = gv_ingest(&config, &progress, &report);
        assert_true(status == GV_ESTOPPED || (status == GV_OK && calls > 0));
        assert_int_equal(access(output, F_OK), status == GV_OK ? 0 : -1);
        (void)unlink(output);
        assert_int_equal(test_folder_count(*state), FILES);
    }
}

static void ingesting_survives_failing_memory(void **state)
{
    char path[TEST_PATH_SIZE];
    char output[TEST_PATH_SIZE];
    const char *list[] = {path};
    test_folder_path(*state, "a.txt", path);
    test_folder_path(*state, "x.gvlog", output);
    write_text(path, "0 7 0.5\n1 9 0.25\n0 3 1\n");
    for (int count = 0;; count++) {
        gv_ingest_report report;
        gv_mem_fail_after(count);
        const gv_status status = ingest("rlb", list, 1, output, 1, 0, &report);
        gv_mem_fail_after(-1);
        if (status == GV_OK) {
            assert_true(count > 10);
            break;
        }
        assert_int_equal(status, GV_ENOMEM);
        assert_int_equal(test_folder_count(*state), 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(the_log_does_not_depend_on_the_threads),
        test_in_folder(shown_rejects_are_the_first_in_order),
        test_in_folder(too_many_rejects_leave_no_log),
        test_in_folder(what_cannot_be_read_is_one_sentence),
        test_in_folder(a_stop_leaves_nothing_behind),
        test_in_folder(ingesting_survives_failing_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
