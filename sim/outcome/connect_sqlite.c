/*
 * The connection: opening, locking, failing with a sentence, binding rows.
 *
 * WAL lets a notebook read while a run writes; synchronous = NORMAL never corrupts, and a power
 * cut costs at most the last cells, which a resumed run computes again.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/base/mem.h"
#include "sim/outcome/store_impl.h"

enum { BUSY_WAIT_MS = 5000 };

static gv_status fail_by_kind(const gv_store *store, int code, const char *doing)
{
    const char *path = store->path;
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return GV_FAIL(GV_EIO,
                       "%s is locked by another program (waited %d s): end that, or name "
                       "another --db",
                       path, BUSY_WAIT_MS / 1000);
    case SQLITE_FULL:
        return GV_FAIL(GV_EIO, "%s: cannot %s: the disk is full", path, doing);
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return GV_FAIL(GV_EIO, "%s cannot be written: the file or its folder is read-only", path);
    case SQLITE_NOTADB:
        return GV_FAIL(GV_ECORRUPT,
                       "%s is not a SQLite database: name a database that `gavel run "
                       "--db` wrote",
                       path);
    case SQLITE_CORRUPT:
        return GV_FAIL(GV_ECORRUPT,
                       "%s is damaged (cannot %s: %s): restore a copy or run again "
                       "into a new --db",
                       path, doing, sqlite3_errmsg(store->db));
    case SQLITE_NOMEM:
        return GV_FAIL(GV_ENOMEM, "%s: out of memory (cannot %s)", path, doing);
    default:
        return GV_FAIL(GV_EIO, "%s: cannot %s: %s", path, doing, sqlite3_errmsg(store->db));
    }
}

gv_status gv_sql_fail(const gv_store *store, int code, const char *doing)
{
    if ((code & 0xff) == SQLITE_IOERR) {
        return GV_FAIL(GV_EIO,
                       "%s: cannot %s: %s; the disk may be full or faulty, or a limit on file size "
                       "reached",
                       store->path, doing, sqlite3_errmsg(store->db));
    }
    if ((code & 0xff) == SQLITE_CANTOPEN) {
        const int cause = sqlite3_system_errno(store->db);
        return GV_FAIL(GV_EIO, "%s cannot be opened: %s", store->path,
                       cause != 0 ? strerror(cause) : sqlite3_errmsg(store->db));
    }
    return fail_by_kind(store, code, doing);
}

gv_status gv_sql_run(gv_store *store, const char *sql, const char *doing)
{
    const int code = sqlite3_exec(store->db, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? GV_OK : gv_sql_fail(store, code, doing);
}

gv_status gv_sql_integer(gv_store *store, const char *sql, int64_t *value)
{
    gv_row row = gv_row_open(store, sql, "read the database");
    bool has_row = false;
    const gv_status status = gv_row_step(&row, &has_row);
    if (status == GV_OK) {
        assert(has_row);
        *value = sqlite3_column_int64(row.statement, 0);
    }
    gv_row_close(&row);
    return status;
}

gv_status gv_sql_begin(gv_store *store)
{
    assert(!store->within_transaction);
    GV_TRY(gv_sql_run(store, "BEGIN IMMEDIATE", "begin to write"));
    store->within_transaction = true;
    return GV_OK;
}

gv_status gv_sql_end(gv_store *store, gv_status status)
{
    assert(store->within_transaction);
    store->within_transaction = false;
    if (status == GV_OK) {
        status = gv_sql_run(store, "COMMIT", "finish writing");
    }
    /* Some failures have rolled back by themselves. */
    if (status != GV_OK && sqlite3_get_autocommit(store->db) == 0) {
        (void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    }
    return status;
}

gv_row gv_row_open(gv_store *store, const char *sql, const char *doing)
{
    gv_row row = {.store = store, .doing = doing, .next = 1};
    row.code = sqlite3_prepare_v2(store->db, sql, -1, &row.statement, NULL);
    return row;
}

void gv_row_close(gv_row *row)
{
    (void)sqlite3_finalize(row->statement);
    row->statement = NULL;
}

void gv_row_integer(gv_row *row, int64_t value)
{
    if (row->code == SQLITE_OK) {
        row->code = sqlite3_bind_int64(row->statement, row->next++, value);
    }
}

void gv_row_count(gv_row *row, uint64_t value)
{
    assert(value <= INT64_MAX);
    gv_row_integer(row, (int64_t)value);
}

void gv_row_real(gv_row *row, double value)
{
    if (row->code == SQLITE_OK) {
        row->code = sqlite3_bind_double(row->statement, row->next++, value);
    }
}

void gv_row_text(gv_row *row, const char *text)
{
    if (row->code == SQLITE_OK) {
        row->code = sqlite3_bind_text(row->statement, row->next++, text, -1, SQLITE_STATIC);
    }
}

void gv_row_null(gv_row *row)
{
    if (row->code == SQLITE_OK) {
        row->code = sqlite3_bind_null(row->statement, row->next++);
    }
}

void gv_row_bytes(gv_row *row, const void *bytes, int64_t size)
{
    if (row->code == SQLITE_OK) {
        row->code = sqlite3_bind_blob64(row->statement, row->next++, bytes, (sqlite3_uint64)size,
                                        SQLITE_STATIC);
    }
}

gv_status gv_row_step(gv_row *row, bool *has_row)
{
    *has_row = false;
    row->next = 1;
    if (row->code == SQLITE_OK) {
        const int code = sqlite3_step(row->statement);
        if (code == SQLITE_ROW) {
            *has_row = true;
            return GV_OK;
        }
        row->code = code == SQLITE_DONE ? sqlite3_reset(row->statement) : code;
    }
    return row->code == SQLITE_OK ? GV_OK : gv_sql_fail(row->store, row->code, row->doing);
}

gv_status gv_row_insert(gv_row *row)
{
    bool has_row = false;
    GV_TRY(gv_row_step(row, &has_row));
    assert(!has_row);
    return GV_OK;
}

/* What SQLite would say less plainly, or only at the first write. */
static gv_status check_path(const char *path, gv_store_mode mode)
{
    struct stat file;
    if (stat(path, &file) != 0) {
        if (mode == GV_STORE_WRITE && errno == ENOENT) {
            return GV_OK;
        }
        return errno == ENOENT
                   ? GV_FAIL(GV_EIO, "there is no file %s: `gavel run SCENARIO --db %s` writes it",
                             path, path)
                   : GV_FAIL(GV_EIO, "%s cannot be opened: %s", path, strerror(errno));
    }
    if (S_ISDIR(file.st_mode)) {
        return GV_FAIL(GV_EIO, "%s is a directory: name a database file in it", path);
    }
    if (!S_ISREG(file.st_mode)) {
        return GV_FAIL(GV_EIO, "%s is not a regular file", path);
    }
    if (mode == GV_STORE_WRITE && access(path, W_OK) != 0) {
        return GV_FAIL(GV_EIO, "%s cannot be written: %s", path, strerror(errno));
    }
    return GV_OK;
}

static gv_status open_connection(gv_store *store, const char *name, int flags)
{
    int code = sqlite3_open_v2(name, &store->db, flags | SQLITE_OPEN_EXRESCODE, NULL);
    if (code != SQLITE_OK) {
        return store->db == NULL ? GV_FAIL(GV_ENOMEM, "%s: out of memory", store->path)
                                 : gv_sql_fail(store, code, "open it");
    }
    /* Hostile files: no SQL functions from a schema, no writes to it, sizes of cells checked. */
    (void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    code = sqlite3_busy_timeout(store->db, BUSY_WAIT_MS);
    assert(code == SQLITE_OK);
    return gv_sql_run(store, "PRAGMA cell_size_check = ON; PRAGMA foreign_keys = ON", "open it");
}

static gv_status open_to_write(gv_store *store)
{
    GV_TRY(open_connection(store, store->path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE));
    int64_t version = 0;
    GV_TRY(gv_schema_check(store, &version));
    GV_TRY(gv_sql_run(store, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL", "open it"));
    return gv_schema_migrate(store);
}

/* PATH as a URI that promises SQLite that nobody writes: %, ? and # would be read as its syntax. */
static void write_immutable_uri(const char *path, char *uri)
{
    char *end = stpcpy(uri, "file:");
    for (const char *c = path; *c != '\0'; c++) {
        if (*c == '%' || *c == '?' || *c == '#') {
            end += sprintf(end, "%%%02x", (unsigned)*c);
        } else {
            *end++ = *c;
        }
    }
    memcpy(end, "?immutable=1", sizeof "?immutable=1");
}

/*
 * A reader of a WAL database must write its -shm file, which fails on read-only media. When no
 * -wal file stands beside the database, nothing is pending and it can be read as it lies.
 */
static gv_status reopen_immutable(gv_store *store)
{
    const size_t length = strlen(store->path);
    char *name = gv_mem_alloc(0, 3 * length + 32, 1);
    if (name == NULL) {
        return GV_FAIL(GV_ENOMEM, "opening %s", store->path);
    }
    (void)sprintf(name, "%s-wal", store->path);
    struct stat file;
    gv_status status = GV_OK;
    if (stat(name, &file) == 0 && file.st_size > 0) {
        status = GV_FAIL(GV_EIO,
                         "%s cannot be read from a read-only folder while its -wal file "
                         "holds changes: copy both to a folder that can be written",
                         store->path);
    } else {
        (void)sqlite3_close(store->db);
        store->db = NULL;
        write_immutable_uri(store->path, name);
        status = open_connection(store, name, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
    }
    gv_mem_free(name);
    return status;
}

static gv_status open_to_read(gv_store *store)
{
    GV_TRY(open_connection(store, store->path, SQLITE_OPEN_READONLY));
    int64_t version = 0;
    gv_status status = gv_schema_check(store, &version);
    const int code = sqlite3_errcode(store->db) & 0xff;
    if (status != GV_OK && (code == SQLITE_CANTOPEN || code == SQLITE_READONLY)) {
        GV_TRY(reopen_immutable(store));
        status = gv_schema_check(store, &version);
    }
    GV_TRY(status);
    if (version == 0) {
        return GV_FAIL(GV_ECORRUPT, "%s holds no run: it is an empty database", store->path);
    }
    return GV_OK;
}

gv_status gv_store_open(const char *path, gv_store_mode mode, gv_store **out)
{
    GV_TRY(check_path(path, mode));
    gv_store *store = gv_mem_alloc(sizeof *store, strlen(path) + 1, 1);
    if (store == NULL) {
        return GV_FAIL(GV_ENOMEM, "opening %s", path);
    }
    store->mode = mode;
    memcpy(store->path, path, strlen(path) + 1);
    const gv_status status = mode == GV_STORE_WRITE ? open_to_write(store) : open_to_read(store);
    if (status != GV_OK) {
        gv_store_close(store);
        return status;
    }
    *out = store;
    return GV_OK;
}

void gv_store_close(gv_store *store)
{
    if (store == NULL) {
        return;
    }
    const int code = sqlite3_close(store->db);
    assert(code == SQLITE_OK); /* every statement was finalised */
    gv_mem_free(store);
}
