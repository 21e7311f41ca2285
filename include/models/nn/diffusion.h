/*
 * diffusion.h - the arithmetic of diffusion models: a schedule of noise, and jumps back through it.
 *
 * Forward, x_k = sqrt(abar_k) x_0 + sqrt(1 - abar_k) noise for k = 0 .. K, abar_0 = 1. The cosine
 * schedule (Nichol and Dhariwal 2021, equation 17) has
 *   f(k) = cos^2((k/K + s) / (1 + s) pi/2),  beta_k = min(1 - f(k)/f(k-1), 0.999),
 *   abar_k = product of (1 - beta_j) for j = 1 .. k.
 *
 * Backward, a network has guessed the noise eps in x_k, and a jump leads to an earlier step j < k
 * (DDIM; Song, Meng and Ermon 2021, equation 12):
 *   x_0^ = (x_k - sqrt(1 - abar_k) eps) / sqrt(abar_k), held within +-bound,
 *   eps^ = (x_k - sqrt(abar_k) x_0^) / sqrt(1 - abar_k),
 *   sigma = eta sqrt((1 - abar_j) / (1 - abar_k)) sqrt(1 - abar_k / abar_j),
 *   x_j = sqrt(abar_j) x_0^ + sqrt(1 - abar_j - sigma^2) eps^ + noise_scale sigma n.
 * With j = k - 1 and eta = 1 that is the posterior of DDPM (Ho, Jain and Abbeel 2020), its smaller
 * variance; with eta = 0 nothing is drawn. Nothing here allocates.
 */
#ifndef MODELS_NN_DIFFUSION_H
#define MODELS_NN_DIFFUSION_H

#include <stdbool.h>
#include <stddef.h>

enum { GV_DIFFUSION_STEPS_MAX = 1000 };

typedef struct gv_diffusion {
    size_t steps;                            /* K, 1 .. GV_DIFFUSION_STEPS_MAX */
    double kept[GV_DIFFUSION_STEPS_MAX + 1]; /* abar_k */
} gv_diffusion;

#define GV_DIFFUSION_OFFSET 0.008 /* s of the cosine schedule */

gv_diffusion gv_diffusion_cosine(size_t steps, double offset);

/* x_k of x_0 and standard normal noise. All: [count]. */
void gv_diffusion_mix(const gv_diffusion *diffusion, size_t k, const float *x0, const float *noise,
                      size_t count, float *x);

typedef struct gv_jumps {
    size_t count;       /* S, 1 .. K */
    double eta;         /* 0: no noise; 1 with S = K: DDPM */
    double bound;       /* of x_0^; HUGE_VAL: none */
    double noise_scale; /* of what is drawn on the way; 1 but for decision diffusers' 0.5 */
} gv_jumps;

/* The step from which jump i = S .. 1 leaves: K i / S, rounded. Jump 1 ends at 0. */
size_t gv_diffusion_stop(const gv_diffusion *diffusion, const gv_jumps *jumps, size_t i);

/*
 * Jump i in place: x, the network's eps, and standard normal noise (read only where sigma is
 * above 0: not by the last jump, nor with eta = 0). All: [count].
 */
void gv_diffusion_jump(const gv_diffusion *diffusion, const gv_jumps *jumps, size_t i,
                       const float *eps, const float *noise, size_t count, float *x);

/* What jump i multiplies the noise with; 0: it needs none. */
double gv_diffusion_sigma(const gv_diffusion *diffusion, const gv_jumps *jumps, size_t i);

/*
 * Whether jump i has to hold a number of x_0^: a guess is beyond the bound. All: [count].
 */
bool gv_diffusion_exceeds(const gv_diffusion *diffusion, const gv_jumps *jumps, size_t i,
                          const float *eps, size_t count, const float *x);

/* eps := none + scale (eps - none): classifier-free guidance (Ho and Salimans 2021). [count] */
void gv_diffusion_guide(const float *none, double scale, size_t count, float *eps);

typedef struct gv_guidance {
    double some;
    double more;
} gv_guidance;

/*
 * eps := none + by->some (some - none) + by->more (eps - some): of guesses without condition,
 * under some of it, and under all (eps). [count]
 */
void gv_diffusion_guide_twice(const float *none, const float *some, const gv_guidance *by,
                              size_t count, float *eps);

#endif
