/*
 * huge_impl.h - large pages for large blocks: fewer faults and fewer misses of the page tables.
 */
#ifndef SIM_LOG_HUGE_IMPL_H
#define SIM_LOG_HUGE_IMPL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

enum { GV_HUGE_PAGE = 1 << 21 };

/* A wish: what lies on whole large pages inside the block. Before its first use. */
static inline void gv_huge_advise(void *block, size_t size)
{
    const uintptr_t page = GV_HUGE_PAGE;
    const size_t before = (size_t)((page - (uintptr_t)block % page) % page);
    if (size >= before + page) {
        (void)madvise((char *)block + before, (size - before) / page * page, MADV_HUGEPAGE);
    }
}

#endif
