/*
 * decoder_cache.h - a decoder that serves: many campaigns, each with its keys and values cached.
 *
 * A new token costs its own row of products and one look at the campaign's past, not the whole
 * sequence again. Nothing is ever evicted: a cache has room for all tokens of a period, because
 * under a sliding window a cache is not the same function as recomputing.
 *
 * Tokens of many campaigns are computed together; each campaign's numbers are sums in an order
 * that depends on its own past alone (dense.h), so they are the same bits alone, in any company
 * and at any place.
 */
#ifndef MODELS_NN_DECODER_CACHE_H
#define MODELS_NN_DECODER_CACHE_H

#include <stddef.h>

#include "models/nn/params.h"
#include "models/nn/transformer.h"
#include "sim/base/status.h"

typedef struct gv_decoder_cache gv_decoder_cache;

typedef struct gv_decoder_cache_config {
    const gv_params *params; /* copied from at create */
    const char *name;        /* as given to gv_layer_decoder(), below its scopes */
    gv_decoder decoder;      /* dropout is not looked at */
    size_t campaigns;        /* slots 0 .. campaigns - 1 */
    size_t tokens;           /* each campaign's longest sequence */
} gv_decoder_cache_config;

/* GV_ENOTFOUND: the set lacks a layer of such a decoder. */
GV_MUST_CHECK gv_status gv_decoder_cache_create(const gv_decoder_cache_config *config,
                                                gv_decoder_cache **out);
void gv_decoder_cache_destroy(gv_decoder_cache *cache); /* accepts NULL */

/* The slot's sequence starts anew. */
void gv_decoder_cache_reset(gv_decoder_cache *cache, size_t slot);

/* Tokens that the slot has seen. */
size_t gv_decoder_cache_length(const gv_decoder_cache *cache, size_t slot);

/*
 * `count` campaigns, all different, take `tokens` further tokens each (1 .. 4, within the room,
 * asserted): x [count][tokens][width] -> y [count][tokens][width]. Allocates nothing.
 */
void gv_decoder_cache_advance(gv_decoder_cache *cache, const size_t *slots, size_t count,
                              size_t tokens, const float *x, float *y);

/*
 * `count` tokens, each of which might be the slot's next (there is room for it, asserted): x
 * [count][width] -> y [count][width], and the slot is as if they had never been asked about.
 */
void gv_decoder_cache_try(gv_decoder_cache *cache, size_t slot, size_t count, const float *x,
                          float *y);

/* What a slot has seen, for checkpoints: numbers of a whole slot, to be copied out and in. */
size_t gv_decoder_cache_slot_size(const gv_decoder_cache *cache);
void gv_decoder_cache_save(const gv_decoder_cache *cache, size_t slot, float *numbers);
void gv_decoder_cache_restore(gv_decoder_cache *cache, size_t slot, const float *numbers,
                              size_t length);

#endif
