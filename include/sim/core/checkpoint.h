/*
 * checkpoint.h - a growing byte string that parts of a simulation save themselves into.
 *
 * A checkpoint is a sequence of tagged, length-prefixed sections; reading one back checks tag
 * and length, so a file of another program version or another scenario is refused with a
 * sentence, not misread. Sections are read in the order in which they were written. On disk the
 * whole is versioned, checksummed and renamed into place; its numbers are in the byte order of
 * the machine, which the file states. Checkpoints are for going on, not for keeping: a file of
 * another version is refused, not converted.
 */
#ifndef SIM_CORE_CHECKPOINT_H
#define SIM_CORE_CHECKPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"
#include "sim/core/sim.h"

/* Zero-initialised; owns its bytes until gv_writer_fini(). */
typedef struct gv_writer {
    unsigned char *bytes; /* [size] */
    size_t size;
    size_t capacity;
} gv_writer;

/* Reads bytes that it does not own. */
typedef struct gv_reader {
    const unsigned char *bytes; /* [size] */
    size_t size;
    size_t position;
} gv_reader;

/* A tag's longest length. */
enum { GV_TAG_MAX = 23 };

/* Appends a section; `tag` is plain text of 1 to GV_TAG_MAX bytes. `bytes` may be NULL for 0. */
GV_MUST_CHECK gv_status gv_writer_put(gv_writer *writer, const char *tag, const void *bytes,
                                      size_t size);

/*
 * Appends a section for the caller to fill. *bytes: [size], not aligned, valid until the next
 * call for this writer.
 */
GV_MUST_CHECK gv_status gv_writer_reserve(gv_writer *writer, const char *tag, size_t size,
                                          unsigned char **bytes);

/* Accepts a zeroed writer, and leaves one. */
void gv_writer_fini(gv_writer *writer);

/* The next section must carry `tag` and exactly `size` bytes, else GV_ECORRUPT. */
GV_MUST_CHECK gv_status gv_reader_get(gv_reader *reader, const char *tag, void *bytes, size_t size);

/* The next section's size, if it carries `tag`: for sections of varying length. */
GV_MUST_CHECK gv_status gv_reader_peek(const gv_reader *reader, const char *tag, size_t *size);

/* The next section's bytes where they lie, not aligned; valid while the reader's are. */
GV_MUST_CHECK gv_status gv_reader_view(gv_reader *reader, const char *tag,
                                       const unsigned char **bytes, size_t *size);

/* True behind the last section. */
bool gv_reader_is_done(const gv_reader *reader);

GV_MUST_CHECK gv_status gv_checkpoint_write(const char *path, const gv_writer *writer);

/* On GV_OK the caller owns writer->bytes and reads them through a gv_reader. */
GV_MUST_CHECK gv_status gv_checkpoint_read(const char *path, gv_writer *writer);

/*
 * Clock, sequence, event count and pending events, between two runs. A stream's position and
 * whatever the handler knows are their owners' to save beside it.
 */
GV_MUST_CHECK gv_status gv_sim_save(const gv_sim *sim, gv_writer *writer);

/*
 * Into a simulator made with the same config, between two runs; what was pending in it is
 * dropped. The run that follows is the one that would have followed the save, to the bit. On
 * failure the simulator is as before.
 */
GV_MUST_CHECK gv_status gv_sim_restore(gv_sim *sim, gv_reader *reader);

#endif
