/* Outputs are whole or absent; inputs that are no plain file are said so. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmocka_all.h"
#include "sim/base/file.h"
#include "sim/base/hash.h"
#include "sim/base/mem.h"
#include "test_folder.h"

static void write_file(const char *path, const char *text)
{
    gv_file_writer *writer = NULL;
    assert_int_equal(gv_file_writer_create(path, &writer), GV_OK);
    assert_int_equal(gv_file_write(writer, text, strlen(text)), GV_OK);
    assert_int_equal(gv_file_commit(writer), GV_OK);
}

static void assert_holds(const char *path, const char *expected)
{
    char *text = NULL;
    size_t size = 0;
    assert_int_equal(gv_file_read_text(path, 1 << 20, &text, &size), GV_OK);
    assert_string_equal(text, expected);
    assert_int_equal(size, strlen(expected));
    gv_mem_free(text);
}

static void committed_file_holds_what_was_written(void **state)
{
    const test_folder *folder = *state;
    char path[TEST_PATH_SIZE];
    test_folder_path(folder, "a", path);
    write_file(path, "first");
    assert_holds(path, "first");
    write_file(path, "second");
    assert_holds(path, "second");
    assert_int_equal(test_folder_count(folder), 1);
}

static void abandoned_file_leaves_the_old_one(void **state)
{
    const test_folder *folder = *state;
    char path[TEST_PATH_SIZE];
    test_folder_path(folder, "a", path);
    write_file(path, "old");
    gv_file_writer *writer = NULL;
    assert_int_equal(gv_file_writer_create(path, &writer), GV_OK);
    assert_int_equal(gv_file_write(writer, "new", 3), GV_OK);
    gv_file_abandon(writer);
    assert_holds(path, "old");
    assert_int_equal(test_folder_count(folder), 1);
}

static void large_and_small_writes_keep_their_order(void **state)
{
    const test_folder *folder = *state;
    enum { COUNT = 60 };
    char path[TEST_PATH_SIZE];
    test_folder_path(folder, "a", path);
    gv_file_writer *writer = NULL;
    assert_int_equal(gv_file_writer_create(path, &writer), GV_OK);
    unsigned char *piece = gv_mem_alloc(0, 1 << 20, 1);
    gv_hasher *hasher = gv_hasher_create();
    uint64_t total = 0;
    for (size_t i = 0; i < COUNT; i++) {
        const size_t size = i * i * i * 4 % 600000;
        memset(piece, (int)i, size);
        assert_int_equal(gv_file_write(writer, piece, size), GV_OK);
        gv_hasher_add(hasher, piece, size);
        total += size;
        assert_int_equal(gv_file_writer_offset(writer), total);
    }
    assert_int_equal(gv_file_commit(writer), GV_OK);
    uint64_t hash = 0;
    assert_int_equal(gv_hash_file(path, &hash), GV_OK);
    assert_int_equal(hash, gv_hasher_value(hasher));
    gv_file_map map;
    assert_int_equal(gv_file_map_open(path, &map), GV_OK);
    assert_int_equal(map.size, total);
    assert_int_equal(gv_hash(map.bytes, map.size), hash);
    gv_file_map_close(&map);
    gv_hasher_destroy(hasher);
    gv_mem_free(piece);
}

static void header_can_be_written_last(void **state)
{
    const test_folder *folder = *state;
    char path[TEST_PATH_SIZE];
    test_folder_path(folder, "a", path);
    gv_file_writer *writer = NULL;
    assert_int_equal(gv_file_writer_create(path, &writer), GV_OK);
    assert_int_equal(gv_file_write(writer, "????body", 8), GV_OK);
    assert_int_equal(gv_file_rewrite(writer, 0, "head", 4), GV_OK);
    assert_int_equal(gv_file_write(writer, "tail", 4), GV_OK);
    assert_int_equal(gv_file_rewrite(writer, 8, "T", 1), GV_OK);
    gv_file_map map;
    assert_int_equal(gv_file_writer_map(writer, &map), GV_OK);
    assert_memory_equal(map.bytes, "headbodyTail", 12);
    gv_file_map_close(&map);
    assert_int_equal(gv_file_write_at(writer, 14, "x", 1), GV_OK);
    assert_int_equal(gv_file_writer_offset(writer), 15);
    assert_int_equal(gv_file_write_at(writer, 12, "..", 2), GV_OK);
    assert_int_equal(gv_file_commit(writer), GV_OK);
    assert_holds(path, "headbodyTail..x");
}

static void scratch_has_no_name(void **state)
{
    const test_folder *folder = *state;
    char path[TEST_PATH_SIZE];
    test_folder_path(folder, "a", path);
    gv_file_writer *writer = NULL;
    assert_int_equal(gv_file_scratch_create(path, &writer), GV_OK);
    assert_int_equal(gv_file_write(writer, "work", 4), GV_OK);
    gv_file_map map;
    assert_int_equal(gv_file_writer_map(writer, &map), GV_OK);
    assert_memory_equal(map.bytes, "work", 4);
    assert_int_equal(test_folder_count(folder), 0);
    gv_file_abandon(writer);
    assert_memory_equal(map.bytes, "work", 4);
    gv_file_map_close(&map);
}

static void what_is_no_file_is_said_so(void **state)
{
    const test_folder *folder = *state;
    char path[TEST_PATH_SIZE];
    gv_file_map map;
    gv_file_writer *writer = NULL;
    char *text = NULL;
    uint64_t hash = 0;
    test_folder_path(folder, "absent", path);
    assert_int_equal(gv_file_map_open(path, &map), GV_EIO);
    assert_int_equal(gv_hash_file(path, &hash), GV_EIO);
    assert_non_null(strstr(gv_status_detail(), "absent"));
    assert_int_equal(gv_file_map_open(folder->path, &map), GV_EIO);
    assert_non_null(strstr(gv_status_detail(), "is a directory"));
    assert_int_equal(gv_hash_file(folder->path, &hash), GV_EIO);
    assert_int_equal(gv_file_read_text(folder->path, 100, &text, NULL), GV_EIO);
    assert_int_equal(gv_file_writer_create(folder->path, &writer), GV_EIO);
    assert_non_null(strstr(gv_status_detail(), "is a directory"));
    test_folder_path(folder, "absent/a", path);
    assert_int_equal(gv_file_writer_create(path, &writer), GV_EIO);
    assert_non_null(strstr(gv_status_detail(), "absent/a"));
    test_folder_path(folder, "pipe", path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(gv_file_map_open(path, &map), GV_EIO);
    assert_non_null(strstr(gv_status_detail(), "not a regular file"));
    assert_int_equal(gv_file_writer_create(path, &writer), GV_EIO);
    assert_null(writer);
}

static void text_has_a_limit_and_no_nul(void **state)
{
    const test_folder *folder = *state;
    char path[TEST_PATH_SIZE];
    char *text = NULL;
    test_folder_path(folder, "a", path);
    write_file(path, "12345");
    assert_int_equal(gv_file_read_text(path, 4, &text, NULL), GV_EPARSE);
    assert_int_equal(gv_file_read_text(path, 5, &text, NULL), GV_OK);
    assert_string_equal(text, "12345");
    gv_mem_free(text);
    text = NULL;
    gv_file_writer *writer = NULL;
    assert_int_equal(gv_file_writer_create(path, &writer), GV_OK);
    assert_int_equal(gv_file_write(writer, "ab\0c", 4), GV_OK);
    assert_int_equal(gv_file_commit(writer), GV_OK);
    assert_int_equal(gv_file_read_text(path, 100, &text, NULL), GV_EPARSE);
    assert_non_null(strstr(gv_status_detail(), "offset 2"));
    write_file(path, "");
    assert_holds(path, "");
    gv_file_map map;
    assert_int_equal(gv_file_map_open(path, &map), GV_OK);
    assert_null(map.bytes);
    gv_file_map_close(&map);
    assert_null(text);
}

/* The child may write 64 KiB only: the kernel's EFBIG stands for a full disk. */
static int child_meets_a_full_disk(const char *path)
{
    static char bytes[1 << 20];
    const struct rlimit limit = {1 << 16, 1 << 16};
    gv_file_writer *writer = NULL;
    (void)signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0 || gv_file_writer_create(path, &writer) != GV_OK) {
        return 1;
    }
    gv_status status = gv_file_write(writer, bytes, sizeof bytes / 8);
    if (status == GV_OK) {
        status = gv_file_commit(writer);
    } else {
        gv_file_abandon(writer);
    }
    if (status != GV_EIO || strstr(gv_status_detail(), path) == NULL ||
        strstr(gv_status_detail(), "free some space") == NULL) {
        return 2;
    }
    return 0;
}

static void full_disk_is_one_sentence_and_no_file(void **state)
{
    const test_folder *folder = *state;
    char path[TEST_PATH_SIZE];
    test_folder_path(folder, "a", path);
    const pid_t child = fork();
    if (child == 0) {
        _exit(child_meets_a_full_disk(path));
    }
    int exit_status = -1;
    assert_int_equal(waitpid(child, &exit_status, 0), child);
    assert_int_equal(exit_status, 0);
    assert_int_equal(test_folder_count(folder), 0);
}

static void killed_writer_leaves_nothing(void **state)
{
    const test_folder *folder = *state;
    char path[TEST_PATH_SIZE];
    test_folder_path(folder, "a", path);
    const pid_t child = fork();
    if (child == 0) {
        gv_file_writer *writer = NULL;
        static char bytes[1 << 20];
        if (gv_file_writer_create(path, &writer) == GV_OK &&
            gv_file_write(writer, bytes, sizeof bytes) == GV_OK) {
            (void)raise(SIGKILL);
        }
        _exit(1);
    }
    int exit_status = -1;
    assert_int_equal(waitpid(child, &exit_status, 0), child);
    assert_true(WIFSIGNALED(exit_status));
    assert_int_not_equal(access(path, F_OK), 0);
    write_file(path, "next");
    assert_holds(path, "next");
}

static void every_allocation_may_fail(void **state)
{
    const test_folder *folder = *state;
    char path[TEST_PATH_SIZE];
    test_folder_path(folder, "a", path);
    write_file(path, "text");
    gv_status status = GV_ENOMEM;
    for (int n = 0; status == GV_ENOMEM; n++) {
        gv_file_writer *writer = NULL;
        gv_mem_fail_after(n);
        status = gv_file_writer_create(path, &writer);
        gv_mem_fail_after(-1);
        gv_file_abandon(writer);
    }
    assert_int_equal(status, GV_OK);
    uint64_t hash = 0;
    gv_mem_fail_after(0);
    assert_int_equal(gv_hash_file(path, &hash), GV_ENOMEM);
    gv_mem_fail_after(1);
    assert_int_equal(gv_hash_file(path, &hash), GV_ENOMEM);
    char *text = NULL;
    gv_mem_fail_after(0);
    assert_int_equal(gv_file_read_text(path, 100, &text, NULL), GV_ENOMEM);
    assert_null(text);
    assert_holds(path, "text");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(committed_file_holds_what_was_written),
        test_in_folder(abandoned_file_leaves_the_old_one),
        test_in_folder(large_and_small_writes_keep_their_order),
        test_in_folder(header_can_be_written_last),
        test_in_folder(scratch_has_no_name),
        test_in_folder(what_is_no_file_is_said_so),
        test_in_folder(text_has_a_limit_and_no_nul),
        test_in_folder(full_disk_is_one_sentence_and_no_file),
        test_in_folder(killed_writer_leaves_nothing),
        test_in_folder(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
