/* Bid landscapes against one bid at a time. */
#include <math.h>
#include <string.h>

#include "made_market.h"
#include "sim/market/landscape.h"
#include "sim/market/record.h"
#include "test_random.h"

enum { COUNT = 1500, TICKS = 3, SLOTS = 3 };

/* A period and where its landscape goes. */
typedef struct known_offers {
    float values[COUNT];
    int64_t prices[SLOTS * COUNT];
    uint64_t first[TICKS + 1];
    double exposure[SLOTS];
    gv_future future;
    gv_landscape_config config;
    float cost[TICKS * GV_LANDSCAPE_SIZE];
    float value[TICKS * GV_LANDSCAPE_SIZE];
    double auctions[TICKS];
    double sums[TICKS];
    double least_cost[TICKS];
} known_offers;

static double uniform(test_random *random)
{
    return (double)test_random_below(random, 1 << 20) / (1 << 20);
}

/* Prices fall from slot to slot; some values are 0, some prices too high for any bid. */
static void draw(known_offers *known, test_random *random)
{
    for (size_t i = 0; i < COUNT; i++) {
        known->values[i] = i % 50 == 0 ? 0.0F : (float)(uniform(random) * 0.01);
        double price = exp(6 * uniform(random) - 4);
        for (size_t slot = 0; slot < SLOTS; slot++) {
            known->prices[slot * COUNT + i] = (int64_t)(price * 1e9) + 1;
            price *= 0.4 + 0.6 * uniform(random);
        }
    }
    memcpy(known->first, (const uint64_t[]){0, 700, 700, COUNT}, sizeof known->first);
    memcpy(known->exposure, (const double[]){1, 0.8, 0.48}, sizeof known->exposure);
    known->future =
        (gv_future){SLOTS, known->exposure, TICKS, known->first, known->values, known->prices};
    known->config = (gv_landscape_config){.future = &known->future,
                                          .rules = {.price_step_nanos = 1},
                                          .cpa_nanos = 70 * GV_NANOS_PER_UNIT,
                                          .bid_cap_nanos = INT64_MAX};
}

static gv_status survey(known_offers *known)
{
    gv_landscape out = {.cost = known->cost,
                        .value = known->value,
                        .auctions = known->auctions,
                        .values = known->sums,
                        .least_cost = known->least_cost};
    return gv_landscape_of(&known->config, &out);
}

/* What a bid of multiplier x value gets on one opportunity. */
static void bid_on(const known_offers *known, size_t i, double multiplier, double *cost,
                   double *value)
{
    const gv_landscape_config *config = &known->config;
    const int64_t step = config->rules.price_step_nanos;
    const double worth = multiplier * (double)known->values[i] * (double)config->cpa_nanos;
    double harm = 0;
    size_t won = SLOTS;
    for (size_t slot = SLOTS; slot-- > 0;) {
        const int64_t least = (known->prices[slot * COUNT + i] / step + 1) * step;
        if ((double)least > worth || least > config->bid_cap_nanos) {
            break;
        }
        const double below = slot + 1 < SLOTS ? known->exposure[slot + 1] : 0;
        harm += (known->exposure[slot] - below) * (double)known->prices[slot * COUNT + i] / 1e9;
        won = slot;
    }
    if (won < SLOTS) {
        *cost += config->rules.pays_harm
                     ? harm
                     : known->exposure[won] * (double)known->prices[won * COUNT + i] / 1e9;
        *value += known->exposure[won] * (double)known->values[i];
    }
}

static void assert_landscape(const known_offers *known)
{
    for (size_t tick = 0; tick < TICKS; tick++) {
        for (size_t k = 0; k < GV_LANDSCAPE_SIZE; k++) {
            double cost = 0;
            double value = 0;
            for (size_t i = known->first[tick]; i < known->first[tick + 1]; i++) {
                bid_on(known, i, gv_landscape_multiplier(k), &cost, &value);
            }
            const size_t at = tick * GV_LANDSCAPE_SIZE + k;
            assert_true(fabs((double)known->cost[at] - cost) <= 1e-6 * (cost + 1e-3));
            assert_true(fabs((double)known->value[at] - value) <= 1e-6 * (value + 1e-3));
        }
    }
}

static void every_point_is_what_a_bid_would_get(void **state)
{
    (void)state;
    static known_offers known;
    test_random random = test_random_seeded();
    for (int c = 0; c < 8; c++) {
        draw(&known, &random);
        known.config.rules.pays_harm = c % 2 == 1;
        known.config.rules.price_step_nanos = c % 3 == 0 ? 1 : 7000000;
        known.config.bid_cap_nanos = c % 4 == 3 ? GV_NANOS_PER_UNIT / 2 : INT64_MAX;
        assert_int_equal(survey(&known), GV_OK);
        assert_landscape(&known);
        assert_true(known.cost[GV_LANDSCAPE_SIZE - 1] > 0);
    }
}

/* A price of exactly a grid point is not beaten there, and beaten at the next. */
static void thresholds_on_the_grid(void **state)
{
    (void)state;
    static known_offers known;
    test_random random = test_random_seeded();
    draw(&known, &random);
    for (size_t k = 0; k + 1 < GV_LANDSCAPE_SIZE; k += GV_LANDSCAPE_OCTAVE) {
        const double price = ldexp(0.25 * 70e9, (int)(k / GV_LANDSCAPE_OCTAVE) - 4);
        for (size_t i = 0; i < COUNT; i++) {
            known.values[i] = 0.25F;
            known.prices[i] = (int64_t)price;
            known.prices[COUNT + i] = (int64_t)price;
            known.prices[(size_t)2 * COUNT + i] = (int64_t)price;
        }
        assert_int_equal(survey(&known), GV_OK);
        assert_true(known.cost[k] == 0);
        assert_true(fabs((double)known.cost[k + 1] - 700 * price / 1e9) < 1e-3 * price / 1e9 * 700);
        assert_landscape(&known);
    }
    assert_true(gv_landscape_multiplier(0) == 0x1p-4);
    assert_true(gv_landscape_multiplier(GV_LANDSCAPE_SIZE - 1) == 8);
}

static void sums_of_a_tick(void **state)
{
    (void)state;
    static known_offers known;
    test_random random = test_random_seeded();
    draw(&known, &random);
    assert_int_equal(survey(&known), GV_OK);
    double values = 0;
    double least = 0;
    for (size_t i = 0; i < 700; i++) {
        values += (double)known.values[i];
        least += (double)known.prices[(size_t)2 * COUNT + i] / 1e9;
    }
    assert_true(known.auctions[0] == 700 && known.auctions[1] == 0 && known.auctions[2] == 800);
    assert_true(fabs(known.sums[0] - values) < 1e-9 && known.sums[1] == 0);
    assert_true(fabs(known.least_cost[0] - least) < 1e-9 * least && known.least_cost[1] == 0);
}

static void prices_that_follow_the_own_bid_are_refused(void **state)
{
    (void)state;
    static known_offers known;
    test_random random = test_random_seeded();
    draw(&known, &random);
    known.config.rules.pays_own_bid = true;
    assert_int_equal(survey(&known), GV_EINVAL);
    known.config.rules = (gv_market_rules){.has_soft_reserve = true, .price_step_nanos = 1};
    assert_int_equal(survey(&known), GV_EINVAL);
}

/* ---- against a market ------------------------------------------------------------------------ */

/* A made market's record as one seat met it, and the grid point that the seat bid at. */
typedef struct met_market {
    uint64_t first[MADE_TICKS + 1];
    float values[MADE_COUNT];
    int64_t prices[MADE_SLOTS_MAX * MADE_COUNT];
    float cost[MADE_TICKS * GV_LANDSCAPE_SIZE];
    float value[MADE_TICKS * GV_LANDSCAPE_SIZE];
    double sums[3][MADE_TICKS];
} met_market;

static const double made_exposure[MADE_SLOTS_MAX] = {1, 0.8, 0.48};

#define MADE_CPA (INT64_C(8) * GV_NANOS_PER_UNIT)

static size_t made_point(uint32_t seat)
{
    return 42 + 3 * (size_t)seat;
}

static void meet(const made_market *market, const gv_record *record, uint32_t seat, met_market *met)
{
    for (size_t tick = 0; tick <= MADE_TICKS; tick++) {
        met->first[tick] = tick * MADE_PER_TICK;
    }
    for (size_t tick = 0; tick < MADE_TICKS; tick++) {
        float values[GV_TRAFFIC_GROUP * MADE_PER_TICK];
        const gv_traffic_piece piece = {.tick = tick,
                                        .first = met->first[tick],
                                        .count = MADE_PER_TICK,
                                        .advertiser = seat / GV_TRAFFIC_GROUP * GV_TRAFFIC_GROUP,
                                        .advertiser_count = seat % GV_TRAFFIC_GROUP + 1};
        gv_traffic_values(market->traffic, &piece, MADE_PER_TICK, values);
        memcpy(met->values + met->first[tick],
               values + (size_t)(seat % GV_TRAFFIC_GROUP) * MADE_PER_TICK,
               MADE_PER_TICK * sizeof *values);
    }
    gv_record_prices(record, seat, met->prices);
    const gv_future future = {MADE_SLOTS_MAX, made_exposure, MADE_TICKS,
                              met->first,     met->values,   met->prices};
    const gv_landscape_config config = {.future = &future,
                                        .rules = {.price_step_nanos = 1},
                                        .cpa_nanos = MADE_CPA,
                                        .bid_cap_nanos = INT64_MAX};
    gv_landscape out = {met->cost, met->value, met->sums[0], met->sums[1], met->sums[2]};
    assert_int_equal(gv_landscape_of(&config, &out), GV_OK);
}

/* The variance of what a tick costs: each win is seen or not, with its slot's chance. */
static double variance_of(const met_market *met, size_t tick, double multiplier)
{
    double variance = 0;
    for (size_t i = met->first[tick]; i < met->first[tick + 1]; i++) {
        size_t slot = 0;
        while (slot < MADE_SLOTS_MAX && (double)met->prices[slot * MADE_COUNT + i] + 1 >
                                            multiplier * (double)met->values[i] * 1e9) {
            slot++;
        }
        if (slot < MADE_SLOTS_MAX) {
            const double price = (double)met->prices[slot * MADE_COUNT + i] / 1e9;
            variance += made_exposure[slot] * (1 - made_exposure[slot]) * price * price;
        }
    }
    return variance;
}

/*
 * Six seats sell a market among themselves. What each spent in each tick is what its landscape says
 * at the multiplier that it bid, within four standard errors of who looks at which slot.
 */
static void a_market_spends_what_its_landscapes_say(void **state)
{
    (void)state;
    static met_market met;
    made_market market;
    gv_record *record = NULL;
    gv_exchange *exchange = NULL;
    double largest = 0;
    made_defaults(&market);
    for (uint32_t s = 0; s < MADE_SEATS; s++) {
        market.bidders[s].multiplier =
            (double)MADE_CPA / 1e9 * gv_landscape_multiplier(made_point(s));
    }
    made_open(&market);
    assert_int_equal(gv_record_create(&market.config, &record), GV_OK);
    market.config.tap = gv_record_tap(record);
    assert_int_equal(gv_exchange_create(&market.config, &exchange), GV_OK);
    assert_int_equal(gv_exchange_run(exchange, NULL), GV_OK);
    for (uint32_t s = 0; s < MADE_SEATS; s++) {
        const gv_seat_tick *ticks = gv_exchange_ticks(exchange, s);
        meet(&market, record, s, &met);
        for (size_t tick = 0; tick < MADE_TICKS; tick++) {
            const double said = (double)met.cost[tick * GV_LANDSCAPE_SIZE + made_point(s)];
            const double spent = (double)ticks[tick].tally.spend_nanos / 1e9;
            const double error = sqrt(variance_of(&met, tick, market.bidders[s].multiplier));
            assert_true(fabs(spent - said) < 4 * error + 1e-6 * said);
            assert_true(fabs((double)ticks[tick].value_units / GV_VALUE_UNITS - met.sums[1][tick]) <
                        1e-6);
            assert_true(fabs((double)ticks[tick].least_cost_nanos / 1e9 - met.sums[2][tick]) <
                        1e-6);
            largest = fmax(largest, fabs(spent / said - 1));
        }
    }
    printf("within %.1f %% of the landscape in every tick of every seat\n", 100 * largest);
    gv_exchange_destroy(exchange);
    gv_record_destroy(record);
    made_close(&market);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_point_is_what_a_bid_would_get),
        cmocka_unit_test(thresholds_on_the_grid),
        cmocka_unit_test(sums_of_a_tick),
        cmocka_unit_test(prices_that_follow_the_own_bid_are_refused),
        cmocka_unit_test(a_market_spends_what_its_landscapes_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
