/*
 * served.h - a trained model, asked about rows of a log.
 *
 *   gv_served *served = NULL;
 *   GV_TRY(gv_served_open("ctr.safetensors", 1, &served));
 *   GV_TRY(gv_served_bind(served, log));
 *   GV_TRY(gv_served_price(served, samples, count, pctr, NULL));
 *
 * A price depends on the row, its user's past in the log and the file alone. Rows that follow each
 * other and have all that is the user's alike (fields.h says what is) are candidates of one
 * request, of which networks compute the user's part once (MaRI, models/nn/mari.h): the same bits,
 * however many candidates there are and wherever they stand. One thread at a time.
 */
#ifndef MODELS_PREDICT_SERVED_H
#define MODELS_PREDICT_SERVED_H

#include <stddef.h>

#include "models/predict/example_reader.h"
#include "models/predict/model_file.h"
#include "models/predict/samples.h"
#include "sim/base/status.h"
#include "sim/log/log.h"

typedef struct gv_served gv_served;

/* jobs: threads of its own, at least 1. */
GV_MUST_CHECK gv_status gv_served_open(const char *path, size_t jobs, gv_served **out);
void gv_served_close(gv_served *served); /* accepts NULL */

/* What the file says of it; lives as long as `served`. */
const gv_model_about *gv_served_about(const gv_served *served);

/* How the candidates of a request are priced, for people; NULL: nothing could be shared. */
const char *gv_served_sharing(const gv_served *served);

/* From now on this is applied and not the file's own; borrowed while it is asked or written. */
void gv_served_recalibrate(gv_served *served, gv_rate rate, const gv_recalibration *map);

/* The model with the recalibrations that are applied; `path` may be where it came from. */
GV_MUST_CHECK gv_status gv_served_write(const gv_served *served, const char *path);

/*
 * The samples as the model sees them, for other programs: a safetensors file of "starts"
 * [count F + 1] and "buckets" (U32; see examples.h), "clicks", "conversions" and "weights" (F32
 * [count]; an unclicked sample weighs `negative_weight`), with the names of the fields and the bits
 * in its metadata. All is held in memory.
 */
GV_MUST_CHECK gv_status gv_served_export(gv_served *served, const gv_sample *samples, size_t count,
                                         double negative_weight, const char *path);

/* Borrows the log until the next bind or close. GV_ENOTFOUND: what the log lacks, all of it. */
GV_MUST_CHECK gv_status gv_served_bind(gv_served *served, const gv_log *log);

/* Rows are read so many at a time. */
enum { GV_SERVED_BLOCK = 16384 };

/* pctr, pcvr (NULL: not wanted): [count], in [0, 1], recalibrated. Bound to a log (asserted). */
GV_MUST_CHECK gv_status gv_served_price(gv_served *served, const gv_sample *samples, size_t count,
                                        float *pctr, float *pcvr);

#endif
