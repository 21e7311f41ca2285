/*
 * winback.h - a campaign that wins lapsed users back, on a population whose users live on.
 *
 * Built on the event core. Each midnight users without a visit for the law's lapse have lapsed, and
 * the ads that lapsed users could be shown that day become the day's arrivals. The campaign bids
 * on each; at or above the best other offer it wins and pays that offer (second price). A shown ad
 * may be clicked, a click may end in a re-entry, and then the user leaves the auctions: it
 * consumes onboarding content, visits on later days, days of simulated time later, and once it
 * has lapsed again there are ads to be bid on anew. Users may also return without an ad. Whether a
 * re-entry was retained is a real outcome: a visit event in days 2 to 7 after it.
 *
 * What an ad is bid:
 *
 *     bid = multiplier x worth
 *     worth = pCTR x click value                                         aim CLICKS
 *           = pCTR x pCVR x (re-entry value + p x lifetime value)        aim RETENTION
 *           = one value for every ad                                     aim REACH
 *
 * with p the model's probability of retention. Bids stop where the budget does not hold the price.
 * At midnights `paces` moves the multiplier towards what spends the budget evenly:
 * multiplier *= sqrt(clamp(target / spent yesterday, 1/4, 4)), target the budget left a day left.
 * (A choice of ours, so that all bidders spend alike and differ in what they buy.)
 *
 * A model sees the bid's time, x and the user's past, nothing else. One that declares
 * reads_content is refused by the engine at its first bid, because the content of the re-entry
 * that the bid hopes for comes later than the bid; no switch turns that off.
 *
 * The day's ads are priced in one call unless `reference`, which asks about each alone when it
 * comes; the outcome is the same to the byte. A user takes some 2 KB of memory.
 */
#ifndef SIM_MARKET_WINBACK_H
#define SIM_MARKET_WINBACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/progress.h"
#include "sim/base/status.h"
#include "sim/core/checkpoint.h"
#include "sim/market/population.h"
#include "sim/market/population_truth.h"

/* What gives probabilities of retention. */
typedef struct gv_return_model {
    const char *name;
    void *context;
    bool reads_content; /* it has learned from onboarding content and cannot do without */
    /*
     * p: [count], each in [0, 1], of its own sight alone whichever others are asked with it.
     * contents: [count], NULL unless reads_content. Not for two threads at once.
     */
    void (*predict)(void *context, const gv_bid_sight *sights, const gv_onboarding *contents,
                    size_t count, double *p);
} gv_return_model;

typedef enum gv_winback_aim { GV_AIM_REACH, GV_AIM_CLICKS, GV_AIM_RETENTION } gv_winback_aim;

typedef struct gv_winback_config {
    const gv_population *population; /* borrowed, as all here */
    const gv_return_model *model;    /* aim RETENTION; else NULL */
    uint64_t first_user;
    uint64_t user_count;    /* users first_user, first_user + 1, ... */
    int64_t budget_nanos;   /* of all days; INT64_MAX: none, and nothing paces */
    int64_t click_nanos;    /* what a click is worth; REACH: an ad shown */
    int64_t reentry_nanos;  /* a re-entry */
    int64_t lifetime_nanos; /* a retained user */
    double multiplier;      /* of the first day */
    uint32_t days;          /* with auctions; then time goes on until the last label is known */
    gv_winback_aim aim;
    bool paces;
    bool reference;
} gv_winback_config;

/* What there was of something: a user, a day, all. */
typedef struct gv_winback_tally {
    uint64_t auctions;
    uint64_t wins;
    int64_t spend_nanos;
    uint64_t clicks;
    uint64_t reentries; /* through the campaign's ads */
    uint64_t retained;  /* of them, those with a visit in days 2 to 7, when it came */
    uint64_t organic;   /* returns without an ad */
    uint64_t visits;    /* on days after a re-entry, however it came about */
} gv_winback_tally;

typedef struct gv_winback_day {
    double multiplier;
    gv_winback_tally tally;
} gv_winback_day;

/* One re-entry through an ad: from it and the population the whole example can be drawn anew. */
typedef struct gv_winback_entry {
    uint64_t user;
    uint32_t spell;
    uint32_t is_retained; /* 0 or 1 */
    gv_chance chance;     /* the ad */
    int64_t bid_us;       /* since the campaign's start */
    int64_t lapsed_us;    /* at the bid, since the lapse */
    int64_t entry_us;
} gv_winback_entry;

typedef struct gv_winback gv_winback;

/* GV_EINVAL names what is out of range. */
GV_MUST_CHECK gv_status gv_winback_create(const gv_winback_config *config, gv_winback **out);
void gv_winback_destroy(gv_winback *winback); /* accepts NULL */

/*
 * Goes on until every label is known. GV_ESTOPPED when progress asked to stop, at a midnight: then
 * it can be saved, restored into a fresh campaign of the same config, and run on to the same
 * outcome. GV_EINVAL: a model wanted to read what lies in the future.
 */
GV_MUST_CHECK gv_status gv_winback_run(gv_winback *winback, const gv_progress *progress);

GV_MUST_CHECK gv_status gv_winback_save(const gv_winback *winback, gv_writer *writer);
GV_MUST_CHECK gv_status gv_winback_restore(gv_winback *winback, gv_reader *reader);

/* The outcome, complete after GV_OK. */
gv_winback_tally gv_winback_total(const gv_winback *winback);
const gv_winback_tally *gv_winback_users(const gv_winback *winback); /* [user_count] */
const gv_winback_day *gv_winback_days(const gv_winback *winback, size_t *count);
const gv_winback_entry *gv_winback_entries(const gv_winback *winback, size_t *count); /* by time */
uint64_t gv_winback_events(const gv_winback *winback);

#endif
