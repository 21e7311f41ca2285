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
 * CPA are ours, as is VCG, where a better slot costs its multiplier and one multiplier is therefore
 * the best there is. Conversions on their way count from when they are visible.
 */
#include <stddef.h>

#include "policies/cpa_impl.h"
#include "policies/oracle.h"
#include "policies/price_impl.h"
#include "policies/types_impl.h"

#define NAME "oracle_slot"

typedef struct oracle_config {
    int64_t cpa_nanos;
    int32_t objective;
    double most_cpas;
} oracle_config;

typedef struct oracle_state {
    gv_oracle *solver;
    double multiplier; /* nanos a conversion */
} oracle_state;

/* In the order of gv_oracle_objective. */
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

static void oracle_tick(void *const *states, const gv_observation *observations, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        oracle_state *oracle = states[i];
        oracle->multiplier = gv_oracle_solve(oracle->solver, &observations[i]);
    }
}

/* ---- the policy ------------------------------------------------------------------------------ */

static gv_status oracle_init(void *state, const gv_policy_setup *setup)
{
    const oracle_config *config = setup->config;
    oracle_state *oracle = state;
    const gv_campaign *campaign = setup->campaign;
    double cpa_nanos = 0;
    GV_TRY(gv_cpa_find(config->cpa_nanos, campaign, NAME, &cpa_nanos));
    const gv_oracle_config solver = {
        .future = setup->future,
        .rules = setup->rules,
        .objective = (gv_oracle_objective)config->objective,
        .most_cpas = config->most_cpas,
        .cpa_most_nanos = cpa_nanos,
        .budget_most_nanos = campaign->budget_nanos,
        .bid_cap_nanos = campaign->bid_cap_nanos,
    };
    return gv_oracle_create(&solver, &oracle->solver);
}

static void oracle_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    gv_price_scale(batch->pcvr, batch->count, ((const oracle_state *)state)->multiplier, bids);
}

/* The solver is the future's, and is there again after init. */
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
    gv_oracle_destroy(((oracle_state *)state)->solver);
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
