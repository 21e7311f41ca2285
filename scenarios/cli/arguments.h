/*
 * arguments.h - what several commands read in the same words: counts, lists, engines.
 *
 * A wrong argument is told by argp_error(), which ends the program with GV_EXIT_USAGE; what is
 * returned behind it is never used.
 */
#ifndef SCENARIOS_CLI_ARGUMENTS_H
#define SCENARIOS_CLI_ARGUMENTS_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "sim/base/param.h"
#include "sim/base/status.h"

enum { GV_CLI_WORDS_MAX = 256, GV_CLI_JOBS_MAX = 1024 };

/* Arguments of an option that may be repeated, in their order. */
typedef struct gv_cli_words {
    const char *items[GV_CLI_WORDS_MAX]; /* borrowed from the command line */
    size_t count;
} gv_cli_words;

/* One more; `option` is its name: "--set". */
void gv_cli_add_word(gv_cli_words *words, const char *option, const char *word,
                     struct argp_state *state);

/*
 * The command line as typed, words with blanks in quotes, cut where it is longer than a run keeps.
 */
enum { GV_CLI_LINE_SIZE = 4096 };
void gv_cli_join_arguments(int argc, char **argv, char *line, size_t size);

/* Several, between commas; `list` is cut up. */
void gv_cli_add_list(gv_cli_words *words, const char *option, char *list, struct argp_state *state);

/* A whole number of [1, most]. */
uint64_t gv_cli_count(const char *option, const char *text, uint64_t most,
                      struct argp_state *state);

/* A share of [0, 1). */
double gv_cli_share(const char *option, const char *text, struct argp_state *state);

/*
 * "KEY=VALUE" of a --set into the type's config. `kind` is what `gavel list` calls its kind.
 * GV_EUSAGE: no such key, or a value that it refuses.
 */
GV_MUST_CHECK gv_status gv_cli_set_value(const gv_type_info *type, const char *kind,
                                         const char *text, void *config);

/* "reference": true; "batch": false. */
bool gv_cli_is_reference(const char *text, struct argp_state *state);

/*
 * What a help filter of argp gives back: behind the options what `write` writes, else the text.
 */
char *gv_cli_help_text(int key, const char *text, void (*write)(FILE *stream));

#endif
