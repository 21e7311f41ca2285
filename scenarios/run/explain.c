#include "scenarios/run/explain.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "policies/tutor.h"
#include "scenarios/compose/compose.h"
#include "scenarios/run/bench.h"
#include "scenarios/run/cell_choice.h"
#include "sim/base/mem.h"
#include "sim/base/money.h"
#include "sim/market/observation.h"

/* As oracle_slot has it where nothing else is said. */
#define MOST_CPAS 8

/* The cell at work. */
typedef struct play {
    const gv_composition *composition;
    const gv_cell_record *cell;
    const gv_policy_plan *plan;
    size_t number; /* of the advertiser */
    gv_campaign campaign;
    gv_distortion distortion;
    gv_market_period period;
    gv_market_sale sale;
    gv_bench bench;
    gv_future future;
    gv_oracle *oracle;
    gv_explained *out;
    double *labels; /* [tick] */
    double *states; /* [tick][GV_STATE_SIZE]: a plan */
    void *config;
} play;

/* ---- the run again --------------------------------------------------------------------------- */

/* A fact "input.N.hash" of the run, by the input's path; NULL: it had no such file. */
static const char *hash_then(const gv_outcomes *outcomes, const char *path)
{
    for (size_t i = 0; i < GV_INPUTS_MAX; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "input.%zu.path", i);
        const char *known = gv_outcomes_fact(outcomes, name);
        if (known != NULL && strcmp(known, path) == 0) {
            (void)snprintf(name, sizeof name, "input.%zu.hash", i);
            return gv_outcomes_fact(outcomes, name);
        }
    }
    return NULL;
}

static gv_status check_identity(const gv_outcomes *outcomes, const gv_composition *composition)
{
    char hash[24];
    for (size_t i = 0; i < composition->inputs.count; i++) {
        const gv_input *input = &composition->inputs.items[i];
        const char *then = hash_then(outcomes, input->path);
        (void)snprintf(hash, sizeof hash, "%016" PRIx64, input->hash);
        if (then != NULL && strcmp(then, hash) != 0) {
            return GV_FAIL(GV_EINVAL,
                           "%s has changed since run %" PRId64
                           " (its hash was %s and is %s), so the run cannot be explained with it",
                           input->path, outcomes->run.id, then, hash);
        }
    }
    (void)snprintf(hash, sizeof hash, "%016" PRIx64, composition->hash);
    if (strcmp(hash, outcomes->run.scenario_hash) != 0) {
        return GV_FAIL(GV_EINVAL,
                       "run %" PRId64 " had the identity %s and its scenario now has %s: another "
                       "version of Gavel reads it otherwise",
                       outcomes->run.id, outcomes->run.scenario_hash, hash);
    }
    return GV_OK;
}

static gv_status compose(const gv_outcomes *outcomes, const gv_progress *progress,
                         gv_scenario **scenario, gv_composition **composition)
{
    char name[64];
    const char *text = outcomes->run.scenario_text;
    (void)snprintf(name, sizeof name, "run %" PRId64, outcomes->run.id);
    gv_status status = gv_scenario_parse(name, text, strlen(text), NULL, 0, scenario);
    if (status == GV_OK) {
        status = gv_compose(*scenario, 1, progress, composition);
    }
    if (status == GV_EUSAGE && *scenario != NULL && (*scenario)->problems.count > 0) {
        status = gv_problems_fail(&(*scenario)->problems);
    }
    if (status == GV_ENOTFOUND || status == GV_EIO) {
        return GV_FAIL(status, "%.700s; explain a run from the folder where it was made",
                       gv_status_detail());
    }
    GV_TRY(status);
    assert(*composition != NULL);
    return check_identity(outcomes, *composition);
}

/* ---- what is seen while it plays ------------------------------------------------------------- */

static double money_of(int64_t nanos)
{
    return (double)nanos / (double)GV_NANOS_PER_UNIT;
}

/* The budget that a plan has left after the tick, and its mean of conversions there. */
static void take_plan(const play *at, size_t tick, gv_explained_tick *seen)
{
    const size_t ticks = at->out->tick_count;
    for (size_t t = 0; tick == 0 && t + 1 < ticks; t++) {
        at->out->ticks[t].left_at_first =
            at->states[(t + 1) * GV_STATE_SIZE + GV_STATE_BUDGET_LEFT];
    }
    if (tick + 1 < ticks) {
        const double *next = at->states + (tick + 1) * GV_STATE_SIZE;
        seen->left_planned = next[GV_STATE_BUDGET_LEFT];
        seen->conversions_planned = next[GV_STATE_CONVERSION];
    }
    at->out->has_plan = true;
}

static void listen(void *context, size_t tick, const gv_policy *pupil)
{
    play *at = context;
    gv_explained *out = at->out;
    gv_explained_tick *seen = &out->ticks[tick];
    gv_explanation told = {.plan = at->states, .plan_ticks = out->tick_count};
    gv_policy_explain(pupil, &told);
    seen->multiplier = told.multiplier;
    seen->return_target = told.return_target;
    seen->expertness = told.expertness;
    out->has_target = out->has_target || !isnan(told.return_target);
    out->has_expertness = out->has_expertness || !isnan(told.expertness);
    if (told.plan_ticks == out->tick_count) {
        take_plan(at, tick, seen);
    }
}

/*
 * A state has the mean over ticks of each one's conversions an opportunity, so two of them tell
 * what a plan had for the tick between: t + 1 times the later less t times the earlier.
 */
static double planned_of_tick(const gv_seat_tick *ticks, size_t tick, double mean_planned)
{
    double sum = 0;
    for (size_t t = 0; t < tick; t++) {
        const double count = (double)ticks[t].tally.auctions;
        sum += count > 0 ? (double)ticks[t].tally.conversions / count : 0;
    }
    const double share = (double)(tick + 1) * mean_planned - sum;
    return share * (double)ticks[tick].tally.auctions;
}

/* What happened, from the exchange's ticks. */
static void take_ticks(play *at, const gv_seat_tick *ticks)
{
    double conversions = 0;
    int64_t left = at->campaign.budget_nanos;
    for (size_t tick = 0; tick < at->out->tick_count; tick++) {
        const gv_seat_tick *got = &ticks[tick];
        gv_explained_tick *seen = &at->out->ticks[tick];
        const double values = (double)got->value_units / GV_VALUE_UNITS;
        left -= got->tally.spend_nanos;
        seen->left = at->campaign.budget_nanos > 0
                         ? (double)left / (double)at->campaign.budget_nanos
                         : (double)NAN;
        seen->spend = money_of(got->tally.spend_nanos);
        seen->conversions_planned =
            conversions + planned_of_tick(ticks, tick, seen->conversions_planned);
        conversions += (double)got->tally.conversions;
        seen->conversions = conversions;
        seen->action = values > 0 ? money_of(got->tally.bid_nanos) / values : 0;
        seen->multiplier = isnan(seen->multiplier) ? seen->action : seen->multiplier;
        seen->oracle = at->labels[tick] / (double)GV_NANOS_PER_UNIT;
    }
}

/* ---- playing --------------------------------------------------------------------------------- */

/*
 * The campaign alone against the record, under `policy`, as the market explored its bids where that
 * is its own; ticks: [tick_count + 1], written.
 */
static gv_status play_alone(const play *at, gv_policy *policy, bool explores, gv_seat_tick *ticks)
{
    const gv_rivals rivals = {
        .record = at->sale.record, .number = (uint32_t)at->number, .values = at->future.values};
    gv_seat seat = {.campaign = &at->campaign,
                    .policy = policy,
                    .category = at->composition->market->categories[at->number],
                    .distortion = &at->distortion};
    if (explores) {
        gv_market_explore(at->composition->market, &at->period, at->number, &seat);
    }
    gv_exchange_config config = at->period.config;
    gv_exchange *exchange = NULL;
    config.rivals = &rivals;
    config.seats = &seat;
    config.seat_count = 1;
    GV_TRY(gv_exchange_create(&config, &exchange));
    const gv_status status = gv_exchange_run(exchange, NULL);
    if (status == GV_OK) {
        memcpy(ticks, gv_exchange_ticks(exchange, 0), (at->out->tick_count + 1) * sizeof *ticks);
    }
    gv_exchange_destroy(exchange);
    return status;
}

static gv_seat_tick total_of(const gv_seat_tick *ticks, size_t count)
{
    gv_seat_tick total = {0};
    for (size_t i = 0; i < count; i++) {
        gv_seat_tick_add(&total, &ticks[i]);
    }
    return total;
}

static gv_status check_same(const play *at, const gv_seat_tick *total)
{
    const gv_seat_tick *then = &at->cell->seat->ticks[0];
    assert(at->cell->seat->tick_count == 1);
    if (memcmp(then, total, sizeof *then) != 0) {
        return GV_FAIL(GV_EINVAL,
                       "played again, %s spends %.2f for %" PRIu64 " conversions, and the run has "
                       "%.2f for %" PRIu64 ": it was made by a program that bids otherwise",
                       at->campaign.name, money_of(total->tally.spend_nanos),
                       total->tally.conversions, money_of(then->tally.spend_nanos),
                       then->tally.conversions);
    }
    return GV_OK;
}

static gv_status play_tutored(play *at, gv_policy *pupil, gv_seat_tick *ticks)
{
    gv_policy *policy = NULL;
    gv_tutor tutor = {.pupil = pupil,
                      .oracle = at->oracle,
                      .labels = at->labels,
                      .listen = pupil == NULL ? NULL : listen,
                      .context = at};
    GV_TRY(gv_oracle_aim(at->oracle, (double)at->campaign.cpa_nanos, at->campaign.budget_nanos));
    GV_TRY(gv_tutor_create(&tutor, &at->campaign, &policy));
    const bool explores = pupil != NULL && strcmp(at->cell->seat->rivals, "market") == 0;
    const gv_status status = play_alone(at, policy, explores, ticks);
    gv_policy_destroy(policy);
    return status;
}

static gv_status play_both(play *at, gv_policy *pupil, gv_seat_tick *ticks)
{
    const size_t count = at->out->tick_count + 1;
    GV_TRY(play_tutored(at, NULL, ticks));
    gv_seat_tick total = total_of(ticks, count);
    at->out->oracle_score = gv_seat_score(&total, at->campaign.cpa_nanos);
    GV_TRY(play_tutored(at, pupil, ticks));
    total = total_of(ticks, count);
    at->out->score = gv_seat_score(&total, at->campaign.cpa_nanos);
    GV_TRY(check_same(at, &total));
    take_ticks(at, ticks);
    return GV_OK;
}

static gv_status create_oracle(play *at)
{
    const gv_oracle_config config = {
        .future = &at->future,
        .rules = gv_market_rules_of(at->composition->scenario->mechanism),
        .objective = GV_ORACLE_SCORE,
        .most_cpas = MOST_CPAS,
        .cpa_most_nanos = (double)at->campaign.cpa_nanos,
        .budget_most_nanos = at->campaign.budget_nanos,
        .bid_cap_nanos = at->campaign.bid_cap_nanos,
    };
    if (at->campaign.cpa_nanos <= 0) {
        return GV_FAIL(GV_EINVAL, "%s has no CPA, and so there is no oracle to compare it with",
                       at->campaign.name);
    }
    return gv_oracle_create(&config, &at->oracle);
}

/* The market as the campaign met it: in one that reacts, with its policy there. */
static gv_status open_play(play *at, const gv_progress *progress)
{
    const gv_market *market = at->composition->market;
    const gv_market_guest guest = {.seat = at->number, .plan = at->plan};
    const bool reacts = strcmp(at->cell->seat->rivals, "reacting") == 0;
    const bool is_own = strcmp(at->cell->seat->rivals, "market") == 0;
    GV_TRY(gv_market_period_open(market, at->cell->seat->period, &at->period));
    at->campaign = gv_market_campaign(market, &at->period, at->number, !is_own);
    at->distortion = gv_market_distortion(market, &at->period, at->plan, at->number, !is_own);
    at->sale.guest = reacts ? &guest : NULL;
    GV_TRY(gv_market_sale_open(market, &at->period, progress, &at->sale));
    at->bench = (gv_bench){.market = market, .period = &at->period, .record = at->sale.record};
    GV_TRY(gv_bench_open(&at->bench, true));
    gv_bench_turn(&at->bench, at->number);
    at->future = gv_bench_future(&at->bench);
    return create_oracle(at);
}

static gv_status play_cell(play *at, const gv_progress *progress)
{
    const size_t ticks_room = at->out->tick_count + 1;
    gv_policy *pupil = NULL;
    gv_seat_tick *ticks = gv_mem_alloc(0, ticks_room, sizeof *ticks);
    at->labels = gv_mem_alloc(0, ticks_room, sizeof *at->labels);
    at->states = gv_mem_alloc(0, ticks_room * GV_STATE_SIZE, sizeof *at->states);
    at->config = gv_mem_alloc_vector(at->plan->type->info.config_size + 1, 1);
    gv_status status = GV_OK;
    if (ticks == NULL || at->labels == NULL || at->states == NULL || at->config == NULL) {
        status = GV_FAIL(GV_ENOMEM, "no memory to explain %zu ticks", ticks_room);
        goto done;
    }
    GV_TRY_GOTO(status, open_play(at, progress), done);
    GV_TRY_GOTO(status,
                gv_market_policy(at->composition->market, at->plan, &at->campaign,
                                 at->composition->market->categories[at->number], &at->future,
                                 at->config, &pupil),
                done);
    GV_TRY_GOTO(status, play_both(at, pupil, ticks), done);
done:
    gv_policy_destroy(pupil);
    gv_oracle_destroy(at->oracle);
    gv_bench_close(&at->bench);
    gv_market_sale_close(&at->sale);
    gv_market_period_close(&at->period);
    gv_mem_free(at->config);
    gv_mem_free(at->states);
    gv_mem_free(at->labels);
    gv_mem_free(ticks);
    return status;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static gv_explained *create(const gv_cell_record *cell, size_t tick_count)
{
    gv_explained *out = gv_mem_alloc(sizeof *out, tick_count, sizeof *out->ticks);
    if (out == NULL) {
        return NULL;
    }
    out->cell = cell;
    out->tick_count = tick_count;
    out->ticks = (gv_explained_tick *)(out + 1);
    for (size_t i = 0; i < tick_count; i++) {
        out->ticks[i] = (gv_explained_tick){.left_planned = (double)NAN,
                                            .left_at_first = (double)NAN,
                                            .conversions_planned = (double)NAN,
                                            .multiplier = (double)NAN,
                                            .return_target = (double)NAN,
                                            .expertness = (double)NAN};
    }
    return out;
}

void gv_explained_destroy(gv_explained *explained)
{
    gv_mem_free(explained);
}

/* Cells are numbered by period, arm and advertiser. */
static gv_status explain_in(const gv_composition *composition, const gv_cell_record *cell,
                            const gv_progress *progress, gv_explained **out)
{
    const gv_market *market = composition->market;
    const size_t within = cell->cell % composition->unit_cells;
    const size_t arm = within / market->seat_count;
    play at = {.composition = composition, .cell = cell, .number = within % market->seat_count};
    at.plan = arm == 0 ? market->advertisers[at.number].policy : market->contenders[arm - 1];
    at.out = create(cell, (size_t)market->plan->settings->ticks);
    if (at.out == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to explain a campaign");
    }
    const gv_status status = play_cell(&at, progress);
    if (status != GV_OK) {
        gv_explained_destroy(at.out);
        return status;
    }
    *out = at.out;
    return GV_OK;
}

gv_status gv_explain(const gv_outcomes *outcomes, const gv_explain_choice *choice,
                     const gv_progress *progress, gv_explained **out)
{
    const gv_cell_record *cell = NULL;
    gv_scenario *scenario = NULL;
    gv_composition *composition = NULL;
    GV_TRY(gv_cell_choose(outcomes, choice, &cell));
    gv_status status = compose(outcomes, progress, &scenario, &composition);
    if (status == GV_OK) {
        assert(composition != NULL);
        status = explain_in(composition, cell, progress, out);
    }
    gv_composition_destroy(composition);
    gv_scenario_destroy(scenario);
    return status;
}
