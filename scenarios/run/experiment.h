/*
 * experiment.h - plans of A/B tests from a log: each design's units, power and duration.
 */
#ifndef SCENARIOS_RUN_EXPERIMENT_H
#define SCENARIOS_RUN_EXPERIMENT_H

#include <stddef.h>

#include "sim/base/status.h"
#include "sim/estimate/experiment.h"
#include "sim/log/decisions.h"

/* Name, what is dealt, and what of one arm reaches the other. */
#define GV_DESIGN_LIST(X)                                                                        \
    X(GV_DESIGN_USER, "user", "users, one budget for both arms",                                 \
      "arms spend one budget: what one saves the other spends, and the difference is too large " \
      "or too small where budgets bind")                                                         \
    X(GV_DESIGN_BUDGET, "budget", "halves of each budget, each with its own users",              \
      "arms still meet as rivals where both bid")                                                \
    X(GV_DESIGN_SWITCHBACK, "switchback", "blocks of time for all",                              \
      "a block inherits budgets and users from the one before")                                  \
    X(GV_DESIGN_ADVERTISER, "advertiser", "advertisers, each with its whole budget",             \
      "arms meet as rivals in the same auctions")

typedef enum gv_design_kind {
#define X(kind, name, units, leak) kind,
    GV_DESIGN_LIST(X)
#undef X
        GV_DESIGNS
} gv_design_kind;

const char *gv_design_name(gv_design_kind kind);
const char *gv_design_units(gv_design_kind kind);
const char *gv_design_leak(gv_design_kind kind);

/* A column of the log, and how many bytes of its text count; 0: all. */
typedef struct gv_unit_column {
    const char *name; /* NULL: the design is not asked for */
    size_t bytes;
} gv_unit_column;

typedef struct gv_experiment_request {
    const char *log;
    const char *reward; /* its column */
    gv_unit_column units[GV_DESIGNS];
    gv_unit_column day; /* NULL: `days` says how long the log is */
    double days;
    double effect;  /* relative to the mean */
    double horizon; /* days for which the least effect is told */
    double share;
    double level;
    double power;
} gv_experiment_request;

typedef struct gv_design_result {
    gv_design design;    /* unit_count 0: not asked for, or fewer than two units */
    double effect;       /* least relative effect at the horizon */
    double days;         /* until the asked effect */
    double effect_cuped; /* NaN: no days to tell before from after */
    double days_cuped;
} gv_design_result;

typedef struct gv_experiment_result {
    gv_design_result designs[GV_DESIGNS];
    size_t round_count;
    double days; /* of the log */
    double mean;
    gv_design_kind quickest; /* by days with CUPED where there is one */
    gv_design_kind clean;    /* the quickest but for `user`; GV_DESIGNS: none */
} gv_experiment_result;

/* What is wrong with the request is GV_EUSAGE. */
GV_MUST_CHECK gv_status gv_experiment_run(const gv_experiment_request *request,
                                          gv_experiment_result *out);

#endif
