#include "scenarios/run/kept_log.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "policies/policies.h"
#include "sim/base/money.h"
#include "sim/base/number.h"
#include "sim/outcome/read.h"

enum { LINE_SIZE = 1024, LIST_SIZE = 512, AMOUNT_SIZE = 64 };

/* Columns of bid_log.h, from 0. */
enum { FIELD_DENSITY = 4, FIELD_PRICE = 7, FIELD_MULTIPLIER = 9 };

/* A policy by name is another question: the database compares those that it has. */
static gv_status check_policy(const gv_kept_log_request *request, const gv_outcomes *outcomes)
{
    if (gv_policy_find(request->policy) == NULL) {
        return GV_OK;
    }
    const char *log = gv_outcomes_fact(outcomes, "input.0.path");
    const bool is_replay = outcomes->cell_count == 0 || outcomes->cells[0].seat == NULL;
    return GV_FAIL(GV_EUSAGE,
                   "the bids that a run kept judge scale:FACTOR of what was intended, not a policy "
                   "by name: `gavel compare %s` compares the policies of the run%s%s%s",
                   request->database,
                   is_replay && log != NULL ? ", and --log judges one on the auctions of " : "",
                   is_replay && log != NULL ? log : "", "");
}

/* "0 (all at 1/8 under linear), 1 (...)", as far as there is room. */
static void list_cells(const gv_outcomes *outcomes, char text[LIST_SIZE])
{
    size_t size = 0;
    text[0] = '\0';
    for (size_t i = 0; i < outcomes->cell_count && size < LIST_SIZE; i++) {
        const gv_cell_record *cell = &outcomes->cells[i];
        const int written = snprintf(text + size, LIST_SIZE - size, "%s%zu (%s at %s under %s)",
                                     size == 0 ? "" : ", ", cell->cell, cell->campaign->name,
                                     cell->budget_label, cell->policy);
        size += written > 0 ? (size_t)written : 0;
    }
}

static gv_status choose_cell(const gv_kept_log_request *request, const gv_outcomes *outcomes,
                             const gv_cell_record **out)
{
    char cells[LIST_SIZE];
    if (request->cell == GV_KEPT_LOG_ANY_CELL && outcomes->cell_count == 1) {
        *out = &outcomes->cells[0];
        return GV_OK;
    }
    for (size_t i = 0; i < outcomes->cell_count; i++) {
        if ((int64_t)outcomes->cells[i].cell == request->cell) {
            *out = &outcomes->cells[i];
            return GV_OK;
        }
    }
    list_cells(outcomes, cells);
    return GV_FAIL(GV_EUSAGE, "run %" PRId64 " of %s has %zu cells; say which with --cell: %s",
                   outcomes->run.id, request->database, outcomes->cell_count, cells);
}

/* The cell of that number in a line without quotes; NULL: there are fewer. */
static const char *field_of(const char *line, int number)
{
    const char *cell = line;
    for (int field = 0; field < number && cell != NULL; field++) {
        cell = strchr(cell, ',');
        cell = cell == NULL ? NULL : cell + 1;
    }
    return cell;
}

/* Adds up what was paid, and sees whether the first row tells a density. */
static gv_status add_up(FILE *file, gv_kept_log *log, int64_t *spend_nanos)
{
    char line[LINE_SIZE] = "";
    char amount[AMOUNT_SIZE] = "";
    bool is_first = true;
    if (fgets(line, sizeof line, file) == NULL) { /* the header */
        return GV_OK;
    }
    log->is_market = strstr(line, ",conversion,") != NULL;
    for (; fgets(line, sizeof line, file) != NULL; is_first = false) {
        int64_t nanos = 0;
        const char *density = field_of(line, FIELD_DENSITY);
        const char *price = field_of(line, FIELD_PRICE);
        const size_t size = price == NULL ? 0 : strcspn(price, ",\n");
        (void)snprintf(amount, sizeof amount, "%.*s", (int)size, size == 0 ? "" : price);
        if (size > 0) {
            GV_TRY(gv_money_parse(amount, GV_NANOS_PER_CPM, &nanos));
        }
        *spend_nanos += nanos;
        if (is_first) {
            const char *multiplier = field_of(line, FIELD_MULTIPLIER);
            log->is_stratified = multiplier != NULL && *multiplier != '\n';
            log->is_explored = !log->is_stratified && density != NULL && *density != ',';
        }
    }
    return GV_OK;
}

/* Folders are written to again: a log that does not add up to the cell's outcome is another's. */
static gv_status check_log(const gv_cell_record *cell, gv_kept_log *log)
{
    int64_t spend_nanos = 0;
    const int64_t spent = cell->total->spend_nanos;
    FILE *file = fopen(log->path, "re");
    if (file == NULL) {
        return GV_FAIL(GV_EIO,
                       "%s: cannot be read; `gavel run --logs` writes it there, in a market of the "
                       "advertiser alone whose bids are explored",
                       log->path);
    }
    const gv_status status = add_up(file, log, &spend_nanos);
    (void)fclose(file);
    if (status != GV_OK || spend_nanos != spent) {
        return GV_FAIL(GV_EUSAGE,
                       "%s: its prices add up to %.6g and the cell spent %.6g: another run has "
                       "written there; give each run a folder of its own for --logs",
                       log->path, (double)spend_nanos / (double)GV_NANOS_PER_UNIT,
                       (double)spent / (double)GV_NANOS_PER_UNIT);
    }
    return GV_OK;
}

/* Of strata "scale:1.2" is the action "1.2", what was intended is "1". */
static gv_status translate(const char *policy, gv_kept_log *out)
{
    double factor = 1;
    const bool is_scale = strncmp(policy, "scale:", strlen("scale:")) == 0;
    (void)snprintf(out->policy, sizeof out->policy, "%s", policy);
    if (strlen(policy) >= sizeof out->policy) {
        return GV_FAIL(GV_EUSAGE, "the policy is '%s', expected scale:FACTOR of what was intended",
                       policy);
    }
    if (!out->is_stratified || !(is_scale || strcmp(policy, "column") == 0)) {
        return GV_OK;
    }
    const char *number = policy + strlen("scale:");
    if (is_scale && gv_number_real(number, strlen(number), &factor) != NULL) {
        return GV_FAIL(GV_EUSAGE, "the policy is '%s', expected scale: and a number", policy);
    }
    (void)snprintf(out->policy, sizeof out->policy, "action:%.6g", factor);
    return GV_OK;
}

static gv_status find(const gv_kept_log_request *request, const gv_outcomes *outcomes,
                      gv_kept_log *out)
{
    const gv_cell_record *cell = NULL;
    GV_TRY(check_policy(request, outcomes));
    const char *folder = gv_outcomes_fact(outcomes, "logs");
    if (folder == NULL) {
        return GV_FAIL(GV_EUSAGE,
                       "run %" PRId64 " of %s kept no bids: run its scenario again with --logs DIR "
                       "(and exploration, so that they judge other bids); `gavel compare` compares "
                       "the policies that it has",
                       outcomes->run.id, request->database);
    }
    GV_TRY(choose_cell(request, outcomes, &cell));
    assert(cell != NULL);
    const int size = snprintf(out->path, sizeof out->path, "%s/cell-%zu.csv", folder, cell->cell);
    if (size >= (int)sizeof out->path) {
        return GV_FAIL(GV_EIO, "%s: the path is too long", folder);
    }
    GV_TRY(check_log(cell, out));
    return translate(request->policy, out);
}

gv_status gv_kept_log_find(const gv_kept_log_request *request, gv_kept_log *out)
{
    gv_store *store = NULL;
    gv_outcomes *outcomes = NULL;
    GV_TRY(gv_store_open(request->database, GV_STORE_READ, &store));
    gv_status status = gv_outcomes_read(store, request->run_id, false, &outcomes);
    if (status == GV_OK) {
        status = find(request, outcomes, out);
    }
    gv_outcomes_destroy(outcomes);
    gv_store_close(store);
    return status;
}

void gv_kept_log_columns(const gv_kept_log *log, gv_decision_columns *columns)
{
    const gv_decision_columns plain = gv_decision_columns_plain();
    const bool has_reward = strcmp(columns->reward, plain.reward) != 0;
    const bool is_drawn = log->is_explored || log->is_stratified;
    columns->action = log->is_stratified ? "multiplier" : NULL;
    columns->dose = log->is_stratified ? NULL : (log->is_explored ? "bid" : "offer");
    columns->target = log->is_explored ? "intended" : NULL;
    columns->propensity = is_drawn ? "propensity" : NULL;
    columns->price = is_drawn ? NULL : "price";
    columns->spend = is_drawn ? "price" : NULL;
    columns->reward = has_reward ? columns->reward : (log->is_market ? "conversion" : "click");
    if (columns->cluster == NULL) {
        columns->cluster = "time";
        columns->cluster_bytes = strlen("2013-06-06T12");
    }
}
