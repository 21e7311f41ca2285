/*
 * Conversions are rare and their draws dear, so the uniform comes first: where it is above the
 * largest probability that the truncation allows, the rest is not drawn.
 */
#include "sim/market/response.h"

#include <assert.h>
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/random.h"
#include "sim/base/random_lanes.h"
#include "sim/base/vector.h"

enum { PERIOD_SHIFT = 40, PIECE = 256 };

/* The draws of one advertiser on one opportunity. */
enum { DRAW_CONVERTS, DRAW_TRUTH, DRAW_CONVERSION_DELAY, DRAW_EXPOSURE_DELAY, DRAWS };

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
    gv_slots slots; /* as seen in the end, cascade included */
    double exposure_scale;
    double conversion_scale;
    uint64_t limits[GV_SLOTS_MAX]; /* a slot is seen when its word is below */
    bias biases[];                 /* [advertiser_count] */
};

/* Also finds how often each slot is seen in the end. */
static gv_status check_config(const gv_response_config *config, gv_slots *slots)
{
    GV_TRY(gv_slots_of(config->exposure, config->slot_count, slots));
    GV_TRY(gv_delay_validate(&config->exposure_delay, "exposures"));
    GV_TRY(gv_delay_validate(&config->conversion_delay, "conversions"));
    if (!config->cascade) {
        return GV_OK;
    }
    double seen[GV_SLOTS_MAX];
    for (size_t slot = 0; slot < config->slot_count; slot++) {
        seen[slot] = config->exposure[slot] * (slot == 0 ? 1.0 : seen[slot - 1]);
    }
    return gv_slots_of(seen, config->slot_count, slots);
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
    gv_slots slots;
    GV_TRY(check_config(config, &slots));

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
    response->slots = slots;
    response->exposure_scale = gv_delay_scale(&config->exposure_delay);
    response->conversion_scale = gv_delay_scale(&config->conversion_delay);
    for (size_t slot = 0; slot < config->slot_count; slot++) {
        response->limits[slot] = (uint64_t)ceil(config->exposure[slot] * 0x1p32);
    }
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

/* Whose draws they are; with the fault, those of a place in a tick. */
static uint64_t entity_of(const gv_response *response, uint64_t opportunity)
{
    if (response->config.repeat_draws) {
        const size_t tick = gv_traffic_tick_of(response->traffic, opportunity);
        return opportunity - gv_traffic_before(response->traffic, tick);
    }
    return response->period << PERIOD_SHIFT | opportunity;
}

static gv_random key_of(const gv_response *response, uint64_t opportunity)
{
    return gv_random_key(response->seed, GV_STREAM_CONVERSION, entity_of(response, opportunity));
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

/* Bit `slot` of what is seen, from one word each. */
GV_VECTOR static void see_slot(const uint32_t *words, uint64_t limit, bool cascade, size_t slot,
                               size_t count, uint32_t *seen)
{
    const uint32_t from_above = slot == 0 || !cascade ? 1 : 0;
    for (size_t i = 0; i < count; i++) {
        const uint32_t above = from_above | (slot == 0 ? 0 : seen[i] >> (slot - 1) & 1);
        seen[i] |= (words[i] < limit ? above : 0) << slot;
    }
}

void gv_response_seen_all(const gv_response *response, uint64_t first, size_t count, uint32_t *seen)
{
    const gv_response_config *config = &response->config;
    uint32_t words[GV_LANE_DRAWS * PIECE];
    for (size_t done = 0; done < count; done += PIECE) {
        const size_t piece = count - done < PIECE ? count - done : PIECE;
        const uint64_t entity = entity_of(response, first + done);
        memset(seen + done, 0, piece * sizeof *seen);
        for (size_t slot = 0; slot < config->slot_count; slot++) {
            const size_t draw = slot % GV_LANE_DRAWS;
            if (draw == 0) {
                gv_random_lanes_words(response->seed, GV_STREAM_EXPOSURE, entity, piece,
                                      slot / GV_LANE_DRAWS, PIECE, words);
            }
            see_slot(words + draw * PIECE, response->limits[slot], config->cascade, slot, piece,
                     seen + done);
        }
    }
}

double gv_response_exposure(const gv_response *response, size_t slot)
{
    assert(slot < response->slots.count);
    return response->slots.exposure[slot];
}

bool gv_response_delays_exposure(const gv_response *response)
{
    return gv_delay_is_any(&response->config.exposure_delay);
}

int64_t gv_response_exposure_delay(const gv_response *response, uint64_t opportunity,
                                   uint32_t advertiser)
{
    assert(advertiser < response->advertiser_count);
    if (!gv_response_delays_exposure(response)) {
        return 0;
    }
    const gv_random key = key_of(response, opportunity);
    return gv_delay_draw(&response->config.exposure_delay, response->exposure_scale, &key,
                         (uint64_t)advertiser * DRAWS + DRAW_EXPOSURE_DELAY);
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
    const gv_random key = key_of(response, opportunity);
    const double uniform = gv_random_uniform(&key, (uint64_t)advertiser * DRAWS + DRAW_TRUTH);
    return true_probability(response, opportunity, advertiser, value, uniform);
}

/* The first draw of an advertiser's block is the one that decides. */
static_assert(DRAWS % 2 == 0 && DRAW_CONVERTS % 2 == 0, "two draws to a block of Philox");

void gv_response_luck_all(const gv_response *response, uint64_t first, size_t count,
                          const uint32_t *advertisers, double *luck)
{
    uint64_t entities[PIECE];
    uint64_t blocks[PIECE];
    for (size_t done = 0; done < count; done += PIECE) {
        const size_t piece = count - done < PIECE ? count - done : PIECE;
        const uint64_t entity = entity_of(response, first + done);
        for (size_t i = 0; i < piece; i++) {
            entities[i] = entity + i;
            blocks[i] = ((uint64_t)advertisers[done + i] * DRAWS + DRAW_CONVERTS) / 2;
        }
        gv_random_each_uniform_at(response->seed, GV_STREAM_CONVERSION, entities, blocks, piece,
                                  luck + done);
    }
}

bool gv_response_converts_by(const gv_response *response, uint64_t opportunity, uint32_t advertiser,
                             double value, double luck, int64_t *delay_us)
{
    assert(advertiser < response->advertiser_count);
    /* Sigma is never above the value. */
    if (luck >= value * (1.0 + response->biases[advertiser].upper)) {
        return false;
    }
    if (luck >= gv_response_probability(response, opportunity, advertiser, value)) {
        return false;
    }
    const gv_random key = key_of(response, opportunity);
    *delay_us = gv_delay_draw(&response->config.conversion_delay, response->conversion_scale, &key,
                              (uint64_t)advertiser * DRAWS + DRAW_CONVERSION_DELAY);
    return true;
}

bool gv_response_converts(const gv_response *response, uint64_t opportunity, uint32_t advertiser,
                          double value, int64_t *delay_us)
{
    const gv_random key = key_of(response, opportunity);
    const double luck = gv_random_uniform(&key, (uint64_t)advertiser * DRAWS + DRAW_CONVERTS);
    return gv_response_converts_by(response, opportunity, advertiser, value, luck, delay_us);
}
