/*
 * The simulator in two sections: its clock, and its pending events in the heap's own order, so
 * that a restored heap is laid out as the saved one was and equal states give equal bytes.
 */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "sim/core/checkpoint.h"
#include "sim/core/sim_impl.h"

#define CLOCK_TAG  "sim clock"
#define EVENTS_TAG "sim events"

typedef struct clock_record {
    int64_t now_us;
    uint64_t next_sequence;
    uint64_t event_count;
    uint64_t pending;
} clock_record;

gv_status gv_sim_save(const gv_sim *sim, gv_writer *writer)
{
    assert(!sim->is_running);
    const clock_record clock = {
        .now_us = sim->now_us,
        .next_sequence = sim->next_sequence,
        .event_count = sim->event_count,
        .pending = gv_sim_pending(sim),
    };
    GV_TRY(gv_writer_put(writer, CLOCK_TAG, &clock, sizeof clock));
    unsigned char *events = NULL;
    GV_TRY(gv_writer_reserve(writer, EVENTS_TAG, clock.pending * sizeof(gv_event), &events));
    for (size_t i = 0; i < clock.pending; i++) {
        const uint32_t slot = sim->heap.slots[HEAP_ROOT + i];
        memcpy(events + i * sizeof(gv_event), &sim->pool[slot], sizeof(gv_event));
    }
    return GV_OK;
}

static gv_event event_at(const unsigned char *events, size_t index)
{
    gv_event event;
    memcpy(&event, events + index * sizeof event, sizeof event);
    return event;
}

static gv_status check_clock(const gv_sim *sim, const clock_record *clock, size_t events_size)
{
    if (clock->pending > sim->pending_max) {
        return GV_FAIL(GV_ECORRUPT,
                       "the checkpoint holds %" PRIu64 " pending events, but this simulation has "
                       "room for %zu; it is of another scenario",
                       clock->pending, sim->pending_max);
    }
    if (events_size != clock->pending * sizeof(gv_event)) {
        return GV_FAIL(GV_ECORRUPT, "the checkpoint's %" PRIu64 " pending events have %zu bytes",
                       clock->pending, events_size);
    }
    return GV_OK;
}

/* What gv_sim_schedule() would have asserted. */
static gv_status check_event(const clock_record *clock, const gv_event *event, size_t index)
{
    const bool in_time = event->time_us >= clock->now_us && event->time_us < GV_NEVER_US;
    const bool in_order = event->sequence < clock->next_sequence;
    if (!in_time || !in_order) {
        return GV_FAIL(GV_ECORRUPT,
                       "the checkpoint's pending event %zu is out of range: time %" PRId64
                       " us, sequence %" PRIu64,
                       index, event->time_us, event->sequence);
    }
    return GV_OK;
}

static void drop_pending(gv_sim *sim)
{
    while (gv_sim_pending(sim) > 0) {
        const size_t last = sim->heap.end - 1;
        sim->unused[sim->unused_count++] = sim->heap.slots[last];
        gv_heap_remove(&sim->heap, last);
    }
}

gv_status gv_sim_restore(gv_sim *sim, gv_reader *reader)
{
    assert(!sim->is_running);
    clock_record clock = {0};
    const unsigned char *events = NULL;
    size_t events_size = 0;
    GV_TRY(gv_reader_get(reader, CLOCK_TAG, &clock, sizeof clock));
    GV_TRY(gv_reader_view(reader, EVENTS_TAG, &events, &events_size));
    GV_TRY(check_clock(sim, &clock, events_size));
    for (size_t i = 0; i < clock.pending; i++) {
        const gv_event event = event_at(events, i);
        GV_TRY(check_event(&clock, &event, i));
    }

    drop_pending(sim);
    sim->now_us = clock.now_us;
    sim->next_sequence = clock.next_sequence;
    sim->event_count = clock.event_count;
    for (size_t i = 0; i < clock.pending; i++) {
        const gv_event event = event_at(events, i);
        *gv_sim_insert(sim, event.time_us, event.priority, event.sequence) = event;
    }
    return GV_OK;
}
