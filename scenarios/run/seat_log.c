#include "scenarios/run/seat_log.h"

#include <inttypes.h>
#include <stdio.h>

#include "scenarios/run/bid_row.h"
#include "sim/market/rank.h"

enum { PATH_SIZE = 4096 };

/* What the seat got of the opportunity: the slot whose best key is its own. */
static void find_award(const gv_seat_log *log, const gv_exchange_piece *piece, size_t i,
                       gv_bid_row *row)
{
    for (size_t slot = 0; slot < piece->slot_count; slot++) {
        const size_t at = slot * piece->stride + i;
        if (piece->prices[at] >= 0 &&
            gv_ranking_bidder(piece->ranking, piece->keys[at]) == log->seat) {
            row->price = (piece->states[at] & GV_SLOT_SEEN) != 0 ? piece->prices[at] : 0;
            row->reward = (piece->states[at] & GV_SLOT_CONVERTS) != 0 ? 1 : 0;
        }
    }
}

static gv_status write_rows(const gv_seat_log *log, const gv_exchange_piece *piece)
{
    const size_t first = log->seat * piece->stride;
    for (size_t i = 0; i < piece->count; i++) {
        gv_bid_row row = {.time_us = piece->time_us[i],
                          .opportunity = piece->first + i,
                          .draw = log->explore_first + piece->first + i,
                          .intended = piece->intended[first + i],
                          .offer = piece->offers[first + i],
                          .price = -1};
        if (row.intended > 0) {
            find_award(log, piece, i, &row);
            GV_TRY(gv_bid_row_write(&row, log->exploration, log->zone_us, log->file));
        }
    }
    return GV_OK;
}

/* A market cannot stop for its log: the first failure is kept. */
static void take_piece(void *context, const gv_exchange_piece *piece)
{
    gv_seat_log *log = context;
    if (log->next != NULL) {
        log->next->piece(log->next->context, piece);
    }
    if (log->status != GV_OK) {
        return;
    }
    log->status = write_rows(log, piece);
    if (log->status != GV_OK) {
        (void)snprintf(log->sentence, sizeof log->sentence, "%s", gv_status_detail());
    }
}

gv_status gv_seat_log_open(gv_seat_log *log, const char *folder, uint64_t cell)
{
    char path[PATH_SIZE];
    log->file = NULL;
    if (folder == NULL) {
        return GV_OK;
    }
    const int size = snprintf(path, sizeof path, "%s/cell-%" PRIu64 ".csv", folder, cell);
    if (size >= (int)sizeof path) {
        return GV_FAIL(GV_EIO, "%s: the path is too long", folder);
    }
    log->tap = (gv_exchange_tap){take_piece, log};
    GV_TRY(gv_file_writer_create(path, &log->file));
    const gv_status status = gv_bid_header_write("conversion", log->file);
    return status == GV_OK ? GV_OK : gv_seat_log_close(log, status);
}

const gv_exchange_tap *gv_seat_log_tap(const gv_seat_log *log)
{
    return log->file == NULL ? log->next : &log->tap;
}

gv_status gv_seat_log_close(gv_seat_log *log, gv_status status)
{
    gv_file_writer *file = log->file;
    log->file = NULL;
    if (status == GV_OK && log->status != GV_OK) {
        status = GV_FAIL(log->status, "%s", log->sentence);
    }
    if (file == NULL || status != GV_OK) {
        gv_file_abandon(file);
        return status;
    }
    return gv_file_commit(file);
}
