/* Online LP, from a past period and on a window: by hand, and against the published table. */
#include "policies/types_impl.h"
#include "policy_fixture.h"
#include "test_random.h"

enum { ROWS_MAX = 3000, TICKS = 12, BUDGETS = 25 };

#define TICK_US GV_US_PER_MINUTE

/* ---- a past period --------------------------------------------------------------------------- */

typedef struct period {
    gv_source base;
    int64_t time_us[ROWS_MAX];
    int64_t costs[ROWS_MAX];
    double values[ROWS_MAX];
    bool has_values;
    gv_history history;
} period;

static gv_status period_load(gv_source *source, uint64_t position, gv_opportunities *out,
                             uint64_t *next)
{
    const period *self = (const period *)source;
    const uint64_t rest = source->end - position;
    const size_t count = (size_t)(rest < 100 ? rest : 100);
    *out = (gv_opportunities){.count = count,
                              .first_id = position,
                              .time_us = self->time_us + position,
                              .rival_nanos = self->costs + position,
                              .pcvr = self->has_values ? self->values + position : NULL};
    *next = position + count;
    return GV_OK;
}

static void period_open(period *self, size_t count)
{
    self->base = (gv_source){.load = period_load, .end = count};
    self->has_values = true;
    self->history = (gv_history){.name = "yesterday",
                                 .impressions = count,
                                 .price_step_nanos = 1,
                                 .start_us = 5000,
                                 .end_us = 5000 + TICKS * TICK_US,
                                 .source = &self->base};
}

/* Costs from 0 to 0.2 of the currency, values around 0.0005: some of both do not count. */
static void period_draw(period *self, test_random *random, size_t count)
{
    period_open(self, count);
    for (size_t i = 0; i < count; i++) {
        self->time_us[i] = 5000 + (int64_t)i * TICKS * TICK_US / (int64_t)count;
        self->costs[i] = test_random_below(random, 20) == 0
                             ? test_random_below(random, 200000)
                             : test_random_below(random, GV_NANOS_PER_UNIT / 5);
        self->values[i] = test_random_below(random, 30) == 0
                              ? 0
                              : (double)test_random_below(random, 1 << 20) / (1 << 20) / 1000;
    }
}

static const gv_campaign buyer = {.name = "buyer",
                                  .end_us = TICKS * TICK_US,
                                  .tick_us = TICK_US,
                                  .bid_cap_nanos = INT64_MAX,
                                  .budget_nanos = 200 * GV_NANOS_PER_UNIT,
                                  .cpa_nanos = 100 * GV_NANOS_PER_UNIT};

static gv_status try_policy(const gv_policy_type *type, const policy_config *config,
                            const gv_history *history, gv_policy **out)
{
    const gv_policy_setup setup = {
        .config = config, .campaign = &buyer, .rules = {.price_step_nanos = 1}, .history = history};
    return gv_policy_create(type, &setup, out);
}

static void plan(gv_policy *policy, uint64_t tick, int64_t left, uint64_t announced)
{
    const gv_observation seen = {
        .tick = tick,
        .tick_count = TICKS,
        .episode_end_us = TICKS * TICK_US,
        .budget_nanos = buyer.budget_nanos,
        .budget_left_nanos = left,
        .market = {.is_market = announced > 0, .announced_count = announced}};
    gv_policy_tick(&policy, &seen, 1);
}

/* In currency. */
static double multiplier_of(gv_policy *policy)
{
    const double value = 1;
    const gv_batch batch = {.count = 1, .pcvr = &value, .auctions_left = 1};
    int64_t bid = 0;
    gv_policy_bid(policy, &batch, &bid);
    return (double)bid / 1e9;
}

/* ---- the published table --------------------------------------------------------------------- */

typedef struct table_row {
    double ratio;
    double cost;
} table_row;

static int compare_rows(const void *a, const void *b)
{
    const double one = ((const table_row *)a)->ratio;
    const double other = ((const table_row *)b)->ratio;
    return (one > other) - (one < other);
}

typedef struct rules {
    double cost_max;
    double interval;
    double most; /* currency a conversion */
} rules;

/* As published: the tick's table row by row, then the first of it above the budget left. */
static double published(const period *past, uint64_t tick, double left, rules limits)
{
    static table_row rows[ROWS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < past->base.end; i++) {
        const uint64_t row_tick = (uint64_t)(past->time_us[i] - 5000) / (uint64_t)TICK_US;
        if (row_tick >= tick && past->values[i] > 0 && past->costs[i] > 100000) {
            const double cost = (double)past->costs[i] / 1e9;
            rows[count++] = (table_row){cost / (past->values[i] + 1e-4), cost};
        }
    }
    qsort(rows, count, sizeof *rows, compare_rows);
    size_t end = 0;
    for (double sum = 0; end < count; end++) {
        sum += rows[end].cost;
        if (sum >= limits.cost_max) {
            break;
        }
    }
    double last = 0;
    double sum = 0;
    double found = 100;
    for (size_t i = 0; i < end; i++) {
        sum += rows[i].cost;
        const bool is_kept = sum - last >= limits.interval || i + 1 == end;
        last = is_kept ? sum : last;
        if (is_kept && sum > left) {
            found = rows[i].ratio;
            break;
        }
    }
    return fmin(found, limits.most);
}

static void it_finds_the_rows_of_the_published_table(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    static period past;
    size_t found = 0;
    size_t none = 0;
    size_t apart = 0; /* rows whose r agree to 1e-7 may change places */
    for (int c = 0; c < 12; c++) {
        const size_t drawn_rows = 200 + (size_t)test_random_below(&random, ROWS_MAX - 200);
        period_draw(&past, &random, c % 3 == 2 ? ROWS_MAX : drawn_rows);
        static const char *const small[] = {"cost_max=50", "interval=1", NULL};
        static const char *const dear[] = {"most_cpas=20", NULL};
        static const char *const *const texts[] = {NULL, small, dear};
        static const rules all_limits[] = {{6000, 10, 150}, {50, 1, 150}, {6000, 10, 2000}};
        const policy_config config = made_config(&gv_policy_online_lp, texts[c % 3]);
        const rules limits = all_limits[c % 3];
        gv_policy *policy = NULL;
        assert_int_equal(try_policy(&gv_policy_online_lp, &config, &past.history, &policy), GV_OK);
        for (uint64_t tick = 0; tick < TICKS; tick++) {
            for (int b = 0; b < BUDGETS; b++) {
                const int64_t drawn = test_random_below(&random, 200) * GV_NANOS_PER_UNIT * b / 25;
                const int64_t left = b == 0 ? buyer.budget_nanos : drawn;
                plan(policy, tick, left, 0);
                const double expected = published(&past, tick, (double)left / 1e9, limits);
                apart += fabs(multiplier_of(policy) - expected) >= 1e-4;
                found += expected < 100;
                none += expected == 100;
            }
        }
        gv_policy_destroy(policy);
    }
    assert_true(apart <= 2);
    assert_true(found > 100);
    assert_true(none > 10);
}

/* r of 20, 40, 200 and 10^6 (values with 0.0001 added): costs 1, 4, 10, 100, one in each tick. */
static void a_table_by_hand(void **state)
{
    (void)state;
    static period past;
    period_open(&past, 4);
    const double costs[] = {1, 4, 10, 100};
    for (size_t i = 0; i < 4; i++) {
        past.time_us[i] = 5000 + (int64_t)i * TICK_US;
        past.costs[i] = (int64_t)(costs[i] * 1e9);
    }
    past.values[0] = 0.05 - 0.0001;
    past.values[1] = 0.1 - 0.0001;
    past.values[2] = 0.05 - 0.0001;
    past.values[3] = 1e-12;
    const policy_config config =
        made_config(&gv_policy_online_lp, (const char *const[]){"interval=0", NULL});
    gv_policy *policy = NULL;
    assert_int_equal(try_policy(&gv_policy_online_lp, &config, &past.history, &policy), GV_OK);
    const int64_t unit = GV_NANOS_PER_UNIT;
    const struct {
        uint64_t tick;
        int64_t left;
        double multiplier;
    } cases[] = {
        {0, unit / 2, 20},    /* the first row exceeds it */
        {0, unit, 40},        /* 1 does not, 1 + 4 does */
        {0, 5 * unit, 150},   /* 200 is cut to 1.5 x 100 */
        {0, 50 * unit, 150},  /* so is 10^6 */
        {1, 3 * unit, 40},    /* the first row is past */
        {1, 115 * unit, 100}, /* all cost 114: none */
        {4, 0, 100},          /* none is left */
        {20, 0, 100},
    };
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        if (cases[c].tick < TICKS) {
            plan(policy, cases[c].tick, cases[c].left, 0);
            assert_true(fabs(multiplier_of(policy) - cases[c].multiplier) < 1e-4);
        }
    }
    gv_policy_destroy(policy);
}

static void a_past_that_teaches_nothing_is_named(void **state)
{
    (void)state;
    static period past;
    const policy_config config = made_config(&gv_policy_online_lp, NULL);
    gv_policy *policy = NULL;
    assert_int_equal(try_policy(&gv_policy_online_lp, &config, NULL, &policy), GV_EINVAL);
    assert_non_null(strstr(gv_status_detail(), "no history"));
    period_open(&past, 10);
    past.has_values = false;
    assert_int_equal(try_policy(&gv_policy_online_lp, &config, &past.history, &policy), GV_EINVAL);
    assert_non_null(strstr(gv_status_detail(), "\"yesterday\" has no pCVR"));
    past.history.source = NULL;
    assert_int_equal(try_policy(&gv_policy_online_lp, &config, &past.history, &policy), GV_EINVAL);
    assert_non_null(strstr(gv_status_detail(), "summary"));
    past.history.source = &past.base;
    past.history.end_us = INT64_MAX / 2;
    assert_int_equal(try_policy(&gv_policy_online_lp, &config, &past.history, &policy), GV_EINVAL);
    assert_non_null(strstr(gv_status_detail(), "ticks, expected at most"));
    assert_null(policy);
}

/* ---- the window ------------------------------------------------------------------------------ */

static void tell(gv_policy *policy, double value, double cost, double paid)
{
    const bool won = paid >= 0;
    const int64_t price = won ? (int64_t)(paid * 1e9) : 0;
    const gv_outcome outcome = {.kind = GV_OUTCOME_AUCTION,
                                .pcvr = value,
                                .bid_nanos = price,
                                .price_nanos = price,
                                .won = won,
                                .least_cost_nanos = cost < 0 ? GV_NO_BID : (int64_t)(cost * 1e9)};
    gv_policy_observe(policy, &outcome, 1);
}

/* What a bin's width leaves unknown. */
static bool is_near(double found, double expected)
{
    return fabs(found / expected - 1) < 1.0 / 16;
}

/*
 * CPA 100, most 150. Ten opportunities of value 0.01, that had cost 0.1, 0.2, ... 1.0: ratios 10,
 * 20, ... 100. Announced 10, then 10 a tick on the mean.
 */
static void a_window_by_hand(void **state)
{
    (void)state;
    const policy_config config = made_config(&gv_policy_online_lp_window, NULL);
    gv_policy *policy = NULL;
    assert_int_equal(try_policy(&gv_policy_online_lp_window, &config, NULL, &policy), GV_OK);
    plan(policy, 0, 0, 10);
    assert_true(fabs(multiplier_of(policy) - 100) < 1e-6); /* nothing seen: the CPA */
    for (int i = 1; i <= 10; i++) {
        tell(policy, 0.01, i * 0.1, -1);
    }
    const double unit = 1e9;
    /* 11 ticks to come, so the window stands for an eleventh: 11 x 1.45 ends within the fifth. */
    plan(policy, 1, (int64_t)(11 * 1.45 * unit), 10);
    assert_true(is_near(multiplier_of(policy), 50));
    /* A tick without opportunities: the window's mean falls to 5 a tick, so 10 + 9 x 5 to come. */
    plan(policy, 2, (int64_t)(10 * 1.45 * unit), 10);
    assert_true(is_near(multiplier_of(policy), 70)); /* 2.64 of it: within the seventh */
    gv_policy_destroy(policy);
}

/* A CPA of 30: of ratios 20, 40, ... the first two cost 30 a conversion. */
static void the_windows_cpa_binds(void **state)
{
    (void)state;
    const policy_config config = made_config(&gv_policy_online_lp_window,
                                             (const char *const[]){"cpa=30", "most_cpas=5", NULL});
    gv_policy *policy = NULL;
    assert_int_equal(try_policy(&gv_policy_online_lp_window, &config, NULL, &policy), GV_OK);
    plan(policy, 0, 0, 10);
    for (int i = 1; i <= 5; i++) {
        tell(policy, 0.01, i * 0.2, -1);
    }
    plan(policy, 1, buyer.budget_nanos, 5);
    assert_true(multiplier_of(policy) > 40 * 15 / 16.0);
    assert_true(multiplier_of(policy) < 60 * 17 / 16.0);
    gv_policy_destroy(policy);
}

/* Against sums over the rows themselves, one by one, in windows that slide. */
static double by_rows(const table_row *rows, const double *values, size_t count, double budget)
{
    double cost = 0;
    double value = 0;
    for (size_t i = 0; i < count; i++) {
        cost += rows[i].cost;
        value += values[i];
        if (cost > budget || cost > 100 * value || rows[i].ratio > 150) {
            return fmin(rows[i].ratio, 150);
        }
    }
    return 150;
}

typedef struct window_row {
    table_row row;
    double value;
} window_row;

static double by_sorted_rows(window_row *all, size_t count, double budget)
{
    static table_row rows[ROWS_MAX];
    static double values[ROWS_MAX];
    qsort(all, count, sizeof *all, compare_rows); /* the ratio comes first */
    for (size_t i = 0; i < count; i++) {
        rows[i] = all[i].row;
        values[i] = all[i].value;
    }
    return by_rows(rows, values, count, budget);
}

static void a_sliding_window_is_as_its_rows_to_a_bin(void **state)
{
    (void)state;
    enum { EACH = 200, WINDOW = 3 };
    test_random random = test_random_seeded();
    static window_row seen[TICKS][EACH];
    static window_row all[ROWS_MAX];
    const policy_config config =
        made_config(&gv_policy_online_lp_window, (const char *const[]){"window=3", NULL});
    gv_policy *policy = NULL;
    size_t bound = 0;
    assert_int_equal(try_policy(&gv_policy_online_lp_window, &config, NULL, &policy), GV_OK);
    for (uint64_t tick = 0; tick < TICKS; tick++) {
        const double left = (double)test_random_below(&random, 40) + 1;
        plan(policy, tick, (int64_t)(left * 1e9), EACH);
        if (tick > 0) {
            size_t count = 0;
            for (uint64_t t = tick < WINDOW ? 0 : tick - WINDOW; t < tick; t++) {
                memcpy(all + count, seen[t], sizeof seen[t]);
                count += EACH;
            }
            const double share = (double)count / (double)(EACH * (TICKS - tick));
            const double expected = by_sorted_rows(all, count, left * share);
            assert_true(fabs(multiplier_of(policy) / expected - 1) < 0.08);
            bound += expected < 150;
        }
        const double dearness = 1 + (double)test_random_below(&random, 4);
        for (size_t i = 0; i < EACH; i++) {
            const double value = (double)(1 + test_random_below(&random, 1000)) / 1e6;
            const double cost = dearness * (double)(1 + test_random_below(&random, 500)) / 1e4;
            seen[tick][i] = (window_row){{cost / value, cost}, value};
            tell(policy, value, cost, -1);
        }
    }
    assert_true(bound > 2);
    gv_policy_destroy(policy);
}

/* Where nobody tells what had to be beaten, a win teaches what it cost and a loss nothing. */
static void without_loss_feedback_wins_teach(void **state)
{
    (void)state;
    const policy_config config = made_config(&gv_policy_online_lp_window, NULL);
    gv_policy *policy = NULL;
    assert_int_equal(try_policy(&gv_policy_online_lp_window, &config, NULL, &policy), GV_OK);
    plan(policy, 0, 0, 0);
    for (int i = 1; i <= 10; i++) {
        tell(policy, 0.01, -1, i <= 5 ? i * 0.1 : -1);
    }
    plan(policy, 1, (int64_t)(11 * 0.55 * 1e9), 0); /* within 0.1 + 0.2 + 0.3 */
    assert_true(is_near(multiplier_of(policy), 30));
    plan(policy, 2, buyer.budget_nanos, 0); /* all five, and what is beyond is not known */
    assert_true(fabs(multiplier_of(policy) - 150) < 1e-6);
    gv_policy_destroy(policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_finds_the_rows_of_the_published_table),
        cmocka_unit_test(a_table_by_hand),
        cmocka_unit_test(a_past_that_teaches_nothing_is_named),
        cmocka_unit_test(a_window_by_hand),
        cmocka_unit_test(the_windows_cpa_binds),
        cmocka_unit_test(a_sliding_window_is_as_its_rows_to_a_bin),
        cmocka_unit_test(without_loss_feedback_wins_teach),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
