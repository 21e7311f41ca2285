/* gavel: the program. Finds the sub-command and hands over; each lives in its own cmd_NAME.c. */
#include <argp.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "scenarios/cli/blas_core.h"
#include "scenarios/cli/cli.h"
#include "scenarios/run/version.h"
#include "sim/base/param.h"

enum { COMMANDS_MAX = 32 };

static void print_usage(FILE *stream)
{
    (void)fputs("Usage: gavel COMMAND [OPTION...]\n"
                "Replays logs of ad auctions, or sells a simulated market, under bidding policies; "
                "outcomes in\nSQLite.\n\n"
                "Commands:\n",
                stream);
    for (const gv_command *const *command = gv_commands; *command != NULL; command++) {
        (void)fprintf(stream, "  %-13s %s\n", (*command)->name, (*command)->summary);
    }
    (void)fputs(
        "\nOptions:\n"
        "  --version [--json]   this program and the libraries under it\n"
        "  --help               this text\n\n"
        "`gavel COMMAND --help` explains one, with an example.\n"
        "Exit: 0 done, 1 the work failed, 2 wrong usage or scenario, 3 finished but some of it\n"
        "failed, 75 stopped and resumable, 130 interrupted.\n",
        stream);
}

static void print_version_json(const gv_version_fact *facts, size_t count)
{
    json_t *object = json_pack("{s:s,s:s}", "version", gv_version(), "commit", gv_version_commit());
    for (size_t i = 0; i < count; i++) {
        (void)json_object_set_new(object, facts[i].name, json_string(facts[i].value));
    }
    (void)json_dumpf(object, stdout, JSON_INDENT(2));
    (void)putchar('\n');
    json_decref(object);
}

static int print_version(bool as_json)
{
    gv_version_fact facts[GV_VERSION_FACTS_MAX];
    const size_t count = gv_version_facts(facts);
    if (as_json) {
        print_version_json(facts, count);
        return gv_cli_finish(GV_EXIT_DONE);
    }
    printf("gavel %s (commit %s)\n", gv_version(), gv_version_commit());
    for (size_t i = 0; i < count; i++) {
        printf("  %-16s %s\n", facts[i].name, facts[i].value);
    }
    return gv_cli_finish(GV_EXIT_DONE);
}

static const gv_command *find_command(const char *name)
{
    for (const gv_command *const *command = gv_commands; *command != NULL; command++) {
        if (strcmp(name, (*command)->name) == 0) {
            return *command;
        }
    }
    return NULL;
}

static int refuse(const char *name)
{
    const char *names[COMMANDS_MAX];
    size_t count = 0;
    for (; gv_commands[count] != NULL && count < COMMANDS_MAX; count++) {
        names[count] = gv_commands[count]->name;
    }
    const char *nearest = gv_param_nearest(names, count, name);
    (void)fprintf(stderr, "gavel: there is no %s '%s'", name[0] == '-' ? "option" : "command",
                  name);
    if (nearest == NULL) {
        (void)fputs(": `gavel --help` lists them\n", stderr);
    } else {
        (void)fprintf(stderr, "; did you mean '%s'?\n", nearest);
    }
    return GV_EXIT_USAGE;
}

static int run_command(const gv_command *command, int argc, char **argv)
{
    static char name[64];
    (void)snprintf(name, sizeof name, "gavel %s", command->name);
    argv[0] = name;
    return command->run(argc, argv);
}

int main(int argc, char **argv)
{
    gv_cli_mend_blas_core(argv);
    argp_err_exit_status = GV_EXIT_USAGE;
    /* A file-size limit is then a write that failed and can be told, like a full disk. */
    (void)signal(SIGXFSZ, SIG_IGN);
    if (argc < 2) {
        print_usage(stderr);
        return GV_EXIT_USAGE;
    }
    const char *word = argv[1];
    if (strcmp(word, "--version") == 0) {
        return print_version(argc > 2 && strcmp(argv[2], "--json") == 0);
    }
    const bool asks_help = strcmp(word, "help") == 0 || strcmp(word, "--help") == 0;
    if (asks_help && argc == 2) {
        print_usage(stdout);
        return gv_cli_finish(GV_EXIT_DONE);
    }
    if (asks_help && find_command(argv[2]) != NULL) {
        char help[] = "--help";
        char *arguments[] = {argv[0], help, NULL};
        return run_command(find_command(argv[2]), 2, arguments);
    }
    const gv_command *command = find_command(word);
    return command == NULL ? refuse(word) : run_command(command, argc - 1, argv + 1);
}
