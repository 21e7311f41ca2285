#include "scenarios/report/comparison.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "scenarios/report/format.h"
#include "scenarios/report/report_impl.h"

enum { GROUPS_SHOWN = 6, TEXT_SIZE = 64 };

enum { METRIC, NAME, VALUE, DIFFERENCE, INTERVAL, RELATIVE, RELATIVE_INTERVAL, COLUMN_COUNT };

static void with_sign(char *text, size_t size, const char *plain, double value)
{
    const bool is_zero = strspn(plain, "-0.,") == strlen(plain);
    const char *sign = value > 0 && !is_zero ? "+" : "";
    (void)snprintf(text, size, "%s%.*s", sign, (int)size - 2, plain);
}

/* A difference in the decimals of the policy's value. */
static void format_difference(const gv_difference *difference, double value, char *text,
                              size_t size)
{
    char plain[TEXT_SIZE];
    gv_format_metric_like(difference->metric, value, difference->value.estimate, plain,
                          sizeof plain);
    with_sign(text, size, plain, value);
}

static void format_relative(double value, char *text, size_t size)
{
    char plain[TEXT_SIZE];
    gv_format_number(100 * value, 1, plain, sizeof plain);
    with_sign(text, size, plain, value);
}

static void set_interval(gv_table *table, size_t row, const gv_difference *difference)
{
    const gv_interval *interval = &difference->difference;
    char low[TEXT_SIZE];
    char high[TEXT_SIZE];
    if (interval->state != GV_INTERVAL_GIVEN) {
        gv_table_set(table, row, INTERVAL, "%s", gv_interval_state_text(interval->state));
        return;
    }
    format_difference(difference, interval->low, low, sizeof low);
    format_difference(difference, interval->high, high, sizeof high);
    gv_table_set(table, row, INTERVAL, "%s to %s", low, high);
    if (difference->relative.state == GV_INTERVAL_GIVEN) {
        format_relative(difference->relative.low, low, sizeof low);
        format_relative(difference->relative.high, high, sizeof high);
        gv_table_set(table, row, RELATIVE_INTERVAL, "%s to %s", low, high);
    }
}

static gv_table_style style_of(const gv_difference *difference)
{
    const gv_better better = difference->metric->better;
    if (!gv_difference_is_clear(difference) || better == GV_BETTER_NEITHER) {
        return GV_STYLE_PLAIN;
    }
    const bool is_higher = difference->difference.estimate > 0;
    return is_higher == (better == GV_BETTER_HIGHER) ? GV_STYLE_BEST : GV_STYLE_WORSE;
}

static void fill_row(gv_table *table, size_t row, const gv_comparison *comparison, size_t m)
{
    const gv_difference *difference = &comparison->differences[m];
    const gv_metric *metric = difference->metric;
    char text[TEXT_SIZE];
    gv_table_set(table, row, NAME, "%.24s", comparison->policy);
    gv_format_metric(metric, difference->value.estimate, text, sizeof text);
    gv_table_set(table, row, VALUE, "%s", text);
    if (comparison->is_baseline) {
        gv_table_set(table, row, DIFFERENCE, "baseline");
        return;
    }
    format_difference(difference, difference->difference.estimate, text, sizeof text);
    gv_table_set(table, row, DIFFERENCE, "%s%s", text,
                 gv_difference_is_clear(difference) ? " *" : "  ");
    gv_table_style_cell(table, row, DIFFERENCE, style_of(difference));
    set_interval(table, row, difference);
    format_relative(difference->relative.estimate, text, sizeof text);
    gv_table_set(table, row, RELATIVE, "%s", text);
}

static gv_status print_table(FILE *stream, const gv_comparison *rows, size_t row_count,
                             size_t metric_count, const gv_report_options *options)
{
    static const gv_table_column columns[COLUMN_COUNT] = {
        [METRIC] = {"metric", "", true},
        [NAME] = {"policy", "", true},
        [VALUE] = {"value", "", false},
        [DIFFERENCE] = {"difference", "", false},
        [INTERVAL] = {"interval", "", false},
        [RELATIVE] = {"relative", "%", false},
        [RELATIVE_INTERVAL] = {"interval", "%", false},
    };
    gv_table *table = NULL;
    GV_TRY(gv_table_create(columns, COLUMN_COUNT, row_count * metric_count, &table));
    for (size_t m = 0; m < metric_count; m++) {
        const gv_metric *metric = rows[0].differences[m].metric;
        const bool counts = strcmp(metric->unit, "count") == 0 ||
                            strcmp(metric->unit, "clicks") == 0 ||
                            strcmp(metric->unit, "conversions") == 0;
        gv_table_set(table, m * row_count, METRIC, counts ? "%s" : "%s, %s", metric->title,
                     gv_format_unit(metric));
        for (size_t i = 0; i < row_count; i++) {
            fill_row(table, m * row_count + i, &rows[i], m);
        }
    }
    gv_table_print(table, stream, options);
    gv_table_destroy(table);
    return GV_OK;
}

static void print_block(FILE *stream, const gv_comparison *row)
{
    (void)fprintf(stream, "%zu block%s", row->cluster_count, row->cluster_count == 1 ? "" : "s");
    static const char *const each[] = {
        [GV_BLOCK_EPISODE] = "an episode",
        [GV_BLOCK_DAY] = "a day",
        [GV_BLOCK_PERIOD] = "a period",
        [GV_BLOCK_SEAT] = "a campaign in one period",
    };
    if (row->block.kind == GV_BLOCK_TICKS) {
        (void)fprintf(stream, " of %" PRIu64 " tick%s", row->block.ticks,
                      row->block.ticks == 1 ? "" : "s");
    } else {
        (void)fprintf(stream, ", each %s", each[row->block.kind]);
    }
}

static const char *rivals_text(const char *rivals)
{
    if (strcmp(rivals, "market") == 0) {
        return "in the market itself";
    }
    return strcmp(rivals, "fixed") == 0 ? "against recorded offers" : "in a market that reacts";
}

static void print_heading(FILE *stream, const gv_comparison *row, const gv_report_options *options)
{
    const gv_group *group = row->group;
    (void)fprintf(stream, "\n%s", options->colour ? "\033[1m" : "");
    if (group->campaign != NULL) {
        (void)fprintf(stream, "%s", group->campaign);
    } else {
        (void)fprintf(stream, "%zu campaigns together", row->campaign_count);
    }
    if (group->budget_label == NULL) {
        (void)fprintf(stream, ", all budgets");
    } else if (group->budget_label[0] != '\0') {
        (void)fprintf(stream, ", budget %s", group->budget_label);
    }
    if (group->rivals != NULL) {
        (void)fprintf(stream, ", %s", rivals_text(group->rivals));
    }
    (void)fprintf(stream, "%s (", options->colour ? "\033[0m" : "");
    print_block(stream, row);
    (void)fprintf(stream, ")\n");
}

static void print_notes(FILE *stream, const gv_comparison_report *report, bool left_out)
{
    const gv_compare_config *config = report->config;
    char replicates[TEXT_SIZE];
    gv_format_number((double)config->bootstrap.replicates, 0, replicates, sizeof replicates);
    (void)fprintf(stream,
                  "\n* the %g %% interval of the difference leaves out 0; of 100 comparisons where "
                  "nothing differs,\n  about %.0f would have the mark. Intervals: %s bootstrap of "
                  "%s resamples of blocks of\n  traffic, the same for both policies; they do not "
                  "hold what another fit would change.\n",
                  100 * config->level, 100 * (1 - config->level),
                  config->interval == GV_INTERVAL_BCA ? "BCa" : "percentile", replicates);
    if (report->swapped != NULL) {
        (void)fprintf(stream, "  Both groups of advertisers bid in one market: what a policy takes "
                              "from the other group\n  is part of the difference.\n");
    }
    if (left_out) {
        (void)fprintf(stream, "  Each campaign and budget by itself: --all, --json or --csv.\n");
    }
}

gv_status gv_comparison_print(FILE *stream, const gv_comparison_report *report,
                              const gv_report_options *options)
{
    const gv_comparisons *comparisons = report->comparisons;
    const bool pools_only =
        !options->all && comparisons->grouping->single_count > GROUPS_SHOWN &&
        comparisons->grouping->group_count > comparisons->grouping->single_count;
    (void)fprintf(stream, "Run %" PRId64 ", %s, against %s", report->outcomes->run.id,
                  report->outcomes->run.name, report->config->baseline);
    if (report->baseline != report->outcomes) {
        (void)fprintf(stream, " of run %" PRId64, report->baseline->run.id);
    }
    if (report->swapped != NULL) {
        (void)fprintf(stream, ", each advertiser and period with itself in run %" PRId64,
                      report->swapped->run.id);
    }
    (void)fputc('\n', stream);
    size_t first = 0;
    while (first < comparisons->row_count) {
        const gv_comparison *row = &comparisons->rows[first];
        size_t count = 1;
        while (first + count < comparisons->row_count && row[count].group == row->group) {
            count++;
        }
        if (!pools_only || row->group->part_count > 1) {
            print_heading(stream, row, options);
            GV_TRY(print_table(stream, row, count, report->config->metric_count, options));
        }
        first += count;
    }
    print_notes(stream, report, pools_only);
    return GV_OK;
}
