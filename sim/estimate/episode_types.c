/* The estimators of episodes, each a function of sums; episodes.h has the formulas. */
#include <math.h>

#include "sim/estimate/episodes.h"

static const double *step_of(const double *totals, size_t t)
{
    return totals + GV_EPISODE_FIRST + GV_STEP_COLUMNS * t;
}

static double share(double sum, double weight)
{
    return weight > 0 ? sum / weight : (double)NAN;
}

static double fqe(const double *totals, size_t horizon)
{
    (void)horizon;
    return share(step_of(totals, 0)[GV_STEP_VALUE], totals[GV_EPISODE_COUNT]);
}

static double is(const double *totals, size_t horizon)
{
    (void)horizon;
    return share(totals[GV_EPISODE_RETURN], totals[GV_EPISODE_COUNT]);
}

static double wis(const double *totals, size_t horizon)
{
    return share(totals[GV_EPISODE_RETURN], step_of(totals, horizon - 1)[GV_STEP_WEIGHT]);
}

static double pdis(const double *totals, size_t horizon)
{
    double sum = 0;
    for (size_t t = 0; t < horizon; t++) {
        sum += step_of(totals, t)[GV_STEP_REWARD];
    }
    return share(sum, totals[GV_EPISODE_COUNT]);
}

static double wpdis(const double *totals, size_t horizon)
{
    double sum = 0;
    for (size_t t = 0; t < horizon; t++) {
        const double *step = step_of(totals, t);
        sum += share(step[GV_STEP_REWARD], step[GV_STEP_WEIGHT]);
    }
    return sum;
}

static double dr(const double *totals, size_t horizon)
{
    double sum = 0;
    for (size_t t = 0; t < horizon; t++) {
        const double *step = step_of(totals, t);
        sum += step[GV_STEP_RESIDUAL] + step[GV_STEP_VALUE];
    }
    return share(sum, totals[GV_EPISODE_COUNT]);
}

static double wdr(const double *totals, size_t horizon)
{
    double sum = 0;
    double before = totals[GV_EPISODE_COUNT];
    for (size_t t = 0; t < horizon; t++) {
        const double *step = step_of(totals, t);
        sum += share(step[GV_STEP_RESIDUAL], step[GV_STEP_WEIGHT]);
        sum += share(step[GV_STEP_VALUE], before);
        before = step[GV_STEP_WEIGHT];
    }
    return sum;
}

static const gv_episode_type type_fqe = {
    .info = {.name = "fqe",
             .summary = "fitted Q evaluation: mean modelled value of the first step",
             .source = "Le, Voloshin and Yue, ICML 2019"},
    .needs_model = true,
    .value = fqe,
};

static const gv_episode_type type_is = {
    .info = {.name = "is",
             .summary = "importance sampling of whole episodes",
             .source = "Precup, Sutton and Singh, ICML 2000"},
    .is_unbiased = true,
    .value = is,
};

static const gv_episode_type type_wis = {
    .info = {.name = "wis",
             .summary = "weighted importance sampling of whole episodes",
             .source = "Precup, Sutton and Singh, ICML 2000"},
    .value = wis,
};

static const gv_episode_type type_pdis = {
    .info = {.name = "pdis",
             .summary = "per-decision importance sampling",
             .source = "Precup, Sutton and Singh, ICML 2000"},
    .is_unbiased = true,
    .value = pdis,
};

static const gv_episode_type type_wpdis = {
    .info = {.name = "wpdis",
             .summary = "per-decision importance sampling, weighted step by step",
             .source = "Thomas, PhD thesis, University of Massachusetts Amherst, 2015"},
    .value = wpdis,
};

static const gv_episode_type type_dr = {
    .info = {.name = "dr",
             .summary = "doubly robust: fitted Q, and its residuals weighted per decision",
             .source = "Jiang and Li, ICML 2016"},
    .needs_model = true,
    .is_unbiased = true,
    .value = dr,
};

static const gv_episode_type type_wdr = {
    .info = {.name = "wdr",
             .summary = "weighted doubly robust",
             .source = "Thomas and Brunskill, ICML 2016"},
    .needs_model = true,
    .value = wdr,
};

const gv_episode_type *const gv_episode_types[] = {
    &type_fqe, &type_is, &type_wis, &type_pdis, &type_wpdis, &type_dr, &type_wdr, NULL,
};
