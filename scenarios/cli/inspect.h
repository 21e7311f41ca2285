/*
 * inspect.h - the two ways in which `gavel inspect` shows a log on stdout.
 */
#ifndef SCENARIOS_CLI_INSPECT_H
#define SCENARIOS_CLI_INSPECT_H

#include <stdbool.h>

#include "sim/base/status.h"
#include "sim/log/inspect.h"

/* Tables and bars, for people. */
GV_MUST_CHECK gv_status gv_inspect_print(const gv_inspection *inspection, bool lists_rejects);

/* One JSON object. Money is nanos, times are us since 1970 UTC; all advertisers, in full. */
GV_MUST_CHECK gv_status gv_inspect_print_json(const gv_inspection *inspection, bool lists_rejects);

#endif
