#include <inttypes.h>
#include <stdio.h>

#include "bench/raw_logs.h"

/* splitmix64. */
static uint64_t next(uint64_t *state)
{
    *state += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t mixed = *state;
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94D049BB133111EB);
    return mixed ^ mixed >> 31;
}

static double uniform(uint64_t *state)
{
    return (double)(next(state) >> 11) * 0x1p-53;
}

/* One of `count`, the first far more often than the last. */
static uint64_t skewed(uint64_t *state, uint64_t count)
{
    const double u = uniform(state);
    return (uint64_t)(u * u * u * (double)count);
}

/* Thirty-two hexadecimal digits that belong to `number`. */
static void print_digest(FILE *file, uint64_t number)
{
    uint64_t state = number;
    const uint64_t high = next(&state);
    (void)fprintf(file, "%016" PRIx64 "%016" PRIx64, high, next(&state));
}

static void print_agent(FILE *file, uint64_t agent)
{
    static const char *const systems[] = {
        "compatible; MSIE 8.0; Windows NT 5.1; Trident/4.0; SLCC2; .NET CLR 2.0.50727",
        "Windows NT 6.1) AppleWebKit/537.1 (KHTML, like Gecko) Chrome/21.0.1180.89",
        "iPad; CPU OS 6_1_3 like Mac OS X) AppleWebKit/536.26 Version/6.0 Mobile",
        "compatible; MSIE 6.0; Windows NT 5.1; SV1"};
    (void)fprintf(file, "Mozilla/%" PRIu64 ".0 (%s; rv:%" PRIu64 ")", 4 + agent % 2,
                  systems[agent % 4], agent);
}

static void print_tags(FILE *file, uint64_t *state)
{
    const uint64_t count = next(state) % 12;
    if (count == 0) {
        (void)fputs("null", file);
    }
    for (uint64_t i = 0; i < count; i++) {
        (void)fprintf(file, "%s%" PRIu64, i == 0 ? "" : ",", 10006 + skewed(state, 60) * 7);
    }
}

static void print_impression(FILE *file, uint64_t *state)
{
    static const char *const sizes[] = {"300\t250", "728\t90", "336\t280", "950\t90", "160\t600"};
    print_digest(file, next(state));
    const uint64_t second = next(state) % 86400;
    (void)fprintf(file, "\t201306%02" PRIu64 "%02" PRIu64 "%02" PRIu64 "%02" PRIu64 "%03" PRIu64,
                  6 + next(state) % 7, second / 3600, second / 60 % 60, second % 60,
                  next(state) % 1000);
    (void)fprintf(file, "\t1\tV%014" PRIx64 "\t", next(state) >> 12);
    print_agent(file, skewed(state, 6000));
    const uint64_t city = skewed(state, 370);
    (void)fprintf(file,
                  "\t%" PRIu64 ".%" PRIu64 ".%" PRIu64 ".*\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64
                  "\ttrq%012" PRIx64 "\t",
                  1 + skewed(state, 220), skewed(state, 250), skewed(state, 60), city / 11, city,
                  1 + next(state) % 4, skewed(state, 25000) * UINT64_C(0x9E3779B9));
    print_digest(file, skewed(state, 4000000));
    (void)fprintf(file,
                  "\tnull\tmm_%" PRIu64 "_%" PRIu64 "\t%s\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t",
                  10000000 + skewed(state, 60000), skewed(state, 900), sizes[next(state) % 5],
                  next(state) % 3, next(state) % 2, skewed(state, 120));
    print_digest(file, skewed(state, 130));
    (void)fprintf(file, "\t%" PRIu64 "\t%" PRIu64 "\t", 227 + next(state) % 74, skewed(state, 300));
    const uint64_t advertiser = next(state) % 5;
    print_digest(file, 777 + advertiser);
    (void)fprintf(file, "\t%" PRIu64 "\t", 1458 + advertiser * 480);
    print_tags(file, state);
    (void)fputc('\n', file);
}

bool raw_log_ipinyou(const char *path, uint64_t seed, size_t rows)
{
    FILE *file = fopen(path, "wb");
    uint64_t state = seed;
    for (size_t i = 0; file != NULL && i < rows; i++) {
        print_impression(file, &state);
    }
    return file != NULL && fclose(file) == 0;
}

static const char *const auction_columns[] = {"deliveryPeriodIndex",
                                              "advertiserNumber",
                                              "advertiserCategoryIndex",
                                              "budget",
                                              "CPAConstraint",
                                              "timeStepIndex",
                                              "remainingBudget",
                                              "pvIndex",
                                              "pValue",
                                              "pValueSigma",
                                              "bid",
                                              "xi",
                                              "adSlot",
                                              "cost",
                                              "isExposed",
                                              "conversionAction",
                                              "leastWinningCost",
                                              "isEnd"};

enum { AUCTION_COLUMNS = sizeof auction_columns / sizeof auction_columns[0] };

static void auction_cells(uint64_t *state, size_t row, double cells[AUCTION_COLUMNS])
{
    const double advertiser = (double)(row % 48);
    const size_t category = row % 48 / 8;
    const size_t step = row / 20000 % 48;
    const size_t pv = row / 48;
    const bool won = next(state) % 16 == 0;
    const double bid = uniform(state) * 0.3;
    const double budget = 2000 + advertiser * 50;
    const double made[AUCTION_COLUMNS] = {7,
                                          advertiser,
                                          (double)category,
                                          budget,
                                          60 + advertiser,
                                          (double)step,
                                          budget * uniform(state),
                                          (double)pv,
                                          uniform(state) * 0.002,
                                          uniform(state) * 0.0002,
                                          bid,
                                          won,
                                          won ? (double)(1 + row % 3) : 0,
                                          won ? bid * uniform(state) : 0,
                                          won && row % 3 == 0,
                                          0,
                                          uniform(state) * 0.2,
                                          0};
    for (size_t i = 0; i < AUCTION_COLUMNS; i++) {
        cells[i] = made[i];
    }
}

static bool write_auctions(const char *path, uint64_t seed, size_t rows, const char *quote)
{
    FILE *file = fopen(path, "wb");
    uint64_t state = seed;
    for (size_t i = 0; file != NULL && i < AUCTION_COLUMNS; i++) {
        (void)fprintf(file, "%s%s%s%s", i == 0 ? "" : ",", quote, auction_columns[i], quote);
    }
    for (size_t row = 0; file != NULL && row < rows; row++) {
        double cells[AUCTION_COLUMNS];
        auction_cells(&state, row, cells);
        for (size_t i = 0; i < AUCTION_COLUMNS; i++) {
            const bool is_whole = cells[i] == (double)(int64_t)cells[i];
            (void)fprintf(file, is_whole ? "%s%s%.1f%s" : "%s%s%.17g%s", i == 0 ? "\n" : ",", quote,
                          cells[i], quote);
        }
    }
    return file != NULL && fputc('\n', file) != EOF && fclose(file) == 0;
}

bool raw_log_auctions(const char *path, uint64_t seed, size_t rows)
{
    return write_auctions(path, seed, rows, "");
}

bool raw_log_quoted(const char *path, uint64_t seed, size_t rows)
{
    return write_auctions(path, seed, rows, "\"");
}

bool raw_log_mapping(const char *path)
{
    static const char text[] =
        "delimiter: comma\n"
        "quoting: quoted\n"
        "header: yes\n"
        "rows: impression\n"
        "columns:\n"
        "  timeStepIndex: {role: time, format: steps, step: 30 min, start: 2024-01-01}\n"
        "  advertiserNumber: advertiser\n"
        "  bid: {role: bid, unit: currency}\n"
        "  cost: {role: floor, unit: currency}\n"
        "  leastWinningCost: {role: price, unit: currency}\n"
        "  pValue: pcvr\n"
        "  conversionAction: conversions\n"
        "  deliveryPeriodIndex: {name: period, kind: integer}\n"
        "  advertiserCategoryIndex: {name: category, kind: integer}\n"
        "  budget: {name: budget, kind: real}\n"
        "  CPAConstraint: {name: cpa, kind: real}\n"
        "  remainingBudget: {name: remaining, kind: real}\n"
        "  pvIndex: {name: pv, kind: integer}\n"
        "  pValueSigma: {name: pvalue_sigma, kind: real}\n"
        "  xi: {name: won, kind: integer}\n"
        "  adSlot: {name: ad_slot, kind: integer}\n"
        "  isExposed: {name: exposed, kind: integer}\n"
        "  isEnd: {name: is_end, kind: integer}\n";
    FILE *file = fopen(path, "wb");
    const bool is_written = file != NULL && fputs(text, file) != EOF;
    return is_written && fclose(file) == 0;
}
