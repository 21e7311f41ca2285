#include "models/nn/params.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "sim/base/hash.h"
#include "sim/base/mem.h"
#include "sim/base/random.h"

enum { BLOCK_ALIGNMENT = 16, FIRST_CAPACITY = 32, DRAW_PIECE = 512 };

struct gv_params {
    gv_real_kind kind;
    gv_weight *entries;
    size_t count;
    size_t capacity;
    size_t size;
    void *block; /* NULL until drawn */
};

gv_shape gv_shape_of(size_t rank, const size_t *dims)
{
    assert(rank >= 1);
    assert(rank <= GV_NN_RANK_MAX);
    gv_shape shape = {.rank = rank};
    for (size_t i = 0; i < rank; i++) {
        assert(dims[i] >= 1);
        shape.dim[i] = dims[i];
    }
    return shape;
}

size_t gv_shape_count(const gv_shape *shape)
{
    size_t count = 1;
    for (size_t i = 0; i < shape->rank; i++) {
        count *= shape->dim[i];
    }
    return count;
}

gv_status gv_params_create(gv_real_kind kind, gv_params **out)
{
    gv_params *params = gv_mem_alloc(sizeof *params, 0, 0);
    if (params == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a set of parameters");
    }
    params->kind = kind;
    *out = params;
    return GV_OK;
}

void gv_params_destroy(gv_params *params)
{
    if (params != NULL) {
        gv_mem_free(params->entries);
        gv_mem_free(params->block);
        gv_mem_free(params);
    }
}

gv_real_kind gv_params_kind(const gv_params *params)
{
    return params->kind;
}

static bool is_same_shape(const gv_shape *a, const gv_shape *b)
{
    return a->rank == b->rank && memcmp(a->dim, b->dim, a->rank * sizeof a->dim[0]) == 0;
}

static gv_status make_room(gv_params *params)
{
    if (params->count < params->capacity) {
        return GV_OK;
    }
    const size_t capacity = params->capacity == 0 ? FIRST_CAPACITY : 2 * params->capacity;
    gv_weight *grown = gv_mem_resize(params->entries, capacity, sizeof *grown);
    if (grown == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for %zu parameters", capacity);
    }
    params->entries = grown;
    params->capacity = capacity;
    return GV_OK;
}

gv_status gv_params_add(gv_params *params, const char *name, const gv_shape *shape, gv_init init,
                        size_t *index)
{
    assert(strlen(name) < GV_NN_NAME_MAX);
    const gv_weight *known = gv_params_find(params, name);
    if (known != NULL) {
        assert(is_same_shape(&known->shape, shape));
        *index = (size_t)(known - params->entries);
        return GV_OK;
    }
    if (params->block != NULL) {
        return GV_FAIL(GV_EINVAL, "the set of parameters has no '%s'", name);
    }
    GV_TRY(make_room(params));
    gv_weight *entry = &params->entries[params->count];
    *entry = (gv_weight){.shape = *shape, .init = init, .offset = params->size};
    memcpy(entry->name, name, strlen(name) + 1);
    entry->count = gv_shape_count(shape);
    const size_t aligned = (entry->count + BLOCK_ALIGNMENT - 1) / BLOCK_ALIGNMENT;
    params->size += aligned * BLOCK_ALIGNMENT;
    *index = params->count++;
    return GV_OK;
}

/* Numbers first .. first + count - 1 of a tensor. */
static void draw_piece(const gv_init *init, const gv_random *random, uint64_t first, size_t count,
                       double *out)
{
    switch (init->law) {
    case GV_INIT_UNIFORM:
        gv_random_fill_uniform(random, first, count, out);
        for (size_t i = 0; i < count; i++) {
            out[i] = init->scale * (2.0 * out[i] - 1.0);
        }
        return;
    case GV_INIT_NORMAL:
        gv_random_fill_normal(random, first, count, out);
        for (size_t i = 0; i < count; i++) {
            out[i] *= init->scale;
        }
        return;
    case GV_INIT_CONSTANT:
        break;
    }
    for (size_t i = 0; i < count; i++) {
        out[i] = init->scale;
    }
}

static void draw_tensor(gv_params *params, const gv_weight *entry, uint64_t seed)
{
    const uint64_t entity = gv_hash(entry->name, strlen(entry->name));
    const gv_random random = gv_random_key(seed, GV_STREAM_WEIGHT, entity);
    double piece[DRAW_PIECE];
    for (size_t done = 0; done < entry->count; done += DRAW_PIECE) {
        const size_t left = entry->count - done;
        const size_t count = left < DRAW_PIECE ? left : DRAW_PIECE;
        draw_piece(&entry->init, &random, done, count, piece);
        for (size_t i = 0; i < count; i++) {
            if (params->kind == GV_F32) {
                gv_params_f32(params)[entry->offset + done + i] = (float)piece[i];
            } else {
                gv_params_f64(params)[entry->offset + done + i] = piece[i];
            }
        }
    }
}

gv_status gv_params_draw(gv_params *params, uint64_t seed)
{
    const size_t real_size = params->kind == GV_F32 ? sizeof(float) : sizeof(double);
    if (params->block == NULL) {
        params->block = gv_mem_alloc_vector(params->size, real_size);
        if (params->block == NULL) {
            return GV_FAIL(GV_ENOMEM, "no memory for %zu parameters", params->size);
        }
        memset(params->block, 0, params->size * real_size);
    }
    for (size_t i = 0; i < params->count; i++) {
        draw_tensor(params, &params->entries[i], seed);
    }
    return GV_OK;
}

size_t gv_params_count(const gv_params *params)
{
    return params->count;
}

const gv_weight *gv_params_at(const gv_params *params, size_t index)
{
    assert(index < params->count);
    return &params->entries[index];
}

const gv_weight *gv_params_find(const gv_params *params, const char *name)
{
    for (size_t i = 0; i < params->count; i++) {
        if (strcmp(params->entries[i].name, name) == 0) {
            return &params->entries[i];
        }
    }
    return NULL;
}

size_t gv_params_size(const gv_params *params)
{
    return params->size;
}

float *gv_params_f32(gv_params *params)
{
    assert(params->kind == GV_F32);
    return params->block;
}

double *gv_params_f64(gv_params *params)
{
    assert(params->kind == GV_F64);
    return params->block;
}

const float *gv_params_read_f32(const gv_params *params)
{
    assert(params->kind == GV_F32);
    return params->block;
}

const void *gv_params_block(const gv_params *params)
{
    return params->block;
}

/* The tensor of `to` that answers to `entry`, a tensor of the other set. */
static const gv_weight *counterpart(const gv_params *to, const char *to_prefix,
                                    const gv_weight *entry, size_t from_length)
{
    char name[2 * GV_NN_NAME_MAX];
    const char *rest = entry->name + from_length;
    const size_t length = strlen(to_prefix);
    assert(length < GV_NN_NAME_MAX);
    memcpy(name, to_prefix, length);
    memcpy(name + length, rest, strlen(rest) + 1);
    const gv_weight *found = gv_params_find(to, name);
    assert(found != NULL);
    assert(is_same_shape(&found->shape, &entry->shape));
    return found;
}

void gv_params_blend(gv_params *to, const char *to_prefix, const gv_params *from,
                     const char *from_prefix, float rate)
{
    const size_t from_length = strlen(from_prefix);
    const float *source = gv_params_read_f32(from);
    float *target = gv_params_f32(to);
    for (size_t k = 0; k < from->count; k++) {
        const gv_weight *entry = &from->entries[k];
        if (strncmp(entry->name, from_prefix, from_length) != 0) {
            continue;
        }
        const gv_weight *other = counterpart(to, to_prefix, entry, from_length);
        const float *x = source + entry->offset;
        float *y = target + other->offset;
        for (size_t i = 0; i < entry->count; i++) {
            y[i] = rate == 1.0F ? x[i] : y[i] + rate * (x[i] - y[i]);
        }
    }
}
