/*
 * bid_row.h - one bid as a line of a log of bids; bid_log.h says what its columns are.
 */
#ifndef SCENARIOS_RUN_BID_ROW_H
#define SCENARIOS_RUN_BID_ROW_H

#include <stdint.h>

#include "sim/base/file.h"
#include "sim/base/status.h"
#include "sim/market/exploration.h"

typedef struct gv_bid_row {
    int64_t time_us;
    uint64_t opportunity; /* as it is told */
    uint64_t draw;        /* as it is numbered for what exploration draws */
    int64_t intended;     /* above 0 */
    int64_t offer;
    int64_t price; /* -1: lost */
    unsigned reward;
} gv_bid_row;

/* reward: the column's name. */
GV_MUST_CHECK gv_status gv_bid_header_write(const char *reward, gv_file_writer *file);

/* exploration: NULL: none. */
GV_MUST_CHECK gv_status gv_bid_row_write(const gv_bid_row *row, const gv_exploration *exploration,
                                         int64_t zone_us, gv_file_writer *file);

#endif
