/* A kept source is the source: the same opportunities and events, whatever the pieces. */
#include "market_fixture.h"
#include "sim/market/kept.h"

enum { CASES = 200 };

/* Everything that a source hands out, row by row. */
typedef struct collected {
    size_t count;
    size_t event_count;
    gv_event_record events[MARKET_EVENTS];
    uint64_t ids[MARKET_ROWS];
    int64_t cells[3][MARKET_ROWS];
    double rates[2][MARKET_ROWS];
    bool has[5];
} collected;

static void collect(gv_source *source, collected *all)
{
    memset(all, 0, sizeof *all);
    for (uint64_t at = source->begin; at < source->end;) {
        gv_opportunities piece;
        assert_int_equal(source->load(source, at, &piece, &at), GV_OK);
        const int64_t *const integers[] = {piece.time_us, piece.rival_nanos, piece.floor_nanos};
        const double *const reals[] = {piece.pctr, piece.pcvr};
        for (size_t i = 0; i < piece.count; i++) {
            const size_t row = all->count++;
            all->ids[row] = piece.ids == NULL ? piece.first_id + i : piece.ids[i];
            for (size_t c = 0; c < 3; c++) {
                all->has[c] = integers[c] != NULL;
                all->cells[c][row] = integers[c] == NULL ? 0 : integers[c][i];
            }
            for (size_t c = 0; c < 2; c++) {
                all->has[3 + c] = reals[c] != NULL;
                all->rates[c][row] = reals[c] == NULL ? 0 : reals[c][i];
            }
        }
        for (size_t e = 0; e < piece.event_count; e++) {
            all->events[all->event_count++] = piece.events[e];
        }
    }
}

static void it_hands_out_what_the_source_does(void **state)
{
    (void)state;
    static collected before;
    static collected after;
    test_random random = test_random_seeded();
    for (int i = 0; i < CASES; i++) {
        market_source *source = market_source_drawn(&random, 0);
        gv_source *copy = NULL;
        collect(&source->base, &before);
        assert_int_equal(gv_kept_create(&source->base, 1 << 20, &copy), GV_OK);
        market_destroy(&source->base);
        assert_non_null(copy);
        assert_int_equal(copy->end - copy->begin, before.count);
        collect(copy, &after);
        assert_memory_equal(&before, &after, sizeof before);
        copy->destroy(copy);
    }
}

static void what_is_too_large_is_left_where_it_is(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    market_source *source = market_source_drawn(&random, 0);
    const size_t needed = (size_t)source->base.end * 48;
    source->base.event_max = 0;
    gv_source *copy = NULL;
    assert_int_equal(gv_kept_create(&source->base, needed - 1, &copy), GV_OK);
    assert_null(copy);
    assert_int_equal(gv_kept_create(&source->base, needed, &copy), GV_OK);
    assert_non_null(copy);
    copy->destroy(copy);
    market_destroy(&source->base);
}

static void failing_memory_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    market_source *source = market_source_drawn(&random, 0);
    gv_status status = GV_ENOMEM;
    for (int n = 0; status != GV_OK; n++) {
        gv_source *copy = NULL;
        gv_mem_fail_after(n);
        status = gv_kept_create(&source->base, 1 << 20, &copy);
        gv_mem_fail_after(-1);
        assert_true(status == GV_OK || status == GV_ENOMEM);
        assert_true(n < 20);
        if (copy != NULL) {
            copy->destroy(copy);
        }
    }
    market_destroy(&source->base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_hands_out_what_the_source_does),
        cmocka_unit_test(what_is_too_large_is_left_where_it_is),
        cmocka_unit_test(failing_memory_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
