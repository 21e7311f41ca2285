/*
 * A period of the multi-bidder market (market_stage.h) on one thread, and what its parts cost
 * alone, which is the floor: the normals behind 24 million values, the values, and the best four
 * of 48 offers for each opportunity. Then two periods, one after another and on two threads.
 * Where AUCTIONNET_DIR names a checkout of the original, its own period with the same policies is
 * timed in the same run (scripts/peers/auctionnet_run, by the python3 that is found first).
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/market_stage.h"
#include "bench/timing.h"
#include "sim/base/parallel.h"
#include "sim/base/random_lanes.h"
#include "sim/market/rank.h"

enum { PIECE = 512, TURNS = 7, PAIRS = 25, PEER_TURNS = 3, PEER_TEXT = 4096 };

#define MIB 1048576.0

static market_stage stage;
static market_stage beside; /* the same, for a second thread */
static market_result result;

static void run_period(void *context)
{
    (void)context;
    result = market_run(&stage, 1);
}

static float values[MARKET_SEATS][PIECE];
static int64_t offers[MARKET_SEATS][PIECE];
static int64_t keys[MARKET_SLOTS + 1][PIECE];

static void run_values(void *context)
{
    (void)context;
    gv_traffic *traffic = market_traffic(&stage, 1);
    for (size_t tick = 0; tick < MARKET_TICKS; tick++) {
        const uint64_t end = gv_traffic_before(traffic, tick + 1);
        for (uint64_t at = gv_traffic_before(traffic, tick); at < end; at += PIECE) {
            const size_t count = end - at < PIECE ? (size_t)(end - at) : PIECE;
            const gv_traffic_piece piece = {
                .tick = tick, .first = at, .count = count, .advertiser_count = MARKET_SEATS};
            gv_traffic_values(traffic, &piece, PIECE, values[0]);
        }
    }
    gv_traffic_destroy(traffic);
}

static void run_normals(void *context)
{
    (void)context;
    for (uint64_t at = 0; at < result.auctions; at += PIECE) {
        for (size_t s = 0; s < MARKET_SEATS; s += GV_LANE_DRAWS) {
            gv_random_lanes_normal(1, GV_STREAM_TEST, at, PIECE, s, PIECE, values[s]);
        }
    }
}

static void run_ranking(void *context)
{
    (void)context;
    const gv_ranking ranking = gv_ranking_of(MARKET_SEATS, MARKET_SLOTS + 1);
    for (uint64_t at = 0; at < result.auctions; at += PIECE) {
        gv_ranking_best(&ranking, offers[0], PIECE, PIECE, keys[0]);
    }
}

static void fill_offers(void)
{
    for (size_t s = 0; s < MARKET_SEATS; s++) {
        for (size_t i = 0; i < PIECE; i++) {
            offers[s][i] = (int64_t)((s * 7919 + i * 104729) % 100003);
        }
    }
}

static gv_status run_one(void *context, size_t index, size_t worker)
{
    (void)context;
    (void)worker;
    (void)market_run(index == 0 ? &stage : &beside, 1 + index);
    return GV_OK;
}

static double clock_seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static double time_pair(size_t jobs)
{
    const double start = clock_seconds();
    if (gv_parallel_for(jobs, 2, run_one, NULL) != GV_OK) {
        exit(1);
    }
    return clock_seconds() - start;
}

/* By the clock, so anything else that runs takes from the second thread. */
static void print_pairs(void)
{
    double one[PAIRS];
    double two[PAIRS];
    for (size_t turn = 0; turn < PAIRS; turn++) {
        one[turn] = time_pair(1);
        two[turn] = time_pair(2);
    }
    const double after = bench_median(one, PAIRS);
    const double at_once = bench_median(two, PAIRS);
    printf("\nTwo periods by the clock: %.0f ms one after another, %.0f ms on two threads, ratio "
           "%.2f; the best of %d turns each: %.0f and %.0f ms, ratio %.2f.\n",
           after * 1e3, at_once * 1e3, after / at_once, PAIRS, one[0] * 1e3, two[0] * 1e3,
           one[0] / two[0]);
}

/* The largest that this process has been so far, in MiB. */
static double peak_mib(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss * 1024.0 / MIB;
}

/* What auctionnet_run prints: periods, then the peak of memory. */
typedef struct peer_result {
    size_t count;
    double seconds[PEER_TURNS]; /* of processor time */
    double auctions;            /* of one period */
    double peak_mib;
} peer_result;

static bool read_line(const char *line, peer_result *peer)
{
    char *at = NULL;
    if (strncmp(line, "period ", 7) == 0 && peer->count < PEER_TURNS) {
        peer->seconds[peer->count++] = strtod(line + 7, &at);
        (void)strtod(at, &at);
        peer->auctions = strtod(at, &at);
        return peer->auctions > 0.0;
    }
    if (strncmp(line, "peak ", 5) == 0) {
        peer->peak_mib = strtod(line + 5, &at) / MIB;
        return peer->peak_mib > 0.0;
    }
    return false;
}

static bool read_peer(int fd, peer_result *peer)
{
    char text[PEER_TEXT] = "";
    size_t size = 0;
    ssize_t got = 0;
    while (size < sizeof text - 1 && (got = read(fd, text + size, sizeof text - 1 - size)) > 0) {
        size += (size_t)got;
    }
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        if (!read_line(line, peer)) {
            return false;
        }
    }
    return peer->count == PEER_TURNS && peer->peak_mib > 0.0;
}

static bool run_peer(char *checkout, peer_result *peer)
{
    int ends[2];
    pid_t child = 0;
    posix_spawn_file_actions_t actions;
    char python[] = "python3";
    char script[] = "scripts/peers/auctionnet_run";
    char what[] = "time";
    char turns[] = {'0' + PEER_TURNS, '\0'};
    char *const arguments[] = {python, script, checkout, what, turns, NULL};
    if (pipe2(ends, O_CLOEXEC) != 0 || posix_spawn_file_actions_init(&actions) != 0) {
        return false;
    }
    (void)posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    const int failed = posix_spawnp(&child, python, &actions, NULL, arguments, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(ends[1]);
    int status = 1;
    const bool was_read = failed == 0 && read_peer(ends[0], peer);
    if (failed == 0) {
        (void)waitpid(child, &status, 0);
    }
    (void)close(ends[0]);
    return was_read && status == 0;
}

static void print_peer(double seconds)
{
    char *checkout = getenv("AUCTIONNET_DIR");
    if (checkout == NULL) {
        printf("\nThe original: absent. AUCTIONNET_DIR names a checkout of it.\n");
        return;
    }
    peer_result peer = {0};
    if (!run_peer(checkout, &peer)) {
        (void)fprintf(stderr, "bench_market: scripts/peers/auctionnet_run failed in %s\n",
                      checkout);
        exit(1);
    }
    const double own = bench_median(peer.seconds, PEER_TURNS);
    printf("\nThe original, same policies, same run, one core: %.1f s a period (%.1f to %.1f in %d "
           "turns), %.0f thousand auctions and %.2f million bids a second, not counting those of "
           "ticks that it sells again; peak %.0f MiB. **Ratio %.0f.**\n",
           own, peer.seconds[0], peer.seconds[PEER_TURNS - 1], PEER_TURNS,
           peer.auctions / own * 1e-3, peer.auctions * MARKET_SEATS / own * 1e-6, peer.peak_mib,
           own / seconds);
}

static void print_table(const bench_side *sides, const bench_times *times, size_t count)
{
    const double bids = (double)result.auctions * MARKET_SEATS;
    printf("## Market of 48 campaigns\n\n");
    printf("One period of %.0f auctions: %d campaigns (PID, online LP, Abid in turn), %d slots, %d "
           "ticks; %.0f slots won; one thread, processor time, median of %d turns. The parts alone "
           "are the floor; %.0f million values of 4 bytes and as many bids and offers of 8 pass "
           "through the near caches a piece at a time.\n\n",
           (double)result.auctions, MARKET_SEATS, MARKET_SLOTS, MARKET_TICKS, (double)result.wins,
           TURNS, bids * 1e-6);
    printf("| part | ms | thousand auctions a second | million bids a second | share |\n");
    printf("|---|---:|---:|---:|---:|\n");
    for (size_t i = 0; i < count; i++) {
        const double seconds = times->median[i];
        printf("| %s | %.0f | %.0f | %.0f | %.0f %% |\n", sides[i].name, seconds * 1e3,
               (double)result.auctions / seconds * 1e-3, bids / seconds * 1e-6,
               100.0 / times->ratio[i]);
    }
}

int main(void)
{
    const double before = peak_mib();
    (void)market_run_plainly(1);
    const double peak = peak_mib();
    fill_offers();
    market_open(&stage);
    market_open(&beside);
    const bench_side sides[] = {
        {"the whole period", run_period, NULL},
        {"values alone", run_values, NULL},
        {"their normals alone", run_normals, NULL},
        {"best four of 48 alone", run_ranking, NULL},
    };
    enum { SIDES = sizeof sides / sizeof sides[0] };
    const bench_times times = bench_measure(sides, SIDES, TURNS);
    print_table(sides, &times, SIDES);
    printf("\nPeak memory of the process after one period: %.1f MiB, %.1f MiB of it before.\n",
           peak, before);
    print_pairs();
    print_peer(times.median[0]);
    market_close(&stage);
    market_close(&beside);
    return 0;
}
