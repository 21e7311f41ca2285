/*
 * checkpoint.h - a growing byte string that parts of a simulation save themselves into.
 *
 * A checkpoint is a sequence of tagged, length-prefixed sections; reading one back checks tag
 * and length, so a file of another program version or another scenario is refused with a
 * sentence, not misread. On disk the whole is versioned, checksummed and renamed into place.
 */
#ifndef SIM_CORE_CHECKPOINT_H
#define SIM_CORE_CHECKPOINT_H

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

GV_MUST_CHECK gv_status gv_writer_put(gv_writer *writer, const char *tag, const void *bytes,
                                      size_t size);
void gv_writer_fini(gv_writer *writer);

/* The next section must carry `tag` and exactly `size` bytes, else GV_ECORRUPT. */
GV_MUST_CHECK gv_status gv_reader_get(gv_reader *reader, const char *tag, void *bytes, size_t size);

/* The next section's size, if it carries `tag`: for sections of varying length. */
GV_MUST_CHECK gv_status gv_reader_peek(const gv_reader *reader, const char *tag, size_t *size);

GV_MUST_CHECK gv_status gv_checkpoint_write(const char *path, const gv_writer *writer);

/* On GV_OK the caller owns writer->bytes and reads them through a gv_reader. */
GV_MUST_CHECK gv_status gv_checkpoint_read(const char *path, gv_writer *writer);

/* Clock, sequence and pending events. Restored into a simulator made with the same config. */
GV_MUST_CHECK gv_status gv_sim_save(const gv_sim *sim, gv_writer *writer);
GV_MUST_CHECK gv_status gv_sim_restore(gv_sim *sim, gv_reader *reader);

#endif
