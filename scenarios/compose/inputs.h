/*
 * inputs.h - the files that a scenario names: opened, or ingested on the fly.
 *
 * A raw log becomes a temporary .gvlog under TMPDIR that is unlinked as soon as it is mapped, so
 * nothing is left behind however the run ends.
 */
#ifndef SCENARIOS_COMPOSE_INPUTS_H
#define SCENARIOS_COMPOSE_INPUTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scenarios/config/region.h"
#include "sim/base/progress.h"
#include "sim/base/status.h"
#include "sim/log/log.h"
#include "sim/market/history.h"

/* One file that the outcome depends on. */
typedef struct gv_input {
    const char *path;
    uint64_t hash; /* of the bytes; of a .gvlog its gv_log_identity() */
    const char *kind;
} gv_input;

enum { GV_INPUTS_MAX = 256 };

/* Those of one run, in the order in which the scenario names them. */
typedef struct gv_inputs {
    gv_region *region;
    gv_input items[GV_INPUTS_MAX];
    size_t count;
    uint64_t rejected; /* rows that ingests on the fly refused, within the limit */
} gv_inputs;

typedef struct gv_input_plan {
    const char *path;    /* a pattern where the format is a raw one */
    const char *format;  /* "gvlog" or a reader's name */
    const char *mapping; /* NULL: none */
    double rejects_max;
    size_t jobs;
} gv_input_plan;

/* Whether this is a raw log, to be ingested: a path that ends in ".gvlog" never is. */
bool gv_inputs_is_raw(const char *path, const char *format);

/*
 * Opens the log. GV_EUSAGE: no such format, a mapping that is missing; GV_ENOTFOUND: the pattern
 * fits no file. The caller closes *out.
 */
GV_MUST_CHECK gv_status gv_inputs_open(gv_inputs *inputs, const gv_input_plan *plan,
                                       const gv_progress *progress, gv_log **out);

/* Counts a file that a type opens by itself among the inputs, with its content. */
GV_MUST_CHECK gv_status gv_inputs_add_file(gv_inputs *inputs, const char *path, const char *kind);

/*
 * An `rlb-info` file: JSON with imp_train, clk_train, cost_train and price_counter_train, as the
 * RLB code (Cai et al., WSDM 2017) writes it; prices in CPM. *out lives in the inputs' region.
 */
GV_MUST_CHECK gv_status gv_inputs_read_info(gv_inputs *inputs, const char *path, gv_history **out);

#endif
