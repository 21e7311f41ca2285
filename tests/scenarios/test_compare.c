/* gavel compare as a shell sees it: exit codes, tables, JSON and CSV that agree. */
#include <jansson.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmocka_all.h"
#include "outcome_fixture.h"
#include "scenarios/cli/commands_impl.h"

enum { CELLS = 6, TEXT_MAX = 1 << 17 };

static int make_run(void **state)
{
    char *folder = fixture_folder();
    gv_store *store = NULL;
    int64_t run_id = 0;
    assert_int_equal(gv_store_open(fixture_path(folder, "x.db"), GV_STORE_WRITE, &store), GV_OK);
    for (size_t r = 0; r < 2; r++) { /* the second run lacks its last cell */
        const gv_run_record run = fixture_run(CELLS);
        assert_int_equal(gv_store_begin_run(store, &run, &run_id), GV_OK);
        for (size_t i = 0; i < CELLS - r; i++) {
            fixture_cell cell;
            fixture_cell_fill(&cell, i);
            assert_int_equal(gv_store_write_cell(store, run_id, &cell.record), GV_OK);
        }
    }
    gv_store_close(store);
    *state = folder;
    return 0;
}

static int drop_run(void **state)
{
    fixture_remove(*state);
    return 0;
}

static char *read_all(const char *path)
{
    char *text = calloc(1, TEXT_MAX);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_true(fread(text, 1, TEXT_MAX - 1, file) < TEXT_MAX - 1);
    (void)fclose(file);
    return text;
}

/* Runs `gavel compare FOLDER/x.db ...` in a child; its stdout and stderr are files there. */
static int compare(const char *folder, const char *arguments)
{
    (void)fflush(NULL);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char words[512];
        char name[] = "gavel compare";
        char path[4200];
        char *argv[16] = {name, path};
        int argc = 2;
        (void)snprintf(words, sizeof words, "%s", arguments);
        (void)snprintf(path, sizeof path, "%s", fixture_path(folder, "x.db"));
        char *rest = NULL;
        for (char *word = strtok_r(words, " ", &rest); word != NULL;
             word = strtok_r(NULL, " ", &rest)) {
            argv[argc++] = word;
        }
        if (freopen(fixture_path(folder, "out"), "wb", stdout) == NULL ||
            freopen(fixture_path(folder, "err"), "wb", stderr) == NULL) {
            _exit(99);
        }
        exit(gv_command_compare.run(argc, argv));
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void assert_holds(const char *folder, const char *file, const char *words)
{
    char *text = read_all(fixture_path(folder, file));
    if (strstr(text, words) == NULL) {
        fail_msg("'%s' is not in: %s", words, text);
    }
    free(text);
}

static void a_table_compares_every_policy(void **state)
{
    assert_int_equal(compare(*state, "--baseline mcpc --run 1"), GV_EXIT_DONE);
    assert_holds(*state, "out", "Run 1, june, against mcpc\n");
    assert_holds(*state, "out", "3386, budget 1/4 (12 blocks of 4 ticks)\n");
    assert_holds(*state, "out", "lin-10     721        +1");
    assert_holds(*state, "out", "2 campaigns together, budget 1/4 (24 blocks of 4 ticks)\n");
}

static void wrong_words_are_exit_2_with_the_nearest_name(void **state)
{
    assert_int_equal(compare(*state, "--baseline lin10"), GV_EXIT_USAGE);
    assert_holds(*state, "err", "has no policy 'lin10', perhaps lin-10? It has mcpc, lin-10, rlb");
    assert_int_equal(compare(*state, "--baseline mcpc -m click"), GV_EXIT_USAGE);
    assert_holds(*state, "err", "there is no metric 'click', perhaps clicks?");
    assert_int_equal(compare(*state, ""), GV_EXIT_USAGE);
    assert_int_equal(compare(*state, "--baseline mcpc --level 2"), GV_EXIT_USAGE);
    assert_int_equal(compare(*state, "--baseline mcpc --block 0"), GV_EXIT_USAGE);
    assert_int_equal(compare(*state, "--baseline mcpc --json --csv"), GV_EXIT_USAGE);
    assert_int_equal(compare(*state, "--baseline mcpc --run 7"), GV_EXIT_FAILED);
    assert_holds(*state, "err", "holds no run 7; the latest are 2 (june), 1 (june)");
}

static void an_incomplete_run_is_told_and_exit_3(void **state)
{
    assert_int_equal(compare(*state, "--baseline mcpc"), GV_EXIT_DOUBTFUL);
    assert_holds(*state, "err", "run 2 is not complete: 5 of 6 cells");
    char *loud = read_all(fixture_path(*state, "out"));
    assert_int_equal(compare(*state, "--baseline mcpc --quiet"), GV_EXIT_DOUBTFUL);
    char *quiet = read_all(fixture_path(*state, "out"));
    char *talk = read_all(fixture_path(*state, "err"));
    assert_string_equal(loud, quiet); /* --quiet changes nothing but talk */
    assert_string_equal(talk, "");
    free(loud);
    free(quiet);
    free(talk);
}

static void a_baseline_may_come_from_another_run(void **state)
{
    assert_int_equal(compare(*state, "--baseline rlb --run 2 --baseline-run 1 -q"),
                     GV_EXIT_DOUBTFUL);
    assert_holds(*state, "out", "Run 2, june, against rlb of run 1\n");
}

static void json_and_csv_tell_the_same(void **state)
{
    assert_int_equal(compare(*state, "--run 1 --baseline mcpc -m ecpm,clicks --json"),
                     GV_EXIT_DONE);
    json_error_t error;
    json_t *document = json_load_file(fixture_path(*state, "out"), 0, &error);
    assert_non_null(document);
    const json_t *rows = json_object_get(document, "comparisons");
    assert_int_equal(json_array_size(rows), 9);
    const json_t *row = json_array_get(rows, 1);
    assert_string_equal(json_string_value(json_object_get(row, "policy")), "lin-10");
    const json_t *metric = json_array_get(json_object_get(row, "metrics"), 0);
    const double low =
        json_real_value(json_object_get(json_object_get(metric, "difference"), "low"));

    assert_int_equal(compare(*state, "--run 1 --baseline mcpc -m ecpm,clicks --csv"), GV_EXIT_DONE);
    char *csv = read_all(fixture_path(*state, "out"));
    size_t lines = 0;
    for (const char *c = csv; *c != '\0'; c++) {
        lines += *c == '\n';
    }
    assert_int_equal(lines, 1 + 9 * 2);
    char number[64];
    (void)snprintf(number, sizeof number, ",%.17g,", low);
    const char *line = strstr(csv, "1458,1/4,lin-10,ecpm");
    assert_non_null(line);
    assert_non_null(strstr(line, number));
    free(csv);
    json_decref(document);
}

static void too_few_blocks_are_said_plainly(void **state)
{
    assert_int_equal(compare(*state, "--run 1 --baseline mcpc --block day --csv"), GV_EXIT_DONE);
    assert_holds(*state, "out", "too few blocks,0\n");
}

int main(void)
{
#define WITH_RUN(test) cmocka_unit_test_setup_teardown(test, make_run, drop_run)
    const struct CMUnitTest tests[] = {
        WITH_RUN(a_table_compares_every_policy),
        WITH_RUN(wrong_words_are_exit_2_with_the_nearest_name),
        WITH_RUN(an_incomplete_run_is_told_and_exit_3),
        WITH_RUN(a_baseline_may_come_from_another_run),
        WITH_RUN(json_and_csv_tell_the_same),
        WITH_RUN(too_few_blocks_are_said_plainly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
