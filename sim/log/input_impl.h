/*
 * input_impl.h - the bytes of a log file, decompressed, in pieces of whole lines.
 *
 * gz, bz2, zst, xz and lz4 are known by their first bytes, not by the name, and go through
 * libarchive; anything else is plain and read straight into the caller's buffer. A byte-order
 * mark is skipped. One thread at a time.
 */
#ifndef SIM_LOG_INPUT_IMPL_H
#define SIM_LOG_INPUT_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"

/* A fuzzer's inputs are small: so are its pieces, that it meets every seam between them. */
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
enum { GV_LINE_MAX = 512, GV_PIECE_SIZE = 256, GV_BLOCK_SIZE = 64, GV_BATCH_ROWS = 4 };
#else
enum {
    GV_LINE_MAX = 1 << 20,   /* bytes of a line; a longer one is a reject */
    GV_PIECE_SIZE = 1 << 20, /* what one read aims at: with its rows' cells, about a cache */
    GV_BLOCK_SIZE = 1 << 16, /* raw bytes handed to libarchive at once */
    GV_BATCH_ROWS = 8192,    /* decoded into one chunk */
};
#endif

enum {
    GV_INPUT_ROOM = GV_LINE_MAX + 2 * GV_PIECE_SIZE,
    GV_INPUT_PAD = 64, /* bytes behind the text that vector code may read */
};

typedef struct gv_input gv_input;

typedef struct gv_piece {
    char *text;       /* in the caller's buffer; whole lines, the last one ended as well */
    size_t size;      /* 0: the end of the input */
    bool is_overlong; /* not lines: the first bytes of one line beyond GV_LINE_MAX */
} gv_piece;

/* A missing, unreadable or foreign file, or a directory, is GV_EIO and says which. */
GV_MUST_CHECK gv_status gv_input_open(const char *path, gv_input **out);
void gv_input_close(gv_input *input); /* accepts NULL */

/* `buffer`: [GV_INPUT_ROOM + GV_INPUT_PAD]. A last line without a newline gets one. */
GV_MUST_CHECK gv_status gv_input_lines(gv_input *input, char *buffer, gv_piece *piece);

/* At most `capacity` of the bytes, wherever they end; *size 0: the end. Not mixed with lines. */
GV_MUST_CHECK gv_status gv_input_bytes(gv_input *input, char *buffer, size_t capacity,
                                       size_t *size);

/* Raw bytes of the file read so far, and their gv_hash(). */
uint64_t gv_input_consumed(const gv_input *input);
uint64_t gv_input_hash(const gv_input *input);

#endif
