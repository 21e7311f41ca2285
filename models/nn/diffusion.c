/*
 * Coefficients are computed in double and once a jump; the numbers of a sample are in single
 * precision and take four multiplications each, the same for every sample of a batch.
 */
#include "models/nn/diffusion.h"

#include <assert.h>
#include <math.h>

#define HALF_PI  1.57079632679489661923
#define BETA_MAX 0.999

gv_diffusion gv_diffusion_cosine(size_t steps, double offset)
{
    assert(steps >= 1);
    assert(steps <= GV_DIFFUSION_STEPS_MAX);
    gv_diffusion diffusion = {.steps = steps, .kept = {1.0}};
    double before = cos(offset / (1 + offset) * HALF_PI);
    for (size_t k = 1; k <= steps; k++) {
        const double now = cos(((double)k / (double)steps + offset) / (1 + offset) * HALF_PI);
        const double beta = 1 - now * now / (before * before);
        diffusion.kept[k] = diffusion.kept[k - 1] * (1 - (beta < BETA_MAX ? beta : BETA_MAX));
        before = now;
    }
    return diffusion;
}

void gv_diffusion_mix(const gv_diffusion *diffusion, size_t k, const float *x0, const float *noise,
                      size_t count, float *x)
{
    assert(k <= diffusion->steps);
    const float of_x0 = (float)sqrt(diffusion->kept[k]);
    const float of_noise = (float)sqrt(1 - diffusion->kept[k]);
    for (size_t i = 0; i < count; i++) {
        x[i] = of_x0 * x0[i] + of_noise * noise[i];
    }
}

size_t gv_diffusion_stop(const gv_diffusion *diffusion, const gv_jumps *jumps, size_t i)
{
    assert(jumps->count >= 1);
    assert(jumps->count <= diffusion->steps);
    assert(i <= jumps->count);
    return (2 * diffusion->steps * i + jumps->count) / (2 * jumps->count);
}

double gv_diffusion_sigma(const gv_diffusion *diffusion, const gv_jumps *jumps, size_t i)
{
    assert(i >= 1);
    const double here = diffusion->kept[gv_diffusion_stop(diffusion, jumps, i)];
    const double there = diffusion->kept[gv_diffusion_stop(diffusion, jumps, i - 1)];
    return jumps->eta * sqrt((1 - there) / (1 - here)) * sqrt(1 - here / there);
}

/* x_0^ = x times x_of - eps times eps_of; x_j = x_0^ times to_x0 + x times to_x + n times to_noise,
 * where eps^ has been written out. */
typedef struct jump {
    float x_of, eps_of, bound;
    float to_x0, to_x, to_noise;
} jump;

static jump jump_of(const gv_diffusion *diffusion, const gv_jumps *jumps, size_t i)
{
    const double here = diffusion->kept[gv_diffusion_stop(diffusion, jumps, i)];
    const double there = diffusion->kept[gv_diffusion_stop(diffusion, jumps, i - 1)];
    const double sigma = gv_diffusion_sigma(diffusion, jumps, i);
    /* Rounding alone makes it negative: at the last jump, where all is 0. */
    const double rest = 1 - there - sigma * sigma;
    const double to_x = sqrt(rest > 0 ? rest : 0) / sqrt(1 - here);
    return (jump){.x_of = (float)(1 / sqrt(here)),
                  .eps_of = (float)sqrt((1 - here) / here),
                  .bound = (float)jumps->bound,
                  .to_x0 = (float)(sqrt(there) - to_x * sqrt(here)),
                  .to_x = (float)to_x,
                  .to_noise = (float)(sigma * jumps->noise_scale)};
}

/* One number's way; the noise is added by whoever has some. */
static inline float jumped(const jump *by, float x, float eps)
{
    float x0 = by->x_of * x - by->eps_of * eps;
    x0 = x0 < -by->bound ? -by->bound : x0;
    x0 = x0 > by->bound ? by->bound : x0;
    return by->to_x0 * x0 + by->to_x * x;
}

void gv_diffusion_jump(const gv_diffusion *diffusion, const gv_jumps *jumps, size_t i,
                       const float *eps, const float *noise, size_t count, float *x)
{
    const jump by = jump_of(diffusion, jumps, i);
    if (by.to_noise == 0) {
        for (size_t at = 0; at < count; at++) {
            x[at] = jumped(&by, x[at], eps[at]);
        }
        return;
    }
    for (size_t at = 0; at < count; at++) {
        x[at] = jumped(&by, x[at], eps[at]) + by.to_noise * noise[at];
    }
}

bool gv_diffusion_exceeds(const gv_diffusion *diffusion, const gv_jumps *jumps, size_t i,
                          const float *eps, size_t count, const float *x)
{
    const jump by = jump_of(diffusion, jumps, i);
    for (size_t at = 0; at < count; at++) {
        if (fabsf(by.x_of * x[at] - by.eps_of * eps[at]) > by.bound) {
            return true;
        }
    }
    return false;
}

void gv_diffusion_guide(const float *none, double scale, size_t count, float *eps)
{
    const float factor = (float)scale;
    for (size_t i = 0; i < count; i++) {
        eps[i] = none[i] + factor * (eps[i] - none[i]);
    }
}

void gv_diffusion_guide_twice(const float *none, const float *some, const gv_guidance *by,
                              size_t count, float *eps)
{
    const float of_some = (float)by->some;
    const float of_more = (float)by->more;
    for (size_t i = 0; i < count; i++) {
        eps[i] = none[i] + of_some * (some[i] - none[i]) + of_more * (eps[i] - some[i]);
    }
}
