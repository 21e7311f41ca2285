#include <assert.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/random.h"
#include "sim/estimate/episodes.h"

typedef struct fitting {
    const gv_cross_fit_config *config;
    const gv_episodes *episodes;
    uint8_t *folds;  /* [count] */
    double *returns; /* [count]: what a step is fitted on */
    double *next;    /* [count]: the next step's value, by this fold's models */
    double *q;       /* [action_count] */
    double *logged;
    double *target;
} fitting;

/* The rounds of one step, with the fitted returns for rewards. */
static gv_rounds step_rounds(const fitting *at, size_t t)
{
    const gv_episodes *episodes = at->episodes;
    const size_t first = t * episodes->count;
    gv_rounds rounds = episodes->steps;
    rounds.count = episodes->count;
    rounds.actions += first;
    rounds.propensities += first;
    rounds.rewards = at->returns;
    rounds.clusters = NULL;
    rounds.cluster_count = episodes->count;
    for (size_t j = 0; j < rounds.context_count; j++) {
        rounds.contexts[j] += first;
    }
    return rounds;
}

static void value_step(const fitting *at, const gv_rounds *rounds, size_t t, uint8_t fold,
                       const void *state)
{
    const gv_episodes *episodes = at->episodes;
    for (size_t i = 0; i < episodes->count; i++) {
        const size_t round = t * episodes->count + i;
        const double *pi = gv_target_row(&episodes->target, &episodes->steps, round);
        double value = 0;
        at->config->model->predict(state, rounds, i, at->q);
        for (size_t a = 0; a < rounds->action_count; a++) {
            value += pi[a] * at->q[a];
        }
        at->next[i] = value;
        if (at->folds[i] == fold) {
            at->logged[round] = at->q[rounds->actions[i]];
            at->target[round] = value;
        }
    }
}

static gv_status fit_fold(const fitting *at, uint8_t fold)
{
    const gv_episodes *episodes = at->episodes;
    const gv_fold held_out = {.folds = at->folds, .held_out = fold};
    memset(at->next, 0, episodes->count * sizeof *at->next);
    for (size_t t = episodes->horizon; t-- > 0;) {
        const gv_rounds rounds = step_rounds(at, t);
        for (size_t i = 0; i < episodes->count; i++) {
            at->returns[i] =
                episodes->steps.rewards[t * episodes->count + i] + episodes->discount * at->next[i];
        }
        void *state = NULL;
        GV_TRY(at->config->model->fit(at->config->model_config, &rounds, &held_out, &state));
        value_step(at, &rounds, t, fold, state);
        at->config->model->destroy(state);
    }
    return GV_OK;
}

/* Both are written, through `fitting`. NOLINTNEXTLINE(readability-non-const-parameter) */
gv_status gv_fitted_q(const gv_cross_fit_config *config, const gv_episodes *episodes,
                      /* NOLINTNEXTLINE(readability-non-const-parameter): likewise */
                      double *logged, double *target)
{
    assert(episodes->horizon >= 1 && episodes->horizon <= GV_HORIZON_MAX);
    fitting at = {.config = config, .episodes = episodes, .logged = logged, .target = target};
    at.folds = gv_mem_alloc(0, episodes->count, 1);
    at.returns = gv_mem_alloc(0, episodes->count, sizeof(double));
    at.next = gv_mem_alloc(0, episodes->count, sizeof(double));
    at.q = gv_mem_alloc(0, episodes->steps.action_count, sizeof(double));
    gv_status status = GV_OK;
    if (at.folds == NULL || at.returns == NULL || at.next == NULL || at.q == NULL) {
        status = GV_FAIL(GV_ENOMEM, "no memory to value %zu episodes", episodes->count);
    }
    for (size_t i = 0; status == GV_OK && i < episodes->count; i++) {
        assert(at.folds != NULL);
        const uint64_t cluster = episodes->clusters == NULL ? i : episodes->clusters[i];
        const gv_random random = gv_random_key(config->seed, GV_STREAM_EVALUATE, cluster);
        at.folds[i] = (uint8_t)gv_random_below(&random, 0, config->fold_count);
    }
    for (size_t k = 0; status == GV_OK && k < config->fold_count; k++) {
        status = fit_fold(&at, (uint8_t)k);
    }
    gv_mem_free(at.folds);
    gv_mem_free(at.returns);
    gv_mem_free(at.next);
    gv_mem_free(at.q);
    return status;
}
