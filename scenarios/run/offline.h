/*
 * offline.h - a policy, named and set as people do it, scored offline on AuctionNet's logs.
 */
#ifndef SCENARIOS_RUN_OFFLINE_H
#define SCENARIOS_RUN_OFFLINE_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/progress.h"
#include "sim/base/status.h"
#include "sim/estimate/offline_board.h"

/* A period of AuctionNet. */
enum { GV_AUCTIONNET_PERIOD_TICKS = 48 };
#define GV_AUCTIONNET_TICK_US (30 * INT64_C(60000000))

typedef struct gv_offline_request {
    const char *const *files; /* [file_count] */
    size_t file_count;
    const char *policy;      /* type */
    const char *const *sets; /* [set_count]: "key=value" */
    size_t set_count;
    const double *ratios; /* [ratio_count] */
    size_t ratio_count;
    gv_overspend overspend;
    const char *history; /* a log of another period, for policies that learn; NULL: none */
    uint64_t seed;
} gv_offline_request;

/* GV_EUSAGE: there is no such policy or parameter. The caller owns *out. */
GV_MUST_CHECK gv_status gv_offline_run(const gv_offline_request *request,
                                       const gv_progress *progress, gv_offline_board **out);

#endif
