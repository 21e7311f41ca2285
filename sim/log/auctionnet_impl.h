/*
 * auctionnet_impl.h - one tick of AuctionNet's log as it fills, row by row.
 */
#ifndef SIM_LOG_AUCTIONNET_IMPL_H
#define SIM_LOG_AUCTIONNET_IMPL_H

#include "sim/log/auctionnet.h"
#include "sim/log/chunk.h"

enum {
    GV_AUCTIONNET_NUMBERS = 1 << 16, /* advertisers are numbered below this */
    GV_AUCTIONNET_TEXT = 32,         /* bytes of a number that is remembered as text */
};

/* Where the columns of a file are. */
typedef struct gv_auctionnet_layout {
    const char *path;
    unsigned present;       /* columns that rows have and that are wanted */
    uint32_t header_fields; /* cells of every row */
    uint32_t field_of[GV_AUCTIONNET_COLUMNS];
} gv_auctionnet_layout;

/* A row as the splitter cut it. */
typedef struct gv_auctionnet_row {
    const gv_auctionnet_layout *layout;
    uint64_t line;
    const char *text;      /* of the piece */
    const uint32_t *marks; /* [1 + fields]: see rows_impl.h */
} gv_auctionnet_row;

static inline gv_span gv_auctionnet_cell(const gv_auctionnet_row *row, size_t column)
{
    const uint32_t field = row->layout->field_of[column];
    const uint32_t start = row->marks[field] + 1;
    uint32_t end = row->marks[field + 1];
    if (field + 1 == row->layout->header_fields && end > start && row->text[end - 1] == '\r') {
        end--;
    }
    return (gv_span){row->text + start, end - start};
}

/*
 * "17.0" and "17" at once; false for anything else, which may still be a number. Few cells have
 * more than seven digits.
 */
static inline bool gv_auctionnet_whole_at_once(gv_span cell, uint64_t *value)
{
    size_t size = cell.size;
    if (size >= 3 && cell.bytes[size - 1] == '0' && cell.bytes[size - 2] == '.') {
        size -= 2;
    }
    if (size == 0 || size > 18) {
        return false;
    }
    uint64_t found = 0;
    bool are_digits = true;
    for (size_t i = 0; i < size; i++) {
        const unsigned digit = (unsigned)(unsigned char)cell.bytes[i] - '0';
        are_digits = digit <= 9 && are_digits;
        found = found * 10 + digit;
    }
    *value = found;
    return are_digits;
}

typedef struct gv_auctionnet_table {
    unsigned wanted;
    uint64_t period;
    size_t tick;
    uint64_t line;           /* of the tick's first row */
    size_t count;            /* opportunities so far */
    size_t advertiser_count; /* of the period so far */
    bool is_settled;         /* the first tick is over: nobody comes any more */
    size_t advertiser_capacity;
    size_t capacity;
    void *block;                          /* of all columns and the opportunities */
    uint64_t *opportunities;              /* [capacity] */
    void *columns[GV_AUCTIONNET_COLUMNS]; /* [advertiser_capacity][capacity]; NULL: not wanted */
    gv_auctionnet_advertiser advertisers[GV_AUCTIONNET_ADVERTISERS_MAX];
    char least_text[GV_AUCTIONNET_TEXT]; /* the latest least winning cost, */
    size_t least_size;                   /* which all advertisers of an opportunity share */
    double least_cost;
    size_t fills[GV_AUCTIONNET_ADVERTISERS_MAX]; /* rows of each in this tick */
    uint16_t index_of[GV_AUCTIONNET_NUMBERS];    /* 1 + index; 0: not there */
} gv_auctionnet_table;

void gv_auctionnet_table_fini(gv_auctionnet_table *table);

/* Empties it for another period. */
void gv_auctionnet_table_begin_period(gv_auctionnet_table *table, uint64_t period);
void gv_auctionnet_table_begin_tick(gv_auctionnet_table *table, size_t tick, uint64_t line);

GV_MUST_CHECK gv_status gv_auctionnet_table_add(gv_auctionnet_table *table,
                                                const gv_auctionnet_row *row);

/* Whether all advertisers are there with as many rows. `line`: where it ends. */
GV_MUST_CHECK gv_status gv_auctionnet_table_end_tick(gv_auctionnet_table *table, const char *path,
                                                     uint64_t line);

/* The same for what is written otherwise, or the sentence that it is no such number. */
GV_MUST_CHECK gv_status gv_auctionnet_whole_slowly(const gv_auctionnet_row *row, size_t column,
                                                   uint64_t maximum, uint64_t *value);

/* A whole number, as "17" or "17.0", up to `maximum`, or a sentence. */
GV_MUST_CHECK static inline gv_status gv_auctionnet_whole(const gv_auctionnet_row *row,
                                                          size_t column, uint64_t maximum,
                                                          uint64_t *value)
{
    uint64_t found = 0;
    if (gv_auctionnet_whole_at_once(gv_auctionnet_cell(row, column), &found) && found <= maximum) {
        *value = found;
        return GV_OK;
    }
    return gv_auctionnet_whole_slowly(row, column, maximum, value);
}

#endif
