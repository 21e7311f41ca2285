/*
 * Users with many candidates each: the split network is the graph to rounding, multiplies as often
 * as it says, and does not mind how its columns were laid out, nor what else is in a run.
 */
#include <math.h>
#include <string.h>

#include "cmocka_all.h"
#include "models/nn/layers.h"
#include "models/nn/mari.h"
#include "models/nn/operators.h"
#include "models/nn/tape.h"
#include "sim/base/mem.h"
#include "sim/base/random.h"

enum { ROWS = 61, REQUESTS = 5, USER = 40, ITEM = 12, CROSS = 8, LEAVES_MAX = 6 };

static double drawn(uint64_t entity, size_t index)
{
    const gv_random random = gv_random_key(31, GV_STREAM_TEST, entity);
    return gv_random_normal(&random, index);
}

typedef struct net {
    gv_params *params;
    gv_graph *graph;
    gv_mari_leaf leaves[LEAVES_MAX];
    size_t leaf_count;
    gv_node output;
} net;

typedef void (*net_builder)(net *made);

static gv_node leaf(net *made, const char *name, size_t a, size_t b, gv_colour colour)
{
    const gv_shape shape = gv_shape_of(b > 0 ? 3 : 2, (size_t[]){ROWS, a, b});
    const gv_node node = gv_graph_input(made->graph, name, shape);
    made->leaves[made->leaf_count++] = (gv_mari_leaf){.input = node, .colour = colour};
    return node;
}

static net net_made(net_builder builder)
{
    net made = {.leaf_count = 0};
    assert_int_equal(gv_params_create(GV_F32, &made.params), GV_OK);
    assert_int_equal(gv_graph_create(&(gv_graph_config){.params = made.params}, &made.graph),
                     GV_OK);
    builder(&made);
    gv_graph_keep(made.graph, made.output);
    assert_int_equal(gv_graph_finish(made.graph, GV_NODE_NONE), GV_OK);
    assert_int_equal(gv_params_draw(made.params, 3), GV_OK);
    return made;
}

static void net_free(net *made)
{
    gv_graph_destroy(made->graph);
    gv_params_destroy(made->params);
}

static gv_mari *mari_of(const net *made, bool is_split)
{
    const gv_mari_config config = {.graph = made->graph,
                                   .params = made->params,
                                   .leaves = made->leaves,
                                   .leaf_count = is_split ? made->leaf_count : 0,
                                   .output = made->output,
                                   .requests_max = REQUESTS,
                                   .rows_max = ROWS};
    gv_mari *mari = NULL;
    assert_int_equal(gv_mari_create(&config, &mari), GV_OK);
    return mari;
}

/* A run: which users ask, and up to where their candidates go; candidate `first` is the first. */
typedef struct requests {
    size_t count;
    size_t users[REQUESTS];
    size_t ends[REQUESTS];
    size_t first;
} requests;

static const requests several = {.count = REQUESTS,
                                 .users = {0, 1, 2, 3, 4},
                                 .ends = {1, 8, 56, 58, ROWS}};

/* Number i of a leaf, of a user or of a candidate. */
static float number_of(size_t which, bool is_user, size_t entity, size_t i)
{
    return (float)drawn(100 * which + entity + (is_user ? 1000 : 0), i);
}

static void fill_tape(const net *made, gv_tape *tape, size_t leaf, size_t row, size_t entity)
{
    const gv_node node = made->leaves[leaf].input;
    const bool is_user = made->leaves[leaf].colour == GV_COLOUR_USER;
    const size_t width = gv_shape_count(gv_graph_shape(made->graph, node)) / ROWS;
    for (size_t i = 0; i < width; i++) {
        gv_tape_f32(tape, node)[row * width + i] = number_of(leaf, is_user, entity, i);
    }
}

static void fill_mari(const net *made, gv_mari *mari, size_t leaf, size_t row, size_t entity)
{
    const gv_node node = made->leaves[leaf].input;
    const bool is_user = made->leaves[leaf].colour == GV_COLOUR_USER;
    const size_t width = gv_shape_count(gv_graph_shape(made->graph, node)) / ROWS;
    for (size_t i = 0; i < width; i++) {
        gv_mari_input(mari, node)[row * width + i] = number_of(leaf, is_user, entity, i);
    }
}

/* Either may be NULL. */
static void fill_leaves(const net *made, gv_mari *mari, gv_tape *tape, const requests *of)
{
    for (size_t k = 0; k < made->leaf_count; k++) {
        const bool is_user = made->leaves[k].colour == GV_COLOUR_USER;
        size_t row = 0;
        for (size_t r = 0; r < of->count; r++) {
            if (mari != NULL && is_user) {
                fill_mari(made, mari, k, r, of->users[r]);
            }
            for (; row < of->ends[r]; row++) {
                const size_t entity = is_user ? of->users[r] : of->first + row;
                if (mari != NULL && !is_user) {
                    fill_mari(made, mari, k, row, entity);
                }
                if (tape != NULL) {
                    fill_tape(made, tape, k, row, entity);
                }
            }
        }
    }
}

/* The largest difference to the tape, relative to max(1, |value|). */
static double worst_error(net_builder builder)
{
    net made = net_made(builder);
    gv_tape *tape = NULL;
    gv_mari *mari = mari_of(&made, true);
    assert_int_equal(gv_tape_create(made.graph, made.params, &tape), GV_OK);
    fill_leaves(&made, mari, tape, &several);
    gv_tape_forward(tape, &(gv_tape_step){.seed = 1});
    const float *expected = gv_tape_f32(tape, made.output);
    const float *found = gv_mari_run(mari, several.ends, several.count);
    double worst = 0;
    double spread = 0;
    for (size_t i = 0; i < gv_shape_count(gv_graph_shape(made.graph, made.output)); i++) {
        const double scale = fmax(1, fabs((double)expected[i]));
        assert_true(isfinite(found[i]));
        worst = fmax(worst, fabs((double)expected[i] - (double)found[i]) / scale);
        spread = fmax(spread, fabs((double)found[i] - (double)found[0]));
    }
    assert_true(spread > 1e-3);
    gv_tape_destroy(tape);
    gv_mari_destroy(mari);
    net_free(&made);
    return worst;
}

static const gv_mlp mlp = {.layers = 3, .widths = {24, 10, 1}, .hidden = gv_op_relu};

/* User's columns on both sides of the item's. */
static void build_mlp(net *made)
{
    gv_graph *graph = made->graph;
    const gv_node left = leaf(made, "left", USER / 2, 0, GV_COLOUR_USER);
    const gv_node item = leaf(made, "item", ITEM, 0, GV_COLOUR_ITEM);
    const gv_node right = leaf(made, "right", USER / 2, 0, GV_COLOUR_USER);
    const gv_node cross = leaf(made, "cross", CROSS, 0, GV_COLOUR_CROSS);
    const gv_node one = gv_op_concat(graph, left, item, 1);
    const gv_node two = gv_op_concat(graph, right, cross, 1);
    made->output = gv_layer_mlp(graph, "net", gv_op_concat(graph, one, two, 1), &mlp);
}

/* Tokens side by side, flattened; the user's own tower; a product of both; norms and attention. */
static void build_towers(net *made)
{
    gv_graph *graph = made->graph;
    const gv_node user = leaf(made, "user", 3, 8, GV_COLOUR_USER);
    const gv_node item = leaf(made, "item", 2, 8, GV_COLOUR_ITEM);
    const gv_node tokens = gv_op_concat(graph, user, item, 1);
    const gv_node flat =
        gv_op_reshape(graph, tokens, gv_shape_of(2, (size_t[]){ROWS, (size_t)5 * 8}));
    const gv_node deep = gv_op_silu(graph, gv_layer_linear(graph, "deep", flat, 8));
    const gv_node pairs = gv_layer_linear(graph, "pairs", user, 16);
    const gv_node heard = gv_op_cross_attention(graph, item, pairs, GV_NODE_NONE, 2);
    const gv_node said =
        gv_op_modulate(graph, gv_layer_norm(graph, "norm", heard), deep, GV_NODE_NONE);
    const gv_node mean = gv_op_mean_last(graph, gv_op_transpose(graph, said, 1, 2));
    const gv_node tower = gv_op_mean_last(graph, gv_op_transpose(graph, user, 1, 2));
    const gv_node both = gv_op_mul(graph, mean, gv_op_tanh(graph, tower));
    made->output = gv_layer_linear(graph, "out", gv_op_concat(graph, both, tower, 1), 2);
}

/* Tokens of width 8: three of the user's, two of the item's, four of the user's, one of both. */
enum { TOKEN = 8, TOKENS = 10, USER_TOKENS = 7 };

static gv_node tokens_of(net *made)
{
    gv_graph *graph = made->graph;
    const gv_node left = leaf(made, "left", 3, TOKEN, GV_COLOUR_USER);
    const gv_node item = leaf(made, "item", 2, TOKEN, GV_COLOUR_ITEM);
    const gv_node right = leaf(made, "right", 4, TOKEN, GV_COLOUR_USER);
    const gv_node cross = leaf(made, "cross", 1, TOKEN, GV_COLOUR_CROSS);
    const gv_node one = gv_op_concat(graph, left, item, 1);
    return gv_op_concat(graph, one, gv_op_concat(graph, right, cross, 1), 1);
}

static gv_node flat_of(gv_graph *graph, gv_node x)
{
    const size_t width = gv_graph_dim(graph, x, 1) * gv_graph_width(graph, x);
    return gv_op_reshape(graph, x, gv_shape_of(2, (size_t[]){ROWS, width}));
}

/* Each token by itself, and all of them flattened at the end. */
static void build_tokens(net *made)
{
    gv_graph *graph = made->graph;
    const gv_init init = {.law = GV_INIT_NORMAL, .scale = 0.5};
    const gv_shape places = gv_shape_of(2, (size_t[]){TOKENS, TOKEN});
    const gv_node placed =
        gv_op_add(graph, tokens_of(made), gv_graph_param(graph, "place", places, init));
    const gv_node normed = gv_layer_norm(graph, "norm", placed);
    const gv_node told = gv_op_silu(graph, gv_layer_linear(graph, "told", normed, TOKEN));
    made->output = gv_layer_linear(graph, "out", flat_of(graph, gv_op_sub(graph, told, placed)), 2);
}

/* Slices across the colours, which then are cut elsewhere than what they meet. */
static void build_slices(net *made)
{
    gv_graph *graph = made->graph;
    const gv_node x = gv_layer_norm(graph, "norm", tokens_of(made));
    const gv_node early = gv_op_slice(graph, x, 1, 1, 6, 1);
    const gv_node late = gv_op_slice(graph, x, 1, 4, 6, 1);
    const gv_node both = gv_op_mul(graph, early, gv_op_tanh(graph, late));
    const gv_node wide = gv_op_concat(graph, both, gv_op_scale(graph, early, 2, 1), 2);
    const gv_node told = gv_layer_linear(graph, "told", gv_op_clamp(graph, wide, -2, 2), 4);
    const gv_node every = gv_op_slice(graph, told, 1, 1, 3, 2);
    made->output = gv_layer_linear(graph, "out", flat_of(graph, every), 2);
}

/* The colours change more often than anything is taken apart for. */
static void build_stripes(net *made)
{
    gv_graph *graph = made->graph;
    const gv_node user = leaf(made, "user", TOKENS, TOKEN, GV_COLOUR_USER);
    const gv_node item = leaf(made, "item", TOKENS, TOKEN, GV_COLOUR_ITEM);
    gv_node all = user;
    for (size_t i = 0; i < TOKENS; i++) {
        all = gv_op_concat(graph, all, gv_op_slice(graph, item, 1, i, 1, 1), 1);
        all = gv_op_concat(graph, all, gv_op_slice(graph, user, 1, i, 1, 1), 1);
    }
    const gv_node told = gv_layer_linear(graph, "told", gv_layer_norm(graph, "norm", all), 2);
    made->output = gv_layer_linear(graph, "out", flat_of(graph, gv_op_tanh(graph, told)), 2);
}

/* Of each token a number and its share; what the user, then what a candidate says to all. */
static void build_said(net *made)
{
    gv_graph *graph = made->graph;
    const gv_node tokens = tokens_of(made);
    const gv_node user = leaf(made, "user", 1, TOKEN, GV_COLOUR_USER);
    const gv_node said = gv_op_modulate(graph, tokens, flat_of(graph, user), GV_NODE_NONE);
    const gv_node turned = gv_op_transpose(
        graph, gv_op_reshape(graph, said, gv_shape_of(4, (size_t[]){ROWS, TOKENS, 2, TOKEN / 2})),
        2, 3);
    const gv_node shares = gv_op_log_sum_exp(
        graph, gv_op_reshape(graph, turned, gv_shape_of(3, (size_t[]){ROWS, TOKENS, TOKEN})));
    const gv_node weighed = gv_op_mul(graph, said, gv_op_softmax(graph, shares));
    const gv_node mean = gv_op_pool(graph, weighed, GV_NODE_NONE, 0.1);
    const gv_node heard = gv_op_modulate(graph, said, GV_NODE_NONE, mean);
    made->output =
        gv_layer_linear(graph, "out", flat_of(graph, gv_op_add(graph, heard, tokens)), 2);
}

/* Which tokens are there: of some users or candidates none, of others those of positive numbers. */
static gv_node seen_of(net *made, gv_colour colour)
{
    gv_graph *graph = made->graph;
    const gv_node any =
        gv_op_reshape(graph, leaf(made, "any", 1, 0, colour), gv_shape_of(1, (size_t[]){ROWS}));
    const gv_node each = gv_op_relu(graph, leaf(made, "each", TOKENS, 0, colour));
    return gv_op_mul(graph, each, gv_op_relu(graph, any));
}

/* What these queries hear of the tokens, flattened. */
static gv_node heard_by(net *made, const char *name, gv_node asking, gv_node tokens, gv_node seen,
                        size_t heads)
{
    gv_graph *graph = made->graph;
    gv_graph_open(graph, name);
    const gv_node query = gv_layer_linear(graph, "query", asking, TOKEN);
    const gv_node pairs = gv_layer_linear(graph, "pairs", tokens, (size_t)2 * TOKEN);
    const gv_node heard = gv_op_cross_attention(graph, query, pairs, seen, heads);
    gv_graph_close(graph);
    return flat_of(graph, heard);
}

/*
 * Queries of the user (seven), of a candidate (two) and of both side by side, over tokens of both
 * colours; heads of usual widths and of an odd one; what may be seen is the user's to say.
 */
static void build_attention(net *made)
{
    gv_graph *graph = made->graph;
    const gv_node tokens = tokens_of(made);
    const gv_node user = gv_op_slice(
        graph, gv_op_concat(graph, made->leaves[0].input, made->leaves[2].input, 1), 1, 0, 7, 1);
    const gv_node item = made->leaves[1].input;
    const gv_node seen = seen_of(made, GV_COLOUR_USER);
    const gv_node one = heard_by(made, "one", user, tokens, seen, 2);
    const gv_node two = heard_by(made, "two", item, tokens, seen, 1);
    const gv_node both =
        heard_by(made, "both", gv_op_concat(graph, user, item, 1), tokens, seen, 4);
    const gv_node open = heard_by(made, "open", user, tokens, GV_NODE_NONE, 1);
    const gv_node some = gv_op_concat(graph, gv_op_concat(graph, one, two, 1), both, 1);
    made->output = gv_layer_linear(graph, "out", gv_op_concat(graph, some, open, 1), 2);
}

/* A candidate says which of the user's tokens it sees: nothing of the attention is shared. */
static void build_blinkers(net *made)
{
    const gv_node tokens = tokens_of(made);
    const gv_node seen = seen_of(made, GV_COLOUR_CROSS);
    const gv_node heard = heard_by(made, "one", made->leaves[0].input, tokens, seen, 2);
    made->output = gv_layer_linear(made->graph, "out", heard, 2);
}

static void a_split_network_is_the_graph(void **state)
{
    (void)state;
    assert_true(worst_error(build_mlp) < 1e-5);
    assert_true(worst_error(build_towers) < 1e-5);
    assert_true(worst_error(build_tokens) < 1e-5);
    assert_true(worst_error(build_slices) < 1e-5);
    assert_true(worst_error(build_stripes) < 1e-5);
    assert_true(worst_error(build_said) < 1e-5);
    assert_true(worst_error(build_attention) < 1e-5);
    assert_true(worst_error(build_blinkers) < 1e-5);
}

static void multiplications_are_those_of_the_formula(void **state)
{
    (void)state;
    net made = net_made(build_mlp);
    gv_mari *split = mari_of(&made, true);
    gv_mari *whole = mari_of(&made, false);
    const size_t behind = 24 * 10 + 10 * 1;
    assert_int_equal(gv_mari_products(whole, 1, ROWS),
                     ROWS * ((size_t)(USER + ITEM + CROSS) * 24 + behind));
    assert_int_equal(gv_mari_products(split, 3, ROWS),
                     (size_t)3 * USER * 24 + ROWS * ((size_t)(ITEM + CROSS) * 24 + behind));
    gv_mari_destroy(split);
    gv_mari_destroy(whole);
    net_free(&made);
}

/* Of three requests with all the rows; and of a network of which nothing is the user's. */
static void expect_products(net_builder builder, size_t split_products, size_t whole_products)
{
    net made = net_made(builder);
    gv_mari *split = mari_of(&made, true);
    gv_mari *whole = mari_of(&made, false);
    assert_int_equal(gv_mari_products(split, 3, ROWS), split_products);
    assert_int_equal(gv_mari_products(whole, 3, ROWS), whole_products);
    gv_mari_destroy(split);
    gv_mari_destroy(whole);
    net_free(&made);
}

/*
 * Of the six tokens that build_slices() makes of two the second and the fifth are the user's. Of
 * build_attention()'s 25 queries two times seven are the user's alone.
 */
static void tokens_of_the_user_are_multiplied_once(void **state)
{
    (void)state;
    const size_t rows = ROWS;
    const size_t users = USER_TOKENS;
    const size_t each = (size_t)TOKEN * TOKEN + (size_t)TOKEN * 2;
    expect_products(build_tokens, (3 * users + rows * (TOKENS - users)) * each,
                    rows * TOKENS * each);
    const size_t told = (size_t)2 * TOKEN * 4;
    const size_t out = (size_t)3 * 4 * 2;
    expect_products(build_slices, (6 + rows * 4) * told + rows * out, rows * (6 * told + out));
}

/* As build_mlp, with its columns brought together by colour beforehand. */
static void build_contiguous(net *made)
{
    gv_graph *graph = made->graph;
    const gv_node left = leaf(made, "left", USER / 2, 0, GV_COLOUR_USER);
    const gv_node item = leaf(made, "item", ITEM, 0, GV_COLOUR_ITEM);
    const gv_node right = leaf(made, "right", USER / 2, 0, GV_COLOUR_USER);
    const gv_node cross = leaf(made, "cross", CROSS, 0, GV_COLOUR_CROSS);
    const gv_node one = gv_op_concat(graph, left, right, 1);
    const gv_node two = gv_op_concat(graph, item, cross, 1);
    made->output = gv_layer_mlp(graph, "net", gv_op_concat(graph, one, two, 1), &mlp);
}

/* Both read the same columns: the weights follow them from where they are interleaved. */
static void columns_may_lie_anywhere(void **state)
{
    (void)state;
    net mixed = net_made(build_mlp);
    net tidy = net_made(build_contiguous);
    const size_t width = USER + ITEM + CROSS;
    const gv_weight *weight = gv_params_find(mixed.params, "net.0.weight");
    const float *from = gv_params_read_f32(mixed.params) + weight->offset;
    float *to = gv_params_f32(tidy.params) + weight->offset;
    for (size_t o = 0; o < 24; o++) {
        for (size_t i = 0; i < width; i++) {
            const size_t half = USER / 2;
            const size_t source = i < half          ? i
                                  : i < USER        ? i + ITEM
                                  : i < USER + ITEM ? i - half
                                                    : i;
            to[o * width + i] = from[o * width + source];
        }
    }
    gv_mari *one = mari_of(&mixed, true);
    gv_mari *two = mari_of(&tidy, true);
    fill_leaves(&mixed, one, NULL, &several);
    fill_leaves(&tidy, two, NULL, &several);
    float kept[ROWS];
    memcpy(kept, gv_mari_run(one, several.ends, several.count), sizeof kept);
    assert_memory_equal(gv_mari_run(two, several.ends, several.count), kept, sizeof kept);
    gv_mari_destroy(one);
    gv_mari_destroy(two);
    net_free(&mixed);
    net_free(&tidy);
}

/* Alone, at each place of a request, beside other requests: the same. */
static void expect_bits_in_any_company(net_builder builder)
{
    net made = net_made(builder);
    gv_mari *mari = mari_of(&made, true);
    const size_t width = gv_graph_width(made.graph, made.output);
    float all[ROWS * 2];
    assert_true(width <= 2);
    fill_leaves(&made, mari, NULL, &several);
    memcpy(all, gv_mari_run(mari, several.ends, several.count), ROWS * width * sizeof *all);
    for (size_t r = 0; r < several.count; r++) {
        const size_t begin = r == 0 ? 0 : several.ends[r - 1];
        for (size_t first = begin; first < several.ends[r]; first += 3) {
            for (size_t end = first + 1; end <= several.ends[r]; end += 4) {
                const requests some = {.count = 2,
                                       .users = {several.users[r], (r + 1) % REQUESTS},
                                       .ends = {end - first, end - first + 1},
                                       .first = first};
                fill_leaves(&made, mari, NULL, &some);
                const float *found = gv_mari_run(mari, some.ends, 1 + end % 2);
                assert_memory_equal(found, all + first * width,
                                    (end - first) * width * sizeof *all);
            }
        }
    }
    gv_mari_destroy(mari);
    net_free(&made);
}

static void a_candidate_has_its_bits_in_any_company(void **state)
{
    (void)state;
    expect_bits_in_any_company(build_mlp);
    expect_bits_in_any_company(build_towers);
    expect_bits_in_any_company(build_tokens);
    expect_bits_in_any_company(build_slices);
    expect_bits_in_any_company(build_stripes);
    expect_bits_in_any_company(build_said);
    expect_bits_in_any_company(build_attention);
    expect_bits_in_any_company(build_blinkers);
}

/* Inputs that nobody names may be the user's: what nobody writes is then made once a request. */
static void the_rest_may_be_the_users(void **state)
{
    (void)state;
    net made = net_made(build_mlp);
    gv_mari_leaf others[LEAVES_MAX];
    gv_mari_config config = {.graph = made.graph,
                             .params = made.params,
                             .leaves = others,
                             .rest = GV_COLOUR_USER,
                             .output = made.output,
                             .requests_max = REQUESTS,
                             .rows_max = ROWS};
    for (size_t k = 0; k < made.leaf_count; k++) {
        if (made.leaves[k].colour != GV_COLOUR_USER) {
            others[config.leaf_count++] = made.leaves[k];
        }
    }
    gv_mari *one = mari_of(&made, true);
    gv_mari *two = NULL;
    assert_int_equal(gv_mari_create(&config, &two), GV_OK);
    assert_int_equal(gv_mari_products(two, 2, ROWS), gv_mari_products(one, 2, ROWS));
    fill_leaves(&made, one, NULL, &several);
    fill_leaves(&made, two, NULL, &several);
    const float *expected = gv_mari_run(one, several.ends, several.count);
    assert_memory_equal(gv_mari_run(two, several.ends, several.count), expected,
                        ROWS * sizeof *expected);
    gv_mari_destroy(one);
    gv_mari_destroy(two);
    net_free(&made);
}

static void build_over_the_batch(net *made)
{
    const gv_node x = leaf(made, "x", 4, 0, GV_COLOUR_ITEM);
    made->output = gv_op_transpose(made->graph, x, 0, 1);
}

/* Weights that are no parameter have no row a candidate. */
static void build_with_made_weights(net *made)
{
    const gv_node x = leaf(made, "x", 4, 0, GV_COLOUR_ITEM);
    const gv_node w = gv_graph_param(made->graph, "w", gv_shape_of(2, (size_t[]){3, 4}),
                                     (gv_init){.law = GV_INIT_NORMAL, .scale = 1});
    made->output = gv_op_linear(made->graph, x, gv_op_exp(made->graph, w), GV_NODE_NONE);
}

static void expect_refused(net_builder builder, const char *word)
{
    net made = net_made(builder);
    const gv_mari_config config = {.graph = made.graph,
                                   .params = made.params,
                                   .output = made.output,
                                   .requests_max = 1,
                                   .rows_max = ROWS};
    gv_mari *mari = NULL;
    assert_int_equal(gv_mari_create(&config, &mari), GV_EINVAL);
    assert_non_null(strstr(gv_status_detail(), word));
    net_free(&made);
}

static void what_mixes_candidates_is_refused(void **state)
{
    (void)state;
    expect_refused(build_over_the_batch, "transpose");
    expect_refused(build_with_made_weights, "exp");
}

static void expect_failures_survived(net_builder builder)
{
    net made = net_made(builder);
    const gv_mari_config config = {.graph = made.graph,
                                   .params = made.params,
                                   .leaves = made.leaves,
                                   .leaf_count = made.leaf_count,
                                   .output = made.output,
                                   .requests_max = REQUESTS,
                                   .rows_max = ROWS};
    bool is_done = false;
    int fails = 0;
    for (; !is_done; fails++) {
        gv_mari *mari = NULL;
        gv_mem_fail_after(fails);
        const gv_status status = gv_mari_create(&config, &mari);
        gv_mem_fail_after(-1);
        assert_true(status == GV_OK || status == GV_ENOMEM);
        is_done = status == GV_OK;
        gv_mari_destroy(mari);
    }
    assert_true(fails > 10);
    net_free(&made);
}

static void failed_allocations_are_survived(void **state)
{
    (void)state;
    expect_failures_survived(build_towers);
    expect_failures_survived(build_tokens);
    expect_failures_survived(build_slices);
    expect_failures_survived(build_said);
    expect_failures_survived(build_attention);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_split_network_is_the_graph),
        cmocka_unit_test(multiplications_are_those_of_the_formula),
        cmocka_unit_test(tokens_of_the_user_are_multiplied_once),
        cmocka_unit_test(columns_may_lie_anywhere),
        cmocka_unit_test(a_candidate_has_its_bits_in_any_company),
        cmocka_unit_test(the_rest_may_be_the_users),
        cmocka_unit_test(what_mixes_candidates_is_refused),
        cmocka_unit_test(failed_allocations_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
