/* The table of learners; each row is defined at the end of its learn_NAME.c. */
#include <string.h>

#include "policies/learn/learners_impl.h"

/* A row a line. */
/* clang-format off */
const gv_learner_type *const gv_learner_types[] = {
    &gv_learner_bc,
    &gv_learner_iql,
    &gv_learner_cql,
    &gv_learner_td3bc,
    &gv_learner_bcq,
    &gv_learner_dt,
    &gv_learner_dd,
    &gv_learner_egdb,
    &gv_learner_ebaret,
    &gv_learner_direct,
    NULL,
};
/* clang-format on */

const gv_learner_type *gv_learner_find(const char *name)
{
    const gv_learner_type *const *type = gv_learner_types;
    while (*type != NULL && strcmp((*type)->info.name, name) != 0) {
        type++;
    }
    return *type;
}
