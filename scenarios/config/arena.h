/*
 * arena.h - many small things that die together: the texts and structs of one scenario.
 */
#ifndef SCENARIOS_CONFIG_ARENA_H
#define SCENARIOS_CONFIG_ARENA_H

#include <stddef.h>

#include "sim/base/status.h"

/* Zero-initialised; what it gave stays where it is until gv_arena_fini(). */
typedef struct gv_arena {
    struct gv_arena_chunk *chunks;
} gv_arena;

/* Zeroed and aligned for any type; NULL when there is no memory. */
void *gv_arena_alloc(gv_arena *arena, size_t count, size_t size);

/* A NUL-ended copy of `size` bytes; NULL when there is no memory. */
char *gv_arena_text(gv_arena *arena, const char *text, size_t size);

/* The formatted text; NULL when there is no memory. */
char *gv_arena_print(gv_arena *arena, const char *format, ...) GV_PRINTF(2, 3);

void gv_arena_fini(gv_arena *arena);

#endif
