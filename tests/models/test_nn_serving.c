/*
 * Serving: a row's bits are its own, whatever is computed with it and on whatever processor, and
 * the cache is the same function as the graph that was trained.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmocka_all.h"
#include "models/nn/decoder_cache.h"
#include "models/nn/dense.h"
#include "models/nn/layers.h"
#include "models/nn/tape.h"
#include "sim/base/hash.h"
#include "sim/base/mem.h"
#include "sim/base/random.h"

enum { WIDTH = 64, TICKS = 12, TOKENS = 3 * TICKS, CAMPAIGNS = 48, ALLOCATIONS_MAX = 200 };

static const gv_decoder decoder = {.width = WIDTH,
                                   .layers = 2,
                                   .heads = 2,
                                   .inner = 96,
                                   .has_last_norm = true};

static const gv_mlp mlp = {.layers = 3,
                           .widths = {33, 20, 2},
                           .hidden = gv_op_relu,
                           .last = gv_op_tanh};

/* Both networks in one set: "decoder" and "actor". */
static gv_params *networks(void)
{
    gv_params *params = NULL;
    gv_graph *graph = NULL;
    assert_int_equal(gv_params_create(GV_F32, &params), GV_OK);
    assert_int_equal(gv_graph_create(&(gv_graph_config){.params = params}, &graph), GV_OK);
    const gv_node x = gv_graph_input(graph, "x", gv_shape_of(3, (size_t[]){1, TOKENS, WIDTH}));
    (void)gv_layer_decoder(graph, "decoder", x, GV_NODE_NONE, &decoder);
    (void)gv_layer_mlp(graph, "actor", x, &mlp);
    assert_int_equal(gv_graph_finish(graph, GV_NODE_NONE), GV_OK);
    assert_int_equal(gv_params_draw(params, 1), GV_OK);
    gv_graph_destroy(graph);
    return params;
}

/* The tokens of one campaign: [TOKENS][WIDTH]. */
static void tokens_of(size_t campaign, float *x)
{
    const gv_random random = gv_random_key(7, GV_STREAM_TEST, campaign);
    for (size_t i = 0; i < (size_t)TOKENS * WIDTH; i++) {
        x[i] = (float)gv_random_normal(&random, i);
    }
}

static gv_decoder_cache *cache_of(const gv_params *params, size_t campaigns)
{
    const gv_decoder_cache_config config = {.params = params,
                                            .name = "decoder",
                                            .decoder = decoder,
                                            .campaigns = campaigns,
                                            .tokens = TOKENS};
    gv_decoder_cache *cache = NULL;
    assert_int_equal(gv_decoder_cache_create(&config, &cache), GV_OK);
    return cache;
}

/*
 * The campaigns named, in that order, tick by tick: a first tick of two tokens, then three, as a
 * decision transformer's. out [count][TOKENS - 1][WIDTH].
 */
static void serve(const gv_params *params, const size_t *campaigns, size_t count, float *out)
{
    static float x[CAMPAIGNS][TOKENS * WIDTH];
    static float in[CAMPAIGNS * 3 * WIDTH];
    static float y[CAMPAIGNS * 3 * WIDTH];
    size_t slots[CAMPAIGNS];
    gv_decoder_cache *cache = cache_of(params, count);
    for (size_t c = 0; c < count; c++) {
        tokens_of(campaigns[c], x[c]);
        slots[c] = count - 1 - c;
    }
    size_t done = 0;
    for (size_t tick = 0; tick < TICKS; tick++) {
        const size_t some = tick == 0 ? 2 : 3;
        const size_t row = some * WIDTH;
        for (size_t c = 0; c < count; c++) {
            memcpy(in + c * row, x[c] + done * WIDTH, row * sizeof *in);
        }
        gv_decoder_cache_advance(cache, slots, count, some, in, y);
        for (size_t c = 0; c < count; c++) {
            memcpy(out + (c * (TOKENS - 1) + done) * WIDTH, y + c * row, row * sizeof *y);
        }
        done += some;
    }
    assert_int_equal(gv_decoder_cache_length(cache, 0), done);
    gv_decoder_cache_destroy(cache);
}

static float *room_for(size_t count)
{
    float *out = gv_mem_alloc(0, count * TOKENS * WIDTH, sizeof *out);
    assert_non_null(out);
    return out;
}

/* One number for all that campaign 5 was told among 1, 7 and 48, which must agree. */
static uint64_t hash_among(const gv_params *params, size_t count)
{
    const size_t size = (size_t)(TOKENS - 1) * WIDTH;
    size_t campaigns[CAMPAIGNS];
    const size_t place = count / 2;
    for (size_t c = 0; c < count; c++) {
        campaigns[c] = c == place ? 5 : 100 + c;
    }
    float *out = room_for(count);
    serve(params, campaigns, count, out);
    const uint64_t hash = gv_hash(out + place * size, size * sizeof *out);
    gv_mem_free(out);
    return hash;
}

static void company_and_place_change_no_bit(void **state)
{
    (void)state;
    gv_params *params = networks();
    const uint64_t alone = hash_among(params, 1);
    assert_int_equal(hash_among(params, 7), alone);
    assert_int_equal(hash_among(params, CAMPAIGNS), alone);
    gv_params_destroy(params);
}

/* Runs this program again under another of OpenBLAS's kernels; returns the hash it prints. */
static uint64_t hash_under(const char *core, const char *count)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)setenv("OPENBLAS_CORETYPE", core, 1);
        (void)dup2(ends[1], STDOUT_FILENO);
        (void)execl("/proc/self/exe", "test_nn_serving", "--hash", count, (char *)NULL);
        _exit(127);
    }
    (void)close(ends[1]);
    char text[64] = {0};
    assert_true(read(ends[0], text, sizeof text - 1) > 0);
    (void)close(ends[0]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    return strtoull(text, NULL, 16);
}

static void the_kind_of_processor_changes_no_bit(void **state)
{
    (void)state;
    static const char *const counts[] = {"1", "7", "48"};
    const uint64_t first = hash_under("Haswell", "1");
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(hash_under("Haswell", counts[i]), first);
        assert_int_equal(hash_under("SkylakeX", counts[i]), first);
    }
}

static void the_cache_is_the_network_that_was_trained(void **state)
{
    (void)state;
    gv_params *params = networks();
    gv_graph *graph = NULL;
    gv_tape *tape = NULL;
    assert_int_equal(gv_graph_create(&(gv_graph_config){.params = params}, &graph), GV_OK);
    const gv_node x = gv_graph_input(graph, "x", gv_shape_of(3, (size_t[]){1, TOKENS, WIDTH}));
    const gv_node y = gv_layer_decoder(graph, "decoder", x, GV_NODE_NONE, &decoder);
    gv_graph_keep(graph, y);
    assert_int_equal(gv_graph_finish(graph, GV_NODE_NONE), GV_OK);
    assert_int_equal(gv_tape_create(graph, params, &tape), GV_OK);
    tokens_of(5, gv_tape_f32(tape, x));
    gv_tape_forward(tape, &(gv_tape_step){.seed = 1});

    float *out = room_for(1);
    serve(params, &(size_t){5}, 1, out);
    const float *whole = gv_tape_f32(tape, y);
    double worst = 0;
    for (size_t i = 0; i < (size_t)(TOKENS - 1) * WIDTH; i++) {
        worst = fmax(worst, fabs((double)whole[i] - (double)out[i]));
    }
    assert_true(worst > 0);
    assert_true(worst < 1e-5);
    gv_mem_free(out);
    gv_tape_destroy(tape);
    gv_graph_destroy(graph);
    gv_params_destroy(params);
}

/* The layers' own arithmetic, three loops. */
static void naive_layer(const gv_params *params, const char *name, const float *x, float *y)
{
    char full[64];
    (void)snprintf(full, sizeof full, "actor.%s.weight", name);
    const gv_weight *weight = gv_params_find(params, full);
    (void)snprintf(full, sizeof full, "actor.%s.bias", name);
    const gv_weight *bias = gv_params_find(params, full);
    const float *block = gv_params_read_f32(params);
    for (size_t o = 0; o < weight->shape.dim[0]; o++) {
        double sum = (double)block[bias->offset + o];
        for (size_t i = 0; i < weight->shape.dim[1]; i++) {
            sum += (double)block[weight->offset + o * weight->shape.dim[1] + i] * (double)x[i];
        }
        y[o] = (float)sum;
    }
}

static void an_mlp_serves_what_its_layers_say(void **state)
{
    (void)state;
    enum { ROWS = 29 };
    gv_params *params = networks();
    gv_dense_mlp *served = NULL;
    assert_int_equal(gv_dense_mlp_create(params, "actor", &mlp, 8, &served), GV_OK);
    static float x[TOKENS * WIDTH];
    float y[ROWS][2];
    tokens_of(3, x);
    gv_dense_mlp_apply(served, x, ROWS, &y[0][0]);
    for (size_t row = 0; row < ROWS; row++) {
        float a[33] = {0};
        float b[20] = {0};
        float c[2] = {0};
        float alone[2];
        naive_layer(params, "0", x + row * WIDTH, a);
        for (size_t i = 0; i < 33; i++) {
            a[i] = fmaxf(a[i], 0.0F);
        }
        naive_layer(params, "2", a, b);
        for (size_t i = 0; i < 20; i++) {
            b[i] = fmaxf(b[i], 0.0F);
        }
        naive_layer(params, "4", b, c);
        gv_dense_mlp_apply(served, x + row * WIDTH, 1, alone);
        for (size_t i = 0; i < 2; i++) {
            assert_true(fabsf(tanhf(c[i]) - y[row][i]) < 1e-6F);
        }
        assert_memory_equal(alone, y[row], sizeof alone);
    }
    gv_dense_mlp_destroy(served);
    gv_params_destroy(params);
}

static void a_slot_comes_back_as_it_was_saved(void **state)
{
    (void)state;
    gv_params *params = networks();
    gv_decoder_cache *cache = cache_of(params, 2);
    static float x[TOKENS * WIDTH];
    float y[2][WIDTH];
    tokens_of(1, x);
    float *saved = gv_mem_alloc(0, gv_decoder_cache_slot_size(cache), sizeof *saved);
    assert_non_null(saved);
    float ignored[4 * WIDTH];
    gv_decoder_cache_advance(cache, &(size_t){0}, 1, 4, x, ignored);
    gv_decoder_cache_save(cache, 0, saved);
    gv_decoder_cache_restore(cache, 1, saved, gv_decoder_cache_length(cache, 0));
    for (size_t slot = 0; slot < 2; slot++) {
        gv_decoder_cache_advance(cache, &slot, 1, 1, x + (size_t)4 * WIDTH, y[slot]);
    }
    assert_memory_equal(y[0], y[1], sizeof y[0]);
    gv_decoder_cache_reset(cache, 0);
    assert_int_equal(gv_decoder_cache_length(cache, 0), 0);
    gv_mem_free(saved);
    gv_decoder_cache_destroy(cache);
    gv_params_destroy(params);
}

static void a_missing_layer_is_named(void **state)
{
    (void)state;
    gv_params *params = networks();
    gv_decoder_cache_config config = {
        .params = params, .name = "decoder", .decoder = decoder, .campaigns = 1, .tokens = 4};
    config.decoder.layers = 3;
    gv_decoder_cache *cache = NULL;
    assert_int_equal(gv_decoder_cache_create(&config, &cache), GV_ENOTFOUND);
    assert_non_null(strstr(gv_status_detail(), "decoder.blocks.2.attn.qkv.weight"));
    gv_dense *dense = NULL;
    assert_int_equal(gv_dense_create(params, "critic.0", &dense), GV_ENOTFOUND);
    gv_params_destroy(params);
}

static void serving_survives_every_failed_allocation(void **state)
{
    (void)state;
    gv_params *params = networks();
    int failures = 0;
    for (int n = 0; n < ALLOCATIONS_MAX; n++) {
        gv_decoder_cache_config config = {
            .params = params, .name = "decoder", .decoder = decoder, .campaigns = 2, .tokens = 4};
        gv_decoder_cache *cache = NULL;
        gv_dense_mlp *served = NULL;
        gv_mem_fail_after(n);
        gv_status status = gv_decoder_cache_create(&config, &cache);
        if (status == GV_OK) {
            status = gv_dense_mlp_create(params, "actor", &mlp, 8, &served);
        }
        gv_mem_fail_after(-1);
        assert_true(status == GV_OK || status == GV_ENOMEM);
        failures += status == GV_ENOMEM;
        gv_decoder_cache_destroy(cache);
        gv_dense_mlp_destroy(served);
        if (status == GV_OK) {
            break;
        }
    }
    assert_in_range(failures, 20, ALLOCATIONS_MAX - 1);
    gv_params_destroy(params);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--hash") == 0) {
        gv_params *params = networks();
        printf("%" PRIx64 "\n", hash_among(params, strtoul(argv[2], NULL, 10)));
        gv_params_destroy(params);
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(company_and_place_change_no_bit),
        cmocka_unit_test(the_kind_of_processor_changes_no_bit),
        cmocka_unit_test(the_cache_is_the_network_that_was_trained),
        cmocka_unit_test(an_mlp_serves_what_its_layers_say),
        cmocka_unit_test(a_slot_comes_back_as_it_was_saved),
        cmocka_unit_test(a_missing_layer_is_named),
        cmocka_unit_test(serving_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
