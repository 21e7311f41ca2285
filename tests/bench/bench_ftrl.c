/*
 * bench_ftrl [ROWS]: FTRL's rows a second, reading and learning apart, beside Vowpal Wabbit's from
 * its own text, on the same hashed features. PYTHON names a Python with the package vowpalwabbit.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/timing.h"
#include "models/predict/example_reader.h"
#include "models/predict/model.h"
#include "sim/base/mem.h"
#include "sim/log/generate.h"

enum { BITS = 20, TURNS = 5, PASSES = 6, ROWS_USUAL = 400000, PATH_SIZE = 400 };

/* Columns of few values, and with bid_id two of as many as there are rows: users, pages. */
static const char fields_text[] =
    "advertiser, exchange, slot_width*slot_height, floor, hour, weekday, advertiser*exchange, "
    "advertiser*hour, exchange*hour, advertiser*slot_width, exchange*slot_width, bid_id, "
    "bid_id*advertiser, advertiser*exchange*slot_width";

static void check(gv_status status)
{
    if (status != GV_OK) {
        (void)fprintf(stderr, "bench_ftrl: %s\n", gv_status_detail());
        exit(1);
    }
}

typedef struct stage {
    char log_path[PATH_SIZE];
    char text_path[PATH_SIZE];
    char cache_path[PATH_SIZE];
    gv_log *log;
    gv_fields fields;
    void *config;
    gv_example_set set;
    uint32_t *rows;
    gv_model *model;
} stage;

static void make_log(stage *s, uint64_t rows)
{
    const gv_generate_config config = {
        .path = s->log_path, .auction_count = rows, .seed = 1, .days = 7};
    gv_builder_counts counts;
    check(gv_generate(&config, NULL, &counts));
}

/* ---- Gavel ----------------------------------------------------------------------------------- */

/* From the file to examples: opened, checked, sampled, hashed. */
static void read_log(void *context)
{
    stage *s = context;
    gv_example_reader *reader = NULL;
    gv_sample_list list;
    const gv_example_labels labels = {.negative_weight = 1};
    gv_log_close(s->log);
    check(gv_log_open(s->log_path, &s->log));
    const gv_predictor_training training = {
        .log = s->log, .start_us = INT64_MIN, .end_us = INT64_MAX, .impression_weight = 1};
    check(gv_samples_gather(&training, "reading", NULL, &list));
    check(gv_example_reader_create(s->log, &s->fields, BITS, "ftrl", &reader));
    check(gv_example_reader_read(reader, list.items, list.count, &labels, &s->set));
    gv_example_reader_destroy(reader);
    gv_samples_fini(&list);
}

static void learn(void *context)
{
    stage *s = context;
    double loss = 0;
    check(gv_model_learn(s->model, &s->set.view, s->rows, s->set.view.count, &loss));
}

static void make_model(stage *s)
{
    const gv_model_type *type = gv_model_find("ftrl");
    s->config = gv_mem_alloc(0, 1, type->info.config_size);
    s->rows = gv_mem_alloc(0, s->set.view.count, sizeof *s->rows);
    assert(s->config != NULL && s->rows != NULL);
    gv_param_defaults(type->info.params, s->config);
    const gv_model_setup setup = {
        .config = s->config, .shape = s->set.view.shape, .seed = 1, .jobs = 1, .learns = true};
    check(gv_model_create(type, &setup, &s->model));
    for (size_t i = 0; i < s->set.view.count; i++) {
        s->rows[i] = (uint32_t)i;
    }
}

/* ---- Vowpal Wabbit --------------------------------------------------------------------------- */

/* "-1 | 17 4711 ...": a name that is a number is taken as the hash. */
static void write_text(const stage *s)
{
    const gv_examples *view = &s->set.view;
    const size_t fields = view->shape.field_count;
    FILE *file = fopen(s->text_path, "w");
    assert(file != NULL);
    for (size_t r = 0; r < view->count; r++) {
        (void)fputs(view->clicks[r] > 0 ? "1 |" : "-1 |", file);
        for (uint32_t i = view->starts[r * fields]; i < view->starts[(r + 1) * fields]; i++) {
            (void)fprintf(file, " %" PRIu32, view->buckets[i]);
        }
        (void)fputc('\n', file);
    }
    (void)fclose(file);
}

/* Processor seconds of a program's run; below 0: it failed. */
static double run_program(char *const *argv)
{
    struct rusage before;
    struct rusage after;
    posix_spawn_file_actions_t actions;
    pid_t child = 0;
    int state = -1;
    (void)getrusage(RUSAGE_CHILDREN, &before);
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    (void)posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    if (posix_spawnp(&child, argv[0], &actions, NULL, argv, environ) == 0) {
        (void)waitpid(child, &state, 0);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)getrusage(RUSAGE_CHILDREN, &after);
    if (!WIFEXITED(state) || WEXITSTATUS(state) != 0) {
        return -1;
    }
    return (double)(after.ru_utime.tv_sec - before.ru_utime.tv_sec) +
           1e-6 * (double)(after.ru_utime.tv_usec - before.ru_utime.tv_usec) +
           (double)(after.ru_stime.tv_sec - before.ru_stime.tv_sec) +
           1e-6 * (double)(after.ru_stime.tv_usec - before.ru_stime.tv_usec);
}

/* One run: nothing but its start (`path` is empty), one pass of text, or passes over its cache. */
static double run_wabbit(char *python, const char *path, const char *cache, const char *passes)
{
    char module[] = "vowpalwabbit";
    char flag[] = "-m";
    char *argv[24] = {python, flag, module};
    static const char *const options[] = {"--ftrl", "--loss_function", "logistic",     "-b",
                                          "20",     "--quiet",         "--holdout_off"};
    size_t count = 3;
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        argv[count++] = strdup(options[i]);
    }
    argv[count++] = strdup("-d");
    argv[count++] = strdup(path);
    if (cache != NULL) {
        argv[count++] = strdup("--cache_file");
        argv[count++] = strdup(cache);
        argv[count++] = strdup("--passes");
        argv[count++] = strdup(passes);
    }
    const double seconds = run_program(argv);
    for (size_t i = 3; i < count; i++) {
        free(argv[i]);
    }
    return seconds;
}

typedef struct wabbit_times {
    double text;   /* one pass from text, learning too */
    double cached; /* one pass from its own cache */
} wabbit_times;

/* False: it cannot be run. Medians of turns. */
static bool ask_wabbit(const stage *s, char *python, wabbit_times *times)
{
    double text[TURNS];
    double cached[TURNS];
    char passes[16];
    (void)snprintf(passes, sizeof passes, "%d", PASSES);
    for (size_t turn = 0; turn < TURNS; turn++) {
        const double start = run_wabbit(python, "/dev/null", NULL, NULL);
        const double one = run_wabbit(python, s->text_path, NULL, NULL);
        (void)unlink(s->cache_path);
        const double first = run_wabbit(python, s->text_path, s->cache_path, "1");
        const double all = run_wabbit(python, s->text_path, s->cache_path, passes);
        const double again = run_wabbit(python, s->text_path, s->cache_path, "1");
        if (start < 0 || one < 0 || first < 0 || all < 0 || again < 0) {
            return false;
        }
        text[turn] = one - start;
        cached[turn] = (all - again) / (PASSES - 1);
    }
    times->text = bench_median(text, TURNS);
    times->cached = bench_median(cached, TURNS);
    return true;
}

/* Buckets that any row holds. */
static size_t count_buckets(const gv_examples *view)
{
    unsigned char *held = gv_mem_alloc(0, view->shape.bucket_count, 1);
    size_t count = 0;
    assert(held != NULL);
    for (uint32_t i = 0; i < view->starts[view->count * view->shape.field_count]; i++) {
        count += held[view->buckets[i]] == 0 ? 1 : 0;
        held[view->buckets[i]] = 1;
    }
    gv_mem_free(held);
    return count;
}

/* ---- the section ----------------------------------------------------------------------------- */

static void print_row(const char *what, double rows, double seconds, double ratio)
{
    printf("| %s | %.3f | %.0f |", what, seconds, rows / seconds / 1000);
    if (ratio > 0) {
        printf(" %.1f |\n", ratio);
    } else {
        printf(" |\n");
    }
}

static void print_section(const stage *s, const bench_times *own, const wabbit_times *theirs)
{
    const double rows = (double)s->set.view.count;
    const double values =
        (double)s->set.view.starts[s->set.view.count * s->set.view.shape.field_count];
    const double both = own->median[0] + own->median[1];
    printf(
        "## FTRL\n\n%.0f rows of %.0f values, %zu of 2^%d buckets, one thread; medians of %d, in "
        "processor time.\n\n| what | s | thousand rows a second | Vowpal Wabbit's time over "
        "it |\n|---|---|---|---|\n",
        rows, values / rows, count_buckets(&s->set.view), BITS, TURNS);
    print_row("Gavel: `.gvlog` to examples", rows, own->median[0], 0);
    print_row("Gavel: a pass over examples", rows, own->median[1],
              theirs == NULL ? 0 : theirs->cached / own->median[1]);
    print_row("Gavel: both", rows, both, theirs == NULL ? 0 : theirs->text / both);
    if (theirs == NULL) {
        printf("\nVowpal Wabbit (PyPI's vowpalwabbit, in the Python that PYTHON names) is not "
               "compared.\n\n");
        return;
    }
    print_row("Vowpal Wabbit: a pass over its cache", rows, theirs->cached, 0);
    print_row("Vowpal Wabbit: its text, parsed and learnt", rows, theirs->text, 0);
    printf("\nVowpal Wabbit 9 (`--ftrl --loss_function logistic -b 20`) reads the buckets as its "
           "features; the time that it takes to start is taken off, and the parsing thread that it "
           "has beside the learning one is counted. Its cache is parsed text, so that row is the "
           "nearest to learning alone.\n\n");
}

int main(int argc, char **argv)
{
    static stage s;
    const char *folder = getenv("TMPDIR") == NULL ? "/tmp" : getenv("TMPDIR");
    char *python = getenv("PYTHON");
    wabbit_times theirs;
    const uint64_t rows = argc > 1 ? strtoull(argv[1], NULL, 10) : ROWS_USUAL;
    (void)snprintf(s.log_path, PATH_SIZE, "%s/bench_ftrl.%d.gvlog", folder, (int)getpid());
    (void)snprintf(s.text_path, PATH_SIZE, "%s/bench_ftrl.%d.txt", folder, (int)getpid());
    (void)snprintf(s.cache_path, PATH_SIZE, "%s/bench_ftrl.%d.cache", folder, (int)getpid());
    check(gv_fields_parse(fields_text, sizeof fields_text - 1, &s.fields));
    make_log(&s, rows);
    read_log(&s);
    make_model(&s);
    write_text(&s);
    const bench_side sides[] = {{"read", read_log, &s}, {"learn", learn, &s}};
    const bench_times own = bench_measure(sides, 2, TURNS);
    const bool has_wabbit = python != NULL && ask_wabbit(&s, python, &theirs);
    print_section(&s, &own, has_wabbit ? &theirs : NULL);
    (void)unlink(s.log_path);
    (void)unlink(s.text_path);
    (void)unlink(s.cache_path);
    gv_model_destroy(s.model);
    gv_example_set_fini(&s.set);
    gv_log_close(s.log);
    gv_mem_free(s.config);
    gv_mem_free(s.rows);
    return 0;
}
