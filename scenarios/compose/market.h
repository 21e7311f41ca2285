/*
 * market.h - a scenario's market, made ready: advertisers, contenders, what policies learn from.
 *
 * A period is one unit of the run: the market itself (arm 0), then every contender in every
 * advertiser's place (arms 1 and on). Its rows are numbered by (period, arm, advertiser).
 */
#ifndef SCENARIOS_COMPOSE_MARKET_H
#define SCENARIOS_COMPOSE_MARKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scenarios/config/scenario.h"
#include "sim/base/progress.h"
#include "sim/market/exchange.h"
#include "sim/market/history.h"
#include "sim/market/record.h"

/* One advertiser, the same in every period but for the times of its campaign. */
typedef struct gv_market_advertiser {
    gv_campaign campaign;
    uint32_t category;
    const gv_policy_plan *policy; /* its own in the market */
    gv_distortion distortion;     /* of the advertiser under it */
} gv_market_advertiser;

typedef struct gv_market {
    const gv_scenario *scenario;
    const gv_market_plan *plan;
    size_t seat_count;
    gv_market_advertiser *advertisers; /* [seat_count] */
    uint32_t *categories;              /* [seat_count] */
    size_t category_count;
    const gv_policy_plan **contenders; /* [contender_count] */
    size_t contender_count;
    void **models;          /* [policies of the scenario]: shared by all threads; NULL: none */
    gv_history **histories; /* [category_count]: shared by all threads; NULL: nobody learns */
    const char *history_name;
} gv_market;

/* Parts of one period that are the same for all its arms. */
typedef struct gv_market_period {
    bool is_calm; /* set beforehand: without shocks and distortions, to learn from */
    uint64_t number;
    int64_t start_us;
    gv_traffic *traffic;
    gv_response *response;
    gv_exchange_config config; /* with no seats yet */
    double *means;             /* [seat_count]: of a value, over the period; NULL: nobody asks */
    double *levels; /* [level_ticks][seat_count]: of a value, over each tick; the period's own are
                       the last. NULL: nobody asks */
    size_t level_ticks;
} gv_market_period;

/* Advertisers and policies, checked; mistakes become problems of the scenario. */
GV_MUST_CHECK gv_status gv_market_create(gv_scenario *scenario, gv_market **out);
void gv_market_destroy(gv_market *market); /* accepts NULL */

/* Whether any advertiser or contender bids by it. */
bool gv_market_uses(const gv_market *market, const gv_policy_plan *plan);

/* The file that a policy's network comes from; NULL: it has none, or nobody bids by it. */
const char *gv_market_weights(const gv_market *market, const gv_policy_plan *plan);

/* gv_policy_tell() of the model that policy `number` of the scenario shares. */
void gv_market_tell(const gv_market *market, size_t number, char *text, size_t size);

/* The traffic of a period alone, which the caller owns. */
GV_MUST_CHECK gv_status gv_market_traffic(const gv_market *market, uint64_t number, bool is_calm,
                                          gv_traffic **out);

/*
 * What the period's advertisers and contenders believe by: means where somebody is cold, levels
 * where somebody is stale. period: with its traffic.
 */
GV_MUST_CHECK gv_status gv_market_beliefs_open(const gv_market *market, gv_market_period *period);
void gv_market_beliefs_close(gv_market_period *period);

/* Puts the advertiser's mean and levels where its distortion asks for them. */
void gv_market_beliefs_of(const gv_market *market, const gv_market_period *period,
                          size_t advertiser, gv_distortion *distortion);

/* period: zeroed but for is_calm. */
GV_MUST_CHECK gv_status gv_market_period_open(const gv_market *market, uint64_t number,
                                              gv_market_period *period);
void gv_market_period_close(gv_market_period *period);

/* The advertiser's campaign in this period, its own or as a contender has it. */
gv_campaign gv_market_campaign(const gv_market *market, const gv_market_period *period,
                               size_t advertiser, bool is_contender);

/* Of the advertiser under a policy, its own or a contender's. */
gv_distortion gv_market_distortion(const gv_market *market, const gv_market_period *period,
                                   const gv_policy_plan *plan, size_t advertiser,
                                   bool is_contender);

/*
 * Has the advertiser's own policy explore its bids in that seat where the scenario says so. Periods
 * to learn from are without.
 */
void gv_market_explore(const gv_market *market, const gv_market_period *period, size_t advertiser,
                       gv_seat *seat);

/*
 * A policy for the advertiser, fitted; `config`: room for the type's config, which the policy
 * borrows. `future` is for a type that sees it.
 */
GV_MUST_CHECK gv_status gv_market_policy(const gv_market *market, const gv_policy_plan *plan,
                                         const gv_campaign *campaign, uint32_t category,
                                         const void *future, void *config, gv_policy **out);

/* All campaigns of one period with their policies, as an exchange takes them. */
typedef struct gv_market_seats {
    gv_seat *seats; /* [count] */
    gv_campaign *campaigns;
    gv_distortion *distortions;
    gv_policy **policies;
    unsigned char *configs; /* [count][config_size] */
    size_t count;
    size_t config_size;
    bool has_contender;    /* set beforehand: */
    size_t contender_seat; /* whose place one takes */
} gv_market_seats;

/* plans: [seat_count], who bids in each seat. seats: zeroed but for the contender. */
GV_MUST_CHECK gv_status gv_market_seats_open(const gv_market *market,
                                             const gv_market_period *period,
                                             const gv_policy_plan *const *plans,
                                             gv_market_seats *seats);
void gv_market_seats_close(gv_market_seats *seats);

/*
 * Sells the period once to these seats and records it. On GV_OK the caller owns *out. GV_ESTOPPED:
 * progress, which may be NULL, said so.
 */
GV_MUST_CHECK gv_status gv_market_record(const gv_market_period *period,
                                         const gv_market_seats *seats, const gv_progress *progress,
                                         gv_record **out);

/* A policy in one advertiser's place. */
typedef struct gv_market_guest {
    size_t seat;
    const gv_policy_plan *plan;
} gv_market_guest;

/* A period as its advertisers sell it among themselves, each with its own policy. */
typedef struct gv_market_sale {
    const gv_market_guest *guest; /* but for this one; set beforehand; NULL: there is none */
    gv_market_seats seats;
    gv_record *record;
    gv_exchange *exchange; /* has run: what each seat got */
} gv_market_sale;

/* sale: zeroed but for the guest; to be closed even when it fails. Progress as above. */
GV_MUST_CHECK gv_status gv_market_sale_open(const gv_market *market, const gv_market_period *period,
                                            const gv_progress *progress, gv_market_sale *sale);
void gv_market_sale_close(gv_market_sale *sale);

/*
 * Sells the period that policies learn from, where one of them does; in it those that learn bid
 * their CPA times the value.
 */
GV_MUST_CHECK gv_status gv_market_learn(gv_market *market, const gv_progress *progress);

#endif
