/*
 * A trained decision diffuser at work (DiffBid): at each tick it imagines the rest of the period as
 * it looks when the return asked for comes about, and names the multiplier that leads there.
 *
 *     bid = a x value,    a = f(s_(t-2), s_(t-1), s_t, the imagined s_(t+1))
 */
#include <stddef.h>

#include "policies/planned_impl.h"
#include "policies/types_impl.h"

typedef struct dd_config {
    const char *weights;
    double target;
    double guidance;
    int64_t jumps;
    double eta;
    double noise_scale;
    int32_t window;
} dd_config;

#define SOURCE "public code of AuctionNet, arXiv 2412.10798"

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
     .choices = gv_planned_windows,
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
    GV_TRY(gv_dd_open(&gv_dd_diffuser, dd->weights, &serving, &network));
    *model = network;
    return GV_OK;
}

const gv_policy_type gv_policy_dd = {
    .info = {.name = "dd",
             .summary =
                 "decision diffuser (DiffBid): the multiplier that leads to an imagined period",
             .source = "Ajay et al., ICLR 2023, arXiv 2211.15657; DiffBid, arXiv 2405.16141",
             .params = dd_params,
             .config_size = sizeof(dd_config)},
    .state_size = sizeof(gv_planned_state),
    .reads = GV_READS_PCVR,
    .needs_market = true,
    .load = dd_load,
    .unload = gv_planned_unload,
    .tell = gv_planned_tell,
    .init = gv_planned_init,
    .bid = gv_planned_bid,
    .tick = gv_planned_tick,
    .save = gv_planned_save,
    .restore = gv_planned_restore,
    .fini = gv_planned_fini,
    .explain = gv_planned_explain,
};
