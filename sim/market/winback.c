/*
 * Moves a population through time on the event core: the day's ads are its one stream of arrivals;
 * midnights, re-entries, returns without an ad and visits come off its heap.
 */
#include "sim/market/winback.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "sim/base/clock.h"
#include "sim/base/mem.h"
#include "sim/market/winback_impl.h"

/* A user waits for one visit or re-entry, and perhaps for its own return. */
enum { PENDING_OF_USER = 2, DAYS_MAX = 3650 };

static void schedule(gv_winback *winback, uint32_t kind, int64_t time_us, uint64_t user,
                     int64_t payload)
{
    (void)gv_sim_schedule(winback->sim, (gv_event){.time_us = time_us,
                                                   .priority = (int32_t)kind,
                                                   .kind = kind,
                                                   .subject = user,
                                                   .payload = {payload, 0}});
}

/* All fields of a tally are 64 bits wide; counts never reach the sign. */
static void add_to(gv_winback_tally *tally, size_t offset, int64_t amount)
{
    int64_t value = 0;
    memcpy(&value, (char *)tally + offset, sizeof value);
    value += amount;
    memcpy((char *)tally + offset, &value, sizeof value);
}

void gv_winback_count(gv_winback *winback, size_t user, size_t field_offset, int64_t amount)
{
    add_to(&winback->sums[user], field_offset, amount);
    add_to(&winback->days[winback->state.day].tally, field_offset, amount);
    add_to(&winback->state.total, field_offset, amount);
}

/* ---- users ----------------------------------------------------------------------------------- */

static void begin_spell(gv_winback *winback, size_t user, int64_t now)
{
    gv_winback_user *state = &winback->users[user];
    const gv_population *population = winback->config.population;
    if (state->phase != GV_USER_TO_LAPSE) {
        state->spell++;
        gv_population_spell(population, winback->config.first_user + user, state->spell,
                            &winback->spells[user]);
    }
    state->phase = GV_USER_LAPSED;
    state->lapse_us = now;
}

/* The next visit after day `day`, unless the user will have lapsed before it. */
static void schedule_visit(gv_winback *winback, size_t user, unsigned day)
{
    const gv_winback_user *state = &winback->users[user];
    int64_t offset_us = 0;
    for (unsigned next = day + 1; next <= GV_VISIT_DAYS; next++) {
        if (gv_population_visits(winback->config.population, &winback->spells[user], next,
                                 &offset_us)) {
            const int64_t due_us = state->entry_us + offset_us;
            if (due_us < state->last_us + winback->config.population->law.lapse_us) {
                schedule(winback, GV_WINBACK_VISIT, due_us, user, next);
            }
            return;
        }
    }
}

static void enter(gv_winback *winback, size_t user, uint64_t entry)
{
    gv_winback_user *state = &winback->users[user];
    state->phase = GV_USER_ACTIVE;
    state->entry = entry;
    state->entry_us = gv_sim_now(winback->sim);
    state->last_us = state->entry_us;
    gv_winback_count(winback, user,
                     entry == GV_NO_ENTRY ? offsetof(gv_winback_tally, organic)
                                          : offsetof(gv_winback_tally, reentries),
                     1);
    schedule_visit(winback, user, 0);
}

static void visit(gv_winback *winback, size_t user, unsigned day)
{
    gv_winback_user *state = &winback->users[user];
    assert(state->phase == GV_USER_ACTIVE);
    state->last_us = gv_sim_now(winback->sim);
    gv_winback_count(winback, user, offsetof(gv_winback_tally, visits), 1);
    const bool counts = day >= GV_RETAINED_FROM && day <= GV_RETAINED_TO;
    if (counts && state->entry != GV_NO_ENTRY && winback->entries[state->entry].is_retained == 0) {
        winback->entries[state->entry].is_retained = 1;
        gv_winback_count(winback, user, offsetof(gv_winback_tally, retained), 1);
    }
    schedule_visit(winback, user, day);
}

/* ---- midnights ------------------------------------------------------------------------------- */

static void wake(gv_winback *winback, size_t user, int64_t now)
{
    gv_winback_user *state = &winback->users[user];
    const int64_t lapse_us = winback->config.population->law.lapse_us;
    if ((state->phase == GV_USER_TO_LAPSE && state->lapse_us <= now) ||
        (state->phase == GV_USER_ACTIVE && state->last_us + lapse_us <= now)) {
        begin_spell(winback, user, now);
    }
    if (state->phase == GV_USER_LAPSED) {
        const double due_us = (double)state->lapse_us + winback->spells[user].organic_us;
        if (due_us < (double)(now + GV_US_PER_DAY)) {
            const int64_t whole_us = (int64_t)due_us;
            schedule(winback, GV_WINBACK_ORGANIC, whole_us < now ? now : whole_us, user, 0);
        }
    }
}

static void pace(gv_winback *winback)
{
    const gv_winback_config *config = &winback->config;
    const uint64_t day = winback->state.day;
    if (!config->paces || config->budget_nanos == INT64_MAX || day == 0 || day >= config->days) {
        return;
    }
    const int64_t left = config->budget_nanos - winback->state.total.spend_nanos;
    const double target = (double)left / (double)(config->days - day);
    const double spent = (double)winback->days[day - 1].tally.spend_nanos;
    const double ratio = spent > 0.0 ? target / spent : 4.0;
    winback->state.multiplier *= sqrt(fmin(4.0, fmax(0.25, ratio)));
}

static gv_status midnight(gv_winback *winback, int64_t now)
{
    const size_t end = winback->config.days + (size_t)GV_WINBACK_TAIL;
    winback->state.day = (uint64_t)(now / GV_US_PER_DAY);
    pace(winback);
    winback->days[winback->state.day].multiplier = winback->state.multiplier;
    for (size_t user = 0; user < winback->config.user_count; user++) {
        wake(winback, user, now);
    }
    if (winback->state.day + 1 < end) {
        schedule(winback, GV_WINBACK_MIDNIGHT, now + GV_US_PER_DAY, 0, 0);
    }
    GV_TRY(gv_winback_open_day(winback));
    if (!gv_progress_report(winback->progress, "days", winback->state.day + 1, end)) {
        winback->is_stopped = true;
        gv_sim_stop(winback->sim);
    }
    return GV_OK;
}

static gv_status handle(void *context, gv_sim *sim, const gv_event *event)
{
    gv_winback *winback = context;
    winback->state.events++;
    switch (event->kind) {
    case GV_WINBACK_MIDNIGHT:
        return midnight(winback, gv_sim_now(sim));
    case GV_WINBACK_REENTRY:
        enter(winback, event->subject, (uint64_t)event->payload[0]);
        return GV_OK;
    case GV_WINBACK_ORGANIC:
        if (winback->users[event->subject].phase == GV_USER_LAPSED) {
            enter(winback, event->subject, GV_NO_ENTRY);
        }
        return GV_OK;
    case GV_WINBACK_VISIT:
        visit(winback, event->subject, (unsigned)event->payload[0]);
        return GV_OK;
    default:
        return GV_FAIL(GV_ECORRUPT, "a campaign has no events of kind %" PRIu32, event->kind);
    }
}

static int64_t next_us(void *context)
{
    const gv_winback *winback = context;
    if (winback->ad_next == winback->ad_count) {
        return GV_NEVER_US;
    }
    const gv_chance *ad = &winback->ads[winback->ad_next];
    return ad->day * GV_US_PER_DAY + ad->time_us;
}

/* One ad a call: what comes of it may lie before the next. */
static gv_status take(void *context, gv_sim *sim, int64_t until_us)
{
    (void)sim;
    (void)until_us;
    gv_winback *winback = context;
    winback->state.events++;
    return gv_winback_sell(winback);
}

/* ---- life ------------------------------------------------------------------------------------ */

static gv_status check(const gv_winback_config *config)
{
    if (config->user_count < 1 || config->first_user > GV_POPULATION_USERS_MAX ||
        config->user_count > GV_POPULATION_USERS_MAX - config->first_user) {
        return GV_FAIL(GV_EINVAL, "users %" PRIu64 " and %" PRIu64 " more, expected 1 to 2^32",
                       config->first_user, config->user_count);
    }
    if (config->days < 1 || config->days > DAYS_MAX) {
        return GV_FAIL(GV_EINVAL, "a campaign of %" PRIu32 " days, expected 1 to %d", config->days,
                       DAYS_MAX);
    }
    if (config->budget_nanos < 0 || !(config->multiplier >= 0.0) || config->multiplier > 1e12) {
        return GV_FAIL(GV_EINVAL, "a budget or multiplier is negative, or beyond all measure");
    }
    if (config->aim == GV_AIM_RETENTION && config->model == NULL) {
        return GV_FAIL(GV_EINVAL, "bids on retention need a model that tells it");
    }
    return GV_OK;
}

static gv_status allocate(gv_winback *winback)
{
    const size_t users = winback->config.user_count;
    const size_t days = winback->config.days + (size_t)GV_WINBACK_TAIL;
    const int64_t spell_us = winback->config.population->law.lapse_us;
    const size_t spells = (size_t)((int64_t)winback->config.days * GV_US_PER_DAY / spell_us) + 2;
    winback->entries_max = users * spells;
    winback->ads_max = users * GV_CHANCES_MAX;
    winback->users = gv_mem_alloc(0, users, sizeof *winback->users);
    winback->spells = gv_mem_alloc(0, users, sizeof *winback->spells);
    winback->sums = gv_mem_alloc(0, users, sizeof *winback->sums);
    winback->days = gv_mem_alloc(0, days, sizeof *winback->days);
    winback->entries = gv_mem_alloc(0, winback->entries_max, sizeof *winback->entries);
    winback->ads = gv_mem_alloc(0, winback->ads_max, sizeof *winback->ads);
    winback->retentions = gv_mem_alloc(0, winback->ads_max, sizeof *winback->retentions);
    if (winback->users == NULL || winback->spells == NULL || winback->sums == NULL ||
        winback->days == NULL || winback->entries == NULL || winback->ads == NULL ||
        winback->retentions == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a campaign on %zu users", users);
    }
    return GV_OK;
}

static void place_users(gv_winback *winback)
{
    const gv_winback_config *config = &winback->config;
    for (size_t i = 0; i < config->user_count; i++) {
        const uint64_t user = config->first_user + i;
        winback->users[i] =
            (gv_winback_user){.lapse_us = gv_population_first_lapse(config->population, user),
                              .entry = GV_NO_ENTRY,
                              .phase = GV_USER_TO_LAPSE};
        gv_population_spell(config->population, user, 0, &winback->spells[i]);
    }
}

static gv_status build(gv_winback *winback)
{
    GV_TRY(allocate(winback));
    const gv_arrivals arrivals = {
        .context = winback, .priority = GV_WINBACK_AD, .next_us = next_us, .take = take};
    const gv_sim_config sim = {.handle = handle,
                               .context = winback,
                               .pending_max = PENDING_OF_USER * winback->config.user_count + 1,
                               .arrivals = &arrivals,
                               .arrival_count = 1};
    GV_TRY(gv_sim_create(&sim, &winback->sim));
    place_users(winback);
    winback->state.multiplier = winback->config.multiplier;
    schedule(winback, GV_WINBACK_MIDNIGHT, 0, 0, 0);
    return GV_OK;
}

gv_status gv_winback_create(const gv_winback_config *config, gv_winback **out)
{
    GV_TRY(check(config));
    gv_winback *winback = gv_mem_alloc(sizeof *winback, 0, 0);
    if (winback == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a campaign");
    }
    winback->config = *config;
    const gv_status status = build(winback);
    if (status != GV_OK) {
        gv_winback_destroy(winback);
        return status;
    }
    *out = winback;
    return GV_OK;
}

void gv_winback_destroy(gv_winback *winback)
{
    if (winback == NULL) {
        return;
    }
    gv_sim_destroy(winback->sim);
    gv_mem_free(winback->users);
    gv_mem_free(winback->spells);
    gv_mem_free(winback->sums);
    gv_mem_free(winback->days);
    gv_mem_free(winback->entries);
    gv_mem_free(winback->ads);
    gv_mem_free(winback->retentions);
    gv_mem_free(winback);
}

gv_status gv_winback_run(gv_winback *winback, const gv_progress *progress)
{
    winback->progress = progress;
    winback->is_stopped = false;
    const int64_t end = (int64_t)winback->config.days + GV_WINBACK_TAIL;
    const gv_status status = gv_sim_run(winback->sim, end * GV_US_PER_DAY);
    winback->progress = NULL;
    if (status == GV_OK && winback->is_stopped) {
        return GV_FAIL(GV_ESTOPPED, "the campaign was stopped on day %" PRIu64, winback->state.day);
    }
    return status;
}

gv_winback_tally gv_winback_total(const gv_winback *winback)
{
    return winback->state.total;
}

const gv_winback_tally *gv_winback_users(const gv_winback *winback)
{
    return winback->sums;
}

const gv_winback_day *gv_winback_days(const gv_winback *winback, size_t *count)
{
    *count = winback->config.days + (size_t)GV_WINBACK_TAIL;
    return winback->days;
}

const gv_winback_entry *gv_winback_entries(const gv_winback *winback, size_t *count)
{
    *count = winback->state.entry_count;
    return winback->entries;
}

uint64_t gv_winback_events(const gv_winback *winback)
{
    return winback->state.events;
}
