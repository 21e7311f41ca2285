#include "scenarios/config/region.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/mem.h"

enum { CHUNK_SIZE = 16384 };

typedef struct gv_region_chunk {
    struct gv_region_chunk *next;
    size_t used;
    size_t size;
    max_align_t bytes[];
} gv_region_chunk;

static gv_region_chunk *add_chunk(gv_region *region, size_t needed)
{
    const size_t size = needed > CHUNK_SIZE ? needed : CHUNK_SIZE;
    gv_region_chunk *chunk = gv_mem_alloc(sizeof *chunk, size, 1);
    if (chunk != NULL) {
        chunk->size = size;
        chunk->next = region->chunks;
        region->chunks = chunk;
    }
    return chunk;
}

void *gv_region_alloc(gv_region *region, size_t count, size_t size)
{
    const size_t unit = alignof(max_align_t);
    if (size != 0 && count > (SIZE_MAX / 2 - unit) / size) {
        return NULL;
    }
    const size_t needed = (count * size + unit) / unit * unit;
    gv_region_chunk *chunk = region->chunks;
    if (chunk == NULL || chunk->size - chunk->used < needed) {
        chunk = add_chunk(region, needed);
    }
    if (chunk == NULL) {
        return NULL;
    }
    void *block = (char *)chunk->bytes + chunk->used;
    chunk->used += needed;
    return block;
}

char *gv_region_text(gv_region *region, const char *text, size_t size)
{
    char *copy = gv_region_alloc(region, size + 1, 1);
    if (copy != NULL) {
        memcpy(copy, text, size);
    }
    return copy;
}

char *gv_region_print(gv_region *region, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    const int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = length < 0 ? NULL : gv_region_alloc(region, (size_t)length + 1, 1);
    if (text != NULL) {
        (void)vsnprintf(text, (size_t)length + 1, format, again);
    }
    va_end(again);
    return text;
}

void gv_region_fini(gv_region *region)
{
    while (region->chunks != NULL) {
        gv_region_chunk *next = region->chunks->next;
        gv_mem_free(region->chunks);
        region->chunks = next;
    }
}
