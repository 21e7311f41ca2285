#include "sim/estimate/compare.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "sim/base/mem.h"

/* Columns of a pair's clusters: the policy's quantities, then the baseline's. */
enum { POLICY = 0, BASELINE = GV_QUANTITY_COUNT, COLUMNS = 2 * GV_QUANTITY_COUNT };

/* A campaign and budget, and in a market a period, under both policies. */
typedef struct pair_part {
    const gv_cell_record *policy;
    const gv_cell_record *baseline;
    gv_block_rule rule;
    size_t first_block; /* of its stratum */
    size_t block_count;
    size_t stratum;
} pair_part;

/* One comparison in the making; its arrays are kept from one to the next. */
typedef struct pair_sums {
    const gv_compare_config *config;
    pair_part *parts; /* [cell_count] */
    size_t part_count;
    size_t *stratum_sizes; /* [cell_count] */
    size_t stratum_count;
    double *sums; /* [blocks][COLUMNS], grown as needed */
    size_t sums_room;
    size_t cluster_count;
} pair_sums;

typedef struct comparisons_block {
    gv_comparisons comparisons;
    gv_grouping *grouping;
    gv_comparison *rows;
    gv_difference *differences;
} comparisons_block;

bool gv_difference_is_clear(const gv_difference *difference)
{
    const gv_interval *interval = &difference->difference;
    return interval->state == GV_INTERVAL_GIVEN && (interval->low > 0 || interval->high < 0);
}

/* Blocks of one campaign lie together: the stratum of an earlier part with the same name. */
static size_t stratum_of(const pair_sums *pairing, const char *campaign)
{
    for (size_t i = 0; i < pairing->part_count; i++) {
        if (strcmp(pairing->parts[i].policy->campaign->name, campaign) == 0) {
            return pairing->parts[i].stratum;
        }
    }
    return pairing->stratum_count;
}

static void add_part(pair_sums *pairing, const gv_cell_record *policy,
                     const gv_cell_record *baseline)
{
    pair_part *part = &pairing->parts[pairing->part_count];
    *part = (pair_part){.policy = policy, .baseline = baseline, .block_count = 1};
    if (policy->seat == NULL) {
        part->rule = gv_block_choose(pairing->config->block, baseline);
        const size_t here = gv_block_count(part->rule, policy);
        const size_t there = gv_block_count(part->rule, baseline);
        part->block_count = here > there ? here : there;
        part->stratum = stratum_of(pairing, policy->campaign->name);
    }
    pairing->stratum_count += part->stratum == pairing->stratum_count;
    pairing->part_count++;
}

/* Whether two seats fall into one block: those of a period, or one seat under two budgets. */
static bool share_block(gv_block_kind kind, const pair_part *a, const pair_part *b)
{
    return a->policy->seat->period == b->policy->seat->period &&
           (kind == GV_BLOCK_PERIOD ||
            strcmp(a->policy->campaign->name, b->policy->campaign->name) == 0);
}

/* Numbers the blocks of a market's seats in order of appearance; returns how many there are. */
static size_t place_seats(pair_sums *pairing, gv_block_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < pairing->part_count; i++) {
        pair_part *part = &pairing->parts[i];
        size_t like = 0;
        while (!share_block(kind, part, &pairing->parts[like])) {
            like++;
        }
        part->rule = (gv_block_rule){.kind = kind};
        part->first_block = like == i ? count++ : pairing->parts[like].first_block;
    }
    return count;
}

static void find_parts(pair_sums *pairing, const gv_group *group, const char *policy)
{
    const gv_compare_config *config = pairing->config;
    pairing->part_count = 0;
    pairing->stratum_count = 0;
    for (size_t i = 0; i < config->cell_count; i++) {
        const gv_cell_record *cell = &config->cells[i];
        if (!gv_group_holds(group, cell) || strcmp(cell->policy, policy) != 0) {
            continue;
        }
        const gv_cell_record *baseline = gv_cell_partner(
            cell, config->baseline, config->baseline_cells, config->baseline_cell_count);
        if (baseline != NULL) {
            add_part(pairing, cell, baseline);
        }
    }
    if (pairing->part_count > 0 && group->rivals != NULL) {
        const size_t periods = place_seats(pairing, GV_BLOCK_PERIOD);
        (void)place_seats(pairing, gv_block_choose_seats(config->block, periods));
    }
}

/* A stratum has as many blocks as its longest part. */
static size_t size_strata(pair_sums *pairing)
{
    size_t total = 0;
    for (size_t s = 0; s < pairing->stratum_count; s++) {
        pairing->stratum_sizes[s] = 0;
        for (size_t i = 0; i < pairing->part_count; i++) {
            const pair_part *part = &pairing->parts[i];
            const size_t end = part->first_block + part->block_count;
            if (part->stratum == s && end > pairing->stratum_sizes[s]) {
                pairing->stratum_sizes[s] = end;
            }
        }
        total += pairing->stratum_sizes[s];
    }
    return total;
}

static gv_status reserve_sums(pair_sums *pairing, size_t blocks)
{
    if (blocks > pairing->sums_room) {
        double *grown = gv_mem_resize(pairing->sums, blocks * COLUMNS, sizeof(double));
        if (grown == NULL) {
            return GV_FAIL(GV_ENOMEM, "comparing %zu blocks", blocks);
        }
        pairing->sums = grown;
        pairing->sums_room = blocks;
    }
    assert(pairing->sums != NULL); /* there is a part, and a part has a block */
    memset(pairing->sums, 0, blocks * COLUMNS * sizeof(double));
    return GV_OK;
}

/*
 * Blocks in which neither policy had an opportunity say nothing of traffic and are dropped,
 * unless a click came late in them; the budget that was spread over them goes to the others.
 */
static bool is_empty(const double *sums)
{
    double events = 0;
    for (size_t side = POLICY; side <= BASELINE; side += BASELINE) {
        events += sums[side + GV_QUANTITY_AUCTIONS] + sums[side + GV_QUANTITY_CLICKS] +
                  sums[side + GV_QUANTITY_CONVERSIONS];
    }
    return events == 0;
}

static void drop_empty(pair_sums *pairing)
{
    assert(pairing->sums != NULL);
    size_t from = 0;
    size_t kept = 0;
    size_t strata = 0;
    for (size_t s = 0; s < pairing->stratum_count; s++) {
        const size_t first = kept;
        double budgets[2] = {0};
        for (size_t i = 0; i < pairing->stratum_sizes[s]; i++, from++) {
            const double *sums = pairing->sums + from * COLUMNS;
            budgets[0] += sums[POLICY + GV_QUANTITY_BUDGET_NANOS];
            budgets[1] += sums[BASELINE + GV_QUANTITY_BUDGET_NANOS];
            if (!is_empty(sums)) {
                memmove(pairing->sums + kept++ * COLUMNS, sums, COLUMNS * sizeof(double));
            }
        }
        for (size_t i = first; i < kept; i++) {
            double *sums = pairing->sums + i * COLUMNS;
            sums[POLICY + GV_QUANTITY_BUDGET_NANOS] = budgets[0] / (double)(kept - first);
            sums[BASELINE + GV_QUANTITY_BUDGET_NANOS] = budgets[1] / (double)(kept - first);
        }
        if (kept > first) {
            pairing->stratum_sizes[strata++] = kept - first;
        }
    }
    pairing->stratum_count = strata;
    pairing->cluster_count = kept;
}

static gv_status fill_sums(pair_sums *pairing)
{
    const size_t blocks = size_strata(pairing);
    GV_TRY(reserve_sums(pairing, blocks));
    for (size_t i = 0; i < pairing->part_count; i++) {
        const pair_part *part = &pairing->parts[i];
        size_t first = part->first_block;
        for (size_t s = 0; s < part->stratum; s++) {
            first += pairing->stratum_sizes[s];
        }
        double *sums = pairing->sums + first * COLUMNS;
        gv_block_add(part->rule, part->policy, part->block_count, sums + POLICY, COLUMNS);
        gv_block_add(part->rule, part->baseline, part->block_count, sums + BASELINE, COLUMNS);
    }
    pairing->cluster_count = blocks;
    if (pairing->parts[0].policy->seat == NULL) { /* a seat's budget is its own, traffic or not */
        drop_empty(pairing);
    }
    return GV_OK;
}

static double policy_value(const void *metric, const double *totals)
{
    return gv_metric_value(metric, totals + POLICY);
}

static double baseline_value(const void *metric, const double *totals)
{
    return gv_metric_value(metric, totals + BASELINE);
}

static double absolute_difference(const void *metric, const double *totals)
{
    return policy_value(metric, totals) - baseline_value(metric, totals);
}

static double relative_difference(const void *metric, const double *totals)
{
    const double baseline = baseline_value(metric, totals);
    return baseline == 0 ? (double)NAN : (policy_value(metric, totals) - baseline) / baseline;
}

static void fill_differences(const gv_compare_config *config, gv_bootstrap *bootstrap,
                             gv_difference *differences)
{
    for (size_t m = 0; m < config->metric_count; m++) {
        const gv_metric *metric = config->metrics[m];
        gv_difference *difference = &differences[m];
        difference->metric = metric;
        difference->value =
            gv_bootstrap_interval(bootstrap, policy_value, metric, config->interval, config->level);
        difference->difference = gv_bootstrap_interval(bootstrap, absolute_difference, metric,
                                                       config->interval, config->level);
        difference->relative = gv_bootstrap_interval(bootstrap, relative_difference, metric,
                                                     config->interval, config->level);
        difference->baseline = gv_bootstrap_estimate(bootstrap, baseline_value, metric);
    }
}

static size_t count_campaigns(const pair_sums *pairing)
{
    size_t count = 0;
    for (size_t i = 0; i < pairing->part_count; i++) {
        const char *name = pairing->parts[i].policy->campaign->name;
        size_t like = 0;
        while (strcmp(pairing->parts[like].policy->campaign->name, name) != 0) {
            like++;
        }
        count += like == i;
    }
    return count;
}

static gv_status compare_pair(pair_sums *pairing, gv_comparison *row, gv_difference *differences)
{
    GV_TRY(fill_sums(pairing));
    const gv_clusters clusters = {
        .sums = pairing->sums,
        .cluster_count = pairing->cluster_count,
        .column_count = COLUMNS,
        .stratum_sizes = pairing->stratum_sizes,
        .stratum_count = pairing->stratum_count,
    };
    gv_bootstrap *bootstrap = NULL;
    GV_TRY(gv_bootstrap_create(&clusters, &pairing->config->bootstrap, &bootstrap));
    fill_differences(pairing->config, bootstrap, differences);
    gv_bootstrap_destroy(bootstrap);
    row->part_count = pairing->part_count;
    row->cluster_count = pairing->cluster_count;
    row->campaign_count = count_campaigns(pairing);
    row->block = pairing->parts[0].rule;
    row->differences = differences;
    return GV_OK;
}

/*
 * True when the rows from `first` on hold the baseline alone: in the market itself a campaign has
 * one policy, so nothing stands beside it.
 */
static bool is_lonely(const comparisons_block *block, size_t first)
{
    return block->comparisons.row_count == first + 1 && block->rows[first].is_baseline;
}

static gv_status compare_all(comparisons_block *block, pair_sums *pairing)
{
    const gv_compare_config *config = pairing->config;
    const gv_grouping *grouping = block->grouping;
    gv_comparisons *comparisons = &block->comparisons;
    for (size_t g = 0; g < grouping->group_count; g++) {
        const size_t before = comparisons->row_count;
        for (size_t p = 0; p < grouping->policy_count; p++) {
            find_parts(pairing, &grouping->groups[g], grouping->policies[p]);
            if (pairing->part_count == 0) {
                continue;
            }
            const size_t n = comparisons->row_count;
            gv_comparison *row = &block->rows[n];
            row->group = &grouping->groups[g];
            row->policy = grouping->policies[p];
            row->is_baseline = pairing->parts[0].policy == pairing->parts[0].baseline;
            GV_TRY(compare_pair(pairing, row, block->differences + n * config->metric_count));
            comparisons->row_count++;
        }
        if (grouping->groups[g].rivals != NULL && is_lonely(block, before)) {
            comparisons->row_count = before;
        }
    }
    return GV_OK;
}

static bool has_policy(const gv_cell_record *cells, size_t count, const char *policy)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(cells[i].policy, policy) == 0) {
            return true;
        }
    }
    return false;
}

static gv_status check_blocks(const gv_compare_config *config)
{
    const gv_block_kind kind = config->block.kind;
    const bool of_market = kind == GV_BLOCK_PERIOD || kind == GV_BLOCK_SEAT;
    for (size_t i = 0; kind != GV_BLOCK_AUTO && i < config->cell_count; i++) {
        const bool has_seat = config->cells[i].seat != NULL;
        if (has_seat != of_market) {
            return GV_FAIL(GV_EUSAGE, "a %s is drawn in blocks of %s: give one of these, or auto",
                           has_seat ? "market" : "replay",
                           has_seat ? "periods or seats" : "days, episodes or ticks");
        }
    }
    return GV_OK;
}

static gv_status allocate(comparisons_block *block, pair_sums *pairing)
{
    const gv_compare_config *config = pairing->config;
    GV_TRY(gv_grouping_create(config->cells, config->cell_count, &block->grouping));
    const size_t rows = block->grouping->group_count * block->grouping->policy_count;
    block->rows = gv_mem_alloc(0, rows, sizeof *block->rows);
    block->differences = gv_mem_alloc(0, rows * config->metric_count, sizeof *block->differences);
    pairing->parts = gv_mem_alloc(0, config->cell_count, sizeof *pairing->parts);
    pairing->stratum_sizes = gv_mem_alloc(0, config->cell_count, sizeof *pairing->stratum_sizes);
    if (block->rows == NULL || block->differences == NULL || pairing->parts == NULL ||
        pairing->stratum_sizes == NULL) {
        return GV_FAIL(GV_ENOMEM, "comparing %zu cells", config->cell_count);
    }
    block->comparisons.grouping = block->grouping;
    block->comparisons.rows = block->rows;
    return GV_OK;
}

gv_status gv_compare(const gv_compare_config *config, gv_comparisons **out)
{
    if (!has_policy(config->baseline_cells, config->baseline_cell_count, config->baseline)) {
        return GV_FAIL(GV_ENOTFOUND, "no cell has the policy %s", config->baseline);
    }
    GV_TRY(check_blocks(config));
    comparisons_block *block = gv_mem_alloc(sizeof *block, 0, 0);
    if (block == NULL) {
        return GV_FAIL(GV_ENOMEM, "comparing %zu cells", config->cell_count);
    }
    pair_sums pairing = {.config = config};
    gv_status status = allocate(block, &pairing);
    if (status == GV_OK) {
        status = compare_all(block, &pairing);
    }
    gv_mem_free(pairing.parts);
    gv_mem_free(pairing.stratum_sizes);
    gv_mem_free(pairing.sums);
    if (status != GV_OK) {
        gv_comparisons_destroy(&block->comparisons);
        return status;
    }
    *out = &block->comparisons;
    return GV_OK;
}

void gv_comparisons_destroy(gv_comparisons *comparisons)
{
    if (comparisons == NULL) {
        return;
    }
    comparisons_block *block = (comparisons_block *)comparisons; /* its first member */
    gv_grouping_destroy(block->grouping);
    gv_mem_free(block->rows);
    gv_mem_free(block->differences);
    gv_mem_free(block);
}
