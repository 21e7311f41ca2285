/* The nearest code: against every distance, its ties, and the gradient that passes it by. */
#include <math.h>
#include <string.h>

#include "cmocka_all.h"
#include "models/nn/nearest.h"
#include "models/nn/operators.h"
#include "models/nn/tape.h"
#include "sim/base/random.h"

enum { ROWS = 9, GROUPS = 2, CODES = 21, WIDTH = 5, ROW = GROUPS * WIDTH };

static float drawn(uint64_t which, size_t index)
{
    const gv_random random = gv_random_key(17, GV_STREAM_SAMPLE, which);
    return (float)gv_random_normal(&random, index);
}

static double apart(const float *a, const float *b)
{
    double sum = 0;
    for (size_t j = 0; j < WIDTH; j++) {
        const double d = (double)a[j] - (double)b[j];
        sum += d * d;
    }
    return sum;
}

/* The nearest of that many codes, whose number is no whole number of vectors. */
static void no_code_is_nearer(void **state)
{
    (void)state;
    static const size_t counts[] = {1, 15, 16, 17, CODES, 64};
    for (size_t n = 0; n < sizeof counts / sizeof counts[0]; n++) {
        const size_t count = counts[n];
        float codes[64 * WIDTH];
        float packed[(1 + WIDTH) * 64];
        assert_true(gv_nearest_room(count, WIDTH) <= sizeof packed / sizeof packed[0]);
        for (size_t i = 0; i < count * WIDTH; i++) {
            codes[i] = drawn(n, i);
        }
        gv_nearest_pack(codes, count, WIDTH, packed);
        for (size_t k = 0; k < 200; k++) {
            float key[WIDTH];
            for (size_t j = 0; j < WIDTH; j++) {
                key[j] = drawn(100 + k, j);
            }
            const size_t found = gv_nearest_of(packed, count, WIDTH, key);
            assert_true(found < count);
            for (size_t c = 0; c < count; c++) {
                assert_true(apart(key, codes + found * WIDTH) <
                            apart(key, codes + c * WIDTH) + 1e-5);
            }
        }
    }
}

static void a_tie_is_the_lower_codes(void **state)
{
    (void)state;
    float codes[40 * WIDTH] = {0};
    float packed[(1 + WIDTH) * 48];
    const float key[WIDTH] = {1, 0, 0, 0, 0};
    for (size_t c = 0; c < 40; c++) {
        codes[c * WIDTH] = c == 37 || c == 19 || c == 21 ? 1 : -1;
    }
    gv_nearest_pack(codes, 40, WIDTH, packed);
    assert_int_equal(gv_nearest_of(packed, 40, WIDTH, key), 19);
}

static void codes_beyond_all_numbers_are_the_first(void **state)
{
    (void)state;
    static const float values[] = {1e20F, INFINITY, NAN};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        float codes[3 * WIDTH];
        float packed[(1 + WIDTH) * 16];
        const float key[WIDTH] = {1, 2, 3, 4, 5};
        for (size_t k = 0; k < (size_t)3 * WIDTH; k++) {
            codes[k] = values[i];
        }
        gv_nearest_pack(codes, 3, WIDTH, packed);
        assert_int_equal(gv_nearest_of(packed, 3, WIDTH, key), 0);
    }
}

typedef struct net {
    gv_params *params;
    gv_graph *graph;
    gv_tape *tape;
    gv_node keys, result;
} net;

static net net_made(void)
{
    net made = {0};
    assert_int_equal(gv_params_create(GV_F32, &made.params), GV_OK);
    const gv_graph_config config = {.params = made.params};
    assert_int_equal(gv_graph_create(&config, &made.graph), GV_OK);
    gv_graph *graph = made.graph;
    made.keys = gv_graph_gathered(graph, "keys", gv_shape_of(2, (size_t[]){ROWS, ROW}));
    const gv_node codes =
        gv_graph_param(graph, "codes", gv_shape_of(3, (size_t[]){GROUPS, CODES, WIDTH}),
                       (gv_init){.law = GV_INIT_NORMAL, .scale = 1});
    made.result = gv_op_nearest(graph, made.keys, codes);
    gv_graph_keep(graph, made.result);
    const gv_node weights = gv_graph_input(graph, "w", gv_shape_of(2, (size_t[]){ROWS, ROW}));
    const gv_node loss = gv_op_sum(graph, gv_op_mul(graph, made.result, weights));
    assert_int_equal(gv_graph_finish(graph, loss), GV_OK);
    assert_int_equal(gv_params_draw(made.params, 3), GV_OK);
    assert_int_equal(gv_tape_create(graph, made.params, &made.tape), GV_OK);
    for (size_t i = 0; i < (size_t)ROWS * ROW; i++) {
        gv_tape_f32(made.tape, made.keys)[i] = drawn(7, i);
        gv_tape_f32(made.tape, weights)[i] = drawn(8, i);
    }
    return made;
}

static void keys_become_codes_and_their_slopes_pass(void **state)
{
    (void)state;
    net made = net_made();
    float gradients[1024] = {0};
    assert_true(gv_params_size(made.params) <= 1024);
    gv_tape_forward(made.tape, &(gv_tape_step){.seed = 1});
    gv_tape_backward(made.tape, gradients);
    const float *codes = gv_params_read_f32(made.params);
    const float *keys = gv_tape_f32(made.tape, made.keys);
    const float *result = gv_tape_f32(made.tape, made.result);
    for (size_t i = 0; i < (size_t)ROWS * GROUPS; i++) {
        const float *own = codes + i % GROUPS * CODES * WIDTH;
        size_t best = 0;
        for (size_t c = 1; c < CODES; c++) {
            best = apart(keys + i * WIDTH, own + c * WIDTH) <
                           apart(keys + i * WIDTH, own + best * WIDTH)
                       ? c
                       : best;
        }
        assert_memory_equal(result + i * WIDTH, own + best * WIDTH, WIDTH * sizeof(float));
    }
    for (size_t i = 0; i < (size_t)ROWS * ROW; i++) {
        assert_true(gv_tape_slope_f32(made.tape, made.keys)[i] == drawn(8, i));
    }
    for (size_t i = 0; i < gv_params_size(made.params); i++) {
        assert_true(gradients[i] == 0); /* codes are not moved by slopes */
    }
    gv_tape_destroy(made.tape);
    gv_graph_destroy(made.graph);
    gv_params_destroy(made.params);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_code_is_nearer),
        cmocka_unit_test(a_tie_is_the_lower_codes),
        cmocka_unit_test(codes_beyond_all_numbers_are_the_first),
        cmocka_unit_test(keys_become_codes_and_their_slopes_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
