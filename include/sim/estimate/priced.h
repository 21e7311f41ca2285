/*
 * priced.h - what other bids would have won, paid and earned in logged auctions, whose price shows
 * only to the winner.
 *
 * Auction i had price z (the least that wins), the log bid b and won where b >= z; only then are z
 * and a reward known, else that z > b: censored. A judged bid c wins where c >= z. With u = 1, z or
 * the reward, the mean of [c >= z] u is estimated by
 *
 *   replay  what the log shows: won auctions with c >= z. Exact where c <= b, or where every price
 *           is known; where c > b and the log lost, it counts nothing and so is a lower bound
 *   km      the same, and for each lost auction with c > b what the price's distribution says of
 *           the gap: (U(c) - U(b)) / S(b), by Kaplan and Meier (survival.h) with U(x) the sum of
 *           u over the distribution's jumps up to x and S its survival
 *   ipc     inverse probability of censoring (Robins and Rotnitzky, 1992; Satten and Datta, The
 *           American Statistician 55, 2001): 1/n sum over won auctions with c >= z of u / G(z),
 *           G(z) the chance that the log bids z or more, by Kaplan and Meier of the bids, which the
 *           prices censor
 *
 * Where lost auctions show their prices, too (`shows_all`: exchanges that tell the least bid to
 * win, simulated logs), wins and spend of a judged bid are known, and all three count them. Its
 * reward is still not: for c >= z > b km then counts (U(c) - U(b)) / (F(c) - F(b)), F the sum of
 * wins.
 *
 * km and ipc take prices and logged bids as independent within a stratum; ipc also needs judged
 * bids that do not depend on by what chance the logged ones were high, so that c = 1.2 b is not for
 * it. Neither can see prices above all logged bids: `unseen` says how much of the judged bids'
 * chance lies there.
 *
 * A log that holds no auction that it lost says nothing of what higher bids win more: `blind` is
 * the share of auctions whose judged bid is higher there. Too thin, a choice of ours, is a result
 * with more than 2 % unseen or blind (with one auction in four won, as in iPinYou's, twice that
 * much traffic may be missing), or with more than half of km's wins inferred and not seen.
 *
 * Intervals: Student's t over a jackknife that leaves out groups of clusters, the curves drawn anew
 * each time.
 */
#ifndef SIM_ESTIMATE_PRICED_H
#define SIM_ESTIMATE_PRICED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/param.h"
#include "sim/base/status.h"
#include "sim/estimate/bootstrap.h"

#define GV_PRICED_UNSEEN_MAX   0.02
#define GV_PRICED_INFERRED_MAX 0.5

typedef struct gv_priced {
    size_t count;
    const double *bids;       /* [count], as all */
    const double *prices;     /* known where won, or in all; else not read */
    const uint8_t *won;       /* 0 or 1 */
    const double *rewards;    /* read where won */
    const double *judged;     /* bids */
    const uint32_t *clusters; /* dense; NULL: each auction is one of its own */
    size_t cluster_count;
    bool shows_all;       /* prices of lost auctions are known, too */
    bool has_chosen_bids; /* judged bids depend on the logged ones: no ipc */
} gv_priced;

typedef enum gv_priced_method {
    GV_PRICED_REPLAY,
    GV_PRICED_KM,
    GV_PRICED_IPC,
    GV_PRICED_METHODS
} gv_priced_method;

typedef enum gv_priced_figure {
    GV_PRICED_WINS,
    GV_PRICED_SPEND,
    GV_PRICED_REWARD,
    GV_PRICED_FIGURES
} gv_priced_figure;

const char *gv_priced_method_name(gv_priced_method method); /* "km" */
const char *gv_priced_figure_name(gv_priced_figure figure); /* "wins" */

typedef struct gv_priced_result {
    /* Of an auction; TOO_FEW: below five groups, or a method that does not apply. */
    gv_interval figures[GV_PRICED_METHODS][GV_PRICED_FIGURES];
    gv_interval logged[GV_PRICED_FIGURES]; /* of the log's own bids */
    /* The judged bids' less the logged ones', in pairs; TOO_FEW likewise. */
    gv_interval differences[GV_PRICED_METHODS][GV_PRICED_FIGURES];
    double raised;   /* share of auctions that the log lost and the judged bid is higher */
    double unseen;   /* mean chance of a price between the highest logged bid and the judged one,
                       at most */
    double blind;    /* share of auctions as above; 0 where the log holds lost ones */
    double inferred; /* share of km's wins that replay does not see */
    double earning;  /* rewards that carry the corrected ones: (sum v)^2 / sum v^2 of judged wins
                        with v = 1 / G(z), times (sum |r|)^2 / (n sum r^2) of all wins, as of
                        overlap.h */
    bool is_thin;
    char complaint[192]; /* why; "": it is not */
    size_t group_count;
} gv_priced_result;

/* groups: of the jackknife, 5 to 200. */
GV_MUST_CHECK gv_status gv_priced_evaluate(const gv_priced *priced, size_t groups, double level,
                                           gv_priced_result *out);

#endif
