/*
 * Parted by their top bits into shares that fit a core's cache, then a small set for each
 * share: some 10 ns a value, where one large set would miss the cache at every one.
 */
#include <assert.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/log/repeats_impl.h"

enum { SHARE = 1 << 14, ROUND = 1 << 24, FIRST_WORDS = 64 };

gv_status gv_words_add(gv_words *words, uint64_t word)
{
    if (words->count == words->capacity) {
        const size_t capacity = words->capacity == 0 ? FIRST_WORDS : 2 * words->capacity;
        uint64_t *grown = gv_mem_resize(words->words, capacity, sizeof *grown);
        if (grown == NULL) {
            return GV_FAIL(GV_ENOMEM, "no memory to join %zu events", capacity);
        }
        words->words = grown;
        words->capacity = capacity;
    }
    words->words[words->count++] = word;
    return GV_OK;
}

typedef struct repeat_search {
    const uint64_t *hashes;
    uint64_t count;
    unsigned shift;   /* a hash's share is its bits above */
    size_t shares;    /* a power of two */
    uint64_t *sizes;  /* [shares] */
    uint64_t *places; /* [shares]: where the next value of a share goes */
    uint64_t *parted; /* the values of one round's shares */
    uint64_t *set;    /* [set_size] */
    size_t set_size;
} repeat_search;

/* A shift by all 64 bits is undefined, so one share is a case of its own. */
static inline size_t share_of(const repeat_search *finder, uint64_t hash)
{
    return finder->shares == 1 ? 0 : (size_t)(hash >> finder->shift);
}

static void count_shares(repeat_search *finder)
{
    for (uint64_t i = 0; i < finder->count; i++) {
        finder->sizes[share_of(finder, finder->hashes[i])] += finder->hashes[i] != 0;
    }
}

/* The end of the shares from `first` on that one round takes; at least one. */
static size_t end_of_round(const repeat_search *finder, size_t first, uint64_t *values)
{
    uint64_t sum = finder->sizes[first];
    size_t end = first + 1;
    while (end < finder->shares && sum + finder->sizes[end] <= ROUND) {
        sum += finder->sizes[end++];
    }
    *values = sum;
    return end;
}

static void part(repeat_search *finder, size_t first, size_t end)
{
    uint64_t place = 0;
    for (size_t share = first; share < end; share++) {
        finder->places[share] = place;
        place += finder->sizes[share];
    }
    for (uint64_t i = 0; i < finder->count; i++) {
        const uint64_t hash = finder->hashes[i];
        const size_t share = share_of(finder, hash);
        if (hash != 0 && share >= first && share < end) {
            finder->parted[finder->places[share]++] = hash;
        }
    }
}

static gv_status fit_set(repeat_search *finder, uint64_t values)
{
    size_t size = (size_t)2 * SHARE;
    while (size < 2 * values) {
        size *= 2;
    }
    if (size > finder->set_size) {
        gv_mem_free(finder->set);
        finder->set_size = 0;
        finder->set = gv_mem_alloc_vector(size, sizeof *finder->set);
        if (finder->set == NULL) {
            return GV_FAIL(GV_ENOMEM, "no memory to look for repeated bid ids");
        }
        finder->set_size = size;
    }
    memset(finder->set, 0, finder->set_size * sizeof *finder->set);
    return GV_OK;
}

static gv_status search_share(repeat_search *finder, const uint64_t *values, uint64_t count,
                              gv_words *repeats)
{
    GV_TRY(fit_set(finder, count));
    const size_t mask = finder->set_size - 1;
    for (uint64_t i = 0; i < count; i++) {
        size_t at = values[i] & mask;
        while (finder->set[at] != 0 && finder->set[at] != values[i]) {
            at = (at + 1) & mask;
        }
        if (finder->set[at] == values[i]) {
            GV_TRY(gv_words_add(repeats, values[i]));
        }
        finder->set[at] = values[i];
    }
    return GV_OK;
}

static gv_status search_round(repeat_search *finder, size_t first, size_t end, uint64_t values,
                              gv_words *repeats)
{
    gv_mem_free(finder->parted);
    finder->parted = gv_mem_alloc_vector(values, sizeof *finder->parted);
    if (finder->parted == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to look for repeated bid ids");
    }
    part(finder, first, end);
    uint64_t place = 0;
    for (size_t share = first; share < end; share++) {
        GV_TRY(search_share(finder, finder->parted + place, finder->sizes[share], repeats));
        place += finder->sizes[share];
    }
    assert(place == values);
    return GV_OK;
}

static gv_status search(repeat_search *finder, gv_words *repeats)
{
    finder->sizes = gv_mem_alloc(0, finder->shares, sizeof *finder->sizes);
    finder->places = gv_mem_alloc(0, finder->shares, sizeof *finder->places);
    if (finder->sizes == NULL || finder->places == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to look for repeated bid ids");
    }
    count_shares(finder);
    for (size_t first = 0; first < finder->shares;) {
        uint64_t values = 0;
        const size_t end = end_of_round(finder, first, &values);
        GV_TRY(search_round(finder, first, end, values, repeats));
        first = end;
    }
    return GV_OK;
}

gv_status gv_repeats_find(const uint64_t *hashes, uint64_t count, gv_words *repeats)
{
    repeat_search finder = {.hashes = hashes, .count = count, .shift = 64, .shares = 1};
    while (finder.shares < count / SHARE) {
        finder.shares *= 2;
        finder.shift--;
    }
    const gv_status status = search(&finder, repeats);
    gv_mem_free(finder.sizes);
    gv_mem_free(finder.places);
    gv_mem_free(finder.parted);
    gv_mem_free(finder.set);
    return status;
}
