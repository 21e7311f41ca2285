#include "sim/market/belief.h"

#include <assert.h>
#include <math.h>

#include "sim/base/random.h"

/* The draws of an opportunity, and of a value of the column that coldness goes by. */
enum { DRAW_NOISE, DRAW_COLD, DRAW_GROUP_COLD };

bool gv_belief_is_exact(const gv_belief *belief)
{
    return belief->scale == 1.0 && belief->slope == 1.0 && belief->noise == 0.0 &&
           belief->cold == 0.0;
}

bool gv_belief_needs_mean(const gv_belief *belief)
{
    return belief->slope != 1.0 || belief->cold > 0.0;
}

static bool is_cold(const gv_belief *belief, const gv_random *own, const uint64_t *group)
{
    if (belief->cold <= 0.0) {
        return false;
    }
    if (group == NULL) {
        return gv_random_bernoulli(own, DRAW_COLD, belief->cold);
    }
    const gv_random shared = gv_random_key(belief->seed, GV_STREAM_PERTURB, *group);
    return gv_random_bernoulli(&shared, DRAW_GROUP_COLD, belief->cold);
}

static double logit(double p)
{
    return log(p) - log1p(-p);
}

static double disturb(const gv_belief *belief, const gv_random *own, double p)
{
    double odds = logit(p);
    if (belief->slope != 1.0) {
        const double middle = logit(belief->mean);
        odds = middle + belief->slope * (odds - middle);
    }
    if (belief->noise > 0.0) {
        odds += belief->noise * (gv_random_normal(own, DRAW_NOISE) - belief->noise / 2);
    }
    return 1.0 / (1.0 + exp(-(odds + log(belief->scale))));
}

void gv_belief_apply(const gv_belief *belief, const uint64_t *ids, const uint64_t *groups,
                     size_t count, double *probabilities)
{
    assert(belief->scale > 0.0 && belief->slope >= 0.0);
    assert(!gv_belief_needs_mean(belief) || (belief->mean > 0.0 && belief->mean < 1.0));
    for (size_t i = 0; i < count; i++) {
        const double p = probabilities[i];
        if (!(p > 0.0 && p < 1.0)) {
            continue;
        }
        const gv_random own = gv_random_key(belief->seed, GV_STREAM_PERTURB, ids[i]);
        const bool cold = is_cold(belief, &own, groups == NULL ? NULL : &groups[i]);
        probabilities[i] = cold ? belief->mean : disturb(belief, &own, p);
    }
}
