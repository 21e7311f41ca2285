#include "sim/estimate/cross_fit.h"

#include <assert.h>

#include "sim/base/mem.h"
#include "sim/base/random.h"

static void deal(const gv_cross_fit_config *config, const gv_rounds *rounds, uint8_t *folds)
{
    for (size_t i = 0; i < rounds->count; i++) {
        const uint64_t cluster = rounds->clusters == NULL ? i : rounds->clusters[i];
        const gv_random random = gv_random_key(config->seed, GV_STREAM_EVALUATE, cluster);
        folds[i] = (uint8_t)gv_random_below(&random, 0, config->fold_count);
    }
}

static void value_fold(const gv_cross_fit_config *config, const gv_rounds *rounds,
                       const gv_target *target, const gv_fold *fold, const void *state,
                       const gv_values *values, double *row)
{
    const size_t actions = rounds->action_count;
    for (size_t i = 0; i < rounds->count; i++) {
        if (fold->folds[i] != fold->held_out) {
            continue;
        }
        double *q = values->all == NULL ? row : values->all + i * actions;
        config->model->predict(state, rounds, i, q);
        if (values->logged != NULL) {
            values->logged[i] = q[rounds->actions[i]];
        }
        if (values->target != NULL) {
            const double *pi = gv_target_row(target, rounds, i);
            double sum = 0;
            for (size_t a = 0; a < actions; a++) {
                sum += pi[a] * q[a];
            }
            values->target[i] = sum;
        }
    }
}

gv_status gv_cross_fit(const gv_cross_fit_config *config, const gv_rounds *rounds,
                       const gv_target *target, const gv_values *values)
{
    assert(config->fold_count >= 2 && config->fold_count <= GV_FOLDS_MAX);
    gv_status status = GV_OK;
    uint8_t *folds = gv_mem_alloc(0, rounds->count, 1);
    double *row = gv_mem_alloc(0, rounds->action_count, sizeof *row);
    if (folds == NULL || row == NULL) {
        status = GV_FAIL(GV_ENOMEM, "no memory for the folds of %zu rounds", rounds->count);
        goto done;
    }
    deal(config, rounds, folds);
    for (size_t k = 0; k < config->fold_count; k++) {
        const gv_fold fold = {.folds = folds, .held_out = (uint8_t)k};
        void *state = NULL;
        GV_TRY_GOTO(status, config->model->fit(config->model_config, rounds, &fold, &state), done);
        value_fold(config, rounds, target, &fold, state, values, row);
        config->model->destroy(state);
    }
done:
    gv_mem_free(folds);
    gv_mem_free(row);
    return status;
}
