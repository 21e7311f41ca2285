/*
 * A trained decision transformer at work: at each tick it is told the return that is still wanted,
 * and names the multiplier that led there.
 *
 *     bid = a x value,    a = network(..., a_(t-1), R_t, s_t)
 *
 * R_t is the target less what was reached so far. The published serving asks for a target of 4
 * times 2000 conversions, five times the best of the training data; 1 is what one training
 * episode in twenty exceeded. In a replay, which has no such state, it bids nothing.
 */
#include "policies/learn/dt.h"

#include <assert.h>
#include <inttypes.h>
#include <stddef.h>

#include "policies/price_impl.h"
#include "policies/types_impl.h"
#include "sim/base/money.h"

typedef struct dt_config {
    const char *weights;
    double target;
    double constraint_used;
    int32_t window;
    int64_t context;
    bool recompute;
} dt_config;

typedef struct dt_state {
    gv_dt_seat *seat;
    double multiplier; /* nanos a conversion */
} dt_state;

#define SOURCE "public code of AuctionNet, arXiv 2412.10798"

static const char *const windows[] = {"latest", "first", NULL};

static const gv_param dt_params[] = {
    {.name = "weights",
     .kind = GV_PARAM_PATH,
     .offset = offsetof(dt_config, weights),
     .help = "the trained network, as `gavel train dt` writes it",
     .source = "ours"},
    {.name = "target",
     .kind = GV_PARAM_REAL,
     .fallback = "1",
     .maximum = 1e6,
     .offset = offsetof(dt_config, target),
     .help = "return asked for; 1: what one training episode in twenty exceeded",
     .source = SOURCE ": 4, a fault"},
    {.name = "constraint_used",
     .kind = GV_PARAM_REAL,
     .fallback = "1",
     .maximum = 2,
     .offset = offsetof(dt_config, constraint_used),
     .help = "share of the target CPA to be used, for a network with a constraint token",
     .source = "CDT, Liu et al., ICML 2023, arXiv 2302.07351"},
    {.name = "last_three",
     .kind = GV_PARAM_CHOICE,
     .fallback = "latest",
     .choices = windows,
     .offset = offsetof(dt_config, window),
     .help = "which three ticks \"last three\" means; first: the published serving's fault",
     .source = SOURCE},
    {.name = "context",
     .kind = GV_PARAM_INTEGER,
     .unit = "ticks",
     .fallback = "0",
     .maximum = 1000,
     .offset = offsetof(dt_config, context),
     .help = "ticks to look back; 0: as in training; 10 after 20 is the published serving's fault",
     .source = SOURCE},
    {.name = "recompute",
     .kind = GV_PARAM_SWITCH,
     .fallback = "off",
     .offset = offsetof(dt_config, recompute),
     .help = "compute all of the past anew at each tick instead of keeping its keys and values",
     .source = "ours"},
    {0},
};

static gv_status dt_load(const void *config, void **model)
{
    const dt_config *dt = config;
    gv_dt *network = NULL;
    if (dt->weights == NULL) {
        return GV_FAIL(GV_EINVAL, "dt needs `weights:`, a file of `gavel train dt`");
    }
    const gv_dt_serving serving = {.target = dt->target,
                                   .used = dt->constraint_used,
                                   .window = (gv_state_window)dt->window,
                                   .context = (size_t)dt->context,
                                   .recomputes = dt->recompute};
    GV_TRY(gv_dt_open(dt->weights, &serving, &network));
    *model = network;
    return GV_OK;
}

static void dt_unload(void *model)
{
    gv_dt_close(model);
}

static gv_status check_ticks(const gv_policy_setup *setup)
{
    const gv_campaign *campaign = setup->campaign;
    const int64_t length_us = campaign->end_us - campaign->start_us;
    const int64_t ticks = (length_us + campaign->tick_us - 1) / campaign->tick_us;
    const int64_t known = (int64_t)gv_dt_ticks(setup->model);
    if (ticks != known) {
        return GV_FAIL(GV_EINVAL,
                       "%s: its network was trained on periods of %" PRId64
                       " ticks, and this campaign has %" PRId64
                       ": train it on such periods, or sell such ones",
                       ((const dt_config *)setup->config)->weights, known, ticks);
    }
    return GV_OK;
}

/* A campaign's seat writes into the network's caches, which have a lock of their own. */
static gv_status dt_init(void *state, const gv_policy_setup *setup)
{
    dt_state *dt = state;
    assert(setup->model != NULL);
    GV_TRY(check_ticks(setup));
    const gv_campaign *campaign = setup->campaign;
    const double unit = (double)GV_NANOS_PER_UNIT;
    const double cpa = campaign->cpa_nanos > 0 ? (double)campaign->cpa_nanos / unit : 0;
    return gv_dt_seat_create(setup->model, (double)campaign->budget_nanos / unit, cpa, &dt->seat);
}

static void dt_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    gv_price_scale(batch->pcvr, batch->count, ((const dt_state *)state)->multiplier, bids);
}

static void dt_tick(void *const *states, const gv_observation *observations, size_t count)
{
    enum { PART = 64 };
    for (size_t from = 0; from < count; from += PART) {
        const size_t part = count - from < PART ? count - from : PART;
        gv_dt_seat *seats[PART];
        double actions[PART];
        for (size_t i = 0; i < part; i++) {
            seats[i] = ((const dt_state *)states[from + i])->seat;
        }
        gv_dt_act(seats, observations + from, part, actions);
        for (size_t i = 0; i < part; i++) {
            ((dt_state *)states[from + i])->multiplier = actions[i] * (double)GV_NANOS_PER_UNIT;
        }
    }
}

static gv_status dt_save(const void *state, gv_writer *writer)
{
    const dt_state *dt = state;
    GV_TRY(gv_writer_put(writer, "dt", &dt->multiplier, sizeof dt->multiplier));
    return gv_dt_seat_save(dt->seat, writer);
}

static gv_status dt_restore(void *state, gv_reader *reader)
{
    dt_state *dt = state;
    GV_TRY(gv_reader_get(reader, "dt", &dt->multiplier, sizeof dt->multiplier));
    return gv_dt_seat_restore(dt->seat, reader);
}

static void dt_fini(void *state)
{
    const dt_state *dt = state;
    gv_dt_seat_destroy(dt->seat);
}

const gv_policy_type gv_policy_dt = {
    .info = {.name = "dt",
             .summary = "decision transformer: the multiplier that led to the return asked for",
             .source = "Chen et al., NeurIPS 2021, arXiv 2106.01345; " SOURCE,
             .params = dt_params,
             .config_size = sizeof(dt_config)},
    .state_size = sizeof(dt_state),
    .reads = GV_READS_PCVR,
    .needs_market = true,
    .load = dt_load,
    .unload = dt_unload,
    .init = dt_init,
    .bid = dt_bid,
    .tick = dt_tick,
    .save = dt_save,
    .restore = dt_restore,
    .fini = dt_fini,
};
