/*
 * builder_impl.h - what adding and committing share.
 */
#ifndef SIM_LOG_BUILDER_IMPL_H
#define SIM_LOG_BUILDER_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "sim/log/builder.h"
#include "sim/log/worker_impl.h"

enum { GV_BUILDER_FACTS_MAX = 16, GV_BUILDER_WORKERS_MAX = 256 };

typedef struct gv_builder_input_facts {
    bool is_known;
    uint64_t size;
    uint64_t hash;
} gv_builder_input_facts;

typedef struct gv_builder_fact_row {
    char *name;
    char *value;
} gv_builder_fact_row;

struct gv_builder {
    gv_work work;
    char *path;
    size_t memory_max;
    size_t jobs;
    double rejects_max;
    pthread_mutex_t lock; /* over all below but the bytes held */
    gv_worker *idle;
    gv_worker *workers[GV_BUILDER_WORKERS_MAX]; /* [worker_count], all that there are */
    size_t worker_count;
    gv_builder_fact_row facts[GV_BUILDER_FACTS_MAX];
    size_t fact_count;
    _Atomic size_t held;             /* bytes in the arenas of all workers */
    gv_builder_input_facts inputs[]; /* [work.input_count] */
};

/* Writes the whole log; the builder stays as it is. Counts of rows are set before a failure. */
GV_MUST_CHECK gv_status gv_builder_write(gv_builder *builder, const gv_progress *progress,
                                         gv_builder_counts *counts);

#endif
