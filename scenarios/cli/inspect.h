/*
 * inspect.h - how `gavel inspect` shows a log or a model of clicks on stdout.
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

/* What it sees, what it learnt from, its parameters, and what candidates of a request share. */
GV_MUST_CHECK gv_status gv_inspect_model(const char *path, bool as_json);

#endif
