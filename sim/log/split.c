/*
 * A block of 64 bytes becomes three masks (field ends, newlines, NULs), the masks become
 * positions. Only the making of masks differs by instruction set; each variant inlines the same
 * walk, compiled for its set, so that the compiler's counting of bits fits too. Langdale and
 * Lemire, "Parsing gigabytes of JSON per second", VLDB Journal 28(6), 2019, section 3.
 */
#include <assert.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/log/split_impl.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { BLOCK = 64 };

gv_status gv_rows_init(gv_rows *rows, size_t size)
{
    *rows = (gv_rows){.mark_capacity = size + 1};
    rows->marks = gv_mem_alloc_vector(size + 2 + BLOCK, sizeof *rows->marks);
    rows->firsts = gv_mem_alloc_vector(size + 2 + BLOCK, sizeof *rows->firsts);
    if (rows->marks == NULL || rows->firsts == NULL) {
        gv_rows_fini(rows);
        return GV_FAIL(GV_ENOMEM, "no memory to split %zu bytes", size);
    }
    return GV_OK;
}

void gv_rows_fini(gv_rows *rows)
{
    gv_mem_free(rows->marks);
    gv_mem_free(rows->firsts);
    gv_mem_free(rows->lines);
    gv_mem_free(rows->faults);
    *rows = (gv_rows){0};
}

/* Bit i stands for byte i of a block. */
typedef struct masks {
    uint64_t ends; /* delimiters and newlines */
    uint64_t newlines;
    uint64_t nuls;
} masks;

/* What the walk keeps between blocks. */
typedef struct walk {
    uint32_t *marks;
    uint32_t *firsts;
    size_t mark_count; /* field ends so far */
    size_t row_count;
    uint64_t nuls;
} walk;

static inline __attribute__((always_inline)) void start_walk(walk *state, gv_rows *rows)
{
    rows->marks[0] = UINT32_MAX; /* field 0 starts at the byte behind, 0 */
    rows->firsts[0] = 0;
    *state = (walk){.marks = rows->marks + 1, .firsts = rows->firsts + 1};
}

static inline __attribute__((always_inline)) void note_rows(walk *state, masks found)
{
    for (uint64_t left = found.newlines; left != 0; left &= left - 1) {
        const uint64_t up_to = left ^ (left - 1); /* the lowest bit and those below it */
        state->firsts[state->row_count++] =
            (uint32_t)(state->mark_count + (size_t)__builtin_popcountll(found.ends & up_to));
    }
}

static inline __attribute__((always_inline)) void note_marks(walk *state, uint64_t ends,
                                                             uint32_t offset)
{
    uint32_t *at = state->marks + state->mark_count;
    for (uint64_t left = ends; left != 0; left &= left - 1) {
        *at++ = offset + (uint32_t)__builtin_ctzll(left);
    }
    state->mark_count = (size_t)(at - state->marks);
}

/* The last block's bytes behind the text are no part of it. */
static inline __attribute__((always_inline)) masks cut_masks(masks found, size_t left)
{
    const uint64_t kept = left >= BLOCK ? UINT64_MAX : (UINT64_C(1) << left) - 1;
    return (masks){found.ends & kept, found.newlines & kept, found.nuls & kept};
}

static inline __attribute__((always_inline)) void end_walk(const walk *state, const char *text,
                                                           gv_rows *rows)
{
    rows->text = text;
    rows->row_count = state->row_count;
    rows->has_nul = state->nuls != 0;
}

/* What the quotes of a text make of it. */
typedef struct quoting {
    uint64_t inside; /* all bits: the next block begins inside quotes */
    uint64_t newlines;
    size_t count; /* of quotes */
} quoting;

/* Bit i: whether an odd number of bits up to and with i is set. */
static inline uint64_t parity_up_to(uint64_t bits)
{
    for (unsigned shift = 1; shift < BLOCK; shift *= 2) {
        bits ^= bits << shift;
    }
    return bits;
}

/* Takes the ends that lie inside quotes out of a block's masks. */
static inline __attribute__((always_inline)) masks note_quotes(quoting *state, masks found,
                                                               uint64_t quotes)
{
    const uint64_t inside = parity_up_to(quotes) ^ state->inside;
    state->inside = 0 - (inside >> (BLOCK - 1));
    state->newlines |= found.newlines & inside;
    state->count += (size_t)__builtin_popcountll(quotes);
    return (masks){found.ends & ~inside, found.newlines & ~inside, found.nuls};
}

/*
 * Whether every quote is the first or the last byte of its cell, and no cell holds a newline:
 * then cells are what lies between their quotes, and libcsv would say the same.
 */
static bool are_quotes_outer(const quoting *state, const gv_rows *rows)
{
    size_t outer = 0;
    if (state->inside != 0 || state->newlines != 0) {
        return false;
    }
    for (uint32_t i = 0; i < rows->firsts[rows->row_count]; i++) {
        const uint32_t start = rows->marks[i] + 1;
        uint32_t end = rows->marks[i + 1];
        end -= rows->text[end] == '\n' && end > start && rows->text[end - 1] == '\r';
        outer += end - start >= 2 && rows->text[start] == '"' && rows->text[end - 1] == '"';
    }
    return 2 * outer == state->count;
}

/* Eight bytes at a time: the high bit of each byte that is zero, gathered. */
static inline uint64_t zero_bytes(uint64_t word)
{
    const uint64_t low = UINT64_C(0x7F7F7F7F7F7F7F7F);
    const uint64_t high = ~(((word & low) + low) | word | low);
    return (high >> 7) * UINT64_C(0x0102040810204080) >> 56;
}

static inline masks masks_portable(const char *block, char delimiter)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    masks found = {0, 0, 0};
    for (unsigned i = 0; i < BLOCK; i += 8) {
        uint64_t word;
        memcpy(&word, block + i, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        word = __builtin_bswap64(word);
#endif
        const uint64_t newlines = zero_bytes(word ^ ones * (unsigned char)'\n');
        const uint64_t delimiters = zero_bytes(word ^ ones * (unsigned char)delimiter);
        found.newlines |= newlines << i;
        found.ends |= (newlines | delimiters) << i;
        found.nuls |= zero_bytes(word) << i;
    }
    return found;
}

static bool always(void)
{
    return true;
}

static void split_portable(const char *text, size_t size, char delimiter, gv_rows *rows)
{
    walk state;
    start_walk(&state, rows);
    for (size_t offset = 0; offset < size; offset += BLOCK) {
        const masks found = cut_masks(masks_portable(text + offset, delimiter), size - offset);
        note_rows(&state, found);
        note_marks(&state, found.ends, (uint32_t)offset);
        state.nuls |= found.nuls;
    }
    end_walk(&state, text, rows);
}

static bool split_quoted_portable(const char *text, size_t size, char delimiter, gv_rows *rows)
{
    walk state;
    quoting quoted = {0, 0, 0};
    start_walk(&state, rows);
    for (size_t offset = 0; offset < size; offset += BLOCK) {
        masks found = masks_portable(text + offset, delimiter);
        const uint64_t quotes = masks_portable(text + offset, '"').ends & ~found.newlines;
        const masks cut = cut_masks(found, size - offset);
        found = note_quotes(&quoted, cut, cut_masks((masks){quotes, 0, 0}, size - offset).ends);
        note_rows(&state, found);
        note_marks(&state, found.ends, (uint32_t)offset);
        state.nuls |= found.nuls;
    }
    end_walk(&state, text, rows);
    return are_quotes_outer(&quoted, rows);
}

static const gv_splitter portable = {.name = "portable",
                                     .is_supported = always,
                                     .split = split_portable,
                                     .split_quoted = split_quoted_portable};

#if defined(__x86_64__)

static inline uint64_t equal_sse2(const char *block, __m128i wanted)
{
    uint64_t mask = 0;
    for (unsigned i = 0; i < BLOCK; i += 16) {
        const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(block + i));
        const unsigned part = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, wanted));
        mask |= (uint64_t)part << i;
    }
    return mask;
}

static void split_sse2(const char *text, size_t size, char delimiter, gv_rows *rows)
{
    walk state;
    start_walk(&state, rows);
    for (size_t offset = 0; offset < size; offset += BLOCK) {
        masks found = {.ends = equal_sse2(text + offset, _mm_set1_epi8(delimiter)),
                       .newlines = equal_sse2(text + offset, _mm_set1_epi8('\n')),
                       .nuls = equal_sse2(text + offset, _mm_setzero_si128())};
        found.ends |= found.newlines;
        found = cut_masks(found, size - offset);
        note_rows(&state, found);
        note_marks(&state, found.ends, (uint32_t)offset);
        state.nuls |= found.nuls;
    }
    end_walk(&state, text, rows);
}

static bool split_quoted_sse2(const char *text, size_t size, char delimiter, gv_rows *rows)
{
    walk state;
    quoting quoted = {0, 0, 0};
    start_walk(&state, rows);
    for (size_t offset = 0; offset < size; offset += BLOCK) {
        masks found = {.ends = equal_sse2(text + offset, _mm_set1_epi8(delimiter)),
                       .newlines = equal_sse2(text + offset, _mm_set1_epi8('\n')),
                       .nuls = equal_sse2(text + offset, _mm_setzero_si128())};
        const uint64_t quotes = equal_sse2(text + offset, _mm_set1_epi8('"'));
        found.ends |= found.newlines;
        const masks cut = cut_masks(found, size - offset);
        found = note_quotes(&quoted, cut, cut_masks((masks){quotes, 0, 0}, size - offset).ends);
        note_rows(&state, found);
        note_marks(&state, found.ends, (uint32_t)offset);
        state.nuls |= found.nuls;
    }
    end_walk(&state, text, rows);
    return are_quotes_outer(&quoted, rows);
}

#define TARGET_AVX2   __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt")))
#define TARGET_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,bmi,bmi2,lzcnt,popcnt")))

TARGET_AVX2 static inline uint64_t equal_avx2(__m256i low, __m256i high, char wanted)
{
    const __m256i all = _mm256_set1_epi8(wanted);
    const uint32_t first = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, all));
    const uint32_t second = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, all));
    return first | (uint64_t)second << 32;
}

TARGET_AVX2 static void split_avx2(const char *text, size_t size, char delimiter, gv_rows *rows)
{
    walk state;
    start_walk(&state, rows);
    for (size_t offset = 0; offset < size; offset += BLOCK) {
        const void *const block = text + offset;
        const __m256i low = _mm256_loadu_si256(block);
        const __m256i high = _mm256_loadu_si256((const __m256i *)block + 1);
        masks found = {.ends = equal_avx2(low, high, delimiter),
                       .newlines = equal_avx2(low, high, '\n'),
                       .nuls = equal_avx2(low, high, '\0')};
        found.ends |= found.newlines;
        found = cut_masks(found, size - offset);
        note_rows(&state, found);
        note_marks(&state, found.ends, (uint32_t)offset);
        state.nuls |= found.nuls;
    }
    end_walk(&state, text, rows);
}

TARGET_AVX2 static bool split_quoted_avx2(const char *text, size_t size, char delimiter,
                                          gv_rows *rows)
{
    walk state;
    quoting quoted = {0, 0, 0};
    start_walk(&state, rows);
    for (size_t offset = 0; offset < size; offset += BLOCK) {
        const void *const block = text + offset;
        const __m256i low = _mm256_loadu_si256(block);
        const __m256i high = _mm256_loadu_si256((const __m256i *)block + 1);
        masks found = {.ends = equal_avx2(low, high, delimiter),
                       .newlines = equal_avx2(low, high, '\n'),
                       .nuls = equal_avx2(low, high, '\0')};
        const uint64_t quotes = equal_avx2(low, high, '"');
        found.ends |= found.newlines;
        const masks cut = cut_masks(found, size - offset);
        found = note_quotes(&quoted, cut, cut_masks((masks){quotes, 0, 0}, size - offset).ends);
        note_rows(&state, found);
        note_marks(&state, found.ends, (uint32_t)offset);
        state.nuls |= found.nuls;
    }
    end_walk(&state, text, rows);
    return are_quotes_outer(&quoted, rows);
}

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
}

/* Positions by compression: sixteen lanes at once, without a branch a mark. */
TARGET_AVX512 static inline void note_marks_avx512(walk *state, uint64_t ends, uint32_t offset)
{
    const __m512i lanes = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    for (unsigned i = 0; i < BLOCK; i += 16) {
        const __mmask16 part = (__mmask16)(ends >> i);
        const __m512i places = _mm512_add_epi32(lanes, _mm512_set1_epi32((int)(offset + i)));
        _mm512_storeu_si512(state->marks + state->mark_count,
                            _mm512_maskz_compress_epi32(part, places));
        state->mark_count += (size_t)__builtin_popcount(part);
    }
}

TARGET_AVX512 static void split_avx512(const char *text, size_t size, char delimiter, gv_rows *rows)
{
    walk state;
    start_walk(&state, rows);
    const __m512i newline = _mm512_set1_epi8('\n');
    const __m512i wanted = _mm512_set1_epi8(delimiter);
    for (size_t offset = 0; offset < size; offset += BLOCK) {
        const __m512i block = _mm512_loadu_si512(text + offset);
        const uint64_t newlines = _mm512_cmpeq_epi8_mask(block, newline);
        masks found = {.ends = _mm512_cmpeq_epi8_mask(block, wanted) | newlines,
                       .newlines = newlines,
                       .nuls = _mm512_testn_epi8_mask(block, block)};
        found = cut_masks(found, size - offset);
        note_rows(&state, found);
        note_marks_avx512(&state, found.ends, (uint32_t)offset);
        state.nuls |= found.nuls;
    }
    end_walk(&state, text, rows);
}

TARGET_AVX512 static bool split_quoted_avx512(const char *text, size_t size, char delimiter,
                                              gv_rows *rows)
{
    walk state;
    quoting quoted = {0, 0, 0};
    start_walk(&state, rows);
    const __m512i newline = _mm512_set1_epi8('\n');
    const __m512i quote = _mm512_set1_epi8('"');
    const __m512i wanted = _mm512_set1_epi8(delimiter);
    for (size_t offset = 0; offset < size; offset += BLOCK) {
        const __m512i block = _mm512_loadu_si512(text + offset);
        const uint64_t newlines = _mm512_cmpeq_epi8_mask(block, newline);
        const uint64_t quotes = _mm512_cmpeq_epi8_mask(block, quote);
        masks found = {.ends = _mm512_cmpeq_epi8_mask(block, wanted) | newlines,
                       .newlines = newlines,
                       .nuls = _mm512_testn_epi8_mask(block, block)};
        const masks cut = cut_masks(found, size - offset);
        found = note_quotes(&quoted, cut, cut_masks((masks){quotes, 0, 0}, size - offset).ends);
        note_rows(&state, found);
        note_marks_avx512(&state, found.ends, (uint32_t)offset);
        state.nuls |= found.nuls;
    }
    end_walk(&state, text, rows);
    return are_quotes_outer(&quoted, rows);
}

static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("bmi2");
}

static const gv_splitter sse2 = {.name = "sse2",
                                 .is_supported = always,
                                 .split = split_sse2,
                                 .split_quoted = split_quoted_sse2};
static const gv_splitter avx2 = {.name = "avx2",
                                 .is_supported = has_avx2,
                                 .split = split_avx2,
                                 .split_quoted = split_quoted_avx2};
static const gv_splitter avx512 = {.name = "avx512",
                                   .is_supported = has_avx512,
                                   .split = split_avx512,
                                   .split_quoted = split_quoted_avx512};

#endif

const gv_splitter *const gv_splitters[] = {
#if defined(__x86_64__)
    &avx512,   &avx2, &sse2,
#endif
    &portable, NULL,
};

const gv_splitter *gv_splitter_pick(void)
{
    const gv_splitter *const *splitter = gv_splitters;
    while (!(*splitter)->is_supported()) {
        splitter++;
        assert(*splitter != NULL);
    }
    return *splitter;
}
