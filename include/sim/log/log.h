/*
 * log.h - the auction log: a columnar, checksummed, memory-mapped .gvlog file.
 *
 * A column is one contiguous array in the map, cut into blocks of GV_LOG_BLOCK_ROWS rows for
 * checksums and time ranges, so a reader walks plain pointers. Opening checks the directory and
 * the dictionaries; the cells of a block are checked once, when gv_log_check() first meets it,
 * while they are on their way through the cache anyway. A map is shared by any number of threads.
 *
 * Impressions and orphans are in ascending time, equal times in the order of input file and line;
 * a log whose input had no times (fact "ordinal_time" is "yes") has row n at n seconds. Clicks and
 * conversions have the columns `row`, of their impression, and `time`, and ascend in (row, time),
 * so the events of one impression follow each other. Where the input tells of clicks or
 * conversions at all, the impressions have the column `clicks` or `conversions`: how many rows of
 * that table are theirs. Orphans have all columns of the input. Rejects have `file`, `line`,
 * `column` (0: the row as a whole), `reason` and `text`, by file and line.
 *
 * CODE columns of one name share one dictionary, so code 3 of `advertiser` is the same advertiser
 * for impressions and orphans. The bytes of the file are described in sim/log/format_impl.h.
 */
#ifndef SIM_LOG_LOG_H
#define SIM_LOG_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"
#include "sim/log/column.h"

enum { GV_LOG_BLOCK_ROWS = 65536 };

#define GV_LOG_NO_CODE UINT32_MAX

typedef struct gv_log gv_log;
typedef struct gv_log_column gv_log_column;

/* Anything but a whole .gvlog of this version is GV_ECORRUPT or GV_EIO, with path and reason. */
GV_MUST_CHECK gv_status gv_log_open(const char *path, gv_log **out);

/*
 * The same for a file that lies in memory: bytes [size], 64-byte aligned, borrowed until close.
 * `name` stands for the path in sentences.
 */
GV_MUST_CHECK gv_status gv_log_open_bytes(const char *name, const unsigned char *bytes, size_t size,
                                          gv_log **out);

/* Accepts NULL. Every pointer below dies with the log. */
void gv_log_close(gv_log *log);

const char *gv_log_path(const gv_log *log);

/* The XXH3 of the directory, which covers every block's checksum: the identity of the content. */
uint64_t gv_log_identity(const gv_log *log);

/* The zone of the source, for text and for hours of the day. */
int64_t gv_log_zone_us(const gv_log *log);

/*
 * A fact that ingest recorded, or NULL: "format" (the reader's name), "version" (of Gavel),
 * "ordinal_time" (yes or no), "lines", "repeated_bid_ids", "clicked_bid_ids", "input_bytes",
 * "inputs" (for each file a line "XXH3 SIZE PATH"), and what the reader added.
 */
const char *gv_log_fact(const gv_log *log, const char *name);

uint64_t gv_log_rows(const gv_log *log, gv_log_table table);

/* Facts by number, for inspection: [0, count). */
size_t gv_log_fact_count(const gv_log *log);
const char *gv_log_fact_at(const gv_log *log, size_t index, const char **value);

/* NULL when the log has no such column. */
const gv_log_column *gv_log_find(const gv_log *log, gv_log_table table, const char *name);

/* Columns of a table by number, for inspection: [0, count). */
size_t gv_log_column_count(const gv_log *log, gv_log_table table);
const gv_log_column *gv_log_column_at(const gv_log *log, gv_log_table table, size_t index);

const char *gv_log_column_name(const gv_log_column *column);
gv_log_kind gv_log_column_kind(const gv_log_column *column);

/* Bytes in the file of its cells and heap, without its dictionary. */
uint64_t gv_log_column_size(const gv_log_column *column);

/* The cells, [rows]; the column must be of that kind. Read only what gv_log_check() passed. */
const int64_t *gv_log_integers(const gv_log_column *column);
const double *gv_log_reals(const gv_log_column *column);
const uint32_t *gv_log_codes(const gv_log_column *column);

/* A cell of a CODE or TEXT column; not NUL-ended. Only of a row that gv_log_check() passed. */
const char *gv_log_text(const gv_log_column *column, uint64_t row, size_t *size);

/*
 * The dictionary of a CODE column, checked by opening. Codes are numbered by first appearance in
 * the order of impressions, then of orphaned clicks, then of orphaned conversions.
 * gv_log_code_find() takes constant time; GV_LOG_NO_CODE: no row has that text.
 */
uint32_t gv_log_code_count(const gv_log_column *column);
const char *gv_log_code_text(const gv_log_column *column, uint32_t code, size_t *size);
uint32_t gv_log_code_find(const gv_log_column *column, const char *text, size_t size);

/* The earliest and the latest time of a table, from the directory; false when it has no rows. */
bool gv_log_time_range(const gv_log *log, gv_log_table table, int64_t *first_us, int64_t *last_us);

/*
 * Verifies the blocks that hold rows [first, first + count) of the column, each once a process:
 * checksum, codes within the dictionary, texts within the heap, `row` within the impressions,
 * `time` ascending where its table is ordered by it, across blocks as well.
 * GV_ECORRUPT names file, column and block. Thread-safe.
 */
GV_MUST_CHECK gv_status gv_log_check(const gv_log_column *column, uint64_t first, uint64_t count);

/*
 * First row of the table whose time is at least `time_us`, or the number of rows: by block ranges,
 * then by bisection in one block, which it checks. For impressions and orphans, whose time
 * ascends; without a column `time` it is GV_ENOTFOUND.
 */
GV_MUST_CHECK gv_status gv_log_lower_bound(const gv_log *log, gv_log_table table, int64_t time_us,
                                           uint64_t *row);

#endif
