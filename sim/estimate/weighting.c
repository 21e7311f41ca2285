/*
 * Estimators by weights alone, without a model of rewards. In w = pi(a | x) / p(a | x):
 *
 *     ips          V = 1/n sum w r
 *     snips        V = sum w r / sum w
 *     clipped_ips  V = 1/n sum min(w, c) r
 *     shrunk_ips   V = 1/n sum l w / (w^2 + l) r
 */
#include <math.h>

#include "sim/estimate/estimators_impl.h"

typedef struct clip_config {
    double most;
} clip_config;

static gv_terms ips_terms(const void *config, const gv_evidence *evidence)
{
    (void)config;
    return (gv_terms){.plain = evidence->weight * evidence->reward};
}

static gv_terms snips_terms(const void *config, const gv_evidence *evidence)
{
    (void)config;
    return (gv_terms){.corrected = evidence->weight * evidence->reward,
                      .normaliser = evidence->weight};
}

static gv_terms clipped_terms(const void *config, const gv_evidence *evidence)
{
    const double most = ((const clip_config *)config)->most;
    return (gv_terms){.plain = fmin(evidence->weight, most) * evidence->reward};
}

double gv_weight_shrunk(const void *config, double weight)
{
    const double lambda = ((const gv_shrink_config *)config)->lambda;
    return lambda * weight / (weight * weight + lambda);
}

static gv_terms shrunk_terms(const void *config, const gv_evidence *evidence)
{
    return (gv_terms){.plain = gv_weight_shrunk(config, evidence->weight) * evidence->reward};
}

double gv_weight_same(const void *config, double weight)
{
    (void)config;
    return weight;
}

static double clipped_weight(const void *config, double weight)
{
    return fmin(weight, ((const clip_config *)config)->most);
}

/* l w / (w^2 + l) is largest at w = sqrt(l). */
double gv_weight_shrunk_most(const void *config, double weight)
{
    const double lambda = ((const gv_shrink_config *)config)->lambda;
    return gv_weight_shrunk(config, fmin(weight, sqrt(lambda)));
}

static const gv_param clip_params[] = {
    {.name = "most",
     .kind = GV_PARAM_REAL,
     .fallback = "10",
     .minimum = 1e-9,
     .maximum = 1e12,
     .offset = offsetof(clip_config, most),
     .help = "c, above which a weight is cut"},
    {.name = NULL},
};

const gv_param gv_shrink_params[] = {
    {.name = "lambda",
     .kind = GV_PARAM_REAL,
     .fallback = "100",
     .minimum = 1e-9,
     .maximum = 1e12,
     .offset = offsetof(gv_shrink_config, lambda),
     .help = "l: 0 shrinks every weight to 0, infinity none; a doubly robust estimate is the "
             "direct method's at 0"},
    {.name = NULL},
};

const gv_estimator_type gv_estimator_ips = {
    .info = {.name = "ips",
             .summary = "inverse propensity scores: mean of w r",
             .source = "Horvitz and Thompson, JASA 47, 1952; Strehl, Langford, Li and Kakade, "
                       "NeurIPS 2010"},
    .is_unbiased = true,
    .terms = ips_terms,
    .weight_most = gv_weight_same,
};

const gv_estimator_type gv_estimator_snips = {
    .info = {.name = "snips",
             .summary = "self-normalised inverse propensity scores: sum of w r over sum of w",
             .source = "Swaminathan and Joachims, NeurIPS 2015"},
    .is_self_normalised = true,
    .terms = snips_terms,
    .weight_most = gv_weight_same,
};

const gv_estimator_type gv_estimator_clipped_ips = {
    .info = {.name = "clipped_ips",
             .summary = "IPS with weights cut at a bound: mean of min(w, c) r",
             .source = "Ionides, Journal of Computational and Graphical Statistics 17, 2008; "
                       "Bottou et al., JMLR 14, 2013",
             .params = clip_params,
             .config_size = sizeof(clip_config)},
    .terms = clipped_terms,
    .weight_most = clipped_weight,
};

const gv_estimator_type gv_estimator_shrunk_ips = {
    .info = {.name = "shrunk_ips",
             .summary = "IPS with optimistically shrunk weights: mean of l w / (w^2 + l) r",
             .source = "Su, Dimakopoulou, Krishnamurthy and Dudik, ICML 2020, sec. 3.1, with a "
                       "model that is 0",
             .params = gv_shrink_params,
             .config_size = sizeof(gv_shrink_config)},
    .terms = shrunk_terms,
    .weight_most = gv_weight_shrunk_most,
};
