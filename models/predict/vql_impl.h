/* vql_impl.h - a codebook as its caches see it. */
#ifndef MODELS_PREDICT_VQL_IMPL_H
#define MODELS_PREDICT_VQL_IMPL_H

#include "models/predict/vql.h"

enum { GV_VQL_WIDTH_MAX = 256 };

struct gv_vql_book {
    gv_vql_config config;
    size_t first[GV_VQL_GROUPS_MAX]; /* of a group's codes among all */
    size_t packed_at[GV_VQL_GROUPS_MAX];
    size_t count; /* codes of all groups */
    uint64_t steps;
    float *codes;   /* [count][width] */
    float *packed;  /* the same, of each group as gv_nearest_pack() has them */
    double *means;  /* [count][width]: moving sums of keys */
    double *masses; /* [count]: of ones */
    uint64_t *last; /* [count]: the step that last chose it */
};

#endif
