/*
 * population.h - users who lapse, are won back by an ad, and may come again: a law and its draws.
 *
 * A user's life is a row of spells. A spell begins when the user lapses, holds the ads that are
 * shown to it elsewhere, and ends some time after a re-entry, when the user has lapsed again. In
 * spell e user u has an interest z that nobody sees, a standard normal number of which a share
 * `loyalty` is the user's for good. What is seen comes from it with noise:
 *
 *   at bid time     40 features x and the user's latest events before it lapsed,
 *   at the re-entry the onboarding content: sessions of items, each with type, dwell and like,
 *   later           a visit on day d with log-odds base + slope z - fade d.
 *
 * The label of retention is y = any visit in days GV_RETAINED_FROM to GV_RETAINED_TO after the
 * re-entry, day 0 beginning with it. Given z all of these are independent, so p(y | x) and
 * p(y | x, content) are integrals over one number (population_truth.h), and nothing that reads x
 * alone can do better than the first. A user that nobody wins back may return on its own, at a
 * rate that rises with z: to be still away is a weak sign of little interest.
 *
 * A user's liking for clicking ads is another number, visible in x and independent of z; rivals
 * bid for it. Whoever buys clicks therefore pays for what does not make users stay.
 *
 * Every draw is keyed by (seed, GV_STREAM_POPULATION, user and spell or day, what it is for): a
 * user does the same under every policy, in any order, asked once or twice. The law is a choice of
 * ours: no public data set has onboarding content with labels of retention.
 */
#ifndef SIM_MARKET_POPULATION_H
#define SIM_MARKET_POPULATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/param.h"
#include "sim/base/status.h"

enum {
    GV_USER_FEATURES = 40,
    GV_USER_PAST = 16, /* the latest events that are seen, of however many there were */
    GV_ITEM_TYPES = 8,
    GV_ONBOARDING_SESSIONS = 3,
    GV_ONBOARDING_ITEMS = 4, /* of each session */
    GV_VISIT_DAYS = 14,      /* a user visits on days 1 .. 14 after a re-entry at most */
    GV_RETAINED_FROM = 2,
    GV_RETAINED_TO = 7,
    GV_CHANCES_MAX = 8, /* ads that one user may be shown in a day */
    GV_MEDIA = 4,
    GV_DEVICES = 4,
};

/* Users and spells are below these. */
#define GV_POPULATION_USERS_MAX  (UINT64_C(1) << 32)
#define GV_POPULATION_SPELLS_MAX (UINT64_C(1) << 16)

/* Where things stand in x. */
enum {
    GV_FEATURE_LAPSE = 0,  /* days since the lapse / 10 */
    GV_FEATURE_VISITS = 1, /* logarithm of past visits / 2; 0 for a user without any */
    GV_FEATURE_CURIOSITY = 2,
    GV_FEATURE_TENURE = 3,
    GV_FEATURE_HOUR = 4,  /* sine and cosine */
    GV_FEATURE_MEDIA = 6, /* one of four */
    GV_FEATURE_DEVICE = 6 + GV_MEDIA,
    GV_FEATURE_NEW = GV_FEATURE_DEVICE + GV_DEVICES,
    GV_FEATURE_HEAVY = GV_FEATURE_NEW + 1,
    GV_FEATURE_SIGNAL = GV_FEATURE_HEAVY + 1, /* 8 that rise with z, 8 whose sign is the device's */
    GV_FEATURE_NOISE = GV_FEATURE_SIGNAL + 16 /* to the end: nothing of z */
};

typedef struct gv_population_law {
    double loyalty;         /* share of the variance of z that is the user's for good */
    double signal;          /* slope of each signal of x on z; its noise is 1 */
    double past_signal;     /* slope of a past event's dwell and type on z */
    double content_signal;  /* slope of an onboarding item's dwell, like and type on z */
    double bounce;          /* probability that a re-entry has no content at z = 0 */
    double visit_base;      /* of a visit's log-odds */
    double visit_slope;     /* on z */
    double visit_fade;      /* a day */
    double organic_rate;    /* returns a day without an ad, at z = 0 */
    double organic_slope;   /* of its logarithm on z */
    double new_share;       /* of spells: users without any past */
    double heavy_share;     /* of spells: users with a thousand times the usual past */
    double chances;         /* ads a lapsed user is shown in a day, mean */
    double click_rate;      /* at mean curiosity */
    double click_slope;     /* of its log-odds on curiosity */
    double reopen_rate;     /* of clicks: the application is opened again */
    int64_t rival_nanos;    /* median price of an ad */
    double rival_spread;    /* standard deviation of its logarithm */
    double rival_curiosity; /* slope of its logarithm on curiosity */
    int64_t lapse_us;       /* without a visit for so long a user has lapsed */
    int64_t stagger_us;     /* users lapse for the first time within so long of the start */
} gv_population_law;

extern const gv_param gv_population_params[]; /* of gv_population_law */

/* A plain value. */
typedef struct gv_population {
    gv_population_law law;
    uint64_t seed;
} gv_population;

/* An event before the lapse. */
typedef struct gv_past_event {
    uint32_t type; /* below GV_ITEM_TYPES */
    float dwell;   /* logarithm, about standard normal */
    float age;     /* days before the lapse / 10, ascending */
} gv_past_event;

/* All of a spell that is known when it begins. `interest` is nobody's to see. */
typedef struct gv_spell {
    uint64_t user;
    uint64_t number; /* from 0 */
    double interest;
    double curiosity;
    double organic_us;    /* after the lapse the user returns on its own; may be very far */
    uint64_t past_visits; /* perhaps millions */
    uint32_t device;
    uint32_t past_count;              /* at most GV_USER_PAST */
    gv_past_event past[GV_USER_PAST]; /* the latest first */
    float x[GV_USER_FEATURES];        /* what of x does not hang on the chance; the rest 0 */
} gv_spell;

void gv_population_spell(const gv_population *population, uint64_t user, uint64_t number,
                         gv_spell *out);

/* When the user lapses for the first time, since the start: within the law's stagger. */
int64_t gv_population_first_lapse(const gv_population *population, uint64_t user);

/* An ad that could be shown to a user, were it lapsed. */
typedef struct gv_chance {
    int64_t time_us; /* since the day began */
    uint64_t user;
    uint32_t day;
    uint32_t slot; /* of the day, by time */
    uint32_t media;
    uint32_t device;
    double pctr;         /* of a click, if shown: the truth, and what every policy believes */
    double pcvr;         /* that a click ends in a re-entry */
    int64_t rival_nanos; /* the best other offer */
} gv_chance;

/* Those of one day, by time; how many. chances: [GV_CHANCES_MAX]. */
size_t gv_population_chances(const gv_population *population, const gv_spell *spell, uint32_t day,
                             gv_chance *chances);

/* x of the chance at that time since the lapse. `hour` is of the day. x: [GV_USER_FEATURES]. */
void gv_population_features(const gv_spell *spell, const gv_chance *chance, int64_t lapsed_us,
                            float *x);

/* What the user does with the ad. `delay_us`: from the ad to the re-entry. */
bool gv_population_clicks(const gv_population *population, const gv_chance *chance);
bool gv_population_reopens(const gv_population *population, const gv_chance *chance,
                           int64_t *delay_us);

/*
 * Whether the user visits on day `day` (1 .. GV_VISIT_DAYS) after its re-entry; *offset_us: since
 * the re-entry.
 */
bool gv_population_visits(const gv_population *population, const gv_spell *spell, unsigned day,
                          int64_t *offset_us);

/* y: any visit in days GV_RETAINED_FROM .. GV_RETAINED_TO. */
bool gv_population_is_retained(const gv_population *population, const gv_spell *spell);

typedef struct gv_onboarding_item {
    uint32_t type; /* below GV_ITEM_TYPES */
    float dwell;   /* logarithm */
    bool is_liked;
    int64_t time_us; /* when it was over, absolute */
} gv_onboarding_item;

typedef struct gv_onboarding {
    size_t session_count;              /* 0: the user left at once */
    float gap[GV_ONBOARDING_SESSIONS]; /* days since the re-entry, ascending */
    gv_onboarding_item items[GV_ONBOARDING_SESSIONS][GV_ONBOARDING_ITEMS];
} gv_onboarding;

/*
 * What the user does after a re-entry at `entry_us`, as far as someone may know whose clock stands
 * at `clock_us`. Anything in it that is later than the clock is GV_EINVAL with a sentence: content
 * is never shown early, least of all to a bid, which comes before the re-entry. That is so even
 * where the spell has no content: before the re-entry nobody knows.
 */
GV_MUST_CHECK gv_status gv_population_onboarding(const gv_population *population,
                                                 const gv_spell *spell, int64_t entry_us,
                                                 int64_t clock_us, gv_onboarding *out);

#endif
