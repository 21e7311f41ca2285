/* What an evaluation of episodes came to. */
#include <assert.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "scenarios/report/evaluation.h"
#include "scenarios/report/verdict.h"

enum { COLUMN_NAME, COLUMN_VALUE, COLUMN_INTERVAL, COLUMNS };

static const gv_table_column columns[COLUMNS] = {
    [COLUMN_NAME] = {.title = "estimator", .unit = "", .to_the_left = true},
    [COLUMN_VALUE] = {.title = "value", .unit = "reward an episode"},
    [COLUMN_INTERVAL] = {.title = "interval", .unit = "bca"},
};

static void set_row(gv_table *table, size_t row, const char *name, const gv_interval *value)
{
    gv_table_set(table, row, COLUMN_NAME, "%s", name);
    gv_table_set(table, row, COLUMN_VALUE, "%.4g", value->estimate);
    if (value->state == GV_INTERVAL_GIVEN) {
        gv_table_set(table, row, COLUMN_INTERVAL, "%.4g to %.4g", value->low, value->high);
    } else {
        gv_table_set(table, row, COLUMN_INTERVAL, "-");
    }
}

/* The estimator that the report goes by. */
static size_t headline_of(const gv_evaluation_report *report)
{
    size_t e = 0;
    while (strcmp(gv_episode_types[e]->info.name, report->by) != 0) {
        e++;
        assert(gv_episode_types[e] != NULL);
    }
    return e;
}

static gv_verdict_case verdict_of(const gv_evaluation_report *report)
{
    const gv_evaluation_result *result = report->result;
    const gv_episode_evaluation *evaluation = &result->episodes;
    const gv_interval *difference = &evaluation->differences[headline_of(report)];
    return (gv_verdict_case){.verdict = gv_verdict_of(evaluation->is_thin, difference),
                             .complaint = evaluation->complaint,
                             .difference = *difference,
                             .logged = evaluation->logged.estimate,
                             .level = report->request->level,
                             .unit = "an episode",
                             .by = report->by,
                             .split = "an A/B split of whole episodes",
                             .design = &result->design};
}

gv_status gv_episode_evaluation_print(FILE *stream, const gv_evaluation_report *report,
                                      const gv_report_options *options)
{
    const gv_evaluation_result *result = report->result;
    const gv_episode_evaluation *evaluation = &result->episodes;
    gv_table *table = NULL;
    GV_TRY(gv_table_create(columns, COLUMNS, evaluation->type_count + 1, &table));
    for (size_t e = 0; e < evaluation->type_count; e++) {
        set_row(table, e, gv_episode_types[e]->info.name, &evaluation->values[e]);
    }
    set_row(table, evaluation->type_count, "(the log's own)", &evaluation->logged);
    (void)fprintf(stream,
                  "%s on %s: %zu episodes of %zu decisions, %zu actions; model %s; intervals of "
                  "%g %%\n\n",
                  report->request->policy, report->request->log, result->cluster_count,
                  result->horizon, result->action_count, result->model,
                  100 * report->request->level);
    gv_table_print(table, stream, options);
    gv_table_destroy(table);
    (void)fprintf(
        stream,
        "\n  overlap   the weighted log is worth %.1f of its episodes, one carries %.1f %% "
        "of all weight\n",
        evaluation->effective, 100 * evaluation->largest);
    const gv_verdict_case verdict = verdict_of(report);
    gv_verdict_print(stream, &verdict);
    gv_verdict_print_test(stream, &verdict);
    return GV_OK;
}

/* JSON knows no NaN. */
static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *interval_json(const char *key, const gv_interval *value)
{
    json_t *object = json_object();
    (void)json_object_set_new(object, key, number(value->estimate));
    (void)json_object_set_new(object, "low", number(value->low));
    (void)json_object_set_new(object, "high", number(value->high));
    return object;
}

static json_t *estimate_json(const gv_episode_evaluation *evaluation, size_t e)
{
    const gv_interval *difference = &evaluation->differences[e];
    json_t *object = interval_json("value", &evaluation->values[e]);
    (void)json_object_set_new(object, "estimator", json_string(gv_episode_types[e]->info.name));
    (void)json_object_set_new(object, "difference", interval_json("estimate", difference));
    (void)json_object_set_new(
        object, "verdict",
        json_string(gv_verdict_name(gv_verdict_of(evaluation->is_thin, difference))));
    return object;
}

gv_status gv_episode_evaluation_json(FILE *stream, const gv_evaluation_report *report)
{
    const gv_evaluation_result *result = report->result;
    const gv_episode_evaluation *evaluation = &result->episodes;
    json_t *estimates = json_array();
    for (size_t e = 0; e < evaluation->type_count; e++) {
        (void)json_array_append_new(estimates, estimate_json(evaluation, e));
    }
    const gv_verdict_case verdict = verdict_of(report);
    json_t *object = json_pack(
        "{s:s,s:s,s:I,s:I,s:I,s:s,s:f,s:o,s:o,s:f,s:f,s:b,s:s,s:s,s:s,s:o}", "policy",
        report->request->policy, "log", report->request->log, "episodes",
        (json_int_t)result->cluster_count, "horizon", (json_int_t)result->horizon, "actions",
        (json_int_t)result->action_count, "model", result->model, "level", report->request->level,
        "logged", interval_json("value", &evaluation->logged), "estimates", estimates,
        "effective_episodes", evaluation->effective, "largest_share", evaluation->largest,
        "is_too_thin", evaluation->is_thin, "complaint", evaluation->complaint, "by", report->by,
        "verdict", gv_verdict_name(verdict.verdict), "test_length_in_logs",
        number(gv_verdict_test_length(&verdict)));
    if (object == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to print the evaluation");
    }
    (void)json_dumpf(object, stream, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    (void)fputc('\n', stream);
    json_decref(object);
    return GV_OK;
}
