#include "sim/base/mem.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { VECTOR_ALIGNMENT = 64 };

static _Thread_local int until_fault = -1;

static bool fault_is_due(void)
{
    return until_fault >= 0 && until_fault-- == 0;
}

void gv_mem_fail_after(int count)
{
    until_fault = count;
}

static bool overflows(size_t head_size, size_t count, size_t element_size)
{
    return element_size != 0 && count > (SIZE_MAX - head_size) / element_size;
}

void *gv_mem_alloc(size_t head_size, size_t count, size_t element_size)
{
    if (overflows(head_size, count, element_size) || fault_is_due()) {
        return NULL;
    }
    const size_t size = head_size + count * element_size;
    return calloc(1, size == 0 ? 1 : size);
}

void *gv_mem_alloc_vector(size_t count, size_t element_size)
{
    if (overflows(VECTOR_ALIGNMENT, count, element_size) || fault_is_due()) {
        return NULL;
    }
    const size_t size = count * element_size;
    const size_t rounded = (size + VECTOR_ALIGNMENT - 1) / VECTOR_ALIGNMENT * VECTOR_ALIGNMENT;
    return aligned_alloc(VECTOR_ALIGNMENT, rounded == 0 ? VECTOR_ALIGNMENT : rounded);
}

void *gv_mem_resize(void *block, size_t count, size_t element_size)
{
    if (overflows(0, count, element_size) || fault_is_due()) {
        return NULL;
    }
    const size_t size = count * element_size;
    return realloc(block, size == 0 ? 1 : size);
}

char *gv_mem_copy_text(const char *text)
{
    const size_t size = strlen(text) + 1;
    char *copy = gv_mem_alloc(0, size, 1);
    if (copy != NULL) {
        memcpy(copy, text, size);
    }
    return copy;
}

void gv_mem_free(void *block)
{
    free(block);
}
