#include <stddef.h>

#include "scenarios/cli/cli.h"

const gv_command *const gv_commands[] = {
    NULL,
};
