/* A span of a log, summed up: totals and the landscape of market prices. */
#include <assert.h>
#include <math.h>

#include "sim/base/mem.h"
#include "sim/market/logged.h"

typedef struct sums {
    gv_history totals;
    uint64_t *counts; /* [GV_HISTORY_PRICES_MAX] */
    double pctr_sum;
    bool has_pctr;
} sums;

static size_t bin_of(int64_t price, int64_t step)
{
    const int64_t bin = price > 0 ? price / step : 0;
    return bin < GV_HISTORY_PRICES_MAX ? (size_t)bin : GV_HISTORY_PRICES_MAX - 1;
}

static void add_prices(sums *summary, const gv_opportunities *piece)
{
    gv_history *totals = &summary->totals;
    for (size_t i = 0; i < piece->count; i++) {
        const int64_t price = piece->rival_nanos[i];
        const size_t bin = bin_of(price, totals->price_step_nanos);
        summary->counts[bin]++;
        totals->price_count = bin < totals->price_count ? totals->price_count : bin + 1;
        if (__builtin_add_overflow(totals->cost_nanos, price, &totals->cost_nanos)) {
            totals->cost_nanos = INT64_MAX;
        }
    }
}

static void add_piece(sums *summary, const gv_opportunities *piece)
{
    gv_history *totals = &summary->totals;
    totals->impressions += piece->count;
    add_prices(summary, piece);
    for (size_t e = 0; e < piece->event_count; e++) {
        totals->conversions += piece->events[e].is_conversion;
        totals->clicks += 1 - piece->events[e].is_conversion;
    }
    for (size_t i = 0; piece->pctr != NULL && i < piece->count; i++) {
        summary->pctr_sum += piece->pctr[i];
        summary->has_pctr = true;
    }
}

static gv_status sum_up(gv_source *source, sums *summary)
{
    uint64_t position = source->begin;
    for (;;) {
        gv_opportunities piece;
        GV_TRY(source->load(source, position, &piece, &position));
        if (piece.count == 0) {
            break;
        }
        add_piece(summary, &piece);
    }
    summary->totals.mean_pctr =
        summary->has_pctr ? summary->pctr_sum / (double)summary->totals.impressions : (double)NAN;
    return GV_OK;
}

gv_status gv_logged_history_create(const gv_logged_config *config, const char *name,
                                   int64_t price_step_nanos, gv_history **out)
{
    assert(price_step_nanos >= 1);

    sums summary = {.totals = {.name = name,
                               .price_step_nanos = price_step_nanos,
                               .start_us = config->start_us,
                               .end_us = config->end_us}};
    GV_TRY(gv_logged_source_create(config, &summary.totals.source));
    gv_status status = GV_OK;
    summary.counts = gv_mem_alloc(0, GV_HISTORY_PRICES_MAX, sizeof *summary.counts);
    if (summary.counts == NULL) {
        status = GV_FAIL(GV_ENOMEM, "no memory for the prices of history %s", name);
        goto fail;
    }
    GV_TRY_GOTO(status, sum_up(summary.totals.source, &summary), fail);
    summary.totals.price_counts = summary.counts;
    GV_TRY_GOTO(status, gv_history_create(&summary.totals, out), fail);
    gv_mem_free(summary.counts);
    return GV_OK;

fail:
    gv_mem_free(summary.counts);
    summary.totals.source->destroy(summary.totals.source);
    return status;
}
