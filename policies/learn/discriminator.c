#include <math.h>
#include <string.h>

#include "models/nn/dense.h"
#include "models/nn/layers.h"
#include "models/nn/operators.h"
#include "policies/learn/discriminator_impl.h"
#include "sim/base/mem.h"

enum { ROWS = 16 };

static const double prior_unknown = 0.2;
static const double prior_least = 0.05;
static const double prior_most = 0.5;
static const double near_enough = 0.1;

double gv_judge_prior(const gv_dataset *dataset)
{
    double asked = 0;
    double alike = 0;
    for (size_t i = 0; i < gv_dataset_count(dataset); i++) {
        const gv_episode *episode = gv_dataset_at(dataset, i);
        for (size_t t = 0; episode->oracle != NULL && !episode->is_expert && t < episode->length;
             t++) {
            const double wanted = episode->oracle[t];
            asked += 1;
            alike += fabs(episode->action[t] - wanted) <= near_enough * wanted ? 1 : 0;
        }
    }
    return asked > 0 ? fmin(fmax(alike / asked, prior_least), prior_most) : prior_unknown;
}

void gv_judge_see(const gv_judge_case *seen, float *x)
{
    static const gv_lens relative = {.unit = GV_ACTION_LOG_CPA};
    float token[GV_CONSTRAINT_SIZE];
    gv_constraint_token(0, &seen->account, token);
    memcpy(x, seen->state, GV_STATE_SIZE * sizeof *x);
    memcpy(x + GV_STATE_SIZE, token + 1, GV_LENS_ACCOUNT * sizeof *x);
    x[GV_JUDGE_INPUTS - 2] =
        (float)gv_lens_action(&relative, NULL, seen->account.cpa, seen->action);
    x[GV_JUDGE_INPUTS - 1] = (float)seen->time;
}

/* ---- training -------------------------------------------------------------------------------- */

static gv_mlp mlp_of(size_t hidden)
{
    return (gv_mlp){.layers = 3, .widths = {hidden, hidden, 1}, .hidden = gv_op_relu};
}

/* x -> its logits, [B, 1] */
static gv_node logits_of(gv_graph *graph, gv_node x, size_t hidden)
{
    const gv_mlp mlp = mlp_of(hidden);
    gv_graph_open(graph, "judge");
    const gv_node logits = gv_layer_mlp(graph, "net", x, &mlp);
    gv_graph_close(graph);
    return logits;
}

static gv_node build(void *context, gv_graph *graph, size_t size)
{
    gv_judge_course *course = context;
    const gv_nnpu nnpu = {.prior = course->prior, .is_sigmoid = course->is_sigmoid};
    course->x = gv_graph_input(graph, "x", gv_shape_of(2, (size_t[]){size, GV_JUDGE_INPUTS}));
    course->is_positive = gv_graph_input(graph, "is_positive", gv_shape_of(2, (size_t[]){size, 1}));
    return gv_op_nnpu(graph, logits_of(graph, course->x, course->hidden), course->is_positive,
                      &nnpu);
}

void gv_judge_case_of(const gv_judge_course *course, gv_place place, float *x)
{
    const gv_episode *episode = gv_dataset_at(course->dataset, place.episode);
    float state[GV_STATE_SIZE];
    gv_scaling_state(course->scaling, episode->state + place.tick * GV_STATE_SIZE, state);
    const gv_judge_case seen = {.state = state,
                                .account = {.budget = episode->budget, .cpa = episode->cpa},
                                .action = episode->action[place.tick],
                                .time =
                                    (double)place.tick / (double)gv_dataset_ticks(course->dataset)};
    gv_judge_see(&seen, x);
}

static void fill(void *context, const gv_shard *shard)
{
    const gv_judge_course *course = context;
    float *x = gv_tape_f32(shard->tape, course->x);
    float *is_positive = gv_tape_f32(shard->tape, course->is_positive);
    for (size_t i = 0; i < shard->size; i++) {
        const gv_pool_kind kind = i % 2 == 0 ? GV_POOL_EXPERTS : GV_POOL_LOG;
        const gv_place place = gv_pool_draw(course->pools[kind], course->seed, shard->step,
                                            shard->number * shard->size + i);
        gv_judge_case_of(course, place, x + i * GV_JUDGE_INPUTS);
        is_positive[i] = kind == GV_POOL_EXPERTS ? 1 : 0;
    }
}

gv_objective_config gv_judge_objective(gv_judge_course *course, size_t batch, double rate)
{
    return (gv_objective_config){.loss = "discriminator",
                                 .trained = GV_JUDGE_PREFIX,
                                 .build = build,
                                 .fill = fill,
                                 .context = course,
                                 .batch = batch,
                                 .optimizer = {.type = &gv_optimizer_adam, .rate = rate}};
}

gv_status gv_judge_declare(gv_params *params, size_t hidden)
{
    const gv_graph_config about = {.params = params};
    gv_graph *graph = NULL;
    GV_TRY(gv_graph_create(&about, &graph));
    const gv_shape shape = gv_shape_of(2, (size_t[]){1, GV_JUDGE_INPUTS});
    (void)logits_of(graph, gv_graph_input(graph, "x", shape), hidden);
    const gv_status status = gv_graph_finish(graph, GV_NODE_NONE);
    gv_graph_destroy(graph);
    return status;
}

/* ---- judging --------------------------------------------------------------------------------- */

struct gv_judge {
    gv_dense_mlp *mlp;
};

gv_status gv_judge_open(const gv_params *params, size_t hidden, gv_judge **out)
{
    const gv_mlp mlp = mlp_of(hidden);
    gv_judge *judge = gv_mem_alloc(sizeof *judge, 0, 0);
    if (judge == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a discriminator");
    }
    const gv_status status =
        gv_dense_mlp_create(params, GV_JUDGE_PREFIX "net", &mlp, ROWS, &judge->mlp);
    if (status != GV_OK) {
        gv_judge_close(judge);
        return status;
    }
    *out = judge;
    return GV_OK;
}

void gv_judge_close(gv_judge *judge)
{
    if (judge != NULL) {
        gv_dense_mlp_destroy(judge->mlp);
        gv_mem_free(judge);
    }
}

void gv_judge_rate(gv_judge *judge, const float *x, size_t count, float *expertness)
{
    gv_dense_mlp_apply(judge->mlp, x, count, expertness);
    for (size_t i = 0; i < count; i++) {
        expertness[i] = (float)(1 / (1 + exp(-(double)expertness[i])));
    }
}
