/*
 * log_impl.h - an opened log: the directory as structs that point into the map.
 */
#ifndef SIM_LOG_LOG_IMPL_H
#define SIM_LOG_LOG_IMPL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/file.h"
#include "sim/log/log.h"

typedef struct gv_log_dictionary {
    uint64_t count;
    const uint64_t *starts; /* [count + 1], ascending, into the heap */
    const char *heap;
    const uint32_t *slots; /* [slot_count], each a code or GV_LOG_NO_CODE, not all taken */
    uint64_t slot_count;
} gv_log_dictionary;

struct gv_log_column {
    const gv_log *log;
    gv_log_table table;
    gv_log_kind kind;
    const char *name;
    uint64_t dictionary_number; /* until the dictionaries are read */
    const gv_log_dictionary *dictionary;
    bool is_time; /* an INTEGER column called `time` */
    bool is_row;  /* the column `row` of an event table */
    uint64_t rows;
    const void *cells;
    const char *heap;
    uint64_t heap_size;
    const uint64_t *words;     /* what the directory keeps of each block */
    _Atomic uint8_t *is_valid; /* [blocks], once checked */
};

typedef struct gv_log_fact_row {
    const char *name;
    const char *value;
} gv_log_fact_row;

struct gv_log {
    char *path;
    gv_file_map map;
    bool owns_map;
    uint64_t identity;
    int64_t zone_us;
    uint64_t rows[GV_LOG_TABLE_COUNT];
    char *texts; /* NUL-ended copies of the directory's texts */
    size_t fact_count;
    gv_log_fact_row *facts;
    size_t column_count;
    gv_log_column *columns; /* by table */
    size_t dictionary_count;
    gv_log_dictionary *dictionaries;
    _Atomic uint8_t *is_valid; /* of all columns */
};

/* Whether the times of a table ascend: those of joined events follow their impressions. */
static inline bool gv_log_is_ordered(gv_log_table table)
{
    return table != GV_LOG_CLICK && table != GV_LOG_CONVERSION;
}

/* Reads and checks header, directory and dictionaries of log->map. */
GV_MUST_CHECK gv_status gv_log_read(gv_log *log);

#endif
