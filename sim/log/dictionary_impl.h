/*
 * dictionary_impl.h - distinct texts to dense codes, in the order in which they are met.
 *
 * Open addressing at a load of at most one half. A text of up to eight bytes is its own key, so
 * that most cells of a log are coded without touching the heap of texts; a longer one is found
 * by its hash and compared.
 */
#ifndef SIM_LOG_DICTIONARY_IMPL_H
#define SIM_LOG_DICTIONARY_IMPL_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"
#include "sim/log/chunk.h"

typedef struct gv_dictionary_slot {
    uint64_t key;
    uint32_t size;
    uint32_t code; /* GV_LOG_NO_CODE: empty */
} gv_dictionary_slot;

/* All zero is an empty one. */
typedef struct gv_dictionary {
    gv_dictionary_slot *slots; /* [slot_count], a power of two or 0 */
    size_t slot_count;
    uint64_t *starts; /* [count + 1] into the heap */
    size_t capacity;  /* of starts, less one */
    char *heap;
    size_t heap_size;
    size_t heap_capacity;
    uint32_t count;
} gv_dictionary;

void gv_dictionary_fini(gv_dictionary *dictionary);

/*
 * codes[i] = the code of texts[order[i]], or of texts[i] when `order` is NULL; new texts are
 * added. After GV_ENOMEM the dictionary holds some of them and is whole. codes: [count].
 */
GV_MUST_CHECK gv_status gv_dictionary_encode(gv_dictionary *dictionary, const gv_span *texts,
                                             const uint32_t *order, size_t count, uint32_t *codes);

/* The text of a code, valid until the next encode. */
gv_span gv_dictionary_text(const gv_dictionary *dictionary, uint32_t code);

/* Bytes of memory that it takes. */
size_t gv_dictionary_bytes(const gv_dictionary *dictionary);

#endif
