/*
 * Parameters are written as texts, one metadata entry each ("bc.hidden"), so that any reader of
 * safetensors shows the architecture; reading them back goes through the type's own table, which
 * checks their ranges.
 */
#include "policies/learn/weights.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/nn/params.h"
#include "sim/base/mem.h"
#include "sim/base/safetensors.h"

enum {
    NAMES_SIZE = 1024,
    KEY_SIZE = 96,
    VALUE_SIZE = 64,
    PARAMS_MAX = 64,
    FACTS = 12,
    SCALINGS = 4,
    TICKS_MAX = 100000
};

#define KIND          "gavel weights"
#define IMPRINTS_NOTE "trained.traffic"
#define BUDGET_NOTE   "trained.budget"
#define CPA_NOTE      "trained.cpa"

/* Texts of the metadata, and room for them. */
typedef struct notes {
    gv_tensor_note list[PARAMS_MAX + FACTS];
    size_t count;
    char keys[PARAMS_MAX][KEY_SIZE];
    char values[PARAMS_MAX][VALUE_SIZE];
    char state[NAMES_SIZE];
    char ticks[VALUE_SIZE];
    char seed[VALUE_SIZE];
    char step[VALUE_SIZE];
    char data[VALUE_SIZE];
    char budget[VALUE_SIZE];
    char cpa[VALUE_SIZE];
} notes;

static void print_features(gv_features features, char *text)
{
    size_t used = 0;
    for (size_t entry = 0; entry < gv_features_size(features); entry++) {
        used += (size_t)snprintf(text + used, NAMES_SIZE - used, "%s%s", entry == 0 ? "" : ",",
                                 gv_features_entry(features, entry));
        assert(used < NAMES_SIZE);
    }
}

static void add_note(notes *all, const char *key, const char *text)
{
    all->list[all->count++] = (gv_tensor_note){.key = key, .text = text};
}

/* text: [VALUE_SIZE] */
static void add_span(notes *all, const char *key, gv_reach_span span, char *text)
{
    if (span.most > 0) {
        gv_reach_print(span, text, VALUE_SIZE);
        add_note(all, key, text);
    }
}

static void add_params(notes *all, const gv_type_info *type, const void *config)
{
    for (size_t i = 0; type->params[i].name != NULL; i++) {
        const gv_param *row = &type->params[i];
        assert(i < PARAMS_MAX);
        assert(row->kind != GV_PARAM_TEXT);
        assert(row->kind != GV_PARAM_PATH);
        (void)snprintf(all->keys[i], KEY_SIZE, "%s.%s", type->name, row->name);
        gv_param_print(row, config, all->values[i], VALUE_SIZE);
        add_note(all, all->keys[i], all->values[i]);
    }
}

/* imprints: as text; NULL: there are none. */
static void take_notes(notes *all, const gv_weights_about *about, const char *imprints)
{
    all->count = 0;
    print_features(about->network.scaling->features, all->state);
    (void)snprintf(all->ticks, VALUE_SIZE, "%zu", about->tick_count);
    (void)snprintf(all->seed, VALUE_SIZE, "%" PRIu64, about->seed);
    (void)snprintf(all->step, VALUE_SIZE, "%" PRIu64, about->step);
    (void)snprintf(all->data, VALUE_SIZE, "%016" PRIx64, about->data_hash);
    add_note(all, "kind", KIND " " GV_WEIGHTS_FORMAT);
    add_note(all, "type", about->type->name);
    add_note(all, "state", all->state);
    add_note(all, "ticks", all->ticks);
    add_note(all, "trained.seed", all->seed);
    add_note(all, "trained.step", all->step);
    add_note(all, "trained.data", all->data);
    add_note(all, "trained.periods", about->periods);
    add_note(all, "trained.version", about->version);
    add_span(all, BUDGET_NOTE, about->reach.budget, all->budget);
    add_span(all, CPA_NOTE, about->reach.cpa, all->cpa);
    if (imprints != NULL) {
        add_note(all, IMPRINTS_NOTE, imprints);
    }
    add_params(all, about->type, about->config);
}

static bool begins_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static gv_tensor scaling_tensor(const char *name, const double *numbers, uint64_t count)
{
    return (gv_tensor){
        .name = name, .type = GV_TENSOR_F64, .rank = 1, .shape = {count}, .data = numbers};
}

/* The network's tensors behind those of its scaling; returns how many. */
static size_t list_tensors(const gv_weights_about *about, gv_tensor *tensors)
{
    const struct gv_params *params = about->network.params;
    const gv_scaling *scaling = about->network.scaling;
    size_t count = 0;
    tensors[count++] = scaling_tensor("scaling.offset", scaling->offset, scaling->width);
    tensors[count++] = scaling_tensor("scaling.divisor", scaling->divisor, scaling->width);
    tensors[count++] = scaling_tensor("scaling.action", &scaling->action_divisor, 2);
    tensors[count++] = scaling_tensor("scaling.reward", &scaling->reward_offset, 2);
    assert(count == SCALINGS);
    for (size_t i = 0; i < gv_params_count(params); i++) {
        if (!begins_with(gv_params_at(params, i)->name, about->network.prefix)) {
            continue;
        }
        const gv_shape *shape = &gv_params_at(params, i)->shape;
        gv_tensor *tensor = &tensors[count++];
        *tensor = (gv_tensor){.name = gv_params_at(params, i)->name,
                              .type = GV_TENSOR_F32,
                              .rank = shape->rank,
                              .data = gv_params_read_f32(params) + gv_params_at(params, i)->offset};
        for (size_t axis = 0; axis < shape->rank; axis++) {
            tensor->shape[axis] = shape->dim[axis];
        }
    }
    return count;
}

static_assert(offsetof(gv_scaling, action_largest) ==
                  offsetof(gv_scaling, action_divisor) + sizeof(double),
              "the two numbers of an action are written as one tensor");
static_assert(offsetof(gv_scaling, reward_divisor) ==
                  offsetof(gv_scaling, reward_offset) + sizeof(double),
              "the two numbers of a reward are written as one tensor");

static gv_status write_file(const char *path, const gv_weights_about *about, const char *imprints)
{
    const size_t room = gv_params_count(about->network.params) + SCALINGS;
    gv_tensor *tensors = gv_mem_alloc(0, room, sizeof *tensors);
    notes *texts = gv_mem_alloc(sizeof *texts, 0, 0);
    gv_status status = GV_OK;
    if (tensors == NULL || texts == NULL) {
        status = GV_FAIL(GV_ENOMEM, "%s: no memory to write %zu tensors", path, room);
    } else {
        take_notes(texts, about, imprints);
        const size_t count = list_tensors(about, tensors);
        status = gv_safetensors_write(path, tensors, count, texts->list, texts->count);
    }
    gv_mem_free(texts);
    gv_mem_free(tensors);
    return status;
}

gv_status gv_weights_write(const char *path, const gv_weights_about *about)
{
    char *imprints = NULL;
    if (about->imprints->count > 0) {
        GV_TRY(gv_imprints_print(about->imprints, &imprints));
    }
    const gv_status status = write_file(path, about, imprints);
    gv_mem_free(imprints);
    return status;
}

/* ---- reading --------------------------------------------------------------------------------- */

struct gv_weights {
    gv_safetensors *file;
    gv_scaling scaling;
    size_t tick_count;
    char path[]; /* NUL-ended */
};

static const char *features_name(gv_features features)
{
    return features == GV_FEATURES_STATE ? "the state of 16 numbers" : "the outlook";
}

static gv_status need_note(const gv_weights *weights, const char *key, const char **text)
{
    *text = gv_safetensors_note(weights->file, key);
    if (*text == NULL) {
        return GV_FAIL(GV_ECORRUPT,
                       "%s: its metadata has no \"%s\": it was not written by `gavel train`",
                       weights->path, key);
    }
    return GV_OK;
}

/* By the names of their entries. */
static gv_status find_features(gv_weights *weights)
{
    const char *names = NULL;
    char expected[NAMES_SIZE];
    GV_TRY(need_note(weights, "state", &names));
    print_features(GV_FEATURES_OUTLOOK, expected);
    const bool is_outlook = strcmp(names, expected) == 0;
    print_features(GV_FEATURES_STATE, expected);
    if (!is_outlook && strcmp(names, expected) != 0) {
        return GV_FAIL(GV_EINVAL,
                       "%s: the network was trained on the state \"%.400s\", and this program's is "
                       "\"%s\"",
                       weights->path, names, expected);
    }
    weights->scaling.features = is_outlook ? GV_FEATURES_OUTLOOK : GV_FEATURES_STATE;
    weights->scaling.width = gv_features_size(weights->scaling.features);
    return GV_OK;
}

static gv_status check_kind(gv_weights *weights, const gv_type_info *type)
{
    const char *kind = NULL;
    const char *name = NULL;
    GV_TRY(need_note(weights, "kind", &kind));
    if (strcmp(kind, KIND " " GV_WEIGHTS_FORMAT) != 0) {
        return GV_FAIL(GV_ECORRUPT, "%s: it holds \"%.80s\", expected \"%s\"", weights->path, kind,
                       KIND " " GV_WEIGHTS_FORMAT);
    }
    GV_TRY(need_note(weights, "type", &name));
    if (strcmp(name, type->name) != 0) {
        return GV_FAIL(
            GV_EINVAL,
            "%s: the weights are those of type %.80s, expected %s: give the policy weights of "
            "its own type",
            weights->path, name, type->name);
    }
    return find_features(weights);
}

static gv_status read_ticks(gv_weights *weights)
{
    const char *text = NULL;
    char *end = NULL;
    GV_TRY(need_note(weights, "ticks", &text));
    const unsigned long ticks = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || ticks < 1 || ticks > TICKS_MAX) {
        return GV_FAIL(GV_ECORRUPT, "%s: \"ticks\" is \"%.40s\", expected 1 to %d", weights->path,
                       text, TICKS_MAX);
    }
    weights->tick_count = ticks;
    return GV_OK;
}

static gv_status read_params(const gv_weights *weights, const gv_type_info *type, void *config)
{
    for (const gv_param *row = type->params; row->name != NULL; row++) {
        char key[KEY_SIZE];
        const char *text = NULL;
        (void)snprintf(key, sizeof key, "%s.%s", type->name, row->name);
        GV_TRY(need_note(weights, key, &text));
        if (gv_param_parse(row, text, 0, config) != GV_OK) {
            return GV_FAIL(GV_ECORRUPT, "%s: \"%s\": %.500s", weights->path, key,
                           gv_status_detail());
        }
    }
    return GV_OK;
}

static gv_status read_scaling_part(const gv_weights *weights, const char *name, uint64_t count,
                                   double *out)
{
    const gv_tensor *tensor = NULL;
    GV_TRY(gv_safetensors_expect(weights->file, name, GV_TENSOR_F64, 1, &count, &tensor));
    memcpy(out, tensor->data, (size_t)count * sizeof *out);
    for (uint64_t i = 0; i < count; i++) {
        if (!isfinite(out[i])) {
            return GV_FAIL(GV_ECORRUPT, "%s: \"%s\" holds %g", weights->path, name, out[i]);
        }
    }
    return GV_OK;
}

static gv_status read_scaling(gv_weights *weights)
{
    gv_scaling *scaling = &weights->scaling;
    GV_TRY(read_scaling_part(weights, "scaling.offset", scaling->width, scaling->offset));
    GV_TRY(read_scaling_part(weights, "scaling.divisor", scaling->width, scaling->divisor));
    GV_TRY(read_scaling_part(weights, "scaling.action", 2, &scaling->action_divisor));
    GV_TRY(read_scaling_part(weights, "scaling.reward", 2, &scaling->reward_offset));
    for (size_t k = 0; k < scaling->width; k++) {
        if (scaling->divisor[k] <= 0) {
            return GV_FAIL(GV_ECORRUPT, "%s: \"scaling.divisor\" holds %g, expected above 0",
                           weights->path, scaling->divisor[k]);
        }
    }
    if (scaling->action_divisor <= 0) {
        return GV_FAIL(GV_ECORRUPT, "%s: \"scaling.action\" is %g, expected above 0", weights->path,
                       scaling->action_divisor);
    }
    return GV_OK;
}

gv_status gv_weights_open(const char *path, const gv_type_info *type, void *config,
                          gv_weights **out)
{
    const size_t length = strlen(path) + 1;
    gv_weights *weights = gv_mem_alloc(sizeof *weights, length, 1);
    if (weights == NULL) {
        return GV_FAIL(GV_ENOMEM, "%s: no memory to read weights", path);
    }
    memcpy(weights->path, path, length);
    gv_status status = GV_OK;
    GV_TRY_GOTO(status, gv_safetensors_open(path, &weights->file), fail);
    GV_TRY_GOTO(status, check_kind(weights, type), fail);
    GV_TRY_GOTO(status, read_ticks(weights), fail);
    GV_TRY_GOTO(status, read_params(weights, type, config), fail);
    GV_TRY_GOTO(status, read_scaling(weights), fail);
    *out = weights;
    return GV_OK;
fail:
    gv_weights_close(weights);
    return status;
}

gv_status gv_weights_imprints(const char *path, gv_imprints *imprints)
{
    gv_safetensors *file = NULL;
    GV_TRY(gv_safetensors_open(path, &file));
    const char *text = gv_safetensors_note(file, IMPRINTS_NOTE);
    const gv_status status = text == NULL ? GV_OK : gv_imprints_read(imprints, path, text);
    gv_safetensors_close(file);
    return status;
}

static gv_status read_span(const gv_safetensors *file, const char *path, const char *key,
                           gv_reach_span *span)
{
    const char *text = gv_safetensors_note(file, key);
    return text == NULL ? GV_OK : gv_reach_read(span, path, key, text);
}

gv_status gv_weights_reach(const char *path, gv_reach *reach)
{
    gv_safetensors *file = NULL;
    *reach = (gv_reach){.budget = {.least = 0}};
    GV_TRY(gv_safetensors_open(path, &file));
    gv_status status = read_span(file, path, BUDGET_NOTE, &reach->budget);
    if (status == GV_OK) {
        status = read_span(file, path, CPA_NOTE, &reach->cpa);
    }
    gv_safetensors_close(file);
    return status;
}

void gv_weights_close(gv_weights *weights)
{
    if (weights != NULL) {
        gv_safetensors_close(weights->file);
        gv_mem_free(weights);
    }
}

const char *gv_weights_path(const gv_weights *weights)
{
    return weights->path;
}

size_t gv_weights_ticks(const gv_weights *weights)
{
    return weights->tick_count;
}

const gv_scaling *gv_weights_scaling(const gv_weights *weights)
{
    return &weights->scaling;
}

gv_status gv_weights_expect_features(const gv_weights *weights, gv_features features)
{
    if (weights->scaling.features != features) {
        return GV_FAIL(GV_EINVAL, "%s: its network sees %s, expected one that sees %s",
                       weights->path, features_name(weights->scaling.features),
                       features_name(features));
    }
    return GV_OK;
}

static gv_status find_tensor(const gv_weights *weights, const char *name, const gv_shape *shape,
                             const gv_tensor **tensor)
{
    uint64_t sizes[GV_NN_RANK_MAX];
    for (size_t axis = 0; axis < shape->rank; axis++) {
        sizes[axis] = shape->dim[axis];
    }
    return gv_safetensors_expect(weights->file, name, GV_TENSOR_F32, shape->rank, sizes, tensor);
}

gv_status gv_weights_expect(const gv_weights *weights, const char *prefix,
                            const struct gv_params *params)
{
    for (size_t i = 0; i < gv_params_count(params); i++) {
        const char *name = gv_params_at(params, i)->name;
        const gv_tensor *tensor = NULL;
        if (begins_with(name, prefix)) {
            GV_TRY(find_tensor(weights, name, &gv_params_at(params, i)->shape, &tensor));
        }
    }
    return GV_OK;
}

static gv_status fill_tensor(const gv_weights *weights, const char *name, const gv_shape *shape,
                             float *to)
{
    const gv_tensor *tensor = NULL;
    GV_TRY(find_tensor(weights, name, shape, &tensor));
    const size_t count = gv_shape_count(shape);
    memcpy(to, tensor->data, count * sizeof *to);
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(to[i])) {
            return GV_FAIL(GV_ECORRUPT, "%s: \"%s\" holds %g at place %zu", weights->path, name,
                           (double)to[i], i);
        }
    }
    return GV_OK;
}

gv_status gv_weights_fill(const gv_weights *weights, const char *prefix, struct gv_params *params)
{
    float *block = gv_params_f32(params);
    for (size_t i = 0; i < gv_params_count(params); i++) {
        const char *name = gv_params_at(params, i)->name;
        if (begins_with(name, prefix)) {
            GV_TRY(fill_tensor(weights, name, &gv_params_at(params, i)->shape,
                               block + gv_params_at(params, i)->offset));
        }
    }
    return GV_OK;
}
