/* winback_impl.h - a campaign at work: users, the day's ads, and what was counted. */
#ifndef SIM_MARKET_WINBACK_IMPL_H
#define SIM_MARKET_WINBACK_IMPL_H

#include "sim/core/sim.h"
#include "sim/market/winback.h"

/* Events in their order at one time; ads come last. */
enum {
    GV_WINBACK_MIDNIGHT,
    GV_WINBACK_REENTRY, /* payload[0]: the entry */
    GV_WINBACK_ORGANIC,
    GV_WINBACK_VISIT, /* payload[0]: days after the re-entry */
    GV_WINBACK_AD
};

/* Days that go on behind the auctions: the last label is known then. */
enum { GV_WINBACK_TAIL = GV_RETAINED_TO + 2 };

typedef enum gv_user_phase {
    GV_USER_TO_LAPSE,  /* it has not lapsed for the first time */
    GV_USER_LAPSED,    /* there are ads to be bid on */
    GV_USER_RETURNING, /* between a click and the re-entry */
    GV_USER_ACTIVE
} gv_user_phase;

#define GV_NO_ENTRY UINT64_MAX

/* Pointer-free: saved as it is. */
typedef struct gv_winback_user {
    int64_t lapse_us; /* when the spell began or, before the first, will begin */
    int64_t entry_us;
    int64_t last_us; /* its latest visit */
    uint64_t entry;  /* the campaign's re-entry that it is in; GV_NO_ENTRY: none */
    uint32_t spell;
    uint32_t phase;
} gv_winback_user;

/* What a checkpoint keeps besides users, days and entries. */
typedef struct gv_winback_state {
    gv_winback_tally total;
    double multiplier;
    uint64_t day;
    uint64_t entry_count;
    uint64_t events;
} gv_winback_state;

struct gv_winback {
    gv_winback_config config;
    gv_winback_state state;
    gv_sim *sim;
    const gv_progress *progress;
    bool is_stopped;
    gv_winback_user *users;    /* [user_count] */
    gv_spell *spells;          /* [user_count]: of each user's spell */
    gv_winback_tally *sums;    /* [user_count] */
    gv_winback_day *days;      /* [config.days + GV_WINBACK_TAIL] */
    gv_winback_entry *entries; /* [entries_max] */
    size_t entries_max;
    gv_chance *ads;     /* [ads_max], of the day, by time and user */
    double *retentions; /* [ads_max]: the model's, of each */
    size_t ads_max;
    size_t ad_count;
    size_t ad_next;
};

/* Puts together the day's ads of the users who have lapsed, and prices them. */
GV_MUST_CHECK gv_status gv_winback_open_day(gv_winback *winback);

/* The model's probabilities of ads [first, first + count). */
GV_MUST_CHECK gv_status gv_winback_price(gv_winback *winback, size_t first, size_t count);

/* Sells the next ad. */
GV_MUST_CHECK gv_status gv_winback_sell(gv_winback *winback);

/* Adds 1 to, or `nanos` to the spend of, the user, the day and the total. */
void gv_winback_count(gv_winback *winback, size_t user, size_t field_offset, int64_t amount);

#endif
