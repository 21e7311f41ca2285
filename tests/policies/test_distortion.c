/* Bids that are scaled and values that are believed to be others, against policies that do it. */
#include "market_stage.h"

enum { FROM = 3, OPPORTUNITIES = 3000, LEVELS = 2 * TICKS };

/* Where the period's own begin among levels of two periods. */
static const size_t own_levels = (size_t)TICKS * SEATS;

typedef gv_seat_tick seat_ticks[SEATS][TICKS + 1];

/* Bids of its own for each seat, multiplied from the tick FROM on; every seventh it leaves out. */
typedef struct step_config {
    int64_t factor;
} step_config;

typedef struct step_policy {
    int64_t bid_nanos;
    int64_t factor;
    uint64_t tick;
} step_policy;

static gv_status step_init(void *state, const gv_policy_setup *setup)
{
    const step_config *config = setup->config;
    *(step_policy *)state =
        (step_policy){.bid_nanos = 40000001 + 3000007 * (int64_t)setup->campaign->number,
                      .factor = config->factor};
    return GV_OK;
}

static void step_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    const step_policy *self = state;
    const int64_t factor = self->tick >= FROM ? self->factor : 1;
    for (size_t i = 0; i < batch->count; i++) {
        const uint64_t id = batch->first_id + i;
        bids[i] = id % 7 == 0 ? GV_NO_BID : factor * (self->bid_nanos + (int64_t)(id % 5) * 900001);
    }
}

static void step_tick(void *const *states, const gv_observation *observations, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ((step_policy *)states[i])->tick = observations[i].tick;
    }
}

static const gv_policy_type step_type = {
    .info = {.name = "step", .params = no_params, .config_size = sizeof(step_config)},
    .state_size = sizeof(step_policy),
    .init = step_init,
    .bid = step_bid,
    .tick = step_tick,
};

/* One run's parts; what is borrowed lies beside them. */
typedef struct table {
    stage market;
    step_config config;
    gv_distortion distortions[SEATS];
    gv_traffic *traffic;
} table;

static void table_open(table *self, int64_t factor, gv_distortion distortion)
{
    self->traffic = traffic_of(1, OPPORTUNITIES);
    self->config.factor = factor;
    stage_open(&self->market, self->traffic);
    for (size_t s = 0; s < SEATS; s++) {
        const gv_policy_setup setup = {.config = &self->config,
                                       .campaign = &self->market.campaigns[s],
                                       .rules = {.price_step_nanos = 1}};
        assert_int_equal(gv_policy_create(&step_type, &setup, &self->market.seats[s].policy),
                         GV_OK);
        self->distortions[s] = distortion;
        self->market.seats[s].distortion = &self->distortions[s];
    }
}

/* Seats bid by the type instead, at what a conversion may cost times the factor. */
static void seat_all(table *self, const gv_policy_type *type, const char *const *text)
{
    for (size_t s = 0; s < SEATS; s++) {
        const player who = {.type = type, .config = made_config(type, text)};
        gv_policy_destroy(self->market.seats[s].policy);
        self->market.seats[s].policy = seat_player(&who, &self->market.campaigns[s]);
    }
}

static void table_close(table *self)
{
    stage_close(&self->market);
    gv_traffic_destroy(self->traffic);
}

static void sell(table *self, bool reference, seat_ticks ticks)
{
    self->market.config.reference = reference;
    gv_exchange *exchange = run(&self->market);
    for (size_t s = 0; s < SEATS; s++) {
        memcpy(ticks[s], gv_exchange_ticks(exchange, s), sizeof ticks[s]);
    }
    gv_exchange_destroy(exchange);
}

static seat_ticks one;
static seat_ticks other;

static void a_scale_of_two_is_a_policy_that_bids_twice(void **state)
{
    (void)state;
    for (int reference = 0; reference < 2; reference++) {
        table scaled;
        table twice;
        table plain;
        const gv_distortion none = {.bid_scale = 1, .belief_scale = 1};
        table_open(&scaled, 1,
                   (gv_distortion){.bid_scale = 2, .bid_from = FROM, .belief_scale = 1});
        table_open(&twice, 2, none);
        table_open(&plain, 1, none);
        sell(&scaled, reference != 0, one);
        sell(&twice, reference != 0, other);
        assert_memory_equal(one, other, sizeof one);
        sell(&plain, reference != 0, other);
        for (size_t s = 0; s < SEATS; s++) {
            assert_memory_equal(one[s], other[s], FROM * sizeof one[s][0]);
            assert_true(one[s][FROM].tally.bid_nanos > other[s][FROM].tally.bid_nanos);
        }
        table_close(&scaled);
        table_close(&twice);
        table_close(&plain);
    }
}

/* A product that overflows stops at the end of its type, and no bid stays none. */
static void a_huge_scale_is_clamped_and_makes_no_bid_of_none(void **state)
{
    (void)state;
    table huge;
    table_open(&huge, 1, (gv_distortion){.bid_scale = 1e30, .belief_scale = 1});
    for (size_t s = 1; s < SEATS; s++) {
        huge.distortions[s].bid_scale = 1; /* so that the first pays prices that it can */
    }
    huge.market.campaigns[0].budget_nanos = INT64_MAX;
    gv_exchange *exchange = run(&huge.market);
    const gv_seat_tick total = gv_exchange_total(exchange, 0);
    const uint64_t count = gv_traffic_before(huge.traffic, TICKS);
    assert_int_equal(total.tally.bids, count - (count + 6) / 7);
    assert_int_equal(gv_exchange_clamped(exchange, 0).above, total.tally.bids);
    assert_int_equal(gv_exchange_clamped(exchange, 0).negative, 0);
    assert_int_equal(gv_exchange_clamped(exchange, 0).not_numbers, 0);
    gv_exchange_destroy(exchange);
    table_close(&huge);
}

/*
 * Who believes half and bids by it does what a policy does that bids half: same wins, spend and
 * conversions, by the true values. Only what it adds up of values is half, each rounded.
 */
static void believing_half_is_bidding_half(void **state)
{
    (void)state;
    static const char *const half[] = {"factor=0.5", NULL};
    static const char *const whole[] = {"factor=1", NULL};
    table believes;
    table bids;
    table_open(&believes, 1, (gv_distortion){.bid_scale = 1, .belief_scale = 0.5});
    table_open(&bids, 1, (gv_distortion){.bid_scale = 1, .belief_scale = 1});
    seat_all(&believes, &gv_policy_mcpa, whole);
    seat_all(&bids, &gv_policy_mcpa, half);
    sell(&believes, false, one);
    sell(&bids, false, other);
    uint64_t conversions = 0;
    for (size_t s = 0; s < SEATS; s++) {
        for (size_t tick = 0; tick <= TICKS; tick++) {
            const gv_seat_tick *a = &one[s][tick];
            const gv_seat_tick *b = &other[s][tick];
            assert_memory_equal(&a->tally, &b->tally, sizeof a->tally);
            assert_int_equal(a->exposures, b->exposures);
            const double rounding = (double)a->tally.auctions + 1;
            assert_true(fabs((double)(2 * a->value_units - b->value_units)) <= rounding);
            assert_true(fabs((double)(2 * a->won_value_units - b->won_value_units)) <= rounding);
            assert_true(fabs((double)(2 * a->exposed_value_units - b->exposed_value_units)) <=
                        rounding);
            conversions += a->tally.conversions;
        }
        assert_true(one[s][0].value_units > 0);
    }
    assert_true(conversions > 0);
    table_close(&believes);
    table_close(&bids);
}

static double announced[TICKS]; /* to the first seat */

static void listen_tick(void *const *states, const gv_observation *observations, size_t count)
{
    step_tick(states, observations, count);
    announced[observations[0].tick] = observations[0].market.announced_value;
}

/* No belief is above 1, and what is announced is the mean of what is believed. */
static void beliefs_are_announced_and_cut_to_one(void **state)
{
    (void)state;
    gv_policy_type listener = step_type;
    listener.tick = listen_tick;
    table self;
    table_open(&self, 1, (gv_distortion){.bid_scale = 1, .belief_scale = 1e6});
    const gv_policy_setup setup = {.config = &self.config,
                                   .campaign = &self.market.campaigns[0],
                                   .rules = {.price_step_nanos = 1}};
    gv_policy_destroy(self.market.seats[0].policy);
    assert_int_equal(gv_policy_create(&listener, &setup, &self.market.seats[0].policy), GV_OK);
    sell(&self, false, one);
    for (size_t tick = 0; tick < TICKS; tick++) {
        /* Of mean 0.02 and half as much deviation: some are cut to 0, all others believed 1. */
        const double mean =
            (double)one[0][tick].value_units / GV_VALUE_UNITS / (double)one[0][tick].tally.auctions;
        assert_true(mean > 0.7 && mean <= 1.0);
        assert_true(announced[tick] == mean);
        assert_true((double)one[0][tick].won_value_units <=
                    (double)one[0][tick].tally.wins * GV_VALUE_UNITS);
    }
    table_close(&self);
}

/*
 * Errors are log-normal of mean 1, within five standard errors, one opportunity's whatever is asked
 * for beside it, and another for each advertiser.
 */
static void errors_have_their_law_and_belong_to_the_opportunity(void **state)
{
    (void)state;
    enum { COUNT = 30000 };
    static float values[COUNT];
    static double believed[2][COUNT];
    const double noise = 0.6;
    const double value = 1e-4;
    for (size_t i = 0; i < COUNT; i++) {
        values[i] = (float)value;
    }
    for (uint32_t who = 0; who < 2; who++) {
        const gv_distortion distortion = {
            .belief_scale = 2, .belief_noise = noise, .seed = 9, .period = 7, .advertiser = who};
        const gv_seat seat = {.distortion = &distortion};
        gv_seat_believe_all(&seat, 5, COUNT, values, believed[who]);
        double sum = 0;
        double squares = 0;
        for (size_t i = 0; i < COUNT; i++) {
            const double error = log(believed[who][i] / (2 * (double)values[i]));
            const double z = (error + noise * noise / 2) / noise;
            sum += z;
            squares += z * z;
            assert_true(believed[who][i] == gv_seat_believe(&seat, 5 + i, (double)values[i]));
        }
        assert_true(fabs(sum) < 5 * sqrt(COUNT));
        assert_true(fabs(squares - COUNT) < 5 * sqrt(2 * COUNT));
    }
    size_t alike = 0;
    for (size_t i = 0; i < COUNT; i++) {
        alike += believed[0][i] == believed[1][i];
    }
    assert_int_equal(alike, 0);
}

/*
 * Of a share nothing is known, within five standard errors; the others are believed to be what
 * they are believed to be without it, and who knows nothing of whom is another's affair.
 */
static void the_cold_are_believed_to_be_average(void **state)
{
    (void)state;
    enum { COUNT = 30000 };
    static float values[COUNT];
    static double warm[COUNT];
    static double believed[2][COUNT];
    const double share = 0.3;
    const double mean = 0.0123;
    for (size_t i = 0; i < COUNT; i++) {
        values[i] = (float)(i % 50) / 1000.0F; /* some are worth nothing */
    }
    for (uint32_t who = 0; who < 2; who++) {
        gv_distortion distortion = {
            .belief_scale = 2, .belief_noise = 0.6, .seed = 9, .period = 7, .advertiser = who};
        const gv_seat seat = {.distortion = &distortion};
        gv_seat_believe_all(&seat, 5, COUNT, values, warm);
        distortion.belief_cold = share;
        distortion.belief_mean = mean;
        gv_seat_believe_all(&seat, 5, COUNT, values, believed[who]);
        double cold = 0;
        for (size_t i = 0; i < COUNT; i++) {
            cold += believed[who][i] == mean;
            assert_true(believed[who][i] == mean || believed[who][i] == warm[i]);
            assert_true(believed[who][i] == gv_seat_believe(&seat, 5 + i, (double)values[i]));
        }
        assert_true(fabs(cold - share * COUNT) < 5 * sqrt(share * (1 - share) * COUNT));
    }
    double together = 0;
    for (size_t i = 0; i < COUNT; i++) {
        together += believed[0][i] == mean && believed[1][i] == mean;
    }
    const double both = share * share;
    assert_true(fabs(together - both * COUNT) < 5 * sqrt(both * (1 - both) * COUNT));
}

/* L of the stage's traffic: [LEVELS][SEATS], the period's own behind those of the one before. */
static void levels_of(const gv_traffic *before, const gv_traffic *own, double *levels)
{
    for (size_t tick = 0; tick < LEVELS; tick++) {
        const gv_traffic *traffic = tick < TICKS ? before : own;
        double *row = levels + tick * SEATS;
        memset(row, 0, SEATS * sizeof *row);
        assert_int_equal(gv_traffic_add_up(traffic, tick % TICKS, row), GV_OK);
        for (size_t s = 0; s < SEATS; s++) {
            row[s] /= (double)gv_traffic_count(traffic, tick % TICKS);
        }
    }
}

/* From level to level by hand, over the period's beginning, and not where a level says nothing. */
static void the_stale_believe_the_level_of_an_earlier_tick(void **state)
{
    (void)state;
    double levels[LEVELS * SEATS];
    gv_traffic *before = traffic_of(1, OPPORTUNITIES);
    gv_traffic *own = traffic_of(2, OPPORTUNITIES);
    levels_of(before, own, levels);
    levels[(TICKS + 4) * SEATS + 2] = 0;
    for (size_t stale = 1; stale <= TICKS; stale++) {
        const gv_distortion distortion = {.belief_scale = 0.5,
                                          .belief_stale = stale,
                                          .levels = levels + own_levels + 2,
                                          .level_stride = SEATS,
                                          .traffic = own};
        const gv_seat seat = {.distortion = &distortion};
        for (size_t tick = 0; tick < TICKS; tick++) {
            const double now = levels[(TICKS + tick) * SEATS + 2];
            const double then = levels[(TICKS + tick - stale) * SEATS + 2];
            const double change = now > 0 && then > 0 ? then / now : 1;
            const uint64_t first = gv_traffic_before(own, tick);
            const float value = 0.01F;
            double believed = 0;
            gv_seat_believe_all(&seat, first, 1, &value, &believed);
            assert_true(fabs(believed - 0.5 * (double)value * change) < 1e-15);
            assert_true(believed == gv_seat_believe(&seat, first, (double)value));
            assert_true(believed == gv_seat_believe(&seat, gv_traffic_before(own, tick + 1) - 1,
                                                    (double)value));
        }
    }
    gv_traffic_destroy(before);
    gv_traffic_destroy(own);
}

/* Bids that read no value win, cost and convert the same whatever is believed; sums of values do
   not stay, but that of a tick of the cold is its mean. */
static void beliefs_touch_nothing_true(void **state)
{
    (void)state;
    static double levels[LEVELS * SEATS];
    const double mean = 0.01;
    table plain;
    table deceived;
    table_open(&plain, 1, (gv_distortion){.bid_scale = 1, .belief_scale = 1});
    table_open(&deceived, 1, (gv_distortion){.bid_scale = 1, .belief_scale = 1});
    levels_of(deceived.traffic, deceived.traffic, levels);
    for (size_t s = 0; s < SEATS; s++) {
        gv_distortion *distortion = &deceived.distortions[s];
        distortion->belief_cold = s % 2 == 0 ? 1 : 0;
        distortion->belief_mean = mean;
        distortion->belief_stale = 3;
        distortion->levels = levels + own_levels + s;
        distortion->level_stride = SEATS;
        distortion->traffic = deceived.traffic;
    }
    sell(&plain, false, one);
    sell(&deceived, false, other);
    uint64_t conversions = 0;
    for (size_t s = 0; s < SEATS; s++) {
        for (size_t tick = 0; tick <= TICKS; tick++) {
            const gv_seat_tick *a = &one[s][tick];
            const gv_seat_tick *b = &other[s][tick];
            assert_memory_equal(&a->tally, &b->tally, sizeof a->tally);
            assert_int_equal(a->exposures, b->exposures);
            conversions += a->tally.conversions;
            assert_true(tick == TICKS || a->value_units != b->value_units);
            if (s % 2 == 0) {
                assert_int_equal(b->value_units, (int64_t)b->tally.auctions *
                                                     (int64_t)(mean * GV_VALUE_UNITS + 0.5));
            }
        }
    }
    assert_true(conversions > 0);
    table_close(&plain);
    table_close(&deceived);
}

static double asked[OPPORTUNITIES]; /* what the first seat believed when it bid */
static size_t told_count;

static void noting_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    memcpy(asked + batch->first_id, batch->pcvr, batch->count * sizeof *asked);
    step_bid(state, batch, bids);
}

static void noting_observe(void *state, const gv_outcome *outcomes, size_t count)
{
    (void)state;
    for (size_t i = 0; i < count; i++) {
        if (outcomes[i].kind == GV_OUTCOME_AUCTION) {
            assert_true(outcomes[i].pcvr == asked[outcomes[i].opportunity]);
            told_count++;
        }
    }
}

/* Whether bids are asked for a piece or, by AuctionNet's rule of overspending, a tick at once. */
static void an_auction_brings_back_what_was_believed(void **state)
{
    (void)state;
    gv_policy_type noting = step_type;
    noting.reads = GV_READS_PCVR;
    noting.bid = noting_bid;
    noting.observe = noting_observe;
    for (int run = 0; run < 4; run++) {
        table self;
        table_open(&self, 1,
                   (gv_distortion){
                       .bid_scale = 1, .belief_scale = 0.7, .belief_noise = run == 3 ? 0.4 : 0});
        const gv_policy_setup setup = {.config = &self.config,
                                       .campaign = &self.market.campaigns[0],
                                       .rules = {.price_step_nanos = 1}};
        gv_policy_destroy(self.market.seats[0].policy);
        assert_int_equal(gv_policy_create(&noting, &setup, &self.market.seats[0].policy), GV_OK);
        self.market.config.overspend = run < 2 ? GV_OVERSPEND_EXACT : GV_OVERSPEND_AUCTIONNET;
        told_count = 0;
        sell(&self, run % 2 == 1, one);
        assert_true(told_count > OPPORTUNITIES / 2);
        table_close(&self);
    }
}

/* A market of that type in which every other seat departs from what it means. */
static void sell_distorted(const gv_policy_type *type, bool reference, seat_ticks ticks)
{
    static double levels[LEVELS * SEATS];
    table self;
    table_open(&self, 1, (gv_distortion){.bid_scale = 1, .belief_scale = 1});
    seat_all(&self, type, NULL);
    levels_of(self.traffic, self.traffic, levels);
    for (size_t s = 0; s < SEATS; s += 2) {
        self.distortions[s] = (gv_distortion){.bid_scale = 1.7,
                                              .bid_from = FROM,
                                              .belief_scale = 0.6,
                                              .belief_noise = 0.5,
                                              .belief_cold = 0.3,
                                              .belief_mean = 0.02,
                                              .belief_stale = 2,
                                              .levels = levels + own_levels + s,
                                              .level_stride = SEATS,
                                              .traffic = self.traffic,
                                              .seed = 3,
                                              .advertiser = (uint32_t)s};
    }
    sell(&self, reference, ticks);
    table_close(&self);
}

static void batches_equal_single_auctions(void **state)
{
    (void)state;
    static const gv_policy_type *const types[] = {&gv_policy_mcpa, &gv_policy_abid,
                                                  &gv_policy_dual_pacing};
    for (size_t t = 0; t < sizeof types / sizeof types[0]; t++) {
        sell_distorted(types[t], false, one);
        sell_distorted(types[t], true, other);
        assert_memory_equal(one, other, sizeof one);
    }
}

static void wrong_distortions_are_refused_in_a_sentence(void **state)
{
    (void)state;
    static const gv_distortion bad[] = {{.bid_scale = -1, .belief_scale = 1},
                                        {.bid_scale = 1, .belief_scale = -0.5},
                                        {.bid_scale = (double)NAN, .belief_scale = 1},
                                        {.bid_scale = 1, .belief_scale = 1, .belief_noise = -1}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        table self;
        gv_exchange *exchange = NULL;
        table_open(&self, 1, bad[i]);
        assert_int_equal(gv_exchange_create(&self.market.config, &exchange), GV_EINVAL);
        assert_non_null(strstr(gv_status_detail(), "scales its bids by"));
        table_close(&self);
    }
    for (size_t i = 0; i < 3; i++) {
        static const double colds[] = {-0.5, 1.5, (double)NAN};
        table self;
        gv_exchange *exchange = NULL;
        table_open(&self, 1,
                   (gv_distortion){.bid_scale = 1, .belief_scale = 1, .belief_cold = colds[i]});
        assert_int_equal(gv_exchange_create(&self.market.config, &exchange), GV_EINVAL);
        assert_non_null(strstr(gv_status_detail(), "knows nothing of a share of"));
        table_close(&self);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scale_of_two_is_a_policy_that_bids_twice),
        cmocka_unit_test(a_huge_scale_is_clamped_and_makes_no_bid_of_none),
        cmocka_unit_test(believing_half_is_bidding_half),
        cmocka_unit_test(beliefs_are_announced_and_cut_to_one),
        cmocka_unit_test(errors_have_their_law_and_belong_to_the_opportunity),
        cmocka_unit_test(the_cold_are_believed_to_be_average),
        cmocka_unit_test(the_stale_believe_the_level_of_an_earlier_tick),
        cmocka_unit_test(beliefs_touch_nothing_true),
        cmocka_unit_test(an_auction_brings_back_what_was_believed),
        cmocka_unit_test(batches_equal_single_auctions),
        cmocka_unit_test(wrong_distortions_are_refused_in_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
