/*
 * learners_impl.h - every learner type, for the table in learners.c and for tests.
 */
#ifndef POLICIES_LEARN_LEARNERS_IMPL_H
#define POLICIES_LEARN_LEARNERS_IMPL_H

#include "policies/learn/learner.h"

extern const gv_learner_type gv_learner_bc;
extern const gv_learner_type gv_learner_iql;
extern const gv_learner_type gv_learner_cql;
extern const gv_learner_type gv_learner_td3bc;
extern const gv_learner_type gv_learner_bcq;
extern const gv_learner_type gv_learner_dt;
extern const gv_learner_type gv_learner_dd;
extern const gv_learner_type gv_learner_egdb;
extern const gv_learner_type gv_learner_ebaret;
extern const gv_learner_type gv_learner_direct;

#endif
