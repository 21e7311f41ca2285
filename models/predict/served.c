#include "models/predict/served.h"

#include <assert.h>
#include <stdio.h>

#include "sim/base/mem.h"

struct gv_served {
    gv_model_file *file;
    gv_model *model;
    const gv_recalibration *maps[GV_RATES]; /* that are applied */
    gv_example_reader *reader;              /* NULL: not bound */
    gv_example_set examples;
    gv_side sides[GV_FIELDS_MAX];
};

/* Whatever does not hold together is the file's fault: its parameters, too. */
static gv_status restore(gv_served *served, size_t jobs)
{
    const gv_model_about *about = gv_model_file_about(served->file);
    gv_fields_sides(&about->fields, served->sides);
    const gv_model_setup setup = {.config = about->config,
                                  .shape = gv_fields_shape(&about->fields, about->bits),
                                  .seed = about->seed,
                                  .jobs = jobs,
                                  .sides = served->sides};
    gv_status status = gv_model_create(about->type, &setup, &served->model);
    if (status == GV_OK) {
        status = gv_model_restore(served->model, gv_model_file_tensors(served->file));
    }
    if (status == GV_ECORRUPT || status == GV_EINVAL || status == GV_EUSAGE) {
        char detail[700];
        (void)snprintf(detail, sizeof detail, "%s", gv_status_detail());
        return GV_FAIL(GV_ECORRUPT, "%s: %s", gv_model_file_path(served->file), detail);
    }
    return status;
}

gv_status gv_served_open(const char *path, size_t jobs, gv_served **out)
{
    gv_served *served = gv_mem_alloc(sizeof *served, 0, 0);
    if (served == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to open %s", path);
    }
    gv_status status = gv_model_file_open(path, &served->file);
    if (status == GV_OK) {
        for (size_t i = 0; i < GV_RATES; i++) {
            served->maps[i] = &gv_model_file_about(served->file)->recalibrations[i];
        }
        status = restore(served, jobs);
    }
    if (status != GV_OK) {
        gv_served_close(served);
        return status;
    }
    *out = served;
    return GV_OK;
}

void gv_served_close(gv_served *served)
{
    if (served == NULL) {
        return;
    }
    gv_example_set_fini(&served->examples);
    gv_example_reader_destroy(served->reader);
    gv_model_destroy(served->model);
    gv_model_file_close(served->file);
    gv_mem_free(served);
}

const gv_model_about *gv_served_about(const gv_served *served)
{
    return gv_model_file_about(served->file);
}

const char *gv_served_sharing(const gv_served *served)
{
    return gv_model_sharing(served->model);
}

void gv_served_recalibrate(gv_served *served, gv_rate rate, const gv_recalibration *map)
{
    served->maps[rate] = map;
}

gv_status gv_served_write(const gv_served *served, const char *path)
{
    gv_model_about about = *gv_served_about(served);
    gv_tensor tensors[GV_MODEL_TENSORS_MAX];
    gv_model_tensors list = {.tensors = tensors};
    for (size_t i = 0; i < GV_RATES; i++) {
        about.recalibrations[i] = *served->maps[i];
    }
    gv_model_list_tensors(served->model, &list);
    return gv_model_file_write(path, &about, tensors, list.count);
}

gv_status gv_served_bind(gv_served *served, const gv_log *log)
{
    const gv_model_about *about = gv_served_about(served);
    char who[300];
    gv_example_reader_destroy(served->reader);
    served->reader = NULL;
    (void)snprintf(who, sizeof who, "the model %.280s", gv_model_file_path(served->file));
    return gv_example_reader_create(log, &about->fields, about->bits, who, &served->reader);
}

gv_status gv_served_price(gv_served *served, const gv_sample *samples, size_t count, float *pctr,
                          float *pcvr)
{
    assert(served->reader != NULL);
    for (size_t first = 0; first < count; first += GV_SERVED_BLOCK) {
        const size_t left = count - first;
        const size_t taken = left < GV_SERVED_BLOCK ? left : GV_SERVED_BLOCK;
        GV_TRY(gv_example_reader_read(served->reader, samples + first, taken, NULL,
                                      &served->examples));
        GV_TRY(gv_model_predict(served->model, &served->examples.view, pctr + first,
                                pcvr == NULL ? NULL : pcvr + first));
        gv_recalibration_apply(served->maps[GV_RATE_CLICK], pctr + first, taken);
        if (pcvr != NULL && gv_served_about(served)->type->tells_conversions) {
            gv_recalibration_apply(served->maps[GV_RATE_CONVERSION], pcvr + first, taken);
        }
    }
    return GV_OK;
}

/* One column of floats, [count]. */
static gv_tensor column_of(const char *name, const float *numbers, size_t count)
{
    return (gv_tensor){
        .name = name, .type = GV_TENSOR_F32, .rank = 1, .shape = {count}, .data = numbers};
}

static gv_status write_examples(const gv_served *served, const gv_examples *view, const char *path)
{
    const size_t places = view->count * view->shape.field_count;
    char fields[GV_FIELDS_TEXT_SIZE];
    char bits[16];
    const gv_tensor tensors[] = {
        {.name = "starts",
         .type = GV_TENSOR_U32,
         .rank = 1,
         .shape = {places + 1},
         .data = view->starts},
        {.name = "buckets",
         .type = GV_TENSOR_U32,
         .rank = 1,
         .shape = {view->starts[places]},
         .data = view->buckets},
        column_of("clicks", view->clicks, view->count),
        column_of("conversions", view->conversions, view->count),
        column_of("weights", view->weights, view->count),
    };
    gv_fields_print(&gv_served_about(served)->fields, fields, sizeof fields);
    (void)snprintf(bits, sizeof bits, "%u", gv_served_about(served)->bits);
    const gv_tensor_note notes[] = {
        {"kind", "gavel examples 1"}, {"fields", fields}, {"bits", bits}};
    return gv_safetensors_write(path, tensors, sizeof tensors / sizeof tensors[0], notes,
                                sizeof notes / sizeof notes[0]);
}

gv_status gv_served_export(gv_served *served, const gv_sample *samples, size_t count,
                           double negative_weight, const char *path)
{
    const gv_example_labels labels = {.conversions = true, .negative_weight = negative_weight};
    assert(served->reader != NULL);
    GV_TRY(gv_example_reader_read(served->reader, samples, count, &labels, &served->examples));
    return write_examples(served, &served->examples.view, path);
}
