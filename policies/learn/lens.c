#include <math.h>
#include <string.h>

#include "policies/learn/lens_impl.h"

/* e^12 times C is what no market asks, and no bid overflows at. */
static const double log_action_max = 12;

size_t gv_lens_width(const gv_lens *lens)
{
    return (size_t)GV_STATE_SIZE + (lens->has_account ? (size_t)GV_LENS_ACCOUNT : 0) +
           (lens->has_outlook ? (size_t)GV_OUTLOOK_SIZE : 0);
}

static void put_outlook(const gv_lens *lens, const float *outlook, float *to)
{
    memcpy(to, outlook, GV_OUTLOOK_SIZE * sizeof *to);
    if (lens->hides_actions) {
        to[GV_OUTLOOK_BID_LAST] = 0;
        to[GV_OUTLOOK_BID] = 0;
    }
}

void gv_lens_see(const gv_lens *lens, const gv_scaling *scaling, const gv_sight *sight,
                 float *features)
{
    float *to = features + GV_STATE_SIZE;
    gv_scaling_state(scaling, sight->state, features);
    if (lens->has_account) {
        float token[GV_CONSTRAINT_SIZE];
        gv_constraint_token(0, sight->account, token);
        memcpy(to, token + 1, GV_LENS_ACCOUNT * sizeof *token);
        to += GV_LENS_ACCOUNT;
    }
    if (lens->has_outlook) {
        put_outlook(lens, sight->outlook, to);
    }
}

static double unit_of(double cpa)
{
    return cpa > 0 ? cpa : 1;
}

double gv_lens_action(const gv_lens *lens, const gv_scaling *scaling, double cpa, double action)
{
    if (lens->unit == GV_ACTION_SCALED) {
        return action / scaling->action_divisor;
    }
    return log1p(fmax(action, 0) / unit_of(cpa));
}

double gv_lens_undo(const gv_lens *lens, const gv_scaling *scaling, double cpa, double seen)
{
    if (lens->unit == GV_ACTION_SCALED) {
        return seen * scaling->action_divisor;
    }
    return unit_of(cpa) * expm1(fmin(fmax(seen, 0), log_action_max));
}
