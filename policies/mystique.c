/*
 * Mystique-like pacing: a signal in [0, 1] that follows a curve of spend.
 *
 *     bid = signal x most_cpas x CPA x pCVR
 *     e = spent share of the budget - target(t),   g = slope of spend in the last tick - target'(t)
 *     k = -T e / g, the ticks until the target is met;   T: ticks of the episode
 *     w = 1/2 where k < 0, else min(weight_max, weight_tick k)
 *     signal -= w c min(1, |e| / error_full) sign(e)
 *             + (1 - w) max(c_min, c min(1, |g|) / slope_full) sign(g)
 *     g > runaway and e > 0: the signal is 0 for a tick, then goes on from where it was
 *
 * Yahoo's, from the public code of its BudgetPacingSimulation (Apache-2.0; read, not copied): the
 * signal, both errors and their corrections, the weights, the runaway rule, that the signal rests
 * once the budget is spent, that a day begins with the mean signal of the one before (while less
 * than 95 % was spent), and the `learned` target: 24 slopes of the day, each multiplied after a day
 * by mean signal / its own hour's, at most 2, kept within [0.1, 12], smoothed with its neighbours
 * by a half, and scaled to a mean of 1.
 *
 * Ours: a step is a tick and not a minute, so the largest correction is four times Yahoo's; what
 * the signal scales, a bid for conversions; an episode for a day; the start. Its rule for the last
 * three minutes of a day is left out: a tick is longer. There is no throttling. It knows no CPA
 * but as the most that it bids.
 */
#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#include "policies/cpa_impl.h"
#include "policies/price_impl.h"
#include "policies/types_impl.h"

enum { HOURS = 24 };
enum { TARGET_EVEN, TARGET_LEARNED };

#define SIGNAL_MIN     1e-4
#define SPENT_ENOUGH   0.95
#define SLOPE_MIN      0.1
#define SLOPE_MAX      12.0
#define SLOPE_RAISE    2.0
#define SIGNAL_NOTHING 2e-4

typedef struct mystique_config {
    int64_t cpa_nanos;
    double most_cpas;
    double start;
    int32_t target;
    double c;
    double c_min;
    double error_full;
    double slope_full;
    double weight_tick;
    double weight_max;
    double runaway;
} mystique_config;

typedef struct signal_mean {
    double sum;
    double count;
} signal_mean;

typedef struct mystique_state {
    mystique_config config;
    double most_nanos; /* nanos a conversion at a signal of 1 */
    double signal;
    double last_positive;
    double slopes[HOURS];      /* of the target, by part of the episode; mean 1 */
    signal_mean hours[HOURS];  /* of this episode */
    signal_mean before_enough; /* while the budget was not nearly spent */
} mystique_state;

#define SOURCE "public code of Yahoo's BudgetPacingSimulation"

static const char *const targets[] = {"even", "learned", NULL};

static const gv_param mystique_params[] = {
    GV_CPA_PARAM,
    GV_CPA_MOST_PARAM(mystique_config, "1.5", "ours: as AuctionNet's online LP"),
    {.name = "start",
     .kind = GV_PARAM_REAL,
     .fallback = "0.5",
     .minimum = SIGNAL_MIN,
     .maximum = 1,
     .offset = offsetof(mystique_config, start),
     .help = "the signal at the first episode's start",
     .source = "ours; Yahoo's is 0.0001, or 1 for budgets above 10,000"},
    {.name = "target",
     .kind = GV_PARAM_CHOICE,
     .fallback = "learned",
     .choices = targets,
     .offset = offsetof(mystique_config, target),
     .help = "the curve of spend. even: a straight line; learned: one at first, then bent after "
             "each episode towards the hours in which the signal was low",
     .source = SOURCE ", linear and non-linear"},
    {.name = "correction",
     .kind = GV_PARAM_REAL,
     .fallback = "0.1",
     .maximum = 1,
     .offset = offsetof(mystique_config, c),
     .help = "the most that one error moves the signal in a tick",
     .source = "ours; 0.025 a minute in " SOURCE},
    {.name = "correction_min",
     .kind = GV_PARAM_REAL,
     .fallback = "0.01",
     .maximum = 1,
     .offset = offsetof(mystique_config, c_min),
     .help = "the least that the slope's error moves it",
     .source = SOURCE},
    {.name = "error_full",
     .kind = GV_PARAM_REAL,
     .fallback = "0.25",
     .minimum = 1e-6,
     .maximum = HUGE_VAL,
     .offset = offsetof(mystique_config, error_full),
     .help = "share of the budget beside the target at which it is corrected most",
     .source = SOURCE},
    {.name = "slope_full",
     .kind = GV_PARAM_REAL,
     .fallback = "1.5",
     .minimum = 1e-6,
     .maximum = HUGE_VAL,
     .offset = offsetof(mystique_config, slope_full),
     .help = "divides the slope's error, which counts up to 1",
     .source = SOURCE},
    {.name = "weight_tick",
     .kind = GV_PARAM_REAL,
     .fallback = "0.2",
     .maximum = 1,
     .offset = offsetof(mystique_config, weight_tick),
     .help = "weight of the position's error for each tick until the target is met",
     .source = SOURCE},
    {.name = "weight_max",
     .kind = GV_PARAM_REAL,
     .fallback = "0.9",
     .maximum = 1,
     .offset = offsetof(mystique_config, weight_max),
     .help = "the most of that weight",
     .source = SOURCE},
    {.name = "runaway",
     .kind = GV_PARAM_REAL,
     .fallback = "12",
     .maximum = HUGE_VAL,
     .offset = offsetof(mystique_config, runaway),
     .help = "error of the slope, above the target, at which nothing is bid for a tick",
     .source = SOURCE},
    {0},
};

static double mean_of(const signal_mean *mean)
{
    return mean->count > 0 ? mean->sum / mean->count : 0;
}

static void note(signal_mean *mean, double signal)
{
    mean->sum += signal;
    mean->count += 1;
}

static gv_status mystique_init(void *state, const gv_policy_setup *setup)
{
    mystique_state *self = state;
    double cpa_nanos = 0;
    self->config = *(const mystique_config *)setup->config;
    GV_TRY(gv_cpa_find(self->config.cpa_nanos, setup->campaign, "mystique", &cpa_nanos));
    self->most_nanos = cpa_nanos * self->config.most_cpas;
    self->signal = self->config.start;
    self->last_positive = self->config.start;
    for (size_t hour = 0; hour < HOURS; hour++) {
        self->slopes[hour] = 1;
    }
    return GV_OK;
}

static void mystique_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    const mystique_state *self = state;
    gv_price_scale(batch->pcvr, batch->count, self->signal * self->most_nanos, bids);
}

/* ---- the target ------------------------------------------------------------------------------ */

/* An hour in which the signal was lower than on the whole could have spent more. */
static void learn_slopes(mystique_state *self)
{
    const double mean = mean_of(&self->before_enough);
    double bent[HOURS];
    for (size_t hour = 0; hour < HOURS; hour++) {
        const double own = mean_of(&self->hours[hour]);
        const bool is_known = mean >= SIGNAL_NOTHING && own >= SIGNAL_NOTHING;
        const double factor = is_known ? fmin(mean / own, SLOPE_RAISE) : 1;
        bent[hour] = fmin(fmax(self->slopes[hour] * factor, SLOPE_MIN), SLOPE_MAX);
    }
    double sum = 0;
    for (size_t hour = 0; hour < HOURS; hour++) {
        const double sides = bent[(hour + HOURS - 1) % HOURS] + bent[(hour + 1) % HOURS];
        self->slopes[hour] = sides / 4 + bent[hour] / 2;
        sum += self->slopes[hour];
    }
    for (size_t hour = 0; hour < HOURS; hour++) {
        self->slopes[hour] *= HOURS / sum;
    }
}

/* The share of the budget that should be spent when `share` of the episode is over. */
static double target_at(const mystique_state *self, double share)
{
    double hours_left = share * HOURS;
    double target = 0;
    for (size_t hour = 0; hour < HOURS && hours_left > 0; hour++) {
        target += self->slopes[hour] * fmin(hours_left, 1) / HOURS;
        hours_left -= 1;
    }
    return target;
}

static void begin(mystique_state *self)
{
    if (self->before_enough.count > 0) {
        self->signal = mean_of(&self->before_enough);
        self->last_positive = self->signal;
        if (self->config.target == TARGET_LEARNED) {
            learn_slopes(self);
        }
    }
    self->before_enough = (signal_mean){0, 0};
    for (size_t hour = 0; hour < HOURS; hour++) {
        self->hours[hour] = (signal_mean){0, 0};
    }
}

/* ---- the signal ------------------------------------------------------------------------------ */

static double sign_of(double value)
{
    return (double)((value > 0) - (value < 0));
}

static double corrected(const mystique_state *self, double e, double g, double ticks)
{
    const mystique_config *config = &self->config;
    if (g > config->runaway && e > 0) {
        return 0;
    }
    const double until = fabs(g) < 1e-9 ? ticks + 1 : -ticks * e / g;
    const double w = until < 0 ? 0.5 : fmin(config->weight_max, config->weight_tick * until);
    const double by_position = config->c * fmin(1, fabs(e) / config->error_full) * sign_of(e);
    const double by_slope =
        fmax(config->c_min, config->c * fmin(1, fabs(g)) / config->slope_full) * sign_of(g);
    const double signal = self->last_positive - w * by_position - (1 - w) * by_slope;
    return fmin(fmax(signal, SIGNAL_MIN), 1);
}

static void plan(mystique_state *self, const gv_observation *seen)
{
    if (seen->tick == 0) {
        begin(self);
    } else if (seen->tick_count > 0 && seen->budget_left_nanos > 0) {
        const double ticks = (double)seen->tick_count;
        const double budget = (double)seen->budget_nanos;
        const size_t last_hour = (size_t)((seen->tick - 1) * HOURS / seen->tick_count);
        const double spent = (double)seen->episode.spend_nanos / budget;
        const double e = spent - target_at(self, (double)seen->tick / ticks);
        const double slope = (double)seen->last.spend_nanos / budget * ticks;
        self->signal = corrected(self, e, slope - self->slopes[last_hour], ticks);
        if (self->signal > 0) {
            self->last_positive = self->signal;
        }
    }
    if (seen->tick_count > 0) {
        note(&self->hours[seen->tick * HOURS / seen->tick_count], self->signal);
        if ((double)seen->episode.spend_nanos < SPENT_ENOUGH * (double)seen->budget_nanos) {
            note(&self->before_enough, self->signal);
        }
    }
}

static void mystique_tick(void *const *states, const gv_observation *observations, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        plan(states[i], &observations[i]);
    }
}

const gv_policy_type gv_policy_mystique = {
    .info = {.name = "mystique",
             .summary = "a signal that follows a curve of spend by position and slope",
             .source = "Mystique, public code of Yahoo's BudgetPacingSimulation",
             .params = mystique_params,
             .config_size = sizeof(mystique_config)},
    .state_size = sizeof(mystique_state),
    .reads = GV_READS_PCVR,
    .fit = gv_cpa_fit,
    .init = mystique_init,
    .bid = mystique_bid,
    .tick = mystique_tick,
};
