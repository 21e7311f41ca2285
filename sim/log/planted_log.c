/* Planted impressions (planted.h) as a log, with the truth as pCTR and pCVR. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "sim/base/clock.h"
#include "sim/base/mem.h"
#include "sim/base/money.h"
#include "sim/base/random.h"
#include "sim/log/generate_impl.h"
#include "sim/log/outlet_impl.h"
#include "sim/log/planted.h"

enum { PAST = 12, ROWS_A_USER = 60, TEXT_SIZE = 24, REPORT_ROWS = 4096 };

/* Columns in the order of the schema. */
enum {
    TIME,
    BID_ID,
    USER,
    TAGS,
    EXCHANGE,
    SLOT_WIDTH,
    SLOT_HEIGHT,
    FLOOR,
    BID,
    PRICE,
    ADVERTISER,
    CREATIVE,
    PCTR,
    PCVR,
    COLUMN_COUNT
};

static const gv_log_schema schema = {
    .field_count = COLUMN_COUNT,
    .fields = {[TIME] = {"time", GV_LOG_INTEGER},
               [BID_ID] = {"bid_id", GV_LOG_TEXT},
               [USER] = {"user", GV_LOG_TEXT},
               [TAGS] = {"tags", GV_LOG_CODE},
               [EXCHANGE] = {"exchange", GV_LOG_CODE},
               [SLOT_WIDTH] = {"slot_width", GV_LOG_INTEGER},
               [SLOT_HEIGHT] = {"slot_height", GV_LOG_INTEGER},
               [FLOOR] = {"floor", GV_LOG_INTEGER},
               [BID] = {"bid", GV_LOG_INTEGER},
               [PRICE] = {"price", GV_LOG_INTEGER},
               [ADVERTISER] = {"advertiser", GV_LOG_CODE},
               [CREATIVE] = {"creative", GV_LOG_CODE},
               [PCTR] = {"pctr", GV_LOG_REAL},
               [PCVR] = {"pcvr", GV_LOG_REAL}},
    .zone_us = 0,
    .format = "planted",
};

static const int64_t slots[GV_PLANTED_SLOTS][2] = {{300, 250}, {728, 90}, {160, 600}, {320, 50}};

/* The texts of a row. */
typedef struct row_texts {
    char bid_id[TEXT_SIZE];
    char user[TEXT_SIZE];
    char tags[TEXT_SIZE];
    char exchange[TEXT_SIZE];
    char advertiser[TEXT_SIZE];
    char creative[TEXT_SIZE];
} row_texts;

enum { IMPRESSIONS, CLICKS, CONVERSIONS, OUTLET_COUNT };

typedef struct planted_writer {
    const gv_generate_config *config;
    gv_planted *source;
    gv_builder *builder;
    gv_outlet outlets[OUTLET_COUNT];
    row_texts *texts[OUTLET_COUNT]; /* [GV_OUTLET_ROWS] each */
} planted_writer;

static void write_texts(row_texts *texts, uint64_t number, const gv_planted_row *row)
{
    (void)snprintf(texts->bid_id, TEXT_SIZE, "p%015" PRIx64, number);
    (void)snprintf(texts->user, TEXT_SIZE, "u%" PRIu64, row->user);
    (void)snprintf(texts->tags, TEXT_SIZE, "k%u,k%u", (unsigned)row->tags[0],
                   (unsigned)row->tags[1]);
    (void)snprintf(texts->exchange, TEXT_SIZE, "e%u", (unsigned)row->exchange);
    (void)snprintf(texts->advertiser, TEXT_SIZE, "a%u", (unsigned)row->advertiser);
    (void)snprintf(texts->creative, TEXT_SIZE, "c%u", (unsigned)row->creative);
}

static gv_status add_row(planted_writer *writer, size_t which, uint64_t number,
                         const gv_planted_row *row, int64_t time_us)
{
    gv_outlet *outlet = &writer->outlets[which];
    const size_t at = gv_outlet_begin(outlet);
    row_texts *texts = &writer->texts[which][at];
    gv_chunk *chunk = &outlet->chunk;
    const gv_random random = gv_random_key(writer->config->seed, GV_STREAM_TRAFFIC, number);
    const int64_t price = 10 + (int64_t)(40 * gv_random_exponential(&random, 0));
    const int64_t above = (int64_t)(40 * gv_random_exponential(&random, 1));
    write_texts(texts, number, row);
    chunk->cells[TIME].integers[at] = time_us;
    chunk->cells[BID_ID].texts[at] = gv_outlet_text(texts->bid_id);
    chunk->cells[USER].texts[at] = gv_outlet_text(texts->user);
    chunk->cells[TAGS].texts[at] = gv_outlet_text(texts->tags);
    chunk->cells[EXCHANGE].texts[at] = gv_outlet_text(texts->exchange);
    chunk->cells[SLOT_WIDTH].integers[at] = slots[row->slot][0];
    chunk->cells[SLOT_HEIGHT].integers[at] = slots[row->slot][1];
    chunk->cells[FLOOR].integers[at] = 5 * GV_NANOS_PER_CPM;
    chunk->cells[PRICE].integers[at] = price * GV_NANOS_PER_CPM;
    chunk->cells[BID].integers[at] = (price + above) * GV_NANOS_PER_CPM;
    chunk->cells[ADVERTISER].texts[at] = gv_outlet_text(texts->advertiser);
    chunk->cells[CREATIVE].texts[at] = gv_outlet_text(texts->creative);
    chunk->cells[PCTR].reals[at] = row->pctr;
    chunk->cells[PCVR].reals[at] = row->pcvr;
    return gv_outlet_end(outlet);
}

static gv_status add_auction(planted_writer *writer, uint64_t number, const gv_planted_row *row)
{
    const gv_random delay = gv_random_key(writer->config->seed, GV_STREAM_DELAY, number);
    const int64_t click_us =
        row->time_us + (int64_t)((1 + 9 * gv_random_exponential(&delay, 0)) * GV_US_PER_SECOND);
    const int64_t conversion_us =
        click_us + (int64_t)((1 + 900 * gv_random_exponential(&delay, 1)) * GV_US_PER_SECOND);
    GV_TRY(add_row(writer, IMPRESSIONS, number, row, row->time_us));
    if (row->is_clicked) {
        GV_TRY(add_row(writer, CLICKS, number, row, click_us));
    }
    return row->is_converted ? add_row(writer, CONVERSIONS, number, row, conversion_us) : GV_OK;
}

static gv_status add_all(planted_writer *writer, const gv_progress *progress)
{
    const gv_generate_config *config = writer->config;
    gv_planted_row row;
    for (uint64_t number = 0; gv_planted_next(writer->source, &row); number++) {
        GV_TRY(add_auction(writer, number, &row));
        if (number % REPORT_ROWS == 0 &&
            !gv_progress_report(progress, "generating", number, config->auction_count)) {
            return GV_FAIL(GV_ESTOPPED, "stopped while generating %s", config->path);
        }
    }
    for (size_t i = 0; i < OUTLET_COUNT; i++) {
        GV_TRY(gv_outlet_flush(&writer->outlets[i]));
    }
    return GV_OK;
}

static gv_status begin(planted_writer *writer)
{
    static const char *const names[OUTLET_COUNT] = {"impressions", "clicks", "conversions"};
    static const gv_log_table tables[OUTLET_COUNT] = {GV_LOG_IMPRESSION, GV_LOG_CLICK,
                                                      GV_LOG_CONVERSION};
    const gv_generate_config *config = writer->config;
    const gv_planted_config planted = {.count = config->auction_count,
                                       .users = config->auction_count / ROWS_A_USER + 1,
                                       .seed = config->seed,
                                       .past_length = PAST,
                                       .start_us = config->start_us,
                                       .span_us = config->days * GV_US_PER_DAY};
    char seed[32];
    GV_TRY(gv_planted_create(&planted, &writer->source));
    const gv_builder_config how = {.path = config->path,
                                   .schema = &schema,
                                   .jobs = 1,
                                   .input_paths = names,
                                   .input_count = OUTLET_COUNT};
    for (uint32_t i = 0; i < OUTLET_COUNT; i++) {
        GV_TRY(gv_outlet_init(&writer->outlets[i], &schema, i, tables[i]));
        writer->texts[i] = gv_mem_alloc(0, GV_OUTLET_ROWS, sizeof *writer->texts[i]);
        if (writer->texts[i] == NULL) {
            return GV_FAIL(GV_ENOMEM, "no memory for rows to generate");
        }
    }
    GV_TRY(gv_builder_create(&how, &writer->builder));
    for (size_t i = 0; i < OUTLET_COUNT; i++) {
        writer->outlets[i].builder = writer->builder;
    }
    (void)snprintf(seed, sizeof seed, "%" PRIu64, config->seed);
    return gv_builder_fact(writer->builder, "seed", seed);
}

gv_status gv_generate_planted(const gv_generate_config *config, const gv_progress *progress,
                              gv_builder_counts *counts)
{
    planted_writer writer = {.config = config};
    gv_status status = begin(&writer);
    if (status == GV_OK) {
        status = add_all(&writer, progress);
    }
    if (status == GV_OK) {
        status = gv_builder_commit(writer.builder, progress, counts);
        writer.builder = NULL;
    }
    for (size_t i = 0; i < OUTLET_COUNT; i++) {
        gv_outlet_fini(&writer.outlets[i]);
        gv_mem_free(writer.texts[i]);
    }
    gv_planted_destroy(writer.source);
    gv_builder_abandon(writer.builder);
    return status;
}
