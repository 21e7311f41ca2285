/*
 * parallel.h - the same task over an index range, on several threads.
 *
 * A task writes only what its index owns, so results never depend on the number of threads.
 */
#ifndef SIM_BASE_PARALLEL_H
#define SIM_BASE_PARALLEL_H

#include <stddef.h>

#include "sim/base/status.h"

/* `worker` is in [0, jobs): for scratch memory of its own. */
typedef gv_status (*gv_task)(void *context, size_t index, size_t worker);

/*
 * Runs task(context, i, worker) for every i in [0, count) on at most `jobs` threads (at least
 * 1; with 1 all runs on the caller's). Indices start in order. After a failure no new index
 * starts; the failure with the lowest index is returned, with its sentence.
 */
GV_MUST_CHECK gv_status gv_parallel_for(size_t jobs, size_t count, gv_task task, void *context);

/* Processors that this process may use, at least 1. */
size_t gv_parallel_processors(void);

#endif
