/* A network of prices against the law that made them, by kind of auction. */
#include <math.h>
#include <string.h>

#include "cmocka_all.h"
#include "models/predict/price_net.h"
#include "sim/base/mem.h"
#include "sim/base/random.h"

enum { COUNT = 20000, TESTED = 4000, KINDS = 8, BUCKETS = 32 };

/*
 * Two fields: the kind of auction, which sets the mean of a price's logarithm, and its slot, which
 * sets the deviation. Lost about as often as won.
 */
typedef struct made {
    gv_examples examples;
    uint32_t starts[2 * COUNT + 1];
    uint32_t buckets[2 * COUNT];
    gv_price_sample samples[COUNT];
} made;

static double mu_of(uint32_t kind)
{
    return 17.0 + 0.25 * (double)kind;
}

static double sigma_of(uint32_t slot)
{
    return slot == 0 ? 0.3 : 0.8;
}

static made *make(uint64_t seed, size_t count)
{
    made *all = gv_mem_alloc(sizeof *all, 0, 0);
    assert_non_null(all);
    for (size_t i = 0; i < count; i++) {
        const gv_random own = gv_random_key(seed, GV_STREAM_TEST, i);
        const uint32_t kind = (uint32_t)gv_random_below(&own, 0, KINDS);
        const uint32_t slot = (uint32_t)gv_random_below(&own, 1, 2);
        const double z = gv_random_normal(&own, 2);
        const int64_t price = llrint(exp(mu_of(kind) + sigma_of(slot) * z));
        const int64_t bid = llrint(exp(17.9 + 0.7 * gv_random_normal(&own, 3)));
        const bool won = bid >= price;
        all->starts[2 * i + 1] = (uint32_t)(2 * i + 1);
        all->starts[2 * i + 2] = (uint32_t)(2 * i + 2);
        all->buckets[2 * i] = kind;
        all->buckets[2 * i + 1] = 16 + slot;
        all->samples[i] = (gv_price_sample){.nanos = won ? price : bid, .won = won, .weight = 1};
    }
    all->examples = (gv_examples){.shape = {.field_count = 2, .bucket_count = BUCKETS},
                                  .count = count,
                                  .starts = all->starts,
                                  .buckets = all->buckets};
    return all;
}

static gv_price_net *fit(const made *all, size_t jobs)
{
    gv_price_net_config config = gv_price_net_usual;
    gv_price_net *net = NULL;
    config.batch = 256;
    config.steps = 1200;
    config.jobs = jobs;
    assert_int_equal(gv_price_net_fit(&config, &all->examples, all->samples, &net), GV_OK);
    return net;
}

/*
 * Every kind's law comes out, though half of the prices were never seen; and on other auctions the
 * likelihood lies between one law's for all and the truth's, near the latter.
 */
static void it_finds_the_law_of_every_kind(void **state)
{
    (void)state;
    made *taught = make(1, COUNT);
    made *tested = make(2, TESTED);
    static gv_log_normal_price laws[TESTED];
    static gv_log_normal_price alike[TESTED];
    static gv_log_normal_price truth[TESTED];
    gv_price_net *net = fit(taught, 2);
    assert_int_equal(gv_price_net_laws(net, &tested->examples, laws), GV_OK);
    for (size_t i = 0; i < TESTED; i++) {
        const uint32_t kind = tested->buckets[2 * i];
        const uint32_t slot = tested->buckets[2 * i + 1] - 16;
        truth[i] = (gv_log_normal_price){
            .mu = mu_of(kind), .sigma = sigma_of(slot), .least = laws[i].least};
        alike[i] = gv_price_net_start(net);
        assert_true(fabs(laws[i].mu - mu_of(kind)) < 0.2);
        assert_true(fabs(log(laws[i].sigma / sigma_of(slot))) < 0.25);
    }
    const double by_net = gv_price_likelihood(laws, tested->samples, TESTED);
    const double by_one = gv_price_likelihood(alike, tested->samples, TESTED);
    const double by_truth = gv_price_likelihood(truth, tested->samples, TESTED);
    assert_true(by_net > by_one + 0.5 * (by_truth - by_one));
    assert_true(by_net > by_truth - 0.02);
    gv_price_net_destroy(net);
    gv_mem_free(taught);
    gv_mem_free(tested);
}

static void threads_and_company_change_nothing(void **state)
{
    (void)state;
    made *taught = make(3, TESTED);
    static gv_log_normal_price one[TESTED];
    static gv_log_normal_price other[TESTED];
    gv_price_net *single = fit(taught, 1);
    gv_price_net *several = fit(taught, 2);
    gv_examples few = taught->examples;
    assert_int_equal(gv_price_net_laws(single, &taught->examples, one), GV_OK);
    assert_int_equal(gv_price_net_laws(several, &taught->examples, other), GV_OK);
    assert_memory_equal(one, other, sizeof one);
    const size_t counts[] = {1, 7, 48};
    for (size_t i = 0; i < 3; i++) {
        few.count = counts[i];
        assert_int_equal(gv_price_net_laws(single, &few, other), GV_OK);
        assert_memory_equal(one, other, counts[i] * sizeof *one);
    }
    gv_price_net_destroy(single);
    gv_price_net_destroy(several);
    gv_mem_free(taught);
}

static void what_has_no_prices_is_refused(void **state)
{
    (void)state;
    made *taught = make(4, 100);
    gv_price_net *net = NULL;
    for (size_t i = 0; i < 100; i++) {
        taught->samples[i].won = false;
    }
    assert_int_equal(
        gv_price_net_fit(&gv_price_net_usual, &taught->examples, taught->samples, &net), GV_EINVAL);
    assert_non_null(strstr(gv_status_detail(), "bid more"));
    gv_mem_free(taught);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    made *taught = make(5, 200);
    gv_price_net_config config = gv_price_net_usual;
    gv_status status = GV_ENOMEM;
    config.steps = 2;
    config.batch = 16;
    for (int i = 0; status == GV_ENOMEM && i < 1000; i++) {
        gv_price_net *net = NULL;
        gv_mem_fail_after(i);
        status = gv_price_net_fit(&config, &taught->examples, taught->samples, &net);
        gv_mem_fail_after(-1);
        gv_price_net_destroy(net);
    }
    assert_int_equal(status, GV_OK);
    gv_mem_free(taught);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_finds_the_law_of_every_kind),
        cmocka_unit_test(threads_and_company_change_nothing),
        cmocka_unit_test(what_has_no_prices_is_refused),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
