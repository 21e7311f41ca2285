#include "sim/log/planted.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "sim/base/clock.h"
#include "sim/base/mem.h"
#include "sim/base/random.h"

/* Entities of the stream below those of rows: fixed draws, then users. */
#define USERS (UINT64_C(1) << 40)
#define ROWS  (UINT64_C(1) << 41)

/* What an earlier event on each exchange does for clicks and for conversions. */
static const double click_signs[GV_PLANTED_EXCHANGES] = {1, -1, 1, -1};
static const double conversion_signs[GV_PLANTED_EXCHANGES] = {1, 1, -1, -1};

enum {
    EFFECT_INTEREST_ADVERTISER,
    EFFECT_EXCHANGE_SLOT,
    EFFECT_CREATIVE,
    EFFECT_INTEREST_EXCHANGE,
    EFFECT_CREATIVE_CONVERSION
};

/* Draws of a row, and of a user. */
enum {
    ROW_TIME,
    ROW_USER,
    ROW_TAG,
    ROW_NOISE,
    ROW_FAVOUR,
    ROW_ADVERTISER,
    ROW_CREATIVE,
    ROW_EXCHANGE,
    ROW_SLOT,
    ROW_CLICK,
    ROW_CONVERSION
};
enum { USER_INTEREST, USER_FAVOURITES };
enum { FAVOURITES = 3 };

struct gv_planted {
    gv_planted_config config;
    uint64_t next;
    gv_planted_event *pasts; /* [users][past_length], oldest first */
    uint32_t *counts;        /* [users] */
    gv_planted_event *told;  /* [past_length]: the last row's past */
};

gv_status gv_planted_create(const gv_planted_config *config, gv_planted **out)
{
    assert(config->users >= 1);
    assert(config->users < ROWS - USERS);
    assert(config->past_length >= 1);
    assert(config->span_us >= 1);
    gv_planted *planted = gv_mem_alloc(sizeof *planted, 0, 0);
    if (planted == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for planted rows");
    }
    planted->config = *config;
    const size_t events = (size_t)config->users * config->past_length;
    planted->pasts = gv_mem_alloc(0, events, sizeof *planted->pasts);
    planted->counts = gv_mem_alloc(0, (size_t)config->users, sizeof *planted->counts);
    planted->told = gv_mem_alloc(0, config->past_length, sizeof *planted->told);
    if (planted->pasts == NULL || planted->counts == NULL || planted->told == NULL) {
        gv_planted_destroy(planted);
        return GV_FAIL(GV_ENOMEM, "no memory for the pasts of planted users");
    }
    *out = planted;
    return GV_OK;
}

void gv_planted_destroy(gv_planted *planted)
{
    if (planted != NULL) {
        gv_mem_free(planted->pasts);
        gv_mem_free(planted->counts);
        gv_mem_free(planted->told);
        gv_mem_free(planted);
    }
}

static double effect(const gv_planted *planted, uint64_t kind, uint32_t a, uint32_t b)
{
    const gv_random random = gv_random_key(planted->config.seed, GV_STREAM_PLANTED, kind);
    return gv_random_normal(&random, (uint64_t)a * 64 + b);
}

static uint32_t interest_of(const gv_random *user)
{
    return (uint32_t)gv_random_below(user, USER_INTEREST, GV_PLANTED_INTERESTS);
}

static void draw_context(const gv_random *user, const gv_random *random, gv_planted_row *row)
{
    const uint32_t own = interest_of(user);
    const uint32_t other = (uint32_t)gv_random_below(random, ROW_NOISE, GV_PLANTED_INTERESTS);
    const bool is_told = gv_random_bernoulli(random, ROW_TAG, 0.8);
    row->tags[0] = is_told ? own : (other + 1) % GV_PLANTED_INTERESTS;
    row->tags[1] = other;
    row->advertiser = (uint32_t)gv_random_below(random, ROW_ADVERTISER, GV_PLANTED_ADVERTISERS);
    if (gv_random_bernoulli(random, ROW_FAVOUR, 0.6)) {
        row->advertiser = (uint32_t)gv_random_below(
            user, USER_FAVOURITES + row->advertiser % FAVOURITES, GV_PLANTED_ADVERTISERS);
    }
    const uint32_t each = GV_PLANTED_CREATIVES / GV_PLANTED_ADVERTISERS;
    row->creative = row->advertiser * each + (uint32_t)gv_random_below(random, ROW_CREATIVE, each);
    row->exchange = (uint32_t)gv_random_below(random, ROW_EXCHANGE, GV_PLANTED_EXCHANGES);
    row->slot = (uint32_t)gv_random_below(random, ROW_SLOT, GV_PLANTED_SLOTS);
}

/* The sum over events of the advertiser at hand. */
static double memory_of(const gv_planted_row *row, const double *signs)
{
    double sum = 0;
    for (size_t i = 0; i < row->past_count; i++) {
        const gv_planted_event *event = &row->past[i];
        const double days = (double)(row->time_us - event->time_us) / (double)(24 * GV_US_PER_HOUR);
        sum += event->advertiser == row->advertiser ? signs[event->exchange] * exp(-days) : 0;
    }
    return tanh(sum);
}

static double logistic(double odds)
{
    return 1 / (1 + exp(-odds));
}

static void draw_outcome(const gv_planted *planted, uint32_t interest, const gv_random *random,
                         gv_planted_row *row)
{
    const double click =
        -1.6 + 0.6 * effect(planted, EFFECT_INTEREST_ADVERTISER, interest, row->advertiser) +
        0.4 * effect(planted, EFFECT_EXCHANGE_SLOT, row->exchange, row->slot) +
        0.3 * effect(planted, EFFECT_CREATIVE, row->creative, 0) +
        1.8 * memory_of(row, click_signs);
    const double conversion =
        -1.2 + 0.5 * effect(planted, EFFECT_INTEREST_EXCHANGE, interest, row->exchange) +
        0.3 * effect(planted, EFFECT_CREATIVE_CONVERSION, row->creative, 0) +
        1.8 * memory_of(row, conversion_signs);
    row->pctr = logistic(click);
    row->pcvr = logistic(conversion);
    row->is_clicked = gv_random_bernoulli(random, ROW_CLICK, row->pctr);
    row->is_converted = row->is_clicked && gv_random_bernoulli(random, ROW_CONVERSION, row->pcvr);
}

/* The row becomes the latest event of its user; the oldest may fall out. */
static void remember(gv_planted *planted, const gv_planted_row *row)
{
    const size_t length = planted->config.past_length;
    gv_planted_event *past = planted->pasts + row->user * length;
    uint32_t *count = &planted->counts[row->user];
    if (*count == length) {
        memmove(past, past + 1, (length - 1) * sizeof *past);
        (*count)--;
    }
    past[(*count)++] = (gv_planted_event){
        .advertiser = row->advertiser, .exchange = row->exchange, .time_us = row->time_us};
}

static int64_t time_of(const gv_planted_config *config, uint64_t index, double within)
{
    const double share = ((double)index + within) / (double)config->count;
    return config->start_us + (int64_t)(share * (double)config->span_us);
}

bool gv_planted_next(gv_planted *planted, gv_planted_row *row)
{
    const gv_planted_config *config = &planted->config;
    if (planted->next == config->count) {
        return false;
    }
    const uint64_t index = planted->next++;
    const gv_random random = gv_random_key(config->seed, GV_STREAM_PLANTED, ROWS + index);
    *row = (gv_planted_row){.time_us = time_of(config, index, gv_random_uniform(&random, ROW_TIME)),
                            .user = gv_random_below(&random, ROW_USER, config->users)};
    const gv_random user = gv_random_key(config->seed, GV_STREAM_PLANTED, USERS + row->user);
    row->past_count = planted->counts[row->user];
    memcpy(planted->told, planted->pasts + row->user * config->past_length,
           row->past_count * sizeof *planted->told);
    row->past = planted->told;
    draw_context(&user, &random, row);
    draw_outcome(planted, interest_of(&user), &random, row);
    remember(planted, row);
    return true;
}
