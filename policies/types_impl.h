/*
 * types_impl.h - every policy type, for the table in policies.c and for tests.
 */
#ifndef POLICIES_TYPES_IMPL_H
#define POLICIES_TYPES_IMPL_H

#include "sim/market/policy.h"

extern const gv_policy_type gv_policy_constant;
extern const gv_policy_type gv_policy_random;
extern const gv_policy_type gv_policy_mcpc;
extern const gv_policy_type gv_policy_linear;
extern const gv_policy_type gv_policy_ortb1;
extern const gv_policy_type gv_policy_ortb2;
extern const gv_policy_type gv_policy_ss_mdp;
extern const gv_policy_type gv_policy_rlb;
extern const gv_policy_type gv_policy_pid;
extern const gv_policy_type gv_policy_adaptive;
extern const gv_policy_type gv_policy_mcpa;
extern const gv_policy_type gv_policy_auctionnet_pid;
extern const gv_policy_type gv_policy_abid;
extern const gv_policy_type gv_policy_dual_pacing;
extern const gv_policy_type gv_policy_min_pacing;
extern const gv_policy_type gv_policy_m_pid;
extern const gv_policy_type gv_policy_ta_pid;
extern const gv_policy_type gv_policy_online_lp;
extern const gv_policy_type gv_policy_online_lp_window;
extern const gv_policy_type gv_policy_mystique;
extern const gv_policy_type gv_policy_bc;
extern const gv_policy_type gv_policy_iql;
extern const gv_policy_type gv_policy_cql;
extern const gv_policy_type gv_policy_td3bc;
extern const gv_policy_type gv_policy_bcq;
extern const gv_policy_type gv_policy_dt;
extern const gv_policy_type gv_policy_dd;
extern const gv_policy_type gv_policy_egdb;
extern const gv_policy_type gv_policy_ebaret;
extern const gv_policy_type gv_policy_direct;
extern const gv_policy_type gv_policy_split;
extern const gv_policy_type gv_policy_oracle_slot;

#endif
