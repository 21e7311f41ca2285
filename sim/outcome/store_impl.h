/*
 * store_impl.h - the store's connection, shared by its writer, reader and schema.
 *
 * Every statement is prepared, bound by position and finalised where it is used; no value ever
 * becomes part of SQL text. A failure's sentence names the file and says what would mend it.
 */
#ifndef SIM_OUTCOME_STORE_IMPL_H
#define SIM_OUTCOME_STORE_IMPL_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/base/status.h"
#include "sim/outcome/store.h"

struct sqlite3;
struct sqlite3_stmt;

struct gv_store {
    struct sqlite3 *db;
    gv_store_mode mode;
    bool within_transaction;
    char path[]; /* for sentences */
};

/* What a result code of SQLite means for whoever runs the program; `doing`: "write a cell". */
GV_MUST_CHECK gv_status gv_sql_fail(const gv_store *store, int code, const char *doing);

GV_MUST_CHECK gv_status gv_sql_run(gv_store *store, const char *sql, const char *doing);

/* The first column of the first row, which must be there. */
GV_MUST_CHECK gv_status gv_sql_integer(gv_store *store, const char *sql, int64_t *value);

/* Takes the write lock; ended by gv_sql_end(), which commits on GV_OK and else rolls back. */
GV_MUST_CHECK gv_status gv_sql_begin(gv_store *store);
GV_MUST_CHECK gv_status gv_sql_end(gv_store *store, gv_status status);

/*
 * One prepared statement, filled by position. The first failing call is kept in `code` and the
 * rest do nothing, so that only gv_row_step() need be checked.
 */
typedef struct gv_row {
    gv_store *store;
    struct sqlite3_stmt *statement;
    const char *doing;
    int next; /* parameter to be bound */
    int code;
} gv_row;

gv_row gv_row_open(gv_store *store, const char *sql, const char *doing);
void gv_row_close(gv_row *row);

void gv_row_integer(gv_row *row, int64_t value);
void gv_row_count(gv_row *row, uint64_t value);  /* at most INT64_MAX */
void gv_row_real(gv_row *row, double value);     /* NaN: NULL */
void gv_row_text(gv_row *row, const char *text); /* NULL: NULL; not copied: lives until the step */
void gv_row_null(gv_row *row);
void gv_row_bytes(gv_row *row, const void *bytes, int64_t size);

/* Runs it. True in *has_row while rows come; then, or on failure, it is ready to be bound anew. */
GV_MUST_CHECK gv_status gv_row_step(gv_row *row, bool *has_row);

/* Runs a statement that gives no rows, once. */
GV_MUST_CHECK gv_status gv_row_insert(gv_row *row);

/* How many ticks are stored of a cell: its own, or its seat's. */
size_t gv_cell_tick_count(const gv_cell_record *cell);

/* Tick `i` of them, perhaps put together from its seat; *spent: by the ticks before, and then by
   this one too. */
gv_tick_record gv_cell_tick(const gv_cell_record *cell, size_t i, int64_t *spent);

/* What a market adds to each of these cells that has a seat; their campaigns are there. */
GV_MUST_CHECK gv_status gv_seat_insert(gv_store *store, int64_t run_id, const gv_cell_record *cells,
                                       size_t count);

extern const char gv_schema_seat[];            /* the step that adds the tables of markets */
extern const char gv_schema_sweep[];           /* the step that adds those of sweeps */
extern const char gv_schema_winback[];         /* the step that adds those of users won back */
extern const char gv_schema_winback_cluster[]; /* and of their clusters */

/* Of cells that are written now. */
GV_MUST_CHECK gv_status gv_checkpoint_drop(gv_store *store, int64_t run_id, size_t cell);

/* Brings a database, perhaps empty, to this version. */
GV_MUST_CHECK gv_status gv_schema_migrate(gv_store *store);

/* The same, up to an older version: for tests of migration. */
GV_MUST_CHECK gv_status gv_schema_migrate_to(gv_store *store, int64_t version);

/* GV_ECORRUPT unless the file is a Gavel database of a version that this program knows. */
GV_MUST_CHECK gv_status gv_schema_check(gv_store *store, int64_t *version);

/* "GAVL": in the file's header, so that file(1) and Gavel can tell whose database it is. */
#define GV_SCHEMA_APPLICATION INT64_C(0x4741564c)

/* From GV_SCHEMA_SEAT on there are seats, from GV_SCHEMA_SWEEP on sweeps, then users won back. */
enum {
    GV_SCHEMA_SEAT = 3,
    GV_SCHEMA_SWEEP = 4,
    GV_SCHEMA_WINBACK = 5,
    GV_SCHEMA_CLUSTER = 6,
    GV_SCHEMA_VERSION = 6
};

#endif
