/*
 * repeats_impl.h - values that occur more than once among many.
 */
#ifndef SIM_LOG_REPEATS_IMPL_H
#define SIM_LOG_REPEATS_IMPL_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"

/* Growing array of words. All zero is an empty one; words is freed by the owner. */
typedef struct gv_words {
    uint64_t *words; /* [count] */
    size_t count;
    size_t capacity;
} gv_words;

GV_MUST_CHECK gv_status gv_words_add(gv_words *words, uint64_t word);

/*
 * Adds each value other than 0 that occurs at least twice among hashes [count], once or more.
 * The values are taken to be hashes, whose top bits part them evenly. Takes at most about
 * 128 MiB, however many there are, unless one value fills more.
 */
GV_MUST_CHECK gv_status gv_repeats_find(const uint64_t *hashes, uint64_t count, gv_words *repeats);

#endif
