/* The table of all models; each type's own file tells of it. */
#include <string.h>

#include "models/predict/model.h"
#include "models/predict/net_impl.h"

const gv_model_type *const gv_model_types[] = {
    &gv_model_infnet,
    &gv_model_mlp,
    NULL,
};

const gv_model_type *gv_model_find(const char *name)
{
    for (size_t i = 0; gv_model_types[i] != NULL; i++) {
        if (strcmp(gv_model_types[i]->info.name, name) == 0) {
            return gv_model_types[i];
        }
    }
    return NULL;
}
