/*
 * logged.h - a .gvlog as a source of opportunities, and as a history.
 *
 * A campaign sees the rows of its span that match its filters. Without filters and with logged
 * predictions the source hands out pointers into the map; otherwise it gathers. Ids are row
 * numbers of the log, so an opportunity has the same one whatever the filters. Blocks are checked
 * as they are first met; a logged probability outside [0, 1] is GV_ECORRUPT with its row.
 */
#ifndef SIM_MARKET_LOGGED_H
#define SIM_MARKET_LOGGED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"
#include "sim/log/log.h"
#include "sim/market/belief.h"
#include "sim/market/delay.h"
#include "sim/market/history.h"
#include "sim/market/opportunity.h"
#include "sim/market/predictor.h"

/* Rows whose CODE or INTEGER column has this value. */
typedef struct gv_filter {
    const char *column;
    const char *value;
} gv_filter;

/*
 * What users really do, apart from what is believed of them: each impression's click is drawn with
 * its true probability, and a conversion of a click with the log's pcvr, where it has one. Draws
 * are keyed by (seed, row): the same user clicks, or does not, under every policy.
 */
typedef struct gv_truth {
    const gv_predictor *predictor; /* NULL: the predictions of the config, undisturbed */
    gv_delay click_delay;          /* from the impression */
    gv_delay conversion_delay;     /* from the click */
    uint64_t seed;
} gv_truth;

typedef enum gv_rival_kind { GV_RIVAL_PRICE, GV_RIVAL_BID } gv_rival_kind;

typedef struct gv_logged_config {
    const gv_log *log; /* borrowed, as are the rest */
    int64_t start_us;  /* [start, end) */
    int64_t end_us;
    const gv_filter *filters; /* [filter_count]: all must match */
    size_t filter_count;
    gv_rival_kind rival; /* which logged column the rival offers */
    bool use_floor;      /* hand out the floor column */
    const gv_predictor
        *predictor;          /* NULL: the log's own pctr and pcvr columns, where it has them */
    const gv_belief *belief; /* how predictions are disturbed before a bid sees them; NULL: not */
    const char *cold_by;     /* the column by whose values predictions are cold; NULL: none */
    const gv_truth *truth;   /* NULL: clicks and conversions are the logged ones */
    bool is_past; /* to be learned from: nothing tells of the truth but the clicks drawn by it */
} gv_logged_config;

/*
 * Where predictions are disturbed, or the truth is another, the source hands out true
 * probabilities beside what is believed (`truth`): for tallies; no policy sees them.
 *
 * The source holds the events of its opportunities (24 bytes each) and scratch for one piece.
 * Sources of one log may be used on different threads. Columns that are missing, or a filter
 * value that occurs nowhere, are GV_ENOTFOUND, named.
 */
GV_MUST_CHECK gv_status gv_logged_source_create(const gv_logged_config *config, gv_source **out);

/*
 * Reads the span once and sums it up; prices are those of the rival. Clicks are all click rows of
 * these impressions, repeated ones too. On GV_OK the history owns a source of its own; freed by
 * gv_history_destroy().
 */
GV_MUST_CHECK gv_status gv_logged_history_create(const gv_logged_config *config, const char *name,
                                                 int64_t price_step_nanos, gv_history **out);

#endif
