/*
 * A trained decision diffuser at work (DiffBid): at each tick it imagines the rest of the period as
 * it looks when the return asked for comes about, and names the multiplier that leads there.
 *
 *     bid = a x value,    a = f(s_(t-2), s_(t-1), s_t, the imagined s_(t+1))
 */
#include "policies/learn/dd.h"

#include <assert.h>
#include <inttypes.h>
#include <stddef.h>

#include "policies/price_impl.h"
#include "policies/types_impl.h"
#include "sim/base/money.h"

typedef struct dd_config {
    const char *weights;
    double target;
    double guidance;
    int64_t jumps;
    double eta;
    double noise_scale;
    int32_t window;
} dd_config;

typedef struct dd_state {
    gv_dd_seat *seat;
    double multiplier; /* nanos a conversion */
} dd_state;

#define SOURCE "public code of AuctionNet, arXiv 2412.10798"

static const char *const windows[] = {"latest", "first", NULL};

static const gv_param dd_params[] = {
    {.name = "weights",
     .kind = GV_PARAM_PATH,
     .offset = offsetof(dd_config, weights),
     .help = "the trained network, as `gavel train dd` writes it",
     .source = "ours"},
    {.name = "target",
     .kind = GV_PARAM_REAL,
     .fallback = "1",
     .minimum = -1e6,
     .maximum = 1e6,
     .offset = offsetof(dd_config, target),
     .help = "return asked for: 0 the least of the training data, 1 the most",
     .source = "DiffBid, arXiv 2405.16141; " SOURCE},
    {.name = "guidance",
     .kind = GV_PARAM_REAL,
     .fallback = "1.2",
     .maximum = 1e3,
     .offset = offsetof(dd_config, guidance),
     .help = "1: the guess under the return alone; more: further away from the one without",
     .source = SOURCE "; DiffBid: 0.2"},
    {.name = "jumps",
     .kind = GV_PARAM_INTEGER,
     .fallback = "0",
     .maximum = 1000,
     .offset = offsetof(dd_config, jumps),
     .help = "jumps from noise to a plan, evenly over the steps that were trained; 0: every step",
     .source = "DDIM, arXiv 2010.02502"},
    {.name = "eta",
     .kind = GV_PARAM_REAL,
     .fallback = "1",
     .maximum = 1,
     .offset = offsetof(dd_config, eta),
     .help = "noise on the way: 1 as DDPM, 0 none",
     .source = "DDIM, arXiv 2010.02502"},
    {.name = "noise_scale",
     .kind = GV_PARAM_REAL,
     .fallback = "0.5",
     .maximum = 10,
     .offset = offsetof(dd_config, noise_scale),
     .help = "factor of the noise at the start and on the way",
     .source = SOURCE},
    {.name = "last_three",
     .kind = GV_PARAM_CHOICE,
     .fallback = "latest",
     .choices = windows,
     .offset = offsetof(dd_config, window),
     .help = "which three ticks \"last three\" means; first: the published serving's fault",
     .source = SOURCE},
    {0},
};

static gv_status dd_load(const void *config, void **model)
{
    const dd_config *dd = config;
    gv_dd *network = NULL;
    if (dd->weights == NULL) {
        return GV_FAIL(GV_EINVAL, "dd needs `weights:`, a file of `gavel train dd`");
    }
    const gv_dd_serving serving = {.target = dd->target,
                                   .guidance = dd->guidance,
                                   .jumps = (size_t)dd->jumps,
                                   .eta = dd->eta,
                                   .noise_scale = dd->noise_scale,
                                   .window = (gv_state_window)dd->window};
    GV_TRY(gv_dd_open(dd->weights, &serving, &network));
    *model = network;
    return GV_OK;
}

static void dd_unload(void *model)
{
    gv_dd_close(model);
}

static gv_status check_ticks(const gv_policy_setup *setup)
{
    const gv_campaign *campaign = setup->campaign;
    const int64_t length_us = campaign->end_us - campaign->start_us;
    const int64_t ticks = (length_us + campaign->tick_us - 1) / campaign->tick_us;
    const int64_t known = (int64_t)gv_dd_ticks(setup->model);
    if (ticks != known) {
        return GV_FAIL(GV_EINVAL,
                       "%s: its network was trained on periods of %" PRId64
                       " ticks, and this campaign has %" PRId64
                       ": train it on such periods, or sell such ones",
                       ((const dd_config *)setup->config)->weights, known, ticks);
    }
    return GV_OK;
}

static gv_status dd_init(void *state, const gv_policy_setup *setup)
{
    dd_state *dd = state;
    assert(setup->model != NULL);
    GV_TRY(check_ticks(setup));
    return gv_dd_seat_create(setup->model, setup->seed, setup->campaign->number, &dd->seat);
}

static void dd_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    gv_price_scale(batch->pcvr, batch->count, ((const dd_state *)state)->multiplier, bids);
}

static void dd_tick(void *const *states, const gv_observation *observations, size_t count)
{
    enum { PART = 64 };
    for (size_t from = 0; from < count; from += PART) {
        const size_t part = count - from < PART ? count - from : PART;
        gv_dd_seat *seats[PART];
        double actions[PART];
        for (size_t i = 0; i < part; i++) {
            seats[i] = ((const dd_state *)states[from + i])->seat;
        }
        gv_dd_act(seats, observations + from, part, actions);
        for (size_t i = 0; i < part; i++) {
            ((dd_state *)states[from + i])->multiplier = actions[i] * (double)GV_NANOS_PER_UNIT;
        }
    }
}

static gv_status dd_save(const void *state, gv_writer *writer)
{
    const dd_state *dd = state;
    GV_TRY(gv_writer_put(writer, "dd", &dd->multiplier, sizeof dd->multiplier));
    return gv_dd_seat_save(dd->seat, writer);
}

static gv_status dd_restore(void *state, gv_reader *reader)
{
    dd_state *dd = state;
    GV_TRY(gv_reader_get(reader, "dd", &dd->multiplier, sizeof dd->multiplier));
    return gv_dd_seat_restore(dd->seat, reader);
}

static void dd_fini(void *state)
{
    const dd_state *dd = state;
    gv_dd_seat_destroy(dd->seat);
}

const gv_policy_type gv_policy_dd = {
    .info = {.name = "dd",
             .summary =
                 "decision diffuser (DiffBid): the multiplier that leads to an imagined period",
             .source = "Ajay et al., ICLR 2023, arXiv 2211.15657; DiffBid, arXiv 2405.16141",
             .params = dd_params,
             .config_size = sizeof(dd_config)},
    .state_size = sizeof(dd_state),
    .reads = GV_READS_PCVR,
    .needs_market = true,
    .load = dd_load,
    .unload = dd_unload,
    .init = dd_init,
    .bid = dd_bid,
    .tick = dd_tick,
    .save = dd_save,
    .restore = dd_restore,
    .fini = dd_fini,
};
