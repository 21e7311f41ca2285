/*
 * dd_lesson_impl.h - the two losses of a decision diffuser as any learner teaches them: noise in
 * periods, and actions between states. learn_dd.c teaches these alone, learn_egdb.c more.
 *
 *   init:  gv_dd_lesson_open(), gv_dd_lesson_add() both losses, others, gv_workshop_begin()
 *   step:  gv_dd_lesson_step()
 */
#ifndef POLICIES_LEARN_DD_LESSON_IMPL_H
#define POLICIES_LEARN_DD_LESSON_IMPL_H

#include "policies/learn/dd_impl.h"
#include "policies/learn/pool_impl.h"
#include "policies/learn/workshop_impl.h"
#include "sim/base/random.h"

/* An example's draws, but for its noise. */
typedef struct gv_dd_example {
    const gv_episode *episode;
    size_t number; /* of the episode */
    size_t index;  /* of the example, in its batch */
    gv_random random;
    uint64_t first; /* index of its first draw of noise */
    size_t k;
    size_t prefix;   /* the last tick that is known */
    bool is_dropped; /* the return is hidden */
} gv_dd_example;

/* Where a learner's own inputs of the U-Net's condition are; it alone knows what they mean. */
typedef struct gv_dd_extra_nodes {
    gv_node node[6];
} gv_dd_extra_nodes;

/* An example, and where its inputs go. */
typedef struct gv_dd_row {
    const gv_shard *shard;
    size_t row;
    const gv_dd_example *example;
} gv_dd_row;

/* What a learner adds to the lesson. */
typedef struct gv_dd_extra {
    /* The condition's node for `size` examples, out of what is told [size, told]. */
    gv_node (*embed)(void *context, gv_graph *graph, gv_node told, size_t size,
                     gv_dd_extra_nodes *nodes);
    /* Writes an example's inputs of that; whether its embedding is kept. On any thread. */
    bool (*fill)(const void *context, const gv_dd_extra_nodes *nodes, const gv_dd_row *row);
    void *context;
} gv_dd_extra;

/*
 * What the inverse dynamics learn: the action played, between the states that were there; or the
 * oracle's at a state (where a set has none: the one played), between it and the next state as
 * the planner guesses it there, as in serving. The latter is ours, and leaves out episodes that the
 * oracle itself played, as long as there are others: what it did so far betrays what it foresees,
 * and whoever learns to read that takes his own past for the oracle's.
 */
typedef enum gv_dd_label { GV_DD_PLAYED, GV_DD_ORACLE } gv_dd_label;

/* Inputs of a graph with a U-Net. */
typedef struct gv_dd_nodes {
    gv_unet_inputs unet;
    gv_node told;    /* [B, told] */
    gv_node noise;   /* [B, horizon, width]: what was drawn */
    gv_node weights; /* the same */
    gv_dd_extra_nodes extra;
} gv_dd_nodes;

/* Of the inverse dynamics that follow a guess. */
typedef struct gv_follow {
    gv_node past; /* [B, 3 width] */
    gv_node told; /* [B, inverse_told] */
    gv_node next; /* [B, horizon]: 1 at the next tick */
    gv_node of_x; /* [B]: x_0^ = of_x x - of_eps eps */
    gv_node of_eps;
} gv_follow;

typedef struct gv_dd_lesson {
    gv_workshop base; /* first: its functions serve as methods */
    const gv_dd_config *config;
    gv_dd_sizes sizes;
    gv_dd_label label;
    bool anneals;      /* gv_workshop_config */
    gv_pool *blind;    /* of episodes that were not the oracle's; NULL unless it is asked */
    gv_dd_extra extra; /* embed NULL: none, the condition is what is told */
    gv_return_law law;
    gv_diffusion diffusion;
    gv_dd_nodes nodes;    /* of the loss of noise */
    gv_dd_nodes imagined; /* where guesses are followed */
    gv_follow follow;
    gv_node seen;    /* [GV_DD_EACH B, inverse_inputs] */
    gv_node action;  /* [GV_DD_EACH B, 1]; [B, 1] where guesses are followed */
    double weighed;  /* numbers of this step's batch that have weight */
    float *features; /* [diffusion_steps][base] */
} gv_dd_lesson;

enum { GV_DD_NOISE, GV_DD_INVERSE_LOSS, GV_DD_LOSSES, GV_DD_EACH = 8 };

/* `lesson` is zeroed but for label, anneals and extra; `traits` are the kind's, of its config. */
GV_MUST_CHECK gv_status gv_dd_lesson_open(gv_dd_lesson *lesson, const gv_type_info *info,
                                          const gv_dd_traits *traits,
                                          const gv_learner_setup *setup);
GV_MUST_CHECK gv_status gv_dd_lesson_add(gv_dd_lesson *lesson);

/* losses: [GV_DD_LOSSES] */
GV_MUST_CHECK gv_status gv_dd_lesson_step(gv_dd_lesson *lesson, uint64_t step, double *losses);

void gv_dd_lesson_fini(gv_dd_lesson *dd); /* the workshop with it */

/* Example `index` of a step's batch: a pure function of both. */
gv_dd_example gv_dd_example_of(const gv_dd_lesson *dd, uint64_t step, size_t index);

/* A tick of an example's period, [width] each. */
typedef struct gv_dd_tick {
    float *x;
    float *noise;
    float *weights;
} gv_dd_tick;

/*
 * Up to the example's prefix states have no weight, and with completion are clean; behind an
 * episode's end its last state goes on, without weight.
 */
void gv_dd_fill_tick(const gv_dd_lesson *dd, const gv_dd_example *one, size_t tick,
                     const gv_dd_tick *to);

/* The scaled state of a tick; behind an episode's end its last state goes on. [width] */
void gv_dd_state_at(const gv_dd_lesson *dd, const gv_episode *episode, size_t tick, float *state);

gv_dd_told gv_dd_told_of(const gv_dd_lesson *dd, const gv_episode *episode);

#define GV_DD_SOURCE "public code of AuctionNet, arXiv 2412.10798"

extern const char *const gv_dd_return_kinds[];
extern const char *const gv_dd_conditions[];

/*
 * The rows of a config whose first member is a gv_dd_config, but for gv_learner_common's: the
 * defaults, as text, are D_base, D_levels and so on.
 */
#define GV_DD_ROWS(D)                                                                              \
    GV_WIDTH_ROW(gv_dd_config, base, D##_base, "channels of the U-Net's first level, even",        \
                 GV_DD_SOURCE ": 128"),                                                            \
        {.name = "levels",                                                                         \
         .kind = GV_PARAM_INTEGER,                                                                 \
         .fallback = D##_levels,                                                                   \
         .minimum = 1,                                                                             \
         .maximum = GV_UNET_LEVELS_MAX,                                                            \
         .offset = offsetof(gv_dd_config, levels),                                                 \
         .help = "levels of the U-Net, each of twice the channels and half the ticks",             \
         .source = GV_DD_SOURCE ": 3"},                                                            \
        {.name = "kernel",                                                                         \
         .kind = GV_PARAM_INTEGER,                                                                 \
         .unit = "ticks",                                                                          \
         .fallback = D##_kernel,                                                                   \
         .minimum = 1,                                                                             \
         .maximum = 31,                                                                            \
         .offset = offsetof(gv_dd_config, kernel),                                                 \
         .help = "width of a convolution, odd",                                                    \
         .source = GV_DD_SOURCE},                                                                  \
        {.name = "groups",                                                                         \
         .kind = GV_PARAM_INTEGER,                                                                 \
         .fallback = D##_groups,                                                                   \
         .minimum = 1,                                                                             \
         .maximum = 1024,                                                                          \
         .offset = offsetof(gv_dd_config, groups),                                                 \
         .help = "groups of channels that are normalised together; they divide base",              \
         .source = GV_DD_SOURCE},                                                                  \
        {.name = "diffusion_steps",                                                                \
         .kind = GV_PARAM_INTEGER,                                                                 \
         .fallback = D##_diffusion_steps,                                                          \
         .minimum = 1,                                                                             \
         .maximum = GV_DIFFUSION_STEPS_MAX,                                                        \
         .offset = offsetof(gv_dd_config, diffusion_steps),                                        \
         .help = "steps from a period to noise; CBD has 100",                                      \
         .source = GV_DD_SOURCE},                                                                  \
        {.name = "drop",                                                                           \
         .kind = GV_PARAM_REAL,                                                                    \
         .fallback = D##_drop,                                                                     \
         .maximum = 1,                                                                             \
         .offset = offsetof(gv_dd_config, drop),                                                   \
         .help = "share of examples whose return is hidden",                                       \
         .source = GV_DD_SOURCE "; DiffBid: 0.2"},                                                 \
        GV_WIDTH_ROW(gv_dd_config, inverse, D##_inverse,                                           \
                     "width of each layer of the inverse dynamics", GV_DD_SOURCE ": 256"),         \
        {.name = "returns",                                                                        \
         .kind = GV_PARAM_CHOICE,                                                                  \
         .fallback = D##_returns,                                                                  \
         .choices = gv_dd_return_kinds,                                                            \
         .offset = offsetof(gv_dd_config, returns),                                                \
         .help = "the return: plain counts conversions; score is the competition's",               \
         .source = GV_DD_SOURCE},                                                                  \
        {.name = "score_power",                                                                    \
         .kind = GV_PARAM_REAL,                                                                    \
         .fallback = D##_score_power,                                                              \
         .maximum = 10,                                                                            \
         .offset = offsetof(gv_dd_config, score_power),                                            \
         .help = "power of C / CPA in the score",                                                  \
         .source = "AuctionNet, arXiv 2412.10798"},                                                \
        {.name = "relative",                                                                       \
         .kind = GV_PARAM_SWITCH,                                                                  \
         .fallback = D##_relative,                                                                 \
         .offset = offsetof(gv_dd_config, relative),                                               \
         .help = "count returns in units of budget / C, so that campaigns of any budget compare",  \
         .source = "ours"},                                                                        \
        {.name = "condition",                                                                      \
         .kind = GV_PARAM_CHOICE,                                                                  \
         .fallback = D##_condition,                                                                \
         .choices = gv_dd_conditions,                                                              \
         .offset = offsetof(gv_dd_config, condition),                                              \
         .help = "the return told: range is 0 to 1 over the training data; sigmoid is the public " \
                 "code's fault, 1 for most",                                                       \
         .source = "DiffBid, arXiv 2405.16141; " GV_DD_SOURCE},                                    \
        {.name = "scale_states",                                                                   \
         .kind = GV_PARAM_SWITCH,                                                                  \
         .fallback = D##_scale_states,                                                             \
         .offset = offsetof(gv_dd_config, scales_states),                                          \
         .help =                                                                                   \
             "bring each entry of the state to -1 .. 1; off: as it is, the public code's fault",   \
         .source = "ours"},                                                                        \
    {                                                                                              \
        .name = "completion", .kind = GV_PARAM_SWITCH, .fallback = D##_completion,                 \
        .offset = offsetof(gv_dd_config, completes),                                               \
        .help = "train as it serves: the start of a period is known, only the rest is noise",      \
        .source = "CBD, arXiv 2509.03348"                                                          \
    }

#endif
