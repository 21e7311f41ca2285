/* Any bytes as the file of a model; one that is accepted is restored and asked. */
#include <assert.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "models/predict/model_file.h"
#include "sim/base/mem.h"

/* More buckets than this cost memory, and tell nothing new. */
enum { BITS_MAX = 12, FIELDS_PAST_MAX = 64 };

static void ask(const gv_model_file *file)
{
    const gv_model_about *about = gv_model_file_about(file);
    static uint32_t starts[GV_FIELDS_MAX + 1];
    static uint32_t past_buckets[GV_PAST_LENGTH_MAX * GV_PAST_FIELDS_MAX];
    static float past_ages[GV_PAST_LENGTH_MAX];
    static gv_side sides[GV_FIELDS_MAX];
    const uint32_t past_count = 0;
    const uint32_t bucket = 3;
    float pctr = 0;
    gv_model *model = NULL;
    const gv_model_setup setup = {.config = about->config,
                                  .shape = gv_fields_shape(&about->fields, about->bits),
                                  .seed = about->seed,
                                  .jobs = 1,
                                  .sides = sides};
    gv_fields_sides(&about->fields, sides);
    if (gv_model_create(about->type, &setup, &model) != GV_OK) {
        return;
    }
    for (size_t f = 0; f < setup.shape.field_count; f++) {
        starts[f + 1] = 1;
    }
    const gv_examples examples = {.shape = setup.shape,
                                  .count = 1,
                                  .starts = starts,
                                  .buckets = &bucket,
                                  .past_counts = &past_count,
                                  .past_buckets = past_buckets,
                                  .past_ages = past_ages};
    if (gv_model_restore(model, gv_model_file_tensors(file)) == GV_OK) {
        const gv_status status = gv_model_predict(model, &examples, &pctr, NULL);
        assert(status == GV_OK || status == GV_EINVAL);
        if (status == GV_OK) {
            for (size_t i = 0; i < GV_RATES; i++) {
                gv_recalibration_apply(&about->recalibrations[i], &pctr, 1);
            }
            assert(pctr >= 0.0F && pctr <= 1.0F);
        }
    }
    gv_model_destroy(model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    gv_model_file *file = NULL;
    unsigned char *bytes = gv_mem_alloc_vector(size + 1, 1);
    assert(bytes != NULL);
    memcpy(bytes, data, size);
    const gv_status status = gv_model_file_open_bytes("m", bytes, size, &file);
    if (status == GV_OK && gv_model_file_about(file)->bits <= BITS_MAX &&
        gv_model_file_about(file)->fields.past_length <= FIELDS_PAST_MAX) {
        ask(file);
    }
    gv_model_file_close(file);
    gv_mem_free(bytes);
    return 0;
}
