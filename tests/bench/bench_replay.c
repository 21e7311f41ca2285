/*
 * Replay of the linear policy over a 10-million-auction log, one thread, from page cache, beside
 * the time that merely streaming the columns takes and the same replay as a NumPy loop. Memory
 * above the mapped log is printed, too. The log is made from a seed in a process of its own, so
 * that none of its memory is counted.
 */
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/timing.h"
#include "policies/policies.h"
#include "sim/base/clock.h"
#include "sim/base/mem.h"
#include "sim/base/money.h"
#include "sim/base/random.h"
#include "sim/log/builder.h"
#include "sim/log/log.h"
#include "sim/market/logged.h"
#include "sim/market/replay.h"

enum { AUCTIONS = 10000000, CHUNK = 16384, TURNS = 7, PATH_SIZE = 256 };

#define GAP_US   INT64_C(60000) /* a week of them */
#define END_US   (AUCTIONS * GAP_US)
#define CTR_MEAN 0.001
#define CAP      (300 * GV_NANOS_PER_CPM)

static char folder[PATH_SIZE / 2];

static void path_of(const char *name, char *path)
{
    (void)snprintf(path, PATH_SIZE, "%s/%s", folder, name);
}

static void must(gv_status status)
{
    if (status != GV_OK) {
        (void)fprintf(stderr, "bench_replay: %s\n", gv_status_detail());
        exit(1);
    }
}

/* Prices uniform in 0 to 299 CPM, rates in 0 to twice the mean, a click where the rate says so. */
static void fill_chunk(gv_chunk *chunk, uint64_t first)
{
    const gv_random random = gv_random_key(1, GV_STREAM_TEST, 0);
    gv_chunk_reset(chunk);
    while (chunk->row_count < CHUNK && first + chunk->row_count < AUCTIONS) {
        const size_t at = chunk->row_count++;
        const uint64_t row = first + at;
        const uint64_t bits = gv_random_bits(&random, row);
        const double uniform = (double)(bits >> 40) / (1 << 24);
        const double rate = 2 * CTR_MEAN * ((double)(bits & 0xFFFFF) / (1 << 20));
        chunk->lines[at] = row + 1;
        chunk->cells[0].integers[at] = (int64_t)row * GAP_US;
        chunk->cells[1].integers[at] = (int64_t)(bits >> 20 & 0xFFFFF) % 300 * GV_NANOS_PER_CPM;
        chunk->cells[2].reals[at] = rate;
        chunk->cells[3].integers[at] = uniform < rate;
    }
    chunk->table = GV_LOG_IMPRESSION;
    chunk->first_line = first + 1;
}

static void make_log(const char *path)
{
    static const char *const inputs[] = {"seed 1"};
    static const gv_log_schema schema = {.field_count = 4,
                                         .fields = {{"time", GV_LOG_INTEGER},
                                                    {"price", GV_LOG_INTEGER},
                                                    {"pctr", GV_LOG_REAL},
                                                    {"clicks", GV_LOG_INTEGER}},
                                         .format = "bench"};
    const gv_builder_config config = {
        .path = path, .schema = &schema, .input_paths = inputs, .input_count = 1};
    gv_builder *builder = NULL;
    gv_chunk chunk;
    gv_builder_counts counts;
    must(gv_builder_create(&config, &builder));
    must(gv_chunk_init(&chunk, &schema, CHUNK));
    for (uint64_t first = 0; first < AUCTIONS; first += CHUNK) {
        fill_chunk(&chunk, first);
        must(gv_builder_add(builder, &chunk));
    }
    gv_chunk_fini(&chunk);
    must(gv_builder_commit(builder, NULL, &counts));
}

static void make_log_apart(const char *path)
{
    const pid_t child = fork();
    if (child == 0) {
        make_log(path);
        _exit(0);
    }
    int status = 1;
    (void)waitpid(child, &status, 0);
    if (status != 0) {
        exit(1);
    }
}

/* One kind of replay, and what it gave. */
typedef struct bench_scene {
    gv_log *log; /* NULL: opened afresh each time, so that every block is checked */
    int64_t budget_nanos;
    int64_t price_step_nanos;
    bool reference;
    gv_tally total;
    long anonymous_kib; /* of this process, while the replay still stands */
} bench_scene;

static long anonymous_kib(void)
{
    char line[128];
    long kib = -1;
    FILE *file = fopen("/proc/self/status", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "RssAnon:", 8) == 0) {
            kib = strtol(line + 8, NULL, 10);
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return kib;
}

static gv_policy *make_linear(const gv_campaign *campaign, int64_t price_step_nanos)
{
    static uint64_t config[64]; /* outlives the policy; larger than any config of it */
    const gv_policy_type *type = gv_policy_find("linear");
    assert(type->info.config_size <= sizeof config);
    gv_param_defaults(type->info.params, config);
    must(gv_param_parse(gv_param_find(type->info.params, "b0"), "100", 0, config));
    must(gv_param_parse(gv_param_find(type->info.params, "mean_pctr"), "0.001", 0, config));
    const gv_policy_setup setup = {
        .config = config, .campaign = campaign, .rules = {.price_step_nanos = price_step_nanos}};
    gv_policy *policy = NULL;
    must(gv_policy_create(type, &setup, &policy));
    return policy;
}

static void replay_log(bench_scene *scene, const gv_log *log)
{
    const gv_logged_config logged = {.log = log, .end_us = END_US};
    const gv_campaign campaign = {.name = "bench",
                                  .end_us = END_US,
                                  .budget_nanos = scene->budget_nanos,
                                  .bid_cap_nanos = CAP,
                                  .episode = GV_EPISODE_DAILY,
                                  .tick_us = GV_US_PER_HOUR};
    gv_source *source = NULL;
    must(gv_logged_source_create(&logged, &source));
    gv_policy *policy = make_linear(&campaign, scene->price_step_nanos);
    const gv_replay_config config = {
        .source = source,
        .campaign = &campaign,
        .mechanism = {&gv_mechanism_second_price, true, scene->price_step_nanos, 0},
        .policy = policy,
        .reference = scene->reference,
    };
    gv_replay *replay = NULL;
    must(gv_replay_create(&config, &replay));
    must(gv_replay_run(replay, NULL));
    scene->total = *gv_replay_total(replay);
    scene->anonymous_kib = anonymous_kib();
    gv_replay_destroy(replay);
    gv_policy_destroy(policy);
    source->destroy(source);
}

static void run_scene(void *context)
{
    bench_scene *scene = context;
    if (scene->log != NULL) {
        replay_log(scene, scene->log);
        return;
    }
    char path[PATH_SIZE];
    path_of("bench.gvlog", path);
    gv_log *log = NULL;
    must(gv_log_open(path, &log));
    replay_log(scene, log);
    gv_log_close(log);
}

static const int64_t *integers_of(const gv_log *log, const char *name)
{
    return gv_log_integers(gv_log_find(log, GV_LOG_IMPRESSION, name));
}

static volatile int64_t sink; /* so that no sum is left out */

static int64_t stream_integers(const int64_t *cells)
{
    int64_t sum = 0;
    for (size_t i = 0; i < AUCTIONS; i++) {
        sum += cells[i];
    }
    return sum;
}

/* As integers, too: sums of doubles may not be reordered, and would be slower than memory. */
static int64_t stream_reals(const double *cells)
{
    int64_t sum = 0;
    for (size_t i = 0; i < AUCTIONS; i++) {
        int64_t bits = 0;
        memcpy(&bits, &cells[i], sizeof bits);
        sum ^= bits;
    }
    return sum;
}

static void stream_two(void *context)
{
    const gv_log *log = context;
    sink = stream_integers(integers_of(log, "price"));
    sink = stream_reals(gv_log_reals(gv_log_find(log, GV_LOG_IMPRESSION, "pctr")));
}

static void stream_three(void *context)
{
    stream_two(context);
    sink = stream_integers(integers_of(context, "time"));
}

static void dump(const char *name, const void *bytes)
{
    char path[PATH_SIZE];
    path_of(name, path);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(bytes, 8, AUCTIONS, file) != AUCTIONS || fclose(file) != 0) {
        (void)fprintf(stderr, "bench_replay: cannot write %s\n", path);
        exit(1);
    }
}

/* What the NumPy script prints: seconds, and the outcome, which must be ours. */
typedef struct numpy_result {
    char version[32];
    double seconds;
    uint64_t wins;
    int64_t spend_nanos;
    int64_t expected_nanoclicks;
} numpy_result;

static bool read_numpy(int fd, numpy_result *out)
{
    char text[256] = "";
    size_t size = 0;
    ssize_t got = 0;
    while (size < sizeof text - 1 && (got = read(fd, text + size, sizeof text - 1 - size)) > 0) {
        size += (size_t)got;
    }
    char *at = strchr(text, ' ');
    if (at == NULL || (size_t)(at - text) >= sizeof out->version) {
        return false;
    }
    memcpy(out->version, text, (size_t)(at - text));
    out->seconds = strtod(at, &at);
    out->wins = strtoull(at, &at, 10);
    out->spend_nanos = strtoll(at, &at, 10);
    out->expected_nanoclicks = strtoll(at, &at, 10);
    return true;
}

static bool run_numpy(const gv_log *log, numpy_result *out)
{
    dump("time.i64", integers_of(log, "time"));
    dump("price.i64", integers_of(log, "price"));
    dump("pctr.f64", gv_log_reals(gv_log_find(log, GV_LOG_IMPRESSION, "pctr")));
    int ends[2];
    pid_t child = 0;
    posix_spawn_file_actions_t actions;
    char python[] = "/usr/bin/python3";
    char script[] = "tests/bench/replay_numpy.py";
    char *const arguments[] = {python, script, folder, NULL};
    if (pipe(ends) != 0 || posix_spawn_file_actions_init(&actions) != 0) {
        return false;
    }
    (void)posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    const int failed = posix_spawn(&child, python, &actions, NULL, arguments, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(ends[1]);
    int status = 1;
    const bool was_read = failed == 0 && read_numpy(ends[0], out);
    if (failed == 0) {
        (void)waitpid(child, &status, 0);
    }
    (void)close(ends[0]);
    return was_read && status == 0;
}

static void print_row(const char *what, double seconds, double base)
{
    printf("| %s | %.0f | %.2f |\n", what, AUCTIONS / seconds * 1e-6, base / seconds);
}

static void print_numpy(const gv_log *log, const bench_scene *scene, double seconds)
{
    numpy_result numpy = {0};
    if (!run_numpy(log, &numpy)) {
        printf("\nNumPy is not installed (apt install python3-numpy): not compared.\n");
        return;
    }
    if (numpy.wins != scene->total.wins || numpy.spend_nanos != scene->total.spend_nanos ||
        numpy.expected_nanoclicks != scene->total.expected_nanoclicks) {
        (void)fprintf(stderr, "bench_replay: NumPy's outcome differs\n");
        exit(1);
    }
    char what[128];
    (void)snprintf(what, sizeof what, "NumPy %s, hour by hour, same outcome", numpy.version);
    print_row(what, numpy.seconds, seconds);
}

static void print_all(gv_log *log)
{
    enum { READY, FRESH, TWO, THREE, STEP, BOUND, REFERENCE, SIDES };
    const int64_t no_end = INT64_MAX;
    bench_scene scenes[SIDES] = {
        [READY] = {log, no_end, 1, false, {0}, 0},
        [FRESH] = {NULL, no_end, 1, false, {0}, 0},
        [STEP] = {log, no_end, GV_NANOS_PER_CPM, false, {0}, 0},
        [BOUND] = {log, 4000 * GV_NANOS_PER_UNIT, 1, false, {0}, 0},
        [REFERENCE] = {log, no_end, 1, true, {0}, 0},
    };
    const bench_side sides[SIDES] = {
        [READY] = {"", run_scene, &scenes[READY]},
        [FRESH] = {"", run_scene, &scenes[FRESH]},
        [TWO] = {"", stream_two, log},
        [THREE] = {"", stream_three, log},
        [STEP] = {"", run_scene, &scenes[STEP]},
        [BOUND] = {"", run_scene, &scenes[BOUND]},
        [REFERENCE] = {"", run_scene, &scenes[REFERENCE]},
    };
    const bench_times times = bench_measure(sides, SIDES, TURNS);
    const double *median = times.median;
    printf("## Replay of the linear policy over %d million auctions\n\n", AUCTIONS / 1000000);
    printf("One thread, page cache, 168 hourly ticks, %" PRIu64 " of the won impressions clicked; "
           "median of %d runs in turn, processor time. Memory above the mapped log: %.1f MiB.\n\n",
           scenes[READY].total.clicks, TURNS, (double)scenes[READY].anonymous_kib / 1024);
    printf("| what | million auctions a second | share of the first |\n|---|---|---|\n");
    print_row("replay, blocks checked before", median[READY], median[READY]);
    print_row("replay, fresh map, every block checked on the way", median[FRESH], median[READY]);
    print_row("only streaming price and pCTR (what a replay touches)", median[TWO], median[READY]);
    print_row("only streaming time, price and pCTR (what checking touches)", median[THREE],
              median[READY]);
    print_row("replay, bids cut to whole CPM", median[STEP], median[READY]);
    print_row("replay, a daily budget that lasts for a tenth", median[BOUND], median[READY]);
    print_row("reference path: one auction at a time", median[REFERENCE], median[READY]);
    print_numpy(log, &scenes[READY], median[READY]);
}

static void clean_up(void)
{
    static const char *const names[] = {"bench.gvlog", "time.i64", "price.i64", "pctr.f64"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[PATH_SIZE];
        path_of(names[i], path);
        (void)unlink(path);
    }
    (void)rmdir(folder);
}

int main(void)
{
    const char *temporary = getenv("TMPDIR");
    (void)snprintf(folder, sizeof folder, "%s/gavel-bench-XXXXXX",
                   temporary == NULL ? "/tmp" : temporary);
    if (mkdtemp(folder) == NULL) {
        perror(folder);
        return 1;
    }
    (void)atexit(clean_up);
    char path[PATH_SIZE];
    gv_log *log = NULL;
    path_of("bench.gvlog", path);
    make_log_apart(path);
    must(gv_log_open(path, &log));
    print_all(log);
    gv_log_close(log);
    return 0;
}
