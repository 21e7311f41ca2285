/*
 * dt_serve_impl.h - the parts of a served decision transformer: what they share.
 */
#ifndef POLICIES_LEARN_DT_SERVE_IMPL_H
#define POLICIES_LEARN_DT_SERVE_IMPL_H

#include <pthread.h>

#include "models/nn/decoder_cache.h"
#include "models/nn/dense.h"
#include "models/nn/tape.h"
#include "policies/learn/bags_impl.h"
#include "policies/learn/discriminator_impl.h"
#include "policies/learn/dt_impl.h"
#include "policies/learn/ebaret.h"

enum {
    GV_DT_CHUNK = 16,     /* campaigns that share a cache */
    GV_DT_TOKENS_MAX = 4, /* of a tick */
};

/* The decoder with its caches, and what stands before and behind it. */
typedef struct gv_dt_cached {
    gv_dense *embed[GV_DT_TOKENS_MAX]; /* in the order of a tick's tokens */
    gv_dense *predict;
    gv_dense *predict_return; /* NULL unless guided, as is the next */
    gv_dense *predict_expertness;
    const float *tick; /* [ticks][width] */
    const float *gain; /* of the norm of embeddings: [width] */
    const float *shift;
    gv_decoder_cache **chunks; /* [chunk_count] */
    uint32_t *taken;           /* [chunk_count]: a bit a slot */
    size_t chunk_count;
    float *x; /* [GV_DT_CHUNK][GV_DT_TOKENS_MAX][width], and not less than [bins][width] */
    float *y;
    float *logits; /* [GV_DT_CHUNK + 1][bins]: of returns, then of expertness */
} gv_dt_cached;

typedef struct gv_dt_network {
    gv_dt_serving serving;
    gv_guidance guidance; /* all 0: none */
    gv_dt_sizes sizes;    /* with the context that is served */
    gv_return_law law;
    gv_bag_law bags;
    gv_lens lens;
    gv_scaling scaling;
    gv_judge *judge; /* NULL: the weights have no discriminator */
    gv_params *params;
    gv_graph *graph; /* of one window */
    gv_dt_nodes nodes;
    gv_node action;
    gv_tape *tape;       /* NULL: cached */
    gv_dt_cached cached; /* all NULL: computed anew */
    pthread_mutex_t lock;
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
    gv_bag_purse purse;
    double expertness; /* the latest that was predicted; NaN unless guided */
    float *to_go;      /* [ticks]; all behind the seat */
    float *done;       /* [ticks]: actions as they were carried out, scaled */
    float *states;     /* [ticks][features] */
};

/* All 0 but for its lock; NULL: no memory. */
gv_dt *gv_dt_create(void);

/*
 * Makes the network whose serving, guidance, sizes (of the training's context), law, bags and lens
 * are set. gv_dt_close() is due even after a failure.
 */
GV_MUST_CHECK gv_status gv_dt_fill(gv_dt_network *dt, const gv_weights *weights);

GV_MUST_CHECK gv_status gv_dt_cached_open(gv_dt_network *dt);
void gv_dt_cached_close(gv_dt_network *dt);

/* Token number `place` of a tick, embedded: its linear map of x, the tick's, then LayerNorm. */
void gv_dt_cached_embed(const gv_dt_network *dt, size_t place, const float *x, size_t tick,
                        float *row);

/* A slot for a campaign, at its beginning. */
GV_MUST_CHECK gv_status gv_dt_cached_take(gv_dt_network *dt, size_t *chunk, size_t *slot);
void gv_dt_cached_give(gv_dt_network *dt, size_t chunk, size_t slot);

/*
 * Seats of one chunk, at most GV_DT_CHUNK of them, all at their first tick or none; each gets its
 * action from its latest tick.
 */
void gv_dt_cached_act(gv_dt_network *dt, gv_dt_seat *const *seats, size_t count);

/* The same where the network is guided, and the seats' returns to go may be chosen. */
void gv_dt_guided_act(gv_dt_network *dt, gv_dt_seat *const *seats, size_t count);

/* Lets the discriminator choose among candidates to each seat's action. */
void gv_dt_guided_choose(const gv_dt_network *dt, gv_dt_seat *const *seats, size_t count);

#endif
