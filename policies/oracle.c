/* The hindsight oracle's answer at a tick; oracle_slot.c says what it is. */
#include "policies/oracle.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#include "policies/ladder_impl.h"
#include "sim/base/mem.h"

#define NAME "oracle_slot"

struct gv_oracle {
    gv_oracle_config config;
    gv_ladder *ladder;
    double cpa_nanos;      /* of the episode */
    double ceiling_nanos;  /* likewise: no rung above it is climbed */
    int64_t highest_offer; /* that any rung asks for */
    bool is_cut;           /* the ladder is of an episode that cannot pay that */
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
    bool is_over; /* the next rung is dearer than what is left, or above the ceiling */
} climb;

/* The objective; a hard CPA that is broken counts as minus the excess. */
static double worth(const gv_oracle *oracle, double cost, double value)
{
    const double allowed = oracle->cpa_nanos * value;
    if (cost <= allowed) {
        return value;
    }
    if (oracle->config.objective == GV_ORACLE_VALUE) {
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

static void climb_bucket(const gv_oracle *oracle, gv_rungs at, climb *state)
{
    for (size_t i = 0; i < at.count;) {
        const gv_rung *first = &at.rungs[i];
        double cost = state->cost;
        double value = state->value;
        for (; i < at.count && is_one_step(first, &at.rungs[i]); i++) {
            cost += at.rungs[i].cost_nanos;
            value += (double)at.rungs[i].value;
        }
        if (cost > state->cost_max || first->multiplier > oracle->ceiling_nanos) {
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
 * Buys a whole bucket at once where its end is within budget, CPA and ceiling: no prefix that ends
 * within it is worth more, since none is worth more than its conversions. False where that must
 * be looked at rung by rung.
 */
static bool take_bucket(const gv_oracle *oracle, const gv_rung_sum *sum, climb *state)
{
    const double cost = state->cost + sum->cost_nanos;
    const double value = state->value + sum->value;
    if (cost > state->cost_max || cost > oracle->cpa_nanos * value ||
        sum->multiplier > oracle->ceiling_nanos) {
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
static bool is_hopeless(const gv_oracle *oracle, const climb *state, double value_left)
{
    const double c = oracle->cpa_nanos;
    if (oracle->config.rules.price_step_nanos != 1 || state->multiplier <= c ||
        state->cost <= c * state->value) {
        return false;
    }
    if (oracle->config.objective == GV_ORACLE_VALUE) {
        return true;
    }
    const double x = fmin((state->cost_max - state->cost) / state->multiplier, value_left);
    const double value = state->value + x;
    const double ratio = c * value / (state->cost + state->multiplier * x);
    return ratio * ratio * value <= state->best;
}

double gv_oracle_solve(gv_oracle *oracle, const gv_observation *seen)
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

/* ---- the oracle ------------------------------------------------------------------------------ */

static gv_status check_config(const gv_oracle_config *config)
{
    if (config->future == NULL) {
        return GV_FAIL(GV_EINVAL,
                       NAME ": there is no recorded period to foresee; it plays only in a market, "
                            "where the scenario allows it to see the future");
    }
    if (config->rules.pays_own_bid) {
        return GV_FAIL(GV_EINVAL, NAME ": a winner pays its own bid here, and the oracle knows "
                                       "only what slots cost whoever pays the next offer");
    }
    if (config->rules.has_soft_reserve) {
        return GV_FAIL(GV_EINVAL, NAME ": below a soft reserve a winner pays its own bid, and the "
                                       "oracle knows only what slots cost whoever pays the next "
                                       "offer");
    }
    return GV_OK;
}

static int64_t offer_max(const gv_oracle *oracle, int64_t budget_nanos)
{
    const int64_t cap = oracle->config.bid_cap_nanos;
    return cap < budget_nanos ? cap : budget_nanos;
}

static gv_status sort_period(gv_oracle *oracle, double cpa_nanos, int64_t budget_nanos)
{
    const gv_ladder_config config = {
        .future = oracle->config.future,
        .ceiling_nanos = cpa_nanos * oracle->config.most_cpas,
        .reach_nanos = budget_nanos,
        .offer_max_nanos = offer_max(oracle, budget_nanos),
        .price_step_nanos = oracle->config.rules.price_step_nanos,
        .pays_harm = oracle->config.rules.pays_harm,
    };
    gv_ladder *ladder = NULL;
    GV_TRY(gv_ladder_create(&config, &ladder));
    gv_ladder_destroy(oracle->ladder);
    oracle->ladder = ladder;
    return GV_OK;
}

gv_status gv_oracle_create(const gv_oracle_config *config, gv_oracle **out)
{
    GV_TRY(check_config(config));
    gv_oracle *oracle = gv_mem_alloc(sizeof *oracle, 0, 0);
    if (oracle == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for an oracle");
    }
    oracle->config = *config;
    oracle->cpa_nanos = config->cpa_most_nanos;
    oracle->ceiling_nanos = config->cpa_most_nanos * config->most_cpas;
    const gv_status status = sort_period(oracle, config->cpa_most_nanos, config->budget_most_nanos);
    if (status != GV_OK) {
        gv_oracle_destroy(oracle);
        return status;
    }
    oracle->highest_offer = gv_ladder_highest_offer(oracle->ladder);
    *out = oracle;
    return GV_OK;
}

void gv_oracle_destroy(gv_oracle *oracle)
{
    if (oracle == NULL) {
        return;
    }
    gv_ladder_destroy(oracle->ladder);
    gv_mem_free(oracle);
}

/* Which offers are too high for a budget is part of the order, and seldom matters. */
gv_status gv_oracle_aim(gv_oracle *oracle, double cpa_nanos, int64_t budget_nanos)
{
    assert(cpa_nanos > 0);
    assert(cpa_nanos <= oracle->config.cpa_most_nanos);
    assert(budget_nanos <= oracle->config.budget_most_nanos);

    const bool is_cut = oracle->highest_offer > offer_max(oracle, budget_nanos);
    if (is_cut) {
        GV_TRY(sort_period(oracle, cpa_nanos, budget_nanos));
    } else if (oracle->is_cut) {
        GV_TRY(
            sort_period(oracle, oracle->config.cpa_most_nanos, oracle->config.budget_most_nanos));
    } else {
        gv_ladder_rewind(oracle->ladder);
    }
    oracle->is_cut = is_cut;
    oracle->cpa_nanos = cpa_nanos;
    oracle->ceiling_nanos = cpa_nanos * oracle->config.most_cpas;
    return GV_OK;
}
