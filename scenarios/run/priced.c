#include "scenarios/run/priced.h"

#include <math.h>
#include <stdlib.h>

#include "sim/base/mem.h"

enum { GROUPS = 20 };

typedef struct auction {
    double time; /* the price where won, else the bid */
    size_t row;
} auction;

/* Copies of the log's arrays in rising order of their times, which curves are then drawn of. */
typedef struct sorted_log {
    auction *order;
    double *reals; /* [4][count]: bids, prices, rewards, judged */
    uint8_t *won;
    uint32_t *clusters;
} sorted_log;

static int compare(const void *left, const void *right)
{
    const auction *a = left;
    const auction *b = right;
    if (a->time != b->time) {
        return a->time < b->time ? -1 : 1;
    }
    return (a->row > b->row) - (a->row < b->row);
}

static gv_status allocate(sorted_log *sorted, size_t count)
{
    sorted->order = gv_mem_alloc(0, count, sizeof *sorted->order);
    sorted->reals = gv_mem_alloc(0, 4 * count, sizeof *sorted->reals);
    sorted->won = gv_mem_alloc(0, count, 1);
    sorted->clusters = gv_mem_alloc(0, count, sizeof *sorted->clusters);
    if (sorted->order == NULL || sorted->reals == NULL || sorted->won == NULL ||
        sorted->clusters == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for %zu auctions", count);
    }
    return GV_OK;
}

static gv_status sort(const gv_decisions *log, const double *judged, sorted_log *sorted)
{
    const size_t count = log->count;
    GV_TRY(allocate(sorted, count));
    for (size_t i = 0; i < count; i++) {
        const bool won = !isnan(log->prices[i]);
        if (won && log->doses[i] < log->prices[i]) {
            return GV_FAIL(GV_EUSAGE,
                           "decision %zu won at a price of %g with a bid of %g: expected prices of "
                           "at most the bid; lost ones are left empty",
                           i + 1, log->prices[i], log->doses[i]);
        }
        sorted->order[i] = (auction){won ? log->prices[i] : log->doses[i], i};
    }
    qsort(sorted->order, count, sizeof *sorted->order, compare);
    for (size_t k = 0; k < count; k++) {
        const size_t i = sorted->order[k].row;
        sorted->reals[k] = log->doses[i];
        sorted->reals[count + k] = log->prices[i];
        sorted->reals[2 * count + k] = log->rewards[i];
        sorted->reals[3 * count + k] = judged[i];
        sorted->won[k] = (uint8_t)(isnan(log->prices[i]) ? 0 : 1);
        sorted->clusters[k] = log->clusters == NULL ? (uint32_t)i : log->clusters[i];
    }
    return GV_OK;
}

gv_status gv_priced_run(const gv_decisions *log, const double *judged, bool has_chosen_bids,
                        double level, gv_priced_result *out)
{
    sorted_log sorted = {NULL, NULL, NULL, NULL};
    gv_status status = sort(log, judged, &sorted);
    if (status == GV_OK) {
        const gv_priced priced = {.count = log->count,
                                  .bids = sorted.reals,
                                  .prices = sorted.reals + log->count,
                                  .rewards = sorted.reals + 2 * log->count,
                                  .judged = sorted.reals + 3 * log->count,
                                  .won = sorted.won,
                                  .clusters = sorted.clusters,
                                  .cluster_count = log->cluster_count,
                                  .has_chosen_bids = has_chosen_bids};
        status = gv_priced_evaluate(&priced, GROUPS, level, out);
    }
    gv_mem_free(sorted.order);
    gv_mem_free(sorted.reals);
    gv_mem_free(sorted.won);
    gv_mem_free(sorted.clusters);
    return status;
}
