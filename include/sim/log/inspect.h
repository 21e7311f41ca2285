/*
 * inspect.h - what a log holds, in figures: what `gavel inspect` shows, for programs.
 *
 * Reading it all also checks every block of every column.
 */
#ifndef SIM_LOG_INSPECT_H
#define SIM_LOG_INSPECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/progress.h"
#include "sim/base/status.h"
#include "sim/log/log.h"

/* Distinct cells are counted exactly up to this many. */
enum { GV_INSPECT_DISTINCT_MAX = 1 << 21, GV_INSPECT_BINS_MAX = 24 };

typedef struct gv_inspect_column {
    const gv_log_column *column;
    gv_log_table table;
    uint64_t distinct; /* UINT64_MAX: more than GV_INSPECT_DISTINCT_MAX */
    uint64_t size;     /* bytes in the file, without the dictionary */
} gv_inspect_column;

/*
 * Of integers. A quantile is the value of rank ceil(share * count), so it always occurs. All 0
 * when count is.
 */
typedef struct gv_inspect_spread {
    uint64_t count;
    double mean;
    int64_t least;
    int64_t low; /* first quartile */
    int64_t median;
    int64_t high; /* third quartile */
    int64_t top;  /* 99 of 100 are not above it */
    int64_t most;
} gv_inspect_spread;

/*
 * Bin i counts the values in [start + i * width, start + (i + 1) * width), the last also all
 * above it. The width is 1, 2 or 5 times a power of ten.
 */
typedef struct gv_inspect_histogram {
    int64_t start;
    int64_t width;
    size_t bin_count; /* 0: no values */
    uint64_t bins[GV_INSPECT_BINS_MAX];
    bool has_overflow; /* the last bin holds values above its end */
} gv_inspect_histogram;

typedef struct gv_inspect_advertiser {
    uint32_t code; /* of the column `advertiser` */
    uint64_t impressions;
    uint64_t clicks; /* joined ones; likewise conversions */
    uint64_t conversions;
    uint64_t orphan_clicks;
    uint64_t orphan_conversions;
    int64_t cost_nanos; /* sum of prices; INT64_MAX when it is more */
} gv_inspect_advertiser;

typedef struct gv_inspection {
    const gv_log *log;
    size_t column_count;
    gv_inspect_column *columns; /* [column_count], in the log's order */
    bool has_price;             /* the log has the column; likewise below */
    gv_inspect_spread price;    /* nanos */
    gv_inspect_histogram histogram;
    bool has_clicks;
    bool has_conversions;
    uint64_t clicked; /* impressions with at least one click; likewise converted */
    uint64_t converted;
    gv_inspect_spread click_delay; /* us from the impression to each joined event */
    gv_inspect_spread conversion_delay;
    bool has_advertisers;
    size_t advertiser_count;
    gv_inspect_advertiser *advertisers; /* most impressions first, then by code */
} gv_inspection;

/* `log` is borrowed until destroy. */
GV_MUST_CHECK gv_status gv_inspect(const gv_log *log, const gv_progress *progress,
                                   gv_inspection **out);

/* Accepts NULL. */
void gv_inspect_destroy(gv_inspection *inspection);

/* The reject table, after gv_inspect() has checked it; `count` rows. */
typedef struct gv_inspect_rejects {
    uint64_t count;
    const gv_log_column *file;
    const gv_log_column *line;
    const gv_log_column *column;
    const gv_log_column *reason;
    const gv_log_column *text;
} gv_inspect_rejects;

/* False when the log has no such table. */
bool gv_inspect_find_rejects(const gv_log *log, gv_inspect_rejects *rejects);

/* Any integers: values [count]. */
gv_inspect_spread gv_inspect_measure(const int64_t *values, uint64_t count);
gv_inspect_histogram gv_inspect_bin(const int64_t *values, uint64_t count,
                                    const gv_inspect_spread *spread);

#endif
