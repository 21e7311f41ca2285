/* Rewards of bags of ticks, beside the sums that they are defined by. */
#include <math.h>
#include <string.h>

#include "cmocka_all.h"
#include "policies/learn/bags_impl.h"
#include "sim/base/random.h"

static void assert_near(double found, double expected, double error)
{
    if (!(fabs(found - expected) <= error)) {
        fail_msg("%.9g, expected %.9g within %g", found, expected, error);
    }
}

enum { LONG = 13 };

/* Random ticks, some without a value, the third bag of four without any. */
typedef struct made_episode {
    double state[LONG * GV_STATE_SIZE];
    double reward[LONG];
    double value[LONG];
    gv_episode episode;
} made_episode;

static void make_episode(made_episode *made, uint64_t number)
{
    const gv_random draw = gv_random_key(number, GV_STREAM_TEST, 1);
    memset(made, 0, sizeof *made);
    for (size_t t = 0; t < LONG; t++) {
        made->state[t * GV_STATE_SIZE + GV_STATE_BUDGET_LEFT] = 1 - (double)t / LONG;
        made->reward[t] = (double)gv_random_below(&draw, 2 * t, 3);
        made->value[t] = t / 4 == 2 ? 0 : gv_random_uniform(&draw, 2 * t + 1);
    }
    made->episode = (gv_episode){.state = made->state,
                                 .reward = made->reward,
                                 .reward_continuous = made->value,
                                 .length = LONG,
                                 .budget = 300,
                                 .cpa = 20,
                                 .spend = 290};
}

static double reached_before(const gv_return_law *law, const gv_episode *episode, size_t t)
{
    const gv_account account = gv_episode_account(episode, t);
    return gv_return_reached(law, &account);
}

/* r_t as the header has it, tick by tick, and the sum of it from t on. */
static double slow_to_go(const gv_bag_law *bags, const gv_return_law *law,
                         const gv_episode *episode, size_t from)
{
    const double unit = law->is_relative ? episode->budget / episode->cpa : 1;
    double sum = 0;
    for (size_t t = from; t < episode->length; t++) {
        const size_t first = t / bags->length * bags->length;
        const size_t end = first + bags->length < LONG ? first + bags->length : LONG;
        double all = 0;
        for (size_t k = first; k < end; k++) {
            all += episode->reward_continuous[k];
        }
        const double share =
            all > 0 ? episode->reward_continuous[t] / all : 1 / (double)(end - first);
        const double brought =
            reached_before(law, episode, end) - reached_before(law, episode, first);
        sum += (1 - bags->weight) * brought * share +
               bags->weight * episode->reward_continuous[t] / unit;
    }
    return sum;
}

static void the_return_to_go_of_bags_is_the_sum_of_their_rewards(void **state)
{
    (void)state;
    static const gv_return_law laws[] = {{.kind = GV_RETURN_PLAIN},
                                         {.kind = GV_RETURN_SCORE, .power = 2},
                                         {GV_RETURN_SCORE, 2, true}};
    static const size_t lengths[] = {1, 2, 4, 8, 13, 48};
    for (size_t k = 0; k < (size_t)18 * 3; k++) {
        const gv_return_law *law = &laws[k % 3];
        const size_t halves = k / 18;
        const gv_bag_law bags = {.length = lengths[k / 3 % 6], .weight = 0.5 * (double)halves};
        made_episode made;
        double to_go[LONG];
        make_episode(&made, k);
        gv_bag_to_go(&bags, law, &made.episode, to_go);
        for (size_t t = 0; t < LONG; t++) {
            assert_near(to_go[t], slow_to_go(&bags, law, &made.episode, t), 1e-9);
        }
    }
}

static void bags_of_one_tick_without_weight_are_the_plain_return_to_the_bit(void **state)
{
    (void)state;
    static const gv_return_law laws[] = {{.kind = GV_RETURN_PLAIN}, {GV_RETURN_SCORE, 2, true}};
    const gv_bag_law bags = {.length = 1};
    for (size_t k = 0; k < 20; k++) {
        made_episode made;
        double plain[LONG];
        double bagged[LONG];
        make_episode(&made, k);
        gv_return_to_go(&laws[k % 2], &made.episode, plain);
        gv_bag_to_go(&bags, &laws[k % 2], &made.episode, bagged);
        assert_memory_equal(plain, bagged, sizeof plain);
    }
}

/* An open bag counts its values as they come; what it brought is known when it closes. */
static void an_open_bag_is_put_right_when_it_closes_and_reads_no_future(void **state)
{
    (void)state;
    const gv_return_law law = {.kind = GV_RETURN_PLAIN};
    const gv_bag_law bags = {.length = 4, .weight = 0.25};
    made_episode made;
    gv_bag_purse purse = {0};
    double values = 0;
    make_episode(&made, 3);
    for (size_t t = 1; t <= LONG; t++) {
        const gv_account now = gv_episode_account(&made.episode, t);
        const double before = gv_bag_reached(&bags, &purse);
        gv_bag_put(&bags, &law, &purse, t, made.value[t - 1], &now);
        values += made.value[t - 1];
        if (t % 4 != 0) {
            assert_near(gv_bag_reached(&bags, &purse), before + made.value[t - 1], 1e-12);
        } else {
            double bag = 0;
            double brought = 0;
            for (size_t k = t - 4; k < t; k++) {
                bag += made.value[k];
                brought += made.reward[k];
            }
            assert_near(gv_bag_reached(&bags, &purse),
                        before + made.value[t - 1] + 0.75 * (brought - bag), 1e-12);
            assert_near(gv_bag_reached(&bags, &purse), 0.75 * now.conversions + 0.25 * values,
                        1e-12);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_return_to_go_of_bags_is_the_sum_of_their_rewards),
        cmocka_unit_test(bags_of_one_tick_without_weight_are_the_plain_return_to_the_bit),
        cmocka_unit_test(an_open_bag_is_put_right_when_it_closes_and_reads_no_future),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
