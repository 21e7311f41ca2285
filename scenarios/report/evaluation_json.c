#include <jansson.h>
#include <math.h>

#include "scenarios/report/evaluation.h"

/* JSON knows no NaN. */
static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *interval_json(const gv_interval *interval)
{
    json_t *object = json_object();
    (void)json_object_set_new(object, "low", number(interval->low));
    (void)json_object_set_new(object, "high", number(interval->high));
    return object;
}

static json_t *estimate_json(const gv_evaluation *evaluation, const gv_estimate *estimate)
{
    json_t *object = json_object();
    json_t *intervals = json_object();
    for (int reach = 0; reach < GV_REACHES; reach++) {
        (void)json_object_set_new(intervals, gv_reach_name((gv_reach)reach),
                                  interval_json(&estimate->intervals[reach]));
    }
    json_t *difference = interval_json(&estimate->difference);
    (void)json_object_set_new(difference, "estimate", number(estimate->difference.estimate));
    (void)json_object_set_new(object, "estimator", json_string(estimate->type->info.name));
    (void)json_object_set_new(object, "value", number(estimate->intervals[GV_REACH_BCA].estimate));
    (void)json_object_set_new(object, "standard_error", number(estimate->error));
    (void)json_object_set_new(object, "intervals", intervals);
    (void)json_object_set_new(object, "difference", difference);
    (void)json_object_set_new(
        object, "verdict",
        json_string(gv_verdict_name(gv_evaluation_verdict(evaluation, estimate))));
    return object;
}

static json_t *overlap_json(const gv_evaluation *evaluation)
{
    const gv_overlap *overlap = &evaluation->overlap;
    json_t *object = json_object();
    (void)json_object_set_new(object, "effective_rounds", number(overlap->effective));
    (void)json_object_set_new(object, "effective_rewards", number(overlap->earning));
    (void)json_object_set_new(object, "largest_weight", number(overlap->largest_weight));
    (void)json_object_set_new(object, "largest_share", number(overlap->largest));
    (void)json_object_set_new(object, "pareto_k", number(overlap->pareto_k));
    (void)json_object_set_new(object, "mean_weight", number(overlap->mean_weight));
    (void)json_object_set_new(object, "mean_weight_error", number(overlap->mean_weight_error));
    (void)json_object_set_new(object, "zero_weight_share", number(overlap->zero_share));
    (void)json_object_set_new(object, "unsupported", number(overlap->unsupported));
    (void)json_object_set_new(object, "is_too_thin", json_boolean(evaluation->is_thin));
    (void)json_object_set_new(object, "complaint", json_string(evaluation->complaint));
    return object;
}

static json_t *warned_json(const gv_interval *interval, const char *warning)
{
    json_t *object = interval_json(interval);
    (void)json_object_set_new(object, "estimate", number(interval->estimate));
    (void)json_object_set_new(object, "warning",
                              warning == NULL ? json_null() : json_string(warning));
    return object;
}

/* null: the log does not say what was spent. */
static json_t *interference_json(const gv_interference *interference)
{
    char text[GV_INTERFERENCE_TEXT_SIZE];
    if (!interference->is_checked) {
        return json_null();
    }
    json_t *object = json_object();
    (void)json_object_set_new(
        object, "fade",
        warned_json(&interference->fade,
                    gv_interference_fade_warning(interference, text, sizeof text)));
    (void)json_object_set_new(
        object, "shift",
        warned_json(&interference->shift,
                    gv_interference_shift_warning(interference, text, sizeof text)));
    return object;
}

gv_status gv_evaluation_json(FILE *stream, const gv_evaluation_report *report)
{
    const gv_evaluation_result *result = report->result;
    const gv_evaluation *evaluation = &result->evaluation;
    json_t *estimates = json_array();
    for (size_t e = 0; e < evaluation->type_count; e++) {
        (void)json_array_append_new(estimates,
                                    estimate_json(evaluation, &evaluation->estimates[e]));
    }
    json_t *logged = interval_json(&evaluation->logged);
    (void)json_object_set_new(logged, "value", number(evaluation->logged.estimate));
    json_t *object = json_pack(
        "{s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:s,s:b,s:b,s:f,s:I,s:I,s:o,s:o,s:o,s:s,s:s}", "policy",
        report->request->policy, "log", report->request->log, "rounds",
        (json_int_t)result->round_count, "actions", (json_int_t)result->action_count, "clusters",
        (json_int_t)result->cluster_count, "groups", (json_int_t)evaluation->group_count, "rejects",
        (json_int_t)result->reject_count, "model", result->model, "propensities_estimated",
        result->has_estimated_propensities, "range_seen", evaluation->is_range_seen, "level",
        report->request->level, "replicates", (json_int_t)report->request->replicates, "seed",
        (json_int_t)report->request->seed, "logged", logged, "overlap", overlap_json(evaluation),
        "estimates", estimates, "by", report->by, "verdict",
        gv_verdict_name(gv_evaluation_verdict(evaluation, gv_evaluation_report_headline(report))));
    if (object == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to print the evaluation");
    }
    (void)json_object_set_new(object, "interference", interference_json(&evaluation->interference));
    (void)json_object_set_new(object, "test_length_in_logs",
                              number(gv_evaluation_test_length(report)));
    if (result->bandwidth > 0) {
        (void)json_object_set_new(object, "bandwidth", number(result->bandwidth));
    }
    (void)json_dumpf(object, stream, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    (void)fputc('\n', stream);
    json_decref(object);
    return GV_OK;
}
