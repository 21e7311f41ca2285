/* checkpoint_impl.h - the file format without the file, for its fuzz target. */
#ifndef SIM_CORE_CHECKPOINT_IMPL_H
#define SIM_CORE_CHECKPOINT_IMPL_H

#include "sim/core/checkpoint.h"

/* What stands before the sections in a file. */
typedef struct gv_checkpoint_header {
    char magic[8];
    uint32_t version;
    uint32_t byte_order; /* 0x01020304 as the writer stores it */
    uint64_t size;       /* of the sections */
    uint64_t hash;       /* gv_hash() of the sections */
} gv_checkpoint_header;

gv_checkpoint_header gv_checkpoint_header_of(const unsigned char *bytes, size_t size);

/* Checks a whole file's bytes. `path` is for the sentence; the sections follow the header. */
GV_MUST_CHECK gv_status gv_checkpoint_check(const char *path, const unsigned char *bytes,
                                            size_t size);

#endif
