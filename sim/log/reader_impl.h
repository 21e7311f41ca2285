/*
 * reader_impl.h - what a format is to the machinery behind it: a plan.
 *
 * Every format, built in or described by a mapping file, says in a plan how its text is cut,
 * which column becomes which field and by what form of number, time or text. One decoder carries
 * out all plans, a column at a time.
 */
#ifndef SIM_LOG_READER_IMPL_H
#define SIM_LOG_READER_IMPL_H

#include "sim/base/number.h"
#include "sim/log/chunk.h"
#include "sim/log/reader.h"
#include "sim/log/rows_impl.h"

/* Money of one row: 2^51 nanos, some two million units an impression, is no price. */
#define GV_CELL_MONEY_MAX (INT64_C(1) << 51)

/* How a cell's text is read. */
typedef enum gv_cell_form {
    GV_CELL_TEXT,        /* as it stands, into a CODE or TEXT field */
    GV_CELL_NUMBER,      /* text x scale + offset, in [minimum, maximum]: counts, money, epochs */
    GV_CELL_REAL,        /* in [real_minimum, real_maximum] */
    GV_CELL_TIME_DIGITS, /* yyyyMMddHHmmss, then milliseconds or nothing, in the schema's zone */
    GV_CELL_TIME_ISO,
    GV_CELL_TIME_PATTERN, /* strptime-like */
    GV_CELL_FORM_COUNT
} gv_cell_form;

typedef struct gv_binding {
    uint32_t column;      /* from 0; where `header` is set, found in each file's header */
    uint32_t field;       /* of the schema */
    const char *header;   /* the column's name, or NULL */
    const char *expected; /* "a price in CPM, 0 or more": for rejects */
    gv_cell_form form;
    gv_scale scale;
    gv_rounding rounding;
    int64_t offset;
    int64_t minimum;
    int64_t maximum;
    double real_minimum;
    double real_maximum;
    const char *pattern;
    const char *missing; /* a text that means none, as iPinYou's "null"; or NULL */
    const char *empty;   /* read in place of an empty cell; NULL: an empty number is a reject */
    bool is_optional;    /* rows may end before it: then it is empty */
    uint64_t origin;     /* line << 32 | column in the mapping file, for its errors */
} gv_binding;

typedef enum gv_header_rule {
    GV_HEADER_NONE,
    GV_HEADER_ALWAYS,   /* the first row has names */
    GV_HEADER_IF_NAMED, /* the first row has names when its first cell is `header_word` */
} gv_header_rule;

/* How a row's table is known. */
typedef struct gv_table_rule {
    gv_log_table table;   /* where nothing below says otherwise */
    bool by_file_name;    /* imp*, clk*, conv* */
    bool by_column;       /* where the file's name says nothing */
    uint32_t column;      /* from 0 */
    const char *header;   /* its name, or NULL */
    uint64_t origin;      /* as a binding's */
    const char *words[3]; /* what it holds for impression, click, conversion; NULL: none */
} gv_table_rule;

typedef struct gv_plan {
    gv_log_schema schema;
    gv_binding bindings[GV_CHUNK_COLUMNS_MAX]; /* by ascending column, but for named ones */
    size_t binding_count;
    char delimiter;
    bool is_quoted;
    bool has_rest; /* the last binding's column runs to the end of the row */
    gv_header_rule header;
    const char *header_word;
    uint32_t column_counts[2]; /* that a row may have; 0, 0: as many as the file's first row */
    gv_table_rule table;
    const char *mapping_path; /* for messages, or NULL */
} gv_plan;

struct gv_reader_methods {
    /* `mapping` is NULL unless the type needs one; it outlives the plan. */
    gv_status (*plan)(const gv_mapping *mapping, gv_plan *plan);
};

/* A plan as it applies to one file, once its name and first row are known. */
typedef struct gv_file_plan {
    const gv_plan *plan;
    const char *path;
    uint32_t file;                          /* its number */
    uint32_t columns[GV_CHUNK_COLUMNS_MAX]; /* [binding_count] */
    uint32_t counts[2];
    gv_log_table table;
    bool table_by_column;
    uint32_t table_column;
} gv_file_plan;

/*
 * Applies a plan to a file by its path, before any row is read, and then by its first row:
 * *skip tells whether that row is a header. A column that the header lacks is GV_EPARSE.
 */
void gv_file_plan_start(gv_file_plan *file, const gv_plan *plan, const char *path, uint32_t number);
GV_MUST_CHECK gv_status gv_file_plan_first_row(gv_file_plan *file, const gv_rows *rows, bool *skip);

/* Scratch of one thread that decodes. */
typedef struct gv_decoder gv_decoder;

/* Takes a finished chunk; what it points to is valid only meanwhile. */
typedef gv_status (*gv_chunk_taker)(void *context, const gv_chunk *chunk);

GV_MUST_CHECK gv_status gv_decoder_create(const gv_plan *plan, gv_decoder **out);
void gv_decoder_destroy(gv_decoder *decoder); /* accepts NULL */

/* Decodes rows [first, row_count) into chunks of one table each, and hands them to `take`. */
GV_MUST_CHECK gv_status gv_decoder_run(gv_decoder *decoder, const gv_file_plan *file,
                                       const gv_rows *rows, size_t first, gv_chunk_taker take,
                                       void *context);

/* What a column loop works on. */
typedef struct gv_cells {
    const gv_rows *rows;
    const uint32_t *firsts; /* [count]: number of each row's first field */
    const uint32_t *widths; /* [count]: fields of each row */
    size_t count;
    uint8_t *is_bad; /* [count]: set where a cell cannot be read; then the reason is looked up */
    size_t bad_count;
    int64_t zone_us;
} gv_cells;

/*
 * Reads column `column` of the rows as the binding says into `out`, an array of the field's
 * kind, [count]. Rows that are bad already stay so; a newly bad one gets is_bad `mark`.
 */
void gv_cells_read(gv_cells *cells, const gv_binding *binding, uint32_t column, bool has_rest,
                   uint8_t mark, void *out);

/* What is wrong with a text as a cell of the binding: a phrase, or NULL when nothing is. */
const char *gv_cell_complaint(const gv_binding *binding, gv_span text, int64_t zone_us);

/* strptime-like: %Y %m %d %H %M %S %f %z %y %b %j %%, other bytes as they are. NULL or a phrase. */
const char *gv_pattern_scan(const char *pattern, gv_span text, int64_t zone_us, int64_t *time_us);

/* NULL when the pattern can be used, else what is wrong with it. */
const char *gv_pattern_complaint(const char *pattern);

#endif
