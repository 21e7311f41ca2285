#include "scenarios/run/prices.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "scenarios/compose/inputs.h"
#include "sim/base/mem.h"
#include "sim/base/money.h"
#include "sim/base/random.h"
#include "sim/estimate/kaplan_meier.h"
#include "sim/estimate/log_normal_price.h"
#include "sim/log/log.h"
#include "sim/market/history.h"

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

/* Only what was won, as if nothing had been lost. */
static gv_status fit_won_alone(const seen *sight, gv_kaplan_meier **out)
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
    const gv_status status = gv_kaplan_meier_fit(won, count, true, out);
    gv_mem_free(won);
    return status;
}

/* Bids that reach k twentieths of all prices, k = 1 .. 19, but for those that are one. */
static void place_points(const seen *sight, gv_prices *out)
{
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
    gv_kaplan_meier *fits[FITS] = {NULL};
    gv_log_normal_price law;
    gv_status status = GV_OK;
    GV_TRY_GOTO(status,
                gv_log_normal_price_fit(sight->own, sight->count, GV_NANOS_PER_CPM / 1000, &law),
                done);
    GV_TRY_GOTO(status, gv_kaplan_meier_fit(sight->all, sight->count, true, &fits[ALL]), done);
    GV_TRY_GOTO(status, fit_won_alone(sight, &fits[WON]), done);
    GV_TRY_GOTO(status, gv_kaplan_meier_fit(sight->own, sight->count, true, &fits[SEEN]), done);
    out->mu = law.mu;
    out->sigma = law.sigma;
    out->reach_nanos = gv_kaplan_meier_reach(fits[SEEN]);
    place_points(sight, out);
    for (size_t i = 0; i < out->point_count; i++) {
        gv_price_point *point = &out->points[i];
        point->all = gv_kaplan_meier_win_rate(fits[ALL], point->bid_nanos);
        point->won_alone = gv_kaplan_meier_win_rate(fits[WON], point->bid_nanos);
        point->product_limit = gv_kaplan_meier_win_rate(fits[SEEN], point->bid_nanos);
        point->deviation = gv_kaplan_meier_deviation(fits[SEEN], point->bid_nanos);
        point->log_normal = gv_log_normal_price_win_rate(&law, point->bid_nanos);
    }
done:
    for (size_t i = 0; i < FITS; i++) {
        gv_kaplan_meier_destroy(fits[i]);
    }
    return status;
}

gv_status gv_prices_of(const gv_prices_options *options, gv_prices *out)
{
    const char *ending = strrchr(options->path, '.');
    const bool is_json = ending != NULL && strcmp(ending, ".json") == 0;
    gv_region region = {.chunks = NULL};
    seen sight = {.count = 0};
    *out = (gv_prices){.auctions = 0};
    gv_status status =
        is_json ? look_at_counts(options, &region, &sight) : look_at_log(options, &sight);
    if (status == GV_OK) {
        for (size_t i = 0; i < sight.count; i++) {
            out->won += sight.own[i].won;
        }
        out->auctions = sight.count;
        status = fit_all(&sight, out);
    }
    gv_region_fini(&region);
    gv_mem_free(sight.all);
    gv_mem_free(sight.own);
    return status;
}
