/* gavel plot: pictures that are there, and sentences where there can be none. */
#include <sys/wait.h>
#include <unistd.h>

#include "cmocka_all.h"
#include "outcome_fixture.h"
#include "scenarios/cli/commands_impl.h"
#include "scenarios/report/gnuplot.h"

enum { CELLS = 6, WORDS_MAX = 12 };

static int make_run(void **state)
{
    char *folder = fixture_folder();
    gv_store *store = NULL;
    int64_t run_id = 0;
    const gv_run_record run = fixture_run(CELLS);
    assert_int_equal(gv_store_open(fixture_path(folder, "x.db"), GV_STORE_WRITE, &store), GV_OK);
    assert_int_equal(gv_store_begin_run(store, &run, &run_id), GV_OK);
    for (size_t i = 0; i < CELLS; i++) {
        fixture_cell cell;
        fixture_cell_fill(&cell, i);
        cell.record.policy = i % 3 == 0 ? "it's \"quoted\" `x` $y\n" : cell.record.policy;
        cell.campaign.name = "1458";
        cell.record.budget_label = i < 3 ? "1/2" : "1/4";
        assert_int_equal(gv_store_write_cell(store, run_id, &cell.record), GV_OK);
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

/* `gavel plot FOLDER/x.db -o FOLDER/p ...` in a child, its talk in FOLDER/err. */
static int plot(const char *folder, const char *path_variable, char *const *more)
{
    (void)fflush(NULL);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char name[] = "gavel plot";
        char option[] = "-o";
        char database[4200];
        char stem[4200];
        char *argv[WORDS_MAX] = {name, database, option, stem};
        int argc = 4;
        (void)snprintf(database, sizeof database, "%s", fixture_path(folder, "x.db"));
        (void)snprintf(stem, sizeof stem, "%s", fixture_path(folder, "p"));
        for (; *more != NULL; more++) {
            argv[argc++] = *more;
        }
        if (path_variable != NULL) {
            (void)setenv("PATH", path_variable, 1);
        }
        if (freopen(fixture_path(folder, "out"), "wb", stdout) == NULL ||
            freopen(fixture_path(folder, "err"), "wb", stderr) == NULL) {
            _exit(99);
        }
        exit(gv_command_plot.run(argc, argv));
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* The first `size` bytes of FOLDER/NAME; fewer when there are fewer. */
static size_t read_start(const char *folder, const char *name, char *bytes, size_t size)
{
    FILE *file = fopen(fixture_path(folder, name), "rb");
    assert_non_null(file);
    const size_t count = fread(bytes, 1, size - 1, file);
    bytes[count] = '\0';
    (void)fclose(file);
    return count;
}

static bool has_gnuplot(void)
{
    static char *const none[] = {NULL};
    char *folder = NULL;
    void *state = NULL;
    (void)make_run(&state);
    folder = state;
    const int code = plot(folder, NULL, none);
    char words[512];
    (void)read_start(folder, "err", words, sizeof words);
    fixture_remove(folder);
    if (code != GV_EXIT_DONE && strstr(words, "not installed") != NULL) {
        printf("skipped: gnuplot is not installed\n");
        return false;
    }
    return true;
}

static void assert_pictures(const char *folder)
{
    char start[512];
    assert_true(read_start(folder, "p.png", start, sizeof start) > 500);
    assert_memory_equal(start, "\x89PNG\r\n", 6);
    assert_true(read_start(folder, "p.svg", start, sizeof start) > 500);
    assert_non_null(strstr(start, "<svg"));
}

static void spend_and_budgets_are_drawn_whatever_the_names(void **state)
{
    if (!has_gnuplot()) {
        skip();
    }
    char budget[] = "--budget=1/4";
    char by[] = "--by-budget=ecpm";
    char *const spend[] = {budget, NULL};
    char *const budgets[] = {by, NULL};
    assert_int_equal(plot(*state, NULL, spend), GV_EXIT_DONE);
    assert_pictures(*state);
    assert_int_equal(remove(fixture_path(*state, "p.png")), 0);
    assert_int_equal(plot(*state, NULL, budgets), GV_EXIT_DONE);
    assert_pictures(*state);
}

static void without_gnuplot_one_sentence_says_so(void **state)
{
    char *const none[] = {NULL};
    char words[512];
    assert_int_equal(plot(*state, "/nonexistent", none), GV_EXIT_FAILED);
    (void)read_start(*state, "err", words, sizeof words);
    assert_non_null(strstr(words, "gnuplot is not installed, so nothing is plotted"));
    assert_int_not_equal(access(fixture_path(*state, "p.png"), F_OK), 0);
}

/* A gnuplot that fails: what it said is in the sentence, and no picture is left. */
static void a_failing_gnuplot_is_quoted(void **state)
{
    char *const none[] = {NULL};
    char words[512];
    const char *program = fixture_path(*state, "gnuplot");
    FILE *file = fopen(program, "wb");
    assert_non_null(file);
    (void)fputs("#!/bin/sh\necho 'line 3: bad terminal' >&2\nexit 1\n", file);
    (void)fclose(file);
    assert_int_equal(chmod(program, 0755), 0);
    assert_int_equal(plot(*state, *state, none), GV_EXIT_FAILED);
    (void)read_start(*state, "err", words, sizeof words);
    assert_non_null(strstr(words, "line 3: bad terminal"));
    assert_int_not_equal(access(fixture_path(*state, "p.png"), F_OK), 0);
}

static void names_that_are_not_there_are_exit_2(void **state)
{
    char campaign[] = "--campaign=1459";
    char budget[] = "--budget=1/3";
    char metric[] = "--by-budget=clickz";
    char *const campaigns[] = {campaign, NULL};
    char *const budgets[] = {budget, NULL};
    char *const metrics[] = {metric, NULL};
    char words[512];
    assert_int_equal(plot(*state, NULL, campaigns), GV_EXIT_USAGE);
    (void)read_start(*state, "err", words, sizeof words);
    assert_non_null(strstr(words, "no campaign '1459', perhaps 1458?"));
    assert_int_equal(plot(*state, NULL, budgets), GV_EXIT_USAGE);
    assert_int_equal(plot(*state, NULL, metrics), GV_EXIT_USAGE);
}

static void texts_are_quoted_for_gnuplot(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    gv_gnuplot_quote(stream, "a'b\n`rm`");
    (void)fclose(stream);
    assert_string_equal(text, "'a''b `rm`'");
    free(text);
}

int main(void)
{
#define WITH_RUN(test) cmocka_unit_test_setup_teardown(test, make_run, drop_run)
    const struct CMUnitTest tests[] = {
        WITH_RUN(spend_and_budgets_are_drawn_whatever_the_names),
        WITH_RUN(without_gnuplot_one_sentence_says_so),
        WITH_RUN(a_failing_gnuplot_is_quoted),
        WITH_RUN(names_that_are_not_there_are_exit_2),
        cmocka_unit_test(texts_are_quoted_for_gnuplot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
