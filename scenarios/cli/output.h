/*
 * output.h - that what a command writes is none of what it reads.
 */
#ifndef SCENARIOS_CLI_OUTPUT_H
#define SCENARIOS_CLI_OUTPUT_H

#include <stddef.h>

#include "sim/base/status.h"

/*
 * To be asked before anything is opened: files are written beside the old one and put in its place,
 * so nothing else would notice. output: NULL: nothing is written. inputs: [count], other outputs
 * among them; NULL: none. GV_EUSAGE: one of them is the same file, by device and inode under
 * whatever name, or by its name where there is none yet.
 */
GV_MUST_CHECK gv_status gv_cli_spare(const char *output, const char *const *inputs, size_t count);

#endif
