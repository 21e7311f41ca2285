/*
 * trial.h - what a candidate config would have got on the history, for fits that tune by outcome.
 *
 * A trial replays the history's auctions, from their start to their end as one episode, under
 * any number of candidate configs of one policy type. It is a pure function of history, config
 * and budget. A fit must not see what the campaign will be judged by: a history whose real time
 * reaches into the campaign is refused.
 */
#ifndef SIM_MARKET_TRIAL_H
#define SIM_MARKET_TRIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/base/status.h"
#include "sim/market/campaign.h"
#include "sim/market/history.h"
#include "sim/market/mechanism.h"
#include "sim/market/policy.h"
#include "sim/market/tally.h"

typedef struct gv_trial_config {
    const gv_policy_type *type;
    const gv_history *history;   /* with a source, which no one else uses meanwhile */
    const gv_campaign *campaign; /* the campaign to come: cap, ticks, zone and values are its own */
    gv_mechanism mechanism;
    bool times_are_ordinal; /* the log has no clock, only an order: spans cannot be compared */
    uint64_t seed;
} gv_trial_config;

/* What it points to is borrowed. GV_EINVAL: history and campaign overlap. */
GV_MUST_CHECK gv_status gv_trial_create(const gv_trial_config *config, gv_trial **out);
void gv_trial_destroy(gv_trial *trial); /* accepts NULL */

/*
 * Replays the history under `config`, complete, of the trial's policy type, with `budget_nanos`
 * for all of it (INT64_MAX: unlimited). Clicks and conversions of the result are the log's. Goes
 * into gv_fit_input.try_config. Beyond the policy's own needs memory is as for one replay, and up
 * to 16 MiB in which the auctions are kept between runs.
 */
GV_MUST_CHECK gv_status gv_trial_run(gv_trial *trial, const void *config, int64_t budget_nanos,
                                     gv_tally *result);

/* What gv_policy_fit() asks for, with this trial in it; valid while the trial lives. */
gv_fit_input gv_trial_fit_input(gv_trial *trial);

#endif
