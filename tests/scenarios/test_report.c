/* Reports: numbers and curves as people read them, tables that keep their width. */
#include <jansson.h>
#include <math.h>

#include "cmocka_all.h"
#include "outcome_fixture.h"
#include "scenarios/report/format.h"
#include "scenarios/report/report.h"
#include "sim/base/mem.h"

enum { CELLS = 6, TEXT_MAX = 1 << 16 };

static const gv_report_options plain = {.width = 100};

static void assert_number(double value, int decimals, const char *expected)
{
    char text[64];
    gv_format_number(value, decimals, text, sizeof text);
    assert_string_equal(text, expected);
}

static void numbers_have_their_thousands_apart(void **state)
{
    (void)state;
    assert_number(0, 0, "0");
    assert_number(999, 0, "999");
    assert_number(1000, 0, "1,000");
    assert_number(307751, 0, "307,751");
    assert_number(-1234567.891, 2, "-1,234,567.89");
    assert_number(-0.001, 2, "0.00");
    assert_number((double)NAN, 2, "-");
    assert_number((double)INFINITY, 0, "1,000,000,000,000,000,019,884,624,838,656");
}

static void metrics_are_shown_in_their_units(void **state)
{
    (void)state;
    char text[64];
    gv_format_metric(gv_metric_find("win_rate"), 0.2058, text, sizeof text);
    assert_string_equal(text, "20.6");
    assert_string_equal(gv_format_unit(gv_metric_find("win_rate")), "%");
    gv_format_metric(gv_metric_find("spend_cpm"), 307751, text, sizeof text);
    assert_string_equal(text, "307,751");
    gv_format_metric(gv_metric_find("ecpm"), 78.6123, text, sizeof text);
    assert_string_equal(text, "78.61");
    gv_format_metric(gv_metric_find("clicks"), 80, text, sizeof text);
    assert_string_equal(text, "80");
    gv_format_metric(gv_metric_find("ctr"), 0.00081234, text, sizeof text);
    assert_string_equal(text, "0.081");
}

static void a_curve_shows_its_top_and_its_gaps(void **state)
{
    (void)state;
    char text[64];
    const double values[] = {0, 1, 4, 8, 8, 0, 0, 2};
    gv_format_sparkline(values, 8, 8, true, text, sizeof text);
    assert_string_equal(text, " ▁▄██  ▂");
    gv_format_sparkline(values, 8, 8, false, text, sizeof text);
    assert_string_equal(text, " .=@@  :");
    gv_format_sparkline(values, 8, 4, false, text, sizeof text);
    assert_string_equal(text, ".@*:");
    gv_format_sparkline(values, 1, 8, false, text, sizeof text);
    assert_string_equal(text, " ");
    gv_format_sparkline(values, 0, 8, false, text, sizeof text);
    assert_string_equal(text, "");
}

/* The fixture's cells as outcomes in memory. */
typedef struct sample_run {
    fixture_cell parts[CELLS];
    gv_cell_record cells[CELLS];
    gv_outcomes outcomes;
} sample_run;

static void fill_sample(sample_run *sample)
{
    for (size_t i = 0; i < CELLS; i++) {
        fixture_cell_fill(&sample->parts[i], i);
        sample->cells[i] = sample->parts[i].record;
    }
    sample->outcomes = (gv_outcomes){
        .run = {.id = 1, .name = "june", .seed = 7, .cell_count = CELLS, .wall_us = 1000000},
        .cells = sample->cells,
        .cell_count = CELLS,
    };
}

static char *print_report(const gv_outcomes *outcomes, const gv_report_options *options)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    assert_int_equal(gv_report_print(stream, outcomes, options), GV_OK);
    assert_int_equal(fclose(stream), 0);
    return text;
}

static void assert_lines_fit(const char *text, size_t width)
{
    const char *line = text;
    while (*line != '\0') {
        const size_t length = strcspn(line, "\n");
        size_t characters = 0;
        for (size_t i = 0; i < length; i++) {
            characters += ((unsigned char)line[i] & 0xc0U) != 0x80U;
        }
        if (characters > width) {
            fail_msg("%zu characters: %.*s", characters, (int)length, line);
        }
        line += length + (line[length] == '\n');
    }
}

static void a_report_fits_its_width_and_has_every_policy(void **state)
{
    (void)state;
    static sample_run sample;
    fill_sample(&sample);
    gv_report_options options = plain;
    options.utf8 = true;
    char *text = print_report(&sample.outcomes, &options);
    assert_lines_fit(text, 100);
    assert_non_null(strstr(text, "1458, budget 1/4"));
    assert_non_null(strstr(text, "3386, budget 1/4"));
    assert_non_null(strstr(text, "lin-10"));
    assert_non_null(strstr(text, "Run 1, june: seed 7, 6 of 6 cells"));
    assert_null(strchr(text, '\033'));
    free(text);
}

static void plain_reports_are_ascii(void **state)
{
    (void)state;
    static sample_run sample;
    fill_sample(&sample);
    char *text = print_report(&sample.outcomes, &plain);
    for (const char *c = text; *c != '\0'; c++) {
        assert_true((unsigned char)*c < 128);
    }
    free(text);
}

static void colour_changes_escapes_only(void **state)
{
    (void)state;
    static sample_run sample;
    fill_sample(&sample);
    gv_report_options coloured = plain;
    coloured.colour = true;
    char *with = print_report(&sample.outcomes, &coloured);
    char *without = print_report(&sample.outcomes, &plain);
    char *to = with;
    for (const char *from = with; *from != '\0'; from++) {
        if (*from == '\033') {
            from = strchr(from, 'm');
        } else {
            *to++ = *from;
        }
    }
    *to = '\0';
    assert_string_equal(with, without);
    free(with);
    free(without);
}

static void a_run_without_cells_is_told(void **state)
{
    (void)state;
    const gv_outcomes outcomes = {.run = {.id = 3, .name = "x", .cell_count = 2}};
    char *text = print_report(&outcomes, &plain);
    assert_string_equal(text, "Run 3, x: seed 0, 0 of 2 cells, 0 events\n");
    free(text);
}

static void reporting_survives_every_allocation_failing(void **state)
{
    (void)state;
    static sample_run sample;
    fill_sample(&sample);
    FILE *stream = fopen("/dev/null", "w");
    gv_status status = GV_ENOMEM;
    for (int n = 0; status != GV_OK; n++) {
        gv_mem_fail_after(n);
        status = gv_report_print(stream, &sample.outcomes, &plain);
        gv_mem_fail_after(-1);
        assert_true(status == GV_OK || status == GV_ENOMEM);
        assert_true(n < 50);
    }
    (void)fclose(stream);
}

static void json_holds_exact_figures(void **state)
{
    char *folder = fixture_folder();
    gv_store *store = NULL;
    const gv_run_record run = fixture_run(1);
    int64_t run_id = 0;
    fixture_cell cell;
    fixture_cell_fill(&cell, 0);
    (void)state;
    assert_int_equal(gv_store_open(fixture_path(folder, "x.db"), GV_STORE_WRITE, &store), GV_OK);
    assert_int_equal(gv_store_begin_run(store, &run, &run_id), GV_OK);
    assert_int_equal(gv_store_write_cell(store, run_id, &cell.record), GV_OK);
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    assert_int_equal(gv_report_json(stream, store, GV_RUN_LATEST), GV_OK);
    assert_int_equal(fclose(stream), 0);
    json_t *document = json_loads(text, 0, NULL);
    assert_non_null(document);
    const json_t *found = json_array_get(json_object_get(document, "cells"), 0);
    assert_int_equal(json_integer_value(json_object_get(found, "spend_nanos")),
                     cell.total.spend_nanos);
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(document, "run"), "seed")),
        "18446744073709551609");
    json_decref(document);
    free(text);
    gv_store_close(store);
    fixture_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_have_their_thousands_apart),
        cmocka_unit_test(metrics_are_shown_in_their_units),
        cmocka_unit_test(a_curve_shows_its_top_and_its_gaps),
        cmocka_unit_test(a_report_fits_its_width_and_has_every_policy),
        cmocka_unit_test(plain_reports_are_ascii),
        cmocka_unit_test(colour_changes_escapes_only),
        cmocka_unit_test(a_run_without_cells_is_told),
        cmocka_unit_test(reporting_survives_every_allocation_failing),
        cmocka_unit_test(json_holds_exact_figures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
