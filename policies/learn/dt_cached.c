/*
 * A tick is the last one's action, which is known only now, and this one's return and state. Ticks
 * enter the cache one after another; the action is read off the last token of each.
 */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "policies/learn/dt_serve_impl.h"
#include "sim/base/mem.h"

static const double norm_epsilon = 1e-5; /* torch's, as gv_op_layer_norm() */

static const float *weight_of(const gv_dt_network *dt, const char *name)
{
    const gv_weight *weight = gv_params_find(dt->params, name);
    assert(weight != NULL);
    return gv_params_read_f32(dt->params) + weight->offset;
}

static gv_status open_embeddings(gv_dt_network *dt)
{
    static const char *const plain[GV_DT_TOKENS_MAX] = {
        GV_DT_PREFIX "embed_constraint", GV_DT_PREFIX "embed_return", GV_DT_PREFIX "embed_state",
        GV_DT_PREFIX "embed_action"};
    static const char *const guided[GV_DT_TOKENS_MAX] = {
        GV_DT_PREFIX "embed_state", GV_DT_PREFIX "embed_return", GV_DT_PREFIX "embed_expertness",
        GV_DT_PREFIX "embed_action"};
    const char *const *names = dt->sizes.bins > 0 ? guided : plain;
    const size_t skipped = GV_DT_TOKENS_MAX - dt->sizes.tokens;
    for (size_t i = 0; i < dt->sizes.tokens; i++) {
        GV_TRY(gv_dense_create(dt->params, names[skipped + i], &dt->cached.embed[i]));
    }
    return GV_OK;
}

static gv_status open_layers(gv_dt_network *dt)
{
    gv_dt_cached *cached = &dt->cached;
    GV_TRY(open_embeddings(dt));
    GV_TRY(gv_dense_create(dt->params, GV_DT_PREFIX "predict_action", &cached->predict));
    cached->tick = weight_of(dt, GV_DT_PREFIX "embed_tick.weight");
    cached->gain = weight_of(dt, GV_DT_PREFIX "embed_ln.weight");
    cached->shift = weight_of(dt, GV_DT_PREFIX "embed_ln.bias");
    if (dt->sizes.bins == 0) {
        return GV_OK;
    }
    GV_TRY(gv_dense_create(dt->params, GV_DT_PREFIX "predict_return", &cached->predict_return));
    return gv_dense_create(dt->params, GV_DT_PREFIX "predict_expertness",
                           &cached->predict_expertness);
}

gv_status gv_dt_cached_open(gv_dt_network *dt)
{
    gv_dt_cached *cached = &dt->cached;
    const size_t tokens = (size_t)GV_DT_CHUNK * GV_DT_TOKENS_MAX;
    const size_t rows = dt->sizes.bins > tokens ? dt->sizes.bins : tokens;
    GV_TRY(open_layers(dt));
    cached->x = gv_mem_alloc_vector(rows * dt->sizes.decoder.width, sizeof *cached->x);
    cached->y = gv_mem_alloc_vector(rows * dt->sizes.decoder.width, sizeof *cached->y);
    cached->logits =
        gv_mem_alloc(0, (GV_DT_CHUNK + 1) * dt->sizes.bins + 1, sizeof *cached->logits);
    if (cached->x == NULL || cached->y == NULL || cached->logits == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the tokens of a decision transformer");
    }
    return GV_OK;
}

void gv_dt_cached_close(gv_dt_network *dt)
{
    gv_dt_cached *cached = &dt->cached;
    for (size_t i = 0; i < GV_DT_TOKENS_MAX; i++) {
        gv_dense_destroy(cached->embed[i]);
    }
    gv_dense_destroy(cached->predict);
    gv_dense_destroy(cached->predict_return);
    gv_dense_destroy(cached->predict_expertness);
    for (size_t i = 0; i < cached->chunk_count; i++) {
        gv_decoder_cache_destroy(cached->chunks[i]);
    }
    gv_mem_free(cached->chunks);
    gv_mem_free(cached->taken);
    gv_mem_free(cached->x);
    gv_mem_free(cached->y);
    gv_mem_free(cached->logits);
}

/* ---- slots ----------------------------------------------------------------------------------- */

static gv_status add_chunk(gv_dt_network *dt)
{
    gv_dt_cached *cached = &dt->cached;
    const size_t count = cached->chunk_count + 1;
    const gv_decoder_cache_config config = {.params = dt->params,
                                            .name = GV_DT_PREFIX "decoder",
                                            .decoder = dt->sizes.decoder,
                                            .campaigns = GV_DT_CHUNK,
                                            .tokens = dt->sizes.ticks * dt->sizes.tokens};
    void *chunks = gv_mem_resize(cached->chunks, count, sizeof(gv_decoder_cache *));
    cached->chunks = chunks == NULL ? cached->chunks : chunks;
    void *taken = gv_mem_resize(cached->taken, count, sizeof *cached->taken);
    cached->taken = taken == NULL ? cached->taken : taken;
    if (chunks == NULL || taken == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the caches of %zu campaigns", count * GV_DT_CHUNK);
    }
    GV_TRY(gv_decoder_cache_create(&config, &cached->chunks[count - 1]));
    cached->taken[count - 1] = 0;
    cached->chunk_count = count;
    return GV_OK;
}

gv_status gv_dt_cached_take(gv_dt_network *dt, size_t *chunk, size_t *slot)
{
    gv_dt_cached *cached = &dt->cached;
    const uint32_t full = (UINT32_C(1) << GV_DT_CHUNK) - 1;
    size_t found = 0;
    while (found < cached->chunk_count && cached->taken[found] == full) {
        found++;
    }
    if (found == cached->chunk_count) {
        GV_TRY(add_chunk(dt));
    }
    size_t free_slot = 0;
    while ((cached->taken[found] >> free_slot & 1) != 0) {
        free_slot++;
    }
    cached->taken[found] |= UINT32_C(1) << free_slot;
    gv_decoder_cache_reset(cached->chunks[found], free_slot);
    *chunk = found;
    *slot = free_slot;
    return GV_OK;
}

void gv_dt_cached_give(gv_dt_network *dt, size_t chunk, size_t slot)
{
    dt->cached.taken[chunk] &= ~(UINT32_C(1) << slot);
}

/* ---- tokens ---------------------------------------------------------------------------------- */

void gv_dt_cached_embed(const gv_dt_network *dt, size_t place, const float *x, size_t tick,
                        float *row)
{
    const gv_dt_cached *cached = &dt->cached;
    const size_t width = dt->sizes.decoder.width;
    const size_t index = tick < dt->sizes.tick_end ? tick : dt->sizes.tick_end;
    double mean = 0;
    double variance = 0;
    gv_dense_apply(cached->embed[place], x, 1, row);
    for (size_t i = 0; i < width; i++) {
        row[i] += cached->tick[index * width + i];
        mean += (double)row[i] / (double)width;
    }
    for (size_t i = 0; i < width; i++) {
        const double off = (double)row[i] - mean;
        variance += off * off / (double)width;
    }
    const double factor = 1 / sqrt(variance + norm_epsilon);
    for (size_t i = 0; i < width; i++) {
        row[i] = (float)(((double)row[i] - mean) * factor) * cached->gain[i] + cached->shift[i];
    }
}

/* What is new at the seat's latest tick; returns the number of tokens. */
static size_t embed_tick(const gv_dt_network *dt, const gv_dt_seat *seat, float *rows)
{
    const size_t tick = seat->length - 1;
    const size_t width = dt->sizes.decoder.width;
    size_t place = 0;
    float *row = rows;
    if (tick > 0) {
        gv_dt_cached_embed(dt, dt->sizes.tokens - 1, &seat->done[tick - 1], tick - 1, row);
        row += width;
    }
    if (dt->sizes.tokens == GV_DT_TOKENS_MAX) {
        float token[GV_CONSTRAINT_SIZE];
        gv_constraint_token(dt->serving.used, &seat->account, token);
        gv_dt_cached_embed(dt, place++, token, tick, row);
        row += width;
    }
    gv_dt_cached_embed(dt, place, &seat->to_go[tick], tick, row);
    gv_dt_cached_embed(dt, place + 1, seat->states + tick * dt->sizes.features, tick, row + width);
    return (size_t)(row - rows) / width + 2;
}

void gv_dt_cached_act(gv_dt_network *dt, gv_dt_seat *const *seats, size_t count)
{
    gv_dt_cached *cached = &dt->cached;
    const size_t width = dt->sizes.decoder.width;
    const size_t tokens = dt->sizes.tokens - (seats[0]->length == 1 ? 1 : 0);
    size_t slots[GV_DT_CHUNK] = {0};
    assert(count >= 1);
    assert(count <= GV_DT_CHUNK);
    for (size_t i = 0; i < count; i++) {
        slots[i] = seats[i]->slot;
        const size_t made = embed_tick(dt, seats[i], cached->x + i * tokens * width);
        assert(made == tokens);
        assert(seats[i]->chunk == seats[0]->chunk);
    }
    gv_decoder_cache_advance(cached->chunks[seats[0]->chunk], slots, count, tokens, cached->x,
                             cached->y);
    for (size_t i = 0; i < count; i++) {
        float action = 0;
        gv_dense_apply(cached->predict, cached->y + ((i + 1) * tokens - 1) * width, 1, &action);
        seats[i]->action = (double)action;
    }
}
