/*
 * log_walk.h - touches everything that an opened log offers, as a careless but lawful reader
 * would: what gv_log_check() passes is read to its last byte.
 */
#ifndef TESTS_LOG_WALK_H
#define TESTS_LOG_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/log/inspect.h"
#include "sim/log/log.h"

static inline uint64_t log_walk_text(const char *text, size_t size)
{
    uint64_t sum = size;
    for (size_t i = 0; i < size; i++) {
        sum = sum * 31 + (unsigned char)text[i];
    }
    return sum;
}

/* False when a block of the column is damaged. */
static inline bool log_walk_column(const gv_log_column *column, uint64_t rows, uint64_t *sum)
{
    const gv_log_kind kind = gv_log_column_kind(column);
    if (kind == GV_LOG_CODE) {
        for (uint32_t code = 0; code < gv_log_code_count(column); code++) {
            size_t size = 0;
            const char *text = gv_log_code_text(column, code, &size);
            *sum += log_walk_text(text, size) + gv_log_code_find(column, text, size);
        }
    }
    if (gv_log_check(column, 0, rows) != GV_OK) {
        return false;
    }
    for (uint64_t row = 0; row < rows; row++) {
        size_t size = 0;
        if (kind == GV_LOG_INTEGER) {
            *sum += (uint64_t)gv_log_integers(column)[row];
        } else if (kind == GV_LOG_REAL) {
            *sum += gv_log_reals(column)[row] > 0;
        } else {
            const char *text = gv_log_text(column, row, &size);
            *sum += log_walk_text(text, size);
        }
    }
    return true;
}

/* False when any block is damaged. *sum depends on all that was read. */
static inline bool log_walk(const gv_log *log, uint64_t *sum)
{
    bool is_whole = true;
    for (size_t i = 0; i < gv_log_fact_count(log); i++) {
        const char *value = NULL;
        *sum += gv_log_fact(log, gv_log_fact_at(log, i, &value)) != NULL;
    }
    for (gv_log_table table = 0; table < GV_LOG_TABLE_COUNT; table++) {
        for (size_t i = 0; i < gv_log_column_count(log, table); i++) {
            const gv_log_column *column = gv_log_column_at(log, table, i);
            is_whole = log_walk_column(column, gv_log_rows(log, table), sum) && is_whole;
            *sum += gv_log_find(log, table, gv_log_column_name(column)) != NULL;
            *sum += gv_log_column_size(column);
        }
        int64_t first = 0;
        int64_t last = 0;
        uint64_t row = 0;
        *sum += gv_log_time_range(log, table, &first, &last);
        if (table != GV_LOG_CLICK && table != GV_LOG_CONVERSION &&
            gv_log_lower_bound(log, table, first / 2, &row) == GV_OK) {
            *sum += row;
        }
    }
    gv_inspection *inspection = NULL;
    if (gv_inspect(log, NULL, &inspection) == GV_OK) {
        gv_inspect_rejects rejects;
        *sum += inspection->price.count + gv_inspect_find_rejects(log, &rejects);
        gv_inspect_destroy(inspection);
    }
    return is_whole;
}

#endif
