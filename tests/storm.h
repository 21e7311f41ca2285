/*
 * storm.h - whole random simulations from one seed, to be run on any engine.
 *
 * A storm has arrival streams, events that schedule, cancel and stop, and a trace of all that
 * happened. Each choice is a keyed draw, and whatever a storm remembers lies in one plain
 * struct, so it can be saved, restored and compared by memcmp. The engine is a table of three
 * functions: the simulator, or the slow one in test_sim.c that looks at everything each time.
 */
#ifndef TESTS_STORM_H
#define TESTS_STORM_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "sim/base/random.h"
#include "sim/core/sim.h"

enum { STORM_STREAMS = 4, STORM_TRACE = 700, STORM_PENDING = 48, STORM_ARRIVAL = 1000 };

typedef struct storm_step {
    int64_t time_us;
    uint64_t kind; /* an event's, or STORM_ARRIVAL + the stream's number */
    uint64_t sequence;
    int64_t payload;
} storm_step;

typedef struct storm_stream {
    int64_t next_us;
    uint64_t left;
    int32_t priority;
    uint32_t number;
} storm_stream;

typedef struct storm {
    uint64_t draws;
    uint64_t last_sequence;
    int64_t gap_max_us; /* small: most times are equal */
    uint64_t stream_count;
    storm_stream streams[STORM_STREAMS];
    gv_random random;
    uint64_t step_count;
    storm_step trace[STORM_TRACE];
} storm;

typedef struct storm_engine {
    uint64_t (*schedule)(void *engine, gv_event event);
    bool (*cancel)(void *engine, uint64_t sequence);
    size_t (*pending)(const void *engine);
    void (*stop)(void *engine);
} storm_engine;

static inline uint64_t storm_draw(storm *s, uint64_t bound)
{
    return gv_random_below(&s->random, s->draws++, bound);
}

static inline void storm_init(storm *s, uint64_t seed)
{
    static const int64_t gaps_us[] = {0, 1, 3, 20, 1000};
    memset(s, 0, sizeof *s);
    s->random = gv_random_key(seed, GV_STREAM_TEST, 0);
    s->gap_max_us = gaps_us[storm_draw(s, 5)];
    s->stream_count = storm_draw(s, STORM_STREAMS + 1);
    for (uint64_t i = 0; i < s->stream_count; i++) {
        s->streams[i] = (storm_stream){
            .next_us = (int64_t)storm_draw(s, 5),
            .left = storm_draw(s, 100),
            .priority = (int32_t)storm_draw(s, 3) - 1,
            .number = (uint32_t)i,
        };
    }
}

static inline void storm_note(storm *s, int64_t time_us, uint64_t kind, uint64_t sequence,
                              int64_t payload)
{
    if (s->step_count < STORM_TRACE) {
        s->trace[s->step_count] = (storm_step){time_us, kind, sequence, payload};
    }
    s->step_count++;
}

/* The new event's time, or GV_NEVER_US when there was no room. */
static inline int64_t storm_schedule(storm *s, const storm_engine *engine, void *on, int64_t now_us)
{
    if (engine->pending(on) == STORM_PENDING || s->step_count >= STORM_TRACE / 2) {
        return GV_NEVER_US;
    }
    const gv_event event = {
        .time_us = now_us + (int64_t)storm_draw(s, (uint64_t)s->gap_max_us + 1),
        .priority = (int32_t)storm_draw(s, 4) - 2,
        .kind = (uint32_t)storm_draw(s, 7),
        .subject = storm_draw(s, 1000),
        .payload = {(int64_t)storm_draw(s, 1000), 0},
    };
    s->last_sequence = engine->schedule(on, event);
    return event.time_us;
}

static inline void storm_begin(storm *s, const storm_engine *engine, void *on)
{
    const uint64_t count = storm_draw(s, STORM_PENDING);
    for (uint64_t i = 0; i < count; i++) {
        (void)storm_schedule(s, engine, on, 0);
    }
}

static inline void storm_event(storm *s, const storm_engine *engine, void *on,
                               const gv_event *event)
{
    storm_note(s, event->time_us, event->kind, event->sequence,
               event->payload[0] + (int64_t)event->subject);
    const uint64_t choice = storm_draw(s, 16);
    const uint64_t children = choice < 4 ? choice % 3 : 1;
    if (choice == 5) {
        const uint64_t sequence = s->last_sequence - storm_draw(s, 20);
        storm_note(s, event->time_us, engine->cancel(on, sequence), sequence, 0);
    }
    for (uint64_t i = 0; i < children; i++) {
        (void)storm_schedule(s, engine, on, event->time_us);
    }
    if (choice == 6) {
        engine->stop(on);
    }
}

/* Handles one arrival; returns the time from which the engine must decide what comes next. */
static inline int64_t storm_arrival(storm *s, const storm_engine *engine, void *on,
                                    storm_stream *stream)
{
    const int64_t now_us = stream->next_us;
    storm_note(s, now_us, STORM_ARRIVAL + stream->number, stream->left, 0);
    stream->left--;
    stream->next_us += (int64_t)storm_draw(s, (uint64_t)s->gap_max_us + 1);
    const uint64_t choice = storm_draw(s, 8);
    if (choice == 1) {
        engine->stop(on);
        return now_us;
    }
    return choice == 0 ? storm_schedule(s, engine, on, now_us) : GV_NEVER_US;
}

static inline int64_t storm_next_us(const storm_stream *stream)
{
    return stream->left > 0 ? stream->next_us : GV_NEVER_US;
}

/* The storm on the simulator. */

typedef struct storm_source {
    storm *s;
    uint64_t number;
} storm_source;

typedef struct storm_run {
    storm s;
    gv_sim *sim;
    storm_source sources[STORM_STREAMS];
} storm_run;

static inline uint64_t storm_sim_schedule(void *engine, gv_event event)
{
    return gv_sim_schedule(engine, event);
}

static inline bool storm_sim_cancel(void *engine, uint64_t sequence)
{
    return gv_sim_cancel(engine, sequence);
}

static inline size_t storm_sim_pending(const void *engine)
{
    return gv_sim_pending(engine);
}

static inline void storm_sim_stop(void *engine)
{
    gv_sim_stop(engine);
}

static const storm_engine storm_on_sim = {
    .schedule = storm_sim_schedule,
    .cancel = storm_sim_cancel,
    .pending = storm_sim_pending,
    .stop = storm_sim_stop,
};

static inline gv_status storm_handle(void *context, gv_sim *sim, const gv_event *event)
{
    assert(gv_sim_now(sim) == event->time_us);
    storm_event(context, &storm_on_sim, sim, event);
    return GV_OK;
}

static inline int64_t storm_source_next_us(void *context)
{
    const storm_source *source = context;
    return storm_next_us(&source->s->streams[source->number]);
}

/* Takes as much as it may, or now and then just one. */
static inline gv_status storm_source_take(void *context, gv_sim *sim, int64_t until_us)
{
    const storm_source *source = context;
    storm_stream *stream = &source->s->streams[source->number];
    assert(storm_next_us(stream) < until_us);
    while (storm_next_us(stream) < until_us) {
        gv_sim_advance(sim, stream->next_us);
        const bool is_last = stream->left % 5 == 0;
        const int64_t decide_us = storm_arrival(source->s, &storm_on_sim, sim, stream);
        if (is_last || decide_us == gv_sim_now(sim)) {
            break;
        }
        until_us = decide_us < until_us ? decide_us : until_us;
    }
    return GV_OK;
}

/* A simulator for run->s, which may then be restored into it. */
static inline gv_status storm_create(storm_run *run)
{
    gv_arrivals arrivals[STORM_STREAMS];
    for (uint64_t i = 0; i < run->s.stream_count; i++) {
        run->sources[i] = (storm_source){.s = &run->s, .number = i};
        arrivals[i] = (gv_arrivals){
            .context = &run->sources[i],
            .priority = run->s.streams[i].priority,
            .next_us = storm_source_next_us,
            .take = storm_source_take,
        };
    }
    const gv_sim_config config = {
        .handle = storm_handle,
        .context = &run->s,
        .pending_max = STORM_PENDING,
        .arrivals = arrivals,
        .arrival_count = run->s.stream_count,
    };
    return gv_sim_create(&config, &run->sim);
}

#endif
