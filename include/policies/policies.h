/*
 * policies.h - the table of all bidding policies: one file each, in policies/.
 */
#ifndef POLICIES_POLICIES_H
#define POLICIES_POLICIES_H

#include "sim/market/policy.h"

extern const gv_policy_type *const gv_policy_types[]; /* every type, then NULL */

/* NULL when there is none of that name. */
const gv_policy_type *gv_policy_find(const char *name);

/* The name that was most likely meant; NULL when none is near. */
const char *gv_policy_nearest(const char *name);

#endif
