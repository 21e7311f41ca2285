/* What other bids would have won, paid and earned in a log of auctions. */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "scenarios/report/evaluation.h"
#include "scenarios/report/report_impl.h"
#include "scenarios/report/verdict.h"

#define IMPRESSIONS_PER_CPM 1000.0 /* a .gvlog's money is in CPM */

enum { COLUMN_NAME, COLUMN_FIRST, COLUMNS = COLUMN_FIRST + GV_PRICED_FIGURES };

static const gv_table_column columns[COLUMNS] = {
    [COLUMN_NAME] = {.title = "method", .unit = "", .to_the_left = true},
    [COLUMN_FIRST + GV_PRICED_WINS] = {.title = "wins", .unit = "an auction"},
    [COLUMN_FIRST + GV_PRICED_SPEND] = {.title = "spend", .unit = "an auction"},
    [COLUMN_FIRST + GV_PRICED_REWARD] = {.title = "reward", .unit = "an auction"},
};

static void set_row(gv_table *table, size_t row, const char *name, const gv_interval *figures)
{
    gv_table_set(table, row, COLUMN_NAME, "%s", name);
    for (size_t f = 0; f < GV_PRICED_FIGURES; f++) {
        if (isnan(figures[f].estimate)) {
            gv_table_set(table, row, COLUMN_FIRST + f, "-");
        } else if (figures[f].state == GV_INTERVAL_GIVEN) {
            gv_table_set(table, row, COLUMN_FIRST + f, "%.4g [%.4g, %.4g]", figures[f].estimate,
                         figures[f].low, figures[f].high);
        } else {
            gv_table_set(table, row, COLUMN_FIRST + f, "%.4g", figures[f].estimate);
        }
    }
}

/* What a policy was given and learnt before it was replayed. */
static void print_policy(FILE *stream, const gv_evaluation_result *result)
{
    const gv_auctions_facts *facts = &result->auctions;
    if (facts->learnt[0] != '\0') {
        (void)fprintf(stream, "  learnt    %s\n", facts->learnt);
    }
    if (!isnan(facts->budget)) {
        (void)fprintf(stream, "  budget    %.6g, of which it spent %.1f %%\n", facts->budget,
                      facts->budget > 0 ? 100 * facts->spent / facts->budget : 0);
    }
    if (facts->odd_count > 0) {
        (void)fprintf(
            stream,
            "  note      %zu auctions were won for more than was bid, as such logs have it: "
            "their bids count as those prices\n",
            facts->odd_count);
    }
    if (!isnan(facts->budget) && result->priced.blind > 0) {
        (void)fprintf(
            stream,
            "  note      %.1f %% of its bids are above the logged ones, and the log holds "
            "no auction that it lost: --set campaign.bid_cap=CPM keeps them within\n",
            100 * result->priced.blind);
    }
}

/* The method that the verdict goes by: km, unless another is asked for by name. */
static gv_priced_method headline_of(const gv_evaluation_report *report)
{
    for (int m = 0; m < GV_PRICED_METHODS; m++) {
        if (strcmp(gv_priced_method_name((gv_priced_method)m), report->by) == 0) {
            return (gv_priced_method)m;
        }
    }
    return GV_PRICED_KM;
}

/* What a test deals out, by what hangs together. */
static const char *split_of(const gv_evaluation_result *result)
{
    static const char *const names[][2] = {{"user", "an A/B split of users"},
                                           {"hour", "a switchback of hours"},
                                           {"day", "a switchback of days"},
                                           {"none", "an A/B split of auctions"}};
    for (size_t i = 0; result->is_auction_log && i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i][0], result->auctions.clusters) == 0) {
            return names[i][1];
        }
    }
    return "an A/B split of the clusters";
}

static gv_verdict_case verdict_of(const gv_evaluation_report *report)
{
    const gv_evaluation_result *result = report->result;
    const gv_priced_result *priced = &result->priced;
    const gv_priced_method method = headline_of(report);
    const gv_interval *difference = &priced->differences[method][GV_PRICED_REWARD];
    return (gv_verdict_case){.verdict = gv_verdict_of(priced->is_thin, difference),
                             .complaint = priced->complaint,
                             .difference = *difference,
                             .logged = priced->logged[GV_PRICED_REWARD].estimate,
                             .level = report->request->level,
                             .unit = "rewards an auction",
                             .by = gv_priced_method_name(method),
                             .split = split_of(result),
                             .design = &result->design,
                             .has_days = result->auctions.days > 0};
}

/* More of what is paid for is not better by itself: what one reward costs. */
static void print_cost(FILE *stream, const gv_evaluation_report *report)
{
    const gv_priced_result *priced = &report->result->priced;
    const gv_interval *judged = priced->figures[headline_of(report)];
    const gv_interval *logged = priced->logged;
    const double spend = judged[GV_PRICED_SPEND].estimate;
    const double own = logged[GV_PRICED_SPEND].estimate;
    const double earned = judged[GV_PRICED_REWARD].estimate;
    const double own_earned = logged[GV_PRICED_REWARD].estimate;
    const double unit = report->result->is_auction_log ? IMPRESSIONS_PER_CPM : 1;
    if (!priced->is_thin && own > 0 && earned > 0 && own_earned > 0) {
        (void)fprintf(
            stream,
            "  cost      it spends %.1f %% %s than the log did; a reward costs %.4g rather "
            "than %.4g\n",
            100 * fabs(spend - own) / own, spend < own ? "less" : "more", spend / earned / unit,
            own / own_earned / unit);
    }
}

gv_status gv_priced_print(FILE *stream, const gv_evaluation_report *report,
                          const gv_report_options *options)
{
    const gv_priced_result *priced = &report->result->priced;
    gv_table *table = NULL;
    GV_TRY(gv_table_create(columns, COLUMNS, GV_PRICED_METHODS + 1, &table));
    for (int m = 0; m < GV_PRICED_METHODS; m++) {
        set_row(table, (size_t)m, gv_priced_method_name((gv_priced_method)m), priced->figures[m]);
    }
    set_row(table, GV_PRICED_METHODS, "(the log's own)", priced->logged);
    const gv_evaluation_result *result = report->result;
    (void)fprintf(stream,
                  "%s on %s: %zu auctions, %zu clusters%s%s; %g %% intervals of a jackknife of %zu "
                  "groups; %srivals as logged\n\n",
                  report->request->policy, report->request->log, result->round_count,
                  result->cluster_count, result->is_auction_log ? " by " : "",
                  result->auctions.clusters, 100 * report->request->level, priced->group_count,
                  isnan(result->auctions.budget) || !result->is_auction_log ? "no budget, " : "");
    gv_table_print(table, stream, options);
    gv_table_destroy(table);
    (void)fputc('\n', stream);
    if (result->is_auction_log) {
        print_policy(stream, result);
    }
    (void)fprintf(stream,
                  "  censored  in %.1f %% of auctions the bid is raised where the log lost: replay "
                  "counts nothing there, km and ipc what such prices do elsewhere\n",
                  100 * priced->raised);
    const gv_verdict_case verdict = verdict_of(report);
    gv_verdict_print(stream, &verdict);
    print_cost(stream, report);
    gv_verdict_print_test(stream, &verdict);
    return GV_OK;
}

/* JSON knows no NaN. */
static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *interval_json(const char *key, const gv_interval *interval)
{
    json_t *object = json_object();
    (void)json_object_set_new(object, key, number(interval->estimate));
    (void)json_object_set_new(object, "low", number(interval->low));
    (void)json_object_set_new(object, "high", number(interval->high));
    return object;
}

/* differences: NULL: none. */
static json_t *figures_json(const gv_interval *figures, const gv_interval *differences)
{
    json_t *object = json_object();
    for (int f = 0; f < GV_PRICED_FIGURES; f++) {
        json_t *figure = interval_json("value", &figures[f]);
        if (differences != NULL) {
            (void)json_object_set_new(figure, "difference",
                                      interval_json("estimate", &differences[f]));
        }
        (void)json_object_set_new(object, gv_priced_figure_name((gv_priced_figure)f), figure);
    }
    return object;
}

static void add_policy(json_t *object, const gv_auctions_facts *facts)
{
    (void)json_object_set_new(object, "cluster", json_string(facts->clusters));
    (void)json_object_set_new(object, "days", number(facts->days));
    (void)json_object_set_new(object, "won_above_bid", json_integer((json_int_t)facts->odd_count));
    (void)json_object_set_new(object, "learnt", json_string(facts->learnt));
    (void)json_object_set_new(object, "budget", number(facts->budget));
    (void)json_object_set_new(object, "spent",
                              isnan(facts->budget) ? json_null() : number(facts->spent));
}

gv_status gv_priced_json(FILE *stream, const gv_evaluation_report *report)
{
    const gv_priced_result *priced = &report->result->priced;
    json_t *methods = json_object();
    for (int m = 0; m < GV_PRICED_METHODS; m++) {
        (void)json_object_set_new(methods, gv_priced_method_name((gv_priced_method)m),
                                  figures_json(priced->figures[m], priced->differences[m]));
    }
    const gv_verdict_case verdict = verdict_of(report);
    json_t *object =
        json_pack("{s:s,s:s,s:I,s:I,s:I,s:f,s:f,s:f,s:f,s:f,s:b,s:s,s:s,s:s,s:o,s:o}", "policy",
                  report->request->policy, "log", report->request->log, "auctions",
                  (json_int_t)report->result->round_count, "clusters",
                  (json_int_t)report->result->cluster_count, "groups",
                  (json_int_t)priced->group_count, "level", report->request->level, "raised",
                  priced->raised, "unseen", priced->unseen, "blind", priced->blind, "inferred",
                  priced->inferred, "is_too_thin", priced->is_thin, "complaint", priced->complaint,
                  "by", verdict.by, "verdict", gv_verdict_name(verdict.verdict), "methods", methods,
                  "logged", figures_json(priced->logged, NULL));
    if (object == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to print the evaluation");
    }
    const double length = gv_verdict_test_length(&verdict) / report->result->design.days;
    (void)json_object_set_new(object, "test_length_in_logs", number(length));
    if (report->result->is_auction_log) {
        add_policy(object, &report->result->auctions);
    }
    return gv_report_dump_json(stream, object);
}

bool gv_evaluation_is_thin(const gv_evaluation_result *result)
{
    if (result->is_priced) {
        return result->priced.is_thin;
    }
    return result->horizon > 0 ? result->episodes.is_thin : result->evaluation.is_thin;
}
