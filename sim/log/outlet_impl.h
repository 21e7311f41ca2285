/*
 * outlet_impl.h - rows of one table that Gavel makes up, on their way to a builder.
 *
 *   const size_t row = gv_outlet_begin(&outlet);
 *   outlet.chunk.cells[...].integers[row] = ...;
 *   GV_TRY(gv_outlet_end(&outlet));
 *
 * Texts of cells lie with the caller, [GV_OUTLET_ROWS] of them, until their row is overwritten.
 */
#ifndef SIM_LOG_OUTLET_IMPL_H
#define SIM_LOG_OUTLET_IMPL_H

#include "sim/log/builder.h"
#include "sim/log/chunk.h"

enum { GV_OUTLET_ROWS = 4096 };

typedef struct gv_outlet {
    gv_builder *builder; /* borrowed; set before the first row */
    gv_chunk chunk;
    uint64_t line;
} gv_outlet;

/* On failure too gv_outlet_fini() is safe. */
GV_MUST_CHECK gv_status gv_outlet_init(gv_outlet *outlet, const gv_log_schema *schema,
                                       uint32_t file, gv_log_table table);
void gv_outlet_fini(gv_outlet *outlet);

size_t gv_outlet_begin(gv_outlet *outlet);
GV_MUST_CHECK gv_status gv_outlet_end(gv_outlet *outlet);

/* Hands over the rows that are left. */
GV_MUST_CHECK gv_status gv_outlet_flush(gv_outlet *outlet);

gv_span gv_outlet_text(const char *text);

#endif
