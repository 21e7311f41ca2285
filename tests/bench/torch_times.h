/*
 * torch_times.h - PyTorch's side of a benchmark: a script that prints NAME MILLISECONDS a line, run
 * by Debian's python3 and by PYTHON where that is another one.
 */
#ifndef TESTS_BENCH_TORCH_TIMES_H
#define TESTS_BENCH_TORCH_TIMES_H

#include <fcntl.h>
#include <spawn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TORCHES = 2, TORCH_NAMES_MAX = 32, TORCH_NAME_SIZE = 32, TORCH_PATH_SIZE = 512 };

typedef struct torch_times {
    char version[64]; /* empty: no PyTorch there */
    size_t count;
    char names[TORCH_NAMES_MAX][TORCH_NAME_SIZE];
    double milliseconds[TORCH_NAMES_MAX];
} torch_times;

/* 0: it was not measured. */
static inline double torch_time(const torch_times *times, const char *name)
{
    for (size_t i = 0; i < times->count; i++) {
        if (strcmp(times->names[i], name) == 0) {
            return times->milliseconds[i];
        }
    }
    return 0;
}

static inline void torch_read_line(torch_times *times, char *line)
{
    char *value = strchr(line, ' ');
    if (value == NULL) {
        return;
    }
    *value++ = '\0';
    value[strcspn(value, "\n")] = '\0';
    if (strcmp(line, "version") == 0) {
        (void)snprintf(times->version, sizeof times->version, "%.*s",
                       (int)sizeof times->version - 1, value);
    } else if (times->count < TORCH_NAMES_MAX) {
        (void)snprintf(times->names[times->count], TORCH_NAME_SIZE, "%.*s", TORCH_NAME_SIZE - 1,
                       line);
        times->milliseconds[times->count++] = strtod(value, NULL);
    }
}

static inline void torch_ask(char *python, char *script, torch_times *times)
{
    const char *temporary = getenv("TMPDIR");
    char path[TORCH_PATH_SIZE];
    (void)snprintf(path, sizeof path, "%s/gavel-bench-XXXXXX",
                   temporary == NULL ? "/tmp" : temporary);
    const int output = mkstemp(path);
    if (output < 0) {
        return;
    }
    char *const argv[] = {python, script, NULL};
    posix_spawn_file_actions_t actions;
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    (void)posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t child = 0;
    if (posix_spawnp(&child, python, &actions, NULL, argv, environ) == 0) {
        (void)waitpid(child, NULL, 0);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    FILE *file = fdopen(output, "r");
    char line[128];
    rewind(file);
    while (fgets(line, sizeof line, file) != NULL) {
        torch_read_line(times, line);
    }
    (void)fclose(file);
    (void)unlink(path);
}

static inline void torch_ask_all(char *script, torch_times times[TORCHES])
{
    char debian[] = "/usr/bin/python3";
    char *other = getenv("PYTHON");
    memset(times, 0, TORCHES * sizeof *times);
    torch_ask(debian, script, &times[0]);
    if (other != NULL && strcmp(other, debian) != 0) {
        torch_ask(other, script, &times[1]);
    }
}

#endif
