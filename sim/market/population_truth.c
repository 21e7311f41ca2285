/*
 * p(y | what is seen), by a sum over the interest. What hangs on users in the law's normal numbers
 * is a parabola of z, so a user is told by a few sums over what is seen of it.
 */
#include "sim/market/population_truth.h"

#include <math.h>

#include "sim/market/population_impl.h"

#define GRID_EDGE 6.0

static double z_of(size_t i)
{
    return GRID_EDGE * (2.0 * (double)i / (GV_TRUTH_GRID - 1) - 1.0);
}

static void put_logs(double p, double logs[2])
{
    logs[0] = log(1.0 - p);
    logs[1] = log(p);
}

void gv_retention_truth_make(gv_retention_truth *truth, const gv_population_law *law)
{
    *truth = (gv_retention_truth){.law = *law};
    for (size_t i = 0; i < GV_TRUTH_GRID; i++) {
        const double z = z_of(i);
        truth->retention[i] = gv_population_retention(law, z);
        truth->organic[i] = gv_population_organic(law, z);
        gv_population_types(law->past_signal, z, truth->past_types[i]);
        gv_population_types(law->content_signal, z, truth->item_types[i]);
        for (size_t k = 0; k < GV_ITEM_TYPES; k++) {
            truth->past_types[i][k] = log(truth->past_types[i][k]);
            truth->item_types[i][k] = log(truth->item_types[i][k]);
        }
        put_logs(gv_population_sigmoid(GV_LIKE_BASE + law->content_signal * z), truth->likes[i]);
        put_logs(gv_population_bounce(law, z), truth->bounces[i]);
        put_logs(gv_population_further(law, z), truth->furthers[i]);
    }
}

/* The log-likelihood of what is seen, as far as it is linear z - square z^2 / 2 and counts. */
typedef struct evidence {
    double linear;
    double square;
    double days; /* still away */
    double past_types[GV_ITEM_TYPES];
    double item_types[GV_ITEM_TYPES];
    double likes[2];
    double furthers[2];
    const gv_onboarding *content;
} evidence;

/* x was drawn around slope z with that deviation. */
static void see_normal(evidence *seen, double x, double slope, double deviation)
{
    const double precision = 1.0 / (deviation * deviation);
    seen->linear += slope * x * precision;
    seen->square += slope * slope * precision;
}

static uint32_t device_of(const float *x)
{
    for (uint32_t device = 0; device < GV_DEVICES; device++) {
        if (x[GV_FEATURE_DEVICE + device] > 0.5F) {
            return device;
        }
    }
    return 0;
}

static void see_features(evidence *seen, const gv_population_law *law, const float *x)
{
    const uint32_t device = device_of(x);
    for (size_t k = 0; k < GV_POPULATION_SIGNALS; k++) {
        see_normal(seen, (double)x[GV_FEATURE_SIGNAL + k],
                   law->signal * gv_population_sign(device, k), 1.0);
    }
    if (x[GV_FEATURE_NEW] < 0.5F) {
        const double more = x[GV_FEATURE_HEAVY] > 0.5F ? log(GV_POPULATION_HEAVY) : 0.0;
        see_normal(seen, 2.0 * (double)x[GV_FEATURE_VISITS] - GV_PAST_MEAN - more, GV_PAST_SLOPE,
                   GV_PAST_NOISE);
    }
    seen->days = 10.0 * (double)x[GV_FEATURE_LAPSE];
}

static void see_past(evidence *seen, const gv_population_law *law, const gv_bid_sight *sight)
{
    for (size_t i = 0; i < sight->past_count; i++) {
        seen->past_types[sight->past[i].type] += 1.0;
        see_normal(seen, (double)sight->past[i].dwell, law->past_signal, GV_DWELL_NOISE);
    }
}

static void see_content(evidence *seen, const gv_population_law *law, const gv_onboarding *content)
{
    const size_t count = content->session_count;
    seen->content = content;
    if (count > 0) {
        seen->furthers[0] = (double)(GV_ONBOARDING_SESSIONS - count);
        seen->furthers[1] = (double)(count - 1);
    }
    for (size_t s = 0; s < count; s++) {
        for (size_t j = 0; j < GV_ONBOARDING_ITEMS; j++) {
            const gv_onboarding_item *item = &content->items[s][j];
            seen->item_types[item->type] += 1.0;
            seen->likes[item->is_liked ? 1 : 0] += 1.0;
            see_normal(seen, (double)item->dwell, law->content_signal, GV_DWELL_NOISE);
        }
    }
}

/* A probability of 0 that was never asked for says nothing. */
static double times(double count, double logarithm)
{
    return count > 0.0 ? count * logarithm : 0.0;
}

static double log_likelihood(const gv_retention_truth *truth, const evidence *seen, size_t i)
{
    const double z = z_of(i);
    double sum = seen->linear * z - 0.5 * seen->square * z * z - truth->organic[i] * seen->days;
    for (size_t k = 0; k < GV_ITEM_TYPES; k++) {
        sum += seen->past_types[k] * truth->past_types[i][k];
        sum += seen->item_types[k] * truth->item_types[i][k];
    }
    if (seen->content != NULL) {
        sum += truth->bounces[i][seen->content->session_count == 0 ? 1 : 0];
        for (size_t k = 0; k < 2; k++) {
            sum += times(seen->likes[k], truth->likes[i][k]);
            sum += times(seen->furthers[k], truth->furthers[i][k]);
        }
    }
    return sum;
}

double gv_retention_truth_of(const gv_retention_truth *truth, const gv_bid_sight *sight,
                             const gv_onboarding *content)
{
    evidence seen = {.linear = 0};
    double logs[GV_TRUTH_GRID];
    double top = -HUGE_VAL;
    see_features(&seen, &truth->law, sight->x);
    see_past(&seen, &truth->law, sight);
    if (content != NULL) {
        see_content(&seen, &truth->law, content);
    }
    for (size_t i = 0; i < GV_TRUTH_GRID; i++) {
        logs[i] = log_likelihood(truth, &seen, i) - 0.5 * z_of(i) * z_of(i);
        top = fmax(top, logs[i]);
    }
    double weight = 0;
    double sum = 0;
    for (size_t i = 0; i < GV_TRUTH_GRID; i++) {
        const double share = exp(logs[i] - top);
        weight += share;
        sum += share * truth->retention[i];
    }
    return sum / weight;
}
