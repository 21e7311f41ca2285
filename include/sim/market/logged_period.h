/*
 * logged_period.h - one period of AuctionNet's log, held in memory as policies' history.
 *
 * What a policy learns from before its campaign: every opportunity's value to the campaign's own
 * advertiser, and the least winning cost as the rival's price. Values are kept in single precision,
 * as the market draws them: 12 bytes an opportunity and advertiser.
 */
#ifndef SIM_MARKET_LOGGED_PERIOD_H
#define SIM_MARKET_LOGGED_PERIOD_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/progress.h"
#include "sim/base/status.h"
#include "sim/market/history.h"

typedef struct gv_logged_period gv_logged_period;

/* The first period of the file; a second one is not read. GV_ESTOPPED: progress said so. */
GV_MUST_CHECK gv_status gv_logged_period_read(const char *path, size_t tick_count,
                                              const gv_progress *progress, gv_logged_period **out);
void gv_logged_period_destroy(gv_logged_period *period); /* accepts NULL */

uint64_t gv_logged_period_number(const gv_logged_period *period);

/* When the history's period began, and how its ticks are cut. */
typedef struct gv_logged_span {
    int64_t start_us;
    int64_t tick_us;
} gv_logged_span;

/*
 * The history of one advertiser, whose opportunities come evenly within a tick. Borrows the period.
 * GV_ENOTFOUND: the period has no advertiser of that number.
 */
GV_MUST_CHECK gv_status gv_logged_period_history(const gv_logged_period *period,
                                                 uint32_t advertiser, gv_logged_span span,
                                                 gv_history **out);

#endif
