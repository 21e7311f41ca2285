/*
 * policy.h - a bidding policy, as the exchange calls it.
 *
 * A policy prices a batch of opportunities at once; between batches it may be told outcomes as
 * they become visible and be asked to plan at ticks. The exchange cuts batches wherever a
 * decision could change, so a policy must price each opportunity from its state and that
 * opportunity alone: the same bids must come out however a run of opportunities is cut into
 * batches (tested for every type). What AUCTION outcomes tell it may therefore change its bids
 * only from the next tick, click or conversion on, where batches are cut in any case. A policy
 * whose every bid depends on what the last one won, or on the budget or auctions left, declares
 * one_by_one and gets batches of one.
 *
 * Bids are caps, not payments: the exchange lowers each to the bid cap, to the budget left and
 * to the price step. A bid of 0 still wins what is free; GV_NO_BID, as any negative bid, wins
 * nothing. A policy sees nothing that has not happened by its clock; what only a
 * hindsight policy may see is `future` in its setup, NULL unless the scenario allows it.
 */
#ifndef SIM_MARKET_POLICY_H
#define SIM_MARKET_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/param.h"
#include "sim/base/progress.h"
#include "sim/base/status.h"
#include "sim/core/checkpoint.h"
#include "sim/market/campaign.h"
#include "sim/market/explanation.h"
#include "sim/market/history.h"
#include "sim/market/mechanism.h"
#include "sim/market/opportunity.h"
#include "sim/market/tally.h"

#define GV_AUCTIONS_UNKNOWN UINT64_MAX

/* What a policy reads of a batch; the exchange supplies at least these, or refuses to start. */
enum {
    GV_READS_PCTR = 1 << 0,
    GV_READS_PCVR = 1 << 1,
    GV_READS_TIME = 1 << 2,
    GV_READS_FLOOR = 1 << 3,
};

/* Bid-time facts of `count` opportunities. Columns that the source lacks are NULL. */
typedef struct gv_batch {
    size_t count;
    uint64_t first_id;
    const uint64_t *ids; /* as in gv_opportunities */
    const int64_t *time_us;
    const int64_t *floor_nanos;
    const double *pctr;
    const double *pcvr;
    /* Before the first of them, of the episode: for one_by_one policies, since it falls within. */
    int64_t budget_left_nanos;
    uint64_t auctions_left; /* the first included; GV_AUCTIONS_UNKNOWN */
} gv_batch;

/* What became known of one opportunity. */
typedef enum gv_outcome_kind {
    GV_OUTCOME_AUCTION,
    GV_OUTCOME_CLICK,
    GV_OUTCOME_CONVERSION,
    GV_OUTCOME_EXPOSURE /* in a market that delays exposures: the ad was seen and paid for */
} gv_outcome_kind;

typedef struct gv_outcome {
    gv_outcome_kind kind;
    uint64_t opportunity;
    int64_t time_us;     /* when it became visible */
    int64_t bid_nanos;   /* AUCTION: as lowered by cap, budget and step; or GV_NO_BID */
    int64_t price_nanos; /* AUCTION: what was paid; 0 when lost, and where an EXPOSURE tells it */
    bool won;
    double pctr;              /* AUCTION: as believed at bid time; 0 where unknown, */
    double pcvr;              /* as in the batch that was bid on */
    int64_t least_cost_nanos; /* AUCTION: what had to be beaten for the last slot; GV_NO_BID: not
                                 told, as in a replay, where whoever loses does not learn it */
} gv_outcome;

struct gv_seat_tick;

/* What a simulated market adds to an observation (see exchange.h and seat.h). */
typedef struct gv_market_view {
    bool is_market;           /* false: a replay; the rest is 0 */
    uint64_t announced_count; /* this tick's opportunities, and */
    double announced_value; /* their mean value: announced when the tick begins, as in AuctionNet */
    const struct gv_seat_tick *ticks; /* [tick]: what happened in the ticks before this one */
} gv_market_view;

/* What a campaign can know of itself at a tick. Tallies hold only what has become visible. */
typedef struct gv_observation {
    int64_t time_us;
    uint64_t tick;       /* since the episode began; 0 is its start */
    uint64_t tick_count; /* in the episode; 0: not known (episodes by auctions) */
    int64_t episode_start_us;
    int64_t episode_end_us; /* GV_NEVER_US: not known */
    int64_t budget_nanos;
    int64_t budget_left_nanos;
    gv_tally episode; /* since the episode began */
    gv_tally last;    /* since the last tick */
    gv_market_view market;
} gv_observation;

/* The mechanism as far as policies may know it. */
typedef struct gv_market_rules {
    bool pays_own_bid;        /* first price */
    bool pays_harm;           /* vcg: of several slots each costs what it takes from those below */
    bool has_soft_reserve;    /* below which a winner pays its own bid */
    int64_t price_step_nanos; /* bids are cut down to a multiple of it; 1: none */
} gv_market_rules;

gv_market_rules gv_market_rules_of(const gv_mechanism *mechanism);

typedef struct gv_policy_setup {
    const void *config; /* the type's parameters, complete; borrowed while the policy lives */
    const gv_campaign *campaign;
    gv_market_rules rules;
    const gv_history *history; /* NULL unless the type needs_history and there is one */
    const void *future;        /* NULL unless sees_future and the scenario allows it */
    uint64_t seed;             /* with campaign->number: keys random streams */
    const void *model; /* as the type's load() gave; borrowed. NULL: the policy loads its own */
} gv_policy_setup;

/* Replays history under a candidate config, for fits that tune by outcome; see gv_trial_run(). */
typedef struct gv_trial gv_trial;

typedef struct gv_fit_input {
    const gv_history *history;   /* NULL: there is none, and the type says what it misses */
    const gv_campaign *campaign; /* the campaign to come; its budget is what a fit aims at */
    gv_market_rules rules;
    /*
     * Replays `history` from start to end under `config` of the same policy type and with
     * `budget_nanos` in all (INT64_MAX: unlimited); NULL when history has no rows.
     */
    gv_status (*try_config)(gv_trial *trial, const void *config, int64_t budget_nanos,
                            gv_tally *result);
    gv_trial *trial;
    uint64_t seed;
} gv_fit_input;

typedef struct gv_policy_type {
    gv_type_info info;
    size_t state_size;  /* the dispatcher allocates it, zeroed, 64-byte aligned */
    unsigned reads;     /* GV_READS_... */
    bool one_by_one;    /* each bid depends on the last outcome */
    bool needs_history; /* fit() or init() uses gv_history */
    bool sees_future;
    bool needs_market; /* it plans by gv_market_view, which a replay cannot give */
    /*
     * Sets the config's fields that are still "auto" from history. NULL: nothing is fitted.
     * Asks try_config at most some hundred times and reports progress.
     */
    gv_status (*fit)(void *config, const gv_fit_input *input, const gv_progress *progress);
    /*
     * What all campaigns of one config share, such as a network: loaded once and then only read,
     * by any number of threads. unload() frees it. NULL, both: nothing is shared.
     */
    gv_status (*load)(const void *config, void **model);
    void (*unload)(void *model);
    /*
     * What a model has done since it was loaded that outcomes do not show, as a phrase of the
     * policy ("3 of 9 plans were cut short"); left alone where there is nothing. It depends on what
     * was done, not on which thread did what. text: [size], "". NULL: it never has any.
     */
    void (*tell)(const void *model, char *text, size_t size);
    /*
     * NULL: the zeroed state will do. May allocate; may fail, and then fini() is called on what
     * it left. `setup` itself is gone after the call; what it points to lives on.
     */
    gv_status (*init)(void *state, const gv_policy_setup *setup);
    /* bids: [batch->count], nanos. Above the cap or negative is allowed. */
    void (*bid)(void *state, const gv_batch *batch, int64_t *bids);
    /*
     * All campaigns of one type and model, on one snapshot, at each tick, the first of an
     * episode included. NULL: does not plan.
     */
    void (*tick)(void *const *states, const gv_observation *observations, size_t count);
    /* In the order in which they became visible. NULL: does not listen. */
    void (*observe)(void *state, const gv_outcome *outcomes, size_t count);
    /* NULL, both: the state is pointer-free bytes. */
    gv_status (*save)(const void *state, gv_writer *writer);
    gv_status (*restore)(void *state, gv_reader *reader); /* into a state fresh from init */
    void (*fini)(void *state);                            /* NULL: nothing to release */
    /* Of its latest tick(); what it does not set stays NaN. NULL: it has nothing to tell. */
    void (*explain)(const void *state, gv_explanation *out);
} gv_policy_type;

/* One campaign's policy: type and state. Only these functions touch the type's methods. */
typedef struct gv_policy gv_policy;

GV_MUST_CHECK gv_status gv_policy_create(const gv_policy_type *type, const gv_policy_setup *setup,
                                         gv_policy **out);
void gv_policy_destroy(gv_policy *policy); /* accepts NULL */

const gv_policy_type *gv_policy_type_of(const gv_policy *policy);
const void *gv_policy_model_of(const gv_policy *policy); /* NULL: it shares nothing */

/* What the policies of one config share; NULL in *model where the type shares nothing. */
GV_MUST_CHECK gv_status gv_policy_load(const gv_policy_type *type, const void *config,
                                       void **model);
void gv_policy_unload(const gv_policy_type *type, void *model); /* accepts NULL */

/*
 * What is to be told of the model, which no thread uses meanwhile; "" where that is nothing, or
 * there is no model. text: [size], at least 1.
 */
void gv_policy_tell(const gv_policy_type *type, const void *model, char *text, size_t size);

/* Sets what is still "auto" in `config`; does nothing for a type that fits nothing. */
GV_MUST_CHECK gv_status gv_policy_fit(const gv_policy_type *type, void *config,
                                      const gv_fit_input *input, const gv_progress *progress);

/* Asserts that the batch holds what the type reads, and is of one where it is one_by_one. */
void gv_policy_bid(gv_policy *policy, const gv_batch *batch, int64_t *bids);

/* Whether they are of one type and model. */
bool gv_policy_plan_as_one(const gv_policy *a, const gv_policy *b);

/* Policies that plan as one together; nothing happens where the type does not plan. */
void gv_policy_tick(gv_policy *const *policies, const gv_observation *observations, size_t count);

void gv_policy_observe(gv_policy *policy, const gv_outcome *outcomes, size_t count);
bool gv_policy_listens(const gv_policy *policy);
bool gv_policy_plans(const gv_policy *policy);

/*
 * Why it bids as it does since its latest tick: all NaN and no plan where its type has nothing to
 * tell. out->plan and plan_ticks are set beforehand.
 */
void gv_policy_explain(const gv_policy *policy, gv_explanation *out);

GV_MUST_CHECK gv_status gv_policy_save(const gv_policy *policy, gv_writer *writer);
GV_MUST_CHECK gv_status gv_policy_restore(gv_policy *policy, gv_reader *reader);

#endif
