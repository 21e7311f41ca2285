#include "sim/log/builder.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sim/base/mem.h"
#include "sim/log/builder_impl.h"

/* Rows that a machine holds before they are spilled, unless the caller says. */
static size_t default_memory(void)
{
    const long pages = sysconf(_SC_PHYS_PAGES);
    const long page_size = sysconf(_SC_PAGESIZE);
    const size_t floor = (size_t)256 << 20;
    const size_t quarter = pages > 0 && page_size > 0 ? (size_t)pages / 4 * (size_t)page_size : 0;
    return quarter > floor ? quarter : floor;
}

static size_t find_field(const gv_log_schema *schema, gv_log_role role)
{
    for (size_t i = 0; i < schema->field_count; i++) {
        if (strcmp(schema->fields[i].name, gv_log_role_name(role)) == 0 &&
            schema->fields[i].kind == gv_log_role_kind(role)) {
            return i;
        }
    }
    return SIZE_MAX;
}

static void prepare_work(gv_work *work, const gv_builder_config *config, const char *path)
{
    work->path = path;
    work->schema = config->schema;
    work->input_paths = config->input_paths;
    work->input_count = config->input_count;
    work->time_field = find_field(config->schema, GV_ROLE_TIME);
    for (size_t table = 0; table < GV_LOG_TABLE_COUNT; table++) {
        work->count_fields[table] = SIZE_MAX;
    }
    work->count_fields[GV_LOG_CLICK] = find_field(config->schema, GV_ROLE_CLICKS);
    work->count_fields[GV_LOG_CONVERSION] = find_field(config->schema, GV_ROLE_CONVERSIONS);
}

gv_status gv_builder_create(const gv_builder_config *config, gv_builder **out)
{
    assert(config->rejects_max >= 0 && config->rejects_max <= 1);
    assert(config->schema->field_count <= GV_CHUNK_COLUMNS_MAX);
    gv_builder *builder = NULL;
    builder = gv_mem_alloc(sizeof *builder, config->input_count, sizeof builder->inputs[0]);
    char *path = builder == NULL ? NULL : gv_mem_copy_text(config->path);
    if (path == NULL) {
        gv_mem_free(builder);
        return GV_FAIL(GV_ENOMEM, "%s: no memory to build it", config->path);
    }
    builder->path = path;
    builder->memory_max = config->memory_max > 0 ? config->memory_max : default_memory();
    builder->jobs = config->jobs > 0 ? config->jobs : 1;
    builder->rejects_max = config->rejects_max;
    prepare_work(&builder->work, config, path);
    const int error = pthread_mutex_init(&builder->lock, NULL);
    assert(error == 0);
    *out = builder;
    return GV_OK;
}

void gv_builder_abandon(gv_builder *builder)
{
    if (builder == NULL) {
        return;
    }
    for (size_t i = 0; i < builder->worker_count; i++) {
        gv_worker_destroy(builder->workers[i]);
    }
    for (size_t i = 0; i < builder->fact_count; i++) {
        gv_mem_free(builder->facts[i].name);
        gv_mem_free(builder->facts[i].value);
    }
    (void)pthread_mutex_destroy(&builder->lock);
    gv_mem_free(builder->path);
    gv_mem_free(builder);
}

static gv_status add_worker(gv_builder *builder, gv_worker **worker)
{
    if (builder->worker_count == GV_BUILDER_WORKERS_MAX) {
        return GV_FAIL(GV_EINVAL, "more than %d threads build one log", GV_BUILDER_WORKERS_MAX);
    }
    GV_TRY(gv_worker_create(&builder->work, (uint32_t)builder->worker_count, worker));
    builder->workers[builder->worker_count++] = *worker;
    return GV_OK;
}

/* An idle worker, or a new one: there come to be as many as threads ever added at once. */
static gv_status borrow_worker(gv_builder *builder, gv_worker **worker)
{
    gv_status status = GV_OK;
    (void)pthread_mutex_lock(&builder->lock);
    if (builder->idle != NULL) {
        *worker = builder->idle;
        builder->idle = (*worker)->next;
    } else {
        status = add_worker(builder, worker);
    }
    (void)pthread_mutex_unlock(&builder->lock);
    return status;
}

static void return_worker(gv_builder *builder, gv_worker *worker)
{
    (void)pthread_mutex_lock(&builder->lock);
    worker->next = builder->idle;
    builder->idle = worker;
    (void)pthread_mutex_unlock(&builder->lock);
}

/* Beyond the limit a worker spills its own rows, but not a handful while another holds them all. */
static gv_status add_and_spill(gv_builder *builder, gv_worker *worker, const gv_chunk *chunk)
{
    assert(worker != NULL);
    const size_t before = worker->arena.used;
    GV_TRY(gv_worker_add(worker, chunk));
    const size_t added = worker->arena.used - before;
    const size_t held = atomic_fetch_add(&builder->held, added) + added;
    const size_t share = builder->memory_max / 2 / GV_BUILDER_WORKERS_MAX;
    if (held <= builder->memory_max || worker->arena.used < share) {
        return GV_OK;
    }
    const size_t own = worker->arena.used;
    GV_TRY(gv_worker_spill(worker));
    (void)atomic_fetch_sub(&builder->held, own);
    return GV_OK;
}

gv_status gv_builder_add(gv_builder *builder, const gv_chunk *chunk)
{
    gv_worker *worker = NULL;
    GV_TRY(borrow_worker(builder, &worker));
    const gv_status status = add_and_spill(builder, worker, chunk);
    return_worker(builder, worker);
    return status;
}

gv_status gv_builder_input(gv_builder *builder, uint32_t file, uint64_t size, uint64_t hash)
{
    assert(file < builder->work.input_count);
    (void)pthread_mutex_lock(&builder->lock);
    builder->inputs[file] = (gv_builder_input_facts){true, size, hash};
    (void)pthread_mutex_unlock(&builder->lock);
    return GV_OK;
}

gv_status gv_builder_fact(gv_builder *builder, const char *name, const char *value)
{
    gv_builder_fact_row row = {gv_mem_copy_text(name), gv_mem_copy_text(value)};
    if (row.name == NULL || row.value == NULL) {
        gv_mem_free(row.name);
        gv_mem_free(row.value);
        return GV_FAIL(GV_ENOMEM, "no memory for fact '%s'", name);
    }
    (void)pthread_mutex_lock(&builder->lock);
    assert(builder->fact_count < GV_BUILDER_FACTS_MAX);
    builder->facts[builder->fact_count++] = row;
    (void)pthread_mutex_unlock(&builder->lock);
    return GV_OK;
}

/* Of the first rejects of all workers the one with the lowest file and line. */
static const gv_first_reject *first_reject(const gv_builder *builder)
{
    const gv_first_reject *first = NULL;
    for (size_t i = 0; i < builder->worker_count; i++) {
        const gv_first_reject *own = &builder->workers[i]->first_reject;
        if (own->line != 0 && (first == NULL || own->file < first->file ||
                               (own->file == first->file && own->line < first->line))) {
            first = own;
        }
    }
    return first;
}

static gv_status check_rejects(const gv_builder *builder, const gv_builder_counts *counts)
{
    const uint64_t rejects = counts->rows[GV_LOG_REJECT];
    if ((double)rejects <= builder->rejects_max * (double)counts->lines) {
        return GV_OK;
    }
    const gv_first_reject *first = first_reject(builder);
    assert(first != NULL);
    char place[64] = "";
    if (first->column > 0) {
        (void)snprintf(place, sizeof place, "column %" PRIu32 ": ", first->column);
    }
    return GV_FAIL(GV_EREJECTS,
                   "%" PRIu64 " of %" PRIu64 " rows could not be read, more than the %g %% allowed,"
                   " so no log was written; the first: %s:%" PRIu64 ": %s%s",
                   rejects, counts->lines, 100 * builder->rejects_max,
                   builder->work.input_paths[first->file], first->line, place, first->reason);
}

static void count_input(const gv_builder *builder, gv_builder_counts *counts)
{
    for (size_t i = 0; i < builder->worker_count; i++) {
        const gv_piece_list *rejects = &builder->workers[i]->lists[GV_LOG_REJECT];
        counts->lines += builder->workers[i]->lines;
        for (size_t k = 0; k < rejects->count; k++) {
            counts->rows[GV_LOG_REJECT] += rejects->pieces[k]->rows;
        }
    }
    for (size_t i = 0; i < builder->work.input_count; i++) {
        counts->input_bytes += builder->inputs[i].size;
    }
}

gv_status gv_builder_commit(gv_builder *builder, const gv_progress *progress,
                            gv_builder_counts *counts)
{
    gv_worker *worker = NULL;
    gv_status status = GV_OK;
    *counts = (gv_builder_counts){.lines = 0};
    if (builder->worker_count == 0) { /* an empty log has its dictionaries as well */
        GV_TRY_GOTO(status, add_worker(builder, &worker), end);
    }
    count_input(builder, counts);
    GV_TRY_GOTO(status, check_rejects(builder, counts), end);
    GV_TRY_GOTO(status, gv_builder_write(builder, progress, counts), end);
end:
    gv_builder_abandon(builder);
    return status;
}
