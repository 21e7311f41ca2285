#include <assert.h>
#include <math.h>
#include <string.h>

#include "models/nn/operators.h"
#include "policies/learn/dt_course_impl.h"
#include "sim/base/mem.h"

gv_status gv_dt_course_init(gv_dt_course *course)
{
    const size_t count = gv_dataset_count(course->dataset);
    course->lessons = gv_mem_alloc(0, count * course->sizes.ticks, sizeof *course->lessons);
    if (course->lessons == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the returns of %zu episodes", count);
    }
    GV_TRY(gv_pool_create(course->dataset, GV_POOL_EXPERTS, &course->pools[GV_POOL_EXPERTS]));
    return gv_pool_create(course->dataset, GV_POOL_LOG, &course->pools[GV_POOL_LOG]);
}

void gv_dt_course_fini(gv_dt_course *course)
{
    gv_pool_destroy(course->pools[GV_POOL_EXPERTS]);
    gv_pool_destroy(course->pools[GV_POOL_LOG]);
    gv_mem_free(course->lessons);
}

gv_status gv_dt_check(const char *name, const gv_dt_config *config)
{
    if (config->width % config->heads != 0) {
        return GV_FAIL(GV_EUSAGE, "%s: a width of %lld cannot be shared by %lld heads equally",
                       name, (long long)config->width, (long long)config->heads);
    }
    return GV_OK;
}

gv_status gv_dt_scale_returns(const gv_return_law *law, double scale, const gv_dataset *dataset,
                              gv_scaling *scaling)
{
    const double common_share = 0.95;
    if (scale <= 0) {
        GV_TRY(gv_return_quantile(law, dataset, common_share, &scale));
    }
    scaling->reward_offset = 0;
    scaling->reward_divisor = scale > 0 ? scale : 1;
    return GV_OK;
}

gv_dt_lesson *gv_dt_course_lessons(const gv_dt_course *course, size_t episode)
{
    return course->lessons + episode * course->sizes.ticks;
}

gv_status gv_dt_course_teach(const gv_dt_course *course, const gv_return_law *law,
                             const gv_bag_law *bags)
{
    double *to_go = gv_mem_alloc(0, course->sizes.ticks, sizeof *to_go);
    if (to_go == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the returns of %zu ticks", course->sizes.ticks);
    }
    for (size_t i = 0; i < gv_dataset_count(course->dataset); i++) {
        const gv_episode *episode = gv_dataset_at(course->dataset, i);
        gv_bag_to_go(bags, law, episode, to_go);
        for (size_t t = 0; t < episode->length; t++) {
            const double action =
                gv_lens_action(&course->lens, course->scaling, episode->cpa, episode->action[t]);
            gv_dt_course_lessons(course, i)[t] =
                (gv_dt_lesson){.to_go = (float)(to_go[t] / course->scaling->reward_divisor),
                               .action = course->lens.hides_actions ? 0 : (float)action,
                               .target = (float)action,
                               .weight = 1,
                               .expertness = episode->is_expert ? 1 : 0};
        }
    }
    gv_mem_free(to_go);
    return GV_OK;
}

/* ---- batches --------------------------------------------------------------------------------- */

/* Examples go to experts so that of the first n they have share x n, rounded down. */
static gv_place draw(const gv_dt_course *course, uint64_t step, size_t index)
{
    const double share = course->expert_share;
    if (share <= 0) {
        return gv_dataset_draw(course->dataset, course->seed, step, index);
    }
    const bool is_expert = floor(share * (double)(index + 1)) > floor(share * (double)index);
    const gv_pool *pool = course->pools[is_expert ? GV_POOL_EXPERTS : GV_POOL_LOG];
    return gv_pool_draw(pool, course->seed, step, index);
}

/* Where example `index` of a step begins. */
static gv_place begin_of(const gv_dt_course *course, uint64_t step, size_t index)
{
    gv_place place = draw(course, step, index);
    place.tick = course->sizes.context >= course->sizes.ticks ? 0 : place.tick;
    return place;
}

static size_t length_from(const gv_dt_course *course, gv_place place)
{
    const size_t left = gv_dataset_at(course->dataset, place.episode)->length - place.tick;
    return left < course->sizes.context ? left : course->sizes.context;
}

typedef struct inputs {
    float *constraint, *to_go, *state, *expertness, *action, *target, *weights, *valids;
    int32_t *tick, *labels;
} inputs;

static float *numbers_of(gv_tape *tape, gv_node node)
{
    return node == GV_NODE_NONE ? NULL : gv_tape_f32(tape, node);
}

static inputs inputs_of(const gv_dt_course *course, gv_tape *tape)
{
    const gv_dt_nodes *nodes = &course->nodes;
    return (inputs){
        .constraint = numbers_of(tape, nodes->constraint),
        .to_go = gv_tape_f32(tape, nodes->to_go),
        .state = gv_tape_f32(tape, nodes->state),
        .expertness = numbers_of(tape, nodes->expertness),
        .action = gv_tape_f32(tape, nodes->action),
        .target = gv_tape_f32(tape, course->target),
        .weights = gv_tape_f32(tape, course->weights),
        .valids = numbers_of(tape, course->valids),
        .tick = gv_tape_indices(tape, nodes->tick),
        .labels = course->labels == GV_NODE_NONE ? NULL : gv_tape_indices(tape, course->labels),
    };
}

/* Tick number `at` of an example is tick t of its episode. */
static void fill_tick(const gv_dt_course *course, const inputs *in, gv_place place, size_t at)
{
    const gv_episode *episode = gv_dataset_at(course->dataset, place.episode);
    const gv_dt_lesson *lesson = gv_dt_course_lessons(course, place.episode) + place.tick;
    const gv_account total = gv_episode_account(episode, episode->length);
    const gv_sight sight = {.state = episode->state + place.tick * GV_STATE_SIZE,
                            .account = &total,
                            .outlook = gv_episode_outlook(episode, place.tick)};
    gv_lens_see(&course->lens, course->scaling, &sight, in->state + at * course->sizes.features);
    in->to_go[at] = course->lens.hides_returns ? 0 : lesson->to_go;
    in->action[at] = lesson->action;
    in->target[at] = lesson->target;
    in->weights[at] = (float)((double)lesson->weight * (1 / course->valid));
    in->tick[at] =
        (int32_t)(place.tick < course->sizes.tick_end ? place.tick : course->sizes.tick_end);
    if (in->constraint != NULL) {
        gv_constraint_token(gv_constraint_used(&total), &total,
                            in->constraint + at * GV_CONSTRAINT_SIZE);
    }
    if (in->expertness != NULL && in->labels != NULL && in->valids != NULL) {
        in->expertness[at] = lesson->expertness;
        in->labels[at] = (int32_t)gv_return_bin((double)lesson->to_go, course->sizes.bins);
        in->valids[at] = (float)(1 / course->valid);
    }
}

/* Behind an episode's end: seen by nothing before it, and of no weight. */
static void clear_tick(const gv_dt_course *course, const inputs *in, size_t at)
{
    const size_t width = course->sizes.features;
    memset(in->state + at * width, 0, width * sizeof *in->state);
    in->to_go[at] = 0;
    in->action[at] = 0;
    in->target[at] = 0;
    in->weights[at] = 0;
    in->tick[at] = 0;
    if (in->constraint != NULL) {
        memset(in->constraint + at * GV_CONSTRAINT_SIZE, 0,
               GV_CONSTRAINT_SIZE * sizeof *in->constraint);
    }
    if (in->expertness != NULL && in->labels != NULL && in->valids != NULL) {
        in->expertness[at] = 0;
        in->labels[at] = 0;
        in->valids[at] = 0;
    }
}

static void fill(void *context, const gv_shard *shard)
{
    const gv_dt_course *course = context;
    const inputs in = inputs_of(course, shard->tape);
    for (size_t i = 0; i < shard->size; i++) {
        const gv_place place = begin_of(course, shard->step, shard->number * shard->size + i);
        const size_t length = length_from(course, place);
        for (size_t k = 0; k < course->sizes.context; k++) {
            const size_t at = i * course->sizes.context + k;
            if (k < length) {
                fill_tick(course, &in, (gv_place){place.episode, place.tick + k}, at);
            } else {
                clear_tick(course, &in, at);
            }
        }
    }
}

void gv_dt_course_begin(gv_dt_course *course, uint64_t step, size_t batch)
{
    course->valid = 0;
    for (size_t i = 0; i < batch; i++) {
        course->valid += (double)length_from(course, begin_of(course, step, i));
    }
}

/* ---- the loss -------------------------------------------------------------------------------- */

/* loss + share x more */
static gv_node add_share(gv_graph *graph, gv_node loss, double share, gv_node more)
{
    return gv_op_add(graph, loss, gv_op_scale(graph, more, share, 0));
}

static gv_node build(void *context, gv_graph *graph, size_t size)
{
    gv_dt_course *course = context;
    const size_t n = course->sizes.context;
    const gv_shape one = gv_shape_of(3, (size_t[]){size, n, 1});
    course->nodes = gv_dt_inputs(graph, &course->sizes, size, n);
    course->target = gv_graph_input(graph, "target", one);
    course->weights = gv_graph_input(graph, "weights", one);
    course->labels = GV_NODE_NONE;
    course->valids = GV_NODE_NONE;
    const gv_dt_heads heads = gv_dt_build(graph, &course->sizes, &course->nodes);
    gv_node loss = gv_op_mse(graph, heads.action, course->target, course->weights);
    if (course->sizes.bins > 0) {
        const gv_shape two = gv_shape_of(2, (size_t[]){size, n});
        course->labels = gv_graph_indices(graph, "labels", two);
        course->valids = gv_graph_input(graph, "valids", one);
        const gv_node valids = gv_op_reshape(graph, course->valids, two);
        loss = add_share(graph, loss, course->return_share,
                         gv_op_cross_entropy(graph, heads.returns, course->labels, valids));
        loss =
            add_share(graph, loss, course->expertness_share,
                      gv_op_bce(graph, heads.expertness, course->nodes.expertness, course->valids));
    }
    return loss;
}

gv_objective_config gv_dt_objective(const gv_dt_config *config, gv_dt_course *course)
{
    return (gv_objective_config){.loss = "action",
                                 .trained = GV_DT_PREFIX,
                                 .build = build,
                                 .fill = fill,
                                 .context = course,
                                 .optimizer = {.type = &gv_optimizer_adamw,
                                               .warm_up = (uint64_t)config->warm_up,
                                               .rate = config->common.rate,
                                               .weight_decay = config->decay,
                                               .clip_norm = config->clip}};
}
