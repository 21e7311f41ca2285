/*
 * group.h - which cells stand side by side: those of one campaign and budget, and pools of them.
 */
#ifndef SIM_OUTCOME_GROUP_H
#define SIM_OUTCOME_GROUP_H

#include <stdbool.h>
#include <stddef.h>

#include "sim/base/status.h"
#include "sim/outcome/store.h"

/*
 * Cells that share a campaign and a budget, or one of the two, or neither. In a market they also
 * share what they competed with, and a group holds all periods.
 */
typedef struct gv_group {
    const char *campaign;     /* NULL: all campaigns together */
    const char *budget_label; /* NULL: all budgets together */
    const char *rivals;       /* as in gv_seat_record; NULL: of replays */
    size_t part_count;        /* single groups in it; 1: not a pool */
} gv_group;

/*
 * Single groups in order of first appearance, then a pool of all campaigns for each budget
 * (when there are several campaigns), then all together (when there are several budgets); pools
 * of a market for each kind of rivals.
 */
typedef struct gv_grouping {
    const gv_group *groups; /* [group_count] */
    size_t group_count;
    size_t single_count;         /* the first so many are single */
    const char *const *policies; /* [policy_count], in order of first appearance */
    size_t policy_count;
    const char *const *campaigns; /* [campaign_count], likewise */
    size_t campaign_count;
    const char *const *budgets; /* [budget_count], likewise */
    size_t budget_count;
} gv_grouping;

/* Texts are borrowed from the cells. On GV_OK the caller owns *out. */
GV_MUST_CHECK gv_status gv_grouping_create(const gv_cell_record *cells, size_t count,
                                           gv_grouping **out);
void gv_grouping_destroy(gv_grouping *grouping); /* accepts NULL */

bool gv_group_holds(const gv_group *group, const gv_cell_record *cell);

/*
 * The cell that met what `cell` met, under that policy: the same campaign, budget and, in a
 * market, period and kind of rivals. The first such one, or NULL.
 */
const gv_cell_record *gv_cell_partner(const gv_cell_record *cell, const char *policy,
                                      const gv_cell_record *cells, size_t count);

#endif
