/*
 * M-PID: two multipliers, one steered by the spend of each tick, one by the cost of conversions.
 * Yang et al., "Bid Optimization by Multivariable Control in Display Advertising"
 * (arXiv 1905.10928), formula from the BAT benchmark's code. With v the value, C the target cost:
 *
 *     bid = (1 + q C) / (p + q) x v
 *     e1 = 1 - spend / ideal spend of the tick,   e2 = 1 - cost of a conversion / C
 *     u_i = kp e_i + ki sum e_i,   u1' = a u1 + (1 - a) u2,   u2' = (1 - b) u1 + b u2
 *     p = p0 exp(-u1'),   q = q0 exp(-u2')
 *
 * The ideal spend is the budget left over the ticks left. Here v is pCVR and C the CPA, where the
 * paper has a cost of clicks beside conversions; that, p0 = q0 = 1 / C, the gains, dividing errors
 * by their targets, and clipping the multiplier (rather than each bid) to `clip` times and one
 * `clip`-th of its mean so far are ours.
 */
#include <math.h>
#include <stddef.h>

#include "policies/cpa_impl.h"
#include "policies/price_impl.h"
#include "policies/types_impl.h"

typedef struct m_config {
    int64_t cpa_nanos;
    double kp;
    double ki;
    double alpha;
    double beta;
    double clip;
} m_config;

typedef struct m_state {
    m_config config;
    double cpa_nanos;
    double multiplier; /* nanos a conversion */
    double multiplier_sum;
    double multiplier_count;
    double sums[2];
} m_state;

static const gv_param m_params[] = {
    GV_CPA_PARAM,
    {.name = "kp",
     .kind = GV_PARAM_REAL,
     .fallback = "0.3",
     .maximum = HUGE_VAL,
     .offset = offsetof(m_config, kp),
     .help = "gain of the errors",
     .source = "ours"},
    {.name = "ki",
     .kind = GV_PARAM_REAL,
     .fallback = "0.2",
     .maximum = HUGE_VAL,
     .offset = offsetof(m_config, ki),
     .help = "gain of the summed errors",
     .source = "ours"},
    {.name = "alpha",
     .kind = GV_PARAM_REAL,
     .fallback = "0.22",
     .maximum = 1,
     .offset = offsetof(m_config, alpha),
     .help = "share of the spend's own signal in that of p",
     .source = "BAT benchmark's code"},
    {.name = "beta",
     .kind = GV_PARAM_REAL,
     .fallback = "0.37",
     .maximum = 1,
     .offset = offsetof(m_config, beta),
     .help = "share of the cost's own signal in that of q",
     .source = "BAT benchmark's code"},
    {.name = "clip",
     .kind = GV_PARAM_REAL,
     .fallback = "2",
     .minimum = 1,
     .maximum = HUGE_VAL,
     .offset = offsetof(m_config, clip),
     .help = "the multiplier stays within this factor of its mean over earlier ticks",
     .source = "0.5 to 2 of the BAT benchmark's code, there of single bids"},
    {0},
};

static void begin(m_state *m)
{
    m->multiplier = m->cpa_nanos;
    m->multiplier_sum = m->cpa_nanos;
    m->multiplier_count = 1;
    m->sums[0] = 0;
    m->sums[1] = 0;
}

static gv_status m_init(void *state, const gv_policy_setup *setup)
{
    m_state *m = state;
    m->config = *(const m_config *)setup->config;
    GV_TRY(gv_cpa_find(m->config.cpa_nanos, setup->campaign, "m_pid", &m->cpa_nanos));
    begin(m);
    return GV_OK;
}

static void m_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    gv_price_scale(batch->pcvr, batch->count, ((const m_state *)state)->multiplier, bids);
}

/* 1 - measured / target, within [-1, 1]; 0 where there is nothing to compare. */
static double error_of(double measured, double target)
{
    return target > 0 ? fmax(1 - measured / target, -1) : 0;
}

static void plan(m_state *m, const gv_observation *seen)
{
    if (seen->tick == 0) {
        begin(m);
        return;
    }
    if (seen->tick_count == 0) {
        return;
    }
    const m_config *config = &m->config;
    /* What the last tick should have spent: of what was left before it, its part. */
    const double before = (double)seen->budget_left_nanos + (double)seen->last.spend_nanos;
    const double ideal = before / (double)(seen->tick_count - seen->tick + 1);
    const double conversions = (double)seen->episode.conversions;
    const double cost = conversions > 0 ? (double)seen->episode.spend_nanos / conversions : 0;
    const double errors[2] = {
        error_of((double)seen->last.spend_nanos, ideal),
        conversions > 0 ? error_of(cost, m->cpa_nanos) : 0,
    };
    double signal[2];
    for (size_t i = 0; i < 2; i++) {
        m->sums[i] = fmin(fmax(m->sums[i] + errors[i], -10), 10); /* ours: no wind-up */
        signal[i] = config->kp * errors[i] + config->ki * m->sums[i];
    }
    const double u1 = config->alpha * signal[0] + (1 - config->alpha) * signal[1];
    const double u2 = (1 - config->beta) * signal[0] + config->beta * signal[1];
    /* With p and q in units of 1 / C: (1 + q) / (p + q) C. */
    const double p = exp(-u1);
    const double q = exp(-u2);
    const double wanted = (1 + q) / (p + q) * m->cpa_nanos;
    const double mean = m->multiplier_sum / m->multiplier_count;
    m->multiplier = fmin(fmax(wanted, mean / config->clip), mean * config->clip);
    m->multiplier_sum += m->multiplier;
    m->multiplier_count += 1;
}

static void m_tick(void *const *states, const gv_observation *observations, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        plan(states[i], &observations[i]);
    }
}

const gv_policy_type gv_policy_m_pid = {
    .info = {.name = "m_pid",
             .summary = "two coupled controllers: spend of each tick, cost of a conversion",
             .source = "M-PID of arXiv 1905.10928, as in the BAT benchmark's code",
             .params = m_params,
             .config_size = sizeof(m_config)},
    .state_size = sizeof(m_state),
    .reads = GV_READS_PCVR,
    .fit = gv_cpa_fit,
    .init = m_init,
    .bid = m_bid,
    .tick = m_tick,
};
