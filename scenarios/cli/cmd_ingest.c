/* gavel ingest: raw logs in, one .gvlog out. */
#include <argp.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scenarios/cli/cli.h"
#include "scenarios/cli/output.h"
#include "scenarios/report/format.h"
#include "sim/base/clock.h"
#include "sim/base/mem.h"
#include "sim/base/number.h"
#include "sim/base/parallel.h"
#include "sim/log/ingest.h"
#include "sim/log/log.h"

enum {
    KEY_OUTPUT = 'o',
    KEY_MAPPING = 'm',
    KEY_JOBS = 'j',
    KEY_QUIET = 'q',
    KEY_MAX_REJECTS = 256,
    KEY_MEMORY,
    KEY_JSON,
    KEY_TIMES,
    NAME_SIZE = 64,
};

typedef struct ingest_request {
    gv_ingest_config config;
    const char **files;   /* [argc]: the paths */
    char name[NAME_SIZE]; /* of the output where none is given */
    bool as_json;
    bool shows_times;
    bool quiet;
} ingest_request;

static const struct argp_option options[] = {
    {"output", KEY_OUTPUT, "FILE", 0, "The log to make (default: FORMAT.gvlog here)", 0},
    {"mapping", KEY_MAPPING, "FILE", 0, "What the columns are, for format csv: a YAML file", 0},
    {"max-rejects", KEY_MAX_REJECTS, "SHARE", 0,
     "Bad rows to put up with, of all rows, such as 1% or 0.01 (default: 1%)", 0},
    {"jobs", KEY_JOBS, "N", 0, "Threads (default: all processors); the log is the same", 0},
    {"memory", KEY_MEMORY, "MIB", 0, "Rows to hold before they are spilled to disk, in MiB", 0},
    {"json", KEY_JSON, NULL, 0, "Print what was counted as JSON", 0},
    {"times", KEY_TIMES, NULL, 0, "Say what share of the time each stage took", 0},
    {"quiet", KEY_QUIET, NULL, 0, "No progress and no talk", 0},
    {0},
};

/* "1%", "0.5 %" or "0.01". */
static bool read_share(const char *text, double *share)
{
    size_t size = strlen(text);
    const bool is_percent = size > 0 && text[size - 1] == '%';
    size -= is_percent;
    while (is_percent && size > 0 && text[size - 1] == ' ') {
        size--;
    }
    double found = 0;
    if (gv_number_real(text, size, &found) != NULL) {
        return false;
    }
    *share = is_percent ? found / 100 : found;
    return *share >= 0 && *share <= 1;
}

/* A whole number in [1, maximum]. */
static bool read_count(const char *text, int64_t maximum, size_t *count)
{
    int64_t found = 0;
    const gv_scale one = {1, 0};
    if (gv_number_scaled(text, strlen(text), one, GV_ROUND_NEVER, &found) != NULL || found < 1 ||
        found > maximum) {
        return false;
    }
    *count = (size_t)found;
    return true;
}

static void choose_format(ingest_request *request, const char *name, struct argp_state *state)
{
    request->config.type = gv_reader_find(name);
    if (request->config.type != NULL) {
        return;
    }
    enum { NAMES_MAX = 32 };
    const char *names[NAMES_MAX];
    char list[256] = "";
    size_t count = 0;
    for (; gv_reader_types[count] != NULL && count < NAMES_MAX; count++) {
        const size_t used = strlen(list);
        names[count] = gv_reader_types[count]->info.name;
        (void)snprintf(list + used, sizeof list - used, "%s%s", count == 0 ? "" : ", ",
                       names[count]);
    }
    const char *const nearest = gv_param_nearest(names, count, name);
    if (nearest != NULL) {
        argp_error(state, "there is no format '%s': did you mean '%s'?", name, nearest);
    } else {
        argp_error(state, "there is no format '%s': expected one of %s", name, list);
    }
}

static void take_argument(ingest_request *request, const char *argument, struct argp_state *state)
{
    if (request->config.type == NULL) {
        choose_format(request, argument, state);
        return;
    }
    request->files[request->config.path_count++] = argument;
}

/* Options with a number; the sentence says what was expected. */
static void take_number(ingest_request *request, int key, const char *argument,
                        struct argp_state *state)
{
    enum { JOBS_MAX = 1024, MEMORY_MAX_MIB = 1 << 20 };
    if (key == KEY_MAX_REJECTS) {
        if (!read_share(argument, &request->config.rejects_max)) {
            argp_error(state, "--max-rejects: expected a share such as 1%% or 0.01, found '%s'",
                       argument);
        }
    } else if (key == KEY_JOBS) {
        if (!read_count(argument, JOBS_MAX, &request->config.jobs)) {
            argp_error(state, "--jobs: expected a whole number from 1 to %d, found '%s'", JOBS_MAX,
                       argument);
        }
    } else {
        if (!read_count(argument, MEMORY_MAX_MIB, &request->config.memory_max)) {
            argp_error(state, "--memory: expected MiB from 1 to %d, found '%s'", MEMORY_MAX_MIB,
                       argument);
        }
        request->config.memory_max <<= 20;
    }
}

static error_t take_option(int key, char *argument, struct argp_state *state)
{
    ingest_request *request = state->input;
    switch (key) {
    case KEY_OUTPUT:
        request->config.output_path = argument;
        return 0;
    case KEY_MAPPING:
        request->config.mapping_path = argument;
        return 0;
    case KEY_MAX_REJECTS:
    case KEY_JOBS:
    case KEY_MEMORY:
        take_number(request, key, argument, state);
        return 0;
    case KEY_JSON:
        request->as_json = true;
        return 0;
    case KEY_TIMES:
        request->shows_times = true;
        return 0;
    case KEY_QUIET:
        request->quiet = true;
        return 0;
    case ARGP_KEY_ARG:
        take_argument(request, argument, state);
        return 0;
    case ARGP_KEY_END:
        if (request->config.path_count == 0) {
            argp_error(state, "expected a format and at least one file");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    .options = options,
    .parser = take_option,
    .args_doc = "FORMAT FILE...",
    .doc = "Reads raw logs, plain or compressed (gz, bz2, zst, xz), in any order, joins clicks and "
           "conversions to impressions by bid id, and makes one columnar log.\v"
           "Bad rows are counted, kept in the log's table of rejects and shown; more of them than "
           "--max-rejects, and there is no log.\n`gavel list readers` names the formats.\n\n"
           "Example:\n  gavel ingest ipinyou imp.*.bz2 clk.*.bz2 conv.*.bz2 -o june.gvlog\n"
           "  gavel ingest csv auctions.csv --mapping auctions.yaml",
};

/* "42,000"; `text`: [32]. Returns `text`. */
static const char *grouped(uint64_t number, char text[32])
{
    gv_format_number((double)number, 0, text, 32);
    return text;
}

static void tell_rows(const ingest_request *request, const gv_builder_counts *counts)
{
    char impressions[32];
    char clicks[32];
    char bids[32];
    char conversions[32];
    const uint64_t *const rows = counts->rows;
    gv_cli_talk(request->quiet, "%s impressions, %s click rows (%s bid ids), %s conversion rows\n",
                grouped(rows[GV_LOG_IMPRESSION], impressions),
                grouped(rows[GV_LOG_CLICK] + rows[GV_LOG_ORPHAN_CLICK], clicks),
                grouped(counts->clicked_bid_ids, bids),
                grouped(rows[GV_LOG_CONVERSION] + rows[GV_LOG_ORPHAN_CONVERSION], conversions));
    if (rows[GV_LOG_ORPHAN_CLICK] + rows[GV_LOG_ORPHAN_CONVERSION] > 0) {
        gv_cli_talk(request->quiet,
                    "  without their impression in the log, kept apart: %s click rows, %s "
                    "conversion rows\n",
                    grouped(rows[GV_LOG_ORPHAN_CLICK], clicks),
                    grouped(rows[GV_LOG_ORPHAN_CONVERSION], conversions));
    }
    if (counts->repeated_bid_ids > 0) {
        gv_cli_talk(request->quiet, "  impressions that repeat a bid id: %s\n",
                    grouped(counts->repeated_bid_ids, bids));
    }
}

/* "path:line: column N: reason", as editors and people find it. */
static void tell_rejects(const ingest_request *request, const gv_ingest_report *report)
{
    const uint64_t count = report->counts.rows[GV_LOG_REJECT];
    char number[32];
    if (count == 0) {
        return;
    }
    const uint64_t lines = report->counts.lines == 0 ? 1 : report->counts.lines;
    gv_cli_talk(request->quiet, "%s rejected row%s (%.3g %% of all)%s\n", grouped(count, number),
                count == 1 ? "" : "s", 100.0 * (double)count / (double)lines,
                count > report->shown_count ? ", of which the first:" : ":");
    for (size_t i = 0; i < report->shown_count; i++) {
        const gv_ingest_reject *reject = &report->shown[i];
        char column[24] = "";
        if (reject->column > 0) {
            (void)snprintf(column, sizeof column, "column %" PRIu32 ": ", reject->column);
        }
        gv_cli_talk(request->quiet, "  %s:%" PRIu64 ": %s%s\n", request->config.paths[reject->file],
                    reject->line, column, reject->reason);
    }
}

static double megabytes_a_second(const gv_ingest_report *report)
{
    const int64_t us = report->times.total_us > 0 ? report->times.total_us : 1;
    return (double)report->counts.input_bytes / (double)us;
}

/* Threads' times added up: shares of the work, not of the clock. */
static void tell_times(const ingest_request *request, const gv_ingest_times *times)
{
    const struct {
        const char *name;
        int64_t us;
    } stages[] = {
        {"read and decompress", times->read_us},
        {"split", times->split_us},
        {"parse", times->decode_us},
        {"code and sort", times->add_us},
        {"merge, join, write and sync", times->commit_us},
    };
    int64_t all = 1;
    for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++) {
        all += stages[i].us;
    }
    for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++) {
        gv_cli_talk(request->quiet, "  %5.1f %% %s\n", 100.0 * (double)stages[i].us / (double)all,
                    stages[i].name);
    }
}

static void set_number(json_t *object, const char *name, uint64_t number)
{
    (void)json_object_set_new(object, name, json_integer((json_int_t)number));
}

static json_t *rejects_json(const ingest_request *request, const gv_ingest_report *report)
{
    json_t *list = json_array();
    for (size_t i = 0; i < report->shown_count; i++) {
        const gv_ingest_reject *reject = &report->shown[i];
        json_t *object = json_object();
        (void)json_object_set_new(object, "file", json_string(request->config.paths[reject->file]));
        set_number(object, "line", reject->line);
        set_number(object, "column", reject->column);
        (void)json_object_set_new(object, "reason", json_string(reject->reason));
        (void)json_array_append_new(list, object);
    }
    return list;
}

static void print_json(const ingest_request *request, const gv_ingest_report *report, bool is_made)
{
    json_t *object = json_object();
    json_t *rows = json_object();
    for (int table = 0; table < GV_LOG_TABLE_COUNT; table++) {
        set_number(rows, gv_log_table_name((gv_log_table)table), report->counts.rows[table]);
    }
    (void)json_object_set_new(object, "log",
                              is_made ? json_string(request->config.output_path) : json_null());
    (void)json_object_set_new(object, "format", json_string(request->config.type->info.name));
    (void)json_object_set_new(object, "rows", rows);
    set_number(object, "lines", report->counts.lines);
    set_number(object, "clicked_bid_ids", report->counts.clicked_bid_ids);
    set_number(object, "repeated_bid_ids", report->counts.repeated_bid_ids);
    set_number(object, "input_bytes", report->counts.input_bytes);
    (void)json_object_set_new(object, "first_rejects", rejects_json(request, report));
    (void)json_object_set_new(object, "seconds", json_real((double)report->times.total_us / 1e6));
    (void)json_object_set_new(object, "read_seconds",
                              json_real((double)report->times.read_us / 1e6));
    (void)json_object_set_new(object, "split_seconds",
                              json_real((double)report->times.split_us / 1e6));
    (void)json_object_set_new(object, "parse_seconds",
                              json_real((double)report->times.decode_us / 1e6));
    (void)json_object_set_new(object, "code_seconds",
                              json_real((double)report->times.add_us / 1e6));
    (void)json_object_set_new(object, "write_seconds",
                              json_real((double)report->times.commit_us / 1e6));
    (void)json_dumpf(object, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    (void)putchar('\n');
    json_decref(object);
}

static int tell(const ingest_request *request, const gv_ingest_report *report, gv_status status)
{
    gv_cli_progress_end();
    const int code = status == GV_OK ? GV_EXIT_DONE : gv_cli_fail(status);
    tell_rejects(request, report);
    if (status == GV_OK) {
        gv_cli_talk(request->quiet, "%s: ", request->config.output_path);
        tell_rows(request, &report->counts);
        gv_cli_talk(request->quiet, "  %.2f s, %.0f MB/s\n", (double)report->times.total_us / 1e6,
                    megabytes_a_second(report));
    }
    if (request->shows_times) {
        tell_times(request, &report->times);
    }
    if (request->as_json) {
        print_json(request, report, status == GV_OK);
    }
    return gv_cli_finish(code);
}

/* Without -o the log is FORMAT.gvlog here; it replaces a log of Gavel's, but nothing else. */
static gv_status name_output(ingest_request *request)
{
    if (request->config.output_path != NULL) {
        return GV_OK;
    }
    (void)snprintf(request->name, sizeof request->name, "%.50s.gvlog",
                   request->config.type->info.name);
    request->config.output_path = request->name;
    if (access(request->name, F_OK) != 0) {
        return GV_OK;
    }
    gv_log *log = NULL;
    if (gv_log_open(request->name, &log) != GV_OK) {
        return GV_FAIL(GV_EUSAGE, "%s is there and is no log of Gavel's: name the output with -o",
                       request->name);
    }
    gv_log_close(log);
    gv_cli_talk(request->quiet, "%s is replaced: -o names another\n", request->name);
    return GV_OK;
}

static gv_status spare_inputs(const gv_ingest_config *config)
{
    GV_TRY(gv_cli_spare(config->output_path, config->paths, config->path_count));
    return gv_cli_spare(config->output_path, &config->mapping_path, 1);
}

static int run(int argc, char **argv)
{
    ingest_request request = {
        .config = {.rejects_max = 0.01, .jobs = gv_parallel_processors()},
        .files = gv_mem_alloc(0, (size_t)argc, sizeof *request.files),
    };
    if (request.files == NULL) {
        return gv_cli_fail(GV_FAIL(GV_ENOMEM, "no memory for %d arguments", argc));
    }
    request.config.paths = request.files;
    gv_ingest_report report = {.shown_count = 0};
    int code = GV_EXIT_USAGE;
    if (argp_parse(&parser, argc, argv, 0, NULL, &request) == 0) {
        gv_status status = name_output(&request);
        if (status == GV_OK) {
            status = spare_inputs(&request.config);
        }
        if (status == GV_OK) {
            status = gv_ingest(&request.config, gv_cli_progress(request.quiet), &report);
        }
        const bool is_counted = status == GV_OK || status == GV_EREJECTS;
        gv_cli_progress_end();
        code = is_counted ? tell(&request, &report, status) : gv_cli_fail(status);
    }
    gv_mem_free(request.files);
    return code;
}

const gv_command gv_command_ingest = {
    .name = "ingest",
    .summary = "make a columnar log (.gvlog) from raw logs",
    .run = run,
};
