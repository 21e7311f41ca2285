/*
 * seat_log.h - the bids of one advertiser of a market, explored, as a CSV like bid_log.h's.
 *
 * `won` is a slot, seen or not; `price` what was paid for it, 0 where it was not seen; instead of
 * `click` there is `conversion`, however late it became visible.
 */
#ifndef SCENARIOS_RUN_SEAT_LOG_H
#define SCENARIOS_RUN_SEAT_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/file.h"
#include "sim/base/status.h"
#include "sim/market/exchange.h"

typedef struct gv_seat_log {
    gv_file_writer *file;        /* NULL: none is written */
    const gv_exchange_tap *next; /* is told too; may be NULL */
    const gv_exploration *exploration;
    uint64_t explore_first; /* as in gv_seat */
    uint32_t seat;
    int64_t zone_us;
    gv_exchange_tap tap;
    gv_status status; /* the first failure to write, with */
    char sentence[512];
} gv_seat_log;

/*
 * log: with all set down to zone_us but the file. Begins `folder`/cell-N.csv; folder NULL: no log.
 * It must not move afterwards.
 */
GV_MUST_CHECK gv_status gv_seat_log_open(gv_seat_log *log, const char *folder, uint64_t cell);

/* What to give to the market instead of `next`, which it is where no log is written. */
const gv_exchange_tap *gv_seat_log_tap(const gv_seat_log *log);

/* The file stands under its name if `status`, of all that went before, is GV_OK. Returns the first
 * failure. */
GV_MUST_CHECK gv_status gv_seat_log_close(gv_seat_log *log, gv_status status);

#endif
