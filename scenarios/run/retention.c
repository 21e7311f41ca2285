#include "scenarios/run/retention.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "models/predict/ocarm.h"
#include "scenarios/run/retention_begin.h"
#include "sim/base/clock.h"
#include "sim/base/mem.h"
#include "sim/base/parallel.h"
#include "sim/market/population_truth.h"

struct gv_retention_run {
    const gv_retention_plan *plan;
    gv_population population;
    gv_retention_truth truth;
    size_t count;
    gv_winback *first;        /* NULL: its entries are not kept */
    bool *is_done;            /* [count]: it is in the store */
    gv_retention_sums sums[]; /* [count] */
};

/* What threads share; the lock guards the store and who is told of progress. */
typedef struct play_work {
    gv_retention_run *run;
    gv_store *store;
    const gv_retention_options *options;
    gv_retention_result *result;
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

/* ---- one policy ------------------------------------------------------------------------------ */

static void add_up(const gv_retention_run *run, const gv_winback *winback, gv_retention_sums *sums)
{
    const gv_winback_tally *users = gv_winback_users(winback);
    const size_t clusters = gv_retention_clusters(run);
    sums->total = gv_winback_total(winback);
    for (size_t user = 0; user < (size_t)run->plan->campaign->users; user++) {
        gv_winback_cluster *cluster = &sums->clusters[user % clusters];
        cluster->spend_nanos += users[user].spend_nanos;
        cluster->retained += users[user].retained;
    }
}

static gv_winback_record record_of(const gv_retention_run *run, size_t index,
                                   const gv_winback *winback)
{
    const gv_retention_policy *policy = run->plan->policies[index];
    size_t day_count = 0;
    const gv_winback_day *days = gv_winback_days(winback, &day_count);
    return (gv_winback_record){.cell = index,
                               .policy = policy->name,
                               .aim = gv_winback_aims[policy->aim],
                               .model = policy->model,
                               .user_count = (uint64_t)run->plan->campaign->users,
                               .budget_nanos = run->plan->campaign->budget_nanos,
                               .total = run->sums[index].total,
                               .days = days,
                               .day_count = day_count,
                               .clusters = run->sums[index].clusters,
                               .cluster_count = gv_retention_clusters(run)};
}

static gv_status store_finished(play_work *playing, size_t index, const gv_winback *winback)
{
    gv_retention_run *run = playing->run;
    add_up(run, winback, &run->sums[index]);
    const gv_winback_record record = record_of(run, index, winback);
    (void)pthread_mutex_lock(&playing->lock);
    const gv_status status =
        gv_store_write_winback(playing->store, playing->result->run_id, &record);
    (void)pthread_mutex_unlock(&playing->lock);
    run->is_done[index] = status == GV_OK;
    return status;
}

static gv_status store_stopped(play_work *playing, size_t index, const gv_winback *winback)
{
    gv_writer writer = {.bytes = NULL};
    gv_status status = gv_winback_save(winback, &writer);
    if (status == GV_OK) {
        (void)pthread_mutex_lock(&playing->lock);
        status = gv_store_save_checkpoint(playing->store, playing->result->run_id, index,
                                          writer.bytes, writer.size);
        (void)pthread_mutex_unlock(&playing->lock);
    }
    gv_writer_fini(&writer);
    return status == GV_OK ? GV_FAIL(GV_ESTOPPED, "stopped while it played") : status;
}

static gv_status restore(play_work *playing, size_t index, gv_winback *winback)
{
    void *bytes = NULL;
    gv_reader reader = {.bytes = NULL};
    if (!playing->result->is_resumed) {
        return GV_OK;
    }
    (void)pthread_mutex_lock(&playing->lock);
    gv_status status = gv_store_load_checkpoint(playing->store, playing->result->run_id, index,
                                                &bytes, &reader.size);
    (void)pthread_mutex_unlock(&playing->lock);
    if (status == GV_OK) {
        reader.bytes = bytes;
        status = gv_winback_restore(winback, &reader);
    }
    gv_mem_free(bytes);
    return status == GV_ENOTFOUND ? GV_OK : status;
}

static gv_status play_on(play_work *playing, size_t index, gv_winback *winback)
{
    GV_TRY(restore(playing, index, winback));
    const gv_status status = gv_winback_run(winback, &playing->progress);
    if (status == GV_OK) {
        return store_finished(playing, index, winback);
    }
    return status == GV_ESTOPPED ? store_stopped(playing, index, winback) : status;
}

static gv_status play_with(play_work *playing, size_t index, const gv_return_model *model)
{
    gv_retention_run *run = playing->run;
    const gv_winback_config config = config_of(run, index, model, playing->options->reference);
    gv_winback *winback = NULL;
    GV_TRY(gv_winback_create(&config, &winback));
    gv_status status = play_on(playing, index, winback);
    if (status != GV_OK && status != GV_ESTOPPED) {
        status = GV_FAIL(status, "policy %s: %.900s", run->plan->policies[index]->name,
                         gv_status_detail());
    }
    if (index == 0 && playing->options->keeps_entries) {
        run->first = winback;
    } else {
        gv_winback_destroy(winback);
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
    if (run->is_done[index]) {
        return GV_OK;
    }
    if (!report(playing, "days", 0, 1)) {
        return GV_FAIL(GV_ESTOPPED, "stopped before all policies had played");
    }
    if (path != NULL && strcmp(path, GV_RETENTION_TRUTH) != 0) {
        GV_TRY(gv_ocarm_open(path, &ocarm));
        model = gv_ocarm_model(ocarm);
    }
    const gv_status status = play_with(playing, index, &model);
    gv_ocarm_destroy(ocarm);
    return status;
}

/* ---- all of them ----------------------------------------------------------------------------- */

/* What an earlier process has finished. */
static gv_status read_done(play_work *playing)
{
    gv_retention_run *run = playing->run;
    for (size_t i = 0; i < run->count && playing->result->is_resumed; i++) {
        const gv_status status =
            gv_store_read_winback(playing->store, playing->result->run_id, i, &run->sums[i].total,
                                  run->sums[i].clusters, gv_retention_clusters(run));
        if (status != GV_OK && status != GV_ENOTFOUND) {
            return status;
        }
        run->is_done[i] = status == GV_OK;
    }
    return GV_OK;
}

/* The run's row gets its end in any case; what is told is the play's failure. */
static gv_status end_run(play_work *playing, gv_status status, int64_t wall_us)
{
    char sentence[1024];
    (void)snprintf(sentence, sizeof sentence, "%s", gv_status_detail());
    gv_retention_result *result = playing->result;
    for (size_t i = 0; i < playing->run->count; i++) {
        result->done += playing->run->is_done[i] ? 1 : 0;
    }
    result->left = playing->run->count - result->done;
    const gv_run_state state = status == GV_OK         ? GV_RUN_DONE
                               : status == GV_ESTOPPED ? GV_RUN_STOPPED
                                                       : GV_RUN_FAILED;
    const gv_status ended = gv_store_end_run(playing->store, result->run_id, state, wall_us);
    return status == GV_OK ? ended : GV_FAIL(status, "%s", sentence);
}

static gv_status play_all(play_work *playing)
{
    const gv_retention_options *options = playing->options;
    const int64_t start_us = gv_wall_us();
    GV_TRY(read_done(playing));
    (void)pthread_mutex_init(&playing->lock, NULL);
    const gv_status status =
        gv_parallel_for(options->jobs, playing->run->count, play_policy, playing);
    (void)pthread_mutex_destroy(&playing->lock);
    return end_run(playing, status, gv_wall_us() - start_us);
}

/* NULL: no memory. */
static gv_retention_run *create(const gv_retention_plan *plan)
{
    const size_t count = plan->policy_count;
    gv_retention_run *run = gv_mem_alloc(sizeof *run, count, sizeof *run->sums);
    bool *is_done = gv_mem_alloc(0, count, sizeof *is_done);
    if (run == NULL || is_done == NULL) {
        gv_mem_free(run);
        gv_mem_free(is_done);
        return NULL;
    }
    run->plan = plan;
    run->count = count;
    run->is_done = is_done;
    run->population = (gv_population){.law = *plan->law, .seed = (uint64_t)plan->top->seed};
    gv_retention_truth_make(&run->truth, plan->law);
    return run;
}

gv_status gv_retention_play(gv_retention_plan *plan, gv_store *store,
                            const gv_retention_options *options, gv_retention_result *result,
                            gv_retention_run **out)
{
    gv_retention_run *run = create(plan);
    assert(!options->resume || !options->keeps_entries);
    *result = (gv_retention_result){.left = plan->policy_count};
    if (run == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a run of retention");
    }
    play_work playing = {.run = run, .store = store, .options = options, .result = result};
    playing.progress = (gv_progress){.report = report, .context = &playing};
    gv_status status = gv_retention_begin(plan, store, options, result);
    if (status == GV_OK) {
        status = play_all(&playing);
    }
    if (status != GV_OK) {
        gv_retention_run_destroy(run);
        return status;
    }
    *out = run;
    return GV_OK;
}

void gv_retention_run_destroy(gv_retention_run *run)
{
    if (run == NULL) {
        return;
    }
    gv_winback_destroy(run->first);
    gv_mem_free(run->is_done);
    gv_mem_free(run);
}

size_t gv_retention_policies(const gv_retention_run *run)
{
    return run->count;
}

size_t gv_retention_clusters(const gv_retention_run *run)
{
    const size_t users = (size_t)run->plan->campaign->users;
    return users < GV_RETENTION_CLUSTERS ? users : GV_RETENTION_CLUSTERS;
}

const gv_retention_sums *gv_retention_outcome(const gv_retention_run *run, size_t index)
{
    assert(index < run->count);
    return &run->sums[index];
}

gv_status gv_retention_examples(const gv_retention_run *run, gv_reentries **out)
{
    assert(run->first != NULL);
    return gv_reentries_of(&run->population, run->first, out);
}
