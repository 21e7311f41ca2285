#include "scenarios/sweep/sweep_traffic.h"

#include <math.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/outcome/read.h"

/* The cells of one policy; records borrowed from the outcomes. */
typedef struct policy_cells {
    gv_outcomes *outcomes;
    gv_cell_record *cells; /* [count] */
    size_t count;
    bool has_one_budget; /* each campaign occurs once */
    bool is_ambiguous;   /* some campaign occurs twice at one budget */
} policy_cells;

static void drop(policy_cells *part)
{
    gv_mem_free(part->cells);
    gv_outcomes_destroy(part->outcomes);
}

static bool has_same_period(const gv_cell_record *a, const gv_cell_record *b)
{
    return a->seat == NULL || b->seat == NULL || a->seat->period == b->seat->period;
}

static void look_for_repeats(policy_cells *part)
{
    part->has_one_budget = true;
    for (size_t i = 0; i < part->count; i++) {
        for (size_t j = 0; j < i; j++) {
            const gv_cell_record *a = &part->cells[i];
            const gv_cell_record *b = &part->cells[j];
            if (strcmp(a->campaign->name, b->campaign->name) == 0 && has_same_period(a, b)) {
                part->has_one_budget = false;
                part->is_ambiguous =
                    part->is_ambiguous || strcmp(a->budget_label, b->budget_label) == 0;
            }
        }
    }
}

static gv_status read_cells(gv_store *store, int64_t run_id, const char *policy, const char *rivals,
                            policy_cells *part)
{
    GV_TRY(gv_outcomes_read(store, run_id, true, &part->outcomes));
    part->cells = gv_mem_alloc(0, part->outcomes->cell_count, sizeof *part->cells);
    if (part->cells == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for %zu cells", part->outcomes->cell_count);
    }
    for (size_t i = 0; i < part->outcomes->cell_count; i++) {
        const gv_cell_record *cell = &part->outcomes->cells[i];
        if (strcmp(cell->policy, policy) == 0 &&
            (rivals == NULL || (cell->seat != NULL && strcmp(cell->seat->rivals, rivals) == 0))) {
            part->cells[part->count++] = *cell;
        }
    }
    look_for_repeats(part);
    return GV_OK;
}

/* Budgets that differ between two settings must not keep the same campaign from itself. */
static void forget_budgets(policy_cells *part)
{
    for (size_t i = 0; i < part->count; i++) {
        part->cells[i].budget_label = "";
    }
}

/* The mean stays what it is: of all runs. */
static void take(const gv_interval *from, gv_replicated *to, gv_sweep_figure *figure)
{
    if (to->count == 0 || to->mean.state != GV_INTERVAL_TOO_FEW ||
        from->state != GV_INTERVAL_GIVEN) {
        return;
    }
    to->mean.state = GV_INTERVAL_GIVEN;
    to->mean.low = from->low;
    to->mean.high = from->high;
    figure->is_by_traffic = true;
}

/* The last row is of all campaigns and budgets together. */
static gv_status compare(const gv_sweep_table *table, const policy_cells *own,
                         const policy_cells *other, const char *baseline, gv_sweep_figure *figures)
{
    gv_compare_config pairing = *table->config->traffic;
    pairing.cells = own->cells;
    pairing.cell_count = own->count;
    pairing.baseline_cells = other->cells;
    pairing.baseline_cell_count = other->count;
    pairing.baseline = baseline;
    pairing.metrics = table->metrics;
    pairing.metric_count = table->metric_count;
    pairing.level = table->config->level;
    gv_comparisons *comparisons = NULL;
    GV_TRY(gv_compare(&pairing, &comparisons));
    if (comparisons->row_count > 0) {
        const gv_comparison *row = &comparisons->rows[comparisons->row_count - 1];
        for (size_t m = 0; row->part_count == own->count && m < table->metric_count; m++) {
            take(&row->differences[m].value, &figures[m].value, &figures[m]);
            take(&row->differences[m].difference, &figures[m].difference, &figures[m]);
        }
    }
    gv_comparisons_destroy(comparisons);
    return GV_OK;
}

gv_status gv_sweep_draw_traffic(gv_store *store, const gv_sweep_table *table,
                                const gv_sweep_pair *pair, gv_sweep_figure *figures)
{
    policy_cells own = {.count = 0};
    policy_cells other = {.count = 0};
    gv_status status = read_cells(store, pair->run_id, pair->policy, pair->rivals, &own);
    if (status == GV_OK) {
        status = read_cells(store, pair->baseline_run_id, pair->baseline, pair->rivals, &other);
    }
    if (status == GV_OK && own.has_one_budget && other.has_one_budget) {
        forget_budgets(&own);
        forget_budgets(&other);
    }
    if (status == GV_OK && own.count > 0 && other.count == own.count && !own.is_ambiguous &&
        !other.is_ambiguous) {
        status = compare(table, &own, &other, pair->baseline, figures);
    }
    drop(&own);
    drop(&other);
    return status;
}
