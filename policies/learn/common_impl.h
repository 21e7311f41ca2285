/*
 * common_impl.h - what the configs of all learners begin with, and its rows.
 */
#ifndef POLICIES_LEARN_COMMON_IMPL_H
#define POLICIES_LEARN_COMMON_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policies/learn/learner.h"
#include "policies/learn/scaling.h"
#include "sim/base/param.h"

typedef struct gv_learner_common {
    int64_t steps;
    int64_t batch;
    int64_t shards;
    double rate;
    bool scales_actions;
} gv_learner_common;

/* The rows of a config whose first member is the above; each default as text. */
#define GV_LEARNER_ROWS(default_steps, default_batch, default_rate, where)                     \
    GV_LEARNER_STEP_ROWS(default_steps, default_batch, "2", default_rate, where),              \
    {                                                                                          \
        .name = "scale_actions", .kind = GV_PARAM_SWITCH, .fallback = "on",                    \
        .offset = offsetof(gv_learner_common, scales_actions),                                 \
        .help = "learn actions in units of their root mean square; off: in units of currency", \
        .source = "ours; the public code has off"                                              \
    }

/* A switch in the config's field `anneals`. */
#define GV_ANNEAL_ROW(type)                                                                   \
    {                                                                                         \
        .name = "anneal", .kind = GV_PARAM_SWITCH, .fallback = "on",                          \
        .offset = offsetof(type, anneals),                                                    \
        .help = "let the rate fall along half a cosine to 0 at the last step; off: it stays", \
        .source = "ours"                                                                      \
    }

/* Those of a learner that has no actions to scale. */
#define GV_LEARNER_STEP_ROWS(default_steps, default_batch, default_shards, default_rate, where) \
    {.name = "steps",                                                                           \
     .kind = GV_PARAM_INTEGER,                                                                  \
     .fallback = (default_steps),                                                               \
     .minimum = 1,                                                                              \
     .maximum = 1e12,                                                                           \
     .offset = offsetof(gv_learner_common, steps),                                              \
     .help = "steps of a training, unless --steps says otherwise",                              \
     .source = (where)},                                                                        \
        {.name = "batch",                                                                       \
         .kind = GV_PARAM_INTEGER,                                                              \
         .fallback = (default_batch),                                                           \
         .minimum = 1,                                                                          \
         .maximum = 65536,                                                                      \
         .offset = offsetof(gv_learner_common, batch),                                          \
         .help = "examples of a step; a multiple of shards",                                    \
         .source = (where)},                                                                    \
        {.name = "shards",                                                                      \
         .kind = GV_PARAM_INTEGER,                                                              \
         .fallback = (default_shards),                                                          \
         .minimum = 1,                                                                          \
         .maximum = 256,                                                                        \
         .offset = offsetof(gv_learner_common, shards),                                         \
         .help = "equal parts of a batch, which threads share out; other shards, other bits",   \
         .source = "ours"},                                                                     \
    {                                                                                           \
        .name = "rate", .kind = GV_PARAM_REAL, .fallback = (default_rate), .minimum = 0,        \
        .maximum = 1e6, .offset = offsetof(gv_learner_common, rate),                            \
        .help = "rate of learning, of Adam", .source = (where)                                  \
    }

/* A width of a network: GV_WIDTH_ROW(bc_config, hidden_1, "128", "...", SOURCE) */
#define GV_WIDTH_ROW(config, field, default_width, what, where)                                \
    {                                                                                          \
        .name = #field, .kind = GV_PARAM_INTEGER, .fallback = (default_width), .minimum = 1,   \
        .maximum = 65536, .offset = offsetof(config, field), .help = (what), .source = (where) \
    }

/* Rows of learners with critics. */
#define GV_GAMMA_ROW(config, default_gamma, where)                                         \
    {                                                                                      \
        .name = "gamma", .kind = GV_PARAM_REAL, .fallback = (default_gamma), .maximum = 1, \
        .offset = offsetof(config, gamma), .help = "what a reward a tick later is worth",  \
        .source = (where)                                                                  \
    }
#define GV_TAU_ROW(config, default_tau, where)                                                 \
    {                                                                                          \
        .name = "tau", .kind = GV_PARAM_REAL, .fallback = (default_tau), .maximum = 1,         \
        .offset = offsetof(config, tau), .help = "share of the way that a target goes a step", \
        .source = (where)                                                                      \
    }
#define GV_CONTINUOUS_ROW(config, where)                                                   \
    {                                                                                      \
        .name = "continuous", .kind = GV_PARAM_SWITCH, .fallback = "on",                   \
        .offset = offsetof(config, continuous),                                            \
        .help = "rewards are values of what was seen; off: conversions", .source = (where) \
    }

#endif
