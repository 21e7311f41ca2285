/*
 * expand.h - paths in a scenario: ${NAME}, ${NAME:-default}, and relative to the file.
 */
#ifndef SCENARIOS_CONFIG_EXPAND_H
#define SCENARIOS_CONFIG_EXPAND_H

#include "scenarios/config/region.h"
#include "sim/base/status.h"

/*
 * `text` with its variables replaced from the environment (set but empty counts as unset), and,
 * when it is relative, put behind the directory of `scenario_path`. A relative path that begins
 * with a variable of the environment is left alone: it was written where the command is typed.
 * *out lives in `region`. GV_EUSAGE: a variable that is not set and has no default, a missing '}'.
 */
GV_MUST_CHECK gv_status gv_expand_path(gv_region *region, const char *scenario_path,
                                       const char *text, const char **out);

#endif
