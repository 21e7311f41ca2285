/*
 * auctions.h - the auctions of a .gvlog as priced.h judges them, and what other bids they get.
 *
 * A row whose logged price is at most its logged bid was won: its price and its clicks are known.
 * In a log read by a mapping (`gavel ingest csv`) a row whose price is above its bid was lost, and
 * of it no more is used than that. The other formats hold what was won alone, at times for more
 * than was bid (1.5 % of iPinYou's rows): there the bid counts as that price. A log without bids
 * gives every row's price, so all of it counts as won. Other bids are `scale:FACTOR`, times the
 * logged ones, or those of a bidding policy, which is replayed on the same rows: its money is what
 * the rows that were won did cost, and what it bids is taken as lowered by cap, budget and price
 * step. Where it has parameters to learn, or no prediction to bid by, the first half of the span
 * is its history and the second half is judged.
 */
#ifndef SCENARIOS_RUN_AUCTIONS_H
#define SCENARIOS_RUN_AUCTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "sim/base/progress.h"
#include "sim/base/status.h"
#include "sim/log/decisions.h"

enum { GV_AUCTIONS_TEXT_SIZE = 256 };

typedef struct gv_auctions_request {
    const char *policy;  /* "scale:1.2", or the name of a policy type */
    const char *log;     /* path of a .gvlog */
    const char *cluster; /* "user", "hour", "day", "none" or a column of texts; NULL: users, where
                            the log has none hours, where it has no times each row is alone */
    const char *reward;  /* "clicks" or "conversions" */
    const char *const *sets; /* [set_count]: "linear.b0=40" or "policy.b0=40"; "log.from=...",
                                "history.share=...", "predictor.type=...", "campaign.budget=..." as
                                in a scenario */
    size_t set_count;
    const gv_progress *progress; /* NULL: nobody looks on */
} gv_auctions_request;

/* What was read, and what the policy did. */
typedef struct gv_auctions_facts {
    char clusters[GV_AUCTIONS_TEXT_SIZE]; /* what hangs together: "user" */
    char learnt[GV_AUCTIONS_TEXT_SIZE];   /* "b0=41.3 from june.gvlog ..."; "": nothing */
    size_t odd_count;                     /* rows won for more than their bid */
    double days;                          /* of the span; 0: the log has no times */
    double budget; /* of the policy, in currency; NaN: it has none, its bids are scaled ones */
    double spent;  /* of it, by the prices of all rows */
} gv_auctions_facts;

typedef struct gv_auctions {
    gv_decisions *log;    /* doses are bids; both and prices in CPM; -1 is no bid */
    double *judged;       /* [log->count] */
    bool has_chosen_bids; /* as in gv_priced */
    gv_auctions_facts facts;
} gv_auctions;

/* GV_EUSAGE: the request, with what to say instead. On GV_OK gv_auctions_fini() frees it. */
GV_MUST_CHECK gv_status gv_auctions_read(const gv_auctions_request *request, gv_auctions *out);
void gv_auctions_fini(gv_auctions *auctions); /* of a zeroed one does nothing */

#endif
