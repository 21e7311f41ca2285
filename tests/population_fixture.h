/* population_fixture.h - a population of the usual law, and what a test sees of its users. */
#ifndef TESTS_POPULATION_FIXTURE_H
#define TESTS_POPULATION_FIXTURE_H

#include "sim/base/clock.h"
#include "sim/market/population.h"
#include "sim/market/population_truth.h"

static inline gv_population fixture_population(uint64_t seed)
{
    gv_population population = {.seed = seed};
    gv_param_defaults(gv_population_params, &population.law);
    return population;
}

/* One user at one ad, still away so long after its lapse; false: it has returned on its own. */
typedef struct fixture_user {
    gv_spell spell;
    float x[GV_USER_FEATURES];
    gv_bid_sight sight;
} fixture_user;

static inline bool fixture_user_at(const gv_population *population, uint64_t user,
                                   int64_t lapsed_us, fixture_user *out)
{
    const gv_chance chance = {.time_us = 9 * GV_US_PER_HOUR, .user = user, .media = user % 4};
    gv_population_spell(population, user, 0, &out->spell);
    gv_population_features(&out->spell, &chance, lapsed_us, out->x);
    out->sight =
        (gv_bid_sight){.x = out->x, .past = out->spell.past, .past_count = out->spell.past_count};
    return out->spell.organic_us > (double)lapsed_us;
}

#endif
