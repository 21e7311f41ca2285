#include "scenarios/run/judge.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenarios/compose/compose.h"
#include "scenarios/run/period.h"
#include "sim/base/mem.h"
#include "sim/base/parallel.h"
#include "sim/outcome/metric.h"

enum { SET_SIZE = 8192 };

#define CANDIDATE "gavel_train_candidate"

/* The contender's scores of one period. */
typedef struct period_sum {
    double score;
    size_t count;
} period_sum;

typedef struct judging {
    const gv_judge_config *config;
    const gv_market *market;
    period_sum *sums; /* [unit_count] */
} judging;

static gv_status add_scores(void *context, const gv_cell_record *records, size_t count)
{
    period_sum *sum = context;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(records[i].policy, CANDIDATE) == 0) {
            sum->score += gv_cell_score(&records[i]);
            sum->count++;
        }
    }
    return GV_OK;
}

static gv_status judge_period(void *context, size_t index, size_t worker)
{
    (void)worker;
    const judging *all = context;
    gv_period_notes notes = {.policy = NULL};
    const gv_period_job job = {.market = all->market,
                               .index = index,
                               .progress = all->config->jobs == 1 ? all->config->progress : NULL,
                               .notes = &notes,
                               .finish = add_scores,
                               .context = &all->sums[index]};
    return gv_period_run(&job);
}

static gv_status judge_periods(const gv_judge_config *config, const gv_composition *composition,
                               double *score)
{
    judging all = {.config = config, .market = composition->market};
    all.sums = gv_mem_alloc(0, composition->unit_count, sizeof *all.sums);
    if (all.sums == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to judge %zu periods", composition->unit_count);
    }
    const gv_status status =
        gv_parallel_for(config->jobs, composition->unit_count, judge_period, &all);
    period_sum total = {0};
    for (size_t i = 0; i < composition->unit_count; i++) {
        total.score += all.sums[i].score;
        total.count += all.sums[i].count;
    }
    gv_mem_free(all.sums);
    if (status == GV_OK) {
        *score = total.score / (double)total.count;
    }
    return status;
}

static gv_status fail_scenario(const gv_scenario *scenario, gv_status status)
{
    const bool has_problems =
        status == GV_EUSAGE && scenario != NULL && scenario->problems.count > 0;
    return has_problems ? gv_problems_fail(&scenario->problems) : status;
}

static gv_status need_market(const gv_scenario *scenario)
{
    if (scenario->market == NULL) {
        return GV_FAIL(GV_EUSAGE,
                       "%s: it replays a log; weights are judged in a scenario with `market:`",
                       scenario->path);
    }
    return GV_OK;
}

static gv_status judge_scenario(const gv_judge_config *config, gv_scenario *scenario, double *score)
{
    gv_composition *composition = NULL;
    GV_TRY(need_market(scenario));
    gv_status status = gv_compose(scenario, config->jobs, config->progress, &composition);
    if (status != GV_OK) {
        return fail_scenario(scenario, status);
    }
    status = judge_periods(config, composition, score);
    gv_composition_destroy(composition);
    return status;
}

/* A path of the scenario is looked for beside it, so the weights' is made whole. */
static gv_status print_policy(const gv_judge_config *config, const char *weights_path,
                              char text[SET_SIZE])
{
    char whole[PATH_MAX];
    if (realpath(weights_path, whole) == NULL) {
        return GV_FAIL(GV_EIO, "%s: %s", weights_path, strerror(errno));
    }
    const bool is_plain = strpbrk(whole, "\"\\\n\t") == NULL;
    const int size =
        snprintf(text, SET_SIZE, "policies.+={name: " CANDIDATE ", type: %s, weights: \"%s\"}",
                 config->policy_type, whole);
    if (!is_plain || size >= SET_SIZE) {
        return GV_FAIL(GV_EINVAL, "%s: its path is too odd or too long to judge it there",
                       weights_path);
    }
    return GV_OK;
}

gv_status gv_judge_weights(const gv_judge_config *config, const char *weights_path, double *score)
{
    char policy[SET_SIZE];
    GV_TRY(print_policy(config, weights_path, policy));
    const char *sets[] = {policy, "market.contenders=[" CANDIDATE "]", "market.keep_ticks=off"};
    gv_scenario *scenario = NULL;
    gv_status status = gv_scenario_load(config->scenario_path, sets, 3, &scenario);
    status =
        status == GV_OK ? judge_scenario(config, scenario, score) : fail_scenario(scenario, status);
    gv_scenario_destroy(scenario);
    return status;
}

static gv_status check_ticks(const gv_scenario *scenario, size_t ticks)
{
    GV_TRY(need_market(scenario));
    assert(scenario->market != NULL);
    const int64_t found = scenario->market->settings->ticks;
    if (found != (int64_t)ticks) {
        return GV_FAIL(GV_EUSAGE,
                       "%s: its periods have %" PRId64
                       " ticks, and the trajectories %zu: judge weights where they can bid",
                       scenario->path, found, ticks);
    }
    return GV_OK;
}

static gv_status check_leaks(const gv_judge_config *config, const gv_market *market)
{
    gv_imprints found = {.items = NULL};
    gv_status status = gv_leaks_find(market, config->imprints, &found);
    if (status == GV_OK && found.count > 0) {
        status = GV_FAIL(GV_EUSAGE,
                         "%s: its period %" PRId64 " is one that the trajectories were made of, "
                         "and weights are not judged by what they learned from: give market: "
                         "{first_period: ...} of other periods, or --hold-out those",
                         config->scenario_path, found.items[0].period);
    }
    gv_imprints_fini(&found);
    return status;
}

static gv_status check_scenario(const gv_judge_config *config, gv_scenario *scenario, size_t ticks)
{
    gv_market *market = NULL;
    GV_TRY(check_ticks(scenario, ticks));
    if (config->imprints == NULL || config->imprints->count == 0) {
        return GV_OK;
    }
    gv_status status = gv_market_create(scenario, &market);
    if (status != GV_OK) {
        return fail_scenario(scenario, status);
    }
    status = check_leaks(config, market);
    gv_market_destroy(market);
    return status;
}

gv_status gv_judge_check(const gv_judge_config *config, size_t ticks)
{
    static const char *const sets[] = {"market.contenders=[]"};
    gv_scenario *scenario = NULL;
    gv_status status = gv_scenario_load(config->scenario_path, NULL, 0, &scenario);
    if (status == GV_OK && scenario->market != NULL) {
        gv_scenario_destroy(scenario);
        status = gv_scenario_load(config->scenario_path, sets, 1, &scenario);
    }
    status =
        status == GV_OK ? check_scenario(config, scenario, ticks) : fail_scenario(scenario, status);
    gv_scenario_destroy(scenario);
    return status;
}
