/* What must hold of every policy that can play in a market, and what the oracle is worth there. */
#include "market_stage.h"
#include "test_random.h"
#include "weights_fixture.h"

enum { MOST = 4000 };

/* player_of(), with a weights file for whoever needs one. */
static player contender(const gv_policy_type *type, const made_log *past)
{
    player who = player_of(type, past);
    const gv_param *weights = gv_param_find(type->info.params, "weights");
    if (weights != NULL) {
        assert_int_equal(gv_param_parse(weights, weights_of(type->info.name), 0, &who.config),
                         GV_OK);
    }
    return who;
}

/* ---- no leak --------------------------------------------------------------------------------- */

/* Writes down the bids of the policy within, by opportunity. */
typedef struct spy_config {
    player who;
    int64_t *bids; /* [MOST] */
} spy_config;

typedef struct spy {
    int64_t *bids;
    gv_policy *inner;
} spy;

static gv_status spy_init(void *state, const gv_policy_setup *setup)
{
    const spy_config *config = setup->config;
    spy *self = state;
    self->bids = config->bids;
    self->inner = seat_player(&config->who, setup->campaign);
    return GV_OK;
}

static void spy_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    const spy *self = state;
    gv_policy_bid(self->inner, batch, bids);
    assert_true(batch->first_id + batch->count <= MOST);
    memcpy(self->bids + batch->first_id, bids, batch->count * sizeof *bids);
}

static void spy_tick(void *const *states, const gv_observation *observations, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        gv_policy_tick(&((const spy *)states[i])->inner, &observations[i], 1);
    }
}

static void spy_observe(void *state, const gv_outcome *outcomes, size_t count)
{
    gv_policy_observe(((spy *)state)->inner, outcomes, count);
}

static void spy_fini(void *state)
{
    gv_policy_destroy(((spy *)state)->inner);
}

static gv_policy_type spy_on(const gv_policy_type *type)
{
    return (gv_policy_type){
        .info = {.name = "spy", .params = no_params, .config_size = sizeof(spy_config)},
        .state_size = sizeof(spy),
        .reads = type->reads,
        .one_by_one = type->one_by_one,
        .init = spy_init,
        .bid = spy_bid,
        .tick = spy_tick,
        .observe = type->observe == NULL ? NULL : spy_observe,
        .fini = spy_fini,
    };
}

/* A market in which every seat is the player's; bids: [SEATS][MOST]. */
static void market_bids(const gv_traffic *traffic, const player *who, int64_t *bids)
{
    stage market;
    const gv_policy_type type = spy_on(who->type);
    gv_record *record = who->type->sees_future ? record_market(traffic) : NULL;
    foresight *known[SEATS] = {NULL};
    memset(bids, 0, sizeof(int64_t) * SEATS * MOST);
    stage_open(&market, traffic);
    for (size_t s = 0; s < SEATS; s++) {
        spy_config config = {*who, bids + s * MOST};
        if (record != NULL) {
            known[s] = foresee(traffic, record, (uint32_t)s);
            config.who.future = &known[s]->base;
        }
        const gv_policy_setup setup = {
            .config = &config, .campaign = &market.campaigns[s], .rules = {.price_step_nanos = 1}};
        assert_int_equal(gv_policy_create(&type, &setup, &market.seats[s].policy), GV_OK);
    }
    gv_exchange_destroy(run(&market));
    stage_close(&market);
    for (size_t s = 0; s < SEATS; s++) {
        foresight_destroy(known[s]);
    }
    gv_record_destroy(record);
}

/* How many bids before `from` differ between two markets that differ from it on. */
static size_t differing_before(const player *who, size_t from)
{
    gv_traffic *past = traffic_of(1, 2000);
    gv_traffic *other = traffic_of(2, 2600);
    gv_traffic *spliced_traffic = splice(past, other, from);
    int64_t *before = gv_mem_alloc(0, (size_t)SEATS * MOST, sizeof *before);
    int64_t *after = gv_mem_alloc(0, (size_t)SEATS * MOST, sizeof *after);
    assert_non_null(before);
    assert_non_null(after);
    market_bids(past, who, before);
    market_bids(spliced_traffic, who, after);
    const uint64_t end = gv_traffic_before(past, from);
    size_t differ = 0;
    size_t later = 0;
    for (size_t s = 0; s < SEATS; s++) {
        for (size_t i = 0; i < MOST; i++) {
            const bool same = before[s * MOST + i] == after[s * MOST + i];
            differ += !same && i < end;
            later += !same && i >= end;
        }
    }
    assert_true(later > 0 || who->type->reads == 0); /* the futures are not alike */
    gv_mem_free(before);
    gv_mem_free(after);
    gv_traffic_destroy(spliced_traffic);
    gv_traffic_destroy(other);
    gv_traffic_destroy(past);
    return differ;
}

static void another_future_changes_no_bid_but_of_who_sees_it(void **state)
{
    (void)state;
    made_log *past = made_past();
    size_t blind = 0;
    size_t seers = 0;
    for (const gv_policy_type *const *type = gv_policy_types; *type != NULL; type++) {
        if (!plays_in_a_market(*type)) {
            continue;
        }
        const player who = contender(*type, past);
        for (size_t from = 1; from < TICKS; from += 3) {
            const size_t differ = differing_before(&who, from);
            if ((*type)->sees_future ? differ == 0 : differ > 0) {
                fail_msg("%s: %zu bids before tick %zu differ", (*type)->info.name, differ, from);
            }
        }
        blind += !(*type)->sees_future;
        seers += (*type)->sees_future;
    }
    assert_true(blind >= 10);
    assert_true(seers >= 1);
    made_log_destroy(past);
}

/* ---- batches --------------------------------------------------------------------------------- */

static void run_mixed(const gv_traffic *traffic, const player *who, bool reference,
                      gv_seat_tick ticks[SEATS][TICKS + 1])
{
    stage market;
    stage_open(&market, traffic);
    market.config.reference = reference;
    for (size_t s = 0; s < SEATS; s++) {
        market.seats[s].policy = seat_player(who, &market.campaigns[s]);
    }
    gv_exchange *exchange = run(&market);
    for (size_t s = 0; s < SEATS; s++) {
        memcpy(ticks[s], gv_exchange_ticks(exchange, s), sizeof ticks[s]);
        assert_true(gv_exchange_total(exchange, s).tally.spend_nanos <=
                    market.campaigns[s].budget_nanos);
    }
    gv_exchange_destroy(exchange);
    stage_close(&market);
}

/* All seats of one type, in batches and one auction at a time. */
static void each_type_plays_alike_in_batches_and_one_by_one(void **state)
{
    (void)state;
    made_log *past = made_past();
    gv_traffic *traffic = traffic_of(1, 2000);
    gv_record *record = record_market(traffic);
    foresight *known = foresee(traffic, record, 0);
    for (const gv_policy_type *const *type = gv_policy_types; *type != NULL; type++) {
        if (!plays_in_a_market(*type)) {
            continue;
        }
        player who = contender(*type, past);
        who.future = &known->base;
        gv_seat_tick fast[SEATS][TICKS + 1];
        gv_seat_tick plain[SEATS][TICKS + 1];
        run_mixed(traffic, &who, false, fast);
        run_mixed(traffic, &who, true, plain);
        assert_memory_equal(fast, plain, sizeof fast);
    }
    foresight_destroy(known);
    gv_record_destroy(record);
    gv_traffic_destroy(traffic);
    made_log_destroy(past);
}

/* ---- absurd worlds --------------------------------------------------------------------------- */

static int64_t absurd(test_random *random)
{
    static const int64_t numbers[] = {0, 1, 7, GV_NANOS_PER_UNIT, INT64_C(1) << 50, INT64_MAX};
    return numbers[test_random_below(random, 6)];
}

static gv_observation absurd_observation(test_random *random, uint64_t tick)
{
    const gv_tally tally = {.auctions = (uint64_t)absurd(random),
                            .wins = (uint64_t)absurd(random),
                            .spend_nanos = absurd(random),
                            .conversions = (uint64_t)absurd(random)};
    const int64_t left = absurd(random);
    const int64_t more = absurd(random);
    return (gv_observation){
        .tick = tick,
        .tick_count = test_random_below(random, 4) == 0 ? 0 : TICKS,
        .episode_end_us = TICKS * TICK_US,
        .budget_nanos = left > INT64_MAX - more ? INT64_MAX : left + more,
        .budget_left_nanos = left,
        .episode = tally,
        .last = tally,
        .market = {.is_market = true,
                   .announced_count = (uint64_t)absurd(random),
                   .announced_value = (double)absurd(random) / 1e9},
    };
}

/* What a market tells in any case: how many ticks there are, and those that are over. */
static void make_whole(test_random *random, gv_observation *seen, gv_seat_tick ticks[TICKS])
{
    for (size_t tick = 0; tick < TICKS; tick++) {
        ticks[tick] = (gv_seat_tick){.tally = {.auctions = (uint64_t)absurd(random),
                                               .wins = (uint64_t)absurd(random),
                                               .bid_nanos = absurd(random)},
                                     .value_units = absurd(random),
                                     .least_cost_nanos = absurd(random)};
    }
    seen->tick_count = TICKS;
    seen->market.ticks = ticks;
}

/* Whatever they are told, bids are numbers, from 0 to one above all that can be offered. */
static void absurd_news_gives_defined_bids(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    made_log *past = made_past();
    gv_traffic *traffic = traffic_of(1, 500);
    gv_record *record = record_market(traffic);
    foresight *known = foresee(traffic, record, 0);
    stage market;
    stage_open(&market, traffic);
    for (const gv_policy_type *const *type = gv_policy_types; *type != NULL; type++) {
        if (((*type)->reads & GV_READS_PCVR) == 0) {
            continue;
        }
        player who = contender(*type, past);
        who.future = &known->base;
        for (int c = 0; c < 100; c++) {
            gv_policy *policy = seat_player(&who, &market.campaigns[0]);
            for (uint64_t tick = 0; tick < TICKS; tick++) {
                gv_observation seen = absurd_observation(&random, tick);
                gv_seat_tick ticks[TICKS];
                if ((*type)->needs_market) {
                    make_whole(&random, &seen, ticks);
                }
                const double value = (double)(absurd(&random) % 2);
                const gv_batch batch = {.count = 1, .pcvr = &value, .auctions_left = 1};
                int64_t bid = -1;
                gv_policy_tick(&policy, &seen, 1);
                gv_policy_bid(policy, &batch, &bid);
                assert_true(bid >= 0);
                assert_true(bid <= GV_OFFER_MAX + 1);
            }
            gv_policy_destroy(policy);
        }
    }
    stage_close(&market);
    foresight_destroy(known);
    gv_record_destroy(record);
    gv_traffic_destroy(traffic);
    made_log_destroy(past);
}

/* ---- the oracle against all others ----------------------------------------------------------- */

/* min((C / CPA)^2, 1) x conversions, with the conversions that were to be expected. */
static double expected_score(const gv_seat_tick *total, int64_t cpa_nanos)
{
    const double value = (double)total->exposed_value_units / GV_VALUE_UNITS;
    const double allowed = (double)cpa_nanos * value;
    const double spend = (double)total->tally.spend_nanos;
    return spend <= allowed ? value : value * pow(allowed / spend, 2);
}

static double score_alone(const gv_traffic *traffic, const gv_record *record, size_t seat,
                          const player *who)
{
    stage market;
    foresight *known = foresee(traffic, record, (uint32_t)seat);
    const gv_rivals rivals = {.record = record, .number = (uint32_t)seat, .values = known->values};
    player with_future = *who;
    with_future.future = &known->base;
    stage_open(&market, traffic);
    market.config.rivals = &rivals;
    market.config.seats = &market.seats[seat];
    market.config.seat_count = 1;
    market.seats[seat].policy = seat_player(&with_future, &market.campaigns[seat]);
    gv_exchange *exchange = run(&market);
    const gv_seat_tick total = gv_exchange_total(exchange, 0);
    const double score = expected_score(&total, market.campaigns[seat].cpa_nanos);
    gv_exchange_destroy(exchange);
    stage_close(&market);
    foresight_destroy(known);
    return score;
}

/* Rivals stand still, so over all seats nobody's expected score comes near the oracle's. */
static void nobody_beats_the_oracle_against_rivals_that_stand_still(void **state)
{
    (void)state;
    made_log *past = made_past();
    gv_traffic *traffic = traffic_of(1, 8000);
    gv_record *record = record_market(traffic);
    const player oracle = player_of(&gv_policy_oracle_slot, past);
    double best = 0;
    for (size_t s = 0; s < SEATS; s++) {
        best += score_alone(traffic, record, s, &oracle);
    }
    for (const gv_policy_type *const *type = gv_policy_types; *type != NULL; type++) {
        if (*type == &gv_policy_oracle_slot || ((*type)->reads & GV_READS_PCVR) == 0) {
            continue;
        }
        const player who = contender(*type, past);
        double sum = 0;
        for (size_t s = 0; s < SEATS; s++) {
            sum += score_alone(traffic, record, s, &who);
        }
        printf("%-16s %.3f of the oracle's score\n", (*type)->info.name, sum / best);
        assert_true(sum < 0.98 * best);
    }
    gv_record_destroy(record);
    gv_traffic_destroy(traffic);
    made_log_destroy(past);
}

static int make_weights(void **state)
{
    return made_weights_for(state, TICKS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_future_changes_no_bid_but_of_who_sees_it),
        cmocka_unit_test(each_type_plays_alike_in_batches_and_one_by_one),
        cmocka_unit_test(absurd_news_gives_defined_bids),
        cmocka_unit_test(nobody_beats_the_oracle_against_rivals_that_stand_still),
    };
    return cmocka_run_group_tests(tests, make_weights, test_folder_remove);
}
