/*
 * Candidates of one request through a network whose inputs are of user, item and both: the plain
 * forward, and the user's part once (MaRI, mari.h), by candidates and by the user's share.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/timing.h"
#include "models/nn/dense.h"
#include "models/nn/layers.h"
#include "models/nn/mari.h"
#include "sim/base/mem.h"
#include "sim/base/random.h"

enum { TURNS = 7 };

static void must(gv_status status)
{
    if (status != GV_OK) {
        (void)fprintf(stderr, "bench_requests: %s\n", gv_status_detail());
        exit(1);
    }
}

enum { CANDIDATES_MAX = 4000, SIDES = 3 };

typedef struct bench_request {
    gv_params *params;
    gv_graph *graph;
    gv_mari *mari;
    gv_dense_mlp *plain;
    float *x; /* [candidates][all inputs] */
    float *y;
    size_t widths[SIDES]; /* user, item, cross */
    size_t candidates;
} bench_request;

static const gv_mlp request_mlp = {.layers = 3, .widths = {256, 128, 1}, .hidden = gv_op_relu};

static bench_request make_request(size_t user, size_t item, size_t cross, size_t candidates)
{
    static const gv_colour colours[SIDES] = {GV_COLOUR_USER, GV_COLOUR_ITEM, GV_COLOUR_CROSS};
    static const char *const names[SIDES] = {"user", "item", "cross"};
    bench_request made = {.widths = {user, item, cross}, .candidates = candidates};
    gv_mari_leaf leaves[SIDES];
    gv_node x = GV_NODE_NONE;
    must(gv_params_create(GV_F32, &made.params));
    must(gv_graph_create(&(gv_graph_config){.params = made.params}, &made.graph));
    for (size_t i = 0; i < SIDES; i++) {
        const gv_shape shape = gv_shape_of(2, (size_t[]){1, made.widths[i]});
        leaves[i] = (gv_mari_leaf){gv_graph_input(made.graph, names[i], shape), colours[i]};
        x = i == 0 ? leaves[i].input : gv_op_concat(made.graph, x, leaves[i].input, 1);
    }
    const gv_node y = gv_layer_mlp(made.graph, "net", x, &request_mlp);
    gv_graph_keep(made.graph, y);
    must(gv_graph_finish(made.graph, GV_NODE_NONE));
    must(gv_params_draw(made.params, 1));
    const gv_mari_config config = {.graph = made.graph,
                                   .params = made.params,
                                   .leaves = leaves,
                                   .leaf_count = SIDES,
                                   .output = y,
                                   .requests_max = 1,
                                   .rows_max = candidates};
    must(gv_mari_create(&config, &made.mari));
    must(gv_dense_mlp_create(made.params, "net", &request_mlp, candidates, &made.plain));
    const size_t all = user + item + cross;
    made.x = gv_mem_alloc_vector(candidates * all, sizeof(float));
    made.y = gv_mem_alloc_vector(candidates, sizeof(float));
    const gv_random random = gv_random_key(1, GV_STREAM_TEST, 7);
    size_t column = 0;
    for (size_t i = 0; i < SIDES; i++) {
        float *to = gv_mari_input(made.mari, leaves[i].input);
        for (size_t row = 0; row < candidates; row++) {
            for (size_t k = 0; k < made.widths[i]; k++) {
                const size_t of = i == 0 ? 0 : row;
                const float value = (float)gv_random_normal(&random, (of * SIDES + i) * 4096 + k);
                made.x[row * all + column + k] = value;
                to[(i == 0 ? 0 : row * made.widths[i]) + k] = value;
            }
        }
        column += made.widths[i];
    }
    return made;
}

static void drop_request(bench_request *made)
{
    gv_mari_destroy(made->mari);
    gv_dense_mlp_destroy(made->plain);
    gv_graph_destroy(made->graph);
    gv_params_destroy(made->params);
    gv_mem_free(made->x);
    gv_mem_free(made->y);
}

static void run_plain(void *context)
{
    const bench_request *made = context;
    gv_dense_mlp_apply(made->plain, made->x, made->candidates, made->y);
}

static void run_mari(void *context)
{
    const bench_request *made = context;
    memcpy(made->y, gv_mari_run(made->mari, &made->candidates, 1),
           made->candidates * sizeof(float));
}

static double apart(bench_request *made)
{
    float *kept = gv_mem_alloc(0, made->candidates, sizeof *kept);
    double worst = 0;
    run_plain(made);
    memcpy(kept, made->y, made->candidates * sizeof *kept);
    run_mari(made);
    for (size_t i = 0; i < made->candidates; i++) {
        const double d = (double)kept[i] - (double)made->y[i];
        worst = d > worst ? d : -d > worst ? -d : worst;
    }
    gv_mem_free(kept);
    return worst;
}

static void request_row(size_t user, size_t item, size_t cross, size_t candidates)
{
    bench_request made = make_request(user, item, cross, candidates);
    const bench_side sides[] = {{"plain", run_plain, &made}, {"once", run_mari, &made}};
    const bench_times times = bench_measure(sides, 2, TURNS);
    const double all =
        (double)candidates * (double)((user + item + cross) * 256 + (size_t)256 * 128 + 128);
    printf("| %zu | %zu | %zu | %zu | %.3f | %.3f | %.2f | %.2f | %.1e |\n", candidates, user, item,
           cross, 1e3 * times.median[0], 1e3 * times.median[1], times.ratio[1],
           all / (double)gv_mari_products(made.mari, 1, candidates), apart(&made));
    drop_request(&made);
}

static void bench_requests(void)
{
    static const size_t counts[] = {1, 10, 100, 1000, 4000};
    static const size_t users[] = {0, 96, 304, 512, 576};
    printf("Candidates of one request through an MLP of 256-128-1: the plain forward (our own "
           "products) and with the user's part once.\n\n");
    printf("| candidates | user | item | cross | plain, ms | once, ms | speed | fewer products | "
           "largest difference |\n|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n");
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        request_row(512, 64, 32, counts[i]);
    }
    for (size_t i = 1; i < sizeof users / sizeof users[0]; i++) {
        const size_t rest = 608 - users[i];
        request_row(users[i], rest - rest / 3, rest / 3, 1000);
    }
    printf("\n");
}

int main(void)
{
    printf("## Requests\n\nOne thread, processor time, median of %d turns.\n\n", TURNS);
    bench_requests();
    return 0;
}
