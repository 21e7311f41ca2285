/*
 * region.h - many small things that die together: the texts and structs of one scenario.
 */
#ifndef SCENARIOS_CONFIG_REGION_H
#define SCENARIOS_CONFIG_REGION_H

#include <stddef.h>

#include "sim/base/status.h"

/* Zero-initialised; what it gave stays where it is until gv_region_fini(). */
typedef struct gv_region {
    struct gv_region_chunk *chunks;
} gv_region;

/* Zeroed and aligned for any type; NULL when there is no memory. */
void *gv_region_alloc(gv_region *region, size_t count, size_t size);

/* A NUL-ended copy of `size` bytes; NULL when there is no memory. */
char *gv_region_text(gv_region *region, const char *text, size_t size);

/* The formatted text; NULL when there is no memory. */
char *gv_region_print(gv_region *region, const char *format, ...) GV_PRINTF(2, 3);

void gv_region_fini(gv_region *region);

#endif
