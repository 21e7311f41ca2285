/*
 * renumber_impl.h - from the codes of workers to the codes of the log.
 *
 * Each worker numbers the texts that it meets; which worker met which chunk is chance. The log
 * numbers them by first appearance in its own order, so its bytes are not.
 */
#ifndef SIM_LOG_RENUMBER_IMPL_H
#define SIM_LOG_RENUMBER_IMPL_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"
#include "sim/log/dictionary_impl.h"
#include "sim/log/log.h"

/* Of one dictionary. All zero is an empty one. */
typedef struct gv_renumber {
    gv_dictionary **dictionaries; /* [worker_count]; borrowed */
    size_t worker_count;
    uint32_t **common_of; /* [worker_count]: code to code of worker 0; [0] is NULL: the same */
    uint32_t **final_of;  /* [worker_count]: code to code of the log, GV_LOG_NO_CODE: none yet */
    uint32_t *final_of_common;
    uint32_t *common_of_final; /* [final_count] */
    uint32_t final_count;
} gv_renumber;

/* Adds what the other workers met to the dictionary of worker 0. dictionaries: [worker_count] */
GV_MUST_CHECK gv_status gv_renumber_init(gv_renumber *renumber, gv_dictionary **dictionaries,
                                         size_t worker_count);
void gv_renumber_fini(gv_renumber *renumber);

/* The log's code of a worker's code that has none yet. */
uint32_t gv_renumber_assign(gv_renumber *renumber, uint32_t worker, uint32_t code);

/* The texts in order of their codes, of the dictionary of worker 0. texts: [final_count] */
void gv_renumber_texts(const gv_renumber *renumber, gv_span *texts);

/* The sum of their sizes. */
uint64_t gv_renumber_heap_size(const gv_renumber *renumber);

static inline void gv_renumber_codes(gv_renumber *renumber, uint32_t worker, const uint32_t *from,
                                     size_t count, uint32_t *to)
{
    const uint32_t *final_of = renumber->final_of[worker];
    for (size_t i = 0; i < count; i++) {
        const uint32_t code = final_of[from[i]];
        to[i] = code != GV_LOG_NO_CODE ? code : gv_renumber_assign(renumber, worker, from[i]);
    }
}

#endif
