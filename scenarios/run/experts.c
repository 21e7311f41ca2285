#include "scenarios/run/experts.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "policies/oracle.h"
#include "policies/tutor.h"
#include "scenarios/run/bench.h"
#include "sim/base/mem.h"
#include "sim/base/money.h"
#include "sim/base/parallel.h"
#include "sim/base/random.h"

/* The noisy oracle's multiplier: its logarithm wanders around 0, half forgotten in 7 ticks. */
#define NOISE_KEPT 0.9

/* As oracle_slot has it where nothing else is said. */
#define MOST_CPAS 8

/* Indices of a draw's stream. */
enum { DRAW_BUDGET, DRAW_CPA, DRAW_NOISE };

/* What the threads share. The lock guards progress, the set and its summary. */
typedef struct all_periods {
    const gv_composition *composition;
    const gv_market *market;
    gv_expert_options options; /* with the CPAs settled */
    uint64_t *hashes;
    gv_trajectories *set;
    gv_expert_summary sum;
    gv_trajectories **parts;        /* [unit_count]: waiting for earlier ones; NULL: none */
    gv_expert_summary *part_sums;   /* [unit_count] */
    size_t next;                    /* of the parts that goes into the set */
    atomic_size_t advertisers_done; /* of all periods */
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
    gv_expert_summary sum;
    unsigned char *config; /* room for any policy's */
    double *labels;        /* [tick] */
    double *noise;         /* [tick] */
} period_work;

/* One draw of one advertiser. */
typedef struct draw {
    gv_campaign campaign;
    gv_random random;
    gv_trajectory_about about;
} draw;

/* ---- progress -------------------------------------------------------------------------------- */

/* Whoever finds the lock taken leaves the telling to others. */
static bool tell(all_periods *all)
{
    if (atomic_load(&all->is_stopped)) {
        return false;
    }
    if (pthread_mutex_trylock(&all->lock) != 0) {
        return true;
    }
    const uint64_t total = (uint64_t)all->composition->unit_count * all->market->seat_count;
    const bool goes_on = gv_progress_report(all->options.progress, "advertisers",
                                            atomic_load(&all->advertisers_done), total);
    if (!goes_on) {
        atomic_store(&all->is_stopped, true);
    }
    (void)pthread_mutex_unlock(&all->lock);
    return goes_on;
}

/* While a market is sold nothing advances. */
static bool tell_selling(void *context, const char *what, uint64_t done, uint64_t total)
{
    (void)what;
    (void)done;
    (void)total;
    return tell(context);
}

/* ---- one episode ----------------------------------------------------------------------------- */

static double spread(const gv_random *random, uint64_t index, double least, double most)
{
    return least + (most - least) * gv_random_uniform(random, index);
}

static uint64_t key_of(const period_work *work, size_t copy)
{
    return work->period.number << 40 | (uint64_t)work->bench.number << 16 | copy;
}

/* What a conversion is worth follows the CPA where the scenario does not say otherwise. */
static draw draw_campaign(const period_work *work, size_t copy)
{
    const gv_expert_options *options = &work->all->options;
    const gv_market *market = work->all->market;
    const size_t number = work->bench.number;
    const bool follows = market->plan->advertisers->conversion_nanos == GV_PARAM_UNSET;
    draw out = {.campaign = gv_market_campaign(market, &work->period, number, true),
                .random = gv_random_key((uint64_t)market->scenario->top->seed, GV_STREAM_EXPERT,
                                        key_of(work, copy))};
    const double share =
        spread(&out.random, DRAW_BUDGET, options->budget_least, options->budget_most);
    const double cpa = spread(&out.random, DRAW_CPA, options->cpa_least, options->cpa_most);
    out.campaign.budget_nanos = llround(fmin((double)out.campaign.budget_nanos * share, 9e18));
    out.campaign.cpa_nanos = llround(cpa);
    out.campaign.conversion_nanos =
        follows ? out.campaign.cpa_nanos : out.campaign.conversion_nanos;
    out.about = (gv_trajectory_about){.period = work->period.number,
                                      .advertiser = (uint32_t)number,
                                      .category = market->categories[number],
                                      .budget_nanos = out.campaign.budget_nanos,
                                      .cpa_nanos = out.campaign.cpa_nanos};
    return out;
}

/* Plays the campaign alone against the record; `policy` is the tutor's wrapper. */
static gv_status play(period_work *work, const draw *drawn, gv_policy *policy)
{
    const gv_bench *bench = &work->bench;
    const gv_rivals rivals = gv_bench_rivals(bench);
    const gv_seat seat = {
        .campaign = &drawn->campaign, .policy = policy, .category = drawn->about.category};
    gv_exchange_config config = work->period.config;
    gv_exchange *exchange = NULL;
    config.rivals = &rivals;
    config.seats = &seat;
    config.seat_count = 1;
    GV_TRY(gv_exchange_create(&config, &exchange));
    gv_status status = gv_exchange_run(exchange, NULL);
    if (status == GV_OK) {
        status = gv_trajectories_add_seat(work->set, &drawn->about, gv_exchange_ticks(exchange, 0));
    }
    gv_exchange_destroy(exchange);
    return status;
}

/* Adds the episode of `pupil` (NULL: the oracle), with the oracle's answers. */
static gv_status add_episode(period_work *work, const draw *drawn, gv_oracle *oracle,
                             gv_policy *pupil, const double *noise)
{
    gv_tutor tutor = {.pupil = pupil, .oracle = oracle, .noise = noise, .labels = work->labels};
    gv_policy *policy = NULL;
    GV_TRY(gv_oracle_aim(oracle, (double)drawn->campaign.cpa_nanos, drawn->campaign.budget_nanos));
    GV_TRY(gv_tutor_create(&tutor, &drawn->campaign, &policy));
    const gv_status status = play(work, drawn, policy);
    gv_policy_destroy(policy);
    GV_TRY(status);
    for (size_t tick = 0; tick < work->period.config.tick_count; tick++) {
        work->labels[tick] /= (double)GV_NANOS_PER_UNIT;
    }
    gv_trajectories_teach(work->set, work->labels, pupil == NULL && noise == NULL);
    return GV_OK;
}

static gv_status add_pupil(period_work *work, const draw *drawn, gv_oracle *oracle,
                           const gv_policy_plan *plan)
{
    gv_policy *pupil = NULL;
    GV_TRY(gv_market_policy(work->all->market, plan, &drawn->campaign, drawn->about.category, NULL,
                            work->config, &pupil));
    const gv_status status = add_episode(work, drawn, oracle, pupil, NULL);
    gv_policy_destroy(pupil);
    return status;
}

/* Half a day's persistence around the oracle's own answer, log-normal and of the same spread at
   every tick. */
static void draw_noise(period_work *work, const draw *drawn)
{
    const double sigma = work->all->options.noise;
    double log_noise = 0;
    for (size_t tick = 0; tick < work->period.config.tick_count; tick++) {
        const double step = sigma * gv_random_normal(&drawn->random, DRAW_NOISE + tick);
        log_noise =
            tick == 0 ? step : NOISE_KEPT * log_noise + sqrt(1 - NOISE_KEPT * NOISE_KEPT) * step;
        work->noise[tick] = exp(log_noise);
    }
}

/* ---- one advertiser -------------------------------------------------------------------------- */

/* The oracle's own episode, which goes again unless it beats the log's of the same draw. */
static gv_status add_expert(period_work *work, const draw *drawn, gv_oracle *oracle,
                            double log_score)
{
    GV_TRY(add_episode(work, drawn, oracle, NULL, NULL));
    const double score = gv_trajectories_last_score(work->set);
    work->sum.oracle_score += score;
    if (score > log_score) {
        work->sum.experts++;
        return GV_OK;
    }
    work->sum.not_kept++;
    gv_trajectories_drop(work->set);
    return GV_OK;
}

static gv_status add_copy(period_work *work, gv_oracle *oracle, size_t copy)
{
    const gv_market *market = work->all->market;
    const draw drawn = draw_campaign(work, copy);
    GV_TRY(add_pupil(work, &drawn, oracle, market->advertisers[work->bench.number].policy));
    const double log_score = gv_trajectories_last_score(work->set);
    work->sum.draws++;
    work->sum.log_score += log_score;
    GV_TRY(add_expert(work, &drawn, oracle, log_score));
    if (work->all->options.noise > 0) {
        draw_noise(work, &drawn);
        GV_TRY(add_episode(work, &drawn, oracle, NULL, work->noise));
        work->sum.noisy++;
        work->sum.noisy_score += gv_trajectories_last_score(work->set);
    }
    for (size_t i = 0; i < market->contender_count; i++) {
        GV_TRY(add_pupil(work, &drawn, oracle, market->contenders[i]));
        work->sum.pupils++;
        work->sum.pupil_score += gv_trajectories_last_score(work->set);
    }
    return GV_OK;
}

/* One oracle serves all draws: what the period offers is sorted for the widest of them. */
static gv_status create_oracle(period_work *work, const gv_future *future, gv_oracle **out)
{
    gv_oracle_config config = {
        .future = future,
        .rules = gv_market_rules_of(work->all->market->scenario->mechanism),
        .objective = GV_ORACLE_SCORE,
        .most_cpas = MOST_CPAS,
    };
    for (size_t copy = 0; copy < work->all->options.copies; copy++) {
        const draw drawn = draw_campaign(work, copy);
        const double cpa = (double)drawn.campaign.cpa_nanos;
        config.bid_cap_nanos = drawn.campaign.bid_cap_nanos;
        config.cpa_most_nanos = fmax(config.cpa_most_nanos, cpa);
        config.budget_most_nanos = drawn.campaign.budget_nanos > config.budget_most_nanos
                                       ? drawn.campaign.budget_nanos
                                       : config.budget_most_nanos;
    }
    return gv_oracle_create(&config, out);
}

static gv_status add_advertiser(period_work *work, size_t number)
{
    gv_oracle *oracle = NULL;
    gv_bench_turn(&work->bench, number);
    const gv_future future = gv_bench_future(&work->bench);
    GV_TRY(create_oracle(work, &future, &oracle));
    gv_status status = GV_OK;
    for (size_t copy = 0; copy < work->all->options.copies && status == GV_OK; copy++) {
        status = add_copy(work, oracle, copy);
    }
    gv_oracle_destroy(oracle);
    return status;
}

/* ---- one period ------------------------------------------------------------------------------ */

static size_t largest_config(const gv_market *market)
{
    size_t largest = 1;
    for (size_t i = 0; i < market->scenario->policy_count; i++) {
        const size_t size = market->scenario->policies[i].type->info.config_size;
        largest = size > largest ? size : largest;
    }
    return largest;
}

static gv_status open_work(period_work *work)
{
    const gv_market *market = work->all->market;
    const size_t tick_count = work->period.config.tick_count;
    work->bench =
        (gv_bench){.market = market, .period = &work->period, .record = work->sale.record};
    GV_TRY(gv_bench_open(&work->bench, true));
    GV_TRY(gv_trajectories_create(tick_count, &work->set));
    work->config = gv_mem_alloc_vector(largest_config(market), 1);
    work->labels = gv_mem_alloc(0, tick_count, sizeof *work->labels);
    work->noise = gv_mem_alloc(0, tick_count, sizeof *work->noise);
    if (work->config == NULL || work->labels == NULL || work->noise == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the episodes of a period");
    }
    return GV_OK;
}

static gv_status play_period(period_work *work, size_t index)
{
    all_periods *all = work->all;
    const gv_market *market = all->market;
    const gv_progress progress = {tell_selling, all};
    const uint64_t number = (uint64_t)market->plan->settings->first_period + index;
    GV_TRY(gv_market_period_open(market, number, &work->period));
    GV_TRY(gv_traffic_hash(work->period.traffic, &all->hashes[index]));
    GV_TRY(gv_market_sale_open(market, &work->period, &progress, &work->sale));
    GV_TRY(open_work(work));
    for (size_t i = 0; i < market->seat_count; i++) {
        if (!tell(all)) {
            return GV_FAIL(GV_ESTOPPED, "stopped in period %" PRIu64, number);
        }
        GV_TRY(add_advertiser(work, i));
        (void)atomic_fetch_add(&all->advertisers_done, 1);
    }
    return GV_OK;
}

/* ---- all periods ----------------------------------------------------------------------------- */

static void add_sum(gv_expert_summary *sum, const gv_expert_summary *part)
{
    sum->draws += part->draws;
    sum->experts += part->experts;
    sum->not_kept += part->not_kept;
    sum->noisy += part->noisy;
    sum->pupils += part->pupils;
    sum->log_score += part->log_score;
    sum->oracle_score += part->oracle_score;
    sum->noisy_score += part->noisy_score;
    sum->pupil_score += part->pupil_score;
}

/* Parts go into the set in the order of their periods, as soon as those before are in. */
static gv_status hand_in(all_periods *all, size_t index, period_work *work)
{
    gv_status status = GV_OK;
    (void)pthread_mutex_lock(&all->lock);
    all->parts[index] = work->set;
    all->part_sums[index] = work->sum;
    work->set = NULL;
    while (status == GV_OK && all->next < all->composition->unit_count &&
           all->parts[all->next] != NULL) {
        status = gv_trajectories_append(all->set, all->parts[all->next]);
        gv_trajectories_destroy(all->parts[all->next]);
        all->parts[all->next] = NULL;
        add_sum(&all->sum, &all->part_sums[all->next]);
        all->next++;
    }
    (void)pthread_mutex_unlock(&all->lock);
    return status;
}

static gv_status make_period(void *context, size_t index, size_t worker)
{
    (void)worker;
    all_periods *all = context;
    period_work work = {.all = all};
    gv_status status = play_period(&work, index);
    if (status == GV_OK) {
        status = hand_in(all, index, &work);
    }
    gv_trajectories_destroy(work.set);
    gv_bench_close(&work.bench);
    gv_market_sale_close(&work.sale);
    gv_market_period_close(&work.period);
    gv_mem_free(work.config);
    gv_mem_free(work.labels);
    gv_mem_free(work.noise);
    return status;
}

/* The means of the sums. */
static gv_expert_summary mean_of(const gv_expert_summary *sum)
{
    gv_expert_summary mean = *sum;
    mean.log_score /= (double)sum->draws;
    mean.oracle_score /= (double)sum->draws;
    mean.noisy_score /= sum->noisy == 0 ? 1 : (double)sum->noisy;
    mean.pupil_score /= sum->pupils == 0 ? 1 : (double)sum->pupils;
    return mean;
}

static gv_status make_all(all_periods *all)
{
    const size_t periods = all->composition->unit_count;
    const size_t each = 2U + (all->options.noise > 0 ? 1U : 0U) + all->market->contender_count;
    all->parts = gv_mem_alloc(0, periods, sizeof(gv_trajectories *));
    all->part_sums = gv_mem_alloc(0, periods, sizeof *all->part_sums);
    if (all->parts == NULL || all->part_sums == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for %zu periods", periods);
    }
    GV_TRY(gv_trajectories_create((size_t)all->market->plan->settings->ticks, &all->set));
    GV_TRY(gv_trajectories_reserve(all->set,
                                   periods * all->market->seat_count * all->options.copies * each));
    return gv_parallel_for(all->options.jobs, periods, make_period, all);
}

static bool is_true(const gv_market *market)
{
    const gv_market_plan *plan = market->plan;
    const gv_market_settings *settings = plan->settings;
    bool all = settings->contender_belief == 1.0 && settings->contender_noise == 0.0 &&
               settings->contender_cold == 0.0 && settings->contender_stale == 0;
    for (size_t i = 0; i < plan->belief_scale_count; i++) {
        all = all && plan->belief_scales[i] == 1.0;
    }
    for (size_t i = 0; i < plan->belief_noise_count; i++) {
        all = all && plan->belief_noises[i] == 0.0;
    }
    for (size_t i = 0; i < plan->belief_cold_count; i++) {
        all = all && plan->belief_colds[i] == 0.0;
    }
    for (size_t i = 0; i < plan->belief_stale_count; i++) {
        all = all && plan->belief_stales[i] == 0.0;
    }
    return all;
}

static gv_status check_market(const gv_market *market)
{
    if (!is_true(market)) {
        return GV_FAIL(
            GV_EUSAGE,
            "experts and pupils bid by true values: leave market.contender_belief and "
            "advertisers.belief_scale at 1, contender_noise and belief_noise at 0, as cold "
            "and stale");
    }
    for (size_t i = 0; i < market->contender_count; i++) {
        if (market->contenders[i]->type->sees_future) {
            return GV_FAIL(GV_EUSAGE,
                           "%s: %s sees the future, and a pupil must not; the oracle plays in any "
                           "case",
                           market->contenders[i]->name, market->contenders[i]->type->info.name);
        }
    }
    return GV_OK;
}

static gv_status check_cpas(const gv_expert_options *options)
{
    if (!(options->cpa_least >= 1)) {
        return GV_FAIL(GV_EUSAGE, "an advertiser of the market has no CPA, which the oracle keeps "
                                  "to: give advertisers.cpa, or the range to draw from");
    }
    return GV_OK;
}

/* The market's own CPAs where none were given. */
static void settle_cpas(const gv_market *market, gv_expert_options *options)
{
    if (!isnan(options->cpa_least)) {
        return;
    }
    options->cpa_least = INFINITY;
    options->cpa_most = 0;
    for (size_t i = 0; i < market->seat_count; i++) {
        const double cpa = (double)market->advertisers[i].campaign.cpa_nanos;
        options->cpa_least = fmin(options->cpa_least, cpa);
        options->cpa_most = fmax(options->cpa_most, cpa);
    }
}

gv_status gv_experts_make(const gv_composition *composition, const gv_expert_options *options,
                          uint64_t *hashes, gv_trajectories **out, gv_expert_summary *summary)
{
    assert(options->copies >= 1 && options->copies <= GV_EXPERT_COPIES_MAX);
    assert(composition->market != NULL);
    memset(hashes, 0, composition->unit_count * sizeof *hashes);
    all_periods all = {.composition = composition,
                       .market = composition->market,
                       .options = *options,
                       .hashes = hashes,
                       .lock = PTHREAD_MUTEX_INITIALIZER};
    atomic_init(&all.advertisers_done, 0);
    atomic_init(&all.is_stopped, false);
    settle_cpas(all.market, &all.options);
    GV_TRY(check_market(all.market));
    GV_TRY(check_cpas(&all.options));
    const gv_status status = make_all(&all);
    for (size_t i = 0; all.parts != NULL && i < composition->unit_count; i++) {
        gv_trajectories_destroy(all.parts[i]);
    }
    gv_mem_free(all.parts);
    gv_mem_free(all.part_sums);
    if (status != GV_OK) {
        gv_trajectories_destroy(all.set);
        return status;
    }
    *out = all.set;
    *summary = mean_of(&all.sum);
    return GV_OK;
}
