#include "sim/market/exploration.h"

#include <assert.h>
#include <math.h>

#include "sim/base/random.h"
#include "sim/market/mechanism.h"

/* The draws of an opportunity. */
enum { DRAW_WHICH, DRAW_JITTER, DRAW_RATIO };

static const double root_of_two_pi = 2.5066282746310002;

bool gv_exploration_is_on(const gv_exploration *exploration)
{
    return exploration != NULL &&
           (exploration->epsilon > 0 || exploration->jitter > 0 || exploration->strata > 0);
}

/* The logarithm of what the intended bid is multiplied by. */
static double draw(const gv_exploration *exploration, uint64_t id)
{
    const gv_random own = gv_random_key(exploration->seed, GV_STREAM_EXPLORE, id);
    if (gv_random_bernoulli(&own, DRAW_WHICH, exploration->epsilon)) {
        const double width = log(exploration->high / exploration->low);
        return log(exploration->low) + width * gv_random_uniform(&own, DRAW_RATIO);
    }
    return exploration->jitter * (gv_random_normal(&own, DRAW_JITTER) - exploration->jitter / 2);
}

/* The strata of one block, shuffled (Fisher and Yates) by draws of the block's own. */
typedef struct block {
    uint64_t number;
    unsigned char strata[GV_STRATA_MAX];
} block;

static void shuffle(const gv_exploration *exploration, uint64_t number, block *out)
{
    const gv_random own = gv_random_key(exploration->seed, GV_STREAM_EXPLORE, number);
    out->number = number;
    for (size_t i = 0; i < (size_t)exploration->strata; i++) {
        const size_t j = (size_t)gv_random_below(&own, i, i + 1);
        out->strata[i] = out->strata[j];
        out->strata[j] = (unsigned char)i;
    }
}

double gv_stratum_multiplier(const gv_exploration *exploration, size_t k)
{
    assert(exploration->strata >= 2 && k < (size_t)exploration->strata);
    const double share = (double)k / (double)(exploration->strata - 1);
    return exploration->low * pow(exploration->high / exploration->low, share);
}

size_t gv_stratum_of(const gv_exploration *exploration, uint64_t id)
{
    const uint64_t size = (uint64_t)exploration->strata;
    block own;
    assert(size >= 2 && size <= GV_STRATA_MAX);
    shuffle(exploration, id / size, &own);
    return own.strata[id % size];
}

static int64_t scaled(int64_t intended, double factor)
{
    const double bid = (double)intended * factor;
    if (bid >= (double)GV_OFFER_MAX) {
        return GV_OFFER_MAX;
    }
    return bid > 1 ? llrint(bid) : 1;
}

int64_t gv_explore(const gv_exploration *exploration, uint64_t id, int64_t intended)
{
    if (intended <= 0) {
        return intended;
    }
    if (exploration->strata > 0) {
        return scaled(intended, gv_stratum_multiplier(exploration, gv_stratum_of(exploration, id)));
    }
    return scaled(intended, exp(draw(exploration, id)));
}

/* A block is shuffled once for all of its opportunities that follow one another. */
static void explore_strata(const gv_exploration *exploration, uint64_t first_id,
                           const uint64_t *ids, size_t count, int64_t *bids)
{
    const uint64_t size = (uint64_t)exploration->strata;
    block current = {.number = UINT64_MAX};
    double multipliers[GV_STRATA_MAX];
    for (size_t k = 0; k < size; k++) {
        multipliers[k] = gv_stratum_multiplier(exploration, k);
    }
    for (size_t i = 0; i < count; i++) {
        const uint64_t id = ids == NULL ? first_id + i : ids[i];
        if (id / size != current.number) {
            shuffle(exploration, id / size, &current);
        }
        bids[i] = bids[i] > 0 ? scaled(bids[i], multipliers[current.strata[id % size]]) : bids[i];
    }
}

void gv_explore_all(const gv_exploration *exploration, uint64_t first_id, const uint64_t *ids,
                    size_t count, int64_t *bids)
{
    if (exploration->strata > 0) {
        explore_strata(exploration, first_id, ids, count, bids);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        bids[i] = gv_explore(exploration, ids == NULL ? first_id + i : ids[i], bids[i]);
    }
}

double gv_exploration_density(const gv_exploration *exploration, double intended, double bid)
{
    assert(intended > 0 && bid > 0);
    assert(exploration->strata == 0);
    const double ratio = bid / intended;
    const double s = exploration->jitter;
    double density = 0; /* of the logarithm of the ratio */
    if (exploration->epsilon < 1 && s > 0) {
        const double z = log(ratio) / s + s / 2;
        density += (1 - exploration->epsilon) * exp(-z * z / 2) / (s * root_of_two_pi);
    }
    if (ratio >= exploration->low && ratio <= exploration->high) {
        density += exploration->epsilon / log(exploration->high / exploration->low);
    }
    return density / bid;
}
