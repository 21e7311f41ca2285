/*
 * Conversions are rare and their draws dear, so the uniform comes first: where it is above the
 * largest probability that the truncation allows, the rest is not drawn.
 */
#include "sim/market/response.h"

#include <assert.h>
#include <gsl/gsl_cdf.h>
#include <math.h>

#include "sim/base/mem.h"
#include "sim/base/random.h"
#include "sim/base/random_lanes.h"

enum { PERIOD_SHIFT = 40, DRAW_CONVERTS = 0, DRAW_TRUTH = 1, DRAW_DELAY = 2, DRAWS = 4 };

/* The cut of one advertiser's true probabilities, in sigmas, and its normal probabilities. */
typedef struct bias {
    double upper;
    double lower_share; /* Phi(-2 u1) */
    double upper_share; /* Phi(2 u2) */
} bias;

struct gv_response {
    gv_response_config config;
    const gv_traffic *traffic;
    uint64_t seed;
    uint64_t period;
    size_t advertiser_count;
    bias biases[]; /* [advertiser_count] */
};

static gv_status check_config(const gv_response_config *config)
{
    if (config->slot_count == 0 || config->slot_count > GV_SLOTS_MAX) {
        return GV_FAIL(GV_EINVAL, "%zu slots, expected 1 to %d", config->slot_count, GV_SLOTS_MAX);
    }
    for (size_t slot = 0; slot < config->slot_count; slot++) {
        if (!(config->exposure[slot] >= 0.0 && config->exposure[slot] <= 1.0)) {
            return GV_FAIL(GV_EINVAL, "slot %zu is seen with probability %g, expected 0 to 1",
                           slot + 1, config->exposure[slot]);
        }
    }
    if (config->delay_mean_us < 0) {
        return GV_FAIL(GV_EINVAL, "the mean delay of conversions is negative");
    }
    return GV_OK;
}

static bias draw_bias(uint64_t seed, uint64_t period, uint64_t advertiser)
{
    const gv_random key =
        gv_random_key(seed, GV_STREAM_RESPONSE, period << PERIOD_SHIFT | advertiser);
    const double lower = -2.0 * gv_random_uniform(&key, 0);
    const double upper = 2.0 * gv_random_uniform(&key, 1);
    return (bias){
        .upper = upper,
        .lower_share = gsl_cdf_ugaussian_P(lower),
        .upper_share = gsl_cdf_ugaussian_P(upper),
    };
}

gv_status gv_response_create(const gv_response_config *config, const gv_traffic *traffic,
                             uint64_t seed, uint64_t period, size_t advertiser_count,
                             gv_response **out)
{
    GV_TRY(check_config(config));

    gv_response *response = gv_mem_alloc(sizeof *response, advertiser_count, sizeof(bias));
    if (response == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the response to %zu advertisers",
                       advertiser_count);
    }
    response->config = *config;
    response->traffic = traffic;
    response->seed = seed;
    response->period = period;
    response->advertiser_count = advertiser_count;
    for (size_t advertiser = 0; advertiser < advertiser_count; advertiser++) {
        response->biases[advertiser] = draw_bias(seed, period, advertiser);
    }
    *out = response;
    return GV_OK;
}

void gv_response_destroy(gv_response *response)
{
    gv_mem_free(response);
}

static uint64_t entity_of(const gv_response *response, uint64_t opportunity)
{
    return response->period << PERIOD_SHIFT | opportunity;
}

uint32_t gv_response_seen(const gv_response *response, uint64_t opportunity)
{
    const gv_response_config *config = &response->config;
    const uint64_t entity = entity_of(response, opportunity);
    uint32_t seen = 0;
    uint32_t words[GV_LANE_DRAWS];
    for (size_t slot = 0; slot < config->slot_count; slot++) {
        const size_t draw = slot % GV_LANE_DRAWS;
        if (draw == 0) {
            gv_random_lane_words(response->seed, GV_STREAM_EXPOSURE, entity, slot / GV_LANE_DRAWS,
                                 words);
        }
        const bool above = slot == 0 || !config->cascade || (seen >> (slot - 1) & 1) != 0;
        if (above && (double)words[draw] < config->exposure[slot] * 0x1p32) {
            seen |= UINT32_C(1) << slot;
        }
    }
    return seen;
}

/* By the inverse of the truncated normal's distribution function. */
static double true_probability(const gv_response *response, uint64_t opportunity,
                               uint32_t advertiser, double value, double uniform)
{
    const bias *cut = &response->biases[advertiser];
    const double sigma = gv_traffic_sigma(response->traffic, opportunity, advertiser, value);
    const double share = cut->lower_share + uniform * (cut->upper_share - cut->lower_share);
    const double probability = value + sigma * gsl_cdf_ugaussian_Pinv(share);
    return fmin(fmax(probability, 0.0), 1.0);
}

double gv_response_probability(const gv_response *response, uint64_t opportunity,
                               uint32_t advertiser, double value)
{
    assert(advertiser < response->advertiser_count);
    const gv_random key =
        gv_random_key(response->seed, GV_STREAM_CONVERSION, entity_of(response, opportunity));
    const double uniform = gv_random_uniform(&key, (uint64_t)advertiser * DRAWS + DRAW_TRUTH);
    return true_probability(response, opportunity, advertiser, value, uniform);
}

bool gv_response_converts(const gv_response *response, uint64_t opportunity, uint32_t advertiser,
                          double value, int64_t *delay_us)
{
    assert(advertiser < response->advertiser_count);
    const gv_random key =
        gv_random_key(response->seed, GV_STREAM_CONVERSION, entity_of(response, opportunity));
    const uint64_t first = (uint64_t)advertiser * DRAWS;
    const double uniform = gv_random_uniform(&key, first + DRAW_CONVERTS);
    /* Sigma is never above the value. */
    if (uniform >= value * (1.0 + response->biases[advertiser].upper)) {
        return false;
    }
    if (uniform >= gv_response_probability(response, opportunity, advertiser, value)) {
        return false;
    }
    const double mean = (double)response->config.delay_mean_us;
    *delay_us = (int64_t)(mean * gv_random_exponential(&key, first + DRAW_DELAY));
    return true;
}
