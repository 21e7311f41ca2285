/*
 * AuctionNet's files: reading the CSV beside pandas, and the offline loop beside the same loop in
 * NumPy, on the sample under GAVEL_DATA. PYTHON names another interpreter than /usr/bin/python3.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/timing.h"
#include "sim/base/mem.h"
#include "sim/base/money.h"
#include "sim/log/auctionnet_write.h"
#include "sim/market/offline.h"

enum { SEATS = 48, TICKS = 48, TURNS = 5, PATH_SIZE = 512, TEXT_SIZE = 256 };

#define MULTIPLIER 87.3

static char folder[PATH_SIZE / 2];
static char csv[PATH_SIZE];

/* The sample's columns in memory, as its reader gave them. */
static gv_auctionnet_tick ticks[TICKS];
static gv_auctionnet_advertiser advertisers[SEATS];
static double *columns[3];
static size_t cells;

static void check(gv_status status)
{
    if (status != GV_OK) {
        (void)fprintf(stderr, "bench_auctionnet: %s\n", gv_status_detail());
        exit(1);
    }
}

static void name_file(const char *name, char *path)
{
    (void)snprintf(path, PATH_SIZE, "%s/%s", folder, name);
}

/* Unpacks the sample and keeps what the loop needs of it. */
static void load(const char *sample)
{
    gv_auctionnet_reader *reader = NULL;
    gv_auctionnet_writer *writer = NULL;
    bool found = true;
    check(gv_auctionnet_open(sample, GV_AUCTIONNET_ALL, &reader));
    check(gv_auctionnet_writer_create(csv, &writer));
    for (size_t c = 0; c < 3; c++) {
        columns[c] = gv_mem_alloc_vector(UINT64_C(48) * 20000, sizeof(double));
        assert(columns[c] != NULL);
    }
    for (size_t t = 0; t < TICKS; t++) {
        gv_auctionnet_tick *tick = &ticks[t];
        check(gv_auctionnet_next(reader, tick, &found));
        assert(found && tick->advertiser_count == SEATS);
        check(gv_auctionnet_write(writer, tick));
        const double *const from[3] = {tick->values, tick->sigmas, tick->least_costs};
        for (size_t c = 0; c < 3; c++) {
            for (size_t s = 0; s < SEATS; s++) {
                memcpy(columns[c] + cells + s * tick->count, from[c] + s * tick->stride,
                       tick->count * sizeof(double));
            }
        }
        if (t == 0) {
            memcpy(advertisers, tick->advertisers, sizeof advertisers);
        }
        tick->values = columns[0] + cells;
        tick->sigmas = columns[1] + cells;
        tick->least_costs = columns[2] + cells;
        tick->stride = tick->count;
        cells += SEATS * tick->count;
    }
    check(gv_auctionnet_writer_commit(writer));
    gv_auctionnet_close(reader);
}

/* context: the wanted columns. */
static void read_log(void *context)
{
    gv_auctionnet_reader *reader = NULL;
    gv_auctionnet_tick tick;
    bool found = true;
    check(gv_auctionnet_open(csv, *(const unsigned *)context, &reader));
    while (found) {
        check(gv_auctionnet_next(reader, &tick, &found));
    }
    gv_auctionnet_close(reader);
}

static void scaled_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    (void)state;
    for (size_t i = 0; i < batch->count; i++) {
        bids[i] = (int64_t)(batch->pcvr[i] * MULTIPLIER * (double)GV_NANOS_PER_UNIT + 0.5);
    }
}

static const gv_policy_type scaled = {.info = {.name = "scaled"},
                                      .state_size = 8,
                                      .reads = GV_READS_PCVR,
                                      .bid = scaled_bid};

static gv_campaign campaigns[SEATS];
static gv_offline_seat seats[SEATS];

static void open_seats(void)
{
    for (size_t s = 0; s < SEATS; s++) {
        campaigns[s] = (gv_campaign){.name = "a",
                                     .end_us = INT64_C(1000) * TICKS,
                                     .budget_nanos = (int64_t)(advertisers[s].budget * 1e9),
                                     .bid_cap_nanos = INT64_MAX,
                                     .tick_us = 1000};
        const gv_policy_setup setup = {.campaign = &campaigns[s], .rules = {.price_step_nanos = 1}};
        seats[s] = (gv_offline_seat){.campaign = &campaigns[s], .row = s};
        check(gv_policy_create(&scaled, &setup, &seats[s].policy));
    }
}

static void play_period(void *context)
{
    (void)context;
    const gv_offline_config config = {.seats = seats,
                                      .seat_count = SEATS,
                                      .overspend = GV_OVERSPEND_AUCTIONNET,
                                      .left_min_nanos = GV_AUCTIONNET_MIN_REMAINING,
                                      .tick_us = 1000,
                                      .tick_count = TICKS};
    gv_offline *offline = NULL;
    check(gv_offline_create(&config, &offline));
    for (size_t t = 0; t < TICKS; t++) {
        check(gv_offline_play(offline, &ticks[t]));
    }
    gv_offline_destroy(offline);
}

/* The policies' own time, which is no part of the loop's. */
static void only_bid(void *context)
{
    static int64_t bids[GV_OPPORTUNITY_PIECE];
    (void)context;
    for (size_t at = 0; at < cells; at += GV_OPPORTUNITY_PIECE) {
        const size_t left = cells - at;
        const gv_batch batch = {.count = left < GV_OPPORTUNITY_PIECE ? left : GV_OPPORTUNITY_PIECE,
                                .pcvr = columns[0] + at,
                                .auctions_left = GV_AUCTIONS_UNKNOWN};
        gv_policy_bid(seats[0].policy, &batch, bids);
    }
}

static void dump(const char *name, const void *bytes, size_t size)
{
    char path[PATH_SIZE];
    name_file(name, path);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(bytes, 1, size, file) != size || fclose(file) != 0) {
        (void)fprintf(stderr, "bench_auctionnet: %s cannot be written\n", path);
        exit(1);
    }
}

static void dump_columns(void)
{
    int64_t counts[TICKS];
    double budgets[SEATS];
    for (size_t t = 0; t < TICKS; t++) {
        counts[t] = (int64_t)ticks[t].count;
    }
    for (size_t s = 0; s < SEATS; s++) {
        budgets[s] = advertisers[s].budget;
    }
    dump("counts.i64", counts, sizeof counts);
    dump("budgets.f64", budgets, sizeof budgets);
    dump("values.f64", columns[0], cells * sizeof(double));
    dump("sigmas.f64", columns[1], cells * sizeof(double));
    dump("costs.f64", columns[2], cells * sizeof(double));
}

/* Version and seconds of a peer; false: it is not installed. */
static bool ask_peer(const char *what, const char *where, char *version, double *seconds)
{
    char out[PATH_SIZE];
    char text[TEXT_SIZE] = "";
    const char *const wished = getenv("PYTHON");
    char program[PATH_SIZE];
    char script[] = "tests/bench/auctionnet_peers.py";
    char kind[16];
    char place[PATH_SIZE];
    (void)snprintf(program, sizeof program, "%s", wished != NULL ? wished : "/usr/bin/python3");
    (void)snprintf(kind, sizeof kind, "%s", what);
    (void)snprintf(place, sizeof place, "%s", where);
    char *const arguments[] = {program, script, kind, place, NULL};
    name_file("out", out);
    pid_t child = 0;
    int status = 1;
    posix_spawn_file_actions_t actions;
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out,
                                           O_WRONLY | O_CREAT | O_TRUNC, 0600);
    (void)posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    if (posix_spawn(&child, program, &actions, NULL, arguments, environ) == 0) {
        (void)waitpid(child, &status, 0);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    FILE *file = fopen(out, "r");
    const bool is_read = file != NULL && fgets(text, sizeof text, file) != NULL;
    if (file != NULL) {
        (void)fclose(file);
    }
    char *space = strchr(text, ' ');
    if (status != 0 || !is_read || space == NULL) {
        return false;
    }
    *space = '\0';
    (void)snprintf(version, TEXT_SIZE, "%s", text);
    *seconds = strtod(space + 1, NULL);
    return true;
}

static void print_reading(void)
{
    unsigned all = GV_AUCTIONNET_ALL;
    unsigned market = GV_AUCTIONNET_MARKET;
    const bench_side sides[] = {{"all columns", read_log, &all},
                                {"what the offline loop reads", read_log, &market}};
    const bench_times times = bench_measure(sides, 2, TURNS);
    char version[TEXT_SIZE];
    double pandas = 0.0;
    struct stat about;
    const bool has_pandas = ask_peer("csv", csv, version, &pandas);
    const double megabytes = stat(csv, &about) == 0 ? (double)about.st_size * 1e-6 : 0.0;
    printf("Reading its CSV (%.0f MB, %zu rows), processor time of one thread, median of %d.\n\n",
           megabytes, cells, TURNS);
    printf("| reader | MB/s | times pandas |\n|---|---:|---:|\n");
    for (size_t i = 0; i < 2; i++) {
        printf("| Gavel, %s | %.0f |", sides[i].name, megabytes / times.median[i]);
        printf(has_pandas ? " %.1f |\n" : " - |\n", pandas / times.median[i]);
    }
    if (has_pandas) {
        printf("| pandas %s, read_csv | %.0f | 1 |\n", version, megabytes / pandas);
    } else {
        printf("| pandas: not installed (python3-pandas) | | |\n");
    }
}

/* Ratios to the published loop, whose strategies need the histories that it keeps. */
static void print_loop(void)
{
    const bench_side sides[] = {{"the loop and its bids", play_period, NULL},
                                {"bids alone", only_bid, NULL}};
    const bench_times times = bench_measure(sides, 2, TURNS);
    char version[TEXT_SIZE];
    double numpy[2] = {0.0};
    const bool has_numpy = ask_peer("loop", folder, version, &numpy[0]) &&
                           ask_peer("published", folder, version, &numpy[1]);
    const double seconds[] = {times.median[0], times.median[0] - times.median[1], numpy[0],
                              numpy[1]};
    const char *const names[] = {"Gavel", "Gavel, without the policy's own time",
                                 "the same loop in NumPy",
                                 "and the histories that the published one keeps"};
    printf("\nThe offline loop: bids of %.1f x pValue for %d advertisers, budgets as logged.\n\n",
           MULTIPLIER, SEATS);
    printf("| loop | million impressions a second | times the last |\n|---|---:|---:|\n");
    for (size_t i = 0; i < (has_numpy ? 4 : 2); i++) {
        printf("| %s | %.2f |", names[i], (double)cells / seconds[i] * 1e-6);
        printf(has_numpy ? " %.1f |\n" : " - |\n", numpy[1] / seconds[i]);
    }
    printf(has_numpy ? "\nNumPy %s.\n" : "\nNumPy is not installed (python3-numpy)%s.\n",
           has_numpy ? version : "");
}

static void remove_all(void)
{
    static const char *const names[] = {"counts.i64", "budgets.f64", "values.f64", "sigmas.f64",
                                        "costs.f64",  "out",         "sample.csv"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[PATH_SIZE];
        name_file(names[i], path);
        (void)unlink(path);
    }
    (void)rmdir(folder);
}

int main(void)
{
    char sample[PATH_SIZE];
    const char *data = getenv("GAVEL_DATA");
    const char *scratch = getenv("TMPDIR");
    (void)snprintf(sample, sizeof sample, "%s/auctionnet/period-7.csv.zst",
                   data != NULL ? data : "../shared/data");
    printf("## AuctionNet's files\n\n");
    if (access(sample, R_OK) != 0) {
        printf("Skipped: there is no %s; GAVEL_DATA names the folder of real data.\n", sample);
        return 0;
    }
    (void)snprintf(folder, sizeof folder, "%s/gavel-bench-XXXXXX",
                   scratch != NULL ? scratch : "/tmp");
    if (mkdtemp(folder) == NULL) {
        return 1;
    }
    name_file("sample.csv", csv);
    load(sample);
    open_seats();
    dump_columns();
    print_reading();
    print_loop();
    for (size_t s = 0; s < SEATS; s++) {
        gv_policy_destroy(seats[s].policy);
    }
    for (size_t c = 0; c < 3; c++) {
        gv_mem_free(columns[c]);
    }
    remove_all();
    return 0;
}
