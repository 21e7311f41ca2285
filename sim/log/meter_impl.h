/*
 * meter_impl.h - progress told from several threads, and the request to stop heard by them.
 */
#ifndef SIM_LOG_METER_IMPL_H
#define SIM_LOG_METER_IMPL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "sim/base/progress.h"
#include "sim/base/status.h"

typedef struct gv_meter {
    const gv_progress *progress;
    const char *what;
    uint64_t done;
    uint64_t total;
    bool has_stopped;
    pthread_mutex_t lock;
} gv_meter;

void gv_meter_init(gv_meter *meter, const gv_progress *progress, const char *what, uint64_t total);
void gv_meter_fini(gv_meter *meter);

/* GV_ESTOPPED once the progress has asked to stop. NULL is never asked. */
GV_MUST_CHECK gv_status gv_meter_add(gv_meter *meter, uint64_t done);

#endif
