/*
 * file.h - files that are whole or absent, and files that are mapped.
 *
 * Every output is written beside its final name and renamed into place when it is complete
 * and on the disk; a failed or killed run leaves nothing under the final name.
 */
#ifndef SIM_BASE_FILE_H
#define SIM_BASE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"

typedef struct gv_file_writer gv_file_writer;

/*
 * An output for `path`: an unnamed file in the same folder where the file system can, else
 * PATH.tmp-PID, so that even a killed run leaves nothing behind on most systems. On GV_OK the
 * caller ends it with commit or abandon.
 */
GV_MUST_CHECK gv_status gv_file_writer_create(const char *path, gv_file_writer **out);

/*
 * Scratch in the folder of `path`, without a name from the start: it is gone with the process.
 * Never committed; ended with gv_file_abandon().
 */
GV_MUST_CHECK gv_status gv_file_scratch_create(const char *path, gv_file_writer **out);

/* Buffered append. A full disk is GV_EIO, here or at commit, with the path in the sentence. */
GV_MUST_CHECK gv_status gv_file_write(gv_file_writer *writer, const void *bytes, size_t size);

/* Bytes appended so far. */
uint64_t gv_file_writer_offset(const gv_file_writer *writer);

/* Overwrites `size` bytes at `offset`, all before the end: for a header that is known last. */
GV_MUST_CHECK gv_status gv_file_rewrite(gv_file_writer *writer, uint64_t offset, const void *bytes,
                                        size_t size);

/*
 * Writes at a place of its own, past the buffer; the end moves to at least offset + size.
 * Several threads may write at once, but none may append meanwhile.
 */
GV_MUST_CHECK gv_status gv_file_write_at(gv_file_writer *writer, uint64_t offset, const void *bytes,
                                         size_t size);

typedef struct gv_file_map gv_file_map;

/* Maps what was written so far, which later writes to the same places show through. */
GV_MUST_CHECK gv_status gv_file_writer_map(gv_file_writer *writer, gv_file_map *out);

/* Flushes, syncs, renames into place and frees `writer`, also on failure. */
GV_MUST_CHECK gv_status gv_file_commit(gv_file_writer *writer);

/* Removes what was written and frees `writer`. Accepts NULL. */
void gv_file_abandon(gv_file_writer *writer);

/* A read-only private map of a whole regular file. */
struct gv_file_map {
    const unsigned char *bytes; /* [size]; NULL when size is 0 */
    size_t size;
};

/* A directory, a missing or an unreadable file is GV_EIO and says which. */
GV_MUST_CHECK gv_status gv_file_map_open(const char *path, gv_file_map *out);
void gv_file_map_close(gv_file_map *map);

/*
 * The whole file as one NUL-ended text, owned by the caller (gv_mem_free). More than
 * `size_max` bytes or a NUL byte inside is GV_EPARSE. `size` may be NULL.
 */
GV_MUST_CHECK gv_status gv_file_read_text(const char *path, size_t size_max, char **text,
                                          size_t *size);

/* Where files go that are gone when the work is: $TMPDIR, or /tmp. */
const char *gv_file_temporary_folder(void);

#endif
