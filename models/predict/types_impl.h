/*
 * types_impl.h - every predictor type, for the table in predictors.c.
 */
#ifndef MODELS_PREDICT_TYPES_IMPL_H
#define MODELS_PREDICT_TYPES_IMPL_H

#include "sim/market/predictor.h"

extern const gv_predictor_type gv_predictor_historical_rate;
extern const gv_predictor_type gv_predictor_logged;
extern const gv_predictor_type gv_predictor_model;
extern const gv_predictor_type gv_predictor_trained;

#endif
