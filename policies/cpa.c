#include "policies/cpa_impl.h"

static bool is_said(const gv_campaign *campaign)
{
    return campaign->cpa_nanos > 0;
}

gv_status gv_cpa_fit(void *config, const gv_fit_input *input, const gv_progress *progress)
{
    (void)progress;
    int64_t *cpa_nanos = config;
    if (*cpa_nanos == GV_PARAM_UNSET && is_said(input->campaign)) {
        *cpa_nanos = input->campaign->cpa_nanos;
    }
    return GV_OK;
}

gv_status gv_cpa_find(int64_t cpa_nanos, const gv_campaign *campaign, const char *type, double *cpa)
{
    if (cpa_nanos == GV_PARAM_UNSET && !is_said(campaign)) {
        return GV_FAIL(GV_EINVAL,
                       "%s: cpa is not set and campaign %s has none: give either what a conversion "
                       "may cost",
                       type, campaign->name);
    }
    if (cpa_nanos == 0) {
        return GV_FAIL(GV_EINVAL, "%s: cpa is 0; give one above 0", type);
    }
    *cpa = (double)(cpa_nanos == GV_PARAM_UNSET ? campaign->cpa_nanos : cpa_nanos);
    return GV_OK;
}
