#include <stdlib.h>

#include "sim/base/mem.h"
#include "sim/estimate/priced_impl.h"

enum { REALS = 4 };

typedef struct auction {
    double time;
    size_t row;
} auction;

static int compare(const void *left, const void *right)
{
    const auction *a = left;
    const auction *b = right;
    if (a->time != b->time) {
        return a->time < b->time ? -1 : 1;
    }
    return (a->row > b->row) - (a->row < b->row);
}

static auction *sort(const gv_priced *priced)
{
    auction *auctions = gv_mem_alloc(0, priced->count, sizeof *auctions);
    if (auctions != NULL) {
        for (size_t i = 0; i < priced->count; i++) {
            auctions[i] = (auction){priced->won[i] ? priced->prices[i] : priced->bids[i], i};
        }
        qsort(auctions, priced->count, sizeof *auctions, compare);
    }
    return auctions;
}

static void copy(gv_priced_order *order, const gv_priced *from, const auction *auctions)
{
    const size_t count = from->count;
    double *reals = order->reals;
    for (size_t k = 0; k < count; k++) {
        const size_t i = auctions[k].row;
        order->times[k] = auctions[k].time;
        reals[k] = from->bids[i];
        reals[count + k] = from->prices[i];
        reals[2 * count + k] = from->rewards[i];
        reals[3 * count + k] = from->judged[i];
        order->won[k] = from->won[i];
        order->clusters[k] = from->clusters == NULL ? (uint32_t)i : from->clusters[i];
    }
    order->priced.bids = reals;
    order->priced.prices = reals + count;
    order->priced.rewards = reals + 2 * count;
    order->priced.judged = reals + 3 * count;
    order->priced.won = order->won;
    order->priced.clusters = order->clusters;
}

gv_status gv_priced_order_init(gv_priced_order *order, const gv_priced *priced)
{
    const size_t count = priced->count;
    *order = (gv_priced_order){.priced = *priced,
                               .times = gv_mem_alloc(0, count, sizeof(double)),
                               .reals = gv_mem_alloc(0, REALS * count, sizeof(double)),
                               .won = gv_mem_alloc(0, count, 1),
                               .clusters = gv_mem_alloc(0, count, sizeof(uint32_t))};
    auction *auctions = sort(priced);
    if (order->times == NULL || order->reals == NULL || order->won == NULL ||
        order->clusters == NULL || auctions == NULL) {
        gv_mem_free(auctions);
        return GV_FAIL(GV_ENOMEM, "no memory for %zu auctions", count);
    }
    copy(order, priced, auctions);
    gv_mem_free(auctions);
    return GV_OK;
}

void gv_priced_order_fini(gv_priced_order *order)
{
    gv_mem_free(order->times);
    gv_mem_free(order->reals);
    gv_mem_free(order->won);
    gv_mem_free(order->clusters);
}
