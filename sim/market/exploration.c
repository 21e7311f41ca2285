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
    return exploration != NULL && (exploration->epsilon > 0 || exploration->jitter > 0);
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

int64_t gv_explore(const gv_exploration *exploration, uint64_t id, int64_t intended)
{
    if (intended <= 0) {
        return intended;
    }
    const double bid = (double)intended * exp(draw(exploration, id));
    if (bid >= (double)GV_OFFER_MAX) {
        return GV_OFFER_MAX;
    }
    return bid > 1 ? llrint(bid) : 1;
}

void gv_explore_all(const gv_exploration *exploration, uint64_t first_id, const uint64_t *ids,
                    size_t count, int64_t *bids)
{
    for (size_t i = 0; i < count; i++) {
        bids[i] = gv_explore(exploration, ids == NULL ? first_id + i : ids[i], bids[i]);
    }
}

double gv_exploration_density(const gv_exploration *exploration, double intended, double bid)
{
    assert(intended > 0 && bid > 0);
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
