#include "sim/estimate/episodes.h"

#include <math.h>
#include <stdio.h>

#include "sim/base/mem.h"

#define EFFECTIVE_MIN 10.0
#define LARGEST_MAX   0.3

void gv_episode_add(const gv_episodes *episodes, size_t episode, const double *logged,
                    const double *target, double *columns)
{
    double weight = 1;
    double discount = 1;
    double earned = 0;
    columns[GV_EPISODE_COUNT] += 1;
    for (size_t t = 0; t < episodes->horizon; t++) {
        const gv_rounds *steps = &episodes->steps;
        const size_t round = t * episodes->count + episode;
        const double *pi = gv_target_row(&episodes->target, steps, round);
        const double reward = steps->rewards[round];
        double *step = columns + GV_EPISODE_FIRST + GV_STEP_COLUMNS * t;
        step[GV_STEP_VALUE] += target == NULL ? 0 : discount * weight * target[round];
        weight *= pi[steps->actions[round]] / steps->propensities[round];
        step[GV_STEP_REWARD] += discount * weight * reward;
        step[GV_STEP_WEIGHT] += weight;
        step[GV_STEP_RESIDUAL] +=
            discount * weight * (reward - (logged == NULL ? 0 : logged[round]));
        earned += discount * reward;
        discount *= episodes->discount;
    }
    columns[GV_EPISODE_RETURN] += weight * earned;
}

typedef struct reckoning {
    const gv_episodes *episodes;
    size_t column_count; /* of the estimators; one more: what the log's own policy earned */
    double *logged;      /* [horizon * count], as target */
    double *target;
    double *sums; /* [cluster_count][column_count + 1] */
    double *one;  /* [column_count]: of one episode */
} reckoning;

typedef struct figure {
    const gv_episode_type *type; /* NULL: what the log's own policy earned */
    size_t horizon;
    size_t own;         /* its column */
    bool is_difference; /* less the log's own */
} figure;

static double figure_value(const void *context, const double *totals)
{
    const figure *of = context;
    if (!(totals[GV_EPISODE_COUNT] > 0)) {
        return (double)NAN;
    }
    const double own = totals[of->own] / totals[GV_EPISODE_COUNT];
    if (of->type == NULL) {
        return own;
    }
    return of->type->value(totals, of->horizon) - (of->is_difference ? own : 0);
}

static double own_return(const gv_episodes *episodes, size_t episode)
{
    double discount = 1;
    double earned = 0;
    for (size_t t = 0; t < episodes->horizon; t++) {
        earned += discount * episodes->steps.rewards[t * episodes->count + episode];
        discount *= episodes->discount;
    }
    return earned;
}

static void complain(gv_episode_evaluation *out)
{
    out->is_thin = out->effective < EFFECTIVE_MIN || out->largest > LARGEST_MAX;
    if (out->is_thin) {
        (void)snprintf(out->complaint, sizeof out->complaint,
                       "whole episodes share too little with the policy: the weighted log is worth "
                       "%.1f of them, one carries %.1f %% of all weight",
                       out->effective, 100 * out->largest);
    }
}

static void add_all(reckoning *at, gv_episode_evaluation *out)
{
    const gv_episodes *episodes = at->episodes;
    const size_t last =
        GV_EPISODE_FIRST + GV_STEP_COLUMNS * (episodes->horizon - 1) + GV_STEP_WEIGHT;
    double sum = 0;
    double squares = 0;
    double largest = 0;
    for (size_t i = 0; i < episodes->count; i++) {
        const size_t cluster = episodes->clusters == NULL ? i : episodes->clusters[i];
        double *sums = at->sums + cluster * (at->column_count + 1);
        for (size_t k = 0; k < at->column_count; k++) {
            at->one[k] = 0;
        }
        gv_episode_add(episodes, i, at->logged, at->target, at->one);
        for (size_t k = 0; k < at->column_count; k++) {
            sums[k] += at->one[k];
        }
        sums[at->column_count] += own_return(episodes, i);
        sum += at->one[last];
        squares += at->one[last] * at->one[last];
        largest = fmax(largest, at->one[last]);
    }
    out->effective = squares > 0 ? sum * sum / squares : 0;
    out->largest = sum > 0 ? largest / sum : 0;
    complain(out);
}

static gv_status draw(reckoning *at, const gv_bootstrap_config *config, double level,
                      gv_episode_evaluation *out)
{
    const gv_clusters clusters = {
        .sums = at->sums,
        .cluster_count = at->episodes->cluster_count,
        .column_count = at->column_count + 1,
        .stratum_sizes = &at->episodes->cluster_count,
        .stratum_count = 1,
    };
    gv_bootstrap *bootstrap = NULL;
    GV_TRY(gv_bootstrap_create(&clusters, config, &bootstrap));
    for (; gv_episode_types[out->type_count] != NULL; out->type_count++) {
        figure of = {.type = gv_episode_types[out->type_count],
                     .horizon = at->episodes->horizon,
                     .own = at->column_count};
        out->values[out->type_count] =
            gv_bootstrap_interval(bootstrap, figure_value, &of, GV_INTERVAL_BCA, level);
        of.is_difference = true;
        out->differences[out->type_count] =
            gv_bootstrap_interval(bootstrap, figure_value, &of, GV_INTERVAL_BCA, level);
    }
    const figure own = {.own = at->column_count};
    out->logged = gv_bootstrap_interval(bootstrap, figure_value, &own, GV_INTERVAL_BCA, level);
    gv_bootstrap_destroy(bootstrap);
    return GV_OK;
}

static gv_status reckon(reckoning *at, const gv_cross_fit_config *fit,
                        const gv_bootstrap_config *bootstrap, double level,
                        gv_episode_evaluation *out)
{
    const gv_episodes *episodes = at->episodes;
    const size_t steps = episodes->horizon * episodes->count;
    at->logged = gv_mem_alloc(0, steps, sizeof(double));
    at->target = gv_mem_alloc(0, steps, sizeof(double));
    at->sums = gv_mem_alloc(0, episodes->cluster_count * (at->column_count + 1), sizeof(double));
    at->one = gv_mem_alloc(0, at->column_count, sizeof(double));
    if (at->logged == NULL || at->target == NULL || at->sums == NULL || at->one == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to evaluate %zu episodes", episodes->count);
    }
    GV_TRY(gv_fitted_q(fit, episodes, at->logged, at->target));
    add_all(at, out);
    return draw(at, bootstrap, level, out);
}

gv_status gv_episodes_evaluate(const gv_episodes *episodes, const gv_cross_fit_config *fit,
                               const gv_bootstrap_config *bootstrap, double level,
                               gv_episode_evaluation *out)
{
    reckoning at = {.episodes = episodes, .column_count = gv_episode_columns(episodes->horizon)};
    *out = (gv_episode_evaluation){.type_count = 0};
    const gv_status status = reckon(&at, fit, bootstrap, level, out);
    gv_mem_free(at.logged);
    gv_mem_free(at.target);
    gv_mem_free(at.sums);
    gv_mem_free(at.one);
    return status;
}
