/*
 * print.h - a scenario written back: every value, with where it came from.
 */
#ifndef SCENARIOS_CONFIG_PRINT_H
#define SCENARIOS_CONFIG_PRINT_H

#include <stddef.h>

#include "scenarios/config/scenario.h"

/* One value of a resolved scenario. */
typedef struct gv_scenario_value {
    const char *name;   /* dotted: "policies.lin.b0" */
    const char *lead;   /* what stands before the key in YAML: "", "  ", "  - ", "    " */
    const char *key;    /* "b0" */
    const char *value;  /* plain text */
    const char *quoted; /* the same as YAML */
    const char *origin; /* "default", "scenario", "--set", "fitted"; NULL: a header without value */
} gv_scenario_value;

/*
 * All values in the order of the file; *values lives in `region`. Those that are "auto" and to be
 * fitted before the run have the origin "fitted".
 */
GV_MUST_CHECK gv_status gv_scenario_values(const gv_scenario *scenario, gv_region *region,
                                           const gv_scenario_value **values, size_t *count);

/* The values of one section's table: what a cell stores of its policy, with the fits in it. */
GV_MUST_CHECK gv_status gv_section_values(const gv_section *section, const void *config,
                                          gv_region *region, const gv_scenario_value **values,
                                          size_t *count);

/*
 * A scenario with the same meaning and no variable left, each line with its origin as a comment:
 * what --print-config prints and a run stores. *text lives in `region`.
 */
GV_MUST_CHECK gv_status gv_scenario_text(const gv_scenario *scenario, gv_region *region,
                                         const char **text);

#endif
