/* Networks that are asked: rows in tiles, each for itself or as the candidates of requests. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "models/nn/operators.h"
#include "models/predict/net_impl.h"
#include "sim/base/mem.h"
#include "sim/base/parallel.h"

/* Rows of one run of a serving graph, fewer where pasts are long: some thousand tokens stay in a
   cache. Rows beyond the last are filled with nothing. */
enum { SERVED_ROWS = 64, SERVED_ROWS_LEAST = 4, SERVED_TOKENS = 4096 };

/* Of how many candidates is told what they share. */
enum { TOLD_CANDIDATES = 48 };

static size_t served_rows(const gv_net *net)
{
    const bool has_codes = net->reading.form == GV_NET_CODES;
    const size_t past = has_codes ? net->reading.reads * net->reading.codes : net->past_slots;
    const size_t fitting = SERVED_TOKENS / (net->setup.shape.field_count + past);
    const size_t most = fitting < SERVED_ROWS ? fitting : SERVED_ROWS;
    return most > SERVED_ROWS_LEAST ? most : SERVED_ROWS_LEAST;
}

gv_status gv_net_build_serving(gv_net *net)
{
    gv_node logits[GV_NET_TASKS];
    const gv_graph_config config = {.params = net->params, .rows_alone = true};
    GV_TRY(gv_graph_create(&config, &net->serving));
    gv_graph *graph = net->serving;
    net->served_rows = served_rows(net);
    net->serving_nodes = gv_net_inputs(graph, net, net->served_rows, false);
    net->kind->build(graph, &net->serving_nodes, net->setup.config, logits);
    for (size_t k = 0; k < GV_NET_TASKS; k++) {
        const gv_shape column = gv_shape_of(2, (size_t[]){net->served_rows, 1});
        const gv_node one = gv_op_reshape(graph, logits[k], column);
        net->logits = k == 0 ? one : gv_op_concat(graph, net->logits, one, 1);
    }
    gv_graph_keep(graph, net->logits);
    return gv_graph_finish(graph, GV_NODE_NONE);
}

gv_status gv_net_begin_serving(gv_net *net)
{
    net->tapes = gv_mem_alloc(0, net->setup.jobs, sizeof(gv_tape *));
    if (net->tapes == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to serve a network");
    }
    for (size_t i = 0; i < net->setup.jobs; i++) {
        GV_TRY(gv_tape_create(net->serving, net->params, &net->tapes[i]));
    }
    return GV_OK;
}

static void drop_maris(gv_net *net)
{
    for (size_t i = 0; net->maris != NULL && i < net->setup.jobs; i++) {
        gv_mari_destroy(net->maris[i]);
    }
    gv_mem_free(net->maris);
    gv_mem_free(net->ends);
    net->maris = NULL;
    net->ends = NULL;
}

void gv_net_end_serving(gv_net *net)
{
    drop_maris(net);
    for (size_t i = 0; net->tapes != NULL && i < net->setup.jobs; i++) {
        gv_tape_destroy(net->tapes[i]);
    }
    gv_mem_free(net->tapes);
    gv_graph_destroy(net->serving);
}

/* ---- what candidates share ------------------------------------------------------------------- */

static bool has_side(const gv_net *net, bool is_user)
{
    for (size_t i = 0; i < net->serving_nodes.part_count; i++) {
        if ((net->serving_nodes.parts[i].side == GV_SIDE_USER) == is_user) {
            return true;
        }
    }
    return is_user && net->past_slots > 0;
}

/* All inputs but those of items and crosses are the user's: fields, past, what nobody writes. */
static gv_status create_maris(gv_net *net)
{
    const gv_net_nodes *nodes = &net->serving_nodes;
    gv_mari_leaf leaves[GV_FIELDS_MAX];
    gv_mari_config config = {.graph = net->serving,
                             .params = net->params,
                             .leaves = leaves,
                             .rest = GV_COLOUR_USER,
                             .output = net->logits,
                             .requests_max = net->served_rows,
                             .rows_max = net->served_rows};
    for (size_t i = 0; i < nodes->part_count; i++) {
        const gv_side side = nodes->parts[i].side;
        if (side != GV_SIDE_USER) {
            leaves[config.leaf_count++] = (gv_mari_leaf){
                nodes->parts[i].node, side == GV_SIDE_ITEM ? GV_COLOUR_ITEM : GV_COLOUR_CROSS};
        }
    }
    net->maris = gv_mem_alloc(0, net->setup.jobs, sizeof(gv_mari *));
    net->ends = gv_mem_alloc(0, net->setup.jobs * net->served_rows, sizeof *net->ends);
    if (net->maris == NULL || net->ends == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to serve candidates");
    }
    for (size_t i = 0; i < net->setup.jobs; i++) {
        GV_TRY(gv_mari_create(&config, &net->maris[i]));
    }
    return GV_OK;
}

static void tell_sharing(gv_net *net)
{
    const gv_mari *mari = net->maris[0];
    const double plain = (double)gv_mari_products(mari, TOLD_CANDIDATES, TOLD_CANDIDATES);
    const double shared = (double)gv_mari_products(mari, 1, TOLD_CANDIDATES);
    (void)snprintf(net->sharing, sizeof net->sharing,
                   "the user's part is computed once a request: %d candidates of one need %.0f %% "
                   "of the multiplications of as many requests",
                   TOLD_CANDIDATES, 100 * shared / plain);
}

gv_status gv_net_begin_sharing(gv_net *net)
{
    drop_maris(net);
    if (!has_side(net, true) || !has_side(net, false)) {
        (void)snprintf(net->sharing, sizeof net->sharing,
                       "each row is priced for itself: no field is %s",
                       has_side(net, true) ? "an item's" : "the user's, and there is no past");
        return GV_OK;
    }
    const gv_status status = create_maris(net);
    if (status == GV_OK) {
        tell_sharing(net);
    } else if (status == GV_EINVAL) {
        drop_maris(net);
        (void)snprintf(net->sharing, sizeof net->sharing, "each row is priced for itself: %.180s",
                       gv_status_detail());
        return GV_OK;
    }
    return status;
}

const char *gv_net_sharing(const void *state)
{
    const gv_net *net = state;
    return net->sharing[0] == '\0' ? NULL : net->sharing;
}

/* ---- asking ---------------------------------------------------------------------------------- */

static bool has_same_fields(const gv_net *net, const gv_net_part *part, size_t a, size_t b)
{
    const gv_examples *examples = net->examples;
    for (size_t f = part->first; f < part->first + part->count; f++) {
        const uint32_t *of_a = examples->starts + a * net->setup.shape.field_count + f;
        const uint32_t *of_b = examples->starts + b * net->setup.shape.field_count + f;
        const size_t count = of_a[1] - of_a[0];
        if (count != of_b[1] - of_b[0] ||
            memcmp(examples->buckets + of_a[0], examples->buckets + of_b[0],
                   count * sizeof *examples->buckets) != 0) {
            return false;
        }
    }
    return true;
}

static bool has_same_past(const gv_net *net, size_t a, size_t b)
{
    const gv_examples *examples = net->examples;
    const size_t length = net->setup.shape.past_length;
    const size_t slots = length * net->setup.shape.past_field_count;
    if (length == 0) {
        return true;
    }
    const size_t count = examples->past_counts[a];
    return count == examples->past_counts[b] &&
           memcmp(examples->past_buckets + a * slots, examples->past_buckets + b * slots,
                  count * net->setup.shape.past_field_count * sizeof(uint32_t)) == 0 &&
           memcmp(examples->past_ages + a * length, examples->past_ages + b * length,
                  count * sizeof(float)) == 0;
}

/* All that is the user's is alike: the rows may be candidates of one request. */
static bool has_same_user(const gv_net *net, size_t a, size_t b)
{
    for (size_t i = 0; i < net->serving_nodes.part_count; i++) {
        const gv_net_part *part = &net->serving_nodes.parts[i];
        if (part->side == GV_SIDE_USER && !has_same_fields(net, part, a, b)) {
            return false;
        }
    }
    return has_same_past(net, a, b);
}

static float *place_in_mari(void *mari, gv_node node)
{
    return gv_mari_input(mari, node);
}

/* One side's parts of row `row` into row `place`. */
static void gather_side(const gv_net *net, const gv_net_places *places, bool is_user, size_t row,
                        size_t place)
{
    for (size_t i = 0; i < net->serving_nodes.part_count; i++) {
        const gv_net_part *part = &net->serving_nodes.parts[i];
        if ((part->side == GV_SIDE_USER) == is_user) {
            gv_net_gather_part(net, part, places->parts[i], row, place);
        }
    }
}

/* Logits of rows first .. first + count - 1, by their requests. */
static const float *run_requests(const gv_net *net, size_t first, size_t count, size_t worker)
{
    gv_mari *mari = net->maris[worker];
    size_t *ends = net->ends + worker * net->served_rows;
    const gv_net_places places = gv_net_places_of(&net->serving_nodes, place_in_mari, mari);
    size_t requests = 0;
    for (size_t place = 0; place < count; place++) {
        const size_t row = first + place;
        if (place == 0 || !has_same_user(net, row - 1, row)) {
            gather_side(net, &places, true, row, requests);
            gv_net_gather_past(net, &places, row, requests, worker);
            requests++;
        }
        gather_side(net, &places, false, row, place);
        ends[requests - 1] = place + 1;
    }
    return gv_mari_run(mari, ends, requests);
}

static const float *run_rows(const gv_net *net, size_t first, size_t count, size_t worker)
{
    gv_tape *tape = net->tapes[worker];
    for (size_t place = 0; place < net->served_rows; place++) {
        if (place < count) {
            gv_net_gather(net, tape, &net->serving_nodes, first + place, place, worker);
        } else {
            gv_net_gather_none(net, tape, &net->serving_nodes, place);
        }
    }
    gv_tape_forward(tape, &(gv_tape_step){.seed = 0});
    return gv_tape_f32(tape, net->logits);
}

static float probability(float logit)
{
    return (float)(1.0 / (1.0 + exp(-(double)logit)));
}

static gv_status serve_tile(void *context, size_t index, size_t worker)
{
    const gv_net *net = context;
    const size_t first = index * net->served_rows;
    const size_t left = net->row_count - first;
    const size_t count = left < net->served_rows ? left : net->served_rows;
    const float *logits = (net->maris == NULL ? run_rows : run_requests)(net, first, count, worker);
    for (size_t i = 0; i < count; i++) {
        net->pctr[first + i] = probability(logits[i * GV_NET_TASKS]);
        if (net->pcvr != NULL) {
            net->pcvr[first + i] = probability(logits[i * GV_NET_TASKS + 1]);
        }
    }
    return GV_OK;
}

gv_status gv_net_predict(void *state, const gv_examples *examples, float *pctr, float *pcvr)
{
    gv_net *net = state;
    net->examples = examples;
    net->row_count = examples->count;
    net->pctr = pctr;
    net->pcvr = pcvr;
    const size_t tiles = (examples->count + net->served_rows - 1) / net->served_rows;
    return gv_parallel_for(net->setup.jobs, tiles, serve_tile, net);
}
