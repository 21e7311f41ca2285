#include <assert.h>
#include <math.h>

#include "policies/learn/bags_impl.h"

/* What values are divided by to be in the law's unit. */
static double unit_of(const gv_return_law *law, double budget, double cpa)
{
    const double unit = cpa > 0 ? budget / cpa : 0;
    return law->is_relative && unit > 0 ? unit : 1;
}

/*
 * Ticks [from, end) of a bag, whose first returns to go the law has given: what the bag brought
 * is shared out. `behind`: the law's return to go after it.
 */
static void share_out(const gv_episode *episode, size_t from, size_t end, double behind,
                      double *to_go)
{
    const double first = to_go[from];
    double all = 0;
    double before = 0;
    for (size_t t = from; t < end; t++) {
        all += episode->reward_continuous[t];
    }
    for (size_t t = from; t < end; t++) {
        const double share = all > 0 ? before / all : (double)(t - from) / (double)(end - from);
        to_go[t] = first - (first - behind) * share;
        before += episode->reward_continuous[t];
    }
}

void gv_bag_to_go(const gv_bag_law *bags, const gv_return_law *law, const gv_episode *episode,
                  double *to_go)
{
    const size_t length = episode->length;
    const double unit = unit_of(law, episode->budget, episode->cpa);
    double values = 0;
    assert(bags->length >= 1);
    gv_return_to_go(law, episode, to_go);
    for (size_t from = 0; from < length; from += bags->length) {
        const size_t end = length - from < bags->length ? length : from + bags->length;
        share_out(episode, from, end, end < length ? to_go[end] : 0, to_go);
    }
    for (size_t t = length; t-- > 0;) {
        values += episode->reward_continuous[t] / unit;
        to_go[t] = (1 - bags->weight) * to_go[t] + bags->weight * values;
    }
}

void gv_bag_put(const gv_bag_law *bags, const gv_return_law *law, gv_bag_purse *purse, size_t tick,
                double value, const gv_account *account)
{
    purse->open += value / unit_of(law, account->budget, account->cpa);
    if (tick % bags->length == 0) {
        purse->reached = gv_return_reached(law, account);
        purse->values += purse->open;
        purse->open = 0;
    }
}

double gv_bag_reached(const gv_bag_law *bags, const gv_bag_purse *purse)
{
    return (1 - bags->weight) * purse->reached + bags->weight * purse->values + purse->open;
}
