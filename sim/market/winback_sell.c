/* The day's ads: who could be shown which, what each is worth, and what comes of it. */
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "sim/base/clock.h"
#include "sim/market/winback_impl.h"

enum { PRICE_PIECE = 256 };

static int by_time(const void *left, const void *right)
{
    const gv_chance *a = left;
    const gv_chance *b = right;
    if (a->time_us != b->time_us) {
        return a->time_us < b->time_us ? -1 : 1;
    }
    if (a->user != b->user) {
        return a->user < b->user ? -1 : 1;
    }
    return a->slot < b->slot ? -1 : a->slot > b->slot;
}

gv_status gv_winback_open_day(gv_winback *winback)
{
    const gv_winback_config *config = &winback->config;
    const uint32_t day = (uint32_t)winback->state.day;
    winback->ad_count = 0;
    winback->ad_next = 0;
    if (day >= config->days) {
        return GV_OK;
    }
    for (size_t i = 0; i < config->user_count; i++) {
        if (winback->users[i].phase == GV_USER_LAPSED) {
            assert(winback->ad_count + GV_CHANCES_MAX <= winback->ads_max);
            winback->ad_count += gv_population_chances(config->population, &winback->spells[i], day,
                                                       &winback->ads[winback->ad_count]);
        }
    }
    qsort(winback->ads, winback->ad_count, sizeof *winback->ads, by_time);
    return config->reference ? GV_OK : gv_winback_price(winback, 0, winback->ad_count);
}

static size_t index_of(const gv_winback *winback, const gv_chance *ad)
{
    return (size_t)(ad->user - winback->config.first_user);
}

static int64_t time_of(const gv_chance *ad)
{
    return ad->day * GV_US_PER_DAY + ad->time_us;
}

/*
 * The content of the re-entry that this bid hopes for: the clock stands at the bid, so this fails
 * for every ad there is, whichever way the population's draws fall.
 */
static gv_status onboarding_of(const gv_winback *winback, const gv_chance *ad, gv_onboarding *out)
{
    const gv_population *population = winback->config.population;
    const gv_spell *spell = &winback->spells[index_of(winback, ad)];
    int64_t delay_us = 0;
    (void)gv_population_reopens(population, ad, &delay_us);
    return gv_population_onboarding(population, spell, time_of(ad) + delay_us, time_of(ad), out);
}

static gv_status price_piece(gv_winback *winback, size_t first, size_t count)
{
    const gv_return_model *model = winback->config.model;
    float x[PRICE_PIECE][GV_USER_FEATURES];
    gv_bid_sight sights[PRICE_PIECE];
    gv_onboarding content[1];
    for (size_t i = 0; i < count; i++) {
        const gv_chance *ad = &winback->ads[first + i];
        const size_t user = index_of(winback, ad);
        const gv_spell *spell = &winback->spells[user];
        gv_population_features(spell, ad, time_of(ad) - winback->users[user].lapse_us, x[i]);
        sights[i] = (gv_bid_sight){.x = x[i], .past = spell->past, .past_count = spell->past_count};
        if (model->reads_content && onboarding_of(winback, ad, content) != GV_OK) {
            return GV_FAIL(GV_EINVAL, "the model %s cannot be asked at a bid: %.900s", model->name,
                           gv_status_detail());
        }
    }
    assert(!model->reads_content);
    model->predict(model->context, sights, NULL, count, &winback->retentions[first]);
    for (size_t i = 0; i < count; i++) {
        assert(winback->retentions[first + i] >= 0.0);
        assert(winback->retentions[first + i] <= 1.0);
    }
    return GV_OK;
}

gv_status gv_winback_price(gv_winback *winback, size_t first, size_t count)
{
    if (winback->config.aim != GV_AIM_RETENTION) {
        return GV_OK;
    }
    for (size_t done = 0; done < count; done += PRICE_PIECE) {
        const size_t left = count - done;
        GV_TRY(price_piece(winback, first + done, left < PRICE_PIECE ? left : PRICE_PIECE));
    }
    return GV_OK;
}

static double worth_of(const gv_winback *winback, const gv_chance *ad, double retention)
{
    const gv_winback_config *config = &winback->config;
    switch (config->aim) {
    case GV_AIM_REACH:
        return (double)config->click_nanos;
    case GV_AIM_CLICKS:
        return ad->pctr * (double)config->click_nanos;
    case GV_AIM_RETENTION:
        return ad->pctr * ad->pcvr *
               ((double)config->reentry_nanos + retention * (double)config->lifetime_nanos);
    default:
        assert(false);
        return 0.0;
    }
}

/* The ad was shown: a click and a re-entry, if they come of it. */
static void show(gv_winback *winback, const gv_chance *ad, size_t user)
{
    const gv_population *population = winback->config.population;
    const int64_t now = time_of(ad);
    gv_winback_count(winback, user, offsetof(gv_winback_tally, wins), 1);
    gv_winback_count(winback, user, offsetof(gv_winback_tally, spend_nanos), ad->rival_nanos);
    if (!gv_population_clicks(population, ad)) {
        return;
    }
    gv_winback_count(winback, user, offsetof(gv_winback_tally, clicks), 1);
    int64_t delay_us = 0;
    if (!gv_population_reopens(population, ad, &delay_us)) {
        return;
    }
    const uint64_t entry = winback->state.entry_count++;
    assert(entry < winback->entries_max);
    winback->entries[entry] = (gv_winback_entry){.user = ad->user,
                                                 .spell = winback->users[user].spell,
                                                 .chance = *ad,
                                                 .bid_us = now,
                                                 .lapsed_us = now - winback->users[user].lapse_us,
                                                 .entry_us = now + delay_us};
    winback->users[user].phase = GV_USER_RETURNING;
    (void)gv_sim_schedule(winback->sim, (gv_event){.time_us = now + delay_us,
                                                   .priority = GV_WINBACK_REENTRY,
                                                   .kind = GV_WINBACK_REENTRY,
                                                   .subject = user,
                                                   .payload = {(int64_t)entry, 0}});
}

gv_status gv_winback_sell(gv_winback *winback)
{
    const size_t number = winback->ad_next++;
    const gv_chance *ad = &winback->ads[number];
    const size_t user = index_of(winback, ad);
    if (winback->users[user].phase != GV_USER_LAPSED) {
        return GV_OK;
    }
    if (winback->config.reference) {
        GV_TRY(gv_winback_price(winback, number, 1));
    }
    const int64_t left = winback->config.budget_nanos - winback->state.total.spend_nanos;
    const double worth = worth_of(winback, ad, winback->retentions[number]);
    const double bid = winback->state.multiplier * worth;
    gv_winback_count(winback, user, offsetof(gv_winback_tally, auctions), 1);
    if (bid >= (double)ad->rival_nanos && ad->rival_nanos <= left) {
        show(winback, ad, user);
    }
    return GV_OK;
}
