/*
 * timing.h - what every benchmark measures with: several sides in turn, medians of each.
 *
 * The sides take turns within one run, so that a machine that slows down slows down all of
 * them; the ratio is the median of the ratios of each turn.
 */
#ifndef TESTS_BENCH_TIMING_H
#define TESTS_BENCH_TIMING_H

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

enum { BENCH_SIDES = 8, BENCH_TURNS = 15 };

/* One side: does its whole work once. */
typedef struct bench_side {
    const char *name;
    void (*run)(void *context);
    void *context;
} bench_side;

typedef struct bench_times {
    double median[BENCH_SIDES]; /* seconds of processor time */
    double ratio[BENCH_SIDES];  /* side 0's time over this one's: how often side 0 fits into it */
} bench_times;

static inline double bench_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static inline int bench_compare(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

static inline double bench_median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, bench_compare);
    return count % 2 == 1 ? values[count / 2] : 0.5 * (values[count / 2 - 1] + values[count / 2]);
}

/* One turn to warm up, then `turns` that count. */
static inline bench_times bench_measure(const bench_side *sides, size_t count, size_t turns)
{
    assert(count <= BENCH_SIDES);
    assert(turns <= BENCH_TURNS);
    double seconds[BENCH_SIDES][BENCH_TURNS];
    for (size_t turn = 0; turn <= turns; turn++) {
        for (size_t side = 0; side < count; side++) {
            const double start = bench_now();
            sides[side].run(sides[side].context);
            seconds[side][turn == 0 ? 0 : turn - 1] = bench_now() - start;
        }
    }
    bench_times times;
    for (size_t side = count; side-- > 0;) {
        double ratios[BENCH_TURNS];
        for (size_t turn = 0; turn < turns; turn++) {
            ratios[turn] = seconds[0][turn] / seconds[side][turn];
        }
        times.ratio[side] = bench_median(ratios, turns);
        times.median[side] = bench_median(seconds[side], turns);
    }
    return times;
}

#endif
