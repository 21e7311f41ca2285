/* The draws of a population: each a pure function of (seed, user, spell or day, what it is for). */
#include "sim/market/population.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "sim/base/clock.h"
#include "sim/base/random.h"
#include "sim/market/population_impl.h"

/* What draws are for. An entity is user, spell or day, and one of these. */
typedef enum draw_topic {
    DRAW_USER,
    DRAW_SPELL,
    DRAW_PAST,
    DRAW_CHANCE,
    DRAW_RESPONSE,
    DRAW_ONBOARDING,
    DRAW_VISIT,
} draw_topic;

enum { USER_SHIFT = 20, TIME_SHIFT = 4 };

static gv_random key_of(const gv_population *population, draw_topic topic, uint64_t user,
                        uint64_t spell_or_day)
{
    assert(user < GV_POPULATION_USERS_MAX);
    assert(spell_or_day < GV_POPULATION_SPELLS_MAX);
    const uint64_t entity = user << USER_SHIFT | spell_or_day << TIME_SHIFT | (uint64_t)topic;
    return gv_random_key(population->seed, GV_STREAM_POPULATION, entity);
}

/* ---- a spell --------------------------------------------------------------------------------- */

static uint32_t draw_type(const gv_random *random, uint64_t index, double slope, double z)
{
    double p[GV_ITEM_TYPES];
    gv_population_types(slope, z, p);
    double left = gv_random_uniform(random, index);
    for (uint32_t k = 0; k + 1 < GV_ITEM_TYPES; k++) {
        if (left < p[k]) {
            return k;
        }
        left -= p[k];
    }
    return GV_ITEM_TYPES - 1;
}

/* Indices of DRAW_SPELL. */
enum { SPELL_INTEREST, SPELL_ORGANIC, SPELL_NEW, SPELL_VISITS, SPELL_TENURE, SPELL_SIGNAL };

static void draw_past_visits(const gv_population *population, const gv_random *random,
                             gv_spell *spell)
{
    const gv_population_law *law = &population->law;
    const double kind = gv_random_uniform(random, SPELL_NEW);
    if (kind < law->new_share) {
        spell->x[GV_FEATURE_NEW] = 1;
        return;
    }
    double visits = GV_PAST_MEAN + GV_PAST_SLOPE * spell->interest +
                    GV_PAST_NOISE * gv_random_normal(random, SPELL_VISITS);
    if (kind >= 1.0 - law->heavy_share) {
        spell->x[GV_FEATURE_HEAVY] = 1;
        visits += log(GV_POPULATION_HEAVY);
    }
    spell->x[GV_FEATURE_VISITS] = (float)(visits / 2);
    spell->past_visits = (uint64_t)exp(visits);
}

static void draw_signals(const gv_population *population, const gv_random *random, gv_spell *spell)
{
    for (size_t k = GV_FEATURE_SIGNAL; k < GV_USER_FEATURES; k++) {
        const size_t signal = k - GV_FEATURE_SIGNAL;
        double x = gv_random_normal(random, SPELL_SIGNAL + signal);
        if (signal < GV_POPULATION_SIGNALS) {
            x += population->law.signal * gv_population_sign(spell->device, signal) *
                 spell->interest;
        }
        spell->x[k] = (float)x;
    }
}

/* Three draws an event. Of however many there were, the latest are drawn and no others. */
static void draw_past(const gv_population *population, gv_spell *spell)
{
    const gv_random random = key_of(population, DRAW_PAST, spell->user, spell->number);
    const double slope = population->law.past_signal;
    const uint64_t seen = spell->past_visits;
    spell->past_count = seen < GV_USER_PAST ? (uint32_t)seen : GV_USER_PAST;
    double age = 0;
    for (uint32_t i = 0; i < spell->past_count; i++) {
        gv_past_event *event = &spell->past[i];
        const uint64_t at = UINT64_C(3) * i;
        event->type = draw_type(&random, at, slope, spell->interest);
        event->dwell =
            (float)(slope * spell->interest + GV_DWELL_NOISE * gv_random_normal(&random, at + 1));
        age += gv_random_exponential(&random, at + 2) * 0.2;
        event->age = (float)age;
    }
}

void gv_population_spell(const gv_population *population, uint64_t user, uint64_t number,
                         gv_spell *out)
{
    const gv_population_law *law = &population->law;
    const gv_random for_good = key_of(population, DRAW_USER, user, 0);
    const gv_random random = key_of(population, DRAW_SPELL, user, number);
    *out = (gv_spell){.user = user, .number = number};
    out->interest = sqrt(law->loyalty) * gv_random_normal(&for_good, 0) +
                    sqrt(1.0 - law->loyalty) * gv_random_normal(&random, SPELL_INTEREST);
    out->curiosity = gv_random_normal(&for_good, 1);
    out->device = (uint32_t)gv_random_below(&for_good, 2, GV_DEVICES);
    const double rate = gv_population_organic(law, out->interest);
    const double wait = gv_random_exponential(&random, SPELL_ORGANIC);
    out->organic_us = rate > 0 ? wait / rate * (double)GV_US_PER_DAY : HUGE_VAL;
    out->x[GV_FEATURE_CURIOSITY] = (float)out->curiosity;
    out->x[GV_FEATURE_TENURE] = (float)gv_random_normal(&random, SPELL_TENURE);
    out->x[GV_FEATURE_DEVICE + out->device] = 1;
    draw_past_visits(population, &random, out);
    draw_signals(population, &random, out);
    draw_past(population, out);
}

/* The user's own number beside those of its spells. */
int64_t gv_population_first_lapse(const gv_population *population, uint64_t user)
{
    const gv_random random = key_of(population, DRAW_USER, user, 0);
    return (int64_t)((double)population->law.stagger_us * gv_random_uniform(&random, 3));
}

/* ---- ads ------------------------------------------------------------------------------------- */

/* Poisson, by inversion of one uniform number, cut. */
static size_t draw_count(double mean, double uniform)
{
    double p = exp(-mean);
    size_t count = 0;
    while (count < GV_CHANCES_MAX && uniform >= p) {
        uniform -= p;
        count++;
        p *= mean / (double)count;
    }
    return count;
}

/* Indices of DRAW_CHANCE: how many, then these of each. */
enum { CHANCE_TIME = 1, CHANCE_MEDIA, CHANCE_PRICE, CHANCE_DRAWS };

static gv_chance draw_chance(const gv_population *population, const gv_spell *spell,
                             const gv_random *random, size_t i)
{
    static const double media_odds[GV_MEDIA] = {-0.3, -0.1, 0.1, 0.3};
    const gv_population_law *law = &population->law;
    const uint64_t at = i * CHANCE_DRAWS;
    const uint32_t media = (uint32_t)gv_random_below(random, at + CHANCE_MEDIA, GV_MEDIA);
    const double odds = log(law->click_rate / (1.0 - law->click_rate)) + media_odds[media] +
                        law->click_slope * spell->curiosity;
    const double price = law->rival_curiosity * spell->curiosity +
                         law->rival_spread * gv_random_normal(random, at + CHANCE_PRICE);
    return (gv_chance){
        .time_us = (int64_t)gv_random_below(random, at + CHANCE_TIME, (uint64_t)GV_US_PER_DAY),
        .user = spell->user,
        .media = media,
        .device = spell->device,
        .pctr = gv_population_sigmoid(odds),
        .pcvr = law->reopen_rate * (1.0 - 0.1 * spell->device),
        .rival_nanos = (int64_t)((double)law->rival_nanos * exp(price))};
}

/* What a chance is keyed by does not hang on the spell: it is there under every policy. */
size_t gv_population_chances(const gv_population *population, const gv_spell *spell, uint32_t day,
                             gv_chance *chances)
{
    const gv_random random = key_of(population, DRAW_CHANCE, spell->user, day);
    const size_t count = draw_count(population->law.chances, gv_random_uniform(&random, 0));
    for (size_t i = 0; i < count; i++) {
        const gv_chance chance = draw_chance(population, spell, &random, i);
        size_t place = i;
        for (; place > 0 && chances[place - 1].time_us > chance.time_us; place--) {
            chances[place] = chances[place - 1];
        }
        chances[place] = chance;
    }
    for (size_t i = 0; i < count; i++) {
        chances[i].day = day;
        chances[i].slot = (uint32_t)i;
    }
    return count;
}

void gv_population_features(const gv_spell *spell, const gv_chance *chance, int64_t lapsed_us,
                            float *x)
{
    const double hour =
        2 * 3.14159265358979323846 * (double)chance->time_us / (double)GV_US_PER_DAY;
    memcpy(x, spell->x, sizeof spell->x);
    x[GV_FEATURE_LAPSE] = (float)((double)lapsed_us / (10.0 * (double)GV_US_PER_DAY));
    x[GV_FEATURE_HOUR] = (float)sin(hour);
    x[GV_FEATURE_HOUR + 1] = (float)cos(hour);
    x[GV_FEATURE_MEDIA + chance->media] = 1;
}

/* Indices of DRAW_RESPONSE: three of each slot. */
enum { RESPONSE_CLICK, RESPONSE_REOPEN, RESPONSE_DELAY, RESPONSE_DRAWS };

bool gv_population_clicks(const gv_population *population, const gv_chance *chance)
{
    const gv_random random = key_of(population, DRAW_RESPONSE, chance->user, chance->day);
    return gv_random_bernoulli(&random, (uint64_t)chance->slot * RESPONSE_DRAWS + RESPONSE_CLICK,
                               chance->pctr);
}

bool gv_population_reopens(const gv_population *population, const gv_chance *chance,
                           int64_t *delay_us)
{
    const gv_random random = key_of(population, DRAW_RESPONSE, chance->user, chance->day);
    const uint64_t at = (uint64_t)chance->slot * RESPONSE_DRAWS;
    const double delay = 2.0 + 20.0 * gv_random_exponential(&random, at + RESPONSE_DELAY);
    *delay_us = (int64_t)(delay * (double)GV_US_PER_SECOND);
    return gv_random_bernoulli(&random, at + RESPONSE_REOPEN, chance->pcvr);
}

/* ---- after a re-entry ------------------------------------------------------------------------ */

bool gv_population_visits(const gv_population *population, const gv_spell *spell, unsigned day,
                          int64_t *offset_us)
{
    assert(day >= 1);
    assert(day <= GV_VISIT_DAYS);
    const gv_random random = key_of(population, DRAW_VISIT, spell->user, spell->number);
    *offset_us = day * GV_US_PER_DAY +
                 (int64_t)gv_random_below(&random, UINT64_C(2) * day + 1, (uint64_t)GV_US_PER_DAY);
    return gv_random_bernoulli(&random, UINT64_C(2) * day,
                               gv_population_visit_rate(&population->law, spell->interest, day));
}

bool gv_population_is_retained(const gv_population *population, const gv_spell *spell)
{
    int64_t offset_us = 0;
    for (unsigned day = GV_RETAINED_FROM; day <= GV_RETAINED_TO; day++) {
        if (gv_population_visits(population, spell, day, &offset_us)) {
            return true;
        }
    }
    return false;
}

/* Indices of DRAW_ONBOARDING: two for each session, then three for each item. */
enum { ONBOARDING_ITEM = 2 * GV_ONBOARDING_SESSIONS, ITEM_DRAWS = 3 };

static size_t draw_sessions(const gv_population *population, const gv_random *random, double z)
{
    if (gv_random_bernoulli(random, 0, gv_population_bounce(&population->law, z))) {
        return 0;
    }
    size_t count = 1;
    for (size_t s = 1; s < GV_ONBOARDING_SESSIONS; s++) {
        count += gv_random_bernoulli(random, 2 * s, gv_population_further(&population->law, z));
    }
    return count;
}

static gv_onboarding_item draw_item(const gv_population *population, const gv_random *random,
                                    double z, size_t number)
{
    const double slope = population->law.content_signal;
    const uint64_t at = ONBOARDING_ITEM + ITEM_DRAWS * (uint64_t)number;
    return (gv_onboarding_item){
        .type = draw_type(random, at, slope, z),
        .dwell = (float)(slope * z + GV_DWELL_NOISE * gv_random_normal(random, at + 1)),
        .is_liked =
            gv_random_bernoulli(random, at + 2, gv_population_sigmoid(GV_LIKE_BASE + slope * z))};
}

/* The sessions lie within day 0, an item every minute. */
static int64_t draw_content(const gv_population *population, const gv_spell *spell,
                            int64_t entry_us, gv_onboarding *content)
{
    const gv_random random = key_of(population, DRAW_ONBOARDING, spell->user, spell->number);
    const int64_t minute_us = GV_US_PER_MINUTE;
    int64_t start_us = 0;
    int64_t last_us = entry_us;
    *content =
        (gv_onboarding){.session_count = draw_sessions(population, &random, spell->interest)};
    for (size_t s = 0; s < content->session_count; s++) {
        if (s > 0) {
            const double wait = gv_random_uniform(&random, 2 * s + 1);
            start_us += (int64_t)((0.5 + 10.0 * wait) * 60.0 * (double)minute_us);
        }
        content->gap[s] = (float)((double)start_us / (double)GV_US_PER_DAY);
        for (size_t j = 0; j < GV_ONBOARDING_ITEMS; j++) {
            const size_t number = s * GV_ONBOARDING_ITEMS + j;
            content->items[s][j] = draw_item(population, &random, spell->interest, number);
            last_us = entry_us + start_us + (int64_t)(j + 1) * minute_us;
            content->items[s][j].time_us = last_us;
        }
    }
    return last_us;
}

gv_status gv_population_onboarding(const gv_population *population, const gv_spell *spell,
                                   int64_t entry_us, int64_t clock_us, gv_onboarding *out)
{
    gv_onboarding content;
    const int64_t last_us = draw_content(population, spell, entry_us, &content);
    if (last_us > clock_us) {
        return GV_FAIL(GV_EINVAL,
                       "onboarding content of user %" PRIu64 " was asked for at %" PRId64
                       " us, but it lasts until %" PRId64
                       " us: content comes after the re-entry and cannot be known at a bid",
                       spell->user, clock_us, last_us);
    }
    *out = content;
    return GV_OK;
}
