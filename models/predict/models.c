/* The table of all models, each of which its own file tells of, and the caller of their methods. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/predict/model.h"
#include "models/predict/models_impl.h"
#include "models/predict/net_impl.h"
#include "sim/base/mem.h"

enum { STATE_ALIGNMENT = 64 };

/* A row a line. */
/* clang-format off */
const gv_model_type *const gv_model_types[] = {
    &gv_model_ftrl,
    &gv_model_fm,
    &gv_model_infnet,
    &gv_model_mlp,
    NULL,
};
/* clang-format on */

struct gv_model {
    const gv_model_type *type;
    gv_example_shape shape;
    /* The state follows at the next multiple of STATE_ALIGNMENT. */
};

const gv_model_type *gv_model_find(const char *name)
{
    for (size_t i = 0; gv_model_types[i] != NULL; i++) {
        if (strcmp(gv_model_types[i]->info.name, name) == 0) {
            return gv_model_types[i];
        }
    }
    return NULL;
}

uint64_t gv_model_usual_epochs(const gv_model_type *type)
{
    const gv_param *row = gv_param_find(type->info.params, "epochs");
    assert(row != NULL);
    return strtoull(row->fallback, NULL, 10);
}

gv_status gv_model_report(const gv_progress *progress, size_t done, size_t count)
{
    return gv_progress_report(progress, "training", done, count)
               ? GV_OK
               : GV_FAIL(GV_ESTOPPED, "learning was stopped behind row %zu of %zu", done, count);
}

static void *state_of(gv_model *model)
{
    return (unsigned char *)model + STATE_ALIGNMENT;
}

static bool has_shape(const gv_model *model, const gv_examples *examples)
{
    return model->shape.field_count == examples->shape.field_count &&
           model->shape.bucket_count == examples->shape.bucket_count &&
           model->shape.past_length == examples->shape.past_length &&
           model->shape.past_field_count == examples->shape.past_field_count;
}

gv_status gv_model_create(const gv_model_type *type, const gv_model_setup *setup, gv_model **out)
{
    const size_t size = STATE_ALIGNMENT + type->state_size;
    gv_model *model = gv_mem_alloc_vector(size, 1);
    if (model == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for model %s", type->info.name);
    }
    memset(model, 0, size);
    model->type = type;
    model->shape = setup->shape;
    const gv_status status = type->init(state_of(model), setup);
    if (status != GV_OK) {
        gv_model_destroy(model);
        return status;
    }
    *out = model;
    return GV_OK;
}

void gv_model_destroy(gv_model *model)
{
    if (model == NULL) {
        return;
    }
    model->type->fini(state_of(model));
    gv_mem_free(model);
}

const gv_model_type *gv_model_type_of(const gv_model *model)
{
    return model->type;
}

gv_status gv_model_learn(gv_model *model, const gv_examples *examples, const uint32_t *rows,
                         size_t count, double *loss)
{
    assert(has_shape(model, examples));
    assert(examples->clicks != NULL);
    return model->type->learn(state_of(model), examples, rows, count, loss);
}

/* Numbers of a file, each finite, may still be too large to be added. */
static gv_status check_rates(const gv_model *model, const float *rates, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (isnan(rates[i])) {
            return GV_FAIL(GV_EINVAL, "model %s: the prediction of row %zu is not a number",
                           model->type->info.name, i);
        }
        assert(rates[i] >= 0.0F);
        assert(rates[i] <= 1.0F);
    }
    return GV_OK;
}

gv_status gv_model_predict(gv_model *model, const gv_examples *examples, float *pctr, float *pcvr)
{
    const bool asks = pcvr != NULL && model->type->tells_conversions;
    assert(has_shape(model, examples));
    if (examples->count == 0) {
        return GV_OK;
    }
    GV_TRY(model->type->predict(state_of(model), examples, pctr, asks ? pcvr : NULL));
    GV_TRY(check_rates(model, pctr, examples->count));
    for (size_t i = 0; i < examples->count && pcvr != NULL && !asks; i++) {
        pcvr[i] = 1;
    }
    return asks ? check_rates(model, pcvr, examples->count) : GV_OK;
}

const char *gv_model_sharing(const gv_model *model)
{
    return model->type->sharing == NULL
               ? NULL
               : model->type->sharing((const unsigned char *)model + STATE_ALIGNMENT);
}

void gv_model_list_tensors(const gv_model *model, gv_model_tensors *out)
{
    out->count = 0;
    model->type->tensors((const unsigned char *)model + STATE_ALIGNMENT, out);
    assert(out->count <= GV_MODEL_TENSORS_MAX);
}

gv_status gv_model_restore(gv_model *model, const gv_safetensors *file)
{
    return model->type->restore(state_of(model), file);
}
