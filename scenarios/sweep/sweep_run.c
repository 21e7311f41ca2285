#include "scenarios/sweep/sweep_run.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "scenarios/run/run.h"
#include "scenarios/sweep/sweep_run_impl.h"
#include "sim/base/clock.h"
#include "sim/base/mem.h"
#include "sim/base/parallel.h"
#include "sim/outcome/sweep.h"

enum { PARTS = 1000, SENTENCE_SIZE = 1024 };

typedef struct all_points all_points;

/* One thread's place: how far its point is. */
typedef struct worker_place {
    all_points *all;
    gv_progress progress;
    uint64_t advance; /* of PARTS */
} worker_place;

/* What the threads share. */
struct all_points {
    const gv_sweep *sweep;
    gv_store *store;
    const gv_sweep_options *options;
    gv_sweep_result *result;
    gv_point_place *points; /* [point_count] */
    worker_place *places;   /* [jobs] */
    size_t ended;           /* points; guarded by the lock of progress */
    size_t first_failed;    /* guarded, as result, by the lock of the store */
    size_t first_clamped;   /* likewise */
    size_t first_unlearned; /* likewise */
    atomic_bool is_stopped;
    pthread_mutex_t store_lock;
    pthread_mutex_t progress_lock; /* inner: may be taken with the store's held */
};

/* Where to count points of one kind, and name the first. */
typedef struct point_note {
    size_t *count;
    size_t *first;
    char *text; /* [GV_SWEEP_POINT_SIZE] */
} point_note;

void gv_sweep_point_name(const gv_sweep *sweep, size_t point, char *text, size_t size)
{
    size_t values[GV_SWEEP_AXES_MAX];
    size_t used = 0;
    gv_sweep_setting(sweep, point / sweep->seed_count, values);
    for (size_t i = 0; i < sweep->axis_count && used < size; i++) {
        used += (size_t)snprintf(text + used, size - used, "%s=%s ", sweep->axes[i].name,
                                 sweep->axes[i].values[values[i]]);
    }
    if (used < size) {
        (void)snprintf(text + used, size - used, "seed=%" PRId64, gv_sweep_seed(sweep, point));
    }
}

/* Tells the outer progress of all points together; who finds the lock taken leaves it to others. */
static bool report(void *context, const char *what, uint64_t done, uint64_t total)
{
    (void)what;
    worker_place *place = context;
    all_points *all = place->all;
    if (atomic_load(&all->is_stopped)) {
        return false;
    }
    if (pthread_mutex_trylock(&all->progress_lock) != 0) {
        return true;
    }
    const double share = total == 0 || done > total ? 0 : (double)done / (double)total;
    place->advance = (uint64_t)(share * PARTS);
    uint64_t sum = all->ended * (uint64_t)PARTS;
    for (size_t i = 0; i < all->options->jobs; i++) {
        sum += all->places[i].advance;
    }
    const bool goes_on = gv_progress_report(all->options->progress, "sweeping", sum,
                                            all->sweep->point_count * (uint64_t)PARTS);
    if (!goes_on) {
        atomic_store(&all->is_stopped, true);
    }
    (void)pthread_mutex_unlock(&all->progress_lock);
    return goes_on;
}

static void count_ended(worker_place *place)
{
    all_points *all = place->all;
    (void)pthread_mutex_lock(&all->progress_lock);
    all->ended++;
    place->advance = 0;
    (void)pthread_mutex_unlock(&all->progress_lock);
}

static gv_status end_point(all_points *all, size_t point, const char *error)
{
    const gv_point_state state = error == NULL ? GV_POINT_DONE : GV_POINT_FAILED;
    (void)pthread_mutex_lock(&all->store_lock);
    const gv_status status =
        gv_store_end_point(all->store, all->result->sweep_id, point, state, error);
    if (status == GV_OK) {
        all->points[point].state = state;
        if (error != NULL && point < all->first_failed) {
            char name[256];
            gv_sweep_point_name(all->sweep, point, name, sizeof name);
            all->first_failed = point;
            (void)snprintf(all->result->sentence, sizeof all->result->sentence, "%s: %s", name,
                           error);
        }
    }
    (void)pthread_mutex_unlock(&all->store_lock);
    return status;
}

/* One more point where something is to be told of a policy, whose name dies with its run. */
static void note_point(const gv_sweep *sweep, size_t point, const char *policy,
                       const point_note *note)
{
    char name[256];
    (*note->count)++;
    if (point < *note->first) {
        gv_sweep_point_name(sweep, point, name, sizeof name);
        *note->first = point;
        (void)snprintf(note->text, GV_SWEEP_POINT_SIZE, "%s: %.60s", name, policy);
    }
}

static void take_notes(all_points *all, size_t point, const gv_composition *composition,
                       const gv_period_notes *notes)
{
    gv_sweep_result *result = all->result;
    const point_note clamped = {&result->clamped, &all->first_clamped, result->clamped_point};
    const point_note unlearned = {&result->unlearned, &all->first_unlearned,
                                  result->unlearned_point};
    (void)pthread_mutex_lock(&all->store_lock);
    result->unsold += notes->is_unsold ? 1 : 0;
    if (notes->policy != NULL) {
        note_point(all->sweep, point, notes->policy, &clamped);
    }
    if (composition->unlearned_count > 0) {
        note_point(all->sweep, point, composition->unlearned[0].policy, &unlearned);
    }
    (void)pthread_mutex_unlock(&all->store_lock);
}

/* The command that would run this point alone: what its run says it came from. */
static const char *write_command(const gv_sweep *sweep, gv_sweep_part *part)
{
    const char *text = gv_region_print(&part->region, "gavel run %s", sweep->scenario_path);
    for (size_t i = 0; text != NULL && i < part->set_count; i++) {
        const bool has_blank = strpbrk(part->sets[i], " \t'\"") != NULL;
        text = gv_region_print(&part->region, has_blank ? "%s --set '%s'" : "%s --set %s", text,
                               part->sets[i]);
    }
    return text;
}

/* Through to the end of its run; GV_OK with *error set: the point failed, and why. */
static gv_status run_composed(all_points *all, size_t point, worker_place *place,
                              gv_sweep_part *part, char error[SENTENCE_SIZE])
{
    const char *command = write_command(all->sweep, part);
    if (command == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a point of a sweep");
    }
    const gv_run_options options = {.jobs = 1,
                                    .reference = all->options->reference,
                                    .resume = false,
                                    .arguments = command,
                                    .progress = &place->progress,
                                    .run_id = all->points[point].run_id,
                                    .store_lock = &all->store_lock};
    gv_run_result result;
    GV_TRY(gv_run_cells(part->composition, all->store, &options, &result));
    take_notes(all, point, part->composition, &result.notes);
    if (result.failed > 0) {
        (void)snprintf(error, SENTENCE_SIZE, "%zu of %zu cells failed; the first: %s",
                       result.failed, part->composition->cell_count, result.sentence);
    }
    return GV_OK;
}

static gv_status compose_and_run(all_points *all, size_t point, worker_place *place,
                                 char error[SENTENCE_SIZE])
{
    gv_sweep_part part = {.set_count = 0};
    gv_status status = gv_sweep_part_list(all->sweep, point, &part);
    if (status == GV_OK) {
        status = gv_sweep_part_compose(all->sweep, &place->progress, &part);
    }
    if (status == GV_OK) {
        status = run_composed(all, point, place, &part, error);
    }
    if (status != GV_OK && status != GV_ENOMEM && status != GV_ESTOPPED) {
        (void)snprintf(error, SENTENCE_SIZE, "%s", gv_status_detail());
        status = GV_OK;
    }
    gv_sweep_part_fini(&part);
    return status;
}

/*
 * A failure is the point's own affair, and is stored; where the store itself is what failed,
 * storing that fails too and ends the sweep.
 */
static gv_status run_point(void *context, size_t point, size_t worker)
{
    all_points *all = context;
    worker_place *place = &all->places[worker];
    char error[SENTENCE_SIZE] = "";
    if (all->points[point].state == GV_POINT_DONE) {
        return GV_OK;
    }
    if (!report(place, "", 0, 1)) {
        return GV_FAIL(GV_ESTOPPED, "stopped before all points were run");
    }
    GV_TRY(compose_and_run(all, point, place, error));
    GV_TRY(end_point(all, point, error[0] == '\0' ? NULL : error));
    count_ended(place);
    return GV_OK;
}

/* What the store asks for, one point after another. */
typedef struct point_lister {
    const gv_sweep *sweep;
    const char *values[GV_SWEEP_AXES_MAX];
} point_lister;

static void list_point(void *context, size_t number, gv_point_record *record)
{
    point_lister *lister = context;
    const gv_sweep *sweep = lister->sweep;
    size_t values[GV_SWEEP_AXES_MAX];
    gv_sweep_setting(sweep, number / sweep->seed_count, values);
    for (size_t i = 0; i < sweep->axis_count; i++) {
        lister->values[i] = sweep->axes[i].values[values[i]];
    }
    record->seed = (uint64_t)gv_sweep_seed(sweep, number);
    record->values = lister->values;
}

static gv_status refuse_changed(const gv_sweep *sweep, const gv_sweep_found *found)
{
    return GV_FAIL(GV_EUSAGE,
                   "%s has changed since sweep %" PRId64 " (%s) began: --force goes on and keeps "
                   "the points that are done; without --resume a new sweep begins",
                   found->has_same_text ? "the scenario or an input" : sweep->path, found->id,
                   sweep->name);
}

/* A sweep of this name that is there already: to go on with, or to mention. */
static gv_status take_up(all_points *all, const gv_sweep_record *record,
                         const gv_sweep_found *found)
{
    gv_sweep_result *result = all->result;
    const bool is_whole = found->done_count == found->point_count;
    if (!all->options->resume) {
        result->unfinished_id = is_whole || found->hash != record->hash ? 0 : found->id;
        return gv_store_begin_sweep(all->store, record, &result->sweep_id);
    }
    result->is_changed = found->hash != record->hash;
    if (result->is_changed && !all->options->force) {
        return refuse_changed(all->sweep, found);
    }
    result->is_resumed = true;
    result->sweep_id = found->id;
    return result->is_changed ? gv_store_change_sweep(all->store, found->id, record) : GV_OK;
}

static gv_status begin(all_points *all)
{
    const gv_sweep *sweep = all->sweep;
    const char *axes[GV_SWEEP_AXES_MAX];
    point_lister lister = {.sweep = sweep};
    gv_sweep_record record = {.name = sweep->name,
                              .text = sweep->text,
                              .scenario_path = sweep->scenario_path,
                              .axes = axes,
                              .axis_count = sweep->axis_count,
                              .point_count = sweep->point_count,
                              .point = list_point,
                              .context = &lister};
    for (size_t i = 0; i < sweep->axis_count; i++) {
        axes[i] = sweep->axes[i].name;
    }
    GV_TRY(gv_sweep_identify(sweep, all->options->progress, &record.hash));
    gv_sweep_found found;
    const gv_status status = gv_store_find_sweep(all->store, sweep->name, sweep->text, &found);
    if (status == GV_ENOTFOUND) {
        GV_TRY(gv_store_begin_sweep(all->store, &record, &all->result->sweep_id));
    } else {
        GV_TRY(status);
        GV_TRY(take_up(all, &record, &found));
    }
    return gv_store_sweep_points(all->store, all->result->sweep_id, all->points,
                                 sweep->point_count);
}

static void count_states(const all_points *all)
{
    for (size_t i = 0; i < all->sweep->point_count; i++) {
        switch (all->points[i].state) {
        case GV_POINT_LEFT:
            all->result->left++;
            break;
        case GV_POINT_DONE:
            all->result->done++;
            break;
        case GV_POINT_FAILED:
            all->result->failed++;
            break;
        }
    }
}

/* The sweep's row gets its wall time in any case; the first failure is the one that is told. */
static gv_status run_all(all_points *all)
{
    const size_t count = all->sweep->point_count;
    for (size_t i = 0; i < all->options->jobs; i++) {
        worker_place *place = &all->places[i];
        *place = (worker_place){.all = all, .progress = {.report = report, .context = place}};
    }
    const int64_t start_us = gv_wall_us();
    GV_TRY(begin(all));
    for (size_t i = 0; i < count; i++) {
        all->ended += all->points[i].state == GV_POINT_DONE ? 1 : 0;
        /* What failed before is tried anew. */
        all->points[i].state =
            all->points[i].state == GV_POINT_DONE ? GV_POINT_DONE : GV_POINT_LEFT;
    }
    const gv_status status = gv_parallel_for(all->options->jobs, count, run_point, all);
    char sentence[SENTENCE_SIZE];
    (void)snprintf(sentence, sizeof sentence, "%s", gv_status_detail());
    count_states(all);
    const gv_status ended =
        gv_store_end_sweep(all->store, all->result->sweep_id, gv_wall_us() - start_us);
    return status == GV_OK ? ended : GV_FAIL(status, "%s", sentence);
}

gv_status gv_sweep_run(const gv_sweep *sweep, gv_store *store, const gv_sweep_options *options,
                       gv_sweep_result *result)
{
    *result = (gv_sweep_result){.sweep_id = 0};
    all_points all = {.sweep = sweep,
                      .store = store,
                      .options = options,
                      .result = result,
                      .first_failed = SIZE_MAX,
                      .first_clamped = SIZE_MAX,
                      .first_unlearned = SIZE_MAX,
                      .store_lock = PTHREAD_MUTEX_INITIALIZER,
                      .progress_lock = PTHREAD_MUTEX_INITIALIZER};
    atomic_init(&all.is_stopped, false);
    all.points = gv_mem_alloc(0, sweep->point_count, sizeof *all.points);
    all.places = gv_mem_alloc(0, options->jobs, sizeof *all.places);
    const gv_status status =
        all.points == NULL || all.places == NULL
            ? GV_FAIL(GV_ENOMEM, "no memory for %zu points", sweep->point_count)
            : run_all(&all);
    gv_mem_free(all.points);
    gv_mem_free(all.places);
    return status;
}
