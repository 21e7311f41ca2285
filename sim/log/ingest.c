/*
 * Threads take turns at the files: whoever holds a file's lock reads the next piece of whole
 * lines and cuts it up, then lets go and decodes it, so one file keeps several threads busy and
 * is still read from front to back. Quoted text has state from one byte to the next: there the
 * lock is held throughout and only different files run in parallel.
 */
#include "sim/log/ingest.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "sim/base/clock.h"
#include "sim/base/mem.h"
#include "sim/base/parallel.h"
#include "sim/log/csv_impl.h"
#include "sim/log/input_impl.h"
#include "sim/log/mapping_impl.h"
#include "sim/log/reader_impl.h"
#include "sim/log/split_impl.h"

/* One input file; all but the lock is its holder's. */
typedef struct source {
    pthread_mutex_t lock;
    gv_input *input; /* NULL before it is opened and after its end */
    gv_csv *csv;     /* of quoted text */
    gv_file_plan plan;
    uint64_t line; /* of the next piece's first row */
    uint64_t consumed;
    bool has_first_row;
    atomic_bool has_ended;
} source;

/* What one thread works with. */
typedef struct worker {
    gv_decoder *decoder;
    char *buffer; /* [GV_INPUT_ROOM + GV_INPUT_PAD] */
    gv_rows rows;
    gv_ingest_times times;
    struct ingest *ingest;
} worker;

typedef struct ingest {
    const gv_ingest_config *config;
    const gv_progress *progress;
    const gv_splitter *splitter;
    gv_mapping *mapping;
    gv_plan plan;
    gv_builder *builder;
    source *sources; /* [source_count] */
    size_t source_count;
    worker *workers; /* [config->jobs] */
    uint64_t total_bytes;
    atomic_ullong done_bytes;
    atomic_bool has_rows;
    atomic_bool is_over;         /* a thread failed or was told to stop: the others stop too */
    pthread_mutex_t report_lock; /* of progress and of what follows */
    gv_ingest_report *report;
} ingest;

/* Adds the time since *since to *spent and moves *since on. */
static void spend(int64_t *since, int64_t *spent)
{
    const int64_t now = gv_wall_us();
    *spent += now - *since;
    *since = now;
}

static bool comes_before(const gv_ingest_reject *shown, size_t file, uint64_t line)
{
    return shown->file < file || (shown->file == file && shown->line <= line);
}

/* Keeps the first rejects of all, whichever thread finds them. */
static void show_reject(ingest *in, size_t file, const gv_reject *reject)
{
    gv_ingest_report *report = in->report;
    size_t place = report->shown_count;
    while (place > 0 && !comes_before(&report->shown[place - 1], file, reject->line)) {
        place--;
    }
    if (place == GV_INGEST_SHOWN) {
        return;
    }
    const size_t kept =
        report->shown_count < GV_INGEST_SHOWN ? report->shown_count : (size_t)GV_INGEST_SHOWN - 1;
    memmove(&report->shown[place + 1], &report->shown[place],
            (kept - place) * sizeof report->shown[0]);
    report->shown_count = kept + 1;
    report->shown[place] =
        (gv_ingest_reject){.file = file, .line = reject->line, .column = reject->column};
    (void)snprintf(report->shown[place].reason, GV_INGEST_REASON_SIZE, "%s", reject->reason);
}

/* A gv_chunk_taker. */
static gv_status take_chunk(void *context, const gv_chunk *chunk)
{
    worker *at = context;
    ingest *in = at->ingest;
    const int64_t start = gv_wall_us();
    if (chunk->reject_count > 0) {
        (void)pthread_mutex_lock(&in->report_lock);
        for (size_t i = 0; i < chunk->reject_count; i++) {
            show_reject(in, chunk->file, &chunk->rejects[i]);
        }
        (void)pthread_mutex_unlock(&in->report_lock);
    }
    atomic_store(&in->has_rows, true);
    const gv_status status = gv_builder_add(in->builder, chunk);
    const int64_t spent = gv_wall_us() - start;
    at->times.add_us += spent;
    at->times.decode_us -= spent; /* within which it lies */
    return status;
}

static gv_status report_progress(ingest *in)
{
    if (pthread_mutex_trylock(&in->report_lock) != 0) {
        return GV_OK; /* another thread is telling */
    }
    const bool goes_on = gv_progress_report(
        in->progress, "reading", (uint64_t)atomic_load(&in->done_bytes), in->total_bytes);
    (void)pthread_mutex_unlock(&in->report_lock);
    return goes_on ? GV_OK : GV_FAIL(GV_ESTOPPED, "stopped while reading: no log was made");
}

static void note_consumed(ingest *in, source *from)
{
    const uint64_t consumed = gv_input_consumed(from->input);
    atomic_fetch_add(&in->done_bytes, consumed - from->consumed);
    from->consumed = consumed;
}

/* A chunk without rows still says which tables the input has. */
static gv_status note_table(ingest *in, const source *from)
{
    const gv_chunk empty = {.schema = &in->plan.schema,
                            .table = from->plan.table,
                            .file = from->plan.file,
                            .first_line = 1};
    return from->plan.table_by_column ? GV_OK : gv_builder_add(in->builder, &empty);
}

static gv_status open_source(ingest *in, source *from)
{
    const size_t number = (size_t)(from - in->sources);
    GV_TRY(gv_input_open(in->config->paths[number], &from->input));
    gv_file_plan_start(&from->plan, &in->plan, in->config->paths[number], (uint32_t)number);
    from->line = 1;
    if (in->plan.is_quoted) {
        GV_TRY(gv_csv_create(in->plan.delimiter, &from->csv));
    }
    return note_table(in, from);
}

static gv_status close_source(ingest *in, source *from)
{
    const gv_status status = gv_builder_input(
        in->builder, from->plan.file, gv_input_consumed(from->input), gv_input_hash(from->input));
    gv_csv_destroy(from->csv);
    gv_input_close(from->input);
    from->csv = NULL;
    from->input = NULL;
    atomic_store(&from->has_ended, true);
    return status;
}

/* The file's first row settles its columns. Returns how many rows to leave out. */
static gv_status settle_columns(source *from, const gv_rows *rows, size_t *first)
{
    *first = 0;
    if (from->has_first_row || rows->row_count == 0) {
        return GV_OK;
    }
    bool skip = false;
    GV_TRY(gv_file_plan_first_row(&from->plan, rows, &skip));
    from->has_first_row = true;
    *first = skip;
    return GV_OK;
}

/* An overlong line, of which only the beginning was read. */
static gv_status reject_overlong(worker *at, const source *from, const gv_piece *piece,
                                 uint64_t line)
{
    gv_chunk chunk = {
        .schema = &at->ingest->plan.schema, .table = from->plan.table, .file = from->plan.file};
    const gv_reject reject = {.line = line,
                              .reason = "expected a line of at most 1048576 bytes, found a longer "
                                        "one: has the file no newlines?",
                              .text = {piece->text, piece->size}};
    gv_status status = gv_chunk_reject(&chunk, reject);
    if (status == GV_OK) {
        status = take_chunk(at, &chunk);
    }
    gv_chunk_fini(&chunk);
    return status;
}

/*
 * One piece of unquoted text: read and cut under the lock, which is let go here, then decoded.
 */
static gv_status run_lines(worker *at, source *from)
{
    ingest *in = at->ingest;
    gv_piece piece = {0};
    size_t first = 0;
    int64_t since = gv_wall_us();
    gv_status status = gv_input_lines(from->input, at->buffer, &piece);
    note_consumed(in, from);
    spend(&since, &at->times.read_us);
    at->rows.row_count = 0;
    at->rows.first_line = from->line;
    if (status == GV_OK && piece.size > 0 && !piece.is_overlong) {
        in->splitter->split(piece.text, piece.size, in->plan.delimiter, &at->rows);
        from->line += at->rows.row_count;
        status = settle_columns(from, &at->rows, &first);
    } else if (status == GV_OK && piece.is_overlong) {
        from->line++;
    } else if (status == GV_OK) {
        status = close_source(in, from);
    }
    const gv_file_plan plan = from->plan;
    (void)pthread_mutex_unlock(&from->lock);
    spend(&since, &at->times.split_us);
    if (status == GV_OK && piece.is_overlong) {
        status = reject_overlong(at, from, &piece, at->rows.first_line);
    } else if (status == GV_OK) {
        status = gv_decoder_run(at->decoder, &plan, &at->rows, first, take_chunk, at);
    }
    spend(&since, &at->times.decode_us);
    return status;
}

/* One piece of quoted text, under the lock throughout. */
static gv_status run_quoted(worker *at, source *from)
{
    ingest *in = at->ingest;
    const gv_rows *rows = NULL;
    bool has_ended = false;
    size_t first = 0;
    int64_t since = gv_wall_us();
    gv_status status = gv_csv_read(from->csv, from->input, at->buffer, &rows, &has_ended);
    note_consumed(in, from);
    spend(&since, &at->times.read_us);
    if (status == GV_OK) {
        status = settle_columns(from, rows, &first);
    }
    if (status == GV_OK) {
        status = gv_decoder_run(at->decoder, &from->plan, rows, first, take_chunk, at);
    }
    spend(&since, &at->times.decode_us);
    if (status == GV_OK && has_ended) {
        status = close_source(in, from);
    }
    (void)pthread_mutex_unlock(&from->lock);
    return status;
}

/*
 * Locks a file that has more to read, preferring one that nobody holds; NULL when all are done.
 */
static source *lock_source(ingest *in)
{
    for (;;) {
        source *held = NULL;
        for (size_t i = 0; i < in->source_count; i++) {
            source *from = &in->sources[i];
            if (atomic_load(&from->has_ended)) {
                continue;
            }
            if (pthread_mutex_trylock(&from->lock) == 0) {
                if (!atomic_load(&from->has_ended)) {
                    return from;
                }
                (void)pthread_mutex_unlock(&from->lock);
            } else if (held == NULL) {
                held = from;
            }
        }
        if (held == NULL) {
            return NULL;
        }
        (void)pthread_mutex_lock(&held->lock);
        if (!atomic_load(&held->has_ended)) {
            return held;
        }
        (void)pthread_mutex_unlock(&held->lock);
    }
}

static gv_status run_piece(worker *at, source *from)
{
    if (from->input == NULL) {
        const gv_status status = open_source(at->ingest, from);
        if (status != GV_OK) {
            (void)pthread_mutex_unlock(&from->lock);
            return status;
        }
    }
    GV_TRY(at->ingest->plan.is_quoted ? run_quoted(at, from) : run_lines(at, from));
    return report_progress(at->ingest);
}

/* A gv_task: one thread, until there is nothing left to read. */
static gv_status run_worker(void *context, size_t index, size_t number)
{
    (void)number;
    ingest *in = context;
    worker *at = &in->workers[index];
    while (!atomic_load(&in->is_over)) {
        source *from = lock_source(in);
        if (from == NULL) {
            break;
        }
        const gv_status status = run_piece(at, from);
        if (status != GV_OK) {
            atomic_store(&in->is_over, true);
            return status;
        }
    }
    return GV_OK;
}

static gv_status init_worker(ingest *in, worker *at)
{
    at->ingest = in;
    at->buffer = gv_mem_alloc_vector(GV_INPUT_ROOM + GV_INPUT_PAD, 1);
    if (at->buffer == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to read pieces of %d bytes", GV_INPUT_ROOM);
    }
    GV_TRY(gv_rows_init(&at->rows, GV_INPUT_ROOM));
    return gv_decoder_create(&in->plan, &at->decoder);
}

/* A missing file is found before an hour was spent on the others. */
static gv_status check_sources(ingest *in)
{
    for (size_t i = 0; i < in->source_count; i++) {
        gv_input *input = NULL;
        struct stat about;
        if (stat(in->config->paths[i], &about) == 0 && !S_ISREG(about.st_mode) &&
            !S_ISDIR(about.st_mode)) {
            continue; /* a pipe is opened once */
        }
        GV_TRY(gv_input_open(in->config->paths[i], &input));
        gv_input_close(input);
        in->total_bytes += (uint64_t)about.st_size;
    }
    return GV_OK;
}

static gv_status init_sources(ingest *in)
{
    in->sources = gv_mem_alloc(0, in->config->path_count, sizeof *in->sources);
    in->workers = gv_mem_alloc(0, in->config->jobs, sizeof *in->workers);
    if (in->sources == NULL || in->workers == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for %zu files", in->config->path_count);
    }
    for (; in->source_count < in->config->path_count; in->source_count++) {
        const int failed = pthread_mutex_init(&in->sources[in->source_count].lock, NULL);
        assert(failed == 0);
    }
    for (size_t i = 0; i < in->config->jobs; i++) {
        GV_TRY(init_worker(in, &in->workers[i]));
    }
    return check_sources(in);
}

static void fini_ingest(ingest *in)
{
    for (size_t i = 0; i < in->source_count; i++) {
        gv_csv_destroy(in->sources[i].csv);
        gv_input_close(in->sources[i].input);
        (void)pthread_mutex_destroy(&in->sources[i].lock);
    }
    for (size_t i = 0; in->workers != NULL && i < in->config->jobs; i++) {
        gv_decoder_destroy(in->workers[i].decoder);
        gv_rows_fini(&in->workers[i].rows);
        gv_mem_free(in->workers[i].buffer);
    }
    gv_mem_free(in->sources);
    gv_mem_free(in->workers);
    gv_builder_abandon(in->builder);
    gv_mapping_destroy(in->mapping);
    (void)pthread_mutex_destroy(&in->report_lock);
}

static gv_status make_plan(ingest *in)
{
    const gv_reader_type *type = in->config->type;
    if (type->needs_mapping && in->config->mapping_path == NULL) {
        return GV_FAIL(GV_EUSAGE,
                       "format %s needs a mapping file that says what its columns are: "
                       "--mapping FILE.yaml",
                       type->info.name);
    }
    if (!type->needs_mapping && in->config->mapping_path != NULL) {
        return GV_FAIL(GV_EUSAGE, "format %s knows its columns: --mapping is for format csv",
                       type->info.name);
    }
    if (type->needs_mapping) {
        GV_TRY(gv_mapping_load(in->config->mapping_path, &in->mapping));
    }
    GV_TRY(type->methods->plan(in->mapping, &in->plan));
    in->plan.schema.format = type->info.name;
    return GV_OK;
}

static gv_status make_builder(ingest *in)
{
    const gv_builder_config config = {.path = in->config->output_path,
                                      .schema = &in->plan.schema,
                                      .memory_max = in->config->memory_max,
                                      .jobs = in->config->jobs,
                                      .input_paths = in->config->paths,
                                      .input_count = in->config->path_count,
                                      .rejects_max = in->config->rejects_max};
    GV_TRY(gv_builder_create(&config, &in->builder));
    return in->config->mapping_path == NULL
               ? GV_OK
               : gv_builder_fact(in->builder, "mapping", in->config->mapping_path);
}

static void add_times(gv_ingest_times *to, const gv_ingest_times *from)
{
    to->read_us += from->read_us;
    to->split_us += from->split_us;
    to->decode_us += from->decode_us;
    to->add_us += from->add_us;
}

static gv_status run_all(ingest *in)
{
    GV_TRY(make_plan(in));
    GV_TRY(init_sources(in));
    GV_TRY(make_builder(in));
    GV_TRY(gv_parallel_for(in->config->jobs, in->config->jobs, run_worker, in));
    if (!atomic_load(&in->has_rows)) {
        return GV_FAIL(GV_EPARSE, "%s: holds no row%s", in->config->paths[0],
                       in->config->path_count > 1 ? ", nor do the other files" : "");
    }
    for (size_t i = 0; i < in->config->jobs; i++) {
        add_times(&in->report->times, &in->workers[i].times);
    }
    int64_t since = gv_wall_us();
    gv_builder *builder = in->builder;
    in->builder = NULL; /* commit frees it */
    const gv_status status = gv_builder_commit(builder, in->progress, &in->report->counts);
    spend(&since, &in->report->times.commit_us);
    return status;
}

gv_status gv_ingest(const gv_ingest_config *config, const gv_progress *progress,
                    gv_ingest_report *report)
{
    assert(config->path_count >= 1);
    assert(config->jobs >= 1);
    const int64_t start = gv_wall_us();
    gv_ingest_report made = {0};
    ingest in = {
        .config = config, .progress = progress, .splitter = gv_splitter_pick(), .report = &made};
    const int failed = pthread_mutex_init(&in.report_lock, NULL);
    assert(failed == 0);
    const gv_status status = run_all(&in);
    fini_ingest(&in);
    made.times.total_us = gv_wall_us() - start;
    if (status == GV_OK || status == GV_EREJECTS) {
        *report = made;
    }
    return status;
}
