#include "sim/estimate/replicate.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

#include "sim/estimate/summary.h"

static gv_replicated undefined(size_t count)
{
    const double nan_value = (double)NAN;
    return (gv_replicated){.count = count,
                           .mean = {GV_INTERVAL_UNDEFINED, nan_value, nan_value, nan_value},
                           .error = nan_value};
}

gv_replicated gv_replicated_of(const double *values, size_t count, double level)
{
    gv_replicated result = undefined(count);
    for (size_t i = 0; i < count; i++) {
        if (isnan(values[i])) {
            return result;
        }
    }
    if (count == 0) {
        return result;
    }
    const gv_summary summary = gv_summary_of(values, count);
    result.mean.estimate = summary.mean;
    result.mean.state =
        summary.minimum == summary.maximum ? GV_INTERVAL_TOO_FEW : GV_INTERVAL_GIVEN;
    if (result.mean.state == GV_INTERVAL_GIVEN) {
        const double t = gsl_cdf_tdist_Pinv((1 + level) / 2, (double)count - 1);
        result.error = summary.deviation / sqrt((double)count);
        result.mean.low = summary.mean - t * result.error;
        result.mean.high = summary.mean + t * result.error;
    }
    return result;
}
