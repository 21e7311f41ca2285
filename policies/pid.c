/*
 * PID pacing: feedback control of a linear bid, at ticks.
 *
 * Zhang, Rong, Wang, Zhu and Wang, "Feedback Control of Real-Time Display Advertising", WSDM
 * 2016. With x_k what was measured in tick k and x_ref what it should be:
 *
 *     e_k = x_ref - x_k
 *     phi = kp e_k + ki sum_j e_j + kd (e_k - e_{k-1}),   clipped
 *     bid = b exp(phi),   b = b0 x pCTR / mean pCTR
 *
 * The paper steers eCPC or win rate. Steering the rate of spend by the same law, dividing e by
 * x_ref so that the gains have no unit, keeping the sum within what the clip lets through, and
 * how gains are fitted are ours.
 */
#include <math.h>
#include <stddef.h>

#include "policies/linear_impl.h"
#include "policies/price_impl.h"
#include "policies/tune_impl.h"
#include "policies/types_impl.h"

typedef enum pid_reference { SPEND, ECPC, WIN_RATE } pid_reference;

typedef struct pid_config {
    gv_linear_config base;
    int32_t reference;
    int64_t ecpc_nanos;
    double win_rate;
    double kp;
    double ki;
    double kd;
    double phi_min;
    double phi_max;
} pid_config;

typedef struct pid_state {
    double factor; /* nanos for each unit of pCTR, at phi 0 */
    double kp;
    double ki;
    double kd;
    double phi_min;
    double phi_max;
    double target;   /* of eCPC or win rate */
    double auctions; /* of an episode that counts them; else 0 */
    pid_reference reference;
    bool expects; /* eCPC of expected clicks */
    bool has_last;
    double last_error;
    double sum;
    double phi;
} pid_state;

static const char *const references[] = {"spend", "ecpc", "win_rate", NULL};

#define GAIN_SOURCE "WSDM 2016, feedback control; the fit is ours"

static const gv_param pid_params[] = {
    GV_LINEAR_PARAMS,
    {.name = "reference",
     .kind = GV_PARAM_CHOICE,
     .fallback = "spend",
     .choices = references,
     .offset = offsetof(pid_config, reference),
     .help = "what is held: `spend`, the budget in equal parts over the episode's ticks; `ecpc`; "
             "or `win_rate`",
     .source = "ecpc, win_rate: WSDM 2016; spend: ours"},
    {.name = "ecpc",
     .kind = GV_PARAM_MONEY,
     .unit = "CPM",
     .fallback = "auto",
     .maximum = HUGE_VAL,
     .offset = offsetof(pid_config, ecpc_nanos),
     .help = "cost of a click to hold, for reference ecpc; auto: the history's",
     .source = "x_ref of WSDM 2016; auto is ours"},
    {.name = "win_rate",
     .kind = GV_PARAM_REAL,
     .fallback = "auto",
     .maximum = 1,
     .offset = offsetof(pid_config, win_rate),
     .help = "share of auctions to win, for reference win_rate; auto: what b0 wins on the history",
     .source = "x_ref of WSDM 2016; auto is ours"},
    {.name = "kp",
     .kind = GV_PARAM_REAL,
     .fallback = "auto",
     .maximum = HUGE_VAL,
     .offset = offsetof(pid_config, kp),
     .help = "gain of the error; auto: fitted on the history",
     .source = GAIN_SOURCE},
    {.name = "ki",
     .kind = GV_PARAM_REAL,
     .fallback = "auto",
     .maximum = HUGE_VAL,
     .offset = offsetof(pid_config, ki),
     .help = "gain of the summed error; auto: fitted on the history",
     .source = GAIN_SOURCE},
    {.name = "kd",
     .kind = GV_PARAM_REAL,
     .fallback = "auto",
     .maximum = HUGE_VAL,
     .offset = offsetof(pid_config, kd),
     .help = "gain of the error's change; auto: fitted on the history",
     .source = GAIN_SOURCE},
    {.name = "phi_min",
     .kind = GV_PARAM_REAL,
     .fallback = "-2",
     .minimum = -50,
     .maximum = 0,
     .offset = offsetof(pid_config, phi_min),
     .help = "lowest control signal: bids are at least exp of it times the base bid",
     .source = "WSDM 2016 (recalled)"},
    {.name = "phi_max",
     .kind = GV_PARAM_REAL,
     .fallback = "5",
     .maximum = 50,
     .offset = offsetof(pid_config, phi_max),
     .help = "highest control signal: bids are at most exp of it times the base bid",
     .source = "WSDM 2016 (recalled)"},
    {0},
};

/*
 * Gains tried. b0 was fitted to the same history, on which a controller then has nothing to do;
 * so each set of gains is judged with b0 as found, half of it and twice it.
 */
static const double kp_grid[] = {0, 0.1, 0.2, 0.4, 0.8};
static const double ki_grid[] = {0, 0.02, 0.05, 0.1, 0.2};
static const double kd_grid[] = {0, 0.1};
static const double b0_off[] = {1, 0.5, 2};

enum {
    KP_COUNT = sizeof kp_grid / sizeof kp_grid[0],
    KI_COUNT = sizeof ki_grid / sizeof ki_grid[0],
    KD_COUNT = sizeof kd_grid / sizeof kd_grid[0],
    OFF_COUNT = sizeof b0_off / sizeof b0_off[0],
    GAINS_COUNT = KP_COUNT * KI_COUNT * KD_COUNT,
    TRIALS_COUNT = GAINS_COUNT * OFF_COUNT,
};

static bool gains_are_set(const pid_config *config)
{
    return !isnan(config->kp) && !isnan(config->ki) && !isnan(config->kd);
}

static double distance(double found, double target)
{
    return target > 0 ? fabs(found / target - 1) : 0;
}

/* The higher the better: clicks under the budget, or nearness to the reference. */
static double score(const pid_config *config, const gv_tally *result)
{
    if (config->reference == SPEND) {
        return (double)result->expected_nanoclicks;
    }
    if (config->reference == WIN_RATE) {
        const double auctions = fmax(1, (double)result->auctions);
        return -distance((double)result->wins / auctions, config->win_rate);
    }
    const double clicks = (double)result->expected_nanoclicks / GV_NANO_EVENTS;
    const double cost = clicks > 0 ? (double)result->spend_nanos / clicks : 0;
    return -distance(cost, (double)config->ecpc_nanos);
}

static void set_b0(void *config, double x)
{
    ((pid_config *)config)->base.b0_nanos = gv_price_round(x);
}

/* Score of `gains`, over b0 as it is and off. */
static gv_status judge(gv_tune *tune, const pid_config *gains, double *sum)
{
    const int64_t budget = gv_plan_budget(tune->input->campaign, tune->input->history);
    pid_config *candidate = tune->config;
    *candidate = *gains;
    *sum = 0;
    for (size_t i = 0; i < OFF_COUNT; i++) {
        gv_tally result;
        GV_TRY(gv_tune_try(tune, (double)gains->base.b0_nanos * b0_off[i], budget, &result));
        *sum += score(gains, &result);
    }
    return GV_OK;
}

/* Gains that are given stay. On equality the earlier, calmer ones. */
static gv_status fit_gains(pid_config *draft, const gv_fit_input *input,
                           const gv_progress *progress)
{
    pid_config candidate;
    gv_tune tune = {.what = "pid: gains",
                    .input = input,
                    .progress = progress,
                    .config = &candidate,
                    .set = set_b0,
                    .trials_max = TRIALS_COUNT};
    pid_config best = *draft;
    double best_sum = -HUGE_VAL;
    for (size_t i = 0; i < GAINS_COUNT; i++) {
        const size_t p = i / KD_COUNT / KI_COUNT;
        const size_t n = i / KD_COUNT % KI_COUNT;
        const size_t d = i % KD_COUNT;
        const bool repeats = (!isnan(draft->kp) && p > 0) || (!isnan(draft->ki) && n > 0) ||
                             (!isnan(draft->kd) && d > 0) || (d > 0 && p == 0 && n == 0);
        if (repeats) {
            continue;
        }
        pid_config gains = *draft;
        gains.kp = isnan(draft->kp) ? kp_grid[p] : draft->kp;
        gains.ki = isnan(draft->ki) ? ki_grid[n] : draft->ki;
        gains.kd = isnan(draft->kd) ? kd_grid[d] : draft->kd;
        double sum = 0;
        GV_TRY(judge(&tune, &gains, &sum));
        best = sum > best_sum ? gains : best;
        best_sum = fmax(best_sum, sum);
    }
    *draft = best;
    return GV_OK;
}

/* Without gains: b0 alone decides. */
static gv_status fit_base(pid_config *draft, const gv_fit_input *input, const gv_progress *progress)
{
    pid_config still = *draft;
    still.kp = 0;
    still.ki = 0;
    still.kd = 0;
    GV_TRY(gv_linear_fit(&still, "pid", input, progress));
    draft->base = still.base;
    return GV_OK;
}

static gv_status fit_target(pid_config *draft, const gv_fit_input *input)
{
    if (draft->reference == ECPC && draft->ecpc_nanos == GV_PARAM_UNSET) {
        double nanos = 0;
        GV_TRY(gv_plan_click_cost(input->history, "pid", &draft->base.rate_from, &nanos));
        draft->ecpc_nanos = gv_price_round(nanos);
    }
    if (draft->reference == WIN_RATE && isnan(draft->win_rate)) {
        GV_TRY(gv_plan_need(input->history, "pid", "win_rate"));
        draft->win_rate =
            gv_plan_share_at(input->history, &input->rules, (double)draft->base.b0_nanos).won;
    }
    return GV_OK;
}

static gv_status pid_fit(void *config, const gv_fit_input *input, const gv_progress *progress)
{
    pid_config draft = *(pid_config *)config;
    GV_TRY(fit_base(&draft, input, progress));
    GV_TRY(fit_target(&draft, input));
    if (!gains_are_set(&draft)) {
        if (input->try_config == NULL) {
            return GV_FAIL(GV_EINVAL, "pid: the gains can only be fitted on a history with rows: "
                                      "set kp, ki and kd, or give a log as history");
        }
        GV_TRY(fit_gains(&draft, input, progress));
    }
    *(pid_config *)config = draft;
    return GV_OK;
}

static gv_status check(const pid_config *config)
{
    if (!gains_are_set(config)) {
        return GV_FAIL(GV_EINVAL, "pid: kp, ki or kd is not set and was not fitted");
    }
    if (config->reference == ECPC && config->ecpc_nanos == GV_PARAM_UNSET) {
        return GV_FAIL(GV_EINVAL, "pid: reference is ecpc, but ecpc is not set");
    }
    if (config->reference == WIN_RATE && isnan(config->win_rate)) {
        return GV_FAIL(GV_EINVAL, "pid: reference is win_rate, but win_rate is not set");
    }
    return GV_OK;
}

static gv_status pid_init(void *state, const gv_policy_setup *setup)
{
    const pid_config *config = setup->config;
    pid_state *pid = state;
    GV_TRY(check(config));
    GV_TRY(gv_linear_factor(&config->base, "pid", &pid->factor));
    pid->kp = config->kp;
    pid->ki = config->ki;
    pid->kd = config->kd;
    pid->phi_min = config->phi_min;
    pid->phi_max = config->phi_max;
    pid->reference = (pid_reference)config->reference;
    pid->target = pid->reference == ECPC ? (double)config->ecpc_nanos : config->win_rate;
    pid->expects = config->base.rate_from == GV_PLAN_PREDICTED;
    const bool counts = setup->campaign->episode == GV_EPISODE_AUCTIONS;
    pid->auctions = counts ? (double)setup->campaign->episode_auctions : 0;
    return GV_OK;
}

static void pid_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    const pid_state *pid = state;
    gv_price_scale(batch->pctr, batch->count, pid->factor * exp(pid->phi), bids);
}

/* Spend of the last tick against its part of the budget: by ticks, or by auctions. */
static double spend_error(const pid_state *pid, const gv_observation *seen)
{
    const double budget = (double)seen->budget_nanos;
    const double plan = seen->tick_count > 0
                            ? budget / (double)seen->tick_count
                            : budget * (double)seen->last.auctions / fmax(1, pid->auctions);
    return plan > 0 ? 1 - (double)seen->last.spend_nanos / plan : 0;
}

/* (x_ref - x) / x_ref; 0 while there is nothing to measure. */
static double error_of(const pid_state *pid, const gv_observation *seen)
{
    if (pid->reference == SPEND) {
        return spend_error(pid, seen);
    }
    double measured = 0;
    double base = 0;
    if (pid->reference == WIN_RATE) {
        measured = (double)seen->last.wins;
        base = (double)seen->last.auctions;
    } else {
        measured = (double)seen->episode.spend_nanos;
        base = pid->expects ? (double)seen->episode.expected_nanoclicks / GV_NANO_EVENTS
                            : (double)seen->episode.clicks;
    }
    return base > 0 && pid->target > 0 ? 1 - measured / base / pid->target : 0;
}

static double clip(double value, double low, double high)
{
    return fmin(fmax(value, low), high);
}

static void plan(pid_state *pid, const gv_observation *seen)
{
    if (seen->tick == 0) {
        pid->sum = 0;
        pid->phi = 0;
        pid->has_last = false;
        return;
    }
    const double error = error_of(pid, seen);
    const double change = pid->has_last ? error - pid->last_error : 0;
    pid->sum += error;
    if (pid->ki > 0) {
        pid->sum = clip(pid->sum, pid->phi_min / pid->ki, pid->phi_max / pid->ki);
    }
    const double phi = pid->kp * error + pid->ki * pid->sum + pid->kd * change;
    pid->phi = clip(phi, pid->phi_min, pid->phi_max);
    pid->last_error = error;
    pid->has_last = true;
}

static void pid_tick(void *const *states, const gv_observation *observations, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        plan(states[i], &observations[i]);
    }
}

const gv_policy_type gv_policy_pid = {
    .info = {.name = "pid",
             .summary = "a linear bid steered by feedback to its spend, eCPC or win rate",
             .source = "Zhang, Rong, Wang, Zhu and Wang, WSDM 2016",
             .params = pid_params,
             .config_size = sizeof(pid_config)},
    .state_size = sizeof(pid_state),
    .reads = GV_READS_PCTR,
    .needs_history = true,
    .fit = pid_fit,
    .init = pid_init,
    .bid = pid_bid,
    .tick = pid_tick,
};
