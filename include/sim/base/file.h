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

/* Opens PATH.tmp-PID beside `path`. On GV_OK the caller ends it with commit or abandon. */
GV_MUST_CHECK gv_status gv_file_writer_create(const char *path, gv_file_writer **out);

/* Buffered append. A full disk is GV_EIO, here or at commit, with the path in the sentence. */
GV_MUST_CHECK gv_status gv_file_write(gv_file_writer *writer, const void *bytes, size_t size);

/* Bytes appended so far. */
uint64_t gv_file_writer_offset(const gv_file_writer *writer);

/* Overwrites `size` bytes at `offset`, all before the end: for a header that is known last. */
GV_MUST_CHECK gv_status gv_file_rewrite(gv_file_writer *writer, uint64_t offset, const void *bytes,
                                        size_t size);

/* Flushes, syncs, renames into place and frees `writer`, also on failure. */
GV_MUST_CHECK gv_status gv_file_commit(gv_file_writer *writer);

/* Removes what was written and frees `writer`. Accepts NULL. */
void gv_file_abandon(gv_file_writer *writer);

/* A read-only private map of a whole regular file. */
typedef struct gv_file_map {
    const unsigned char *bytes; /* [size]; NULL when size is 0 */
    size_t size;
} gv_file_map;

/* A directory, a missing or an unreadable file is GV_EIO and says which. */
GV_MUST_CHECK gv_status gv_file_map_open(const char *path, gv_file_map *out);
void gv_file_map_close(gv_file_map *map);

/*
 * The whole file as one NUL-ended text, owned by the caller (gv_mem_free). More than
 * `size_max` bytes or a NUL byte inside is GV_EPARSE. `size` may be NULL.
 */
GV_MUST_CHECK gv_status gv_file_read_text(const char *path, size_t size_max, char **text,
                                          size_t *size);

#endif
