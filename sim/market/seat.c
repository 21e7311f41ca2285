#include "sim/market/seat.h"

#include <math.h>
#include <stdbool.h>

#include "sim/base/random.h"
#include "sim/base/vector.h"

/* Draws of an opportunity: errors by advertiser, then who knows nothing of it, by advertiser. */
enum { PERIOD_SHIFT = 40 };
static const uint64_t draws_cold = UINT64_C(1) << 32;

static gv_random key_of(const gv_distortion *distortion, uint64_t opportunity)
{
    return gv_random_key(distortion->seed, GV_STREAM_PERTURB,
                         distortion->period << PERIOD_SHIFT | opportunity);
}

static double cut(double value)
{
    return value < 1.0 ? value : 1.0;
}

/* What multiplies every value of the opportunity's tick. */
static double scale_at(const gv_distortion *distortion, uint64_t opportunity)
{
    if (distortion->belief_stale == 0) {
        return distortion->belief_scale;
    }
    const size_t stride = distortion->level_stride;
    const double *now =
        distortion->levels + gv_traffic_tick_of(distortion->traffic, opportunity) * stride;
    const double *then = now - distortion->belief_stale * stride;
    const double change = *now > 0.0 && *then > 0.0 ? *then / *now : 1.0;
    return distortion->belief_scale * change;
}

/* The value is scaled already. */
static double disturb(const gv_distortion *distortion, uint64_t opportunity, double scaled)
{
    const double noise = distortion->belief_noise;
    const gv_random own = key_of(distortion, opportunity);
    const double cold = distortion->belief_cold;
    if (cold > 0 && gv_random_bernoulli(&own, draws_cold + distortion->advertiser, cold)) {
        return distortion->belief_mean;
    }
    if (!(noise > 0)) {
        return cut(scaled);
    }
    const double z = gv_random_normal(&own, distortion->advertiser);
    return cut(scaled * exp(noise * (z - noise / 2)));
}

static bool has_draws(const gv_distortion *distortion)
{
    return distortion->belief_noise > 0 || distortion->belief_cold > 0;
}

double gv_seat_believe(const gv_seat *seat, uint64_t opportunity, double value)
{
    const gv_distortion *distortion = seat->distortion;
    if (distortion == NULL) {
        return cut(value);
    }
    const double scaled = value * scale_at(distortion, opportunity);
    return has_draws(distortion) ? disturb(distortion, opportunity, scaled) : cut(scaled);
}

GV_VECTOR static void widen(const float *values, double scale, size_t count, double *believed)
{
    for (size_t i = 0; i < count; i++) {
        const double value = (double)values[i] * scale;
        believed[i] = value < 1.0 ? value : 1.0;
    }
}

void gv_seat_believe_all(const gv_seat *seat, uint64_t first, size_t count, const float *values,
                         double *believed)
{
    const gv_distortion *distortion = seat->distortion;
    if (count == 0) {
        return;
    }
    const double scale = distortion == NULL ? 1.0 : scale_at(distortion, first);
    if (distortion == NULL || !has_draws(distortion)) {
        widen(values, scale, count, believed);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        believed[i] = disturb(distortion, first + i, (double)values[i] * scale);
    }
}

void gv_seat_tick_add(gv_seat_tick *sum, const gv_seat_tick *part)
{
    gv_tally_add(&sum->tally, &part->tally);
    sum->exposures += part->exposures;
    sum->value_units += part->value_units;
    sum->won_value_units += part->won_value_units;
    sum->exposed_value_units += part->exposed_value_units;
    /* Absurd offers wrap it, as in exchange_settle.c. */
    sum->least_cost_nanos =
        (int64_t)((uint64_t)sum->least_cost_nanos + (uint64_t)part->least_cost_nanos);
}

/* score = min((C / CPA)^2, 1) conversions, CPA = spend / conversions. */
double gv_seat_score(const gv_seat_tick *total, int64_t cpa_nanos)
{
    const double conversions = (double)total->tally.conversions;
    const double spend = (double)total->tally.spend_nanos;
    if (conversions == 0.0 || spend == 0.0) {
        return conversions;
    }
    const double ratio = (double)cpa_nanos * conversions / spend;
    return fmin(ratio * ratio, 1.0) * conversions;
}
