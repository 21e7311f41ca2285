/*
 * cli.h - what every sub-command shares: its table row, exit codes, talk.
 *
 * stdout is data, stderr is talk; --quiet changes nothing but talk. Each sub-command is one
 * file, cmd_NAME.c, that parses its options with argp and ends with its gv_command row.
 */
#ifndef SCENARIOS_CLI_CLI_H
#define SCENARIOS_CLI_CLI_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "scenarios/config/problem.h"
#include "sim/base/progress.h"
#include "sim/base/status.h"

/* DESIGN section 4: what the shell sees. */
enum {
    GV_EXIT_DONE = 0,
    GV_EXIT_FAILED = 1,
    GV_EXIT_USAGE = 2,
    GV_EXIT_DOUBTFUL = 3,
    GV_EXIT_RESUMABLE = 75,
    GV_EXIT_INTERRUPTED = 130,
};

typedef struct gv_command {
    const char *name;
    const char *summary; /* one line for `gavel --help` */
    /* argv[0] is "gavel NAME". Returns the exit code. */
    int (*run)(int argc, char **argv);
} gv_command;

extern const gv_command *const gv_commands[]; /* every command, then NULL */

/* Prints "gavel: SENTENCE" of this thread's latest failure to stderr; returns the exit code. */
int gv_cli_fail(gv_status status);

/*
 * The same where a scenario was read: with GV_EUSAGE its problems are printed, if there are any,
 * and that is wrong usage. problems: NULL where not even a scenario came of it, likewise.
 */
int gv_cli_fail_with(const gv_problems *problems, gv_status status);

/* A line of talk to stderr, unless quiet. Wipes the progress bar first. */
void gv_cli_talk(bool quiet, const char *format, ...) GV_PRINTF(2, 3);

/* What --resume came to. */
void gv_cli_tell_resumed(bool quiet, const char *db_path, int64_t run_id, bool is_resumed);

/* Whether to colour: a terminal, no NO_COLOR (no-color.org) and no TERM=dumb. */
bool gv_cli_colours(FILE *stream);

/*
 * Flushes stdout; when anything written there was lost (a full disk, a closed pipe) says so and
 * turns a success into GV_EXIT_FAILED. A command that prints data ends with it.
 */
int gv_cli_finish(int code);

/*
 * A progress bar on stderr: with rate and ETA on a terminal, one line every ten seconds
 * otherwise, nothing when quiet or within the first second. Ctrl-C and SIGTERM make the report
 * return false from then on; a second Ctrl-C ends the process.
 */
const gv_progress *gv_cli_progress(bool quiet);

/* Wipes the bar off the line before other talk. */
void gv_cli_progress_end(void);

/* The signal that asked the work to stop, SIGINT or SIGTERM; 0: none did. */
int gv_cli_signal(void);

#endif
