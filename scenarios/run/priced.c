#include "scenarios/run/priced.h"

#include <math.h>

#include "sim/base/mem.h"

enum { GROUPS = 20 };

/* Of a log in which every auction shows its price. */
static gv_status find_won(const gv_decisions *log, uint8_t *won)
{
    for (size_t i = 0; i < log->count; i++) {
        won[i] = (uint8_t)(log->doses[i] >= log->prices[i] ? 1 : 0);
        if (isnan(log->prices[i])) {
            return GV_FAIL(GV_EUSAGE,
                           "decision %zu has no price: with --all-prices each auction has one, and "
                           "was won where its bid reaches it",
                           i + 1);
        }
    }
    return GV_OK;
}

static gv_status fill_won(const gv_decisions *log, uint8_t *won)
{
    for (size_t i = 0; i < log->count; i++) {
        won[i] = (uint8_t)(isnan(log->prices[i]) ? 0 : 1);
        if (won[i] && log->doses[i] < log->prices[i]) {
            return GV_FAIL(GV_EUSAGE,
                           "decision %zu won at a price of %g with a bid of %g: expected prices of "
                           "at most the bid; lost ones are left empty, or --all-prices",
                           i + 1, log->prices[i], log->doses[i]);
        }
    }
    return GV_OK;
}

gv_status gv_priced_run(const gv_decisions *log, const double *judged, const gv_priced_how *how,
                        gv_priced_result *out)
{
    uint8_t *won = gv_mem_alloc(0, log->count, 1);
    if (won == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for %zu auctions", log->count);
    }
    gv_status status = how->shows_all ? find_won(log, won) : fill_won(log, won);
    if (status == GV_OK) {
        const gv_priced priced = {.count = log->count,
                                  .bids = log->doses,
                                  .prices = log->prices,
                                  .rewards = log->rewards,
                                  .judged = judged,
                                  .won = won,
                                  .clusters = log->clusters,
                                  .cluster_count = log->cluster_count,
                                  .shows_all = how->shows_all,
                                  .has_chosen_bids = how->has_chosen_bids};
        status = gv_priced_evaluate(&priced, GROUPS, how->level, out);
    }
    gv_mem_free(won);
    return status;
}
