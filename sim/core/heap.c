#include "sim/base/mem.h"
#include "sim/core/heap_impl.h"

gv_status gv_heap_init(gv_heap *heap, const gv_event *pool, size_t capacity)
{
    const size_t places = HEAP_ROOT + capacity + HEAP_WAYS;
    *heap = (gv_heap){.pool = pool, .end = HEAP_ROOT};
    heap->times_us = gv_mem_alloc_vector(places, sizeof heap->times_us[0]);
    heap->slots = gv_mem_alloc(0, places, sizeof heap->slots[0]);
    if (heap->times_us == NULL || heap->slots == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for %zu pending events", capacity);
    }
    for (size_t i = 0; i < places; i++) {
        heap->times_us[i] = GV_NEVER_US;
    }
    return GV_OK;
}

void gv_heap_fini(gv_heap *heap)
{
    gv_mem_free(heap->times_us);
    gv_mem_free(heap->slots);
}

size_t gv_heap_break_tie(const gv_heap *heap, size_t child, unsigned earliest)
{
    size_t best = child + (size_t)__builtin_ctz(earliest);
    for (unsigned left = earliest & (earliest - 1); left != 0; left &= left - 1) {
        const size_t place = child + (size_t)__builtin_ctz(left);
        if (heap_outranks(&heap->pool[heap->slots[place]], &heap->pool[heap->slots[best]])) {
            best = place;
        }
    }
    return best;
}

void gv_heap_close(gv_heap *heap)
{
    assert(heap->is_open);
    heap->is_open = false;
    const size_t last = --heap->end;
    const int64_t time_us = heap->times_us[last];
    heap->times_us[last] = GV_NEVER_US;
    if (last > HEAP_ROOT) {
        heap_sift_down(heap, HEAP_ROOT, time_us, heap->slots[last]);
    }
}

void gv_heap_remove(gv_heap *heap, size_t place)
{
    assert(!heap->is_open);
    assert(place < heap->end);
    const size_t last = --heap->end;
    const int64_t time_us = heap->times_us[last];
    const uint32_t slot = heap->slots[last];
    heap->times_us[last] = GV_NEVER_US;
    if (place == last) {
        return;
    }
    if (place > HEAP_ROOT && heap_precedes(heap, time_us, slot, heap_parent(place))) {
        heap_sift_up(heap, place, time_us, slot);
        return;
    }
    heap_sift_down(heap, place, time_us, slot);
}
