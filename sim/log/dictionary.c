#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "sim/base/hash.h"
#include "sim/base/mem.h"
#include "sim/log/dictionary_impl.h"
#include "sim/log/huge_impl.h"
#include "sim/log/log.h"

enum { FIRST_SLOTS = 256, FIRST_TEXTS = 128, FIRST_HEAP = 4096, AHEAD = 64, INLINE_SIZE = 8 };

void gv_dictionary_fini(gv_dictionary *dictionary)
{
    gv_mem_free(dictionary->slots);
    gv_mem_free(dictionary->starts);
    gv_mem_free(dictionary->heap);
    *dictionary = (gv_dictionary){0};
}

size_t gv_dictionary_bytes(const gv_dictionary *dictionary)
{
    return dictionary->slot_count * sizeof *dictionary->slots +
           dictionary->capacity * sizeof *dictionary->starts + dictionary->heap_capacity;
}

gv_span gv_dictionary_text(const gv_dictionary *dictionary, uint32_t code)
{
    assert(code < dictionary->count);
    const uint64_t start = dictionary->starts[code];
    /* Without a heap no text has a byte. */
    const char *bytes = dictionary->heap == NULL ? "" : dictionary->heap + start;
    return (gv_span){bytes, dictionary->starts[code + 1] - start};
}

static inline uint64_t load8(const char *bytes)
{
    uint64_t word = 0;
    memcpy(&word, bytes, sizeof word);
    return word;
}

static inline uint64_t load4(const char *bytes)
{
    uint32_t word = 0;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/* Up to INLINE_SIZE bytes, no byte beyond them read; one to one for texts of equal size. */
static inline uint64_t pack(const char *bytes, size_t size)
{
    if (size == INLINE_SIZE) {
        return load8(bytes);
    }
    if (size >= 4) {
        return load4(bytes) | load4(bytes + size - 4) << 32;
    }
    if (size == 0) {
        return 0;
    }
    const uint64_t first = (unsigned char)bytes[0];
    const uint64_t middle = (unsigned char)bytes[size / 2];
    const uint64_t last = (unsigned char)bytes[size - 1];
    return first | middle << 8 | last << 16;
}

static inline uint64_t key_of(gv_span text)
{
    if (text.size <= INLINE_SIZE) {
        return pack(text.bytes, text.size);
    }
    return gv_hash(text.bytes, text.size);
}

/* Multiplication spreads a packed text's bits upwards; the shift brings the best ones down. */
static inline size_t home_of(uint64_t key, size_t size, size_t slot_count)
{
    const uint64_t spread = (key ^ (uint64_t)size << 56) * UINT64_C(0x9E3779B97F4A7C15);
    return (size_t)((spread ^ spread >> 29) * UINT64_C(0xBF58476D1CE4E5B9) >> 24) &
           (slot_count - 1);
}

static bool holds(const gv_dictionary *dictionary, const gv_dictionary_slot *slot, uint64_t key,
                  gv_span text)
{
    if (slot->key != key || slot->size != text.size) {
        return false;
    }
    return text.size <= INLINE_SIZE ||
           memcmp(dictionary->heap + dictionary->starts[slot->code], text.bytes, text.size) == 0;
}

static void place(gv_dictionary_slot *slots, size_t slot_count, gv_dictionary_slot slot)
{
    size_t at = home_of(slot.key, slot.size, slot_count);
    while (slots[at].code != GV_LOG_NO_CODE) {
        at = (at + 1) & (slot_count - 1);
    }
    slots[at] = slot;
}

static gv_status grow_slots(gv_dictionary *dictionary)
{
    const size_t slot_count =
        dictionary->slot_count == 0 ? FIRST_SLOTS : 2 * dictionary->slot_count;
    gv_dictionary_slot *slots = gv_mem_alloc_vector(slot_count, sizeof *slots);
    if (slots == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a dictionary of %zu slots", slot_count);
    }
    gv_huge_advise(slots, slot_count * sizeof *slots);
    memset(slots, 0xFF, slot_count * sizeof *slots); /* every code is GV_LOG_NO_CODE */
    for (size_t i = 0; i < dictionary->slot_count; i++) {
        if (dictionary->slots[i].code != GV_LOG_NO_CODE) {
            place(slots, slot_count, dictionary->slots[i]);
        }
    }
    gv_mem_free(dictionary->slots);
    dictionary->slots = slots;
    dictionary->slot_count = slot_count;
    return GV_OK;
}

static gv_status grow_texts(gv_dictionary *dictionary)
{
    const size_t capacity = dictionary->capacity == 0 ? FIRST_TEXTS : 2 * dictionary->capacity;
    uint64_t *starts = gv_mem_resize(dictionary->starts, capacity + 1, sizeof *starts);
    if (starts == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a dictionary of %zu texts", capacity);
    }
    if (dictionary->capacity == 0) {
        starts[0] = 0;
    }
    dictionary->starts = starts;
    dictionary->capacity = capacity;
    return GV_OK;
}

static gv_status grow_heap(gv_dictionary *dictionary, size_t size)
{
    size_t capacity = dictionary->heap_capacity == 0 ? FIRST_HEAP : dictionary->heap_capacity;
    while (capacity - dictionary->heap_size < size) {
        capacity *= 2;
    }
    char *heap = gv_mem_resize(dictionary->heap, capacity, 1);
    if (heap == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a dictionary of %zu bytes", capacity);
    }
    dictionary->heap = heap;
    dictionary->heap_capacity = capacity;
    return GV_OK;
}

static gv_status make_room(gv_dictionary *dictionary, size_t size)
{
    if (dictionary->count >= GV_LOG_NO_CODE - 1) {
        return GV_FAIL(GV_EINVAL, "a coded column has more than %u distinct texts",
                       GV_LOG_NO_CODE - 1);
    }
    if (2 * ((size_t)dictionary->count + 1) > dictionary->slot_count) {
        GV_TRY(grow_slots(dictionary));
    }
    if (dictionary->count == dictionary->capacity) {
        GV_TRY(grow_texts(dictionary));
    }
    if (dictionary->heap_capacity - dictionary->heap_size < size) {
        GV_TRY(grow_heap(dictionary, size));
    }
    return GV_OK;
}

static gv_status add(gv_dictionary *dictionary, uint64_t key, gv_span text, uint32_t *code)
{
    GV_TRY(make_room(dictionary, text.size));
    const uint32_t fresh = dictionary->count;
    if (text.size > 0) {
        memcpy(dictionary->heap + dictionary->heap_size, text.bytes, text.size);
    }
    dictionary->heap_size += text.size;
    dictionary->count++;
    dictionary->starts[dictionary->count] = dictionary->heap_size;
    place(dictionary->slots, dictionary->slot_count,
          (gv_dictionary_slot){key, (uint32_t)text.size, fresh});
    *code = fresh;
    return GV_OK;
}

static inline gv_status find_or_add(gv_dictionary *dictionary, uint64_t key, gv_span text,
                                    uint32_t *code)
{
    const size_t mask = dictionary->slot_count - 1;
    size_t at = home_of(key, text.size, dictionary->slot_count);
    while (dictionary->slots[at].code != GV_LOG_NO_CODE) {
        if (holds(dictionary, &dictionary->slots[at], key, text)) {
            *code = dictionary->slots[at].code;
            return GV_OK;
        }
        at = (at + 1) & mask;
    }
    return add(dictionary, key, text, code);
}

/*
 * In groups: all keys first, so that the slots of a large dictionary are on their way from
 * memory together before the first is needed.
 */
gv_status gv_dictionary_encode(gv_dictionary *dictionary, const gv_span *texts,
                               const uint32_t *order, size_t count, uint32_t *codes)
{
    uint64_t keys[AHEAD];
    if (dictionary->slot_count == 0) {
        GV_TRY(grow_slots(dictionary));
    }
    for (size_t first = 0; first < count; first += AHEAD) {
        const size_t size = count - first < AHEAD ? count - first : AHEAD;
        for (size_t i = 0; i < size; i++) {
            const gv_span text = texts[order == NULL ? first + i : order[first + i]];
            assert(text.size < UINT32_MAX);
            keys[i] = key_of(text);
            __builtin_prefetch(
                &dictionary->slots[home_of(keys[i], text.size, dictionary->slot_count)]);
        }
        for (size_t i = 0; i < size; i++) {
            const gv_span text = texts[order == NULL ? first + i : order[first + i]];
            GV_TRY(find_or_add(dictionary, keys[i], text, &codes[first + i]));
        }
    }
    return GV_OK;
}
