#include "scenarios/run/retention.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <string.h>

#include "models/predict/ocarm.h"
#include "scenarios/run/version.h"
#include "sim/base/hash.h"
#include "sim/base/mem.h"
#include "sim/base/money.h"
#include "sim/base/parallel.h"
#include "sim/market/population_truth.h"
#include "sim/outcome/winback.h"

struct gv_retention_run {
    const gv_retention_plan *plan;
    gv_population population;
    gv_retention_truth truth;
    size_t count;
    gv_winback *outcomes[]; /* [count] */
};

/* Threads report under one lock, and each policy is told whether it should stop. */
typedef struct play_work {
    gv_retention_run *run;
    const gv_retention_options *options;
    pthread_mutex_t lock;
    gv_progress progress;
} play_work;

static bool report(void *context, const char *what, uint64_t done, uint64_t total)
{
    play_work *playing = context;
    (void)pthread_mutex_lock(&playing->lock);
    const bool goes_on = gv_progress_report(playing->options->progress, what, done, total);
    (void)pthread_mutex_unlock(&playing->lock);
    return goes_on;
}

static void predict_truth(void *context, const gv_bid_sight *sights, const gv_onboarding *contents,
                          size_t count, double *p)
{
    assert(contents == NULL);
    for (size_t i = 0; i < count; i++) {
        p[i] = gv_retention_truth_of(context, &sights[i], NULL);
    }
}

static gv_winback_config config_of(const gv_retention_run *run, size_t index,
                                   const gv_return_model *model, bool reference)
{
    const gv_retention_campaign *campaign = run->plan->campaign;
    const gv_retention_policy *policy = run->plan->policies[index];
    const bool has_budget = campaign->budget_nanos != GV_PARAM_UNSET;
    return (gv_winback_config){.population = &run->population,
                               .model = policy->aim == GV_AIM_RETENTION ? model : NULL,
                               .first_user = (uint64_t)campaign->first_user,
                               .user_count = (uint64_t)campaign->users,
                               .budget_nanos = has_budget ? campaign->budget_nanos : INT64_MAX,
                               .click_nanos = campaign->click_nanos,
                               .reentry_nanos = campaign->reentry_nanos,
                               .lifetime_nanos = campaign->lifetime_nanos,
                               .multiplier = campaign->multiplier,
                               .days = (uint32_t)campaign->days,
                               .aim = (gv_winback_aim)policy->aim,
                               .paces = campaign->paces,
                               .reference = reference};
}

static gv_status play_with(play_work *playing, size_t index, const gv_return_model *model)
{
    gv_retention_run *run = playing->run;
    const gv_winback_config config = config_of(run, index, model, playing->options->reference);
    GV_TRY(gv_winback_create(&config, &run->outcomes[index]));
    const gv_status status = gv_winback_run(run->outcomes[index], &playing->progress);
    if (status != GV_OK && status != GV_ESTOPPED) {
        return GV_FAIL(status, "policy %s: %.900s", run->plan->policies[index]->name,
                       gv_status_detail());
    }
    return status;
}

/* Each policy opens its own weights: a student serves one thread at a time. */
static gv_status play_policy(void *context, size_t index, size_t worker)
{
    (void)worker;
    play_work *playing = context;
    gv_retention_run *run = playing->run;
    const char *path = run->plan->policies[index]->model;
    gv_return_model model = {
        .name = GV_RETENTION_TRUTH, .context = &run->truth, .predict = predict_truth};
    gv_ocarm *ocarm = NULL;
    if (path != NULL && strcmp(path, GV_RETENTION_TRUTH) != 0) {
        GV_TRY(gv_ocarm_open(path, &ocarm));
        model = gv_ocarm_model(ocarm);
    }
    const gv_status status = play_with(playing, index, &model);
    gv_ocarm_destroy(ocarm);
    return status;
}

gv_status gv_retention_play(const gv_retention_plan *plan, const gv_retention_options *options,
                            gv_retention_run **out)
{
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): pointers are what is allocated */
    gv_retention_run *run = gv_mem_alloc(sizeof *run, plan->policy_count, sizeof *run->outcomes);
    if (run == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a run of retention");
    }
    run->plan = plan;
    run->count = plan->policy_count;
    run->population = (gv_population){.law = *plan->law, .seed = (uint64_t)plan->top->seed};
    gv_retention_truth_make(&run->truth, plan->law);
    play_work playing = {.run = run, .options = options};
    playing.progress = (gv_progress){.report = report, .context = &playing};
    (void)pthread_mutex_init(&playing.lock, NULL);
    const gv_status status = gv_parallel_for(options->jobs, run->count, play_policy, &playing);
    (void)pthread_mutex_destroy(&playing.lock);
    if (status != GV_OK) {
        gv_retention_run_destroy(run);
        return status;
    }
    *out = run;
    return GV_OK;
}

void gv_retention_run_destroy(gv_retention_run *run)
{
    for (size_t i = 0; run != NULL && i < run->count; i++) {
        gv_winback_destroy(run->outcomes[i]);
    }
    gv_mem_free(run);
}

const gv_winback *gv_retention_outcome(const gv_retention_run *run, size_t index)
{
    assert(index < run->count);
    return run->outcomes[index];
}

gv_status gv_retention_examples(const gv_retention_run *run, size_t index, gv_reentries **out)
{
    assert(index < run->count);
    return gv_reentries_of(&run->population, run->outcomes[index], out);
}

/* ---- comparison ------------------------------------------------------------------------------ */

/* Columns of a cluster: spend and retained users of each policy. */
enum { SPEND, RETAINED, COLUMNS };

static double per_unit(const double *totals, size_t policy)
{
    const double spend = totals[COLUMNS * policy + SPEND];
    return spend > 0.0 ? totals[COLUMNS * policy + RETAINED] / spend : (double)NAN;
}

typedef struct policy_pair {
    size_t policy;
    size_t baseline;
} policy_pair;

static double value_of(const void *context, const double *totals)
{
    return per_unit(totals, ((const policy_pair *)context)->policy);
}

static double difference_of(const void *context, const double *totals)
{
    const policy_pair *pair = context;
    return per_unit(totals, pair->policy) - per_unit(totals, pair->baseline);
}

static void add_up(const gv_retention_run *run, size_t clusters, double *sums)
{
    const size_t width = COLUMNS * run->count;
    for (size_t policy = 0; policy < run->count; policy++) {
        const gv_winback_tally *users = gv_winback_users(run->outcomes[policy]);
        for (size_t user = 0; user < (size_t)run->plan->campaign->users; user++) {
            double *to = sums + user % clusters * width + COLUMNS * policy;
            to[SPEND] += (double)users[user].spend_nanos / (double)GV_NANOS_PER_UNIT;
            to[RETAINED] += (double)users[user].retained;
        }
    }
}

static gv_status compare(const gv_retention_run *run, size_t baseline, gv_bootstrap *bootstrap,
                         gv_retention_figure *figures)
{
    for (size_t policy = 0; policy < run->count; policy++) {
        const policy_pair pair = {policy, baseline};
        figures[policy].value =
            gv_bootstrap_interval(bootstrap, value_of, &pair, GV_INTERVAL_PERCENTILE, 0.95);
        figures[policy].difference =
            gv_bootstrap_interval(bootstrap, difference_of, &pair, GV_INTERVAL_PERCENTILE, 0.95);
    }
    return GV_OK;
}

gv_status gv_retention_compare(const gv_retention_run *run, size_t baseline, uint64_t seed,
                               gv_retention_figure *figures)
{
    const size_t users = (size_t)run->plan->campaign->users;
    const size_t count = users < GV_RETENTION_CLUSTERS ? users : GV_RETENTION_CLUSTERS;
    const gv_bootstrap_config config = {.replicates = 1000, .seed = seed};
    gv_bootstrap *bootstrap = NULL;
    double *sums = gv_mem_alloc(0, count * COLUMNS * run->count, sizeof *sums);
    assert(baseline < run->count);
    if (sums == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to compare policies");
    }
    add_up(run, count, sums);
    const gv_clusters clusters = {.sums = sums,
                                  .cluster_count = count,
                                  .column_count = COLUMNS * run->count,
                                  .stratum_sizes = &count,
                                  .stratum_count = 1};
    gv_status status = gv_bootstrap_create(&clusters, &config, &bootstrap);
    if (status == GV_OK) {
        status = compare(run, baseline, bootstrap, figures);
    }
    gv_bootstrap_destroy(bootstrap);
    gv_mem_free(sums);
    return status;
}

/* ---- the store ------------------------------------------------------------------------------- */

static gv_winback_record record_of(const gv_retention_run *run, size_t index)
{
    const gv_retention_policy *policy = run->plan->policies[index];
    size_t day_count = 0;
    const gv_winback_day *days = gv_winback_days(run->outcomes[index], &day_count);
    return (gv_winback_record){.cell = index,
                               .policy = policy->name,
                               .aim = gv_winback_aims[policy->aim],
                               .model = policy->model,
                               .user_count = (uint64_t)run->plan->campaign->users,
                               .budget_nanos = run->plan->campaign->budget_nanos,
                               .total = gv_winback_total(run->outcomes[index]),
                               .days = days,
                               .day_count = day_count};
}

gv_status gv_retention_store(const gv_retention_run *run, const char *text, const char *arguments,
                             gv_store *store, int64_t *run_id)
{
    const gv_fact provenance[] = {{.name = "version", .value = gv_version()},
                                  {.name = "commit", .value = gv_version_commit()},
                                  {.name = "command", .value = arguments}};
    const gv_run_record record = {.name = run->plan->top->name == NULL ? "retention"
                                                                       : run->plan->top->name,
                                  .scenario_text = text,
                                  .scenario_hash = gv_hash(text, strlen(text)),
                                  .seed = run->population.seed,
                                  .provenance = provenance,
                                  .provenance_count = 3,
                                  .cell_count = run->count};
    GV_TRY(gv_store_begin_run(store, &record, run_id));
    for (size_t i = 0; i < run->count; i++) {
        const gv_winback_record cell = record_of(run, i);
        GV_TRY(gv_store_write_winback(store, *run_id, &cell));
    }
    return gv_store_end_run(store, *run_id, GV_RUN_DONE, 0);
}
