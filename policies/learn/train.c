/*
 * The loop asks at each step boundary what is due there - a judgement, a row, a save - and only
 * then steps on. What was already done at this boundary is part of what is saved, so a training
 * that was stopped during a judgement begins with that judgement.
 */
#include "policies/learn/train.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sim/base/mem.h"

#define TRAIN_TAG "train"

/* Plain numbers without gaps: saved as they are. */
typedef struct progress_so_far {
    double sums[GV_LOSSES_MAX]; /* of losses since the last row */
    double best_score;
    double score; /* the latest */
    uint64_t summed;
    uint64_t best_step;
    uint64_t judged_step; /* 0: never */
    uint64_t told_step;
    uint64_t worse_count; /* judgements since the best one */
} progress_so_far;

typedef struct training {
    const gv_train_config *config;
    gv_learner *learner;
    progress_so_far now;
    size_t loss_count;
    bool is_best; /* the latest judgement was the best */
    char *resume_path;
    char *candidate_path;
} training;

static char *path_with(const char *path, const char *ending)
{
    const size_t length = strlen(path);
    char *text = gv_mem_alloc(0, length + strlen(ending) + 1, 1);
    if (text != NULL) {
        memcpy(text, path, length);
        memcpy(text + length, ending, strlen(ending) + 1);
    }
    return text;
}

static gv_status save(const training *run)
{
    gv_writer writer = {0};
    gv_status status = GV_OK;
    GV_TRY_GOTO(status, gv_learner_save(run->learner, &writer), done);
    GV_TRY_GOTO(status, gv_writer_put(&writer, TRAIN_TAG, &run->now, sizeof run->now), done);
    GV_TRY_GOTO(status, gv_checkpoint_write(run->resume_path, &writer), done);
done:
    gv_writer_fini(&writer);
    return status;
}

static gv_status restore_from(training *run, gv_reader *reader)
{
    gv_status status = gv_learner_restore(run->learner, reader);
    if (status == GV_OK) {
        status = gv_reader_get(reader, TRAIN_TAG, &run->now, sizeof run->now);
    }
    if (status != GV_OK) {
        return GV_FAIL(status, "%s: %.700s; without --resume the training starts afresh",
                       run->resume_path, gv_status_detail());
    }
    return GV_OK;
}

static gv_status restore(training *run)
{
    gv_writer bytes = {0};
    GV_TRY(gv_checkpoint_read(run->resume_path, &bytes));
    gv_reader reader = {.bytes = bytes.bytes, .size = bytes.size};
    const gv_status status = restore_from(run, &reader);
    gv_writer_fini(&bytes);
    return status;
}

/* ---- what is due at a step boundary ---------------------------------------------------------- */

static bool is_due(uint64_t step, uint64_t each, uint64_t last)
{
    return step > 0 && (step % each == 0 || step == last);
}

static gv_status keep_candidate(training *run)
{
    if (rename(run->candidate_path, run->config->path) != 0) {
        return GV_FAIL(GV_EIO, "%s cannot be renamed to %s: %s", run->candidate_path,
                       run->config->path, strerror(errno));
    }
    return GV_OK;
}

/* On a tie the earlier weights stay. */
static gv_status judge(training *run)
{
    const gv_train_config *config = run->config;
    const uint64_t step = gv_learner_steps(run->learner);
    double score = 0;
    GV_TRY(gv_learner_export(run->learner, config->version, run->candidate_path));
    GV_TRY(config->judge(config->context, run->candidate_path, &score));
    run->is_best = run->now.judged_step == 0 || score > run->now.best_score;
    run->now.score = score;
    run->now.judged_step = step;
    run->now.worse_count++;
    if (run->is_best) {
        run->now.best_score = score;
        run->now.best_step = step;
        run->now.worse_count = 0;
        GV_TRY(keep_candidate(run));
    }
    return GV_OK;
}

static gv_status judge_if_due(training *run)
{
    const gv_train_config *config = run->config;
    const uint64_t step = gv_learner_steps(run->learner);
    if (config->judge == NULL || run->now.judged_step == step ||
        !is_due(step, config->judge_step, config->steps)) {
        return GV_OK;
    }
    return judge(run);
}

static void tell_if_due(training *run)
{
    const gv_train_config *config = run->config;
    const uint64_t step = gv_learner_steps(run->learner);
    gv_train_row row = {.step = step,
                        .is_judged = config->judge != NULL && run->now.judged_step == step,
                        .score = run->now.score,
                        .is_best = run->is_best};
    if (run->now.told_step == step ||
        (!row.is_judged && !is_due(step, config->report_step, config->steps))) {
        return;
    }
    for (size_t i = 0; i < run->loss_count && run->now.summed > 0; i++) {
        row.losses[i] = run->now.sums[i] / (double)run->now.summed;
        run->now.sums[i] = 0;
    }
    run->now.summed = 0;
    run->now.told_step = step;
    if (config->tell != NULL && step > 0) {
        config->tell(config->context, &row);
    }
}

static gv_status save_if_due(const training *run, bool is_last)
{
    const gv_train_config *config = run->config;
    const uint64_t step = gv_learner_steps(run->learner);
    const bool is_judged = config->judge != NULL && run->now.judged_step == step && step > 0;
    if (!is_last && !is_judged && !is_due(step, config->save_step, config->steps)) {
        return GV_OK;
    }
    if (config->judge == NULL) {
        GV_TRY(gv_learner_export(run->learner, config->version, config->path));
    }
    return save(run);
}

static bool is_out_of_patience(const training *run)
{
    const uint64_t patience = run->config->patience;
    return patience > 0 && run->now.worse_count >= patience;
}

/* ---- the loop -------------------------------------------------------------------------------- */

static gv_status step_on(training *run)
{
    double losses[GV_LOSSES_MAX] = {0};
    GV_TRY(gv_learner_step(run->learner, losses));
    for (size_t i = 0; i < run->loss_count; i++) {
        run->now.sums[i] += losses[i];
    }
    run->now.summed++;
    return GV_OK;
}

/* Saved before the answer to a wish to stop is given. */
static gv_status stop(const training *run)
{
    GV_TRY(save_if_due(run, true));
    return GV_FAIL(GV_ESTOPPED, "stopped after step %llu of %llu",
                   (unsigned long long)gv_learner_steps(run->learner),
                   (unsigned long long)run->config->steps);
}

static gv_status work(training *run)
{
    const gv_train_config *config = run->config;
    for (;;) {
        const uint64_t step = gv_learner_steps(run->learner);
        const gv_status judged = judge_if_due(run);
        if (judged == GV_ESTOPPED) {
            return stop(run);
        }
        GV_TRY(judged);
        tell_if_due(run);
        const bool is_last = step >= config->steps || is_out_of_patience(run);
        GV_TRY(save_if_due(run, is_last));
        if (is_last) {
            return GV_OK;
        }
        if (!gv_progress_report(config->progress, "training", step, config->steps)) {
            return stop(run);
        }
        GV_TRY(step_on(run));
    }
}

static gv_status begin(training *run)
{
    const gv_train_config *config = run->config;
    run->resume_path = path_with(config->path, ".resume");
    run->candidate_path = path_with(config->path, ".candidate");
    if (run->resume_path == NULL || run->candidate_path == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the paths of %s", config->path);
    }
    GV_TRY(gv_learner_create(config->type, &config->setup, &run->learner));
    run->loss_count = gv_learner_losses(config->type);
    if (!config->resume) {
        (void)unlink(run->resume_path); /* what goes on from here is this training, no older one */
        return GV_OK;
    }
    return access(run->resume_path, F_OK) == 0 ? restore(run) : GV_OK;
}

static void end(training *run, gv_train_result *result)
{
    if (run->learner != NULL) {
        result->steps = gv_learner_steps(run->learner);
        result->is_judged = run->config->judge != NULL && run->now.judged_step > 0;
        result->best_step = result->is_judged ? run->now.best_step : result->steps;
        result->best_score = run->now.best_score;
        result->is_early = is_out_of_patience(run) && result->steps < run->config->steps;
    }
    if (run->config->judge != NULL && run->candidate_path != NULL) {
        (void)unlink(run->candidate_path);
    }
    gv_learner_destroy(run->learner);
    gv_mem_free(run->resume_path);
    gv_mem_free(run->candidate_path);
}

gv_status gv_train(const gv_train_config *config, gv_train_result *result)
{
    assert(config->steps >= 1);
    assert(config->report_step >= 1);
    assert(config->save_step >= 1);
    assert(config->judge_step >= 1);

    training run = {.config = config};
    *result = (gv_train_result){0};
    gv_status status = begin(&run);
    if (status == GV_OK) {
        result->first_step = gv_learner_steps(run.learner);
        status = work(&run);
    }
    char sentence[1024];
    (void)snprintf(sentence, sizeof sentence, "%s", gv_status_detail());
    end(&run, result);
    return status == GV_OK ? GV_OK : GV_FAIL(status, "%s", sentence);
}
