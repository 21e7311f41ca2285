/*
 * ebaret_impl.h - the parameters of EBaReT, of its learner and of the weights that it makes.
 *
 * The paper (arXiv 2507.16186) states the pieces: expert trajectories beside the log, a
 * positive-unlabelled discriminator, rewards of bags, a transformer, inference guided towards the
 * experts. Its equations and sizes were not to be had; how the pieces are made here is a CHOICE
 * of ours, said so where each is.
 */
#ifndef POLICIES_LEARN_EBARET_IMPL_H
#define POLICIES_LEARN_EBARET_IMPL_H

#include "policies/learn/bags_impl.h"
#include "policies/learn/dt_impl.h"
#include "policies/learn/ebaret.h"

typedef enum gv_ebaret_target { GV_TARGET_PLAYED, GV_TARGET_ORACLE } gv_ebaret_target;
typedef enum gv_ebaret_weights { GV_WEIGHTS_UNIT, GV_WEIGHTS_EXPERT } gv_ebaret_weights;

typedef struct gv_ebaret_config {
    gv_dt_config dt;
    bool anneals;
    bool expertness;
    bool account;
    bool outlook;
    int32_t action_unit; /* gv_action_unit */
    bool shows_actions;
    bool shows_returns;
    int32_t target;
    int32_t weights;
    double weight_floor;
    double expert_share;
    int64_t bag_length;
    double bag_weight;
    int64_t bins;
    double return_share;
    double expertness_share;
    int64_t pu_steps;
    int64_t pu_batch;
    int64_t pu_hidden;
    double pu_rate;
    int32_t pu_loss;
    double pu_prior;
} gv_ebaret_config;

gv_dt_sizes gv_ebaret_sizes(const gv_ebaret_config *config, size_t ticks);
gv_lens gv_ebaret_lens(const gv_ebaret_config *config);
gv_bag_law gv_ebaret_bags(const gv_ebaret_config *config);

#endif
