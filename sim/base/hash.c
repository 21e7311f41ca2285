#include "sim/base/hash.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "sim/base/mem.h"

/* Compiled in: the streaming state's size is no part of the shared library's interface. */
#define XXH_INLINE_ALL
#include <xxhash.h>

enum { PIECE_SIZE = 1 << 18 };

struct gv_hasher {
    XXH3_state_t state;
};

uint64_t gv_hash(const void *bytes, size_t size)
{
    return XXH3_64bits(bytes, size);
}

gv_hasher *gv_hasher_create(void)
{
    gv_hasher *hasher = gv_mem_alloc_vector(1, sizeof *hasher);
    if (hasher != NULL) {
        gv_hasher_reset(hasher);
    }
    return hasher;
}

void gv_hasher_destroy(gv_hasher *hasher)
{
    gv_mem_free(hasher);
}

void gv_hasher_reset(gv_hasher *hasher)
{
    const XXH_errorcode code = XXH3_64bits_reset(&hasher->state);
    assert(code == XXH_OK);
}

void gv_hasher_add(gv_hasher *hasher, const void *bytes, size_t size)
{
    if (size > 0) {
        const XXH_errorcode code = XXH3_64bits_update(&hasher->state, bytes, size);
        assert(code == XXH_OK);
    }
}

uint64_t gv_hasher_value(const gv_hasher *hasher)
{
    return XXH3_64bits_digest(&hasher->state);
}

static gv_status add_file(gv_hasher *hasher, const char *path, int fd, unsigned char *piece)
{
    for (;;) {
        const ssize_t got = read(fd, piece, PIECE_SIZE);
        if (got > 0) {
            gv_hasher_add(hasher, piece, (size_t)got);
        } else if (got == 0) {
            return GV_OK;
        } else if (errno != EINTR) {
            return GV_FAIL(GV_EIO, "%s: cannot read: %s", path, strerror(errno));
        }
    }
}

gv_status gv_hash_file(const char *path, uint64_t *hash)
{
    gv_status status = GV_OK;
    gv_hasher *hasher = gv_hasher_create();
    unsigned char *piece = gv_mem_alloc_vector(PIECE_SIZE, 1);
    int fd = -1;
    if (hasher == NULL || piece == NULL) {
        status = GV_FAIL(GV_ENOMEM, "%s: no memory to read it", path);
        goto end;
    }
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        status = GV_FAIL(GV_EIO, "%s: cannot open: %s", path, strerror(errno));
        goto end;
    }
    GV_TRY_GOTO(status, add_file(hasher, path, fd, piece), end);
    *hash = gv_hasher_value(hasher);
end:
    if (fd >= 0) {
        (void)close(fd);
    }
    gv_mem_free(piece);
    gv_hasher_destroy(hasher);
    return status;
}
