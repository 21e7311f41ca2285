#include <assert.h>
#include <math.h>
#include <string.h>

#include "models/nn/operators.h"
#include "policies/learn/dd_lesson_impl.h"
#include "sim/base/mem.h"

enum { NUMBERS_FIRST = 4 /* draws of an example before its noise: step, drop, prefix */ };

const char *const gv_dd_return_kinds[] = {"plain", "score", NULL};
const char *const gv_dd_conditions[] = {"range", "sigmoid", NULL};

/* ---- batches --------------------------------------------------------------------------------- */

static float label_of(const gv_dd_lesson *dd, double action, double cpa)
{
    return (float)gv_dd_action_in(&dd->sizes, &dd->base.scaling, action, cpa);
}

/* Example `index` of a step's batch, out of the episode of that place. */
static gv_dd_example example_in(const gv_dd_lesson *dd, gv_place place, uint64_t step, size_t index)
{
    const gv_learner_setup *setup = &dd->base.setup;
    const uint64_t each = NUMBERS_FIRST + dd->sizes.horizon * dd->sizes.width;
    gv_dd_example one = {.episode = gv_dataset_at(setup->dataset, place.episode),
                         .number = place.episode,
                         .index = index,
                         .random = gv_random_key(setup->seed, GV_STREAM_NOISE, step),
                         .first = index * each + NUMBERS_FIRST};
    const uint64_t at = index * each;
    one.k = 1 + (size_t)gv_random_below(&one.random, at, dd->diffusion.steps);
    one.is_dropped = gv_random_bernoulli(&one.random, at + 1, dd->config->drop);
    if (dd->config->completes) {
        one.prefix = (size_t)gv_random_below(&one.random, at + 2, one.episode->length);
    }
    return one;
}

gv_dd_example gv_dd_example_of(const gv_dd_lesson *dd, uint64_t step, size_t index)
{
    const gv_learner_setup *setup = &dd->base.setup;
    return example_in(dd, gv_dataset_draw(setup->dataset, setup->seed, step, index), step, index);
}

/* Of those who did not foresee the period, where there are any. */
static gv_dd_example followed_example(const gv_dd_lesson *dd, uint64_t step, size_t index)
{
    const gv_learner_setup *setup = &dd->base.setup;
    if (gv_pool_episodes(dd->blind) == 0) {
        return gv_dd_example_of(dd, step, index);
    }
    return example_in(dd, gv_pool_draw(dd->blind, setup->seed, step, index), step, index);
}

static double weighed_of(const gv_dd_lesson *dd, const gv_dd_example *one)
{
    return (double)((one->episode->length - 1 - one->prefix) * dd->sizes.width);
}

void gv_dd_state_at(const gv_dd_lesson *dd, const gv_episode *episode, size_t tick, float *state)
{
    const size_t last = episode->length - 1;
    const size_t of = tick < last ? tick : last;
    gv_scaling_state(&dd->base.scaling, episode->state + of * GV_STATE_SIZE, state);
}

void gv_dd_fill_tick(const gv_dd_lesson *dd, const gv_dd_example *one, size_t tick,
                     const gv_dd_tick *to)
{
    const size_t last = one->episode->length - 1;
    const size_t width = dd->sizes.width;
    const bool is_known = tick <= one->prefix;
    const bool is_clean = is_known && dd->config->completes;
    float state[GV_STATE_SIZE];
    double drawn[GV_STATE_SIZE];
    gv_dd_state_at(dd, one->episode, tick, state);
    gv_random_fill_normal(&one->random, one->first + tick * width, width, drawn);
    for (size_t i = 0; i < width; i++) {
        to->noise[i] = (float)drawn[i];
        to->weights[i] = is_known || tick > last ? 0 : (float)(1 / dd->weighed);
    }
    gv_diffusion_mix(&dd->diffusion, is_clean ? 0 : one->k, state, to->noise, width, to->x);
}

gv_dd_told gv_dd_told_of(const gv_dd_lesson *dd, const gv_episode *episode)
{
    const gv_scaling *scaling = &dd->base.scaling;
    gv_dd_told told = {.account = gv_episode_account(episode, episode->length)};
    const double reached = gv_return_reached(&dd->law, &told.account);
    told.reached = dd->config->condition == GV_DD_SIGMOID
                       ? 1 / (1 + exp(-reached))
                       : (reached - scaling->reward_offset) / scaling->reward_divisor;
    told.keeps_cpa = told.account.spend <= told.account.cpa * told.account.conversions;
    return told;
}

static void fill_condition(const gv_dd_lesson *dd, const gv_dd_nodes *nodes, const gv_shard *shard,
                           size_t row, const gv_dd_example *one)
{
    const size_t width = dd->sizes.told;
    gv_dd_told told = gv_dd_told_of(dd, one->episode);
    bool keeps = !one->is_dropped;
    told.is_hidden = one->is_dropped;
    gv_dd_tell(&dd->sizes, &told, gv_tape_f32(shard->tape, nodes->told) + row * width);
    if (dd->extra.fill != NULL &&
        dd->extra.fill(dd->extra.context, &nodes->extra, &(gv_dd_row){shard, row, one})) {
        keeps = true;
    }
    gv_tape_f32(shard->tape, nodes->unet.keep)[row] = keeps ? 1 : 0;
}

/* Inputs of the U-Net for the example. */
static void fill_example(const gv_dd_lesson *dd, const gv_dd_nodes *nodes, const gv_shard *shard,
                         size_t row, const gv_dd_example *one)
{
    gv_tape *tape = shard->tape;
    const size_t base = dd->sizes.unet.base;
    const size_t horizon = dd->sizes.horizon;
    for (size_t tick = 0; tick < horizon; tick++) {
        const size_t at = (row * horizon + tick) * dd->sizes.width;
        const gv_dd_tick to = {.x = gv_tape_f32(tape, nodes->unet.x) + at,
                               .noise = gv_tape_f32(tape, nodes->noise) + at,
                               .weights = gv_tape_f32(tape, nodes->weights) + at};
        gv_dd_fill_tick(dd, one, tick, &to);
    }
    memcpy(gv_tape_f32(tape, nodes->unet.step) + row * base, dd->features + (one->k - 1) * base,
           base * sizeof(float));
    fill_condition(dd, nodes, shard, row, one);
}

static void fill_noise(void *context, const gv_shard *shard)
{
    const gv_dd_lesson *dd = context;
    for (size_t i = 0; i < shard->size; i++) {
        const gv_dd_example one =
            gv_dd_example_of(dd, shard->step, shard->number * shard->size + i);
        fill_example(dd, &dd->nodes, shard, i, &one);
    }
}

/* A tick that another follows; of an episode of one tick that one, followed by itself. */
static void fill_transition(const gv_dd_lesson *dd, gv_place place, float *seen, float *action)
{
    const gv_episode *episode = gv_dataset_at(dd->base.setup.dataset, place.episode);
    const size_t last = episode->length - 1;
    const size_t tick = place.tick == last && last > 0 ? last - 1 : place.tick;
    float states[GV_DD_SEEN * GV_STATE_SIZE];
    for (size_t back = 0; back + 1 < GV_DD_SEEN; back++) {
        const size_t of = tick < back ? 0 : tick - back;
        gv_dd_state_at(dd, episode, of, states + (GV_DD_SEEN - 2 - back) * dd->sizes.width);
    }
    gv_dd_state_at(dd, episode, tick + 1, states + (GV_DD_SEEN - 1) * dd->sizes.width);
    const gv_dd_sight sight = {.account = gv_episode_account(episode, episode->length),
                               .outlook = gv_episode_outlook(episode, tick)};
    gv_dd_gather(&dd->sizes, states, GV_DD_SEEN - 2, states + (GV_DD_SEEN - 1) * dd->sizes.width,
                 &sight, seen);
    *action = label_of(dd, episode->action[tick], episode->cpa);
}

static void fill_inverse(void *context, const gv_shard *shard)
{
    const gv_dd_lesson *dd = context;
    const gv_learner_setup *setup = &dd->base.setup;
    const size_t count = shard->size * GV_DD_EACH;
    float *seen = gv_tape_f32(shard->tape, dd->seen);
    float *actions = gv_tape_f32(shard->tape, dd->action);
    for (size_t i = 0; i < count; i++) {
        /* Behind the draws of the other loss. */
        const uint64_t index = (uint64_t)dd->base.common->batch + shard->number * count + i;
        fill_transition(dd, gv_dataset_draw(setup->dataset, setup->seed, shard->step, index),
                        seen + i * dd->sizes.inverse_inputs, actions + i);
    }
}

/* ---- following what is imagined -------------------------------------------------------------- */

/* The tick up to which the example is known, and another follows; its last but one at most. */
static size_t followed(const gv_dd_example *one)
{
    const size_t last = one->episode->length - 1;
    return one->prefix == last && last > 0 ? last - 1 : one->prefix;
}

static void fill_followed(const gv_dd_lesson *dd, const gv_shard *shard, size_t row,
                          const gv_dd_example *one)
{
    const gv_follow *follow = &dd->follow;
    const gv_episode *episode = one->episode;
    const size_t tick = followed(one);
    const size_t next = tick + 1 < episode->length ? tick + 1 : tick;
    const double kept = dd->diffusion.kept[one->k];
    const size_t horizon = dd->sizes.horizon;
    const size_t told = dd->sizes.inverse_told;
    const size_t width = (GV_DD_SEEN - 1) * dd->sizes.width;
    float seen[GV_DD_INPUTS_MAX];
    float action = 0;
    fill_transition(dd, (gv_place){.episode = one->number, .tick = tick}, seen, &action);
    memcpy(gv_tape_f32(shard->tape, follow->past) + row * width, seen, width * sizeof *seen);
    if (told > 0) {
        memcpy(gv_tape_f32(shard->tape, follow->told) + row * told,
               seen + GV_DD_SEEN * dd->sizes.width, told * sizeof *seen);
    }
    for (size_t t = 0; t < horizon; t++) {
        gv_tape_f32(shard->tape, follow->next)[row * horizon + t] = t == next ? 1 : 0;
    }
    gv_tape_f32(shard->tape, follow->of_x)[row] = (float)(1 / sqrt(kept));
    gv_tape_f32(shard->tape, follow->of_eps)[row] = (float)sqrt((1 - kept) / kept);
    const double answer = episode->oracle != NULL ? episode->oracle[tick] : episode->action[tick];
    gv_tape_f32(shard->tape, dd->action)[row] = label_of(dd, answer, episode->cpa);
}

static void fill_follow(void *context, const gv_shard *shard)
{
    const gv_dd_lesson *dd = context;
    for (size_t i = 0; i < shard->size; i++) {
        gv_dd_example one = followed_example(dd, shard->step, shard->number * shard->size + i);
        one.prefix = followed(&one);
        fill_example(dd, &dd->imagined, shard, i, &one);
        fill_followed(dd, shard, i, &one);
    }
}

/* ---- losses ---------------------------------------------------------------------------------- */

/* Makes the inputs of a U-Net for `size` examples -> its guess at the noise. */
static gv_node build_guess(gv_dd_lesson *dd, gv_graph *graph, size_t size, gv_dd_nodes *nodes)
{
    const gv_shape shape = gv_shape_of(3, (size_t[]){size, dd->sizes.horizon, dd->sizes.width});
    nodes->noise = gv_graph_input(graph, "noise", shape);
    nodes->weights = gv_graph_input(graph, "weights", shape);
    nodes->told = gv_graph_input(graph, "told", gv_shape_of(2, (size_t[]){size, dd->sizes.told}));
    gv_node condition = nodes->told;
    if (dd->extra.embed != NULL) {
        condition = dd->extra.embed(dd->extra.context, graph, condition, size, &nodes->extra);
    }
    return gv_dd_build_noise(graph, &dd->sizes, size, condition, &nodes->unet);
}

static gv_node noise_loss(void *context, gv_graph *graph, size_t size)
{
    gv_dd_lesson *dd = context;
    const gv_node guess = build_guess(dd, graph, size, &dd->nodes);
    return gv_op_mse(graph, guess, dd->nodes.noise, dd->nodes.weights);
}

/* The states that a guess amounts to, at the next tick alone: [B, width]. */
static gv_node build_next(gv_dd_lesson *dd, gv_graph *graph, size_t size)
{
    gv_follow *follow = &dd->follow;
    const gv_shape one = gv_shape_of(1, (size_t[]){size});
    const gv_node eps = build_guess(dd, graph, size, &dd->imagined);
    follow->of_x = gv_graph_input(graph, "of_x", one);
    follow->of_eps = gv_graph_input(graph, "of_eps", one);
    follow->next =
        gv_graph_input(graph, "next", gv_shape_of(2, (size_t[]){size, dd->sizes.horizon}));
    gv_node states = gv_op_sub(graph, gv_op_mul(graph, dd->imagined.unet.x, follow->of_x),
                               gv_op_mul(graph, eps, follow->of_eps));
    states = gv_op_clamp(graph, states, -dd->sizes.bound, dd->sizes.bound);
    states = gv_op_mul(graph, states, follow->next);
    return gv_op_sum_last(graph, gv_op_transpose(graph, states, 1, 2));
}

static gv_node follow_loss(void *context, gv_graph *graph, size_t size)
{
    gv_dd_lesson *dd = context;
    const size_t width = (GV_DD_SEEN - 1) * dd->sizes.width;
    const size_t told = dd->sizes.inverse_told;
    dd->follow.past = gv_graph_input(graph, "past", gv_shape_of(2, (size_t[]){size, width}));
    dd->action = gv_graph_input(graph, "action", gv_shape_of(2, (size_t[]){size, 1}));
    gv_node seen = gv_op_concat(graph, dd->follow.past, build_next(dd, graph, size), 1);
    if (told > 0) {
        dd->follow.told = gv_graph_input(graph, "beside", gv_shape_of(2, (size_t[]){size, told}));
        seen = gv_op_concat(graph, seen, dd->follow.told, 1);
    }
    const gv_node guess = gv_dd_build_inverse(graph, &dd->sizes, seen);
    return gv_op_mse(graph, guess, dd->action, GV_NODE_NONE);
}

static gv_node inverse_loss(void *context, gv_graph *graph, size_t size)
{
    gv_dd_lesson *dd = context;
    const size_t rows = size * GV_DD_EACH;
    dd->seen =
        gv_graph_input(graph, "seen", gv_shape_of(2, (size_t[]){rows, dd->sizes.inverse_inputs}));
    dd->action = gv_graph_input(graph, "action", gv_shape_of(2, (size_t[]){rows, 1}));
    const gv_node guess = gv_dd_build_inverse(graph, &dd->sizes, dd->seen);
    return gv_op_mse(graph, guess, dd->action, GV_NODE_NONE);
}

/* ---- scaling --------------------------------------------------------------------------------- */

/* The least of each entry to -1, its largest to 1; what never changed to 0. */
static void scale_states(gv_dd_lesson *dd)
{
    const gv_dataset *dataset = dd->base.setup.dataset;
    gv_scaling *scaling = &dd->base.scaling;
    for (size_t k = 0; k < GV_STATE_SIZE; k++) {
        double least = HUGE_VAL;
        double largest = -HUGE_VAL;
        for (size_t i = 0; i < gv_dataset_count(dataset); i++) {
            const gv_episode *episode = gv_dataset_at(dataset, i);
            for (size_t t = 0; t < episode->length; t++) {
                least = fmin(least, episode->state[t * GV_STATE_SIZE + k]);
                largest = fmax(largest, episode->state[t * GV_STATE_SIZE + k]);
            }
        }
        scaling->offset[k] = least + (largest - least) / 2;
        scaling->divisor[k] = largest > least ? (largest - least) / 2 : 1;
    }
}

static void leave_states(gv_dd_lesson *dd)
{
    for (size_t k = 0; k < GV_STATE_SIZE; k++) {
        dd->base.scaling.offset[k] = 0;
        dd->base.scaling.divisor[k] = 1;
    }
}

/* The scaling's reward is the return. */
static void scale_returns(gv_dd_lesson *dd)
{
    const gv_dataset *dataset = dd->base.setup.dataset;
    double least = HUGE_VAL;
    double largest = -HUGE_VAL;
    for (size_t i = 0; i < gv_dataset_count(dataset); i++) {
        const gv_episode *episode = gv_dataset_at(dataset, i);
        const gv_account total = gv_episode_account(episode, episode->length);
        const double reached = gv_return_reached(&dd->law, &total);
        least = fmin(least, reached);
        largest = fmax(largest, reached);
    }
    dd->base.scaling.reward_offset = least;
    dd->base.scaling.reward_divisor = largest > least ? largest - least : 1;
}

static void scale(gv_dd_lesson *dd)
{
    scale_returns(dd);
    if (!dd->config->scales_states) {
        leave_states(dd);
        return;
    }
    if (!dd->sizes.traits.standardises) {
        scale_states(dd); /* otherwise the workshop has standardised them */
    }
}

/* ---- methods --------------------------------------------------------------------------------- */

static gv_status make_features(gv_dd_lesson *dd)
{
    const size_t base = dd->sizes.unet.base;
    dd->features = gv_mem_alloc(0, dd->diffusion.steps * base, sizeof *dd->features);
    if (dd->features == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for %zu steps of diffusion", dd->diffusion.steps);
    }
    for (size_t k = 0; k < dd->diffusion.steps; k++) {
        gv_unet_step_features((double)k, base, dd->features + k * base);
    }
    return GV_OK;
}

gv_status gv_dd_lesson_open(gv_dd_lesson *dd, const gv_type_info *info, const gv_dd_traits *traits,
                            const gv_learner_setup *setup)
{
    const gv_dd_config *config = setup->config;
    const gv_workshop_config workshop = {
        .info = info,
        .setup = setup,
        .served = GV_DD_PREFIX,
        .anneals = dd->anneals,
        .scaling = {.kind = GV_SCALING_ZSCORE,
                    .scales_actions = config->common.scales_actions && !traits->is_log}};
    dd->config = config;
    GV_TRY(gv_dd_sizes_of(config, traits, gv_dataset_ticks(setup->dataset), &dd->sizes));
    dd->law = (gv_return_law){.kind = (gv_return_kind)config->returns,
                              .power = config->score_power,
                              .is_relative = config->relative};
    dd->diffusion = gv_diffusion_cosine((size_t)config->diffusion_steps, GV_DIFFUSION_OFFSET);
    GV_TRY(gv_workshop_open(&dd->base, &workshop));
    scale(dd);
    return make_features(dd);
}

gv_status gv_dd_lesson_add(gv_dd_lesson *dd)
{
    const bool follows = dd->label == GV_DD_ORACLE;
    if (follows) {
        GV_TRY(gv_pool_create(dd->base.setup.dataset, GV_POOL_LOG, &dd->blind));
    }
    const gv_objective_config losses[] = {
        [GV_DD_NOISE] = {"noise", .trained = GV_DD_UNET ".", .build = noise_loss,
                         .fill = fill_noise},
        [GV_DD_INVERSE_LOSS] = {"inverse", .trained = GV_DD_INVERSE,
                                .build = follows ? follow_loss : inverse_loss,
                                .fill = follows ? fill_follow : fill_inverse},
    };
    for (size_t i = 0; i < sizeof losses / sizeof losses[0]; i++) {
        gv_objective_config loss = losses[i];
        loss.context = dd;
        GV_TRY(gv_workshop_add(&dd->base, &loss));
    }
    return GV_OK;
}

gv_status gv_dd_lesson_step(gv_dd_lesson *dd, uint64_t step, double *losses)
{
    dd->weighed = 0;
    for (size_t i = 0; i < (size_t)dd->base.common->batch; i++) {
        const gv_dd_example one = gv_dd_example_of(dd, step, i);
        dd->weighed += weighed_of(dd, &one);
    }
    dd->weighed = dd->weighed > 0 ? dd->weighed : 1;
    GV_TRY(gv_workshop_run(&dd->base, GV_DD_NOISE, &losses[GV_DD_NOISE]));
    return gv_workshop_run(&dd->base, GV_DD_INVERSE_LOSS, &losses[GV_DD_INVERSE_LOSS]);
}

void gv_dd_lesson_fini(gv_dd_lesson *dd)
{
    gv_pool_destroy(dd->blind);
    gv_mem_free(dd->features);
    gv_workshop_fini(&dd->base);
}
