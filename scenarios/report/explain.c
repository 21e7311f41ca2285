#include "scenarios/report/explain.h"

#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "scenarios/report/format.h"
#include "sim/base/money.h"

/* What is told of a tick, in the order of the table. */
typedef struct figure {
    const char *key; /* in JSON */
    const char *title;
    const char *unit;
    size_t offset; /* of the number in gv_explained_tick */
    double factor; /* in the table */
    int decimals;
} figure;

#define OF(field) offsetof(gv_explained_tick, field)

static const figure figures[] = {
    {"budget_left", "budget", "left %", OF(left), 100, 1},
    {"budget_left_planned", "", "planned", OF(left_planned), 100, 1},
    {"budget_left_at_first", "", "at first", OF(left_at_first), 100, 1},
    {"spend", "spend", "", OF(spend), 1, 2},
    {"conversions", "conver-", "sions", OF(conversions), 1, 0},
    {"conversions_planned", "", "planned", OF(conversions_planned), 1, 1},
    {"multiplier", "multi-", "plier", OF(multiplier), 1, 2},
    {"action", "really", "bid", OF(action), 1, 2},
    {"oracle", "oracle's", "", OF(oracle), 1, 2},
    {"return_target", "return", "target", OF(return_target), 1, 3},
    {"expertness", "expert-", "ness", OF(expertness), 1, 3},
};

enum { FIGURES = sizeof figures / sizeof figures[0], TEXT_SIZE = 64, AT_FIRST = 2 };

static double value_of(const gv_explained_tick *tick, const figure *of)
{
    double value = 0;
    memcpy(&value, (const unsigned char *)tick + of->offset, sizeof value);
    return value;
}

static bool is_known(const gv_explained *explained, const figure *of)
{
    for (size_t i = 0; i < explained->tick_count; i++) {
        if (!isnan(value_of(&explained->ticks[i], of))) {
            return true;
        }
    }
    return false;
}

/* ---- for people ------------------------------------------------------------------------------ */

static void print_heading(FILE *stream, const gv_explained *explained)
{
    const gv_cell_record *cell = explained->cell;
    const double unit = (double)GV_NANOS_PER_UNIT;
    char budget[TEXT_SIZE];
    gv_format_number((double)cell->campaign->budget_nanos / unit, 2, budget, sizeof budget);
    (void)fprintf(stream,
                  "Campaign %s under %s (%s), period %" PRIu64 ", %s\n"
                  "  budget %s, CPA %.2f, score %.2f; the oracle in its place scores %.2f\n\n",
                  cell->campaign->name, cell->policy, cell->policy_type, cell->seat->period,
                  strcmp(cell->seat->rivals, "market") == 0  ? "in the market itself"
                  : strcmp(cell->seat->rivals, "fixed") == 0 ? "rivals as recorded"
                                                             : "rivals that react",
                  budget, (double)cell->campaign->cpa_nanos / unit, explained->score,
                  explained->oracle_score);
}

static void fill_row(gv_table *table, const gv_explained *explained, size_t tick,
                     const size_t *shown, size_t count)
{
    gv_table_set(table, tick, 0, "%zu", tick);
    for (size_t c = 0; c < count; c++) {
        const figure *of = &figures[shown[c]];
        char text[TEXT_SIZE];
        gv_format_number(value_of(&explained->ticks[tick], of) * of->factor, of->decimals, text,
                         sizeof text);
        gv_table_set(table, tick, c + 1, "%s", text);
    }
}

gv_status gv_explain_print(FILE *stream, const gv_explained *explained,
                           const gv_report_options *options)
{
    gv_table_column columns[FIGURES + 1] = {{.title = "tick", .unit = ""}};
    size_t shown[FIGURES];
    size_t count = 0;
    gv_table *table = NULL;
    for (size_t i = 0; i < FIGURES; i++) {
        if (i != AT_FIRST && is_known(explained, &figures[i])) { /* that is for the picture */
            shown[count++] = i;
            columns[count] = (gv_table_column){.title = figures[i].title, .unit = figures[i].unit};
        }
    }
    GV_TRY(gv_table_create(columns, count + 1, explained->tick_count, &table));
    for (size_t tick = 0; tick < explained->tick_count; tick++) {
        fill_row(table, explained, tick, shown, count);
    }
    print_heading(stream, explained);
    gv_table_print(table, stream, options);
    gv_table_destroy(table);
    return GV_OK;
}

/* ---- for programs ---------------------------------------------------------------------------- */

static json_t *tick_json(const gv_explained *explained, size_t tick)
{
    json_t *row = json_object();
    (void)json_object_set_new(row, "tick", json_integer((json_int_t)tick));
    for (size_t i = 0; i < FIGURES; i++) {
        const double value = value_of(&explained->ticks[tick], &figures[i]);
        if (isfinite(value)) {
            (void)json_object_set_new(row, figures[i].key, json_real(value));
        }
    }
    return row;
}

void gv_explain_json(FILE *stream, const gv_explained *explained)
{
    const gv_cell_record *cell = explained->cell;
    const double unit = (double)GV_NANOS_PER_UNIT;
    json_t *root = json_object();
    json_t *ticks = json_array();
    (void)json_object_set_new(root, "campaign", json_string(cell->campaign->name));
    (void)json_object_set_new(root, "policy", json_string(cell->policy));
    (void)json_object_set_new(root, "type", json_string(cell->policy_type));
    (void)json_object_set_new(root, "period", json_integer((json_int_t)cell->seat->period));
    (void)json_object_set_new(root, "rivals", json_string(cell->seat->rivals));
    (void)json_object_set_new(root, "budget",
                              json_real((double)cell->campaign->budget_nanos / unit));
    (void)json_object_set_new(root, "cpa", json_real((double)cell->campaign->cpa_nanos / unit));
    (void)json_object_set_new(root, "score", json_real(explained->score));
    (void)json_object_set_new(root, "oracle_score", json_real(explained->oracle_score));
    for (size_t tick = 0; tick < explained->tick_count; tick++) {
        (void)json_array_append_new(ticks, tick_json(explained, tick));
    }
    (void)json_object_set_new(root, "ticks", ticks);
    (void)json_dumpf(root, stream, JSON_INDENT(1));
    (void)fputc('\n', stream);
    json_decref(root);
}
