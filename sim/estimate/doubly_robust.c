/*
 * Estimators with a model q of rewards; v = sum_a pi(a | x) q(x, a), w = pi(a | x) / p(a | x):
 *
 *     dm      V = 1/n sum v
 *     dr      V = 1/n sum v + w (r - q)
 *     sndr    V = 1/n sum v + sum w (r - q) / sum w
 *     switch  V = 1/n sum v + [w <= t] w (r - q)
 *     dros    V = 1/n sum v + l w / (w^2 + l) (r - q)
 */
#include <math.h>

#include "sim/estimate/estimators_impl.h"

typedef struct switch_config {
    double tau;
} switch_config;

static double residual(const gv_evidence *evidence)
{
    return evidence->reward - evidence->logged;
}

static gv_terms dm_terms(const void *config, const gv_evidence *evidence)
{
    (void)config;
    return (gv_terms){.plain = evidence->target};
}

static gv_terms dr_terms(const void *config, const gv_evidence *evidence)
{
    (void)config;
    return (gv_terms){.plain = evidence->target + evidence->weight * residual(evidence)};
}

static gv_terms sndr_terms(const void *config, const gv_evidence *evidence)
{
    (void)config;
    return (gv_terms){.plain = evidence->target,
                      .corrected = evidence->weight * residual(evidence),
                      .normaliser = evidence->weight};
}

static gv_terms switch_terms(const void *config, const gv_evidence *evidence)
{
    const double tau = ((const switch_config *)config)->tau;
    const double weight = evidence->weight <= tau ? evidence->weight : 0;
    return (gv_terms){.plain = evidence->target + weight * residual(evidence)};
}

static gv_terms dros_terms(const void *config, const gv_evidence *evidence)
{
    const double weight = gv_weight_shrunk(config, evidence->weight);
    return (gv_terms){.plain = evidence->target + weight * residual(evidence)};
}

static double no_weight(const void *config, double weight)
{
    (void)config;
    (void)weight;
    return 0;
}

static double switched_weight(const void *config, double weight)
{
    return fmin(weight, ((const switch_config *)config)->tau);
}

static const gv_param switch_params[] = {
    {.name = "tau",
     .kind = GV_PARAM_REAL,
     .fallback = "10",
     .minimum = 0,
     .maximum = 1e12,
     .offset = offsetof(switch_config, tau),
     .help = "t, above which a weight is not used and the model stands alone"},
    {.name = NULL},
};

const gv_estimator_type gv_estimator_dm = {
    .info = {.name = "dm",
             .summary = "direct method: mean of the modelled values",
             .source = "Dudik, Langford and Li, ICML 2011, sec. 2.1"},
    .needs_model = true,
    .terms = dm_terms,
    .weight_most = no_weight,
};

const gv_estimator_type gv_estimator_dr = {
    .info = {.name = "dr",
             .summary = "doubly robust: the model, and its residuals weighted as by IPS",
             .source = "Robins, Rotnitzky and Zhao, JASA 89, 1994; Dudik, Langford and Li, ICML "
                       "2011"},
    .needs_model = true,
    .is_unbiased = true,
    .terms = dr_terms,
    .weight_most = gv_weight_same,
};

const gv_estimator_type gv_estimator_sndr = {
    .info = {.name = "sndr",
             .summary = "doubly robust with self-normalised weights",
             .source = "Kallus and Uehara, NeurIPS 2019, sec. 2.3"},
    .needs_model = true,
    .is_self_normalised = true,
    .terms = sndr_terms,
    .weight_most = gv_weight_same,
};

const gv_estimator_type gv_estimator_switch = {
    .info = {.name = "switch",
             .summary = "doubly robust where the weight is at most t, else the model",
             .source = "Wang, Agarwal and Dudik, ICML 2017, SWITCH-DR, sec. 4",
             .params = switch_params,
             .config_size = sizeof(switch_config)},
    .needs_model = true,
    .terms = switch_terms,
    .weight_most = switched_weight,
};

const gv_estimator_type gv_estimator_dros = {
    .info = {.name = "dros",
             .summary = "doubly robust with optimistic shrinkage of the weights",
             .source = "Su, Dimakopoulou, Krishnamurthy and Dudik, ICML 2020, sec. 3.1",
             .params = gv_shrink_params,
             .config_size = sizeof(gv_shrink_config)},
    .needs_model = true,
    .terms = dros_terms,
    .weight_most = gv_weight_shrunk_most,
};
