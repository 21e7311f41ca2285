/*
 * outlook.h - what a campaign can tell about the rest of its period, free of scale.
 *
 * A second set of features of the observation that gv_state_of() reads, for policies that must
 * serve any budget, CPA and traffic: money is in units of the budget or the CPA, conversions in
 * units of K = budget / CPA, what the budget buys at the CPA, and ratios are natural logarithms. A
 * trainer whose roll-outs fill gv_seat_tick themselves calls the same function as the policy that
 * serves. Ours; the quantities are those that a pacing controller looks at.
 *
 * B is the budget, C the CPA, S what is spent, N the conversions known, V the values of what was
 * seen, T the ticks of the period; "last 3" are the latest three ticks, "past" all.
 */
#ifndef SIM_MARKET_OUTLOOK_H
#define SIM_MARKET_OUTLOOK_H

#include "sim/market/campaign.h"
#include "sim/market/policy.h"

/* In the order of the vector. */
#define GV_OUTLOOK_LIST(X)                                                                     \
    X(GV_OUTLOOK_TIME_LEFT, "time_left")         /* share of ticks */                          \
    X(GV_OUTLOOK_BUDGET_LEFT, "budget_left")     /* (B - S) / B */                             \
    X(GV_OUTLOOK_SPENT, "spent")                 /* S / B */                                   \
    X(GV_OUTLOOK_CONVERSIONS, "conversions")     /* N / K */                                   \
    X(GV_OUTLOOK_EXPECTED, "expected")           /* V / K */                                   \
    X(GV_OUTLOOK_SIZE_LOG, "size")               /* log K */                                   \
    X(GV_OUTLOOK_COST, "cost")                   /* log (S + C) / (C (N + 1)) */               \
    X(GV_OUTLOOK_COST_EXPECTED, "cost_expected") /* log (S + C / 5) / (C (V + 0.2)) */         \
    X(GV_OUTLOOK_LUCK, "luck")                   /* log (N + 3) / (V + 3) */                   \
    X(GV_OUTLOOK_VALUE_NOW, "announced_value")   /* log T x values announced / K */            \
    X(GV_OUTLOOK_COUNT_NOW, "announced_count")   /* log count / 10,000 */                      \
    X(GV_OUTLOOK_MEAN_NOW, "announced_mean")     /* log 1000 x mean value announced */         \
    X(GV_OUTLOOK_PRICE_LAST, "price_last")       /* log least costs / (values C) */            \
    X(GV_OUTLOOK_MEAN_LAST, "mean_last")         /* log 1000 x mean value */                   \
    X(GV_OUTLOOK_PRICE_LAST_3, "price_last_3")                                                 \
    X(GV_OUTLOOK_MEAN_LAST_3, "mean_last_3")                                                   \
    X(GV_OUTLOOK_PRICE, "price_past")                                                          \
    X(GV_OUTLOOK_MEAN, "mean_past")                                                            \
    X(GV_OUTLOOK_BID_LAST, "bid_last")           /* log multiplier / C */                      \
    X(GV_OUTLOOK_SPENT_LAST, "spent_last")       /* T x spend / B */                           \
    X(GV_OUTLOOK_EXPECTED_LAST, "expected_last") /* T x values seen / K */                     \
    X(GV_OUTLOOK_COST_LAST, "cost_last") /* log (spend + C / 20) / (C (values seen + 0.05)) */ \
    X(GV_OUTLOOK_BID, "bid_past")        /* mean over ticks of bid_last */                     \
    X(GV_OUTLOOK_SPENT_LAST_4, "spent_last_4") /* means over the latest four ticks */          \
    X(GV_OUTLOOK_EXPECTED_LAST_4, "expected_last_4")                                           \
    X(GV_OUTLOOK_PACE, "pace") /* budget_left / time_left */

typedef enum gv_outlook_entry {
#define X(name, text) name,
    GV_OUTLOOK_LIST(X)
#undef X
        GV_OUTLOOK_SIZE
} gv_outlook_entry;

/* Every entry is within +-GV_OUTLOOK_MOST. */
#define GV_OUTLOOK_MOST 10.0

const char *gv_outlook_name(gv_outlook_entry entry);

/*
 * outlook: [GV_OUTLOOK_SIZE]. The observation is of a market, its tick_count is known and the
 * campaign has a CPA above 0 (asserted). Of each past tick it reads auctions, bid_nanos,
 * spend_nanos, conversions, value_units, exposed_value_units and least_cost_nanos, and nothing
 * else. What there is none of (before the first tick; ticks without values) is 0, a mean value what
 * is announced; a ratio to 0 is the most, 0 to something the least.
 */
void gv_outlook_of(const gv_observation *observation, const gv_campaign *campaign, double *outlook);

/*
 * The same as trajectories hold it and networks are told it: [GV_OUTLOOK_SIZE], all 0 of a campaign
 * without a CPA.
 */
void gv_outlook_told(const gv_observation *observation, int64_t cpa_nanos, float *told);

#endif
