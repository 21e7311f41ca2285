/*
 * The order of work is that of gv_layer_unet(), level by level; a batch is taken in parts whose
 * numbers stay near the processor while a layer's weights pass by once. What a level hands to the
 * way up is put into the right half of the sequences that the way up begins with.
 */
#include "models/nn/denoiser.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "models/nn/activate_impl.h"
#include "models/nn/dense.h"
#include "models/nn/operators.h"
#include "models/nn/sequence_impl.h"
#include "sim/base/mem.h"

/* Sequences taken together, and the two convolutions of a block. */
enum { TOGETHER = 32, CONVS = 2, WORKS = 3 };

/* A convolution, its norm, Mish. */
typedef struct unit {
    gv_panels conv;
    float *gain; /* [channels] */
    float *shift;
} unit;

typedef struct block {
    unit units[CONVS];
    gv_dense *embedding;
    gv_panels residual; /* of a block whose channels change; otherwise without weights */
} block;

struct gv_denoiser {
    gv_denoiser_config config; /* neither params nor name outlives create */
    size_t margin;
    block down[GV_UNET_LEVELS_MAX][2];
    block middle[2];
    block up[GV_UNET_LEVELS_MAX][2]; /* of the level that it comes from */
    gv_panels halve[GV_UNET_LEVELS_MAX];
    gv_panels twice[GV_UNET_LEVELS_MAX][2];
    unit last;
    gv_panels out;
    gv_dense *step[2];
    gv_dense_mlp *condition;
    size_t embedding_width;
    float *step_row;  /* [4 base], then [base] */
    float *embedding; /* [TOGETHER][embedding_width] */
    float *rows;      /* [TOGETHER][widest] */
    float *sums;      /* [2][widest] */
    float *in;
    float *works[WORKS];
    float *joined[GV_UNET_LEVELS_MAX]; /* of levels 1 on */
};

/* ---- sizes ----------------------------------------------------------------------------------- */

static size_t channels_at(const gv_denoiser *d, size_t level)
{
    return d->config.unet.base * d->config.unet.multipliers[level];
}

static size_t ticks_at(const gv_denoiser *d, size_t level)
{
    return d->config.ticks >> level;
}

static size_t widest_of(const gv_denoiser *d)
{
    size_t widest = 0;
    for (size_t i = 0; i < d->config.unet.levels; i++) {
        widest = channels_at(d, i) > widest ? channels_at(d, i) : widest;
    }
    return widest;
}

/* Numbers of one sequence at a level, with its margins. */
static size_t pitch_at(const gv_denoiser *d, size_t level, size_t channels)
{
    return (ticks_at(d, level) + 2 * d->margin) * channels;
}

/* ---- making ---------------------------------------------------------------------------------- */

/* Where a layer is looked for. */
typedef struct source {
    const gv_denoiser_config *config;
    char name[2 * GV_NN_NAME_MAX];
} source;

static source below(const source *from, const char *name)
{
    source next = {.config = from->config};
    const int length = snprintf(next.name, sizeof next.name, "%s.%s", from->name, name);
    assert(length > 0 && (size_t)length < sizeof next.name);
    return next;
}

static gv_status make_conv(const source *from, const char *name, size_t kernel, gv_panels *out)
{
    const source layer = below(from, name);
    return gv_conv_panels(from->config->params, layer.name, kernel, out);
}

static gv_status make_dense(const source *from, const char *name, gv_dense **out)
{
    const source layer = below(from, name);
    return gv_dense_create(from->config->params, layer.name, out);
}

/* A copy of NAME's numbers. */
static gv_status copy_numbers(const source *from, const char *name, size_t count, float **out)
{
    const source param = below(from, name);
    const gv_weight *weight = gv_params_find(from->config->params, param.name);
    if (weight == NULL || weight->count != count) {
        return GV_FAIL(GV_ENOTFOUND, "the network has no '%s' of %zu numbers", param.name, count);
    }
    *out = gv_mem_alloc_vector(count, sizeof **out);
    if (*out == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for '%s'", param.name);
    }
    memcpy(*out, gv_params_read_f32(from->config->params) + weight->offset, count * sizeof **out);
    return GV_OK;
}

static gv_status make_unit(const source *from, const char *name, unit *out)
{
    const source at = below(from, name);
    GV_TRY(make_conv(&at, "block.0", from->config->unet.kernel, &out->conv));
    GV_TRY(copy_numbers(&at, "block.2.weight", out->conv.outputs, &out->gain));
    return copy_numbers(&at, "block.2.bias", out->conv.outputs, &out->shift);
}

static gv_status make_block(const source *from, const char *name, bool changes, block *out)
{
    const source at = below(from, name);
    GV_TRY(make_unit(&at, "blocks.0", &out->units[0]));
    GV_TRY(make_unit(&at, "blocks.1", &out->units[1]));
    GV_TRY(make_dense(&at, "time_mlp.1", &out->embedding));
    return changes ? make_conv(&at, "residual_conv", 1, &out->residual) : GV_OK;
}

static gv_status make_down(const source *from, gv_denoiser *d)
{
    size_t channels = d->config.channels;
    for (size_t i = 0; i < d->config.unet.levels; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "downs.%zu", i);
        const source at = below(from, name);
        GV_TRY(make_block(&at, "0", channels != channels_at(d, i), &d->down[i][0]));
        GV_TRY(make_block(&at, "1", false, &d->down[i][1]));
        channels = channels_at(d, i);
        if (i + 1 < d->config.unet.levels) {
            GV_TRY(make_conv(&at, "2.conv", 3, &d->halve[i]));
        }
    }
    return GV_OK;
}

static gv_status make_up(const source *from, gv_denoiser *d)
{
    for (size_t level = d->config.unet.levels - 1; level > 0; level--) {
        char name[32];
        (void)snprintf(name, sizeof name, "ups.%zu", d->config.unet.levels - 1 - level);
        const source at = below(from, name);
        const bool changes = 2 * channels_at(d, level) != channels_at(d, level - 1);
        GV_TRY(make_block(&at, "0", changes, &d->up[level][0]));
        GV_TRY(make_block(&at, "1", false, &d->up[level][1]));
        const source twice = below(&at, "2.conv");
        GV_TRY(gv_conv_panels_twice(from->config->params, twice.name, d->twice[level]));
    }
    return GV_OK;
}

static gv_status make_embedding(const source *from, gv_denoiser *d)
{
    const size_t base = d->config.unet.base;
    GV_TRY(make_dense(from, "time_mlp.1", &d->step[0]));
    GV_TRY(make_dense(from, "time_mlp.3", &d->step[1]));
    d->embedding_width = base;
    if (d->config.conditions == 0) {
        return GV_OK;
    }
    const gv_mlp mlp = {.layers = 3, .widths = {base, 4 * base, base}, .hidden = gv_op_mish};
    const source at = below(from, "returns_mlp");
    d->embedding_width = 2 * base;
    return gv_dense_mlp_create(from->config->params, at.name, &mlp, TOGETHER, &d->condition);
}

static gv_status make_layers(const gv_denoiser_config *config, gv_denoiser *d)
{
    source root = {.config = config};
    (void)snprintf(root.name, sizeof root.name, "%s", config->name);
    GV_TRY(make_embedding(&root, d));
    GV_TRY(make_down(&root, d));
    GV_TRY(make_block(&root, "mid_block1", false, &d->middle[0]));
    GV_TRY(make_block(&root, "mid_block2", false, &d->middle[1]));
    GV_TRY(make_up(&root, d));
    GV_TRY(make_unit(&root, "final_conv.0", &d->last));
    return make_conv(&root, "final_conv.1", 1, &d->out);
}

static float *numbers(size_t count)
{
    return gv_mem_alloc_vector(count, sizeof(float));
}

static gv_status make_room(gv_denoiser *d)
{
    const size_t widest = widest_of(d);
    size_t work = 0;
    for (size_t i = 0; i < d->config.unet.levels; i++) {
        const size_t pitch = pitch_at(d, i, channels_at(d, i));
        work = pitch > work ? pitch : work;
    }
    bool is_there = true;
    for (size_t i = 0; i < WORKS; i++) {
        d->works[i] = numbers(TOGETHER * work);
        is_there = is_there && d->works[i] != NULL;
    }
    for (size_t i = 1; i < d->config.unet.levels; i++) {
        d->joined[i] = numbers(TOGETHER * pitch_at(d, i, 2 * channels_at(d, i)));
        is_there = is_there && d->joined[i] != NULL;
    }
    d->in = numbers(TOGETHER * pitch_at(d, 0, d->config.channels));
    d->step_row = numbers(6 * d->config.unet.base);
    d->embedding = numbers(TOGETHER * d->embedding_width);
    d->rows = numbers(TOGETHER * widest);
    d->sums = numbers(2 * widest);
    is_there = is_there && d->in != NULL && d->step_row != NULL && d->embedding != NULL &&
               d->rows != NULL && d->sums != NULL;
    return is_there ? GV_OK : GV_FAIL(GV_ENOMEM, "no memory to serve a U-Net");
}

gv_status gv_denoiser_create(const gv_denoiser_config *config, gv_denoiser **out)
{
    const gv_unet *unet = &config->unet;
    assert(unet->levels >= 1);
    assert(unet->levels <= GV_UNET_LEVELS_MAX);
    assert(config->ticks > 0);
    assert(config->ticks % ((size_t)1 << (unet->levels - 1)) == 0);
    gv_denoiser *d = gv_mem_alloc(sizeof *d, 0, 0);
    if (d == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to serve '%s'", config->name);
    }
    d->config = *config;
    d->margin = unet->kernel / 2 > 1 ? unet->kernel / 2 : 1;
    gv_status status = make_layers(config, d);
    status = status == GV_OK ? make_room(d) : status;
    if (status != GV_OK) {
        gv_denoiser_destroy(d);
        return status;
    }
    *out = d;
    return GV_OK;
}

static void drop_unit(unit *old)
{
    gv_panels_fini(&old->conv);
    gv_mem_free(old->gain);
    gv_mem_free(old->shift);
}

static void drop_pair(block pair[2])
{
    for (size_t i = 0; i < 2; i++) {
        drop_unit(&pair[i].units[0]);
        drop_unit(&pair[i].units[1]);
        gv_dense_destroy(pair[i].embedding);
        gv_panels_fini(&pair[i].residual);
    }
}

void gv_denoiser_destroy(gv_denoiser *d)
{
    if (d == NULL) {
        return;
    }
    for (size_t i = 0; i < GV_UNET_LEVELS_MAX; i++) {
        drop_pair(d->down[i]);
        drop_pair(d->up[i]);
        gv_panels_fini(&d->halve[i]);
        gv_panels_fini(&d->twice[i][0]);
        gv_panels_fini(&d->twice[i][1]);
        gv_mem_free(d->joined[i]);
    }
    for (size_t i = 0; i < WORKS; i++) {
        gv_mem_free(d->works[i]);
    }
    drop_pair(d->middle);
    drop_unit(&d->last);
    gv_panels_fini(&d->out);
    gv_dense_destroy(d->step[0]);
    gv_dense_destroy(d->step[1]);
    gv_dense_mlp_destroy(d->condition);
    gv_mem_free(d->step_row);
    gv_mem_free(d->embedding);
    gv_mem_free(d->rows);
    gv_mem_free(d->sums);
    gv_mem_free(d->in);
    gv_mem_free(d);
}

/* ---- running --------------------------------------------------------------------------------- */

static const gv_windows each_tick = {.kernel = 1, .stride = 1};
static const gv_windows every_other = {.kernel = 3, .stride = 2, .padding = 1};

/* As many sequences as x in a work where neither x nor the other one stands. */
static gv_sequences fresh(const gv_denoiser *d, const gv_sequences *x, const gv_sequences *other,
                          size_t length, size_t channels)
{
    size_t i = 0;
    while (d->works[i] == x->numbers || (other != NULL && d->works[i] == other->numbers)) {
        i++;
    }
    assert(i < WORKS);
    const gv_sequences made = {.numbers = d->works[i],
                               .count = x->count,
                               .length = length,
                               .channels = channels,
                               .margin = d->margin};
    gv_sequences_blank(&made);
    return made;
}

static void run_unit(const gv_denoiser *d, const unit *of, const gv_sequences *x,
                     const gv_sequences *y)
{
    const size_t kernel = d->config.unet.kernel;
    const gv_windows windows = {.kernel = kernel, .stride = 1, .padding = kernel / 2};
    const gv_group_norm norm = {
        .gain = of->gain, .shift = of->shift, .groups = d->config.unet.groups, .sums = d->sums};
    gv_conv_apply(&of->conv, &windows, x, y);
    gv_sequences_norm(&norm, y);
    for (size_t i = 0; i < y->count; i++) {
        float *first = gv_sequences_at(y, i);
        gv_activate_mish(first, y->length * y->channels, first);
    }
}

static gv_sequences run_block(const gv_denoiser *d, const block *of, const gv_sequences *x)
{
    const size_t channels = of->units[0].conv.outputs;
    const gv_sequences y = fresh(d, x, NULL, x->length, channels);
    const gv_sequences z = fresh(d, x, &y, x->length, channels);
    run_unit(d, &of->units[0], x, &y);
    gv_dense_apply(of->embedding, d->embedding, x->count, d->rows);
    gv_sequences_add_rows(d->rows, &y);
    run_unit(d, &of->units[1], &y, &z);
    if (of->residual.weights != NULL) {
        gv_conv_apply(&of->residual, &each_tick, x, &y);
        gv_sequences_add(&y, &z);
    } else {
        gv_sequences_add(x, &z);
    }
    return z;
}

static gv_sequences run_pair(const gv_denoiser *d, const block pair[2], const gv_sequences *x)
{
    const gv_sequences y = run_block(d, &pair[0], x);
    return run_block(d, &pair[1], &y);
}

/* What the way up begins with at a level: what comes from below, beside the level's own. */
static gv_sequences joined_at(const gv_denoiser *d, size_t level, size_t count)
{
    return (gv_sequences){.numbers = d->joined[level],
                          .count = count,
                          .length = ticks_at(d, level),
                          .channels = 2 * channels_at(d, level),
                          .margin = d->margin};
}

static gv_sequences go_down(const gv_denoiser *d, gv_sequences x)
{
    for (size_t i = 0; i < d->config.unet.levels; i++) {
        x = run_pair(d, d->down[i], &x);
        if (i > 0) {
            const gv_sequences joined = joined_at(d, i, x.count);
            gv_sequences_blank(&joined);
            gv_sequences_place(&x, channels_at(d, i), &joined);
        }
        if (i + 1 < d->config.unet.levels) {
            const gv_sequences half = fresh(d, &x, NULL, x.length / 2, x.channels);
            gv_conv_apply(&d->halve[i], &every_other, &x, &half);
            x = half;
        }
    }
    return x;
}

static gv_sequences go_up(const gv_denoiser *d, gv_sequences x)
{
    for (size_t level = d->config.unet.levels - 1; level > 0; level--) {
        const gv_sequences joined = joined_at(d, level, x.count);
        gv_sequences_place(&x, 0, &joined);
        x = run_pair(d, d->up[level], &joined);
        const gv_sequences twice = fresh(d, &x, NULL, 2 * x.length, x.channels);
        gv_conv_apply_twice(d->twice[level], &x, &twice);
        x = twice;
    }
    return x;
}

/* d->step_row's second part: the step through its layers. */
static float *embed_step(const gv_denoiser *d, double step)
{
    const size_t base = d->config.unet.base;
    float *features = d->step_row;
    float *hidden = features + base;
    float *row = hidden + 4 * base;
    gv_unet_step_features(step, base, features);
    gv_dense_apply(d->step[0], features, 1, hidden);
    gv_activate_mish(hidden, 4 * base, hidden);
    gv_dense_apply(d->step[1], hidden, 1, row);
    return row;
}

/* d->embedding of `count` sequences from `first` on. */
static void embed(const gv_denoiser *d, const gv_denoiser_batch *batch, size_t first, size_t count,
                  const float *step)
{
    const size_t base = d->config.unet.base;
    const size_t width = d->embedding_width;
    if (d->condition != NULL) {
        gv_dense_mlp_apply(d->condition, batch->condition + first * d->config.conditions, count,
                           d->rows);
    }
    for (size_t i = 0; i < count; i++) {
        float *row = d->embedding + i * width;
        const float keep = batch->keep == NULL ? 1 : batch->keep[first + i];
        memcpy(row, step, base * sizeof *row);
        for (size_t c = base; c < width; c++) {
            row[c] = keep * d->rows[i * base + c - base];
        }
    }
    gv_activate_mish(d->embedding, count * width, d->embedding);
}

/* As many sequences as `out` has, which has no margin. */
static void run_part(const gv_denoiser *d, const float *x, const gv_sequences *out)
{
    gv_sequences in = *out;
    in.numbers = d->in;
    in.margin = d->margin;
    gv_sequences_blank(&in);
    gv_sequences_fill(&in, x);
    gv_sequences y = go_down(d, in);
    y = run_pair(d, d->middle, &y);
    y = go_up(d, y);
    const gv_sequences last = fresh(d, &y, NULL, y.length, d->config.unet.base);
    run_unit(d, &d->last, &y, &last);
    gv_conv_apply(&d->out, &each_tick, &last, out);
}

/* NOLINTNEXTLINE(readability-non-const-parameter): sequences write to it */
void gv_denoiser_apply(gv_denoiser *d, const gv_denoiser_batch *batch, float *eps)
{
    const size_t size = d->config.ticks * d->config.channels;
    const float *step = embed_step(d, batch->step);
    for (size_t first = 0; first < batch->count; first += TOGETHER) {
        const size_t count = batch->count - first < TOGETHER ? batch->count - first : TOGETHER;
        const gv_sequences out = {.numbers = eps + first * size,
                                  .count = count,
                                  .length = d->config.ticks,
                                  .channels = d->config.channels};
        embed(d, batch, first, count, step);
        run_part(d, batch->x + first * size, &out);
    }
}

/* ---- what it costs --------------------------------------------------------------------------- */

static double flops_of(const gv_panels *panels, size_t rows)
{
    return 2.0 * (double)panels->inputs * (double)panels->outputs * (double)rows;
}

static double pair_flops(const gv_denoiser *d, const block pair[2], size_t ticks)
{
    double flops = 0;
    for (size_t i = 0; i < 2; i++) {
        const gv_dense *dense = pair[i].embedding;
        flops += flops_of(&pair[i].units[0].conv, ticks) + flops_of(&pair[i].units[1].conv, ticks);
        flops += flops_of(&pair[i].residual, ticks);
        flops += 2.0 * (double)d->embedding_width * (double)gv_dense_outputs(dense);
    }
    return flops;
}

double gv_denoiser_flops(const gv_denoiser *d)
{
    double flops = 0;
    for (size_t i = 0; i < d->config.unet.levels; i++) {
        const size_t ticks = ticks_at(d, i);
        flops += pair_flops(d, d->down[i], ticks) + flops_of(&d->halve[i], ticks / 2);
        flops += i == 0 ? 0 : pair_flops(d, d->up[i], ticks);
        flops += flops_of(&d->twice[i][0], ticks) + flops_of(&d->twice[i][1], ticks);
    }
    flops += pair_flops(d, d->middle, ticks_at(d, d->config.unet.levels - 1));
    return flops + flops_of(&d->last.conv, d->config.ticks) + flops_of(&d->out, d->config.ticks);
}
