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
    {.name = "steps",                                                                          \
     .kind = GV_PARAM_INTEGER,                                                                 \
     .fallback = (default_steps),                                                              \
     .minimum = 1,                                                                             \
     .maximum = 1e12,                                                                          \
     .offset = offsetof(gv_learner_common, steps),                                             \
     .help = "steps of a training, unless --steps says otherwise",                             \
     .source = (where)},                                                                       \
        {.name = "batch",                                                                      \
         .kind = GV_PARAM_INTEGER,                                                             \
         .fallback = (default_batch),                                                          \
         .minimum = 1,                                                                         \
         .maximum = 65536,                                                                     \
         .offset = offsetof(gv_learner_common, batch),                                         \
         .help = "examples of a step; a multiple of shards",                                   \
         .source = (where)},                                                                   \
        {.name = "shards",                                                                     \
         .kind = GV_PARAM_INTEGER,                                                             \
         .fallback = "2",                                                                      \
         .minimum = 1,                                                                         \
         .maximum = 256,                                                                       \
         .offset = offsetof(gv_learner_common, shards),                                        \
         .help = "equal parts of a batch, which threads share out; other shards, other bits",  \
         .source = "ours"},                                                                    \
        {.name = "rate",                                                                       \
         .kind = GV_PARAM_REAL,                                                                \
         .fallback = (default_rate),                                                           \
         .minimum = 0,                                                                         \
         .maximum = 1e6,                                                                       \
         .offset = offsetof(gv_learner_common, rate),                                          \
         .help = "rate of learning, of Adam",                                                  \
         .source = (where)},                                                                   \
    {                                                                                          \
        .name = "scale_actions", .kind = GV_PARAM_SWITCH, .fallback = "on",                    \
        .offset = offsetof(gv_learner_common, scales_actions),                                 \
        .help = "learn actions in units of their root mean square; off: in units of currency", \
        .source = "ours; the public code has off"                                              \
    }

/* A width of a network: GV_WIDTH_ROW(bc_config, hidden_1, "128", "...", SOURCE) */
#define GV_WIDTH_ROW(config, field, default_width, what, where)                                \
    {                                                                                          \
        .name = #field, .kind = GV_PARAM_INTEGER, .fallback = (default_width), .minimum = 1,   \
        .maximum = 65536, .offset = offsetof(config, field), .help = (what), .source = (where) \
    }

/* GV_EUSAGE unless the batch is a multiple of the shards. */
GV_MUST_CHECK gv_status gv_learner_check_common(const gv_type_info *info,
                                                const gv_learner_common *common);

/* Copies rows first .. first + size - 1 of a batch's array into a node: a shard's input. */
struct gv_shard;
void gv_shard_put(const struct gv_shard *shard, uint32_t node, const float *rows, size_t width);

#endif
