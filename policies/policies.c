#include "policies/policies.h"

#include <string.h>

#include "policies/types_impl.h"
#include "sim/base/param.h"

enum { NAMES_MAX = 128 };

/* clang-format off */
const gv_policy_type *const gv_policy_types[] = {
    &gv_policy_constant,
    &gv_policy_random,
    &gv_policy_mcpc,
    &gv_policy_linear,
    &gv_policy_ortb1,
    &gv_policy_ortb2,
    &gv_policy_ss_mdp,
    &gv_policy_rlb,
    &gv_policy_pid,
    &gv_policy_adaptive,
    &gv_policy_mcpa,
    &gv_policy_auctionnet_pid,
    &gv_policy_abid,
    &gv_policy_dual_pacing,
    &gv_policy_min_pacing,
    &gv_policy_m_pid,
    &gv_policy_ta_pid,
    &gv_policy_online_lp,
    &gv_policy_online_lp_window,
    &gv_policy_mystique,
    &gv_policy_bc,
    &gv_policy_iql,
    &gv_policy_cql,
    &gv_policy_td3bc,
    &gv_policy_bcq,
    &gv_policy_dt,
    &gv_policy_dd,
    &gv_policy_egdb,
    &gv_policy_ebaret,
    &gv_policy_direct,
    &gv_policy_split,
    &gv_policy_oracle_slot,
    NULL,
};
/* clang-format on */

const gv_policy_type *gv_policy_find(const char *name)
{
    const gv_policy_type *const *type = gv_policy_types;
    while (*type != NULL && strcmp((*type)->info.name, name) != 0) {
        type++;
    }
    return *type;
}

const char *gv_policy_nearest(const char *name)
{
    const char *names[NAMES_MAX];
    size_t count = 0;
    for (; gv_policy_types[count] != NULL && count < NAMES_MAX; count++) {
        names[count] = gv_policy_types[count]->info.name;
    }
    return gv_param_nearest(names, count, name);
}
