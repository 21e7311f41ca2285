/*
 * TA-PID: a value's multiplier steered by the spend so far against the traffic so far.
 *
 *     e_k = 1 - (spend so far / share of the traffic so far) / budget
 *     phi = kp e_k + ki sum_j e_j + kd (e_k - e_{k-1}),   clipped;   bid = start exp(phi) x pCVR
 *
 * The signal is that of the BAT benchmark's traffic-aware PID; traffic is taken to be even over an
 * episode's ticks, and start, gains and both bounds are ours. It knows no CPA but as its start and
 * the most that it bids.
 */
#include <math.h>
#include <stddef.h>

#include "policies/cpa_impl.h"
#include "policies/price_impl.h"
#include "policies/types_impl.h"

typedef struct ta_config {
    int64_t cpa_nanos;
    double most_cpas;
    double kp;
    double ki;
    double kd;
    double phi_max;
} ta_config;

typedef struct ta_state {
    ta_config config;
    double start; /* nanos a conversion */
    double phi;
    double sum;
    double last_error;
} ta_state;

static const gv_param ta_params[] = {
    GV_CPA_PARAM,
    GV_CPA_MOST_PARAM(ta_config, "3", "ours"),
    {.name = "kp",
     .kind = GV_PARAM_REAL,
     .fallback = "3",
     .maximum = HUGE_VAL,
     .offset = offsetof(ta_config, kp),
     .help = "gain of the error",
     .source = "ours"},
    {.name = "ki",
     .kind = GV_PARAM_REAL,
     .fallback = "0.1",
     .maximum = HUGE_VAL,
     .offset = offsetof(ta_config, ki),
     .help = "gain of the summed error",
     .source = "ours"},
    {.name = "kd",
     .kind = GV_PARAM_REAL,
     .fallback = "0",
     .maximum = HUGE_VAL,
     .offset = offsetof(ta_config, kd),
     .help = "gain of the error's change",
     .source = "ours"},
    {.name = "phi_max",
     .kind = GV_PARAM_REAL,
     .fallback = "3",
     .maximum = 50,
     .offset = offsetof(ta_config, phi_max),
     .help = "control signal furthest from 0: bids are at least CPA x pCVR / exp(phi_max)",
     .source = "ours"},
    {0},
};

static gv_status ta_init(void *state, const gv_policy_setup *setup)
{
    ta_state *ta = state;
    ta->config = *(const ta_config *)setup->config;
    return gv_cpa_find(ta->config.cpa_nanos, setup->campaign, "ta_pid", &ta->start);
}

static void ta_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    const ta_state *ta = state;
    gv_price_scale(batch->pcvr, batch->count, ta->start * exp(ta->phi), bids);
}

/* Within phi_max, and not above the most. */
static double clip(const ta_config *config, double phi)
{
    const double high = fmin(config->phi_max, log(config->most_cpas));
    return fmin(fmax(phi, -config->phi_max), high);
}

static void plan(ta_state *ta, const gv_observation *seen)
{
    const ta_config *config = &ta->config;
    if (seen->tick == 0) {
        ta->phi = 0;
        ta->sum = 0;
        ta->last_error = 0;
        return;
    }
    if (seen->tick_count == 0 || seen->budget_nanos == 0) {
        return;
    }
    const double share = (double)seen->tick / (double)seen->tick_count;
    const double spent = (double)seen->episode.spend_nanos / (double)seen->budget_nanos;
    const double error = 1 - spent / share;
    const double change = seen->tick > 1 ? error - ta->last_error : 0;
    ta->sum += error;
    if (config->ki > 0) {
        ta->sum = clip(config, ta->sum * config->ki) / config->ki;
    }
    const double phi = config->kp * error + config->ki * ta->sum + config->kd * change;
    ta->phi = clip(config, phi);
    ta->last_error = error;
}

static void ta_tick(void *const *states, const gv_observation *observations, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        plan(states[i], &observations[i]);
    }
}

const gv_policy_type gv_policy_ta_pid = {
    .info = {.name = "ta_pid",
             .summary = "a multiplier of pCVR steered by spend against traffic so far",
             .source = "traffic-aware PID of the BAT benchmark",
             .params = ta_params,
             .config_size = sizeof(ta_config)},
    .state_size = sizeof(ta_state),
    .reads = GV_READS_PCVR,
    .fit = gv_cpa_fit,
    .init = ta_init,
    .bid = ta_bid,
    .tick = ta_tick,
};
