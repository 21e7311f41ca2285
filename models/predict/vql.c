#include "models/predict/vql.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/random.h"
#include "sim/base/vector.h"

enum { WIDTH_MAX = 256 };

struct gv_vql_book {
    gv_vql_config config;
    size_t first[GV_VQL_GROUPS_MAX]; /* of a group's codes among all */
    size_t count;                    /* codes of all groups */
    uint64_t steps;
    float *codes;   /* [count][width] */
    double *means;  /* [count][width]: moving sums of keys */
    double *masses; /* [count]: of ones */
    uint64_t *last; /* [count]: the step that last chose it */
};

/* What one code keeps: R sums of ones, then R sums of values. */
struct gv_vql_cache {
    const gv_vql_book *book;
    size_t stride; /* R (1 + width) */
    double latest;
    double *times;  /* [count] */
    double *sums;   /* [count][stride] */
    double *scores; /* [codes of the largest group] of the query at hand */
};

static gv_status allocate_book(gv_vql_book *book)
{
    const size_t width = book->config.width;
    book->codes = gv_mem_alloc(0, book->count * width, sizeof *book->codes);
    book->means = gv_mem_alloc(0, book->count * width, sizeof *book->means);
    book->masses = gv_mem_alloc(0, book->count, sizeof *book->masses);
    book->last = gv_mem_alloc(0, book->count, sizeof *book->last);
    if (book->codes == NULL || book->means == NULL || book->masses == NULL || book->last == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for %zu codes of %zu numbers", book->count, width);
    }
    return GV_OK;
}

gv_status gv_vql_book_create(const gv_vql_config *config, gv_vql_book **out)
{
    assert(config->groups >= 1);
    assert(config->groups <= GV_VQL_GROUPS_MAX);
    assert(config->decays >= 1);
    assert(config->decays <= GV_VQL_DECAYS_MAX);
    assert(config->width >= 1);
    assert(config->width <= WIDTH_MAX);
    gv_vql_book *book = gv_mem_alloc(sizeof *book, 0, 0);
    if (book == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a codebook");
    }
    book->config = *config;
    book->config.keep = config->keep > 0 ? config->keep : 0.99;
    book->config.idle_steps = config->idle_steps > 0 ? config->idle_steps : 1000;
    for (size_t g = 0; g < config->groups; g++) {
        assert(config->codes[g] >= 1);
        book->first[g] = book->count;
        book->count += config->codes[g];
    }
    const gv_status status = allocate_book(book);
    if (status != GV_OK) {
        gv_vql_book_destroy(book);
        return status;
    }
    const gv_random random = gv_random_key(config->seed, GV_STREAM_WEIGHT, 1);
    for (size_t i = 0; i < book->count * config->width; i++) {
        book->codes[i] = (float)gv_random_normal(&random, i);
    }
    *out = book;
    return GV_OK;
}

void gv_vql_book_destroy(gv_vql_book *book)
{
    if (book != NULL) {
        gv_mem_free(book->codes);
        gv_mem_free(book->means);
        gv_mem_free(book->masses);
        gv_mem_free(book->last);
        gv_mem_free(book);
    }
}

float *gv_vql_codes(gv_vql_book *book, size_t group)
{
    assert(group < book->config.groups);
    return book->codes + book->first[group] * book->config.width;
}

static double distance(const float *a, const float *b, size_t width)
{
    double sum = 0;
    for (size_t i = 0; i < width; i++) {
        const double d = (double)a[i] - (double)b[i];
        sum += d * d;
    }
    return sum;
}

void gv_vql_choose(const gv_vql_book *book, const float *key, uint32_t *codes)
{
    const size_t width = book->config.width;
    for (size_t g = 0; g < book->config.groups; g++) {
        const float *own = book->codes + book->first[g] * width;
        double least = INFINITY;
        codes[g] = 0;
        for (size_t c = 0; c < book->config.codes[g]; c++) {
            const double apart = distance(key + g * width, own + c * width, width);
            if (apart < least) {
                least = apart;
                codes[g] = (uint32_t)c;
            }
        }
    }
}

/* Keys of the step that chose each code join its moving sums. */
static void gather_keys(gv_vql_book *book, const float *keys, size_t count)
{
    const gv_vql_config *config = &book->config;
    const double part = 1.0 - config->keep;
    for (size_t i = 0; i < count; i++) {
        uint32_t chosen[GV_VQL_GROUPS_MAX];
        const float *key = keys + i * config->groups * config->width;
        gv_vql_choose(book, key, chosen);
        for (size_t g = 0; g < config->groups; g++) {
            const size_t code = book->first[g] + chosen[g];
            book->last[code] = book->steps;
            book->masses[code] += part;
            for (size_t k = 0; k < config->width; k++) {
                book->means[code * config->width + k] += part * (double)key[g * config->width + k];
            }
        }
    }
}

static void reset_code(gv_vql_book *book, size_t group, size_t code, const float *keys,
                       size_t count)
{
    const size_t width = book->config.width;
    const gv_random random = gv_random_key(book->config.seed, GV_STREAM_SAMPLE, code);
    const size_t i = (size_t)gv_random_below(&random, book->steps, count);
    const float *key = keys + (i * book->config.groups + group) * width;
    book->last[code] = book->steps;
    book->masses[code] = 1.0 - book->config.keep;
    for (size_t k = 0; k < width; k++) {
        book->means[code * width + k] = book->masses[code] * (double)key[k];
    }
}

void gv_vql_learn(gv_vql_book *book, const float *keys, size_t count)
{
    const gv_vql_config *config = &book->config;
    const size_t width = config->width;
    assert(count >= 1);
    book->steps++;
    for (size_t i = 0; i < book->count; i++) {
        book->masses[i] *= config->keep;
    }
    for (size_t i = 0; i < book->count * width; i++) {
        book->means[i] *= config->keep;
    }
    gather_keys(book, keys, count);
    for (size_t g = 0; g < config->groups; g++) {
        for (size_t code = book->first[g]; code < book->first[g] + config->codes[g]; code++) {
            if (book->steps - book->last[code] >= config->idle_steps) {
                reset_code(book, g, code, keys, count);
            }
            for (size_t k = 0; book->masses[code] > 0 && k < width; k++) {
                book->codes[code * width + k] =
                    (float)(book->means[code * width + k] / book->masses[code]);
            }
        }
    }
}

gv_status gv_vql_cache_create(const gv_vql_book *book, gv_vql_cache **out)
{
    const gv_vql_config *config = &book->config;
    gv_vql_cache *cache = gv_mem_alloc(sizeof *cache, 0, 0);
    if (cache == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a user's past");
    }
    cache->book = book;
    cache->stride = config->decays * (1 + config->width);
    cache->latest = -INFINITY;
    cache->times = gv_mem_alloc(0, book->count, sizeof *cache->times);
    cache->sums = gv_mem_alloc(0, book->count * cache->stride, sizeof *cache->sums);
    cache->scores = gv_mem_alloc(0, book->count, sizeof *cache->scores);
    if (cache->times == NULL || cache->sums == NULL || cache->scores == NULL) {
        gv_vql_cache_destroy(cache);
        return GV_FAIL(GV_ENOMEM, "no memory for a user's past of %zu codes", book->count);
    }
    *out = cache;
    return GV_OK;
}

void gv_vql_cache_destroy(gv_vql_cache *cache)
{
    if (cache != NULL) {
        gv_mem_free(cache->times);
        gv_mem_free(cache->sums);
        gv_mem_free(cache->scores);
        gv_mem_free(cache);
    }
}

/* One code's sums, moved on by what is left of them, and one value more. */
GV_VECTOR static void add_value(double left, const float *value, size_t width, double *sums)
{
    for (size_t k = 0; k < width; k++) {
        sums[k] = left * sums[k] + (double)value[k];
    }
}

void gv_vql_append(gv_vql_cache *cache, const uint32_t *codes, const float *value, double time)
{
    const gv_vql_book *book = cache->book;
    const gv_vql_config *config = &book->config;
    assert(time >= cache->latest);
    cache->latest = time;
    for (size_t g = 0; g < config->groups; g++) {
        assert(codes[g] < config->codes[g]);
        const size_t code = book->first[g] + codes[g];
        double *counts = cache->sums + code * cache->stride;
        for (size_t r = 0; r < config->decays; r++) {
            const double left = exp(-config->rate[r] * (time - cache->times[code]));
            counts[r] = left * counts[r] + 1;
            add_value(left, value + g * config->width, config->width,
                      counts + config->decays + r * config->width);
        }
        cache->times[code] = time;
    }
}

static double product(const float *a, const float *b, size_t width)
{
    double sum = 0;
    for (size_t i = 0; i < width; i++) {
        sum += (double)a[i] * (double)b[i];
    }
    return sum;
}

/* Scores of a group's codes [codes], and the largest of one with events; -INFINITY: none has. */
static double score_codes(gv_vql_cache *cache, size_t group, const float *query)
{
    const gv_vql_book *book = cache->book;
    const size_t width = book->config.width;
    const double scale = 1.0 / sqrt((double)width);
    double top = -INFINITY;
    for (size_t c = 0; c < book->config.codes[group]; c++) {
        const size_t code = book->first[group] + c;
        cache->scores[c] = scale * product(query, book->codes + code * width, width);
        if (cache->sums[code * cache->stride] > 0) {
            top = fmax(top, cache->scores[c]);
        }
    }
    return top;
}

/* sums [width] and *total: a code's share of a query's numerator and denominator. */
static void add_code(const gv_vql_cache *cache, size_t code, double weight, double time,
                     double *sums, double *total)
{
    const gv_vql_config *config = &cache->book->config;
    const double *counts = cache->sums + code * cache->stride;
    for (size_t r = 0; r < config->decays; r++) {
        const double left = exp(-config->rate[r] * (time - cache->times[code]));
        const double share = weight * config->share[r] * left;
        const double *values = counts + config->decays + r * config->width;
        *total += share * counts[r];
        for (size_t k = 0; k < config->width; k++) {
            sums[k] += share * values[k];
        }
    }
}

void gv_vql_attend(gv_vql_cache *cache, const float *query, double time, float *out)
{
    const gv_vql_book *book = cache->book;
    const size_t width = book->config.width;
    assert(time >= cache->latest);
    for (size_t g = 0; g < book->config.groups; g++) {
        double sums[WIDTH_MAX] = {0};
        double total = 0;
        const double top = score_codes(cache, g, query + g * width);
        /* A code without events adds nothing, but costs the same: so does a short past. */
        for (size_t c = 0; isfinite(top) && c < book->config.codes[g]; c++) {
            const double weight = exp(fmin(cache->scores[c] - top, 0));
            add_code(cache, book->first[g] + c, weight, time, sums, &total);
        }
        for (size_t k = 0; k < width; k++) {
            out[g * width + k] = total > 0 ? (float)(sums[k] / total) : 0.0F;
        }
    }
}

static double kernel(const gv_vql_config *config, double age)
{
    double sum = 0;
    for (size_t r = 0; r < config->decays; r++) {
        sum += config->share[r] * exp(-config->rate[r] * age);
    }
    return sum;
}

void gv_vql_attend_exactly(const gv_vql_config *config, const gv_vql_past *past, const float *query,
                           double time, float *out)
{
    const size_t width = config->width;
    const size_t row = config->groups * width;
    const double scale = 1.0 / sqrt((double)width);
    assert(width <= WIDTH_MAX);
    for (size_t g = 0; g < config->groups; g++) {
        double sums[WIDTH_MAX] = {0};
        double total = 0;
        double top = -INFINITY;
        for (size_t i = 0; i < past->count; i++) {
            const float *key = past->keys + i * row + g * width;
            top = fmax(top, scale * product(query + g * width, key, width));
        }
        for (size_t i = 0; i < past->count; i++) {
            const float *key = past->keys + i * row + g * width;
            const double score = scale * product(query + g * width, key, width);
            const double weight = exp(score - top) * kernel(config, time - past->times[i]);
            total += weight;
            for (size_t k = 0; k < width; k++) {
                sums[k] += weight * (double)past->values[i * row + g * width + k];
            }
        }
        for (size_t k = 0; k < width; k++) {
            out[g * width + k] = total > 0 ? (float)(sums[k] / total) : 0.0F;
        }
    }
}
