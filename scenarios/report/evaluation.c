#include "scenarios/report/evaluation.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "scenarios/report/verdict.h"

enum { COLUMN_NAME, COLUMN_ESTIMATE, COLUMN_INTERVAL, COLUMN_ERROR, COLUMN_DIFFERENCE, COLUMNS };

static const gv_table_column columns[COLUMNS] = {
    [COLUMN_NAME] = {.title = "estimator", .unit = "", .to_the_left = true},
    [COLUMN_ESTIMATE] = {.title = "value", .unit = "reward a round"},
    [COLUMN_INTERVAL] = {.title = "interval", .unit = ""},
    [COLUMN_ERROR] = {.title = "standard", .unit = "error"},
    [COLUMN_DIFFERENCE] = {.title = "less the log's own", .unit = "interval (bca)"},
};

const gv_estimate *gv_evaluation_report_headline(const gv_evaluation_report *report)
{
    const gv_evaluation *evaluation = &report->result->evaluation;
    size_t e = 0;
    while (e + 1 < evaluation->type_count &&
           strcmp(evaluation->estimates[e].type->info.name, report->by) != 0) {
        e++;
    }
    return &evaluation->estimates[e];
}

bool gv_evaluation_report_has(const gv_evaluation_report *report, const char *estimator)
{
    const gv_evaluation *evaluation = &report->result->evaluation;
    bool has = false;
    for (size_t e = 0; e < evaluation->type_count; e++) {
        has = has || strcmp(evaluation->estimates[e].type->info.name, estimator) == 0;
    }
    return has;
}

static void set_interval(gv_table *table, size_t row, size_t column, const gv_interval *interval)
{
    if (interval->state == GV_INTERVAL_GIVEN) {
        gv_table_set(table, row, column, "%.4g to %.4g", interval->low, interval->high);
    } else {
        gv_table_set(table, row, column, "-");
    }
}

static gv_status print_table(FILE *stream, const gv_evaluation_report *report,
                             const gv_report_options *options)
{
    const gv_evaluation *evaluation = &report->result->evaluation;
    gv_table *table = NULL;
    GV_TRY(gv_table_create(columns, COLUMNS, evaluation->type_count, &table));
    for (size_t e = 0; e < evaluation->type_count; e++) {
        const gv_estimate *estimate = &evaluation->estimates[e];
        const gv_interval *interval = &estimate->intervals[report->reach];
        gv_table_set(table, e, COLUMN_NAME, "%s", estimate->type->info.name);
        gv_table_set(table, e, COLUMN_ESTIMATE, "%.4g", interval->estimate);
        set_interval(table, e, COLUMN_INTERVAL, interval);
        gv_table_set(table, e, COLUMN_ERROR, "%.2g", estimate->error);
        set_interval(table, e, COLUMN_DIFFERENCE, &estimate->difference);
    }
    gv_table_print(table, stream, options);
    gv_table_destroy(table);
    return GV_OK;
}

static void print_overlap(FILE *stream, const gv_evaluation_report *report)
{
    const gv_evaluation_result *result = report->result;
    const gv_overlap *overlap = &result->evaluation.overlap;
    (void)fprintf(stream,
                  "\n  overlap   the log is worth %.0f of its %zu rounds (%.1f %%), %.1f "
                  "rewards carry the estimate\n",
                  overlap->effective, result->round_count,
                  100 * overlap->effective / (double)result->round_count, overlap->earning);
    (void)fprintf(stream, "  weights   mean %.3f +- %.3f, largest %.3g (%.2f %% of all), ",
                  overlap->mean_weight, overlap->mean_weight_error, overlap->largest_weight,
                  100 * overlap->largest);
    if (isnan(overlap->pareto_k)) {
        (void)fprintf(stream, "no tail to fit\n");
    } else {
        (void)fprintf(stream, "tail's Pareto k %.2f\n", overlap->pareto_k);
    }
    (void)fprintf(stream,
                  "  support   %.2f %% of the policy's chances are of actions never taken\n",
                  100 * overlap->unsupported);
    if (result->has_estimated_propensities) {
        (void)fprintf(stream,
                      "  note      propensities were not logged: estimated by each action's "
                      "share in its position\n");
    }
    if (result->bandwidth > 0) {
        (void)fprintf(stream,
                      "  note      bids within a bandwidth of %.3g stand for one another, a bias "
                      "that no interval holds: try half of it\n",
                      result->bandwidth);
    }
    if (strcmp(report->request->policy, "greedy") == 0) {
        (void)fprintf(stream,
                      "  note      this policy was chosen by the very rewards that judge it: "
                      "its value is overstated\n");
    }
    if (result->evaluation.is_range_seen &&
        (report->reach == GV_REACH_BERNSTEIN || report->reach == GV_REACH_SEQUENCE)) {
        (void)fprintf(stream, "  note      the range is what the log shows, not a promise: give "
                              "--weight-most and --reward-range\n");
    }
    if (result->reject_count > 0) {
        (void)fprintf(stream, "  note      %" PRIu64 " rows rejected; first: %s\n",
                      result->reject_count, result->first_reject);
    }
}

static gv_design design_of(const gv_evaluation *evaluation)
{
    return (gv_design){.unit_count = evaluation->group_count,
                       .mean = evaluation->logged.estimate,
                       .variance = evaluation->logged_error * evaluation->logged_error,
                       .days = 1};
}

static gv_verdict_case verdict_of(const gv_evaluation_report *report, const gv_design *design)
{
    const gv_evaluation *evaluation = &report->result->evaluation;
    const gv_estimate *estimate = gv_evaluation_report_headline(report);
    return (gv_verdict_case){.verdict = gv_evaluation_verdict(evaluation, estimate),
                             .complaint = evaluation->complaint,
                             .difference = estimate->difference,
                             .logged = evaluation->logged.estimate,
                             .level = report->request->level,
                             .unit = "a round",
                             .by = report->by,
                             .split = "an A/B split of the clusters",
                             .design = design};
}

double gv_evaluation_test_length(const gv_evaluation_report *report)
{
    const gv_design design = design_of(&report->result->evaluation);
    const gv_verdict_case verdict = verdict_of(report, &design);
    return gv_verdict_test_length(&verdict);
}

/* Whether rounds may hang on one another, under the verdict that takes them as if they did not. */
static void print_interference(FILE *stream, const gv_evaluation_report *report)
{
    const gv_interference *interference = &report->result->evaluation.interference;
    char text[GV_INTERFERENCE_TEXT_SIZE];
    if (!interference->is_checked) {
        (void)fprintf(stream, "  note      whether budgets run out or rivals would answer was not "
                              "looked at: that needs what was spent, --column spend=NAME\n");
        return;
    }
    if (gv_interference_fade_warning(interference, text, sizeof text) != NULL) {
        (void)fprintf(stream, "  warning   %s\n", text);
    }
    if (gv_interference_shift_warning(interference, text, sizeof text) != NULL) {
        (void)fprintf(stream, "  warning   %s\n", text);
    }
}

gv_status gv_evaluation_print(FILE *stream, const gv_evaluation_report *report,
                              const gv_report_options *options)
{
    const gv_evaluation_result *result = report->result;
    const gv_evaluation *evaluation = &result->evaluation;
    const gv_design design = design_of(evaluation);
    const gv_verdict_case verdict = verdict_of(report, &design);
    (void)fprintf(stream, "%s on %s: %zu rounds, %zu %s, %zu clusters", report->request->policy,
                  report->request->log, result->round_count, result->action_count,
                  result->bandwidth > 0 ? "bins of bids" : "actions", result->cluster_count);
    if (evaluation->group_count < result->cluster_count) {
        (void)fprintf(stream, " drawn in %zu groups", evaluation->group_count);
    }
    (void)fprintf(stream, "; model %s\nthe log's own policy earned %.4g a round", result->model,
                  evaluation->logged.estimate);
    if (evaluation->logged.state == GV_INTERVAL_GIVEN) {
        (void)fprintf(stream, " (%.4g to %.4g)", evaluation->logged.low, evaluation->logged.high);
    }
    (void)fprintf(stream, "; intervals of %g %%: %s, %s\n\n", 100 * report->request->level,
                  gv_reach_name(report->reach), gv_reach_promise(report->reach));
    GV_TRY(print_table(stream, report, options));
    print_overlap(stream, report);
    gv_verdict_print(stream, &verdict);
    gv_verdict_print_test(stream, &verdict);
    print_interference(stream, report);
    return GV_OK;
}
