/*
 * Poisson arrivals along a curve, with values of AuctionNet's law. Ours; curves may be anyone's.
 *
 * The intensity is rate w(t) / (integral of w over the period), w the curve's weight at local time,
 * so that a period has `rate` opportunities on average, whatever its days. In a demand shock the
 * intensity is multiplied by its volume.
 *
 * A Poisson process forgets: what happens in one stretch of time says nothing of the next. So each
 * tick is cut, at the curve's seams and then evenly, into cells of about 64 opportunities, and each
 * cell is a process of its own, keyed by its number. Its arrivals are the partial sums S_k of
 * standard exponentials that stay below the cell's mean m, at the times S_k / m of its length:
 * counts are Poisson, gaps exponential, and any cell can be had without those before. Only where
 * each cell begins is kept: 24 bytes for some 64 opportunities.
 */
#include <assert.h>
#include <math.h>

#include "sim/base/mem.h"
#include "sim/base/random.h"
#include "sim/market/arrival_curve_impl.h"
#include "sim/market/traffic_impl.h"
#include "sim/market/value_law_impl.h"

typedef struct poisson_config {
    double rate;
    const char *curve;
    const char *curve_region;
    const char *curve_column;
    gv_value_law_config law;
} poisson_config;

#define FIELD(name) .offset = offsetof(poisson_config, name)

static const char *const curve_names[] = {"flat", "auctionnet", NULL};

static const gv_param poisson_params[] = {
    {.name = "rate",
     .kind = GV_PARAM_REAL,
     .fallback = "500000",
     .minimum = 0.001,
     .maximum = 1e9,
     FIELD(rate),
     .help = "Expected opportunities in a period; the number itself is Poisson."},
    {.name = "curve",
     .kind = GV_PARAM_PATH,
     .fallback = "flat",
     .choices = curve_names,
     FIELD(curve),
     .help =
         "How busy each hour is: flat, auctionnet (half-hours of the day), or the path of a CSV, "
         "perhaps compressed, with columns hour, traffic_share or share, and dow (1 Monday to 7) "
         "for a week. Hours are local: of the scenario's zone."},
    {.name = "curve_region",
     .kind = GV_PARAM_TEXT,
     .fallback = "auto",
     FIELD(curve_region),
     .help = "Only the CSV's rows of this region; auto: all rows."},
    {.name = "curve_column",
     .kind = GV_PARAM_TEXT,
     .fallback = "region_id",
     FIELD(curve_column),
     .help = "The CSV's column that holds the region."},
    GV_VALUE_LAW_ROWS(poisson_config),
    GV_SHOCK_ROWS(poisson_config),
    GV_SHOCK_VOLUME_ROW(poisson_config),
    {.name = NULL},
};

#undef FIELD

enum { GAPS = 32 };

#define CELL_MEAN 64.0   /* opportunities that a cell aims at ... */
#define CELLS_MAX 0x1p18 /* ... while there are no more cells than about this */

typedef struct cell {
    uint64_t before; /* opportunities of the period before it */
    int64_t start_us;
    double mean;
} cell;

typedef struct poisson_state {
    gv_traffic_setup setup; /* the categories are no longer there after init */
    gv_value_law law;
    size_t cell_count;
    cell *cells;        /* [cell_count + 1]: the last begins where the period ends */
    size_t *tick_cells; /* [tick_count + 1]: the first cell of each tick */
} poisson_state;

/* A stretch of a tick within one bucket of the curve. */
typedef struct stretch {
    int64_t start_us;
    int64_t end_us;
    double weight; /* times its length */
} stretch;

/* The stretch that begins at `start_us`, no longer than the tick. */
static stretch stretch_at(const gv_traffic_setup *setup, const gv_arrival_curve *curve,
                          int64_t start_us, int64_t tick_end_us)
{
    int64_t end_us = 0;
    const size_t bucket = gv_arrival_curve_bucket(curve, start_us + setup->zone_us, &end_us);
    end_us -= setup->zone_us;
    end_us = end_us < tick_end_us ? end_us : tick_end_us;
    return (stretch){start_us, end_us, curve->weights[bucket] * (double)(end_us - start_us)};
}

static size_t cells_of(const stretch *part, double mean, double cell_mean)
{
    const double wanted = fmin(ceil(mean / cell_mean), (double)(part->end_us - part->start_us));
    return wanted < 1.0 ? 1 : (size_t)wanted;
}

/* What a walk over the stretches of a period adds up. */
typedef struct cell_plan {
    const gv_arrival_curve *curve;
    const gv_shock *shock;
    double rate;
    double total; /* of the weights */
    double cell_mean;
    size_t cell_count;
} cell_plan;

static int64_t tick_start(const gv_traffic_setup *setup, size_t tick)
{
    return setup->start_us + (int64_t)tick * setup->tick_us;
}

static gv_status add_weights(const poisson_state *state, cell_plan *plan, const char *name)
{
    const gv_traffic_setup *setup = &state->setup;
    const int64_t end_us = tick_start(setup, setup->tick_count);
    for (int64_t at_us = setup->start_us; at_us < end_us;) {
        const stretch part = stretch_at(setup, plan->curve, at_us, end_us);
        plan->total += part.weight;
        at_us = part.end_us;
    }
    if (!(plan->total > 0.0)) {
        return GV_FAIL(GV_EINVAL, "the curve '%s' has no traffic in the hours of this period",
                       name);
    }
    return GV_OK;
}

/* Where cells begin and what they expect; with state->cells NULL it only counts them. */
static void lay_cells(poisson_state *state, cell_plan *plan)
{
    const gv_traffic_setup *setup = &state->setup;
    plan->cell_count = 0;
    for (size_t tick = 0; tick < setup->tick_count; tick++) {
        const int64_t end_us = tick_start(setup, tick + 1);
        const double rate = plan->rate * gv_shock_volume(plan->shock, setup, tick);
        state->tick_cells[tick] = plan->cell_count;
        for (int64_t at_us = tick_start(setup, tick); at_us < end_us;) {
            const stretch part = stretch_at(setup, plan->curve, at_us, end_us);
            const double mean = rate * part.weight / plan->total;
            const size_t count = cells_of(&part, mean, plan->cell_mean);
            for (size_t i = 0; state->cells != NULL && i < count; i++) {
                const double share = (double)i / (double)count;
                const int64_t into_us = (int64_t)(share * (double)(part.end_us - part.start_us));
                state->cells[plan->cell_count + i] =
                    (cell){.start_us = part.start_us + into_us, .mean = mean / (double)count};
            }
            plan->cell_count += count;
            at_us = part.end_us;
        }
    }
    state->tick_cells[setup->tick_count] = plan->cell_count;
}

static gv_random cell_key(const poisson_state *state, size_t number)
{
    return gv_random_key(state->setup.seed, GV_STREAM_ARRIVAL,
                         gv_traffic_entity(state->setup.period, number));
}

/* How many partial sums of the cell's gaps stay below its mean. */
static uint64_t count_cell(const poisson_state *state, size_t number)
{
    const double mean = state->cells[number].mean;
    const gv_random key = cell_key(state, number);
    double gaps[GAPS];
    double sum = 0.0;
    for (uint64_t done = 0;; done += GAPS) {
        gv_random_fill_exponential(&key, done, GAPS, gaps);
        for (size_t i = 0; i < GAPS; i++) {
            sum += gaps[i];
            if (sum >= mean) {
                return done + i;
            }
        }
    }
}

static void draw_counts(poisson_state *state)
{
    for (size_t i = 0; i < state->cell_count; i++) {
        state->cells[i + 1].before = state->cells[i].before + count_cell(state, i);
    }
}

static gv_status make_cells(poisson_state *state, const poisson_config *config,
                            const gv_arrival_curve *curve)
{
    const size_t tick_count = state->setup.tick_count;
    cell_plan plan = {.curve = curve,
                      .shock = &config->law.shock,
                      .rate = config->rate,
                      .cell_mean = fmax(CELL_MEAN, config->rate / CELLS_MAX)};
    GV_TRY(add_weights(state, &plan, config->curve));
    state->tick_cells = gv_mem_alloc(0, tick_count + 1, sizeof *state->tick_cells);
    if (state->tick_cells == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for traffic of %zu ticks", tick_count);
    }
    lay_cells(state, &plan);
    state->cell_count = plan.cell_count;
    state->cells = gv_mem_alloc(0, plan.cell_count + 1, sizeof *state->cells);
    if (state->cells == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for traffic of %zu cells", plan.cell_count);
    }
    lay_cells(state, &plan);
    state->cells[plan.cell_count].start_us = tick_start(&state->setup, tick_count);
    return GV_OK;
}

static gv_status poisson_check(const void *object, size_t tick_count)
{
    const poisson_config *config = object;
    return gv_shock_check(&config->law.shock, tick_count);
}

static gv_status poisson_init(void *object, const gv_traffic_setup *setup)
{
    poisson_state *state = object;
    const poisson_config *config = setup->config;
    gv_arrival_curve curve;
    state->setup = *setup;
    GV_TRY(
        gv_arrival_curve_read(config->curve, config->curve_column, config->curve_region, &curve));
    GV_TRY(make_cells(state, config, &curve));
    draw_counts(state);
    return gv_value_law_init(&state->law, &config->law, setup);
}

static void poisson_fini(void *object)
{
    poisson_state *state = object;
    gv_mem_free(state->cells);
    gv_mem_free(state->tick_cells);
    gv_value_law_fini(&state->law);
}

static uint64_t poisson_count(const void *object, size_t tick)
{
    const poisson_state *state = object;
    return state->cells[state->tick_cells[tick + 1]].before -
           state->cells[state->tick_cells[tick]].before;
}

/* The cell that holds the opportunity; one that has it, so never an empty one. */
static size_t find_cell(const poisson_state *state, size_t tick, uint64_t opportunity)
{
    size_t low = state->tick_cells[tick];
    size_t high = state->tick_cells[tick + 1];
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (state->cells[middle].before <= opportunity) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Writes arrivals number `skip`, skip + 1, ... of the cell, as far as it and `room` go. */
static size_t cell_times(const poisson_state *state, size_t number, uint64_t skip, size_t room,
                         int64_t *time_us)
{
    const cell *at = &state->cells[number];
    const uint64_t held = at[1].before - at->before;
    const uint64_t end = held - skip < room ? held : skip + room;
    if (end == skip) {
        return 0;
    }
    const int64_t length_us = at[1].start_us - at->start_us;
    const double scale = (double)length_us / at->mean;
    const gv_random key = cell_key(state, number);
    double gaps[GAPS];
    double sum = 0.0;
    for (uint64_t k = 0; k < end; k++) {
        if (k % GAPS == 0) {
            gv_random_fill_exponential(&key, k, GAPS, gaps);
        }
        sum += gaps[k % GAPS];
        if (k >= skip) {
            const int64_t into_us = (int64_t)(sum * scale);
            time_us[k - skip] = at->start_us + (into_us < length_us ? into_us : length_us - 1);
        }
    }
    return (size_t)(end - skip);
}

static void poisson_times(const void *object, size_t tick, uint64_t first, size_t count,
                          int64_t *time_us)
{
    const poisson_state *state = object;
    size_t number = count == 0 ? 0 : find_cell(state, tick, first);
    for (size_t done = 0; done < count; number++) {
        const uint64_t skip = first + done - state->cells[number].before;
        done += cell_times(state, number, skip, count - done, time_us + done);
    }
}

static void poisson_values(const void *object, const gv_traffic_piece *piece, size_t stride,
                           float *values)
{
    const poisson_state *state = object;
    gv_value_law_values(&state->law, piece, stride, values);
}

static double poisson_sigma(const void *object, uint64_t opportunity, uint32_t advertiser,
                            double value)
{
    const poisson_state *state = object;
    return gv_value_law_sigma(&state->law, opportunity, advertiser, value);
}

const gv_traffic_type gv_traffic_poisson = {
    .info = {.name = "poisson",
             .summary = "Poisson arrivals along a curve of the day or week; AuctionNet's values.",
             .params = poisson_params,
             .config_size = sizeof(poisson_config)},
    .state_size = sizeof(poisson_state),
    .check = poisson_check,
    .init = poisson_init,
    .count = poisson_count,
    .times = poisson_times,
    .values = poisson_values,
    .sigma = poisson_sigma,
    .fini = poisson_fini,
};
