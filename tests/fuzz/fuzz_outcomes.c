/*
 * Any bytes as a database of outcomes: opened and read whole, or refused with a sentence. What
 * is accepted must print, compare and go to JSON.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "scenarios/report/comparison.h"
#include "scenarios/report/report.h"

/* One file for all inputs, in memory where the system offers that. */
static const char *write_input(const uint8_t *data, size_t size)
{
    static char path[64];
    (void)snprintf(path, sizeof path, "/dev/shm/gavel-fuzz-%ld.db", (long)getpid());
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        (void)snprintf(path, sizeof path, "/tmp/gavel-fuzz-%ld.db", (long)getpid());
        file = fopen(path, "wb");
    }
    assert(file != NULL);
    const size_t written = fwrite(data, 1, size, file);
    assert(written == size);
    const int failed = fclose(file);
    assert(failed == 0);
    return path;
}

static void compare(FILE *stream, const gv_outcomes *outcomes, const gv_report_options *options)
{
    const gv_metric *const metrics[] = {gv_metric_find("clicks"), gv_metric_find("ecpm")};
    const gv_compare_config config = {
        .cells = outcomes->cells,
        .cell_count = outcomes->cell_count,
        .baseline_cells = outcomes->cells,
        .baseline_cell_count = outcomes->cell_count,
        .baseline = outcomes->cells[0].policy,
        .metrics = metrics,
        .metric_count = 2,
        .bootstrap = {100, 1},
        .level = 0.95,
    };
    gv_comparisons *comparisons = NULL;
    if (gv_compare(&config, &comparisons) == GV_OK) {
        const gv_comparison_report report = {&config, comparisons, outcomes, outcomes, NULL};
        const gv_status status = gv_comparison_print(stream, &report, options);
        assert(status == GV_OK);
        gv_comparisons_destroy(comparisons);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = write_input(data, size);
    const gv_report_options options = {.utf8 = true, .width = 100};
    gv_store *store = NULL;
    gv_outcomes *outcomes = NULL;
    gv_status status = gv_store_open(path, GV_STORE_READ, &store);
    if (status == GV_OK) {
        status = gv_outcomes_read(store, GV_RUN_LATEST, true, &outcomes);
    }
    assert(status == GV_OK || strlen(gv_status_detail()) > 0);
    FILE *stream = fopen("/dev/null", "w");
    assert(stream != NULL);
    if (outcomes != NULL) {
        const gv_status printed = gv_report_print(stream, outcomes, &options);
        assert(printed == GV_OK);
        if (outcomes->cell_count > 0) {
            compare(stream, outcomes, &options);
        }
    }
    (void)fclose(stream);
    gv_outcomes_destroy(outcomes);
    gv_store_close(store);
    (void)unlink(path);
    return 0;
}
