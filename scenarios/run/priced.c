#include "scenarios/run/priced.h"

#include <math.h>

#include "sim/base/mem.h"

enum { GROUPS = 20 };

static gv_status fill_won(const gv_decisions *log, uint8_t *won)
{
    for (size_t i = 0; i < log->count; i++) {
        won[i] = (uint8_t)(isnan(log->prices[i]) ? 0 : 1);
        if (won[i] && log->doses[i] < log->prices[i]) {
            return GV_FAIL(GV_EUSAGE,
                           "decision %zu won at a price of %g with a bid of %g: expected prices of "
                           "at most the bid; lost ones are left empty",
                           i + 1, log->prices[i], log->doses[i]);
        }
    }
    return GV_OK;
}

gv_status gv_priced_run(const gv_decisions *log, const double *judged, bool has_chosen_bids,
                        double level, gv_priced_result *out)
{
    uint8_t *won = gv_mem_alloc(0, log->count, 1);
    if (won == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for %zu auctions", log->count);
    }
    gv_status status = fill_won(log, won);
    if (status == GV_OK) {
        const gv_priced priced = {.count = log->count,
                                  .bids = log->doses,
                                  .prices = log->prices,
                                  .rewards = log->rewards,
                                  .judged = judged,
                                  .won = won,
                                  .clusters = log->clusters,
                                  .cluster_count = log->cluster_count,
                                  .has_chosen_bids = has_chosen_bids};
        status = gv_priced_evaluate(&priced, GROUPS, level, out);
    }
    gv_mem_free(won);
    return status;
}
