/*
 * observation.h - what an auto-bidder's network sees at a tick: AuctionNet's 16 numbers.
 *
 * This is the one function that turns history into a state. Training rebuilds gv_observation from
 * a log and serving gets it from the exchange, so both see the same numbers for the same past.
 * "Mean" of a past quantity is the plain mean over past ticks of each tick's mean, ticks without
 * opportunities left out; before there is any past it is 0.
 *
 * Source: Su et al., "AuctionNet", NeurIPS 2024, and its public train_data_generator.
 */
#ifndef SIM_MARKET_OBSERVATION_H
#define SIM_MARKET_OBSERVATION_H

#include <stdbool.h>
#include <stddef.h>

#include "sim/market/policy.h"

/* In the order of the vector. Money is in units of currency. */
#define GV_STATE_LIST(X)                                          \
    X(GV_STATE_TIME_LEFT, "time_left")                            \
    X(GV_STATE_BUDGET_LEFT, "budget_left")                        \
    X(GV_STATE_BID, "mean_bid")                                   \
    X(GV_STATE_BID_LAST, "mean_bid_last_3")                       \
    X(GV_STATE_LEAST_COST, "mean_least_winning_cost")             \
    X(GV_STATE_VALUE, "mean_value")                               \
    X(GV_STATE_CONVERSION, "mean_conversion")                     \
    X(GV_STATE_WIN, "mean_win")                                   \
    X(GV_STATE_LEAST_COST_LAST, "mean_least_winning_cost_last_3") \
    X(GV_STATE_VALUE_LAST, "mean_value_last_3")                   \
    X(GV_STATE_CONVERSION_LAST, "mean_conversion_last_3")         \
    X(GV_STATE_WIN_LAST, "mean_win_last_3")                       \
    X(GV_STATE_VALUE_NOW, "announced_value")                      \
    X(GV_STATE_COUNT_NOW, "announced_count")                      \
    X(GV_STATE_COUNT_LAST, "count_last_3")                        \
    X(GV_STATE_COUNT, "count")

typedef enum gv_state_entry {
#define X(name, text) name,
    GV_STATE_LIST(X)
#undef X
        GV_STATE_SIZE
} gv_state_entry;

const char *gv_state_name(gv_state_entry entry);

/*
 * Which ticks "last three" means. The published agents' serving code takes the first three of the
 * period instead of the latest: a fault, kept for comparison with them.
 */
typedef enum gv_state_window { GV_STATE_LATEST_THREE, GV_STATE_FIRST_THREE } gv_state_window;

/*
 * state: [GV_STATE_SIZE]. The observation is of a market (asserted) and its tick_count is known.
 * A budget of 0 counts as spent.
 */
void gv_state_of(const gv_observation *observation, gv_state_window window, double *state);

#endif
