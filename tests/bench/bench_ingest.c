/*
 * Ingest from the named file to the renamed .gvlog, beside bare libcsv and pandas.read_csv on the
 * same files. Sides are compared by processor time, several files on two threads by the clock.
 * GV_BENCH_ROWS sets the rows of each file.
 */
#include <csv.h>
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/raw_logs.h"
#include "bench/timing.h"
#include "sim/base/clock.h"
#include "sim/log/ingest.h"

enum { TURNS = 5, PATH_SIZE = 300, BUFFER_SIZE = 1 << 20, PARTS = 4, DEFAULT_ROWS = 600000 };

/* One input and what it is. */
typedef struct raw_log {
    const char *title;
    const char *format;
    const char *mapping; /* or NULL */
    char delimiter;
    bool has_quotes;
    const char *paths[PARTS];
    size_t path_count;
    const char *output;
    size_t jobs;
    gv_ingest_report report;
} raw_log;

static void fail(const char *what)
{
    (void)fprintf(stderr, "bench_ingest: %s\n", what);
    exit(1);
}

static void run_gavel(void *context)
{
    raw_log *log = context;
    const gv_ingest_config config = {.type = gv_reader_find(log->format),
                                     .mapping_path = log->mapping,
                                     .paths = log->paths,
                                     .path_count = log->path_count,
                                     .output_path = log->output,
                                     .jobs = log->jobs,
                                     .rejects_max = 0};
    if (gv_ingest(&config, NULL, &log->report) != GV_OK) {
        fail(gv_status_detail());
    }
}

static void count_field(void *bytes, size_t size, void *context)
{
    (void)bytes;
    (void)size;
    (*(size_t *)context)++;
}

static void count_row(int ended_by, void *context)
{
    (void)ended_by;
    (*(size_t *)context)++;
}

/* libcsv alone: callbacks that only count. Logs without quoting get a quote that never occurs. */
static void run_libcsv(void *context)
{
    const raw_log *log = context;
    static char buffer[BUFFER_SIZE];
    struct csv_parser parser;
    size_t count = 0;
    const int file = open(log->paths[0], O_RDONLY | O_CLOEXEC);
    if (file < 0 || csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI | CSV_APPEND_NULL) != 0) {
        fail("libcsv cannot start");
    }
    csv_set_delim(&parser, (unsigned char)log->delimiter);
    csv_set_quote(&parser, log->has_quotes ? '"' : 1);
    ssize_t size = 0;
    while ((size = read(file, buffer, sizeof buffer)) > 0) {
        if (csv_parse(&parser, buffer, (size_t)size, count_field, count_row, &count) !=
            (size_t)size) {
            fail("libcsv refuses the file");
        }
    }
    (void)csv_fini(&parser, count_field, count_row, &count);
    csv_free(&parser);
    (void)close(file);
}

/* Processor seconds of pandas.read_csv, as it tells them; 0 where there is no pandas. */
static double pandas_seconds(const raw_log *log, char version[32])
{
    static char script[] =
        "import sys, time\n"
        "import pandas\n"
        "start = time.process_time()\n"
        "tab = sys.argv[2] == 'tab'\n"
        "pandas.read_csv(sys.argv[1], sep='\\t' if tab else ',', header=None if tab else 0,\n"
        "                quoting=3 if tab else 0)\n"
        "print(time.process_time() - start, pandas.__version__)\n";
    char path[PATH_SIZE];
    char python[] = "/usr/bin/python3";
    char option[] = "-c";
    char cut[8];
    (void)snprintf(path, sizeof path, "%s", log->paths[0]);
    (void)snprintf(cut, sizeof cut, "%s", log->delimiter == '\t' ? "tab" : "comma");
    char *const argv[] = {python, option, script, path, cut, NULL};
    int ends[2];
    pid_t child = 0;
    double seconds = 0;
    if (pipe(ends) != 0) {
        return 0;
    }
    posix_spawn_file_actions_t actions;
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    (void)posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    (void)posix_spawn_file_actions_addclose(&actions, ends[0]);
    const bool is_started = posix_spawn(&child, python, &actions, NULL, argv, environ) == 0;
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(ends[1]);
    FILE *said = fdopen(ends[0], "r");
    char line[96] = "";
    if (said != NULL) {
        char *end = line;
        if (fgets(line, sizeof line, said) != NULL) {
            seconds = strtod(line, &end);
            (void)snprintf(version, 32, "%.*s", (int)strcspn(end, "\n"), end);
        }
        (void)fclose(said);
    }
    if (is_started) {
        (void)waitpid(child, NULL, 0);
    }
    return seconds;
}

static double file_megabytes(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 ? (double)about.st_size / 1e6 : 0;
}

static void print_sides(raw_log *log)
{
    const bench_side sides[] = {{"bare libcsv 3.0.3", run_libcsv, log}, {"Gavel", run_gavel, log}};
    const bench_times times = bench_measure(sides, 2, TURNS);
    const double megabytes = file_megabytes(log->paths[0]);
    printf("| %s, %.0f MB | Gavel | %.2f | %.0f | |\n", log->title, megabytes, times.median[1],
           megabytes / times.median[1]);
    printf("| | bare libcsv 3.0.3 | %.2f | %.0f | %.2f |\n", times.median[0],
           megabytes / times.median[0], times.ratio[1]);
    double turns[TURNS];
    char version[32] = "";
    for (int turn = 0; turn < TURNS; turn++) {
        turns[turn] = pandas_seconds(log, version);
    }
    const double pandas = bench_median(turns, TURNS);
    if (pandas > 0) {
        printf("| | pandas.read_csv%s | %.2f | %.0f | %.2f |\n", version, pandas,
               megabytes / pandas, pandas / times.median[1]);
    } else {
        printf("| | pandas: not installed (python3-pandas) | | | |\n");
    }
}

static void print_stages(const raw_log *log)
{
    const gv_ingest_times *times = &log->report.times;
    const double all = (double)(times->read_us + times->split_us + times->decode_us +
                                times->add_us + times->commit_us) /
                       100;
    printf("| %s | %.0f %% | %.0f %% | %.0f %% | %.0f %% | %.0f %% |\n", log->title,
           (double)times->read_us / all, (double)times->split_us / all,
           (double)times->decode_us / all, (double)times->add_us / all,
           (double)times->commit_us / all);
}

/* Several files at once on one thread and on two, by the clock. */
static void print_threads(raw_log *log)
{
    double ratios[TURNS];
    for (size_t i = 1; i < PARTS; i++) {
        log->paths[i] = log->paths[0];
    }
    log->path_count = PARTS;
    for (int turn = 0; turn < TURNS; turn++) {
        log->jobs = 1;
        const int64_t start = gv_wall_us();
        run_gavel(log);
        const int64_t middle = gv_wall_us();
        log->jobs = 2;
        run_gavel(log);
        ratios[turn] = (double)(middle - start) / (double)(gv_wall_us() - middle);
    }
    printf("\nThe %s %d times over as files of one ingest, two threads against one, by the clock: "
           "%.2f.\n",
           log->title, PARTS, bench_median(ratios, TURNS));
}

int main(void)
{
    const char *const asked = getenv("GV_BENCH_ROWS");
    const size_t rows = asked == NULL ? DEFAULT_ROWS : strtoul(asked, NULL, 10);
    const char *const parent = getenv("TMPDIR");
    char folder[PATH_SIZE / 2];
    char paths[5][PATH_SIZE];
    static const char *const names[] = {"imp.tsv", "auctions.csv", "quoted.csv", "auctions.yaml",
                                        "x.gvlog"};
    (void)snprintf(folder, sizeof folder, "%s/gavel-bench-XXXXXX",
                   parent != NULL ? parent : "/tmp");
    if (mkdtemp(folder) == NULL) {
        fail("no folder for its files");
    }
    for (size_t i = 0; i < 5; i++) {
        (void)snprintf(paths[i], PATH_SIZE, "%s/%s", folder, names[i]);
    }
    if (!raw_log_ipinyou(paths[0], 1, rows) || !raw_log_auctions(paths[1], 2, rows) ||
        !raw_log_quoted(paths[2], 2, rows) || !raw_log_mapping(paths[3])) {
        fail("its files cannot be written");
    }
    raw_log logs[] = {
        {.title = "iPinYou-like TSV, 24 columns", .format = "ipinyou"},
        {.title = "numeric CSV, 18 columns", .format = "csv", .mapping = paths[3]},
        {.title = "the same, every cell quoted", .format = "csv", .mapping = paths[3]},
    };
    enum { LOGS = sizeof logs / sizeof logs[0] };
    for (size_t i = 0; i < LOGS; i++) {
        logs[i].delimiter = logs[i].mapping == NULL ? '\t' : ',';
        logs[i].has_quotes = logs[i].mapping != NULL;
        logs[i].paths[0] = paths[i];
        logs[i].path_count = 1;
        logs[i].output = paths[4];
        logs[i].jobs = 1;
    }
    printf("## Ingest\n\nFrom the named file to the renamed .gvlog, one thread, page cache, %zu "
           "rows made up from a seed; processor time, median of %d side by side.\n\n"
           "| input | side | seconds | MB/s | Gavel is faster by |\n|---|---|---|---|---|\n",
           rows, TURNS);
    for (size_t i = 0; i < LOGS; i++) {
        print_sides(&logs[i]);
    }
    printf("\n| input | read | split | parse | code and sort | merge, write, sync |\n"
           "|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < LOGS; i++) {
        print_stages(&logs[i]);
    }
    print_threads(&logs[0]);
    for (size_t i = 0; i < 5; i++) {
        (void)unlink(paths[i]);
    }
    (void)rmdir(folder);
    return 0;
}
