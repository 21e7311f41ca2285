/* What other bids would have won, paid and earned in a log of auctions. */
#include <jansson.h>
#include <math.h>

#include "scenarios/report/evaluation.h"
#include "scenarios/report/report_impl.h"

/* More unseen than this is too thin; a choice of ours. */
#define UNSEEN_MAX 0.02

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
static void print_policy(FILE *stream, const gv_auctions_facts *facts)
{
    if (facts->learnt[0] != '\0') {
        (void)fprintf(stream, "  learnt    %s\n", facts->learnt);
    }
    if (!isnan(facts->budget)) {
        (void)fprintf(stream, "  budget    %.6g, of which it spent %.1f %%\n", facts->budget,
                      facts->budget > 0 ? 100 * facts->spent / facts->budget : 0);
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
        print_policy(stream, &result->auctions);
    }
    (void)fprintf(stream,
                  "  censored  in %.1f %% of auctions the bid is raised where the log lost: replay "
                  "counts nothing there, km and ipc what such prices do elsewhere\n",
                  100 * priced->raised);
    if (report->result->priced.unseen > UNSEEN_MAX) {
        (void)fprintf(stream,
                      "\n  verdict   too thin: %.1f %% of auctions may be won at prices "
                      "above every bid of the log\n",
                      100 * priced->unseen);
    }
    return GV_OK;
}

/* JSON knows no NaN. */
static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *figures_json(const gv_interval *figures)
{
    json_t *object = json_object();
    for (int f = 0; f < GV_PRICED_FIGURES; f++) {
        json_t *figure = json_object();
        (void)json_object_set_new(figure, "value", number(figures[f].estimate));
        (void)json_object_set_new(figure, "low", number(figures[f].low));
        (void)json_object_set_new(figure, "high", number(figures[f].high));
        (void)json_object_set_new(object, gv_priced_figure_name((gv_priced_figure)f), figure);
    }
    return object;
}

static void add_policy(json_t *object, const gv_auctions_facts *facts)
{
    (void)json_object_set_new(object, "cluster", json_string(facts->clusters));
    (void)json_object_set_new(object, "days", number(facts->days));
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
                                  figures_json(priced->figures[m]));
    }
    json_t *object = json_pack(
        "{s:s,s:s,s:I,s:I,s:I,s:f,s:f,s:f,s:b,s:o,s:o}", "policy", report->request->policy, "log",
        report->request->log, "auctions", (json_int_t)report->result->round_count, "clusters",
        (json_int_t)report->result->cluster_count, "groups", (json_int_t)priced->group_count,
        "level", report->request->level, "raised", priced->raised, "unseen", priced->unseen,
        "is_too_thin", priced->unseen > UNSEEN_MAX, "methods", methods, "logged",
        figures_json(priced->logged));
    if (object == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to print the evaluation");
    }
    if (report->result->is_auction_log) {
        add_policy(object, &report->result->auctions);
    }
    return gv_report_dump_json(stream, object);
}

bool gv_evaluation_is_thin(const gv_evaluation_result *result)
{
    if (result->is_priced) {
        return result->priced.unseen > UNSEEN_MAX;
    }
    return result->horizon > 0 ? result->episodes.is_thin : result->evaluation.is_thin;
}
