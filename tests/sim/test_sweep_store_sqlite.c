/* Sweeps in the store: numbers of runs reserved, points changed, damaged files refused. */
#include <sqlite3.h>

#include "cmocka_all.h"
#include "outcome_fixture.h"
#include "sim/base/mem.h"
#include "sim/outcome/read.h"
#include "sim/outcome/sweep.h"

/* A sweep over b0 alone, two seeds each: point 2i + r has values[i] and seed 5 + r. */
typedef struct made_sweep {
    gv_sweep_record record;
    const char *values[4];
    const char *current[1];
} made_sweep;

static const char *const axes[] = {"b0"};

static void list_point(void *context, size_t number, gv_point_record *record)
{
    made_sweep *sweep = context;
    sweep->current[0] = sweep->values[number / 2];
    record->seed = 5 + number % 2;
    record->values = sweep->current;
}

static void make_sweep(made_sweep *sweep, const char *const *values, size_t count)
{
    *sweep = (made_sweep){.record = {.name = "s",
                                     .text = "axes: ...",
                                     .scenario_path = "x.yaml",
                                     .hash = 77,
                                     .axes = axes,
                                     .axis_count = 1,
                                     .point_count = 2 * count,
                                     .point = list_point,
                                     .context = sweep}};
    memcpy(sweep->values, values, count * sizeof *values);
}

static gv_store *open_store(const char *path)
{
    gv_store *store = NULL;
    if (gv_store_open(path, GV_STORE_WRITE, &store) != GV_OK) {
        fail_msg("%s", gv_status_detail());
    }
    return store;
}

static int64_t begin_run(gv_store *store, int64_t reserved_id)
{
    gv_run_record run = fixture_run(1);
    int64_t run_id = 0;
    run.reserved_id = reserved_id;
    assert_int_equal(gv_store_begin_run(store, &run, &run_id), GV_OK);
    return run_id;
}

static void runs_are_reserved_and_others_go_behind(void **state)
{
    gv_store *store = open_store(fixture_path(*state, "a.db"));
    const char *const values[] = {"1/8", "ten"};
    made_sweep sweep;
    gv_point_place places[4];
    int64_t id = 0;
    make_sweep(&sweep, values, 2);
    assert_int_equal(begin_run(store, 0), 1);
    assert_int_equal(gv_store_begin_sweep(store, &sweep.record, &id), GV_OK);
    assert_int_equal(begin_run(store, 0), 6);
    assert_int_equal(gv_store_sweep_points(store, id, places, 4), GV_OK);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(places[i].run_id, 2 + i);
        assert_int_equal(places[i].state, GV_POINT_LEFT);
    }
    assert_int_equal(begin_run(store, places[2].run_id), 4);
    uint64_t hash = 0;
    assert_int_equal(gv_store_run_hash(store, 4, &hash), GV_OK);
    assert_true(hash == fixture_run(1).scenario_hash);
    assert_int_equal(gv_store_run_hash(store, 3, &hash), GV_ENOTFOUND);
    /* A sweep's run is none that `gavel run --resume` may take up: the other one is. */
    int64_t unfinished = 0;
    assert_int_equal(gv_store_find_unfinished(store, hash, &unfinished), GV_OK);
    assert_int_equal(unfinished, 6);
    gv_store_close(store);
}

static void a_sweep_reads_back_as_it_is(void **state)
{
    const char *path = fixture_path(*state, "b.db");
    gv_store *store = open_store(path);
    const char *const values[] = {"1/8", "ten"};
    made_sweep sweep;
    int64_t id = 0;
    gv_sweep_facts *facts = NULL;
    gv_sweep_found found;
    make_sweep(&sweep, values, 2);
    assert_int_equal(gv_sweep_facts_read(store, GV_SWEEP_LATEST, &facts), GV_ENOTFOUND);
    assert_int_equal(gv_store_begin_sweep(store, &sweep.record, &id), GV_OK);
    assert_int_equal(gv_store_end_point(store, id, 1, GV_POINT_DONE, NULL), GV_OK);
    assert_int_equal(gv_store_end_point(store, id, 2, GV_POINT_FAILED, "no luck"), GV_OK);
    assert_int_equal(gv_store_find_sweep(store, "t", "", &found), GV_ENOTFOUND);
    assert_int_equal(gv_store_find_sweep(store, "s", "other", &found), GV_OK);
    assert_true(found.id == id && found.hash == 77 && !found.has_same_text);
    assert_true(found.point_count == 4 && found.done_count == 1);
    gv_store_close(store);

    assert_int_equal(gv_store_open(path, GV_STORE_READ, &store), GV_OK);
    assert_int_equal(gv_sweep_facts_read(store, id, &facts), GV_OK);
    assert_string_equal(facts->name, "s");
    assert_string_equal(facts->axes[0], "b0");
    assert_int_equal(facts->point_count, 4);
    assert_string_equal(facts->points[1].values[0], "1/8");
    assert_string_equal(facts->points[2].values[0], "ten");
    assert_int_equal(facts->points[3].seed, 6);
    assert_int_equal(facts->points[0].state, GV_POINT_LEFT);
    assert_int_equal(facts->points[1].state, GV_POINT_DONE);
    assert_string_equal(facts->points[2].error, "no luck");
    gv_sweep_facts_destroy(facts);
    gv_store_close(store);
}

static void changed_points_keep_what_is_done(void **state)
{
    gv_store *store = open_store(fixture_path(*state, "c.db"));
    const char *const before[] = {"1", "2"};
    const char *const after[] = {"0", "2", "1"};
    made_sweep sweep;
    gv_point_place places[6];
    int64_t id = 0;
    make_sweep(&sweep, before, 2);
    assert_int_equal(gv_store_begin_sweep(store, &sweep.record, &id), GV_OK);
    assert_int_equal(gv_store_end_point(store, id, 1, GV_POINT_DONE, NULL), GV_OK);
    assert_int_equal(gv_store_end_point(store, id, 2, GV_POINT_DONE, NULL), GV_OK);
    make_sweep(&sweep, after, 3);
    assert_int_equal(gv_store_change_sweep(store, id, &sweep.record), GV_OK);
    assert_int_equal(gv_store_sweep_points(store, id, places, 6), GV_OK);
    /* b0=1 seed=6 was point 1, run 2; b0=2 seed=5 was point 2, run 3. */
    const int64_t runs[] = {5, 6, 3, 8, 9, 2};
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(places[i].run_id, runs[i]);
        assert_int_equal(places[i].state, runs[i] < 5 ? GV_POINT_DONE : GV_POINT_LEFT);
    }
    gv_store_close(store);
}

static void spoil(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void damage_is_a_sentence(void **state)
{
    static const char *const damages[] = {
        "DELETE FROM sweep_value WHERE point = 1",
        "UPDATE sweep_value SET axis = 7 WHERE point = 1",
        "UPDATE sweep_value SET point = 70 WHERE point = 1",
        "DELETE FROM sweep_cell WHERE point = 1",
        "UPDATE sweep_cell SET point = -1 WHERE point = 1",
    };
    const char *const values[] = {"1", "2"};
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        char name[16];
        made_sweep sweep;
        gv_sweep_facts *facts = NULL;
        int64_t id = 0;
        (void)snprintf(name, sizeof name, "d%zu.db", i);
        const char *path = fixture_path(*state, name);
        gv_store *store = open_store(path);
        make_sweep(&sweep, values, 2);
        assert_int_equal(gv_store_begin_sweep(store, &sweep.record, &id), GV_OK);
        gv_store_close(store);
        spoil(path, damages[i]);
        store = open_store(path);
        assert_int_equal(gv_sweep_facts_read(store, id, &facts), GV_ECORRUPT);
        assert_non_null(strstr(gv_status_detail(), "is damaged"));
        gv_store_close(store);
    }
}

static void reading_survives_every_allocation_failing(void **state)
{
    gv_store *store = open_store(fixture_path(*state, "e.db"));
    const char *const values[] = {"1", "2"};
    made_sweep sweep;
    gv_sweep_facts *facts = NULL;
    int64_t id = 0;
    make_sweep(&sweep, values, 2);
    assert_int_equal(gv_store_begin_sweep(store, &sweep.record, &id), GV_OK);
    assert_int_equal(gv_store_end_point(store, id, 2, GV_POINT_FAILED, "no luck"), GV_OK);
    gv_status status = GV_ENOMEM;
    for (int n = 0; status != GV_OK; n++) {
        gv_mem_fail_after(n);
        status = gv_sweep_facts_read(store, id, &facts);
        gv_mem_fail_after(-1);
        assert_true(status == GV_OK || status == GV_ENOMEM);
        assert_true(n < 100);
    }
    gv_sweep_facts_destroy(facts);
    gv_store_close(store);
}

static int make_folder(void **state)
{
    *state = fixture_folder();
    return 0;
}

static int drop_folder(void **state)
{
    fixture_remove(*state);
    return 0;
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, drop_folder)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(runs_are_reserved_and_others_go_behind),
        IN_FOLDER(a_sweep_reads_back_as_it_is),
        IN_FOLDER(changed_points_keep_what_is_done),
        IN_FOLDER(damage_is_a_sentence),
        IN_FOLDER(reading_survives_every_allocation_failing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
