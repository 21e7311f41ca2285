/*
 * A trained expert-guided planner at work (EGDB, arXiv 2508.08687): at each tick it imagines the
 * rest of the period as an expert may have it and as the return asked for comes about, in a few
 * jumps from noise, and names the multiplier that leads there.
 *
 *     bid = a x value,    log(1 + a / C) = f(s_(t-2), s_(t-1), s_t, the imagined s_(t+1))
 */
#include <stddef.h>

#include "policies/planned_impl.h"
#include "policies/types_impl.h"

typedef struct egdb_config {
    const char *weights;
    double target;
    double guidance;
    double expert_guidance;
    double spread;
    int64_t jumps;
    double eta;
    double noise_scale;
    int64_t replan;
    double band;
    double shade;
    int32_t window;
} egdb_config;

#define CHOICE "ours; EGDB, arXiv 2508.08687, does not say"

static const gv_param egdb_params[] = {
    {.name = "weights",
     .kind = GV_PARAM_PATH,
     .offset = offsetof(egdb_config, weights),
     .help = "the trained networks, as `gavel train egdb` writes them",
     .source = "ours"},
    {.name = "target",
     .kind = GV_PARAM_REAL,
     .fallback = "1",
     .minimum = -1e6,
     .maximum = 1e6,
     .offset = offsetof(egdb_config, target),
     .help = "return asked for: 0 the least of the training data, 1 the most",
     .source = "DiffBid, arXiv 2405.16141"},
    {.name = "guidance",
     .kind = GV_PARAM_REAL,
     .fallback = "1",
     .maximum = 1e3,
     .offset = offsetof(egdb_config, guidance),
     .help = "by the return, w_R; with expert_guidance 1 too, one pass is enough",
     .source = CHOICE},
    {.name = "expert_guidance",
     .kind = GV_PARAM_REAL,
     .fallback = "1",
     .maximum = 1e3,
     .offset = offsetof(egdb_config, expert_guidance),
     .help = "by the expert's embedding, w_z; 0: none",
     .source = CHOICE},
    {.name = "spread",
     .kind = GV_PARAM_REAL,
     .fallback = "1",
     .maximum = 10,
     .offset = offsetof(egdb_config, spread),
     .help = "of the expert drawn, in deviations of the prior; 0: the likeliest",
     .source = CHOICE},
    {.name = "jumps",
     .kind = GV_PARAM_INTEGER,
     .fallback = "10",
     .maximum = 1000,
     .offset = offsetof(egdb_config, jumps),
     .help = "jumps from noise to a plan, evenly over the steps that were trained; 0: every step",
     .source = "DDIM, arXiv 2010.02502; how many: " CHOICE},
    {.name = "eta",
     .kind = GV_PARAM_REAL,
     .fallback = "0",
     .maximum = 1,
     .offset = offsetof(egdb_config, eta),
     .help = "noise on the way: 1 as DDPM, 0 none",
     .source = "DDIM, arXiv 2010.02502; " CHOICE},
    {.name = "noise_scale",
     .kind = GV_PARAM_REAL,
     .fallback = "1",
     .maximum = 10,
     .offset = offsetof(egdb_config, noise_scale),
     .help = "factor of the noise at the start and on the way",
     .source = "public code of AuctionNet, arXiv 2412.10798: 0.5"},
    {.name = "replan",
     .kind = GV_PARAM_INTEGER,
     .unit = "ticks",
     .fallback = "1",
     .minimum = 1,
     .maximum = 1e6,
     .offset = offsetof(egdb_config, replan),
     .help = "a new plan every so many ticks; between them the last is followed",
     .source = "ours"},
    {.name = "band",
     .kind = GV_PARAM_REAL,
     .fallback = "0",
     .maximum = 1e6,
     .offset = offsetof(egdb_config, band),
     .help = "and when the state is so far from the plan, in root mean square of its scaled "
             "numbers; 0: never for that",
     .source = "ours"},
    {.name = "shade",
     .kind = GV_PARAM_REAL,
     .fallback = "1",
     .minimum = 0.01,
     .maximum = 100,
     .offset = offsetof(egdb_config, shade),
     .help = "factor of what the plan leads to: below 1 it bids more carefully",
     .source = "ours"},
    {.name = "last_three",
     .kind = GV_PARAM_CHOICE,
     .fallback = "latest",
     .choices = gv_planned_windows,
     .offset = offsetof(egdb_config, window),
     .help = "which three ticks \"last three\" means; first: the published serving's fault",
     .source = "public code of AuctionNet, arXiv 2412.10798"},
    {0},
};

static gv_status egdb_load(const void *config, void **model)
{
    const egdb_config *egdb = config;
    gv_dd *network = NULL;
    if (egdb->weights == NULL) {
        return GV_FAIL(GV_EINVAL, "egdb needs `weights:`, a file of `gavel train egdb`");
    }
    const gv_dd_serving serving = {.target = egdb->target,
                                   .guidance = egdb->guidance,
                                   .expert_guidance = egdb->expert_guidance,
                                   .spread = egdb->spread,
                                   .jumps = (size_t)egdb->jumps,
                                   .eta = egdb->eta,
                                   .noise_scale = egdb->noise_scale,
                                   .replan = (size_t)egdb->replan,
                                   .band = egdb->band,
                                   .shade = egdb->shade,
                                   .window = (gv_state_window)egdb->window};
    GV_TRY(gv_dd_open(&gv_dd_egdb, egdb->weights, &serving, &network));
    *model = network;
    return GV_OK;
}

const gv_policy_type gv_policy_egdb = {
    .info = {.name = "egdb",
             .summary = "expert-guided planner: the multiplier that leads to an expert's period",
             .source = "EGDB, arXiv 2508.08687, with choices of ours",
             .params = egdb_params,
             .config_size = sizeof(egdb_config)},
    .state_size = sizeof(gv_planned_state),
    .reads = GV_READS_PCVR,
    .needs_market = true,
    .load = egdb_load,
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
