/*
 * queue_model.h - the M/M/1 queue written on the event core, for its test and its benchmark.
 *
 * Poisson arrivals at rate `load`, one server at rate 1, first come first served. The time of
 * a customer's arrival waits in a ring; its stay is counted when it leaves. A service takes
 * 1,000,000 us in the mean. Arrivals are events on the heap, each of which schedules the next,
 * or a sorted stream. Customer n's draws are number n of two sequences either way.
 */
#ifndef TESTS_QUEUE_MODEL_H
#define TESTS_QUEUE_MODEL_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/random.h"
#include "sim/core/sim.h"

#define QUEUE_SERVICE_US 1e6

enum { QUEUE_RING = 1 << 14, QUEUE_DRAWS = 256, QUEUE_ARRIVAL = 0, QUEUE_DEPARTURE = 1 };

typedef struct queue_draws {
    gv_random random;
    double mean_us;
    uint64_t next;
    double ahead[QUEUE_DRAWS];
} queue_draws;

typedef struct queue_model {
    queue_draws gaps;
    queue_draws services;
    uint64_t customers;
    uint64_t arrived;
    uint64_t served;
    int64_t next_arrival_us; /* of the stream */
    int64_t sum_us;          /* of the times in the system */
    int64_t *batch_sums_us;  /* sums of batch_size customers in turn; NULL: not wanted */
    uint64_t batch_size;
    int64_t arrivals_us[QUEUE_RING];
} queue_model;

static inline int64_t queue_draw(queue_draws *draws)
{
    const size_t place = (size_t)(draws->next % QUEUE_DRAWS);
    if (place == 0) {
        gv_random_fill_exponential(&draws->random, draws->next, QUEUE_DRAWS, draws->ahead);
    }
    draws->next++;
    return (int64_t)(draws->ahead[place] * draws->mean_us);
}

static inline queue_model queue_model_of(uint64_t seed, double load, uint64_t customers)
{
    return (queue_model){
        .gaps = {.random = gv_random_key(seed, GV_STREAM_ARRIVAL, 0),
                 .mean_us = QUEUE_SERVICE_US / load},
        .services = {.random = gv_random_key(seed, GV_STREAM_SERVICE, 0),
                     .mean_us = QUEUE_SERVICE_US},
        .customers = customers,
    };
}

/* The departure's time. */
static inline int64_t queue_start_service(queue_model *queue, gv_sim *sim)
{
    const int64_t time_us = gv_sim_now(sim) + queue_draw(&queue->services);
    (void)gv_sim_schedule(sim, (gv_event){.time_us = time_us, .kind = QUEUE_DEPARTURE});
    return time_us;
}

/* True when the customer found the server idle. */
static inline bool queue_join(queue_model *queue, int64_t now_us)
{
    assert(queue->arrived - queue->served < QUEUE_RING);
    queue->arrivals_us[queue->arrived % QUEUE_RING] = now_us;
    return queue->arrived++ == queue->served;
}

static inline void queue_leave(queue_model *queue, int64_t now_us)
{
    const int64_t stay_us = now_us - queue->arrivals_us[queue->served % QUEUE_RING];
    queue->sum_us += stay_us;
    if (queue->batch_sums_us != NULL) {
        queue->batch_sums_us[queue->served / queue->batch_size] += stay_us;
    }
    queue->served++;
}

static inline gv_status queue_handle(void *context, gv_sim *sim, const gv_event *event)
{
    queue_model *queue = context;
    const int64_t now_us = event->time_us;
    if (event->kind == QUEUE_ARRIVAL) {
        if (queue_join(queue, now_us)) {
            (void)queue_start_service(queue, sim);
        }
        if (queue->arrived < queue->customers) {
            const int64_t next_us = now_us + queue_draw(&queue->gaps);
            (void)gv_sim_schedule(sim, (gv_event){.time_us = next_us, .kind = QUEUE_ARRIVAL});
        }
        return GV_OK;
    }
    queue_leave(queue, now_us);
    if (queue->arrived > queue->served) {
        (void)queue_start_service(queue, sim);
    }
    return GV_OK;
}

static inline int64_t queue_next_us(void *context)
{
    const queue_model *queue = context;
    return queue->next_arrival_us;
}

static inline gv_status queue_take(void *context, gv_sim *sim, int64_t until_us)
{
    queue_model *queue = context;
    while (queue->next_arrival_us < until_us) {
        const int64_t now_us = queue->next_arrival_us;
        gv_sim_advance(sim, now_us);
        if (queue_join(queue, now_us)) {
            const int64_t departure_us = queue_start_service(queue, sim);
            until_us = departure_us < until_us ? departure_us : until_us;
        }
        const bool more = queue->arrived < queue->customers;
        queue->next_arrival_us = more ? now_us + queue_draw(&queue->gaps) : GV_NEVER_US;
    }
    return GV_OK;
}

/* Runs until the last customer has left. */
static inline gv_status queue_run(queue_model *queue, bool is_streamed)
{
    const gv_arrivals arrivals = {.context = queue, .next_us = queue_next_us, .take = queue_take};
    const gv_sim_config config = {
        .handle = queue_handle,
        .context = queue,
        .pending_max = 2,
        .arrivals = &arrivals,
        .arrival_count = is_streamed ? 1 : 0,
    };
    gv_sim *sim = NULL;
    GV_TRY(gv_sim_create(&config, &sim));
    queue->next_arrival_us = queue_draw(&queue->gaps);
    if (!is_streamed) {
        (void)gv_sim_schedule(sim,
                              (gv_event){.time_us = queue->next_arrival_us, .kind = QUEUE_ARRIVAL});
    }
    const gv_status status = gv_sim_run(sim, GV_NEVER_US);
    gv_sim_destroy(sim);
    return status;
}

#endif
