/*
 * log_writer_impl.h - lays a .gvlog out: regions, checksums of blocks, the directory.
 *
 * A column is declared with its sizes, which fixes its place in the file; then its blocks may be
 * written from any thread, each hashed while it is still in the cache.
 */
#ifndef SIM_LOG_LOG_WRITER_IMPL_H
#define SIM_LOG_LOG_WRITER_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/file.h"
#include "sim/base/hash.h"
#include "sim/base/status.h"
#include "sim/log/chunk.h"
#include "sim/log/column.h"

enum { GV_LOG_WRITER_COLUMNS_MAX = 4 * GV_CHUNK_COLUMNS_MAX };

/* Where one column's bytes go: of the log, or of a spilled piece. */
typedef struct gv_sink {
    gv_file_writer *file;
    gv_log_kind kind;
    bool is_time;
    uint64_t cells_at;
    uint64_t heap_at;
    uint64_t *words; /* what the directory keeps of each block; NULL: nothing is kept */
} gv_sink;

/* Rows of block number `block` of a column that is not TEXT. */
GV_MUST_CHECK gv_status gv_sink_cells(const gv_sink *sink, uint64_t block, const void *cells,
                                      size_t rows);

/* starts: [rows + 1]; heap_hash: of the block's part of the heap, unused without words. */
GV_MUST_CHECK gv_status gv_sink_starts(const gv_sink *sink, uint64_t block, const uint64_t *starts,
                                       size_t rows, uint64_t heap_hash);

/* Bytes that belong at `at` of the heap. */
GV_MUST_CHECK gv_status gv_sink_heap(const gv_sink *sink, uint64_t at, const char *bytes,
                                     size_t size);

/* A whole column that lies in memory, not TEXT. cells: [rows] */
GV_MUST_CHECK gv_status gv_sink_all(const gv_sink *sink, const void *cells, uint64_t rows);

typedef struct gv_column_spec {
    gv_log_table table;
    gv_log_kind kind;
    const char *name; /* outlives the writer */
    uint64_t dictionary;
    uint64_t rows;
    uint64_t heap_size;
} gv_column_spec;

/* As the directory has it. */
typedef struct gv_written_dictionary {
    uint64_t count;
    uint64_t heap_size;
    uint64_t slot_count;
    uint64_t starts_at;
    uint64_t heap_at;
    uint64_t slots_at;
    uint64_t hash;
} gv_written_dictionary;

typedef struct gv_log_writer {
    gv_file_writer *file;
    uint64_t end; /* of the last region */
    int64_t zone_us;
    uint64_t rows[GV_LOG_TABLE_COUNT];
    size_t column_count;
    gv_column_spec columns[GV_LOG_WRITER_COLUMNS_MAX];
    gv_sink sinks[GV_LOG_WRITER_COLUMNS_MAX];
    size_t dictionary_count;
    gv_written_dictionary dictionaries[GV_LOG_WRITER_COLUMNS_MAX];
    const char *facts[64]; /* name, value, name, value... borrowed */
    size_t fact_count;
} gv_log_writer;

/* `writer` is zeroed. On failure too it is ended with fini or commit. */
GV_MUST_CHECK gv_status gv_log_writer_init(gv_log_writer *writer, const char *path);

/* *sink lives in the writer. */
GV_MUST_CHECK gv_status gv_log_writer_column(gv_log_writer *writer, gv_column_spec spec,
                                             const gv_sink **sink);

/* Dictionaries are numbered from 0 as they are declared, after all columns. */
void gv_log_writer_dictionary(gv_log_writer *writer, uint32_t count, uint64_t heap_size);

/* Writes a declared one, from any thread. texts: [its count], of its heap's size together. */
GV_MUST_CHECK gv_status gv_log_writer_texts(gv_log_writer *writer, size_t dictionary,
                                            const gv_span *texts);

/* Both are borrowed until commit. At most 32. */
void gv_log_writer_fact(gv_log_writer *writer, const char *name, const char *value);

/* Writes the directory and the header and ends the writer, also on failure. */
GV_MUST_CHECK gv_status gv_log_writer_commit(gv_log_writer *writer);

void gv_log_writer_fini(gv_log_writer *writer);

#endif
