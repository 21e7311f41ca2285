/*
 * merge_impl.h - in which order the rows of many pieces make one table.
 *
 * The order is found once, from times and origins, and kept as runs of rows; every column is then
 * gathered by it on its own, so columns can be written by several threads and none needs more
 * memory than a block. It lies in a scratch file, which the kernel may put out of memory.
 */
#ifndef SIM_LOG_MERGE_IMPL_H
#define SIM_LOG_MERGE_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/file.h"
#include "sim/base/status.h"
#include "sim/log/piece_impl.h"

/* The next rows of a piece: how many, and in the top bit whether they are passed over. */
typedef struct gv_order_run {
    uint32_t piece;
    uint32_t coded_rows;
} gv_order_run;

#define GV_ORDER_SKIP (UINT32_C(1) << 31)

typedef struct gv_order {
    const gv_order_run *runs; /* [run_count] */
    size_t run_count;
    uint64_t rows; /* taken */
    gv_file_map map;
} gv_order;

/* Merges by (time, origin). Scratch goes to the folder of `path`. */
GV_MUST_CHECK gv_status gv_order_merge(const gv_piece *const *pieces, size_t piece_count,
                                       const char *path, gv_order *out);

/* The same order without the rows whose `keep` is false; keep: [order->rows]. */
GV_MUST_CHECK gv_status gv_order_filter(const gv_order *order, const bool *keep, const char *path,
                                        gv_order *out);

void gv_order_fini(gv_order *order);

#endif
