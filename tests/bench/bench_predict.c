/*
 * Predictors: a training step of INFNet beside PyTorch's, its time against the length of the past
 * beside attention of all pairs, served networks with the user computed once a request and by how
 * they take a past, and attention by codes against exact attention. bench_predict.py measures
 * PyTorch on the same sizes, if there. Of requests alone: bench_requests.c.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/timing.h"
#include "bench/torch_times.h"
#include "models/nn/layers.h"
#include "models/nn/mari.h"
#include "models/predict/net_impl.h"
#include "models/predict/vql.h"
#include "sim/base/mem.h"
#include "sim/base/param.h"
#include "sim/base/random.h"

enum {
    TURNS = 7,
    BUCKETS = 1 << 16,
    BATCH = 1024,
    FIELDS = 8,
    PAST_FIELDS = 2,
    CONFIG_SIZE = 1024
};

static void must(gv_status status)
{
    if (status != GV_OK) {
        (void)fprintf(stderr, "bench_predict: %s\n", gv_status_detail());
        exit(1);
    }
}

/* ---- INFNet ---------------------------------------------------------------------------------- */

typedef struct bench_model {
    const gv_model_type *type;
    char config[CONFIG_SIZE];
    gv_net *net;
    gv_examples examples;
    uint32_t *starts, *buckets, *past_counts, *past_buckets, *order;
    float *ages, *clicks, *conversions, *pctr;
} bench_model;

/* One batch of full pasts. */
static void make_rows(bench_model *made, size_t length)
{
    const gv_random random = gv_random_key(1, GV_STREAM_TEST, length);
    made->starts = gv_mem_alloc(0, (size_t)BATCH * FIELDS + 1, sizeof(uint32_t));
    made->buckets = gv_mem_alloc(0, (size_t)BATCH * FIELDS, sizeof(uint32_t));
    made->past_counts = gv_mem_alloc(0, BATCH, sizeof(uint32_t));
    made->past_buckets = gv_mem_alloc(0, BATCH * length * PAST_FIELDS, sizeof(uint32_t));
    made->order = gv_mem_alloc(0, BATCH, sizeof(uint32_t));
    made->ages = gv_mem_alloc(0, BATCH * length, sizeof(float));
    made->clicks = gv_mem_alloc(0, BATCH, sizeof(float));
    made->conversions = gv_mem_alloc(0, BATCH, sizeof(float));
    made->pctr = gv_mem_alloc(0, BATCH, sizeof(float));
    for (size_t i = 0; i < (size_t)BATCH * FIELDS; i++) {
        made->starts[i + 1] = (uint32_t)(i + 1);
        made->buckets[i] = (uint32_t)gv_random_below(&random, i, BUCKETS);
    }
    for (size_t i = 0; i < BATCH * length * PAST_FIELDS; i++) {
        made->past_buckets[i] =
            (uint32_t)gv_random_below(&random, (uint64_t)BATCH * FIELDS + i, BUCKETS);
    }
    for (size_t i = 0; i < BATCH; i++) {
        made->past_counts[i] = (uint32_t)length;
        made->order[i] = (uint32_t)i;
        made->clicks[i] = i % 5 == 0 ? 1.0F : 0.0F;
        made->conversions[i] = i % 20 == 0 ? 1.0F : 0.0F;
    }
    made->examples = (gv_examples){.count = BATCH,
                                   .starts = made->starts,
                                   .buckets = made->buckets,
                                   .past_counts = made->past_counts,
                                   .past_buckets = made->past_buckets,
                                   .past_ages = made->ages,
                                   .clicks = made->clicks,
                                   .conversions = made->conversions};
    made->examples.shape = (gv_example_shape){.field_count = FIELDS,
                                              .bucket_count = BUCKETS,
                                              .past_length = length,
                                              .past_field_count = PAST_FIELDS};
}

/* A model as it comes, but for a parameter's value; NULL: as it comes. */
typedef struct bench_kind {
    const gv_model_type *type;
    const char *param;
    const char *value;
} bench_kind;

/* sides: NULL, or of a model that is served for requests. */
static bench_model *make_model_of(const bench_kind *kind, size_t length, const gv_side *sides)
{
    const gv_model_type *type = kind->type;
    bench_model *made = gv_mem_alloc(sizeof *made, 0, 0);
    made->type = type;
    make_rows(made, length);
    gv_param_defaults(type->info.params, made->config);
    if (kind->param != NULL) {
        const gv_param *row = gv_param_find(type->info.params, kind->param);
        must(gv_param_parse(row, kind->value, 0, made->config));
    }
    const gv_model_setup setup = {.config = made->config,
                                  .shape = made->examples.shape,
                                  .seed = 1,
                                  .jobs = 1,
                                  .learns = sides == NULL,
                                  .sides = sides};
    made->net = gv_mem_alloc(type->state_size, 0, 0);
    must(type->init(made->net, &setup));
    if (sides != NULL) {
        must(gv_net_begin_sharing(made->net));
    }
    return made;
}

static bench_model *make_model(size_t length)
{
    const bench_kind kind = {.type = &gv_model_infnet};
    return make_model_of(&kind, length, NULL);
}

static void drop_model(bench_model *made)
{
    made->type->fini(made->net);
    gv_mem_free(made->net);
    gv_mem_free(made->starts);
    gv_mem_free(made->buckets);
    gv_mem_free(made->past_counts);
    gv_mem_free(made->past_buckets);
    gv_mem_free(made->order);
    gv_mem_free(made->ages);
    gv_mem_free(made->clicks);
    gv_mem_free(made->conversions);
    gv_mem_free(made->pctr);
    gv_mem_free(made);
}

static void learn_batch(void *context)
{
    bench_model *made = context;
    double loss = 0;
    must(gv_model_infnet.learn(made->net, &made->examples, made->order, BATCH, &loss));
}

static void price_batch(void *context)
{
    bench_model *made = context;
    must(made->type->predict(made->net, &made->examples, made->pctr, NULL));
}

static void bench_step(void)
{
    enum { LENGTH = 20 };
    torch_times times[TORCHES];
    char script[] = "tests/bench/bench_predict.py";
    torch_ask_all(script, times);
    bench_model *made = make_model(LENGTH);
    const bench_side sides[] = {{"step", learn_batch, made}, {"price", price_batch, made}};
    const bench_times ours = bench_measure(sides, 2, TURNS);
    printf("INFNet, %d rows of %d fields and %d events, width 16, 2 blocks, with the table's "
           "step.\n\n",
           BATCH, FIELDS, LENGTH);
    printf("| what | Gavel, ms |");
    for (size_t i = 0; i < TORCHES; i++) {
        printf(" PyTorch %s, ms | speed |",
               times[i].version[0] == '\0' ? "(none)" : times[i].version);
    }
    printf("\n|---|---:|---:|---:|---:|---:|\n");
    static const char *const names[] = {"infnet_step", "infnet_price"};
    static const char *const words[] = {"training step", "pricing"};
    for (size_t k = 0; k < 2; k++) {
        const double milliseconds = 1e3 * ours.median[k];
        printf("| %s | %.2f |", words[k], milliseconds);
        for (size_t i = 0; i < TORCHES; i++) {
            const double theirs = torch_time(&times[i], names[k]);
            if (theirs > 0) {
                printf(" %.2f | %.2f |", theirs, theirs / milliseconds);
            } else {
                printf(" | |");
            }
        }
        printf("\n");
    }
    printf("\n");
    drop_model(made);
}

/* ---- length of the past ---------------------------------------------------------------------- */

/* Two layers of attention of all pairs over as many tokens, width 16, priced by tape. */
typedef struct bench_pairs {
    gv_params *params;
    gv_graph *graph;
    gv_tape *tape;
} bench_pairs;

enum { PAIR_ROWS = 64 };

static bench_pairs make_pairs(size_t length)
{
    bench_pairs made;
    const size_t tokens = FIELDS + length + GV_NET_TASKS;
    must(gv_params_create(GV_F32, &made.params));
    must(gv_graph_create(&(gv_graph_config){.params = made.params}, &made.graph));
    gv_node x = gv_graph_input(made.graph, "x", gv_shape_of(3, (size_t[]){PAIR_ROWS, tokens, 16}));
    for (size_t i = 0; i < 2; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "qkv%zu", i);
        const gv_node qkv = gv_layer_linear(made.graph, name, x, 48);
        const gv_attention all = {.heads = 2};
        x = gv_op_add(made.graph, x, gv_op_attention(made.graph, qkv, GV_NODE_NONE, &all));
    }
    must(gv_graph_finish(made.graph, GV_NODE_NONE));
    must(gv_params_draw(made.params, 1));
    must(gv_tape_create(made.graph, made.params, &made.tape));
    return made;
}

static void attend_pairs(void *context)
{
    const bench_pairs *made = context;
    for (size_t i = 0; i < BATCH; i += PAIR_ROWS) {
        gv_tape_forward(made->tape, &(gv_tape_step){.seed = 1});
    }
}

static void bench_length(void)
{
    static const size_t lengths[] = {50, 100, 200, 400};
    double before[2] = {0, 0};
    printf("Pricing %d rows against the length of the past; beside it two layers of attention of "
           "all pairs over as many tokens.\n\n",
           BATCH);
    printf("| events | INFNet, ms | times the half | all pairs, ms | times the half |\n"
           "|---:|---:|---:|---:|---:|\n");
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        bench_model *made = make_model(lengths[i]);
        bench_pairs pairs = make_pairs(lengths[i]);
        const bench_side sides[] = {{"infnet", price_batch, made}, {"pairs", attend_pairs, &pairs}};
        const bench_times times = bench_measure(sides, 2, 5);
        printf("| %zu |", lengths[i]);
        for (size_t k = 0; k < 2; k++) {
            printf(" %.1f |", 1e3 * times.median[k]);
            if (before[k] > 0) {
                printf(" %.2f |", times.median[k] / before[k]);
            } else {
                printf(" |");
            }
            before[k] = times.median[k];
        }
        printf("\n");
        drop_model(made);
        gv_tape_destroy(pairs.tape);
        gv_graph_destroy(pairs.graph);
        gv_params_destroy(pairs.params);
    }
    printf("\n");
}

/* ---- served networks ------------------------------------------------------------------------- */

/* Every `candidates` rows get the past and the first half of the fields of their first. */
static void share_users(const bench_model *made, size_t length, size_t candidates)
{
    for (size_t i = 0; i < BATCH; i++) {
        const size_t from = i - i % candidates;
        for (size_t f = 0; f < FIELDS / 2; f++) {
            made->buckets[i * FIELDS + f] = made->buckets[from * FIELDS + f];
        }
        for (size_t k = 0; k < length * PAST_FIELDS; k++) {
            made->past_buckets[i * length * PAST_FIELDS + k] =
                made->past_buckets[from * length * PAST_FIELDS + k];
        }
    }
}

static const gv_side field_sides[FIELDS] = {GV_SIDE_USER,  GV_SIDE_USER, GV_SIDE_USER,
                                            GV_SIDE_USER,  GV_SIDE_ITEM, GV_SIDE_ITEM,
                                            GV_SIDE_CROSS, GV_SIDE_CROSS};

static void served_row(const bench_kind *kind, size_t length, size_t candidates)
{
    bench_model *plain = make_model_of(kind, length, NULL);
    bench_model *once = make_model_of(kind, length, field_sides);
    share_users(plain, length, candidates);
    share_users(once, length, candidates);
    const bench_side both[] = {{"plain", price_batch, plain}, {"once", price_batch, once}};
    const bench_times times = bench_measure(both, 2, TURNS);
    double worst = 0;
    for (size_t i = 0; i < BATCH; i++) {
        worst = fmax(worst, fabs((double)plain->pctr[i] - (double)once->pctr[i]));
    }
    const gv_mari *mari = once->net->maris[0];
    char changed[64] = "";
    if (kind->param != NULL) {
        (void)snprintf(changed, sizeof changed, ", %s=%s", kind->param, kind->value);
    }
    printf("| %s%s | %zu | %zu | %.2f | %.2f | %.2f | %.2f | %.1e |\n", kind->type->info.name,
           changed, length, candidates, 1e3 * times.median[0], 1e3 * times.median[1],
           times.ratio[1],
           (double)gv_mari_products(mari, candidates, candidates) /
               (double)gv_mari_products(mari, 1, candidates),
           worst);
    drop_model(plain);
    drop_model(once);
}

static void bench_served(void)
{
    static const size_t counts[] = {1, 8, 64};
    static const size_t lengths[] = {12, 20, 100};
    static const bench_kind kinds[] = {{&gv_model_mlp, NULL, NULL},
                                       {&gv_model_infnet, NULL, NULL},
                                       {&gv_model_infnet, "hubs", "mean"},
                                       {&gv_model_infnet, "broadcast", "off"}};
    printf("Pricing %d rows of %d fields, half of them the user's, by served networks of the usual "
           "sizes: each row for itself, and rows of one request with their user once.\n\n",
           BATCH, FIELDS);
    printf("| network | events | candidates | plain, ms | once, ms | speed | fewer products | "
           "largest difference |\n|---|---:|---:|---:|---:|---:|---:|---:|\n");
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        for (size_t l = 0; l < sizeof lengths / sizeof lengths[0]; l++) {
            for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
                served_row(&kinds[k], lengths[l], counts[i]);
            }
        }
    }
    printf("\n");
}

/* How an INFNet takes a past; the events are of so many kinds. */
static const char *const sequences[] = {"tokens", "events", "codes"};
enum { SEQUENCES = sizeof sequences / sizeof sequences[0], KINDS = 32 };

static void read_row(size_t length, size_t candidates)
{
    bench_model *models[SEQUENCES];
    bench_side turns[SEQUENCES];
    for (size_t i = 0; i < SEQUENCES; i++) {
        const bench_kind kind = {&gv_model_infnet, "sequence", sequences[i]};
        models[i] = make_model_of(&kind, length, field_sides);
        for (size_t k = 0; k < BATCH * length * PAST_FIELDS; k++) {
            models[i]->past_buckets[k] %= KINDS;
        }
        share_users(models[i], length, candidates);
        turns[i] = (bench_side){sequences[i], price_batch, models[i]};
    }
    const bench_times times = bench_measure(turns, SEQUENCES, TURNS);
    const size_t requests = BATCH / candidates;
    printf("| %zu | %zu |", length, candidates);
    for (size_t i = 0; i < SEQUENCES; i++) {
        printf(" %.1f |", 1e6 * times.median[i] / (double)requests);
        drop_model(models[i]);
    }
    printf("\n");
}

static void bench_reading(void)
{
    static const size_t lengths[] = {50, 200, 800};
    printf("A request to a served INFNet by how it takes the past (sequence=...), whose events are "
           "of %d kinds: us for all its candidates, the past included.\n\n",
           KINDS * KINDS);
    printf("| events | candidates | tokens | events, exactly | codes |\n"
           "|---:|---:|---:|---:|---:|\n");
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        read_row(lengths[i], 1);
        read_row(lengths[i], 64);
    }
    printf("\n");
}

/* ---- long pasts ------------------------------------------------------------------------------ */

enum { EVENTS_MAX = 100000, GROUPS = 2, WIDTH = 16, ROW = GROUPS * WIDTH };

static const gv_vql_config vql = {.groups = GROUPS,
                                  .codes = {64, 64},
                                  .width = WIDTH,
                                  .decays = 2,
                                  .share = {0.5, 0.5},
                                  .rate = {0, 1e-5},
                                  .seed = 1};

typedef struct bench_past {
    gv_vql_past past;
    gv_vql_cache *cache;
    uint32_t codes[GROUPS];
    double time;
    float query[ROW];
    float out[ROW];
} bench_past;

enum { REQUESTS = 2000 };

static void attend_codes(void *context)
{
    bench_past *made = context;
    for (size_t i = 0; i < REQUESTS; i++) {
        gv_vql_attend(made->cache, made->query, made->time, made->out);
    }
}

static void attend_events(void *context)
{
    bench_past *made = context;
    gv_vql_attend_exactly(&vql, &made->past, made->query, made->time, made->out);
}

static void append_events(void *context)
{
    bench_past *made = context;
    for (size_t i = 0; i < REQUESTS; i++) {
        gv_vql_append(made->cache, made->codes, made->query, made->time);
    }
}

static void bench_past_row(gv_vql_book *book, const gv_vql_past *all, size_t count)
{
    bench_past made = {.past = *all, .time = (double)EVENTS_MAX, .codes = {1, 2}};
    made.past.count = count;
    must(gv_vql_cache_create(book, &made.cache));
    for (size_t i = 0; i < count; i++) {
        uint32_t codes[GROUPS];
        gv_vql_choose(book, all->keys + i * ROW, codes);
        gv_vql_append(made.cache, codes, all->values + i * ROW, all->times[i]);
    }
    memcpy(made.query, all->keys, sizeof made.query);
    const bench_side sides[] = {{"codes", attend_codes, &made},
                                {"events", attend_events, &made},
                                {"append", append_events, &made}};
    const bench_times times = bench_measure(sides, 3, TURNS);
    printf("| %zu | %.2f | %.1f | %.3f |\n", count, 1e6 * times.median[0] / REQUESTS,
           1e6 * times.median[1], 1e6 * times.median[2] / REQUESTS);
    gv_vql_cache_destroy(made.cache);
}

static void bench_pasts(void)
{
    gv_vql_book *book = NULL;
    must(gv_vql_book_create(&vql, &book));
    float *keys = gv_mem_alloc(0, (size_t)EVENTS_MAX * ROW, sizeof *keys);
    float *values = gv_mem_alloc(0, (size_t)EVENTS_MAX * ROW, sizeof *values);
    double *times = gv_mem_alloc(0, EVENTS_MAX, sizeof *times);
    const gv_random random = gv_random_key(1, GV_STREAM_TEST, 9);
    for (size_t i = 0; i < (size_t)EVENTS_MAX * ROW; i++) {
        keys[i] = (float)gv_random_normal(&random, 2 * i);
        values[i] = (float)gv_random_normal(&random, 2 * i + 1);
    }
    for (size_t i = 0; i < EVENTS_MAX; i++) {
        times[i] = (double)i;
    }
    const gv_vql_past all = {keys, values, times, EVENTS_MAX};
    printf("Attention of one request over a user's past: 2 groups of 64 codes, width 16, 2 "
           "decays.\n\n");
    printf("| events | by codes, us | exact, us | an event more, us |\n|---:|---:|---:|---:|\n");
    for (size_t count = 100; count <= EVENTS_MAX; count *= 10) {
        bench_past_row(book, &all, count);
    }
    printf("\n");
    gv_mem_free(keys);
    gv_mem_free(values);
    gv_mem_free(times);
    gv_vql_book_destroy(book);
}

int main(void)
{
    printf("## Predictors\n\nOne thread, processor time, median of %d turns.\n\n", TURNS);
    bench_step();
    bench_length();
    bench_served();
    bench_reading();
    bench_pasts();
    return 0;
}
