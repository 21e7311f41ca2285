#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/log/huge_impl.h"
#include "sim/log/piece_impl.h"

enum {
    ALIGNMENT = 64,
    FIRST_SLAB = 1 << 20,
    LARGEST_SLAB = 1 << 25,
    DIGIT_BITS = 11,
    DIGITS = 1 << DIGIT_BITS,
};

typedef struct gv_piece_slab {
    struct gv_piece_slab *next;
    size_t size; /* of the bytes */
    size_t used;
    char *bytes;
} gv_piece_slab;

static size_t round_up(size_t size)
{
    return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static void free_slab(gv_piece_slab *slab)
{
    gv_mem_free(slab->bytes);
    gv_mem_free(slab);
}

/* Slabs double, so that a small log takes little; large ones ask for huge pages: fewer faults. */
static bool add_slab(gv_piece_memory *arena, size_t need)
{
    size_t size = arena->slabs == NULL ? FIRST_SLAB : 2 * arena->slabs->size;
    size = size > LARGEST_SLAB ? LARGEST_SLAB : size;
    size = size < need ? need : size;
    gv_piece_slab *slab = gv_mem_alloc(sizeof *slab, 0, 1);
    if (slab == NULL) {
        return false;
    }
    slab->bytes = gv_mem_alloc_vector(size, 1);
    if (slab->bytes == NULL) {
        gv_mem_free(slab);
        return false;
    }
    if (size >= LARGEST_SLAB) {
        gv_huge_advise(slab->bytes, size);
    }
    slab->size = size;
    slab->next = arena->slabs;
    arena->slabs = slab;
    return true;
}

void *gv_piece_memory_take(gv_piece_memory *arena, size_t size)
{
    const size_t rounded = round_up(size);
    if (rounded < size) {
        return NULL;
    }
    gv_piece_slab *slab = arena->slabs;
    if (slab == NULL || slab->size - slab->used < rounded) {
        if (!add_slab(arena, rounded)) {
            return NULL;
        }
        slab = arena->slabs;
    }
    void *bytes = slab->bytes + slab->used;
    slab->used += rounded;
    arena->used += rounded;
    return bytes;
}

static void free_slabs(gv_piece_slab *slab)
{
    while (slab != NULL) {
        gv_piece_slab *next = slab->next;
        free_slab(slab);
        slab = next;
    }
}

void gv_piece_memory_reset(gv_piece_memory *arena)
{
    if (arena->slabs != NULL) {
        free_slabs(arena->slabs->next);
        arena->slabs->next = NULL;
        arena->slabs->used = 0;
    }
    arena->used = 0;
}

void gv_piece_memory_fini(gv_piece_memory *arena)
{
    free_slabs(arena->slabs);
    *arena = (gv_piece_memory){0};
}

typedef struct gv_sort_key {
    uint64_t time; /* since the chunk's earliest */
    uint32_t row;
} gv_sort_key;

void gv_sorter_fini(gv_sorter *sorter)
{
    gv_mem_free(sorter->keys);
    gv_mem_free(sorter->order);
    *sorter = (gv_sorter){0};
}

static gv_status fit_sorter(gv_sorter *sorter, size_t rows)
{
    if (rows <= sorter->capacity) {
        return GV_OK;
    }
    gv_sorter_fini(sorter);
    sorter->keys = gv_mem_alloc_vector(2 * rows, sizeof *sorter->keys);
    sorter->order = gv_mem_alloc_vector(rows, sizeof *sorter->order);
    if (sorter->keys == NULL || sorter->order == NULL) {
        gv_sorter_fini(sorter);
        return GV_FAIL(GV_ENOMEM, "no memory to sort %zu rows", rows);
    }
    sorter->capacity = rows;
    return GV_OK;
}

/* One stable pass of a radix sort, least digit first. */
static void sort_by_digit(const gv_sort_key *from, gv_sort_key *to, size_t rows, unsigned shift)
{
    size_t place[DIGITS] = {0};
    for (size_t i = 0; i < rows; i++) {
        place[from[i].time >> shift & (DIGITS - 1)]++;
    }
    size_t before = 0;
    for (size_t digit = 0; digit < DIGITS; digit++) {
        const size_t count = place[digit];
        place[digit] = before;
        before += count;
    }
    for (size_t i = 0; i < rows; i++) {
        to[place[from[i].time >> shift & (DIGITS - 1)]++] = from[i];
    }
}

static bool ascends(const int64_t *times, size_t rows)
{
    bool is_ascending = true;
    for (size_t i = 1; i < rows; i++) {
        is_ascending &= times[i - 1] <= times[i];
    }
    return is_ascending;
}

/* *order: the rows by (time, row), or NULL when they already are. */
static gv_status find_order(gv_sorter *sorter, const int64_t *times, size_t rows,
                            const uint32_t **order)
{
    *order = NULL;
    if (ascends(times, rows)) {
        return GV_OK;
    }
    GV_TRY(fit_sorter(sorter, rows));
    int64_t earliest = times[0];
    int64_t latest = times[0];
    for (size_t i = 1; i < rows; i++) {
        earliest = times[i] < earliest ? times[i] : earliest;
        latest = times[i] > latest ? times[i] : latest;
    }
    gv_sort_key *from = sorter->keys;
    gv_sort_key *to = sorter->keys + rows;
    for (size_t i = 0; i < rows; i++) {
        from[i] = (gv_sort_key){(uint64_t)times[i] - (uint64_t)earliest, (uint32_t)i};
    }
    const uint64_t span = (uint64_t)latest - (uint64_t)earliest;
    for (unsigned shift = 0; shift < 64 && span >> shift != 0; shift += DIGIT_BITS) {
        sort_by_digit(from, to, rows, shift);
        gv_sort_key *sorted = to;
        to = from;
        from = sorted;
    }
    for (size_t i = 0; i < rows; i++) {
        sorter->order[i] = from[i].row;
    }
    *order = sorter->order;
    return GV_OK;
}

static gv_status say_no_memory(size_t rows)
{
    return GV_FAIL(GV_ENOMEM, "no memory to hold %zu rows; a smaller memory limit spills sooner",
                   rows);
}

static gv_status copy_words(gv_piece_memory *arena, const int64_t *words, const uint32_t *order,
                            size_t rows, const int64_t **out)
{
    int64_t *copy = gv_piece_memory_take(arena, rows * sizeof *copy);
    if (copy == NULL) {
        return say_no_memory(rows);
    }
    if (order == NULL) {
        memcpy(copy, words, rows * sizeof *copy);
    } else {
        for (size_t i = 0; i < rows; i++) {
            copy[i] = words[order[i]];
        }
    }
    *out = copy;
    return GV_OK;
}

static gv_status copy_texts(gv_piece_memory *arena, const gv_span *texts, const uint32_t *order,
                            size_t rows, gv_piece_column *column)
{
    uint64_t *starts = gv_piece_memory_take(arena, (rows + 1) * sizeof *starts);
    if (starts == NULL) {
        return say_no_memory(rows);
    }
    uint64_t total = 0;
    for (size_t i = 0; i < rows; i++) {
        starts[i] = total;
        total += texts[order == NULL ? i : order[i]].size;
    }
    starts[rows] = total;
    char *heap = gv_piece_memory_take(arena, total);
    if (heap == NULL) {
        return say_no_memory(rows);
    }
    for (size_t i = 0; i < rows; i++) {
        const gv_span text = texts[order == NULL ? i : order[i]];
        if (text.size > 0) {
            memcpy(heap + starts[i], text.bytes, text.size);
        }
    }
    column->starts = starts;
    column->heap = heap;
    return GV_OK;
}

static gv_status copy_column(const gv_chunk *chunk, size_t field, const uint32_t *order,
                             gv_piece_memory *arena, gv_dictionary *dictionary,
                             gv_piece_column *column)
{
    const size_t rows = chunk->row_count;
    switch (chunk->schema->fields[field].kind) {
    case GV_LOG_INTEGER:
    case GV_LOG_REAL: /* eight bytes either way */
        return copy_words(arena, chunk->cells[field].integers, order, rows, &column->integers);
    case GV_LOG_CODE: {
        uint32_t *codes = gv_piece_memory_take(arena, rows * sizeof *codes);
        if (codes == NULL) {
            return say_no_memory(rows);
        }
        column->codes = codes;
        return gv_dictionary_encode(dictionary, chunk->cells[field].texts, order, rows, codes);
    }
    case GV_LOG_TEXT:
        return copy_texts(arena, chunk->cells[field].texts, order, rows, column);
    case GV_LOG_KIND_COUNT:
        break;
    }
    assert(false);
    return GV_EINVAL;
}

/* Rows that are in order, of lines that follow one by one, need no origin each. */
static gv_status copy_origins(const gv_chunk *chunk, const uint32_t *order, gv_piece_memory *arena,
                              gv_piece *piece)
{
    const size_t rows = chunk->row_count;
    const uint64_t file = (uint64_t)chunk->file << GV_ORIGIN_LINE_BITS;
    piece->first_origin = file | chunk->lines[0];
    if (order == NULL && chunk->lines[rows - 1] - chunk->lines[0] == rows - 1) {
        return GV_OK;
    }
    uint64_t *origins = gv_piece_memory_take(arena, rows * sizeof *origins);
    if (origins == NULL) {
        return say_no_memory(rows);
    }
    for (size_t i = 0; i < rows; i++) {
        origins[i] = file | chunk->lines[order == NULL ? i : order[i]];
    }
    piece->origins = origins;
    return GV_OK;
}

gv_status gv_piece_make(const gv_chunk *chunk, size_t time_field, gv_piece_memory *arena,
                        gv_sorter *sorter, gv_dictionary *dictionaries, gv_piece **out)
{
    const size_t fields = chunk->schema->field_count;
    const size_t size = sizeof(gv_piece) + fields * sizeof(gv_piece_column);
    assert(chunk->row_count > 0);
    assert(chunk->row_count < UINT32_MAX);
    assert(chunk->file < 1U << (64 - GV_ORIGIN_LINE_BITS));
    assert(chunk->lines[chunk->row_count - 1] < UINT64_C(1) << GV_ORIGIN_LINE_BITS);
    gv_piece *piece = gv_piece_memory_take(arena, size);
    if (piece == NULL) {
        return say_no_memory(chunk->row_count);
    }
    memset(piece, 0, size);
    piece->rows = chunk->row_count;
    piece->field_count = fields;

    const uint32_t *order = NULL;
    if (time_field != SIZE_MAX) {
        GV_TRY(find_order(sorter, chunk->cells[time_field].integers, piece->rows, &order));
    }
    GV_TRY(copy_origins(chunk, order, arena, piece));
    for (size_t i = 0; i < fields; i++) {
        GV_TRY(copy_column(chunk, i, order, arena, &dictionaries[i], &piece->columns[i]));
    }
    if (time_field != SIZE_MAX) {
        piece->times = piece->columns[time_field].integers;
    }
    *out = piece;
    return GV_OK;
}
