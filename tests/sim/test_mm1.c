/*
 * The M/M/1 queue on the event core against its theory: with arrivals at rate lambda and
 * services at rate mu, both exponential, the mean time in the system is 1 / (mu - lambda).
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cmocka_all.h"
#include "queue_model.h"

enum { CUSTOMERS = 400000, BATCHES = 40, BATCH = CUSTOMERS / BATCHES };

/* Mean and its standard error, from the means of batches long beside the queue's memory. */
static void check_load(double load, bool is_streamed)
{
    int64_t sums_us[BATCHES] = {0};
    static queue_model queue;
    queue = queue_model_of(1, load, CUSTOMERS);
    queue.batch_sums_us = sums_us;
    queue.batch_size = BATCH;
    assert_int_equal(queue_run(&queue, is_streamed), GV_OK);
    assert_int_equal(queue.served, CUSTOMERS);

    const double mean = (double)queue.sum_us / QUEUE_SERVICE_US / CUSTOMERS;
    double square = 0.0;
    for (size_t i = 0; i < BATCHES; i++) {
        const double deviation = (double)sums_us[i] / QUEUE_SERVICE_US / BATCH - mean;
        square += deviation * deviation;
    }
    const double error = sqrt(square / (BATCHES - 1) / BATCHES);
    const double theory = 1.0 / (1.0 - load);
    printf("load %.2f, %s: mean %.4f +- %.4f, theory %.4f\n", load, is_streamed ? "stream" : "heap",
           mean, error, theory);
    assert_true(fabs(mean - theory) < 3.0 * error);
    assert_true(error < 0.04 * theory);
}

static void mean_time_in_system_is_one_over_mu_less_lambda(void **state)
{
    (void)state;
    static const double loads[] = {0.1, 0.3, 0.5, 0.7, 0.8, 0.9};
    for (size_t i = 0; i < sizeof loads / sizeof loads[0]; i++) {
        check_load(loads[i], false);
        check_load(loads[i], true);
    }
}

static int64_t sum_of(uint64_t seed, bool is_streamed)
{
    static queue_model queue;
    queue = queue_model_of(seed, 0.8, CUSTOMERS / 4);
    assert_int_equal(queue_run(&queue, is_streamed), GV_OK);
    return queue.sum_us;
}

/* The same customers, whether their arrivals are events or a stream. */
static void streamed_and_scheduled_arrivals_agree(void **state)
{
    (void)state;
    assert_int_equal(sum_of(5, false), sum_of(5, true));
    assert_int_not_equal(sum_of(5, true), sum_of(6, true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mean_time_in_system_is_one_over_mu_less_lambda),
        cmocka_unit_test(streamed_and_scheduled_arrivals_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
