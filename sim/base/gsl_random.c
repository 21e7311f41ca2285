/*
 * Draws are made a batch at a time by the vectorised fill. GSL calls without a context and
 * allocates the state itself, so the batch lies in the state.
 */
#include "sim/base/gsl_random.h"

#include <assert.h>

enum { BATCH = 128 };

typedef struct philox_state {
    gv_random random;
    uint64_t next; /* index of the next draw; a batch is due when it is a multiple of BATCH */
    uint64_t batch[BATCH];
} philox_state;

static void philox_set(void *state, unsigned long seed)
{
    philox_state *philox = state;
    philox->random = gv_random_key(seed, GV_STREAM_LIBRARY, 0);
    philox->next = 0;
}

static unsigned long philox_get(void *state)
{
    philox_state *philox = state;
    const size_t place = (size_t)(philox->next % BATCH);
    if (place == 0) {
        gv_random_fill_bits(&philox->random, philox->next, BATCH, philox->batch);
    }
    philox->next++;
    return philox->batch[place];
}

static double philox_get_double(void *state)
{
    return (double)(philox_get(state) >> 11) * 0x1p-53;
}

static const gsl_rng_type philox_type = {
    .name = "philox4x32-10",
    .max = UINT64_MAX,
    .min = 0,
    .size = sizeof(philox_state),
    .set = philox_set,
    .get = philox_get,
    .get_double = philox_get_double,
};

const gsl_rng_type *const gv_gsl_rng_philox = &philox_type;

void gv_gsl_rng_key(gsl_rng *rng, uint64_t seed, gv_stream stream, uint64_t entity)
{
    assert(rng->type == gv_gsl_rng_philox);
    philox_state *philox = rng->state;
    philox->random = gv_random_key(seed, stream, entity);
    philox->next = 0;
}
