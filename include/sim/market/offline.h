/*
 * offline.h - the published offline evaluation: one campaign at a time against a logged market.
 *
 * AuctionNet's competition scores a policy on a log without a simulator: a bid wins where it
 * reaches the logged least winning cost, and pays that cost. There are no slots and no exposure,
 * and rivals do not react. Of what is won, a value is drawn from Normal(pValue, sigma), cut to
 * [0, 1], and converts with that probability. Numbers from it say how a policy spends on given
 * traffic; they are not comparable with those of a market (exchange.h).
 *
 * The published rule for a budget (GV_OVERSPEND_AUCTIONNET): with less than a minimum left there
 * are no bids; a tick that cost more than was left is played again without ceil(wins x ratio) of
 * its wins, drawn at random, where ratio = (cost - left) / (cost + 1e-4), until it fits. The exact
 * rule (GV_OVERSPEND_EXACT) lowers each offer to what is left, auction by auction, as the exchange
 * does.
 *
 * Money is rounded to nanos before it is compared. Draws are keyed by (period, advertiser, place of
 * the opportunity in the period, round of the tick), so the same campaign meets the same luck
 * under every policy and budget.
 *
 * Source: Su et al., "AuctionNet", NeurIPS 2024, and the public General Track baseline.
 */
#ifndef SIM_MARKET_OFFLINE_H
#define SIM_MARKET_OFFLINE_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"
#include "sim/log/auctionnet.h"
#include "sim/market/campaign.h"
#include "sim/market/exchange.h"
#include "sim/market/policy.h"
#include "sim/market/seat.h"

/* No offer counts for more, and an opportunity that costs as much is never won: 1,099 units. */
#define GV_OFFLINE_PRICE_END (INT64_C(1) << 40)

typedef struct gv_offline_seat {
    const gv_campaign *campaign; /* borrowed: budget, bid cap */
    gv_policy *policy;           /* borrowed */
    uint32_t advertiser;         /* its number in the log; keys its draws */
    size_t row;                  /* whose row of a tick's columns it plays on */
} gv_offline_seat;

typedef struct gv_offline_config {
    const gv_offline_seat *seats; /* borrowed; seats do not meet: each is alone with the log */
    size_t seat_count;
    gv_overspend overspend;
    int64_t
        left_min_nanos; /* with less left no bid is made; AUCTIONNET: GV_AUCTIONNET_MIN_REMAINING */
    uint64_t seed;
    uint64_t period; /* below 2^32 */
    int64_t start_us;
    int64_t tick_us;
    size_t tick_count;
} gv_offline_config;

typedef struct gv_offline gv_offline;

/*
 * GV_EINVAL: a policy bids one by one, which needs GV_OVERSPEND_EXACT, or reads what a log lacks.
 */
GV_MUST_CHECK gv_status gv_offline_create(const gv_offline_config *config, gv_offline **out);
void gv_offline_destroy(gv_offline *offline); /* accepts NULL */

/*
 * Plays one tick for every seat. It was read with GV_AUCTIONNET_MARKET at least; ticks come in
 * order, and those that the log lacks are played as ones without opportunities.
 */
GV_MUST_CHECK gv_status gv_offline_play(gv_offline *offline, const gv_auctionnet_tick *tick);

/* [tick_count] of one seat, those that were played. */
const gv_seat_tick *gv_offline_ticks(const gv_offline *offline, size_t seat);
gv_seat_tick gv_offline_total(const gv_offline *offline, size_t seat);

#endif
