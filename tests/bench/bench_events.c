/*
 * The hold model: with n events always pending, take the first and schedule another, whose
 * time lies an exponential gap ahead. The simulator does it through its whole interface (run
 * loop, handler, pool); beside it stands a plain binary heap of whole records, popped and
 * pushed in a bare loop. Both go through the same gaps and must end at the same time.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/timing.h"
#include "sim/base/random.h"
#include "sim/core/sim.h"

enum { GAPS = 1 << 16, TURNS = 5, HOLDS = 2000000 };

typedef struct hold {
    size_t pending;
    uint64_t left;
    int64_t end_us;
    size_t next_gap;
    int64_t gaps_us[GAPS];
    gv_sim *sim;
    gv_event *heap; /* [pending + 1], from 1 */
    size_t count;
    uint64_t sequence;
} hold;

static int64_t next_gap(hold *h)
{
    return h->gaps_us[h->next_gap++ % GAPS];
}

static gv_status hold_handle(void *context, gv_sim *sim, const gv_event *event)
{
    hold *h = context;
    (void)gv_sim_schedule(
        sim, (gv_event){.time_us = event->time_us + next_gap(h), .subject = event->subject});
    if (--h->left == 0) {
        gv_sim_stop(sim);
    }
    return GV_OK;
}

static void hold_in_core(void *context)
{
    hold *h = context;
    h->left = HOLDS;
    const gv_status status = gv_sim_run(h->sim, GV_NEVER_US);
    assert(status == GV_OK);
    h->end_us = gv_sim_now(h->sim);
}

static bool precedes(const gv_event *a, const gv_event *b)
{
    if (a->time_us != b->time_us) {
        return a->time_us < b->time_us;
    }
    if (a->priority != b->priority) {
        return a->priority < b->priority;
    }
    return a->sequence < b->sequence;
}

static void plain_push(hold *h, gv_event event)
{
    event.sequence = h->sequence++;
    size_t place = ++h->count;
    while (place > 1 && precedes(&event, &h->heap[place / 2])) {
        h->heap[place] = h->heap[place / 2];
        place /= 2;
    }
    h->heap[place] = event;
}

static gv_event plain_pop(hold *h)
{
    const gv_event first = h->heap[1];
    const gv_event last = h->heap[h->count--];
    size_t place = 1;
    for (size_t child = 2; child <= h->count; child = 2 * place) {
        if (child < h->count && precedes(&h->heap[child + 1], &h->heap[child])) {
            child++;
        }
        if (precedes(&last, &h->heap[child])) {
            break;
        }
        h->heap[place] = h->heap[child];
        place = child;
    }
    h->heap[place] = last;
    return first;
}

static void hold_in_plain_heap(void *context)
{
    hold *h = context;
    for (uint64_t i = 0; i < HOLDS; i++) {
        gv_event event = plain_pop(h);
        h->end_us = event.time_us;
        event.time_us += next_gap(h);
        plain_push(h, event);
    }
}

static void fill(hold *h, size_t pending)
{
    const gv_random random = gv_random_key(1, GV_STREAM_TEST, 0);
    static double gaps[GAPS];
    gv_random_fill_exponential(&random, 0, GAPS, gaps);
    for (size_t i = 0; i < GAPS; i++) {
        h->gaps_us[i] = (int64_t)(gaps[i] * 1e6);
    }
    h->next_gap = 0;
    h->pending = pending;
    h->count = 0;
    h->sequence = 0;
}

/* The steady state's times are as far ahead as the gaps are long. */
static void measure(size_t pending)
{
    static hold core;
    static hold plain;
    fill(&core, pending);
    fill(&plain, pending);
    const gv_sim_config config = {.handle = hold_handle, .context = &core, .pending_max = pending};
    const gv_status status = gv_sim_create(&config, &core.sim);
    assert(status == GV_OK);
    plain.heap = calloc(pending + 1, sizeof plain.heap[0]);
    assert(plain.heap != NULL);
    for (size_t i = 0; i < pending; i++) {
        const gv_event event = {.time_us = next_gap(&core), .subject = i};
        (void)next_gap(&plain);
        (void)gv_sim_schedule(core.sim, event);
        plain_push(&plain, event);
    }
    const bench_side sides[] = {
        {"plain binary heap", hold_in_plain_heap, &plain},
        {"event core", hold_in_core, &core},
    };
    const bench_times times = bench_measure(sides, 2, TURNS);
    assert(core.end_us == plain.end_us);
    printf("| %zu | %.1f | %.1f | %.2f |\n", pending, times.median[1] * 1e9 / HOLDS,
           times.median[0] * 1e9 / HOLDS, times.ratio[1]);
    gv_sim_destroy(core.sim);
    free(plain.heap);
}

int main(void)
{
    printf("## Event core, hold model\n\n");
    printf("%d times: take the first of n pending events and schedule one; gaps exponential; one "
           "thread, median of %d turns. The core's side includes its run loop, handler and "
           "pool; the other is a binary heap of 48-byte records in a bare loop.\n\n",
           HOLDS, TURNS);
    printf("| pending | core, ns | plain binary heap, ns | speed-up |\n");
    printf("|---:|---:|---:|---:|\n");
    static const size_t sizes[] = {1, 10, 1000, 10000, 100000, 1000000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        measure(sizes[i]);
    }
    return 0;
}
