/*
 * ingest.h - raw logs in, one .gvlog out: what `gavel ingest` does, for programs.
 *
 * Several files are decoded in parallel; the log does not depend on how many threads did it.
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

GV_MUST_CHECK gv_status gv_ingest(const gv_ingest_config *config, const gv_progress *progress,
                                  gv_builder_counts *counts);

#endif
