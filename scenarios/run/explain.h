/*
 * explain.h - why a campaign bid as it did: one cell of a stored market run, played again with the
 * hindsight oracle beside it.
 *
 * The run's scenario is in the store, resolved; files that it names must be what they were, which
 * their hashes tell. The period is sold anew and recorded, and the campaign plays alone against
 * the record, where with its own bids it gets what it got there; that it does, is checked.
 */
#ifndef SCENARIOS_RUN_EXPLAIN_H
#define SCENARIOS_RUN_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/progress.h"
#include "sim/base/status.h"
#include "sim/outcome/read.h"

/* Which cell of the run. */
typedef struct gv_explain_choice {
    const char *campaign;
    const char *policy; /* NULL: one that has something to tell, else the first */
    int64_t period;     /* negative: the first */
} gv_explain_choice;

/* One tick. Money is in units of currency; NaN: nobody knows. */
typedef struct gv_explained_tick {
    double left;          /* share of the budget left when the tick ends, and */
    double left_planned;  /* as the plan of its beginning had it */
    double left_at_first; /* as the plan of the period's beginning had it */
    double spend;
    double conversions;         /* since the period began, the tick's included, and */
    double conversions_planned; /* with what the plan of its beginning had for the tick */
    double action;              /* sum of bids / sum of values */
    double multiplier;          /* what the policy says that it bids by; where it says none, that */
    double oracle;              /* what the oracle would have bid by; 0: nothing */
    double return_target;
    double expertness;
} gv_explained_tick;

typedef struct gv_explained {
    const gv_cell_record *cell; /* of the outcomes, with its seat; borrowed */
    size_t tick_count;
    gv_explained_tick *ticks; /* [tick_count] */
    double oracle_score;      /* of the oracle in the same place */
    double score;
    /* What any tick knows: which columns are worth showing. */
    bool has_plan;
    bool has_target;
    bool has_expertness;
} gv_explained;

/*
 * The outcomes were read without ticks. GV_EUSAGE: there is no such cell, and the sentence lists
 * what there is; GV_EINVAL: the run replays a log, or files or program have changed since. On
 * GV_OK the caller frees *out with gv_explained_destroy().
 */
GV_MUST_CHECK gv_status gv_explain(const gv_outcomes *outcomes, const gv_explain_choice *choice,
                                   const gv_progress *progress, gv_explained **out);
void gv_explained_destroy(gv_explained *explained); /* accepts NULL */

#endif
