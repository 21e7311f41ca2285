/*
 * offline_board.h - what a policy scored offline: means over campaigns, with intervals.
 *
 * A campaign is one advertiser in one period. Campaigns are what the bootstrap draws, all budget
 * ratios of one together.
 */
#ifndef SIM_ESTIMATE_OFFLINE_BOARD_H
#define SIM_ESTIMATE_OFFLINE_BOARD_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"
#include "sim/estimate/bootstrap.h"
#include "sim/market/offline_log.h"

/* Name in JSON, heading, and its unit. */
#define GV_OFFLINE_FIGURE_LIST(X)                                         \
    X(GV_OFFLINE_SCORE, "score", "score", "a campaign")                   \
    X(GV_OFFLINE_CONVERSIONS, "conversions", "conversions", "a campaign") \
    X(GV_OFFLINE_SPEND_SHARE, "spend_share", "spend", "of budget")        \
    X(GV_OFFLINE_OVER_CPA, "over_cpa_rate", "over CPA", "of campaigns")

typedef enum gv_offline_figure {
#define X(name, key, title, unit) name,
    GV_OFFLINE_FIGURE_LIST(X)
#undef X
        GV_OFFLINE_FIGURES
} gv_offline_figure;

typedef struct gv_offline_board gv_offline_board;

GV_MUST_CHECK gv_status gv_offline_board_create(size_t ratio_count, gv_offline_board **out);
void gv_offline_board_destroy(gv_offline_board *board); /* accepts NULL */

/* Takes every record that gv_offline_log_play() gives, of any number of files, in its order. */
GV_MUST_CHECK gv_status gv_offline_board_take(void *board, const gv_offline_record *record);

size_t gv_offline_board_campaigns(const gv_offline_board *board);

/* intervals: [ratio][GV_OFFLINE_FIGURES], at 95 %. At least one campaign was taken. */
GV_MUST_CHECK gv_status gv_offline_board_sum(const gv_offline_board *board, uint64_t seed,
                                             gv_interval *intervals);

#endif
