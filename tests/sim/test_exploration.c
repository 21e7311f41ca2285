/* Bids varied at random: their law against its density, and what a replay makes of them. */
#include <math.h>

#include "market_subjects.h"

enum { DRAWS = 200000, BINS = 24, CASES = 60 };

static const gv_exploration laws[] = {
    {.jitter = 0.3, .low = 0.5, .high = 2, .seed = 3},
    {.jitter = 0.05, .epsilon = 0.2, .low = 0.5, .high = 2, .seed = 3},
    {.jitter = 1, .epsilon = 0.5, .low = 1.5, .high = 6, .seed = 3},
    {.epsilon = 1, .low = 0.2, .high = 0.8, .seed = 3},
};

enum { LAWS = sizeof laws / sizeof laws[0] };

/* Of a bid between `from` and `to`: the midpoint rule in the logarithm of the bid. */
static double chance_of(const gv_exploration *law, double intended, double from, double to)
{
    enum { STEPS = 40000 };
    const double width = log(to / from) / STEPS;
    double sum = 0;
    for (int i = 0; i < STEPS; i++) {
        const double bid = from * exp(width * (i + 0.5));
        sum += gv_exploration_density(law, intended, bid) * bid * width;
    }
    return sum;
}

static void densities_integrate_to_one(void **state)
{
    (void)state;
    const double intended[] = {1e-3, 1, 250};
    for (size_t i = 0; i < LAWS; i++) {
        for (size_t k = 0; k < 3; k++) {
            const double b = intended[k];
            const double low = laws[i].low * b;
            const double high = laws[i].high * b;
            const double sum = chance_of(&laws[i], b, b * 1e-5, low) +
                               chance_of(&laws[i], b, low, high) +
                               chance_of(&laws[i], b, high, b * 1e5);
            assert_true(fabs(sum - 1) < 1e-6);
        }
    }
}

/* Bins of equal width in the logarithm, from a tenth to ten times the intended bid. */
static void draws_follow_their_density(void **state)
{
    (void)state;
    const int64_t intended = 70 * GV_NANOS_PER_CPM;
    for (size_t i = 0; i < LAWS; i++) {
        size_t counts[BINS] = {0};
        for (uint64_t id = 0; id < DRAWS; id++) {
            const double ratio = (double)gv_explore(&laws[i], id, intended) / (double)intended;
            const double bin = floor((log10(ratio) + 1) / 2 * BINS);
            if (bin >= 0 && bin < BINS) {
                counts[(size_t)bin]++;
            }
        }
        for (size_t bin = 0; bin < BINS; bin++) {
            const double from = pow(10, 2.0 * (double)bin / BINS - 1);
            const double p = chance_of(&laws[i], 1, from, from * pow(10, 2.0 / BINS));
            const double spread = sqrt(DRAWS * p) + 1;
            assert_true(fabs((double)counts[bin] - DRAWS * p) < 5 * spread);
        }
    }
}

static void jitter_leaves_the_mean_where_it_was(void **state)
{
    (void)state;
    double sum = 0;
    for (uint64_t id = 0; id < DRAWS; id++) {
        sum += (double)gv_explore(&laws[0], id, GV_NANOS_PER_CPM) / GV_NANOS_PER_CPM;
    }
    const double spread = sqrt(expm1(0.3 * 0.3) / DRAWS);
    assert_true(fabs(sum / DRAWS - 1) < 5 * spread);
}

static void what_is_no_bid_stays_none(void **state)
{
    (void)state;
    for (uint64_t id = 0; id < 1000; id++) {
        assert_int_equal(gv_explore(&laws[2], id, 0), 0);
        assert_int_equal(gv_explore(&laws[2], id, GV_NO_BID), GV_NO_BID);
        assert_int_equal(gv_explore(&laws[2], id, INT64_MIN), INT64_MIN);
        assert_int_equal(gv_explore(&laws[2], id, INT64_MAX), GV_OFFER_MAX);
        assert_true(gv_explore(&laws[2], id, 1) >= 1);
    }
}

static void it_is_off_unless_it_draws(void **state)
{
    (void)state;
    const gv_exploration off = {.low = 0.5, .high = 2};
    assert_false(gv_exploration_is_on(NULL));
    assert_false(gv_exploration_is_on(&off));
    for (size_t i = 0; i < LAWS; i++) {
        assert_true(gv_exploration_is_on(&laws[i]));
    }
}

/* ---- strata ---------------------------------------------------------------------------------- */

static const gv_exploration grid = {.strata = 5, .low = 0.5, .high = 2, .seed = 4};

static void multipliers_are_equal_ratios_apart(void **state)
{
    (void)state;
    const double expected[] = {0.5, sqrt(0.5), 1, sqrt(2), 2};
    for (size_t k = 0; k < 5; k++) {
        assert_true(fabs(gv_stratum_multiplier(&grid, k) - expected[k]) < 1e-15);
    }
    assert_true(gv_exploration_is_on(&grid));
}

/* Each block holds each stratum once, and what is bid is the intended bid times its multiplier. */
static void blocks_are_balanced(void **state)
{
    (void)state;
    const int64_t intended = 70 * GV_NANOS_PER_CPM;
    for (uint64_t block = 0; block < 2000; block++) {
        unsigned seen = 0;
        for (uint64_t id = 5 * block; id < 5 * block + 5; id++) {
            const size_t k = gv_stratum_of(&grid, id);
            const double bid = gv_stratum_multiplier(&grid, k) * (double)intended;
            seen |= 1U << k;
            assert_int_equal(gv_explore(&grid, id, intended), llrint(bid));
        }
        assert_int_equal(seen, 31);
    }
}

/*
 * The logged probability, 1 / 5, is that of every place of a block, and pairs of places have each
 * pair of strata alike: over seeds, by chi-squared with 4 and 19 degrees of freedom at 1e-6.
 */
static void each_place_has_each_stratum_alike(void **state)
{
    (void)state;
    enum { SEEDS = 20000, K = 5 };
    for (uint64_t place = 0; place < K; place++) {
        size_t counts[K] = {0};
        size_t pairs[K][K] = {{0}};
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            gv_exploration law = grid;
            law.seed = seed;
            const size_t own = gv_stratum_of(&law, 15 + place);
            counts[own]++;
            pairs[own][gv_stratum_of(&law, 15 + (place + 1) % K)]++;
        }
        double one = 0;
        double two = 0;
        for (size_t k = 0; k < K; k++) {
            const double mean = SEEDS / (double)K;
            one += ((double)counts[k] - mean) * ((double)counts[k] - mean) / mean;
            for (size_t j = 0; j < K; j++) {
                const double each = SEEDS / (double)(K * (K - 1));
                const double off = (double)pairs[k][j] - (j == k ? 0 : each);
                two += off * off / each;
            }
        }
        assert_true(one < 33.4);
        assert_true(two < 62);
    }
}

/* Whole, in pieces and by numbers, with opportunities left out. */
static void strata_do_not_depend_on_how_they_are_asked_for(void **state)
{
    (void)state;
    enum { COUNT = 203 };
    int64_t whole[COUNT];
    int64_t some[COUNT];
    uint64_t ids[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        whole[i] = i % 9 == 0 ? GV_NO_BID : GV_NANOS_PER_CPM * (int64_t)(i + 1);
        some[i] = whole[i];
        ids[i] = 1000 + i;
    }
    gv_explore_all(&grid, 1000, NULL, COUNT, whole);
    gv_explore_all(&grid, 0, ids, 77, some);
    gv_explore_all(&grid, 1077, NULL, COUNT - 77, some + 77);
    for (size_t i = 0; i < COUNT; i++) {
        const int64_t intended = i % 9 == 0 ? GV_NO_BID : GV_NANOS_PER_CPM * (int64_t)(i + 1);
        assert_int_equal(whole[i], some[i]);
        assert_int_equal(whole[i], gv_explore(&grid, 1000 + i, intended));
    }
}

/* ---- in a replay ----------------------------------------------------------------------------- */

/* What a tap was told, row by row. */
typedef struct told {
    size_t count;
    uint64_t ids[MARKET_ROWS];
    int64_t intended[MARKET_ROWS];
    int64_t offers[MARKET_ROWS];
    int64_t prices[MARKET_ROWS];
} told;

static void keep(void *context, const gv_replay_piece *piece)
{
    told *all = context;
    const gv_opportunities *rows = piece->opportunities;
    assert_true(piece->event == rows->event_count || rows->ids == NULL ||
                rows->events[piece->event].opportunity >= rows->ids[piece->row]);
    for (size_t i = 0; i < piece->count; i++, all->count++) {
        const size_t at = piece->row + i;
        all->ids[all->count] = rows->ids == NULL ? rows->first_id + at : rows->ids[at];
        all->intended[all->count] = piece->intended[i];
        all->offers[all->count] = piece->offers[i];
        all->prices[all->count] = piece->prices[i];
    }
}

static market_run run_explored(const market_subject *subject, const drawn_market *market,
                               const gv_exploration *exploration, bool reference, told *all)
{
    const gv_replay_tap tap = {.piece = keep, .context = all};
    market_run run =
        market_run_varied(subject, market, reference, exploration, all == NULL ? NULL : &tap);
    assert_int_equal(gv_replay_run(run.replay, NULL), GV_OK);
    return run;
}

/* An offer is the explored bid under the cap, lower only where the budget was. */
static void assert_offers(const drawn_market *market, const gv_exploration *law, const told *all)
{
    const int64_t cap = market->campaign.bid_cap_nanos;
    for (size_t i = 0; i < all->count; i++) {
        const int64_t bid = gv_explore(law, all->ids[i], all->intended[i]);
        const int64_t offer = gv_mechanism_offer(&market->mechanism, bid, cap);
        assert_true(all->offers[i] <= offer);
        if (market->campaign.budget_nanos == INT64_MAX) {
            assert_int_equal(all->offers[i], offer);
        }
    }
}

static void assert_adds_up(const market_run *run, const told *all)
{
    const gv_tally *total = gv_replay_total(run->replay);
    uint64_t wins = 0;
    int64_t spend = 0;
    for (size_t i = 0; i < all->count; i++) {
        wins += all->prices[i] >= 0;
        spend += all->prices[i] > 0 ? all->prices[i] : 0;
    }
    assert_int_equal(all->count, total->auctions);
    assert_int_equal(wins, total->wins);
    assert_int_equal(spend, total->spend_nanos);
}

static void explored_batches_give_what_single_auctions_give(void **state)
{
    (void)state;
    static told fast_told;
    static told plain_told;
    test_random random = test_random_seeded();
    for (size_t i = 0; i < (size_t)SUBJECTS * CASES; i++) {
        const market_subject *subject = &subjects[i % SUBJECTS];
        const gv_exploration *law = &laws[i / SUBJECTS % LAWS];
        drawn_market market = market_drawn(&random, subject->type->reads);
        memset(&fast_told, 0, sizeof fast_told);
        memset(&plain_told, 0, sizeof plain_told);
        market_run fast = run_explored(subject, &market, law, false, &fast_told);
        market_run plain = run_explored(subject, &market, law, true, &plain_told);
        market_assert_equal(&fast, &plain);
        market_assert_sane(&fast, &market);
        assert_memory_equal(&fast_told, &plain_told, sizeof fast_told);
        assert_adds_up(&fast, &fast_told);
        assert_offers(&market, law, &fast_told);
        market_run_destroy(&fast);
        market_run_destroy(&plain);
        market_free(&market);
    }
}

static void what_draws_nothing_changes_nothing(void **state)
{
    (void)state;
    static told all;
    const gv_exploration off = {.low = 0.5, .high = 2, .seed = 3};
    test_random random = test_random_seeded();
    for (size_t i = 0; i < (size_t)SUBJECTS * 5; i++) {
        const market_subject *subject = &subjects[i % SUBJECTS];
        drawn_market market = market_drawn(&random, subject->type->reads);
        memset(&all, 0, sizeof all);
        market_run without = run_explored(subject, &market, NULL, false, NULL);
        market_run with = run_explored(subject, &market, &off, false, &all);
        market_assert_equal(&without, &with);
        market_run_destroy(&without);
        market_run_destroy(&with);
        market_free(&market);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(densities_integrate_to_one),
        cmocka_unit_test(draws_follow_their_density),
        cmocka_unit_test(jitter_leaves_the_mean_where_it_was),
        cmocka_unit_test(what_is_no_bid_stays_none),
        cmocka_unit_test(it_is_off_unless_it_draws),
        cmocka_unit_test(multipliers_are_equal_ratios_apart),
        cmocka_unit_test(blocks_are_balanced),
        cmocka_unit_test(each_place_has_each_stratum_alike),
        cmocka_unit_test(strata_do_not_depend_on_how_they_are_asked_for),
        cmocka_unit_test(explored_batches_give_what_single_auctions_give),
        cmocka_unit_test(what_draws_nothing_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
