#include "models/predict/predictors.h"

#include <string.h>

#include "models/predict/types_impl.h"

const gv_predictor_type *const gv_predictor_types[] = {
    &gv_predictor_historical_rate,
    &gv_predictor_logged,
    &gv_predictor_model,
    &gv_predictor_trained,
    NULL,
};

const gv_predictor_type *gv_predictor_find(const char *name)
{
    const gv_predictor_type *const *type = gv_predictor_types;
    while (*type != NULL && strcmp((*type)->info.name, name) != 0) {
        type++;
    }
    return *type;
}
