/*
 * pCTR as the rate at which impressions of the same kind were clicked in the past.
 *
 * Kinds are nested cells: all, advertiser, advertiser x exchange, x slot size, x hour of the
 * day. Training is case-control, on the samples of samples.h. With P positives and T = P + weight x
 * negatives a cell's rate is drawn to its parent's:
 *
 *     rate = (P + s) / (T + s / rate of the parent)
 *
 * the mean of a beta prior worth s clicks at the parent's rate. Levels, order and smoothing are
 * ours. An impression is priced by the finest of its cells that the training saw.
 */
#include <assert.h>
#include <math.h>
#include <stddef.h>

#include "models/predict/cells_impl.h"
#include "models/predict/features_impl.h"
#include "models/predict/samples.h"
#include "models/predict/types_impl.h"
#include "sim/base/mem.h"

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

/* What is counted while the samples pass by. */
typedef struct counting {
    gv_rate_cells *cells;
    gv_features impressions;
    gv_features orphans;
} counting;

static gv_status count_sample(void *context, const gv_sample *sample)
{
    counting *count = context;
    const gv_features *features = sample->is_orphan ? &count->orphans : &count->impressions;
    return count_row(count->cells, features, sample->row, sample->is_clicked);
}

static gv_status count_samples(gv_rate_cells *cells, const gv_predictor_training *training,
                               const gv_progress *progress)
{
    const gv_log *log = training->log;
    const uint64_t orphan_count = gv_log_rows(log, GV_LOG_ORPHAN_CLICK);
    counting count = {.cells = cells};
    GV_TRY(gv_features_bind(&count.impressions, log, GV_LOG_IMPRESSION, NAME));
    GV_TRY(gv_features_check(&count.impressions, 0, gv_log_rows(log, GV_LOG_IMPRESSION)));
    if (orphan_count > 0) {
        GV_TRY(gv_features_bind(&count.orphans, log, GV_LOG_ORPHAN_CLICK, NAME));
        GV_TRY(gv_features_check(&count.orphans, 0, orphan_count));
    }
    return gv_samples_each(training, "fitting " NAME, progress, count_sample, &count);
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
    GV_TRY(count_samples(&rate->cells, training, progress));
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
