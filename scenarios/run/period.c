/*
 * The market is sold first and recorded. Against the record contenders go advertiser by
 * advertiser, so that one campaign's values and prices are made once for all of them.
 */
#include "scenarios/run/period.h"

#include <assert.h>
#include <string.h>

#include "scenarios/run/bench.h"
#include "scenarios/run/period_impl.h"
#include "scenarios/run/period_log.h"
#include "scenarios/run/seat_log.h"
#include "sim/base/clock.h"
#include "sim/base/mem.h"

/* Seats first .. first + count of an exchange, whose ticks are kept. */
typedef struct seat_span {
    size_t first;
    size_t count;
    gv_seat_tick *ticks;                /* [count][tick_count + 1] */
    const gv_policy_plan *const *plans; /* [count] */
} seat_span;

static void note_clamped(gv_period_notes *notes, const gv_exchange_config *config,
                         const gv_exchange *exchange, size_t seat, const gv_policy_plan *plan)
{
    gv_clamped_bids clamped = gv_exchange_clamped(exchange, seat);
    if (config->seats[seat].campaign->bid_cap_nanos != INT64_MAX) {
        clamped.above = 0; /* as the scenario asked */
    }
    notes->clamped.above += clamped.above;
    notes->clamped.negative += clamped.negative;
    notes->clamped.not_numbers += clamped.not_numbers;
    if (notes->policy == NULL && clamped.above + clamped.negative + clamped.not_numbers > 0) {
        notes->policy = plan->name;
    }
}

static gv_status run_exchange(const gv_period_run_state *run, const gv_exchange_config *config,
                              const gv_progress *progress, const seat_span *span)
{
    gv_exchange *exchange = NULL;
    assert(span->plans != NULL);
    GV_TRY(gv_exchange_create(config, &exchange));
    const gv_status status = gv_exchange_run(exchange, progress);
    const size_t row = config->tick_count + 1;
    for (size_t i = 0; status == GV_OK && i < span->count; i++) {
        const size_t seat = span->first + i;
        memcpy(span->ticks + i * row, gv_exchange_ticks(exchange, seat), row * sizeof *span->ticks);
        note_clamped(run->job->notes, config, exchange, seat, span->plans[i]);
    }
    if (status == GV_OK && config->rivals == NULL &&
        gv_exchange_highest_offer(exchange) < config->mechanism.reserve_nanos) {
        run->job->notes->is_unsold = true;
    }
    gv_exchange_destroy(exchange);
    return status;
}

/* All seats at once under `plans`; a span of one seat is a contender's. `log` may be NULL. */
static gv_status sell_market(const gv_period_run_state *run, const gv_policy_plan *const *plans,
                             gv_period_log *log, const seat_span *span)
{
    gv_market_seats seats = {.has_contender = span->count == 1, .contender_seat = span->first};
    gv_exchange_config config = run->period.config;
    GV_TRY(gv_market_seats_open(run->job->market, &run->period, plans, &seats));
    config.seats = seats.seats;
    config.seat_count = seats.count;
    config.reference = run->job->reference;
    gv_status status = GV_OK;
    if (log != NULL) {
        status = gv_period_log_begin(log, &config, run->period.number);
    }
    if (status == GV_OK) {
        status = run_exchange(run, &config, run->job->progress, span);
    }
    gv_market_seats_close(&seats);
    return status;
}

static gv_status list_plans(const gv_market *market, const gv_policy_plan ***plans)
{
    *plans = gv_mem_alloc(0, market->seat_count, sizeof(void *));
    if (*plans == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a market");
    }
    for (size_t i = 0; i < market->seat_count; i++) {
        (*plans)[i] = market->advertisers[i].policy;
    }
    return GV_OK;
}

/* ---- against the record ---------------------------------------------------------------------- */

static bool anybody_sees_future(const gv_market *market)
{
    for (size_t i = 0; i < market->contender_count; i++) {
        if (market->contenders[i]->type->sees_future) {
            return true;
        }
    }
    return false;
}

static size_t largest_config(const gv_market *market)
{
    size_t largest = 1;
    for (size_t i = 0; i < market->contender_count; i++) {
        const size_t size = market->contenders[i]->type->info.config_size;
        largest = size > largest ? size : largest;
    }
    return largest;
}

/* What is at hand while contenders take the place of the advertiser whose turn it is. */
typedef struct place {
    gv_bench bench;
    unsigned char *config; /* room for any contender's */
} place;

static gv_status play_alone(const gv_period_run_state *run, size_t arm, const place *here)
{
    const gv_market *market = run->job->market;
    const size_t number = here->bench.number;
    const gv_policy_plan *plan = gv_period_plan(run, arm, number);
    const gv_campaign campaign = gv_market_campaign(market, &run->period, number, true);
    const gv_future future = gv_bench_future(&here->bench);
    const gv_rivals rivals = gv_bench_rivals(&here->bench);
    const gv_distortion distortion = gv_market_distortion(market, &run->period, plan, number, true);
    gv_seat seat = {
        .campaign = &campaign, .category = market->categories[number], .distortion = &distortion};
    gv_exchange_config config = run->period.config;
    config.rivals = &rivals;
    config.seats = &seat;
    config.seat_count = 1;
    config.reference = run->job->reference;
    GV_TRY(gv_market_policy(market, plan, &campaign, seat.category, &future, here->config,
                            &seat.policy));
    const seat_span own = {0, 1, gv_period_ticks(run, arm, number), &plan};
    const gv_status status = run_exchange(run, &config, NULL, &own);
    gv_policy_destroy(seat.policy);
    return status;
}

static gv_status play_all_alone(gv_period_run_state *run, place *here)
{
    const gv_market *market = run->job->market;
    GV_TRY(gv_bench_open(&here->bench, anybody_sees_future(market)));
    here->config = gv_mem_alloc_vector(largest_config(market), 1);
    if (here->config == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for %zu contenders", market->contender_count);
    }
    for (size_t number = 0; number < market->seat_count; number++) {
        if (!gv_progress_report(run->job->progress, "contenders", number, market->seat_count)) {
            return GV_FAIL(GV_ESTOPPED, "stopped before advertiser %zu of %zu", number,
                           market->seat_count);
        }
        gv_bench_turn(&here->bench, number);
        for (size_t arm = 1; arm < run->arm_count; arm++) {
            const int64_t start_us = gv_wall_us();
            GV_TRY(play_alone(run, arm, here));
            run->wall_us[arm] += gv_wall_us() - start_us;
        }
    }
    return GV_OK;
}

static gv_status play_against_record(gv_period_run_state *run)
{
    place here = {
        .bench = {.market = run->job->market, .period = &run->period, .record = run->record}};
    const gv_status status = play_all_alone(run, &here);
    gv_bench_close(&here.bench);
    gv_mem_free(here.config);
    return status;
}

/* ---- in a market that reacts ----------------------------------------------------------------- */

static gv_status play_reacting(gv_period_run_state *run, const gv_policy_plan **plans)
{
    const gv_market *market = run->job->market;
    for (size_t arm = 1; arm < run->arm_count; arm++) {
        const int64_t start_us = gv_wall_us();
        for (size_t number = 0; number < market->seat_count; number++) {
            plans[number] = gv_period_plan(run, arm, number);
            const seat_span own = {number, 1, gv_period_ticks(run, arm, number), &plans[number]};
            GV_TRY(sell_market(run, plans, NULL, &own));
            plans[number] = gv_period_plan(run, 0, number);
        }
        run->wall_us[arm] = gv_wall_us() - start_us;
    }
    return GV_OK;
}

/* ---- all arms -------------------------------------------------------------------------------- */

static gv_status open_record(gv_period_run_state *run)
{
    const gv_market *market = run->job->market;
    if (market->contender_count == 0 ||
        market->plan->settings->rivals == (int32_t)GV_RIVALS_REACTING) {
        return GV_OK;
    }
    gv_exchange_config config = run->period.config;
    config.seat_count = market->seat_count;
    return gv_record_create(&config, &run->record);
}

/* Cells of the market itself are numbered by advertiser, behind those of earlier periods. */
static gv_status open_seat_log(const gv_period_run_state *run, const gv_exchange_tap *next,
                               gv_seat_log *log)
{
    const gv_market *market = run->job->market;
    const gv_exploration_plan *plan = market->scenario->exploration;
    *log = (gv_seat_log){.next = next};
    if (plan == NULL) {
        return GV_OK;
    }
    gv_seat seat = {.campaign = NULL};
    gv_market_explore(market, &run->period, (size_t)plan->advertiser, &seat);
    log->exploration = seat.exploration;
    log->explore_first = seat.explore_first;
    log->seat = (uint32_t)plan->advertiser;
    log->zone_us = gv_scenario_zone_us(market->scenario);
    return gv_seat_log_open(log, run->job->log_folder,
                            run->job->index * run->arm_count * market->seat_count +
                                (uint64_t)plan->advertiser);
}

/* The market itself, its record and its log: where bids are explored theirs, else all auctions. */
static gv_status sell_logged(gv_period_run_state *run, const gv_policy_plan *const *plans)
{
    const gv_market *market = run->job->market;
    const bool explores = market->scenario->exploration != NULL;
    const seat_span all = {0, market->seat_count, run->ticks, plans};
    gv_seat_log seat_log;
    gv_period_log log;
    GV_TRY(open_seat_log(run, run->record == NULL ? NULL : gv_record_tap(run->record), &seat_log));
    gv_status status = gv_period_log_open(&log, explores ? NULL : run->job->log_folder,
                                          run->period.number, gv_seat_log_tap(&seat_log));
    if (status == GV_OK) {
        status = gv_period_log_close(&log, sell_market(run, plans, &log, &all));
    }
    return gv_seat_log_close(&seat_log, status);
}

static gv_status run_arms(gv_period_run_state *run, const gv_policy_plan **plans)
{
    const gv_market *market = run->job->market;
    const int64_t start_us = gv_wall_us();
    GV_TRY(gv_market_period_open(
        market, (uint64_t)market->plan->settings->first_period + run->job->index, &run->period));
    GV_TRY(open_record(run));
    GV_TRY(sell_logged(run, plans));
    run->wall_us[0] = gv_wall_us() - start_us;
    if (run->record != NULL) {
        GV_TRY(play_against_record(run));
    } else {
        GV_TRY(play_reacting(run, plans));
    }
    return gv_period_finish(run);
}

gv_status gv_period_run(const gv_period_job *job)
{
    const gv_market *market = job->market;
    gv_period_run_state run = {.job = job,
                               .arm_count = market->contender_count + 1,
                               .row = (size_t)market->plan->settings->ticks + 1};
    const gv_policy_plan **plans = NULL;
    run.ticks = gv_mem_alloc(0, run.arm_count * market->seat_count * run.row, sizeof *run.ticks);
    run.wall_us = gv_mem_alloc(0, run.arm_count, sizeof *run.wall_us);
    gv_status status = list_plans(market, &plans);
    if (status == GV_OK && (run.ticks == NULL || run.wall_us == NULL)) {
        status = GV_FAIL(GV_ENOMEM, "no memory for the outcome of a period");
    }
    if (status == GV_OK) {
        status = run_arms(&run, plans);
    }
    gv_record_destroy(run.record);
    gv_market_period_close(&run.period);
    gv_mem_free(plans);
    gv_mem_free(run.ticks);
    gv_mem_free(run.wall_us);
    return status;
}
