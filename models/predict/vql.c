#include "models/predict/vql.h"

#include <assert.h>
#include <string.h>

#include "models/nn/nearest.h"
#include "models/predict/vql_impl.h"
#include "sim/base/mem.h"
#include "sim/base/random.h"

struct gv_vql_tally {
    uint64_t steps; /* of the book when it was taken */
    size_t keys;
    size_t *counts; /* [count]: keys that chose each code */
    double *sums;   /* [count][width]: of them */
    float *some;    /* [count][width]: for each idle code a key, whichever chose it */
};

static gv_status allocate_book(gv_vql_book *book, size_t packed)
{
    const size_t width = book->config.width;
    book->codes = gv_mem_alloc(0, book->count * width, sizeof *book->codes);
    book->packed = gv_mem_alloc(0, packed, sizeof *book->packed);
    book->means = gv_mem_alloc(0, book->count * width, sizeof *book->means);
    book->masses = gv_mem_alloc(0, book->count, sizeof *book->masses);
    book->last = gv_mem_alloc(0, book->count, sizeof *book->last);
    if (book->codes == NULL || book->packed == NULL || book->means == NULL ||
        book->masses == NULL || book->last == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for %zu codes of %zu numbers", book->count, width);
    }
    return GV_OK;
}

static void pack_group(gv_vql_book *book, size_t group)
{
    const size_t width = book->config.width;
    gv_nearest_pack(book->codes + book->first[group] * width, book->config.codes[group], width,
                    book->packed + book->packed_at[group]);
}

static void draw_codes(gv_vql_book *book)
{
    const gv_random random = gv_random_key(book->config.seed, GV_STREAM_WEIGHT, 1);
    for (size_t i = 0; i < book->count * book->config.width; i++) {
        book->codes[i] = (float)gv_random_normal(&random, i);
    }
    for (size_t g = 0; g < book->config.groups; g++) {
        pack_group(book, g);
    }
}

gv_status gv_vql_book_create(const gv_vql_config *config, gv_vql_book **out)
{
    assert(config->groups >= 1);
    assert(config->groups <= GV_VQL_GROUPS_MAX);
    assert(config->decays >= 1);
    assert(config->decays <= GV_VQL_DECAYS_MAX);
    assert(config->width >= 1);
    assert(config->width <= GV_VQL_WIDTH_MAX);
    gv_vql_book *book = gv_mem_alloc(sizeof *book, 0, 0);
    size_t packed = 0;
    if (book == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a codebook");
    }
    book->config = *config;
    book->config.keep = config->keep > 0 ? config->keep : 0.99;
    book->config.idle_steps = config->idle_steps > 0 ? config->idle_steps : 1000;
    for (size_t g = 0; g < config->groups; g++) {
        assert(config->codes[g] >= 1);
        book->first[g] = book->count;
        book->packed_at[g] = packed;
        book->count += config->codes[g];
        packed += gv_nearest_room(config->codes[g], config->width);
    }
    const gv_status status = allocate_book(book, packed);
    if (status != GV_OK) {
        gv_vql_book_destroy(book);
        return status;
    }
    draw_codes(book);
    *out = book;
    return GV_OK;
}

void gv_vql_book_destroy(gv_vql_book *book)
{
    if (book != NULL) {
        gv_mem_free(book->codes);
        gv_mem_free(book->packed);
        gv_mem_free(book->means);
        gv_mem_free(book->masses);
        gv_mem_free(book->last);
        gv_mem_free(book);
    }
}

const float *gv_vql_codes(const gv_vql_book *book, size_t group)
{
    assert(group < book->config.groups);
    return book->codes + book->first[group] * book->config.width;
}

void gv_vql_set_codes(gv_vql_book *book, size_t group, const float *codes)
{
    const size_t width = book->config.width;
    assert(group < book->config.groups);
    memcpy(book->codes + book->first[group] * width, codes,
           book->config.codes[group] * width * sizeof *codes);
    pack_group(book, group);
}

void gv_vql_choose(const gv_vql_book *book, const float *key, uint32_t *codes)
{
    const size_t width = book->config.width;
    for (size_t g = 0; g < book->config.groups; g++) {
        codes[g] = (uint32_t)gv_nearest_of(book->packed + book->packed_at[g], book->config.codes[g],
                                           width, key + g * width);
    }
}

/* ---- learning -------------------------------------------------------------------------------- */

gv_status gv_vql_tally_create(const gv_vql_book *book, gv_vql_tally **out)
{
    gv_vql_tally *tally = gv_mem_alloc(sizeof *tally, 0, 0);
    if (tally == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to learn %zu codes", book->count);
    }
    tally->counts = gv_mem_alloc(0, book->count, sizeof *tally->counts);
    tally->sums = gv_mem_alloc(0, book->count * book->config.width, sizeof *tally->sums);
    tally->some = gv_mem_alloc(0, book->count * book->config.width, sizeof *tally->some);
    if (tally->counts == NULL || tally->sums == NULL || tally->some == NULL) {
        gv_vql_tally_destroy(tally);
        return GV_FAIL(GV_ENOMEM, "no memory to learn %zu codes", book->count);
    }
    *out = tally;
    return GV_OK;
}

void gv_vql_tally_destroy(gv_vql_tally *tally)
{
    if (tally != NULL) {
        gv_mem_free(tally->counts);
        gv_mem_free(tally->sums);
        gv_mem_free(tally->some);
        gv_mem_free(tally);
    }
}

static void count_key(const gv_vql_book *book, const float *key, gv_vql_tally *tally)
{
    const size_t width = book->config.width;
    uint32_t chosen[GV_VQL_GROUPS_MAX];
    gv_vql_choose(book, key, chosen);
    for (size_t g = 0; g < book->config.groups; g++) {
        const size_t code = book->first[g] + chosen[g];
        tally->counts[code]++;
        for (size_t k = 0; k < width; k++) {
            tally->sums[code * width + k] += (double)key[g * width + k];
        }
    }
}

/* Key number `number` of all that there are. */
static const float *find_key(const gv_vql_book *book, const gv_vql_keys *keys, size_t number)
{
    size_t row = 0;
    while (keys->counts != NULL && number >= keys->counts[row]) {
        number -= keys->counts[row];
        row++;
    }
    return keys->keys + (row * keys->length + number) * book->config.groups * book->config.width;
}

/* Whether the step at hand may make a key of it. */
static bool is_idle(const gv_vql_book *book, size_t code)
{
    return book->steps == 0 || book->steps + 1 - book->last[code] >= book->config.idle_steps;
}

/* What an idle code may become. */
static void draw_some(const gv_vql_book *book, const gv_vql_keys *keys, gv_vql_tally *tally)
{
    const size_t width = book->config.width;
    for (size_t g = 0; g < book->config.groups; g++) {
        for (size_t code = book->first[g]; code < book->first[g] + book->config.codes[g]; code++) {
            if (!is_idle(book, code)) {
                continue;
            }
            const gv_random random = gv_random_key(book->config.seed, GV_STREAM_SAMPLE, code);
            const size_t i = (size_t)gv_random_below(&random, book->steps, tally->keys);
            memcpy(tally->some + code * width, find_key(book, keys, i) + g * width,
                   width * sizeof *tally->some);
        }
    }
}

void gv_vql_tally_take(gv_vql_tally *tally, const gv_vql_book *book, const gv_vql_keys *keys)
{
    const size_t width = book->config.groups * book->config.width;
    tally->steps = book->steps;
    tally->keys = 0;
    memset(tally->counts, 0, book->count * sizeof *tally->counts);
    memset(tally->sums, 0, book->count * book->config.width * sizeof *tally->sums);
    for (size_t row = 0; row < keys->rows; row++) {
        const size_t count = keys->counts == NULL ? keys->length : keys->counts[row];
        assert(count <= keys->length);
        for (size_t i = 0; i < count; i++) {
            count_key(book, keys->keys + (row * keys->length + i) * width, tally);
        }
        tally->keys += count;
    }
    if (tally->keys > 0) {
        draw_some(book, keys, tally);
    }
}

/* The code's moving sums a step on, and its keys among them. */
static void follow(gv_vql_book *book, size_t code, gv_vql_tally *const *tallies, size_t count)
{
    const size_t width = book->config.width;
    const double part = 1.0 - book->config.keep;
    double *means = book->means + code * width;
    book->masses[code] *= book->config.keep;
    for (size_t k = 0; k < width; k++) {
        means[k] *= book->config.keep;
    }
    for (size_t t = 0; t < count; t++) {
        if (tallies[t]->counts[code] > 0) {
            book->last[code] = book->steps;
            book->masses[code] += part * (double)tallies[t]->counts[code];
        }
        for (size_t k = 0; k < width; k++) {
            means[k] += part * tallies[t]->sums[code * width + k];
        }
    }
}

/* As though one key had chosen it. `source` has keys. */
static void reset_code(gv_vql_book *book, size_t code, const gv_vql_tally *source)
{
    const size_t width = book->config.width;
    book->last[code] = book->steps;
    book->masses[code] = 1.0 - book->config.keep;
    for (size_t k = 0; k < width; k++) {
        book->means[code * width + k] = book->masses[code] * (double)source->some[code * width + k];
    }
}

/* One of those with keys; NULL: none has. */
static const gv_vql_tally *draw_tally(const gv_vql_book *book, size_t code,
                                      gv_vql_tally *const *tallies, size_t count)
{
    const gv_random random = gv_random_key(book->config.seed, GV_STREAM_EXAMPLE, code);
    const size_t first = (size_t)gv_random_below(&random, book->steps, count);
    for (size_t t = 0; t < count; t++) {
        const gv_vql_tally *tally = tallies[(first + t) % count];
        if (tally->keys > 0) {
            return tally;
        }
    }
    return NULL;
}

static void move_code(gv_vql_book *book, size_t code)
{
    const size_t width = book->config.width;
    for (size_t k = 0; book->masses[code] > 0 && k < width; k++) {
        book->codes[code * width + k] = (float)(book->means[code * width + k] / book->masses[code]);
    }
}

void gv_vql_learn(gv_vql_book *book, gv_vql_tally *const *tallies, size_t count)
{
    const bool is_first = book->steps == 0;
    assert(count >= 1);
    for (size_t t = 0; t < count; t++) {
        assert(tallies[t]->steps == book->steps);
    }
    if (draw_tally(book, 0, tallies, count) == NULL) {
        return;
    }
    book->steps++;
    for (size_t code = 0; code < book->count; code++) {
        follow(book, code, tallies, count);
        if (is_first || book->steps - book->last[code] >= book->config.idle_steps) {
            reset_code(book, code, draw_tally(book, code, tallies, count));
        }
        move_code(book, code);
    }
    for (size_t g = 0; g < book->config.groups; g++) {
        pack_group(book, g);
    }
}
