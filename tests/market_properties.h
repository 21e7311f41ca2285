/*
 * market_properties.h - what must hold of every bidding policy under replay, for any test
 * program to run over the types it knows.
 *
 * Each takes a subject (a type with a complete config and, where it needs one, a history) and a
 * number of cases; each draws a market a case.
 */
#ifndef TESTS_MARKET_PROPERTIES_H
#define TESTS_MARKET_PROPERTIES_H

#include "market_fixture.h"
#include "sim/core/checkpoint.h"
#include "test_folder.h"

typedef struct market_subject {
    const gv_policy_type *type;
    const void *config;        /* complete; borrowed */
    const gv_history *history; /* NULL unless the type needs one */
} market_subject;

/* A replay and the policy that it drives. */
typedef struct market_run {
    gv_policy *policy;
    gv_replay *replay;
} market_run;

static inline gv_policy *market_policy(const market_subject *subject, const drawn_market *market)
{
    const gv_policy_setup setup = {
        .config = subject->config,
        .campaign = &market->campaign,
        .rules = {.pays_own_bid = market->mechanism.type->pays_own_bid,
                  .price_step_nanos = market->mechanism.price_step_nanos},
        .history = subject->history,
        .seed = 5,
    };
    gv_policy *policy = NULL;
    assert_int_equal(gv_policy_create(subject->type, &setup, &policy), GV_OK);
    return policy;
}

static inline market_run market_run_varied(const market_subject *subject,
                                           const drawn_market *market, bool reference,
                                           const gv_exploration *exploration,
                                           const gv_replay_tap *tap)
{
    market_run run = {.policy = market_policy(subject, market)};
    const gv_replay_config config = {
        .source = &market->source->base,
        .campaign = &market->campaign,
        .mechanism = market->mechanism,
        .policy = run.policy,
        .exploration = exploration,
        .tap = tap,
        .reference = reference,
    };
    assert_int_equal(gv_replay_create(&config, &run.replay), GV_OK);
    return run;
}

static inline market_run market_run_create(const market_subject *subject,
                                           const drawn_market *market, bool reference)
{
    return market_run_varied(subject, market, reference, NULL, NULL);
}

static inline void market_run_destroy(market_run *run)
{
    gv_replay_destroy(run->replay);
    gv_policy_destroy(run->policy);
}

/* Outcome, ticks and the policy's own state agree to the byte. */
static inline void market_assert_equal(const market_run *a, const market_run *b)
{
    assert_memory_equal(gv_replay_total(a->replay), gv_replay_total(b->replay), sizeof(gv_tally));
    assert_int_equal(gv_replay_episodes(a->replay), gv_replay_episodes(b->replay));
    assert_int_equal(gv_replay_events(a->replay), gv_replay_events(b->replay));
    size_t count_a = 0;
    size_t count_b = 0;
    const gv_tick_record *ticks_a = gv_replay_ticks(a->replay, &count_a);
    const gv_tick_record *ticks_b = gv_replay_ticks(b->replay, &count_b);
    assert_int_equal(count_a, count_b);
    assert_memory_equal(ticks_a, ticks_b, count_a * sizeof *ticks_a);

    gv_writer state_a = {0};
    gv_writer state_b = {0};
    assert_int_equal(gv_policy_save(a->policy, &state_a), GV_OK);
    assert_int_equal(gv_policy_save(b->policy, &state_b), GV_OK);
    assert_int_equal(state_a.size, state_b.size);
    assert_memory_equal(state_a.bytes, state_b.bytes, state_a.size);
    gv_writer_fini(&state_a);
    gv_writer_fini(&state_b);
}

static inline void market_assert_tally_sane(const gv_tally *tally)
{
    assert_true(tally->bids <= tally->auctions);
    assert_true(tally->wins <= tally->auctions);
    assert_true(tally->spend_nanos >= 0);
    assert_true(tally->spend_nanos <= tally->bid_nanos);
    assert_true(tally->expected_nanoclicks >= tally->expected_nanoconversions);
}

/* Ticks add up to the total, no episode spends more than its budget. */
static inline void market_assert_sane(const market_run *run, const drawn_market *market)
{
    size_t count = 0;
    const gv_tick_record *ticks = gv_replay_ticks(run->replay, &count);
    gv_tally sum = {0};
    int64_t spent = 0;
    for (size_t i = 0; i < count; i++) {
        market_assert_tally_sane(&ticks[i].tally);
        const bool is_new = i == 0 || ticks[i].episode != ticks[i - 1].episode;
        assert_true(i == 0 || ticks[i].episode == ticks[i - 1].episode + is_new);
        assert_true(i == 0 || ticks[i].time_us >= ticks[i - 1].time_us);
        spent = (is_new ? 0 : spent) + ticks[i].tally.spend_nanos;
        assert_int_equal(ticks[i].budget_left_nanos, market->campaign.budget_nanos - spent);
        gv_tally_add(&sum, &ticks[i].tally);
    }
    assert_memory_equal(&sum, gv_replay_total(run->replay), sizeof sum);
}

/* The fast path gives what the plain rules give, one auction at a time. */
static inline void market_batches_equal_reference(const market_subject *subject,
                                                  test_random *random, int cases)
{
    for (int i = 0; i < cases; i++) {
        drawn_market market = market_drawn(random, subject->type->reads);
        market_run fast = market_run_create(subject, &market, false);
        assert_int_equal(gv_replay_run(fast.replay, NULL), GV_OK);
        market.source->piece_max = 1 + (size_t)test_random_below(random, 999);
        market_run plain = market_run_create(subject, &market, true);
        assert_int_equal(gv_replay_run(plain.replay, NULL), GV_OK);
        market_assert_equal(&fast, &plain);
        market_assert_sane(&fast, &market);
        market_run_destroy(&fast);
        market_run_destroy(&plain);
        market_free(&market);
    }
}

/* Lets `countdown` reports pass, then asks to stop. */
static inline bool market_report(void *context, const char *what, uint64_t done, uint64_t total)
{
    (void)what;
    assert_true(done <= total);
    int64_t *countdown = context;
    return (*countdown)-- > 0;
}

static inline void market_save(const market_run *run, const char *path)
{
    gv_writer writer = {0};
    assert_int_equal(gv_replay_save(run->replay, &writer), GV_OK);
    assert_int_equal(gv_checkpoint_write(path, &writer), GV_OK);
    gv_writer_fini(&writer);
}

static inline void market_load_saved(market_run *run, const char *path)
{
    gv_writer bytes = {0};
    assert_int_equal(gv_checkpoint_read(path, &bytes), GV_OK);
    gv_reader reader = {.bytes = bytes.bytes, .size = bytes.size};
    assert_int_equal(gv_replay_restore(run->replay, &reader), GV_OK);
    gv_writer_fini(&bytes);
}

/* Stopped anywhere, saved to `path`, restored into a fresh replay: the same outcome. */
static inline void market_resumes_to_the_same_bytes(const market_subject *subject,
                                                    test_random *random, int cases,
                                                    const char *path)
{
    for (int i = 0; i < cases; i++) {
        drawn_market market = market_drawn(random, subject->type->reads);
        market_run whole = market_run_create(subject, &market, false);
        assert_int_equal(gv_replay_run(whole.replay, NULL), GV_OK);

        market_run part = market_run_create(subject, &market, false);
        gv_status status = GV_ESTOPPED;
        for (int stop = 0; stop < 3 && status == GV_ESTOPPED; stop++) {
            int64_t countdown = test_random_below(random, 60);
            const gv_progress progress = {market_report, &countdown};
            status = gv_replay_run(part.replay, &progress);
            assert_true(status == GV_OK || status == GV_ESTOPPED);
            market_save(&part, path);
            market_run_destroy(&part);
            part = market_run_create(subject, &market, false);
            market_load_saved(&part, path);
        }
        assert_int_equal(gv_replay_run(part.replay, NULL), GV_OK);
        market_assert_equal(&whole, &part);
        market_run_destroy(&whole);
        market_run_destroy(&part);
        market_free(&market);
    }
}

/*
 * A policy around the subject that writes down its bids. Its states are the subject's policies,
 * asked through the dispatcher.
 */
typedef struct market_spy_config {
    const market_subject *subject;
    const drawn_market *market;
    int64_t *bids; /* [MARKET_ROWS], in the order asked */
    size_t *asked; /* how many */
} market_spy_config;

typedef struct market_spy {
    market_spy_config config;
    gv_policy *inner;
} market_spy;

static inline gv_status market_spy_init(void *state, const gv_policy_setup *setup)
{
    market_spy *spy = state;
    spy->config = *(const market_spy_config *)setup->config;
    spy->inner = market_policy(spy->config.subject, spy->config.market);
    return GV_OK;
}

static inline void market_spy_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    market_spy *spy = state;
    gv_policy_bid(spy->inner, batch, bids);
    memcpy(spy->config.bids + *spy->config.asked, bids, batch->count * sizeof *bids);
    *spy->config.asked += batch->count;
}

static inline void market_spy_tick(void *const *states, const gv_observation *observations,
                                   size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const market_spy *spy = states[i];
        gv_policy_tick(&spy->inner, &observations[i], 1);
    }
}

static inline void market_spy_observe(void *state, const gv_outcome *outcomes, size_t count)
{
    market_spy *spy = state;
    gv_policy_observe(spy->inner, outcomes, count);
}

static inline void market_spy_fini(void *state)
{
    market_spy *spy = state;
    gv_policy_destroy(spy->inner);
}

/* Bids as the subject makes them, into bids: [MARKET_ROWS]; returns how many. */
static inline size_t market_bids(
    const market_subject *subject, const drawn_market *market,
    int64_t *bids) /* NOLINT(readability-non-const-parameter): its spy writes */
{
    static const gv_param no_params[] = {{.name = NULL}};
    const gv_policy_type spy_type = {
        .info = {.name = "spy", .params = no_params, .config_size = sizeof(market_spy_config)},
        .state_size = sizeof(market_spy),
        .reads = subject->type->reads,
        .one_by_one = subject->type->one_by_one,
        .init = market_spy_init,
        .bid = market_spy_bid,
        .tick = market_spy_tick,
        .observe = subject->type->observe == NULL ? NULL : market_spy_observe,
        .fini = market_spy_fini,
    };
    size_t asked = 0;
    const market_spy_config config = {subject, market, bids, &asked};
    const market_subject spy = {.type = &spy_type, .config = &config};
    market_run run = market_run_create(&spy, market, false);
    assert_int_equal(gv_replay_run(run.replay, NULL), GV_OK);
    market_run_destroy(&run);
    return asked;
}

/* Draws rivals, floors, rates and events anew from row `from` on; times and ids stay. */
static inline void market_redraw_future(market_source *source, test_random *random, size_t from)
{
    for (size_t row = from; row < source->base.end; row++) {
        source->rival_nanos[row] = market_cpm(random, 12);
        source->pctr[row] = (double)test_random_below(random, 100) / 1000.0;
    }
    /* An event of an earlier row that is still to come is future, too. */
    const int64_t now = source->time_us[from];
    for (size_t e = 0; e < source->base.event_max; e++) {
        gv_event_record *event = &source->events[e];
        if (event->time_us > now || event->opportunity >= market_id(source, from)) {
            event->time_us = event->opportunity >= market_id(source, from)
                                 ? event->time_us
                                 : now + 1 + test_random_below(random, 900) * GV_US_PER_SECOND;
            event->is_conversion ^= (uint32_t)test_random_below(random, 2);
        }
    }
}

/* Whatever the future holds, bids made before it stay: nothing is seen before its time. */
static inline void market_future_changes_no_bid(const market_subject *subject, test_random *random,
                                                int cases)
{
    int64_t *before = gv_mem_alloc(0, MARKET_ROWS, sizeof *before);
    int64_t *after = gv_mem_alloc(0, MARKET_ROWS, sizeof *after);
    assert_non_null(before);
    assert_non_null(after);
    for (int i = 0; i < cases; i++) {
        drawn_market market = market_drawn(random, subject->type->reads);
        market.campaign.start_us = MARKET_BEGIN_US; /* so that bids are numbered as rows are */
        const size_t asked = market_bids(subject, &market, before);
        assert_int_equal(asked, market.source->base.end);
        const size_t from = (size_t)test_random_below(random, (int64_t)asked);
        market_redraw_future(market.source, random, from);
        assert_int_equal(market_bids(subject, &market, after), asked);
        assert_memory_equal(before, after, from * sizeof *before);
        market_free(&market);
    }
    gv_mem_free(before);
    gv_mem_free(after);
}

#endif
