/*
 * auctionnet.h - AuctionNet's logs: a row for every opportunity and advertiser, 18 columns of CSV.
 *
 * A file may hold several periods and more than memory can: it is read tick by tick, plain or
 * packed (gz, bz2, zst, xz, lz4), and no more than a tick is held. Columns are found by name, in
 * any order; only those that are asked for are parsed. Within a tick rows may be sorted by
 * opportunity or by advertiser, as long as every advertiser has the same opportunities in the
 * same order, and as long as the same advertisers are there in every tick of a period. What
 * breaks these rules, or is no number where one belongs, ends the reading with file, line, column,
 * what was expected and what was found.
 *
 * What an advertiser is (category, budget, CPA constraint, what is left of the budget, whether
 * it has ended) is read from its first row of each tick.
 */
#ifndef SIM_LOG_AUCTIONNET_H
#define SIM_LOG_AUCTIONNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"

/* In the published order. */
#define GV_AUCTIONNET_LIST(X)                            \
    X(GV_AUCTIONNET_PERIOD, "deliveryPeriodIndex")       \
    X(GV_AUCTIONNET_ADVERTISER, "advertiserNumber")      \
    X(GV_AUCTIONNET_CATEGORY, "advertiserCategoryIndex") \
    X(GV_AUCTIONNET_BUDGET, "budget")                    \
    X(GV_AUCTIONNET_CPA, "CPAConstraint")                \
    X(GV_AUCTIONNET_TICK, "timeStepIndex")               \
    X(GV_AUCTIONNET_BUDGET_LEFT, "remainingBudget")      \
    X(GV_AUCTIONNET_OPPORTUNITY, "pvIndex")              \
    X(GV_AUCTIONNET_VALUE, "pValue")                     \
    X(GV_AUCTIONNET_SIGMA, "pValueSigma")                \
    X(GV_AUCTIONNET_BID, "bid")                          \
    X(GV_AUCTIONNET_WON, "xi")                           \
    X(GV_AUCTIONNET_SLOT, "adSlot")                      \
    X(GV_AUCTIONNET_COST, "cost")                        \
    X(GV_AUCTIONNET_EXPOSED, "isExposed")                \
    X(GV_AUCTIONNET_CONVERTED, "conversionAction")       \
    X(GV_AUCTIONNET_LEAST_COST, "leastWinningCost")      \
    X(GV_AUCTIONNET_END, "isEnd")

typedef enum gv_auctionnet_column {
#define X(name, text) name,
    GV_AUCTIONNET_LIST(X)
#undef X
        GV_AUCTIONNET_COLUMNS
} gv_auctionnet_column;

const char *gv_auctionnet_column_name(gv_auctionnet_column column);

/* The columns that are read; those that name the row and its advertiser always are. */
enum {
    GV_AUCTIONNET_VALUES = 1 << GV_AUCTIONNET_VALUE | 1 << GV_AUCTIONNET_SIGMA,
    GV_AUCTIONNET_MARKET = GV_AUCTIONNET_VALUES | 1 << GV_AUCTIONNET_LEAST_COST,
    GV_AUCTIONNET_ALL = (1 << GV_AUCTIONNET_COLUMNS) - 1,
};

enum { GV_AUCTIONNET_ADVERTISERS_MAX = 4096, GV_AUCTIONNET_TICKS_MAX = 1 << 16 };

typedef struct gv_auctionnet_advertiser {
    uint32_t number; /* in the file */
    uint32_t category;
    double budget; /* of the period, in units of currency, as all money here */
    double cpa;
    double budget_left; /* before the tick */
    bool has_ended;     /* isEnd */
} gv_auctionnet_advertiser;

/* One tick. Arrays are [advertiser][stride], `count` of each row; NULL for what was not wanted. */
typedef struct gv_auctionnet_tick {
    uint64_t period;
    size_t tick;
    uint64_t line; /* of the first row */
    size_t advertiser_count;
    const gv_auctionnet_advertiser *advertisers; /* as they first came in the period */
    size_t count;                                /* opportunities, at least one */
    size_t stride;
    const uint64_t *opportunities; /* [count]: pvIndex */
    const double *values;
    const double *sigmas;
    const double *bids;
    const double *costs;       /* of the slot won; due only when exposed */
    const double *least_costs; /* what the last slot took */
    const uint8_t *won;
    const uint8_t *slots; /* 1 is the best, 0: none */
    const uint8_t *exposed;
    const uint8_t *converted;
} gv_auctionnet_tick;

typedef struct gv_auctionnet_reader gv_auctionnet_reader;

/* `wanted`: bits 1 << column. Reads the header. `path` is borrowed while the reader lives. */
GV_MUST_CHECK gv_status gv_auctionnet_open(const char *path, unsigned wanted,
                                           gv_auctionnet_reader **out);
void gv_auctionnet_close(gv_auctionnet_reader *reader); /* accepts NULL */

/* The next tick, valid until the next call; *found false: there is none left. */
GV_MUST_CHECK gv_status gv_auctionnet_next(gv_auctionnet_reader *reader, gv_auctionnet_tick *tick,
                                           bool *found);

/* Bytes of the file read so far, as they lie on the disk. */
uint64_t gv_auctionnet_consumed(const gv_auctionnet_reader *reader);

#endif
