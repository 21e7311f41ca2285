#include "scenarios/run/prices.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/predict/example_reader.h"
#include "models/predict/price_net.h"
#include "scenarios/compose/inputs.h"
#include "sim/base/mem.h"
#include "sim/base/money.h"
#include "sim/base/random.h"
#include "sim/estimate/log_normal_price.h"
#include "sim/estimate/price_sample.h"
#include "sim/log/log.h"
#include "sim/market/history.h"

enum { BITS = 12 }; /* of the network's table */

/* Every price, and what an advertiser saw of it; both [count]. */
typedef struct seen {
    gv_price_sample *all;
    gv_price_sample *own;
    size_t count;
} seen;

static gv_status reserve(seen *sight, uint64_t count, const char *path)
{
    if (count == 0) {
        return GV_FAIL(GV_EINVAL, "%s: it has no prices", path);
    }
    sight->all = gv_mem_alloc(0, (size_t)count, sizeof *sight->all);
    sight->own = gv_mem_alloc(0, (size_t)count, sizeof *sight->own);
    return sight->all == NULL || sight->own == NULL
               ? GV_FAIL(GV_ENOMEM, "%s: no memory for %zu prices", path, (size_t)count)
               : GV_OK;
}

static void look(const gv_prices_options *options, int64_t price, seen *sight)
{
    assert(sight->all != NULL);
    assert(sight->own != NULL);
    const size_t number = sight->count++;
    gv_price_sample sample = {.nanos = price, .won = true, .weight = 1};
    sight->all[number] = sample;
    if (options->offer_nanos > 0) {
        const gv_random own = gv_random_key(options->seed, GV_STREAM_PERTURB, number);
        const double z = gv_random_normal(&own, 0);
        const double offer = (double)options->offer_nanos * exp(options->offer_sigma * z);
        const int64_t nanos = offer < 0x1p62 ? llrint(offer) : INT64_MAX;
        sample.won = nanos >= price;
        sample.nanos = sample.won ? price : nanos;
    }
    sight->own[number] = sample;
}

static gv_status look_through(const gv_prices_options *options, const gv_log *log, seen *sight)
{
    const gv_log_column *price = gv_log_find(log, GV_LOG_IMPRESSION, "price");
    const uint64_t rows = gv_log_rows(log, GV_LOG_IMPRESSION);
    if (price == NULL || gv_log_column_kind(price) != GV_LOG_INTEGER) {
        return GV_FAIL(GV_ENOTFOUND, "%s: its impressions have no price", options->path);
    }
    GV_TRY(reserve(sight, rows, options->path));
    GV_TRY(gv_log_check(price, 0, rows));
    for (uint64_t row = 0; row < rows; row++) {
        look(options, gv_log_integers(price)[row], sight);
    }
    return GV_OK;
}

static gv_status look_at_log(const gv_prices_options *options, seen *sight)
{
    gv_log *log = NULL;
    GV_TRY(gv_log_open(options->path, &log));
    const gv_status status = look_through(options, log, sight);
    gv_log_close(log);
    return status;
}

static gv_status look_at_counts(const gv_prices_options *options, gv_region *region, seen *sight)
{
    gv_inputs inputs = {.region = region};
    gv_history *counts = NULL;
    GV_TRY(gv_inputs_read_info(&inputs, options->path, &counts));
    uint64_t count = 0;
    for (size_t bin = 0; bin < counts->price_count; bin++) {
        count += counts->price_counts[bin];
    }
    GV_TRY(reserve(sight, count, options->path));
    for (size_t bin = 0; bin < counts->price_count; bin++) {
        for (uint64_t i = 0; i < counts->price_counts[bin]; i++) {
            look(options, (int64_t)bin * counts->price_step_nanos, sight);
        }
    }
    return GV_OK;
}

/* ---- a network of prices --------------------------------------------------------------------- */

/* Impressions first .. first + count of the log as examples. */
static gv_status read_examples(gv_example_reader *reader, const gv_log *log, uint64_t first,
                               size_t count, gv_example_set *set)
{
    const gv_log_column *time = gv_log_find(log, GV_LOG_IMPRESSION, gv_log_role_name(GV_ROLE_TIME));
    gv_sample *samples = gv_mem_alloc(0, count, sizeof *samples);
    if (samples == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for %zu auctions", count);
    }
    for (size_t i = 0; i < count; i++) {
        samples[i] = (gv_sample){
            .row = first + i,
            .time_us = time == NULL ? 0 : gv_log_integers(time)[first + i],
        };
    }
    const gv_status status = gv_example_reader_read(reader, samples, count, NULL, set);
    gv_mem_free(samples);
    return status;
}

static gv_status judge(gv_price_net *net, const gv_examples *later, const gv_price_sample *own,
                       gv_prices *out)
{
    const gv_log_normal_price start = gv_price_net_start(net);
    gv_log_normal_price *laws = gv_mem_alloc(0, later->count, sizeof *laws);
    if (laws == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for %zu laws of prices", later->count);
    }
    const gv_status status = gv_price_net_laws(net, later, laws);
    if (status == GV_OK) {
        out->network_likelihood = gv_price_likelihood(laws, own, later->count);
        for (size_t p = 0; p < out->point_count; p++) {
            gv_price_point *point = &out->points[p];
            double sum = 0;
            for (size_t i = 0; i < later->count; i++) {
                sum += gv_log_normal_price_win_rate(&laws[i], point->bid_nanos);
            }
            point->network = sum / (double)later->count;
        }
        for (size_t i = 0; i < later->count; i++) {
            laws[i] = start;
        }
        out->start_likelihood = gv_price_likelihood(laws, own, later->count);
    }
    gv_mem_free(laws);
    return status;
}

/* Of what a line of fields can say, the network reads single values alone. */
static gv_status parse_fields(const char *text, gv_fields *fields)
{
    GV_TRY(gv_fields_parse(text, strlen(text), fields));
    if (fields->past_length > 0) {
        return GV_FAIL(GV_EUSAGE,
                       "fields: a network of prices sees no past: leave out what follows ';'");
    }
    for (size_t f = 0; f < fields->count; f++) {
        if (gv_field_has_several(&fields->list[f])) {
            char name[GV_FIELD_PARTS_MAX * (GV_FIELD_NAME_SIZE + 1)];
            gv_field_print(&fields->list[f], name, sizeof name);
            return GV_FAIL(GV_EUSAGE,
                           "fields: %s can have several values in a row, of which a network of "
                           "prices sees none: leave it out",
                           name);
        }
    }
    return GV_OK;
}

/* own [rows]: what was seen, in the log's order. */
static gv_status teach(const gv_prices_options *options, const gv_log *log,
                       const gv_price_sample *own, gv_prices *out)
{
    gv_fields fields;
    gv_example_reader *reader = NULL;
    gv_example_set earlier = {.row_room = 0};
    gv_example_set later = {.row_room = 0};
    gv_price_net *net = NULL;
    gv_price_net_config config = gv_price_net_usual;
    config.seed = options->seed;
    config.jobs = options->jobs;
    const uint64_t rows = gv_log_rows(log, GV_LOG_IMPRESSION);
    const uint64_t taught = rows * 7 / 10;
    GV_TRY(parse_fields(options->fields, &fields));
    if (taught == 0 || taught == rows) {
        return GV_FAIL(GV_EINVAL, "%s: too few auctions to teach a network", options->path);
    }
    GV_TRY(gv_example_reader_create(log, &fields, BITS, "a network of prices", &reader));
    gv_status status = GV_OK;
    GV_TRY_GOTO(status, read_examples(reader, log, 0, (size_t)taught, &earlier), done);
    GV_TRY_GOTO(status, read_examples(reader, log, taught, (size_t)(rows - taught), &later), done);
    GV_TRY_GOTO(status, gv_price_net_fit(&config, &earlier.view, own, &net), done);
    status = judge(net, &later.view, own + taught, out);
done:
    gv_price_net_destroy(net);
    gv_example_set_fini(&earlier);
    gv_example_set_fini(&later);
    gv_example_reader_destroy(reader);
    return status;
}

static gv_status teach_by_log(const gv_prices_options *options, const seen *sight, gv_prices *out)
{
    gv_log *log = NULL;
    GV_TRY(gv_log_open(options->path, &log));
    const gv_status status = teach(options, log, sight->own, out);
    gv_log_close(log);
    return status;
}

/* ---- laws without features ------------------------------------------------------------------- */

/* Only what was won, as if nothing had been lost. */
static gv_status fit_won_alone(const seen *sight, gv_survival **out)
{
    gv_price_sample *won = gv_mem_alloc(0, sight->count, sizeof *won);
    size_t count = 0;
    if (won == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for %zu prices", sight->count);
    }
    for (size_t i = 0; i < sight->count; i++) {
        assert(sight->own != NULL);
        if (sight->own[i].won) {
            won[count++] = sight->own[i];
        }
    }
    const gv_status status = gv_price_curve_create(won, count, true, out);
    gv_mem_free(won);
    return status;
}

static int by_nanos(const void *a, const void *b)
{
    const int64_t one = ((const gv_price_sample *)a)->nanos;
    const int64_t other = ((const gv_price_sample *)b)->nanos;
    return (one > other) - (one < other);
}

/* Bids that reach k twentieths of all prices, k = 1 .. 19, but for those that are one. */
static void place_points(const seen *sight, gv_prices *out)
{
    assert(sight->all != NULL);
    for (size_t k = 1; k <= GV_PRICES_POINTS; k++) {
        const int64_t bid = sight->all[(sight->count - 1) * k / (GV_PRICES_POINTS + 1)].nanos;
        if (out->point_count == 0 || out->points[out->point_count - 1].bid_nanos < bid) {
            out->points[out->point_count++].bid_nanos = bid;
        }
    }
}

static gv_status fit_all(seen *sight, gv_prices *out)
{
    enum { ALL, WON, SEEN, FITS };
    gv_survival *fits[FITS] = {NULL};
    gv_log_normal_price law;
    gv_status status = GV_OK;
    GV_TRY_GOTO(status,
                gv_log_normal_price_fit(sight->own, sight->count, GV_NANOS_PER_CPM / 1000, &law),
                done);
    GV_TRY_GOTO(status, gv_price_curve_create(sight->all, sight->count, true, &fits[ALL]), done);
    GV_TRY_GOTO(status, fit_won_alone(sight, &fits[WON]), done);
    GV_TRY_GOTO(status, gv_price_curve_create(sight->own, sight->count, true, &fits[SEEN]), done);
    out->mu = law.mu;
    out->sigma = law.sigma;
    out->reach_nanos = (int64_t)gv_survival_end(fits[SEEN]);
    for (size_t i = 0; i < out->point_count; i++) {
        gv_price_point *point = &out->points[i];
        const double bid = (double)point->bid_nanos;
        point->all = 1 - gv_survival_at(fits[ALL], bid);
        point->won_alone = 1 - gv_survival_at(fits[WON], bid);
        point->product_limit = 1 - gv_survival_at(fits[SEEN], bid);
        point->deviation = gv_survival_deviation(fits[SEEN], bid);
        point->log_normal = gv_log_normal_price_win_rate(&law, point->bid_nanos);
    }
done:
    for (size_t i = 0; i < FITS; i++) {
        gv_survival_destroy(fits[i]);
    }
    return status;
}

static gv_status fit(const gv_prices_options *options, seen *sight, gv_prices *out)
{
    assert(sight->all != NULL);
    qsort(sight->all, sight->count, sizeof *sight->all, by_nanos);
    place_points(sight, out);
    for (size_t i = 0; i < out->point_count; i++) {
        out->points[i].network = (double)NAN;
    }
    if (options->fields != NULL) {
        GV_TRY(teach_by_log(options, sight, out));
    }
    return fit_all(sight, out);
}

gv_status gv_prices_of(const gv_prices_options *options, gv_prices *out)
{
    const char *ending = strrchr(options->path, '.');
    const bool is_json = ending != NULL && strcmp(ending, ".json") == 0;
    gv_region region = {.chunks = NULL};
    seen sight = {.count = 0};
    *out = (gv_prices){.network_likelihood = (double)NAN, .start_likelihood = (double)NAN};
    if (is_json && options->fields != NULL) {
        return GV_FAIL(GV_EUSAGE, "%s: counts of prices have no fields for a network to see",
                       options->path);
    }
    gv_status status =
        is_json ? look_at_counts(options, &region, &sight) : look_at_log(options, &sight);
    if (status == GV_OK) {
        for (size_t i = 0; i < sight.count; i++) {
            out->won += sight.own[i].won;
        }
        out->auctions = sight.count;
        status = fit(options, &sight, out);
    }
    gv_region_fini(&region);
    gv_mem_free(sight.all);
    gv_mem_free(sight.own);
    return status;
}
