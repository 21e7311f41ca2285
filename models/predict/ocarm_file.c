/* Weights of a teacher or student in a safetensors file: tensors, and role and config as notes. */
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "models/predict/ocarm_impl.h"
#include "sim/base/mem.h"
#include "sim/base/safetensors.h"

#define TYPE_NOTE "type"

enum { TENSORS_MAX = 64, NOTES_MAX = 16, TEXT_SIZE = 64 };

static gv_tensor tensor_of(const gv_ocarm *ocarm, size_t index)
{
    const gv_weight *weight = gv_params_at(ocarm->params, index);
    gv_tensor tensor = {.name = weight->name,
                        .type = GV_TENSOR_F32,
                        .rank = weight->shape.rank,
                        .data = gv_params_read_f32(ocarm->params) + weight->offset};
    for (size_t k = 0; k < weight->shape.rank; k++) {
        tensor.shape[k] = weight->shape.dim[k];
    }
    return tensor;
}

gv_status gv_ocarm_write(const gv_ocarm *ocarm, const char *path)
{
    gv_tensor tensors[TENSORS_MAX];
    gv_tensor_note notes[NOTES_MAX] = {{TYPE_NOTE, gv_ocarm_types[ocarm->role].name}};
    char texts[NOTES_MAX][TEXT_SIZE];
    const gv_param *params = gv_ocarm_types[ocarm->role].params;
    const size_t count = gv_params_count(ocarm->params);
    size_t note_count = 1;
    assert(count <= TENSORS_MAX);
    for (size_t i = 0; i < count; i++) {
        tensors[i] = tensor_of(ocarm, i);
    }
    for (; params[note_count - 1].name != NULL; note_count++) {
        assert(note_count < NOTES_MAX);
        gv_param_print(&params[note_count - 1], &ocarm->config, texts[note_count], TEXT_SIZE);
        notes[note_count] =
            (gv_tensor_note){.key = params[note_count - 1].name, .text = texts[note_count]};
    }
    return gv_safetensors_write(path, tensors, count, notes, note_count);
}

/* ---- opening --------------------------------------------------------------------------------- */

static gv_status role_of(const gv_safetensors *file, const char *path, gv_ocarm_role *role)
{
    const char *type = gv_safetensors_note(file, TYPE_NOTE);
    for (int i = 0; i < GV_OCARM_ROLES; i++) {
        if (type != NULL && strcmp(type, gv_ocarm_types[i].name) == 0) {
            *role = (gv_ocarm_role)i;
            return GV_OK;
        }
    }
    return GV_FAIL(GV_EINVAL,
                   "%s: holds %s%s%s, expected weights, as `gavel train ocarm_teacher` and `gavel "
                   "train ocarm_student` write them",
                   path, type == NULL ? "no type of weights" : "'", type == NULL ? "" : type,
                   type == NULL ? "" : "'");
}

static gv_status config_of(const gv_safetensors *file, const char *path, gv_ocarm_role role,
                           gv_ocarm_config *config)
{
    for (const gv_param *row = gv_ocarm_types[role].params; row->name != NULL; row++) {
        const char *text = gv_safetensors_note(file, row->name);
        if (text == NULL) {
            return GV_FAIL(GV_ECORRUPT, "%s: does not say its %s", path, row->name);
        }
        if (gv_param_parse(row, text, 0, config) != GV_OK) {
            return GV_FAIL(GV_ECORRUPT, "%s: %s: %.900s", path, row->name, gv_status_detail());
        }
    }
    return GV_OK;
}

static gv_status fill(const gv_safetensors *file, const char *path, gv_ocarm *ocarm)
{
    for (size_t i = 0; i < gv_params_count(ocarm->params); i++) {
        const gv_tensor expected = tensor_of(ocarm, i);
        const gv_tensor *found = NULL;
        GV_TRY(gv_safetensors_expect(file, expected.name, GV_TENSOR_F32, expected.rank,
                                     expected.shape, &found));
        const gv_weight *weight = gv_params_at(ocarm->params, i);
        float *numbers = gv_params_f32(ocarm->params) + weight->offset;
        memcpy(numbers, found->data, weight->count * sizeof *numbers);
        for (size_t k = 0; k < weight->count; k++) {
            if (!isfinite(numbers[k])) {
                return GV_FAIL(GV_ECORRUPT, "%s: %s holds a number that is not finite", path,
                               weight->name);
            }
        }
    }
    return gv_ocarm_ready(ocarm);
}

static gv_status open_file(const gv_safetensors *file, const char *path, gv_ocarm **out)
{
    gv_ocarm_role role = GV_OCARM_STUDENT;
    gv_ocarm_config config = {.epochs = 0};
    gv_ocarm *ocarm = NULL;
    GV_TRY(role_of(file, path, &role));
    GV_TRY(config_of(file, path, role, &config));
    GV_TRY(gv_ocarm_create(role, &config, 0, &ocarm));
    const gv_status status = fill(file, path, ocarm);
    if (status != GV_OK) {
        gv_ocarm_destroy(ocarm);
        return status;
    }
    *out = ocarm;
    return GV_OK;
}

gv_status gv_ocarm_open(const char *path, gv_ocarm **out)
{
    gv_safetensors *file = NULL;
    GV_TRY(gv_safetensors_open(path, &file));
    const gv_status status = open_file(file, path, out);
    gv_safetensors_close(file);
    return status;
}
