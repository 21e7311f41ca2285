/* Properties over every registered mechanism, the vector forms against the plain rules, theory. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "cmocka_all.h"
#include "sim/base/random.h"
#include "sim/market/auction.h"
#include "sim/market/mechanism.h"
#include "test_random.h"

enum { TOP = 7, CASES = 3000, LANES = 97, AUCTIONS = 200000 };

/* Every small auction: offer -1 to TOP, rival and floor 0 to TOP, reserve 0 to 2, tie and step. */
typedef struct small_case {
    gv_mechanism mechanism;
    int64_t offer;
    int64_t rival;
    int64_t floor;
} small_case;

enum { SMALL_CASES = (TOP + 2) * (TOP + 1) * (TOP + 1) * 3 * 2 };

static small_case small_case_of(const gv_mechanism_type *type, int64_t number)
{
    small_case each = {.mechanism = {.type = type, .price_step_nanos = 1}};
    each.offer = number % (TOP + 2) - 1;
    number /= TOP + 2;
    each.rival = number % (TOP + 1);
    number /= TOP + 1;
    each.floor = number % (TOP + 1);
    number /= TOP + 1;
    each.mechanism.reserve_nanos = number % 3;
    each.mechanism.tie_wins = number / 3 == 1;
    return each;
}

static bool settle(const small_case *each, int64_t offer, int64_t *price)
{
    *price = -1;
    return gv_mechanism_settle(&each->mechanism, offer, each->rival, each->floor, price);
}

static void every_type_is_found_by_its_name(void **state)
{
    (void)state;
    for (const gv_mechanism_type *const *type = gv_mechanism_types; *type != NULL; type++) {
        assert_ptr_equal(gv_mechanism_find((*type)->info.name), *type);
        assert_true(strlen((*type)->info.summary) > 10);
    }
    assert_null(gv_mechanism_find("third_price"));
}

static void second_price_pays_the_rival_or_the_floor(void **state)
{
    (void)state;
    const gv_mechanism ties = {&gv_mechanism_second_price, true, 1, 10, 0};
    const gv_mechanism strict = {&gv_mechanism_second_price, false, 1, 10, 0};
    int64_t price = 0;

    assert_true(gv_mechanism_settle(&ties, 50, 30, 0, &price));
    assert_int_equal(price, 30);
    assert_true(gv_mechanism_settle(&ties, 50, 30, 40, &price));
    assert_int_equal(price, 40);
    assert_true(gv_mechanism_settle(&ties, 50, 3, 4, &price));
    assert_int_equal(price, 10); /* the reserve */
    assert_true(gv_mechanism_settle(&ties, 30, 30, 0, &price));
    assert_false(gv_mechanism_settle(&strict, 30, 30, 0, &price));
    assert_false(gv_mechanism_settle(&ties, 9, 3, 0, &price));
}

static void a_bid_of_zero_wins_what_is_free_and_no_bid_wins_nothing(void **state)
{
    (void)state;
    for (const gv_mechanism_type *const *type = gv_mechanism_types; *type != NULL; type++) {
        const gv_mechanism ties = {*type, true, 1, 0, 0};
        int64_t price = -1;
        assert_true(gv_mechanism_settle(&ties, 0, 0, 0, &price));
        assert_int_equal(price, 0);
        assert_false(gv_mechanism_settle(&ties, GV_NO_BID, 0, 0, &price));
        assert_int_equal(gv_mechanism_offer(&ties, INT64_MIN, 5), GV_NO_BID);
        assert_int_equal(gv_mechanism_offer(&ties, 7, 0), 0);
    }
}

static void winners_pay_between_the_next_offer_and_their_own(void **state)
{
    (void)state;
    for (const gv_mechanism_type *const *type = gv_mechanism_types; *type != NULL; type++) {
        for (int64_t i = 0; i < SMALL_CASES; i++) {
            const small_case each = small_case_of(*type, i);
            int64_t price = 0;
            if (settle(&each, each.offer, &price)) {
                assert_true(price <= each.offer);
                assert_true(price >= each.floor);
                assert_true(price >= each.mechanism.reserve_nanos);
                assert_true(price >= each.rival);
            }
        }
    }
}

static void a_higher_offer_never_loses_what_a_lower_one_wins(void **state)
{
    (void)state;
    for (const gv_mechanism_type *const *type = gv_mechanism_types; *type != NULL; type++) {
        for (int64_t i = 0; i < SMALL_CASES; i++) {
            const small_case each = small_case_of(*type, i);
            int64_t low = 0;
            int64_t high = 0;
            if (settle(&each, each.offer, &low)) {
                assert_true(settle(&each, each.offer + 1, &high));
                assert_true(high >= low);
            }
        }
    }
}

static int64_t gain(const small_case *each, int64_t value, int64_t offer)
{
    int64_t price = 0;
    return settle(each, offer, &price) ? value - price : 0;
}

/* Holds where the winner does not pay its own bid; where it does, shading must pay somewhere. */
static void the_truth_is_best_exactly_where_nobody_pays_the_own_bid(void **state)
{
    (void)state;
    for (const gv_mechanism_type *const *type = gv_mechanism_types; *type != NULL; type++) {
        bool lying_pays = false;
        for (int64_t i = 0; i < SMALL_CASES; i++) {
            const small_case each = small_case_of(*type, i);
            for (int64_t value = 0; value <= TOP; value++) {
                lying_pays |= gain(&each, value, each.offer) > gain(&each, value, value);
            }
        }
        assert_int_equal(lying_pays, (*type)->pays_own_bid);
    }
}

static void settling_small_auctions_together_changes_nothing(void **state)
{
    (void)state;
    for (const gv_mechanism_type *const *type = gv_mechanism_types; *type != NULL; type++) {
        for (int64_t i = 0; i < SMALL_CASES; i++) {
            const small_case each = small_case_of(*type, i);
            int64_t expected = 0;
            (void)settle(&each, each.offer, &expected);
            int64_t price = 0;
            gv_mechanism_settle_all(&each.mechanism, &each.offer, &each.rival, &each.floor, 1,
                                    &price);
            assert_int_equal(price, expected);
        }
    }
}

/* Mostly small numbers, so that ties and floors bite, and now and then an extreme one. */
static int64_t drawn_money(test_random *random)
{
    static const int64_t extremes[] = {
        0, 1, -1, GV_OFFER_MAX, GV_OFFER_MAX - 1, GV_OFFER_MAX + 1, INT64_MAX, INT64_MIN};
    const int64_t count = (int64_t)(sizeof extremes / sizeof extremes[0]);
    const int64_t kind = test_random_below(random, 8);
    if (kind == 0) {
        return extremes[test_random_below(random, count)];
    }
    if (kind == 1) {
        return test_random_below(random, INT32_MAX) * test_random_below(random, 1 << 20);
    }
    return test_random_below(random, 300) - 2;
}

static gv_mechanism drawn_mechanism(test_random *random, const gv_mechanism_type *type)
{
    static const int64_t steps[] = {
        1, 2, 3, 7, 100, 1000000, 999983, GV_OFFER_MAX, GV_OFFER_MAX / 3, GV_OFFER_MAX - 1};
    const int64_t count = (int64_t)(sizeof steps / sizeof steps[0]);
    const int64_t reserve = test_random_below(random, 3) * 40;
    return (gv_mechanism){
        .type = type,
        .tie_wins = test_random_below(random, 2) == 1,
        .price_step_nanos = steps[test_random_below(random, count)],
        .reserve_nanos = reserve,
        .soft_reserve_nanos = test_random_below(random, 2) * (reserve + 100),
    };
}

static void check_lanes(test_random *random, const gv_mechanism *mechanism, size_t count)
{
    int64_t bids[LANES];
    int64_t rivals[LANES];
    int64_t floors[LANES];
    int64_t offers[LANES];
    int64_t prices[LANES];
    for (size_t i = 0; i < count; i++) {
        bids[i] = drawn_money(random);
        rivals[i] = drawn_money(random);
        floors[i] = drawn_money(random);
    }
    const bool has_floors = test_random_below(random, 2) == 1;
    const int64_t drawn = drawn_money(random);
    const int64_t limit = drawn < 0 ? INT64_MAX : drawn;
    gv_mechanism_offer_all(mechanism, bids, limit, count, offers);
    gv_mechanism_settle_all(mechanism, offers, rivals, has_floors ? floors : NULL, count, prices);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(offers[i], gv_mechanism_offer(mechanism, bids[i], limit));
        int64_t price = -1;
        (void)gv_mechanism_settle(mechanism, offers[i], rivals[i], has_floors ? floors[i] : 0,
                                  &price);
        assert_int_equal(prices[i], price);
    }
}

static void vectors_settle_as_the_plain_rules_do(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    for (const gv_mechanism_type *const *type = gv_mechanism_types; *type != NULL; type++) {
        for (int i = 0; i < CASES; i++) {
            const gv_mechanism mechanism = drawn_mechanism(&random, *type);
            check_lanes(&random, &mechanism, 1 + (size_t)test_random_below(&random, LANES));
        }
    }
}

static int64_t halfway(int64_t own, int64_t next)
{
    return next + (own - next) / 2;
}

static void a_type_without_vector_form_is_asked_one_by_one(void **state)
{
    (void)state;
    const gv_mechanism_type middle = {.info = {.name = "middle"}, .price = halfway};
    const gv_mechanism mechanism = {&middle, false, 1, 2, 0};
    const int64_t offers[] = {10, 10, 10, 1};
    const int64_t rivals[] = {4, 10, 0, 0};
    int64_t prices[4];
    gv_mechanism_settle_all(&mechanism, offers, rivals, NULL, 4, prices);
    const int64_t expected[] = {7, -1, 6, -1};
    assert_memory_equal(prices, expected, sizeof prices);
}

static void rules_out_of_range_are_refused(void **state)
{
    (void)state;
    gv_mechanism mechanism = {&gv_mechanism_second_price, true, 1, 0, 0};
    assert_int_equal(gv_mechanism_validate(&mechanism), GV_OK);
    mechanism.price_step_nanos = 0;
    assert_int_equal(gv_mechanism_validate(&mechanism), GV_EINVAL);
    mechanism.price_step_nanos = GV_OFFER_MAX + 1;
    assert_int_equal(gv_mechanism_validate(&mechanism), GV_EINVAL);
    mechanism.price_step_nanos = 1;
    mechanism.reserve_nanos = -1;
    assert_int_equal(gv_mechanism_validate(&mechanism), GV_EINVAL);
    mechanism.reserve_nanos = 5;
    mechanism.soft_reserve_nanos = 5;
    assert_int_equal(gv_mechanism_validate(&mechanism), GV_OK);
    mechanism.soft_reserve_nanos = 4;
    assert_int_equal(gv_mechanism_validate(&mechanism), GV_EINVAL);
    assert_non_null(strstr(gv_status_detail(), "soft reserve"));
}

/* A mean and its standard error. */
typedef struct estimate {
    double mean;
    double error;
} estimate;

/* Revenue of one sale to `bidders` with values uniform in [0, 1), as each mechanism's equilibrium
   has them bid, in billionths. */
static estimate mean_revenue(const gv_mechanism_type *type, uint32_t bidders)
{
    const gv_auction_config config = {.type = type, .slot_count = 1};
    gv_auction *auction = NULL;
    assert_int_equal(gv_auction_create(&config, &auction), GV_OK);
    const gv_random random = gv_random_key(7, GV_STREAM_TEST, bidders);
    const double share = type->pays_own_bid ? (bidders - 1.0) / bidders : 1.0;
    double sum = 0.0;
    double squares = 0.0;
    for (uint64_t i = 0; i < AUCTIONS; i++) {
        gv_bid bids[8];
        for (uint32_t b = 0; b < bidders; b++) {
            const double value = gv_random_uniform(&random, i * bidders + b);
            bids[b] = (gv_bid){b, (int64_t)(value * share * 1e9)};
        }
        gv_award award;
        assert_int_equal(gv_auction_run(auction, bids, bidders, &award), 1);
        const double price = (double)award.price_nanos * 1e-9;
        sum += price;
        squares += price * price;
    }
    gv_auction_destroy(auction);
    const double mean = sum / AUCTIONS;
    return (estimate){mean, sqrt((squares / AUCTIONS - mean * mean) / AUCTIONS)};
}

/*
 * Revenue equivalence: with n bidders, values uniform on [0, 1) and equilibrium bids (the value
 * where the winner pays the next offer, (n-1)/n of it where it pays its own) all earn
 * (n-1)/(n+1), within four standard errors.
 */
static void all_prices_earn_what_theory_says_on_uniform_values(void **state)
{
    (void)state;
    for (const gv_mechanism_type *const *type = gv_mechanism_types; *type != NULL; type++) {
        for (uint32_t bidders = 2; bidders <= 5; bidders++) {
            const double expected = (bidders - 1.0) / (bidders + 1.0);
            const estimate found = mean_revenue(*type, bidders);
            printf("%s, %" PRIu32 " bidders: %.5f +- %.5f, theory %.5f\n", (*type)->info.name,
                   bidders, found.mean, found.error, expected);
            assert_true(found.error < 0.001);
            assert_true(fabs(found.mean - expected) < 4.0 * found.error);
        }
    }
}

/* Below the soft reserve a sale is a first-price one, above it a second-price one against it. */
static void a_soft_reserve_lies_between_first_and_second_price(void **state)
{
    (void)state;
    for (size_t t = 0; gv_mechanism_types[t] != NULL; t++) {
        const bool own = gv_mechanism_types[t]->pays_own_bid;
        const gv_mechanism soft = {.type = gv_mechanism_types[t],
                                   .tie_wins = true,
                                   .price_step_nanos = 1,
                                   .reserve_nanos = 10,
                                   .soft_reserve_nanos = 30};
        const int64_t offers[] = {9, 25, 29, 30, 40, 40};
        const int64_t rivals[] = {0, 12, 0, 12, 12, 35};
        const int64_t expected[] = {-1, 25, 29, 30, own ? 40 : 30, own ? 40 : 35};
        int64_t prices[6];
        gv_mechanism_settle_all(&soft, offers, rivals, NULL, 6, prices);
        for (size_t i = 0; i < 6; i++) {
            int64_t price = -1;
            (void)gv_mechanism_settle(&soft, offers[i], rivals[i], 0, &price);
            assert_int_equal(price, expected[i]);
            assert_int_equal(prices[i], expected[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_is_found_by_its_name),
        cmocka_unit_test(second_price_pays_the_rival_or_the_floor),
        cmocka_unit_test(a_bid_of_zero_wins_what_is_free_and_no_bid_wins_nothing),
        cmocka_unit_test(winners_pay_between_the_next_offer_and_their_own),
        cmocka_unit_test(a_higher_offer_never_loses_what_a_lower_one_wins),
        cmocka_unit_test(the_truth_is_best_exactly_where_nobody_pays_the_own_bid),
        cmocka_unit_test(settling_small_auctions_together_changes_nothing),
        cmocka_unit_test(vectors_settle_as_the_plain_rules_do),
        cmocka_unit_test(a_type_without_vector_form_is_asked_one_by_one),
        cmocka_unit_test(rules_out_of_range_are_refused),
        cmocka_unit_test(a_soft_reserve_lies_between_first_and_second_price),
        cmocka_unit_test(all_prices_earn_what_theory_says_on_uniform_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
