/*
 * ingest.h - raw logs in, one .gvlog out: what `gavel ingest` does, for programs.
 *
 * Files, and pieces of one file, are decoded in parallel; the log does not depend on how many
 * threads did it.
 */
#ifndef SIM_LOG_INGEST_H
#define SIM_LOG_INGEST_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/progress.h"
#include "sim/base/status.h"
#include "sim/log/builder.h"
#include "sim/log/reader.h"

typedef struct gv_ingest_config {
    const gv_reader_type *type;
    const char *mapping_path; /* for types that need one, else NULL */
    const char *const *paths; /* [path_count], at least one */
    size_t path_count;
    const char *output_path;
    size_t jobs;        /* at least 1 */
    double rejects_max; /* 0.01 unless asked */
    size_t memory_max;  /* 0: a default */
} gv_ingest_config;

enum { GV_INGEST_SHOWN = 5, GV_INGEST_REASON_SIZE = 320 };

/* One of the first rejects, in the order (file, line). */
typedef struct gv_ingest_reject {
    size_t file; /* number among the paths */
    uint64_t line;
    uint32_t column; /* from 1; 0: the row as a whole */
    char reason[GV_INGEST_REASON_SIZE];
} gv_ingest_reject;

/* Where the time went: the threads' times added up, commit the caller's. */
typedef struct gv_ingest_times {
    int64_t read_us;   /* reading and decompressing; of quoted text also splitting */
    int64_t split_us;  /* cutting into rows and fields */
    int64_t decode_us; /* numbers, times, checks */
    int64_t add_us;    /* into the builder: coding and sorting so far */
    int64_t commit_us; /* merging, joining, writing, syncing */
    int64_t total_us;  /* from start to end */
} gv_ingest_times;

typedef struct gv_ingest_report {
    gv_builder_counts counts;
    size_t shown_count;
    gv_ingest_reject shown[GV_INGEST_SHOWN];
    gv_ingest_times times;
} gv_ingest_report;

/*
 * `report` is set on GV_OK and on GV_EREJECTS, when more rows than allowed were rejected and no
 * log was made. GV_ESTOPPED when progress asked to stop: nothing is left behind.
 */
GV_MUST_CHECK gv_status gv_ingest(const gv_ingest_config *config, const gv_progress *progress,
                                  gv_ingest_report *report);

#endif
