/*
 * The hindsight oracle: the one multiplier that buys the best of what is to come, found anew at
 * each tick from what has really been spent and gained.
 *
 *     efficiency of slot d of an opportunity: value / price
 *     walk by falling efficiency; at a better slot of the same opportunity only the difference
 *     keep the prefix of the highest min((C / CPA)^2, 1) x conversions within the budget left
 *     bid = alpha x pCVR,  alpha: the least multiplier that buys that prefix
 *
 * The "oracle-slot" policy of Oracle Imitation Learning (arXiv 2412.11434): it sees its own values
 * and the others' offers of the whole period, not which slots will be seen nor who converts. It is
 * a reference and not a bound: buying single upgrades apart from the rest scores 3 to 6 % more
 * there, and rivals are taken to stand still. A bid is above the price that it means to beat.
 * `objective: value`, `most_cpas`, and that a budget left over is never carried into a broken hard
 * CPA are ours. Conversions on their way count from when they are visible.
 */
#include <assert.h>
#include <math.h>
#include <stddef.h>

#include "policies/cpa_impl.h"
#include "policies/ladder_impl.h"
#include "policies/price_impl.h"
#include "policies/types_impl.h"

typedef struct oracle_config {
    int64_t cpa_nanos;
    int32_t objective; /* gv_ladder_objective */
    double most_cpas;
} oracle_config;

typedef struct oracle_state {
    gv_ladder *ladder;
    double multiplier; /* nanos a conversion */
} oracle_state;

static const char *const objectives[] = {"score", "value", NULL};

static const gv_param oracle_params[] = {
    GV_CPA_PARAM,
    {.name = "objective",
     .kind = GV_PARAM_CHOICE,
     .fallback = "score",
     .choices = objectives,
     .offset = offsetof(oracle_config, objective),
     .help = "score: AuctionNet's, which a CPA above the constraint lowers; value: conversions "
             "under a hard CPA",
     .source = "score: Oracle Imitation Learning, arXiv 2412.11434; value: ours"},
    GV_CPA_MOST_PARAM(oracle_config, "8", "ours"),
    {0},
};

#define NAME "oracle_slot"

static gv_status check_setup(const gv_policy_setup *setup)
{
    if (setup->future == NULL) {
        return GV_FAIL(GV_EINVAL,
                       NAME ": there is no recorded period to foresee; it plays only in a market, "
                            "where the scenario allows it to see the future");
    }
    if (setup->rules.pays_own_bid) {
        return GV_FAIL(GV_EINVAL, NAME ": a winner pays its own bid here, and the oracle knows "
                                       "only what slots cost whoever pays the next offer");
    }
    return GV_OK;
}

static gv_status oracle_init(void *state, const gv_policy_setup *setup)
{
    GV_TRY(check_setup(setup));
    const oracle_config *config = setup->config;
    oracle_state *oracle = state;
    double cpa_nanos = 0;
    GV_TRY(gv_cpa_find(config->cpa_nanos, setup->campaign, NAME, &cpa_nanos));
    const gv_ladder_config ladder = {
        .future = setup->future,
        .objective = (gv_ladder_objective)config->objective,
        .cpa_nanos = cpa_nanos,
        .ceiling_nanos = cpa_nanos * config->most_cpas,
        .budget_nanos = setup->campaign->budget_nanos,
        .bid_cap_nanos = setup->campaign->bid_cap_nanos,
        .price_step_nanos = setup->rules.price_step_nanos,
    };
    return gv_ladder_create(&ladder, &oracle->ladder);
}

static void oracle_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    gv_price_scale(batch->pcvr, batch->count, ((const oracle_state *)state)->multiplier, bids);
}

static void oracle_tick(void *const *states, const gv_observation *observations, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        oracle_state *oracle = states[i];
        const gv_observation *seen = &observations[i];
        const gv_ladder_standing standing = {
            .tick = (size_t)seen->tick,
            .spent_nanos = (double)seen->episode.spend_nanos,
            .conversions = (double)seen->episode.conversions,
            .budget_left_nanos = (double)seen->budget_left_nanos,
        };
        oracle->multiplier = gv_ladder_solve(oracle->ladder, &standing);
    }
}

/* The ladder is the future's, and is there again after init. */
static gv_status oracle_save(const void *state, gv_writer *writer)
{
    const oracle_state *oracle = state;
    return gv_writer_put(writer, NAME, &oracle->multiplier, sizeof oracle->multiplier);
}

static gv_status oracle_restore(void *state, gv_reader *reader)
{
    oracle_state *oracle = state;
    return gv_reader_get(reader, NAME, &oracle->multiplier, sizeof oracle->multiplier);
}

static void oracle_fini(void *state)
{
    gv_ladder_destroy(((oracle_state *)state)->ladder);
}

const gv_policy_type gv_policy_oracle_slot = {
    .info = {.name = NAME,
             .summary = "hindsight: the multiplier that buys the best of the period to come",
             .source = "oracle-slot of Oracle Imitation Learning, arXiv 2412.11434",
             .params = oracle_params,
             .config_size = sizeof(oracle_config)},
    .state_size = sizeof(oracle_state),
    .reads = GV_READS_PCVR,
    .sees_future = true,
    .fit = gv_cpa_fit,
    .init = oracle_init,
    .bid = oracle_bid,
    .tick = oracle_tick,
    .save = oracle_save,
    .restore = oracle_restore,
    .fini = oracle_fini,
};
