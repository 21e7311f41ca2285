#include "scenarios/run/landscapes.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "scenarios/run/bench.h"
#include "scenarios/run/provenance.h"
#include "sim/base/mem.h"
#include "sim/base/money.h"
#include "sim/base/parallel.h"
#include "sim/market/landscape.h"
#include "sim/outcome/trajectory.h"

/* Opportunities of a tick whose true probability is looked at, about. */
enum { SAMPLE = 256 };

struct gv_landscapes {
    const gv_composition *composition;
    size_t tick_count;
    size_t count;   /* of episodes */
    uint64_t *hash; /* [period]: of its traffic */
    gv_trajectories *set;
    gv_landscape all; /* each block [count][tick]..., the episodes in order */
    float *truth;     /* [count][tick] */
};

/* What the threads share; the lock guards progress. */
typedef struct all_periods {
    gv_landscapes *to;
    const gv_market *market;
    const gv_progress *progress;
    gv_trajectories **parts; /* [period] */
    atomic_size_t advertisers_done;
    atomic_bool is_stopped;
    pthread_mutex_t lock;
} all_periods;

/* One period at work. */
typedef struct period_work {
    all_periods *all;
    gv_market_period period;
    gv_market_sale sale;
    gv_bench bench;
    gv_trajectories *set;
    size_t first; /* of its episodes */
} period_work;

/* Whoever finds the lock taken leaves the telling to others. */
static bool tell(void *context, const char *what, uint64_t done, uint64_t total)
{
    (void)what;
    (void)done;
    (void)total;
    all_periods *all = context;
    if (!atomic_load(&all->is_stopped) && pthread_mutex_trylock(&all->lock) == 0) {
        if (!gv_progress_report(all->progress, "advertisers", atomic_load(&all->advertisers_done),
                                all->to->count)) {
            atomic_store(&all->is_stopped, true);
        }
        (void)pthread_mutex_unlock(&all->lock);
    }
    return !atomic_load(&all->is_stopped);
}

/* ---- one advertiser -------------------------------------------------------------------------- */

static gv_landscape landscape_at(const gv_landscapes *to, size_t episode)
{
    const size_t at = episode * to->tick_count;
    return (gv_landscape){.cost = to->all.cost + at * GV_LANDSCAPE_SIZE,
                          .value = to->all.value + at * GV_LANDSCAPE_SIZE,
                          .auctions = to->all.auctions + at,
                          .values = to->all.values + at,
                          .least_cost = to->all.least_cost + at};
}

/* Every so many opportunities; 1 where there is nothing of value. */
static float truth_of(const period_work *work, size_t tick)
{
    const gv_bench *bench = &work->bench;
    const float *values = gv_bench_values(bench);
    const uint64_t first = bench->tick_first[tick];
    const uint64_t end = bench->tick_first[tick + 1];
    const uint64_t stride = end - first < SAMPLE ? 1 : (end - first) / SAMPLE;
    double truth = 0;
    double predicted = 0;
    for (uint64_t i = first; i < end; i += stride) {
        const double value = (double)values[i];
        truth += gv_response_probability(work->period.response, i, (uint32_t)bench->number, value);
        predicted += value;
    }
    return predicted > 0 ? (float)(truth / predicted) : 1.0F;
}

static gv_status add_advertiser(period_work *work, size_t number)
{
    const gv_market *market = work->all->market;
    gv_landscapes *to = work->all->to;
    const size_t episode = work->first + number;
    const gv_campaign campaign = gv_market_campaign(market, &work->period, number, false);
    gv_bench_turn(&work->bench, number);
    const gv_future future = gv_bench_future(&work->bench);
    const gv_landscape_config config = {.future = &future,
                                        .rules = gv_market_rules_of(market->scenario->mechanism),
                                        .cpa_nanos = campaign.cpa_nanos,
                                        .bid_cap_nanos = campaign.bid_cap_nanos};
    gv_landscape out = landscape_at(to, episode);
    GV_TRY(gv_landscape_of(&config, &out));
    for (size_t tick = 0; tick < to->tick_count; tick++) {
        to->truth[episode * to->tick_count + tick] = truth_of(work, tick);
    }
    const gv_trajectory_about about = {.period = work->period.number,
                                       .advertiser = (uint32_t)number,
                                       .category = market->categories[number],
                                       .budget_nanos = campaign.budget_nanos,
                                       .cpa_nanos = campaign.cpa_nanos};
    return gv_trajectories_add_seat(work->set, &about,
                                    gv_exchange_ticks(work->sale.exchange, number));
}

/* ---- periods --------------------------------------------------------------------------------- */

static gv_status make_advertisers(period_work *work)
{
    all_periods *all = work->all;
    work->bench =
        (gv_bench){.market = all->market, .period = &work->period, .record = work->sale.record};
    GV_TRY(gv_bench_open(&work->bench, true));
    GV_TRY(gv_trajectories_create(all->to->tick_count, &work->set));
    for (size_t i = 0; i < all->market->seat_count; i++) {
        if (!tell(all, NULL, 0, 0)) {
            return GV_FAIL(GV_ESTOPPED, "stopped in period %" PRIu64, work->period.number);
        }
        GV_TRY(add_advertiser(work, i));
        (void)atomic_fetch_add(&all->advertisers_done, 1);
    }
    return GV_OK;
}

static gv_status sell_period(period_work *work, size_t index)
{
    all_periods *all = work->all;
    const gv_progress progress = {tell, all};
    const uint64_t number = (uint64_t)all->market->plan->settings->first_period + index;
    GV_TRY(gv_market_period_open(all->market, number, &work->period));
    GV_TRY(gv_traffic_hash(work->period.traffic, &all->to->hash[index]));
    return gv_market_sale_open(all->market, &work->period, &progress, &work->sale);
}

static gv_status make_period(void *context, size_t index, size_t worker)
{
    (void)worker;
    all_periods *all = context;
    period_work work = {.all = all, .first = index * all->market->seat_count};
    gv_status status = sell_period(&work, index);
    if (status == GV_OK) {
        status = make_advertisers(&work);
    }
    gv_bench_close(&work.bench);
    gv_market_sale_close(&work.sale);
    gv_market_period_close(&work.period);
    all->parts[index] = work.set;
    return status;
}

static gv_status make_room(gv_landscapes *to, size_t periods)
{
    const size_t ticks = to->count * to->tick_count;
    to->hash = gv_mem_alloc(0, periods, sizeof *to->hash);
    to->all.cost = gv_mem_alloc(0, ticks * GV_LANDSCAPE_SIZE, sizeof(float));
    to->all.value = gv_mem_alloc(0, ticks * GV_LANDSCAPE_SIZE, sizeof(float));
    to->all.auctions = gv_mem_alloc(0, ticks, sizeof(double));
    to->all.values = gv_mem_alloc(0, ticks, sizeof(double));
    to->all.least_cost = gv_mem_alloc(0, ticks, sizeof(double));
    to->truth = gv_mem_alloc(0, ticks, sizeof(float));
    if (to->hash == NULL || to->all.cost == NULL || to->all.value == NULL ||
        to->all.auctions == NULL || to->all.values == NULL || to->all.least_cost == NULL ||
        to->truth == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the bid landscapes of %zu episodes", to->count);
    }
    return gv_trajectories_create(to->tick_count, &to->set);
}

static gv_status make_all(all_periods *all, size_t jobs)
{
    gv_landscapes *to = all->to;
    const size_t periods = to->composition->unit_count;
    GV_TRY(make_room(to, periods));
    all->parts = gv_mem_alloc(0, periods, sizeof(gv_trajectories *));
    if (all->parts == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for %zu periods", periods);
    }
    gv_status status = gv_parallel_for(jobs, periods, make_period, all);
    for (size_t i = 0; i < periods; i++) {
        if (status == GV_OK) {
            status = gv_trajectories_append(to->set, all->parts[i]);
        }
        gv_trajectories_destroy(all->parts[i]);
    }
    gv_mem_free(all->parts);
    return status;
}

gv_status gv_landscapes_make(const gv_composition *composition, size_t jobs,
                             const gv_progress *progress, gv_landscapes **out)
{
    const gv_market *market = composition->market;
    assert(market != NULL);
    gv_landscapes *to = gv_mem_alloc(sizeof *to, 0, 0);
    if (to == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for bid landscapes");
    }
    to->composition = composition;
    to->tick_count = (size_t)market->plan->settings->ticks;
    to->count = composition->unit_count * market->seat_count;
    all_periods all = {
        .to = to, .market = market, .progress = progress, .lock = PTHREAD_MUTEX_INITIALIZER};
    atomic_init(&all.advertisers_done, 0);
    atomic_init(&all.is_stopped, false);
    const gv_status status = make_all(&all, jobs);
    if (status != GV_OK) {
        gv_landscapes_destroy(to);
        return status;
    }
    *out = to;
    return GV_OK;
}

void gv_landscapes_destroy(gv_landscapes *landscapes)
{
    if (landscapes == NULL) {
        return;
    }
    gv_trajectories_destroy(landscapes->set);
    gv_mem_free(landscapes->hash);
    gv_mem_free(landscapes->all.cost);
    gv_mem_free(landscapes->all.value);
    gv_mem_free(landscapes->all.auctions);
    gv_mem_free(landscapes->all.values);
    gv_mem_free(landscapes->all.least_cost);
    gv_mem_free(landscapes->truth);
    gv_mem_free(landscapes);
}

size_t gv_landscapes_count(const gv_landscapes *landscapes)
{
    return landscapes->count;
}

gv_status gv_landscapes_write(const gv_landscapes *landscapes, const char *path, const char *source)
{
    const uint64_t n = landscapes->count;
    const uint64_t t = landscapes->tick_count;
    const gv_landscape *all = &landscapes->all;
    const gv_tensor tensors[] = {
        {"landscape_cost", GV_TENSOR_F32, 3, {n, t, GV_LANDSCAPE_SIZE}, all->cost},
        {"landscape_value", GV_TENSOR_F32, 3, {n, t, GV_LANDSCAPE_SIZE}, all->value},
        {"landscape_true", GV_TENSOR_F32, 2, {n, t}, landscapes->truth},
        {"tick_auctions", GV_TENSOR_F64, 2, {n, t}, all->auctions},
        {"tick_values", GV_TENSOR_F64, 2, {n, t}, all->values},
        {"tick_least_cost", GV_TENSOR_F64, 2, {n, t}, all->least_cost},
    };
    const gv_tensor_note note = {"landscape", GV_LANDSCAPE_GRID};
    const gv_trajectory_more more = {
        .tensors = tensors, .tensor_count = sizeof tensors / sizeof tensors[0], .note = &note};
    char *provenance = NULL;
    GV_TRY(gv_provenance_of_experts(landscapes->composition, NULL, landscapes->hash, &provenance));
    const gv_status status =
        gv_trajectories_write_more(landscapes->set, path, source, provenance, &more);
    gv_mem_free(provenance);
    return status;
}
