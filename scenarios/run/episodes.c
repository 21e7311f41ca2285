#include "scenarios/run/episodes.h"

#include <assert.h>
#include <stdint.h>

#include "sim/base/mem.h"

enum { CODE_ARRAYS = GV_DECISION_CONTEXTS_MAX + 3 };

struct gv_episode_table {
    gv_episodes episodes;
    size_t *places; /* [count of rounds]: where each round goes */
    double *reals;  /* [2][count of rounds]: rewards, propensities */
    uint32_t *codes[CODE_ARRAYS];
};

/* The place of each round, and whether all episodes are as long as the first. */
static gv_status find_places(const gv_rounds *rounds, gv_episode_table *table)
{
    const size_t episodes = rounds->cluster_count;
    if (rounds->clusters == NULL || rounds->count % episodes != 0) {
        return GV_FAIL(GV_EUSAGE,
                       "%zu decisions are no episodes of one length: --cluster names the column "
                       "that an episode's decisions have in common, of which there are %zu",
                       rounds->count, episodes);
    }
    const size_t horizon = rounds->count / episodes;
    if (horizon > GV_HORIZON_MAX) {
        return GV_FAIL(GV_EUSAGE, "episodes of %zu decisions; at most %d", horizon, GV_HORIZON_MAX);
    }
    size_t *steps = gv_mem_alloc(0, episodes, sizeof *steps);
    gv_status status =
        steps == NULL ? GV_FAIL(GV_ENOMEM, "no memory for %zu episodes", episodes) : GV_OK;
    for (size_t i = 0; status == GV_OK && i < rounds->count; i++) {
        assert(steps != NULL);
        const uint32_t episode = rounds->clusters[i];
        const size_t step = steps[episode]++;
        table->places[i] = step * episodes + episode;
        if (step >= horizon) {
            status = GV_FAIL(GV_EUSAGE,
                             "an episode has more than %zu decisions, where another has fewer: "
                             "expected the same number in each",
                             horizon);
        }
    }
    gv_mem_free(steps);
    return status;
}

static gv_status take_codes(gv_episode_table *table, size_t array, const uint32_t *from,
                            size_t count, const uint32_t **out)
{
    uint32_t *codes = gv_mem_alloc(0, count, sizeof *codes);
    if (codes == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for episodes of %zu decisions", count);
    }
    for (size_t i = 0; i < count; i++) {
        codes[table->places[i]] = from[i];
    }
    table->codes[array] = codes;
    *out = codes;
    return GV_OK;
}

static gv_status take(const gv_rounds *rounds, const gv_target *target, gv_episode_table *table)
{
    const size_t count = rounds->count;
    table->places = gv_mem_alloc(0, count, sizeof *table->places);
    table->reals = gv_mem_alloc(0, 2 * count, sizeof *table->reals);
    if (table->places == NULL || table->reals == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for episodes of %zu decisions", count);
    }
    GV_TRY(find_places(rounds, table));
    gv_rounds *steps = &table->episodes.steps;
    for (size_t i = 0; i < count; i++) {
        table->reals[table->places[i]] = rounds->rewards[i];
        table->reals[count + table->places[i]] = rounds->propensities[i];
    }
    steps->rewards = table->reals;
    steps->propensities = table->reals + count;
    GV_TRY(take_codes(table, 0, rounds->actions, count, &steps->actions));
    for (size_t j = 0; j < rounds->context_count; j++) {
        GV_TRY(take_codes(table, 2 + j, rounds->contexts[j], count, &steps->contexts[j]));
    }
    if (target->rows != NULL) {
        GV_TRY(take_codes(table, 1, target->rows, count, &table->episodes.target.rows));
    }
    table->episodes.count = rounds->cluster_count;
    table->episodes.horizon = count / rounds->cluster_count;
    return GV_OK;
}

gv_status gv_episode_table_create(const gv_rounds *rounds, const gv_target *target, double discount,
                                  gv_episode_table **out)
{
    gv_episode_table *table = gv_mem_alloc(sizeof *table, 0, 0);
    if (table == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for %zu episodes", rounds->cluster_count);
    }
    table->episodes = (gv_episodes){.discount = discount,
                                    .steps = *rounds,
                                    .target = *target,
                                    .cluster_count = rounds->cluster_count};
    table->episodes.steps.clusters = NULL;
    const gv_status status = take(rounds, target, table);
    if (status != GV_OK) {
        gv_episode_table_destroy(table);
        return status;
    }
    *out = table;
    return GV_OK;
}

void gv_episode_table_destroy(gv_episode_table *table)
{
    if (table == NULL) {
        return;
    }
    gv_mem_free(table->places);
    gv_mem_free(table->reals);
    for (size_t i = 0; i < CODE_ARRAYS; i++) {
        gv_mem_free(table->codes[i]);
    }
    gv_mem_free(table);
}

const gv_episodes *gv_episode_table_episodes(const gv_episode_table *table)
{
    return &table->episodes;
}

gv_status gv_episode_table_design(const gv_episode_table *table, gv_design *out)
{
    const gv_episodes *episodes = &table->episodes;
    *out = (gv_design){.unit_count = 0};
    if (episodes->count < 2) {
        return GV_OK;
    }
    double *returns = gv_mem_alloc(0, episodes->count, sizeof *returns);
    if (returns == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for %zu episodes", episodes->count);
    }
    double discount = 1;
    for (size_t t = 0; t < episodes->horizon; t++) {
        for (size_t i = 0; i < episodes->count; i++) {
            returns[i] += discount * episodes->steps.rewards[t * episodes->count + i];
        }
        discount *= episodes->discount;
    }
    const gv_unit_log units = {
        .count = episodes->count, .rewards = returns, .unit_count = episodes->count};
    const gv_status status = gv_design_measure(&units, 1, out);
    gv_mem_free(returns);
    return status;
}
