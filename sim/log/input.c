#include <archive.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/base/hash.h"
#include "sim/base/mem.h"
#include "sim/log/input_impl.h"

enum {
    OVERLONG_SHOWN = 200, /* bytes of an overlong line that its reject keeps */
};

struct gv_input {
    int file;
    struct archive *archive; /* NULL: plain */
    gv_hasher *hasher;
    uint64_t consumed;
    uint64_t decoded;
    const char *path; /* borrowed: the ingest's */
    size_t head_size; /* bytes of `block` that libarchive has not had yet */
    size_t carry_size;
    bool has_ended;
    bool is_skipping; /* the rest of an overlong line */
    char *carry;      /* [GV_INPUT_ROOM]: read, but behind the last whole line */
    char block[GV_BLOCK_SIZE];
};

/* Raw bytes, counted and hashed; 0 at the end. */
static gv_status read_raw(gv_input *input, char *bytes, size_t capacity, size_t *size)
{
    ssize_t count = 0;
    do {
        count = read(input->file, bytes, capacity);
    } while (count < 0 && errno == EINTR);
    if (count < 0) {
        return GV_FAIL(GV_EIO, "%s: cannot be read: %s", input->path, strerror(errno));
    }
    gv_hasher_add(input->hasher, bytes, (size_t)count);
    input->consumed += (uint64_t)count;
    *size = (size_t)count;
    return GV_OK;
}

static la_ssize_t feed(struct archive *archive, void *context, const void **bytes)
{
    gv_input *input = context;
    size_t size = input->head_size;
    input->head_size = 0;
    if (size == 0 && read_raw(input, input->block, sizeof input->block, &size) != GV_OK) {
        archive_set_error(archive, EIO, "%s", gv_status_detail());
        return -1;
    }
    *bytes = input->block;
    return (la_ssize_t)size;
}

static gv_status fail_archive(const gv_input *input, const char *fallback)
{
    const char *const said = archive_error_string(input->archive);
    return GV_FAIL(GV_EIO,
                   "%s: %s near byte %" PRIu64 " of the file (%" PRIu64
                   " bytes decompressed): is the file complete?",
                   input->path, said != NULL ? said : fallback, input->consumed, input->decoded);
}

/* Decompressed or plain bytes; 0 at the end. */
static gv_status read_some(gv_input *input, char *bytes, size_t capacity, size_t *size)
{
    *size = 0;
    if (input->has_ended || capacity == 0) {
        return GV_OK;
    }
    if (input->archive == NULL) {
        GV_TRY(read_raw(input, bytes, capacity, size));
    } else {
        const la_ssize_t count = archive_read_data(input->archive, bytes, capacity);
        if (count < 0) {
            return fail_archive(input, "damaged compressed data");
        }
        *size = (size_t)count;
    }
    input->decoded += *size;
    input->has_ended = *size == 0;
    return GV_OK;
}

static bool starts_with(const gv_input *input, const char *magic, size_t size)
{
    return input->head_size >= size && memcmp(input->block, magic, size) == 0;
}

/* By the first bytes: names lie, and pipes have none. */
static bool is_compressed(const gv_input *input)
{
    return starts_with(input, "\x1f\x8b", 2) || starts_with(input, "BZh", 3) ||
           starts_with(input, "\x28\xb5\x2f\xfd", 4) ||
           starts_with(input,
                       "\xfd"
                       "7zXZ",
                       5) ||
           starts_with(input, "\x04\x22\x4d\x18", 4) ||
           (input->head_size >= 4 && (input->block[0] & 0xF0) == 0x50 &&
            memcmp(input->block + 1, "\x2a\x4d\x18", 3) == 0);
}

/* An empty content ends at once: libarchive must not be asked for its data. */
static gv_status open_archive(gv_input *input)
{
    input->archive = archive_read_new();
    if (input->archive == NULL) {
        return GV_FAIL(GV_ENOMEM, "%s: no memory to decompress", input->path);
    }
    if (archive_read_support_filter_all(input->archive) < ARCHIVE_WARN ||
        archive_read_support_format_raw(input->archive) < ARCHIVE_WARN ||
        archive_read_support_format_empty(input->archive) < ARCHIVE_WARN) {
        return fail_archive(input, "libarchive lacks the raw format");
    }
    if (archive_read_open(input->archive, input, NULL, feed, NULL) != ARCHIVE_OK) {
        return fail_archive(input, "damaged compressed data");
    }
    struct archive_entry *entry = NULL;
    const int found = archive_read_next_header(input->archive, &entry);
    if (found != ARCHIVE_OK && found != ARCHIVE_EOF) {
        return fail_archive(input, "damaged compressed data");
    }
    input->has_ended = found == ARCHIVE_EOF;
    return GV_OK;
}

/* What is no text in UTF-8 or ASCII is said at once, not row by row. */
static gv_status check_text(gv_input *input)
{
    const char *const bytes = input->carry;
    const size_t size = input->carry_size;
    if (size >= 4 && memcmp(bytes, "PK\x03\x04", 4) == 0) {
        return GV_FAIL(GV_EIO, "%s: is a zip archive: unpack it first", input->path);
    }
    if (size >= 2 && (memcmp(bytes, "\xff\xfe", 2) == 0 || memcmp(bytes, "\xfe\xff", 2) == 0)) {
        return GV_FAIL(GV_EIO, "%s: is UTF-16 text: convert it first, as with iconv -t UTF-8",
                       input->path);
    }
    if (size >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) {
        input->carry_size -= 3;
        memmove(input->carry, input->carry + 3, input->carry_size);
    }
    return GV_OK;
}

/* The first block decides how the rest is read. */
static gv_status begin(gv_input *input)
{
    size_t size = 0;
    do { /* a pipe may give less than the magic at first */
        GV_TRY(read_raw(input, input->block + input->head_size,
                        sizeof input->block - input->head_size, &size));
        input->head_size += size;
    } while (size > 0 && input->head_size < 16);
    if (is_compressed(input)) {
        GV_TRY(open_archive(input));
        do {
            GV_TRY(read_some(input, input->carry + input->carry_size,
                             GV_BLOCK_SIZE - input->carry_size, &size));
            input->carry_size += size;
        } while (size > 0 && input->carry_size < 16);
    } else {
        memcpy(input->carry, input->block, input->head_size);
        input->carry_size = input->head_size;
        input->decoded = input->head_size;
        input->head_size = 0;
    }
    return check_text(input);
}

static gv_status open_file(gv_input *input)
{
    input->file = open(input->path, O_RDONLY | O_CLOEXEC);
    if (input->file < 0) {
        return GV_FAIL(GV_EIO, "%s: cannot be opened: %s", input->path, strerror(errno));
    }
    struct stat about;
    if (fstat(input->file, &about) == 0 && S_ISDIR(about.st_mode)) {
        return GV_FAIL(GV_EIO, "%s: is a directory: name the files in it", input->path);
    }
    (void)posix_fadvise(input->file, 0, 0, POSIX_FADV_SEQUENTIAL);
    return GV_OK;
}

gv_status gv_input_open(const char *path, gv_input **out)
{
    gv_input *input = gv_mem_alloc(sizeof *input, 0, 0);
    if (input == NULL) {
        return GV_FAIL(GV_ENOMEM, "%s: no memory to read it", path);
    }
    gv_status status = GV_OK;
    input->file = -1;
    input->path = path;
    input->carry = gv_mem_alloc_vector(GV_INPUT_ROOM, 1);
    input->hasher = gv_hasher_create();
    if (input->carry == NULL || input->hasher == NULL) {
        status = GV_FAIL(GV_ENOMEM, "%s: no memory to read it", path);
        goto fail;
    }
    GV_TRY_GOTO(status, open_file(input), fail);
    GV_TRY_GOTO(status, begin(input), fail);
    *out = input;
    return GV_OK;
fail:
    gv_input_close(input);
    return status;
}

void gv_input_close(gv_input *input)
{
    if (input == NULL) {
        return;
    }
    if (input->archive != NULL) {
        (void)archive_read_free(input->archive);
    }
    if (input->file >= 0) {
        (void)close(input->file);
    }
    gv_hasher_destroy(input->hasher);
    gv_mem_free(input->carry);
    gv_mem_free(input);
}

static void keep(gv_input *input, const char *bytes, size_t size)
{
    assert(size <= GV_INPUT_ROOM);
    memcpy(input->carry, bytes, size);
    input->carry_size = size;
}

/* To GV_PIECE_SIZE bytes, and on until there is a whole line or one that is too long. */
static gv_status fill(gv_input *input, char *buffer, size_t *size, const char **newline)
{
    memcpy(buffer, input->carry, input->carry_size);
    *size = input->carry_size;
    input->carry_size = 0;
    size_t target = *size < GV_PIECE_SIZE ? GV_PIECE_SIZE : *size;
    for (;;) {
        size_t count = 1;
        while (*size < target && count > 0) {
            GV_TRY(read_some(input, buffer + *size, target - *size, &count));
            *size += count;
        }
        *newline = memrchr(buffer, '\n', *size);
        if (*newline != NULL || input->has_ended || *size > GV_LINE_MAX) {
            return GV_OK;
        }
        target = *size + GV_PIECE_SIZE;
        assert(target <= GV_INPUT_ROOM);
    }
}

/* Drops everything up to and with the next newline. */
static gv_status skip_line(gv_input *input, char *buffer)
{
    size_t size = input->carry_size;
    memcpy(buffer, input->carry, size);
    input->carry_size = 0;
    do {
        const char *const newline = memchr(buffer, '\n', size);
        if (newline != NULL) {
            const size_t used = (size_t)(newline + 1 - buffer);
            keep(input, newline + 1, size - used);
            break;
        }
        GV_TRY(read_some(input, buffer, GV_PIECE_SIZE, &size));
    } while (size > 0);
    input->is_skipping = false;
    return GV_OK;
}

gv_status gv_input_lines(gv_input *input, char *buffer, gv_piece *piece)
{
    if (input->is_skipping) {
        GV_TRY(skip_line(input, buffer));
    }
    size_t size = 0;
    const char *newline = NULL;
    GV_TRY(fill(input, buffer, &size, &newline));
    if (newline == NULL && size > GV_LINE_MAX) {
        input->is_skipping = true;
        *piece = (gv_piece){.text = buffer, .size = OVERLONG_SHOWN, .is_overlong = true};
        return GV_OK;
    }
    if (input->has_ended && size > 0 && buffer[size - 1] != '\n') {
        buffer[size] = '\n';
        newline = buffer + size;
        size++;
    }
    const size_t whole = newline == NULL ? 0 : (size_t)(newline + 1 - buffer);
    keep(input, buffer + whole, size - whole);
    *piece = (gv_piece){.text = buffer, .size = whole};
    return GV_OK;
}

gv_status gv_input_bytes(gv_input *input, char *buffer, size_t capacity, size_t *size)
{
    if (input->carry_size > 0) {
        *size = input->carry_size < capacity ? input->carry_size : capacity;
        memcpy(buffer, input->carry, *size);
        input->carry_size -= *size;
        memmove(input->carry, input->carry + *size, input->carry_size);
        return GV_OK;
    }
    return read_some(input, buffer, capacity, size);
}

uint64_t gv_input_consumed(const gv_input *input)
{
    return input->consumed;
}

uint64_t gv_input_hash(const gv_input *input)
{
    return gv_hasher_value(input->hasher);
}
