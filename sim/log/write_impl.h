/*
 * write_impl.h - the state of one commit: from pieces to the bytes of the log.
 *
 * The impressions come first; their bid ids' hashes stay behind for the join; then all that
 * depends on the join. Within a stage every column is a task of its own.
 */
#ifndef SIM_LOG_WRITE_IMPL_H
#define SIM_LOG_WRITE_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/log/builder_impl.h"
#include "sim/log/gather_impl.h"
#include "sim/log/join_impl.h"
#include "sim/log/log_writer_impl.h"
#include "sim/log/meter_impl.h"

/* All pieces of one table, of all workers. */
typedef struct gv_source {
    gv_piece **pieces; /* [gather.piece_count] */
    gv_order order;    /* of all rows */
    gv_order orphans;  /* of the events without an impression */
    gv_gather gather;
} gv_source;

/* An event with its impression. */
typedef struct gv_joined {
    uint64_t row;
    int64_t time;
    uint64_t sequence; /* among events of its table: breaks ties */
} gv_joined;

typedef struct gv_joined_list {
    gv_joined *events; /* [count], by (row, time, sequence) */
    size_t count;
    size_t capacity;
} gv_joined_list;

/* One column to be gathered. */
typedef struct gv_column_task {
    const gv_gather *gather;
    size_t field;
    const gv_sink *sink;
    gv_renumber *renumber;
    gv_file_writer *hashes;
} gv_column_task;

typedef struct gv_write {
    gv_builder *builder;
    gv_builder_counts *counts;
    gv_log_writer writer;
    gv_meter meter;
    gv_source sources[GV_LOG_TABLE_COUNT];       /* IMPRESSION, CLICK, CONVERSION and REJECT */
    bool has_table[GV_LOG_TABLE_COUNT];          /* CLICK, CONVERSION: the input tells of them */
    gv_renumber renumbers[GV_CHUNK_COLUMNS_MAX]; /* of CODE fields */
    gv_renumber file_renumber;
    gv_dictionary *dictionaries[GV_CHUNK_COLUMNS_MAX + 1][GV_BUILDER_WORKERS_MAX];
    size_t bid_id_field; /* SIZE_MAX: none */
    gv_file_writer *hashes;
    const gv_sink *bid_id_sink;
    const gv_sink *time_sink;
    gv_column_task tasks[GV_CHUNK_COLUMNS_MAX];
    size_t task_count;
    gv_joined_list joined[GV_LOG_TABLE_COUNT]; /* CLICK, CONVERSION */
    char *facts;                               /* texts made for this commit, one behind another */
} gv_write;

/* Brings the codes of all workers together: fills `renumbers` and `file_renumber`. */
GV_MUST_CHECK gv_status gv_write_renumbers(gv_write *write);

/* After all columns, which give the texts their codes. */
GV_MUST_CHECK gv_status gv_write_dictionaries(gv_write *write);

/* After the impressions: fills `joined`, `orphans` and the counts that the join gives. */
GV_MUST_CHECK gv_status gv_write_join(gv_write *write);

/* Hands the facts of the ingest to the writer. */
GV_MUST_CHECK gv_status gv_write_facts(gv_write *write);

#endif
