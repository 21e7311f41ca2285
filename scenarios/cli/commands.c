#include <stddef.h>

#include "scenarios/cli/commands_impl.h"

const gv_command *const gv_commands[] = {
    &gv_command_generate, &gv_command_ingest, &gv_command_inspect,
    &gv_command_list,     &gv_command_run,    NULL,
};
