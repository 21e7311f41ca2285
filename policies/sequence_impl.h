/*
 * sequence_impl.h - policies that serve a sequence model over a campaign's period (dt.h): what
 * differs between them is which learner's weights they take and how they are guided.
 *
 * The campaigns of one configuration are asked together at each tick.
 */
#ifndef POLICIES_SEQUENCE_IMPL_H
#define POLICIES_SEQUENCE_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policies/learn/dt.h"
#include "sim/market/policy.h"

/* What the config of such a type begins with. */
typedef struct gv_sequence_config {
    const char *weights;
    double target;
    double constraint_used;
    int32_t window; /* gv_state_window */
    int64_t context;
    bool recompute;
    double shade;
} gv_sequence_config;

typedef struct gv_sequence_state {
    gv_dt_seat *seat;
    double multiplier; /* nanos a conversion */
} gv_sequence_state;

extern const char *const gv_sequence_windows[];

/* Its rows; `where` is the source of the published serving, a literal. */
#define GV_SEQUENCE_ROWS(where)                                                                   \
    {.name = "weights",                                                                           \
     .kind = GV_PARAM_PATH,                                                                       \
     .offset = offsetof(gv_sequence_config, weights),                                             \
     .help = "the trained network, as `gavel train` writes it for this policy",                   \
     .source = "ours"},                                                                           \
        {.name = "target",                                                                        \
         .kind = GV_PARAM_REAL,                                                                   \
         .fallback = "1",                                                                         \
         .maximum = 1e6,                                                                          \
         .offset = offsetof(gv_sequence_config, target),                                          \
         .help = "return asked for; 1: what one training episode in twenty exceeded",             \
         .source = where ": 4, a fault"},                                                         \
        {.name = "constraint_used",                                                               \
         .kind = GV_PARAM_REAL,                                                                   \
         .fallback = "1",                                                                         \
         .maximum = 2,                                                                            \
         .offset = offsetof(gv_sequence_config, constraint_used),                                 \
         .help = "share of the target CPA to be used, for a network with a constraint token",     \
         .source = "CDT, Liu et al., ICML 2023, arXiv 2302.07351"},                               \
        {.name = "last_three",                                                                    \
         .kind = GV_PARAM_CHOICE,                                                                 \
         .fallback = "latest",                                                                    \
         .choices = gv_sequence_windows,                                                          \
         .offset = offsetof(gv_sequence_config, window),                                          \
         .help = "which three ticks \"last three\" means; first: the published serving's fault",  \
         .source = (where)},                                                                      \
        {.name = "context",                                                                       \
         .kind = GV_PARAM_INTEGER,                                                                \
         .unit = "ticks",                                                                         \
         .fallback = "0",                                                                         \
         .maximum = 1000,                                                                         \
         .offset = offsetof(gv_sequence_config, context),                                         \
         .help = "ticks to look back; 0: as in training; 10 after 20 is the published serving's " \
                 "fault",                                                                         \
         .source = (where)},                                                                      \
        {.name = "shade",                                                                         \
         .kind = GV_PARAM_REAL,                                                                   \
         .fallback = "1",                                                                         \
         .minimum = 0.01,                                                                         \
         .maximum = 100,                                                                          \
         .offset = offsetof(gv_sequence_config, shade),                                           \
         .help = "factor of what the network names: below 1 it bids more carefully",              \
         .source = "ours"},                                                                       \
    {                                                                                             \
        .name = "recompute", .kind = GV_PARAM_SWITCH, .fallback = "off",                          \
        .offset = offsetof(gv_sequence_config, recompute),                                        \
        .help =                                                                                   \
            "compute all of the past anew at each tick instead of keeping its keys and values",   \
        .source = "ours"                                                                          \
    }

/* GV_EINVAL: there is no weights file. The serving that the config asks for. */
GV_MUST_CHECK gv_status gv_sequence_serving(const char *name, const gv_sequence_config *config,
                                            gv_dt_serving *serving);

/* Methods of such a type, whose model is a gv_dt; its load() opens that. */
void gv_sequence_unload(void *model);
GV_MUST_CHECK gv_status gv_sequence_init(void *state, const gv_policy_setup *setup);
void gv_sequence_bid(void *state, const gv_batch *batch, int64_t *bids);
void gv_sequence_tick(void *const *states, const gv_observation *observations, size_t count);
GV_MUST_CHECK gv_status gv_sequence_save(const void *state, gv_writer *writer);
GV_MUST_CHECK gv_status gv_sequence_restore(void *state, gv_reader *reader);
void gv_sequence_fini(void *state);
void gv_sequence_explain(const void *state, gv_explanation *out);

#endif
