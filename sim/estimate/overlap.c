#include "sim/estimate/overlap.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/mem.h"

static void sum_weights(const gv_rounds *rounds, const double *weights, gv_overlap *out)
{
    double sum = 0;
    double squares = 0;
    double earned = 0;
    double earned_squares = 0;
    size_t zeros = 0;
    for (size_t i = 0; i < rounds->count; i++) {
        const double w = weights[i];
        const double earning = fabs(rounds->rewards[i]);
        sum += w;
        squares += w * w;
        earned += earning;
        earned_squares += earning * earning;
        zeros += w == 0 ? 1 : 0;
        out->largest_weight = fmax(out->largest_weight, w);
    }
    const double n = (double)rounds->count;
    out->count = rounds->count;
    out->effective = squares > 0 ? sum * sum / squares : 0;
    out->earning = earned_squares > 0 ? out->effective * earned * earned / earned_squares / n : 0;
    out->largest = sum > 0 ? out->largest_weight / sum : 0;
    out->mean_weight = sum / n;
    out->mean_weight_error =
        sqrt(fmax(squares / n - out->mean_weight * out->mean_weight, 0) / fmax(n - 1, 1));
    out->zero_share = (double)zeros / n;
}

/* Rounds of each row of the policy, and whether the log took each action there. */
static void find_unsupported(const gv_rounds *rounds, const gv_target *target, size_t *met,
                             uint8_t *taken, gv_overlap *out)
{
    const size_t actions = rounds->action_count;
    for (size_t i = 0; i < rounds->count; i++) {
        const size_t row = target->rows == NULL ? 0 : target->rows[i];
        met[row]++;
        taken[row * actions + rounds->actions[i]] = 1;
    }
    double sum = 0;
    for (size_t row = 0; row < target->row_count; row++) {
        double lost = 0;
        for (size_t a = 0; a < actions; a++) {
            lost += taken[row * actions + a] ? 0 : target->table[row * actions + a];
        }
        sum += lost * (double)met[row];
    }
    out->unsupported = sum / (double)rounds->count;
}

gv_status gv_overlap_of(const gv_rounds *rounds, const gv_target *target, const double *weights,
                        gv_overlap *out)
{
    double *sorted = gv_mem_alloc(0, rounds->count, sizeof *sorted);
    size_t *met = gv_mem_alloc(0, target->row_count, sizeof *met);
    uint8_t *taken = gv_mem_alloc(0, target->row_count * rounds->action_count, 1);
    if (sorted == NULL || met == NULL || taken == NULL) {
        gv_mem_free(sorted);
        gv_mem_free(met);
        gv_mem_free(taken);
        return GV_FAIL(GV_ENOMEM, "no memory for the weights of %zu rounds", rounds->count);
    }
    *out = (gv_overlap){.count = rounds->count};
    sum_weights(rounds, weights, out);
    find_unsupported(rounds, target, met, taken, out);
    memcpy(sorted, weights, rounds->count * sizeof *sorted);
    out->pareto_k = gv_pareto_shape(sorted, rounds->count);
    gv_mem_free(sorted);
    gv_mem_free(met);
    gv_mem_free(taken);
    return GV_OK;
}

const char *gv_overlap_complaint(const gv_overlap *overlap, char *text, size_t size)
{
    const double off = fabs(overlap->mean_weight - 1);
    if (overlap->unsupported > GV_OVERLAP_UNSUPPORTED_MAX) {
        (void)snprintf(text, size,
                       "the policy gives %.1f %% of its chances to actions that the log never took",
                       100 * overlap->unsupported);
    } else if (overlap->effective < GV_OVERLAP_EFFECTIVE_MIN) {
        (void)snprintf(text, size, "the weighted log is worth %.0f rounds, fewer than %.0f",
                       overlap->effective, GV_OVERLAP_EFFECTIVE_MIN);
    } else if (overlap->largest > GV_OVERLAP_LARGEST_MAX) {
        (void)snprintf(text, size, "one round carries %.0f %% of all weight",
                       100 * overlap->largest);
    } else if (overlap->pareto_k > GV_OVERLAP_PARETO_MAX) {
        (void)snprintf(text, size,
                       "the weights' tail is so heavy (Pareto k %.2f, above %.1f) that their mean "
                       "is not to be trusted",
                       overlap->pareto_k, GV_OVERLAP_PARETO_MAX);
    } else if (overlap->earning < GV_OVERLAP_EARNING_MIN) {
        (void)snprintf(text, size, "some %.0f rewards carry the estimate, fewer than %.0f",
                       overlap->earning, GV_OVERLAP_EARNING_MIN);
    } else if (off > GV_OVERLAP_MEAN_ERRORS_MAX * overlap->mean_weight_error && off > 1e-6) {
        (void)snprintf(text, size,
                       "weights average %.3f instead of 1: the propensities are not the logging "
                       "policy's, or some actions had none",
                       overlap->mean_weight);
    } else {
        return NULL;
    }
    return text;
}
