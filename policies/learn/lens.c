#include <math.h>
#include <string.h>

#include "policies/learn/lens_impl.h"

/* e^12 times C is what no market asks, and no bid overflows at. */
static const double log_action_max = 12;

size_t gv_lens_width(const gv_lens *lens)
{
    return GV_STATE_SIZE + (lens->has_account ? GV_LENS_ACCOUNT : 0);
}

void gv_lens_see(const gv_lens *lens, const gv_scaling *scaling, const double *state,
                 const gv_account *account, float *features)
{
    gv_scaling_state(scaling, state, features);
    if (lens->has_account) {
        float token[GV_CONSTRAINT_SIZE];
        gv_constraint_token(0, account, token);
        memcpy(features + GV_STATE_SIZE, token + 1, GV_LENS_ACCOUNT * sizeof *token);
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
