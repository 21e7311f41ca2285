/*
 * bench.h - a recorded period as one advertiser after another meets it: its own values, the
 * others' best offers, and, for who may, all that is to come.
 *
 * What one advertiser needs is made once for however many policies take its place.
 */
#ifndef SCENARIOS_RUN_BENCH_H
#define SCENARIOS_RUN_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scenarios/compose/market.h"
#include "sim/market/future.h"
#include "sim/market/record.h"

typedef struct gv_bench {
    const gv_market *market; /* borrowed, as are the next two */
    const gv_market_period *period;
    const gv_record *record; /* complete */
    size_t number;           /* of the advertiser whose turn it is */
    size_t group_first;      /* whose values are at hand; SIZE_MAX: nobody's */
    float *group;            /* [GV_TRAFFIC_GROUP][count]: values of neighbours */
    int64_t *prices;         /* [slot][count]; NULL: nobody sees the future */
    int64_t *last_slot;      /* [count], both: as in gv_rivals */
    int64_t *behind;
    uint64_t *tick_first;
    double exposure[GV_SLOTS_MAX];
} gv_bench;

/* bench: market, period and record set, the rest zero. To be closed even when it fails. */
GV_MUST_CHECK gv_status gv_bench_open(gv_bench *bench, bool sees_future);
void gv_bench_close(gv_bench *bench);

/* The next advertiser's turn: cheapest in rising order. */
void gv_bench_turn(gv_bench *bench, size_t number);

/* [opportunities of the period]: of the advertiser whose turn it is; valid until the next turn. */
const float *gv_bench_values(const gv_bench *bench);

/* What it plays against alone; valid likewise. */
gv_rivals gv_bench_rivals(const gv_bench *bench);

/* Its future; without prices where nobody sees them. */
gv_future gv_bench_future(const gv_bench *bench);

#endif
