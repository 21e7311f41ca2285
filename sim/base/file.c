#include "sim/base/file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/base/mem.h"

/* Non-blocking, so that a pipe nobody writes to cannot hang the opening. */
static gv_status open_to_read(const char *path, int *fd, struct stat *facts)
{
    const int opened = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (opened < 0) {
        return GV_FAIL(GV_EIO, "%s: cannot open: %s", path, strerror(errno));
    }
    if (fstat(opened, facts) != 0) {
        const int error = errno;
        (void)close(opened);
        return GV_FAIL(GV_EIO, "%s: cannot read: %s", path, strerror(error));
    }
    if (S_ISDIR(facts->st_mode)) {
        (void)close(opened);
        return GV_FAIL(GV_EIO, "%s: is a directory, expected a file", path);
    }
    *fd = opened;
    return GV_OK;
}

static gv_status map_opened(const char *path, int fd, const struct stat *facts, gv_file_map *out)
{
    if (!S_ISREG(facts->st_mode)) {
        return GV_FAIL(GV_EIO, "%s: is not a regular file, which alone can be mapped", path);
    }
    gv_file_map map = {.bytes = NULL, .size = (size_t)facts->st_size};
    if (map.size > 0) {
        void *bytes = mmap(NULL, map.size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (bytes == MAP_FAILED) {
            return GV_FAIL(GV_EIO, "%s: cannot map its %zu bytes: %s", path, map.size,
                           strerror(errno));
        }
        map.bytes = bytes;
    }
    *out = map;
    return GV_OK;
}

gv_status gv_file_map_open(const char *path, gv_file_map *out)
{
    int fd = -1;
    struct stat facts = {.st_mode = 0};
    GV_TRY(open_to_read(path, &fd, &facts));
    const gv_status status = map_opened(path, fd, &facts, out);
    (void)close(fd);
    return status;
}

void gv_file_map_close(gv_file_map *map)
{
    if (map->bytes != NULL) {
        /* The map is read-only, munmap() asks for a plain pointer. */
        /* NOLINTNEXTLINE(performance-no-int-to-ptr) */
        (void)munmap((void *)(uintptr_t)map->bytes, map->size);
    }
    *map = (gv_file_map){0};
}

/* Reads up to `capacity` bytes, fewer only at the end of the file. */
static gv_status read_fully(const char *path, int fd, char *bytes, size_t capacity, size_t *size)
{
    size_t filled = 0;
    while (filled < capacity) {
        const ssize_t got = read(fd, bytes + filled, capacity - filled);
        if (got == 0) {
            break;
        }
        if (got > 0) {
            filled += (size_t)got;
        } else if (errno != EINTR) {
            return GV_FAIL(GV_EIO, "%s: cannot read: %s", path, strerror(errno));
        }
    }
    *size = filled;
    return GV_OK;
}

/* Grows as it reads: the size that a pipe or /proc states means nothing. */
static gv_status read_text(const char *path, int fd, size_t size_max, char **text, size_t *size)
{
    size_t capacity = 4096;
    size_t filled = 0;
    for (;;) {
        capacity = capacity < size_max + 1 ? capacity : size_max + 1;
        char *grown = gv_mem_resize(*text, capacity + 1, 1);
        if (grown == NULL) {
            return GV_FAIL(GV_ENOMEM, "%s: no memory for its text", path);
        }
        *text = grown;
        size_t got = 0;
        GV_TRY(read_fully(path, fd, grown + filled, capacity - filled, &got));
        filled += got;
        if (filled > size_max) {
            return GV_FAIL(GV_EPARSE, "%s: larger than %zu bytes, which is too much for its kind",
                           path, size_max);
        }
        if (filled < capacity) {
            grown[filled] = '\0';
            *size = filled;
            return GV_OK;
        }
        capacity *= 2;
    }
}

static gv_status check_text(const char *path, const char *text, size_t size)
{
    assert(text != NULL);
    const char *nul = memchr(text, '\0', size);
    if (nul != NULL) {
        return GV_FAIL(GV_EPARSE, "%s: a NUL byte at offset %zu, expected text", path,
                       (size_t)(nul - text));
    }
    return GV_OK;
}

gv_status gv_file_read_text(const char *path, size_t size_max, char **text, size_t *size)
{
    int fd = -1;
    struct stat facts = {.st_mode = 0};
    char *bytes = NULL;
    size_t filled = 0;
    assert(size_max < SIZE_MAX / 2);
    GV_TRY(open_to_read(path, &fd, &facts));
    (void)fcntl(fd, F_SETFL, 0); /* a pipe is waited for */

    gv_status status = read_text(path, fd, size_max, &bytes, &filled);
    (void)close(fd);
    if (status == GV_OK) {
        status = check_text(path, bytes, filled);
    }
    if (status != GV_OK) {
        gv_mem_free(bytes);
        return status;
    }
    *text = bytes;
    if (size != NULL) {
        *size = filled;
    }
    return GV_OK;
}

const char *gv_file_temporary_folder(void)
{
    const char *folder = getenv("TMPDIR");
    return folder == NULL || folder[0] == '\0' ? "/tmp" : folder;
}
