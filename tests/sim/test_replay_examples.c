/* Replays small enough to check by hand, and what must be refused. */
#include <stdio.h>
#include <string.h>

#include "cmocka_all.h"
#include "sim/base/clock.h"
#include "sim/base/mem.h"
#include "sim/market/replay.h"

enum { ROWS = 8 };

#define HOUR_US GV_US_PER_HOUR

/* Up to ROWS opportunities, given by whoever fills it. */
typedef struct small_source {
    gv_source base;
    gv_opportunities all;
    int64_t time_us[ROWS];
    int64_t rival_nanos[ROWS];
    double pctr[ROWS];
} small_source;

static gv_status small_load(gv_source *source, uint64_t position, gv_opportunities *out,
                            uint64_t *next)
{
    const small_source *self = (const small_source *)source;
    *out = position == source->end ? (gv_opportunities){0} : self->all;
    *next = source->end;
    return GV_OK;
}

static gv_status broken_load(gv_source *source, uint64_t position, gv_opportunities *out,
                             uint64_t *next) /* NOLINT(readability-non-const-parameter): its type */
{
    (void)source;
    (void)out;
    (void)next;
    return GV_FAIL(GV_ECORRUPT, "piece %u is damaged", (unsigned)position);
}

/* Rivals as given, an hour apart, from time 0 on. */
static void fill(small_source *self, size_t count, const int64_t *rivals)
{
    memset(self, 0, sizeof *self);
    for (size_t i = 0; i < count; i++) {
        self->time_us[i] = (int64_t)i * HOUR_US;
        self->rival_nanos[i] = rivals[i];
        self->pctr[i] = 0.25;
    }
    self->base.load = small_load;
    self->base.end = count;
    self->all = (gv_opportunities){.count = count,
                                   .time_us = self->time_us,
                                   .rival_nanos = self->rival_nanos,
                                   .pctr = self->pctr};
}

static gv_campaign hours(int64_t count, int64_t budget)
{
    return (gv_campaign){.name = "example",
                         .end_us = count * HOUR_US,
                         .budget_nanos = budget,
                         .bid_cap_nanos = INT64_MAX,
                         .tick_us = 2 * HOUR_US};
}

/* Always bids `amount`, and writes down what it is told. */
typedef struct scribe_config {
    int64_t amount;
    gv_outcome *outcomes; /* [ROWS * 3] */
    gv_observation *observations;
    size_t *outcome_count;
    size_t *observation_count;
} scribe_config;

static gv_status scribe_init(void *state, const gv_policy_setup *setup)
{
    memcpy(state, setup->config, sizeof(scribe_config));
    return GV_OK;
}

static void scribe_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    for (size_t i = 0; i < batch->count; i++) {
        bids[i] = ((const scribe_config *)state)->amount;
    }
}

static void scribe_tick(void *const *states, const gv_observation *observations, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const scribe_config *self = states[i];
        self->observations[(*self->observation_count)++] = observations[i];
    }
}

static void scribe_observe(void *state, const gv_outcome *outcomes, size_t count)
{
    const scribe_config *self = state;
    for (size_t i = 0; i < count; i++) {
        self->outcomes[(*self->outcome_count)++] = outcomes[i];
    }
}

static const gv_param no_params[] = {{.name = NULL}};

static const gv_policy_type scribe = {
    .info = {.name = "scribe", .params = no_params, .config_size = sizeof(scribe_config)},
    .state_size = sizeof(scribe_config),
    .init = scribe_init,
    .bid = scribe_bid,
    .tick = scribe_tick,
    .observe = scribe_observe,
};

/* What one replay gave. */
typedef struct story_told {
    gv_outcome outcomes[ROWS * 3];
    size_t outcome_count;
    gv_observation observations[ROWS * 3];
    size_t observation_count;
    gv_tally total;
    gv_tick_record ticks[ROWS * 3];
    size_t tick_count;
    uint64_t episodes;
} story_told;

static const gv_mechanism second_price = {&gv_mechanism_second_price, true, 1, 0, 0};

static gv_policy *make_scribe(const gv_policy_type *type, story_told *out,
                              const gv_campaign *campaign, int64_t amount)
{
    const scribe_config config = {amount, out->outcomes, out->observations, &out->outcome_count,
                                  &out->observation_count};
    const gv_policy_setup setup = {
        .config = &config, .campaign = campaign, .rules = {.price_step_nanos = 1}};
    gv_policy *policy = NULL;
    assert_int_equal(gv_policy_create(type, &setup, &policy), GV_OK);
    return policy;
}

static void tell_of(const gv_policy_type *type, small_source *source, const gv_campaign *campaign,
                    int64_t amount, story_told *out)
{
    memset(out, 0, sizeof *out);
    gv_policy *policy = make_scribe(type, out, campaign, amount);
    const gv_replay_config config = {
        .source = &source->base, .campaign = campaign, .mechanism = second_price, .policy = policy};
    gv_replay *replay = NULL;
    assert_int_equal(gv_replay_create(&config, &replay), GV_OK);
    assert_int_equal(gv_replay_run(replay, NULL), GV_OK);
    out->total = *gv_replay_total(replay);
    const gv_tick_record *ticks = gv_replay_ticks(replay, &out->tick_count);
    assert_true(out->tick_count <= (size_t)ROWS * 3);
    memcpy(out->ticks, ticks, out->tick_count * sizeof *ticks);
    out->episodes = gv_replay_episodes(replay);
    assert_int_equal(gv_replay_run(replay, NULL), GV_OK); /* nothing is left to do */
    assert_memory_equal(gv_replay_total(replay), &out->total, sizeof out->total);
    gv_replay_destroy(replay);
    gv_policy_destroy(policy);
}

static void tell(small_source *source, const gv_campaign *campaign, int64_t amount, story_told *out)
{
    tell_of(&scribe, source, campaign, amount, out);
}

static void offers_are_lowered_to_what_is_left(void **state)
{
    (void)state;
    small_source source;
    story_told story;
    fill(&source, 5, (const int64_t[]){40, 50, 20, 9, 10});
    const gv_campaign campaign = hours(5, 100);
    tell(&source, &campaign, 60, &story);
    /* 40 of 100, 50 of 60; then an offer of 10 loses to 20, beats 9, and of 1 loses to 10. */
    assert_int_equal(story.total.wins, 3);
    assert_int_equal(story.total.spend_nanos, 99);
    assert_int_equal(story.total.bid_nanos, 60 + 60 + 10 + 10 + 1);
    assert_int_equal(story.total.bids, 5);
    assert_int_equal(story.total.expected_nanoclicks, 750000000);
    assert_int_equal(story.outcomes[2].bid_nanos, 10);
    assert_false(story.outcomes[2].won);
    assert_int_equal(story.outcomes[2].price_nanos, 0);
    assert_int_equal(story.outcomes[3].price_nanos, 9);
}

static void without_budget_only_the_free_is_won(void **state)
{
    (void)state;
    small_source source;
    story_told story;
    fill(&source, 3, (const int64_t[]){1, 0, 2});
    const gv_campaign campaign = hours(3, 0);
    tell(&source, &campaign, 60, &story);
    assert_int_equal(story.total.wins, 1);
    assert_int_equal(story.total.bids, 0);
    assert_int_equal(story.total.spend_nanos, 0);
    tell(&source, &campaign, GV_NO_BID, &story);
    assert_int_equal(story.total.wins, 0);
    assert_int_equal(story.outcomes[1].bid_nanos, GV_NO_BID);
}

static void ticks_tell_what_is_known_and_add_up(void **state)
{
    (void)state;
    small_source source;
    story_told story;
    fill(&source, 5, (const int64_t[]){10, 20, 30, 99, 40});
    const gv_campaign campaign = hours(5, 1000);
    tell(&source, &campaign, 60, &story);
    assert_int_equal(story.tick_count, 3);
    assert_int_equal(story.ticks[1].time_us, 2 * HOUR_US);
    assert_int_equal(story.ticks[0].tally.spend_nanos, 30);
    assert_int_equal(story.ticks[1].tally.spend_nanos, 30);
    assert_int_equal(story.ticks[2].tally.spend_nanos, 40);
    assert_int_equal(story.ticks[2].budget_left_nanos, 900);

    assert_int_equal(story.observation_count, 3);
    const gv_observation *third = &story.observations[2];
    assert_int_equal(third->tick, 2);
    assert_int_equal(third->tick_count, 3);
    assert_int_equal(third->time_us, 4 * HOUR_US);
    assert_int_equal(third->episode.spend_nanos, 60);
    assert_int_equal(third->last.spend_nanos, 30);
    assert_int_equal(third->budget_left_nanos, 940);
    assert_int_equal(third->episode_end_us, 5 * HOUR_US);
}

static void each_local_midnight_brings_the_budget_anew(void **state)
{
    (void)state;
    small_source source;
    story_told story;
    fill(&source, 6, (const int64_t[]){10, 10, 10, 10, 10, 10});
    gv_campaign campaign = hours(6, 25);
    campaign.episode = GV_EPISODE_DAILY;
    campaign.zone_offset_us = 21 * HOUR_US; /* midnight is at three o'clock here */
    tell(&source, &campaign, 60, &story);
    assert_int_equal(story.episodes, 2);
    assert_int_equal(story.total.wins, 4);
    assert_int_equal(story.total.spend_nanos, 40);
    assert_int_equal(story.observations[0].tick_count, 2); /* at 0 and 2 */
    assert_int_equal(story.observations[0].episode_end_us, 3 * HOUR_US);
    assert_int_equal(story.observations[2].time_us, 3 * HOUR_US);
    assert_int_equal(story.observations[2].tick, 0);
    assert_int_equal(story.observations[2].tick_count, 2); /* at 3 and 4 */
    assert_int_equal(story.observations[2].budget_left_nanos, 25);
    assert_int_equal(story.observations[2].last.spend_nanos, 0); /* 10 offered 5 */
    assert_int_equal(story.observations[3].episode.spend_nanos, 10);
    assert_int_equal(story.tick_count, 4);
    assert_int_equal(story.ticks[2].episode, 1);
}

static void every_so_many_auctions_bring_the_budget_anew(void **state)
{
    (void)state;
    small_source source;
    story_told story;
    fill(&source, 6, (const int64_t[]){10, 10, 10, 10, 10, 10});
    gv_campaign campaign = hours(6, 15);
    campaign.episode = GV_EPISODE_AUCTIONS;
    campaign.episode_auctions = 3;
    tell(&source, &campaign, 60, &story);
    /* Two episodes and no third, since nothing would happen in it. */
    assert_int_equal(story.episodes, 2);
    assert_int_equal(story.total.wins, 2);
    assert_int_equal(story.observations[2].tick_count, 0);
    assert_int_equal(story.observations[2].episode_end_us, GV_NEVER_US);
    assert_int_equal(story.observations[2].episode_start_us, 3 * HOUR_US);
}

/* Bids 1 for each auction left, and writes down what is left of the budget. */
static void counter_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    const scribe_config *self = state;
    assert_int_equal(batch->count, 1);
    self->observations[(*self->observation_count)++].budget_left_nanos = batch->budget_left_nanos;
    bids[0] = (int64_t)batch->auctions_left;
}

static void a_policy_asked_one_by_one_knows_what_is_left(void **state)
{
    (void)state;
    small_source source;
    fill(&source, 6, (const int64_t[]){1, 1, 1, 1, 1, 1});
    gv_campaign campaign = hours(6, 15);
    campaign.episode = GV_EPISODE_AUCTIONS;
    campaign.episode_auctions = 4;
    gv_policy_type counter = scribe;
    counter.one_by_one = true;
    counter.bid = counter_bid;
    counter.tick = NULL;
    story_told story;
    tell_of(&counter, &source, &campaign, 0, &story);
    const int64_t offers[] = {4, 3, 2, 1, 4, 3};
    const int64_t left[] = {15, 14, 13, 12, 15, 14};
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(story.outcomes[i].bid_nanos, offers[i]);
        assert_int_equal(story.observations[i].budget_left_nanos, left[i]);
    }
}

static void clicks_are_seen_at_their_time_but_not_before_the_impression(void **state)
{
    (void)state;
    small_source source;
    story_told story;
    const gv_event_record events[] = {
        {.opportunity = 0, .time_us = HOUR_US + 5},
        {.opportunity = 1, .time_us = HOUR_US - 20, .is_conversion = 1}, /* a logged oddity */
        {.opportunity = 2, .time_us = 2 * HOUR_US},                      /* lost, so never seen */
        {.opportunity = 3, .time_us = 9 * HOUR_US},                      /* behind the end */
    };
    fill(&source, 4, (const int64_t[]){10, 10, 90, 10});
    source.all.events = events;
    source.all.event_count = 4;
    source.base.event_max = 4;
    const gv_campaign campaign = hours(4, 1000);
    tell(&source, &campaign, 60, &story);

    assert_int_equal(story.outcome_count, 6);
    assert_int_equal(story.outcomes[1].kind, GV_OUTCOME_AUCTION);
    assert_int_equal(story.outcomes[2].kind, GV_OUTCOME_CONVERSION);
    assert_int_equal(story.outcomes[2].time_us, HOUR_US);
    assert_int_equal(story.outcomes[2].opportunity, 1);
    assert_int_equal(story.outcomes[3].kind, GV_OUTCOME_CLICK);
    assert_int_equal(story.outcomes[3].time_us, HOUR_US + 5);
    assert_int_equal(story.outcomes[3].opportunity, 0);

    assert_int_equal(story.total.clicks, 2);
    assert_int_equal(story.total.conversions, 1);
    assert_int_equal(story.tick_count, 3);
    assert_int_equal(story.ticks[0].tally.clicks, 1);
    assert_int_equal(story.ticks[2].time_us, 4 * HOUR_US);
    assert_int_equal(story.ticks[2].tally.clicks, 1);
    assert_int_equal(story.ticks[2].tally.auctions, 0);
}

static void what_lies_outside_the_campaign_is_not_bid_on(void **state)
{
    (void)state;
    small_source source;
    story_told story;
    const gv_event_record events[] = {{.opportunity = 0, .time_us = 2 * HOUR_US},
                                      {.opportunity = 2, .time_us = 2 * HOUR_US}};
    fill(&source, 6, (const int64_t[]){10, 10, 10, 10, 10, 10});
    source.all.events = events;
    source.all.event_count = 2;
    source.base.event_max = 2;
    gv_campaign campaign = hours(4, 1000);
    campaign.start_us = 2 * HOUR_US;
    tell(&source, &campaign, 60, &story);
    assert_int_equal(story.total.auctions, 2);
    assert_int_equal(story.outcomes[0].opportunity, 2);
    assert_int_equal(story.total.clicks, 1);
}

static void an_empty_source_is_a_campaign_without_auctions(void **state)
{
    (void)state;
    small_source source;
    story_told story;
    fill(&source, 0, NULL);
    const gv_campaign campaign = hours(4, 1000);
    tell(&source, &campaign, 60, &story);
    assert_int_equal(story.total.auctions, 0);
    assert_int_equal(story.tick_count, 2);
    assert_int_equal(story.observation_count, 2);
}

static gv_status create(small_source *source, const gv_campaign *campaign,
                        const gv_policy_type *type, const gv_mechanism *mechanism)
{
    story_told story = {0};
    const scribe_config told = {60, story.outcomes, story.observations, &story.outcome_count,
                                &story.observation_count};
    const gv_policy_setup setup = {
        .config = &told, .campaign = campaign, .rules = {.price_step_nanos = 1}};
    gv_policy *policy = NULL;
    assert_int_equal(gv_policy_create(type, &setup, &policy), GV_OK);
    const gv_replay_config config = {
        .source = &source->base, .campaign = campaign, .mechanism = *mechanism, .policy = policy};
    gv_replay *replay = NULL;
    const gv_status status = gv_replay_create(&config, &replay);
    assert_true((status == GV_OK) == (replay != NULL));
    gv_replay_destroy(replay);
    gv_policy_destroy(policy);
    return status;
}

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    small_source source;
    fill(&source, 1, (const int64_t[]){10});
    const gv_campaign good = hours(4, 1000);
    assert_int_equal(create(&source, &good, &scribe, &second_price), GV_OK);

    gv_campaign bad = good;
    bad.end_us = bad.start_us;
    assert_int_equal(create(&source, &bad, &scribe, &second_price), GV_EINVAL);
    bad = good;
    bad.budget_nanos = -1;
    assert_int_equal(create(&source, &bad, &scribe, &second_price), GV_EINVAL);
    bad = good;
    bad.tick_us = 0;
    assert_int_equal(create(&source, &bad, &scribe, &second_price), GV_EINVAL);
    bad.tick_us = 1; /* fourteen thousand million records */
    assert_int_equal(create(&source, &bad, &scribe, &second_price), GV_EINVAL);
    bad = good;
    bad.episode = GV_EPISODE_AUCTIONS;
    assert_int_equal(create(&source, &bad, &scribe, &second_price), GV_EINVAL);
    const gv_mechanism stepless = {&gv_mechanism_second_price, true, 0, 0, 0};
    assert_int_equal(create(&source, &good, &scribe, &stepless), GV_EINVAL);
}

static void a_column_that_the_policy_reads_must_be_there(void **state)
{
    (void)state;
    small_source source;
    fill(&source, 1, (const int64_t[]){10});
    const gv_campaign campaign = hours(4, 1000);
    gv_policy_type reader = scribe;
    reader.reads = GV_READS_PCVR;
    assert_int_equal(create(&source, &campaign, &reader, &second_price), GV_EINVAL);
    assert_non_null(strstr(gv_status_detail(), "pcvr"));
    reader.reads = GV_READS_PCTR;
    assert_int_equal(create(&source, &campaign, &reader, &second_price), GV_OK);
}

static void a_damaged_piece_ends_the_replay_with_its_sentence(void **state)
{
    (void)state;
    small_source source;
    fill(&source, 1, (const int64_t[]){10});
    source.base.load = broken_load;
    const gv_campaign campaign = hours(4, 1000);
    assert_int_equal(create(&source, &campaign, &scribe, &second_price), GV_ECORRUPT);
    assert_string_equal(gv_status_detail(), "piece 0 is damaged");
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    small_source source;
    fill(&source, 1, (const int64_t[]){10});
    const gv_campaign campaign = hours(4, 1000);
    story_told story = {0};
    gv_policy *policy = make_scribe(&scribe, &story, &campaign, 60);
    const gv_replay_config config = {
        .source = &source.base, .campaign = &campaign, .mechanism = second_price, .policy = policy};
    gv_status status = GV_ENOMEM;
    for (int n = 0; status == GV_ENOMEM; n++) {
        gv_replay *replay = NULL;
        gv_mem_fail_after(n);
        status = gv_replay_create(&config, &replay);
        gv_mem_fail_after(-1);
        assert_true(status == GV_OK || status == GV_ENOMEM);
        assert_true((status == GV_OK) == (replay != NULL));
        gv_replay_destroy(replay);
    }
    gv_policy_destroy(policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offers_are_lowered_to_what_is_left),
        cmocka_unit_test(without_budget_only_the_free_is_won),
        cmocka_unit_test(ticks_tell_what_is_known_and_add_up),
        cmocka_unit_test(each_local_midnight_brings_the_budget_anew),
        cmocka_unit_test(every_so_many_auctions_bring_the_budget_anew),
        cmocka_unit_test(a_policy_asked_one_by_one_knows_what_is_left),
        cmocka_unit_test(clicks_are_seen_at_their_time_but_not_before_the_impression),
        cmocka_unit_test(what_lies_outside_the_campaign_is_not_bid_on),
        cmocka_unit_test(an_empty_source_is_a_campaign_without_auctions),
        cmocka_unit_test(what_makes_no_sense_is_refused),
        cmocka_unit_test(a_column_that_the_policy_reads_must_be_there),
        cmocka_unit_test(a_damaged_piece_ends_the_replay_with_its_sentence),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
