/*
 * policy_fixture.h - synthetic logs of any length, their histories, and policies fitted on them.
 *
 * A log is a pure function of its recipe: prices and click rates of opportunity i are draws keyed
 * by i, so that a second log of another seed is as like the first as one week is like the next.
 */
#ifndef TESTS_POLICY_FIXTURE_H
#define TESTS_POLICY_FIXTURE_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "policies/policies.h"
#include "sim/base/clock.h"
#include "sim/base/mem.h"
#include "sim/base/money.h"
#include "sim/base/random.h"
#include "sim/market/replay.h"
#include "sim/market/trial.h"

enum { LOG_PRICE_BINS = 301, POLICY_CONFIG_MAX = 256, MADE_TICKS = 48 };

#define LOG_GAP_US INT64_C(1000000)

typedef struct log_recipe {
    size_t count;
    uint64_t seed;
    int64_t start_us;
    double price_cpm;  /* mean of the exponential price */
    double price_late; /* times that much at the log's end, in a straight line; 0: no drift */
    double pctr;       /* mean of the exponential click rate, below 1 */
    double curve_cpm;  /* prices of the win curve b / (c + b) with this c instead; 0: not */
    bool is_flat;      /* all prices and click rates are their means */
} log_recipe;

typedef struct made_log {
    gv_source base;
    int64_t *time_us;
    int64_t *rival_nanos;
    double *pctr;
    gv_history history; /* its source is this log */
    uint64_t counts[LOG_PRICE_BINS];
} made_log;

static inline gv_status made_load(gv_source *source, uint64_t position, gv_opportunities *out,
                                  uint64_t *next)
{
    const made_log *log = (const made_log *)source;
    const uint64_t rest = source->end - position;
    const size_t count = (size_t)(rest < GV_OPPORTUNITY_PIECE ? rest : GV_OPPORTUNITY_PIECE);
    *out = (gv_opportunities){
        .count = count,
        .first_id = position,
        .time_us = log->time_us + position,
        .rival_nanos = log->rival_nanos + position,
        .pctr = log->pctr + position,
        .pcvr = log->pctr + position, /* a market's value: the same draws do */
    };
    *next = position + count;
    return GV_OK;
}

static inline void made_draw(made_log *log, const log_recipe *recipe, size_t i)
{
    const gv_random random = gv_random_key(recipe->seed, GV_STREAM_TEST, i);
    const double share = (double)i / (double)recipe->count;
    const double drift = recipe->price_late > 0 ? 1 + (recipe->price_late - 1) * share : 1;
    const double price = recipe->is_flat ? 1 : gv_random_exponential(&random, 0);
    const double odds = expm1(price); /* u / (1 - u) of a uniform u */
    const double pctr = recipe->is_flat ? 1 : gv_random_exponential(&random, 1);
    const double wanted =
        recipe->curve_cpm > 0 ? odds * recipe->curve_cpm : price * drift * recipe->price_cpm;
    const double cpm = fmin(round(wanted), LOG_PRICE_BINS - 1);
    log->time_us[i] = recipe->start_us + (int64_t)i * LOG_GAP_US;
    log->rival_nanos[i] = (int64_t)cpm * GV_NANOS_PER_CPM;
    log->pctr[i] = fmin(pctr * recipe->pctr, 1);
    log->counts[(size_t)cpm]++;
    log->history.cost_nanos += log->rival_nanos[i];
    log->history.mean_pctr += log->pctr[i] / (double)recipe->count;
}

static inline made_log *made_log_create(const log_recipe *recipe)
{
    made_log *log = gv_mem_alloc(sizeof *log, 0, 0);
    assert_non_null(log);
    log->base.load = made_load;
    log->base.end = recipe->count;
    log->time_us = gv_mem_alloc(0, recipe->count, sizeof *log->time_us);
    log->rival_nanos = gv_mem_alloc(0, recipe->count, sizeof *log->rival_nanos);
    log->pctr = gv_mem_alloc(0, recipe->count, sizeof *log->pctr);
    log->history = (gv_history){.name = "made",
                                .impressions = recipe->count,
                                .price_step_nanos = GV_NANOS_PER_CPM,
                                .price_count = LOG_PRICE_BINS,
                                .price_counts = log->counts,
                                .start_us = recipe->start_us,
                                .end_us = recipe->start_us + (int64_t)recipe->count * LOG_GAP_US,
                                .source = &log->base};
    for (size_t i = 0; i < recipe->count; i++) {
        made_draw(log, recipe, i);
    }
    log->history.clicks = (uint64_t)(log->history.mean_pctr * (double)recipe->count);
    return log;
}

static inline void made_log_destroy(made_log *log)
{
    gv_mem_free(log->time_us);
    gv_mem_free(log->rival_nanos);
    gv_mem_free(log->pctr);
    gv_mem_free(log);
}

/* One episode over all of the log; `share` of what all of it costs. */
static inline gv_campaign made_campaign(const made_log *log, double share)
{
    return (gv_campaign){
        .name = "made",
        .number = 7,
        .start_us = log->history.start_us,
        .end_us = log->history.end_us,
        .budget_nanos = (int64_t)((double)log->history.cost_nanos * share),
        .bid_cap_nanos = INT64_MAX,
        .episode = GV_EPISODE_WHOLE,
        .tick_us = (log->history.end_us - log->history.start_us) / MADE_TICKS,
        .click_nanos = GV_PARAM_UNSET,
        .cpa_nanos = 60 * GV_NANOS_PER_CPM * 1000,
    };
}

static inline gv_mechanism made_mechanism(const gv_mechanism_type *type)
{
    return (gv_mechanism){.type = type, .tie_wins = true, .price_step_nanos = GV_NANOS_PER_CPM};
}

/* A config of any type, aligned for all. */
typedef union policy_config {
    unsigned char bytes[POLICY_CONFIG_MAX];
    int64_t whole;
    double real;
} policy_config;

/* The type's defaults, then `text` ("name=value", NULL-ended) over them. */
static inline policy_config made_config(const gv_policy_type *type, const char *const *text)
{
    policy_config config = {{0}};
    assert_true(type->info.config_size <= sizeof config);
    gv_param_defaults(type->info.params, &config);
    for (; text != NULL && *text != NULL; text++) {
        char name[64] = "";
        const char *equals = strchr(*text, '=');
        assert_non_null(equals);
        memcpy(name, *text, (size_t)(equals - *text));
        const gv_param *param = gv_param_find(type->info.params, name);
        assert_non_null(param);
        assert_int_equal(gv_param_parse(param, equals + 1, 0, &config), GV_OK);
    }
    return config;
}

/* Fits `config` on `past` for `campaign`, which must come after it. */
static inline gv_status made_fit_status(const gv_policy_type *type, policy_config *config,
                                        const made_log *past, const gv_campaign *campaign,
                                        gv_mechanism mechanism, const gv_progress *progress)
{
    gv_trial *trial = NULL;
    const gv_trial_config trial_config = {.type = type,
                                          .history = &past->history,
                                          .campaign = campaign,
                                          .mechanism = mechanism,
                                          .seed = 3};
    gv_status status = gv_trial_create(&trial_config, &trial);
    if (status == GV_OK) {
        const gv_fit_input input = gv_trial_fit_input(trial);
        status = gv_policy_fit(type, config, &input, progress);
    }
    gv_trial_destroy(trial);
    return status;
}

static inline void made_fit(const gv_policy_type *type, policy_config *config, const made_log *past,
                            const gv_campaign *campaign, gv_mechanism mechanism)
{
    assert_int_equal(made_fit_status(type, config, past, campaign, mechanism, NULL), GV_OK);
}

/* Replays `log` under the config; `ticks`, [MADE_TICKS] or NULL, gets the first records. */
static inline gv_tally made_replay(const gv_policy_type *type, const policy_config *config,
                                   const gv_history *history, made_log *log,
                                   const gv_campaign *campaign, gv_mechanism mechanism,
                                   gv_tick_record *ticks)
{
    const gv_policy_setup setup = {
        .config = config,
        .campaign = campaign,
        .rules = {.pays_own_bid = mechanism.type->pays_own_bid,
                  .price_step_nanos = mechanism.price_step_nanos},
        .history = history,
        .seed = 3,
    };
    gv_policy *policy = NULL;
    gv_replay *replay = NULL;
    assert_int_equal(gv_policy_create(type, &setup, &policy), GV_OK);
    const gv_replay_config replay_config = {
        .source = &log->base, .campaign = campaign, .mechanism = mechanism, .policy = policy};
    assert_int_equal(gv_replay_create(&replay_config, &replay), GV_OK);
    assert_int_equal(gv_replay_run(replay, NULL), GV_OK);
    const gv_tally total = *gv_replay_total(replay);
    size_t count = 0;
    const gv_tick_record *records = gv_replay_ticks(replay, &count);
    for (size_t i = 0; ticks != NULL && i < count && i < MADE_TICKS; i++) {
        ticks[i] = records[i];
    }
    gv_replay_destroy(replay);
    gv_policy_destroy(policy);
    return total;
}

#endif
