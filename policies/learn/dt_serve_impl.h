/*
 * dt_serve_impl.h - the parts of a served decision transformer: what they share.
 */
#ifndef POLICIES_LEARN_DT_SERVE_IMPL_H
#define POLICIES_LEARN_DT_SERVE_IMPL_H

#include <pthread.h>

#include "models/nn/decoder_cache.h"
#include "models/nn/dense.h"
#include "models/nn/tape.h"
#include "policies/learn/dt_impl.h"

enum {
    GV_DT_CHUNK = 16,     /* campaigns that share a cache */
    GV_DT_TOKENS_MAX = 4, /* of a tick */
};

/* The decoder with its caches, and what stands before and behind it. */
typedef struct gv_dt_cached {
    gv_dense *embed[GV_DT_TOKENS_MAX]; /* in the order of a tick's tokens */
    gv_dense *predict;
    const float *tick; /* [ticks][width] */
    const float *gain; /* of the norm of embeddings: [width] */
    const float *shift;
    gv_decoder_cache **chunks; /* [chunk_count] */
    uint32_t *taken;           /* [chunk_count]: a bit a slot */
    size_t chunk_count;
    float *x; /* [GV_DT_CHUNK][GV_DT_TOKENS_MAX][width] */
    float *y;
} gv_dt_cached;

typedef struct gv_dt_network {
    gv_dt_config config;
    gv_dt_serving serving;
    gv_dt_sizes sizes; /* with the context that is served */
    gv_return_law law;
    gv_scaling scaling;
    gv_params *params;
    gv_graph *graph; /* of one window */
    gv_dt_nodes nodes;
    gv_node action;
    gv_tape *tape;       /* NULL: cached */
    gv_dt_cached cached; /* all NULL: computed anew */
    pthread_mutex_t lock;
    bool has_lock;
} gv_dt_network;

/* What is only read points to what its calls write, under its lock. */
struct gv_dt {
    gv_dt_network *network;
};

struct gv_dt_seat {
    gv_dt_network *dt;
    gv_account account;
    size_t chunk;
    size_t slot;
    size_t length; /* ticks seen */
    double action; /* the latest, scaled */
    float *to_go;  /* [ticks]; all behind the seat */
    float *done;   /* [ticks]: actions as they were carried out, scaled */
    float *states; /* [ticks][GV_STATE_SIZE] */
};

GV_MUST_CHECK gv_status gv_dt_cached_open(gv_dt_network *dt);
void gv_dt_cached_close(gv_dt_network *dt);

/* A slot for a campaign, at its beginning. */
GV_MUST_CHECK gv_status gv_dt_cached_take(gv_dt_network *dt, size_t *chunk, size_t *slot);
void gv_dt_cached_give(gv_dt_network *dt, size_t chunk, size_t slot);

/*
 * Seats of one chunk, at most GV_DT_CHUNK of them, all at their first tick or none; each gets its
 * action from its latest tick.
 */
void gv_dt_cached_act(gv_dt_network *dt, gv_dt_seat *const *seats, size_t count);

#endif
