#include <assert.h>
#include <math.h>

#include "sim/base/mem.h"
#include "sim/base/random_lanes.h"
#include "sim/base/vector.h"
#include "sim/market/traffic_impl.h"
#include "sim/market/value_law_impl.h"

static_assert((int)GV_TRAFFIC_GROUP == (int)GV_LANE_DRAWS, "neighbours share one block of draws");

enum { STRIP = 256 };

const char *const gv_value_law_presets[] = {"sparse", "dense", NULL};

static const double preset_means[] = {0.0005, 0.005};

static double base_of(const gv_value_law_config *config)
{
    return isnan(config->value_mean) ? preset_means[config->preset] : config->value_mean;
}

static double within(double value, double low, double high)
{
    if (value < 0.0) {
        return low;
    }
    return value > high ? high : value;
}

/* The ratio of standard deviation to mean, of one advertiser and tick. */
static double deviation_at(const gv_value_law_config *config, const gv_random *key, size_t tick)
{
    const double own = within(
        config->deviation_mean + config->deviation_spread * gv_random_normal(key, 0), 0.1, 1.0);
    const double z = gv_random_normal(key, tick + 1);
    return within(own + config->deviation_tick_spread * own * z, 0.1, 1.0);
}

/* What an advertiser's draws are made from. */
typedef struct law_recipe {
    const gv_value_law_config *config;
    const gv_traffic_setup *setup;
    double base;
    double mean_max;
} law_recipe;

static void draw_values(gv_value_law *law, const law_recipe *recipe, uint32_t advertiser)
{
    const gv_value_law_config *config = recipe->config;
    const gv_traffic_setup *setup = recipe->setup;
    const uint32_t category = setup->categories[advertiser];
    const gv_random of_category = gv_traffic_factor_key(setup, GV_FACTOR_CATEGORY, category);
    const gv_random own = gv_traffic_factor_key(setup, GV_FACTOR_ADVERTISER, advertiser);
    const gv_random of_deviation = gv_traffic_factor_key(setup, GV_FACTOR_DEVIATION, advertiser);
    const bool leads = advertiser == 0 || setup->categories[advertiser - 1] != category;
    for (size_t tick = 0; tick < setup->tick_count; tick++) {
        const uint64_t block = tick / (uint64_t)config->value_window;
        const double shared = gv_traffic_factor(&of_category, block, config->category_spread);
        const double single =
            leads ? 1.0 : gv_traffic_factor(&own, block, config->advertiser_spread);
        const double base = recipe->base * gv_shock_value(&config->shock, setup, tick);
        const double mean = fmin(base * shared * single, recipe->mean_max);
        const size_t cell = tick * law->advertiser_count + advertiser;
        law->mean[cell] = (float)mean;
        law->deviation[cell] = (float)(mean * deviation_at(config, &of_deviation, tick));
    }
}

static void draw_sigma(gv_value_law *law, const law_recipe *recipe, uint32_t advertiser)
{
    const gv_value_law_config *config = recipe->config;
    const gv_random key = gv_traffic_factor_key(recipe->setup, GV_FACTOR_SIGMA, advertiser);
    const double z = gv_random_normal(&key, 0);
    const double mean = fabs(config->sigma_mean + config->sigma_spread * z);
    law->sigma_mean[advertiser] = mean > 0.3 ? 0.2 : mean;
}

static gv_status allocate(gv_value_law *law, size_t tick_count)
{
    const size_t cells = tick_count * law->advertiser_count; /* two floats make a double */
    law->block = gv_mem_alloc(0, law->advertiser_count + cells, sizeof(double));
    if (law->block == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for traffic of %zu ticks and %zu advertisers",
                       tick_count, law->advertiser_count);
    }
    law->sigma_mean = law->block;
    law->mean = (float *)(void *)(law->sigma_mean + law->advertiser_count);
    law->deviation = law->mean + cells;
    return GV_OK;
}

static gv_status init(gv_value_law *law, const law_recipe *recipe)
{
    const gv_traffic_setup *setup = recipe->setup;
    law->seed = setup->seed;
    law->period = setup->period;
    law->advertiser_count = setup->advertiser_count;
    law->sigma_max = recipe->config->sigma_max;
    GV_TRY(allocate(law, setup->tick_count));
    for (uint32_t advertiser = 0; advertiser < setup->advertiser_count; advertiser++) {
        draw_values(law, recipe, advertiser);
        draw_sigma(law, recipe, advertiser);
    }
    return GV_OK;
}

gv_status gv_value_law_init(gv_value_law *law, const gv_value_law_config *config,
                            const gv_traffic_setup *setup)
{
    const law_recipe absolute = {
        .config = config, .setup = setup, .base = base_of(config), .mean_max = 1.0};
    return init(law, &absolute);
}

gv_status gv_value_law_init_relative(gv_value_law *law, const gv_value_law_config *config,
                                     const gv_traffic_setup *setup)
{
    const law_recipe relative = {
        .config = config, .setup = setup, .base = 1.0, .mean_max = HUGE_VAL};
    return init(law, &relative);
}

void gv_value_law_fini(gv_value_law *law)
{
    gv_mem_free(law->block);
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

/* value = base (mean + deviation z), cut to [0, 1]. */
GV_VECTOR static void values_around(const float *z, const float *bases, const float law[2],
                                    size_t count, float *values)
{
    for (size_t i = 0; i < count; i++) {
        const float value = bases[i] * (law[0] + law[1] * z[i]);
        const float cut = value > 0.0F ? value : 0.0F;
        values[i] = cut < 1.0F ? cut : 1.0F;
    }
}

/* Of at most STRIP opportunities; bases: NULL, or as many. */
static void strip_values(const gv_value_law *law, const gv_traffic_piece *piece, const float *bases,
                         size_t stride, float *values)
{
    float z[GV_LANE_DRAWS * STRIP];
    const size_t cell = piece->tick * law->advertiser_count + piece->advertiser;
    const float *mean = law->mean + cell;
    const float *deviation = law->deviation + cell;
    const uint64_t entity = gv_traffic_entity(law->period, piece->first);
    for (size_t i = 0; i < piece->advertiser_count; i++) {
        const float *draws = z + i % GV_LANE_DRAWS * STRIP;
        if (i % GV_LANE_DRAWS == 0) {
            gv_random_lanes_normal(law->seed, GV_STREAM_TRAFFIC, entity, piece->count,
                                   (piece->advertiser + i) / GV_LANE_DRAWS, STRIP, z);
        }
        if (bases == NULL) {
            values_of(draws, mean[i], deviation[i], piece->count, values + i * stride);
        } else {
            values_around(draws, bases, (const float[]){mean[i], deviation[i]}, piece->count,
                          values + i * stride);
        }
    }
}

static gv_traffic_piece strip_of(const gv_traffic_piece *piece, size_t done)
{
    const size_t left = piece->count - done;
    gv_traffic_piece strip = *piece;
    strip.first += done;
    strip.count = left < STRIP ? left : STRIP;
    return strip;
}

void gv_value_law_values(const gv_value_law *law, const gv_traffic_piece *piece, size_t stride,
                         float *values)
{
    for (size_t done = 0; done < piece->count; done += STRIP) {
        const gv_traffic_piece strip = strip_of(piece, done);
        strip_values(law, &strip, NULL, stride, values + done);
    }
}

void gv_value_law_values_around(const gv_value_law *law, const gv_traffic_piece *piece,
                                const double *bases, size_t stride, float *values)
{
    float narrow[STRIP];
    for (size_t done = 0; done < piece->count; done += STRIP) {
        const gv_traffic_piece strip = strip_of(piece, done);
        for (size_t i = 0; i < strip.count; i++) {
            narrow[i] = (float)bases[done + i];
        }
        strip_values(law, &strip, narrow, stride, values + done);
    }
}

double gv_value_law_sigma(const gv_value_law *law, uint64_t opportunity, uint32_t advertiser,
                          double value)
{
    const gv_random key =
        gv_random_key(law->seed, GV_STREAM_SIGMA, gv_traffic_entity(law->period, opportunity));
    const double mean = law->sigma_mean[advertiser];
    const double ratio = fabs(mean + 0.5 * mean * gv_random_normal(&key, advertiser));
    return value * fmin(ratio, law->sigma_max);
}
