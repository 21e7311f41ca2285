/* Every model type, for the table in models.c. */
#ifndef MODELS_PREDICT_MODELS_IMPL_H
#define MODELS_PREDICT_MODELS_IMPL_H

#include "models/predict/model.h"

extern const gv_model_type gv_model_ftrl;
extern const gv_model_type gv_model_fm;

#endif
