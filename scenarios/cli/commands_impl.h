/* Every command's row, for the one table of them. */
#ifndef SCENARIOS_CLI_COMMANDS_IMPL_H
#define SCENARIOS_CLI_COMMANDS_IMPL_H

#include "scenarios/cli/cli.h"

extern const gv_command gv_command_auctionnet;
extern const gv_command gv_command_compare;
extern const gv_command gv_command_evaluate;
extern const gv_command gv_command_experiment;
extern const gv_command gv_command_explain;
extern const gv_command gv_command_generate;
extern const gv_command gv_command_inspect;
extern const gv_command gv_command_prices;
extern const gv_command gv_command_ingest;
extern const gv_command gv_command_list;
extern const gv_command gv_command_plot;
extern const gv_command gv_command_retention;
extern const gv_command gv_command_run;
extern const gv_command gv_command_sweep;
extern const gv_command gv_command_trajectories;
extern const gv_command gv_command_experts;
extern const gv_command gv_command_landscapes;
extern const gv_command gv_command_train;
extern const gv_command gv_command_predict;
extern const gv_command gv_command_calibrate;

/* `gavel train MODEL LOG.gvlog`: argv[1] names a model of clicks. Returns the exit code. */
int gv_train_model(int argc, char **argv);

/* The same of a predictor of retention, whose name is argv[1]. */
int gv_train_ocarm(int argc, char **argv);

#endif
