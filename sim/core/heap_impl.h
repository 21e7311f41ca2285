/*
 * heap_impl.h - the pending events' order: an implicit 4-ary heap of keys beside their slots.
 *
 * A key is the whole order (time, priority, sequence) in one 128-bit number, so a comparison is
 * two instructions without a branch. The root lies at place 3, which puts the four children of
 * every place into one cache line; places behind the end hold the largest key, so the least of
 * four children needs no count. Records stay where they are in the pool: only 20 bytes move.
 *
 * After a pop the root may stay open for the push that mostly follows, which then sifts once
 * instead of twice.
 */
#ifndef SIM_CORE_HEAP_IMPL_H
#define SIM_CORE_HEAP_IMPL_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"

__extension__ typedef unsigned __int128 gv_heap_key;

#define GV_HEAP_KEY_MAX (~(gv_heap_key)0)

enum { HEAP_ROOT = 3, HEAP_WAYS = 4, SEQUENCE_BITS = 48 };

/* A sequence that is not reached: a million events a second for nine years. */
#define SEQUENCE_END (UINT64_C(1) << SEQUENCE_BITS)

typedef struct gv_heap {
    gv_heap_key *keys; /* [HEAP_ROOT + capacity + HEAP_WAYS], 64-byte aligned */
    uint32_t *slots;   /* the same shape */
    size_t end;        /* the place behind the last */
    bool is_open;      /* the root is a hole */
} gv_heap;

GV_MUST_CHECK gv_status gv_heap_init(gv_heap *heap, size_t capacity);

/* Also of a zeroed or half-initialised heap. */
void gv_heap_fini(gv_heap *heap);

/* Takes the entry at `place` out. The heap must not be open. */
void gv_heap_remove(gv_heap *heap, size_t place);

static inline gv_heap_key heap_key(int64_t time_us, int32_t priority, uint64_t sequence)
{
    const uint64_t time = (uint64_t)time_us ^ UINT64_C(1) << 63;
    const uint64_t rank = (uint64_t)(priority - INT16_MIN) << SEQUENCE_BITS | sequence;
    return (gv_heap_key)time << 64 | rank;
}

static inline int64_t heap_key_time(gv_heap_key key)
{
    return (int64_t)((uint64_t)(key >> 64) ^ UINT64_C(1) << 63);
}

static inline int32_t heap_key_priority(gv_heap_key key)
{
    return (int32_t)((uint64_t)key >> SEQUENCE_BITS) + INT16_MIN;
}

static inline uint64_t heap_key_sequence(gv_heap_key key)
{
    return (uint64_t)key & (SEQUENCE_END - 1);
}

static inline size_t heap_count(const gv_heap *heap)
{
    return heap->end - HEAP_ROOT - heap->is_open;
}

/* Of four keys side by side, which is the least. */
static inline size_t heap_least_of_four(const gv_heap_key *keys)
{
    const size_t left = keys[1] < keys[0];
    const size_t right = 2 + (size_t)(keys[3] < keys[2]);
    return keys[right] < keys[left] ? right : left;
}

/* Moves the hole at `place` up until the key fits there. */
static inline void heap_sift_up(gv_heap *heap, size_t place, gv_heap_key key, uint32_t slot)
{
    while (place > HEAP_ROOT) {
        const size_t parent = place / HEAP_WAYS + 2;
        if (heap->keys[parent] < key) {
            break;
        }
        heap->keys[place] = heap->keys[parent];
        heap->slots[place] = heap->slots[parent];
        place = parent;
    }
    heap->keys[place] = key;
    heap->slots[place] = slot;
}

/* Moves the hole at `place` down until the key fits there. */
static inline void heap_sift_down(gv_heap *heap, size_t place, gv_heap_key key, uint32_t slot)
{
    gv_heap_key *keys = heap->keys;
    for (;;) {
        const size_t child = HEAP_WAYS * (place - 2);
        if (child >= heap->end) {
            break;
        }
        const size_t least = child + heap_least_of_four(keys + child);
        if (key < keys[least]) {
            break;
        }
        keys[place] = keys[least];
        heap->slots[place] = heap->slots[least];
        place = least;
    }
    keys[place] = key;
    heap->slots[place] = slot;
}

static inline void heap_push(gv_heap *heap, gv_heap_key key, uint32_t slot)
{
    if (heap->is_open) {
        heap->is_open = false;
        heap_sift_down(heap, HEAP_ROOT, key, slot);
        return;
    }
    heap_sift_up(heap, heap->end++, key, slot);
}

/* The last entry moves into the open root. */
static inline void heap_close(gv_heap *heap)
{
    if (heap->is_open) {
        heap->is_open = false;
        const size_t last = --heap->end;
        const gv_heap_key key = heap->keys[last];
        heap->keys[last] = GV_HEAP_KEY_MAX;
        if (last > HEAP_ROOT) {
            heap_sift_down(heap, HEAP_ROOT, key, heap->slots[last]);
        }
    }
}

/* The slot of the first entry; leaves the root open. The heap must be closed and not empty. */
static inline uint32_t heap_pop(gv_heap *heap)
{
    assert(!heap->is_open);
    assert(heap->end > HEAP_ROOT);
    heap->is_open = true;
    return heap->slots[HEAP_ROOT];
}

/* The first key of a closed heap; the largest when it is empty. */
static inline gv_heap_key heap_first(const gv_heap *heap)
{
    return heap->keys[HEAP_ROOT];
}

#endif
