#include "sim/base/mem.h"
#include "sim/core/heap_impl.h"

gv_status gv_heap_init(gv_heap *heap, size_t capacity)
{
    if (capacity > UINT32_MAX - 1) {
        return GV_FAIL(GV_EINVAL, "%zu pending events are more than the %u that fit", capacity,
                       UINT32_MAX - 1);
    }
    const size_t places = HEAP_ROOT + capacity + HEAP_WAYS;
    *heap = (gv_heap){.end = HEAP_ROOT};
    heap->keys = gv_mem_alloc_vector(places, sizeof heap->keys[0]);
    heap->slots = gv_mem_alloc_vector(places, sizeof heap->slots[0]);
    if (heap->keys == NULL || heap->slots == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for %zu pending events", capacity);
    }
    for (size_t i = 0; i < places; i++) {
        heap->keys[i] = GV_HEAP_KEY_MAX;
    }
    return GV_OK;
}

void gv_heap_fini(gv_heap *heap)
{
    gv_mem_free(heap->keys);
    gv_mem_free(heap->slots);
}

void gv_heap_remove(gv_heap *heap, size_t place)
{
    assert(!heap->is_open);
    assert(place < heap->end);
    const size_t last = --heap->end;
    const gv_heap_key key = heap->keys[last];
    const uint32_t slot = heap->slots[last];
    heap->keys[last] = GV_HEAP_KEY_MAX;
    if (place == last) {
        return;
    }
    if (place > HEAP_ROOT && key < heap->keys[place / HEAP_WAYS + 2]) {
        heap_sift_up(heap, place, key, slot);
        return;
    }
    heap_sift_down(heap, place, key, slot);
}
