/*
 * response.h - what a user does with a page: which slots are seen, who converts, and when.
 *
 * Every draw is keyed by the opportunity (and the advertiser), never by who won or what it cost:
 * the same user sees the same slots and likes the same ads under every policy, so two policies
 * differ only where their bids did. Delays have draws of their own: they move what becomes known,
 * and change nothing that happens.
 *
 * The true probability lies around the predicted one (AuctionNet): a normal of that mean and
 * sigma, cut to [-2 u1, +2 u2] sigmas, with u1 and u2 uniform for an advertiser and a period, which
 * is a bias of reality against prediction that lasts the period.
 */
#ifndef SIM_MARKET_RESPONSE_H
#define SIM_MARKET_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"
#include "sim/market/delay.h"
#include "sim/market/mechanism.h"
#include "sim/market/traffic.h"

typedef struct gv_response_config {
    size_t slot_count;             /* 1 to GV_SLOTS_MAX */
    double exposure[GV_SLOTS_MAX]; /* probability that a slot is seen, each in [0, 1] */
    bool cascade;                  /* a slot is hidden where the one above it was */
    gv_delay exposure_delay;       /* from the auction until the ad is known to have been seen */
    gv_delay conversion_delay;     /* from then until the conversion is known */
    /*
     * AuctionNet's fault: its generators restart from one seed in each tick, so the opportunity
     * in the same place of every tick, and of every period, draws the same response.
     */
    bool repeat_draws;
} gv_response_config;

typedef struct gv_response gv_response;

/* The traffic is borrowed: it knows how uncertain each prediction is. */
GV_MUST_CHECK gv_status gv_response_create(const gv_response_config *config,
                                           const gv_traffic *traffic, uint64_t seed,
                                           uint64_t period, size_t advertiser_count,
                                           gv_response **out);
void gv_response_destroy(gv_response *response); /* accepts NULL */

/* Bit d is set where slot d is seen on this opportunity, if an ad stands in it. */
uint32_t gv_response_seen(const gv_response *response, uint64_t opportunity);

/* The chance that a slot is seen at all, with the cascade: 1, 0.8, 0.48 of 1, 0.8, 0.6. */
double gv_response_exposure(const gv_response *response, size_t slot);

/* How long after the auction it is known that this advertiser's ad was seen. */
bool gv_response_delays_exposure(const gv_response *response); /* false: always 0 */
int64_t gv_response_exposure_delay(const gv_response *response, uint64_t opportunity,
                                   uint32_t advertiser);

/*
 * Whether the user converts on this advertiser's ad once it is seen, `value` being the predicted
 * probability; and, if so, how long after.
 */
bool gv_response_converts(const gv_response *response, uint64_t opportunity, uint32_t advertiser,
                          double value, int64_t *delay_us);

/*
 * The same for a run of opportunities of one tick, drawn together: what single calls would say.
 * seen, luck: [count]. Luck is the draw that decides whether an ad of advertisers[i] converts: it
 * does where luck is below the true probability.
 */
void gv_response_seen_all(const gv_response *response, uint64_t first, size_t count,
                          uint32_t *seen);
void gv_response_luck_all(const gv_response *response, uint64_t first, size_t count,
                          const uint32_t *advertisers, double *luck);
bool gv_response_converts_by(const gv_response *response, uint64_t opportunity, uint32_t advertiser,
                             double value, double luck, int64_t *delay_us);

/* The true probability itself, for tests and for references that see everything. */
double gv_response_probability(const gv_response *response, uint64_t opportunity,
                               uint32_t advertiser, double value);

#endif
