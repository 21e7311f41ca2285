/*
 * hash.h - XXH3 of bytes: checksums of blocks, identity of inputs. Not for adversaries.
 */
#ifndef SIM_BASE_HASH_H
#define SIM_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"

uint64_t gv_hash(const void *bytes, size_t size);

/* The same hash over bytes that come in pieces. NULL when there is no memory. */
typedef struct gv_hasher gv_hasher;

gv_hasher *gv_hasher_create(void);
void gv_hasher_destroy(gv_hasher *hasher); /* accepts NULL */
void gv_hasher_reset(gv_hasher *hasher);   /* to the state after create */
void gv_hasher_add(gv_hasher *hasher, const void *bytes, size_t size);

/* Of all bytes so far; more may follow. */
uint64_t gv_hasher_value(const gv_hasher *hasher);

/* The same hash over a whole file, read in pieces. */
GV_MUST_CHECK gv_status gv_hash_file(const char *path, uint64_t *hash);

#endif
