/*
 * linear_impl.h - the linear bid, which `linear` makes as it is and `pid` steers.
 *
 *     bid = b0 x pCTR / mean pCTR
 */
#ifndef POLICIES_LINEAR_IMPL_H
#define POLICIES_LINEAR_IMPL_H

#include <math.h>
#include <stddef.h>

#include "policies/plan_impl.h"
#include "sim/market/policy.h"

/* The first member of the config of each type that bids so, described by GV_LINEAR_PARAMS. */
typedef struct gv_linear_config {
    int64_t b0_nanos;
    double mean_pctr;
    int32_t rate_from;
} gv_linear_config;

#define GV_LINEAR_PARAMS                                                                           \
    {.name = "b0",                                                                                 \
     .kind = GV_PARAM_MONEY,                                                                       \
     .unit = "CPM",                                                                                \
     .fallback = "auto",                                                                           \
     .maximum = HUGE_VAL,                                                                          \
     .offset = offsetof(gv_linear_config, b0_nanos),                                               \
     .help = "the bid for an impression of mean pCTR; auto: the one with most expected clicks on " \
             "the history within the budget",                                                      \
     .source = "Lin, public code of Cai et al., WSDM 2017: a grid on the training log; the "       \
               "golden sections after it are ours"},                                               \
        {.name = "mean_pctr",                                                                      \
         .kind = GV_PARAM_REAL,                                                                    \
         .fallback = "auto",                                                                       \
         .maximum = 1,                                                                             \
         .offset = offsetof(gv_linear_config, mean_pctr),                                          \
         .help = "mean pCTR, the scale of b0; auto: the history's click rate",                     \
         .source = "clk_train / imp_train, public code of Cai et al., WSDM 2017"},                 \
    {                                                                                              \
        .name = "rate_from", .kind = GV_PARAM_CHOICE, .fallback = "auto",                          \
        .choices = gv_plan_rate_choices, .offset = offsetof(gv_linear_config, rate_from),          \
        .help = GV_PLAN_RATE_HELP,                                                                 \
        .source =                                                                                  \
            "logged: public code of Cai et al., WSDM 2017; predicted: ours, for sampled logs"      \
    }

/* Fits what is unset; `config` begins with a gv_linear_config. Written to even on failure. */
GV_MUST_CHECK gv_status gv_linear_fit(void *config, const char *type, const gv_fit_input *input,
                                      const gv_progress *progress);

/* Nanos for each unit of pCTR; GV_EINVAL when something is unset or mean_pctr is 0. */
GV_MUST_CHECK gv_status gv_linear_factor(const gv_linear_config *config, const char *type,
                                         double *factor);

#endif
