/*
 * Traffic of a made-up week. Arrival i of N is at the time where the cumulated hourly rate
 * reaches S_i / S_(N+1), S being sums of exponential draws: a Poisson process given its count.
 */
#include "sim/log/generate.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/clock.h"
#include "sim/base/mem.h"
#include "sim/base/money.h"
#include "sim/base/random.h"
#include "sim/log/generate_impl.h"
#include "sim/log/outlet_impl.h"

enum { BID_ID_SIZE = 24, HOURS = 24, BLOCK = 512 };

/* Columns in the order of the schema. */
enum {
    TIME,
    BID_ID,
    EXCHANGE,
    SLOT_WIDTH,
    SLOT_HEIGHT,
    FLOOR,
    BID,
    PRICE,
    ADVERTISER,
    PCTR,
    COLUMN_COUNT
};

static const gv_log_schema schema = {
    .field_count = COLUMN_COUNT,
    .fields = {[TIME] = {"time", GV_LOG_INTEGER},
               [BID_ID] = {"bid_id", GV_LOG_TEXT},
               [EXCHANGE] = {"exchange", GV_LOG_CODE},
               [SLOT_WIDTH] = {"slot_width", GV_LOG_INTEGER},
               [SLOT_HEIGHT] = {"slot_height", GV_LOG_INTEGER},
               [FLOOR] = {"floor", GV_LOG_INTEGER},
               [BID] = {"bid", GV_LOG_INTEGER},
               [PRICE] = {"price", GV_LOG_INTEGER},
               [ADVERTISER] = {"advertiser", GV_LOG_CODE},
               [PCTR] = {"pctr", GV_LOG_REAL}},
    .zone_us = 0,
    .format = "generated",
};

/* A kind of traffic: its share, what it adds to the log of the price and to the click's odds. */
typedef struct segment {
    const char *name;
    double share; /* cumulated, the last is 1 */
    double log_price;
    double log_odds;
    int64_t width;
    int64_t height;
    int64_t floor_cpm;
} segment;

static const segment advertisers[] = {
    {.name = "outdoor", .share = 0.30, .log_price = 0.10, .log_odds = -5.6},
    {.name = "travel", .share = 0.55, .log_price = 0.25, .log_odds = -6.3},
    {.name = "games", .share = 0.75, .log_price = -0.20, .log_odds = -5.0},
    {.name = "tyres", .share = 0.90, .log_price = 0.15, .log_odds = -6.8},
    {.name = "books", .share = 1.00, .log_price = -0.35, .log_odds = -5.9},
};

static const segment exchanges[] = {
    {.name = "north", .share = 0.5, .log_price = 0, .log_odds = 0, .floor_cpm = 5},
    {.name = "river", .share = 0.8, .log_price = 0.3, .log_odds = 0.4, .floor_cpm = 20},
    {.name = "plain", .share = 1.0, .log_price = -0.4, .log_odds = -0.3, .floor_cpm = 0},
};

static const segment slots[] = {
    {.name = "box", .share = 0.40, .log_price = 0.1, .log_odds = 0.3, .width = 300, .height = 250},
    {.name = "top", .share = 0.70, .log_price = 0, .log_odds = -0.2, .width = 728, .height = 90},
    {.name = "side",
     .share = 0.85,
     .log_price = -0.3,
     .log_odds = -0.6,
     .width = 160,
     .height = 600},
    {.name = "phone",
     .share = 1.00,
     .log_price = -0.1,
     .log_odds = 0.5,
     .width = 320,
     .height = 50},
};

#define CHOOSE(table, u) (&(table)[choose((table), (u))])

/* Traffic by hour of the day, relative: quiet nights, a peak at noon, a higher one at night. */
static const double hourly[HOURS] = {0.55, 0.38, 0.28, 0.22, 0.20, 0.25, 0.40, 0.62,
                                     0.85, 1.02, 1.15, 1.25, 1.32, 1.25, 1.18, 1.15,
                                     1.18, 1.22, 1.30, 1.45, 1.58, 1.60, 1.30, 0.90};

static size_t choose(const segment *table, double uniform)
{
    size_t i = 0;
    while (uniform >= table[i].share) {
        i++;
    }
    return i;
}

/* One auction, all that is drawn for it. */
typedef struct drawn_auction {
    int64_t time_us;
    const segment *advertiser;
    const segment *exchange;
    const segment *slot;
    int64_t price_nanos;
    int64_t bid_nanos;
    int64_t floor_nanos;
    double pctr;
    bool is_clicked;
    bool is_converted;
    int64_t click_us;
    int64_t conversion_us;
} drawn_auction;

static double logistic(double odds)
{
    return 1 / (1 + exp(-odds));
}

static int64_t delay_us(double seconds)
{
    return (int64_t)(seconds * (double)GV_US_PER_SECOND) + GV_US_PER_MS;
}

/* Users click at the rate of what is believed, blurred; late, and some buy later still. */
static void draw_clicks(uint64_t seed, uint64_t number, double odds, drawn_auction *out)
{
    const gv_random click = gv_random_key(seed, GV_STREAM_CLICK, number);
    const gv_random delay = gv_random_key(seed, GV_STREAM_DELAY, number);
    const double truth = logistic(odds + 0.4 * gv_random_normal(&click, 1));
    out->is_clicked = gv_random_bernoulli(&click, 0, truth);
    out->is_converted = out->is_clicked && gv_random_bernoulli(&click, 2, 0.08);
    out->click_us = out->time_us + delay_us(9 * exp(1.3 * gv_random_normal(&delay, 0)));
    out->conversion_us = out->click_us + delay_us(900 * gv_random_exponential(&delay, 1));
}

static void draw_auction(uint64_t seed, uint64_t number, int64_t time_us, drawn_auction *out)
{
    const gv_random random = gv_random_key(seed, GV_STREAM_TRAFFIC, number);
    const double hour = (double)(time_us / GV_US_PER_MINUTE % (INT64_C(24) * 60)) / 60;
    const double evening = cos((hour - 21) * (2 * M_PI / HOURS));
    out->time_us = time_us;
    out->advertiser = CHOOSE(advertisers, gv_random_uniform(&random, 0));
    out->exchange = CHOOSE(exchanges, gv_random_uniform(&random, 1));
    out->slot = CHOOSE(slots, gv_random_uniform(&random, 2));
    const double log_price = 3.9 + out->advertiser->log_price + out->exchange->log_price +
                             out->slot->log_price + 0.15 * evening +
                             0.75 * gv_random_normal(&random, 3);
    const int64_t drawn = (int64_t)exp(log_price);
    const int64_t floor_cpm = out->exchange->floor_cpm;
    const int64_t price = drawn < 1 ? 1 : (drawn > 300 ? 300 : drawn);
    out->price_nanos = (price < floor_cpm ? floor_cpm : price) * GV_NANOS_PER_CPM;
    out->floor_nanos = floor_cpm * GV_NANOS_PER_CPM;
    out->bid_nanos =
        out->price_nanos + (int64_t)(40 * gv_random_exponential(&random, 5)) * GV_NANOS_PER_CPM;
    const double odds = out->advertiser->log_odds + out->exchange->log_odds + out->slot->log_odds +
                        0.2 * evening + 0.7 * gv_random_normal(&random, 4);
    out->pctr = logistic(odds);
    draw_clicks(seed, number, odds, out);
}

/* The share of the week's traffic before each hour, and its inverse. */
typedef struct traffic_curve {
    double *before; /* [hours + 1], from 0 to 1 */
    int64_t hours;
    int64_t start_us;
    int64_t hour; /* where the last arrival was: they ascend */
} traffic_curve;

static gv_status curve_init(traffic_curve *curve, int64_t start_us, int64_t days)
{
    curve->hours = days * HOURS;
    curve->start_us = start_us;
    curve->hour = 0;
    curve->before = gv_mem_alloc(0, (size_t)curve->hours + 1, sizeof *curve->before);
    if (curve->before == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the traffic of %" PRId64 " days", days);
    }
    for (int64_t i = 0; i < curve->hours; i++) {
        curve->before[i + 1] = curve->before[i] + hourly[i % HOURS];
    }
    for (int64_t i = 1; i <= curve->hours; i++) {
        curve->before[i] /= curve->before[curve->hours];
    }
    curve->before[curve->hours] = 1;
    return GV_OK;
}

static int64_t curve_time(traffic_curve *curve, double share)
{
    while (curve->hour + 1 < curve->hours && share >= curve->before[curve->hour + 1]) {
        curve->hour++;
    }
    const double low = curve->before[curve->hour];
    const double within = (share - low) / (curve->before[curve->hour + 1] - low);
    const double us = within * (double)GV_US_PER_HOUR;
    const int64_t whole = us < 0 ? 0 : (int64_t)us;
    return curve->start_us + curve->hour * GV_US_PER_HOUR +
           (whole < GV_US_PER_HOUR ? whole : GV_US_PER_HOUR - 1);
}

/* Rows of one table with the texts of their bid ids. */
typedef struct row_outlet {
    gv_outlet rows;
    char (*ids)[BID_ID_SIZE]; /* [GV_OUTLET_ROWS] */
} row_outlet;

enum { IMPRESSIONS, CLICKS, CONVERSIONS, OUTLET_COUNT };

typedef struct log_generator {
    const gv_generate_config *config;
    gv_builder *builder;
    row_outlet outlets[OUTLET_COUNT];
    traffic_curve curve;
} log_generator;

static gv_status outlet_init(row_outlet *outlet, uint32_t file, gv_log_table table)
{
    GV_TRY(gv_outlet_init(&outlet->rows, &schema, file, table));
    outlet->ids = gv_mem_alloc(0, GV_OUTLET_ROWS, sizeof *outlet->ids);
    return outlet->ids == NULL ? GV_FAIL(GV_ENOMEM, "no memory for rows to generate") : GV_OK;
}

static gv_status outlet_add(row_outlet *outlet, uint64_t number, const drawn_auction *auction,
                            int64_t time_us)
{
    gv_chunk *chunk = &outlet->rows.chunk;
    const size_t row = gv_outlet_begin(&outlet->rows);
    (void)snprintf(outlet->ids[row], sizeof outlet->ids[row], "g%015" PRIx64, number);
    chunk->cells[TIME].integers[row] = time_us;
    chunk->cells[BID_ID].texts[row] = gv_outlet_text(outlet->ids[row]);
    chunk->cells[EXCHANGE].texts[row] = gv_outlet_text(auction->exchange->name);
    chunk->cells[SLOT_WIDTH].integers[row] = auction->slot->width;
    chunk->cells[SLOT_HEIGHT].integers[row] = auction->slot->height;
    chunk->cells[FLOOR].integers[row] = auction->floor_nanos;
    chunk->cells[BID].integers[row] = auction->bid_nanos;
    chunk->cells[PRICE].integers[row] = auction->price_nanos;
    chunk->cells[ADVERTISER].texts[row] = gv_outlet_text(auction->advertiser->name);
    chunk->cells[PCTR].reals[row] = auction->pctr;
    return gv_outlet_end(&outlet->rows);
}

static gv_status add_auction(log_generator *generator, uint64_t number, int64_t time_us)
{
    drawn_auction auction;
    row_outlet *outlets = generator->outlets;
    draw_auction(generator->config->seed, number, time_us, &auction);
    GV_TRY(outlet_add(&outlets[IMPRESSIONS], number, &auction, time_us));
    if (auction.is_clicked) {
        GV_TRY(outlet_add(&outlets[CLICKS], number, &auction, auction.click_us));
    }
    if (auction.is_converted) {
        GV_TRY(outlet_add(&outlets[CONVERSIONS], number, &auction, auction.conversion_us));
    }
    return GV_OK;
}

/* The sum of the first `count` gaps. */
static double sum_gaps(const gv_random *random, uint64_t count)
{
    double gaps[BLOCK];
    double sum = 0;
    for (uint64_t first = 0; first < count; first += BLOCK) {
        const size_t size = count - first < BLOCK ? (size_t)(count - first) : BLOCK;
        gv_random_fill_exponential(random, first, size, gaps);
        for (size_t i = 0; i < size; i++) {
            sum += gaps[i];
        }
    }
    return sum;
}

static gv_status add_all(log_generator *generator, const gv_progress *progress)
{
    const uint64_t count = generator->config->auction_count;
    const gv_random arrivals = gv_random_key(generator->config->seed, GV_STREAM_ARRIVAL, 0);
    const double whole = sum_gaps(&arrivals, count + 1);
    double gaps[BLOCK];
    double sum = 0;
    for (uint64_t first = 0; first < count; first += BLOCK) {
        const size_t size = count - first < BLOCK ? (size_t)(count - first) : BLOCK;
        gv_random_fill_exponential(&arrivals, first, size, gaps);
        for (size_t i = 0; i < size; i++) {
            sum += gaps[i];
            GV_TRY(add_auction(generator, first + i, curve_time(&generator->curve, sum / whole)));
        }
        if (!gv_progress_report(progress, "generating", first + size, count)) {
            return GV_FAIL(GV_ESTOPPED, "stopped while generating %s", generator->config->path);
        }
    }
    for (size_t i = 0; i < OUTLET_COUNT; i++) {
        GV_TRY(gv_outlet_flush(&generator->outlets[i].rows));
    }
    return GV_OK;
}

static gv_status begin(log_generator *generator)
{
    static const char *const names[OUTLET_COUNT] = {"impressions", "clicks", "conversions"};
    static const gv_log_table tables[OUTLET_COUNT] = {GV_LOG_IMPRESSION, GV_LOG_CLICK,
                                                      GV_LOG_CONVERSION};
    const gv_generate_config *config = generator->config;
    char seed[32];
    GV_TRY(curve_init(&generator->curve, config->start_us, config->days));
    for (uint32_t i = 0; i < OUTLET_COUNT; i++) {
        GV_TRY(outlet_init(&generator->outlets[i], i, tables[i]));
    }
    const gv_builder_config how = {.path = config->path,
                                   .schema = &schema,
                                   .jobs = 1,
                                   .input_paths = names,
                                   .input_count = OUTLET_COUNT};
    GV_TRY(gv_builder_create(&how, &generator->builder));
    for (size_t i = 0; i < OUTLET_COUNT; i++) {
        generator->outlets[i].rows.builder = generator->builder;
    }
    (void)snprintf(seed, sizeof seed, "%" PRIu64, config->seed);
    return gv_builder_fact(generator->builder, "seed", seed);
}

static void end(log_generator *generator)
{
    for (size_t i = 0; i < OUTLET_COUNT; i++) {
        gv_outlet_fini(&generator->outlets[i].rows);
        gv_mem_free(generator->outlets[i].ids);
    }
    gv_mem_free(generator->curve.before);
    gv_builder_abandon(generator->builder);
}

gv_status gv_generate(const gv_generate_config *config, const gv_progress *progress,
                      gv_builder_counts *counts)
{
    assert(config->auction_count >= 1);
    assert(config->days >= 1);
    if (config->kind == GV_GENERATE_PLANTED) {
        return gv_generate_planted(config, progress, counts);
    }
    log_generator generator = {.config = config};
    gv_status status = begin(&generator);
    if (status == GV_OK) {
        status = add_all(&generator, progress);
    }
    if (status == GV_OK) {
        status = gv_builder_commit(generator.builder, progress, counts);
        generator.builder = NULL;
    }
    end(&generator);
    return status;
}
