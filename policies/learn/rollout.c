#include <assert.h>
#include <math.h>
#include <string.h>

#include "policies/learn/rollout_impl.h"
#include "sim/base/mem.h"
#include "sim/base/money.h"
#include "sim/market/landscape.h"
#include "sim/market/seat.h"

#define POINT_LOG ((GV_LANDSCAPE_MOST - GV_LANDSCAPE_LEAST) / (GV_LANDSCAPE_SIZE - 1))

/* A Poisson draw is a sum of draws of at most this mean, each by inversion. */
#define POISSON_MEAN_MOST 16.0

typedef struct played {
    gv_rollout_draw draw;
    gv_campaign campaign;
    double shift; /* log of its CPA over the episode's */
    double spend;
    double conversions;
    size_t tick;
    gv_seat_tick *past;     /* [ticks] */
    gv_rollout_tick *ticks; /* [ticks] */
    double *rest_cost;      /* [GV_LANDSCAPE_SIZE]: of this tick and later ones; NULL: not asked */
    double *rest_value;
} played;

struct gv_rollout {
    size_t row_count;
    size_t tick_count;
    played *rows;           /* [row_count] */
    gv_seat_tick *past;     /* [row_count][tick_count] */
    gv_rollout_tick *ticks; /* [row_count][tick_count] */
    double *rests;          /* [row_count][2][GV_LANDSCAPE_SIZE]; NULL: no oracle */
};

/* ---- one tick -------------------------------------------------------------------------------- */

gv_rollout_tick gv_rollout_offer(const gv_episode *episode, size_t tick, double log_multiplier,
                                 double left)
{
    const gv_episode_landscape *landscape = &episode->landscape;
    const float *cost = landscape->cost + tick * GV_LANDSCAPE_SIZE;
    const float *value = landscape->value + tick * GV_LANDSCAPE_SIZE;
    const double last = GV_LANDSCAPE_SIZE - 1;
    const double at = fmin(fmax((log_multiplier - GV_LANDSCAPE_LEAST) / POINT_LOG, 0.0), last);
    const size_t i = (size_t)fmin(at, last - 1);
    const double part = at - (double)i;
    const double cost_step = (double)cost[i + 1] - (double)cost[i];
    const double value_step = (double)value[i + 1] - (double)value[i];
    return (gv_rollout_tick){.cost = (double)cost[i] + part * cost_step,
                             .value = (double)value[i] + part * value_step,
                             .cost_slope = cost_step / POINT_LOG,
                             .value_slope = value_step / POINT_LOG,
                             .truth = (double)landscape->truth[tick],
                             .left = left};
}

double gv_rollout_share(const gv_rollout_tick *tick)
{
    return tick->cost > tick->left ? tick->left / tick->cost : 1.0;
}

/* ---- the end, and back ----------------------------------------------------------------------- */

double gv_rollout_score(const gv_rollout_end *end)
{
    const double afforded = end->cpa * end->conversions;
    const double kept = end->spend > afforded ? afforded / end->spend : 1.0;
    return kept * kept * end->conversions;
}

/*
 * With r = (C N / S)^2 where S is above C N: score r N, by N 3 r, by S -2 r N / S. A tick that the
 * budget cut leaves S = B whatever came before, and gains v left / c.
 */
void gv_rollout_adjoint(const gv_rollout_tick *ticks, size_t count, const gv_rollout_end *end,
                        double *gradient)
{
    const double afforded = end->cpa * end->conversions;
    const bool is_over = end->spend > afforded;
    const double score = gv_rollout_score(end);
    const double by_conversions = is_over ? 3 * pow(afforded / end->spend, 2) : 1.0;
    double by_spend = is_over ? -2 * score / end->spend : 0.0;
    for (size_t t = count; t-- > 0;) {
        const gv_rollout_tick *tick = &ticks[t];
        const double by_value = by_conversions * tick->truth;
        if (tick->cost > tick->left) {
            const double price = tick->value / tick->cost; /* values a unit of currency */
            gradient[t] =
                by_value * tick->left / tick->cost * (tick->value_slope - price * tick->cost_slope);
            by_spend = -by_value * price;
        } else {
            gradient[t] = by_value * tick->value_slope + by_spend * tick->cost_slope;
        }
    }
}

/* ---- players --------------------------------------------------------------------------------- */

gv_status gv_rollout_create(size_t rows, size_t ticks, bool has_oracle, gv_rollout **out)
{
    gv_rollout *rollout = gv_mem_alloc(sizeof *rollout, 0, 0);
    if (rollout == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for roll-outs");
    }
    rollout->row_count = rows;
    rollout->tick_count = ticks;
    rollout->rows = gv_mem_alloc(0, rows, sizeof *rollout->rows);
    rollout->past = gv_mem_alloc(0, rows * ticks, sizeof *rollout->past);
    rollout->ticks = gv_mem_alloc(0, rows * ticks, sizeof *rollout->ticks);
    const bool has_rests = has_oracle;
    if (has_rests) {
        rollout->rests = gv_mem_alloc(0, rows * 2 * GV_LANDSCAPE_SIZE, sizeof *rollout->rests);
    }
    if (rollout->rows == NULL || rollout->past == NULL || rollout->ticks == NULL ||
        (has_rests && rollout->rests == NULL)) {
        gv_rollout_destroy(rollout);
        return GV_FAIL(GV_ENOMEM, "no memory for %zu roll-outs of %zu ticks", rows, ticks);
    }
    *out = rollout;
    return GV_OK;
}

void gv_rollout_destroy(gv_rollout *rollout)
{
    if (rollout != NULL) {
        gv_mem_free(rollout->rows);
        gv_mem_free(rollout->past);
        gv_mem_free(rollout->ticks);
        gv_mem_free(rollout->rests);
        gv_mem_free(rollout);
    }
}

static int64_t nanos_of(double units)
{
    return llround(units * (double)GV_NANOS_PER_UNIT);
}

static void sum_rest(played *self, size_t ticks)
{
    const gv_episode_landscape *landscape = &self->draw.episode->landscape;
    for (size_t k = 0; k < GV_LANDSCAPE_SIZE; k++) {
        self->rest_cost[k] = 0;
        self->rest_value[k] = 0;
        for (size_t t = 0; t < ticks; t++) {
            self->rest_cost[k] += (double)landscape->cost[t * GV_LANDSCAPE_SIZE + k];
            self->rest_value[k] += (double)landscape->value[t * GV_LANDSCAPE_SIZE + k];
        }
    }
}

void gv_rollout_begin(gv_rollout *rollout, size_t row, const gv_rollout_draw *draw)
{
    assert(row < rollout->row_count);
    assert(draw->episode->landscape.cost != NULL);
    played *self = &rollout->rows[row];
    *self = (played){.draw = *draw,
                     .campaign = {.cpa_nanos = nanos_of(draw->cpa)},
                     .shift = log(draw->cpa / draw->episode->cpa),
                     .past = rollout->past + row * rollout->tick_count,
                     .ticks = rollout->ticks + row * rollout->tick_count};
    if (rollout->rests != NULL) {
        self->rest_cost = rollout->rests + row * 2 * GV_LANDSCAPE_SIZE;
        self->rest_value = self->rest_cost + GV_LANDSCAPE_SIZE;
        sum_rest(self, rollout->tick_count);
    }
}

void gv_rollout_look(const gv_rollout *rollout, size_t row, double *outlook)
{
    const played *self = &rollout->rows[row];
    const gv_episode_landscape *landscape = &self->draw.episode->landscape;
    assert(self->tick < rollout->tick_count);
    const double count = landscape->auctions[self->tick];
    const gv_observation seen = {
        .tick = self->tick,
        .tick_count = rollout->tick_count,
        .budget_nanos = nanos_of(self->draw.budget),
        .budget_left_nanos = nanos_of(fmax(self->draw.budget - self->spend, 0.0)),
        .market = {.is_market = true,
                   .announced_count = (uint64_t)count,
                   .announced_value = count > 0 ? landscape->values[self->tick] / count : 0.0,
                   .ticks = self->past}};
    gv_outlook_of(&seen, &self->campaign, outlook);
}

double gv_rollout_best(const gv_rollout *rollout, size_t row)
{
    const played *self = &rollout->rows[row];
    const double left = self->draw.budget - self->spend;
    double best_score = -1;
    size_t best = 0;
    for (size_t k = 0; k < GV_LANDSCAPE_SIZE; k++) {
        const gv_rollout_end end = {.spend = self->spend + self->rest_cost[k],
                                    .conversions = self->conversions + self->rest_value[k],
                                    .cpa = self->draw.cpa};
        const double score = gv_rollout_score(&end);
        if (self->rest_cost[k] <= left && score > best_score) {
            best_score = score;
            best = k;
        }
    }
    assert(rollout->rests != NULL);
    return GV_LANDSCAPE_LEAST + (double)best * POINT_LOG - self->shift;
}

/* By inversion; the mean is small enough for exp(-mean) to be a number. */
static uint64_t poisson_of(double uniform, double mean)
{
    uint64_t count = 0;
    double chance = exp(-mean);
    while (uniform >= chance && chance > 0) {
        uniform -= chance;
        count++;
        chance *= mean / (double)count;
    }
    return count;
}

/* One draw for each part of a large mean; that of part j of tick t has index t + j T. */
static double draw_poisson(const played *self, size_t tick_count, double mean)
{
    const uint64_t parts = (uint64_t)ceil(mean / POISSON_MEAN_MOST);
    uint64_t count = 0;
    for (uint64_t part = 0; part < parts; part++) {
        const uint64_t index = self->draw.first + self->tick + part * tick_count;
        count += poisson_of(gv_random_uniform(&self->draw.random, index), mean / (double)parts);
    }
    return (double)count;
}

static void remember(played *self, const gv_rollout_tick *now, double log_multiplier,
                     double conversions)
{
    const gv_episode_landscape *landscape = &self->draw.episode->landscape;
    const double values = landscape->values[self->tick];
    const double share = gv_rollout_share(now);
    const double least = GV_LANDSCAPE_LEAST - self->shift;
    const double most = GV_LANDSCAPE_MOST - self->shift;
    const double multiplier = self->draw.cpa * exp(fmin(fmax(log_multiplier, least), most));
    self->past[self->tick] =
        (gv_seat_tick){.tally = {.auctions = (uint64_t)landscape->auctions[self->tick],
                                 .bid_nanos = nanos_of(multiplier * values),
                                 .spend_nanos = nanos_of(share * now->cost),
                                 .conversions = (uint64_t)llround(conversions)},
                       .value_units = llround(values * GV_VALUE_UNITS),
                       .exposed_value_units = llround(share * now->value * GV_VALUE_UNITS),
                       .least_cost_nanos = nanos_of(landscape->least_cost[self->tick])};
}

static void pass(played *self)
{
    const gv_episode_landscape *landscape = &self->draw.episode->landscape;
    for (size_t k = 0; k < GV_LANDSCAPE_SIZE; k++) {
        const size_t at = self->tick * GV_LANDSCAPE_SIZE + k;
        self->rest_cost[k] -= (double)landscape->cost[at];
        self->rest_value[k] -= (double)landscape->value[at];
    }
}

void gv_rollout_bid(gv_rollout *rollout, size_t row, double log_multiplier)
{
    played *self = &rollout->rows[row];
    assert(self->tick < rollout->tick_count);
    const double left = fmax(self->draw.budget - self->spend, 0.0);
    const gv_rollout_tick now =
        gv_rollout_offer(self->draw.episode, self->tick, log_multiplier + self->shift, left);
    const double share = gv_rollout_share(&now);
    const double mean = share * now.value * now.truth;
    const double conversions =
        self->draw.has_mean_luck ? mean : draw_poisson(self, rollout->tick_count, mean);
    remember(self, &now, log_multiplier, conversions);
    if (rollout->rests != NULL) {
        pass(self);
    }
    self->ticks[self->tick] = now;
    self->spend += share * now.cost;
    self->conversions += conversions;
    self->tick++;
}

gv_rollout_end gv_rollout_end_of(const gv_rollout *rollout, size_t row)
{
    const played *self = &rollout->rows[row];
    return (gv_rollout_end){
        .spend = self->spend, .conversions = self->conversions, .cpa = self->draw.cpa};
}

double gv_rollout_finish(const gv_rollout *rollout, size_t row, double *gradient)
{
    const gv_rollout_end end = gv_rollout_end_of(rollout, row);
    assert(rollout->rows[row].tick == rollout->tick_count);
    gv_rollout_adjoint(rollout->rows[row].ticks, rollout->tick_count, &end, gradient);
    return gv_rollout_score(&end);
}
