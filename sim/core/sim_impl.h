/* sim_impl.h - the simulator's inside, for the run loop and the checkpoint. */
#ifndef SIM_CORE_SIM_IMPL_H
#define SIM_CORE_SIM_IMPL_H

#include "sim/core/heap_impl.h"
#include "sim/core/sim.h"

struct gv_sim {
    gv_event_handler handle;
    void *context;
    int64_t now_us;
    int64_t take_limit_us; /* inside take(): how far the clock may go; else INT64_MIN */
    uint64_t next_sequence;
    uint64_t event_count;
    gv_heap heap;
    gv_event *pool;   /* [pending_max + 1]: one more for the event that is being handled */
    uint32_t *unused; /* [pending_max + 1], a stack of the pool's free slots */
    size_t unused_count;
    size_t pending_max;
    bool is_running;
    bool is_stopped;
    size_t arrival_count;
    gv_arrivals arrivals[];
};

/* gv_sim_post() under a given sequence. */
gv_event *gv_sim_insert(gv_sim *sim, int64_t time_us, int32_t priority, uint64_t sequence);

#endif
