/*
 * The run loop. Each turn either hands one stream all its arrivals up to whatever comes next,
 * or handles the first event of the heap. Streams are few, so the earliest is found by looking
 * at each; a simulation without streams does not look at all.
 */
#include "sim/core/sim.h"

#include <assert.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/core/sim_impl.h"

static gv_status allocate(gv_sim *sim)
{
    const size_t slots = sim->pending_max + 1;
    if (sim->pending_max >= UINT32_MAX) {
        return GV_FAIL(GV_EINVAL, "%zu pending events are too many: at most %u", sim->pending_max,
                       UINT32_MAX - 1);
    }
    sim->pool = gv_mem_alloc(0, slots, sizeof sim->pool[0]);
    sim->unused = gv_mem_alloc(0, slots, sizeof sim->unused[0]);
    if (sim->pool == NULL || sim->unused == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for %zu pending events", sim->pending_max);
    }
    while (sim->unused_count < slots) {
        sim->unused[sim->unused_count] = (uint32_t)(slots - 1 - sim->unused_count);
        sim->unused_count++;
    }
    return gv_heap_init(&sim->heap, sim->pool, sim->pending_max);
}

gv_status gv_sim_create(const gv_sim_config *config, gv_sim **out)
{
    assert(config->handle != NULL);
    assert(config->start_us < GV_NEVER_US);
    gv_sim *sim = gv_mem_alloc(sizeof *sim, config->arrival_count, sizeof sim->arrivals[0]);
    if (sim == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a simulator of %zu arrival streams",
                       config->arrival_count);
    }
    sim->handle = config->handle;
    sim->context = config->context;
    sim->now_us = config->start_us;
    sim->take_limit_us = INT64_MIN;
    sim->pending_max = config->pending_max;
    sim->arrival_count = config->arrival_count;
    for (size_t i = 0; i < config->arrival_count; i++) {
        sim->arrivals[i] = config->arrivals[i];
    }
    const gv_status status = allocate(sim);
    if (status != GV_OK) {
        gv_sim_destroy(sim);
        return status;
    }
    *out = sim;
    return GV_OK;
}

void gv_sim_destroy(gv_sim *sim)
{
    if (sim != NULL) {
        gv_heap_fini(&sim->heap);
        gv_mem_free(sim->pool);
        gv_mem_free(sim->unused);
        gv_mem_free(sim);
    }
}

int64_t gv_sim_now(const gv_sim *sim)
{
    return sim->now_us;
}

uint64_t gv_sim_event_count(const gv_sim *sim)
{
    return sim->event_count;
}

size_t gv_sim_pending(const gv_sim *sim)
{
    return heap_count(&sim->heap);
}

gv_event *gv_sim_insert(gv_sim *sim, int64_t time_us, int32_t priority, uint64_t sequence)
{
    assert(time_us >= sim->now_us);
    assert(time_us < GV_NEVER_US);
    assert(heap_count(&sim->heap) < sim->pending_max);
    const uint32_t slot = sim->unused[--sim->unused_count];
    gv_event *event = &sim->pool[slot];
    event->time_us = time_us;
    event->priority = priority;
    event->sequence = sequence;
    heap_push(&sim->heap, time_us, slot);
    return event;
}

gv_event *gv_sim_post(gv_sim *sim, int64_t time_us, int32_t priority)
{
    return gv_sim_insert(sim, time_us, priority, sim->next_sequence++);
}

bool gv_sim_cancel(gv_sim *sim, uint64_t sequence)
{
    gv_heap *heap = &sim->heap;
    heap_close(heap);
    for (size_t place = HEAP_ROOT; place < heap->end; place++) {
        const uint32_t slot = heap->slots[place];
        if (sim->pool[slot].sequence == sequence) {
            gv_heap_remove(heap, place);
            sim->unused[sim->unused_count++] = slot;
            return true;
        }
    }
    return false;
}

void gv_sim_advance(gv_sim *sim, int64_t time_us)
{
    assert(time_us >= sim->now_us);
    assert(time_us < sim->take_limit_us);
    sim->now_us = time_us;
}

void gv_sim_stop(gv_sim *sim)
{
    sim->is_stopped = true;
}

/* The event's record stays in the pool, unmoved, until its handler is back. */
static gv_status handle_first(gv_sim *sim)
{
    const uint32_t slot = heap_pop(&sim->heap);
    const gv_event *event = &sim->pool[slot];
    sim->now_us = event->time_us;
    sim->event_count++;
    const gv_status status = sim->handle(sim->context, sim, event);
    heap_close(&sim->heap);
    sim->unused[sim->unused_count++] = slot;
    return status;
}

static gv_status run_events(gv_sim *sim, int64_t until_us)
{
    gv_status status = GV_OK;
    while (status == GV_OK && !sim->is_stopped && heap_first_us(&sim->heap) < until_us) {
        status = handle_first(sim);
    }
    return status;
}

/* What a stream's next arrival must beat, and where its batch ends. */
typedef struct turn {
    size_t stream; /* whose turn it is; arrival_count: the heap's, or nobody's */
    int64_t time_us;
} turn;

/* At equal times the lower priority number goes first, then the earlier stream. */
static bool stream_precedes(const gv_sim *sim, size_t stream, size_t other)
{
    const int32_t own = sim->arrivals[stream].priority;
    const int32_t its = sim->arrivals[other].priority;
    return own < its || (own == its && stream < other);
}

/* At equal time and priority a stream goes before the heap, which is not empty. */
static bool stream_precedes_event(const gv_sim *sim, size_t stream)
{
    const gv_event *first = &sim->pool[sim->heap.slots[HEAP_ROOT]];
    return sim->arrivals[stream].priority <= first->priority;
}

static int64_t next_arrival(const gv_sim *sim, size_t stream)
{
    const int64_t next_us = sim->arrivals[stream].next_us(sim->arrivals[stream].context);
    assert(next_us >= sim->now_us);
    return next_us;
}

static turn earliest_stream(const gv_sim *sim)
{
    turn best = {.stream = sim->arrival_count, .time_us = GV_NEVER_US};
    for (size_t i = 0; i < sim->arrival_count; i++) {
        const int64_t next_us = next_arrival(sim, i);
        const bool is_earlier = next_us < best.time_us ||
                                (next_us == best.time_us && best.stream < sim->arrival_count &&
                                 stream_precedes(sim, i, best.stream));
        if (is_earlier) {
            best = (turn){.stream = i, .time_us = next_us};
        }
    }
    return best;
}

/* The first time that the stream may not reach: something else comes before. */
static int64_t batch_limit(const gv_sim *sim, size_t stream, int64_t until_us)
{
    int64_t limit_us = until_us;
    if (heap_first_us(&sim->heap) < limit_us) {
        limit_us = heap_first_us(&sim->heap) + stream_precedes_event(sim, stream);
    }
    for (size_t i = 0; i < sim->arrival_count; i++) {
        const int64_t next_us = i == stream ? GV_NEVER_US : next_arrival(sim, i);
        if (next_us < limit_us) {
            limit_us = next_us + stream_precedes(sim, stream, i);
        }
    }
    return limit_us;
}

static gv_status take_arrivals(gv_sim *sim, turn next, int64_t until_us)
{
    const gv_arrivals *arrivals = &sim->arrivals[next.stream];
    sim->take_limit_us = batch_limit(sim, next.stream, until_us);
    assert(next.time_us < sim->take_limit_us);
    sim->now_us = next.time_us;
    sim->event_count++;
    const gv_status status = arrivals->take(arrivals->context, sim, sim->take_limit_us);
    sim->take_limit_us = INT64_MIN;
    assert(heap_first_us(&sim->heap) >= sim->now_us);
    return status;
}

static gv_status run_merged(gv_sim *sim, int64_t until_us)
{
    gv_status status = GV_OK;
    while (status == GV_OK && !sim->is_stopped) {
        const turn next = earliest_stream(sim);
        const int64_t event_us = heap_first_us(&sim->heap);
        const bool stream_first =
            next.time_us < event_us || (next.time_us == event_us && event_us != GV_NEVER_US &&
                                        stream_precedes_event(sim, next.stream));
        if ((stream_first ? next.time_us : event_us) >= until_us) {
            break;
        }
        status = stream_first ? take_arrivals(sim, next, until_us) : handle_first(sim);
    }
    return status;
}

gv_status gv_sim_run(gv_sim *sim, int64_t until_us)
{
    assert(!sim->is_running);
    assert(until_us >= sim->now_us);
    sim->is_running = true;
    sim->is_stopped = false;
    const gv_status status =
        sim->arrival_count == 0 ? run_events(sim, until_us) : run_merged(sim, until_us);
    sim->is_running = false;
    if (status == GV_OK && !sim->is_stopped && until_us != GV_NEVER_US) {
        sim->now_us = until_us;
    }
    return status;
}
