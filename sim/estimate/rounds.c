#include "sim/estimate/rounds.h"

#include "sim/base/mem.h"

gv_rounds gv_rounds_of(const gv_decisions *decisions, const double *propensities)
{
    gv_rounds rounds = {
        .count = decisions->count,
        .action_count = gv_decisions_action_count(decisions),
        .actions = decisions->actions,
        .rewards = decisions->rewards,
        .propensities = propensities,
        .spends = decisions->spends,
        .clusters = decisions->clusters,
        .cluster_count = decisions->cluster_count,
        .context_count = decisions->context_count,
    };
    for (size_t i = 0; i < decisions->context_count; i++) {
        rounds.contexts[i] = decisions->contexts[i];
        rounds.level_counts[i] = gv_decisions_level_count(decisions, i);
    }
    return rounds;
}

gv_status gv_rounds_estimate_propensities(const gv_decisions *decisions, double *out)
{
    const size_t actions = gv_decisions_action_count(decisions);
    const uint32_t *positions = decisions->has_position ? decisions->contexts[0] : NULL;
    const size_t rows = positions == NULL ? 1 : gv_decisions_level_count(decisions, 0);
    double *counts = gv_mem_alloc(0, rows * actions, sizeof *counts);
    double *totals = gv_mem_alloc(0, rows, sizeof *totals);
    if (counts == NULL || totals == NULL) {
        gv_mem_free(counts);
        gv_mem_free(totals);
        return GV_FAIL(GV_ENOMEM, "no memory for propensities of %zu actions", actions);
    }
    for (size_t i = 0; i < decisions->count; i++) {
        const size_t row = positions == NULL ? 0 : positions[i];
        counts[row * actions + decisions->actions[i]] += 1;
        totals[row] += 1;
    }
    for (size_t i = 0; i < decisions->count; i++) {
        const size_t row = positions == NULL ? 0 : positions[i];
        out[i] = counts[row * actions + decisions->actions[i]] / totals[row];
    }
    gv_mem_free(counts);
    gv_mem_free(totals);
    return GV_OK;
}
