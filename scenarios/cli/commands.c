/* The table of sub-commands; each row is defined at the end of its cmd_NAME.c. */
#include <stddef.h>

#include "scenarios/cli/commands_impl.h"

/* A row a line. */
/* clang-format off */
const gv_command *const gv_commands[] = {
    &gv_command_generate,
    &gv_command_ingest,
    &gv_command_inspect,
    &gv_command_prices,
    &gv_command_list,
    &gv_command_run,
    &gv_command_sweep,
    &gv_command_compare,
    &gv_command_evaluate,
    &gv_command_experiment,
    &gv_command_plot,
    &gv_command_explain,
    &gv_command_trajectories,
    &gv_command_experts,
    &gv_command_landscapes,
    &gv_command_train,
    &gv_command_predict,
    &gv_command_calibrate,
    &gv_command_auctionnet,
    &gv_command_retention,
    NULL,
};
