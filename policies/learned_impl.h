/*
 * learned_impl.h - policies that ask a trained actor for a multiplier: bid = action x pCVR.
 *
 * What differs between them is which learner's weights they take; each is a type of its own, so
 * that `gavel list policies` shows it and its weights file is checked against its name.
 */
#ifndef POLICIES_LEARNED_IMPL_H
#define POLICIES_LEARNED_IMPL_H

#include <stddef.h>
#include <stdint.h>

#include "policies/learn/actor.h"
#include "sim/market/observation.h"
#include "sim/market/policy.h"

typedef struct gv_learned_config {
    const char *weights;
    int32_t window; /* gv_state_window */
} gv_learned_config;

typedef struct gv_learned_state {
    const gv_actor *actor; /* shared */
    gv_actor_hand *hand;
    gv_state_window window;
    double multiplier; /* nanos a conversion */
} gv_learned_state;

/* The rows of a config whose first member is the above. */
#define GV_LEARNED_ROWS                                                                     \
    {.name = "weights",                                                                     \
     .kind = GV_PARAM_PATH,                                                                 \
     .offset = offsetof(gv_learned_config, weights),                                        \
     .help = "the weights file, of `gavel train` with the learner of the same name",        \
     .source = "ours"},                                                                     \
    {                                                                                       \
        .name = "last_three", .kind = GV_PARAM_CHOICE, .fallback = "latest",                \
        .choices = gv_learned_windows, .offset = offsetof(gv_learned_config, window),       \
        .help = "which ticks \"last three\" means in the state; first: the public agents' " \
                "fault, which serve the first three of the period",                         \
        .source = "public code of AuctionNet, arXiv 2412.10798"                             \
    }

extern const char *const gv_learned_windows[];
extern const gv_param gv_learned_params[]; /* those alone */

/* load() of a type: its weights file, as the kind's. */
GV_MUST_CHECK gv_status gv_learned_load(const gv_actor_kind *kind, const void *config,
                                        void **model);

/* The same of a type with another config; NULL weights are GV_EINVAL. */
GV_MUST_CHECK gv_status gv_learned_load_file(const gv_actor_kind *kind, const char *weights,
                                             void **model);

/* Whether the campaign has as many ticks as the periods that the weights were trained on. */
GV_MUST_CHECK gv_status gv_learned_check_ticks(const char *path, size_t known,
                                               const gv_campaign *campaign);

/* NULL weights are GV_EINVAL. */
GV_MUST_CHECK gv_status gv_learned_check_weights(const char *weights);

/* The other methods of such a type. */
void gv_learned_unload(void *model);
GV_MUST_CHECK gv_status gv_learned_init(void *state, const gv_policy_setup *setup);
void gv_learned_bid(void *state, const gv_batch *batch, int64_t *bids);
void gv_learned_tick(void *const *states, const gv_observation *observations, size_t count);
GV_MUST_CHECK gv_status gv_learned_save(const void *state, gv_writer *writer);
GV_MUST_CHECK gv_status gv_learned_restore(void *state, gv_reader *reader);
void gv_learned_fini(void *state);
void gv_learned_explain(const void *state, gv_explanation *out);

#endif
