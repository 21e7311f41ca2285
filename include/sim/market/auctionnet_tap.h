/*
 * auctionnet_tap.h - a market's periods as AuctionNet's log, written while they are sold.
 *
 *   gv_auctionnet_tap *tap;
 *   GV_TRY(gv_auctionnet_tap_create(path, &tap));
 *   for each period:
 *       GV_TRY(gv_auctionnet_tap_begin(tap, &config, period));
 *       config.tap = gv_auctionnet_tap_of(tap);
 *       ... gv_exchange_create(), gv_exchange_run() ...
 *   GV_TRY(gv_auctionnet_tap_commit(tap));
 *
 * Columns mean what they mean in AuctionNet's own: cost is what the slot costs, seen or not; the
 * least winning cost is the best offer behind the last slot among all, at least the reserve; what
 * is left of a budget is of before the tick; isEnd is set in the last tick and where less than 0.1
 * is left. Advertisers are numbered by their seats; a value is what its seat believes. A conversion
 * is told with its opportunity, however late it becomes visible.
 */
#ifndef SIM_MARKET_AUCTIONNET_TAP_H
#define SIM_MARKET_AUCTIONNET_TAP_H

#include <stdint.h>

#include "sim/base/status.h"
#include "sim/market/exchange.h"

typedef struct gv_auctionnet_tap gv_auctionnet_tap;

/* The file is whole or absent. On GV_OK the caller ends it with commit or abandon. */
GV_MUST_CHECK gv_status gv_auctionnet_tap_create(const char *path, gv_auctionnet_tap **out);

/* `config` is that of the exchange to come; its traffic and seats are borrowed for the period. */
GV_MUST_CHECK gv_status gv_auctionnet_tap_begin(gv_auctionnet_tap *tap,
                                                const gv_exchange_config *config, uint64_t period);

/* What goes into the exchange's config; the same for every period. */
const gv_exchange_tap *gv_auctionnet_tap_of(const gv_auctionnet_tap *tap);

/* Frees `tap`. What failed while a market was sold is told here. */
GV_MUST_CHECK gv_status gv_auctionnet_tap_commit(gv_auctionnet_tap *tap);
void gv_auctionnet_tap_abandon(gv_auctionnet_tap *tap); /* accepts NULL */

#endif
