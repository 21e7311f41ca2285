/*
 * Each run is a fresh policy in a fresh replay, so that no run leaves a trace in the next. The
 * history's auctions are kept in memory where they fit.
 */
#include "sim/market/trial.h"

#include <assert.h>

#include "sim/base/clock.h"
#include "sim/base/mem.h"
#include "sim/market/kept.h"
#include "sim/market/replay.h"

enum { KEPT_SIZE_MAX = 16 << 20 };

struct gv_trial {
    gv_trial_config config;
    gv_campaign past; /* the campaign as it would have been */
    gv_source *kept;  /* NULL: too large, and read from where it comes from */
};

static gv_status check_spans(const gv_trial_config *config)
{
    const gv_history *history = config->history;
    if (config->times_are_ordinal || history->end_us <= config->campaign->start_us) {
        return GV_OK;
    }
    char end[40];
    char start[40];
    gv_time_print(history->end_us, config->campaign->zone_offset_us, end, sizeof end);
    gv_time_print(config->campaign->start_us, config->campaign->zone_offset_us, start,
                  sizeof start);
    return GV_FAIL(GV_EINVAL,
                   "history %s ends at %s, after campaign %s starts at %s: a policy must not be "
                   "fitted on what it is judged by; end the training span earlier",
                   history->name, end, config->campaign->name, start);
}

gv_status gv_trial_create(const gv_trial_config *config, gv_trial **out)
{
    assert(config->history->source != NULL);

    GV_TRY(check_spans(config));
    gv_trial *trial = gv_mem_alloc(sizeof *trial, 0, 0);
    if (trial == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a trial of %s", config->type->info.name);
    }
    trial->config = *config;
    trial->past = *config->campaign;
    trial->past.start_us = config->history->start_us;
    trial->past.end_us = config->history->end_us;
    trial->past.episode = GV_EPISODE_WHOLE;
    const gv_status status = gv_kept_create(config->history->source, KEPT_SIZE_MAX, &trial->kept);
    if (status != GV_OK) {
        gv_trial_destroy(trial);
        return status;
    }
    *out = trial;
    return GV_OK;
}

void gv_trial_destroy(gv_trial *trial)
{
    if (trial != NULL && trial->kept != NULL) {
        trial->kept->destroy(trial->kept);
    }
    gv_mem_free(trial);
}

static gv_status replay_past(const gv_trial *trial, gv_policy *policy, const gv_campaign *past,
                             gv_tally *result)
{
    const gv_replay_config config = {
        .source = trial->kept != NULL ? trial->kept : trial->config.history->source,
        .campaign = past,
        .mechanism = trial->config.mechanism,
        .policy = policy,
    };
    gv_replay *replay = NULL;
    GV_TRY(gv_replay_create(&config, &replay));
    const gv_status status = gv_replay_run(replay, NULL);
    if (status == GV_OK) {
        *result = *gv_replay_total(replay);
    }
    gv_replay_destroy(replay);
    return status;
}

gv_status gv_trial_run(gv_trial *trial, const void *config, int64_t budget_nanos, gv_tally *result)
{
    gv_campaign past = trial->past;
    past.budget_nanos = budget_nanos;
    const gv_policy_setup setup = {
        .config = config,
        .campaign = &past,
        .rules = gv_market_rules_of(&trial->config.mechanism),
        .history = trial->config.history,
        .seed = trial->config.seed,
    };
    gv_policy *policy = NULL;
    GV_TRY(gv_policy_create(trial->config.type, &setup, &policy));
    const gv_status status = replay_past(trial, policy, &past, result);
    gv_policy_destroy(policy);
    return status;
}

gv_fit_input gv_trial_fit_input(gv_trial *trial)
{
    return (gv_fit_input){
        .history = trial->config.history,
        .campaign = trial->config.campaign,
        .rules = gv_market_rules_of(&trial->config.mechanism),
        .try_config = gv_trial_run,
        .trial = trial,
        .seed = trial->config.seed,
    };
}
