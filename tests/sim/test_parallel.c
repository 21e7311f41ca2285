#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "cmocka_all.h"
#include "sim/base/mem.h"
#include "sim/base/parallel.h"

enum { COUNT = 1000, JOBS = 4 };

typedef struct touches {
    unsigned touched[COUNT];
    size_t fail_from; /* indices at and above it fail */
} touches;

static gv_status touch(void *context, size_t index, size_t worker)
{
    touches *work = context;
    assert_true(worker < JOBS);
    work->touched[index]++;
    return index >= work->fail_from ? GV_FAIL(GV_EIO, "index %zu failed", index) : GV_OK;
}

static void every_index_runs_once_for_any_number_of_threads(void **state)
{
    (void)state;
    for (size_t jobs = 0; jobs <= JOBS; jobs++) {
        touches work = {.fail_from = COUNT};
        assert_int_equal(gv_parallel_for(jobs, COUNT, touch, &work), GV_OK);
        for (size_t i = 0; i < COUNT; i++) {
            assert_int_equal(work.touched[i], 1);
        }
    }
}

static void the_lowest_failure_is_told_with_its_sentence(void **state)
{
    (void)state;
    for (size_t jobs = 1; jobs <= JOBS; jobs++) {
        for (int round = 0; round < 50; round++) {
            touches work = {.fail_from = 37};
            assert_int_equal(gv_parallel_for(jobs, COUNT, touch, &work), GV_EIO);
            assert_string_equal(gv_status_detail(), "index 37 failed");
            for (size_t i = 0; i <= 37; i++) {
                assert_int_equal(work.touched[i], 1);
            }
        }
    }
}

/* Index 0 fails only after index 1 has. */
static gv_status fail_late(void *context, size_t index, size_t worker)
{
    (void)worker;
    atomic_int *later_failed = context;
    while (index == 0 && atomic_load(later_failed) == 0) {
        (void)sched_yield();
    }
    atomic_store(later_failed, 1);
    return GV_FAIL(GV_EIO, "index %zu failed", index);
}

static void the_lowest_failure_is_told_even_when_it_comes_last(void **state)
{
    (void)state;
    atomic_int later_failed = 0;
    assert_int_equal(gv_parallel_for(2, 2, fail_late, &later_failed), GV_EIO);
    assert_string_equal(gv_status_detail(), "index 0 failed");
}

static void nothing_to_do_is_done(void **state)
{
    (void)state;
    assert_int_equal(gv_parallel_for(JOBS, 0, touch, NULL), GV_OK);
}

static void no_memory_for_threads_is_told(void **state)
{
    (void)state;
    touches work = {.fail_from = COUNT};
    gv_mem_fail_after(0);
    assert_int_equal(gv_parallel_for(JOBS, COUNT, touch, &work), GV_ENOMEM);
    gv_mem_fail_after(-1);
}

static void there_is_a_processor(void **state)
{
    (void)state;
    assert_true(gv_parallel_processors() >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_index_runs_once_for_any_number_of_threads),
        cmocka_unit_test(the_lowest_failure_is_told_with_its_sentence),
        cmocka_unit_test(the_lowest_failure_is_told_even_when_it_comes_last),
        cmocka_unit_test(nothing_to_do_is_done),
        cmocka_unit_test(no_memory_for_threads_is_told),
        cmocka_unit_test(there_is_a_processor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
