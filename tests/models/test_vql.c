/*
 * Attention by codes: what it equals, how far off it may be, what an event costs it, and how codes
 * follow keys.
 */
#include <math.h>
#include <string.h>

#include "cmocka_all.h"
#include "models/predict/vql.h"
#include "sim/base/mem.h"
#include "sim/base/random.h"

enum { GROUPS = 2, CODES = 16, WIDTH = 8, ROW = GROUPS * WIDTH, LONGEST = 100000 };

static const gv_vql_config plain = {.groups = GROUPS,
                                    .codes = {CODES, CODES / 2},
                                    .width = WIDTH,
                                    .decays = 1,
                                    .share = {1},
                                    .seed = 5};

static const gv_vql_config timed = {.groups = GROUPS,
                                    .codes = {CODES, CODES / 2},
                                    .width = WIDTH,
                                    .decays = 3,
                                    .share = {0.5, 0.3, 0.2},
                                    .rate = {0, 1e-4, 1e-2},
                                    .seed = 5};

static double drawn(uint64_t entity, size_t index)
{
    const gv_random random = gv_random_key(21, GV_STREAM_TEST, entity);
    return gv_random_normal(&random, index);
}

static gv_vql_book *book_of(const gv_vql_config *config)
{
    gv_vql_book *book = NULL;
    assert_int_equal(gv_vql_book_create(config, &book), GV_OK);
    return book;
}

static gv_vql_cache *cache_of(const gv_vql_book *book)
{
    gv_vql_cache *cache = NULL;
    assert_int_equal(gv_vql_cache_create(book, &cache), GV_OK);
    return cache;
}

static gv_vql_tally *tally_of(const gv_vql_book *book)
{
    gv_vql_tally *tally = NULL;
    assert_int_equal(gv_vql_tally_create(book, &tally), GV_OK);
    return tally;
}

typedef struct past {
    float *keys;
    float *values;
    double *times;
    uint32_t (*codes)[GROUPS];
    size_t count;
} past;

/* Keys are codes, off by normals of that deviation. */
static past past_of(const gv_vql_book *book, size_t count, double deviation)
{
    past made = {.count = count};
    made.keys = gv_mem_alloc(0, count * ROW, sizeof *made.keys);
    made.values = gv_mem_alloc(0, count * ROW, sizeof *made.values);
    made.times = gv_mem_alloc(0, count, sizeof *made.times);
    made.codes = gv_mem_alloc(0, count, sizeof *made.codes);
    assert_true(made.keys != NULL && made.values != NULL && made.times != NULL &&
                made.codes != NULL);
    for (size_t i = 0; i < count; i++) {
        made.times[i] = 3.0 * (double)i;
        for (size_t k = 0; k < ROW; k++) {
            const size_t group = k / WIDTH;
            const size_t code = (i * 7 + group) % (group == 0 ? CODES : CODES / 2);
            const float *near = gv_vql_codes(book, group) + code * WIDTH;
            made.keys[i * ROW + k] = near[k % WIDTH] + (float)(deviation * drawn(1, i * ROW + k));
            made.values[i * ROW + k] = (float)(1 + drawn(2, i * ROW + k));
        }
        gv_vql_choose(book, made.keys + i * ROW, made.codes[i]);
    }
    return made;
}

static void past_free(past *made)
{
    gv_mem_free(made->keys);
    gv_mem_free(made->values);
    gv_mem_free(made->times);
    gv_mem_free(made->codes);
}

static void append_all(gv_vql_cache *cache, const past *made)
{
    for (size_t i = 0; i < made->count; i++) {
        gv_vql_append(cache, made->codes[i], made->values + i * ROW, made->times[i]);
    }
}

static void query_of(size_t which, float *query)
{
    for (size_t k = 0; k < ROW; k++) {
        query[k] = (float)drawn(3 + which, k);
    }
}

/* The largest difference between cache and exact attention over a few queries. */
static double worst_error(const gv_vql_config *config, size_t count, double deviation)
{
    gv_vql_book *book = book_of(config);
    gv_vql_cache *cache = cache_of(book);
    past made = past_of(book, count, deviation);
    append_all(cache, &made);
    const gv_vql_past exact = {made.keys, made.values, made.times, count};
    double worst = 0;
    for (size_t q = 0; q < 3; q++) {
        float query[ROW];
        float out[ROW];
        float expected[ROW];
        query_of(q, query);
        const double time = 3.0 * (double)count + 50;
        gv_vql_attend(cache, query, time, out);
        gv_vql_attend_exactly(config, &exact, query, time, expected);
        for (size_t k = 0; k < ROW; k++) {
            worst = fmax(worst, fabs((double)out[k] - (double)expected[k]));
        }
    }
    past_free(&made);
    gv_vql_cache_destroy(cache);
    gv_vql_book_destroy(book);
    return worst;
}

static void keys_that_are_codes_are_attended_exactly(void **state)
{
    (void)state;
    for (size_t count = 1; count <= 1000; count *= 10) {
        assert_true(worst_error(&plain, count, 0) < 1e-5);
        assert_true(worst_error(&timed, count, 0) < 1e-5);
    }
}

/* Weights of events by keys and by codes; returns sum |p^ - p| and *eps. */
static double weight_error(gv_vql_book *book, const past *made, const float *query, double *eps)
{
    double sums[2] = {0, 0};
    double apart = 0;
    *eps = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < made->count; i++) {
            const float *code = gv_vql_codes(book, 0) + (size_t)made->codes[i][0] * WIDTH;
            double by_key = 0;
            double by_code = 0;
            for (size_t k = 0; k < WIDTH; k++) {
                by_key += (double)query[k] * (double)made->keys[i * ROW + k] / sqrt(WIDTH);
                by_code += (double)query[k] * (double)code[k] / sqrt(WIDTH);
            }
            *eps = fmax(*eps, fabs(by_key - by_code));
            if (pass == 0) {
                sums[0] += exp(by_key);
                sums[1] += exp(by_code);
            } else {
                apart += fabs(exp(by_key) / sums[0] - exp(by_code) / sums[1]);
            }
        }
    }
    return apart;
}

static void weights_are_off_by_no_more_than_the_bound(void **state)
{
    (void)state;
    gv_vql_book *book = book_of(&plain);
    for (size_t count = 100; count <= LONGEST; count *= 10) {
        past made = past_of(book, count, 0.1);
        for (size_t q = 0; q < 3; q++) {
            float query[ROW];
            double eps = 0;
            query_of(q, query);
            const double apart = weight_error(book, &made, query, &eps);
            assert_true(apart > 0);
            assert_true(apart <= expm1(2 * eps));
        }
        past_free(&made);
    }
    gv_vql_book_destroy(book);
}

static void a_longer_past_is_no_further_off(void **state)
{
    (void)state;
    const double brief = worst_error(&plain, 100, 0.1);
    assert_true(brief > 0);
    for (size_t count = 1000; count <= LONGEST; count *= 10) {
        assert_true(worst_error(&plain, count, 0.1) < 1.2 * brief);
    }
}

/* An event moves its own codes' sums alone: others' answers stay, to the bit. */
static void an_event_touches_its_own_code_alone(void **state)
{
    (void)state;
    gv_vql_book *book = book_of(&timed);
    gv_vql_cache *one = cache_of(book);
    gv_vql_cache *two = cache_of(book);
    past made = past_of(book, 40, 0);
    append_all(one, &made);
    append_all(two, &made);
    /* Far from every other code, so that the query sees code 3 alone. */
    float query[ROW];
    for (size_t k = 0; k < ROW; k++) {
        query[k] = 400 * gv_vql_codes(book, k / WIDTH)[(size_t)3 * WIDTH + k % WIDTH];
    }
    float value[ROW];
    query_of(9, value);
    gv_vql_append(two, (const uint32_t[]){4, 5}, value, 120);
    float before[ROW];
    float after[ROW];
    gv_vql_attend(one, query, 130, before);
    gv_vql_attend(two, query, 130, after);
    assert_memory_equal(before, after, sizeof before);
    gv_vql_append(two, (const uint32_t[]){3, 3}, value, 121);
    gv_vql_attend(two, query, 130, after);
    assert_memory_not_equal(before, after, sizeof before);
    past_free(&made);
    gv_vql_cache_destroy(one);
    gv_vql_cache_destroy(two);
    gv_vql_book_destroy(book);
}

static void an_empty_past_gives_zeros_and_a_long_time_no_overflow(void **state)
{
    (void)state;
    gv_vql_book *book = book_of(&timed);
    gv_vql_cache *cache = cache_of(book);
    float query[ROW];
    float out[ROW];
    query_of(1, query);
    gv_vql_attend(cache, query, 0, out);
    for (size_t k = 0; k < ROW; k++) {
        assert_true(out[k] == 0);
    }
    float value[ROW];
    query_of(2, value);
    gv_vql_append(cache, (const uint32_t[]){1, 1}, value, 1e5);
    gv_vql_append(cache, (const uint32_t[]){1, 1}, value, 1e9);
    gv_vql_attend(cache, query, 2e9, out);
    for (size_t k = 0; k < ROW; k++) {
        assert_true(fabs((double)out[k] - (double)value[k]) < 1e-5);
    }
    gv_vql_cache_destroy(cache);
    gv_vql_book_destroy(book);
}

/* Mean squared distance of keys around 8 centres to their codes. */
static double apart_of(const gv_vql_book *book, const float *keys, size_t count, const float *codes)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t chosen[GROUPS];
        gv_vql_choose(book, keys + i * ROW, chosen);
        for (size_t k = 0; k < WIDTH; k++) {
            const double d =
                (double)keys[i * ROW + k] - (double)codes[(size_t)chosen[0] * WIDTH + k];
            sum += d * d;
        }
    }
    return sum / (double)count;
}

static void codes_follow_keys_and_idle_ones_start_anew(void **state)
{
    (void)state;
    enum { COUNT = 256, CENTRES = 8 };
    gv_vql_config config = plain;
    config.keep = 0.9;
    config.idle_steps = 20;
    gv_vql_book *book = book_of(&config);
    static float keys[COUNT * ROW];
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t k = 0; k < ROW; k++) {
            keys[i * ROW + k] =
                (float)(10 * drawn(40 + i % CENTRES, k) + 0.05 * drawn(60, i * ROW + k));
        }
    }
    const double before = apart_of(book, keys, COUNT, gv_vql_codes(book, 0));
    gv_vql_tally *tally = tally_of(book);
    const gv_vql_keys all = {.keys = keys, .rows = 1, .length = COUNT};
    for (size_t step = 0; step < 300; step++) {
        gv_vql_tally_take(tally, book, &all);
        gv_vql_learn(book, &tally, 1);
    }
    gv_vql_tally_destroy(tally);
    const double after = apart_of(book, keys, COUNT, gv_vql_codes(book, 0));
    assert_true(before > 50);
    assert_true(after < 0.05);
    gv_vql_book_destroy(book);
}

/* Attention over codes as keys, each with its mean and its weight. */
static void attend_told(const float *query, const float *pairs, const float *weights, float *out)
{
    for (size_t g = 0; g < GROUPS; g++) {
        double total = 0;
        double sums[WIDTH] = {0};
        for (size_t c = 0; c < CODES; c++) {
            const float *pair = pairs + c * 2 * ROW + g * WIDTH;
            double score = 0;
            for (size_t k = 0; k < WIDTH; k++) {
                score += (double)query[g * WIDTH + k] * (double)pair[k];
            }
            const double weight = (double)weights[g * CODES + c] * exp(score / sqrt(WIDTH));
            total += weight;
            for (size_t k = 0; k < WIDTH; k++) {
                sums[k] += weight * (double)pair[ROW + k];
            }
        }
        for (size_t k = 0; k < WIDTH; k++) {
            out[g * WIDTH + k] = (float)(sums[k] / total);
        }
    }
}

static void what_a_cache_tells_is_attended_alike(void **state)
{
    (void)state;
    gv_vql_config config = timed;
    config.codes[1] = CODES;
    const double shares[GROUPS * 3] = {0.5, 0.3, 0.2, 0.5, 0.3, 0.2};
    gv_vql_book *book = book_of(&config);
    gv_vql_cache *cache = cache_of(book);
    past made = past_of(book, 500, 0.3);
    append_all(cache, &made);
    const double time = made.times[499] + 60;
    float query[ROW];
    float expected[ROW];
    float pairs[CODES * 2 * ROW];
    float weights[GROUPS * CODES];
    float found[ROW];
    query_of(9, query);
    gv_vql_attend(cache, query, time, expected);
    gv_vql_tell(cache, shares, time, pairs, weights);
    attend_told(query, pairs, weights, found);
    for (size_t k = 0; k < ROW; k++) {
        assert_true(fabs((double)found[k] - (double)expected[k]) < 1e-5);
    }
    gv_vql_cache_clear(cache);
    gv_vql_tell(cache, shares, 0, pairs, weights);
    for (size_t i = 0; i < (size_t)GROUPS * CODES; i++) {
        assert_true(weights[i] == 0);
    }
    past_free(&made);
    gv_vql_cache_destroy(cache);
    gv_vql_book_destroy(book);
}

/* Whoever counted them: parts of a step move the codes as the whole of it does. */
static void parts_of_a_step_are_the_step(void **state)
{
    (void)state;
    enum { COUNT = 120, LENGTH = 6 };
    static float keys[COUNT * ROW];
    uint32_t counts[COUNT / LENGTH];
    for (size_t i = 0; i < (size_t)COUNT * ROW; i++) {
        keys[i] = (float)drawn(70, i);
    }
    for (size_t row = 0; row < COUNT / LENGTH; row++) {
        counts[row] = (uint32_t)(row % (LENGTH + 1));
    }
    gv_vql_book *whole = book_of(&plain);
    gv_vql_book *parts = book_of(&plain);
    gv_vql_tally *tallies[3] = {tally_of(whole), tally_of(parts), tally_of(parts)};
    for (size_t step = 0; step < 5; step++) {
        /* The first makes codes of keys, which are drawn part by part: it is whole for both. */
        const size_t first = step == 0 ? COUNT / LENGTH : 8;
        const gv_vql_keys all = {keys, COUNT / LENGTH, LENGTH, counts};
        const gv_vql_keys one = {keys, first, LENGTH, counts};
        const gv_vql_keys rest = {keys + first * LENGTH * ROW, COUNT / LENGTH - first, LENGTH,
                                  counts + first};
        gv_vql_tally_take(tallies[0], whole, &all);
        gv_vql_tally_take(tallies[1], parts, &one);
        gv_vql_tally_take(tallies[2], parts, &rest);
        gv_vql_learn(whole, tallies, 1);
        gv_vql_learn(parts, tallies + 1, step == 0 ? 1 : 2);
    }
    for (size_t i = 0; i < (size_t)CODES * WIDTH; i++) {
        const double a = (double)gv_vql_codes(whole, 0)[i];
        assert_true(fabs(a - (double)gv_vql_codes(parts, 0)[i]) < 1e-6);
    }
    gv_vql_tally_destroy(tallies[0]);
    gv_vql_tally_destroy(tallies[1]);
    gv_vql_tally_destroy(tallies[2]);
    gv_vql_book_destroy(whole);
    gv_vql_book_destroy(parts);
}

static void failed_allocations_are_survived(void **state)
{
    (void)state;
    bool is_done = false;
    for (int fails = 0; !is_done; fails++) {
        gv_vql_book *book = NULL;
        gv_vql_cache *cache = NULL;
        gv_vql_tally *tally = NULL;
        gv_mem_fail_after(fails);
        gv_status status = gv_vql_book_create(&plain, &book);
        if (status == GV_OK) {
            status = gv_vql_tally_create(book, &tally);
        }
        if (status == GV_OK) {
            status = gv_vql_cache_create(book, &cache);
        }
        gv_mem_fail_after(-1);
        assert_true(status == GV_OK || status == GV_ENOMEM);
        is_done = status == GV_OK;
        gv_vql_cache_destroy(cache);
        gv_vql_tally_destroy(tally);
        gv_vql_book_destroy(book);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_that_are_codes_are_attended_exactly),
        cmocka_unit_test(weights_are_off_by_no_more_than_the_bound),
        cmocka_unit_test(a_longer_past_is_no_further_off),
        cmocka_unit_test(an_event_touches_its_own_code_alone),
        cmocka_unit_test(an_empty_past_gives_zeros_and_a_long_time_no_overflow),
        cmocka_unit_test(codes_follow_keys_and_idle_ones_start_anew),
        cmocka_unit_test(what_a_cache_tells_is_attended_alike),
        cmocka_unit_test(parts_of_a_step_are_the_step),
        cmocka_unit_test(failed_allocations_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
