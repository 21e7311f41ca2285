/*
 * logged_impl.h - a log as a source: logged.c loads pieces, logged_events.c collects clicks and
 * conversions, logged_draw.c draws them, logged_filter.c chooses rows, logged_history.c sums up.
 */
#ifndef SIM_MARKET_LOGGED_IMPL_H
#define SIM_MARKET_LOGGED_IMPL_H

#include "sim/market/logged.h"

/* A filter bound to its column: exactly one of codes and integers is not NULL. */
typedef struct gv_bound_filter {
    const gv_log_column *column;
    const uint32_t *codes;
    const int64_t *integers;
    int64_t wanted; /* a code, or the integer itself */
} gv_bound_filter;

GV_MUST_CHECK gv_status gv_logged_bind_filter(const gv_log *log, const gv_filter *filter,
                                              gv_bound_filter *bound);

/*
 * Writes the rows of [first, first + count) that match all filters, in order, and returns how
 * many; rows: [count]. Checks the blocks that it reads.
 */
GV_MUST_CHECK gv_status gv_logged_select(const gv_bound_filter *filters, size_t filter_count,
                                         uint64_t first, size_t count, uint64_t *rows,
                                         size_t *selected);

/* The column, or GV_ENOTFOUND with the log's name; GV_EINVAL when it is of another kind. */
GV_MUST_CHECK gv_status gv_logged_column(const gv_log *log, gv_log_table table, const char *name,
                                         gv_log_kind kind, const gv_log_column **column);

/*
 * The clicks and conversions of the matching rows of [begin, end), by row, then time, clicks
 * first; owned by the caller (gv_mem_free).
 */
GV_MUST_CHECK gv_status gv_logged_events(const gv_log *log, const gv_bound_filter *filters,
                                         size_t filter_count, uint64_t begin, uint64_t end,
                                         gv_event_record **events, size_t *count);

/*
 * The same, drawn by the truth that the pieces of `source` tell of: reads it once from begin to
 * end.
 */
GV_MUST_CHECK gv_status gv_logged_draw_events(gv_source *source, const gv_truth *truth,
                                              gv_event_record **events, size_t *count);

#endif
