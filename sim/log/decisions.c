#include "sim/log/decisions.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/number.h"
#include "sim/log/csv_impl.h"
#include "sim/log/dictionary_impl.h"

enum { CONTEXTS = GV_DECISION_CONTEXTS_MAX + 1 };

#define NO_COLUMN UINT32_MAX

struct gv_decision_words {
    gv_dictionary actions;
    gv_dictionary clusters;
    gv_dictionary contexts[CONTEXTS];
};

/* Where each meaning lies in a row. */
typedef struct places {
    uint32_t action;
    uint32_t dose;
    uint32_t target;
    uint32_t price;
    uint32_t spend;
    uint32_t reward;
    uint32_t propensity;
    uint32_t cluster;
    uint32_t contexts[CONTEXTS];
} places;

/* What is read with. */
typedef struct reading {
    const char *path;
    const gv_decision_columns *columns;
    gv_decisions *decisions;
    size_t capacity;     /* rows */
    size_t column_count; /* cells of the header; 0: not met yet */
    places places;
    gv_input *input;
    gv_csv *csv;
    char *buffer;
} reading;

gv_decision_columns gv_decision_columns_open_bandit(void)
{
    return (gv_decision_columns){
        .action = "item_id",
        .reward = "click",
        .propensity = "propensity_score",
        .position = "position",
        .cluster = "timestamp",
        .cluster_bytes = sizeof "2019-11-24 00" - 1,
        .contexts = {"user_feature_0", "user_feature_1", "user_feature_2", "user_feature_3"},
        .context_count = 4,
        .reject_share_max = 0.01,
    };
}

gv_decision_columns gv_decision_columns_plain(void)
{
    return (gv_decision_columns){
        .action = "action",
        .reward = "reward",
        .propensity = "propensity",
        .reject_share_max = 0.01,
    };
}

static gv_status no_memory(const reading *at)
{
    return GV_FAIL(GV_ENOMEM, "%s: no memory for %zu decisions", at->path, at->capacity);
}

static bool grow_codes(uint32_t **codes, size_t capacity)
{
    uint32_t *grown = gv_mem_resize(*codes, capacity, sizeof *grown);
    if (grown != NULL) {
        *codes = grown;
    }
    return grown != NULL;
}

static bool grow_reals(double **reals, size_t capacity)
{
    double *grown = gv_mem_resize(*reals, capacity, sizeof *grown);
    if (grown != NULL) {
        *reals = grown;
    }
    return grown != NULL;
}

static gv_status make_room(reading *at)
{
    gv_decisions *decisions = at->decisions;
    if (decisions->count < at->capacity) {
        return GV_OK;
    }
    const size_t capacity = at->capacity == 0 ? 1024 : 2 * at->capacity;
    const gv_decision_columns *columns = at->columns;
    bool done = grow_reals(&decisions->rewards, capacity) &&
                (columns->action == NULL || grow_codes(&decisions->actions, capacity)) &&
                (columns->dose == NULL || grow_reals(&decisions->doses, capacity)) &&
                (columns->target == NULL || grow_reals(&decisions->targets, capacity)) &&
                (columns->price == NULL || grow_reals(&decisions->prices, capacity)) &&
                (columns->spend == NULL || grow_reals(&decisions->spends, capacity)) &&
                (columns->propensity == NULL || grow_reals(&decisions->propensities, capacity)) &&
                (columns->cluster == NULL || grow_codes(&decisions->clusters, capacity));
    for (size_t i = 0; done && i < decisions->context_count; i++) {
        done = grow_codes(&decisions->contexts[i], capacity);
    }
    if (!done) {
        return no_memory(at);
    }
    at->capacity = capacity;
    return GV_OK;
}

/* --- the header ---------------------------------------------------------------------------- */

static gv_status find_column(const reading *at, const gv_rows *rows, uint32_t first,
                             const char *name, uint32_t *place)
{
    *place = NO_COLUMN;
    if (name == NULL) {
        return GV_OK;
    }
    char header[256] = "";
    size_t used = 0;
    const size_t size = strlen(name);
    for (uint32_t i = 0; i < at->column_count; i++) {
        const gv_span cell = gv_rows_field(rows, first + i);
        if (cell.size == size && memcmp(cell.bytes, name, size) == 0) {
            *place = i;
            return GV_OK;
        }
        if (used < sizeof header) {
            used +=
                (size_t)snprintf(header + used, sizeof header - used, "%s%.*s", i == 0 ? "" : ", ",
                                 (int)(cell.size < 64 ? cell.size : 64), cell.bytes);
        }
    }
    return GV_FAIL(GV_EUSAGE, "%s:1: no column '%s'; the header has: %s", at->path, name, header);
}

static gv_status take_header(reading *at, const gv_rows *rows, size_t row)
{
    const gv_decision_columns *columns = at->columns;
    const uint32_t first = rows->firsts[row];
    at->column_count = rows->firsts[row + 1] - first;
    GV_TRY(find_column(at, rows, first, columns->action, &at->places.action));
    GV_TRY(find_column(at, rows, first, columns->dose, &at->places.dose));
    GV_TRY(find_column(at, rows, first, columns->target, &at->places.target));
    GV_TRY(find_column(at, rows, first, columns->price, &at->places.price));
    GV_TRY(find_column(at, rows, first, columns->spend, &at->places.spend));
    GV_TRY(find_column(at, rows, first, columns->reward, &at->places.reward));
    GV_TRY(find_column(at, rows, first, columns->propensity, &at->places.propensity));
    GV_TRY(find_column(at, rows, first, columns->cluster, &at->places.cluster));
    size_t count = 0;
    if (columns->position != NULL) {
        GV_TRY(find_column(at, rows, first, columns->position, &at->places.contexts[count++]));
    }
    for (size_t i = 0; i < columns->context_count; i++) {
        GV_TRY(find_column(at, rows, first, columns->contexts[i], &at->places.contexts[count++]));
    }
    return GV_OK;
}

/* --- rows ---------------------------------------------------------------------------------- */

static void reject(reading *at, uint64_t line, const char *name, gv_span cell, const char *reason)
{
    gv_decisions *decisions = at->decisions;
    if (decisions->reject_count++ > 0) {
        return;
    }
    (void)snprintf(decisions->first_reject, sizeof decisions->first_reject, "%s:%llu: %s '%.*s' %s",
                   at->path, (unsigned long long)line, name, (int)(cell.size < 40 ? cell.size : 40),
                   cell.size == 0 ? "" : cell.bytes, reason);
}

/* A number of the row, or a reject and false. */
static bool read_number(reading *at, uint64_t line, const char *name, gv_span cell, double *value)
{
    const char *wrong = gv_number_real(cell.bytes, cell.size, value);
    if (wrong != NULL) {
        reject(at, line, name, cell, wrong);
    }
    return wrong == NULL;
}

static bool read_propensity(reading *at, uint64_t line, gv_span cell, double *value)
{
    const char *name = at->columns->propensity;
    if (!read_number(at, line, name, cell, value)) {
        return false;
    }
    const bool is_density = at->columns->dose != NULL;
    if (!(*value > 0 && (is_density || *value <= 1))) {
        reject(at, line, name, cell,
               is_density ? "is no density above 0" : "is no probability of (0, 1]");
        return false;
    }
    return true;
}

static gv_status encode(gv_dictionary *dictionary, gv_span text, uint32_t *code)
{
    return gv_dictionary_encode(dictionary, &text, NULL, 1, code);
}

static gv_status add_codes(reading *at, const gv_rows *rows, uint32_t first)
{
    gv_decisions *decisions = at->decisions;
    gv_decision_words *words = decisions->words;
    const size_t row = decisions->count;
    if (decisions->actions != NULL) {
        GV_TRY(encode(&words->actions, gv_rows_field(rows, first + at->places.action),
                      &decisions->actions[row]));
    }
    if (decisions->clusters != NULL) {
        gv_span text = gv_rows_field(rows, first + at->places.cluster);
        const size_t most = at->columns->cluster_bytes;
        text.size = most > 0 && text.size > most ? most : text.size;
        GV_TRY(encode(&words->clusters, text, &decisions->clusters[row]));
    }
    for (size_t i = 0; i < decisions->context_count; i++) {
        GV_TRY(encode(&words->contexts[i], gv_rows_field(rows, first + at->places.contexts[i]),
                      &decisions->contexts[i][row]));
    }
    return GV_OK;
}

/* The numbers of a row; 0 where there is no such column. */
typedef struct row_reals {
    double reward;
    double propensity;
    double dose;
    double target;
    double price;
    double spend;
} row_reals;

/* True where there is no such column, too. */
static bool read_if_there(reading *at, const gv_rows *rows, size_t row, uint32_t place,
                          const char *name, double *value)
{
    return place == NO_COLUMN || read_number(at, gv_rows_line(rows, row), name,
                                             gv_rows_field(rows, rows->firsts[row] + place), value);
}

/* False: the row is a reject, and counted. */
static bool check_row(reading *at, const gv_rows *rows, size_t row)
{
    const uint64_t line = gv_rows_line(rows, row);
    const uint32_t first = rows->firsts[row];
    const size_t cells = rows->firsts[row + 1] - first;
    if (rows->faults != NULL && rows->faults[row] != GV_ROW_WHOLE) {
        reject(at, line, "the row", (gv_span){NULL, 0}, "has a stray quote or is overlong");
        return false;
    }
    if (cells != at->column_count) {
        reject(at, line, "the row", gv_rows_field(rows, first), "has not the header's cells");
        return false;
    }
    const gv_span action = gv_rows_field(
        rows, first + (at->places.action == NO_COLUMN ? at->places.dose : at->places.action));
    if (action.size == 0) {
        reject(at, line, at->columns->action == NULL ? at->columns->dose : at->columns->action,
               action, "is empty");
        return false;
    }
    return true;
}

/* Of an auction: without a price it was lost, and earned nothing. */
static bool read_auction(reading *at, const gv_rows *rows, size_t row, row_reals *out)
{
    const places *of = &at->places;
    const bool is_auction = of->price != NO_COLUMN;
    const bool lost = is_auction && gv_rows_field(rows, rows->firsts[row] + of->price).size == 0;
    const bool has_reward = !lost || gv_rows_field(rows, rows->firsts[row] + of->reward).size > 0;
    out->price = (double)NAN;
    return read_if_there(at, rows, row, lost ? NO_COLUMN : of->price, at->columns->price,
                         &out->price) &&
           read_if_there(at, rows, row, has_reward ? of->reward : NO_COLUMN, at->columns->reward,
                         &out->reward);
}

/* An empty one is nothing: a bid that lost. */
static bool read_spend(reading *at, const gv_rows *rows, size_t row, double *value)
{
    const uint32_t place = at->places.spend;
    const gv_span cell =
        place == NO_COLUMN ? (gv_span){NULL, 0} : gv_rows_field(rows, rows->firsts[row] + place);
    const uint64_t line = gv_rows_line(rows, row);
    const char *name = at->columns->spend;
    if (cell.size == 0) {
        return true;
    }
    if (!read_number(at, line, name, cell, value)) {
        return false;
    }
    if (*value < 0) {
        reject(at, line, name, cell, "is a spend below 0");
        return false;
    }
    return true;
}

static bool read_reals(reading *at, const gv_rows *rows, size_t row, row_reals *out)
{
    const gv_decision_columns *columns = at->columns;
    const places *of = &at->places;
    return check_row(at, rows, row) && read_auction(at, rows, row, out) &&
           read_spend(at, rows, row, &out->spend) &&
           read_if_there(at, rows, row, of->dose, columns->dose, &out->dose) &&
           read_if_there(at, rows, row, of->target, columns->target, &out->target) &&
           (of->propensity == NO_COLUMN ||
            read_propensity(at, gv_rows_line(rows, row),
                            gv_rows_field(rows, rows->firsts[row] + of->propensity),
                            &out->propensity));
}

static void put_reals(gv_decisions *decisions, const row_reals *reals)
{
    const size_t row = decisions->count;
    decisions->rewards[row] = reals->reward;
    if (decisions->propensities != NULL) {
        decisions->propensities[row] = reals->propensity;
    }
    if (decisions->doses != NULL) {
        decisions->doses[row] = reals->dose;
    }
    if (decisions->targets != NULL) {
        decisions->targets[row] = reals->target;
    }
    if (decisions->prices != NULL) {
        decisions->prices[row] = reals->price;
    }
    if (decisions->spends != NULL) {
        decisions->spends[row] = reals->spend;
    }
}

static gv_status take_row(reading *at, const gv_rows *rows, size_t row)
{
    const uint32_t first = rows->firsts[row];
    const size_t cells = rows->firsts[row + 1] - first;
    if (cells == 0 || (cells == 1 && gv_rows_field(rows, first).size == 0)) {
        return GV_OK;
    }
    if (at->column_count == 0) {
        return take_header(at, rows, row);
    }
    row_reals reals = {0};
    if (!read_reals(at, rows, row, &reals)) {
        return GV_OK;
    }
    GV_TRY(make_room(at));
    GV_TRY(add_codes(at, rows, first));
    put_reals(at->decisions, &reals);
    at->decisions->count++;
    return GV_OK;
}

/* --- the whole file ------------------------------------------------------------------------ */

static gv_status check_result(const reading *at)
{
    const gv_decisions *decisions = at->decisions;
    const double rows = (double)decisions->count + (double)decisions->reject_count;
    if ((double)decisions->reject_count > at->columns->reject_share_max * rows) {
        return GV_FAIL(GV_EREJECTS,
                       "%s: %llu of %.0f rows cannot be used, more than %g %%; first: %s", at->path,
                       (unsigned long long)decisions->reject_count, rows,
                       100 * at->columns->reject_share_max, decisions->first_reject);
    }
    if (decisions->count == 0) {
        return GV_FAIL(GV_EPARSE, "%s: no decision in it: expected a header and rows", at->path);
    }
    return GV_OK;
}

static gv_status read_all(reading *at)
{
    at->buffer = gv_mem_alloc_vector(GV_INPUT_ROOM + GV_INPUT_PAD, 1);
    if (at->buffer == NULL) {
        return no_memory(at);
    }
    GV_TRY(gv_input_open(at->path, &at->input));
    GV_TRY(gv_csv_create(',', &at->csv));
    bool has_ended = false;
    while (!has_ended) {
        const gv_rows *rows = NULL;
        GV_TRY(gv_csv_read(at->csv, at->input, at->buffer, &rows, &has_ended));
        for (size_t row = 0; row < rows->row_count; row++) {
            GV_TRY(take_row(at, rows, row));
        }
    }
    return check_result(at);
}

static gv_decisions *make_empty(const gv_decision_columns *columns)
{
    gv_decisions *decisions = gv_mem_alloc(sizeof *decisions, 0, 0);
    if (decisions == NULL) {
        return NULL;
    }
    decisions->words = gv_mem_alloc(sizeof *decisions->words, 0, 0);
    decisions->has_position = columns->position != NULL;
    decisions->context_count = columns->context_count + (decisions->has_position ? 1 : 0);
    if (decisions->words == NULL) {
        gv_decisions_destroy(decisions);
        return NULL;
    }
    return decisions;
}

gv_status gv_decisions_read(const char *path, const gv_decision_columns *columns,
                            gv_decisions **out)
{
    assert((columns->action != NULL || columns->dose != NULL) && columns->reward != NULL);
    assert(columns->context_count <= GV_DECISION_CONTEXTS_MAX);
    reading at = {.path = path, .columns = columns, .decisions = make_empty(columns)};
    gv_status status = at.decisions == NULL ? no_memory(&at) : read_all(&at);
    gv_mem_free(at.buffer);
    gv_csv_destroy(at.csv);
    gv_input_close(at.input);
    if (status != GV_OK) {
        gv_decisions_destroy(at.decisions);
        return status;
    }
    assert(at.decisions != NULL);
    at.decisions->cluster_count =
        at.decisions->clusters == NULL ? at.decisions->count : at.decisions->words->clusters.count;
    *out = at.decisions;
    return GV_OK;
}

void gv_decisions_destroy(gv_decisions *decisions)
{
    if (decisions == NULL) {
        return;
    }
    gv_mem_free(decisions->actions);
    gv_mem_free(decisions->rewards);
    gv_mem_free(decisions->doses);
    gv_mem_free(decisions->targets);
    gv_mem_free(decisions->prices);
    gv_mem_free(decisions->spends);
    gv_mem_free(decisions->propensities);
    gv_mem_free(decisions->clusters);
    for (size_t i = 0; i < CONTEXTS; i++) {
        gv_mem_free(decisions->contexts[i]);
    }
    if (decisions->words != NULL) {
        gv_dictionary_fini(&decisions->words->actions);
        gv_dictionary_fini(&decisions->words->clusters);
        for (size_t i = 0; i < CONTEXTS; i++) {
            gv_dictionary_fini(&decisions->words->contexts[i]);
        }
    }
    gv_mem_free(decisions->words);
    gv_mem_free(decisions);
}

size_t gv_decisions_action_count(const gv_decisions *decisions)
{
    return decisions->words->actions.count;
}

gv_span gv_decisions_action(const gv_decisions *decisions, uint32_t code)
{
    return gv_dictionary_text(&decisions->words->actions, code);
}

size_t gv_decisions_level_count(const gv_decisions *decisions, size_t context)
{
    return decisions->words->contexts[context].count;
}

gv_span gv_decisions_level(const gv_decisions *decisions, size_t context, uint32_t code)
{
    return gv_dictionary_text(&decisions->words->contexts[context], code);
}
