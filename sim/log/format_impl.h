/*
 * format_impl.h - the bytes of a .gvlog file, version 1, for whoever writes another reader.
 *
 * All numbers are little-endian; a word is 8 bytes; a text is a word with its size, its bytes,
 * and zeros up to the next multiple of 8. Hashes are XXH3 with 64 bits and no seed.
 *
 * The file is a header of 64 bytes, regions of data, and the directory. Each region and the
 * directory start at the first multiple of 64 behind what comes before, with zeros between, so
 * every offset follows from the sizes; the offsets that are stored must agree. The file ends with
 * the directory.
 *
 *   header   0  8 bytes  89 47 56 4C 4F 47 0D 0A ("\x89GVLOG\r\n": text mode would break it)
 *            8  4 bytes  version, 1
 *           12  4 bytes  rows of a block, 65,536
 *           16  word     size of the file
 *           24  word     offset of the directory
 *           32  word     size of the directory
 *           40  word     hash of the directory
 *           48  word     0
 *           56  word     hash of bytes 0 to 55
 *
 *   directory
 *     word   microseconds that the source's local time is ahead of UTC (signed)
 *     words  rows of the six tables: impression, click, conversion, orphan_click,
 *            orphan_conversion, reject
 *     word   number of facts; for each: text name, text value
 *     word   number of columns; for each:
 *              word   table, 0 to 5 as above
 *              word   kind: 0 INTEGER, 1 REAL, 2 CODE, 3 TEXT
 *              text   name
 *              word   number of its dictionary from 0 (CODE), else all ones
 *              word   offset of the region of its cells
 *              word   offset of the region of its heap (TEXT), else 0
 *              word   size of its heap (TEXT), else 0
 *              words  for each block of 65,536 rows: the hash of its cells; for TEXT the hash of
 *                     the block's starts, including the one that ends its last row, then the
 *                     hash of its part of the heap; for an INTEGER column called `time` the
 *                     hash, then the block's smallest and its largest value (signed)
 *     word   number of dictionaries; for each:
 *              word   number of texts
 *              word   size of its heap
 *              word   number of its slots, a power of two above twice the number of texts
 *              word   offset of the region of its starts
 *              word   offset of the region of its heap
 *              word   offset of the region of its slots
 *              word   hash of the three hashes (words) of starts, heap and slots
 *
 *   regions, in this order: of each column in directory order its cells, then for TEXT its heap;
 *   of each dictionary its starts, heap, slots.
 *     INTEGER  rows x 8 bytes, signed
 *     REAL     rows x 8 bytes, IEEE 754
 *     CODE     rows x 4 bytes: number of the text in the dictionary
 *     TEXT     (rows + 1) x 8 bytes: where each text starts in the heap, and the heap's size
 *     starts, heap of a dictionary: as of a TEXT column with its texts for rows
 *     slots    4 bytes each: an index by open addressing. A text stands in slot
 *              (hash of its bytes) mod (number of slots) or, where that was taken, in the next
 *              free one, wrapping; an empty slot is all ones
 */
#ifndef SIM_LOG_FORMAT_IMPL_H
#define SIM_LOG_FORMAT_IMPL_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/log/column.h"
#include "sim/log/log.h"

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, ".gvlog files are mapped as they are");

enum { GV_FORMAT_VERSION = 1, GV_FORMAT_ALIGNMENT = 64 };

#define GV_FORMAT_MAGIC   "\x89GVLOG\r\n"
#define GV_FORMAT_NO_WORD UINT64_MAX

/* Its fields lie as the table above says, without gaps. */
typedef struct gv_format_header {
    char magic[8];
    uint32_t version;
    uint32_t block_rows;
    uint64_t file_size;
    uint64_t directory_offset;
    uint64_t directory_size;
    uint64_t directory_hash;
    uint64_t zero;
    uint64_t header_hash; /* of all before it */
} gv_format_header;

static_assert(sizeof(gv_format_header) == GV_FORMAT_ALIGNMENT, "the header fills its place");

static inline uint64_t gv_format_align(uint64_t offset)
{
    return (offset + GV_FORMAT_ALIGNMENT - 1) / GV_FORMAT_ALIGNMENT * GV_FORMAT_ALIGNMENT;
}

static inline uint64_t gv_format_blocks(uint64_t rows)
{
    return rows / GV_LOG_BLOCK_ROWS + (rows % GV_LOG_BLOCK_ROWS != 0);
}

/* Words that the directory keeps of each block of a column. */
static inline uint64_t gv_format_block_words(gv_log_kind kind, int is_time)
{
    return kind == GV_LOG_TEXT ? 2 : is_time ? 3 : 1;
}

/* Bytes of the region of a column's cells. */
static inline uint64_t gv_format_cells_size(gv_log_kind kind, uint64_t rows)
{
    return kind == GV_LOG_CODE ? 4 * rows : kind == GV_LOG_TEXT ? 8 * (rows + 1) : 8 * rows;
}

/* The smallest power of two above twice `count`. */
static inline uint64_t gv_format_slots(uint64_t count)
{
    uint64_t slots = 1;
    while (slots <= 2 * count) {
        slots *= 2;
    }
    return slots;
}

#endif
