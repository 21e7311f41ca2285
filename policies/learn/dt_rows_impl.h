/*
 * dt_rows_impl.h - the rows of a config that begins with gv_dt_config, behind GV_LEARNER_ROWS().
 */
#ifndef POLICIES_LEARN_DT_ROWS_IMPL_H
#define POLICIES_LEARN_DT_ROWS_IMPL_H

#include <stddef.h>

#include "policies/learn/dt_impl.h"

/* Defaults as texts; where: a source, as a literal. */
#define GV_DT_ROWS(default_returns, default_relative, default_dropout, default_warm_up, where)     \
    GV_WIDTH_ROW(gv_dt_config, width, "64", "width of a token; a multiple of heads", where),       \
        GV_WIDTH_ROW(gv_dt_config, layers, "2", "blocks of the decoder", where ": 3"),             \
        GV_WIDTH_ROW(gv_dt_config, heads, "2", "heads of attention", where ": 1"),                 \
        GV_WIDTH_ROW(gv_dt_config, inner, "256", "width inside a block", where ": 512"),           \
        {.name = "dropout",                                                                        \
         .kind = GV_PARAM_REAL,                                                                    \
         .fallback = (default_dropout),                                                            \
         .maximum = 0.9,                                                                           \
         .offset = offsetof(gv_dt_config, dropout),                                                \
         .help = "share of numbers that training hides",                                           \
         .source = (where)},                                                                       \
        {.name = "context",                                                                        \
         .kind = GV_PARAM_INTEGER,                                                                 \
         .unit = "ticks",                                                                          \
         .fallback = "48",                                                                         \
         .minimum = 1,                                                                             \
         .maximum = 1000,                                                                          \
         .offset = offsetof(gv_dt_config, context),                                                \
         .help =                                                                                   \
             "ticks that the network sees; of a whole period serving forgets nothing and is fast", \
         .source = where ": 20"},                                                                  \
        {.name = "returns",                                                                        \
         .kind = GV_PARAM_CHOICE,                                                                  \
         .fallback = (default_returns),                                                            \
         .choices = gv_return_names,                                                               \
         .offset = offsetof(gv_dt_config, returns),                                                \
         .help =                                                                                   \
             "the return to come: plain counts conversions; score is S_T - S_(t-1) of the score",  \
         .source = where "; DT-score in arXiv 2504.14587"},                                        \
        {.name = "score_power",                                                                    \
         .kind = GV_PARAM_REAL,                                                                    \
         .fallback = "2",                                                                          \
         .maximum = 10,                                                                            \
         .offset = offsetof(gv_dt_config, score_power),                                            \
         .help = "power of C / CPA in the score; the public code of DT-score has 1, a fault",      \
         .source = "arXiv 2504.14587"},                                                            \
        {.name = "relative",                                                                       \
         .kind = GV_PARAM_SWITCH,                                                                  \
         .fallback = (default_relative),                                                           \
         .offset = offsetof(gv_dt_config, relative),                                               \
         .help = "count returns in units of budget / C, so that campaigns of any budget compare",  \
         .source = "ours"},                                                                        \
        {.name = "return_scale",                                                                   \
         .kind = GV_PARAM_REAL,                                                                    \
         .fallback = "0",                                                                          \
         .maximum = 1e9,                                                                           \
         .offset = offsetof(gv_dt_config, return_scale),                                           \
         .help = "a return of 1 to the network; 0: what one training episode in twenty exceeds",   \
         .source = where ": 2000"},                                                                \
        {.name = "constraint",                                                                     \
         .kind = GV_PARAM_SWITCH,                                                                  \
         .fallback = "off",                                                                        \
         .offset = offsetof(gv_dt_config, constraint),                                             \
         .help = "a fourth token a tick: the share of C to be used, C and the budget",             \
         .source = "CDT, Liu et al., ICML 2023, arXiv 2302.07351"},                                \
        {.name = "tick_end",                                                                       \
         .kind = GV_PARAM_INTEGER,                                                                 \
         .fallback = "0",                                                                          \
         .maximum = 1000,                                                                          \
         .offset = offsetof(gv_dt_config, tick_end),                                               \
         .help = "last index of a tick, later ones get it too; 0: every tick has its own",         \
         .source = where ": 23, a fault"},                                                         \
        {.name = "warm_up",                                                                        \
         .kind = GV_PARAM_INTEGER,                                                                 \
         .unit = "steps",                                                                          \
         .fallback = (default_warm_up),                                                            \
         .maximum = 1e12,                                                                          \
         .offset = offsetof(gv_dt_config, warm_up),                                                \
         .help = "steps over which the rate rises to its own",                                     \
         .source = where ": 10,000"},                                                              \
        {.name = "decay",                                                                          \
         .kind = GV_PARAM_REAL,                                                                    \
         .fallback = "0.0001",                                                                     \
         .maximum = 1,                                                                             \
         .offset = offsetof(gv_dt_config, decay),                                                  \
         .help = "AdamW's decay of weights",                                                       \
         .source = (where)},                                                                       \
    {                                                                                              \
        .name = "clip", .kind = GV_PARAM_REAL, .fallback = "0.25", .maximum = 1e9,                 \
        .offset = offsetof(gv_dt_config, clip), .help = "longest norm of a gradient; 0: any",      \
        .source = (where)                                                                          \
    }

#endif
