/*
 * The reader. SQLite says where a file is damaged in its pages; what lies in sound pages is
 * checked here, cell by cell, since STRICT was promised by a schema that may itself be forged.
 */
#include <assert.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/clock.h"
#include "sim/base/mem.h"
#include "sim/outcome/read.h"
#include "sim/outcome/store_impl.h"

enum { BLOCK_SIZE = 32 * 1024, ALIGNMENT = 16 };

/* Memory that lives as long as the outcomes: texts and arrays, many to a block. */
struct gv_outcome_block {
    struct gv_outcome_block *next;
    size_t used;
    size_t size;
    _Alignas(ALIGNMENT) unsigned char bytes[];
};

/* What reading needs; `status` keeps the first thing found wrong in a row. */
typedef struct reading {
    gv_store *store;
    gv_outcomes *outcomes;
    gv_row row;
    int column;
    gv_status status;
} reading;

static void *take(gv_outcomes *outcomes, size_t count, size_t element_size)
{
    assert(element_size == 0 || count <= SIZE_MAX / 2 / element_size);
    const size_t size = (count * element_size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    struct gv_outcome_block *block = outcomes->blocks;
    if (block == NULL || block->size - block->used < size) {
        const size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;
        block = gv_mem_alloc(sizeof *block, room, 1);
        if (block == NULL) {
            return NULL;
        }
        block->size = room;
        block->next = outcomes->blocks;
        outcomes->blocks = block;
    }
    void *taken = block->bytes + block->used;
    block->used += size;
    return taken;
}

static void damaged(reading *at, const char *what)
{
    if (at->status == GV_OK) {
        at->status = GV_FAIL(GV_ECORRUPT, "%s is damaged: column %s is %s, expected %s",
                             at->store->path, sqlite3_column_name(at->row.statement, at->column),
                             sqlite3_column_type(at->row.statement, at->column) == SQLITE_NULL
                                 ? "empty"
                                 : "not as it was written",
                             what);
    }
}

static bool next_is_null(const reading *at)
{
    return sqlite3_column_type(at->row.statement, at->column) == SQLITE_NULL;
}

static int64_t get_integer(reading *at)
{
    if (sqlite3_column_type(at->row.statement, at->column) != SQLITE_INTEGER) {
        damaged(at, "a whole number");
    }
    return sqlite3_column_int64(at->row.statement, at->column++);
}

static int64_t get_integer_or(reading *at, int64_t otherwise)
{
    if (next_is_null(at)) {
        at->column++;
        return otherwise;
    }
    return get_integer(at);
}

static uint64_t get_count(reading *at)
{
    const int64_t value = get_integer(at);
    if (value < 0) {
        at->column--;
        damaged(at, "0 or more");
        at->column++;
        return 0;
    }
    return (uint64_t)value;
}

/* Within [least, most], so that arithmetic on it is safe. */
static int64_t get_within(reading *at, int64_t least, int64_t most)
{
    const int64_t value = get_integer(at);
    if (value < least || value > most) {
        at->column--;
        damaged(at, "a time that there is");
        at->column++;
        return 0;
    }
    return value;
}

static int64_t get_time(reading *at)
{
    return get_within(at, GV_TIME_MIN_US, GV_TIME_MAX_US);
}

static uint64_t get_bits(reading *at)
{
    const int64_t value = get_integer(at);
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static const char *get_text(reading *at)
{
    sqlite3_stmt *statement = at->row.statement;
    const char *text = NULL;
    if (sqlite3_column_type(statement, at->column) == SQLITE_TEXT) {
        text = (const char *)sqlite3_column_text(statement, at->column);
    }
    if (text == NULL) {
        damaged(at, "text");
        at->column++;
        return "";
    }
    const size_t size = strlen(text) + 1;
    char *copy = take(at->outcomes, size, 1);
    if (copy == NULL) {
        at->status = GV_FAIL(GV_ENOMEM, "reading %s", at->store->path);
        return "";
    }
    memcpy(copy, text, size);
    at->column++;
    return copy;
}

static gv_tally get_tally(reading *at)
{
    gv_tally tally = {.auctions = get_count(at)};
    tally.bids = get_count(at);
    tally.wins = get_count(at);
    tally.bid_nanos = get_integer(at);
    tally.spend_nanos = get_integer(at);
    tally.expected_nanoclicks = get_integer(at);
    tally.expected_nanoconversions = get_integer(at);
    tally.clicks = get_count(at);
    tally.conversions = get_count(at);
    return tally;
}

static void open_rows(reading *at, const char *sql, const char *doing)
{
    at->row = gv_row_open(at->store, sql, doing);
}

/* Moves on; false at the end or when something is wrong. */
static bool next_row(reading *at)
{
    bool has_row = false;
    if (at->status == GV_OK) {
        at->status = gv_row_step(&at->row, &has_row);
        at->column = 0;
    }
    return at->status == GV_OK && has_row;
}

/* How many rows a query of one run (and cell) has, so that arrays are taken in one piece. */
static size_t count_rows(reading *at, const char *sql, int64_t cell)
{
    open_rows(at, sql, "read a run");
    gv_row_integer(&at->row, at->outcomes->run.id);
    if (cell >= 0) {
        gv_row_integer(&at->row, cell);
    }
    const size_t count = next_row(at) ? (size_t)get_count(at) : 0;
    gv_row_close(&at->row);
    return count;
}

static void *take_array(reading *at, size_t count, size_t element_size)
{
    void *array = at->status == GV_OK ? take(at->outcomes, count, element_size) : NULL;
    if (array == NULL && at->status == GV_OK) {
        at->status = GV_FAIL(GV_ENOMEM, "reading %s", at->store->path);
    }
    return array;
}

/* name, value and, when there is a third column, origin. */
static size_t read_facts(reading *at, const char *sql, int64_t cell, gv_fact *facts, size_t room)
{
    open_rows(at, sql, "read a run");
    gv_row_integer(&at->row, at->outcomes->run.id);
    if (cell >= 0) {
        gv_row_integer(&at->row, cell);
    }
    size_t count = 0;
    while (count < room && next_row(at)) {
        facts[count].name = get_text(at);
        facts[count].value = get_text(at);
        if (sqlite3_column_count(at->row.statement) == 3) {
            facts[count].origin = get_text(at);
        }
        count++;
    }
    gv_row_close(&at->row);
    return count;
}

static gv_episode_kind get_episode_kind(reading *at)
{
    static const char *const names[] = {"whole", "daily", "auctions"};
    const char *text = get_text(at);
    for (unsigned i = 0; i < 3; i++) {
        if (strcmp(names[i], text) == 0) {
            return (gv_episode_kind)i;
        }
    }
    at->column--;
    damaged(at, "whole, daily or auctions");
    at->column++;
    return GV_EPISODE_WHOLE;
}

static void get_campaign(reading *at, gv_campaign *campaign)
{
    campaign->name = get_text(at);
    campaign->number = get_bits(at);
    campaign->start_us = get_time(at);
    campaign->end_us = get_time(at);
    campaign->zone_offset_us = get_within(at, -GV_US_PER_DAY, GV_US_PER_DAY);
    campaign->budget_nanos = get_integer(at);
    campaign->bid_cap_nanos = get_integer_or(at, INT64_MAX);
    campaign->episode = get_episode_kind(at);
    campaign->episode_auctions = get_count(at);
    campaign->tick_us = get_integer(at);
    campaign->click_nanos = get_integer_or(at, GV_PARAM_UNSET);
}

/* A cell with what it points to, side by side. */
typedef struct cell_parts {
    gv_campaign campaign;
    gv_tally total;
    gv_seat_record seat;
    gv_seat_tick seat_total;
} cell_parts;

static void get_cell(reading *at, gv_cell_record *cell, cell_parts *parts)
{
    cell->cell = (size_t)get_count(at);
    get_campaign(at, &parts->campaign);
    cell->campaign = &parts->campaign;
    cell->policy = get_text(at);
    cell->policy_type = get_text(at);
    cell->budget_label = get_text(at);
    cell->episodes = get_count(at);
    parts->total = get_tally(at);
    cell->total = &parts->total;
    cell->event_count = get_count(at);
    cell->wall_us = get_integer(at);
}

static void read_ticks(reading *at, gv_cell_record *cell)
{
    const int64_t number = (int64_t)cell->cell;
    const size_t room =
        count_rows(at, "SELECT count(*) FROM tick WHERE run_id = ? AND cell = ?", number);
    gv_tick_record *ticks = take_array(at, room, sizeof *ticks);
    open_rows(at,
              "SELECT time_us, episode, budget_left_nanos, auctions, bids, wins, bid_nanos,"
              " spend_nanos, expected_nanoclicks, expected_nanoconversions, clicks, conversions"
              " FROM tick WHERE run_id = ? AND cell = ? ORDER BY tick",
              "read a cell's ticks");
    gv_row_integer(&at->row, at->outcomes->run.id);
    gv_row_integer(&at->row, number);
    size_t count = 0;
    while (count < room && next_row(at)) {
        gv_tick_record *tick = &ticks[count++];
        tick->time_us = get_time(at);
        tick->episode = get_count(at);
        tick->budget_left_nanos = get_integer(at);
        tick->tally = get_tally(at);
    }
    gv_row_close(&at->row);
    cell->ticks = ticks;
    cell->tick_count = count;
}

/* Beyond the tally, which stands elsewhere. */
static void get_seat_tick(reading *at, gv_seat_tick *tick)
{
    tick->exposures = get_count(at);
    tick->value_units = get_integer(at);
    tick->won_value_units = get_integer(at);
    tick->exposed_value_units = get_integer(at);
    tick->least_cost_nanos = get_integer(at);
}

/* One of the three words, which are no copies. */
static const char *get_rivals(reading *at)
{
    static const char *const names[] = {"market", "fixed", "reacting"};
    const char *text = get_text(at);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i], text) == 0) {
            return names[i];
        }
    }
    at->column--;
    damaged(at, "market, fixed or reacting");
    at->column++;
    return names[0];
}

/* The seats of those cells that have one. Without ticks a seat has one, the sum of all. */
static void read_seats(reading *at, gv_cell_record *cells, cell_parts *parts, size_t count)
{
    open_rows(at,
              "SELECT cell, period, category, rivals, cpa_nanos, conversion_nanos, exposures,"
              " value_units, won_value_units, exposed_value_units, least_cost_nanos FROM seat"
              " WHERE run_id = ? ORDER BY cell",
              "read a run's seats");
    gv_row_integer(&at->row, at->outcomes->run.id);
    size_t i = 0;
    while (next_row(at)) {
        const uint64_t number = get_count(at);
        while (i < count && cells[i].cell < number) {
            i++;
        }
        if (i == count || cells[i].cell != number) {
            at->column--;
            damaged(at, "a cell that there is");
            break;
        }
        cell_parts *part = &parts[i];
        part->seat.period = get_count(at);
        part->seat.category = (uint32_t)get_within(at, 0, UINT32_MAX);
        part->seat.rivals = get_rivals(at);
        part->campaign.cpa_nanos = get_integer_or(at, GV_PARAM_UNSET);
        part->campaign.conversion_nanos = get_integer_or(at, GV_PARAM_UNSET);
        get_seat_tick(at, &part->seat_total);
        part->seat_total.tally = part->total;
        part->seat.ticks = &part->seat_total;
        part->seat.tick_count = 1;
        cells[i].seat = &part->seat;
    }
    gv_row_close(&at->row);
}

/* After the cell's own ticks, which hold the tallies. */
static void read_seat_ticks(reading *at, const gv_cell_record *cell, gv_seat_record *seat)
{
    gv_seat_tick *ticks = take_array(at, cell->tick_count, sizeof *ticks);
    open_rows(at,
              "SELECT exposures, value_units, won_value_units, exposed_value_units,"
              " least_cost_nanos FROM seat_tick WHERE run_id = ? AND cell = ? ORDER BY tick",
              "read a seat's ticks");
    gv_row_integer(&at->row, at->outcomes->run.id);
    gv_row_integer(&at->row, (int64_t)cell->cell);
    size_t count = 0;
    while (count < cell->tick_count && next_row(at)) {
        ticks[count].tally = cell->ticks[count].tally;
        get_seat_tick(at, &ticks[count++]);
    }
    gv_row_close(&at->row);
    if (at->status == GV_OK && (count == 0 || count < cell->tick_count)) {
        at->status =
            GV_FAIL(GV_ECORRUPT, "%s is damaged: seat_tick has %zu of the %zu rows of cell %zu",
                    at->store->path, count, cell->tick_count, cell->cell);
    }
    seat->ticks = ticks;
    seat->tick_count = count;
}

static void read_cell_parameters(reading *at, gv_cell_record *cell)
{
    const int64_t number = (int64_t)cell->cell;
    const size_t room = count_rows(
        at, "SELECT count(*) FROM campaign_parameter WHERE run_id = ? AND cell = ?", number);
    gv_fact *facts = take_array(at, room, sizeof *facts);
    cell->parameter_count = read_facts(at,
                                       "SELECT name, value, origin FROM campaign_parameter"
                                       " WHERE run_id = ? AND cell = ? ORDER BY name",
                                       number, facts, room);
    cell->parameters = facts;
}

static void read_cells(reading *at, bool with_ticks, bool has_seats)
{
    gv_outcomes *outcomes = at->outcomes;
    const size_t room = count_rows(at, "SELECT count(*) FROM campaign WHERE run_id = ?", -1);
    gv_cell_record *cells = take_array(at, room, sizeof *cells);
    cell_parts *parts = take_array(at, room, sizeof *parts);
    open_rows(at,
              "SELECT cell, name, number, start_us, end_us, zone_offset_us, budget_nanos,"
              " bid_cap_nanos, episode_kind, episode_auctions, tick_us, click_nanos, policy,"
              " policy_type, budget_label, episodes, auctions, bids, wins, bid_nanos, spend_nanos,"
              " expected_nanoclicks, expected_nanoconversions, clicks, conversions, event_count,"
              " wall_us FROM campaign WHERE run_id = ? ORDER BY cell",
              "read a run's cells");
    gv_row_integer(&at->row, outcomes->run.id);
    size_t count = 0;
    while (count < room && next_row(at)) {
        get_cell(at, &cells[count], &parts[count]);
        count++;
    }
    gv_row_close(&at->row);
    if (at->status == GV_OK && has_seats) {
        read_seats(at, cells, parts, count);
    }
    for (size_t i = 0; i < count && at->status == GV_OK; i++) {
        read_cell_parameters(at, &cells[i]);
        if (with_ticks && at->status == GV_OK) {
            read_ticks(at, &cells[i]);
        }
        if (with_ticks && at->status == GV_OK && cells[i].seat != NULL) {
            read_seat_ticks(at, &cells[i], &parts[i].seat);
        }
    }
    outcomes->cells = cells;
    outcomes->cell_count = count;
}

/* "1 (june), 2 (june)": the last few runs, for who named one that is not there. */
static gv_status fail_no_run(reading *at, int64_t run_id)
{
    char list[256] = "";
    size_t used = 0;
    open_rows(at, "SELECT id, name FROM run ORDER BY id DESC LIMIT 5", "read its runs");
    while (next_row(at) && used < sizeof list) {
        const int64_t id = get_integer(at);
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%" PRId64 " (%.20s)",
                                 used == 0 ? "" : ", ", id, get_text(at));
    }
    gv_row_close(&at->row);
    GV_TRY(at->status);
    if (used == 0) {
        return GV_FAIL(GV_ENOTFOUND, "%s holds no run yet", at->store->path);
    }
    return GV_FAIL(GV_ENOTFOUND, "%s holds no run %" PRId64 "; the latest are %s", at->store->path,
                   run_id, list);
}

static gv_status read_run(reading *at, int64_t run_id)
{
    gv_run_facts *run = &at->outcomes->run;
    open_rows(at,
              "SELECT id, name, state, scenario, scenario_hash, seed, cell_count, started_us,"
              " wall_us FROM run WHERE ?1 IN (0, id) ORDER BY id DESC LIMIT 1",
              "read a run");
    gv_row_integer(&at->row, run_id);
    const bool found = next_row(at);
    if (found) {
        run->id = get_integer(at);
        run->name = get_text(at);
        run->state = get_text(at);
        run->scenario_text = get_text(at);
        run->scenario_hash = get_text(at);
        run->seed = get_bits(at);
        run->cell_count = get_integer(at);
        run->started_us = get_integer(at);
        run->wall_us = get_integer_or(at, 0);
    }
    gv_row_close(&at->row);
    GV_TRY(at->status);
    return found ? GV_OK : fail_no_run(at, run_id);
}

/* A run of policies that win users back has no cells of campaigns. */
static gv_status refuse_winback(reading *at)
{
    if (count_rows(at, "SELECT count(*) FROM winback WHERE run_id = ?", -1) == 0) {
        return at->status;
    }
    return GV_FAIL(GV_EUSAGE,
                   "run %" PRId64 " of %s is of a scenario of retention, whose outcomes are in the "
                   "view retention_league and the tables winback, winback_day and "
                   "winback_cluster; `gavel run` and `gavel retention play --baseline` compare its "
                   "policies",
                   at->outcomes->run.id, at->store->path);
}

static void read_run_facts(reading *at)
{
    gv_outcomes *outcomes = at->outcomes;
    size_t room = count_rows(at, "SELECT count(*) FROM parameter WHERE run_id = ?", -1);
    gv_fact *facts = take_array(at, room, sizeof *facts);
    outcomes->parameter_count =
        read_facts(at, "SELECT name, value, origin FROM parameter WHERE run_id = ? ORDER BY name",
                   -1, facts, room);
    outcomes->parameters = facts;
    room = count_rows(at, "SELECT count(*) FROM provenance WHERE run_id = ?", -1);
    facts = take_array(at, room, sizeof *facts);
    outcomes->provenance_count = read_facts(
        at, "SELECT name, value FROM provenance WHERE run_id = ? ORDER BY name", -1, facts, room);
    outcomes->provenance = facts;
}

gv_status gv_outcomes_read(gv_store *store, int64_t run_id, bool with_ticks, gv_outcomes **out)
{
    gv_outcomes *outcomes = gv_mem_alloc(sizeof *outcomes, 0, 0);
    if (outcomes == NULL) {
        return GV_FAIL(GV_ENOMEM, "reading %s", store->path);
    }
    reading at = {.store = store, .outcomes = outcomes};
    int64_t version = 0;
    /* One snapshot for all queries: a run may be going on in another process. */
    at.status = gv_sql_run(store, "BEGIN", "read a run");
    if (at.status == GV_OK) {
        at.status = gv_sql_integer(store, "PRAGMA user_version", &version);
    }
    if (at.status == GV_OK) {
        at.status = read_run(&at, run_id);
    }
    if (at.status == GV_OK && version >= GV_SCHEMA_WINBACK) {
        at.status = refuse_winback(&at);
    }
    if (at.status == GV_OK) {
        read_run_facts(&at);
    }
    if (at.status == GV_OK) {
        read_cells(&at, with_ticks, version >= GV_SCHEMA_SEAT);
    }
    if (sqlite3_get_autocommit(store->db) == 0) {
        (void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    }
    if (at.status != GV_OK) {
        gv_outcomes_destroy(outcomes);
        return at.status;
    }
    *out = outcomes;
    return GV_OK;
}

void gv_outcomes_destroy(gv_outcomes *outcomes)
{
    if (outcomes == NULL) {
        return;
    }
    struct gv_outcome_block *block = outcomes->blocks;
    while (block != NULL) {
        struct gv_outcome_block *next = block->next;
        gv_mem_free(block);
        block = next;
    }
    gv_mem_free(outcomes);
}

const char *gv_outcomes_fact(const gv_outcomes *outcomes, const char *name)
{
    for (size_t i = 0; i < outcomes->provenance_count; i++) {
        if (strcmp(outcomes->provenance[i].name, name) == 0) {
            return outcomes->provenance[i].value;
        }
    }
    return NULL;
}
