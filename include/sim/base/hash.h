/*
 * hash.h - XXH3 of bytes: checksums of blocks, identity of inputs. Not for adversaries.
 */
#ifndef SIM_BASE_HASH_H
#define SIM_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"

uint64_t gv_hash(const void *bytes, size_t size);

/* The same hash over a whole file, read in pieces. */
GV_MUST_CHECK gv_status gv_hash_file(const char *path, uint64_t *hash);

#endif
