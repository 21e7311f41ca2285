/*
 * trajectory_fixture.h - made-up trajectory sets: a problem is planted by a function of (episode,
 * tick) that writes one tick.
 */
#ifndef TESTS_TRAJECTORY_FIXTURE_H
#define TESTS_TRAJECTORY_FIXTURE_H

#include <math.h>
#include <stdint.h>

#include "cmocka_all.h"
#include "sim/base/mem.h"
#include "sim/base/random.h"
#include "sim/base/safetensors.h"
#include "sim/market/landscape.h"
#include "sim/market/observation.h"
#include "sim/market/outlook.h"
#include "test_folder.h"

/* One tick, written by a plant; `draw` is keyed by (episode, tick). */
typedef struct planted_tick {
    double state[GV_STATE_SIZE];
    double action;
    double reward;
    double reward_continuous;
    double oracle; /* in sets with expert_every */
} planted_tick;

typedef void (*planting)(const gv_random *draw, size_t episode, size_t tick, planted_tick *out);

typedef struct planted_set {
    planting plant;
    size_t episodes;
    size_t ticks;
    int64_t first_period;                         /* each period has `of_period` episodes */
    size_t of_period;                             /* 0: all are of one */
    int64_t length;                               /* 0: all ticks */
    const char *state;                            /* names in the metadata; NULL: none */
    double (*teach)(size_t episode, size_t tick); /* the oracle's answers; NULL: no such tensors */
    uint8_t expert;                               /* of every third episode */
    size_t expert_every;                          /* without teach: each so-many-th is an expert's,
                                                     and the plant tells the oracle's; 0: none */
    const char *provenance;                       /* JSON in the metadata; NULL: none */
    bool has_no_landscape;
    bool has_no_outlook;
    const char *outlook;  /* names in the metadata; NULL: none */
    double outlook_moved; /* added to the outlook's numbers, which are within +-1 */
} planted_set;

/* What every planted campaign has. */
#define PLANTED_BUDGET 1000.0
#define PLANTED_CPA    100.0

/* All tensors of one file, in one block each. */
typedef struct planted_arrays {
    double *state;
    double *by_tick; /* [3][episodes][ticks]: action, reward, reward_continuous */
    int64_t *facts;  /* [4][episodes]: length, period, advertiser, category */
    double *figures; /* [5][episodes]: budget, cpa, spend, conversions, score */
    uint8_t *done;
    double *oracle;
    uint8_t *expert;
    float *curves;  /* [2][episodes][ticks][GV_LANDSCAPE_SIZE]: cost, value */
    float *truth;   /* [episodes][ticks] */
    double *sums;   /* [3][episodes][ticks]: auctions, values, least costs */
    float *outlook; /* [episodes][ticks][GV_OUTLOOK_SIZE] */
} planted_arrays;

/*
 * Of a tick with `size` conversions on offer, the multiplier m in CPAs buys size m / (1 + m), at
 * prices that begin at 0: another dm costs m CPAs a conversion, which makes
 * size (log(1 + m) - m / (1 + m)) CPAs in all.
 */
static inline void planted_landscape(size_t all, size_t at, double size, const planted_arrays *to)
{
    for (size_t k = 0; k < GV_LANDSCAPE_SIZE; k++) {
        const double m = gv_landscape_multiplier(k);
        const double share = m / (1 + m);
        to->curves[at * GV_LANDSCAPE_SIZE + k] = (float)(PLANTED_CPA * size * (log1p(m) - share));
        to->curves[(all + at) * GV_LANDSCAPE_SIZE + k] = (float)(size * share);
    }
    to->truth[at] = 1;
    to->sums[at] = 1000;
    to->sums[all + at] = size;
    to->sums[2 * all + at] = size * PLANTED_CPA;
}

static inline void planted_outlook(const planted_set *set, const gv_random *draw, float *to)
{
    for (size_t k = 0; k < GV_OUTLOOK_SIZE; k++) {
        to[k] = (float)(2 * gv_random_uniform(draw, 100 + k) - 1 + set->outlook_moved);
    }
}

static inline void planted_fill(const planted_set *set, const planted_arrays *to)
{
    const size_t all = set->episodes * set->ticks;
    for (size_t e = 0; e < set->episodes; e++) {
        const size_t of_period = set->of_period == 0 ? set->episodes : set->of_period;
        to->facts[e] = set->length == 0 ? (int64_t)set->ticks : set->length;
        to->facts[set->episodes + e] = set->first_period + (int64_t)(e / of_period);
        to->facts[2 * set->episodes + e] = (int64_t)(e % of_period);
        for (size_t tick = 0; tick < set->ticks; tick++) {
            const size_t at = e * set->ticks + tick;
            const gv_random draw = gv_random_key(77, GV_STREAM_TEST, at);
            planted_tick one = {.action = 0};
            set->plant(&draw, e, tick, &one);
            memcpy(to->state + at * GV_STATE_SIZE, one.state, sizeof one.state);
            to->by_tick[at] = one.action;
            to->by_tick[all + at] = one.reward;
            to->by_tick[2 * all + at] = one.reward_continuous;
            to->oracle[at] = one.oracle;
            to->done[at] = (int64_t)tick + 1 >= to->facts[e];
            planted_outlook(set, &draw, to->outlook + at * GV_OUTLOOK_SIZE);
            planted_landscape(all, at,
                              (40 + 30 * gv_random_uniform(&draw, 60)) / (double)set->ticks, to);
        }
        to->expert[e] = set->expert_every > 0 && e % set->expert_every == 0;
        to->figures[e] = PLANTED_BUDGET;
        to->figures[set->episodes + e] = PLANTED_CPA;
    }
}

static inline void planted_teach(const planted_set *set, const planted_arrays *to)
{
    for (size_t e = 0; set->teach != NULL && e < set->episodes; e++) {
        to->expert[e] = e % 3 == 0 ? set->expert : 0;
        for (size_t tick = 0; tick < set->ticks; tick++) {
            to->oracle[e * set->ticks + tick] = set->teach(e, tick);
        }
    }
}

static inline size_t planted_notes(const planted_set *set, gv_tensor_note notes[4])
{
    size_t count = 0;
    if (set->state != NULL) {
        notes[count++] = (gv_tensor_note){.key = "state", .text = set->state};
    }
    if (set->outlook != NULL) {
        notes[count++] = (gv_tensor_note){.key = "outlook", .text = set->outlook};
    }
    if (set->provenance != NULL) {
        notes[count++] = (gv_tensor_note){.key = "provenance", .text = set->provenance};
    }
    if (!set->has_no_landscape) {
        notes[count++] = (gv_tensor_note){.key = "landscape", .text = GV_LANDSCAPE_GRID};
    }
    return count;
}

static inline planted_arrays planted_alloc(const planted_set *set)
{
    const size_t all = set->episodes * set->ticks;
    return (planted_arrays){
        .state = gv_mem_alloc(0, all * GV_STATE_SIZE + 1, sizeof(double)),
        .by_tick = gv_mem_alloc(0, 3 * all + 1, sizeof(double)),
        .facts = gv_mem_alloc(0, 4 * set->episodes + 1, sizeof(int64_t)),
        .figures = gv_mem_alloc(0, 5 * set->episodes + 1, sizeof(double)),
        .done = gv_mem_alloc(0, all + 1, 1),
        .oracle = gv_mem_alloc(0, all + 1, sizeof(double)),
        .expert = gv_mem_alloc(0, set->episodes + 1, 1),
        .curves = gv_mem_alloc(0, 2 * all * GV_LANDSCAPE_SIZE + 1, sizeof(float)),
        .truth = gv_mem_alloc(0, all + 1, sizeof(float)),
        .sums = gv_mem_alloc(0, 3 * all + 1, sizeof(double)),
        .outlook = gv_mem_alloc(0, all * GV_OUTLOOK_SIZE + 1, sizeof(float)),
    };
}

static inline void planted_free(const planted_arrays *arrays)
{
    gv_mem_free(arrays->state);
    gv_mem_free(arrays->by_tick);
    gv_mem_free(arrays->facts);
    gv_mem_free(arrays->figures);
    gv_mem_free(arrays->done);
    gv_mem_free(arrays->oracle);
    gv_mem_free(arrays->expert);
    gv_mem_free(arrays->curves);
    gv_mem_free(arrays->truth);
    gv_mem_free(arrays->sums);
    gv_mem_free(arrays->outlook);
}

static inline void planted_write(const planted_set *set, const char *path)
{
    const size_t all = set->episodes * set->ticks;
    const uint64_t e = set->episodes;
    const uint64_t t = set->ticks;
    planted_arrays arrays = planted_alloc(set);
    planted_fill(set, &arrays);
    planted_teach(set, &arrays);
    const gv_tensor tensors[] = {
        {"state", GV_TENSOR_F64, 3, {e, t, GV_STATE_SIZE}, arrays.state},
        {"action", GV_TENSOR_F64, 2, {e, t}, arrays.by_tick},
        {"reward", GV_TENSOR_F64, 2, {e, t}, arrays.by_tick + all},
        {"reward_continuous", GV_TENSOR_F64, 2, {e, t}, arrays.by_tick + 2 * all},
        {"done", GV_TENSOR_U8, 2, {e, t}, arrays.done},
        {"length", GV_TENSOR_I64, 1, {e}, arrays.facts},
        {"period", GV_TENSOR_I64, 1, {e}, arrays.facts + e},
        {"advertiser", GV_TENSOR_I64, 1, {e}, arrays.facts + 2 * e},
        {"category", GV_TENSOR_I64, 1, {e}, arrays.facts + 3 * e},
        {"budget", GV_TENSOR_F64, 1, {e}, arrays.figures},
        {"cpa", GV_TENSOR_F64, 1, {e}, arrays.figures + e},
        {"spend", GV_TENSOR_F64, 1, {e}, arrays.figures + 2 * e},
        {"conversions", GV_TENSOR_F64, 1, {e}, arrays.figures + 3 * e},
        {"score", GV_TENSOR_F64, 1, {e}, arrays.figures + 4 * e},
        {"landscape_cost", GV_TENSOR_F32, 3, {e, t, GV_LANDSCAPE_SIZE}, arrays.curves},
        {"landscape_value",
         GV_TENSOR_F32,
         3,
         {e, t, GV_LANDSCAPE_SIZE},
         arrays.curves + all * GV_LANDSCAPE_SIZE},
        {"landscape_true", GV_TENSOR_F32, 2, {e, t}, arrays.truth},
        {"tick_auctions", GV_TENSOR_F64, 2, {e, t}, arrays.sums},
        {"tick_values", GV_TENSOR_F64, 2, {e, t}, arrays.sums + all},
        {"tick_least_cost", GV_TENSOR_F64, 2, {e, t}, arrays.sums + 2 * all},
        {"outlook", GV_TENSOR_F32, 3, {e, t, GV_OUTLOOK_SIZE}, arrays.outlook},
        {"oracle", GV_TENSOR_F64, 2, {e, t}, arrays.oracle},
        {"expert", GV_TENSOR_U8, 1, {e}, arrays.expert},
    };
    gv_tensor written[sizeof tensors / sizeof tensors[0]];
    size_t tensor_count = 0;
    const bool is_taught = set->teach != NULL || set->expert_every > 0;
    gv_tensor_note notes[4];
    const size_t note_count = planted_notes(set, notes);
    for (size_t i = 0; i < sizeof tensors / sizeof tensors[0] - (is_taught ? 0 : 2); i++) {
        if (!set->has_no_outlook || strcmp(tensors[i].name, "outlook") != 0) {
            written[tensor_count++] = tensors[i];
        }
    }
    assert_int_equal(gv_safetensors_write(path, written, tensor_count, notes, note_count), GV_OK);
    planted_free(&arrays);
}

/* An oracle's answers. */
static inline double planted_oracle(size_t episode, size_t tick)
{
    return 60 + (double)(episode % 7) + (double)tick;
}

/* ---- planted problems ------------------------------------------------------------------------ */

static inline void planted_state(const gv_random *draw, size_t ticks, size_t tick, double *state)
{
    for (size_t k = 0; k < GV_STATE_SIZE; k++) {
        state[k] = gv_random_uniform(draw, k);
    }
    state[GV_STATE_TIME_LEFT] = (double)(ticks - tick) / (double)ticks;
    state[GV_STATE_COUNT_NOW] = floor(1e4 * state[GV_STATE_COUNT_NOW]);
}

static inline double planted_policy(const double *state)
{
    return 60 + 40 * state[GV_STATE_BUDGET_LEFT] - 30 * state[GV_STATE_WIN];
}

/* A known policy: the action is a function of the state. */
static inline void plant_policy(const gv_random *draw, size_t episode, size_t tick,
                                planted_tick *out)
{
    (void)episode;
    planted_state(draw, 48, tick, out->state);
    out->action = planted_policy(out->state);
    out->oracle = out->action;
    out->reward_continuous = gv_random_uniform(draw, 40);
}

/* Two behaviours, chosen by a coin: to bid 100 is worth 1 a tick, to bid 50 nothing. */
static inline void plant_choice(const gv_random *draw, size_t episode, size_t tick,
                                planted_tick *out)
{
    (void)episode;
    planted_state(draw, 48, tick, out->state);
    const bool is_better = gv_random_bernoulli(draw, 40, 0.5);
    out->action = (is_better ? 100 : 50) + gv_random_normal(draw, 41);
    out->reward = is_better ? 1 : 0;
    out->reward_continuous = is_better ? 1 : 0;
}

#endif
