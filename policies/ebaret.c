/*
 * EBaReT at work (arXiv 2507.16186): a decision transformer that learnt what experts answer.
 *
 *     bid = a x value,    a = network(..., a_(t-1), s_t, R_t, e_t)
 *
 * R_t is a fixed target less what was reached, as dt has it, or with a tilt chosen by the network's
 * own predictions, leaning towards experts; e_t is the expertness that is asked for. How it is
 * guided is a choice of ours (ebaret.h). Our experts foresee the day: who asks to be one of them
 * (expertness: 1) takes his own past for one that foresaw, and bids too high
 * (results/league_planners.md). In a replay, which has no such state, it bids nothing.
 */
#include "policies/learn/ebaret.h"

#include "policies/sequence_impl.h"
#include "policies/types_impl.h"

typedef struct ebaret_config {
    gv_sequence_config sequence;
    int32_t tilt;
    double kappa;
    double expertness;
    int64_t candidates;
    double reach;
} ebaret_config;

#define SOURCE "public code of AuctionNet, arXiv 2412.10798"

static const char *const tilts[] = {"off", "return", "expertness", NULL};

static const gv_param ebaret_params[] = {
    GV_SEQUENCE_ROWS(SOURCE),
    {.name = "tilt",
     .kind = GV_PARAM_CHOICE,
     .fallback = "off",
     .choices = tilts,
     .offset = offsetof(ebaret_config, tilt),
     .help = "what the return that is asked for leans towards; off: a fixed target, as dt",
     .source = "a choice of ours, after Lee et al., NeurIPS 2022, arXiv 2205.15241"},
    {.name = "kappa",
     .kind = GV_PARAM_REAL,
     .fallback = "3",
     .maximum = 1000,
     .offset = offsetof(ebaret_config, kappa),
     .help = "how much it leans; 0: to the likeliest return",
     .source = "a choice of ours; Lee et al. have 10"},
    {.name = "expertness",
     .kind = GV_PARAM_REAL,
     .fallback = "0.1",
     .maximum = 1,
     .offset = offsetof(ebaret_config, expertness),
     .help = "expertness that is asked for; 1 takes its own past for that of an expert who foresaw",
     .source = "a choice of ours"},
    {.name = "candidates",
     .kind = GV_PARAM_INTEGER,
     .fallback = "0",
     .maximum = GV_CANDIDATES_MAX,
     .offset = offsetof(ebaret_config, candidates),
     .help = "further actions among which the discriminator chooses; 0: none",
     .source = "a choice of ours: 8"},
    {.name = "reach",
     .kind = GV_PARAM_REAL,
     .fallback = "0.1",
     .maximum = 1,
     .offset = offsetof(ebaret_config, reach),
     .help = "how far candidates are from the action, as a share of it",
     .source = "GAS, arXiv 2412.17018"},
    {0},
};

static gv_status ebaret_load(const void *config, void **model)
{
    const ebaret_config *ebaret = config;
    const gv_guidance guidance = {.tilt = (gv_tilt)ebaret->tilt,
                                  .kappa = ebaret->kappa,
                                  .expertness = ebaret->expertness,
                                  .candidates = (size_t)ebaret->candidates,
                                  .reach = ebaret->reach};
    gv_dt_serving serving;
    gv_dt *network = NULL;
    GV_TRY(gv_sequence_serving("ebaret", &ebaret->sequence, &serving));
    GV_TRY(gv_ebaret_open(ebaret->sequence.weights, &serving, &guidance, &network));
    *model = network;
    return GV_OK;
}

const gv_policy_type gv_policy_ebaret = {
    .info =
        {.name = "ebaret",
         .summary =
             "decision transformer guided by experts: the multiplier that one of them would choose",
         .source = "EBaReT, arXiv 2507.16186, as far as it is known; the rest a choice of ours",
         .params = ebaret_params,
         .config_size = sizeof(ebaret_config)},
    .state_size = sizeof(gv_sequence_state),
    .reads = GV_READS_PCVR,
    .needs_market = true,
    .load = ebaret_load,
    .unload = gv_sequence_unload,
    .init = gv_sequence_init,
    .bid = gv_sequence_bid,
    .tick = gv_sequence_tick,
    .save = gv_sequence_save,
    .restore = gv_sequence_restore,
    .fini = gv_sequence_fini,
    .explain = gv_sequence_explain,
};
