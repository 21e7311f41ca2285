#include "scenarios/run/run.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "scenarios/run/begin.h"
#include "scenarios/run/cell.h"
#include "scenarios/run/period.h"
#include "sim/base/clock.h"
#include "sim/base/mem.h"
#include "sim/base/parallel.h"

enum { PARTS = 1000 };

typedef enum cell_state { CELL_LEFT, CELL_DONE, CELL_FAILED } cell_state;

typedef struct all_cells all_cells;

/* One thread's place: its history cache, and how far its unit is. */
typedef struct worker_place {
    all_cells *all;
    gv_cell_worker worker;
    gv_progress progress;
    size_t unit;
} worker_place;

/* What the threads share. The lock guards store, progress and result. */
struct all_cells {
    const gv_composition *composition;
    gv_store *store;
    const gv_run_options *options;
    gv_run_result *result;
    worker_place *places; /* [jobs] */
    cell_state *states;   /* [unit_count] */
    uint64_t *advance;    /* [unit_count]: rows replayed */
    size_t first_failed;
    size_t first_noted;
    atomic_bool is_stopped;
    pthread_mutex_t own_lock;
    pthread_mutex_t *lock; /* that one, or one that several runs share */
};

static uint64_t rows_of(const all_cells *all, size_t unit)
{
    return gv_unit_rows(all->composition, unit);
}

/* Tells the outer progress of all cells together; who finds the lock taken leaves it to others. */
static bool report(void *context, const char *what, uint64_t done, uint64_t total)
{
    (void)what;
    const worker_place *place = context;
    all_cells *all = place->all;
    if (atomic_load(&all->is_stopped)) {
        return false;
    }
    if (pthread_mutex_trylock(all->lock) != 0) {
        return true;
    }
    const double share = total == 0 || done > total ? 0 : (double)done / (double)total;
    const uint64_t rows = (uint64_t)(share * (double)rows_of(all, place->unit));
    if (rows > all->advance[place->unit]) {
        all->advance[place->unit] = rows;
    }
    uint64_t sum = 0;
    uint64_t whole = 0;
    for (size_t i = 0; i < all->composition->unit_count; i++) {
        sum += all->advance[i];
        whole += rows_of(all, i);
    }
    const char *doing = all->composition->market == NULL ? "replaying" : "selling";
    const bool goes_on = gv_progress_report(all->options->progress, doing, sum, whole);
    if (!goes_on) {
        atomic_store(&all->is_stopped, true);
    }
    (void)pthread_mutex_unlock(all->lock);
    return goes_on;
}

/* A finished unit, on its own thread. */
static gv_status store_cells(void *context, const gv_cell_record *records, size_t count)
{
    all_cells *all = context;
    (void)pthread_mutex_lock(all->lock);
    const gv_status status = gv_store_write_cells(all->store, all->result->run_id, records, count);
    if (status == GV_OK) {
        const size_t unit = records[0].cell / all->composition->unit_cells;
        all->states[unit] = CELL_DONE;
        all->advance[unit] = rows_of(all, unit);
        for (size_t i = 0; i < count; i++) {
            all->result->event_count += records[i].event_count;
        }
    }
    (void)pthread_mutex_unlock(all->lock);
    return status;
}

static void note_failure(all_cells *all, size_t number)
{
    char name[160];
    gv_unit_name(all->composition, number, name, sizeof name);
    (void)pthread_mutex_lock(all->lock);
    all->states[number] = CELL_FAILED;
    if (number < all->first_failed) {
        all->first_failed = number;
        (void)snprintf(all->result->sentence, sizeof all->result->sentence, "%s: %s", name,
                       gv_status_detail());
    }
    (void)pthread_mutex_unlock(all->lock);
}

/* A cell in mid-run, into the store. */
static gv_status keep(all_cells *all, size_t number, const gv_writer *writer)
{
    if (writer->size == 0) {
        return GV_OK;
    }
    (void)pthread_mutex_lock(all->lock);
    const gv_status status = gv_store_save_checkpoint(all->store, all->result->run_id, number,
                                                      writer->bytes, writer->size);
    (void)pthread_mutex_unlock(all->lock);
    return status;
}

/* A cell that is logged begins anew: its log is whole. */
static gv_status load_saved(all_cells *all, size_t number, void **bytes, size_t *size)
{
    if (!all->result->is_resumed || all->options->log_folder != NULL) {
        return GV_OK;
    }
    (void)pthread_mutex_lock(all->lock);
    const gv_status status =
        gv_store_load_checkpoint(all->store, all->result->run_id, number, bytes, size);
    (void)pthread_mutex_unlock(all->lock);
    return status == GV_ENOTFOUND ? GV_OK : status;
}

/* Whether a failure is the cell's own affair, or one that ends the run. */
static bool ends_run(const all_cells *all, size_t number, gv_status status)
{
    return status == GV_ENOMEM || status == GV_EIO || status == GV_ECORRUPT ||
           all->states[number] == CELL_DONE;
}

/* The policy that is named is that of the earliest period. */
static void add_notes(all_cells *all, size_t unit, const gv_period_notes *notes)
{
    gv_period_notes *sum = &all->result->notes;
    (void)pthread_mutex_lock(all->lock);
    sum->clamped.above += notes->clamped.above;
    sum->clamped.negative += notes->clamped.negative;
    sum->clamped.not_numbers += notes->clamped.not_numbers;
    sum->is_unsold = sum->is_unsold || notes->is_unsold;
    if (notes->policy != NULL && (sum->policy == NULL || unit < all->first_noted)) {
        sum->policy = notes->policy;
        all->first_noted = unit;
    }
    (void)pthread_mutex_unlock(all->lock);
}

/* A period of a market: short, so it is never saved half-way. */
static gv_status run_period(all_cells *all, worker_place *place)
{
    gv_period_notes notes = {.policy = NULL};
    const gv_period_job job = {.market = all->composition->market,
                               .index = place->unit,
                               .reference = all->options->reference,
                               .log_folder = all->options->log_folder,
                               .progress = &place->progress,
                               .notes = &notes,
                               .finish = store_cells,
                               .context = all};
    GV_TRY(gv_period_run(&job));
    add_notes(all, place->unit, &notes);
    return GV_OK;
}

/* A cell of a replay, from where it was interrupted. */
static gv_status run_cell(all_cells *all, worker_place *place)
{
    void *saved = NULL;
    size_t saved_size = 0;
    gv_writer writer = {.bytes = NULL};
    GV_TRY(load_saved(all, place->unit, &saved, &saved_size));
    const gv_cell_job job = {.cell = &all->composition->cells[place->unit],
                             .reference = all->options->reference,
                             .log_folder = all->options->log_folder,
                             .progress = &place->progress,
                             .saved = saved,
                             .saved_size = saved_size,
                             .finish = store_cells,
                             .context = all};
    gv_status status = gv_cell_run(&place->worker, &job, &writer);
    if (status == GV_ESTOPPED) {
        const gv_status kept = keep(all, place->unit, &writer);
        status = kept == GV_OK ? GV_FAIL(GV_ESTOPPED, "stopped while running") : kept;
    }
    gv_writer_fini(&writer);
    gv_mem_free(saved);
    return status;
}

static gv_status run_unit(void *context, size_t number, size_t worker)
{
    all_cells *all = context;
    worker_place *place = &all->places[worker];
    if (all->states[number] == CELL_DONE) {
        return GV_OK;
    }
    place->unit = number;
    if (!report(place, "", 0, 1)) {
        return GV_FAIL(GV_ESTOPPED, "stopped before all cells were run");
    }
    const gv_status status =
        all->composition->market == NULL ? run_cell(all, place) : run_period(all, place);
    if (status != GV_OK && status != GV_ESTOPPED && !ends_run(all, number, status)) {
        note_failure(all, number);
        return GV_OK;
    }
    return status;
}

/* Which of a run's cells an earlier process finished. */
static gv_status read_done(all_cells *all)
{
    const size_t count = all->composition->cell_count;
    bool *done = gv_mem_alloc(0, count, sizeof *done);
    if (done == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for %zu cells", count);
    }
    const gv_status status = gv_store_cells_done(all->store, all->result->run_id, done, count);
    for (size_t i = 0; i < all->composition->unit_count && status == GV_OK; i++) {
        const bool is_done = done[i * all->composition->unit_cells];
        all->states[i] = is_done ? CELL_DONE : CELL_LEFT;
        all->advance[i] = is_done ? rows_of(all, i) : 0;
    }
    gv_mem_free(done);
    return status;
}

/* A run whose number a sweep has reserved. */
static gv_status begin_reserved(all_cells *all)
{
    gv_run_result *result = all->result;
    uint64_t hash = 0;
    const gv_status found = gv_store_run_hash(all->store, all->options->run_id, &hash);
    if (found == GV_ENOTFOUND) {
        return gv_run_begin(all->composition, all->store, all->options, &result->run_id);
    }
    GV_TRY(found);
    if (hash != all->composition->hash) {
        return GV_FAIL(GV_EINVAL, "run %" PRId64 " was begun with another scenario or other inputs",
                       all->options->run_id);
    }
    result->run_id = all->options->run_id;
    result->is_resumed = true;
    return read_done(all);
}

static gv_status begin_or_resume(all_cells *all)
{
    gv_run_result *result = all->result;
    int64_t unfinished_id = 0;
    if (all->options->run_id != 0) {
        return begin_reserved(all);
    }
    const gv_status found =
        gv_store_find_unfinished(all->store, all->composition->hash, &unfinished_id);
    if (found != GV_OK && found != GV_ENOTFOUND) {
        return found;
    }
    result->is_resumed = found == GV_OK && all->options->resume;
    if (!result->is_resumed) {
        result->unfinished_id = found == GV_OK ? unfinished_id : 0;
        return gv_run_begin(all->composition, all->store, all->options, &result->run_id);
    }
    result->run_id = unfinished_id;
    return read_done(all);
}

static void count_states(const all_cells *all)
{
    const size_t cells = all->composition->unit_cells;
    for (size_t i = 0; i < all->composition->unit_count; i++) {
        switch (all->states[i]) {
        case CELL_LEFT:
            all->result->left += cells;
            break;
        case CELL_DONE:
            all->result->done += cells;
            break;
        case CELL_FAILED:
            all->result->failed += cells;
            break;
        }
    }
}

/* The run's row gets its end even when cells failed; the first failure is the one that is told. */
static gv_status end_run(const all_cells *all, gv_status status)
{
    char sentence[1024];
    (void)snprintf(sentence, sizeof sentence, "%s", gv_status_detail());
    const bool is_whole = status == GV_OK && all->result->failed == 0;
    const gv_run_state state = status == GV_ESTOPPED ? GV_RUN_STOPPED
                               : is_whole            ? GV_RUN_DONE
                                                     : GV_RUN_FAILED;
    (void)pthread_mutex_lock(all->lock);
    const gv_status ended =
        gv_store_end_run(all->store, all->result->run_id, state, all->result->wall_us);
    (void)pthread_mutex_unlock(all->lock);
    if (status == GV_OK) {
        return ended;
    }
    return GV_FAIL(status, "%s", sentence);
}

static gv_status run_all(all_cells *all)
{
    const size_t jobs = all->options->jobs;
    for (size_t i = 0; i < jobs; i++) {
        worker_place *place = &all->places[i];
        place->all = all;
        place->progress = (gv_progress){.report = report, .context = place};
        if (all->composition->market == NULL) {
            GV_TRY(gv_cell_worker_init(&place->worker, all->composition));
        }
    }
    const int64_t start_us = gv_wall_us();
    (void)pthread_mutex_lock(all->lock);
    const gv_status begun = begin_or_resume(all);
    (void)pthread_mutex_unlock(all->lock);
    GV_TRY(begun);
    const gv_status status = gv_parallel_for(jobs, all->composition->unit_count, run_unit, all);
    all->result->wall_us = gv_wall_us() - start_us;
    count_states(all);
    return end_run(all, status);
}

gv_status gv_run_cells(const gv_composition *composition, gv_store *store,
                       const gv_run_options *options, gv_run_result *result)
{
    *result = (gv_run_result){.run_id = 0};
    all_cells all = {.composition = composition,
                     .store = store,
                     .options = options,
                     .result = result,
                     .first_failed = SIZE_MAX,
                     .own_lock = PTHREAD_MUTEX_INITIALIZER};
    all.lock = options->store_lock == NULL ? &all.own_lock : options->store_lock;
    atomic_init(&all.is_stopped, false);
    all.places = gv_mem_alloc(0, options->jobs, sizeof *all.places);
    all.states = gv_mem_alloc(0, composition->unit_count, sizeof *all.states);
    all.advance = gv_mem_alloc(0, composition->unit_count, sizeof *all.advance);
    gv_status status = GV_OK;
    if (all.places == NULL || all.states == NULL || all.advance == NULL) {
        status = GV_FAIL(GV_ENOMEM, "no memory for %zu cells", composition->cell_count);
    } else {
        status = run_all(&all);
    }
    for (size_t i = 0; all.places != NULL && i < options->jobs; i++) {
        gv_cell_worker_fini(&all.places[i].worker);
    }
    gv_mem_free(all.places);
    gv_mem_free(all.states);
    gv_mem_free(all.advance);
    return status;
}
