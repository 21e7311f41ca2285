#include "scenarios/run/bid_log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/clock.h"
#include "sim/base/money.h"

enum { PATH_SIZE = 4096, LINE_SIZE = 512, CELL_SIZE = 48 };

static const char header[] =
    "time,opportunity,intended,bid,propensity,offer,won,price,click,multiplier\n";

/* Of the whole row only the numbers; `clicks` are of the impression, won or not. */
typedef struct bid_row {
    int64_t time_us;
    uint64_t id;
    int64_t intended;
    int64_t offer;
    int64_t price; /* -1: lost */
    unsigned clicks;
} bid_row;

static void print_cpm(int64_t nanos, char text[CELL_SIZE])
{
    gv_money_print(nanos, GV_NANOS_PER_CPM, text, CELL_SIZE);
}

/* Per CPM; a probability where there are strata. */
static void print_density(const gv_exploration *exploration, int64_t intended, int64_t bid,
                          char text[CELL_SIZE])
{
    const double unit = (double)GV_NANOS_PER_CPM;
    if (exploration->strata > 0) {
        (void)snprintf(text, CELL_SIZE, "%.17g", 1 / (double)exploration->strata);
        return;
    }
    (void)snprintf(
        text, CELL_SIZE, "%.17g",
        gv_exploration_density(exploration, (double)intended / unit, (double)bid / unit));
}

static void print_multiplier(const gv_exploration *exploration, uint64_t id, char text[CELL_SIZE])
{
    if (exploration->strata > 0) {
        const size_t k = gv_stratum_of(exploration, id);
        (void)snprintf(text, CELL_SIZE, "%.6g", gv_stratum_multiplier(exploration, k));
    }
}

static int print_row(const gv_bid_log *log, const bid_row *row, char line[LINE_SIZE])
{
    char time[CELL_SIZE];
    char intended[CELL_SIZE];
    char bid[CELL_SIZE];
    char density[CELL_SIZE] = "";
    char offer[CELL_SIZE];
    char price[CELL_SIZE] = "";
    char multiplier[CELL_SIZE] = "";
    const bool won = row->price >= 0;
    int64_t made = row->intended;
    if (gv_exploration_is_on(log->exploration)) {
        made = gv_explore(log->exploration, row->id, row->intended);
        print_density(log->exploration, row->intended, made, density);
        print_multiplier(log->exploration, row->id, multiplier);
    }
    gv_time_print(row->time_us, log->zone_us, time, sizeof time);
    print_cpm(row->intended, intended);
    print_cpm(made, bid);
    print_cpm(row->offer, offer);
    if (won) {
        print_cpm(row->price, price);
    }
    return snprintf(line, LINE_SIZE, "%s,%" PRIu64 ",%s,%s,%s,%s,%d,%s,%u,%s\n", time, row->id,
                    intended, bid, density, offer, won, price, won ? row->clicks : 0, multiplier);
}

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
        const bid_row row = {.time_us = rows->time_us[at],
                             .id = id,
                             .intended = piece->intended[i],
                             .offer = piece->offers[i],
                             .price = piece->prices[i],
                             .clicks = count_clicks(rows, id, &event)};
        char line[LINE_SIZE];
        if (row.intended > 0) {
            GV_TRY(gv_file_write(log->file, line, (size_t)print_row(log, &row, line)));
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
    return gv_file_write(log->file, header, strlen(header));
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
