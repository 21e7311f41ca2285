/*
 * Quantiles without a copy of the values: the digits of the wanted value are found from the
 * highest to the lowest, each by one pass that counts the values with the digits found so far.
 */
#include <assert.h>
#include <string.h>

#include "sim/log/inspect.h"

enum { DIGITS_MAX = 1 << 16, FEW_VALUES = 10000, SIGN_SHIFT = 63 };

/* Order as unsigned is order as signed. */
static uint64_t key_of(int64_t value)
{
    return (uint64_t)value ^ UINT64_C(1) << SIGN_SHIFT;
}

/* `rank` is from 0. */
static int64_t select_rank(const int64_t *values, uint64_t count, uint64_t rank)
{
    static _Thread_local uint64_t counts[DIGITS_MAX];
    const int bits = count < FEW_VALUES ? 8 : 16; /* more counters than values cost more */
    const uint64_t digits = UINT64_C(1) << bits;
    uint64_t found = 0;
    uint64_t mask = 0;
    for (int shift = 64 - bits; shift >= 0; shift -= bits) {
        memset(counts, 0, digits * sizeof counts[0]);
        for (uint64_t i = 0; i < count; i++) {
            const uint64_t key = key_of(values[i]);
            counts[key >> shift & (digits - 1)] += (key & mask) == found;
        }
        uint64_t digit = 0;
        while (rank >= counts[digit]) {
            rank -= counts[digit++];
            assert(digit < digits);
        }
        found |= digit << shift;
        mask |= (digits - 1) << shift;
    }
    return (int64_t)key_of((int64_t)found);
}

static int64_t quantile(const int64_t *values, uint64_t count, uint64_t percent)
{
    const uint64_t rank = (count / 100) * percent + (count % 100 * percent + 99) / 100;
    return select_rank(values, count, rank == 0 ? 0 : rank - 1);
}

gv_inspect_spread gv_inspect_measure(const int64_t *values, uint64_t count)
{
    gv_inspect_spread spread = {.count = count};
    if (count == 0) {
        return spread;
    }
    double sum = 0;
    spread.least = values[0];
    spread.most = values[0];
    for (uint64_t i = 0; i < count; i++) {
        sum += (double)values[i];
        spread.least = values[i] < spread.least ? values[i] : spread.least;
        spread.most = values[i] > spread.most ? values[i] : spread.most;
    }
    spread.mean = sum / (double)count;
    spread.low = quantile(values, count, 25);
    spread.median = quantile(values, count, 50);
    spread.high = quantile(values, count, 75);
    spread.top = quantile(values, count, 99);
    return spread;
}

/* The smallest 1, 2 or 5 times a power of ten that is at least `width`. */
static int64_t round_width(int64_t width)
{
    static const int64_t steps[] = {1, 2, 5};
    for (int64_t power = 1; power < INT64_MAX / 100; power *= 10) {
        for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
            if (steps[i] * power >= width) {
                return steps[i] * power;
            }
        }
    }
    return width;
}

static int64_t round_down(int64_t value, int64_t width)
{
    const int64_t over = value % width;
    return over == 0 ? value : value - over - (value < 0 ? width : 0);
}

/* A long tail goes into the last bin, so that a few outliers do not flatten all the rest. */
gv_inspect_histogram gv_inspect_bin(const int64_t *values, uint64_t count,
                                    const gv_inspect_spread *spread)
{
    gv_inspect_histogram histogram = {.bin_count = 0};
    const int64_t far = INT64_MAX / 8;
    if (count == 0 || spread->least < -far || spread->most > far) {
        return histogram;
    }
    const int64_t body = spread->top - spread->least;
    const int64_t whole = spread->most - spread->least;
    const int64_t range = whole > body + body / 2 ? body + body / 4 : whole;
    histogram.width = round_width(range / (GV_INSPECT_BINS_MAX - 2) + 1);
    histogram.start = round_down(spread->least, histogram.width);
    const int64_t bins = (spread->least + range - histogram.start) / histogram.width + 1;
    assert(bins <= GV_INSPECT_BINS_MAX);
    histogram.bin_count = (size_t)bins;
    for (uint64_t i = 0; i < count; i++) {
        const int64_t bin = (values[i] - histogram.start) / histogram.width;
        histogram.has_overflow |= bin >= bins;
        histogram.bins[bin < bins ? bin : bins - 1]++;
    }
    return histogram;
}
