#include "sim/market/history.h"

#include <assert.h>
#include <string.h>

#include "sim/base/mem.h"

/* One block: the history, its price counts, its name. */
gv_status gv_history_create(const gv_history *totals, gv_history **out)
{
    assert(totals->name != NULL);
    assert(totals->price_count == 0 || totals->price_counts != NULL);
    assert(totals->price_count <= GV_HISTORY_PRICES_MAX);

    const size_t name_size = strlen(totals->name) + 1;
    const size_t counts_size = totals->price_count * sizeof *totals->price_counts;
    unsigned char *block = gv_mem_alloc(sizeof(gv_history) + counts_size, name_size, 1);
    if (block == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for history %s", totals->name);
    }
    unsigned char *counts = block + sizeof(gv_history);
    unsigned char *name = counts + counts_size;
    if (counts_size > 0) {
        memcpy(counts, totals->price_counts, counts_size);
    }
    memcpy(name, totals->name, name_size);

    gv_history copy = *totals;
    copy.price_counts = (const uint64_t *)(const void *)counts;
    copy.name = (const char *)name;
    memcpy(block, &copy, sizeof copy);
    *out = (gv_history *)(void *)block;
    return GV_OK;
}

void gv_history_destroy(gv_history *history)
{
    if (history == NULL) {
        return;
    }
    if (history->source != NULL) {
        history->source->destroy(history->source);
    }
    gv_mem_free(history);
}
