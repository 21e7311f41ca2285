/*
 * market_fixture.h - random markets for property tests: a source over arrays, a campaign, rules.
 *
 * A market is drawn so that what is rare in real logs is common: equal times, ties with the
 * rival, free impressions, floors, tiny budgets, clicks before their impression, pieces of one.
 */
#ifndef TESTS_MARKET_FIXTURE_H
#define TESTS_MARKET_FIXTURE_H

#include <string.h>

#include "cmocka_all.h"
#include "sim/base/clock.h"
#include "sim/base/mem.h"
#include "sim/base/money.h"
#include "sim/market/replay.h"
#include "test_random.h"

enum { MARKET_ROWS = 1500, MARKET_EVENTS = 400 };

#define MARKET_BEGIN_US INT64_C(1370448000000000)

/* A source over its own arrays; the piece at a position depends on the position alone. */
typedef struct market_source {
    gv_source base;
    size_t piece_max; /* pieces have 1 to piece_max rows */
    uint64_t ids[MARKET_ROWS];
    int64_t time_us[MARKET_ROWS];
    int64_t rival_nanos[MARKET_ROWS];
    int64_t floor_nanos[MARKET_ROWS];
    double pctr[MARKET_ROWS];
    double pcvr[MARKET_ROWS];
    gv_event_record events[MARKET_EVENTS];
    bool has_ids;
    bool has_floors;
    bool has_pcvr;
} market_source;

static inline uint64_t market_id(const market_source *self, uint64_t row)
{
    return self->has_ids ? self->ids[row] : row;
}

static inline void market_attach_events(const market_source *self, uint64_t from, uint64_t to,
                                        gv_opportunities *out)
{
    size_t first = 0;
    while (first < self->base.event_max &&
           self->events[first].opportunity < market_id(self, from)) {
        first++;
    }
    size_t last = first;
    while (last < self->base.event_max &&
           self->events[last].opportunity <= market_id(self, to - 1)) {
        last++;
    }
    out->events = self->events + first;
    out->event_count = last - first;
}

static inline gv_status market_load(gv_source *source, uint64_t position, gv_opportunities *out,
                                    uint64_t *next)
{
    const market_source *self = (const market_source *)source;
    assert_true(position <= source->end);
    const uint64_t rest = source->end - position;
    const uint64_t wanted = 1 + position * UINT64_C(2654435761) / 7 % self->piece_max;
    const size_t count = (size_t)(wanted < rest ? wanted : rest);
    *out = (gv_opportunities){
        .count = count,
        .first_id = position,
        .ids = self->has_ids ? self->ids + position : NULL,
        .time_us = self->time_us + position,
        .rival_nanos = self->rival_nanos + position,
        .floor_nanos = self->has_floors ? self->floor_nanos + position : NULL,
        .pctr = self->pctr + position,
        .pcvr = self->has_pcvr ? self->pcvr + position : NULL,
    };
    *next = position + count;
    if (count > 0) {
        market_attach_events(self, position, *next, out);
    }
    return GV_OK;
}

static inline void market_destroy(gv_source *source)
{
    gv_mem_free(source);
}

static inline int64_t market_cpm(test_random *random, int64_t bound)
{
    return test_random_below(random, bound) * GV_NANOS_PER_CPM;
}

static inline void market_draw_row(market_source *self, test_random *random, size_t row)
{
    const int64_t gap =
        test_random_below(random, 3) == 0 ? 0 : test_random_below(random, 400) * GV_US_PER_SECOND;
    self->time_us[row] = (row == 0 ? MARKET_BEGIN_US : self->time_us[row - 1]) + gap;
    self->ids[row] =
        (row == 0 ? 100 : self->ids[row - 1]) + 1 + (uint64_t)test_random_below(random, 3);
    self->rival_nanos[row] = market_cpm(random, 12) + test_random_below(random, 2);
    self->floor_nanos[row] = market_cpm(random, 6);
    self->pctr[row] = (double)test_random_below(random, 1000) / 997.0 * 0.1;
    self->pcvr[row] = (double)test_random_below(random, 100) / 100.0;
}

/* Visible from long before its impression to far behind the campaign's end. */
static inline void market_draw_events(market_source *self, test_random *random)
{
    size_t count = 0;
    for (uint64_t row = 0; row < self->base.end; row++) {
        while (count < MARKET_EVENTS && test_random_below(random, 5) == 0) {
            int64_t delay = test_random_below(random, 60) - 25;
            if (test_random_below(random, 4) == 0) {
                delay *= 3000;
            }
            self->events[count++] =
                (gv_event_record){.opportunity = market_id(self, row),
                                  .time_us = self->time_us[row] + delay * GV_US_PER_SECOND,
                                  .is_conversion = (uint32_t)test_random_below(random, 2)};
        }
    }
    self->base.event_max = count;
}

static inline market_source *market_source_drawn(test_random *random, unsigned reads)
{
    static const size_t piece_sizes[] = {1, 3, 40, 700, GV_OPPORTUNITY_PIECE};
    market_source *self = gv_mem_alloc(sizeof *self, 0, 0);
    assert_non_null(self);
    self->base.load = market_load;
    self->base.destroy = market_destroy;
    self->base.end = 1 + (uint64_t)test_random_below(random, MARKET_ROWS);
    self->piece_max = piece_sizes[test_random_below(random, 5)];
    self->has_ids = test_random_below(random, 2) == 1;
    self->has_floors = test_random_below(random, 2) == 1 || (reads & GV_READS_FLOOR) != 0;
    self->has_pcvr = test_random_below(random, 2) == 1 || (reads & GV_READS_PCVR) != 0;
    for (size_t row = 0; row < self->base.end; row++) {
        market_draw_row(self, random, row);
    }
    market_draw_events(self, random);
    return self;
}

static inline gv_campaign market_campaign_drawn(test_random *random, const market_source *source)
{
    static const int64_t ticks_us[] = {GV_US_PER_MINUTE * 7, GV_US_PER_HOUR, GV_US_PER_HOUR * 5,
                                       GV_US_PER_DAY * 30};
    static const int64_t caps[] = {INT64_MAX, INT64_MAX, 9 * GV_NANOS_PER_CPM, 0};
    static const int64_t zones[] = {0, 8 * GV_US_PER_HOUR, -3 * GV_US_PER_HOUR - 1};
    const int64_t last = source->time_us[source->base.end - 1];
    const int64_t spare = GV_US_PER_HOUR * 9;
    const int64_t budget_kind = test_random_below(random, 5);
    int64_t budget = market_cpm(random, 40);
    if (budget_kind == 0) {
        budget = INT64_MAX;
    } else if (budget_kind == 1) {
        budget = market_cpm(random, 3000);
    } else if (budget_kind == 2) {
        budget = test_random_below(random, 2) * (GV_NANOS_PER_CPM * 100 + 1);
    }
    return (gv_campaign){
        .name = "drawn",
        .number = (uint64_t)test_random_below(random, 10),
        .start_us = MARKET_BEGIN_US + test_random_below(random, 5) * spare / 4 - spare / 2,
        .end_us = last + 1 + test_random_below(random, 3) * spare,
        .budget_nanos = budget,
        .bid_cap_nanos = caps[test_random_below(random, 4)],
        .episode = (gv_episode_kind)test_random_below(random, 3),
        .episode_auctions = 1 + (uint64_t)test_random_below(random, 200),
        .tick_us = ticks_us[test_random_below(random, 4)],
        .zone_offset_us = zones[test_random_below(random, 3)],
        .click_nanos = GV_NANOS_PER_UNIT / 10,
    };
}

static inline gv_mechanism market_mechanism_drawn(test_random *random)
{
    static const int64_t steps[] = {1, 1, GV_NANOS_PER_CPM, 700001};
    int64_t type_count = 0;
    while (gv_mechanism_types[type_count] != NULL) {
        type_count++;
    }
    const int64_t reserve = test_random_below(random, 3) * GV_NANOS_PER_CPM;
    assert_true(type_count > 0);
    const bool has_soft = test_random_below(random, 4) == 0;
    return (gv_mechanism){
        .type = gv_mechanism_types[test_random_below(random, type_count)],
        .tie_wins = test_random_below(random, 2) == 1,
        .price_step_nanos = steps[test_random_below(random, 4)],
        .reserve_nanos = reserve,
        .soft_reserve_nanos = has_soft ? reserve + 3 * GV_NANOS_PER_CPM : 0,
    };
}

/* All that a replay needs but the policy. */
typedef struct drawn_market {
    market_source *source;
    gv_campaign campaign;
    gv_mechanism mechanism;
} drawn_market;

static inline drawn_market market_drawn(test_random *random, unsigned reads)
{
    drawn_market drawn = {.source = market_source_drawn(random, reads)};
    drawn.campaign = market_campaign_drawn(random, drawn.source);
    drawn.mechanism = market_mechanism_drawn(random);
    if (drawn.campaign.start_us >= drawn.campaign.end_us) {
        drawn.campaign.start_us = drawn.campaign.end_us - 1;
    }
    return drawn;
}

static inline void market_free(drawn_market *market)
{
    market->source->base.destroy(&market->source->base);
}

#endif
