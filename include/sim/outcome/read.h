/*
 * read.h - outcomes out of the store, for reports, comparisons and programs.
 *
 * A run is read whole into memory as the very records that were written, so what prints a run
 * that has just ended prints a stored one too. Every text, number and choice is checked on its
 * way in: a damaged file gives GV_ECORRUPT and a sentence.
 */
#ifndef SIM_OUTCOME_READ_H
#define SIM_OUTCOME_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"
#include "sim/outcome/store.h"

#define GV_RUN_LATEST INT64_C(0)

/* A run without its cells. */
typedef struct gv_run_facts {
    int64_t id;
    const char *name;
    const char *state; /* "running", "done", "stopped", "failed" */
    const char *scenario_text;
    const char *scenario_hash; /* 16 hex digits */
    uint64_t seed;
    int64_t cell_count; /* that it should have */
    int64_t started_us; /* wall clock */
    int64_t wall_us;    /* 0 until it ends */
} gv_run_facts;

/* One run in memory; owns all that it points to. */
typedef struct gv_outcomes {
    gv_run_facts run;
    const gv_fact *parameters; /* [parameter_count], by name */
    size_t parameter_count;
    const gv_fact *provenance; /* [provenance_count], by name */
    size_t provenance_count;
    const gv_cell_record *cells; /* [cell_count] those that are done, by number */
    size_t cell_count;
    struct gv_outcome_block *blocks; /* the memory behind all of it */
} gv_outcomes;

/*
 * GV_ENOTFOUND lists the runs that there are. Ticks are left out (0 of them; of a seat one, the
 * sum of all) unless asked for.
 */
GV_MUST_CHECK gv_status gv_outcomes_read(gv_store *store, int64_t run_id, bool with_ticks,
                                         gv_outcomes **out);
void gv_outcomes_destroy(gv_outcomes *outcomes); /* accepts NULL */

/* The provenance of that name, or NULL. */
const char *gv_outcomes_fact(const gv_outcomes *outcomes, const char *name);

#endif
