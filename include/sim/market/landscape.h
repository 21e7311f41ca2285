/*
 * landscape.h - what one campaign would have spent and gained in a recorded period, at every
 * multiplier of a grid.
 *
 * A bid of multiplier x value wins the best slot whose price it beats, and on average costs the
 * slot's exposure times its price and gains its exposure times the value. Summed over the
 * opportunities of a tick that is a rising step function of the multiplier, looked at in
 * GV_LANDSCAPE_SIZE points: 12 an octave, from 1/16 to 8 times the CPA. Rivals stand still, no
 * budget binds.
 *
 *   point k is 2^(k / 12 - 4) CPAs
 */
#ifndef SIM_MARKET_LANDSCAPE_H
#define SIM_MARKET_LANDSCAPE_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"
#include "sim/market/future.h"
#include "sim/market/policy.h"

enum {
    GV_LANDSCAPE_OCTAVE = 12, /* points */
    GV_LANDSCAPE_OCTAVES = 7,
    GV_LANDSCAPE_SIZE = GV_LANDSCAPE_OCTAVES * GV_LANDSCAPE_OCTAVE + 1
};

/* The grid as files name it, and the logarithms of its ends. */
#define GV_LANDSCAPE_GRID  "2^(k/12-4) of the CPA, k = 0..84"
#define GV_LANDSCAPE_LEAST (-2.772588722239781) /* log(1/16) */
#define GV_LANDSCAPE_MOST  2.0794415416798357   /* log(8) */

/* In CPAs; point < GV_LANDSCAPE_SIZE. */
double gv_landscape_multiplier(size_t point);

typedef struct gv_landscape_config {
    const gv_future *future; /* with prices */
    gv_market_rules rules;
    int64_t cpa_nanos; /* above 0 (asserted) */
    int64_t bid_cap_nanos;
} gv_landscape_config;

/* Where it is written: by tick. Money in units of currency. */
typedef struct gv_landscape {
    float *cost;        /* [tick][GV_LANDSCAPE_SIZE] */
    float *value;       /* [tick][GV_LANDSCAPE_SIZE] */
    double *auctions;   /* [tick]: opportunities */
    double *values;     /* [tick]: their values' sum */
    double *least_cost; /* [tick]: what had to be beaten for the last slot, summed */
} gv_landscape;

/*
 * Writes all of `out`. GV_EINVAL: prices depend on the own bid. About 10 ns an opportunity and
 * slot; allocates nothing.
 */
GV_MUST_CHECK gv_status gv_landscape_of(const gv_landscape_config *config, gv_landscape *out);

#endif
