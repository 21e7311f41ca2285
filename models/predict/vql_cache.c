#include <assert.h>
#include <math.h>
#include <string.h>

#include "models/predict/vql_impl.h"
#include "sim/base/mem.h"
#include "sim/base/vector.h"

/* What one code keeps: R sums of ones, then R sums of values. */
struct gv_vql_cache {
    const gv_vql_book *book;
    size_t stride; /* R (1 + width) */
    double latest;
    double *times;  /* [count] */
    double *sums;   /* [count][stride] */
    double *scores; /* [codes of the largest group] of the query at hand */
};

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

void gv_vql_cache_clear(gv_vql_cache *cache)
{
    cache->latest = -INFINITY;
    memset(cache->times, 0, cache->book->count * sizeof *cache->times);
    memset(cache->sums, 0, cache->book->count * cache->stride * sizeof *cache->sums);
}

/* What is left after so long. */
static double left_of(double rate, double seconds)
{
    return rate == 0 || seconds == 0 ? 1.0 : exp(-rate * seconds);
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
            const double left = left_of(config->rate[r], time - cache->times[code]);
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
        const double left = left_of(config->rate[r], time - cache->times[code]);
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
        double sums[GV_VQL_WIDTH_MAX] = {0};
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

/* One code: the mean [width] of its values at `time`, and what it weighs. */
static float tell_code(const gv_vql_cache *cache, size_t code, const double *shares, double time,
                       float *mean)
{
    const gv_vql_config *config = &cache->book->config;
    const double *counts = cache->sums + code * cache->stride;
    double sums[GV_VQL_WIDTH_MAX] = {0};
    double total = 0;
    for (size_t r = 0; counts[0] > 0 && r < config->decays; r++) {
        const double share = shares[r] * left_of(config->rate[r], time - cache->times[code]);
        const double *values = counts + config->decays + r * config->width;
        total += share * counts[r];
        for (size_t k = 0; k < config->width; k++) {
            sums[k] += share * values[k];
        }
    }
    for (size_t k = 0; k < config->width; k++) {
        mean[k] = total > 0 ? (float)(sums[k] / total) : 0.0F;
    }
    return (float)total;
}

void gv_vql_tell(const gv_vql_cache *cache, const double *shares, double time, float *pairs,
                 float *weights)
{
    const gv_vql_book *book = cache->book;
    const size_t width = book->config.width;
    const size_t row = book->config.groups * width;
    const size_t codes = book->config.codes[0];
    assert(time >= cache->latest);
    for (size_t g = 0; g < book->config.groups; g++) {
        assert(book->config.codes[g] == codes);
        for (size_t c = 0; c < codes; c++) {
            const size_t code = book->first[g] + c;
            float *pair = pairs + c * 2 * row + g * width;
            memcpy(pair, book->codes + code * width, width * sizeof *pair);
            weights[g * codes + c] =
                tell_code(cache, code, shares + g * book->config.decays, time, pair + row);
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
    assert(width <= GV_VQL_WIDTH_MAX);
    for (size_t g = 0; g < config->groups; g++) {
        double sums[GV_VQL_WIDTH_MAX] = {0};
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
