#include "scenarios/run/bid_log.h"

#include <inttypes.h>
#include <stdio.h>

#include "scenarios/run/bid_row.h"

enum { PATH_SIZE = 4096 };

/* Passes over the events of the row. */
static unsigned count_clicks(const gv_opportunities *rows, uint64_t id, size_t *event)
{
    unsigned clicks = 0;
    while (*event < rows->event_count && rows->events[*event].opportunity == id) {
        clicks += rows->events[*event].is_conversion == 0;
        (*event)++;
    }
    return clicks;
}

static gv_status write_rows(const gv_bid_log *log, const gv_replay_piece *piece)
{
    const gv_opportunities *rows = piece->opportunities;
    size_t event = piece->event;
    for (size_t i = 0; i < piece->count; i++) {
        const size_t at = piece->row + i;
        const uint64_t id = rows->ids == NULL ? rows->first_id + at : rows->ids[at];
        const unsigned clicks = count_clicks(rows, id, &event);
        const gv_bid_row row = {.time_us = rows->time_us[at],
                                .opportunity = id,
                                .draw = id,
                                .intended = piece->intended[i],
                                .offer = piece->offers[i],
                                .price = piece->prices[i],
                                .reward = piece->prices[i] < 0 ? 0 : clicks};
        if (row.intended > 0) {
            GV_TRY(gv_bid_row_write(&row, log->exploration, log->zone_us, log->file));
        }
    }
    return GV_OK;
}

/* What fails is told at the end: a replay does not stop for its log. */
static void take_piece(void *context, const gv_replay_piece *piece)
{
    gv_bid_log *log = context;
    if (log->status != GV_OK) {
        return;
    }
    log->status = write_rows(log, piece);
    if (log->status != GV_OK) {
        (void)snprintf(log->sentence, sizeof log->sentence, "%s", gv_status_detail());
    }
}

gv_status gv_bid_log_open(gv_bid_log *log, const char *folder, uint64_t number,
                          const gv_exploration *exploration, int64_t zone_us)
{
    char path[PATH_SIZE];
    *log = (gv_bid_log){.exploration = exploration, .zone_us = zone_us, .status = GV_OK};
    if (folder == NULL) {
        return GV_OK;
    }
    const int size = snprintf(path, sizeof path, "%s/cell-%" PRIu64 ".csv", folder, number);
    if (size >= (int)sizeof path) {
        return GV_FAIL(GV_EIO, "%s: the path is too long", folder);
    }
    log->tap = (gv_replay_tap){.piece = take_piece, .context = log};
    GV_TRY(gv_file_writer_create(path, &log->file));
    return gv_bid_header_write("click", log->file);
}

const gv_replay_tap *gv_bid_log_tap(const gv_bid_log *log)
{
    return log->file == NULL ? NULL : &log->tap;
}

gv_status gv_bid_log_commit(gv_bid_log *log)
{
    if (log->status != GV_OK) {
        return GV_FAIL(log->status, "%s", log->sentence);
    }
    gv_file_writer *file = log->file;
    log->file = NULL;
    return file == NULL ? GV_OK : gv_file_commit(file);
}

void gv_bid_log_abandon(gv_bid_log *log)
{
    gv_file_abandon(log->file);
    log->file = NULL;
}
