/*
 * compose.h - from a scenario to its cells: logs opened, predictor fitted, spans and budgets known.
 *
 * Everything that cells share is made here once and is read-only afterwards; what a cell needs
 * for itself (source, history, policy, replay) it makes when it runs, on whichever thread that is.
 */
#ifndef SCENARIOS_COMPOSE_COMPOSE_H
#define SCENARIOS_COMPOSE_COMPOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scenarios/compose/inputs.h"
#include "scenarios/compose/leak.h"
#include "scenarios/compose/market.h"
#include "scenarios/compose/unlearned.h"
#include "scenarios/config/scenario.h"
#include "sim/market/campaign.h"
#include "sim/market/logged.h"

/* A campaign's rows, to replay and to learn from. */
typedef struct gv_composed_campaign {
    const gv_campaign_plan *plan;
    gv_logged_config rows;
    gv_logged_config past;     /* its log NULL: no history, or only totals */
    const char *past_name;     /* file and span */
    uint64_t row_count;        /* at most so many rows are replayed */
    int64_t logged_cost_nanos; /* what its rows cost in the log; GV_PARAM_UNSET: not asked for */
} gv_composed_campaign;

/* One campaign at one budget under one policy. */
typedef struct gv_cell {
    size_t number;
    size_t campaign_number;
    gv_campaign campaign;
    const char *budget_label;
    const gv_policy_plan *policy;
} gv_cell;

typedef struct gv_composition {
    gv_scenario *scenario; /* borrowed; compose adds to its problems */
    gv_region region;
    gv_inputs inputs;
    gv_log *log;
    gv_log *past_log; /* the same as log, another, or NULL */
    gv_predictor *predictor;
    gv_predictor *truth_predictor; /* NULL: there is none of its own */
    gv_belief belief;              /* exact where the scenario has none */
    gv_truth truth;                /* where the scenario has a response */
    gv_history *totals; /* an rlb-info file; NULL: the history is a log, or there is none */
    int64_t zone_us;
    bool has_times; /* the log's times are real, not just an order */
    bool past_has_times;
    int64_t from_us; /* what is replayed: [from, to) */
    int64_t to_us;
    int64_t past_from_us;
    int64_t past_to_us;
    gv_composed_campaign *campaigns; /* one for each of the scenario's */
    gv_cell *cells;                  /* [cell_count]: by campaign, then budget, then policy */
    size_t cell_count;
    gv_market
        *market; /* NULL: a log is replayed. Else there are no cells, logs or campaigns here */
    size_t unit_count;    /* what is run and stored in one go: a cell, or a period of a market, */
    size_t unit_cells;    /* which has so many cells */
    const gv_leak *leaks; /* [leak_count]: learned policies that know periods of the run */
    size_t leak_count;
    const gv_unlearned
        *unlearned; /* [unlearned_count]: with campaigns that they have not learned */
    size_t unlearned_count;
    uint64_t hash; /* of all that determines the outcome: resolved values and contents of inputs */
} gv_composition;

/*
 * GV_EUSAGE: the scenario has problems, now listed in it; any other failure has its sentence.
 * *out is NULL then.
 */
GV_MUST_CHECK gv_status gv_compose(gv_scenario *scenario, size_t jobs, const gv_progress *progress,
                                   gv_composition **out);

void gv_composition_destroy(gv_composition *composition); /* accepts NULL */

/* "a1458 1/8 linear", "period 7": for messages. `text`: [size]. */
void gv_unit_name(const gv_composition *composition, size_t unit, char *text, size_t size);

/* How much work a unit is, beside others of its composition: rows to replay. */
uint64_t gv_unit_rows(const gv_composition *composition, size_t unit);

#endif
