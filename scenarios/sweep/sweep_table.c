#include "scenarios/sweep/sweep_table.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "scenarios/sweep/sweep_traffic.h"
#include "sim/base/mem.h"
#include "sim/base/param.h"
#include "sim/outcome/read.h"

enum { POLICIES_MAX = 256 };

/* One setting while it is read: [policy][point of the setting]. */
typedef struct setting_sums {
    const char *policies[POLICIES_MAX];
    const char *rivals[POLICIES_MAX];
    double *quantities[POLICIES_MAX]; /* [point][GV_QUANTITY_COUNT] */
    bool *is_there[POLICIES_MAX];     /* [point] */
    size_t policy_count;
} setting_sums;

/* A row's raw figures, before they are averaged. */
typedef struct raw_row {
    gv_sweep_row *row;
    double *values; /* [point][metric]; NaN where the run has none */
    bool *is_there; /* [point] */
    size_t point_count;
} raw_row;

typedef struct table_builder {
    gv_store *store;
    gv_sweep_table *table;
    raw_row *raw; /* [row_count], room for `capacity` */
    size_t capacity;
    size_t baseline_axis; /* axis_count: the baseline is a policy */
    const char *baseline_value;
} table_builder;

static gv_status no_memory(void)
{
    return GV_FAIL(GV_ENOMEM, "no memory for the table of a sweep");
}

void gv_sweep_table_destroy(gv_sweep_table *table)
{
    if (table == NULL) {
        return;
    }
    gv_sweep_facts_destroy(table->facts);
    gv_region_fini(&table->region);
    gv_mem_free(table);
}

static bool has_same_values(const gv_sweep_facts *facts, const gv_sweep_point *a,
                            const gv_sweep_point *b, size_t but)
{
    for (size_t i = 0; i < facts->axis_count; i++) {
        if (i != but && strcmp(a->values[i], b->values[i]) != 0) {
            return false;
        }
    }
    return true;
}

/* Both may be NULL. */
static bool is_same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* In a market a policy has a row for each kind of rivals. */
static gv_status find_policy(table_builder *builder, const gv_cell_record *cell, size_t point_count,
                             setting_sums *sums, size_t *policy)
{
    gv_region *region = &builder->table->region;
    const char *name = cell->policy;
    const char *rivals = cell->seat == NULL ? NULL : cell->seat->rivals;
    size_t i = 0;
    while (i < sums->policy_count &&
           (strcmp(sums->policies[i], name) != 0 || !is_same(sums->rivals[i], rivals))) {
        i++;
    }
    *policy = i;
    if (i < sums->policy_count) {
        return GV_OK;
    }
    if (i == POLICIES_MAX) {
        return GV_FAIL(GV_EINVAL, "a setting has more than %d policies", POLICIES_MAX);
    }
    sums->policies[i] = gv_region_text(region, name, strlen(name));
    sums->rivals[i] = rivals == NULL ? NULL : gv_region_text(region, rivals, strlen(rivals));
    sums->quantities[i] = gv_region_alloc(region, point_count * GV_QUANTITY_COUNT, sizeof(double));
    sums->is_there[i] = gv_region_alloc(region, point_count, sizeof(bool));
    if (sums->policies[i] == NULL || (rivals != NULL && sums->rivals[i] == NULL) ||
        sums->quantities[i] == NULL || sums->is_there[i] == NULL) {
        return no_memory();
    }
    sums->policy_count++;
    return GV_OK;
}

/* Adds a run's cells up, policy by policy. */
static gv_status add_cells(table_builder *builder, const gv_outcomes *outcomes, size_t place,
                           size_t point_count, setting_sums *sums)
{
    for (size_t c = 0; c < outcomes->cell_count; c++) {
        const gv_cell_record *cell = &outcomes->cells[c];
        double own[GV_QUANTITY_COUNT];
        size_t policy = 0;
        GV_TRY(find_policy(builder, cell, point_count, sums, &policy));
        gv_cell_quantities(cell, own);
        double *sum = sums->quantities[policy] + place * GV_QUANTITY_COUNT;
        for (size_t q = 0; q < GV_QUANTITY_COUNT; q++) {
            sum[q] += own[q];
        }
        sums->is_there[policy][place] = true;
    }
    return GV_OK;
}

static gv_status add_row(table_builder *builder, const gv_sweep_point *first, size_t point_count,
                         const setting_sums *sums, size_t policy)
{
    gv_sweep_table *table = builder->table;
    if (table->row_count == builder->capacity) {
        const size_t capacity = 2 * builder->capacity + 16;
        raw_row *raw = gv_mem_resize(builder->raw, capacity, sizeof *raw);
        if (raw == NULL) {
            return no_memory();
        }
        builder->raw = raw;
        builder->capacity = capacity;
    }
    gv_sweep_row *row = gv_region_alloc(&table->region, 1, sizeof *row);
    double *values =
        gv_region_alloc(&table->region, point_count * table->metric_count, sizeof *values);
    gv_sweep_figure *figures =
        gv_region_alloc(&table->region, table->metric_count, sizeof *figures);
    if (row == NULL || values == NULL || figures == NULL) {
        return no_memory();
    }
    *row = (gv_sweep_row){.setting = first,
                          .policy = sums->policies[policy],
                          .rivals = sums->rivals[policy],
                          .figures = figures};
    for (size_t i = 0; i < point_count; i++) {
        for (size_t m = 0; m < table->metric_count; m++) {
            values[i * table->metric_count + m] = gv_metric_value(
                table->metrics[m], sums->quantities[policy] + i * GV_QUANTITY_COUNT);
        }
        row->run_count += sums->is_there[policy][i] ? 1 : 0;
    }
    builder->raw[table->row_count++] = (raw_row){.row = row,
                                                 .values = values,
                                                 .is_there = sums->is_there[policy],
                                                 .point_count = point_count};
    return GV_OK;
}

enum { DEFAULT_METRICS = 5 };

/* The metrics that were asked for, or those that say most; all of them fit the runs. */
static gv_status choose_metrics(gv_sweep_table *table, const gv_cell_record *cell)
{
    static const char *const names[][DEFAULT_METRICS] = {
        {"impressions", "spend_cpm", "ecpm", "expected_clicks", "clicks"},
        {"score", "conversions", "over_cpa", "budget_used", "spend"},
    };
    const bool is_market = cell->seat != NULL;
    for (size_t i = 0; i < table->metric_count; i++) {
        if (!gv_metric_fits(table->metrics[i], cell)) {
            return GV_FAIL(
                GV_EUSAGE, "the metric %s is not of a %s, as the runs of sweep %" PRId64 " are",
                table->metrics[i]->name, is_market ? "market" : "replay", table->facts->id);
        }
    }
    if (table->metric_count > 0) {
        return GV_OK;
    }
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
    const gv_metric **metrics = gv_region_alloc(&table->region, DEFAULT_METRICS, sizeof *metrics);
    if (metrics == NULL) {
        return no_memory();
    }
    for (size_t i = 0; i < DEFAULT_METRICS; i++) {
        metrics[i] = gv_metric_find(names[is_market ? 1 : 0][i]);
    }
    table->metrics = metrics;
    table->metric_count = DEFAULT_METRICS;
    return GV_OK;
}

static gv_status read_setting(table_builder *builder, const gv_sweep_point *first, size_t count)
{
    setting_sums sums = {.policy_count = 0};
    for (size_t i = 0; i < count; i++) {
        gv_outcomes *outcomes = NULL;
        if (first[i].state != GV_POINT_DONE) {
            continue;
        }
        GV_TRY(gv_outcomes_read(builder->store, first[i].run_id, false, &outcomes));
        gv_status status =
            outcomes->cell_count == 0 ? GV_OK : choose_metrics(builder->table, &outcomes->cells[0]);
        if (status == GV_OK) {
            status = add_cells(builder, outcomes, i, count, &sums);
        }
        gv_outcomes_destroy(outcomes);
        GV_TRY(status);
    }
    for (size_t policy = 0; policy < sums.policy_count; policy++) {
        GV_TRY(add_row(builder, first, count, &sums, policy));
    }
    return GV_OK;
}

static gv_status read_settings(table_builder *builder)
{
    gv_sweep_table *table = builder->table;
    const gv_sweep_facts *facts = table->facts;
    size_t first = 0;
    while (first < facts->point_count) {
        size_t count = 1;
        while (first + count < facts->point_count &&
               has_same_values(facts, &facts->points[first], &facts->points[first + count],
                               facts->axis_count)) {
            count++;
        }
        GV_TRY(read_setting(builder, &facts->points[first], count));
        first += count;
    }
    for (size_t i = 0; i < facts->point_count; i++) {
        table->done_count += facts->points[i].state == GV_POINT_DONE ? 1 : 0;
        table->failed_count += facts->points[i].state == GV_POINT_FAILED ? 1 : 0;
    }
    return GV_OK;
}

static bool has_policy(const table_builder *builder, const char *name)
{
    assert(builder->raw != NULL || builder->table->row_count == 0);
    for (size_t i = 0; i < builder->table->row_count; i++) {
        if (strcmp(builder->raw[i].row->policy, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_value(const gv_sweep_facts *facts, size_t axis, const char *value)
{
    for (size_t i = 0; i < facts->point_count; i++) {
        if (strcmp(facts->points[i].values[axis], value) == 0) {
            return true;
        }
    }
    return false;
}

/* "b0=5": an axis and one of its values. */
static bool find_axis_value(table_builder *builder, const char *baseline)
{
    const gv_sweep_facts *facts = builder->table->facts;
    for (size_t i = 0; i < facts->axis_count; i++) {
        const size_t size = strlen(facts->axes[i]);
        if (strncmp(facts->axes[i], baseline, size) == 0 && baseline[size] == '=' &&
            has_value(facts, i, baseline + size + 1)) {
            builder->baseline_axis = i;
            builder->baseline_value = baseline + size + 1;
            return true;
        }
    }
    return false;
}

/* Every policy and axis that a baseline may name, for who named another. */
static gv_status refuse_baseline(const table_builder *builder, const char *baseline)
{
    const gv_sweep_facts *facts = builder->table->facts;
    char list[512] = "";
    size_t used = 0;
    for (size_t i = 0; i < builder->table->row_count && used < sizeof list; i++) {
        const gv_sweep_row *row = builder->raw[i].row;
        if (row->setting != builder->raw[0].row->setting) {
            break;
        }
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i == 0 ? "" : ", ",
                                 row->policy);
    }
    for (size_t i = 0; i < facts->axis_count && used < sizeof list; i++) {
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s=%s", used == 0 ? "" : ", ",
                                 facts->axes[i], facts->points[0].values[i]);
    }
    return GV_FAIL(GV_EUSAGE,
                   "sweep %" PRId64 " has no baseline '%s': name a policy, or an axis and one of "
                   "its values, such as %s",
                   facts->id, baseline, list);
}

static gv_status find_baseline(table_builder *builder)
{
    const char *baseline = builder->table->config->baseline;
    builder->baseline_axis = builder->table->facts->axis_count;
    if (baseline == NULL || has_policy(builder, baseline) || find_axis_value(builder, baseline)) {
        return GV_OK;
    }
    return refuse_baseline(builder, baseline);
}

/* The row that this one is compared with, perhaps itself; NULL: there is none. */
static const raw_row *find_partner(const table_builder *builder, const gv_sweep_row *row)
{
    const gv_sweep_facts *facts = builder->table->facts;
    const size_t axis = builder->baseline_axis;
    const bool by_policy = axis == facts->axis_count;
    const char *policy = by_policy ? builder->table->config->baseline : row->policy;
    /* In the market itself each policy has advertisers of its own: they are no pairs. */
    if (by_policy && row->rivals != NULL && strcmp(row->rivals, "market") == 0 &&
        strcmp(row->policy, policy) != 0) {
        return NULL;
    }
    for (size_t i = 0; i < builder->table->row_count; i++) {
        const raw_row *other = &builder->raw[i];
        if (strcmp(other->row->policy, policy) == 0 && is_same(other->row->rivals, row->rivals) &&
            (by_policy ? other->row->setting == row->setting
                       : strcmp(other->row->setting->values[axis], builder->baseline_value) == 0 &&
                             has_same_values(facts, other->row->setting, row->setting, axis))) {
            return other;
        }
    }
    return NULL;
}

/* The place of the run with this seed; point_count: there is none. */
static size_t find_seed(const raw_row *raw, uint64_t seed, size_t hint)
{
    const gv_sweep_point *points = raw->row->setting;
    if (hint < raw->point_count && points[hint].seed == seed) {
        return raw->is_there[hint] ? hint : raw->point_count;
    }
    size_t place = 0;
    while (place < raw->point_count && points[place].seed != seed) {
        place++;
    }
    return place < raw->point_count && raw->is_there[place] ? place : raw->point_count;
}

/* values, differences and baselines: [point_count] of scratch each. */
static void average(const table_builder *builder, const raw_row *raw, const raw_row *partner,
                    size_t metric, double *scratch)
{
    const gv_sweep_table *table = builder->table;
    gv_sweep_figure *figure = &raw->row->figures[metric];
    double *differences = scratch + raw->point_count;
    size_t count = 0;
    size_t pair_count = 0;
    double sum = 0;
    for (size_t i = 0; i < raw->point_count; i++) {
        if (!raw->is_there[i]) {
            continue;
        }
        const double value = raw->values[i * table->metric_count + metric];
        scratch[count++] = value;
        const size_t place =
            partner == NULL ? SIZE_MAX : find_seed(partner, raw->row->setting[i].seed, i);
        if (partner != NULL && place < partner->point_count) {
            const double other = partner->values[place * table->metric_count + metric];
            differences[pair_count++] = value - other;
            sum += other;
        }
    }
    figure->value = gv_replicated_of(scratch, count, table->config->level);
    figure->difference = gv_replicated_of(differences, pair_count, table->config->level);
    figure->baseline = pair_count == 0 ? (double)NAN : sum / (double)pair_count;
}

static bool has_too_few(const gv_sweep_figure *figures, size_t count)
{
    for (size_t m = 0; m < count; m++) {
        if (figures[m].value.mean.state == GV_INTERVAL_TOO_FEW ||
            (figures[m].difference.count > 0 &&
             figures[m].difference.mean.state == GV_INTERVAL_TOO_FEW)) {
            return true;
        }
    }
    return false;
}

/* By the traffic of the first run that both have; without a partner, by its own alone. */
static gv_status draw_traffic(const table_builder *builder, const raw_row *raw,
                              const raw_row *partner)
{
    const gv_sweep_table *table = builder->table;
    if (table->config->traffic == NULL || !has_too_few(raw->row->figures, table->metric_count)) {
        return GV_OK;
    }
    const raw_row *other = partner == NULL ? raw : partner;
    for (size_t i = 0; i < raw->point_count; i++) {
        const gv_sweep_point *point = &raw->row->setting[i];
        const size_t place = find_seed(other, point->seed, i);
        if (raw->is_there[i] && place < other->point_count) {
            const gv_sweep_pair pair = {.run_id = point->run_id,
                                        .policy = raw->row->policy,
                                        .rivals = raw->row->rivals,
                                        .baseline_run_id = other->row->setting[place].run_id,
                                        .baseline = other->row->policy};
            return gv_sweep_draw_traffic(builder->store, builder->table, &pair, raw->row->figures);
        }
    }
    return GV_OK;
}

static gv_status average_row(const table_builder *builder, size_t number)
{
    const gv_sweep_table *table = builder->table;
    assert(builder->raw != NULL);
    const raw_row *raw = &builder->raw[number];
    const raw_row *partner =
        table->config->baseline == NULL ? NULL : find_partner(builder, raw->row);
    double *scratch = gv_mem_alloc(0, 2 * raw->point_count, sizeof *scratch);
    if (scratch == NULL) {
        return no_memory();
    }
    raw->row->is_baseline = partner == raw;
    for (size_t m = 0; m < table->metric_count; m++) {
        average(builder, raw, partner == raw ? NULL : partner, m, scratch);
    }
    gv_mem_free(scratch);
    builder->table->rows[number] = *raw->row;
    return draw_traffic(builder, raw, partner);
}

static gv_status build(table_builder *builder)
{
    gv_sweep_table *table = builder->table;
    GV_TRY(gv_sweep_facts_read(builder->store, table->config->sweep_id, &table->facts));
    GV_TRY(read_settings(builder));
    GV_TRY(find_baseline(builder));
    table->rows = gv_region_alloc(&table->region, table->row_count, sizeof *table->rows);
    if (table->rows == NULL) {
        return no_memory();
    }
    for (size_t i = 0; i < table->row_count; i++) {
        GV_TRY(average_row(builder, i));
    }
    return GV_OK;
}

gv_status gv_sweep_table_create(gv_store *store, const gv_sweep_table_config *config,
                                gv_sweep_table **out)
{
    gv_sweep_table *table = gv_mem_alloc(sizeof *table, 0, 0);
    if (table == NULL) {
        return no_memory();
    }
    table->config = config;
    table->metrics = config->metrics;
    table->metric_count = config->metric_count;
    table_builder builder = {.store = store, .table = table};
    const gv_status status = build(&builder);
    gv_mem_free(builder.raw);
    if (status != GV_OK) {
        gv_sweep_table_destroy(table);
        return status;
    }
    *out = table;
    return GV_OK;
}
