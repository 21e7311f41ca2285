/*
 * One slot holds for each layer its keys, transposed [width][room], so that a query's scores run
 * along tokens, and its values [room][width], so that mixing runs along columns.
 */
#include "models/nn/decoder_cache.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "models/nn/activate_impl.h"
#include "models/nn/dense.h"
#include "models/nn/row_impl.h"
#include "models/nn/tile_impl.h"
#include "sim/base/mem.h"

/* Campaigns computed together, and the most tokens of each in one pass. */
enum { TOGETHER = 16, TOKENS_MAX = 4, ROWS_MAX = TOGETHER * TOKENS_MAX, NORMS = 2 };

typedef struct cache_layer {
    gv_dense *qkv, *proj, *inner, *outer;
    const float *gain[NORMS]; /* of ln1 and ln2: [width], in `norms` */
    const float *bias[NORMS];
} cache_layer;

struct gv_decoder_cache {
    gv_decoder decoder;
    size_t campaigns;
    size_t room; /* tokens, to a multiple of the lanes */
    size_t tokens;
    cache_layer *layers;
    float *norms;   /* gains and shifts of all norms, the last one's behind */
    float *numbers; /* [campaigns][layers][2][width * room] */
    size_t *lengths;
    float *
        scratch; /* [ROWS_MAX][...]: x, normed, qkv, mixed, inner; then [TOKENS_MAX][room] scores */
};

/* Copies one norm's gain and shift to `to` [2][width]. */
static gv_status copy_norm(const gv_params *params, const char *name, size_t width, float *to)
{
    static const char *const parts[2] = {"weight", "bias"};
    for (size_t i = 0; i < 2; i++) {
        char full[2 * GV_NN_NAME_MAX];
        (void)snprintf(full, sizeof full, "%s.%s", name, parts[i]);
        const gv_weight *param = gv_params_find(params, full);
        if (param == NULL || param->count != width) {
            return GV_FAIL(GV_ENOTFOUND, "the network has no '%s' of %zu numbers", full, width);
        }
        memcpy(to + i * width, gv_params_read_f32(params) + param->offset, width * sizeof *to);
    }
    return GV_OK;
}

static gv_status make_dense(const gv_decoder_cache_config *config, size_t layer, const char *part,
                            gv_dense **out)
{
    char full[2 * GV_NN_NAME_MAX];
    (void)snprintf(full, sizeof full, "%s.blocks.%zu.%s", config->name, layer, part);
    return gv_dense_create(config->params, full, out);
}

static gv_status make_layer(const gv_decoder_cache_config *config, size_t index,
                            gv_decoder_cache *cache)
{
    cache_layer *layer = &cache->layers[index];
    const size_t width = config->decoder.width;
    GV_TRY(make_dense(config, index, "attn.qkv", &layer->qkv));
    GV_TRY(make_dense(config, index, "attn.proj", &layer->proj));
    GV_TRY(make_dense(config, index, "mlp.0", &layer->inner));
    GV_TRY(make_dense(config, index, "mlp.2", &layer->outer));
    for (size_t i = 0; i < NORMS; i++) {
        char full[2 * GV_NN_NAME_MAX];
        float *to = cache->norms + (index * NORMS + i) * 2 * width;
        (void)snprintf(full, sizeof full, "%s.blocks.%zu.ln%zu", config->name, index, i + 1);
        GV_TRY(copy_norm(config->params, full, width, to));
        layer->gain[i] = to;
        layer->bias[i] = to + width;
    }
    return GV_OK;
}

static float *last_norm(const gv_decoder_cache *cache)
{
    return cache->norms + cache->decoder.layers * NORMS * 2 * cache->decoder.width;
}

static size_t layer_size(const gv_decoder_cache *cache)
{
    return 2 * cache->decoder.width * cache->room;
}

size_t gv_decoder_cache_slot_size(const gv_decoder_cache *cache)
{
    return cache->decoder.layers * layer_size(cache);
}

/* Numbers of scratch for one row of every kind. */
static size_t scratch_row(const gv_decoder *decoder)
{
    return 6 * decoder->width + decoder->inner;
}

static gv_status make_memory(gv_decoder_cache *cache)
{
    const gv_decoder *decoder = &cache->decoder;
    const size_t norms = (decoder->layers * NORMS + 1) * 2 * decoder->width;
    /* A head's last panel may reach beyond its own columns, the very last one beyond all. */
    const size_t numbers = cache->campaigns * gv_decoder_cache_slot_size(cache) + PANEL;
    cache->layers = gv_mem_alloc(0, decoder->layers, sizeof *cache->layers);
    cache->norms = gv_mem_alloc_vector(norms, sizeof(float));
    cache->numbers = gv_mem_alloc_vector(numbers, sizeof(float));
    cache->lengths = gv_mem_alloc(0, cache->campaigns, sizeof *cache->lengths);
    cache->scratch = gv_mem_alloc_vector(ROWS_MAX * scratch_row(decoder) + TOKENS_MAX * cache->room,
                                         sizeof(float));
    if (cache->layers == NULL || cache->norms == NULL || cache->numbers == NULL ||
        cache->lengths == NULL || cache->scratch == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to serve %zu campaigns", cache->campaigns);
    }
    memset(cache->numbers, 0, numbers * sizeof(float));
    return GV_OK;
}

static gv_status make(const gv_decoder_cache_config *config, gv_decoder_cache *cache)
{
    GV_TRY(make_memory(cache));
    for (size_t i = 0; i < config->decoder.layers; i++) {
        GV_TRY(make_layer(config, i, cache));
    }
    if (config->decoder.has_last_norm) {
        char full[2 * GV_NN_NAME_MAX];
        (void)snprintf(full, sizeof full, "%s.ln", config->name);
        GV_TRY(copy_norm(config->params, full, config->decoder.width, last_norm(cache)));
    }
    return GV_OK;
}

gv_status gv_decoder_cache_create(const gv_decoder_cache_config *config, gv_decoder_cache **out)
{
    assert(config->campaigns >= 1);
    assert(config->tokens >= 1);
    assert(config->decoder.width % config->decoder.heads == 0);
    gv_decoder_cache *cache = gv_mem_alloc(sizeof *cache, 0, 0);
    if (cache == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to serve %zu campaigns", config->campaigns);
    }
    cache->decoder = config->decoder;
    cache->campaigns = config->campaigns;
    cache->tokens = config->tokens;
    cache->room = (config->tokens + LANES - 1) / LANES * LANES;
    const gv_status status = make(config, cache);
    if (status != GV_OK) {
        gv_decoder_cache_destroy(cache);
        return status;
    }
    *out = cache;
    return GV_OK;
}

void gv_decoder_cache_destroy(gv_decoder_cache *cache)
{
    if (cache == NULL) {
        return;
    }
    for (size_t i = 0; cache->layers != NULL && i < cache->decoder.layers; i++) {
        gv_dense_destroy(cache->layers[i].qkv);
        gv_dense_destroy(cache->layers[i].proj);
        gv_dense_destroy(cache->layers[i].inner);
        gv_dense_destroy(cache->layers[i].outer);
    }
    gv_mem_free(cache->layers);
    gv_mem_free(cache->norms);
    gv_mem_free(cache->numbers);
    gv_mem_free(cache->lengths);
    gv_mem_free(cache->scratch);
    gv_mem_free(cache);
}

static float *slot_numbers(const gv_decoder_cache *cache, size_t slot)
{
    assert(slot < cache->campaigns);
    return cache->numbers + slot * gv_decoder_cache_slot_size(cache);
}

void gv_decoder_cache_reset(gv_decoder_cache *cache, size_t slot)
{
    assert(slot < cache->campaigns);
    cache->lengths[slot] = 0;
}

size_t gv_decoder_cache_length(const gv_decoder_cache *cache, size_t slot)
{
    assert(slot < cache->campaigns);
    return cache->lengths[slot];
}

void gv_decoder_cache_save(const gv_decoder_cache *cache, size_t slot, float *numbers)
{
    memcpy(numbers, slot_numbers(cache, slot), gv_decoder_cache_slot_size(cache) * sizeof(float));
}

void gv_decoder_cache_restore(gv_decoder_cache *cache, size_t slot, const float *numbers,
                              size_t length)
{
    assert(length <= cache->tokens);
    memcpy(slot_numbers(cache, slot), numbers, gv_decoder_cache_slot_size(cache) * sizeof(float));
    cache->lengths[slot] = length;
}

GV_VECTOR static void norm_rows(const float *x, const float *gain, const float *bias, size_t rows,
                                size_t width, float *out)
{
    for (size_t row = 0; row < rows; row++) {
        float moments[2];
        norm_row(x + row * width, gain, bias, width, moments, out + row * width);
    }
}

GV_VECTOR static void add_rows(const float *y, size_t count, float *x)
{
    for (size_t i = 0; i < count; i++) {
        x[i] += y[i];
    }
}

/* One layer's keys and values of one slot, and what its present token's place is. */
typedef struct cache_view {
    float *keys;   /* [width][room] */
    float *values; /* [room][width] */
    size_t width, room, head_width;
} cache_view;

/* qkv: one token's row; it becomes token number `place`. */
static void remember(const cache_view *view, const float *qkv, size_t place)
{
    for (size_t i = 0; i < view->width; i++) {
        view->keys[i * view->room + place] = qkv[view->width + i];
    }
    memcpy(view->values + place * view->width, qkv + 2 * view->width, view->width * sizeof(float));
}

/* What a campaign's new tokens see: tokens 0 .. end - 1, the last of them their own. */
typedef struct cache_look {
    const float *queries; /* [count] rows, 3 widths apart */
    size_t count, end;
    float *scores; /* [count][room] */
    float *out;    /* [count][width] */
} cache_look;

/* scores of one head over all tokens; those up to the next lane are of no use. */
static void score_tokens(const cache_view *view, const cache_look *look, size_t head)
{
    static const float none[PANEL] = {0};
    for (size_t t = 0; t < look->end; t += PANEL) {
        const gv_tile tile = {.w = view->keys + head * view->head_width * view->room + t,
                              .w_step = view->room,
                              .w_next = PANEL / 2,
                              .x = look->queries + head * view->head_width,
                              .x_step = 3 * view->width,
                              .from = none,
                              .to = look->scores + t,
                              .to_step = view->room,
                              .depth = view->head_width};
        gv_tile_slim(&tile, look->count);
    }
}

/* A token does not see those behind it: their weight is 0. */
GV_VECTOR static void weigh_tokens(const cache_view *view, const cache_look *look)
{
    const float scale = (float)(1.0 / sqrt((double)view->head_width));
    for (size_t i = 0; i < look->count; i++) {
        float *row = look->scores + i * view->room;
        const size_t seen = look->end - look->count + i + 1;
        softmax_row(row, seen, scale, row);
        memset(row + seen, 0, (look->end - seen) * sizeof *row);
    }
}

/* out of one head := the values of all tokens in their weights. */
static void mix_tokens(const cache_view *view, const cache_look *look, size_t head)
{
    static const float none[PANEL] = {0};
    float mixed[TOKENS_MAX][PANEL];
    for (size_t i = 0; i < view->head_width; i += PANEL) {
        const size_t first = head * view->head_width + i;
        const size_t left = view->head_width - i;
        const gv_tile tile = {.w = view->values + first,
                              .w_step = view->width,
                              .w_next = PANEL / 2,
                              .x = look->scores,
                              .x_step = view->room,
                              .from = none,
                              .to = mixed[0],
                              .to_step = PANEL,
                              .depth = look->end};
        gv_tile_slim(&tile, look->count);
        for (size_t t = 0; t < look->count; t++) {
            memcpy(look->out + t * view->width + first, mixed[t],
                   (left < PANEL ? left : PANEL) * sizeof **mixed);
        }
    }
}

/* A campaign's tokens through all heads. */
static void look_back(const cache_view *view, const cache_look *look)
{
    for (size_t head = 0; head * view->head_width < view->width; head++) {
        score_tokens(view, look, head);
        weigh_tokens(view, look);
        mix_tokens(view, look, head);
    }
}

/* Rows of one pass: what each kind of scratch begins with. */
typedef struct cache_pass {
    const size_t *slots;
    size_t count, tokens, rows;
    float *x, *normed, *qkv, *mixed, *inner, *scores;
} cache_pass;

static cache_pass pass_of(const gv_decoder_cache *cache, const size_t *slots, size_t count,
                          size_t tokens)
{
    const size_t width = cache->decoder.width;
    float *x = cache->scratch;
    return (cache_pass){.slots = slots,
                        .count = count,
                        .tokens = tokens,
                        .rows = count * tokens,
                        .x = x,
                        .normed = x + ROWS_MAX * width,
                        .qkv = x + (size_t)2 * ROWS_MAX * width,
                        .mixed = x + (size_t)5 * ROWS_MAX * width,
                        .inner = x + (size_t)6 * ROWS_MAX * width,
                        .scores = x + ROWS_MAX * scratch_row(&cache->decoder)};
}

static void attend_pass(const gv_decoder_cache *cache, const cache_pass *pass, size_t layer)
{
    const size_t width = cache->decoder.width;
    for (size_t c = 0; c < pass->count; c++) {
        const size_t slot = pass->slots[c];
        float *keys = slot_numbers(cache, slot) + layer * layer_size(cache);
        const cache_view view = {.keys = keys,
                                 .values = keys + width * cache->room,
                                 .width = width,
                                 .room = cache->room,
                                 .head_width = width / cache->decoder.heads};
        const size_t row = c * pass->tokens;
        for (size_t t = 0; t < pass->tokens; t++) {
            remember(&view, pass->qkv + (row + t) * 3 * width, cache->lengths[slot] + t);
        }
        const cache_look look = {.queries = pass->qkv + row * 3 * width,
                                 .count = pass->tokens,
                                 .end = cache->lengths[slot] + pass->tokens,
                                 .scores = pass->scores,
                                 .out = pass->mixed + row * width};
        look_back(&view, &look);
    }
}

static void run_layer(const gv_decoder_cache *cache, const cache_pass *pass, size_t index)
{
    const cache_layer *layer = &cache->layers[index];
    const size_t width = cache->decoder.width;
    const size_t rows = pass->rows;
    norm_rows(pass->x, layer->gain[0], layer->bias[0], rows, width, pass->normed);
    gv_dense_apply(layer->qkv, pass->normed, rows, pass->qkv);
    attend_pass(cache, pass, index);
    gv_dense_apply(layer->proj, pass->mixed, rows, pass->normed);
    add_rows(pass->normed, rows * width, pass->x);
    norm_rows(pass->x, layer->gain[1], layer->bias[1], rows, width, pass->normed);
    gv_dense_apply(layer->inner, pass->normed, rows, pass->inner);
    gv_activate_gelu(pass->inner, rows * cache->decoder.inner, pass->inner);
    gv_dense_apply(layer->outer, pass->inner, rows, pass->normed);
    add_rows(pass->normed, rows * width, pass->x);
}

static void run_pass(const gv_decoder_cache *cache, const cache_pass *pass, const float *x,
                     float *y)
{
    const size_t width = cache->decoder.width;
    for (size_t c = 0; c < pass->count; c++) {
        assert(pass->slots[c] < cache->campaigns);
        assert(cache->lengths[pass->slots[c]] + pass->tokens <= cache->tokens);
    }
    memcpy(pass->x, x, pass->rows * width * sizeof *x);
    for (size_t layer = 0; layer < cache->decoder.layers; layer++) {
        run_layer(cache, pass, layer);
    }
    if (cache->decoder.has_last_norm) {
        const float *gain = last_norm(cache);
        norm_rows(pass->x, gain, gain + width, pass->rows, width, y);
    } else {
        memcpy(y, pass->x, pass->rows * width * sizeof *y);
    }
}

void gv_decoder_cache_advance(gv_decoder_cache *cache, const size_t *slots, size_t count,
                              size_t tokens, const float *x, float *y)
{
    assert(tokens >= 1);
    assert(tokens <= TOKENS_MAX);
    const size_t row = tokens * cache->decoder.width;
    for (size_t first = 0; first < count; first += TOGETHER) {
        const size_t some = count - first < TOGETHER ? count - first : TOGETHER;
        const cache_pass pass = pass_of(cache, slots + first, some, tokens);
        run_pass(cache, &pass, x + first * row, y + first * row);
        for (size_t c = 0; c < some; c++) {
            cache->lengths[slots[first + c]] += tokens;
        }
    }
}

/* Each of them takes the next place in turn, and none is counted. */
void gv_decoder_cache_try(gv_decoder_cache *cache, size_t slot, size_t count, const float *x,
                          float *y)
{
    const size_t width = cache->decoder.width;
    size_t slots[TOGETHER];
    for (size_t i = 0; i < TOGETHER; i++) {
        slots[i] = slot;
    }
    for (size_t first = 0; first < count; first += TOGETHER) {
        const size_t some = count - first < TOGETHER ? count - first : TOGETHER;
        const cache_pass pass = pass_of(cache, slots, some, 1);
        run_pass(cache, &pass, x + first * width, y + first * width);
    }
}
