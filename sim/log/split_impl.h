/*
 * split_impl.h - cuts text into rows and fields, 64 bytes at a time: without quoting, or with
 * quotes as long as they are simple.
 */
#ifndef SIM_LOG_SPLIT_IMPL_H
#define SIM_LOG_SPLIT_IMPL_H

#include "sim/log/rows_impl.h"

/* One way to do it; all give the same rows. */
typedef struct gv_splitter {
    const char *name; /* "avx512", "avx2", "sse2", "portable" */
    bool (*is_supported)(void);
    /*
     * Fills rows from text[0, size), which ends in a newline and is followed by GV_INPUT_PAD
     * readable bytes; size < 2^32. `delimiter` is neither newline nor NUL.
     */
    void (*split)(const char *text, size_t size, char delimiter, gv_rows *rows);
    /*
     * The same where quotes may hide delimiters. False where quotes do anything but enclose a
     * whole cell without newlines or quotes in it: then the rows are of no use. Carriage returns
     * are only looked for before newlines.
     */
    bool (*split_quoted)(const char *text, size_t size, char delimiter, gv_rows *rows);
} gv_splitter;

extern const gv_splitter *const gv_splitters[]; /* the fastest first, NULL last */

/* The first that this processor supports. */
const gv_splitter *gv_splitter_pick(void);

#endif
