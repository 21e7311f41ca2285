/*
 * mem.h - the one place that calls malloc, so that tests can make it fail.
 */
#ifndef SIM_BASE_MEM_H
#define SIM_BASE_MEM_H

#include <stddef.h>

/*
 * One zeroed block: a head of `head_size` bytes, then `count` elements. NULL when
 * there is no memory or the size overflows. Freed by gv_mem_free().
 */
void *gv_mem_alloc(size_t head_size, size_t count, size_t element_size);

/* The same, but not zeroed and aligned to 64 bytes, for arrays that vector code walks. */
void *gv_mem_alloc_vector(size_t count, size_t element_size);

/*
 * Resizes a block that gv_mem_alloc(0, ...) gave (or NULL) to `count` elements; what is
 * beyond the old content is not set. On NULL the old block is untouched and still owned.
 */
void *gv_mem_resize(void *block, size_t count, size_t element_size);

/* A copy of `text` up to its NUL. NULL when there is no memory. */
char *gv_mem_copy_text(const char *text);

/* Accepts NULL. Frees what any function above gave. */
void gv_mem_free(void *block);

/* For tests: this thread's next `count` allocations succeed, then one fails. -1: none fails. */
void gv_mem_fail_after(int count);

#endif
