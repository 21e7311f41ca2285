/*
 * kept.h - the opportunities of a source, copied once into memory.
 *
 * A source over a log filters, gathers and predicts anew each time that it is read. Who reads it
 * some hundred times, as the trials of a fit do, keeps it.
 */
#ifndef SIM_MARKET_KEPT_H
#define SIM_MARKET_KEPT_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"
#include "sim/market/opportunity.h"

/*
 * Reads all of `source`. On GV_OK *out is a source of the same opportunities, ids and events, to
 * be destroyed by its own destroy() (`source` stays the caller's and is needed no more), or NULL
 * when the columns would take more than `size_max` bytes: then `source` is as good as it gets.
 */
GV_MUST_CHECK gv_status gv_kept_create(gv_source *source, size_t size_max, gv_source **out);

#endif
