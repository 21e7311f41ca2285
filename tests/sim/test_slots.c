/*
 * The slots of a page under every registered mechanism: worked examples, what must hold of each,
 * truth by exhaustion, VCG against its definition.
 */
#include <math.h>
#include <string.h>

#include "cmocka_all.h"
#include "sim/market/auction.h"
#include "test_random.h"

/* Offers of the exhaustive cases are whole multiples of UNIT: all their prices are whole nanos. */
enum { SLOTS = 3, BIDDERS = 7, CASES = 4000, TOP = 5, UNIT = 64 };
enum { TOP_2 = TOP * TOP, TOP_3 = TOP_2 * TOP, TOP_4 = TOP_3 * TOP };

static const double halves[SLOTS] = {1.0, 0.5, 0.25};

static gv_auction *make(const gv_auction_config *config)
{
    gv_auction *auction = NULL;
    assert_int_equal(gv_auction_create(config, &auction), GV_OK);
    return auction;
}

/* Values 10, 4 and 2, slots seen always and half the time: the first owes 1 x (4 - 2) / 2 + 2. */
static void each_mechanism_prices_the_same_page_by_its_rule(void **state)
{
    (void)state;
    const gv_bid bids[] = {{0, 10}, {1, 4}, {2, 2}};
    const gv_mechanism_type *const types[] = {&gv_mechanism_first_price, &gv_mechanism_second_price,
                                              &gv_mechanism_gsp, &gv_mechanism_vcg};
    const int64_t expected[][2] = {{10, 4}, {4, 2}, {4, 2}, {3, 2}};
    for (size_t t = 0; t < sizeof types / sizeof types[0]; t++) {
        const gv_auction_config config = {.type = types[t], .slot_count = 2, .exposure = halves};
        gv_auction *auction = make(&config);
        gv_award awards[2];
        assert_int_equal(gv_auction_run(auction, bids, 3, awards), 2);
        assert_int_equal(awards[0].bidder, 0);
        assert_int_equal(awards[1].bidder, 1);
        assert_int_equal(awards[0].price_nanos, expected[t][0]);
        assert_int_equal(awards[1].price_nanos, expected[t][1]);
        gv_auction_destroy(auction);
    }
}

/* Hard 10, soft 30: above the soft reserve at least that is paid, below it the own offer. */
static void a_soft_reserve_prices_each_slot(void **state)
{
    (void)state;
    const gv_auction_config config = {
        .type = &gv_mechanism_gsp, .slot_count = 3, .reserve_nanos = 10, .soft_reserve_nanos = 30};
    const gv_bid bids[] = {{0, 50}, {1, 40}, {2, 25}, {3, 9}};
    gv_award awards[3];
    gv_auction *auction = make(&config);
    assert_int_equal(gv_auction_run(auction, bids, 4, awards), 3);
    assert_int_equal(awards[0].price_nanos, 40);
    assert_int_equal(awards[1].price_nanos, 30);
    assert_int_equal(awards[2].price_nanos, 25);
    gv_auction_destroy(auction);
}

/* A page drawn with ties, few bidders, reserves, slots that are never seen. */
typedef struct drawn_page {
    double exposure[SLOTS];
    gv_auction_config config; /* its exposure is not yet set */
    gv_bid bids[BIDDERS];
    size_t bid_count;
} drawn_page;

static drawn_page page_of(const gv_mechanism_type *type, test_random *random)
{
    drawn_page page = {.bid_count = (size_t)test_random_below(random, BIDDERS + 1)};
    double seen = 1.0;
    for (size_t slot = 0; slot < SLOTS; slot++) {
        seen *= (double)test_random_below(random, 6) / 5.0;
        page.exposure[slot] = seen;
    }
    const int64_t reserve = test_random_below(random, 2) * test_random_below(random, 900);
    page.config = (gv_auction_config){
        .type = type,
        .slot_count = 1 + (size_t)test_random_below(random, SLOTS),
        .reserve_nanos = reserve,
        .soft_reserve_nanos = test_random_below(random, 3) == 0 ? reserve + 200 : 0,
    };
    for (uint32_t b = 0; b < page.bid_count; b++) {
        page.bids[b] = (gv_bid){b, test_random_below(random, 11) * 100 - 100};
    }
    return page;
}

/* awards: [SLOTS]. */
static size_t sell(const drawn_page *page, gv_award *awards)
{
    gv_auction_config config = page->config;
    config.exposure = page->exposure;
    gv_auction *auction = make(&config);
    const size_t sold = gv_auction_run(auction, page->bids, page->bid_count, awards);
    gv_auction_destroy(auction);
    return sold;
}

static bool outranks(gv_bid a, gv_bid b)
{
    return a.amount_nanos > b.amount_nanos ||
           (a.amount_nanos == b.amount_nanos && a.bidder < b.bidder);
}

/* Bidder b's slot, counted from 0, by counting who stands above; the slot count: none. */
static size_t slot_by_rank(const drawn_page *page, size_t b)
{
    size_t rank = 0;
    for (size_t other = 0; other < page->bid_count; other++) {
        rank += outranks(page->bids[other], page->bids[b]);
    }
    const bool reaches = page->bids[b].amount_nanos >= page->config.reserve_nanos;
    return reaches && rank < page->config.slot_count ? rank : page->config.slot_count;
}

static void slots_go_by_rank_at_no_more_than_the_offer_and_no_less_than_the_reserve(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    for (const gv_mechanism_type *const *type = gv_mechanism_types; *type != NULL; type++) {
        for (int i = 0; i < CASES; i++) {
            const drawn_page page = page_of(*type, &random);
            gv_award awards[SLOTS];
            const size_t sold = sell(&page, awards);
            size_t placed = 0;
            for (size_t b = 0; b < page.bid_count; b++) {
                const size_t slot = slot_by_rank(&page, b);
                if (slot < page.config.slot_count) {
                    placed++;
                    assert_true(slot < sold);
                    assert_int_equal(awards[slot].bidder, b);
                    assert_true(awards[slot].price_nanos >= 0);
                    assert_true(awards[slot].price_nanos >= page.config.reserve_nanos);
                    assert_true(awards[slot].price_nanos <= page.bids[b].amount_nanos);
                }
            }
            assert_int_equal(placed, sold);
        }
    }
}

/* A bidder's slot (the slot count: none) and what it costs to be seen there. */
static size_t place_of(const drawn_page *page, uint32_t bidder, int64_t *price)
{
    gv_award awards[SLOTS];
    const size_t sold = sell(page, awards);
    for (size_t slot = 0; slot < sold; slot++) {
        if (awards[slot].bidder == bidder) {
            *price = awards[slot].price_nanos;
            return slot;
        }
    }
    *price = 0;
    return page->config.slot_count;
}

static void a_higher_offer_never_gets_a_lower_slot_nor_a_lower_price_there(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    for (const gv_mechanism_type *const *type = gv_mechanism_types; *type != NULL; type++) {
        for (int i = 0; i < CASES; i++) {
            drawn_page page = page_of(*type, &random);
            if (page.bid_count == 0) {
                continue;
            }
            const uint32_t own = (uint32_t)test_random_below(&random, (int64_t)page.bid_count);
            int64_t price = 0;
            int64_t higher_price = 0;
            const size_t slot = place_of(&page, own, &price);
            page.bids[own].amount_nanos += 1 + test_random_below(&random, 500);
            const size_t higher = place_of(&page, own, &higher_price);
            assert_true(higher <= slot);
            assert_true(higher < slot || higher_price >= price);
        }
    }
}

/* What bidder 0, to whom being seen is worth `value`, gains a page. */
static double gain(gv_auction *auction, const double *exposure, int64_t value, const gv_bid *bids)
{
    gv_award awards[SLOTS];
    const size_t sold = gv_auction_run(auction, bids, 3, awards);
    for (size_t slot = 0; slot < sold && slot < SLOTS; slot++) {
        if (awards[slot].bidder == 0) {
            return exposure[slot] * (double)(value - awards[slot].price_nanos);
        }
    }
    return 0.0;
}

/* Over all values and offers of three bidders: in how many cases a lie gains most. */
static int lies_that_pay(const gv_mechanism_type *type, size_t slot_count, int64_t reserve)
{
    const gv_auction_config config = {
        .type = type, .slot_count = slot_count, .reserve_nanos = reserve, .exposure = halves};
    gv_auction *auction = make(&config);
    int found = 0;
    for (int64_t number = 0; number < TOP_4; number++) {
        const int64_t value = number % TOP * UNIT;
        const int64_t lie = number / TOP % TOP * UNIT;
        gv_bid bids[] = {{0, value}, {1, number / TOP_2 % TOP * UNIT}, {2, number / TOP_3 * UNIT}};
        const double truth = gain(auction, halves, value, bids);
        bids[0].amount_nanos = lie;
        found += gain(auction, halves, value, bids) > truth;
    }
    gv_auction_destroy(auction);
    return found;
}

static void truth_is_best_under_vcg_and_for_one_slot_under_second_price(void **state)
{
    (void)state;
    for (size_t slots = 1; slots <= SLOTS; slots++) {
        for (int64_t reserve = 0; reserve <= (int64_t)2 * UNIT; reserve += UNIT) {
            assert_int_equal(lies_that_pay(&gv_mechanism_vcg, slots, reserve), 0);
            assert_true(lies_that_pay(&gv_mechanism_first_price, slots, reserve) > 0);
            const int lies = lies_that_pay(&gv_mechanism_gsp, slots, reserve);
            assert_int_equal(lies > 0, slots > 1);
        }
    }
    assert_int_equal(lies_that_pay(&gv_mechanism_second_price, 1, UNIT), 0);
}

/*
 * The witness of Edelman, Ostrovsky and Schwarz: values 10, 4 and 2, slots with 200 and 199
 * clicks. The truth gains (10 - 4) 200 = 1200, an offer of 3 gains (10 - 2) 199 = 1592.
 */
static void under_gsp_the_textbook_lie_pays(void **state)
{
    (void)state;
    const double clicks[SLOTS] = {1.0, 199.0 / 200.0};
    const gv_bid truth[] = {{0, 10}, {1, 4}, {2, 2}};
    const gv_bid lie[] = {{0, 3}, {1, 4}, {2, 2}};
    gv_auction_config config = {.type = &gv_mechanism_gsp, .slot_count = 2, .exposure = clicks};
    gv_auction *auction = make(&config);
    assert_true(fabs(200.0 * gain(auction, clicks, 10, truth) - 1200.0) < 1e-9);
    assert_true(fabs(200.0 * gain(auction, clicks, 10, lie) - 1592.0) < 1e-9);
    gv_auction_destroy(auction);
}

/* What all but bidder `left_out` would get of a page that bidder `absent` never came to. */
static double welfare(const drawn_page *page, size_t absent, size_t left_out)
{
    double sum = 0.0;
    for (size_t b = 0; b < page->bid_count; b++) {
        size_t rank = 0;
        for (size_t other = 0; other < page->bid_count; other++) {
            rank += other != absent && outranks(page->bids[other], page->bids[b]);
        }
        const bool reaches = page->bids[b].amount_nanos >= page->config.reserve_nanos;
        if (b != absent && b != left_out && reaches && rank < page->config.slot_count) {
            /* The seller's own value is the reserve: Vickrey's auction with a seller who bids. */
            sum += page->exposure[rank] *
                   (double)(page->bids[b].amount_nanos - page->config.reserve_nanos);
        }
    }
    return sum;
}

/* Clarke's rule: a winner owes what the others lose by its presence; the seller is one of them. */
static void vcg_is_clarkes_rule(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    int compared = 0;
    for (int i = 0; i < CASES; i++) {
        drawn_page page = page_of(&gv_mechanism_vcg, &random);
        page.config.soft_reserve_nanos = 0;
        gv_award awards[SLOTS];
        const size_t sold = sell(&page, awards);
        for (size_t slot = 0; slot < sold; slot++) {
            const size_t b = awards[slot].bidder;
            const double seen = page.exposure[slot];
            const double owed = welfare(&page, b, b) - welfare(&page, page.bid_count, b) +
                                seen * (double)page.config.reserve_nanos;
            const double paid = seen * (double)awards[slot].price_nanos;
            assert_true(paid <= owed + 1e-6);
            assert_true(paid >= owed - SLOTS * seen - 1e-6);
            compared++;
        }
    }
    assert_true(compared > CASES / 2);
}

static void vcg_never_charges_more_than_gsp_for_the_same_offers(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    int cheaper = 0;
    for (int i = 0; i < CASES; i++) {
        drawn_page page = page_of(&gv_mechanism_vcg, &random);
        gv_award vcg[SLOTS];
        gv_award gsp[SLOTS];
        const size_t sold = sell(&page, vcg);
        page.config.type = &gv_mechanism_gsp;
        assert_int_equal(sell(&page, gsp), sold);
        for (size_t slot = 0; slot < sold; slot++) {
            assert_int_equal(vcg[slot].bidder, gsp[slot].bidder);
            assert_true(vcg[slot].price_nanos <= gsp[slot].price_nanos);
            cheaper += vcg[slot].price_nanos < gsp[slot].price_nanos;
        }
    }
    assert_true(cheaper > CASES / 10);
}

/* One slot, two offers: the page's price is that of gv_mechanism_settle(), for every type. */
static void one_slot_costs_what_a_single_sale_does(void **state)
{
    (void)state;
    const double seen = 0.3;
    gv_slots slots;
    assert_int_equal(gv_slots_of(&seen, 1, &slots), GV_OK);
    for (size_t t = 0; gv_mechanism_types[t] != NULL; t++) {
        for (int64_t number = 0; number < TOP_4; number++) {
            const int64_t reserve = number / TOP_2 % TOP;
            const gv_mechanism mechanism = {.type = gv_mechanism_types[t],
                                            .tie_wins = true,
                                            .price_step_nanos = 1,
                                            .reserve_nanos = reserve,
                                            .soft_reserve_nanos = reserve + number / TOP_3};
            const int64_t own = number % TOP;
            const int64_t rival = number / TOP % TOP;
            int64_t expected = -1;
            if (gv_mechanism_settle(&mechanism, own, rival, 0, &expected)) {
                const int64_t offers[] = {own, rival > reserve ? rival : reserve};
                int64_t price = -1;
                gv_mechanism_price_slots(&mechanism, &slots, offers, 1, &price);
                assert_int_equal(price, expected);
            }
        }
    }
}

enum { PAGES = 150, STRIDE = 160 };

/* Offers as a ranking leaves them: falling, none at the end, small or as large as may be. */
static void draw_pages(test_random *random, size_t slot_count, int64_t offers[][STRIDE])
{
    for (size_t i = 0; i < PAGES; i++) {
        const int64_t unit = test_random_below(random, 9) == 0 ? GV_OFFER_MAX / 32 : 37;
        int64_t offer = test_random_below(random, 33) * unit;
        for (size_t place = 0; place <= slot_count; place++) {
            offers[place][i] = offer;
            offer -= test_random_below(random, 9) * unit;
            offer = offer < 0 ? -1 : offer;
        }
    }
}

/* One page out of many, by the plain rule. */
static void assert_page(const gv_mechanism *mechanism, const gv_slots *slots,
                        int64_t offers[][STRIDE], int64_t prices[][STRIDE], size_t i)
{
    const int64_t reserve = mechanism->reserve_nanos;
    int64_t ranked[SLOTS + 1];
    int64_t expected[SLOTS];
    size_t sold = 0;
    while (sold < slots->count && offers[sold][i] >= reserve) {
        ranked[sold] = offers[sold][i];
        sold++;
    }
    ranked[sold] = offers[sold][i] > reserve ? offers[sold][i] : reserve;
    gv_mechanism_price_slots(mechanism, slots, ranked, sold, expected);
    for (size_t slot = 0; slot < slots->count; slot++) {
        assert_int_equal(prices[slot][i], slot < sold ? expected[slot] : -1);
    }
}

static int64_t halfway(int64_t own, int64_t next)
{
    return next + (own - next) / 2;
}

static void pages_by_rows_cost_what_each_costs_alone(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    const gv_mechanism_type middle = {.info = {.name = "middle"}, .price = halfway};
    for (int i = 0; i < 200; i++) {
        const gv_mechanism_type *type = gv_mechanism_types[i % 4];
        const drawn_page page = page_of(i % 5 == 4 ? &middle : type, &random);
        const gv_mechanism mechanism = {.type = page.config.type,
                                        .price_step_nanos = 1,
                                        .reserve_nanos = page.config.reserve_nanos,
                                        .soft_reserve_nanos = page.config.soft_reserve_nanos};
        gv_slots slots;
        int64_t offers[SLOTS + 1][STRIDE];
        int64_t prices[SLOTS][STRIDE];
        assert_int_equal(gv_slots_of(page.exposure, page.config.slot_count, &slots), GV_OK);
        draw_pages(&random, slots.count, offers);
        const gv_page_rows pages = {offers[0], STRIDE, PAGES};
        gv_mechanism_price_pages(&mechanism, &slots, &pages, prices[0]);
        for (size_t p = 0; p < PAGES; p++) {
            assert_page(&mechanism, &slots, offers, prices, p);
        }
    }
}

static void a_type_without_a_rule_for_pages_sells_each_slot_alone(void **state)
{
    (void)state;
    const gv_mechanism_type middle = {.info = {.name = "middle"}, .price = halfway};
    const gv_auction_config config = {.type = &middle, .slot_count = 2, .reserve_nanos = 4};
    const gv_bid bids[] = {{0, 20}, {1, 10}};
    gv_award awards[2];
    gv_auction *auction = make(&config);
    assert_int_equal(gv_auction_run(auction, bids, 2, awards), 2);
    assert_int_equal(awards[0].price_nanos, 15);
    assert_int_equal(awards[1].price_nanos, 7);
    gv_auction_destroy(auction);
}

static void assert_refused(const gv_auction_config *config, const char *says)
{
    gv_auction *auction = NULL;
    assert_int_equal(gv_auction_create(config, &auction), GV_EINVAL);
    assert_non_null(strstr(gv_status_detail(), says));
    assert_null(auction);
}

static void impossible_pages_are_refused_in_a_sentence(void **state)
{
    (void)state;
    const double rising[] = {0.5, 0.6};
    const double over[] = {1.0, 1.5};
    const double unknown[] = {1.0, NAN};
    gv_auction_config config = {.type = &gv_mechanism_vcg, .slot_count = 2, .exposure = rising};
    assert_refused(&config, "slot 2 is seen more often (0.6) than slot 1 (0.5)");
    config.exposure = over;
    assert_refused(&config, "1.5, expected 0 to 1");
    config.exposure = unknown;
    assert_refused(&config, "nan, expected 0 to 1");
    config.exposure = NULL;
    config.slot_count = 0;
    assert_refused(&config, "0 slots");
    config.slot_count = GV_SLOTS_MAX + 1;
    assert_refused(&config, "16 slots");
    config.slot_count = 2;
    config.reserve_nanos = 3;
    config.soft_reserve_nanos = 2;
    assert_refused(&config, "soft reserve");

    gv_auction *auction = NULL;
    const gv_auction_config gsp = {.type = &gv_mechanism_gsp, .slot_count = 2, .exposure = rising};
    assert_int_equal(gv_auction_create(&gsp, &auction), GV_OK);
    gv_auction_destroy(auction);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_mechanism_prices_the_same_page_by_its_rule),
        cmocka_unit_test(a_soft_reserve_prices_each_slot),
        cmocka_unit_test(slots_go_by_rank_at_no_more_than_the_offer_and_no_less_than_the_reserve),
        cmocka_unit_test(a_higher_offer_never_gets_a_lower_slot_nor_a_lower_price_there),
        cmocka_unit_test(truth_is_best_under_vcg_and_for_one_slot_under_second_price),
        cmocka_unit_test(under_gsp_the_textbook_lie_pays),
        cmocka_unit_test(vcg_is_clarkes_rule),
        cmocka_unit_test(vcg_never_charges_more_than_gsp_for_the_same_offers),
        cmocka_unit_test(one_slot_costs_what_a_single_sale_does),
        cmocka_unit_test(pages_by_rows_cost_what_each_costs_alone),
        cmocka_unit_test(a_type_without_a_rule_for_pages_sells_each_slot_alone),
        cmocka_unit_test(impossible_pages_are_refused_in_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
