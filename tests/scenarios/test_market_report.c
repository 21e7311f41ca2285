/* What people and programs see of a market's run: tables, JSON, comparisons, pictures. */
#include <jansson.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmocka_all.h"
#include "league_fixture.h"
#include "outcome_fixture.h"
#include "scenarios/cli/commands_impl.h"
#include "scenarios/report/report.h"
#include "sim/base/mem.h"
#include "sim/estimate/league.h"
#include "test_random.h"

enum { PERIODS = 10, SEATS = 6, TEXT_MAX = 1 << 20, WORDS_MAX = 16, FLIPS = 150 };

static int make_run(void **state)
{
    char *folder = fixture_folder();
    league_market market = league_create(PERIODS, SEATS);
    gv_store *store = NULL;
    int64_t run_id = 0;
    const gv_run_record run = fixture_run(market.cell_count);
    assert_int_equal(gv_store_open(fixture_path(folder, "x.db"), GV_STORE_WRITE, &store), GV_OK);
    assert_int_equal(gv_store_begin_run(store, &run, &run_id), GV_OK);
    assert_int_equal(gv_store_write_cells(store, run_id, market.cells, market.cell_count), GV_OK);
    gv_store_close(store);
    league_destroy(&market);
    *state = folder;
    return 0;
}

static int drop_run(void **state)
{
    fixture_remove(*state);
    return 0;
}

static gv_outcomes outcomes_of(const league_market *market)
{
    return (gv_outcomes){
        .run = {.id = 3, .name = "forty-eight", .seed = 7, .cell_count = 5000},
        .cells = market->cells,
        .cell_count = market->cell_count,
    };
}

static char *print_report(const league_market *market, const gv_report_options *options)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    const gv_outcomes outcomes = outcomes_of(market);
    assert_int_equal(gv_report_print(stream, &outcomes, options), GV_OK);
    assert_int_equal(fclose(stream), 0);
    return text;
}

static void assert_has(const char *text, const char *words)
{
    if (strstr(text, words) == NULL) {
        fail_msg("'%s' is not in: %s", words, text);
    }
}

static size_t widest_line(const char *text)
{
    size_t most = 0;
    for (const char *line = text; *line != '\0';) {
        const size_t length = strcspn(line, "\n");
        size_t characters = 0;
        for (size_t i = 0; i < length; i++) {
            characters += ((unsigned char)line[i] & 0xc0U) != 0x80U;
        }
        most = characters > most ? characters : most;
        assert_true(length == 0 || line[length - 1] != ' ');
        line += length + (line[length] == '\n');
    }
    return most;
}

/* The lines as they stand, so that whoever changes the table reads what it was. */
static void a_league_is_told_in_two_tables(void **state)
{
    (void)state;
    league_market market = league_create(PERIODS, SEATS);
    char *text = print_report(&market, &(gv_report_options){.width = 100});
    assert_true(widest_line(text) <= 100);
    assert_has(text, "Run 3, forty-eight: seed 7, 480 of 5000 cells");
    assert_has(text,
               "\nThe market, each advertiser with the policy that it was given\n"
               "  10 periods, 6 advertisers, ranked by score / oracle's; periods resampled\n");
    assert_has(text, "\nEach policy in every seat, against the offers that the market recorded\n"
                     "  10 periods, 6 advertisers, ranked by score / oracle's; periods resampled\n"
                     "  policy   score    % of          95 %  conver-   over   CPA %  budget  spend"
                     "  spend\n"
                     "            mean  oracle      interval    sions  CPA %  target  used %   mean"
                     "  in time\n"
                     "  oracle   ");
    assert_has(text, "   100.0     reference  ");
    assert_has(text, "view `market_league`");
    assert_null(strstr(text, "as if they were independent"));
    for (const char *c = text; *c != '\0'; c++) {
        assert_true((unsigned char)*c < 128);
    }
    free(text);
    league_destroy(&market);
}

static void narrow_pages_keep_the_scores(void **state)
{
    (void)state;
    league_market market = league_create(2, SEATS);
    for (int width = 80; width <= 140; width += 20) {
        char *text =
            print_report(&market, &(gv_report_options){.width = width, .utf8 = width > 100});
        char *line = strstr(text, "  policy ");
        assert_non_null(line);
        *strchr(line, '\n') = '\0';
        assert_true(widest_line(line) <= (size_t)width);
        assert_has(line, "% of");
        free(text);
    }
    char *plain = print_report(&market, &(gv_report_options){.width = 100});
    char *colour = print_report(&market, &(gv_report_options){.width = 100, .colour = true});
    assert_has(plain, "2 periods, 6 advertisers, ranked by score / oracle's; seats resampled");
    assert_has(plain, "With fewer than 10 periods seats are resampled as if they were independent");
    assert_null(strchr(plain, '\033'));
    assert_has(colour, "\033[1;32m");
    const char *oracle = strstr(colour, "\n  oracle"); /* a reference is never the best */
    assert_non_null(oracle);
    assert_true(strcspn(oracle + 1, "\033") > strcspn(oracle + 1, "\n"));
    free(plain);
    free(colour);
    league_destroy(&market);
}

static void without_an_oracle_scores_have_the_interval(void **state)
{
    (void)state;
    league_market market = league_create(1, SEATS);
    market.cell_count = (size_t)SEATS * 7; /* the arms but the last, the oracle's */
    char *text = print_report(&market, &(gv_report_options){.width = 100});
    assert_has(text, "  1 period, 6 advertisers, ranked by score; seats resampled\n");
    assert_null(strstr(text, "oracle"));
    assert_has(text, " too few "); /* in the market a policy has a single seat */
    assert_has(text, " to ");
    free(text);
    league_destroy(&market);
}

static void reporting_survives_every_allocation_failing(void **state)
{
    (void)state;
    league_market market = league_create(1, SEATS);
    const gv_outcomes outcomes = outcomes_of(&market);
    FILE *nowhere = fopen("/dev/null", "w");
    gv_status status = GV_ENOMEM;
    for (int n = 0; status != GV_OK; n++) {
        gv_mem_fail_after(n);
        status = gv_report_print(nowhere, &outcomes, &(gv_report_options){.width = 80});
        gv_mem_fail_after(-1);
        assert_true(status == GV_OK || status == GV_ENOMEM);
        assert_true(n < 1000);
    }
    (void)fclose(nowhere);
    league_destroy(&market);
}

/* A byte of a stored run is changed: a sentence, or a report of what then stands there. */
static void damaged_runs_are_refused_or_printed(void **state)
{
    static unsigned char bytes[1 << 20];
    league_market market = league_create(1, 2);
    const char *path = fixture_path(*state, "flipped.db");
    gv_store *store = NULL;
    int64_t run_id = 0;
    const gv_run_record run = fixture_run(market.cell_count);
    assert_int_equal(gv_store_open(path, GV_STORE_WRITE, &store), GV_OK);
    assert_int_equal(gv_store_begin_run(store, &run, &run_id), GV_OK);
    assert_int_equal(gv_store_write_cells(store, run_id, market.cells, market.cell_count), GV_OK);
    gv_store_close(store);
    league_destroy(&market);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    const size_t size = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    assert_true(size > 4096 && size < sizeof bytes);
    test_random random = test_random_seeded();
    FILE *nowhere = fopen("/dev/null", "w");
    for (int i = 0; i < FLIPS; i++) {
        const size_t at = (size_t)test_random_below(&random, (int64_t)size);
        const unsigned char old = bytes[at];
        bytes[at] ^= (unsigned char)(1 + test_random_below(&random, 255));
        file = fopen(path, "wb");
        assert_int_equal(fwrite(bytes, 1, size, file), size);
        (void)fclose(file);
        bytes[at] = old;
        gv_status status = gv_store_open(path, GV_STORE_READ, &store);
        if (status == GV_OK) {
            status =
                gv_report_run(nowhere, store, GV_RUN_LATEST, &(gv_report_options){.width = 80});
            gv_store_close(store);
        }
        assert_true(status == GV_OK || strlen(gv_status_detail()) > 10);
    }
    (void)fclose(nowhere);
}

/* Ticks that spend less than nothing, as no market does: drawn as nothing. */
static void forged_spend_breaks_no_contract(void **state)
{
    (void)state;
    league_market market = league_create(1, SEATS);
    market.parts[SEATS].ticks[3].tally.spend_nanos = INT64_MIN;
    market.parts[SEATS].total.spend_nanos = INT64_MIN;
    market.parts[SEATS].total.conversions = UINT64_MAX;
    char *text = print_report(&market, &(gv_report_options){.width = 100});
    assert_has(text, "minpace");
    free(text);
    league_destroy(&market);
}

static void json_holds_the_league_and_every_seat(void **state)
{
    gv_store *store = NULL;
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    assert_int_equal(gv_store_open(fixture_path(*state, "x.db"), GV_STORE_READ, &store), GV_OK);
    assert_int_equal(gv_report_json(stream, store, GV_RUN_LATEST), GV_OK);
    (void)fclose(stream);
    gv_store_close(store);
    json_t *document = json_loads(text, 0, NULL);
    assert_non_null(document);
    const json_t *tables = json_object_get(document, "league");
    assert_int_equal(json_array_size(tables), 2);
    const json_t *fixed = json_array_get(tables, 1);
    const json_t *best = json_array_get(json_object_get(fixed, "policies"), 0);
    assert_string_equal(json_string_value(json_object_get(best, "policy")), "oracle");
    assert_true(json_is_true(json_object_get(best, "is_reference")));
    assert_int_equal(json_integer_value(json_object_get(best, "seats")), PERIODS * SEATS);
    const json_t *second = json_array_get(json_object_get(fixed, "policies"), 1);
    const json_t *share =
        json_object_get(json_object_get(second, "figures"), gv_league_figure_name(1));
    assert_string_equal(json_string_value(json_object_get(share, "interval")), "given");
    const double low = json_real_value(json_object_get(share, "low"));
    assert_true(low > 0 && low < json_real_value(json_object_get(share, "estimate")));

    const json_t *cell = json_array_get(json_object_get(document, "cells"), SEATS + 1);
    const json_t *seat = json_object_get(cell, "seat");
    assert_int_equal(json_integer_value(json_object_get(seat, "period")), 7);
    assert_string_equal(json_string_value(json_object_get(seat, "rivals")), "fixed");
    assert_int_equal(json_integer_value(json_object_get(seat, "cpa_nanos")), 105000000000);
    const json_t *metrics = json_object_get(cell, "metrics");
    assert_non_null(json_object_get(metrics, "score"));
    assert_null(json_object_get(metrics, "ctr"));
    json_decref(document);
    free(text);
}

/* `gavel compare` or `gavel plot` on FOLDER/x.db in a child; its talk in FOLDER/out and err. */
static int command(const gv_command *command, const char *folder, const char *arguments)
{
    (void)fflush(NULL);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char words[4400];
        char name[] = "gavel";
        char path[4200];
        char *argv[WORDS_MAX] = {name, path};
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
        exit(command->run(argc, argv));
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static char *read_all(const char *folder, const char *file)
{
    char *text = calloc(1, TEXT_MAX);
    FILE *stream = fopen(fixture_path(folder, file), "rb");
    assert_non_null(stream);
    assert_true(fread(text, 1, TEXT_MAX - 1, stream) < TEXT_MAX - 1);
    (void)fclose(stream);
    return text;
}

static bool says(const char *folder, const char *file, const char *words)
{
    char *text = read_all(folder, file);
    const bool found = strstr(text, words) != NULL;
    free(text);
    return found;
}

static void assert_said(const char *folder, const char *file, const char *words)
{
    char *text = read_all(folder, file);
    assert_has(text, words);
    free(text);
}

static void policies_of_a_market_are_compared(void **state)
{
    const gv_command *compare = &gv_command_compare;
    assert_int_equal(command(compare, *state, "--baseline pid"), GV_EXIT_DONE);
    assert_said(*state, "out",
                "6 campaigns together, against recorded offers (10 blocks, each a period)");
    assert_said(*state, "out", "  score            pid");
    assert_int_equal(command(compare, *state, "--baseline pid -m score --block seat --csv"),
                     GV_EXIT_DONE);
    assert_said(*state, "out", "rivals,campaign,budget_label,policy,metric,unit,parts,blocks,");
    assert_said(*state, "out", "\nfixed,,,oracle,score,conversions,60,60,");
    assert_int_equal(command(compare, *state, "--baseline pid -m score --json"), GV_EXIT_DONE);
    assert_said(*state, "out", "\"block\": \"period\"");
    assert_said(*state, "out", "\"rivals\": \"fixed\"");
    assert_int_equal(command(compare, *state, "--baseline pid -m ctr"), GV_EXIT_USAGE);
    assert_said(*state, "err", "the metric ctr is not of a market, as run 1 is");
    assert_int_equal(command(compare, *state, "--baseline pid --block day"), GV_EXIT_USAGE);
    assert_said(*state, "err", "a market is drawn in blocks of periods or seats");
}

static bool gnuplot_is_missing(const char *folder)
{
    char words[512] = "";
    FILE *stream = fopen(fixture_path(folder, "err"), "rb");
    assert_non_null(stream);
    (void)fread(words, 1, sizeof words - 1, stream);
    (void)fclose(stream);
    return strstr(words, "not installed") != NULL;
}

static void assert_starts(const char *folder, const char *name, const char *bytes)
{
    char start[16] = "";
    FILE *stream = fopen(fixture_path(folder, name), "rb");
    assert_non_null(stream);
    assert_int_equal(fread(start, 1, sizeof start, stream), sizeof start);
    (void)fclose(stream);
    assert_memory_equal(start, bytes, strlen(bytes));
}

static void spend_in_time_is_drawn_for_all_or_one(void **state)
{
    char arguments[4400];
    (void)snprintf(arguments, sizeof arguments, "-o %s", fixture_path(*state, "all"));
    const int code = command(&gv_command_plot, *state, arguments);
    if (code != GV_EXIT_DONE && gnuplot_is_missing(*state)) {
        printf("skipped: gnuplot is not installed\n");
        skip();
    }
    assert_int_equal(code, GV_EXIT_DONE);
    assert_starts(*state, "all.png", "\x89PNG\r\n");
    assert_said(*state, "all.svg", "mean of 6 advertisers in 10 periods");
    assert_said(*state, "all.svg", "even pace");
    for (size_t i = 0; i < LEAGUE_POLICIES; i++) {
        assert_said(*state, "all.svg", league_policies[i]);
    }
    (void)snprintf(arguments, sizeof arguments, "-o %s --campaign a03",
                   fixture_path(*state, "one"));
    assert_int_equal(command(&gv_command_plot, *state, arguments), GV_EXIT_DONE);
    assert_said(*state, "one.svg", "Advertiser a03: budget spent, mean of 10 periods");
    (void)snprintf(arguments, sizeof arguments, "-o %s --policies pid,lp",
                   fixture_path(*state, "two"));
    assert_int_equal(command(&gv_command_plot, *state, arguments), GV_EXIT_DONE);
    assert_said(*state, "two.svg", ">pid<");
    assert_false(says(*state, "two.svg", ">mpid<"));
    (void)snprintf(arguments, sizeof arguments, "-o %s --policies pid,l2",
                   fixture_path(*state, "none"));
    assert_int_equal(command(&gv_command_plot, *state, arguments), GV_EXIT_USAGE);
    assert_said(*state, "err", "the run has no policy 'l2', perhaps lp?");
}

int main(void)
{
#define WITH_RUN(test) cmocka_unit_test_setup_teardown(test, make_run, drop_run)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_league_is_told_in_two_tables),
        cmocka_unit_test(narrow_pages_keep_the_scores),
        cmocka_unit_test(without_an_oracle_scores_have_the_interval),
        cmocka_unit_test(reporting_survives_every_allocation_failing),
        cmocka_unit_test(forged_spend_breaks_no_contract),
        WITH_RUN(damaged_runs_are_refused_or_printed),
        WITH_RUN(json_holds_the_league_and_every_seat),
        WITH_RUN(policies_of_a_market_are_compared),
        WITH_RUN(spend_in_time_is_drawn_for_all_or_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
