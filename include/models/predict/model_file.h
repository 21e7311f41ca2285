/*
 * model_file.h - a trained model in a file, with all that is needed to serve it.
 *
 * A safetensors file: the model's tensors under their names; "recalibration.knots" and ".values"
 * where it was recalibrated by an isotonic function, of conversions "conversions.knots" and
 * ".values"; and under "__metadata__" the type, each of
 * its parameters, the declaration of its fields and the bits of a bucket, its recalibration, and
 * where it came from: span and identity of the log, weight of its impressions, seed, passes,
 * version of the program. No time and no host: the same training gives the same bytes.
 */
#ifndef MODELS_PREDICT_MODEL_FILE_H
#define MODELS_PREDICT_MODEL_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/predict/fields.h"
#include "models/predict/model.h"
#include "models/predict/recalibration.h"
#include "sim/base/safetensors.h"
#include "sim/base/status.h"

/* The layout of a file; another one is refused. */
#define GV_MODEL_FORMAT "1"

/* How a log of sampled negatives was learnt. */
typedef enum gv_sampling {
    GV_SAMPLING_SHIFT, /* each example once, and the odds shifted afterwards */
    GV_SAMPLING_WEIGH, /* negatives weigh what they stand for */
} gv_sampling;

extern const char *const gv_sampling_names[]; /* by number, then NULL */

enum { GV_MODEL_VERSION_SIZE = 64 };

typedef struct gv_model_about {
    const gv_model_type *type;
    const void *config; /* its parameters, complete */
    gv_fields fields;
    unsigned bits;
    gv_sampling sampling;
    double impression_weight;
    uint64_t seed;
    uint64_t epochs; /* passes behind what was kept */
    uint64_t log_identity;
    int64_t from_us; /* of the samples that were learnt: [from, to) */
    int64_t to_us;
    char version[GV_MODEL_VERSION_SIZE];       /* of the program */
    gv_recalibration recalibrations[GV_RATES]; /* borrowed when written */
} gv_model_about;

/* Whole or not at all. */
GV_MUST_CHECK gv_status gv_model_file_write(const char *path, const gv_model_about *about,
                                            const gv_tensor *tensors, size_t tensor_count);

typedef struct gv_model_file gv_model_file;

/*
 * Any type, its parameters checked. A type or parameter that this program does not know and
 * whatever does not hold together is refused with a sentence that names the file.
 */
GV_MUST_CHECK gv_status gv_model_file_open(const char *path, gv_model_file **out);

/* The same of bytes: see gv_safetensors_open_bytes(). */
GV_MUST_CHECK gv_status gv_model_file_open_bytes(const char *name, const void *bytes, size_t size,
                                                 gv_model_file **out);
void gv_model_file_close(gv_model_file *file); /* accepts NULL */

const char *gv_model_file_path(const gv_model_file *file);

/* With its recalibrations; dies with the file. */
const gv_model_about *gv_model_file_about(const gv_model_file *file);
const gv_safetensors *gv_model_file_tensors(const gv_model_file *file);

#endif
