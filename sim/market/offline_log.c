#include "sim/market/offline_log.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "sim/base/mem.h"
#include "sim/base/money.h"
#include "sim/market/trial.h"

enum { NAME_SIZE = 16 };

/* A period's campaigns while it is played: [advertiser][ratio]. */
typedef struct period_play {
    const gv_offline_plan *plan;
    const char *path;
    void *model; /* what all campaigns share, or NULL; of all periods */
    uint64_t number;
    size_t advertiser_count;
    size_t seat_count;
    gv_history **histories; /* [advertiser]; NULL without one */
    gv_campaign *campaigns; /* [seat] */
    gv_offline_seat *seats; /* [seat] */
    uint32_t *categories;   /* [advertiser] */
    char (*names)[NAME_SIZE];
    unsigned char *configs; /* [seat][config_size] */
    gv_offline *offline;
} period_play;

static int64_t period_us(const gv_offline_plan *plan)
{
    return (int64_t)plan->tick_count * plan->tick_us;
}

static void end_period(period_play *play)
{
    gv_offline_destroy(play->offline);
    for (size_t seat = 0; play->seats != NULL && seat < play->seat_count; seat++) {
        gv_policy_destroy(play->seats[seat].policy);
    }
    for (size_t i = 0; play->histories != NULL && i < play->advertiser_count; i++) {
        gv_history_destroy(play->histories[i]);
    }
    gv_mem_free(play->histories);
    gv_mem_free(play->campaigns);
    gv_mem_free(play->seats);
    gv_mem_free(play->categories);
    gv_mem_free(play->names);
    gv_mem_free(play->configs);
    *play = (period_play){.plan = play->plan, .path = play->path, .model = play->model};
}

static gv_status allocate(period_play *play)
{
    const size_t config_size = play->plan->type->info.config_size;
    play->histories = gv_mem_alloc(0, play->advertiser_count, sizeof(gv_history *));
    play->campaigns = gv_mem_alloc(0, play->seat_count, sizeof *play->campaigns);
    play->seats = gv_mem_alloc(0, play->seat_count, sizeof *play->seats);
    play->categories = gv_mem_alloc(0, play->advertiser_count, sizeof *play->categories);
    play->names = gv_mem_alloc(0, play->advertiser_count, sizeof *play->names);
    play->configs = gv_mem_alloc(0, play->seat_count, config_size > 0 ? config_size : 1);
    if (play->histories == NULL || play->campaigns == NULL || play->seats == NULL ||
        play->categories == NULL || play->names == NULL || play->configs == NULL) {
        return GV_FAIL(GV_ENOMEM, "%s: no memory for %zu campaigns", play->path, play->seat_count);
    }
    return GV_OK;
}

static int64_t nanos_of(double money)
{
    const double nanos = money * (double)GV_NANOS_PER_UNIT;
    return nanos < (double)(INT64_MAX / 2) ? (int64_t)(nanos + 0.5) : INT64_MAX / 2;
}

static gv_campaign campaign_of(const period_play *play, const gv_auctionnet_advertiser *advertiser,
                               double ratio)
{
    const gv_offline_plan *plan = play->plan;
    const int64_t start = (int64_t)play->number * period_us(plan);
    return (gv_campaign){
        .number = advertiser->number,
        .start_us = start,
        .end_us = start + period_us(plan),
        .budget_nanos = nanos_of(advertiser->budget * ratio),
        .bid_cap_nanos = INT64_MAX,
        .episode = GV_EPISODE_WHOLE,
        .tick_us = plan->tick_us,
        .click_nanos = GV_PARAM_UNSET,
        .cpa_nanos = nanos_of(advertiser->cpa),
    };
}

/* A fit may ask what a config would have got on the history. */
static gv_status fit_with_trials(const gv_offline_plan *plan, const gv_history *history,
                                 const gv_campaign *campaign, void *config)
{
    const gv_trial_config about = {
        .type = plan->type,
        .history = history,
        .campaign = campaign,
        .mechanism = {.type = gv_mechanism_find("second_price"),
                      .tie_wins = true,
                      .price_step_nanos = 1},
        .seed = plan->seed,
    };
    gv_trial *trial = NULL;
    GV_TRY(gv_trial_create(&about, &trial));
    const gv_fit_input input = gv_trial_fit_input(trial);
    const gv_status status = gv_policy_fit(plan->type, config, &input, NULL);
    gv_trial_destroy(trial);
    return status;
}

static gv_status fit(const gv_offline_plan *plan, const gv_history *history,
                     const gv_campaign *campaign, void *config)
{
    if (history != NULL) {
        return fit_with_trials(plan, history, campaign, config);
    }
    const gv_fit_input input = {
        .campaign = campaign, .rules = {.price_step_nanos = 1}, .seed = plan->seed};
    return gv_policy_fit(plan->type, config, &input, NULL);
}

static gv_status create_policy(period_play *play, const gv_history *history, size_t seat)
{
    const gv_offline_plan *plan = play->plan;
    const size_t config_size = plan->type->info.config_size;
    void *config = play->configs + seat * config_size;
    if (config_size > 0) {
        memcpy(config, plan->config, config_size);
    }
    GV_TRY(fit(plan, history, &play->campaigns[seat], config));
    const gv_policy_setup setup = {
        .config = config,
        .campaign = &play->campaigns[seat],
        .rules = {.price_step_nanos = 1},
        .history = history,
        .seed = plan->seed,
        .model = play->model,
    };
    return gv_policy_create(plan->type, &setup, &play->seats[seat].policy);
}

static gv_status recall(period_play *play, size_t index, uint32_t advertiser)
{
    const gv_offline_plan *plan = play->plan;
    if (plan->history == NULL) {
        return GV_OK;
    }
    if (gv_logged_period_number(plan->history) == play->number) {
        return GV_FAIL(GV_EINVAL,
                       "%s: period %" PRIu64 " is the one to learn from: name another history",
                       play->path, play->number);
    }
    const gv_logged_span span = {.start_us = ((int64_t)play->number - 1) * period_us(plan),
                                 .tick_us = plan->tick_us};
    return gv_logged_period_history(plan->history, advertiser, span, &play->histories[index]);
}

static gv_status seat_advertiser(period_play *play, const gv_auctionnet_tick *tick, size_t index)
{
    const gv_offline_plan *plan = play->plan;
    const gv_auctionnet_advertiser *advertiser = &tick->advertisers[index];
    GV_TRY(recall(play, index, advertiser->number));
    (void)snprintf(play->names[index], NAME_SIZE, "a%02" PRIu32, advertiser->number);
    play->categories[index] = advertiser->category;
    for (size_t ratio = 0; ratio < plan->ratio_count; ratio++) {
        const size_t seat = index * plan->ratio_count + ratio;
        play->campaigns[seat] = campaign_of(play, advertiser, plan->ratios[ratio]);
        play->campaigns[seat].name = play->names[index];
        play->seats[seat] = (gv_offline_seat){
            .campaign = &play->campaigns[seat], .advertiser = advertiser->number, .row = index};
        GV_TRY(create_policy(play, play->histories[index], seat));
    }
    return GV_OK;
}

/* What it leaves on failure end_period() releases. */
static gv_status begin_period(period_play *play, const gv_auctionnet_tick *tick)
{
    const gv_offline_plan *plan = play->plan;
    play->number = tick->period;
    play->advertiser_count = tick->advertiser_count;
    play->seat_count = tick->advertiser_count * plan->ratio_count;
    GV_TRY(allocate(play));
    for (size_t i = 0; i < tick->advertiser_count; i++) {
        GV_TRY(seat_advertiser(play, tick, i));
    }
    const gv_offline_config config = {
        .seats = play->seats,
        .seat_count = play->seat_count,
        .overspend = plan->overspend,
        .left_min_nanos = plan->overspend == GV_OVERSPEND_EXACT ? 0 : GV_AUCTIONNET_MIN_REMAINING,
        .seed = plan->seed,
        .period = tick->period,
        .start_us = (int64_t)tick->period * period_us(plan),
        .tick_us = plan->tick_us,
        .tick_count = plan->tick_count,
    };
    return gv_offline_create(&config, &play->offline);
}

static gv_status hand_over(const period_play *play, const gv_offline_taker *taker)
{
    for (size_t seat = 0; seat < play->seat_count; seat++) {
        const size_t index = seat / play->plan->ratio_count;
        const gv_offline_record record = {
            .period = play->number,
            .advertiser = play->seats[seat].advertiser,
            .category = play->categories[index],
            .ratio = seat % play->plan->ratio_count,
            .campaign = &play->campaigns[seat],
            .ticks = gv_offline_ticks(play->offline, seat),
            .total = gv_offline_total(play->offline, seat),
        };
        GV_TRY(taker->take(taker->context, &record));
    }
    return GV_OK;
}

static gv_status take_tick(period_play *play, const gv_auctionnet_tick *tick,
                           const gv_offline_taker *taker)
{
    if (play->offline != NULL && tick->period != play->number) {
        GV_TRY(hand_over(play, taker));
        end_period(play);
    }
    if (play->offline == NULL) {
        GV_TRY(begin_period(play, tick));
    }
    return gv_offline_play(play->offline, tick);
}

static uint64_t size_of(const char *path)
{
    struct stat facts;
    return stat(path, &facts) == 0 && S_ISREG(facts.st_mode) ? (uint64_t)facts.st_size : 0;
}

static gv_status play_all(period_play *play, gv_auctionnet_reader *reader,
                          const gv_progress *progress, const gv_offline_taker *taker)
{
    const uint64_t size = size_of(play->path);
    gv_auctionnet_tick tick;
    bool found = false;
    GV_TRY(gv_auctionnet_next(reader, &tick, &found));
    while (found) {
        GV_TRY(take_tick(play, &tick, taker));
        if (!gv_progress_report(progress, "offline", gv_auctionnet_consumed(reader), size)) {
            return GV_FAIL(GV_ESTOPPED, "%s: stopped at its line %" PRIu64, play->path, tick.line);
        }
        GV_TRY(gv_auctionnet_next(reader, &tick, &found));
    }
    return play->offline == NULL ? GV_OK : hand_over(play, taker);
}

gv_status gv_offline_log_play(const gv_offline_plan *plan, const char *path,
                              const gv_progress *progress, const gv_offline_taker *taker)
{
    assert(plan->ratio_count >= 1);
    gv_auctionnet_reader *reader = NULL;
    period_play play = {.plan = plan, .path = path};
    GV_TRY(gv_policy_load(plan->type, plan->config, &play.model));
    gv_status status = gv_auctionnet_open(path, GV_AUCTIONNET_MARKET, &reader);
    if (status == GV_OK) {
        status = play_all(&play, reader, progress, taker);
    }
    end_period(&play);
    gv_auctionnet_close(reader);
    gv_policy_unload(plan->type, play.model);
    return status;
}
