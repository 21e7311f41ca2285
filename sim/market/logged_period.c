#include "sim/market/logged_period.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/log/auctionnet.h"
#include "sim/market/offline_impl.h"

/* One tick's columns, [advertiser][count]. */
typedef struct kept_tick {
    uint64_t first;
    size_t count;
    float *values;
    int64_t *prices;
} kept_tick;

struct gv_logged_period {
    const char *path; /* borrowed */
    uint64_t number;
    size_t tick_count;
    uint64_t count;
    size_t advertiser_count;
    uint32_t numbers[GV_AUCTIONNET_ADVERTISERS_MAX];
    kept_tick ticks[]; /* [tick_count] */
};

static gv_status keep_tick(gv_logged_period *period, const gv_auctionnet_tick *tick)
{
    if (tick->tick >= period->tick_count) {
        return GV_FAIL(GV_EINVAL, "%s:%" PRIu64 ": tick %zu, expected %zu ticks from 0 on",
                       period->path, tick->line, tick->tick, period->tick_count);
    }
    kept_tick *kept = &period->ticks[tick->tick];
    const size_t cells = tick->advertiser_count * tick->count;
    kept->values = gv_mem_alloc_vector(cells, sizeof *kept->values);
    kept->prices = gv_mem_alloc_vector(cells, sizeof *kept->prices);
    if (kept->values == NULL || kept->prices == NULL) {
        return GV_FAIL(GV_ENOMEM, "%s: no memory for a period as history", period->path);
    }
    kept->count = tick->count;
    period->advertiser_count = tick->advertiser_count;
    for (size_t i = 0; i < tick->advertiser_count; i++) {
        period->numbers[i] = tick->advertisers[i].number;
        gv_offline_nanos(tick->least_costs + i * tick->stride, tick->count,
                         kept->prices + i * tick->count);
        for (size_t k = 0; k < tick->count; k++) {
            kept->values[i * tick->count + k] = (float)tick->values[i * tick->stride + k];
        }
    }
    return GV_OK;
}

static gv_status read_ticks(gv_logged_period *period, gv_auctionnet_reader *reader,
                            const gv_progress *progress)
{
    gv_auctionnet_tick tick;
    bool found = true;
    for (bool is_first = true;; is_first = false) {
        GV_TRY(gv_auctionnet_next(reader, &tick, &found));
        if (!found || (!is_first && tick.period != period->number)) {
            break;
        }
        period->number = tick.period;
        GV_TRY(keep_tick(period, &tick));
        if (!gv_progress_report(progress, "history", tick.tick, period->tick_count)) {
            return GV_FAIL(GV_ESTOPPED, "%s: stopped at its line %" PRIu64, period->path,
                           tick.line);
        }
    }
    for (size_t i = 0; i < period->tick_count; i++) {
        period->ticks[i].first = period->count;
        period->count += period->ticks[i].count;
    }
    if (period->count == 0) {
        return GV_FAIL(GV_EPARSE, "%s: holds no opportunity", period->path);
    }
    return GV_OK;
}

gv_status gv_logged_period_read(const char *path, size_t tick_count, const gv_progress *progress,
                                gv_logged_period **out)
{
    gv_logged_period *period = gv_mem_alloc(sizeof *period, tick_count, sizeof(kept_tick));
    gv_auctionnet_reader *reader = NULL;
    gv_status status = GV_OK;
    if (period == NULL) {
        return GV_FAIL(GV_ENOMEM, "%s: no memory for a period as history", path);
    }
    period->path = path;
    period->tick_count = tick_count;
    GV_TRY_GOTO(status, gv_auctionnet_open(path, GV_AUCTIONNET_MARKET, &reader), fail);
    GV_TRY_GOTO(status, read_ticks(period, reader, progress), fail);
    gv_auctionnet_close(reader);
    *out = period;
    return GV_OK;
fail:
    gv_auctionnet_close(reader);
    gv_logged_period_destroy(period);
    return status;
}

void gv_logged_period_destroy(gv_logged_period *period)
{
    if (period == NULL) {
        return;
    }
    for (size_t i = 0; i < period->tick_count; i++) {
        gv_mem_free(period->ticks[i].values);
        gv_mem_free(period->ticks[i].prices);
    }
    gv_mem_free(period);
}

uint64_t gv_logged_period_number(const gv_logged_period *period)
{
    return period->number;
}

typedef struct period_source {
    gv_source base;
    const gv_logged_period *period;
    size_t row; /* the advertiser's */
    gv_logged_span span;
    int64_t times[GV_OPPORTUNITY_PIECE];
    double values[GV_OPPORTUNITY_PIECE];
} period_source;

/* The tick that holds the position, which lies before the end. */
static size_t tick_at(const gv_logged_period *period, uint64_t position)
{
    size_t tick = 0;
    while (position >= period->ticks[tick].first + period->ticks[tick].count) {
        tick++;
    }
    return tick;
}

/* Pieces end with their tick. */
static gv_status load(gv_source *base, uint64_t position, gv_opportunities *out, uint64_t *next)
{
    period_source *source = (period_source *)base;
    *out = (gv_opportunities){.first_id = position, .time_us = source->times};
    *next = position;
    if (position >= base->end) {
        return GV_OK;
    }
    const size_t tick = tick_at(source->period, position);
    const kept_tick *kept = &source->period->ticks[tick];
    const size_t from = (size_t)(position - kept->first);
    const size_t left = kept->count - from;
    const size_t count = left < GV_OPPORTUNITY_PIECE ? left : GV_OPPORTUNITY_PIECE;
    const size_t at = source->row * kept->count + from;
    const int64_t start = source->span.start_us + (int64_t)tick * source->span.tick_us;
    const double step = (double)source->span.tick_us / (double)kept->count;
    for (size_t i = 0; i < count; i++) {
        source->times[i] = start + (int64_t)(step * (double)(from + i));
        source->values[i] = (double)kept->values[at + i];
    }
    out->count = count;
    out->rival_nanos = kept->prices + at;
    out->pcvr = source->values;
    *next = position + count;
    return GV_OK;
}

static void destroy_source(gv_source *source)
{
    gv_mem_free(source);
}

static gv_status create_source(const gv_logged_period *period, size_t row, gv_logged_span span,
                               gv_source **out)
{
    period_source *source = gv_mem_alloc(sizeof *source, 0, 0);
    if (source == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to read a history");
    }
    source->base = (gv_source){.load = load, .end = period->count, .destroy = destroy_source};
    source->period = period;
    source->row = row;
    source->span = span;
    *out = &source->base;
    return GV_OK;
}

static int64_t total_price(const gv_logged_period *period, size_t row)
{
    int64_t sum = 0;
    for (size_t i = 0; i < period->tick_count; i++) {
        const kept_tick *kept = &period->ticks[i];
        sum += gv_offline_total_nanos(kept->prices + row * kept->count, kept->count);
    }
    return sum;
}

gv_status gv_logged_period_history(const gv_logged_period *period, uint32_t advertiser,
                                   gv_logged_span span, gv_history **out)
{
    size_t row = 0;
    while (row < period->advertiser_count && period->numbers[row] != advertiser) {
        row++;
    }
    if (row == period->advertiser_count) {
        return GV_FAIL(GV_ENOTFOUND, "%s: has no advertiser %" PRIu32 " to learn from",
                       period->path, advertiser);
    }
    gv_source *source = NULL;
    GV_TRY(create_source(period, row, span, &source));
    const gv_history totals = {
        .name = period->path,
        .impressions = period->count,
        .cost_nanos = total_price(period, row),
        .mean_pctr = NAN,
        .price_step_nanos = 1,
        .start_us = span.start_us,
        .end_us = span.start_us + (int64_t)period->tick_count * span.tick_us,
        .source = source,
    };
    const gv_status status = gv_history_create(&totals, out);
    if (status != GV_OK) {
        destroy_source(source);
    }
    return status;
}
