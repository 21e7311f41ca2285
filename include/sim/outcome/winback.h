/*
 * winback.h - the outcome of a campaign that wins users back, in the store of outcomes.
 *
 * A run of them is a run of the store (store.h) whose cells are policies. Their rows are in tables
 * of their own, `winback`, `winback_day` and `winback_cluster`; the view `retention_league` reads
 * well in pandas. A policy is written whole when it is finished, so a killed run goes on with the
 * others.
 */
#ifndef SIM_OUTCOME_WINBACK_H
#define SIM_OUTCOME_WINBACK_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"
#include "sim/market/winback.h"
#include "sim/outcome/store.h"

/*
 * What a share of the users came to: user number u, from 0, is in cluster u mod cluster_count. With
 * those of two policies on the same users a bootstrap tells their paired difference.
 */
typedef struct gv_winback_cluster {
    int64_t spend_nanos;
    uint64_t retained;
} gv_winback_cluster;

typedef struct gv_winback_record {
    size_t cell;        /* number within the run */
    const char *policy; /* the scenario's name for it */
    const char *aim;
    const char *model; /* NULL: none */
    uint64_t user_count;
    int64_t budget_nanos; /* GV_PARAM_UNSET: none */
    gv_winback_tally total;
    const gv_winback_day *days; /* [day_count]; their tallies add up to the total */
    size_t day_count;
    const gv_winback_cluster *clusters; /* [cluster_count]; they add up to the total, too */
    size_t cluster_count;
} gv_winback_record;

/* All of it in one transaction, of a run that was begun; its checkpoint is dropped. */
GV_MUST_CHECK gv_status gv_store_write_winback(gv_store *store, int64_t run_id,
                                               const gv_winback_record *record);

/*
 * What a policy came to, if it is finished: clusters: [cluster_count], as many as were written.
 * GV_ENOTFOUND: the run has no such policy yet.
 */
GV_MUST_CHECK gv_status gv_store_read_winback(gv_store *store, int64_t run_id, size_t cell,
                                              gv_winback_tally *total, gv_winback_cluster *clusters,
                                              size_t cluster_count);

#endif
