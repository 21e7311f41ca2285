#include "scenarios/report/evaluation.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "sim/estimate/experiment.h"

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
    for (size_t e = 0; e < evaluation->type_count; e++) {
        if (strcmp(evaluation->estimates[e].type->info.name, report->by) == 0) {
            return &evaluation->estimates[e];
        }
    }
    return NULL;
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

double gv_evaluation_test_length(const gv_evaluation_report *report)
{
    const gv_evaluation *evaluation = &report->result->evaluation;
    const gv_estimate *headline = gv_evaluation_report_headline(report);
    const double effect = headline == NULL ? 0 : fabs(headline->difference.estimate);
    const gv_design design = {.unit_count = evaluation->group_count,
                              .mean = evaluation->logged.estimate,
                              .variance = evaluation->logged_error * evaluation->logged_error,
                              .days = 1};
    const gv_test_plan plan = {
        .share = 0.5, .level = report->request->level, .power = 0.8, .kept = 1};
    return effect > 0 && design.variance > 0 ? gv_design_days(&design, &plan, effect)
                                             : (double)INFINITY;
}

static void print_test(FILE *stream, const gv_evaluation_report *report)
{
    const double length = gv_evaluation_test_length(report);
    if (isfinite(length)) {
        (void)fprintf(stream,
                      "  test      an A/B split of the clusters sees such a difference 80 times in "
                      "100 after %.3g times this log; `gavel experiment` plans it\n",
                      length);
    }
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

static void print_verdict(FILE *stream, const gv_evaluation_report *report)
{
    const gv_evaluation *evaluation = &report->result->evaluation;
    const gv_estimate *estimate = gv_evaluation_report_headline(report);
    const double level = 100 * report->request->level;
    const double logged = evaluation->logged.estimate;
    (void)fprintf(stream, "\n  verdict   ");
    if (evaluation->is_thin) {
        (void)fprintf(stream, "too thin: %s\n", evaluation->complaint);
        return;
    }
    const gv_verdict verdict = gv_evaluation_verdict(evaluation, estimate);
    const gv_interval *difference = &estimate->difference;
    if (verdict == GV_VERDICT_UNCLEAR) {
        (void)fprintf(stream,
                      "unclear: the difference to the logged policy may be %.4g to %.4g a "
                      "round (%g %%, %s)\n",
                      difference->low, difference->high, level, report->by);
        print_test(stream, report);
        return;
    }
    (void)fprintf(stream,
                  "%s than the logged policy by %.4g a round (%+.1f %%), %g %% interval "
                  "%.4g to %.4g (%s)\n",
                  gv_verdict_name(verdict), fabs(difference->estimate),
                  100 * difference->estimate / fabs(logged), level, difference->low,
                  difference->high, report->by);
    print_test(stream, report);
}

gv_status gv_evaluation_print(FILE *stream, const gv_evaluation_report *report,
                              const gv_report_options *options)
{
    const gv_evaluation_result *result = report->result;
    const gv_evaluation *evaluation = &result->evaluation;
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
    print_verdict(stream, report);
    print_interference(stream, report);
    return GV_OK;
}
