/*
 * offline_log.h - a policy on every advertiser and period of AuctionNet's logs.
 *
 * Each advertiser of each period is a campaign of its own in the offline loop (offline.h), with the
 * logged CPA constraint and the logged budget times a ratio; published tables show 0.5 to 1.5. The
 * log is read once for all ratios, and what they share, such as a network, is loaded once. A
 * period begins at a time of its own, so that a history of another one always lies before it.
 */
#ifndef SIM_MARKET_OFFLINE_LOG_H
#define SIM_MARKET_OFFLINE_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/progress.h"
#include "sim/base/status.h"
#include "sim/market/logged_period.h"
#include "sim/market/offline.h"

typedef struct gv_offline_plan {
    const gv_policy_type *type;
    const void *config;   /* of the type; what is "auto" in it is fitted for each campaign */
    const double *ratios; /* [ratio_count] */
    size_t ratio_count;
    gv_overspend overspend;
    uint64_t seed;
    size_t tick_count; /* of a period */
    int64_t tick_us;
    const gv_logged_period *history; /* NULL: policies that need one say so */
} gv_offline_plan;

/* What one campaign got; valid during the call. */
typedef struct gv_offline_record {
    uint64_t period;
    uint32_t advertiser;
    uint32_t category;
    size_t ratio; /* of the plan */
    const gv_campaign *campaign;
    const gv_seat_tick *ticks; /* [tick_count] */
    gv_seat_tick total;
} gv_offline_record;

typedef struct gv_offline_taker {
    gv_status (*take)(void *context, const gv_offline_record *record);
    void *context;
} gv_offline_taker;

/*
 * Plays the file; records come period by period, advertiser by advertiser, ratios inmost.
 * GV_ESTOPPED: progress said so.
 */
GV_MUST_CHECK gv_status gv_offline_log_play(const gv_offline_plan *plan, const char *path,
                                            const gv_progress *progress,
                                            const gv_offline_taker *taker);

#endif
