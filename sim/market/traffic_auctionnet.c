/*
 * The parametric traffic of AuctionNet (Su et al., NeurIPS 2024 datasets track; its public
 * environment): an hourly shape perturbed in blocks of ticks, value means by category and
 * advertiser, a spread, and an uncertainty of the prediction.
 *
 *   count[t]   = N share[t] f[t / 4], f ~ U(1 -+ 0.4), renormalised to N
 *   mean[a][t] = base c[category][t / 8] g[a][t / 8], c ~ U(1 -+ 0.7), g ~ U(1 -+ 0.5); the first
 *                advertiser of a category has g = 1
 *   std[a][t]  = mean[a][t] r[a][t], r[a][t] ~ N(r[a], 0.2 r[a]), r[a] ~ N(0.5, 0.1), both within
 *                (0.1, 1)
 *   value      ~ N(mean, std), cut to [0, 1], independent over opportunities and advertisers
 *   sigma      = value |s|, s ~ N(m[a], m[a] / 2), at most 0.3; m[a] ~ N(0.15, 0.06), those above
 *                0.3 count 0.2
 *
 * Two departures, both of the public code's seeds and not of its law: there a category's
 * factors equal those of the advertiser with the same number, and r and m share their draws.
 * Here each has draws of its own. The times within a tick are ours: one opportunity in each
 * of count[t] equal parts of the tick, uniform within its part.
 */
#include <assert.h>
#include <math.h>

#include "sim/base/mem.h"
#include "sim/base/random.h"
#include "sim/base/random_lanes.h"
#include "sim/base/vector.h"
#include "sim/market/traffic.h"

typedef struct auctionnet_config {
    int64_t opportunities;
    double traffic_spread;
    int64_t traffic_window;
    double value_mean;
    double category_spread;
    double advertiser_spread;
    int64_t value_window;
    double deviation_mean;
    double deviation_spread;
    double deviation_tick_spread;
    double sigma_mean;
    double sigma_spread;
    double sigma_max;
} auctionnet_config;

#define FIELD(name) .offset = offsetof(auctionnet_config, name)

static const gv_param auctionnet_params[] = {
    {.name = "opportunities",
     .kind = GV_PARAM_INTEGER,
     .fallback = "500000",
     .minimum = 1,
     .maximum = 1e10,
     FIELD(opportunities),
     .help = "Opportunities in a period, before each tick's count is cut to a whole number."},
    {.name = "traffic_spread",
     .kind = GV_PARAM_REAL,
     .fallback = "0.4",
     .minimum = 0,
     .maximum = 1,
     FIELD(traffic_spread),
     .help = "Each block of ticks has its traffic multiplied by a uniform in 1 -+ this."},
    {.name = "traffic_window",
     .kind = GV_PARAM_INTEGER,
     .unit = "ticks",
     .fallback = "4",
     .minimum = 1,
     .maximum = 1e6,
     FIELD(traffic_window),
     .help = "Ticks in a block of traffic."},
    {.name = "value_mean",
     .kind = GV_PARAM_REAL,
     .fallback = "0.0005",
     .minimum = 0,
     .maximum = 1,
     FIELD(value_mean),
     .help = "Mean value before the factors: 0.0005 is the sparse data, 0.005 the dense."},
    {.name = "category_spread",
     .kind = GV_PARAM_REAL,
     .fallback = "0.7",
     .minimum = 0,
     .maximum = 1,
     FIELD(category_spread),
     .help = "Each category and block has its mean multiplied by a uniform in 1 -+ this."},
    {.name = "advertiser_spread",
     .kind = GV_PARAM_REAL,
     .fallback = "0.5",
     .minimum = 0,
     .maximum = 1,
     FIELD(advertiser_spread),
     .help = "The same for each advertiser but the first of its category."},
    {.name = "value_window",
     .kind = GV_PARAM_INTEGER,
     .unit = "ticks",
     .fallback = "8",
     .minimum = 1,
     .maximum = 1e6,
     FIELD(value_window),
     .help = "Ticks in a block of values."},
    {.name = "deviation_mean",
     .kind = GV_PARAM_REAL,
     .fallback = "0.5",
     .minimum = 0,
     .maximum = 1,
     FIELD(deviation_mean),
     .help = "Mean of the ratio of a value's standard deviation to its mean."},
    {.name = "deviation_spread",
     .kind = GV_PARAM_REAL,
     .fallback = "0.1",
     .minimum = 0,
     .maximum = 1,
     FIELD(deviation_spread),
     .help = "Standard deviation of that ratio over advertisers."},
    {.name = "deviation_tick_spread",
     .kind = GV_PARAM_REAL,
     .fallback = "0.2",
     .minimum = 0,
     .maximum = 1,
     FIELD(deviation_tick_spread),
     .help = "Standard deviation over ticks, as a share of the advertiser's ratio."},
    {.name = "sigma_mean",
     .kind = GV_PARAM_REAL,
     .fallback = "0.15",
     .minimum = 0,
     .maximum = 1,
     FIELD(sigma_mean),
     .help = "Mean over advertisers of a prediction's uncertainty, as a share of the value."},
    {.name = "sigma_spread",
     .kind = GV_PARAM_REAL,
     .fallback = "0.06",
     .minimum = 0,
     .maximum = 1,
     FIELD(sigma_spread),
     .help = "Its standard deviation over advertisers."},
    {.name = "sigma_max",
     .kind = GV_PARAM_REAL,
     .fallback = "0.3",
     .minimum = 0,
     .maximum = 1,
     FIELD(sigma_max),
     .help = "No prediction is more uncertain than this share of its value."},
    {.name = NULL},
};

#undef FIELD

typedef struct auctionnet_state {
    auctionnet_config config;
    uint64_t seed;
    uint64_t period;
    int64_t start_us;
    int64_t tick_us;
    size_t tick_count;
    size_t advertiser_count;
    double *block;      /* everything below lies in it */
    double *share;      /* [tick]: of the period's opportunities */
    double *before;     /* [tick + 1]: opportunities before the tick, whole numbers */
    float *mean;        /* [tick][advertiser] */
    float *deviation;   /* [tick][advertiser] */
    double *sigma_mean; /* [advertiser] */
} auctionnet_state;

/* What a factor is for: the top bits of its entity. */
enum purpose {
    FACTOR_TRAFFIC,
    FACTOR_CATEGORY,
    FACTOR_ADVERTISER,
    FACTOR_DEVIATION,
    FACTOR_SIGMA,
};

static_assert((int)GV_TRAFFIC_GROUP == (int)GV_LANE_DRAWS, "neighbours share one block of draws");

enum { PURPOSE_SHIFT = 56, SUBJECT_BITS = 24, SHAPE_TICKS = 48, PERIOD_SHIFT = 40, PIECE = 256 };

/* Share of each half-hour from midnight, per mille: the base ratios of the public environment. */
static const double shape[SHAPE_TICKS] = {
    23.0, 10.8, 8.8,  4.8,  4.8,  3.3,  3.4,  3.0,  4.3,  4.9,  11.1, 12.4, 18.5, 17.3, 26.1, 24.1,
    36.4, 33.1, 38.1, 32.4, 37.2, 32.9, 33.5, 25.5, 23.7, 22.2, 26.2, 20.1, 22.2, 20.5, 22.7, 20.8,
    24.1, 20.6, 20.0, 16.5, 17.5, 16.9, 20.4, 19.8, 25.0, 25.1, 31.1, 28.6, 30.1, 25.7, 25.4, 25.3,
};

static gv_random factor_key(const auctionnet_state *state, enum purpose purpose, uint64_t subject)
{
    const uint64_t entity =
        (uint64_t)purpose << PURPOSE_SHIFT | state->period << SUBJECT_BITS | subject;
    return gv_random_key(state->seed, GV_STREAM_TRAFFIC, entity);
}

static double factor(const gv_random *key, uint64_t block, double spread)
{
    return 1.0 + spread * (2.0 * gv_random_uniform(key, block) - 1.0);
}

/* A day's shape read at any number of ticks. */
static double shape_at(const auctionnet_state *state, size_t tick)
{
    return shape[tick * SHAPE_TICKS / state->tick_count];
}

static void draw_counts(auctionnet_state *state)
{
    const auctionnet_config *config = &state->config;
    const gv_random key = factor_key(state, FACTOR_TRAFFIC, 0);
    double total = 0.0;
    for (size_t tick = 0; tick < state->tick_count; tick++) {
        const uint64_t block = tick / (uint64_t)config->traffic_window;
        state->share[tick] = shape_at(state, tick) * factor(&key, block, config->traffic_spread);
        total += state->share[tick];
    }
    for (size_t tick = 0; tick < state->tick_count; tick++) {
        const double count = floor(state->share[tick] / total * (double)config->opportunities);
        state->before[tick + 1] = state->before[tick] + count;
    }
}

static double within(double value, double low, double high)
{
    if (value < 0.0) {
        return low;
    }
    return value > high ? high : value;
}

/* The ratio of standard deviation to mean, of one advertiser and tick. */
static double deviation_at(const auctionnet_state *state, const gv_random *key, size_t tick)
{
    const auctionnet_config *config = &state->config;
    const double own = within(
        config->deviation_mean + config->deviation_spread * gv_random_normal(key, 0), 0.1, 1.0);
    const double z = gv_random_normal(key, tick + 1);
    return within(own + config->deviation_tick_spread * own * z, 0.1, 1.0);
}

static void draw_values(auctionnet_state *state, const gv_traffic_setup *setup, uint32_t advertiser)
{
    const auctionnet_config *config = &state->config;
    const uint32_t category = setup->categories[advertiser];
    const gv_random of_category = factor_key(state, FACTOR_CATEGORY, category);
    const gv_random own = factor_key(state, FACTOR_ADVERTISER, advertiser);
    const gv_random of_deviation = factor_key(state, FACTOR_DEVIATION, advertiser);
    const bool leads = advertiser == 0 || setup->categories[advertiser - 1] != category;
    for (size_t tick = 0; tick < state->tick_count; tick++) {
        const uint64_t block = tick / (uint64_t)config->value_window;
        const double shared = factor(&of_category, block, config->category_spread);
        const double single = leads ? 1.0 : factor(&own, block, config->advertiser_spread);
        const double mean = fmin(config->value_mean * shared * single, 1.0);
        const size_t cell = tick * state->advertiser_count + advertiser;
        state->mean[cell] = (float)mean;
        state->deviation[cell] = (float)(mean * deviation_at(state, &of_deviation, tick));
    }
}

static void draw_sigma(auctionnet_state *state, uint32_t advertiser)
{
    const gv_random key = factor_key(state, FACTOR_SIGMA, advertiser);
    const double z = gv_random_normal(&key, 0);
    const double mean = fabs(state->config.sigma_mean + state->config.sigma_spread * z);
    state->sigma_mean[advertiser] = mean > 0.3 ? 0.2 : mean;
}

static gv_status allocate(auctionnet_state *state)
{
    const size_t ticks = state->tick_count;
    const size_t cells = ticks * state->advertiser_count; /* two floats make a double */
    state->block = gv_mem_alloc(0, 2 * ticks + 1 + cells + state->advertiser_count, sizeof(double));
    if (state->block == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for traffic of %zu ticks and %zu advertisers", ticks,
                       state->advertiser_count);
    }
    state->share = state->block;
    state->before = state->share + ticks;
    state->sigma_mean = state->before + ticks + 1;
    state->mean = (float *)(void *)(state->sigma_mean + state->advertiser_count);
    state->deviation = state->mean + cells;
    return GV_OK;
}

static gv_status auctionnet_init(void *object, const gv_traffic_setup *setup)
{
    auctionnet_state *state = object;
    state->config = *(const auctionnet_config *)setup->config;
    state->seed = setup->seed;
    state->period = setup->period;
    state->start_us = setup->start_us;
    state->tick_us = setup->tick_us;
    state->tick_count = setup->tick_count;
    state->advertiser_count = setup->advertiser_count;
    if (setup->period >> (PURPOSE_SHIFT - SUBJECT_BITS) != 0) {
        return GV_FAIL(GV_EINVAL, "period %llu is too large: expected less than 2^32",
                       (unsigned long long)setup->period);
    }
    GV_TRY(allocate(state));
    draw_counts(state);
    for (uint32_t advertiser = 0; advertiser < setup->advertiser_count; advertiser++) {
        draw_values(state, setup, advertiser);
        draw_sigma(state, advertiser);
    }
    return GV_OK;
}

static void auctionnet_fini(void *object)
{
    auctionnet_state *state = object;
    gv_mem_free(state->block);
}

static uint64_t auctionnet_count(const void *object, size_t tick)
{
    const auctionnet_state *state = object;
    return (uint64_t)(state->before[tick + 1] - state->before[tick]);
}

static uint64_t entity_of(const auctionnet_state *state, uint64_t opportunity)
{
    return state->period << PERIOD_SHIFT | opportunity;
}

static void auctionnet_times(const void *object, size_t tick, uint64_t first, size_t count,
                             int64_t *time_us)
{
    const auctionnet_state *state = object;
    const double length = (double)state->tick_us;
    const double parts = state->before[tick + 1] - state->before[tick];
    const int64_t start = state->start_us + (int64_t)tick * state->tick_us;
    for (size_t i = 0; i < count; i++) {
        const gv_random key =
            gv_random_key(state->seed, GV_STREAM_ARRIVAL, entity_of(state, first + i));
        const double part = (double)(first + i) - state->before[tick];
        time_us[i] = start + (int64_t)((part + gv_random_uniform(&key, 0)) / parts * length);
    }
}

/* value = mean + deviation z, cut to [0, 1]. */
GV_VECTOR static void values_of(const float *z, float mean, float deviation, size_t count,
                                float *values)
{
    for (size_t i = 0; i < count; i++) {
        const float value = mean + deviation * z[i];
        const float cut = value > 0.0F ? value : 0.0F;
        values[i] = cut < 1.0F ? cut : 1.0F;
    }
}

/* Of at most PIECE opportunities. */
static void strip_values(const auctionnet_state *state, const gv_traffic_piece *piece,
                         size_t stride, float *values)
{
    float z[GV_LANE_DRAWS * PIECE];
    const size_t cell = piece->tick * state->advertiser_count + piece->advertiser;
    const float *mean = state->mean + cell;
    const float *deviation = state->deviation + cell;
    const uint64_t entity = entity_of(state, piece->first);
    for (size_t i = 0; i < piece->advertiser_count; i++) {
        const size_t draw = i % GV_LANE_DRAWS;
        if (draw == 0) {
            gv_random_lanes_normal(state->seed, GV_STREAM_TRAFFIC, entity, piece->count,
                                   (piece->advertiser + i) / GV_LANE_DRAWS, PIECE, z);
        }
        values_of(z + draw * PIECE, mean[i], deviation[i], piece->count, values + i * stride);
    }
}

static void auctionnet_values(const void *object, const gv_traffic_piece *piece, size_t stride,
                              float *values)
{
    for (size_t done = 0; done < piece->count; done += PIECE) {
        const size_t left = piece->count - done;
        gv_traffic_piece strip = *piece;
        strip.first += done;
        strip.count = left < PIECE ? left : PIECE;
        strip_values(object, &strip, stride, values + done);
    }
}

static double auctionnet_sigma(const void *object, uint64_t opportunity, uint32_t advertiser,
                               double value)
{
    const auctionnet_state *state = object;
    const gv_random key =
        gv_random_key(state->seed, GV_STREAM_SIGMA, entity_of(state, opportunity));
    const double mean = state->sigma_mean[advertiser];
    const double ratio = fabs(mean + 0.5 * mean * gv_random_normal(&key, advertiser));
    return value * fmin(ratio, state->config.sigma_max);
}

const gv_traffic_type gv_traffic_auctionnet = {
    .info = {.name = "auctionnet",
             .summary = "The parametric generator of AuctionNet: hourly shape, category and "
                        "advertiser factors, normal values, uncertain predictions.",
             .source = "AuctionNet, NeurIPS 2024 (arXiv 2412.10798), public environment",
             .params = auctionnet_params,
             .config_size = sizeof(auctionnet_config)},
    .state_size = sizeof(auctionnet_state),
    .init = auctionnet_init,
    .count = auctionnet_count,
    .times = auctionnet_times,
    .values = auctionnet_values,
    .sigma = auctionnet_sigma,
    .fini = auctionnet_fini,
};
