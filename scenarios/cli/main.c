/* gavel: the program. Finds the sub-command and hands over; each lives in its own cmd_NAME.c. */
#include <stdio.h>
#include <string.h>

#include "scenarios/cli/cli.h"

static void print_usage(FILE *stream)
{
    (void)fputs("Usage: gavel COMMAND [OPTION...]\n"
                "Replays ad auctions under bidding policies and stores what happened in SQLite.\n\n"
                "Commands:\n",
                stream);
    for (const gv_command *const *command = gv_commands; *command != NULL; command++) {
        (void)fprintf(stream, "  %-10s %s\n", (*command)->name, (*command)->summary);
    }
    (void)fputs("\n`gavel COMMAND --help` explains one, with an example.\n", stream);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return GV_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        print_usage(stdout);
        return GV_EXIT_DONE;
    }
    for (const gv_command *const *command = gv_commands; *command != NULL; command++) {
        if (strcmp(argv[1], (*command)->name) == 0) {
            static char name[64];
            (void)snprintf(name, sizeof name, "gavel %s", argv[1]);
            argv[1] = name;
            return (*command)->run(argc - 1, argv + 1);
        }
    }
    (void)fprintf(stderr, "gavel: there is no command '%s': `gavel --help` lists them\n", argv[1]);
    return GV_EXIT_USAGE;
}
