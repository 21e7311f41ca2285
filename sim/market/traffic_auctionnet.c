/*
 * The parametric traffic of AuctionNet (Su et al., NeurIPS 2024 datasets track; its public
 * environment): an hourly shape perturbed in blocks of ticks, and the law of values.
 *
 *   count[t]   = N share[t] f[t / 4], f ~ U(1 -+ 0.4), renormalised to N; in a demand shock (ours)
 *                times its volume, so that the other ticks keep theirs
 *
 * This is the environment's parametric generator, not the paper's learned one, which needs its
 * weights. The times within a tick are ours: one opportunity in each of count[t] equal parts of the
 * tick, uniform within its part.
 */
#include <math.h>

#include "sim/base/mem.h"
#include "sim/base/random.h"
#include "sim/market/arrival_curve_impl.h"
#include "sim/market/traffic_impl.h"
#include "sim/market/value_law_impl.h"

typedef struct auctionnet_config {
    int64_t opportunities;
    double traffic_spread;
    int64_t traffic_window;
    gv_value_law_config law;
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
    GV_VALUE_LAW_ROWS(auctionnet_config),
    GV_SHOCK_ROWS(auctionnet_config),
    GV_SHOCK_VOLUME_ROW(auctionnet_config),
    {.name = NULL},
};

#undef FIELD

enum { STRIP = 256 };

typedef struct auctionnet_state {
    auctionnet_config config;
    gv_traffic_setup setup; /* the categories are no longer there after init */
    double *block;          /* share and before lie in it */
    double *share;          /* [tick]: of the period's opportunities */
    double *before;         /* [tick + 1]: opportunities before the tick, whole numbers */
    gv_value_law law;
} auctionnet_state;

/* A day's shape read at any number of ticks. */
static double shape_at(const auctionnet_state *state, size_t tick)
{
    return gv_arrival_shape[tick * GV_ARRIVAL_SHAPE_BUCKETS / state->setup.tick_count];
}

static void draw_counts(auctionnet_state *state)
{
    const auctionnet_config *config = &state->config;
    const size_t tick_count = state->setup.tick_count;
    const gv_random key = gv_traffic_factor_key(&state->setup, GV_FACTOR_TRAFFIC, 0);
    double total = 0.0;
    for (size_t tick = 0; tick < tick_count; tick++) {
        const uint64_t block = tick / (uint64_t)config->traffic_window;
        const double change = gv_traffic_factor(&key, block, config->traffic_spread);
        state->share[tick] = shape_at(state, tick) * change;
        total += state->share[tick];
    }
    for (size_t tick = 0; tick < tick_count; tick++) {
        const double volume = gv_shock_volume(&config->law.shock, &state->setup, tick);
        const double count =
            floor(state->share[tick] / total * (double)config->opportunities * volume);
        state->before[tick + 1] = state->before[tick] + count;
    }
}

static gv_status auctionnet_check(const void *object, size_t tick_count)
{
    const auctionnet_config *config = object;
    return gv_shock_check(&config->law.shock, tick_count);
}

static gv_status auctionnet_init(void *object, const gv_traffic_setup *setup)
{
    auctionnet_state *state = object;
    state->config = *(const auctionnet_config *)setup->config;
    state->setup = *setup;
    state->block = gv_mem_alloc(0, 2 * setup->tick_count + 1, sizeof(double));
    if (state->block == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for traffic of %zu ticks", setup->tick_count);
    }
    state->share = state->block;
    state->before = state->share + setup->tick_count;
    draw_counts(state);
    return gv_value_law_init(&state->law, &state->config.law, setup);
}

static void auctionnet_fini(void *object)
{
    auctionnet_state *state = object;
    gv_mem_free(state->block);
    gv_value_law_fini(&state->law);
}

static uint64_t auctionnet_count(const void *object, size_t tick)
{
    const auctionnet_state *state = object;
    return (uint64_t)(state->before[tick + 1] - state->before[tick]);
}

/* Of at most STRIP opportunities. */
static void strip_times(const auctionnet_state *state, size_t tick, uint64_t first, size_t count,
                        int64_t *time_us)
{
    uint64_t entities[STRIP] = {0};
    double uniforms[STRIP];
    const gv_traffic_setup *setup = &state->setup;
    const double length = (double)setup->tick_us;
    const double parts = state->before[tick + 1] - state->before[tick];
    const int64_t start = setup->start_us + (int64_t)tick * setup->tick_us;
    for (size_t i = 0; i < count; i++) {
        entities[i] = gv_traffic_entity(setup->period, first + i);
    }
    gv_random_each_uniform(setup->seed, GV_STREAM_ARRIVAL, entities, count, uniforms);
    for (size_t i = 0; i < count; i++) {
        const double part = (double)(first + i) - state->before[tick];
        time_us[i] = start + (int64_t)((part + uniforms[i]) / parts * length);
    }
}

static void auctionnet_times(const void *object, size_t tick, uint64_t first, size_t count,
                             int64_t *time_us)
{
    for (size_t done = 0; done < count; done += STRIP) {
        const size_t left = count - done;
        strip_times(object, tick, first + done, left < STRIP ? left : STRIP, time_us + done);
    }
}

static void auctionnet_values(const void *object, const gv_traffic_piece *piece, size_t stride,
                              float *values)
{
    const auctionnet_state *state = object;
    gv_value_law_values(&state->law, piece, stride, values);
}

static double auctionnet_sigma(const void *object, uint64_t opportunity, uint32_t advertiser,
                               double value)
{
    const auctionnet_state *state = object;
    return gv_value_law_sigma(&state->law, opportunity, advertiser, value);
}

const gv_traffic_type gv_traffic_auctionnet = {
    .info = {.name = "auctionnet",
             .summary = "The parametric generator of AuctionNet: hourly shape, category and "
                        "advertiser factors, normal values, uncertain predictions.",
             .source = "AuctionNet, NeurIPS 2024 (arXiv 2412.10798), public environment",
             .params = auctionnet_params,
             .config_size = sizeof(auctionnet_config)},
    .state_size = sizeof(auctionnet_state),
    .check = auctionnet_check,
    .init = auctionnet_init,
    .count = auctionnet_count,
    .times = auctionnet_times,
    .values = auctionnet_values,
    .sigma = auctionnet_sigma,
    .fini = auctionnet_fini,
};
