/*
 * Training: optimisers against their formulas, the same weights for any number of threads, what
 * is not finite named, memory that never overlaps, and all allocations failing once.
 */
#include <math.h>
#include <string.h>

#include "cmocka_all.h"
#include "models/nn/graph_impl.h"
#include "models/nn/layers.h"
#include "models/nn/optimizer.h"
#include "models/nn/trainer.h"
#include "models/nn/transformer.h"
#include "nn_networks.h"
#include "sim/base/mem.h"
#include "sim/base/random.h"
#include "test_nn.h"

enum { SHARDS = 4, BATCH = 8, STEPS = 30, ALLOCATIONS_MAX = 400 };

/* A small decision transformer with dropout, one shard of the batch. */
static const gv_decoder decoder = {.width = 16,
                                   .layers = 2,
                                   .heads = 2,
                                   .inner = 24,
                                   .dropout = 0.1};

typedef struct lesson {
    gv_params *params;
    gv_graph *graph;
    gv_optimizer *optimizer;
    gv_trainer *trainer;
    float poison; /* added to every return: a NaN makes the loss one */
} lesson;

/* Sequences whose action follows from the state: a transformer can learn it. */
static void fill(void *context, gv_tape *tape, uint64_t step, size_t shard)
{
    const lesson *of = context;
    const gv_random random = gv_random_key(3, GV_STREAM_TEST, step);
    float *returns = gv_tape_f32(tape, gv_graph_find(of->graph, "returns"));
    float *states = gv_tape_f32(tape, gv_graph_find(of->graph, "states"));
    float *actions = gv_tape_f32(tape, gv_graph_find(of->graph, "actions"));
    float *valid = gv_tape_f32(tape, gv_graph_find(of->graph, "valid"));
    float *weights = gv_tape_f32(tape, gv_graph_find(of->graph, "weights"));
    int32_t *tick = gv_tape_indices(tape, gv_graph_find(of->graph, "tick"));
    const size_t ticks = 5;
    for (size_t i = 0; i < BATCH / SHARDS * ticks; i++) {
        const size_t row = shard * BATCH / SHARDS * ticks + i;
        returns[i] = (float)gv_random_uniform(&random, 4 * row) + of->poison;
        states[2 * i] = (float)gv_random_normal(&random, 4 * row + 1);
        states[2 * i + 1] = (float)gv_random_normal(&random, 4 * row + 2);
        actions[i] = 0.5F * states[2 * i] - 0.25F * states[2 * i + 1];
        tick[i] = (int32_t)(i % ticks);
        weights[i] = 1.0F / (float)(BATCH * ticks);
        for (size_t k = 0; k < 3; k++) {
            valid[3 * i + k] = 1.0F;
        }
    }
}

static gv_status begin(lesson *of, size_t jobs)
{
    GV_TRY(gv_params_create(GV_F32, &of->params));
    const gv_graph_config config = {.params = of->params, .shards = SHARDS};
    GV_TRY(gv_graph_create(&config, &of->graph));
    const nn_sizes sizes = {.batch = BATCH / SHARDS, .ticks = 5, .states = 2};
    gv_node action = GV_NODE_NONE;
    const gv_node loss = nn_decision_transformer(of->graph, &sizes, &decoder, &action);
    GV_TRY(gv_graph_finish(of->graph, loss));
    GV_TRY(gv_params_draw(of->params, 1));
    const gv_optimizer_config adamw = {.type = &gv_optimizer_adamw,
                                       .schedule = &gv_schedule_cosine,
                                       .warm_up = 5,
                                       .total = 200,
                                       .rate = 1e-2,
                                       .weight_decay = 1e-4,
                                       .clip_norm = 1.0};
    GV_TRY(gv_optimizer_create(&adamw, of->params, &of->optimizer));
    const gv_trainer_config trainer = {.graph = of->graph,
                                       .params = of->params,
                                       .optimizer = of->optimizer,
                                       .shards = SHARDS,
                                       .jobs = jobs,
                                       .seed = 1,
                                       .fill = fill,
                                       .context = of};
    return gv_trainer_create(&trainer, &of->trainer);
}

static void end(lesson *of)
{
    gv_trainer_destroy(of->trainer);
    gv_optimizer_destroy(of->optimizer);
    gv_graph_destroy(of->graph);
    gv_params_destroy(of->params);
}

static double train(lesson *of, size_t steps)
{
    gv_trainer_report report = {.loss = 0};
    for (size_t i = 0; i < steps; i++) {
        assert_int_equal(gv_trainer_step(of->trainer, &report), GV_OK);
    }
    return report.loss;
}

static void any_number_of_threads_gives_the_same_weights(void **state)
{
    (void)state;
    lesson one = {.poison = 0};
    assert_int_equal(begin(&one, 1), GV_OK);
    (void)train(&one, STEPS);
    for (size_t jobs = 2; jobs <= 3; jobs++) {
        lesson many = {.poison = 0};
        assert_int_equal(begin(&many, jobs), GV_OK);
        (void)train(&many, STEPS);
        assert_memory_equal(gv_params_f32(one.params), gv_params_f32(many.params),
                            gv_params_size(one.params) * sizeof(float));
        end(&many);
    }
    end(&one);
}

static void a_transformer_learns(void **state)
{
    (void)state;
    lesson of = {.poison = 0};
    assert_int_equal(begin(&of, 1), GV_OK);
    double before = 0;
    assert_int_equal(gv_trainer_loss(of.trainer, 1000, &before), GV_OK);
    (void)train(&of, 200);
    double after = 0;
    assert_int_equal(gv_trainer_loss(of.trainer, 1000, &after), GV_OK);
    assert_true(after < 0.1 * before);
    end(&of);
}

static void training_goes_on_where_it_stopped(void **state)
{
    (void)state;
    lesson whole = {.poison = 0};
    lesson first = {.poison = 0};
    lesson second = {.poison = 0};
    assert_int_equal(begin(&whole, 1), GV_OK);
    assert_int_equal(begin(&first, 1), GV_OK);
    assert_int_equal(begin(&second, 1), GV_OK);
    (void)train(&whole, STEPS);
    (void)train(&first, 11);
    const size_t size = gv_params_size(first.params) * sizeof(float);
    memcpy(gv_params_f32(second.params), gv_params_f32(first.params), size);
    for (size_t k = 0; k < 2; k++) {
        memcpy(gv_optimizer_moment(second.optimizer, k), gv_optimizer_moment(first.optimizer, k),
               size);
    }
    gv_optimizer_resume(second.optimizer, gv_optimizer_steps(first.optimizer));
    (void)train(&second, STEPS - 11);
    assert_memory_equal(gv_params_f32(whole.params), gv_params_f32(second.params), size);
    end(&whole);
    end(&first);
    end(&second);
}

static void a_loss_that_is_no_number_stops_before_a_step(void **state)
{
    (void)state;
    lesson of = {.poison = 0};
    assert_int_equal(begin(&of, 1), GV_OK);
    (void)train(&of, 3);
    const float weight = gv_params_f32(of.params)[0];
    of.poison = NAN;
    gv_trainer_report report = {.loss = 0};
    assert_int_equal(gv_trainer_step(of.trainer, &report), GV_EINVAL);
    assert_string_equal(gv_status_detail(), "step 3: the loss is not finite");
    assert_true(gv_params_f32(of.params)[0] == weight);
    assert_int_equal(gv_optimizer_steps(of.optimizer), 3);
    end(&of);
}

/* A set of two tensors, "a" of 2 and "b.c" of 3 numbers, all `value`. */
static gv_params *two_tensors(double value)
{
    gv_params *params = NULL;
    size_t index = 0;
    const gv_init init = {.law = GV_INIT_CONSTANT, .scale = value};
    const gv_shape two = gv_shape_of(1, (size_t[]){2});
    const gv_shape three = gv_shape_of(1, (size_t[]){3});
    assert_int_equal(gv_params_create(GV_F32, &params), GV_OK);
    assert_int_equal(gv_params_add(params, "a", &two, init, &index), GV_OK);
    assert_int_equal(gv_params_add(params, "b.c", &three, init, &index), GV_OK);
    assert_int_equal(gv_params_draw(params, 1), GV_OK);
    return params;
}

static void a_gradient_that_is_no_number_is_named(void **state)
{
    (void)state;
    gv_params *params = two_tensors(1.0);
    gv_optimizer *optimizer = NULL;
    const gv_optimizer_config sgd = {.type = &gv_optimizer_sgd, .rate = 0.5};
    assert_int_equal(gv_optimizer_create(&sgd, params, &optimizer), GV_OK);
    float gradients[64] = {0};
    gradients[gv_params_find(params, "b.c")->offset + 2] = INFINITY;
    assert_int_equal(gv_optimizer_step(optimizer, gradients, NULL), GV_EINVAL);
    assert_string_equal(gv_status_detail(), "step 0: the gradient of 'b.c' is not finite");
    gv_optimizer_destroy(optimizer);
    gv_params_destroy(params);
}

/* torch.optim's AdamW and Adam, written out in double for one number. */
static double adam_by_hand(bool is_decoupled, const double *g, size_t steps)
{
    const double rate = 0.1;
    const double decay = 0.01;
    double p = 1.0;
    double m = 0;
    double v = 0;
    for (size_t t = 1; t <= steps; t++) {
        const double d = is_decoupled ? g[t - 1] : g[t - 1] + decay * p;
        p *= is_decoupled ? 1 - rate * decay : 1;
        m = 0.9 * m + 0.1 * d;
        v = 0.999 * v + 0.001 * d * d;
        const double mean = m / (1 - pow(0.9, (double)t));
        p -= rate * mean / (sqrt(v / (1 - pow(0.999, (double)t))) + 1e-8);
    }
    return p;
}

static void adam_follows_its_formula(void **state)
{
    (void)state;
    const double g[4] = {0.5, -0.25, 2.0, 0.125};
    for (size_t i = 0; i < 2; i++) {
        gv_params *params = two_tensors(1.0);
        gv_optimizer *optimizer = NULL;
        const gv_optimizer_config config = {.type =
                                                i == 0 ? &gv_optimizer_adam : &gv_optimizer_adamw,
                                            .rate = 0.1,
                                            .weight_decay = 0.01,
                                            .trained = "b."};
        assert_int_equal(gv_optimizer_create(&config, params, &optimizer), GV_OK);
        const size_t at = gv_params_find(params, "b.c")->offset;
        for (size_t t = 0; t < 4; t++) {
            float gradients[64] = {0};
            gradients[0] = 9.0F;
            gradients[at] = (float)g[t];
            double norm = 0;
            assert_int_equal(gv_optimizer_step(optimizer, gradients, &norm), GV_OK);
            assert_true(fabs(norm - fabs(g[t])) < 1e-12);
        }
        const double found = (double)gv_params_f32(params)[at];
        assert_true(fabs(found - adam_by_hand(i == 1, g, 4)) < 1e-6);
        assert_true(gv_params_f32(params)[0] == 1.0F);
        gv_optimizer_destroy(optimizer);
        gv_params_destroy(params);
    }
}

/* A gradient of 3 and 4 has norm 5; clipped to 1 it is 0.6 and 0.8. */
static void a_long_gradient_is_shortened(void **state)
{
    (void)state;
    gv_params *params = two_tensors(0.0);
    gv_optimizer *optimizer = NULL;
    const gv_optimizer_config sgd = {.type = &gv_optimizer_sgd, .rate = 1.0, .clip_norm = 1.0};
    assert_int_equal(gv_optimizer_create(&sgd, params, &optimizer), GV_OK);
    float gradients[64] = {3.0F};
    const size_t at = gv_params_find(params, "b.c")->offset;
    gradients[at] = 4.0F;
    double norm = 0;
    assert_int_equal(gv_optimizer_step(optimizer, gradients, &norm), GV_OK);
    assert_true(norm == 5.0);
    assert_true(fabsf(gv_params_f32(params)[0] + 0.6F) < 1e-6F);
    assert_true(fabsf(gv_params_f32(params)[at] + 0.8F) < 1e-6F);
    gv_optimizer_destroy(optimizer);
    gv_params_destroy(params);
}

static void schedules_rise_and_fall_as_they_say(void **state)
{
    (void)state;
    gv_params *params = two_tensors(0.0);
    for (size_t i = 0; gv_schedule_types[i] != NULL; i++) {
        gv_optimizer *optimizer = NULL;
        const gv_optimizer_config config = {.type = &gv_optimizer_sgd,
                                            .schedule = gv_schedule_types[i],
                                            .rate = 2.0,
                                            .warm_up = 4,
                                            .total = 12};
        assert_int_equal(gv_optimizer_create(&config, params, &optimizer), GV_OK);
        assert_true(gv_optimizer_rate(optimizer) == 0.5);
        gv_optimizer_resume(optimizer, 4);
        assert_true(gv_optimizer_rate(optimizer) == 2.0);
        gv_optimizer_resume(optimizer, 8);
        const bool is_constant = gv_schedule_types[i] == &gv_schedule_constant;
        assert_true(fabs(gv_optimizer_rate(optimizer) - (is_constant ? 2.0 : 1.0)) < 1e-12);
        gv_optimizer_resume(optimizer, 99);
        assert_true(fabs(gv_optimizer_rate(optimizer) - (is_constant ? 2.0 : 0.0)) < 1e-12);
        gv_optimizer_destroy(optimizer);
    }
    gv_params_destroy(params);
}

static void a_blend_follows_names(void **state)
{
    (void)state;
    gv_params *from = two_tensors(4.0);
    gv_params *to = NULL;
    size_t index = 0;
    const gv_shape three = gv_shape_of(1, (size_t[]){3});
    assert_int_equal(gv_params_create(GV_F32, &to), GV_OK);
    assert_int_equal(
        gv_params_add(to, "target.c", &three, (gv_init){.law = GV_INIT_CONSTANT}, &index), GV_OK);
    assert_int_equal(gv_params_draw(to, 1), GV_OK);
    gv_params_blend(to, "target.", from, "b.", 0.25F);
    assert_true(gv_params_f32(to)[2] == 1.0F);
    gv_params_blend(to, "target.", from, "b.", 1.0F);
    assert_true(gv_params_f32(to)[0] == 4.0F);
    gv_params_destroy(from);
    gv_params_destroy(to);
}

/* A tensor's numbers come from the seed and its name, not from what else there is. */
static void a_tensor_more_shifts_no_other(void **state)
{
    (void)state;
    const gv_init normal = {.law = GV_INIT_NORMAL, .scale = 0.02};
    const gv_shape shape = gv_shape_of(2, (size_t[]){40, 50});
    float first[2][2000];
    for (size_t i = 0; i < 2; i++) {
        gv_params *params = NULL;
        size_t index = 0;
        assert_int_equal(gv_params_create(GV_F32, &params), GV_OK);
        if (i == 1) {
            assert_int_equal(gv_params_add(params, "more", &shape, normal, &index), GV_OK);
        }
        assert_int_equal(gv_params_add(params, "w", &shape, normal, &index), GV_OK);
        assert_int_equal(gv_params_draw(params, 1), GV_OK);
        const size_t offset = gv_params_find(params, "w")->offset;
        memcpy(first[i], gv_params_f32(params) + offset, sizeof first[i]);
        gv_params_destroy(params);
    }
    assert_memory_equal(first[0], first[1], sizeof first[0]);
    double square = 0;
    for (size_t i = 0; i < 2000; i++) {
        square += (double)first[0][i] * (double)first[0][i];
    }
    assert_true(fabs(sqrt(square / 2000) - 0.02) < 0.001);
}

static gv_node planned(gv_graph *graph)
{
    const nn_sizes sizes = {.batch = 2, .ticks = 5, .states = 2};
    gv_node action = GV_NODE_NONE;
    return nn_decision_transformer(graph, &sizes, &decoder, &action);
}

static void live_tensors_never_overlap(void **state)
{
    (void)state;
    nn_net net = nn_net_made(GV_F32, planned);
    gv_plan_piece *pieces = NULL;
    size_t count = 0;
    assert_int_equal(gv_graph_pieces(net.graph, &pieces, &count), GV_OK);
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        total += pieces[i].size;
        assert_true(pieces[i].offset + pieces[i].size <= gv_graph_arena_size(net.graph));
        for (size_t k = 0; k < i; k++) {
            const bool is_together =
                pieces[i].first <= pieces[k].last && pieces[k].first <= pieces[i].last;
            const bool is_apart = pieces[i].offset + pieces[i].size <= pieces[k].offset ||
                                  pieces[k].offset + pieces[k].size <= pieces[i].offset;
            assert_true(!is_together || is_apart);
        }
    }
    assert_true(gv_graph_arena_size(net.graph) < total * 3 / 4);
    gv_mem_free(pieces);
    nn_net_free(&net);
}

/* The gradient is the same when nothing but the plan's gaps held other numbers before. */
static void what_memory_held_before_does_not_matter(void **state)
{
    (void)state;
    nn_net net = nn_net_made(GV_F32, planned);
    nn_net_run(&net);
    const size_t size = gv_params_size(net.params) * sizeof(float);
    float *first = gv_mem_alloc(0, gv_params_size(net.params), sizeof *first);
    assert_non_null(first);
    memcpy(first, net.gradients, size);
    float *arena = gv_tape_f32(net.tape, 0);
    float *begin_of_arena = arena - net.graph->nodes[0].value;
    for (size_t i = 0; i < gv_graph_arena_size(net.graph); i++) {
        begin_of_arena[i] = NAN;
    }
    nn_net_fill(&net);
    nn_net_run(&net);
    assert_memory_equal(first, net.gradients, size);
    gv_mem_free(first);
    nn_net_free(&net);
}

static void a_step_allocates_nothing(void **state)
{
    (void)state;
    lesson of = {.poison = 0};
    assert_int_equal(begin(&of, 1), GV_OK);
    gv_mem_fail_after(0);
    (void)train(&of, 3);
    gv_mem_fail_after(-1);
    end(&of);
}

static void every_failed_allocation_is_survived(void **state)
{
    (void)state;
    int failures = 0;
    for (int n = 0; n < ALLOCATIONS_MAX; n++) {
        lesson of = {.poison = 0};
        gv_mem_fail_after(n);
        const gv_status status = begin(&of, 2);
        gv_mem_fail_after(-1);
        end(&of);
        if (status == GV_OK) {
            break;
        }
        assert_int_equal(status, GV_ENOMEM);
        failures++;
    }
    assert_in_range(failures, 10, ALLOCATIONS_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_number_of_threads_gives_the_same_weights),
        cmocka_unit_test(a_transformer_learns),
        cmocka_unit_test(training_goes_on_where_it_stopped),
        cmocka_unit_test(a_loss_that_is_no_number_stops_before_a_step),
        cmocka_unit_test(a_gradient_that_is_no_number_is_named),
        cmocka_unit_test(adam_follows_its_formula),
        cmocka_unit_test(a_long_gradient_is_shortened),
        cmocka_unit_test(schedules_rise_and_fall_as_they_say),
        cmocka_unit_test(a_blend_follows_names),
        cmocka_unit_test(a_tensor_more_shifts_no_other),
        cmocka_unit_test(live_tensors_never_overlap),
        cmocka_unit_test(what_memory_held_before_does_not_matter),
        cmocka_unit_test(a_step_allocates_nothing),
        cmocka_unit_test(every_failed_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
