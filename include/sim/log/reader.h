/*
 * reader.h - log formats: how the rows of a raw file become chunks.
 *
 * A format is a constant table. Its schema() says which fields its rows have; its parse() turns
 * split rows into cells. Decompression and splitting are shared: quoted text goes through
 * libcsv, formats that declare no quoting through a vectorised splitter.
 */
#ifndef SIM_LOG_READER_H
#define SIM_LOG_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/param.h"
#include "sim/base/status.h"
#include "sim/log/chunk.h"

typedef struct gv_mapping gv_mapping; /* the content of a mapping file */

typedef struct gv_reader_type {
    gv_type_info info;
    bool needs_mapping; /* `csv`: columns are described by a YAML file */
    /* The rest is the readers' own affair: see sim/log/reader_impl.h beside the sources. */
    const struct gv_reader_methods *methods;
} gv_reader_type;

extern const gv_reader_type *const gv_reader_types[]; /* every type, then NULL */

/* NULL when there is none of that name. */
const gv_reader_type *gv_reader_find(const char *name);

#endif
