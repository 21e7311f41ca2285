/*
 * retention_play.h - a scenario of retention from its file to its summary: what `gavel run` and
 * `gavel retention play` do alike.
 */
#ifndef SCENARIOS_CLI_RETENTION_PLAY_H
#define SCENARIOS_CLI_RETENTION_PLAY_H

#include <stdbool.h>
#include <stddef.h>

#include "scenarios/cli/arguments.h"

typedef struct gv_retention_request {
    const char *path;
    const char *text; /* of the file; NULL: it is read */
    size_t size;
    const gv_cli_words *sets;
    const char *arguments; /* the command line, for provenance */
    const char *db_path;   /* NULL: nothing is written */
    const char *examples;  /* NULL: none are written; not with resume */
    const char *baseline;  /* NULL: the first */
    size_t jobs;
    bool reference;
    bool resume;
    bool print_config;
    bool dry_run;
    bool as_json;
    bool quiet;
} gv_retention_request;

/* Returns the exit code. */
int gv_cli_play_retention(const gv_retention_request *request);

#endif
