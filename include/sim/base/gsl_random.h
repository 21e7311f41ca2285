/*
 * gsl_random.h - Gavel's random streams as a generator of the GNU Scientific Library.
 *
 * GSL's distributions, shuffles and Monte Carlo routines then draw from the same keyed
 * sequences as everything else. The generator hands out draws 0, 1, 2, ... of one sequence,
 * 64 bits each; its state is plain memory, so gsl_rng_memcpy() and gsl_rng_clone() work and
 * copies go on alike.
 *
 *   gsl_rng *rng = gsl_rng_alloc(gv_gsl_rng_philox);
 *   gv_gsl_rng_key(rng, seed, GV_STREAM_TRAFFIC, opportunity);
 *   const double value = gsl_ran_gamma(rng, 2.0, 1.5);
 */
#ifndef SIM_BASE_GSL_RANDOM_H
#define SIM_BASE_GSL_RANDOM_H

#include <gsl/gsl_rng.h>
#include <stdint.h>

#include "sim/base/random.h"

/* gsl_rng_set(rng, seed) starts the sequence of (seed, GV_STREAM_LIBRARY, entity 0). */
extern const gsl_rng_type *const gv_gsl_rng_philox;

/* Starts a generator of this type (asserted) at draw 0 of the keyed sequence. */
void gv_gsl_rng_key(gsl_rng *rng, uint64_t seed, gv_stream stream, uint64_t entity);

#endif
