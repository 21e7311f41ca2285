/*
 * Outputs. An O_TMPFILE has no name until linkat gives it one, so a killed run leaves no
 * litter; it cannot replace an existing name, so it is linked beside and renamed. Where the
 * file system or a missing /proc forbids that, a named temporary file does.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/base/file.h"
#include "sim/base/mem.h"

enum { BUFFER_SIZE = 1 << 18, EARLY_SIZE = 1 << 17 };

struct gv_file_writer {
    char *path;
    char *folder;
    char *temporary; /* PATH.tmp-PID */
    int fd;
    bool is_named;        /* `temporary` exists */
    bool is_scratch;      /* never committed */
    uint64_t flushed;     /* where the buffer's first byte belongs */
    _Atomic uint64_t end; /* bytes written past the buffer */
    size_t buffered;
    unsigned char buffer[]; /* [BUFFER_SIZE] */
};

static gv_status say_write_failed(const gv_file_writer *writer, int error)
{
    if (error == ENOSPC || error == EDQUOT || error == EFBIG) {
        return GV_FAIL(GV_EIO, "%s: cannot write: %s; free some space or name another folder",
                       writer->path, strerror(error));
    }
    return GV_FAIL(GV_EIO, "%s: cannot write: %s", writer->path, strerror(error));
}

static gv_status write_fully(const gv_file_writer *writer, uint64_t offset,
                             const unsigned char *bytes, size_t size)
{
    while (size > 0) {
        const ssize_t wrote = pwrite(writer->fd, bytes, size, (off_t)offset);
        if (wrote > 0) {
            bytes += wrote;
            offset += (uint64_t)wrote;
            size -= (size_t)wrote;
        } else if (wrote == 0) {
            return say_write_failed(writer, ENOSPC);
        } else if (errno != EINTR) {
            return say_write_failed(writer, errno);
        }
    }
    return GV_OK;
}

/* The folder that holds `path`, with its slash; "./" for a bare name. */
static char *copy_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL) {
        return gv_mem_copy_text("./");
    }
    const size_t size = (size_t)(slash - path) + 1;
    char *folder = gv_mem_alloc(0, size + 1, 1);
    if (folder != NULL) {
        memcpy(folder, path, size);
    }
    return folder;
}

static char *name_temporary(const char *path)
{
    const size_t size = strlen(path) + 32;
    char *name = gv_mem_alloc(0, size, 1);
    if (name != NULL) {
        (void)snprintf(name, size, "%s.tmp-%ld", path, (long)getpid());
    }
    return name;
}

/* Without /proc an unnamed file could never get a name. */
static bool can_link_unnamed(int fd)
{
    char link[64];
    struct stat facts;
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    return stat(link, &facts) == 0;
}

static gv_status open_unnamed(gv_file_writer *writer)
{
    writer->fd = open(writer->folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
    if (writer->fd >= 0 && !writer->is_scratch && !can_link_unnamed(writer->fd)) {
        (void)close(writer->fd);
        writer->fd = -1;
        errno = EOPNOTSUPP;
    }
    return writer->fd >= 0 ? GV_OK : GV_EIO;
}

/* A leftover of a dead process with our number is nobody's. */
static gv_status open_named(gv_file_writer *writer)
{
    (void)unlink(writer->temporary);
    writer->fd = open(writer->temporary, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0666);
    if (writer->fd < 0) {
        return GV_FAIL(GV_EIO, "%s: cannot create a file in its folder: %s", writer->path,
                       strerror(errno));
    }
    writer->is_named = true;
    if (writer->is_scratch) {
        (void)unlink(writer->temporary);
        writer->is_named = false;
    }
    return GV_OK;
}

/* What a rename could not replace is better said before the work than after it. */
static gv_status check_target(const char *path)
{
    struct stat facts;
    const size_t size = strlen(path);
    if (size == 0 || path[size - 1] == '/') {
        return GV_FAIL(GV_EIO, "'%s': names no file to write", path);
    }
    if (stat(path, &facts) == 0 && !S_ISREG(facts.st_mode)) {
        return GV_FAIL(GV_EIO, "%s: is %s, which an output file cannot replace", path,
                       S_ISDIR(facts.st_mode) ? "a directory" : "not a regular file");
    }
    return GV_OK;
}

static gv_status create(const char *path, bool is_scratch, gv_file_writer **out)
{
    gv_file_writer *writer = gv_mem_alloc(sizeof *writer, BUFFER_SIZE, 1);
    if (writer == NULL) {
        return GV_FAIL(GV_ENOMEM, "%s: no memory to write it", path);
    }
    gv_status status = GV_OK;
    writer->fd = -1;
    writer->is_scratch = is_scratch;
    writer->path = gv_mem_copy_text(path);
    writer->folder = writer->path == NULL ? NULL : copy_folder(path);
    writer->temporary = writer->folder == NULL ? NULL : name_temporary(path);
    if (writer->temporary == NULL) {
        status = GV_FAIL(GV_ENOMEM, "%s: no memory to write it", path);
        goto fail;
    }
    if (open_unnamed(writer) != GV_OK) {
        GV_TRY_GOTO(status, open_named(writer), fail);
    }
    *out = writer;
    return GV_OK;
fail:
    gv_file_abandon(writer);
    return status;
}

gv_status gv_file_writer_create(const char *path, gv_file_writer **out)
{
    GV_TRY(check_target(path));
    return create(path, false, out);
}

gv_status gv_file_scratch_create(const char *path, gv_file_writer **out)
{
    return create(path, true, out);
}

static void raise_end(gv_file_writer *writer, uint64_t end)
{
    uint64_t known = atomic_load(&writer->end);
    while (known < end && !atomic_compare_exchange_weak(&writer->end, &known, end)) {
    }
}

static gv_status flush(gv_file_writer *writer)
{
    GV_TRY(write_fully(writer, writer->flushed, writer->buffer, writer->buffered));
    writer->flushed += writer->buffered;
    writer->buffered = 0;
    raise_end(writer, writer->flushed);
    return GV_OK;
}

gv_status gv_file_write(gv_file_writer *writer, const void *bytes, size_t size)
{
    assert(writer->buffered > 0 || writer->flushed <= atomic_load(&writer->end));
    if (writer->buffered == 0) {
        writer->flushed = atomic_load(&writer->end);
    }
    if (size > BUFFER_SIZE - writer->buffered) {
        GV_TRY(flush(writer));
    }
    if (size >= BUFFER_SIZE) {
        return gv_file_write_at(writer, writer->flushed, bytes, size);
    }
    if (size > 0) {
        memcpy(writer->buffer + writer->buffered, bytes, size);
        writer->buffered += size;
    }
    return GV_OK;
}

uint64_t gv_file_writer_offset(const gv_file_writer *writer)
{
    return writer->buffered > 0 ? writer->flushed + writer->buffered : atomic_load(&writer->end);
}

gv_status gv_file_write_at(gv_file_writer *writer, uint64_t offset, const void *bytes, size_t size)
{
    assert(writer->buffered == 0);
    assert(offset <= INT64_MAX - size);
    GV_TRY(write_fully(writer, offset, bytes, size));
    raise_end(writer, offset + size);
    if (size >= EARLY_SIZE && !writer->is_scratch) { /* the disk starts before commit waits */
        (void)sync_file_range(writer->fd, (off_t)offset, (off_t)size, SYNC_FILE_RANGE_WRITE);
    }
    return GV_OK;
}

gv_status gv_file_rewrite(gv_file_writer *writer, uint64_t offset, const void *bytes, size_t size)
{
    GV_TRY(flush(writer));
    assert(offset + size <= atomic_load(&writer->end));
    return write_fully(writer, offset, bytes, size);
}

gv_status gv_file_writer_map(gv_file_writer *writer, gv_file_map *out)
{
    GV_TRY(flush(writer));
    gv_file_map map = {.bytes = NULL, .size = (size_t)atomic_load(&writer->end)};
    if (map.size > 0) {
        void *bytes = mmap(NULL, map.size, PROT_READ, MAP_SHARED, writer->fd, 0);
        if (bytes == MAP_FAILED) {
            return GV_FAIL(GV_EIO, "%s: cannot map %zu bytes of work beside it: %s", writer->path,
                           map.size, strerror(errno));
        }
        map.bytes = bytes;
    }
    *out = map;
    return GV_OK;
}

static gv_status give_name(gv_file_writer *writer)
{
    char link[64];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", writer->fd);
    (void)unlink(writer->temporary);
    if (linkat(AT_FDCWD, link, AT_FDCWD, writer->temporary, AT_SYMLINK_FOLLOW) != 0) {
        return say_write_failed(writer, errno);
    }
    writer->is_named = true;
    return GV_OK;
}

/* The rename itself lives in the folder, which has to reach the disk as well. */
static void sync_folder(const char *folder)
{
    assert(folder != NULL);
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        (void)close(fd);
    }
}

static gv_status commit(gv_file_writer *writer)
{
    GV_TRY(flush(writer));
    if (fsync(writer->fd) != 0) {
        return say_write_failed(writer, errno);
    }
    if (!writer->is_named) {
        GV_TRY(give_name(writer));
    }
    if (rename(writer->temporary, writer->path) != 0) {
        return say_write_failed(writer, errno);
    }
    writer->is_named = false;
    sync_folder(writer->folder);
    return GV_OK;
}

gv_status gv_file_commit(gv_file_writer *writer)
{
    assert(!writer->is_scratch);
    const gv_status status = commit(writer);
    gv_file_abandon(writer);
    return status;
}

void gv_file_abandon(gv_file_writer *writer)
{
    if (writer == NULL) {
        return;
    }
    if (writer->is_named) {
        assert(writer->temporary != NULL);
        (void)unlink(writer->temporary);
    }
    if (writer->fd >= 0) {
        (void)close(writer->fd);
    }
    gv_mem_free(writer->temporary);
    gv_mem_free(writer->folder);
    gv_mem_free(writer->path);
    gv_mem_free(writer);
}
