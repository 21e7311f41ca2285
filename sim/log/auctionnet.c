/*
 * The reader: pieces of whole lines are cut by the vectorised splitter, rows go to the table of
 * the tick, and the first row of the next tick waits until this one was taken.
 */
#include "sim/log/auctionnet.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/log/auctionnet_impl.h"
#include "sim/log/input_impl.h"
#include "sim/log/split_impl.h"

enum { MISSING_SIZE = 512 };

/* Without these a row could not be placed. */
#define ALWAYS                                                                                    \
    (1U << GV_AUCTIONNET_PERIOD | 1U << GV_AUCTIONNET_ADVERTISER | 1U << GV_AUCTIONNET_CATEGORY | \
     1U << GV_AUCTIONNET_BUDGET | 1U << GV_AUCTIONNET_CPA | 1U << GV_AUCTIONNET_TICK |            \
     1U << GV_AUCTIONNET_BUDGET_LEFT | 1U << GV_AUCTIONNET_OPPORTUNITY | 1U << GV_AUCTIONNET_END)

struct gv_auctionnet_reader {
    gv_input *input;
    char *buffer;
    const gv_splitter *splitter;
    gv_rows rows;
    size_t next_row; /* of the piece */
    bool has_ended;
    bool has_period; /* some period was begun */
    gv_auctionnet_layout layout;
    gv_auctionnet_table table;
};

/* The next piece; an empty one at the end. */
static gv_status load_piece(gv_auctionnet_reader *reader)
{
    gv_piece piece = {0};
    reader->rows.first_line += reader->rows.row_count;
    reader->rows.row_count = 0;
    reader->next_row = 0;
    GV_TRY(gv_input_lines(reader->input, reader->buffer, &piece));
    if (piece.is_overlong) {
        return GV_FAIL(GV_EPARSE, "%s:%" PRIu64 ": the line is longer than %d bytes: is it a CSV?",
                       reader->layout.path, reader->rows.first_line, GV_LINE_MAX);
    }
    reader->has_ended = piece.size == 0;
    reader->splitter->split(piece.text, piece.size, ',', &reader->rows);
    return GV_OK;
}

static gv_auctionnet_column column_of(gv_span name)
{
    for (size_t column = 0; column < GV_AUCTIONNET_COLUMNS; column++) {
        const char *const known = gv_auctionnet_column_name((gv_auctionnet_column)column);
        if (strlen(known) == name.size && memcmp(known, name.bytes, name.size) == 0) {
            return (gv_auctionnet_column)column;
        }
    }
    return GV_AUCTIONNET_COLUMNS;
}

/* All that is missing, in one sentence. */
static gv_status check_columns(const gv_auctionnet_reader *reader, unsigned wanted)
{
    char missing[MISSING_SIZE] = "";
    size_t size = 0;
    for (size_t column = 0; column < GV_AUCTIONNET_COLUMNS; column++) {
        if ((wanted & ~reader->layout.present) >> column & 1) {
            size += (size_t)snprintf(missing + size, sizeof missing - size, "%s%s",
                                     size == 0 ? "" : ", ",
                                     gv_auctionnet_column_name((gv_auctionnet_column)column));
        }
    }
    if (size > 0) {
        return GV_FAIL(GV_EPARSE, "%s:1: the header lacks %s: expected AuctionNet's columns",
                       reader->layout.path, missing);
    }
    return GV_OK;
}

static gv_status read_header(gv_auctionnet_reader *reader, unsigned wanted)
{
    reader->rows.first_line = 1;
    GV_TRY(load_piece(reader));
    if (reader->rows.row_count == 0) {
        return GV_FAIL(GV_EPARSE, "%s: is empty, expected a header of AuctionNet's columns",
                       reader->layout.path);
    }
    reader->layout.header_fields = reader->rows.firsts[1];
    for (uint32_t field = 0; field < reader->layout.header_fields; field++) {
        const gv_auctionnet_column column = column_of(gv_rows_field(&reader->rows, field));
        if (column == GV_AUCTIONNET_COLUMNS || (wanted >> column & 1) == 0) {
            continue;
        }
        if ((reader->layout.present >> column & 1) != 0) {
            return GV_FAIL(GV_EPARSE, "%s:1: the header names %s twice", reader->layout.path,
                           gv_auctionnet_column_name(column));
        }
        reader->layout.present |= 1U << column;
        reader->layout.field_of[column] = field;
    }
    reader->next_row = 1;
    return check_columns(reader, wanted);
}

gv_status gv_auctionnet_open(const char *path, unsigned wanted, gv_auctionnet_reader **out)
{
    gv_auctionnet_reader *reader = gv_mem_alloc(sizeof *reader, 0, 0);
    if (reader == NULL) {
        return GV_FAIL(GV_ENOMEM, "%s: no memory to read it", path);
    }
    gv_status status = GV_OK;
    reader->layout.path = path;
    reader->splitter = gv_splitter_pick();
    reader->table.wanted = wanted;
    reader->buffer = gv_mem_alloc_vector(GV_INPUT_ROOM + GV_INPUT_PAD, 1);
    if (reader->buffer == NULL) {
        status = GV_FAIL(GV_ENOMEM, "%s: no memory to read it", path);
        goto fail;
    }
    GV_TRY_GOTO(status, gv_rows_init(&reader->rows, GV_INPUT_ROOM), fail);
    GV_TRY_GOTO(status, gv_input_open(path, &reader->input), fail);
    GV_TRY_GOTO(status, read_header(reader, wanted | ALWAYS), fail);
    *out = reader;
    return GV_OK;
fail:
    gv_auctionnet_close(reader);
    return status;
}

void gv_auctionnet_close(gv_auctionnet_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    gv_input_close(reader->input);
    gv_rows_fini(&reader->rows);
    gv_mem_free(reader->buffer);
    gv_auctionnet_table_fini(&reader->table);
    gv_mem_free(reader);
}

/* The next row's cells, without moving on; *has_row false at the end. Empty lines are none. */
static gv_status peek(gv_auctionnet_reader *reader, gv_auctionnet_row *row, bool *has_row)
{
    for (;;) {
        while (reader->next_row == reader->rows.row_count && !reader->has_ended) {
            GV_TRY(load_piece(reader));
        }
        *has_row = reader->next_row < reader->rows.row_count;
        if (!*has_row) {
            return GV_OK;
        }
        const uint32_t *firsts = reader->rows.firsts + reader->next_row;
        if (firsts[1] - firsts[0] > 1 || gv_rows_field(&reader->rows, firsts[0]).size > 0) {
            break;
        }
        reader->next_row++;
    }
    const uint32_t *firsts = reader->rows.firsts + reader->next_row;
    row->line = reader->rows.first_line + reader->next_row;
    row->text = reader->rows.text;
    row->marks = reader->rows.marks + firsts[0];
    if (firsts[1] - firsts[0] != reader->layout.header_fields) {
        return GV_FAIL(GV_EPARSE,
                       "%s:%" PRIu64 ": %" PRIu32 " cells, expected %" PRIu32
                       " as in the header: is the file complete?",
                       reader->layout.path, row->line, firsts[1] - firsts[0],
                       reader->layout.header_fields);
    }
    return GV_OK;
}

/* Which tick a row belongs to. */
typedef struct row_key {
    uint64_t period;
    uint64_t tick;
} row_key;

static gv_status read_key(const gv_auctionnet_row *row, row_key *key)
{
    GV_TRY(gv_auctionnet_whole(row, GV_AUCTIONNET_PERIOD, UINT32_MAX, &key->period));
    return gv_auctionnet_whole(row, GV_AUCTIONNET_TICK, GV_AUCTIONNET_TICKS_MAX - 1, &key->tick);
}

static gv_status begin_tick(gv_auctionnet_reader *reader, const gv_auctionnet_row *row,
                            const row_key *key)
{
    gv_auctionnet_table *table = &reader->table;
    if (!reader->has_period || key->period != table->period) {
        gv_auctionnet_table_begin_period(table, key->period);
        reader->has_period = true;
    } else if (key->tick <= table->tick) {
        return GV_FAIL(GV_EPARSE,
                       "%s:%" PRIu64 ": column timeStepIndex: %" PRIu64
                       " comes after %zu in period "
                       "%" PRIu64 ", expected ticks in order",
                       reader->layout.path, row->line, key->tick, table->tick, key->period);
    }
    gv_auctionnet_table_begin_tick(table, (size_t)key->tick, row->line);
    return GV_OK;
}

static void show(const gv_auctionnet_table *table, gv_auctionnet_tick *tick)
{
    *tick = (gv_auctionnet_tick){
        .period = table->period,
        .tick = table->tick,
        .line = table->line,
        .advertiser_count = table->advertiser_count,
        .advertisers = table->advertisers,
        .count = table->count,
        .stride = table->capacity,
        .opportunities = table->opportunities,
        .values = table->columns[GV_AUCTIONNET_VALUE],
        .sigmas = table->columns[GV_AUCTIONNET_SIGMA],
        .bids = table->columns[GV_AUCTIONNET_BID],
        .costs = table->columns[GV_AUCTIONNET_COST],
        .least_costs = table->columns[GV_AUCTIONNET_LEAST_COST],
        .won = table->columns[GV_AUCTIONNET_WON],
        .slots = table->columns[GV_AUCTIONNET_SLOT],
        .exposed = table->columns[GV_AUCTIONNET_EXPOSED],
        .converted = table->columns[GV_AUCTIONNET_CONVERTED],
    };
}

gv_status gv_auctionnet_next(gv_auctionnet_reader *reader, gv_auctionnet_tick *tick, bool *found)
{
    gv_auctionnet_row row = {.layout = &reader->layout};
    row_key first = {0};
    bool has_row = false;
    GV_TRY(peek(reader, &row, &has_row));
    if (!has_row) {
        *found = false;
        return GV_OK;
    }
    GV_TRY(read_key(&row, &first));
    GV_TRY(begin_tick(reader, &row, &first));
    for (row_key key = first; key.period == first.period && key.tick == first.tick;) {
        GV_TRY(gv_auctionnet_table_add(&reader->table, &row));
        reader->next_row++;
        GV_TRY(peek(reader, &row, &has_row));
        if (!has_row) {
            break;
        }
        GV_TRY(read_key(&row, &key));
    }
    GV_TRY(gv_auctionnet_table_end_tick(&reader->table, reader->layout.path, row.line));
    show(&reader->table, tick);
    *found = true;
    return GV_OK;
}

uint64_t gv_auctionnet_consumed(const gv_auctionnet_reader *reader)
{
    return gv_input_consumed(reader->input);
}
