/*
 * predictors.h - the table of all click and conversion predictors: one file each.
 */
#ifndef MODELS_PREDICT_PREDICTORS_H
#define MODELS_PREDICT_PREDICTORS_H

#include "sim/market/predictor.h"

extern const gv_predictor_type *const gv_predictor_types[]; /* every type, then NULL */

/* NULL when there is none of that name. */
const gv_predictor_type *gv_predictor_find(const char *name);

/* The file of a trained model that a predictor serves; NULL: it serves none. */
const char *gv_predictor_model_path(const gv_predictor_type *type, const void *config);

#endif
