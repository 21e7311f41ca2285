/* Two policies on one campaign's users: against each of them alone, and against the draws. */
#include "market_stage.h"
#include "sim/base/random.h"

enum { IDS = 4000, SEED = 5 }; /* the seed of seat_player() */

/* The config borrows the names. */
static player split_of(const made_log *past, const char *first, const char *second, double share)
{
    char text[64];
    (void)snprintf(text, sizeof text, "%.17g", share);
    const gv_param *params = gv_policy_split.info.params;
    player who = {.type = &gv_policy_split,
                  .config = made_config(&gv_policy_split, NULL),
                  .history = &past->history};
    assert_int_equal(gv_param_parse(gv_param_find(params, "first"), first, 0, &who.config), GV_OK);
    assert_int_equal(gv_param_parse(gv_param_find(params, "second"), second, 0, &who.config),
                     GV_OK);
    assert_int_equal(gv_param_parse(gv_param_find(params, "share"), text, 0, &who.config), GV_OK);
    return who;
}

static player alone(const made_log *past, const char *name)
{
    const gv_policy_type *type = gv_policy_find(name);
    assert_non_null(type);
    return (player){.type = type, .config = made_config(type, NULL), .history = &past->history};
}

/* ---- one of two ------------------------------------------------------------------------------ */

static void play(const gv_traffic *traffic, const player *who, gv_seat_tick ticks[SEATS][TICKS + 1])
{
    stage market;
    stage_open(&market, traffic);
    for (size_t s = 0; s < SEATS; s++) {
        market.seats[s].policy = seat_player(who, &market.campaigns[s]);
    }
    gv_exchange *exchange = run(&market);
    for (size_t s = 0; s < SEATS; s++) {
        memcpy(ticks[s], gv_exchange_ticks(exchange, s), sizeof ticks[s]);
    }
    gv_exchange_destroy(exchange);
    stage_close(&market);
}

/* Byte for byte, ticks and conversions that come late as well. */
static void a_share_of_none_or_all_is_one_policy_alone(void **state)
{
    (void)state;
    static const char *const names[] = {"mcpa",  "online_lp", "auctionnet_pid", "abid",
                                        "m_pid", "ta_pid",    "mystique"};
    made_log *past = made_past();
    gv_traffic *traffic = traffic_of(1, 2000);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const player one = alone(past, names[i]);
        const player first = split_of(past, names[i], i == 0 ? "abid" : "mcpa", 0);
        const player second = split_of(past, i == 0 ? "abid" : "mcpa", names[i], 1);
        gv_seat_tick expected[SEATS][TICKS + 1];
        gv_seat_tick got[SEATS][TICKS + 1];
        play(traffic, &one, expected);
        play(traffic, &first, got);
        assert_memory_equal(expected, got, sizeof got);
        play(traffic, &second, got);
        assert_memory_equal(expected, got, sizeof got);
    }
    gv_traffic_destroy(traffic);
    made_log_destroy(past);
}

/* ---- who bids on whom ------------------------------------------------------------------------ */

static gv_campaign some_campaign(void)
{
    return (gv_campaign){.name = "c",
                         .number = 3,
                         .end_us = TICKS * TICK_US,
                         .budget_nanos = 600 * INT64_C(1000000000),
                         .bid_cap_nanos = INT64_MAX,
                         .tick_us = TICK_US,
                         .cpa_nanos = 50 * INT64_C(1000000000)};
}

/* Bids of opportunities 7, 8, ... after a first tick in which `left_nanos` of `budget` was left. */
static void bids_of(const player *who, int64_t budget_nanos, int64_t left_nanos, int64_t *bids)
{
    static double values[IDS];
    for (size_t i = 0; i < IDS; i++) {
        values[i] = 1e-4 * (double)(1 + i % 97);
    }
    gv_campaign campaign = some_campaign();
    campaign.budget_nanos = budget_nanos;
    gv_policy *policy = seat_player(who, &campaign);
    const gv_observation seen = {.tick_count = TICKS,
                                 .tick = 1,
                                 .episode_end_us = TICKS * TICK_US,
                                 .budget_nanos = budget_nanos,
                                 .budget_left_nanos = left_nanos,
                                 .last = {.spend_nanos = budget_nanos - left_nanos},
                                 .market = {.is_market = true, .announced_value = 0.004}};
    const gv_batch batch = {
        .count = IDS, .first_id = 7, .pcvr = values, .auctions_left = GV_AUCTIONS_UNKNOWN};
    gv_policy_tick(&policy, &seen, 1);
    gv_policy_bid(policy, &batch, bids);
    gv_policy_destroy(policy);
}

static bool is_second(uint64_t i, double share)
{
    const gv_random user = gv_random_key(SEED, GV_STREAM_EXPERIMENT, 7 + i);
    return gv_random_uniform(&user, 0) < share;
}

/* Three tenths of 4,000 users within four standard deviations, each bid on by its own policy. */
static void the_draw_of_an_opportunity_chooses_its_policy(void **state)
{
    (void)state;
    static int64_t got[IDS];
    static int64_t first[IDS];
    static int64_t second[IDS];
    made_log *past = made_past();
    const player both = split_of(past, "mcpa", "abid", 0.3);
    const player mcpa = alone(past, "mcpa");
    const player abid = alone(past, "abid");
    bids_of(&both, 1000, 900, got);
    bids_of(&mcpa, 1000, 900, first);
    bids_of(&abid, 1000, 900, second);
    double count = 0;
    for (size_t i = 0; i < IDS; i++) {
        assert_int_equal(got[i], is_second(i, 0.3) ? second[i] : first[i]);
        count += is_second(i, 0.3);
    }
    assert_true(fabs(count - 0.3 * IDS) < 4 * sqrt(0.21 * IDS));
    made_log_destroy(past);
}

/* All users of a tick have the arm of its block, by the block's draw. */
static void blocks_of_ticks_take_turns(void **state)
{
    (void)state;
    enum { BLOCK = 3, SOME_TICKS = 300 };
    made_log *past = made_past();
    player both = split_of(past, "mcpa", "abid", 0.3);
    const player mcpa = alone(past, "mcpa");
    const player abid = alone(past, "abid");
    static const double values[] = {1e-3, 2e-3, 3e-3};
    double count = 0;
    assert_int_equal(
        gv_param_parse(gv_param_find(gv_policy_split.info.params, "ticks"), "3", 0, &both.config),
        GV_OK);
    const gv_campaign campaign = some_campaign();
    gv_policy *policies[] = {seat_player(&both, &campaign), seat_player(&mcpa, &campaign),
                             seat_player(&abid, &campaign)};
    for (uint64_t tick = 0; tick < SOME_TICKS; tick++) {
        int64_t bids[3][3];
        const gv_observation seen = {.tick_count = SOME_TICKS,
                                     .tick = tick,
                                     .episode_end_us = SOME_TICKS * TICK_US,
                                     .budget_nanos = campaign.budget_nanos,
                                     .budget_left_nanos = campaign.budget_nanos / 2,
                                     .market = {.is_market = true, .announced_value = 0.004}};
        const gv_batch batch = {
            .count = 3, .first_id = tick, .pcvr = values, .auctions_left = GV_AUCTIONS_UNKNOWN};
        gv_policy_tick(policies, &seen, 1);
        gv_policy_tick(policies + 1, &seen, 1);
        gv_policy_tick(policies + 2, &seen, 1);
        for (size_t p = 0; p < 3; p++) {
            gv_policy_bid(policies[p], &batch, bids[p]);
        }
        const gv_random block =
            gv_random_key(SEED, GV_STREAM_EXPERIMENT, UINT64_MAX - tick / BLOCK);
        const bool is_turn = gv_random_uniform(&block, 0) < 0.3;
        assert_memory_equal(bids[0], bids[is_turn ? 2 : 1], sizeof bids[0]);
        count += is_turn ? 1 : 0;
    }
    assert_true(fabs(count / SOME_TICKS - 0.3) < 4 * sqrt(0.21 * BLOCK / SOME_TICKS));
    for (size_t p = 0; p < 3; p++) {
        gv_policy_destroy(policies[p]);
    }
    made_log_destroy(past);
}

/* Of two halves exactly one bids on each user, as the policy does that has twice the money. */
static void two_halves_bid_as_one_that_has_both_budgets(void **state)
{
    (void)state;
    static const char *const names[] = {"online_lp", "auctionnet_pid", "ta_pid", "mystique"};
    static int64_t left[IDS];
    static int64_t right[IDS];
    static int64_t all[IDS];
    const int64_t half = 300 * INT64_C(1000000000);
    made_log *past = made_past();
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        const player first = split_of(past, names[n], "none", 0.5);
        const player second = split_of(past, "none", names[n], 0.5);
        const player one = alone(past, names[n]);
        bids_of(&first, half, half / 4, left);
        bids_of(&second, half, half / 4, right);
        bids_of(&one, 2 * half, half / 2, all);
        for (size_t i = 0; i < IDS; i++) {
            assert_int_equal(left[i], is_second(i, 0.5) ? GV_NO_BID : all[i]);
            assert_int_equal(right[i], is_second(i, 0.5) ? all[i] : GV_NO_BID);
        }
    }
    made_log_destroy(past);
}

/* ---- refused --------------------------------------------------------------------------------- */

static void refuses(const made_log *past, const char *first, const char *second, double share,
                    const char *part)
{
    const player who = split_of(past, first, second, share);
    const gv_campaign campaign = some_campaign();
    const gv_policy_setup setup = {.config = &who.config,
                                   .campaign = &campaign,
                                   .rules = {.price_step_nanos = 1},
                                   .history = who.history};
    gv_policy *policy = NULL;
    assert_int_equal(gv_policy_create(who.type, &setup, &policy), GV_EINVAL);
    assert_null(policy);
    assert_non_null(strstr(gv_status_detail(), part));
}

static void what_cannot_share_users_is_refused(void **state)
{
    (void)state;
    made_log *past = made_past();
    refuses(past, "mcpb", "abid", 0.5, "there is no policy 'mcpb'");
    refuses(past, "mcpa", "oracle_slot", 0.5, "oracle_slot cannot have a part of the users");
    refuses(past, "direct", "mcpa", 0.5, "direct cannot have a part of the users");
    refuses(past, "mcpa", "ss_mdp", 0.5, "ss_mdp cannot have a part of the users");
    refuses(past, "none", "none", 0.5, "nobody bids");
    refuses(past, "none", "mcpa", 0, "nobody bids");
    refuses(past, "mcpa", "none", 1, "nobody bids");
    made_log_destroy(past);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_share_of_none_or_all_is_one_policy_alone),
        cmocka_unit_test(the_draw_of_an_opportunity_chooses_its_policy),
        cmocka_unit_test(blocks_of_ticks_take_turns),
        cmocka_unit_test(two_halves_bid_as_one_that_has_both_budgets),
        cmocka_unit_test(what_cannot_share_users_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
