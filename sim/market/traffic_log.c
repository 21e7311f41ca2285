/*
 * The opportunities of a log: its impressions' own times, and values around its own predictions.
 * Ours.
 *
 * A period sells the rows of [from, from + L), L its length, each at its own time after the start
 * of that span; other rows are not sold. Another period has other values. With `advance` period p
 * sells the rows of [from + p L, from + (p + 1) L) instead.
 *
 *   value[a][i] = q[i] (c g) (1 + r z), cut to [0, 1]
 *
 * q is what the log predicts for row i; c, g, r and z are the factors, the deviation ratio and the
 * draws of AuctionNet's law, so that one opportunity is good for all advertisers and each sees it
 * its own way. A log without predictions has the law alone.
 */
#include <math.h>
#include <string.h>

#include "sim/base/clock.h"
#include "sim/base/mem.h"
#include "sim/log/log.h"
#include "sim/market/traffic_impl.h"
#include "sim/market/value_law_impl.h"

/* Which columns make q. */
typedef enum log_value {
    VALUE_LAW,
    VALUE_PCTR,
    VALUE_PCVR,
    VALUE_PRODUCT,
} log_value;

static const char *const log_values[] = {"law", "pctr", "pcvr", "pctr_pcvr", NULL};

typedef struct log_config {
    const char *path;
    int64_t from_us;
    bool advance;
    int32_t value; /* of log_value; negative: auto */
    gv_value_law_config law;
} log_config;

#define FIELD(name) .offset = offsetof(log_config, name)

static const gv_param log_params[] = {
    {.name = "path",
     .kind = GV_PARAM_PATH,
     FIELD(path),
     .help = "The .gvlog whose impressions are sold; it must have times of its own."},
    {.name = "from",
     .kind = GV_PARAM_TIME,
     .fallback = "auto",
     FIELD(from_us),
     .help = "The time in the log at which its first stretch begins; auto: its first row."},
    {.name = "advance",
     .kind = GV_PARAM_SWITCH,
     .fallback = "off",
     FIELD(advance),
     .help = "on: period number p, from 0, sells the p-th stretch of the log; off: every period "
             "sells the first stretch, with other values."},
    {.name = "value",
     .kind = GV_PARAM_CHOICE,
     .fallback = "auto",
     .choices = log_values,
     FIELD(value),
     .help = "What the log says a row is worth, to be multiplied by each advertiser's factor and "
             "noise: a column or the product of both; law: nothing, preset and value_mean rule; "
             "auto: pctr where the log has it, else law."},
    GV_VALUE_LAW_ROWS(log_config),
    GV_SHOCK_ROWS(log_config),
    {.name = NULL},
};

#undef FIELD

enum { STRIP = 256 };

typedef struct log_state {
    gv_log *log;
    uint64_t *rows; /* [tick_count + 1]: the first row of each tick */
    const int64_t *times;
    const double *pctr; /* NULL: not part of q; both NULL: the law alone */
    const double *pcvr;
    int64_t shift_us; /* from a row's time to the market's */
    gv_value_law law;
} log_state;

/* A log without times has ordinal ones, which mean nothing here. */
static gv_status find_times(const log_state *state, const gv_log_column **out)
{
    const char *path = gv_log_path(state->log);
    const char *is_ordinal = gv_log_fact(state->log, "ordinal_time");
    *out = gv_log_find(state->log, GV_LOG_IMPRESSION, "time");
    if (*out == NULL || (is_ordinal != NULL && strcmp(is_ordinal, "yes") == 0)) {
        return GV_FAIL(GV_EINVAL,
                       "%s has no times of its own: traffic needs a log that says when "
                       "each row was",
                       path);
    }
    if (gv_log_rows(state->log, GV_LOG_IMPRESSION) == 0) {
        return GV_FAIL(GV_EINVAL, "%s has no impressions to sell", path);
    }
    return GV_OK;
}

/* Where the period's span begins in the log. */
static gv_status find_span(const log_state *state, const gv_traffic_setup *setup, int64_t *span_us)
{
    const log_config *config = setup->config;
    const int64_t length_us = (int64_t)setup->tick_count * setup->tick_us;
    const int64_t number = config->advance ? (int64_t)setup->period : 0;
    int64_t first_us = 0;
    int64_t last_us = 0;
    int64_t offset_us = 0;
    (void)gv_log_time_range(state->log, GV_LOG_IMPRESSION, &first_us, &last_us);
    const int64_t from_us = config->from_us == GV_PARAM_UNSET ? first_us : config->from_us;
    if (__builtin_mul_overflow(number, length_us, &offset_us) ||
        __builtin_add_overflow(from_us, offset_us, span_us) || *span_us > last_us ||
        length_us <= first_us - *span_us) {
        char first[40];
        char last[40];
        gv_time_print(first_us, gv_log_zone_us(state->log), first, sizeof first);
        gv_time_print(last_us, gv_log_zone_us(state->log), last, sizeof last);
        return GV_FAIL(GV_EINVAL, "%s has no rows for period %llu: it goes from %s to %s; set %s",
                       gv_log_path(state->log), (unsigned long long)setup->period, first, last,
                       config->advance ? "advance: off to sell its first stretch in every period"
                                       : "from to a time within");
    }
    return GV_OK;
}

static gv_status find_rows(log_state *state, const gv_traffic_setup *setup)
{
    const gv_log_column *times = NULL;
    int64_t span_us = 0;
    GV_TRY(find_times(state, &times));
    GV_TRY(find_span(state, setup, &span_us));
    state->rows = gv_mem_alloc(0, setup->tick_count + 1, sizeof *state->rows);
    if (state->rows == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for traffic of %zu ticks", setup->tick_count);
    }
    for (size_t tick = 0; tick <= setup->tick_count; tick++) {
        GV_TRY(gv_log_lower_bound(state->log, GV_LOG_IMPRESSION,
                                  span_us + (int64_t)tick * setup->tick_us, &state->rows[tick]));
    }
    const uint64_t count = state->rows[setup->tick_count] - state->rows[0];
    if (count == 0) {
        return GV_FAIL(GV_EINVAL, "%s has no rows for period %llu: its span falls into a gap",
                       gv_log_path(state->log), (unsigned long long)setup->period);
    }
    if (count >> GV_TRAFFIC_OPPORTUNITY_BITS != 0) {
        return GV_FAIL(GV_EINVAL, "%s: %llu rows in a period, expected less than 2^%d",
                       gv_log_path(state->log), (unsigned long long)count,
                       GV_TRAFFIC_OPPORTUNITY_BITS);
    }
    state->shift_us = setup->start_us - span_us;
    state->times = gv_log_integers(times);
    return gv_log_check(times, state->rows[0], count);
}

/* The column's cells, once those of the span are known to be probabilities. */
static gv_status take_column(const log_state *state, size_t tick_count, const char *name,
                             const double **out)
{
    const gv_log_column *column = gv_log_find(state->log, GV_LOG_IMPRESSION, name);
    if (column == NULL || gv_log_column_kind(column) != GV_LOG_REAL) {
        return GV_FAIL(GV_EINVAL, "%s has no column `%s`, which value asks for",
                       gv_log_path(state->log), name);
    }
    const uint64_t end = state->rows[tick_count];
    GV_TRY(gv_log_check(column, state->rows[0], end - state->rows[0]));
    const double *cells = gv_log_reals(column);
    for (uint64_t row = state->rows[0]; row < end; row++) {
        if (!(cells[row] >= 0.0 && cells[row] <= 1.0)) {
            return GV_FAIL(GV_EINVAL, "%s: row %llu has %s %g, expected 0 to 1",
                           gv_log_path(state->log), (unsigned long long)row + 1, name, cells[row]);
        }
    }
    *out = cells;
    return GV_OK;
}

static gv_status find_values(log_state *state, const gv_traffic_setup *setup)
{
    const log_config *config = setup->config;
    const bool has_pctr = gv_log_find(state->log, GV_LOG_IMPRESSION, "pctr") != NULL;
    int32_t value = config->value;
    if (value < 0) {
        value = has_pctr ? VALUE_PCTR : VALUE_LAW;
    }
    if (value == VALUE_LAW) {
        return gv_value_law_init(&state->law, &config->law, setup);
    }
    if (value != VALUE_PCVR) {
        GV_TRY(take_column(state, setup->tick_count, "pctr", &state->pctr));
    }
    if (value != VALUE_PCTR) {
        GV_TRY(take_column(state, setup->tick_count, "pcvr", &state->pcvr));
    }
    return gv_value_law_init_relative(&state->law, &config->law, setup);
}

/* A log has the rows that it has: a shock of values alone. */
static gv_status log_check(const void *object, size_t tick_count)
{
    const log_config *config = object;
    gv_shock shock = config->law.shock;
    shock.volume = 1.0;
    return gv_shock_check(&shock, tick_count);
}

static gv_status log_init(void *object, const gv_traffic_setup *setup)
{
    log_state *state = object;
    const log_config *config = setup->config;
    if (config->path == NULL) {
        return GV_FAIL(GV_EINVAL, "log traffic has no path: give that of a .gvlog");
    }
    GV_TRY(gv_log_open(config->path, &state->log));
    GV_TRY(find_rows(state, setup));
    return find_values(state, setup);
}

static void log_fini(void *object)
{
    log_state *state = object;
    gv_mem_free(state->rows);
    gv_value_law_fini(&state->law);
    gv_log_close(state->log);
}

static uint64_t log_count(const void *object, size_t tick)
{
    const log_state *state = object;
    return state->rows[tick + 1] - state->rows[tick];
}

static void log_times(const void *object, size_t tick, uint64_t first, size_t count,
                      int64_t *time_us)
{
    (void)tick;
    const log_state *state = object;
    const int64_t *times = state->times + state->rows[0] + first;
    for (size_t i = 0; i < count; i++) {
        time_us[i] = times[i] + state->shift_us;
    }
}

static void strip_bases(const log_state *state, uint64_t row, size_t count, double *bases)
{
    for (size_t i = 0; i < count; i++) {
        const double pctr = state->pctr == NULL ? 1.0 : state->pctr[row + i];
        const double pcvr = state->pcvr == NULL ? 1.0 : state->pcvr[row + i];
        bases[i] = pctr * pcvr;
    }
}

static void log_values_of(const void *object, const gv_traffic_piece *piece, size_t stride,
                          float *values)
{
    const log_state *state = object;
    if (state->pctr == NULL && state->pcvr == NULL) {
        gv_value_law_values(&state->law, piece, stride, values);
        return;
    }
    double bases[STRIP];
    for (size_t done = 0; done < piece->count; done += STRIP) {
        gv_traffic_piece strip = *piece;
        strip.first += done;
        strip.count = piece->count - done < STRIP ? piece->count - done : STRIP;
        strip_bases(state, state->rows[0] + strip.first, strip.count, bases);
        gv_value_law_values_around(&state->law, &strip, bases, stride, values + done);
    }
}

static double log_sigma(const void *object, uint64_t opportunity, uint32_t advertiser, double value)
{
    const log_state *state = object;
    return gv_value_law_sigma(&state->law, opportunity, advertiser, value);
}

const gv_traffic_type gv_traffic_log = {
    .info = {.name = "log",
             .summary = "The impressions of a .gvlog at their own times, valued around its own "
                        "predictions.",
             .params = log_params,
             .config_size = sizeof(log_config)},
    .state_size = sizeof(log_state),
    .check = log_check,
    .init = log_init,
    .count = log_count,
    .times = log_times,
    .values = log_values_of,
    .sigma = log_sigma,
    .fini = log_fini,
};
