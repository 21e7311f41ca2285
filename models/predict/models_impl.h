/* Every model type, for the table in models.c. */
#ifndef MODELS_PREDICT_MODELS_IMPL_H
#define MODELS_PREDICT_MODELS_IMPL_H

#include "models/predict/model.h"
#include "sim/base/progress.h"

/* Rows that a model learns between two questions whether to go on. */
enum { GV_MODEL_ASKS = 512 };

extern const gv_model_type gv_model_ftrl;
extern const gv_model_type gv_model_fm;

/* Tells that `done` of `count` rows are learnt; GV_ESTOPPED: no further. */
GV_MUST_CHECK gv_status gv_model_report(const gv_progress *progress, size_t done, size_t count);

#endif
