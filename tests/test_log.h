/*
 * test_log.h - small logs from literal rows, for tests of whatever reads logs.
 *
 *   static const char *const rows[] = {
 *       "impression time=5 bid_id=a advertiser=x price=70",
 *       "click      time=9 bid_id=a",
 *       "reject     reason=broken text=???",
 *       NULL,
 *   };
 *   gv_log *log = test_log_make(folder, "a.gvlog", rows);
 *
 * Each row stands for one line of one input file called "input", numbered from 1. The columns are
 * the roles that any row names, with their kinds, in the order of GV_LOG_ROLE_LIST, and any other
 * name as a REAL column. A column that a row does not name is 0 or empty in it. Integers are in the
 * log's own units: us, nanos.
 */
#ifndef TESTS_TEST_LOG_H
#define TESTS_TEST_LOG_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "sim/log/builder.h"
#include "sim/log/log.h"
#include "test_folder.h"

enum { TEST_LOG_ROW_SIZE = 1024 };

/* How the rows reach the builder. All zero: in memory, one chunk a row, rejects always allowed. */
typedef struct test_log_options {
    size_t memory_max;
    size_t jobs;
    size_t rows_per_chunk;
    int64_t zone_us;
    double rejects_min; /* 1 - rejects_max */
} test_log_options;

/* The value of `name` in a row, up to a space; NULL when the row does not name it. */
static inline gv_span test_log_value(const char *row, const char *name)
{
    char key[64];
    (void)snprintf(key, sizeof key, " %s=", name);
    const char *at = strstr(row, key);
    if (at == NULL) {
        return (gv_span){NULL, 0};
    }
    at += strlen(key);
    return (gv_span){at, strcspn(at, " ")};
}

static inline bool test_log_is(const char *row, const char *table)
{
    const size_t size = strlen(table);
    return strncmp(row, table, size) == 0 && (row[size] == ' ' || row[size] == '\0');
}

/* A column for each role that is named, then for each other name. `names` outlives the schema. */
static inline void test_log_schema(const char *const *rows, char names[][64], gv_log_schema *schema)
{
    *schema = (gv_log_schema){.format = "literal"};
    for (int role = 0; role < GV_ROLE_COUNT; role++) {
        const char *name = gv_log_role_name((gv_log_role)role);
        bool is_named = false;
        for (size_t i = 0; rows[i] != NULL; i++) {
            is_named = is_named || test_log_value(rows[i], name).bytes != NULL;
        }
        if (is_named) {
            schema->fields[schema->field_count++] =
                (gv_log_field){name, gv_log_role_kind((gv_log_role)role)};
        }
    }
    for (size_t i = 0; rows[i] != NULL; i++) {
        for (const char *at = rows[i]; (at = strchr(at, ' ')) != NULL; at++) {
            char *name = names[schema->field_count];
            const size_t size = strcspn(at + 1, " =");
            bool is_known = at[1 + size] != '=' || test_log_is(rows[i], "reject");
            (void)snprintf(name, 64, "%.*s", (int)size, at + 1);
            for (size_t k = 0; k < schema->field_count; k++) {
                is_known = is_known || strcmp(schema->fields[k].name, name) == 0;
            }
            if (!is_known) {
                schema->fields[schema->field_count++] = (gv_log_field){name, GV_LOG_REAL};
            }
        }
    }
}

static inline void test_log_fill(gv_chunk *chunk, const char *row, uint64_t line)
{
    const size_t at = chunk->row_count++;
    chunk->lines[at] = line;
    for (size_t i = 0; i < chunk->schema->field_count; i++) {
        const gv_log_field *field = &chunk->schema->fields[i];
        const gv_span value = test_log_value(row, field->name);
        if (field->kind == GV_LOG_INTEGER) {
            chunk->cells[i].integers[at] = value.bytes == NULL ? 0 : strtoll(value.bytes, NULL, 10);
        } else if (field->kind == GV_LOG_REAL) {
            chunk->cells[i].reals[at] = value.bytes == NULL ? 0 : strtod(value.bytes, NULL);
        } else {
            chunk->cells[i].texts[at] = value;
        }
    }
}

static inline gv_log_table test_log_table(const char *row)
{
    gv_log_table table = GV_LOG_IMPRESSION;
    while (!test_log_is(row, gv_log_table_name(table))) {
        table++;
        assert_true(table < GV_LOG_TABLE_COUNT);
    }
    return table;
}

/* Rows [first, end) of one table as one chunk. */
static inline gv_status test_log_add_chunk(gv_builder *builder, const gv_log_schema *schema,
                                           const char *const *rows, size_t first, size_t end)
{
    gv_chunk chunk;
    char reason[64] = "";
    assert_int_equal(gv_chunk_init(&chunk, schema, end - first), GV_OK);
    gv_status status = GV_OK;
    if (test_log_is(rows[first], "reject")) {
        const gv_span text = test_log_value(rows[first], "reason");
        (void)snprintf(reason, sizeof reason, "%.*s", (int)text.size,
                       text.size > 0 ? text.bytes : "");
        status = gv_chunk_reject(
            &chunk, (gv_reject){first + 1, 3, reason, test_log_value(rows[first], "text")});
        assert_int_equal(status, GV_OK);
    } else {
        chunk.table = test_log_table(rows[first]);
        for (size_t i = first; i < end; i++) {
            test_log_fill(&chunk, rows[i], i + 1);
        }
    }
    chunk.first_line = first + 1;
    status = gv_builder_add(builder, &chunk);
    gv_chunk_fini(&chunk);
    return status;
}

static inline gv_status test_log_add_all(gv_builder *builder, const gv_log_schema *schema,
                                         const char *const *rows, size_t rows_per_chunk)
{
    for (size_t first = 0; rows[first] != NULL;) {
        size_t end = first + 1;
        while (end - first < rows_per_chunk && rows[end] != NULL &&
               test_log_table(rows[end]) == test_log_table(rows[first]) &&
               !test_log_is(rows[first], "reject")) {
            end++;
        }
        GV_TRY(test_log_add_chunk(builder, schema, rows, first, end));
        first = end;
    }
    return GV_OK;
}

/* Builds the log at `path`. */
static inline gv_status test_log_build(const char *path, const char *const *rows,
                                       test_log_options options, gv_builder_counts *counts)
{
    static const char *const inputs[] = {"input"};
    static char names[GV_CHUNK_COLUMNS_MAX][64];
    gv_log_schema schema;
    gv_builder *builder = NULL;
    test_log_schema(rows, names, &schema);
    schema.zone_us = options.zone_us;
    const gv_builder_config config = {
        .path = path,
        .schema = &schema,
        .memory_max = options.memory_max,
        .jobs = options.jobs,
        .input_paths = inputs,
        .input_count = 1,
        .rejects_max = 1 - options.rejects_min,
    };
    GV_TRY(gv_builder_create(&config, &builder));
    const gv_status status = test_log_add_all(
        builder, &schema, rows, options.rows_per_chunk == 0 ? 1 : options.rows_per_chunk);
    if (status != GV_OK) {
        gv_builder_abandon(builder);
        return status;
    }
    return gv_builder_commit(builder, NULL, counts);
}

/* Builds and opens it, every block checked. The caller closes it. */
static inline gv_log *test_log_make(const test_folder *folder, const char *name,
                                    const char *const *rows)
{
    char path[TEST_PATH_SIZE];
    gv_builder_counts counts;
    gv_log *log = NULL;
    test_folder_path(folder, name, path);
    assert_int_equal(test_log_build(path, rows, (test_log_options){0}, &counts), GV_OK);
    assert_int_equal(gv_log_open(path, &log), GV_OK);
    for (gv_log_table table = 0; table < GV_LOG_TABLE_COUNT; table++) {
        for (size_t i = 0; i < gv_log_column_count(log, table); i++) {
            assert_int_equal(
                gv_log_check(gv_log_column_at(log, table, i), 0, gv_log_rows(log, table)), GV_OK);
        }
    }
    return log;
}

#endif
