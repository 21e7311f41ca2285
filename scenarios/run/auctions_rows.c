/* The rows of a .gvlog as decisions with prices, and what hangs together among them. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenarios/run/auctions_impl.h"
#include "sim/base/clock.h"
#include "sim/base/hash.h"
#include "sim/base/mem.h"
#include "sim/base/money.h"
#include "sim/market/logged.h"

/* A row's cluster by the hash of its text, or by the number of its hour. */
typedef struct keyed_row {
    uint64_t key;
    uint32_t row;
} keyed_row;

typedef struct row_reader {
    const gv_log *log;
    const gv_log_column *bid;     /* NULL: every price is known */
    const gv_log_column *cluster; /* NULL: rows hang together by time, or not at all */
    int64_t cluster_us;           /* an hour or a day; 0: not by time */
    int64_t zone_us;
    bool counts_conversions;
    bool has_lost; /* a price above the bid says so */
    size_t odd_count;
    gv_decisions *rows;
    keyed_row *keys;
    int64_t cost_nanos;
} row_reader;

static gv_status choose_cluster(const gv_auctions_request *request, bool has_times, row_reader *at,
                                gv_auctions_facts *facts)
{
    const char *name = request->cluster;
    if (name == NULL) {
        const bool has_users = gv_log_find(at->log, GV_LOG_IMPRESSION, "user") != NULL;
        name = has_users ? "user" : (has_times ? "hour" : "none");
    }
    (void)snprintf(facts->clusters, sizeof facts->clusters, "%s", name);
    const bool is_day = strcmp(name, "day") == 0;
    if (strcmp(name, "none") == 0) {
        return GV_OK;
    }
    if (is_day || strcmp(name, "hour") == 0) {
        at->cluster_us = is_day ? GV_US_PER_DAY : GV_US_PER_HOUR;
        return has_times ? GV_OK
                         : GV_FAIL(GV_EUSAGE,
                                   "--cluster %s: %s has no times, only an order: give another "
                                   "column, or none",
                                   name, request->log);
    }
    at->cluster = gv_log_find(at->log, GV_LOG_IMPRESSION, name);
    const bool is_text = at->cluster != NULL && (gv_log_column_kind(at->cluster) == GV_LOG_CODE ||
                                                 gv_log_column_kind(at->cluster) == GV_LOG_TEXT);
    return is_text ? GV_OK
                   : GV_FAIL(GV_EUSAGE,
                             "--cluster %s: expected user, hour, day, none or a column of texts of "
                             "%s; `gavel inspect` lists them",
                             name, request->log);
}

static gv_status bind(const gv_auctions_request *request, const gv_composition *composition,
                      row_reader *at, gv_auctions_facts *facts)
{
    at->log = composition->log;
    at->zone_us = composition->zone_us;
    at->bid = gv_log_find(at->log, GV_LOG_IMPRESSION, "bid");
    const char *format = gv_log_fact(at->log, "format");
    at->has_lost = format != NULL && strcmp(format, "csv") == 0;
    at->counts_conversions = strcmp(request->reward, "conversions") == 0;
    if (!at->counts_conversions && strcmp(request->reward, "clicks") != 0) {
        return GV_FAIL(GV_EUSAGE,
                       "--column reward=%s: in a .gvlog it is clicks (the default) or conversions",
                       request->reward);
    }
    return choose_cluster(request, composition->has_times, at, facts);
}

static gv_status allocate(row_reader *at, size_t room)
{
    gv_decisions *rows = gv_mem_alloc(sizeof *rows, 0, 0);
    if (rows == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the rows of %s", gv_log_path(at->log));
    }
    at->rows = rows;
    rows->doses = gv_mem_alloc(0, room, sizeof *rows->doses);
    rows->prices = gv_mem_alloc(0, room, sizeof *rows->prices);
    rows->rewards = gv_mem_alloc(0, room, sizeof *rows->rewards);
    rows->clusters = gv_mem_alloc(0, room, sizeof *rows->clusters);
    at->keys = gv_mem_alloc(0, room, sizeof *at->keys);
    if (room > UINT32_MAX || rows->doses == NULL || rows->prices == NULL || rows->rewards == NULL ||
        rows->clusters == NULL || at->keys == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for %zu rows of %s: give a span, --set log.from=...",
                       room, gv_log_path(at->log));
    }
    return GV_OK;
}

static gv_status check_piece(const row_reader *at, uint64_t first, uint64_t last)
{
    if (at->bid != NULL) {
        GV_TRY(gv_log_check(at->bid, first, last - first + 1));
    }
    return at->cluster == NULL ? GV_OK : gv_log_check(at->cluster, first, last - first + 1);
}

static uint64_t key_of(const row_reader *at, uint64_t row, int64_t time_us, size_t number)
{
    size_t size = 0;
    if (at->cluster != NULL) {
        const char *text = gv_log_text(at->cluster, row, &size);
        return gv_hash(text, size);
    }
    return at->cluster_us == 0 ? number : (uint64_t)((time_us + at->zone_us) / at->cluster_us);
}

/* What the row earned; passes over its events. */
static double count_events(const row_reader *at, const gv_opportunities *piece, uint64_t row,
                           size_t *event)
{
    double count = 0;
    for (; *event < piece->event_count && piece->events[*event].opportunity == row; (*event)++) {
        count += (piece->events[*event].is_conversion != 0) == at->counts_conversions ? 1 : 0;
    }
    return count;
}

static void take_row(row_reader *at, uint64_t row, int64_t price_nanos, double reward)
{
    gv_decisions *rows = at->rows;
    const double cpm = (double)GV_NANOS_PER_CPM;
    const size_t i = rows->count++;
    const int64_t bid_nanos = at->bid == NULL ? INT64_MAX : gv_log_integers(at->bid)[row];
    const bool is_above = price_nanos > bid_nanos;
    const bool won = !is_above || !at->has_lost;
    at->odd_count += is_above && won ? 1 : 0;
    const int64_t least_nanos = is_above && won ? price_nanos : bid_nanos;
    rows->doses[i] = at->bid == NULL ? (double)INFINITY : (double)least_nanos / cpm;
    rows->prices[i] = won ? (double)price_nanos / cpm : (double)NAN;
    rows->rewards[i] = won ? reward : 0;
    at->cost_nanos += won ? price_nanos : 0;
}

static gv_status take_piece(row_reader *at, const gv_opportunities *piece)
{
    size_t event = 0;
    assert(at->rows != NULL);
    const uint64_t first = piece->ids == NULL ? piece->first_id : piece->ids[0];
    const uint64_t last =
        piece->ids == NULL ? first + piece->count - 1 : piece->ids[piece->count - 1];
    GV_TRY(check_piece(at, first, last));
    for (size_t i = 0; i < piece->count; i++) {
        const uint64_t row = piece->ids == NULL ? first + i : piece->ids[i];
        const size_t number = at->rows->count;
        at->keys[number] =
            (keyed_row){key_of(at, row, piece->time_us[i], number), (uint32_t)number};
        take_row(at, row, piece->rival_nanos[i], count_events(at, piece, row, &event));
    }
    return GV_OK;
}

static int compare_keys(const void *left, const void *right)
{
    const keyed_row *a = left;
    const keyed_row *b = right;
    if (a->key != b->key) {
        return a->key < b->key ? -1 : 1;
    }
    return (a->row > b->row) - (a->row < b->row);
}

/* Clusters are numbered as they are met, so that neighbours in time are neighbours in number. */
static void number_clusters(row_reader *at)
{
    gv_decisions *rows = at->rows;
    qsort(at->keys, rows->count, sizeof *at->keys, compare_keys);
    uint32_t leader = 0;
    for (size_t k = 0; k < rows->count; k++) {
        const bool begins = k == 0 || at->keys[k].key != at->keys[k - 1].key;
        leader = begins ? at->keys[k].row : leader;
        rows->clusters[at->keys[k].row] = leader;
    }
    for (size_t i = 0; i < rows->count; i++) {
        const bool leads = rows->clusters[i] == i;
        assert(rows->clusters[i] <= i);
        rows->clusters[i] =
            leads ? (uint32_t)rows->cluster_count : rows->clusters[rows->clusters[i]];
        rows->cluster_count += leads ? 1 : 0;
    }
}

static gv_status read_rows(row_reader *at, gv_source *source)
{
    GV_TRY(allocate(at, source->end - source->begin));
    assert(at->rows != NULL);
    gv_opportunities piece = {.count = 0};
    uint64_t position = source->begin;
    GV_TRY(source->load(source, position, &piece, &position));
    while (piece.count > 0) {
        GV_TRY(take_piece(at, &piece));
        GV_TRY(source->load(source, position, &piece, &position));
    }
    if (at->rows->count == 0) {
        return GV_FAIL(GV_EUSAGE, "%s: none of its rows is asked for", gv_log_path(at->log));
    }
    number_clusters(at);
    return GV_OK;
}

gv_status gv_auction_rows_read(const gv_auctions_request *request,
                               const gv_composition *composition, gv_decisions **out,
                               int64_t *cost_nanos, gv_auctions_facts *facts)
{
    row_reader at = {.rows = NULL};
    gv_source *source = NULL;
    gv_logged_config config = composition->campaigns[0].rows;
    config.predictor = NULL;
    GV_TRY(bind(request, composition, &at, facts));
    GV_TRY(gv_logged_source_create(&config, &source));
    const gv_status status = read_rows(&at, source);
    source->destroy(source);
    gv_mem_free(at.keys);
    if (status != GV_OK) {
        gv_decisions_destroy(at.rows);
        return status;
    }
    const double span_us = (double)(config.end_us - config.start_us);
    facts->days = composition->has_times ? span_us / (double)GV_US_PER_DAY : 0;
    facts->odd_count = at.odd_count;
    *cost_nanos = at.cost_nanos;
    *out = at.rows;
    return GV_OK;
}
