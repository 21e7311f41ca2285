/*
 * Philox fills and draws beside xoshiro256** (Blackman and Vigna, "Scrambled linear
 * pseudorandom number generators", ACM TOMS 2021), which is about as quick as a generator with
 * a state gets, and GSL's mt19937 and samplers, which is what most simulations in C use.
 */
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <gsl/gsl_version.h>
#include <stdio.h>

#include "bench/timing.h"
#include "sim/base/gsl_random.h"
#include "sim/base/random.h"

enum { BLOCK = 4096, ROUNDS = 512, TURNS = 7, DRAWS = BLOCK * ROUNDS };

static uint64_t bits[BLOCK];
static double numbers[BLOCK];
static const gv_random philox = {.key = {1, 0}, .entity = 7};
static gsl_rng *twister;
static gsl_rng *wrapped;
static volatile double sink;

typedef struct xoshiro {
    uint64_t s[4];
} xoshiro;

static uint64_t rotate(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

static uint64_t xoshiro_next(xoshiro *x)
{
    const uint64_t result = rotate(x->s[1] * 5, 7) * 9;
    const uint64_t shifted = x->s[1] << 17;
    x->s[2] ^= x->s[0];
    x->s[3] ^= x->s[1];
    x->s[1] ^= x->s[2];
    x->s[0] ^= x->s[3];
    x->s[2] ^= shifted;
    x->s[3] = rotate(x->s[3], 45);
    return result;
}

static void xoshiro_bits(void *context)
{
    xoshiro state = {{1, 2, 3, 4}};
    (void)context;
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < BLOCK; i++) {
            bits[i] = xoshiro_next(&state);
        }
        sink = (double)bits[BLOCK - 1];
    }
}

static void xoshiro_uniform(void *context)
{
    xoshiro state = {{1, 2, 3, 4}};
    (void)context;
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < BLOCK; i++) {
            numbers[i] = (double)(xoshiro_next(&state) >> 11) * 0x1p-53;
        }
        sink = numbers[BLOCK - 1];
    }
}

static void philox_bits(void *context)
{
    (void)context;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        gv_random_fill_bits(&philox, round * BLOCK, BLOCK, bits);
        sink = (double)bits[BLOCK - 1];
    }
}

typedef void (*fill_function)(const gv_random *random, uint64_t first, size_t count, double *out);

static void fill(fill_function function)
{
    for (uint64_t round = 0; round < ROUNDS; round++) {
        function(&philox, round * BLOCK, BLOCK, numbers);
        sink = numbers[BLOCK - 1];
    }
}

static void philox_uniform(void *context)
{
    (void)context;
    fill(gv_random_fill_uniform);
}

static void philox_normal(void *context)
{
    (void)context;
    fill(gv_random_fill_normal);
}

static void philox_exponential(void *context)
{
    (void)context;
    fill(gv_random_fill_exponential);
}

static void philox_each(void *context)
{
    (void)context;
    static uint64_t entities[BLOCK];
    for (uint64_t round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < BLOCK; i++) {
            entities[i] = round * BLOCK + i;
        }
        gv_random_each_uniform(1, GV_STREAM_CLICK, entities, BLOCK, numbers);
        sink = numbers[BLOCK - 1];
    }
}

static void philox_single(void *context)
{
    (void)context;
    for (uint64_t i = 0; i < DRAWS; i++) {
        numbers[i % BLOCK] = gv_random_uniform(&philox, i);
    }
    sink = numbers[0];
}

typedef double (*sampler)(const gsl_rng *rng);

static void sample(sampler draw, const gsl_rng *rng)
{
    for (size_t i = 0; i < DRAWS; i++) {
        numbers[i % BLOCK] = draw(rng);
    }
    sink = numbers[0];
}

static double unit_normal(const gsl_rng *rng)
{
    return gsl_ran_gaussian_ziggurat(rng, 1.0);
}

static double unit_exponential(const gsl_rng *rng)
{
    return gsl_ran_exponential(rng, 1.0);
}

static void gsl_uniform(void *rng)
{
    sample(gsl_rng_uniform, rng);
}

static void gsl_normal(void *rng)
{
    sample(unit_normal, rng);
}

static void gsl_exponential(void *rng)
{
    sample(unit_exponential, rng);
}

/* The first side is the reference of the ratios. */
static void section(const char *what, const bench_side *sides, size_t count)
{
    const bench_times times = bench_measure(sides, count, TURNS);
    for (size_t i = 0; i < count; i++) {
        printf("| %s | %s | %.2f | %.2f |\n", what, sides[i].name, times.median[i] * 1e9 / DRAWS,
               times.ratio[i]);
    }
}

int main(void)
{
    twister = gsl_rng_alloc(gsl_rng_mt19937);
    wrapped = gsl_rng_alloc(gv_gsl_rng_philox);
    const bench_side bit_sides[] = {{"xoshiro256** loop", xoshiro_bits, NULL},
                                    {"Philox fill", philox_bits, NULL}};
    const bench_side uniform_sides[] = {{"xoshiro256** loop", xoshiro_uniform, NULL},
                                        {"Philox fill", philox_uniform, NULL},
                                        {"Philox, one an entity", philox_each, NULL},
                                        {"Philox, single draws", philox_single, NULL},
                                        {"GSL mt19937", gsl_uniform, twister},
                                        {"Philox as a gsl_rng", gsl_uniform, wrapped}};
    const bench_side normal_sides[] = {{"GSL mt19937, ziggurat", gsl_normal, twister},
                                       {"Philox fill, inverse", philox_normal, NULL}};
    const bench_side exponential_sides[] = {{"GSL mt19937", gsl_exponential, twister},
                                            {"Philox fill, inverse", philox_exponential, NULL}};
    printf("## Random numbers\n\n");
    printf("%d draws in blocks of %d, one thread, median of %d turns; GSL %s. The speed is "
           "against the first line of each kind. Floor of a Philox draw with AVX-512: 60 "
           "instructions for 16 draws (ten rounds of two products, two shifts, two exclusive "
           "ors), two a cycle, so 1.9 cycles a draw.\n\n",
           DRAWS, BLOCK, TURNS, GSL_VERSION);
    printf("| draw | generator | ns a draw | speed |\n|---|---|---:|---:|\n");
    section("64 bits", bit_sides, 2);
    section("uniform", uniform_sides, 6);
    section("normal", normal_sides, 2);
    section("exponential", exponential_sides, 2);
    gsl_rng_free(twister);
    gsl_rng_free(wrapped);
    return 0;
}
