/*
 * kept_log.h - the decision log that `gavel run --logs` left beside a run database.
 *
 * A run records the folder that it was told, as provenance "logs"; a cell's log lies there as
 * cell-N.csv (bid_log.h).
 */
#ifndef SCENARIOS_RUN_KEPT_LOG_H
#define SCENARIOS_RUN_KEPT_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/base/status.h"
#include "sim/log/decisions.h"

enum { GV_KEPT_LOG_PATH_SIZE = 4096, GV_KEPT_LOG_POLICY_SIZE = 64 };

#define GV_KEPT_LOG_ANY_CELL INT64_C(-1)

typedef struct gv_kept_log_request {
    const char *database;
    const char *policy; /* that is to be judged, for advice */
    int64_t run_id;     /* GV_RUN_LATEST: the latest */
    int64_t cell;       /* GV_KEPT_LOG_ANY_CELL: the only one there is */
} gv_kept_log_request;

typedef struct gv_kept_log {
    char path[GV_KEPT_LOG_PATH_SIZE];
    char policy[GV_KEPT_LOG_POLICY_SIZE]; /* the request's, in terms of the log */
    bool is_market;                       /* seat_log.h's: rewards are conversions */
    bool is_explored;                     /* its bids have densities, */
    bool is_stratified; /* or probabilities: actions are then the multipliers of strata */
} gv_kept_log;

/* GV_EUSAGE: no log was kept, or which of several is meant, with what to say instead. */
GV_MUST_CHECK gv_status gv_kept_log_find(const gv_kept_log_request *request, gv_kept_log *out);

/*
 * Its columns: with strata their multipliers, as actions; with densities those of the bids, of what
 * was intended and of what came of it; else those of auctions whose price shows to the winner. Rows
 * of one hour are a cluster. A reward or cluster that is not the plain format's own stays.
 */
void gv_kept_log_columns(const gv_kept_log *log, gv_decision_columns *columns);

#endif
