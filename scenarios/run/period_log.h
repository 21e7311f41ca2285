/*
 * period_log.h - the log of one period of a market in AuctionNet's columns, beside its record.
 */
#ifndef SCENARIOS_RUN_PERIOD_LOG_H
#define SCENARIOS_RUN_PERIOD_LOG_H

#include <stdint.h>

#include "sim/base/status.h"
#include "sim/market/auctionnet_tap.h"
#include "sim/market/exchange.h"

typedef struct gv_period_log {
    gv_auctionnet_tap *file;     /* NULL: none is written */
    const gv_exchange_tap *next; /* is told too; may be NULL */
    gv_exchange_tap both;
} gv_period_log;

/* Writes `folder`/period-N.csv; folder NULL: no log, only `next` is told. */
GV_MUST_CHECK gv_status gv_period_log_open(gv_period_log *log, const char *folder, uint64_t number,
                                           const gv_exchange_tap *next);

/* Before the exchange of `config`, seats and all, is created; sets config->tap. */
GV_MUST_CHECK gv_status gv_period_log_begin(gv_period_log *log, gv_exchange_config *config,
                                            uint64_t number);

/* The file stands under its name if `status`, of all that went before, is GV_OK. Returns the first
 * failure. */
GV_MUST_CHECK gv_status gv_period_log_close(gv_period_log *log, gv_status status);

#endif
