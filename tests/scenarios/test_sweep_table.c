/* The table of a sweep by hand: means over seeds, pairs by seed, points that are not done. */
#include <math.h>

#include "cmocka_all.h"
#include "outcome_fixture.h"
#include "scenarios/sweep/sweep_table.h"
#include "sim/base/mem.h"
#include "sim/outcome/read.h"

enum { POINTS = 4 };

static const char *const axes[] = {"b0"};

/* b0 is 1 in the first two points, 2 in the others; the seeds are 5 and 6. */
static void list_point(void *context, size_t number, gv_point_record *record)
{
    static const char *const values[] = {"1", "2"};
    (void)context;
    record->seed = 5 + number % 2;
    record->values = &values[number / 2];
}

static void write_run(gv_store *store, int64_t run_id, const uint64_t clicks[2])
{
    gv_run_record run = fixture_run(2);
    run.reserved_id = run_id;
    int64_t begun = 0;
    assert_int_equal(gv_store_begin_run(store, &run, &begun), GV_OK);
    for (size_t i = 0; i < 2; i++) {
        fixture_cell cell;
        fixture_cell_fill(&cell, i); /* mcpc, then lin-10 */
        cell.total.clicks = clicks[i];
        assert_int_equal(gv_store_write_cell(store, begun, &cell.record), GV_OK);
    }
}

/* Three points are done; the fourth failed. */
static gv_store *make_store(void)
{
    static const uint64_t clicks[POINTS][2] = {{10, 14}, {12, 18}, {20, 20}};
    const gv_sweep_record sweep = {.name = "s",
                                   .text = "",
                                   .scenario_path = "x.yaml",
                                   .axes = axes,
                                   .axis_count = 1,
                                   .point_count = POINTS,
                                   .point = list_point};
    gv_store *store = NULL;
    int64_t id = 0;
    gv_point_place places[POINTS];
    assert_int_equal(gv_store_open(":memory:", GV_STORE_WRITE, &store), GV_OK);
    assert_int_equal(gv_store_begin_sweep(store, &sweep, &id), GV_OK);
    assert_int_equal(gv_store_sweep_points(store, id, places, POINTS), GV_OK);
    for (size_t i = 0; i < POINTS; i++) {
        const bool fails = i == 3;
        if (!fails) {
            write_run(store, places[i].run_id, clicks[i]);
        }
        assert_int_equal(gv_store_end_point(store, id, i, fails ? GV_POINT_FAILED : GV_POINT_DONE,
                                            fails ? "no luck" : NULL),
                         GV_OK);
    }
    return store;
}

static gv_sweep_table *make_table(gv_store *store, gv_sweep_table_config *config,
                                  const char *baseline)
{
    static const gv_metric *metrics[1];
    gv_sweep_table *table = NULL;
    metrics[0] = gv_metric_find("clicks");
    *config = (gv_sweep_table_config){
        .baseline = baseline, .metrics = metrics, .metric_count = 1, .level = 0.95};
    if (gv_sweep_table_create(store, config, &table) != GV_OK) {
        fail_msg("%s", gv_status_detail());
    }
    return table;
}

static void assert_near(double found, double expected)
{
    if (!(fabs(found - expected) < 1e-4)) {
        fail_msg("%.8g, expected %.8g", found, expected);
    }
}

static void replications_are_averaged(void **state)
{
    (void)state;
    gv_store *store = make_store();
    gv_sweep_table_config config;
    gv_sweep_table *table = make_table(store, &config, NULL);
    assert_int_equal(table->row_count, 4);
    assert_int_equal(table->done_count, 3);
    assert_int_equal(table->failed_count, 1);
    assert_string_equal(table->rows[1].policy, "lin-10");
    assert_string_equal(table->rows[1].setting->values[0], "1");
    assert_int_equal(table->rows[1].run_count, 2);
    /* 10 and 12: s = 1.41421, over sqrt(2). */
    assert_near(table->rows[0].figures[0].value.mean.estimate, 11);
    assert_near(table->rows[0].figures[0].value.error, 1);
    assert_near(table->rows[1].figures[0].value.error, 2);
    assert_int_equal(table->rows[0].figures[0].difference.count, 0);
    /* One run is left of b0 = 2. */
    assert_int_equal(table->rows[2].run_count, 1);
    assert_near(table->rows[2].figures[0].value.mean.estimate, 20);
    assert_int_equal(table->rows[2].figures[0].value.mean.state, GV_INTERVAL_TOO_FEW);
    gv_sweep_table_destroy(table);
    gv_store_close(store);
}

static void policies_are_compared_within_their_setting(void **state)
{
    (void)state;
    gv_store *store = make_store();
    gv_sweep_table_config config;
    gv_sweep_table *table = make_table(store, &config, "mcpc");
    assert_true(table->rows[0].is_baseline && table->rows[2].is_baseline);
    /* 14 - 10 and 18 - 12: 5 +- 12.7062 x 1. */
    const gv_sweep_figure *figure = &table->rows[1].figures[0];
    assert_int_equal(figure->difference.count, 2);
    assert_near(figure->difference.mean.estimate, 5);
    assert_near(figure->difference.error, 1);
    assert_near(figure->difference.mean.low, 5 - 12.7062047);
    assert_near(figure->baseline, 11);
    gv_sweep_table_destroy(table);
    gv_store_close(store);
}

static void settings_are_compared_by_seed(void **state)
{
    (void)state;
    gv_store *store = make_store();
    gv_sweep_table_config config;
    gv_sweep_table *table = make_table(store, &config, "b0=1");
    assert_true(table->rows[0].is_baseline && table->rows[1].is_baseline);
    /* Seed 5 alone is there on both sides: 20 - 10, 20 - 14. */
    assert_int_equal(table->rows[2].figures[0].difference.count, 1);
    assert_near(table->rows[2].figures[0].difference.mean.estimate, 10);
    assert_near(table->rows[2].figures[0].baseline, 10);
    assert_near(table->rows[3].figures[0].difference.mean.estimate, 6);
    gv_sweep_table_destroy(table);
    gv_store_close(store);
}

static void an_unknown_baseline_is_told_what_there_is(void **state)
{
    (void)state;
    gv_store *store = make_store();
    gv_sweep_table *table = NULL;
    const gv_sweep_table_config config = {.baseline = "b0=3", .level = 0.95};
    assert_int_equal(gv_sweep_table_create(store, &config, &table), GV_EUSAGE);
    assert_non_null(strstr(gv_status_detail(), "such as mcpc, lin-10, b0=1"));
    gv_store_close(store);
}

static void no_allocation_may_fail_badly(void **state)
{
    (void)state;
    gv_store *store = make_store();
    const gv_compare_config traffic = {.bootstrap = {.replicates = 100, .seed = 1}};
    const gv_sweep_table_config config = {.baseline = "mcpc", .level = 0.9, .traffic = &traffic};
    gv_status status = GV_ENOMEM;
    for (int n = 0; status != GV_OK; n++) {
        gv_sweep_table *table = NULL;
        gv_mem_fail_after(n);
        status = gv_sweep_table_create(store, &config, &table);
        gv_mem_fail_after(-1);
        if (status != GV_OK && status != GV_ENOMEM) {
            fail_msg("after %d allocations: %s", n, gv_status_detail());
        }
        gv_sweep_table_destroy(table);
        assert_true(n < 1000);
    }
    gv_store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replications_are_averaged),
        cmocka_unit_test(policies_are_compared_within_their_setting),
        cmocka_unit_test(settings_are_compared_by_seed),
        cmocka_unit_test(an_unknown_baseline_is_told_what_there_is),
        cmocka_unit_test(no_allocation_may_fail_badly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
