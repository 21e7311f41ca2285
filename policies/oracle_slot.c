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
#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#include "policies/cpa_impl.h"
#include "policies/ladder_impl.h"
#include "policies/price_impl.h"
#include "policies/types_impl.h"

#define NAME "oracle_slot"

typedef struct oracle_config {
    int64_t cpa_nanos;
    int32_t objective;
    double most_cpas;
} oracle_config;

/* What a prefix is worth: objectives[] in this order. */
enum { BY_SCORE, BY_VALUE };

typedef struct oracle_state {
    gv_ladder *ladder;
    int32_t objective;
    double cpa_nanos;
    int64_t price_step_nanos;
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

/* ---- climbing -------------------------------------------------------------------------------- */

/* Above (k + 1) / mu by a few roundings, so that a bid of it reaches k + 1. */
#define ROUNDED_UP (1 + 0x1p-50)

/* How far a walk has come. */
typedef struct climb {
    double cost_max;   /* nanos */
    double cost;       /* of the prefix, with what is spent already */
    double value;      /* likewise */
    double multiplier; /* of the last rung */
    double best;       /* worth of the best prefix, and */
    double best_multiplier;
    bool is_over; /* the next rung is dearer than what is left */
} climb;

/* The objective; a hard CPA that is broken counts as minus the excess. */
static double worth(const oracle_state *oracle, double cost, double value)
{
    const double allowed = oracle->cpa_nanos * value;
    if (cost <= allowed) {
        return value;
    }
    if (oracle->objective == BY_VALUE) {
        return (allowed - cost) / oracle->cpa_nanos;
    }
    const double ratio = allowed / cost;
    return ratio * ratio * value;
}

/* Equal multipliers of one opportunity, its slots being a step of the offer or less apart. */
static bool is_one_step(const gv_rung *one, const gv_rung *next)
{
    return next->multiplier == one->multiplier && next->opportunity == one->opportunity;
}

static void climb_bucket(const oracle_state *oracle, gv_rungs at, climb *state)
{
    for (size_t i = 0; i < at.count;) {
        const gv_rung *first = &at.rungs[i];
        double cost = state->cost;
        double value = state->value;
        for (; i < at.count && is_one_step(first, &at.rungs[i]); i++) {
            cost += at.rungs[i].cost_nanos;
            value += (double)at.rungs[i].value;
        }
        if (cost > state->cost_max) {
            state->is_over = true;
            return;
        }
        state->cost = cost;
        state->value = value;
        state->multiplier = first->multiplier;
        const double found = worth(oracle, cost, value);
        if (found > state->best) {
            state->best = found;
            state->best_multiplier = first->multiplier;
        }
    }
}

/*
 * Buys a whole bucket at once where its end is within the budget and the CPA: no prefix that ends
 * within it is worth more, since none is worth more than its conversions. False where that must
 * be looked at rung by rung.
 */
static bool take_bucket(const oracle_state *oracle, const gv_rung_sum *sum, climb *state)
{
    const double cost = state->cost + sum->cost_nanos;
    const double value = state->value + sum->value;
    if (cost > state->cost_max || cost > oracle->cpa_nanos * value) {
        return false;
    }
    state->cost = cost;
    state->value = value;
    state->multiplier = sum->multiplier;
    if (value > state->best) {
        state->best = value;
        state->best_multiplier = sum->multiplier;
    }
    return true;
}

/*
 * True when no longer prefix can be worth more than the best one. From here on a conversion costs
 * at least `multiplier`. So a broken hard CPA below it stays broken; and x more conversions score
 * at most C^2 (value + x)^3 / (cost + multiplier x)^2, which is highest at either end of the x
 * that budget and period allow. Where offers are cut to steps a rung may cost less than its
 * multiplier says, and nothing is concluded.
 */
static bool is_hopeless(const oracle_state *oracle, const climb *state, double value_left)
{
    const double c = oracle->cpa_nanos;
    if (oracle->price_step_nanos != 1 || state->multiplier <= c ||
        state->cost <= c * state->value) {
        return false;
    }
    if (oracle->objective == BY_VALUE) {
        return true;
    }
    const double x = fmin((state->cost_max - state->cost) / state->multiplier, value_left);
    const double value = state->value + x;
    const double ratio = c * value / (state->cost + state->multiplier * x);
    return ratio * ratio * value <= state->best;
}

/*
 * The multiplier that buys the best prefix of what this tick and later ones offer, with what is
 * spent and gained already; 0: buy nothing.
 */
static double solve(const oracle_state *oracle, const gv_observation *seen)
{
    const size_t tick = (size_t)seen->tick;
    const double value_left = gv_ladder_value_left(oracle->ladder, tick);
    climb state = {.cost = (double)seen->episode.spend_nanos,
                   .value = (double)seen->episode.conversions};
    state.cost_max = state.cost + (double)seen->budget_left_nanos;
    state.best = worth(oracle, state.cost, state.value);
    for (size_t at = 0; at < GV_LADDER_BUCKETS && !state.is_over; at++) {
        const gv_rung_sum sum = gv_ladder_sum(oracle->ladder, tick, at);
        if (sum.count == 0 || take_bucket(oracle, &sum, &state)) {
            continue;
        }
        if (is_hopeless(oracle, &state, value_left)) {
            break;
        }
        climb_bucket(oracle, gv_ladder_bucket(oracle->ladder, tick, at), &state);
    }
    return state.best_multiplier * ROUNDED_UP;
}

static void oracle_tick(void *const *states, const gv_observation *observations, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        oracle_state *oracle = states[i];
        oracle->multiplier = solve(oracle, &observations[i]);
    }
}

/* ---- the policy ------------------------------------------------------------------------------ */

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
    if (setup->rules.has_soft_reserve) {
        return GV_FAIL(GV_EINVAL, NAME ": below a soft reserve a winner pays its own bid, and the "
                                       "oracle knows only what slots cost whoever pays the next "
                                       "offer");
    }
    return GV_OK;
}

static gv_status oracle_init(void *state, const gv_policy_setup *setup)
{
    GV_TRY(check_setup(setup));
    const oracle_config *config = setup->config;
    oracle_state *oracle = state;
    const gv_campaign *campaign = setup->campaign;
    GV_TRY(gv_cpa_find(config->cpa_nanos, campaign, NAME, &oracle->cpa_nanos));
    oracle->objective = config->objective;
    oracle->price_step_nanos = setup->rules.price_step_nanos;
    const int64_t cap = campaign->bid_cap_nanos;
    const gv_ladder_config ladder = {
        .future = setup->future,
        .ceiling_nanos = oracle->cpa_nanos * config->most_cpas,
        .reach_nanos = campaign->budget_nanos,
        .offer_max_nanos = cap < campaign->budget_nanos ? cap : campaign->budget_nanos,
        .price_step_nanos = setup->rules.price_step_nanos,
        .pays_harm = setup->rules.pays_harm,
    };
    return gv_ladder_create(&ladder, &oracle->ladder);
}

static void oracle_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    gv_price_scale(batch->pcvr, batch->count, ((const oracle_state *)state)->multiplier, bids);
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
