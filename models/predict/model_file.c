/*
 * Parameters are written as texts, one metadata entry each ("ftrl.alpha"); reading them back goes
 * through the type's own table, which checks their ranges.
 */
#include "models/predict/model_file.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/clock.h"
#include "sim/base/mem.h"
#include "sim/base/number.h"

enum { KEY_SIZE = 96, VALUE_SIZE = 96, PARAMS_MAX = 64, FACTS_MAX = 24 };

#define KIND      "gavel model"
#define WHOLE_MAX UINT64_C(1000000000000)

const char *const gv_sampling_names[] = {"shift", "weigh", NULL};

/* By rate: what its entries and tensors are called. A file without those of conversions leaves
   them as they are. */
typedef struct recalibration_keys {
    const char *kind, *shift, *slope, *offset, *knots, *values;
} recalibration_keys;

static const recalibration_keys recalibration_keys_of[GV_RATES] = {
    [GV_RATE_CLICK] = {"recalibration", "recalibration.shift", "recalibration.slope",
                       "recalibration.offset", "recalibration.knots", "recalibration.values"},
    [GV_RATE_CONVERSION] = {"conversions", "conversions.shift", "conversions.slope",
                            "conversions.offset", "conversions.knots", "conversions.values"},
};

/* ---- writing --------------------------------------------------------------------------------- */

typedef struct notes {
    gv_tensor_note list[PARAMS_MAX + FACTS_MAX];
    size_t count;
    char keys[PARAMS_MAX + FACTS_MAX][KEY_SIZE];
    char values[PARAMS_MAX + FACTS_MAX][VALUE_SIZE];
    char fields[GV_FIELDS_TEXT_SIZE];
} notes;

/* Room for the text of a new note under `key`. */
static char *new_note(notes *all, const char *key)
{
    const size_t place = all->count++;
    assert(place < PARAMS_MAX + FACTS_MAX);
    (void)snprintf(all->keys[place], KEY_SIZE, "%s", key);
    all->list[place] = (gv_tensor_note){.key = all->keys[place], .text = all->values[place]};
    return all->values[place];
}

static void add_text(notes *all, const char *key, const char *text)
{
    (void)snprintf(new_note(all, key), VALUE_SIZE, "%s", text);
}

static void add_whole(notes *all, const char *key, uint64_t number)
{
    (void)snprintf(new_note(all, key), VALUE_SIZE, "%" PRIu64, number);
}

static void add_real(notes *all, const char *key, double number)
{
    (void)snprintf(new_note(all, key), VALUE_SIZE, "%.17g", number);
}

static void add_params(notes *all, const gv_type_info *type, const void *config)
{
    for (const gv_param *row = type->params; row != NULL && row->name != NULL; row++) {
        char key[KEY_SIZE];
        assert(row->kind != GV_PARAM_TEXT);
        assert(row->kind != GV_PARAM_PATH);
        (void)snprintf(key, sizeof key, "%s.%s", type->name, row->name);
        gv_param_print(row, config, new_note(all, key), VALUE_SIZE);
    }
}

static void add_recalibration(notes *all, const gv_recalibration *map, gv_rate rate)
{
    const recalibration_keys *keys = &recalibration_keys_of[rate];
    const bool does_nothing = map->kind == GV_RECALIBRATE_NONE && map->shift == 0;
    if (rate == GV_RATE_CONVERSION && does_nothing) {
        return;
    }
    add_text(all, keys->kind, gv_recalibration_names[map->kind]);
    add_real(all, keys->shift, map->shift);
    if (map->kind == GV_RECALIBRATE_PLATT) {
        add_real(all, keys->slope, map->slope);
        add_real(all, keys->offset, map->offset);
    }
}

static void take_notes(notes *all, const gv_model_about *about)
{
    add_text(all, "kind", KIND " " GV_MODEL_FORMAT);
    add_text(all, "type", about->type->info.name);
    gv_fields_print(&about->fields, all->fields, sizeof all->fields);
    (void)new_note(all, "fields");
    all->list[all->count - 1].text = all->fields;
    add_whole(all, "bits", about->bits);
    for (size_t i = 0; i < GV_RATES; i++) {
        add_recalibration(all, &about->recalibrations[i], (gv_rate)i);
    }
    add_text(all, "trained.sampling", gv_sampling_names[about->sampling]);
    add_real(all, "trained.impression_weight", about->impression_weight);
    add_whole(all, "trained.seed", about->seed);
    add_whole(all, "trained.epochs", about->epochs);
    (void)snprintf(new_note(all, "trained.log"), VALUE_SIZE, "%016" PRIx64, about->log_identity);
    gv_time_print(about->from_us, 0, new_note(all, "trained.from"), VALUE_SIZE);
    gv_time_print(about->to_us, 0, new_note(all, "trained.to"), VALUE_SIZE);
    add_text(all, "trained.version", about->version);
    add_params(all, &about->type->info, about->config);
}

static size_t add_knots(const gv_recalibration *map, gv_rate rate, gv_tensor *tensors)
{
    if (map->kind != GV_RECALIBRATE_ISOTONIC) {
        return 0;
    }
    tensors[0] = (gv_tensor){.name = recalibration_keys_of[rate].knots,
                             .type = GV_TENSOR_F64,
                             .rank = 1,
                             .shape = {map->knot_count},
                             .data = map->knots};
    tensors[1] = tensors[0];
    tensors[1].name = recalibration_keys_of[rate].values;
    tensors[1].data = map->values;
    return 2;
}

gv_status gv_model_file_write(const char *path, const gv_model_about *about,
                              const gv_tensor *tensors, size_t tensor_count)
{
    gv_tensor *all = gv_mem_alloc(0, tensor_count + (size_t)2 * GV_RATES, sizeof *all);
    notes *texts = gv_mem_alloc(sizeof *texts, 0, 0);
    gv_status status = GV_OK;
    if (all == NULL || texts == NULL) {
        status = GV_FAIL(GV_ENOMEM, "%s: no memory to write %zu tensors", path, tensor_count);
    } else {
        take_notes(texts, about);
        memcpy(all, tensors, tensor_count * sizeof *all);
        size_t count = tensor_count;
        for (size_t i = 0; i < GV_RATES; i++) {
            count += add_knots(&about->recalibrations[i], (gv_rate)i, all + count);
        }
        status = gv_safetensors_write(path, all, count, texts->list, texts->count);
    }
    gv_mem_free(texts);
    gv_mem_free(all);
    return status;
}

/* ---- reading --------------------------------------------------------------------------------- */

struct gv_model_file {
    gv_safetensors *file;
    gv_model_about about;
    void *config;
    char path[]; /* NUL-ended */
};

static gv_status need_note(const gv_model_file *model, const char *key, const char **text)
{
    *text = gv_safetensors_note(model->file, key);
    if (*text == NULL) {
        return GV_FAIL(GV_ECORRUPT,
                       "%s: its metadata has no \"%s\": it is no model of clicks that `gavel "
                       "train` wrote",
                       model->path, key);
    }
    return GV_OK;
}

static gv_status read_whole(const gv_model_file *model, const char *key, uint64_t most,
                            uint64_t *number)
{
    const char *text = NULL;
    char *end = NULL;
    GV_TRY(need_note(model, key, &text));
    const unsigned long long value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || value > most) {
        return GV_FAIL(GV_ECORRUPT, "%s: \"%s\" is \"%.40s\", expected a number up to %" PRIu64,
                       model->path, key, text, most);
    }
    *number = value;
    return GV_OK;
}

static gv_status read_real(const gv_model_file *model, const char *key, double *number)
{
    const char *text = NULL;
    GV_TRY(need_note(model, key, &text));
    const char *fault = gv_number_real(text, strlen(text), number);
    if (fault != NULL) {
        return GV_FAIL(GV_ECORRUPT, "%s: \"%s\" is \"%.40s\", which %s", model->path, key, text,
                       fault);
    }
    return GV_OK;
}

static gv_status read_choice(const gv_model_file *model, const char *key,
                             const char *const *choices, size_t *choice)
{
    const char *text = NULL;
    GV_TRY(need_note(model, key, &text));
    for (size_t i = 0; choices[i] != NULL; i++) {
        if (strcmp(choices[i], text) == 0) {
            *choice = i;
            return GV_OK;
        }
    }
    return GV_FAIL(GV_ECORRUPT, "%s: \"%s\" is \"%.40s\", expected one like \"%s\"", model->path,
                   key, text, choices[0]);
}

static gv_status read_time(const gv_model_file *model, const char *key, int64_t *time_us)
{
    const char *text = NULL;
    GV_TRY(need_note(model, key, &text));
    if (gv_time_parse(text, 0, time_us) != GV_OK) {
        return GV_FAIL(GV_ECORRUPT, "%s: \"%s\": %.400s", model->path, key, gv_status_detail());
    }
    return GV_OK;
}

static gv_status read_type(gv_model_file *model)
{
    const char *kind = NULL;
    const char *name = NULL;
    GV_TRY(need_note(model, "kind", &kind));
    if (strcmp(kind, KIND " " GV_MODEL_FORMAT) != 0) {
        return GV_FAIL(GV_ECORRUPT, "%s: it holds \"%.80s\", expected \"%s\"", model->path, kind,
                       KIND " " GV_MODEL_FORMAT);
    }
    GV_TRY(need_note(model, "type", &name));
    model->about.type = gv_model_find(name);
    if (model->about.type == NULL) {
        return GV_FAIL(GV_ENOTFOUND,
                       "%s: a model of type \"%.60s\", which this program does not know: `gavel "
                       "list models` shows those that it does",
                       model->path, name);
    }
    return GV_OK;
}

static gv_status read_params(gv_model_file *model)
{
    const gv_type_info *type = &model->about.type->info;
    model->config = gv_mem_alloc(0, 1, type->config_size);
    if (model->config == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the parameters of %s", model->path);
    }
    model->about.config = model->config;
    for (const gv_param *row = type->params; row != NULL && row->name != NULL; row++) {
        char key[KEY_SIZE];
        const char *text = NULL;
        (void)snprintf(key, sizeof key, "%s.%s", type->name, row->name);
        GV_TRY(need_note(model, key, &text));
        if (gv_param_parse(row, text, 0, model->config) != GV_OK) {
            return GV_FAIL(GV_ECORRUPT, "%s: \"%s\": %.500s", model->path, key, gv_status_detail());
        }
    }
    return GV_OK;
}

static gv_status read_fields(gv_model_file *model)
{
    const char *text = NULL;
    uint64_t bits = 0;
    GV_TRY(need_note(model, "fields", &text));
    if (gv_fields_parse(text, strlen(text), &model->about.fields) != GV_OK) {
        return GV_FAIL(GV_ECORRUPT, "%s: \"fields\": %.700s", model->path, gv_status_detail());
    }
    GV_TRY(read_whole(model, "bits", GV_FIELD_BITS_MAX, &bits));
    if (bits < GV_FIELD_BITS_MIN) {
        return GV_FAIL(GV_ECORRUPT, "%s: \"bits\" is %" PRIu64 ", expected %d to %d", model->path,
                       bits, GV_FIELD_BITS_MIN, GV_FIELD_BITS_MAX);
    }
    model->about.bits = (unsigned)bits;
    return GV_OK;
}

static gv_status read_knots(gv_model_file *model, gv_rate rate)
{
    gv_recalibration *map = &model->about.recalibrations[rate];
    const recalibration_keys *keys = &recalibration_keys_of[rate];
    const gv_tensor *knots = NULL;
    const gv_tensor *values = NULL;
    const uint64_t any = 0;
    GV_TRY(gv_safetensors_expect(model->file, keys->knots, GV_TENSOR_F64, 1, &any, &knots));
    const size_t count = (size_t)knots->shape[0];
    GV_TRY(gv_safetensors_expect(model->file, keys->values, GV_TENSOR_F64, 1, &knots->shape[0],
                                 &values));
    if (count == 0 || values->shape[0] != count) {
        return GV_FAIL(GV_ECORRUPT, "%s: its recalibration has no knots", model->path);
    }
    map->knots = gv_mem_alloc(0, count, sizeof *map->knots);
    map->values = gv_mem_alloc(0, count, sizeof *map->values);
    if (map->knots == NULL || map->values == NULL) {
        return GV_FAIL(GV_ENOMEM, "%zu knots", count);
    }
    memcpy(map->knots, knots->data, count * sizeof *map->knots);
    memcpy(map->values, values->data, count * sizeof *map->values);
    map->knot_count = count;
    for (size_t i = 0; i < count; i++) {
        const bool rises =
            i == 0 || (map->knots[i] > map->knots[i - 1] && map->values[i] >= map->values[i - 1]);
        if (!rises || !isfinite(map->knots[i]) || !(map->values[i] > 0 && map->values[i] < 1)) {
            return GV_FAIL(GV_ECORRUPT,
                           "%s: knot %zu of its recalibration does not rise, or is no "
                           "probability",
                           model->path, i);
        }
    }
    return GV_OK;
}

static gv_status read_recalibration(gv_model_file *model, gv_rate rate)
{
    gv_recalibration *map = &model->about.recalibrations[rate];
    const recalibration_keys *keys = &recalibration_keys_of[rate];
    size_t kind = 0;
    if (rate == GV_RATE_CONVERSION && gv_safetensors_note(model->file, keys->kind) == NULL) {
        return GV_OK;
    }
    GV_TRY(read_choice(model, keys->kind, gv_recalibration_names, &kind));
    GV_TRY(read_real(model, keys->shift, &map->shift));
    if (kind == GV_RECALIBRATE_PLATT) {
        GV_TRY(read_real(model, keys->slope, &map->slope));
        GV_TRY(read_real(model, keys->offset, &map->offset));
    } else if (kind == GV_RECALIBRATE_ISOTONIC) {
        GV_TRY(read_knots(model, rate));
    }
    map->kind = (gv_recalibration_kind)kind;
    return GV_OK;
}

static gv_status read_origin(gv_model_file *model)
{
    gv_model_about *about = &model->about;
    const char *text = NULL;
    char *end = NULL;
    size_t sampling = 0;
    GV_TRY(read_choice(model, "trained.sampling", gv_sampling_names, &sampling));
    about->sampling = (gv_sampling)sampling;
    GV_TRY(read_real(model, "trained.impression_weight", &about->impression_weight));
    if (!(about->impression_weight > 0)) {
        return GV_FAIL(GV_ECORRUPT, "%s: \"trained.impression_weight\" is %g, expected above 0",
                       model->path, about->impression_weight);
    }
    GV_TRY(read_whole(model, "trained.seed", UINT64_MAX, &about->seed));
    GV_TRY(read_whole(model, "trained.epochs", WHOLE_MAX, &about->epochs));
    GV_TRY(need_note(model, "trained.log", &text));
    about->log_identity = strtoull(text, &end, 16);
    if (strlen(text) != 16 || *end != '\0') {
        return GV_FAIL(GV_ECORRUPT, "%s: \"trained.log\" is \"%.40s\", expected 16 digits",
                       model->path, text);
    }
    GV_TRY(read_time(model, "trained.from", &about->from_us));
    GV_TRY(read_time(model, "trained.to", &about->to_us));
    GV_TRY(need_note(model, "trained.version", &text));
    (void)snprintf(about->version, sizeof about->version, "%s", text);
    return GV_OK;
}

static gv_status read_all(gv_model_file *model)
{
    GV_TRY(read_type(model));
    GV_TRY(read_params(model));
    GV_TRY(read_fields(model));
    for (size_t i = 0; i < GV_RATES; i++) {
        GV_TRY(read_recalibration(model, (gv_rate)i));
    }
    return read_origin(model);
}

/* Takes the file over. */
static gv_status finish_open(const char *path, gv_safetensors *file, gv_model_file **out)
{
    const size_t size = strlen(path) + 1;
    gv_model_file *model = gv_mem_alloc(sizeof *model, size, 1);
    if (model == NULL) {
        gv_safetensors_close(file);
        return GV_FAIL(GV_ENOMEM, "no memory to open %s", path);
    }
    memcpy(model->path, path, size);
    model->file = file;
    const gv_status status = read_all(model);
    if (status != GV_OK) {
        gv_model_file_close(model);
        return status;
    }
    *out = model;
    return GV_OK;
}

gv_status gv_model_file_open(const char *path, gv_model_file **out)
{
    gv_safetensors *file = NULL;
    GV_TRY(gv_safetensors_open(path, &file));
    return finish_open(path, file, out);
}

gv_status gv_model_file_open_bytes(const char *name, const void *bytes, size_t size,
                                   gv_model_file **out)
{
    gv_safetensors *file = NULL;
    GV_TRY(gv_safetensors_open_bytes(name, bytes, size, &file));
    return finish_open(name, file, out);
}

void gv_model_file_close(gv_model_file *file)
{
    if (file == NULL) {
        return;
    }
    for (size_t i = 0; i < GV_RATES; i++) {
        gv_recalibration_fini(&file->about.recalibrations[i]);
    }
    gv_safetensors_close(file->file);
    gv_mem_free(file->config);
    gv_mem_free(file);
}

const char *gv_model_file_path(const gv_model_file *file)
{
    return file->path;
}

const gv_model_about *gv_model_file_about(const gv_model_file *file)
{
    return &file->about;
}

const gv_safetensors *gv_model_file_tensors(const gv_model_file *file)
{
    return file->file;
}
