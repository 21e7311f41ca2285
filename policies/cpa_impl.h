/*
 * cpa_impl.h - what the policies of a market with conversions share: the value of an
 * opportunity is its pCVR, the constraint a cost of each conversion (CPA).
 */
#ifndef POLICIES_CPA_IMPL_H
#define POLICIES_CPA_IMPL_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/market/policy.h"

/* The row of a config's first member, int64_t cpa_nanos. */
#define GV_CPA_PARAM                                                                          \
    {                                                                                         \
        .name = "cpa", .kind = GV_PARAM_MONEY, .unit = "currency", .fallback = "auto",        \
        .maximum = HUGE_VAL, .offset = 0,                                                     \
        .help = "what a conversion may cost on average, above 0; auto: as the campaign says", \
        .source = "C of Su et al., AuctionNet, arXiv 2412.10798",                             \
    }

/* Its config has a member double most_cpas. */
#define GV_CPA_MOST_PARAM(config, default, where)                                         \
    {                                                                                     \
        .name = "most_cpas", .kind = GV_PARAM_REAL, .fallback = default, .minimum = 1e-6, \
        .maximum = 1e9, .offset = offsetof(config, most_cpas),                            \
        .help = "the multiplier is at most so many times the CPA", .source = (where)      \
    }

/* A fit() for configs that begin with int64_t cpa_nanos: takes the campaign's where it is unset. */
GV_MUST_CHECK gv_status gv_cpa_fit(void *config, const gv_fit_input *input,
                                   const gv_progress *progress);

/* cpa_nanos or, where that is unset, the campaign's; GV_EINVAL when neither is above 0. */
GV_MUST_CHECK gv_status gv_cpa_find(int64_t cpa_nanos, const gv_campaign *campaign,
                                    const char *type, double *cpa);

#endif
