/*
 * chunk.h - rows on their way from a reader to the log: one piece of input, by columns.
 *
 * A reader decodes a piece of a file into typed arrays and spans of text that still lie in the
 * input buffer; the builder codes, sorts, joins and writes them. Chunks are reused: filling one
 * allocates nothing once its arrays have grown.
 */
#ifndef SIM_LOG_CHUNK_H
#define SIM_LOG_CHUNK_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"
#include "sim/log/column.h"

enum { GV_CHUNK_COLUMNS_MAX = 64 };

/* A span of the input, valid while the chunk is; not NUL-ended. */
typedef struct gv_span {
    const char *bytes;
    size_t size;
} gv_span;

/* What a format's columns are, the same for every file of one ingest. */
typedef struct gv_log_field {
    const char *name; /* a role's name, or the mapping's own; outlives the ingest */
    gv_log_kind kind;
} gv_log_field;

typedef struct gv_log_schema {
    size_t field_count; /* at most GV_CHUNK_COLUMNS_MAX */
    gv_log_field fields[GV_CHUNK_COLUMNS_MAX];
    int64_t zone_us;    /* of the source's local times */
    const char *format; /* the reader's name */
} gv_log_schema;

typedef struct gv_reject {
    uint64_t line;      /* from 1 */
    uint32_t column;    /* from 1; 0: the row as a whole */
    const char *reason; /* a sentence; constant, or lies in the chunk's reason heap */
    gv_span text;       /* the row's first bytes, at most 200 */
} gv_reject;

typedef struct gv_chunk {
    const gv_log_schema *schema;
    gv_log_table table;  /* IMPRESSION, CLICK or CONVERSION: what its rows are */
    uint32_t file;       /* number of the input file, in the order given */
    uint64_t first_line; /* line of the first row: with `file`, the tie-break of equal times */
    size_t row_count;
    size_t row_capacity;
    uint64_t *lines; /* [row_count] */
    union {
        int64_t *integers;
        double *reals;
        gv_span *texts;            /* CODE and TEXT alike */
    } cells[GV_CHUNK_COLUMNS_MAX]; /* each [row_count] */
    gv_reject *rejects;
    size_t reject_count;
    size_t reject_capacity;
} gv_chunk;

/* Arrays for `row_capacity` rows of the schema's fields. */
GV_MUST_CHECK gv_status gv_chunk_init(gv_chunk *chunk, const gv_log_schema *schema,
                                      size_t row_capacity);
void gv_chunk_fini(gv_chunk *chunk);

/* Empties it, keeping its memory. */
void gv_chunk_reset(gv_chunk *chunk);

GV_MUST_CHECK gv_status gv_chunk_reject(gv_chunk *chunk, gv_reject reject);

#endif
