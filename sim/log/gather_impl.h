/*
 * gather_impl.h - one column of many pieces, in a given order, into a sink, block by block.
 */
#ifndef SIM_LOG_GATHER_IMPL_H
#define SIM_LOG_GATHER_IMPL_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/hash.h"
#include "sim/base/status.h"
#include "sim/log/log_writer_impl.h"
#include "sim/log/merge_impl.h"
#include "sim/log/meter_impl.h"
#include "sim/log/piece_impl.h"
#include "sim/log/renumber_impl.h"

typedef struct gv_gather {
    const gv_piece *const *pieces; /* [piece_count] */
    size_t piece_count;
    const gv_order *order;
    gv_meter *meter; /* NULL: nobody counts */
} gv_gather;

/* INTEGER and REAL alike. */
GV_MUST_CHECK gv_status gv_gather_words(const gv_gather *gather, size_t field, const gv_sink *sink);

/* renumber NULL: the codes stay as they are. */
GV_MUST_CHECK gv_status gv_gather_codes(const gv_gather *gather, size_t field,
                                        gv_renumber *renumber, const gv_sink *sink);

/* hashes NULL, or a scratch file that gets gv_gather_hash() of each text, 8 bytes a row. */
GV_MUST_CHECK gv_status gv_gather_texts(const gv_gather *gather, size_t field,
                                        gv_file_writer *hashes, const gv_sink *sink);

/* Of a bid id: 0 for an empty one, never 0 for another. */
static inline uint64_t gv_gather_hash(const char *bytes, size_t size)
{
    const uint64_t hash = size == 0 ? 0 : gv_hash(bytes, size);
    return hash == 0 && size > 0 ? 1 : hash;
}

/* Bytes of the texts of a TEXT field. */
GV_MUST_CHECK gv_status gv_gather_heap_size(const gv_gather *gather, size_t field, uint64_t *size);

/* Calls visit() for each row, in order. */
GV_MUST_CHECK gv_status gv_gather_visit(const gv_gather *gather,
                                        void (*visit)(void *context, const gv_piece *piece,
                                                      size_t row),
                                        void *context);

/* file << 40 | line of each row, as words. */
GV_MUST_CHECK gv_status gv_gather_origins(const gv_gather *gather, const gv_sink *sink);

#endif
