/* The bidding table against its definition, against every policy there is, and in failure. */
#include <string.h>

#include "cmocka_all.h"
#include "policies/dp_impl.h"
#include "sim/base/mem.h"
#include "test_random.h"

enum { CASES = 60, PRICES_MAX = 40, TINY_TOP = 3, TINY_BUDGET = 6, TINY_AUCTIONS = 4 };

/* A random landscape over [0, top], each price possible, sum 1. */
static void draw_market(test_random *random, size_t top, double *market)
{
    double total = 0;
    for (size_t d = 0; d <= top; d++) {
        market[d] = (double)(1 + test_random_below(random, 1000));
        total += market[d];
    }
    for (size_t d = 0; d <= top; d++) {
        market[d] /= total;
    }
}

static gv_dp_table solve(size_t auctions, size_t budget, size_t top, const double *market,
                         double theta)
{
    gv_dp_table table = {.auctions = auctions, .budget = budget, .top = top};
    assert_int_equal(gv_dp_solve(&table, market, theta), GV_OK);
    return table;
}

static double value(const gv_dp_table *table, size_t n, size_t b)
{
    return table->values[n * (table->budget + 1) + b];
}

/* The largest d <= min(b, top) with t + V(n-1, b-d) - V(n-1, b) at least 0, by looking at each. */
static size_t plain_bid(const gv_dp_table *table, size_t n, size_t b, double t)
{
    size_t best = 0;
    for (size_t d = 0; d <= b && d <= table->top; d++) {
        if (t + value(table, n - 1, b - d) - value(table, n - 1, b) >= 0) {
            best = d;
        }
    }
    return best;
}

static double plain_value(const gv_dp_table *table, const double *market, double theta, size_t n,
                          size_t b)
{
    const double before = value(table, n - 1, b);
    double sum = 0;
    for (size_t d = 0; b > 0 && d <= plain_bid(table, n, b, theta); d++) {
        sum += market[d] * (theta + value(table, n - 1, b - d) - before);
    }
    return before + sum;
}

static void every_cell_is_the_definition_to_the_last_bit(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    for (int i = 0; i < CASES; i++) {
        const size_t top = (size_t)test_random_below(&random, PRICES_MAX);
        const size_t budget = (size_t)test_random_below(&random, 150);
        const double theta = 1e-4 * (double)(1 + test_random_below(&random, 5000));
        double market[PRICES_MAX];
        draw_market(&random, top, market);
        gv_dp_table table = solve(12, budget, top, market, theta);
        for (size_t n = 1; n <= table.auctions; n++) {
            for (size_t b = 0; b <= budget; b++) {
                const double expected = plain_value(&table, market, theta, n, b);
                const double found = value(&table, n, b);
                assert_memory_equal(&found, &expected, sizeof found);
            }
        }
        gv_dp_fini(&table);
    }
}

static void bids_are_the_largest_that_pay(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    for (int i = 0; i < CASES; i++) {
        const size_t top = (size_t)test_random_below(&random, PRICES_MAX);
        double market[PRICES_MAX];
        draw_market(&random, top, market);
        gv_dp_table table = solve(20, 100, top, market, 0.02);
        for (int j = 0; j < CASES; j++) {
            const size_t n = 1 + (size_t)test_random_below(&random, 20);
            const size_t b = (size_t)test_random_below(&random, 101);
            const double t = 1e-4 * (double)test_random_below(&random, 1000);
            assert_int_equal(gv_dp_bid(&table, n, b, t), plain_bid(&table, n, b, t));
        }
        gv_dp_fini(&table);
    }
}

/* A bid for each (auctions left, budget left). */
typedef struct plan {
    size_t bids[TINY_AUCTIONS + 1][TINY_BUDGET + 1];
} plan;

/* Expected clicks of a plan: the sum over every sequence of market prices there can be. */
static double worth(const plan *p, const double *market, double theta, size_t auctions,
                    size_t budget)
{
    size_t sequences = 1;
    for (size_t n = 0; n < auctions; n++) {
        sequences *= TINY_TOP + 1;
    }
    double sum = 0;
    for (size_t s = 0; s < sequences; s++) {
        size_t digits = s;
        size_t left = budget;
        double chance = 1;
        double clicks = 0;
        for (size_t n = auctions; n > 0; n--) {
            const size_t price = digits % (TINY_TOP + 1);
            digits /= TINY_TOP + 1;
            chance *= market[price];
            if (left > 0 && price <= p->bids[n][left]) {
                clicks += theta;
                left -= price;
            }
        }
        sum += chance * clicks;
    }
    return sum;
}

static plan plan_of(const gv_dp_table *table, double theta)
{
    plan p = {{{0}}};
    for (size_t n = 1; n <= table->auctions; n++) {
        for (size_t b = 1; b <= table->budget; b++) {
            p.bids[n][b] = gv_dp_bid(table, n, b, theta);
        }
    }
    return p;
}

/* Turns the plan into the next of all plans; false when all have been. */
static bool next_plan(plan *p, size_t auctions, size_t budget)
{
    for (size_t n = 1; n <= auctions; n++) {
        for (size_t b = 1; b <= budget; b++) {
            const size_t highest = b < TINY_TOP ? b : TINY_TOP;
            if (p->bids[n][b] < highest) {
                p->bids[n][b]++;
                return true;
            }
            p->bids[n][b] = 0;
        }
    }
    return false;
}

static void no_plan_at_all_is_worth_more(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    const double theta = 0.3;
    for (size_t auctions = 1; auctions <= 2; auctions++) {
        for (size_t budget = 0; budget <= 3; budget++) {
            double market[TINY_TOP + 1];
            draw_market(&random, TINY_TOP, market);
            gv_dp_table table = solve(auctions, budget, TINY_TOP, market, theta);
            plan p = {{{0}}};
            double best = 0;
            do {
                const double found = worth(&p, market, theta, auctions, budget);
                best = found > best ? found : best;
            } while (next_plan(&p, auctions, budget));
            assert_true(value(&table, auctions, budget) - best < 1e-12);
            assert_true(best - value(&table, auctions, budget) < 1e-12);
            gv_dp_fini(&table);
        }
    }
}

/* For larger cases: the plan is worth V, and changing any one bid of it never helps. */
static void no_single_change_of_a_plan_helps(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    const double theta = 0.2;
    double market[TINY_TOP + 1];
    draw_market(&random, TINY_TOP, market);
    for (size_t budget = 0; budget <= TINY_BUDGET; budget++) {
        gv_dp_table table = solve(TINY_AUCTIONS, budget, TINY_TOP, market, theta);
        const plan best = plan_of(&table, theta);
        const double most = worth(&best, market, theta, TINY_AUCTIONS, budget);
        assert_true(most - value(&table, TINY_AUCTIONS, budget) < 1e-12);
        assert_true(value(&table, TINY_AUCTIONS, budget) - most < 1e-12);
        for (size_t n = 1; n <= TINY_AUCTIONS; n++) {
            for (size_t b = 1; b <= budget; b++) {
                for (size_t bid = 0; bid <= b && bid <= TINY_TOP; bid++) {
                    plan other = best;
                    other.bids[n][b] = bid;
                    assert_true(worth(&other, market, theta, TINY_AUCTIONS, budget) < most + 1e-12);
                }
            }
        }
        gv_dp_fini(&table);
    }
}

static void a_price_of_zero_is_taken_with_any_budget(void **state)
{
    (void)state;
    const double market[] = {1};
    gv_dp_table table = solve(3, 1, 0, market, 0.5);
    assert_true(value(&table, 3, 1) == 1.5);
    assert_true(value(&table, 3, 0) == 0);
    assert_int_equal(gv_dp_bid(&table, 3, 1, 0.0), 0);
    gv_dp_fini(&table);
}

static void running_out_of_memory_is_reported(void **state)
{
    (void)state;
    const double market[] = {0.5, 0.5};
    gv_status status = GV_ENOMEM;
    for (int n = 0; status != GV_OK; n++) {
        gv_dp_table table = {.auctions = 3, .budget = 5, .top = 1};
        gv_mem_fail_after(n);
        status = gv_dp_solve(&table, market, 0.1);
        gv_mem_fail_after(-1);
        assert_true(status == GV_OK || status == GV_ENOMEM);
        assert_true(n < 10);
        gv_dp_fini(&table);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cell_is_the_definition_to_the_last_bit),
        cmocka_unit_test(bids_are_the_largest_that_pay),
        cmocka_unit_test(no_plan_at_all_is_worth_more),
        cmocka_unit_test(no_single_change_of_a_plan_helps),
        cmocka_unit_test(a_price_of_zero_is_taken_with_any_budget),
        cmocka_unit_test(running_out_of_memory_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
