/*
 * sim.h - the event core: clock, total order, arrival streams, checkpoint.
 *
 * Events have a total order (time, priority, sequence), so equal times never depend on luck.
 * An event is a plain record; what it means is its handler's affair. Arrivals come from sorted
 * streams and never enter the heap: a stream is asked to handle all its arrivals up to the next
 * event in one call, which is what lets an exchange price thousands of auctions as one batch.
 * Nothing is allocated while running: the pool of pending events is sized at creation.
 */
#ifndef SIM_CORE_SIM_H
#define SIM_CORE_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"

#define GV_NEVER_US INT64_MAX

typedef struct gv_event {
    int64_t time_us;  /* below GV_NEVER_US */
    int32_t priority; /* at equal times the lower number goes first */
    uint32_t kind;    /* the handler's own enum */
    uint64_t
        sequence;     /* given by gv_sim_schedule: at equal time and priority first in, first out */
    uint64_t subject; /* whom it concerns: a campaign, a customer */
    int64_t payload[2];
} gv_event;

typedef struct gv_sim gv_sim;

/*
 * Handles one event off the heap, at gv_sim_now() == event->time_us. `event` is valid until it
 * returns. A failure ends the run; the event then counts as handled.
 */
typedef gv_status (*gv_event_handler)(void *context, gv_sim *sim, const gv_event *event);

/*
 * A stream of arrivals in ascending time. All functions get `context`. Streams are few: each
 * turn of the run loop asks every one for its next time.
 */
typedef struct gv_arrivals {
    void *context;
    int32_t priority; /* its place among events of the same time; equal: before the heap */
    /* Time of the next arrival, GV_NEVER_US when there is none. Does not advance. */
    int64_t (*next_us)(void *context);
    /*
     * Handles at least the next arrival and at most all that come before `until_us`, in order.
     * The clock stands at the first; gv_sim_advance() moves it to later ones. One that schedules
     * an event before `until_us` must return before an arrival at or after that event's time.
     */
    gv_status (*take)(void *context, gv_sim *sim, int64_t until_us);
} gv_arrivals;

typedef struct gv_sim_config {
    gv_event_handler handle;
    void *context;
    size_t pending_max;          /* events that may wait at once; 64 bytes each, taken at once */
    const gv_arrivals *arrivals; /* [arrival_count], copied; equal time and priority: the earlier
                                    stream first */
    size_t arrival_count;        /* may be 0 */
    int64_t start_us;
} gv_sim_config;

GV_MUST_CHECK gv_status gv_sim_create(const gv_sim_config *config, gv_sim **out);

/* Accepts NULL. */
void gv_sim_destroy(gv_sim *sim);

int64_t gv_sim_now(const gv_sim *sim);

/* Events and calls of take() handled so far. */
uint64_t gv_sim_event_count(const gv_sim *sim);

/*
 * Puts an event on the heap and returns its record in the pool, time, priority and sequence
 * set, for the caller to set the rest at once; valid until the event has been handled. The time
 * must not lie before now, and the pool must have room (gv_sim_pending() < pending_max): both
 * are asserted.
 */
gv_event *gv_sim_post(gv_sim *sim, int64_t time_us, int32_t priority);

/*
 * The same with a whole event (its sequence is overwritten). Returns the sequence, by which it
 * can be cancelled. Inline, so that the fields go straight into the pool: a record that is
 * copied right after it was written waits for its own stores.
 */
static inline uint64_t gv_sim_schedule(gv_sim *sim, gv_event event)
{
    gv_event *posted = gv_sim_post(sim, event.time_us, event.priority);
    posted->kind = event.kind;
    posted->subject = event.subject;
    posted->payload[0] = event.payload[0];
    posted->payload[1] = event.payload[1];
    return posted->sequence;
}

/* Takes a pending event off the heap. False when it is not pending. O(pending). */
bool gv_sim_cancel(gv_sim *sim, uint64_t sequence);

size_t gv_sim_pending(const gv_sim *sim);

/* For a stream inside take(): moves the clock forward, below `until_us` (asserted). */
void gv_sim_advance(gv_sim *sim, int64_t time_us);

/* Inside a handler or take(): the run returns GV_OK after it, the clock left where it is. */
void gv_sim_stop(gv_sim *sim);

/*
 * Handles everything before `until_us` in order, then sets the clock there (unless GV_NEVER_US);
 * returns early after gv_sim_stop() or a failure, and may be called again to go on, which
 * gives the same events as one long run. Never from inside a handler. until_us >= now.
 */
GV_MUST_CHECK gv_status gv_sim_run(gv_sim *sim, int64_t until_us);

#endif
