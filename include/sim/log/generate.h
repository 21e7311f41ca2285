/*
 * generate.h - an auction log that Gavel makes up from a seed: for demos, tests and benchmarks.
 *
 * A parametric week of traffic, small but with what makes real logs hard: arrivals follow the
 * hours, advertisers, exchanges and slot sizes differ in price and in click rate, market prices
 * are log-normal in whole CPM with a spike at the floor, clicks are rare and come late, a few
 * convert. The pCTR column is the probability by which clicks are drawn, blurred: a predictor
 * that is good and not perfect. Row i is a pure function of (seed, i) but for its time, which is
 * the i-th of `auction_count` sorted arrivals.
 */
#ifndef SIM_LOG_GENERATE_H
#define SIM_LOG_GENERATE_H

#include <stdint.h>

#include "sim/base/progress.h"
#include "sim/base/status.h"
#include "sim/log/builder.h"

typedef enum gv_generate_kind {
    GV_GENERATE_WEEK,
    GV_GENERATE_PLANTED /* planted.h, 60 rows a user: pCTR and pCVR are the truth */
} gv_generate_kind;

typedef struct gv_generate_config {
    gv_generate_kind kind;
    const char *path;       /* of the .gvlog */
    uint64_t auction_count; /* 1 to 10^9 */
    uint64_t seed;
    int64_t start_us; /* of the first day */
    int64_t days;     /* 1 to 366 */
} gv_generate_config;

GV_MUST_CHECK gv_status gv_generate(const gv_generate_config *config, const gv_progress *progress,
                                    gv_builder_counts *counts);

#endif
