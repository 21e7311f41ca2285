#include "sim/market/seat.h"

#include <math.h>

#include "sim/base/random.h"
#include "sim/base/vector.h"

enum { PERIOD_SHIFT = 40 };

/* The factor by which it errs about this opportunity. */
static double error_of(const gv_distortion *distortion, uint64_t opportunity)
{
    const gv_random own = gv_random_key(distortion->seed, GV_STREAM_PERTURB,
                                        distortion->period << PERIOD_SHIFT | opportunity);
    const double z = gv_random_normal(&own, distortion->advertiser);
    return exp(distortion->belief_noise * (z - distortion->belief_noise / 2));
}

static double cut(double value)
{
    return value < 1.0 ? value : 1.0;
}

double gv_seat_believe(const gv_seat *seat, uint64_t opportunity, double value)
{
    const gv_distortion *distortion = seat->distortion;
    if (distortion == NULL) {
        return cut(value);
    }
    const double scaled = value * distortion->belief_scale;
    return cut(distortion->belief_noise > 0 ? scaled * error_of(distortion, opportunity) : scaled);
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
    if (distortion == NULL || !(distortion->belief_noise > 0)) {
        widen(values, distortion == NULL ? 1.0 : distortion->belief_scale, count, believed);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        believed[i] = gv_seat_believe(seat, first + i, (double)values[i]);
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
