/*
 * market_stage.h - a market of 48 campaigns for benchmarks: AuctionNet's PID, online LP and Abid
 * in turn, 16 seats of each, three slots, 48 ticks, about 500,000 opportunities a period.
 *
 * Online LP's tables come from a period of the past, recorded when the stage is opened. All three
 * plan anew at a period's first tick, so a stage may run any number of periods, one at a time.
 */
#ifndef TESTS_BENCH_MARKET_STAGE_H
#define TESTS_BENCH_MARKET_STAGE_H

#include <stdint.h>

#include "sim/base/clock.h"
#include "sim/market/exchange.h"
#include "sim/market/history.h"

enum {
    MARKET_SEATS = 48,
    MARKET_CATEGORIES = 6,
    MARKET_TICKS = 48,
    MARKET_SLOTS = 3,
    MARKET_SEED = 1,
};

#define MARKET_TICK_US (30 * GV_US_PER_MINUTE)

typedef struct market_stage {
    unsigned char traffic_config[1024];
    unsigned char policy_configs[MARKET_SEATS][512];
    uint32_t categories[MARKET_SEATS];
    gv_history *histories[MARKET_CATEGORIES];
    gv_campaign campaigns[MARKET_SEATS];
    gv_seat seats[MARKET_SEATS];
} market_stage;

typedef struct market_result {
    uint64_t auctions;
    uint64_t wins;
    int64_t spend_nanos;
} market_result;

/* These end the program where something fails. */
void market_open(market_stage *market);
void market_close(market_stage *market);
gv_traffic *market_traffic(const market_stage *market, uint64_t period);
market_result market_run(const market_stage *market, uint64_t period);

/*
 * The same with nothing but what a period itself needs: nobody learns, and Abid sits in online
 * LP's seats. For its peak of memory.
 */
market_result market_run_plainly(uint64_t period);

#endif
