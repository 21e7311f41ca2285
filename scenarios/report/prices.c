#include "scenarios/report/prices.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>

#include "scenarios/report/gnuplot.h"
#include "sim/base/money.h"

enum { BID, ALL, LIMIT, DEVIATION, LOG_NORMAL, WON_ALONE, NETWORK, COLUMNS };

static const gv_table_column columns[COLUMNS] = {
    [BID] = {.title = "bid", .unit = "CPM"},
    [ALL] = {.title = "wins", .unit = "%"},
    [LIMIT] = {.title = "product limit", .unit = "%"},
    [DEVIATION] = {.title = "+-", .unit = "%"},
    [LOG_NORMAL] = {.title = "log-normal", .unit = "%"},
    [WON_ALONE] = {.title = "won alone", .unit = "%"},
    [NETWORK] = {.title = "network", .unit = "%"},
};

static double cpm_of(int64_t nanos)
{
    return (double)nanos / (double)GV_NANOS_PER_CPM;
}

static void print_head(FILE *stream, const gv_prices *prices)
{
    (void)fprintf(stream,
                  "%" PRIu64 " auctions, %" PRIu64 " (%.1f %%) won and their prices seen; nothing "
                  "dearer than %.6g CPM was\n\n",
                  prices->auctions, prices->won,
                  100 * (double)prices->won / (double)prices->auctions,
                  cpm_of(prices->reach_nanos));
}

gv_status gv_prices_print(FILE *stream, const gv_prices *prices, const gv_report_options *options)
{
    gv_table *table = NULL;
    const bool has_network = isfinite(prices->network_likelihood);
    GV_TRY(gv_table_create(columns, has_network ? COLUMNS : NETWORK, prices->point_count, &table));
    for (size_t row = 0; row < prices->point_count; row++) {
        const gv_price_point *point = &prices->points[row];
        gv_table_set(table, row, BID, "%.6g", cpm_of(point->bid_nanos));
        gv_table_set(table, row, ALL, "%.1f", 100 * point->all);
        gv_table_set(table, row, LIMIT, "%.1f", 100 * point->product_limit);
        gv_table_set(table, row, DEVIATION, "%.1f", 100 * point->deviation);
        gv_table_set(table, row, LOG_NORMAL, "%.1f", 100 * point->log_normal);
        gv_table_set(table, row, WON_ALONE, "%.1f", 100 * point->won_alone);
        if (has_network) {
            gv_table_set(table, row, NETWORK, "%.1f", 100 * point->network);
        }
    }
    print_head(stream, prices);
    gv_table_print(table, stream, options);
    gv_table_destroy(table);
    (void)fprintf(
        stream,
        "\nwins: of all auctions, whether seen or not. Log-normal: median %.6g CPM, sigma "
        "%.4g.\nwon alone: the prices that were seen, as if nothing had been lost.\n",
        exp(prices->mu) / (double)GV_NANOS_PER_CPM, prices->sigma);
    if (has_network) {
        (void)fprintf(stream,
                      "network: the mean over the latest three tenths of the auctions, which it "
                      "did not learn from; their mean log-likelihood is %.4f,\nunder one "
                      "log-normal for all of them %.4f.\n",
                      prices->network_likelihood, prices->start_likelihood);
    }
    return GV_OK;
}

/* JSON knows no NaN. */
static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

gv_status gv_prices_json(FILE *stream, const gv_prices *prices)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < prices->point_count; i++) {
        const gv_price_point *point = &prices->points[i];
        (void)json_array_append_new(
            rows,
            json_pack("{s:I,s:f,s:f,s:f,s:f,s:f,s:o}", "bid_nanos", (json_int_t)point->bid_nanos,
                      "win_rate", point->all, "product_limit", point->product_limit, "deviation",
                      point->deviation, "log_normal", point->log_normal, "won_alone",
                      point->won_alone, "network", number(point->network)));
    }
    json_t *object =
        json_pack("{s:I,s:I,s:I,s:{s:f,s:f},s:o,s:o,s:o}", "auctions", (json_int_t)prices->auctions,
                  "won", (json_int_t)prices->won, "reach_nanos", (json_int_t)prices->reach_nanos,
                  "log_normal", "mu", prices->mu, "sigma", prices->sigma, "network_likelihood",
                  number(prices->network_likelihood), "start_likelihood",
                  number(prices->start_likelihood), "points", rows);
    if (object == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to print prices");
    }
    (void)json_dumpf(object, stream, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    (void)fputc('\n', stream);
    json_decref(object);
    return GV_OK;
}

/* ---- the picture ----------------------------------------------------------------------------- */

typedef struct picture {
    const gv_prices *prices;
    const char *title;
} picture;

static void draw(FILE *script, const void *context)
{
    const picture *shown = context;
    (void)fputs("$rates << END\n", script);
    for (size_t i = 0; i < shown->prices->point_count; i++) {
        const gv_price_point *point = &shown->prices->points[i];
        (void)fprintf(script, "%.9g %.9g %.9g %.9g %.9g %.9g\n", cpm_of(point->bid_nanos),
                      100 * point->all, 100 * point->product_limit, 200 * point->deviation,
                      100 * point->log_normal, 100 * point->won_alone);
    }
    (void)fputs("END\nset title ", script);
    gv_gnuplot_quote(script, shown->title);
    (void)fputs("\nset xlabel 'bid, CPM'\nset ylabel 'auctions that it wins, %'\n"
                "set yrange [0:100]\nset key left top\nset grid lc rgb '#e0e0e0'\n"
                "plot $rates using 1:2 with lines lw 4 lc rgb '#b8b8b8' title 'of all prices', \\\n"
                " '' using 1:6 with lines lw 2 lc rgb '#d55e00' title 'of won prices alone', \\\n"
                " '' using 1:5 with lines lw 2 dt 2 lc rgb '#009e73' title 'log-normal', \\\n"
                " '' using 1:3:4 with yerrorlines lw 2 pt 7 ps 0.5 lc rgb '#0072b2' title "
                "'product limit, two deviations'\n",
                script);
}

gv_status gv_prices_plot(const gv_prices *prices, const char *title, const char *stem)
{
    const picture shown = {prices, title};
    return gv_gnuplot_draw(&(gv_drawing){draw, &shown}, stem);
}
