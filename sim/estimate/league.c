#include "sim/estimate/league.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/money.h"

/* Columns of a policy's clusters: its quantities, then scores of the seats that the oracle had. */
enum { ORACLE_SCORE = GV_QUANTITY_COUNT, PAIRED_SCORE, COLUMNS };

enum { RIVAL_KINDS = 3 };

typedef struct league_block {
    gv_league league;
    gv_league_table tables[RIVAL_KINDS];
    gv_league_row *rows; /* [cell_count] at most: of all tables */
    size_t row_count;
    double *paces; /* [rows][tick_count] */
} league_block;

/* A seat of one policy and the cluster that it is in. */
typedef struct league_seat {
    const gv_cell_record *cell;
    size_t cluster;
} league_seat;

/* One table in the making; its arrays are kept from one to the next. */
typedef struct league_sums {
    const gv_league_config *config;
    league_seat *oracles; /* [oracle_count]: of the reference; clusters are not used */
    size_t oracle_count;
    league_seat *seats; /* [seat_count]: of one policy */
    size_t seat_count;
    double *sums; /* [clusters][COLUMNS] */
    size_t tick_count;
} league_sums;

const char *gv_league_figure_name(gv_league_figure figure)
{
    static const char *const names[GV_LEAGUE_FIGURES] = {
        [GV_LEAGUE_SCORE] = "score",
        [GV_LEAGUE_SCORE_SHARE] = "score_share",
        [GV_LEAGUE_CONVERSIONS] = "conversions",
        [GV_LEAGUE_SPEND] = "spend",
        [GV_LEAGUE_BUDGET_USED] = "budget_used",
        [GV_LEAGUE_CPA_OF_TARGET] = "cpa_of_target",
        [GV_LEAGUE_OVER_CPA] = "over_cpa",
    };
    assert(figure < GV_LEAGUE_FIGURES);
    return names[figure];
}

/* Over which column each figure is; `divisor` brings it to its unit. */
typedef struct figure_rule {
    size_t over;
    size_t under;
    double divisor;
} figure_rule;

static const figure_rule rules[GV_LEAGUE_FIGURES] = {
    [GV_LEAGUE_SCORE] = {GV_QUANTITY_SCORE, GV_QUANTITY_SEATS, 1},
    [GV_LEAGUE_SCORE_SHARE] = {PAIRED_SCORE, ORACLE_SCORE, 1},
    [GV_LEAGUE_CONVERSIONS] = {GV_QUANTITY_CONVERSIONS, GV_QUANTITY_SEATS, 1},
    [GV_LEAGUE_SPEND] = {GV_QUANTITY_SPEND_NANOS, GV_QUANTITY_SEATS, (double)GV_NANOS_PER_UNIT},
    [GV_LEAGUE_BUDGET_USED] = {GV_QUANTITY_SPEND_NANOS, GV_QUANTITY_BUDGET_NANOS, 1},
    [GV_LEAGUE_CPA_OF_TARGET] = {GV_QUANTITY_SPEND_NANOS, GV_QUANTITY_ALLOWED_NANOS, 1},
    [GV_LEAGUE_OVER_CPA] = {GV_QUANTITY_OVER_CPA, GV_QUANTITY_TARGETS, 1},
};

static double figure_of(const void *rule, const double *totals)
{
    const figure_rule *figure = rule;
    const double under = totals[figure->under];
    return under == 0 ? (double)NAN : totals[figure->over] / figure->divisor / under;
}

static bool same_seat(const gv_cell_record *a, const gv_cell_record *b)
{
    return a->seat->period == b->seat->period &&
           strcmp(a->campaign->name, b->campaign->name) == 0 &&
           strcmp(a->budget_label, b->budget_label) == 0;
}

/* The oracle's cell of the same seat, whatever its rivals: it has one kind of them only. */
static const gv_cell_record *oracle_of(const league_sums *sums, const gv_cell_record *cell)
{
    for (size_t i = 0; i < sums->oracle_count; i++) {
        if (same_seat(sums->oracles[i].cell, cell)) {
            return sums->oracles[i].cell;
        }
    }
    return NULL;
}

static bool belongs(const gv_cell_record *cell, const char *rivals, const char *policy)
{
    return cell->seat != NULL && strcmp(cell->seat->rivals, rivals) == 0 &&
           strcmp(cell->policy, policy) == 0;
}

static void find_seats(league_sums *sums, const char *rivals, const char *policy)
{
    const gv_league_config *config = sums->config;
    sums->seat_count = 0;
    for (size_t i = 0; i < config->cell_count; i++) {
        if (belongs(&config->cells[i], rivals, policy)) {
            sums->seats[sums->seat_count++].cell = &config->cells[i];
        }
    }
}

/* Seats of a period, or one seat under two budgets. */
static bool share_cluster(gv_block_kind kind, const gv_cell_record *a, const gv_cell_record *b)
{
    return a->seat->period == b->seat->period &&
           (kind == GV_BLOCK_PERIOD || strcmp(a->campaign->name, b->campaign->name) == 0);
}

/* Numbers clusters in order of appearance; returns how many there are. */
static size_t number_clusters(league_sums *sums, gv_block_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < sums->seat_count; i++) {
        size_t like = 0;
        while (!share_cluster(kind, sums->seats[like].cell, sums->seats[i].cell)) {
            like++;
        }
        sums->seats[i].cluster = like == i ? count++ : sums->seats[like].cluster;
    }
    return count;
}

static void add_seat(const league_sums *sums, const gv_cell_record *cell, double *columns,
                     gv_league_row *row)
{
    double quantities[GV_QUANTITY_COUNT];
    gv_cell_quantities(cell, quantities);
    for (size_t q = 0; q < GV_QUANTITY_COUNT; q++) {
        columns[q] += quantities[q];
    }
    const gv_cell_record *oracle = oracle_of(sums, cell);
    if (oracle != NULL) {
        columns[ORACLE_SCORE] += gv_cell_score(oracle);
        columns[PAIRED_SCORE] += quantities[GV_QUANTITY_SCORE];
        row->paired_count++;
    }
}

/*
 * Each campaign weighs the same; one without a budget has its spend for one. A damaged database
 * may hold ticks that spent less than nothing.
 */
static void add_pace(const gv_cell_record *cell, double weight, double *pace, size_t tick_count)
{
    const int64_t budget = cell->campaign->budget_nanos;
    const int64_t whole = budget == INT64_MAX ? cell->total->spend_nanos : budget;
    const size_t count = cell->seat->tick_count - 1; /* none is spent after the period */
    for (size_t t = 0; whole > 0 && t < count && t < tick_count; t++) {
        const int64_t spend = cell->seat->ticks[t].tally.spend_nanos;
        pace[t] += spend > 0 ? weight * (double)spend / (double)whole : 0;
    }
}

static gv_status estimate(league_sums *sums, gv_league_row *row, gv_block_kind kind)
{
    const gv_league_config *config = sums->config;
    row->cluster_count = number_clusters(sums, kind);
    row->seat_count = sums->seat_count;
    memset(sums->sums, 0, row->cluster_count * COLUMNS * sizeof(double));
    for (size_t i = 0; i < sums->seat_count; i++) {
        const league_seat *seat = &sums->seats[i];
        add_seat(sums, seat->cell, sums->sums + seat->cluster * COLUMNS, row);
    }
    const gv_clusters clusters = {.sums = sums->sums,
                                  .cluster_count = row->cluster_count,
                                  .column_count = COLUMNS,
                                  .stratum_sizes = &row->cluster_count,
                                  .stratum_count = 1};
    gv_bootstrap *bootstrap = NULL;
    GV_TRY(gv_bootstrap_create(&clusters, &config->bootstrap, &bootstrap));
    for (size_t f = 0; f < GV_LEAGUE_FIGURES; f++) {
        row->figures[f] =
            gv_bootstrap_interval(bootstrap, figure_of, &rules[f], config->interval, config->level);
    }
    gv_bootstrap_destroy(bootstrap);
    return GV_OK;
}

static bool has_row(const gv_league_row *rows, size_t count, const char *policy)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].policy, policy) == 0) {
            return true;
        }
    }
    return false;
}

/* Policies of the table in order of appearance. */
static void find_rows(const gv_league_config *config, gv_league_table *table, gv_league_row *rows)
{
    for (size_t i = 0; i < config->cell_count; i++) {
        const gv_cell_record *cell = &config->cells[i];
        if (belongs(cell, table->rivals, cell->policy) &&
            !has_row(rows, table->row_count, cell->policy)) {
            rows[table->row_count++] =
                (gv_league_row){.policy = cell->policy, .policy_type = cell->policy_type};
        }
    }
    table->rows = rows;
}

/* Periods and campaigns that any of the table's policies had. */
static void count_seats(league_sums *sums, gv_league_table *table)
{
    const gv_league_config *config = sums->config;
    sums->seat_count = 0;
    for (size_t i = 0; i < config->cell_count; i++) {
        const gv_cell_record *cell = &config->cells[i];
        if (!belongs(cell, table->rivals, cell->policy)) {
            continue;
        }
        bool is_new_period = true;
        bool is_new_campaign = true;
        for (size_t k = 0; k < sums->seat_count; k++) {
            const gv_cell_record *seen = sums->seats[k].cell;
            is_new_period = is_new_period && seen->seat->period != cell->seat->period;
            is_new_campaign =
                is_new_campaign && strcmp(seen->campaign->name, cell->campaign->name) != 0;
        }
        table->period_count += is_new_period;
        table->campaign_count += is_new_campaign;
        if (is_new_period || is_new_campaign) {
            sums->seats[sums->seat_count++].cell = cell;
        }
    }
}

/* By the oracle's measure where all rows have it, so that no row owes its place to its seats. */
static gv_league_figure choose_ranking(const gv_league_table *table)
{
    for (size_t i = 0; i < table->row_count; i++) {
        const gv_league_row *row = &table->rows[i];
        if (row->paired_count < row->seat_count ||
            isnan(row->figures[GV_LEAGUE_SCORE_SHARE].estimate)) {
            return GV_LEAGUE_SCORE;
        }
    }
    return GV_LEAGUE_SCORE_SHARE;
}

/* Stable, so that equal rows keep the scenario's order. */
static void rank_rows(gv_league_row *rows, size_t count, gv_league_figure by)
{
    for (size_t i = 1; i < count; i++) {
        const gv_league_row row = rows[i];
        size_t place = i;
        for (; place > 0 && rows[place - 1].figures[by].estimate < row.figures[by].estimate;
             place--) {
            rows[place] = rows[place - 1];
        }
        rows[place] = row;
    }
}

static gv_status fill_table(league_block *block, league_sums *sums, gv_league_table *table)
{
    gv_league_row *rows = block->rows + block->row_count;
    find_rows(sums->config, table, rows);
    count_seats(sums, table);
    table->block = gv_block_choose_seats(sums->config->block, table->period_count);
    for (size_t r = 0; r < table->row_count; r++) {
        gv_league_row *row = &rows[r];
        double *pace = block->paces + (block->row_count + r) * sums->tick_count;
        find_seats(sums, table->rivals, row->policy);
        GV_TRY(estimate(sums, row, table->block));
        for (size_t i = 0; i < sums->seat_count; i++) {
            add_pace(sums->seats[i].cell, 1 / (double)sums->seat_count, pace, sums->tick_count);
        }
        row->pace = pace;
        row->tick_count = sums->tick_count;
    }
    table->ranking = choose_ranking(table);
    rank_rows(rows, table->row_count, table->ranking);
    block->row_count += table->row_count;
    return GV_OK;
}

static void find_tables(league_block *block, league_sums *sums)
{
    const gv_league_config *config = sums->config;
    for (size_t i = 0; i < config->cell_count; i++) {
        const gv_cell_record *cell = &config->cells[i];
        if (cell->seat == NULL) {
            continue;
        }
        const size_t ticks = cell->seat->tick_count - 1;
        sums->tick_count = ticks > sums->tick_count ? ticks : sums->tick_count;
        if (strcmp(cell->policy_type, GV_ORACLE_TYPE) == 0) {
            sums->oracles[sums->oracle_count++].cell = cell;
        }
        size_t t = 0;
        while (t < block->league.table_count &&
               strcmp(block->tables[t].rivals, cell->seat->rivals) != 0) {
            t++;
        }
        if (t == block->league.table_count) {
            assert(t < RIVAL_KINDS);
            block->tables[block->league.table_count++].rivals = cell->seat->rivals;
        }
    }
}

/* Rows that there may be: policies by name and rivals. */
static size_t count_rows(const gv_league_config *config)
{
    size_t count = 0;
    for (size_t i = 0; i < config->cell_count; i++) {
        const gv_cell_record *cell = &config->cells[i];
        size_t like = 0;
        while (like < i && (cell->seat == NULL ||
                            !belongs(&config->cells[like], cell->seat->rivals, cell->policy))) {
            like++;
        }
        count += cell->seat != NULL && like == i;
    }
    return count;
}

static gv_status allocate(league_block *block, league_sums *sums)
{
    const size_t count = sums->config->cell_count;
    sums->oracles = gv_mem_alloc(0, count, sizeof *sums->oracles);
    sums->seats = gv_mem_alloc(0, count, sizeof *sums->seats);
    sums->sums = gv_mem_alloc(0, count * COLUMNS, sizeof(double));
    if (sums->oracles == NULL || sums->seats == NULL || sums->sums == NULL) {
        return GV_FAIL(GV_ENOMEM, "a league of %zu cells", count);
    }
    find_tables(block, sums);
    const size_t rows = count_rows(sums->config);
    block->rows = gv_mem_alloc(0, rows, sizeof *block->rows);
    block->paces = gv_mem_alloc(0, rows * sums->tick_count, sizeof(double));
    if (block->rows == NULL || block->paces == NULL) {
        return GV_FAIL(GV_ENOMEM, "a league of %zu rows", rows);
    }
    return GV_OK;
}

gv_status gv_league_create(const gv_league_config *config, gv_league **out)
{
    league_block *block = gv_mem_alloc(sizeof *block, 0, 0);
    if (block == NULL) {
        return GV_FAIL(GV_ENOMEM, "a league of %zu cells", config->cell_count);
    }
    league_sums sums = {.config = config};
    gv_status status = allocate(block, &sums);
    for (size_t t = 0; status == GV_OK && t < block->league.table_count; t++) {
        status = fill_table(block, &sums, &block->tables[t]);
    }
    gv_mem_free(sums.oracles);
    gv_mem_free(sums.seats);
    gv_mem_free(sums.sums);
    if (status != GV_OK) {
        gv_league_destroy(&block->league);
        return status;
    }
    block->league.tables = block->tables;
    *out = &block->league;
    return GV_OK;
}

void gv_league_destroy(gv_league *league)
{
    if (league == NULL) {
        return;
    }
    league_block *block = (league_block *)league; /* its first member */
    gv_mem_free(block->rows);
    gv_mem_free(block->paces);
    gv_mem_free(block);
}
