/*
 * AuctionNet's own log, row by row: what its auction made of 48 bids an opportunity, ours makes of
 * the same bids. Winners, slots, prices and least winning costs must be equal, to the nano, by
 * the vector ranking and by the plain auction; exposures and conversions must lie where their
 * laws put them. The rows are read from GAVEL_AUCTIONNET (a CSV of the published 18 columns, plain
 * or packed) or from GAVEL_DATA.
 */
#include <archive.h>
#include <archive_entry.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "sim/base/mem.h"
#include "sim/market/auction.h"
#include "sim/market/rank.h"

enum { BIDDERS = 48, SLOTS = 3, FIELDS = 18, BUFFER_SIZE = 1 << 20, LINE_SIZE = 1024 };

#define RESERVE_NANOS INT64_C(100000)

/* The columns that are compared, by number in the published order. */
enum {
    ADVERTISER = 1,
    TICK = 5,
    OPPORTUNITY = 7,
    VALUE = 8,
    BID = 10,
    WON = 11,
    SLOT = 12,
    COST = 13,
    EXPOSED = 14,
    CONVERTED = 15,
    LEAST_COST = 16,
};

/* The file's lines, unpacked on the way. */
typedef struct line_reader {
    struct archive *archive;
    char buffer[BUFFER_SIZE];
    size_t size;
    size_t at;
} line_reader;

static bool open_lines(line_reader *reader, const char *path)
{
    struct archive_entry *entry = NULL;
    reader->archive = archive_read_new();
    archive_read_support_filter_all(reader->archive);
    archive_read_support_format_raw(reader->archive);
    return archive_read_open_filename(reader->archive, path, BUFFER_SIZE) == ARCHIVE_OK &&
           archive_read_next_header(reader->archive, &entry) == ARCHIVE_OK;
}

static int next_byte(line_reader *reader)
{
    if (reader->at == reader->size) {
        const la_ssize_t got = archive_read_data(reader->archive, reader->buffer, BUFFER_SIZE);
        assert_true(got >= 0);
        reader->size = (size_t)got;
        reader->at = 0;
    }
    return reader->at < reader->size ? reader->buffer[reader->at++] : -1;
}

/* False at the end of the file. */
static bool next_line(line_reader *reader, char *line)
{
    size_t size = 0;
    int byte = next_byte(reader);
    while (byte != -1 && byte != '\n') {
        assert_true(size + 1 < LINE_SIZE);
        line[size++] = (char)byte;
        byte = next_byte(reader);
    }
    line[size] = '\0';
    return size > 0;
}

/* The rows of one opportunity: all bidders, in order. */
typedef struct opportunity {
    double fields[BIDDERS][FIELDS];
} opportunity;

static bool next_opportunity(line_reader *reader, opportunity *out)
{
    char line[LINE_SIZE];
    for (size_t b = 0; b < BIDDERS; b++) {
        if (!next_line(reader, line)) {
            assert_int_equal(b, 0);
            return false;
        }
        char *at = line;
        for (size_t f = 0; f < FIELDS; f++) {
            char *end = NULL;
            out->fields[b][f] = strtod(at, &end);
            assert_ptr_not_equal(end, at);
            at = end + (*end == ',');
        }
        assert_true(out->fields[b][ADVERTISER] == (double)b);
        assert_true(out->fields[b][OPPORTUNITY] == out->fields[0][OPPORTUNITY]);
    }
    return true;
}

static int64_t nanos(double money)
{
    return llround(money * 1e9);
}

/* What an opportunity's slots came to: who won and for how much; BIDDERS: nobody. */
typedef struct verdict {
    uint64_t winners[SLOTS]; /* as wide as the rest: no padding to compare */
    int64_t prices[SLOTS];
    int64_t least_cost;
} verdict;

/* The published rule on top of either ranking: a price of exactly the reserve is no sale. */
static void sell(verdict *out, size_t slot, uint32_t bidder, int64_t price)
{
    const bool is_sold = price > RESERVE_NANOS;
    out->winners[slot] = is_sold ? bidder : BIDDERS;
    out->prices[slot] = is_sold ? price : 0;
}

static int64_t at_least_reserve(int64_t offer)
{
    return offer > RESERVE_NANOS ? offer : RESERVE_NANOS;
}

static verdict rank_by_vectors(const int64_t *offers)
{
    const gv_ranking ranking = gv_ranking_of(BIDDERS, SLOTS + 1);
    int64_t keys[SLOTS + 1];
    verdict out = {.winners = {BIDDERS, BIDDERS, BIDDERS}};
    gv_ranking_best(&ranking, offers, 1, 1, keys);
    for (size_t slot = 0; slot < SLOTS; slot++) {
        if (gv_ranking_offer(&ranking, keys[slot]) >= RESERVE_NANOS) {
            const int64_t next = gv_ranking_offer(&ranking, keys[slot + 1]);
            sell(&out, slot, gv_ranking_bidder(&ranking, keys[slot]), at_least_reserve(next));
        }
    }
    out.least_cost = at_least_reserve(gv_ranking_offer(&ranking, keys[SLOTS]));
    return out;
}

static verdict rank_plainly(gv_auction *auction, const int64_t *offers, int64_t least_cost)
{
    gv_bid bids[BIDDERS];
    gv_award awards[SLOTS];
    verdict out = {.winners = {BIDDERS, BIDDERS, BIDDERS}, .least_cost = least_cost};
    for (uint32_t b = 0; b < BIDDERS; b++) {
        bids[b] = (gv_bid){b, offers[b]};
    }
    const size_t sold = gv_auction_run(auction, bids, BIDDERS, awards);
    for (size_t slot = 0; slot < sold; slot++) {
        sell(&out, slot, awards[slot].bidder, awards[slot].price_nanos);
    }
    return out;
}

static verdict logged_verdict(const opportunity *logged)
{
    verdict out = {.winners = {BIDDERS, BIDDERS, BIDDERS},
                   .least_cost = nanos(logged->fields[0][LEAST_COST])};
    for (uint32_t b = 0; b < BIDDERS; b++) {
        const double *row = logged->fields[b];
        if (row[WON] > 0.0) {
            const size_t slot = (size_t)row[SLOT] - 1;
            assert_true(slot < SLOTS);
            assert_int_equal(out.winners[slot], BIDDERS);
            out.winners[slot] = b;
            out.prices[slot] = nanos(row[COST]);
        }
    }
    return out;
}

/* Counts over all opportunities, for the laws of exposure and conversion. */
typedef struct row_totals {
    uint64_t opportunities;
    double tick;           /* the last one seen */
    uint64_t in_tick;      /* opportunities of it so far */
    uint64_t longest_tick; /* the most opportunities of one */
    uint64_t won[SLOTS];
    uint64_t seen[SLOTS];
    double expected_conversions;
    double conversions;
} row_totals;

static void count_tick(row_totals *totals, double tick)
{
    totals->opportunities++;
    totals->in_tick = tick == totals->tick ? totals->in_tick + 1 : 1;
    totals->tick = tick;
    if (totals->in_tick > totals->longest_tick) {
        totals->longest_tick = totals->in_tick;
    }
}

static void count_exposures(row_totals *totals, const opportunity *logged)
{
    bool is_seen[SLOTS] = {false};
    count_tick(totals, logged->fields[0][TICK]);
    for (size_t b = 0; b < BIDDERS; b++) {
        const double *row = logged->fields[b];
        if (row[WON] > 0.0) {
            const size_t slot = (size_t)row[SLOT] - 1;
            totals->won[slot]++;
            totals->seen[slot] += row[EXPOSED] > 0.0;
            is_seen[slot] = row[EXPOSED] > 0.0;
        }
        if (row[EXPOSED] > 0.0) {
            totals->expected_conversions += row[VALUE];
        }
        totals->conversions += row[CONVERTED];
    }
    assert_true(is_seen[1] || !is_seen[2]); /* the cascade: no third without the second */
}

/* Draws repeat every tick: as many are independent as the longest tick has opportunities. */
static void check_laws(const row_totals *totals)
{
    static const double laws[SLOTS] = {1.0, 0.8, 0.48};
    const double independent = (double)totals->longest_tick;
    for (size_t slot = 0; slot < SLOTS; slot++) {
        const double rate = (double)totals->seen[slot] / (double)totals->won[slot];
        const double error = sqrt(laws[slot] * (1.0 - laws[slot]) / independent);
        printf("slot %zu: %" PRIu64 " sold, seen %.4f, law %.2f, standard error %.4f\n", slot + 1,
               totals->won[slot], rate, laws[slot], error);
        assert_true(fabs(rate - laws[slot]) <= 4.0 * error);
    }
    const double error = sqrt(totals->expected_conversions);
    printf("conversions: %.0f, expected %.1f, standard error %.1f\n", totals->conversions,
           totals->expected_conversions, error);
    assert_true(fabs(totals->conversions - totals->expected_conversions) <= 4.0 * error);
}

static void check_opportunity(gv_auction *auction, const opportunity *logged)
{
    int64_t offers[BIDDERS];
    for (size_t b = 0; b < BIDDERS; b++) {
        offers[b] = nanos(logged->fields[b][BID]);
        assert_int_equal(nanos(logged->fields[b][LEAST_COST]),
                         nanos(logged->fields[0][LEAST_COST]));
    }
    const verdict expected = logged_verdict(logged);
    const verdict ranked = rank_by_vectors(offers);
    const verdict plain = rank_plainly(auction, offers, ranked.least_cost);
    assert_memory_equal(&ranked, &expected, sizeof ranked);
    assert_memory_equal(&plain, &expected, sizeof plain);
}

static void each_logged_opportunity_is_sold_as_logged(void **state)
{
    (void)state;
    const char *named = getenv("GAVEL_AUCTIONNET");
    const char *data = getenv("GAVEL_DATA");
    char path[1024];
    char header[LINE_SIZE];
    (void)snprintf(path, sizeof path, "%s/auctionnet/period-7.csv.zst",
                   data == NULL ? "../shared/data" : data);
    line_reader *reader = gv_mem_alloc(sizeof *reader, 0, 0);
    opportunity *logged = gv_mem_alloc(sizeof *logged, 0, 0);
    assert_non_null(reader);
    assert_non_null(logged);
    const bool is_there = open_lines(reader, named == NULL ? path : named);
    if (is_there) {
        const gv_auction_config config = {.type = &gv_mechanism_second_price,
                                          .slot_count = SLOTS,
                                          .reserve_nanos = RESERVE_NANOS};
        gv_auction *auction = NULL;
        row_totals totals = {0};
        assert_int_equal(gv_auction_create(&config, &auction), GV_OK);
        assert_true(next_line(reader, header));
        while (next_opportunity(reader, logged)) {
            check_opportunity(auction, logged);
            count_exposures(&totals, logged);
        }
        printf("%" PRIu64 " opportunities of %d bidders agree\n", totals.opportunities, BIDDERS);
        check_laws(&totals);
        gv_auction_destroy(auction);
    }
    archive_read_free(reader->archive);
    gv_mem_free(reader);
    gv_mem_free(logged);
    if (!is_there) {
        printf("skipped: no %s; name a file in GAVEL_AUCTIONNET, or a folder in GAVEL_DATA\n",
               named == NULL ? path : named);
        skip();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_logged_opportunity_is_sold_as_logged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
