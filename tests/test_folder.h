/*
 * test_folder.h - a folder of a test's own under ${TMPDIR:-/tmp}, empty at its start and removed
 * with its plain files at its end. The test's *state is the const test_folder *.
 */
#ifndef TESTS_TEST_FOLDER_H
#define TESTS_TEST_FOLDER_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmocka_all.h"

enum { TEST_PATH_SIZE = 512 };

typedef struct test_folder {
    char path[TEST_PATH_SIZE / 2];
} test_folder;

/* The path of `name` in the folder; `path`: [TEST_PATH_SIZE]. */
static inline void test_folder_path(const test_folder *folder, const char *name, char *path)
{
    (void)snprintf(path, TEST_PATH_SIZE, "%s/%s", folder->path, name);
}

/* Names in the folder, "." and ".." aside; with `remove` they go. */
static inline int test_folder_visit(const test_folder *folder, bool removes)
{
    int count = 0;
    DIR *names = opendir(folder->path);
    const struct dirent *entry = NULL;
    while (names != NULL && (entry = readdir(names)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            char path[TEST_PATH_SIZE + sizeof entry->d_name];
            (void)snprintf(path, sizeof path, "%s/%s", folder->path, entry->d_name);
            count++;
            if (removes) {
                (void)unlink(path);
            }
        }
    }
    if (names != NULL) {
        (void)closedir(names);
    }
    return count;
}

static inline int test_folder_count(const test_folder *folder)
{
    return test_folder_visit(folder, false);
}

static inline int test_folder_make(void **state)
{
    const char *base = getenv("TMPDIR");
    test_folder *folder = calloc(1, sizeof *folder);
    if (folder == NULL) {
        return -1;
    }
    (void)snprintf(folder->path, sizeof folder->path, "%s/gavel-test-XXXXXX",
                   base != NULL ? base : "/tmp");
    *state = folder;
    return mkdtemp(folder->path) != NULL ? 0 : -1;
}

static inline int test_folder_remove(void **state)
{
    test_folder *folder = *state;
    (void)test_folder_visit(folder, true);
    (void)rmdir(folder->path);
    free(folder);
    return 0;
}

/* Reads as the cmocka_unit_test() that it stands for. */
/* NOLINTNEXTLINE(readability-identifier-naming) */
#define test_in_folder(test) \
    cmocka_unit_test_setup_teardown(test, test_folder_make, test_folder_remove)

#endif
