/* Every estimator, for the one table of them. */
#ifndef SIM_ESTIMATE_ESTIMATORS_IMPL_H
#define SIM_ESTIMATE_ESTIMATORS_IMPL_H

#include "sim/estimate/estimator.h"

/* Optimistic shrinkage, which IPS and DR share: l w / (w^2 + l), largest at w = sqrt(l). */
typedef struct gv_shrink_config {
    double lambda;
} gv_shrink_config;

extern const gv_param gv_shrink_params[];
double gv_weight_shrunk(const void *config, double weight);

/* For `weight_most`. */
double gv_weight_shrunk_most(const void *config, double weight);
double gv_weight_same(const void *config, double weight);

extern const gv_estimator_type gv_estimator_dm;
extern const gv_estimator_type gv_estimator_ips;
extern const gv_estimator_type gv_estimator_snips;
extern const gv_estimator_type gv_estimator_clipped_ips;
extern const gv_estimator_type gv_estimator_shrunk_ips;
extern const gv_estimator_type gv_estimator_switch;
extern const gv_estimator_type gv_estimator_dr;
extern const gv_estimator_type gv_estimator_sndr;
extern const gv_estimator_type gv_estimator_dros;

#endif
