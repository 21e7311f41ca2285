#include "scenarios/run/evaluation.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "scenarios/run/episodes.h"
#include "scenarios/run/file_kind.h"
#include "scenarios/run/priced.h"
#include "sim/base/mem.h"
#include "sim/base/number.h"
#include "sim/base/safetensors.h"
#include "sim/estimate/target.h"

enum { CONFIG_SIZE = 64, NAMES_MAX = 64, KEY_SIZE = 64, LIST_SIZE = 256 };

/* What is set on one estimator or model. */
typedef union settings {
    char bytes[CONFIG_SIZE];
    double align;
} settings;

typedef struct evaluating {
    const gv_evaluation_request *request;
    const gv_estimator_type *types[GV_EVALUATION_ESTIMATORS_MAX];
    settings configs[GV_EVALUATION_ESTIMATORS_MAX];
    const void *config_list[GV_EVALUATION_ESTIMATORS_MAX];
    size_t type_count;
    const gv_value_model_type *model;
    settings model_config;
    gv_decisions *log;
    gv_decisions *other;
    double *estimated; /* propensities; NULL: they were logged */
    gv_target_owned target;
    gv_doses doses;
    double *dose_targets;
    uint32_t *dose_codes; /* [2][count]: bins of the logged doses, then of the judged */
} evaluating;

/* --- what was asked for -------------------------------------------------------------------- */

static gv_status fail_name(const char *what, const gv_type_info *const *infos, size_t count,
                           const char *name)
{
    const char *names[NAMES_MAX];
    for (size_t i = 0; i < count; i++) {
        names[i] = infos[i]->name;
    }
    const char *nearest = gv_param_nearest(names, count, name);
    return GV_FAIL(GV_EUSAGE, "there is no %s '%s'%s%s%s: `gavel evaluate --help` lists them", what,
                   name, nearest == NULL ? "" : ", perhaps ", nearest == NULL ? "" : nearest,
                   nearest == NULL ? "" : "?");
}

static gv_status find_estimator(const char *name, const gv_estimator_type **out)
{
    const gv_type_info *infos[NAMES_MAX];
    size_t count = 0;
    *out = gv_estimator_find(name);
    if (*out != NULL) {
        return GV_OK;
    }
    for (; gv_estimator_types[count] != NULL && count < NAMES_MAX; count++) {
        infos[count] = &gv_estimator_types[count]->info;
    }
    return fail_name("estimator", infos, count, name);
}

static gv_status find_model(const char *name, const gv_value_model_type **out)
{
    const gv_type_info *infos[NAMES_MAX];
    size_t count = 0;
    for (; gv_value_model_types[count] != NULL && count < NAMES_MAX; count++) {
        infos[count] = &gv_value_model_types[count]->info;
        if (strcmp(infos[count]->name, name) == 0) {
            *out = gv_value_model_types[count];
            return GV_OK;
        }
    }
    return fail_name("model of rewards", infos, count, name);
}

/* Defaults of a type, then what `--set NAME.KEY=VALUE` says of it; counts those that were meant. */
static gv_status configure(const gv_evaluation_request *request, const gv_type_info *info,
                           settings *config, size_t *used)
{
    assert(info->config_size <= sizeof *config);
    const size_t name_size = strlen(info->name);
    if (info->params != NULL) {
        gv_param_defaults(info->params, config);
    }
    for (size_t i = 0; i < request->set_count; i++) {
        const char *text = request->sets[i];
        const char *equals = strchr(text, '=');
        if (strncmp(text, info->name, name_size) != 0 || text[name_size] != '.' || equals == NULL) {
            continue;
        }
        char key[KEY_SIZE] = "";
        const char *start = text + name_size + 1;
        (void)snprintf(key, sizeof key, "%.*s", (int)(equals - start), start);
        const gv_param *param = info->params == NULL ? NULL : gv_param_find(info->params, key);
        if (param == NULL) {
            return GV_FAIL(GV_EUSAGE, "--set %s: %s has no parameter '%s'", text, info->name, key);
        }
        if (gv_param_parse(param, equals + 1, 0, config) != GV_OK) {
            char sentence[512];
            (void)snprintf(sentence, sizeof sentence, "%s", gv_status_detail());
            return GV_FAIL(GV_EUSAGE, "--set %s: %s", text, sentence);
        }
        ++*used;
    }
    return GV_OK;
}

static gv_status choose(evaluating *at)
{
    const gv_evaluation_request *request = at->request;
    if (request->estimator_count == 0) {
        for (; gv_estimator_types[at->type_count] != NULL; at->type_count++) {
            at->types[at->type_count] = gv_estimator_types[at->type_count];
        }
    }
    for (size_t i = 0; i < request->estimator_count; i++) {
        GV_TRY(find_estimator(request->estimators[i], &at->types[at->type_count++]));
    }
    size_t used = 0;
    for (size_t e = 0; e < at->type_count; e++) {
        GV_TRY(configure(request, &at->types[e]->info, &at->configs[e], &used));
        at->config_list[e] = &at->configs[e];
    }
    GV_TRY(configure(request, &at->model->info, &at->model_config, &used));
    if (used < request->set_count) {
        return GV_FAIL(GV_EUSAGE,
                       "--set: expected NAME.KEY=VALUE of an estimator that is asked "
                       "for, or of the model %s",
                       at->model->info.name);
    }
    return GV_OK;
}

/* --- what is read -------------------------------------------------------------------------- */

/* "0.5, 0.707107, 1": some of the log's actions. */
static void list_actions(const gv_decisions *log, char text[LIST_SIZE])
{
    size_t size = 0;
    text[0] = '\0';
    for (uint32_t a = 0; a < gv_decisions_action_count(log) && size < LIST_SIZE; a++) {
        const gv_span name = gv_decisions_action(log, a);
        const int written = snprintf(text + size, LIST_SIZE - size, "%s%.*s", a == 0 ? "" : ", ",
                                     (int)name.size, name.bytes);
        size += written > 0 ? (size_t)written : 0;
    }
}

static gv_status make_constant(evaluating *at, const char *action)
{
    char actions[LIST_SIZE];
    const gv_status status = gv_target_constant(at->log, action, &at->target);
    if (status == GV_ENOTFOUND) {
        list_actions(at->log, actions);
        return GV_FAIL(GV_EUSAGE, "%s has no action '%s'; it has: %s", at->request->log, action,
                       actions);
    }
    return status;
}

static gv_status make_target(evaluating *at)
{
    const char *policy = at->request->policy;
    if (strcmp(policy, "uniform") == 0) {
        return gv_target_uniform(at->log, &at->target);
    }
    if (strcmp(policy, "greedy") == 0) {
        return gv_target_greedy(at->log, &at->target);
    }
    if (strncmp(policy, "action:", strlen("action:")) == 0) {
        return make_constant(at, policy + strlen("action:"));
    }
    gv_decision_columns columns = at->request->columns;
    columns.propensity = NULL;
    columns.cluster = NULL;
    columns.spend = NULL;
    columns.context_count = 0;
    GV_TRY(gv_decisions_read(policy, &columns, &at->other));
    return gv_target_frequent(at->log, at->other, &at->target);
}

/*
 * A factor times the column of planned doses, or that column as it is. Never times the doses that
 * were taken, but in auctions: a judged dose must not know how the logged one strayed by chance.
 */
static gv_status fill_dose_targets(evaluating *at)
{
    const gv_decisions *log = at->log;
    const char *policy = at->request->policy;
    double factor = 1;
    const double *plan = log->targets == NULL && log->prices != NULL ? log->doses : log->targets;
    if (plan == NULL) {
        return GV_FAIL(GV_EUSAGE,
                       "%s: where actions are bids the policy's own are needed, or those "
                       "that were planned before they were varied: --column target=NAME",
                       at->request->log);
    }
    const char *number = strncmp(policy, "scale:", 6) == 0 ? policy + 6 : "";
    if (strcmp(policy, "column") != 0 && gv_number_real(number, strlen(number), &factor) != NULL) {
        return GV_FAIL(GV_EUSAGE,
                       "the policy is '%s', expected column or scale:FACTOR: the log's actions are "
                       "bids",
                       policy);
    }
    for (size_t i = 0; i < log->count; i++) {
        at->dose_targets[i] = factor * plan[i];
    }
    return GV_OK;
}

static gv_status find_kernel(evaluating *at)
{
    const gv_type_info *infos[NAMES_MAX];
    size_t count = 0;
    at->doses.kernel = gv_kernel_find(at->request->kernel);
    if (at->doses.kernel != NULL) {
        return GV_OK;
    }
    for (; gv_kernel_types[count] != NULL && count < NAMES_MAX; count++) {
        infos[count] = &gv_kernel_types[count]->info;
    }
    return fail_name("kernel", infos, count, at->request->kernel);
}

/* A policy over bins: each round's row is its judged dose's bin, where all of its chance is. */
static gv_status make_dose_target(evaluating *at)
{
    gv_target_owned *owned = &at->target;
    owned->table = gv_mem_alloc(0, (size_t)GV_DOSE_BINS * GV_DOSE_BINS, sizeof *owned->table);
    if (owned->table == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a policy of doses");
    }
    for (size_t bin = 0; bin < GV_DOSE_BINS; bin++) {
        owned->table[bin * GV_DOSE_BINS + bin] = 1;
    }
    owned->target = (gv_target){
        .table = owned->table, .row_count = GV_DOSE_BINS, .rows = at->dose_codes + at->log->count};
    return GV_OK;
}

static gv_status make_doses(evaluating *at, gv_rounds *rounds)
{
    const gv_decisions *log = at->log;
    at->dose_targets = gv_mem_alloc(0, log->count, sizeof *at->dose_targets);
    at->dose_codes = gv_mem_alloc(0, 2 * log->count, sizeof *at->dose_codes);
    if (at->dose_targets == NULL || at->dose_codes == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for %zu doses", log->count);
    }
    GV_TRY(find_kernel(at));
    GV_TRY(fill_dose_targets(at));
    at->doses.logged = log->doses;
    at->doses.target = at->dose_targets;
    at->doses.bandwidth = isnan(at->request->bandwidth)
                              ? gv_kernel_bandwidth(at->doses.kernel, log->doses, log->count)
                              : at->request->bandwidth;
    GV_TRY(gv_dose_bins(&at->doses, log->count, at->dose_codes, at->dose_codes + log->count));
    rounds->actions = at->dose_codes;
    rounds->action_count = GV_DOSE_BINS;
    return make_dose_target(at);
}

static gv_status find_propensities(evaluating *at)
{
    if (at->log->propensities != NULL) {
        return GV_OK;
    }
    if (at->log->doses != NULL) {
        return GV_FAIL(GV_EUSAGE, "%s: bids need their logged density: --column propensity=NAME",
                       at->request->log);
    }
    at->estimated = gv_mem_alloc(0, at->log->count, sizeof *at->estimated);
    if (at->estimated == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for %zu propensities", at->log->count);
    }
    return gv_rounds_estimate_propensities(at->log, at->estimated);
}

/* --- what others can read ------------------------------------------------------------------ */

static gv_status write_dump(const evaluating *at, const gv_evaluation_config *config,
                            /* NOLINTNEXTLINE(readability-non-const-parameter): a target's table */
                            double *q, double *rows)
{
    const gv_rounds *rounds = config->rounds;
    for (size_t i = 0; i < rounds->count; i++) {
        rows[i] = config->target->rows == NULL ? 0 : config->target->rows[i];
    }
    const gv_values values = {.all = q};
    GV_TRY(gv_cross_fit(&config->fit, rounds, config->target, &values));
    const gv_tensor tensors[] = {
        {"reward", GV_TENSOR_F64, 1, {rounds->count}, rounds->rewards},
        {"propensity", GV_TENSOR_F64, 1, {rounds->count}, rounds->propensities},
        {"row", GV_TENSOR_F64, 1, {rounds->count}, rows},
        {"policy",
         GV_TENSOR_F64,
         2,
         {config->target->row_count, rounds->action_count},
         config->target->table},
        {"value", GV_TENSOR_F64, 2, {rounds->count, rounds->action_count}, q},
        {"action", GV_TENSOR_U32, 1, {rounds->count}, rounds->actions},
    };
    return gv_safetensors_write(at->request->dump, tensors, sizeof tensors / sizeof tensors[0],
                                NULL, 0);
}

static gv_status dump(const evaluating *at, const gv_evaluation_config *config)
{
    if (at->request->dump == NULL) {
        return GV_OK;
    }
    const gv_rounds *rounds = config->rounds;
    double *q = gv_mem_alloc(0, rounds->count * rounds->action_count, sizeof *q);
    double *rows = gv_mem_alloc(0, rounds->count, sizeof *rows);
    gv_status status = GV_OK;
    if (q == NULL || rows == NULL) {
        status = GV_FAIL(GV_ENOMEM, "%s: no memory for its values", at->request->dump);
    } else {
        status = write_dump(at, config, q, rows);
    }
    gv_mem_free(q);
    gv_mem_free(rows);
    return status;
}

/* ------------------------------------------------------------------------------------------- */

static void tell(const evaluating *at, gv_evaluation_result *out)
{
    out->round_count = at->log->count;
    out->action_count = at->log->doses != NULL ? GV_DOSE_BINS : gv_decisions_action_count(at->log);
    out->cluster_count = at->log->cluster_count;
    out->reject_count = at->log->reject_count;
    (void)snprintf(out->first_reject, sizeof out->first_reject, "%s", at->log->first_reject);
    out->has_estimated_propensities = at->estimated != NULL;
    out->model = at->model->info.name;
    out->bandwidth = at->doses.bandwidth;
}

/* What the log's own policy earned, by clusters. */
static gv_status plan_test(const gv_decisions *log, double days, gv_design *out)
{
    const gv_unit_log units = {.count = log->count,
                               .rewards = log->rewards,
                               .units = log->clusters,
                               .unit_count = log->cluster_count};
    return log->cluster_count < 2 ? GV_OK : gv_design_measure(&units, days > 0 ? days : 1, out);
}

static gv_status evaluate_episodes(const evaluating *at, const gv_evaluation_config *config,
                                   gv_evaluation_result *out)
{
    if (config->doses != NULL) {
        return GV_FAIL(GV_EUSAGE, "--episodes are judged by actions, not by bids");
    }
    gv_episode_table *table = NULL;
    GV_TRY(gv_episode_table_create(config->rounds, config->target, at->request->discount, &table));
    const gv_episodes *episodes = gv_episode_table_episodes(table);
    gv_cross_fit_config fit = config->fit;
    if (at->request->model == NULL) {
        fit.model = &gv_value_ridge; /* returns add up beyond 1 */
        out->model = fit.model->info.name;
    }
    out->horizon = episodes->horizon;
    gv_status status =
        gv_episodes_evaluate(episodes, &fit, &config->bootstrap, config->level, &out->episodes);
    if (status == GV_OK) {
        status = gv_episode_table_design(table, &out->design);
    }
    gv_episode_table_destroy(table);
    return status;
}

static gv_status evaluate_priced(evaluating *at, gv_evaluation_result *out)
{
    const gv_decisions *log = at->log;
    if (log->doses == NULL) {
        return GV_FAIL(GV_EUSAGE, "prices need the bids that won at them: --column bid=NAME");
    }
    at->dose_targets = gv_mem_alloc(0, log->count, sizeof *at->dose_targets);
    if (at->dose_targets == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for %zu bids", log->count);
    }
    GV_TRY(fill_dose_targets(at));
    out->is_priced = true;
    out->round_count = log->count;
    out->cluster_count = log->cluster_count;
    out->reject_count = log->reject_count;
    GV_TRY(plan_test(log, 0, &out->design));
    const gv_priced_how how = {.shows_all = at->request->shows_all,
                               .has_chosen_bids = log->targets == NULL,
                               .level = at->request->level};
    return gv_priced_run(log, at->dose_targets, &how, &out->priced);
}

static bool maps_more_than_reward(const gv_decision_columns *columns)
{
    return columns->dose != NULL || columns->target != NULL || columns->price != NULL ||
           columns->spend != NULL || columns->position != NULL || columns->context_count > 0;
}

static gv_status evaluate_auctions(const gv_evaluation_request *request, gv_evaluation_result *out)
{
    gv_auctions auctions = {.log = NULL};
    const bool is_plain = strcmp(request->columns.reward, gv_decision_columns_plain().reward) == 0;
    const gv_auctions_request asked = {.policy = request->policy,
                                       .log = request->log,
                                       .cluster = request->cluster,
                                       .reward = is_plain ? "clicks" : request->columns.reward,
                                       .sets = request->sets,
                                       .set_count = request->set_count,
                                       .progress = request->progress};
    if (request->has_episodes || request->dump != NULL || request->shows_all ||
        maps_more_than_reward(&request->columns)) {
        return GV_FAIL(GV_EUSAGE,
                       "%s: --episodes, --dump, --all-prices and columns but reward are for tables "
                       "of decisions: a log of auctions says itself what it bid and paid",
                       request->log);
    }
    GV_TRY(gv_auctions_read(&asked, &auctions));
    out->is_priced = true;
    out->is_auction_log = true;
    out->auctions = auctions.facts;
    out->round_count = auctions.log->count;
    out->cluster_count = auctions.log->cluster_count;
    gv_status status = plan_test(auctions.log, auctions.facts.days, &out->design);
    if (status == GV_OK) {
        const gv_priced_how how = {.has_chosen_bids = auctions.has_chosen_bids,
                                   .level = request->level};
        status = gv_priced_run(auctions.log, auctions.judged, &how, &out->priced);
    }
    gv_auctions_fini(&auctions);
    return status;
}

static gv_status work(evaluating *at, gv_evaluation_result *out)
{
    const gv_evaluation_request *request = at->request;
    if (gv_file_kind_of(request->log) == GV_FILE_AUCTIONS) {
        return evaluate_auctions(request, out);
    }
    GV_TRY(gv_decisions_read(request->log, &request->columns, &at->log));
    if (at->log->prices != NULL) {
        return evaluate_priced(at, out);
    }
    if (request->shows_all) {
        return GV_FAIL(GV_EUSAGE, "%s: --all-prices needs the prices: --column price=NAME",
                       request->log);
    }
    GV_TRY(find_propensities(at));
    gv_rounds rounds =
        gv_rounds_of(at->log, at->estimated == NULL ? at->log->propensities : at->estimated);
    at->model = gv_value_model_for(&rounds);
    if (request->model != NULL) {
        GV_TRY(find_model(request->model, &at->model));
    }
    GV_TRY(choose(at));
    const bool has_doses = at->log->doses != NULL;
    GV_TRY(has_doses ? make_doses(at, &rounds) : make_target(at));
    const gv_evaluation_config config = {
        .rounds = &rounds,
        .target = &at->target.target,
        .doses = has_doses ? &at->doses : NULL,
        .lost = at->target.lost,
        .types = at->types,
        .type_configs = at->config_list,
        .type_count = at->type_count,
        .fit = {.model = at->model,
                .model_config = &at->model_config,
                .fold_count = request->fold_count,
                .seed = request->seed},
        .bootstrap = {.replicates = request->replicates, .seed = request->seed},
        .level = request->level,
        .cluster_max = request->cluster_max,
        .weight_most = request->weight_most,
        .reward_low = request->reward_low,
        .reward_high = request->reward_high,
    };
    tell(at, out);
    if (request->has_episodes) {
        return evaluate_episodes(at, &config, out);
    }
    GV_TRY(gv_evaluate(&config, &out->evaluation));
    return dump(at, &config);
}

gv_status gv_evaluation_run(const gv_evaluation_request *request, gv_evaluation_result *out)
{
    evaluating *at = gv_mem_alloc(sizeof *at, 0, 0);
    if (at == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to evaluate %s", request->log);
    }
    at->request = request;
    const gv_status status = work(at, out);
    gv_decisions_destroy(at->log);
    gv_decisions_destroy(at->other);
    gv_mem_free(at->estimated);
    gv_mem_free(at->dose_targets);
    gv_mem_free(at->dose_codes);
    gv_target_fini(&at->target);
    gv_mem_free(at);
    return status;
}
