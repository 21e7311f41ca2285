/*
 * pCTR as the rate at which impressions of the same kind were clicked in the past.
 *
 * Kinds are nested cells: all, advertiser, advertiser x exchange, x slot size, x hour of the
 * day. Training is case-control: positives are the distinct bids among all click rows of the
 * span, by the click's own time, whether their impression is in the log or not (a bid clicked
 * twice counts once, for the impression is what is predicted); negatives are the impressions
 * without a click, each standing for `impression_weight` of them. With P positives and
 * T = P + weight x negatives a cell's rate is drawn to its parent's:
 *
 *     rate = (P + s) / (T + s / rate of the parent)
 *
 * the mean of a beta prior worth s clicks at the parent's rate. Levels, order and smoothing are
 * ours. An impression is priced by the finest of its cells that the training saw.
 */
#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "models/predict/cells_impl.h"
#include "models/predict/features_impl.h"
#include "models/predict/types_impl.h"
#include "sim/base/mem.h"

enum { REPORT_ROWS = 65536 };

#define NAME "historical_rate"

typedef struct rate_config {
    double strength;
} rate_config;

typedef struct rate_state {
    const rate_config *config;
    const gv_log *log;
    gv_features features; /* of the log's impressions */
    gv_rate_cells cells;  /* by the training log's codes */
    uint32_t *codes[2];   /* advertisers and exchanges, where the training log is another */
} rate_state;

static const gv_param rate_params[] = {
    {.name = "strength",
     .kind = GV_PARAM_REAL,
     .unit = "clicks",
     .fallback = "10",
     .maximum = 1e9,
     .offset = offsetof(rate_config, strength),
     .help = "clicks at the coarser cell's rate that each cell is given beforehand; 0: raw rates",
     .source = "ours"},
    {0},
};

static gv_status rate_init(void *state, const void *config, const gv_log *log)
{
    rate_state *rate = state;
    rate->config = config;
    rate->log = log;
    return gv_features_bind(&rate->features, log, GV_LOG_IMPRESSION, NAME);
}

/* Counts one row in each of its cells. */
static gv_status count_row(gv_rate_cells *cells, const gv_features *features, uint64_t row,
                           bool clicked)
{
    uint64_t values[GV_FEATURE_COUNT];
    gv_features_read(features, row, values);
    uint32_t cell = GV_RATE_CELL_ROOT;
    for (size_t level = 0;; level++) {
        cells->cells[cell].positives += clicked ? 1 : 0;
        cells->cells[cell].negatives += clicked ? 0 : 1;
        if (level == GV_FEATURE_COUNT) {
            return GV_OK;
        }
        GV_TRY(gv_rate_cells_add(cells, cell, values[level], &cell));
    }
}

/* Clicks of impressions in the log: ascending by row, then by time. */
typedef struct joined_clicks {
    const int64_t *rows;
    const int64_t *times; /* both [count] */
    uint64_t count;
    uint64_t next;
} joined_clicks;

static gv_status bind_joined(joined_clicks *joined, const gv_log *log)
{
    *joined = (joined_clicks){.count = gv_log_rows(log, GV_LOG_CLICK)};
    if (joined->count == 0) {
        return GV_OK;
    }
    const gv_log_column *row = gv_log_find(log, GV_LOG_CLICK, gv_log_role_name(GV_ROLE_ROW));
    const gv_log_column *time = gv_log_find(log, GV_LOG_CLICK, gv_log_role_name(GV_ROLE_TIME));
    if (row == NULL || time == NULL) {
        return GV_FAIL(GV_ECORRUPT, "%s: the click table has no %s", gv_log_path(log),
                       row == NULL ? "row" : "time");
    }
    GV_TRY(gv_log_check(row, 0, joined->count));
    GV_TRY(gv_log_check(time, 0, joined->count));
    joined->rows = gv_log_integers(row);
    joined->times = gv_log_integers(time);
    return GV_OK;
}

/* The next impression with a click in the span, or -1; each once. */
static int64_t next_clicked(joined_clicks *joined, const gv_predictor_training *training)
{
    assert(joined->count == 0 || joined->rows != NULL);
    assert(joined->count == 0 || joined->times != NULL);
    while (joined->next < joined->count) {
        const int64_t row = joined->rows[joined->next];
        bool in_span = false;
        for (; joined->next < joined->count && joined->rows[joined->next] == row; joined->next++) {
            const int64_t time = joined->times[joined->next];
            in_span = in_span || (training->start_us <= time && time < training->end_us);
        }
        if (in_span) {
            return row;
        }
    }
    return -1;
}

static bool go_on(const gv_progress *progress, uint64_t done, uint64_t total)
{
    return done % REPORT_ROWS != 0 || gv_progress_report(progress, "fitting " NAME, done, total);
}

/* Clicked impressions of any time, and the unclicked of the span. */
static gv_status count_impressions(gv_rate_cells *cells, const gv_predictor_training *training,
                                   const gv_progress *progress)
{
    const gv_log *log = training->log;
    gv_features features;
    joined_clicks joined;
    uint64_t first = 0;
    uint64_t end = 0;
    GV_TRY(gv_features_bind(&features, log, GV_LOG_IMPRESSION, NAME));
    GV_TRY(gv_features_check(&features, 0, gv_log_rows(log, GV_LOG_IMPRESSION)));
    GV_TRY(gv_log_lower_bound(log, GV_LOG_IMPRESSION, training->start_us, &first));
    GV_TRY(gv_log_lower_bound(log, GV_LOG_IMPRESSION, training->end_us, &end));
    GV_TRY(bind_joined(&joined, log));
    int64_t clicked = next_clicked(&joined, training);
    uint64_t row = first;
    while (clicked >= 0 || row < end) {
        if (!go_on(progress, row - first, end - first)) {
            return GV_FAIL(GV_ESTOPPED, "the fit of " NAME " was stopped");
        }
        const bool click_first = clicked >= 0 && (row >= end || (uint64_t)clicked <= row);
        if (click_first) {
            GV_TRY(count_row(cells, &features, (uint64_t)clicked, true));
            row += (uint64_t)clicked == row && row < end ? 1 : 0;
            clicked = next_clicked(&joined, training);
        } else {
            GV_TRY(count_row(cells, &features, row, false));
            row++;
        }
    }
    return GV_OK;
}

typedef struct bid_text {
    const char *bytes;
    size_t size;
    uint64_t row;
} bid_text;

/* By text, then by row. */
static int compare_bids(const void *one, const void *other)
{
    const bid_text *a = one;
    const bid_text *b = other;
    const int order = memcmp(a->bytes, b->bytes, a->size < b->size ? a->size : b->size);
    if (order != 0) {
        return order;
    }
    if (a->size != b->size) {
        return a->size < b->size ? -1 : 1;
    }
    return (a->row > b->row) - (a->row < b->row);
}

/* bids: [end - first]. A bid's first click stands for it. */
static gv_status count_distinct(gv_rate_cells *cells, const gv_features *features,
                                const gv_log_column *bid_id, uint64_t first, uint64_t end,
                                bid_text *bids)
{
    const size_t count = (size_t)(end - first);
    for (size_t i = 0; i < count; i++) {
        bids[i].row = first + i;
        bids[i].bytes = gv_log_text(bid_id, bids[i].row, &bids[i].size);
    }
    qsort(bids, count, sizeof *bids, compare_bids);
    for (size_t i = 0; i < count; i++) {
        const bool repeats = i > 0 && bids[i].size == bids[i - 1].size &&
                             memcmp(bids[i].bytes, bids[i - 1].bytes, bids[i].size) == 0;
        if (!repeats) {
            GV_TRY(count_row(cells, features, bids[i].row, true));
        }
    }
    return GV_OK;
}

/* Clicks of the span whose impression is not in the log. */
static gv_status count_orphans(gv_rate_cells *cells, const gv_predictor_training *training)
{
    const gv_log *log = training->log;
    const gv_log_table table = GV_LOG_ORPHAN_CLICK;
    if (gv_log_rows(log, table) == 0) {
        return GV_OK;
    }
    gv_features features;
    uint64_t first = 0;
    uint64_t end = 0;
    GV_TRY(gv_features_bind(&features, log, table, NAME));
    GV_TRY(gv_log_lower_bound(log, table, training->start_us, &first));
    GV_TRY(gv_log_lower_bound(log, table, training->end_us, &end));
    const gv_log_column *bid_id = gv_log_find(log, table, gv_log_role_name(GV_ROLE_BID_ID));
    if (bid_id == NULL) {
        return GV_FAIL(GV_ENOTFOUND,
                       "%s: the orphan_click table has no bid_id, so repeated "
                       "clicks cannot be told apart",
                       gv_log_path(log));
    }
    GV_TRY(gv_features_check(&features, first, end - first));
    GV_TRY(gv_log_check(bid_id, first, end - first));
    bid_text *bids = gv_mem_alloc(0, (size_t)(end - first), sizeof *bids);
    if (bids == NULL) {
        return GV_FAIL(GV_ENOMEM, "%zu clicked bids", (size_t)(end - first));
    }
    const gv_status status = count_distinct(cells, &features, bid_id, first, end, bids);
    gv_mem_free(bids);
    return status;
}

/* From the root on: a parent has a lower number than its parts. */
static void smooth(gv_rate_cells *cells, double weight, double strength)
{
    for (uint32_t i = 0; i < cells->count; i++) {
        gv_rate_cell *cell = &cells->cells[i];
        const double positives = (double)cell->positives;
        const double total = positives + weight * (double)cell->negatives;
        if (i == GV_RATE_CELL_ROOT || strength <= 0) {
            cell->rate = positives / total;
        } else {
            const double parent = cells->cells[cell->parent].rate;
            cell->rate = (positives + strength) / (total + strength / parent);
        }
    }
}

/* codes[c]: the training log's code for the text of this log's code c. */
static gv_status translate(const gv_log_column *from, const gv_log_column *to, uint32_t **codes)
{
    const uint32_t count = gv_log_code_count(from);
    *codes = gv_mem_alloc(0, count, sizeof **codes);
    if (*codes == NULL) {
        return GV_FAIL(GV_ENOMEM, "%u codes", count);
    }
    for (uint32_t c = 0; c < count; c++) {
        size_t size = 0;
        const char *text = gv_log_code_text(from, c, &size);
        (*codes)[c] = gv_log_code_find(to, text, size);
    }
    return GV_OK;
}

static gv_status translate_all(rate_state *rate, const gv_log *training_log)
{
    gv_features trained;
    GV_TRY(gv_features_bind(&trained, training_log, GV_LOG_IMPRESSION, NAME));
    GV_TRY(translate(rate->features.advertiser, trained.advertiser, &rate->codes[0]));
    GV_TRY(translate(rate->features.exchange, trained.exchange, &rate->codes[1]));
    rate->features.advertiser_codes = rate->codes[0];
    rate->features.exchange_codes = rate->codes[1];
    return GV_OK;
}

static gv_status rate_fit(void *state, const gv_predictor_training *training,
                          const gv_progress *progress)
{
    rate_state *rate = state;
    assert(training->impression_weight > 0);
    GV_TRY(gv_rate_cells_init(&rate->cells));
    GV_TRY(count_impressions(&rate->cells, training, progress));
    GV_TRY(count_orphans(&rate->cells, training));
    if (rate->cells.cells[GV_RATE_CELL_ROOT].positives == 0) {
        return GV_FAIL(GV_EINVAL,
                       "%s: no click in the span that predictor " NAME " is fitted on: give a "
                       "longer span, or a log with clicks",
                       gv_log_path(training->log));
    }
    if (rate->cells.cells[GV_RATE_CELL_ROOT].negatives == 0) {
        return GV_FAIL(GV_EINVAL,
                       "%s: no impression without a click in the span that predictor " NAME
                       " is fitted on: give a longer span",
                       gv_log_path(training->log));
    }
    smooth(&rate->cells, training->impression_weight, rate->config->strength);
    return training->log == rate->log ? GV_OK : translate_all(rate, training->log);
}

static double rate_of(const rate_state *rate, uint64_t row)
{
    uint64_t values[GV_FEATURE_COUNT];
    gv_features_read(&rate->features, row, values);
    uint32_t cell = GV_RATE_CELL_ROOT;
    for (size_t level = 0; level < GV_FEATURE_COUNT; level++) {
        const uint32_t part = gv_rate_cells_find(&rate->cells, cell, values[level]);
        if (part == GV_RATE_CELL_NONE) {
            break;
        }
        cell = part;
    }
    return rate->cells.cells[cell].rate;
}

static gv_status rate_predict(const void *state, const uint64_t *rows, size_t count, double *pctr)
{
    const rate_state *rate = state;
    if (count == 0) {
        return GV_OK;
    }
    uint64_t first = rows[0];
    uint64_t last = rows[0];
    for (size_t i = 1; i < count; i++) {
        first = rows[i] < first ? rows[i] : first;
        last = rows[i] > last ? rows[i] : last;
    }
    GV_TRY(gv_features_check(&rate->features, first, last - first + 1));
    for (size_t i = 0; i < count; i++) {
        pctr[i] = rate_of(rate, rows[i]);
    }
    return GV_OK;
}

static void rate_fini(void *state)
{
    rate_state *rate = state;
    gv_rate_cells_fini(&rate->cells);
    gv_mem_free(rate->codes[0]);
    gv_mem_free(rate->codes[1]);
}

const gv_predictor_type gv_predictor_historical_rate = {
    .info = {.name = NAME,
             .summary = "smoothed past click rate of advertiser, exchange, slot size and hour",
             .params = rate_params,
             .config_size = sizeof(rate_config)},
    .state_size = sizeof(rate_state),
    .needs_training = true,
    .init = rate_init,
    .fit = rate_fit,
    .predict = rate_predict,
    .fini = rate_fini,
};
