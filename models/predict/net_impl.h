/*
 * net_impl.h - what networks over examples have in common: inputs gathered from a table of
 * embeddings, two tasks, training over shards, serving by rows alone.
 *
 * A kind of network is a function that builds two logits a row: of the click, and of a conversion
 * after it. Conversions are learnt on all impressions (ESMM, Ma et al., SIGIR 2018): the loss is
 *   BCE(pCTR, click) + BCE(pCTR pCVR, conversion),
 * both weighted means over the batch. Where conversions are not known only the first is there.
 *
 * A batch is cut into a fixed number of shards, and the table's rows move in the order of the
 * batch: any number of threads gives the same bits. Serving runs graphs of fixed size whose
 * products are our own (gv_graph_config.rows_alone), so a prediction depends on its row alone.
 * Where the sides of the fields are known, a restored network is served through MaRI: rows that
 * follow each other with the same user's fields and past are one request, whose user is computed
 * once. The same bits, however the rows fall into requests.
 */
#ifndef MODELS_PREDICT_NET_IMPL_H
#define MODELS_PREDICT_NET_IMPL_H

#include "models/nn/graph.h"
#include "models/nn/mari.h"
#include "models/nn/optimizer.h"
#include "models/nn/params.h"
#include "models/nn/tape.h"
#include "models/nn/trainer.h"
#include "models/predict/fields.h"
#include "models/predict/model.h"
#include "models/predict/table_impl.h"

/* Numbers that tell an event's age, gv_net_age(), and what is left of it, gv_net_decays(). */
enum { GV_NET_AGES = 3, GV_NET_DECAYS = 3, GV_NET_SHARDS = 8, GV_NET_TASKS = 2 };

/* How often a network may read a past by codes. */
enum { GV_NET_READS_MAX = 8 };

/* The first member of every network's config. */
typedef struct gv_net_common {
    int64_t epochs;
    int64_t batch; /* rows a step */
    int64_t width; /* numbers of an embedding, d */
    double rate;   /* Adam's */
    double decay;  /* of embeddings */
    double start;  /* standard deviation of embeddings at the start */
} gv_net_common;

#define GV_NET_ROWS(config_type, width_text)                                         \
    {.name = "epochs",                                                               \
     .kind = GV_PARAM_INTEGER,                                                       \
     .fallback = "1",                                                                \
     .minimum = 1,                                                                   \
     .maximum = 1000,                                                                \
     .offset = offsetof(config_type, common.epochs),                                 \
     .help = "passes over the examples"},                                            \
        {.name = "batch",                                                            \
         .kind = GV_PARAM_INTEGER,                                                   \
         .unit = "rows",                                                             \
         .fallback = "1024",                                                         \
         .minimum = 8,                                                               \
         .maximum = 65536,                                                           \
         .offset = offsetof(config_type, common.batch),                              \
         .help = "examples of one step, up to the next multiple of 8"},              \
        {.name = "width",                                                            \
         .kind = GV_PARAM_INTEGER,                                                   \
         .fallback = (width_text),                                                   \
         .minimum = 1,                                                               \
         .maximum = 256,                                                             \
         .offset = offsetof(config_type, common.width),                              \
         .help = "numbers of an embedding"},                                         \
        {.name = "rate",                                                             \
         .kind = GV_PARAM_REAL,                                                      \
         .fallback = "0.001",                                                        \
         .minimum = 1e-9,                                                            \
         .maximum = 1,                                                               \
         .offset = offsetof(config_type, common.rate),                               \
         .help = "learning rate of Adam, of the network and of embeddings"},         \
        {.name = "decay",                                                            \
         .kind = GV_PARAM_REAL,                                                      \
         .fallback = "0.000001",                                                     \
         .minimum = 0,                                                               \
         .maximum = 1,                                                               \
         .offset = offsetof(config_type, common.decay),                              \
         .help = "penalty on the squares of the embeddings that a step touches"},    \
    {                                                                                \
        .name = "start", .kind = GV_PARAM_REAL, .fallback = "0.05", .minimum = 1e-6, \
        .maximum = 10, .offset = offsetof(config_type, common.start),                \
        .help = "standard deviation of embeddings at the start"                      \
    }

/* Fields that follow each other on one side of a request: an input. */
typedef struct gv_net_part {
    gv_node node; /* [B, count, W] each the mean of its field's values */
    size_t first;
    size_t count;
    gv_side side;
} gv_net_part;

/* How a network takes a user's past. */
typedef enum gv_net_past {
    GV_NET_POOLED, /* the mean of each field over events */
    GV_NET_TOKENS, /* events as tokens among the others */
    GV_NET_EVENTS, /* events with what is left of them, read by attention */
    GV_NET_CODES   /* the same while it learns; served, what their codes tell: net_codes.c */
} gv_net_past;

typedef struct gv_net_reading {
    gv_net_past form;
    /* Of GV_NET_EVENTS and GV_NET_CODES: */
    size_t reads; /* attentions, 1 .. GV_NET_READS_MAX, each with keys and values of its own */
    size_t heads;
    size_t codes; /* of each head */
} gv_net_reading;

/* What a network is built on, for B rows; W is the table's width. A node may be GV_NODE_NONE. */
typedef struct gv_net_nodes {
    size_t part_count; /* 1 where the sides do not matter */
    gv_net_part parts[GV_FIELDS_MAX];
    gv_node fields; /* [B, F, W] all parts */
    gv_node past;   /* events [B, L, E W], or pooled [B, E, W]; NONE without, or where codes tell */
    gv_node ages;   /* [B, L, GV_NET_AGES] of tokens */
    gv_node decays; /* [B, L, GV_NET_DECAYS] of events that are read; 0 where there is none */
    /* 1 where there is a token: fields, events, tasks. */
    gv_node seen;   /* [B, F + L + GV_NET_TASKS] of tokens */
    gv_node shares; /* [B, L] of tokens: 1 / events where there is one, otherwise 0 */
    gv_node code_pairs[GV_NET_READS_MAX];      /* [B, C, 2 D] served by codes: gv_vql_tell() */
    gv_node code_weights[GV_NET_READS_MAX];    /* [B, heads, C] */
    gv_node click, conversion;                 /* [B] labels; training */
    gv_node click_weights, conversion_weights; /* [B] */
    /* Of training by codes, written by build(): */
    gv_node keys[GV_NET_READS_MAX]; /* [B, L, D], kept */
    gv_node penalty;                /* of keys apart from their codes; one number */
} gv_net_nodes;

typedef struct gv_net_kind {
    size_t extra; /* numbers of a table's row beyond the width */
    /* How a past is taken, if there is one. */
    gv_net_reading (*reading)(const void *config);
    /* logits [GV_NET_TASKS]: nodes of B numbers. */
    void (*build)(gv_graph *graph, gv_net_nodes *nodes, const void *config,
                  gv_node logits[GV_NET_TASKS]);
    /* Of GV_NET_CODES: events [N, E W] -> keys and values of each reading [N, reads 2 D]. */
    gv_node (*encode)(gv_graph *graph, gv_node events, const void *config);
} gv_net_kind;

/* Codes of each reading, how they learn and what tells of a past when the network is served. */
typedef struct gv_net_codes gv_net_codes;

/* Where the numbers of a graph's inputs lie, on a tape or elsewhere; NULL where there is none. */
typedef struct gv_net_places {
    float *parts[GV_FIELDS_MAX];
    float *past, *ages, *decays, *seen, *shares;
    float *code_pairs[GV_NET_READS_MAX];
    float *code_weights[GV_NET_READS_MAX];
} gv_net_places;

enum { GV_NET_SHARING_SIZE = 256 };

typedef struct gv_net {
    const gv_net_kind *kind;
    gv_net_reading reading;
    gv_model_setup setup;
    gv_net_common common;
    size_t table_width; /* W */
    size_t past_slots;  /* gathered rows of the table that are a row's past: L E, or E */
    size_t shard_rows;
    size_t served_rows;
    gv_params *params;
    gv_embeddings *table;
    gv_net_codes *codes; /* NULL: none */
    gv_graph *training;
    gv_graph *serving;
    gv_net_nodes training_nodes;
    gv_net_nodes serving_nodes;
    gv_node logits; /* [B, GV_NET_TASKS] of serving */
    gv_optimizer *optimizer;
    gv_trainer *trainer;
    gv_tape **tapes; /* [jobs] of serving */
    gv_mari **maris; /* [jobs] likewise; NULL: each row for itself */
    size_t *ends;    /* [jobs][served_rows] of the requests at hand */
    char sharing[GV_NET_SHARING_SIZE];
    float *slopes; /* [batch][F + past_slots][W] of the last step */
    /* The batch at hand, or what is priced. */
    const gv_examples *examples;
    const uint32_t *rows; /* NULL: all of the examples */
    size_t row_count;
    double weight; /* of its rows together */
    float *pctr, *pcvr;
} gv_net;

/* Methods of gv_model_type but for init, which knows its kind. */
GV_MUST_CHECK gv_status gv_net_init(gv_net *net, const gv_net_kind *kind,
                                    const gv_model_setup *setup);
gv_status gv_net_learn(void *state, const gv_examples *examples, const uint32_t *rows, size_t count,
                       double *loss);
gv_status gv_net_predict(void *state, const gv_examples *examples, float *pctr, float *pcvr);
const char *gv_net_sharing(const void *state);
void gv_net_tensors(const void *state, gv_model_tensors *out);
gv_status gv_net_restore(void *state, const gv_safetensors *file);
void gv_net_fini(void *state);

/* Makes the inputs for `rows` rows; labels too when the graph is to learn. */
gv_net_nodes gv_net_inputs(gv_graph *graph, const gv_net *net, size_t rows, bool learns);

/* The loss of the two tasks, one number. */
gv_node gv_net_loss(gv_graph *graph, const gv_net_nodes *nodes, const gv_node logits[GV_NET_TASKS]);

/* Where a node's input is written, in a tape or a MaRI: `from` is either. */
typedef float *(*gv_net_finder)(void *from, gv_node node);

gv_net_places gv_net_places_of(const gv_net_nodes *nodes, gv_net_finder find, void *from);

/* Writes row `row` of the examples, of one part or of the past, into row `place` of the inputs. */
void gv_net_gather_part(const gv_net *net, const gv_net_part *part, float *values, size_t row,
                        size_t place);
/* `worker` is whose scratch tells of a past by codes. */
void gv_net_gather_past(const gv_net *net, const gv_net_places *places, size_t row, size_t place,
                        size_t worker);

/* The same of the whole row, or of nothing: a row of zeros without events. */
void gv_net_gather(const gv_net *net, gv_tape *tape, const gv_net_nodes *nodes, size_t row,
                   size_t place, size_t worker);
void gv_net_gather_none(const gv_net *net, gv_tape *tape, const gv_net_nodes *nodes, size_t place);

/* Codes of a network: its parameters are added to, before they are drawn; see net_codes.c. */
GV_MUST_CHECK gv_status gv_net_codes_create(gv_net *net, gv_net_codes **out);
void gv_net_codes_destroy(const gv_net *net, gv_net_codes *codes); /* accepts NULL */

/* What build() and the codes have in common: scopes of readings, and the parameters "codes" and
   "shares" in each: [heads, C, D / heads], and logarithms of the kernel's shares [heads, R]. */
#define GV_NET_READ_SCOPE "block%zu.read"
gv_shape gv_net_codes_shape(const gv_net_reading *reading, size_t width);
extern const gv_init gv_net_codes_init;
extern const gv_init gv_net_shares_init;

/* D, of all heads. */
size_t gv_net_codes_width(const gv_net_codes *codes);

/* Once the parameters are drawn or restored: tapes, and the codes as they are. */
GV_MUST_CHECK gv_status gv_net_codes_begin(const gv_net *net);

/* A shard's keys, on its thread; then, behind the step, all shards'. */
void gv_net_codes_collect(const gv_net *net, const gv_tape *tape, size_t shard);
void gv_net_codes_learn(const gv_net *net);

/* What the codes tell of the past of row `row`, into row `place`. */
void gv_net_codes_tell(const gv_net *net, const gv_net_places *places, size_t row, size_t place,
                       size_t worker);

/* Serving, of gv_net_init() and gv_net_restore(): graph and tapes, then MaRI over weights. */
GV_MUST_CHECK gv_status gv_net_build_serving(gv_net *net);
GV_MUST_CHECK gv_status gv_net_begin_serving(gv_net *net);
GV_MUST_CHECK gv_status gv_net_begin_sharing(gv_net *net);
void gv_net_end_serving(gv_net *net);

/* Takes slopes [F + past_slots][W] of a row to the table. */
GV_MUST_CHECK gv_status gv_net_touch(const gv_net *net, size_t row, const float *slopes);

/* log(1 + age in minutes) / 8, and what is left of an event after an hour's and a day's decay. */
void gv_net_age(double seconds, float out[GV_NET_AGES]);

/* What is left of an event without decay, and after an hour's and a day's: exp(-rate age). */
extern const double gv_net_decay_rates[GV_NET_DECAYS]; /* a second */
void gv_net_decays(double seconds, float out[GV_NET_DECAYS]);

extern const gv_net_kind gv_net_mlp;
extern const gv_net_kind gv_net_infnet;
extern const gv_model_type gv_model_mlp;
extern const gv_model_type gv_model_infnet;

#endif
