/* By which traffic periods are known again: lists of them, and their text. */
#include <string.h>

#include "cmocka_all.h"
#include "policies/learn/imprints.h"
#include "sim/base/mem.h"
#include "test_random.h"

static void each_pair_is_there_once_and_in_order(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    gv_imprints list = {.items = NULL};
    for (int i = 0; i < 300; i++) {
        const gv_imprint one = {.period = test_random_below(&random, 10),
                                .hash = (uint64_t)test_random_below(&random, 4)};
        assert_int_equal(gv_imprints_add(&list, one), GV_OK);
        assert_non_null(gv_imprints_find(&list, one.hash));
    }
    assert_int_equal(list.count, 40);
    for (size_t i = 0; i < list.count; i++) {
        assert_int_equal(list.items[i].period, i / 4);
        assert_int_equal(list.items[i].hash, i % 4);
    }
    assert_null(gv_imprints_find(&list, 4));
    gv_imprints_fini(&list);
    assert_int_equal(list.count, 0);
}

static void text_comes_back_as_it_was(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    for (int c = 0; c < 50; c++) {
        gv_imprints list = {.items = NULL};
        gv_imprints again = {.items = NULL};
        char *text = NULL;
        const int64_t count = test_random_below(&random, 20);
        for (int64_t i = 0; i < count; i++) {
            const gv_imprint one = {.period = test_random_below(&random, 8),
                                    .hash = (uint64_t)test_random_below(&random, INT64_MAX) * 2};
            assert_int_equal(gv_imprints_add(&list, one), GV_OK);
        }
        assert_int_equal(gv_imprints_print(&list, &text), GV_OK);
        assert_int_equal(gv_imprints_read(&again, "text", text), GV_OK);
        assert_int_equal(again.count, list.count);
        for (size_t i = 0; i < list.count; i++) {
            assert_int_equal(again.items[i].period, list.items[i].period);
            assert_true(again.items[i].hash == list.items[i].hash);
        }
        gv_mem_free(text);
        gv_imprints_fini(&list);
        gv_imprints_fini(&again);
    }
}

static void what_is_no_imprint_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "7",
        "{\"periods\": 7}",
        "{\"periods\": {\"7\": 7}}",
        "{\"periods\": {\"-7\": \"0123456789abcdef\"}}",
        "{\"periods\": {\"99999999999999999999\": \"0123456789abcdef\"}}",
        "{\"periods\": {\"7\": \"0123456789abcde\"}}",
        "{\"periods\": {\"7\": \"0123456789abcdef0\"}}",
        "{\"periods\": {\"7\": \"0123456789ABCDEF\"}}",
        "{\"periods\": {\"7\": \"0123456789abcdef 12\"}}",
        "{\"periods\": {}, \"periods\": {}}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        gv_imprints list = {.items = NULL};
        assert_int_equal(gv_imprints_read(&list, "there", bad[i]), GV_ECORRUPT);
        assert_non_null(strstr(gv_status_detail(), "there: "));
        gv_imprints_fini(&list);
    }
    gv_imprints list = {.items = NULL};
    assert_int_equal(gv_imprints_read(&list, "there", "{\"seed\": 1}"), GV_OK);
    assert_int_equal(list.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_pair_is_there_once_and_in_order),
        cmocka_unit_test(text_comes_back_as_it_was),
        cmocka_unit_test(what_is_no_imprint_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
