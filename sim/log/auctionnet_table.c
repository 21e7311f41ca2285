/*
 * Rows become columns by advertiser. Each advertiser counts its own rows, so opportunities sorted
 * either way land in the same place, and a row that is missing or twice there shows as an
 * opportunity number that differs from the others'.
 */
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/number.h"
#include "sim/log/auctionnet_impl.h"

enum { FIRST_ADVERTISERS = 64, FIRST_OPPORTUNITIES = 1024, SHOWN_MAX = 40 };

/* A budget that is used up to the last bit may be left with the rounding of its sum. */
#define ROUNDING 1e-6

/* What a column of the table holds: bytes of an element, and the range of its numbers. */
typedef struct cell_kind {
    size_t size; /* 0: no column of the table */
    double minimum;
    double maximum;
    const char *expected;
} cell_kind;

#define REAL_KIND                                 \
    {                                             \
        8, 0.0, HUGE_VAL, "a number of 0 or more" \
    }
#define SHARE_KIND                               \
    {                                            \
        8, 0.0, 1.0, "a probability from 0 to 1" \
    }
#define FLAG_KIND             \
    {                         \
        1, 0.0, 1.0, "0 or 1" \
    }

static const cell_kind kinds[GV_AUCTIONNET_COLUMNS] = {
    [GV_AUCTIONNET_VALUE] = SHARE_KIND,
    [GV_AUCTIONNET_SIGMA] = REAL_KIND,
    [GV_AUCTIONNET_BID] = REAL_KIND,
    [GV_AUCTIONNET_COST] = REAL_KIND,
    [GV_AUCTIONNET_LEAST_COST] = REAL_KIND,
    [GV_AUCTIONNET_WON] = FLAG_KIND,
    [GV_AUCTIONNET_SLOT] = {1, 0.0, 255.0, "a slot from 0 to 255"},
    [GV_AUCTIONNET_EXPOSED] = FLAG_KIND,
    [GV_AUCTIONNET_CONVERTED] = FLAG_KIND,
};

const char *gv_auctionnet_column_name(gv_auctionnet_column column)
{
    static const char *const names[GV_AUCTIONNET_COLUMNS] = {
#define X(name, text) [name] = (text),
        GV_AUCTIONNET_LIST(X)
#undef X
    };
    assert(column < GV_AUCTIONNET_COLUMNS);
    return names[column];
}

static gv_status refuse(const gv_auctionnet_row *row, size_t column, const char *expected)
{
    const gv_span cell = gv_auctionnet_cell(row, column);
    const int shown = cell.size < SHOWN_MAX ? (int)cell.size : SHOWN_MAX;
    return GV_FAIL(GV_EPARSE, "%s:%" PRIu64 ": column %s: expected %s, found '%.*s'",
                   row->layout->path, row->line,
                   gv_auctionnet_column_name((gv_auctionnet_column)column), expected, shown,
                   cell.bytes);
}

gv_status gv_auctionnet_whole_slowly(const gv_auctionnet_row *row, size_t column, uint64_t maximum,
                                     uint64_t *value)
{
    const gv_span cell = gv_auctionnet_cell(row, column);
    double real = -1.0;
    if (gv_number_real(cell.bytes, cell.size, &real) != NULL || real < 0.0 ||
        real > (double)maximum || real != floor(real)) {
        char expected[64];
        (void)snprintf(expected, sizeof expected, "a whole number from 0 to %" PRIu64, maximum);
        return refuse(row, column, expected);
    }
    *value = (uint64_t)real;
    return GV_OK;
}

/* Most cells of a log are "0.0" or "1.0". */
static inline bool real_at_once(gv_span cell, double *value)
{
    const unsigned digit = cell.size == 3 ? (unsigned)(unsigned char)cell.bytes[0] - '0' : 10;
    *value = (double)digit;
    return digit <= 9 && cell.bytes[1] == '.' && cell.bytes[2] == '0';
}

static inline gv_status read_real(const gv_auctionnet_row *row, size_t column,
                                  const cell_kind *kind, double *value)
{
    const gv_span cell = gv_auctionnet_cell(row, column);
    double found = 0.0;
    if (!real_at_once(cell, &found) && gv_number_real(cell.bytes, cell.size, &found) != NULL) {
        return refuse(row, column, kind->expected);
    }
    if (!(found >= kind->minimum && found <= kind->maximum) ||
        (kind->size == 1 && found != floor(found))) {
        return refuse(row, column, kind->expected);
    }
    *value = found;
    return GV_OK;
}

void gv_auctionnet_table_fini(gv_auctionnet_table *table)
{
    gv_mem_free(table->block);
}

static bool holds(const gv_auctionnet_table *table, size_t column)
{
    return kinds[column].size > 0 && (table->wanted >> column & 1) != 0;
}

/* What one opportunity takes, all advertisers' cells together. */
static size_t bytes_of_opportunity(const gv_auctionnet_table *table, size_t advertisers)
{
    size_t bytes = 0;
    for (size_t column = 0; column < GV_AUCTIONNET_COLUMNS; column++) {
        bytes += holds(table, column) ? kinds[column].size : 0;
    }
    return bytes * advertisers + sizeof(uint64_t);
}

static void move_column(gv_auctionnet_table *table, size_t column, unsigned char *to,
                        size_t capacity)
{
    const size_t size = kinds[column].size;
    const unsigned char *from = table->columns[column];
    for (size_t i = 0; i < table->advertiser_count && from != NULL; i++) {
        memcpy(to + i * capacity * size, from + i * table->capacity * size, table->fills[i] * size);
    }
    table->columns[column] = to;
}

/* Moves everything to a block with more room. Capacities are multiples of 8, so all is aligned. */
static gv_status grow(gv_auctionnet_table *table, size_t advertisers, size_t capacity)
{
    unsigned char *block = gv_mem_alloc_vector(capacity, bytes_of_opportunity(table, advertisers));
    if (block == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a tick of %zu advertisers and %zu opportunities",
                       advertisers, capacity);
    }
    if (table->count > 0) {
        memcpy(block, table->opportunities, table->count * sizeof *table->opportunities);
    }
    table->opportunities = (uint64_t *)(void *)block;
    unsigned char *at = block + capacity * sizeof *table->opportunities;
    for (size_t column = 0; column < GV_AUCTIONNET_COLUMNS; column++) {
        if (holds(table, column)) {
            move_column(table, column, at, capacity);
            at += advertisers * capacity * kinds[column].size;
        }
    }
    gv_mem_free(table->block);
    table->block = block;
    table->advertiser_capacity = advertisers;
    table->capacity = capacity;
    return GV_OK;
}

static gv_status reserve(gv_auctionnet_table *table, size_t advertisers, size_t count)
{
    size_t capacity = table->capacity > 0 ? table->capacity : FIRST_OPPORTUNITIES;
    size_t people = table->advertiser_capacity > 0 ? table->advertiser_capacity : FIRST_ADVERTISERS;
    while (people < advertisers) {
        people *= 2;
    }
    while (capacity < count) {
        capacity *= 2;
    }
    return grow(table, people, capacity);
}

void gv_auctionnet_table_begin_period(gv_auctionnet_table *table, uint64_t period)
{
    table->period = period;
    table->advertiser_count = 0;
    table->is_settled = false;
    memset(table->index_of, 0, sizeof table->index_of);
}

void gv_auctionnet_table_begin_tick(gv_auctionnet_table *table, size_t tick, uint64_t line)
{
    table->tick = tick;
    table->line = line;
    table->count = 0;
    memset(table->fills, 0, table->advertiser_count * sizeof table->fills[0]);
}

static gv_status meet(gv_auctionnet_table *table, const gv_auctionnet_row *row, uint64_t number)
{
    if (table->is_settled) {
        return GV_FAIL(GV_EPARSE,
                       "%s:%" PRIu64 ": advertiser %" PRIu64
                       " appears in tick %zu of period %" PRIu64
                       ", expected the %zu advertisers of its first tick",
                       row->layout->path, row->line, number, table->tick, table->period,
                       table->advertiser_count);
    }
    if (table->advertiser_count == GV_AUCTIONNET_ADVERTISERS_MAX) {
        return GV_FAIL(GV_EPARSE, "%s:%" PRIu64 ": more than %d advertisers in a period",
                       row->layout->path, row->line, GV_AUCTIONNET_ADVERTISERS_MAX);
    }
    const size_t index = table->advertiser_count;
    if (index == table->advertiser_capacity || table->block == NULL) {
        GV_TRY(reserve(table, index + 1, 1));
    }
    table->advertisers[index] = (gv_auctionnet_advertiser){.number = (uint32_t)number};
    table->fills[index] = 0;
    table->index_of[number] = (uint16_t)(index + 1);
    table->advertiser_count++;
    return GV_OK;
}

static gv_status read_left(const gv_auctionnet_row *row, double *value)
{
    static const cell_kind kind = {8, -ROUNDING, HUGE_VAL, "a number of 0 or more"};
    return read_real(row, GV_AUCTIONNET_BUDGET_LEFT, &kind, value);
}

static gv_status read_advertiser(const gv_auctionnet_table *table, const gv_auctionnet_row *row,
                                 gv_auctionnet_advertiser *advertiser)
{
    static const cell_kind money = REAL_KIND;
    gv_auctionnet_advertiser now = {.number = advertiser->number};
    uint64_t category = 0;
    uint64_t end = 0;
    GV_TRY(gv_auctionnet_whole(row, GV_AUCTIONNET_CATEGORY, UINT16_MAX, &category));
    GV_TRY(read_real(row, GV_AUCTIONNET_BUDGET, &money, &now.budget));
    GV_TRY(read_real(row, GV_AUCTIONNET_CPA, &money, &now.cpa));
    GV_TRY(read_left(row, &now.budget_left));
    GV_TRY(gv_auctionnet_whole(row, GV_AUCTIONNET_END, 1, &end));
    now.category = (uint32_t)category;
    now.has_ended = end == 1;
    const bool is_same = now.category == advertiser->category && now.budget == advertiser->budget &&
                         now.cpa == advertiser->cpa;
    if (table->is_settled && !is_same) {
        return GV_FAIL(GV_EPARSE,
                       "%s:%" PRIu64 ": advertiser %" PRIu32 " has category %" PRIu32
                       ", budget %g and CPA %g, expected %" PRIu32 ", %g and %g as before in the "
                       "period",
                       row->layout->path, row->line, now.number, now.category, now.budget, now.cpa,
                       advertiser->category, advertiser->budget, advertiser->cpa);
    }
    *advertiser = now;
    return GV_OK;
}

static gv_status refuse_opportunity(const gv_auctionnet_table *table, const gv_auctionnet_row *row,
                                    uint32_t number, size_t place, uint64_t found)
{
    return GV_FAIL(GV_EPARSE,
                   "%s:%" PRIu64 ": column pvIndex: expected %" PRIu64 " for advertiser %" PRIu32
                   ", as for the others, found %" PRIu64
                   ": a row is missing, twice there or out of order",
                   row->layout->path, row->line, table->opportunities[place], number, found);
}

/* Read once an opportunity where rows are sorted by it: the text is the row's before. */
static inline gv_status read_least_cost(gv_auctionnet_table *table, const gv_auctionnet_row *row,
                                        double *value)
{
    const gv_span cell = gv_auctionnet_cell(row, GV_AUCTIONNET_LEAST_COST);
    if (cell.size == 0 || cell.size != table->least_size ||
        memcmp(cell.bytes, table->least_text, cell.size) != 0) {
        const cell_kind *kind = &kinds[GV_AUCTIONNET_LEAST_COST];
        GV_TRY(read_real(row, GV_AUCTIONNET_LEAST_COST, kind, &table->least_cost));
        table->least_size = cell.size <= GV_AUCTIONNET_TEXT ? cell.size : 0;
        memcpy(table->least_text, cell.bytes, table->least_size);
    }
    *value = table->least_cost;
    return GV_OK;
}

static inline gv_status take_cells(gv_auctionnet_table *table, const gv_auctionnet_row *row,
                                   size_t place)
{
    if (table->columns[GV_AUCTIONNET_LEAST_COST] != NULL) {
        double *const to = table->columns[GV_AUCTIONNET_LEAST_COST];
        GV_TRY(read_least_cost(table, row, &to[place]));
    }
    for (size_t column = GV_AUCTIONNET_VALUE; column < GV_AUCTIONNET_LEAST_COST; column++) {
        if (table->columns[column] == NULL) {
            continue;
        }
        double value = 0.0;
        GV_TRY(read_real(row, column, &kinds[column], &value));
        if (kinds[column].size == 1) {
            ((uint8_t *)table->columns[column])[place] = (uint8_t)value;
        } else {
            ((double *)table->columns[column])[place] = value;
        }
    }
    return GV_OK;
}

gv_status gv_auctionnet_table_add(gv_auctionnet_table *table, const gv_auctionnet_row *row)
{
    uint64_t number = 0;
    uint64_t opportunity = 0;
    GV_TRY(gv_auctionnet_whole(row, GV_AUCTIONNET_ADVERTISER, GV_AUCTIONNET_NUMBERS - 1, &number));
    GV_TRY(gv_auctionnet_whole(row, GV_AUCTIONNET_OPPORTUNITY, INT64_MAX, &opportunity));
    if (table->index_of[number] == 0) {
        GV_TRY(meet(table, row, number));
    }
    const size_t index = table->index_of[number] - 1U;
    const size_t place = table->fills[index];
    if (place == 0) {
        GV_TRY(read_advertiser(table, row, &table->advertisers[index]));
    }
    if (place == table->count) {
        if (place == table->capacity) {
            GV_TRY(reserve(table, table->advertiser_capacity, place + 1));
        }
        table->opportunities[place] = opportunity;
        table->count++;
    }
    if (table->opportunities[place] != opportunity) {
        return refuse_opportunity(table, row, (uint32_t)number, place, opportunity);
    }
    GV_TRY(take_cells(table, row, index * table->capacity + place));
    table->fills[index]++;
    return GV_OK;
}

gv_status gv_auctionnet_table_end_tick(gv_auctionnet_table *table, const char *path, uint64_t line)
{
    for (size_t i = 0; i < table->advertiser_count; i++) {
        if (table->fills[i] != table->count) {
            return GV_FAIL(GV_EPARSE,
                           "%s:%" PRIu64 ": tick %zu of period %" PRIu64 " ends with %zu rows of "
                           "advertiser %" PRIu32 ", expected %zu as of the others%s",
                           path, line, table->tick, table->period, table->fills[i],
                           table->advertisers[i].number, table->count,
                           table->fills[i] == 0 ? ": it vanished" : "");
        }
    }
    table->is_settled = true;
    return GV_OK;
}
