/* The table of estimators; each row is defined at the end of its family's file. */
#include <string.h>

#include "sim/estimate/estimators_impl.h"

/* A row a line. */
/* clang-format off */
const gv_estimator_type *const gv_estimator_types[] = {
    &gv_estimator_dm,
    &gv_estimator_ips,
    &gv_estimator_snips,
    &gv_estimator_clipped_ips,
    &gv_estimator_shrunk_ips,
    &gv_estimator_switch,
    &gv_estimator_dr,
    &gv_estimator_sndr,
    &gv_estimator_dros,
    NULL,
};
/* clang-format on */

const gv_estimator_type *gv_estimator_find(const char *name)
{
    for (size_t i = 0; gv_estimator_types[i] != NULL; i++) {
        if (strcmp(gv_estimator_types[i]->info.name, name) == 0) {
            return gv_estimator_types[i];
        }
    }
    return NULL;
}
