/* Trajectory sets: files mapped, every number checked once, episodes in the order of the files. */
#include "policies/learn/dataset.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/hash.h"
#include "sim/base/mem.h"
#include "sim/base/random.h"
#include "sim/base/safetensors.h"
#include "sim/market/landscape.h"

/* No count, value or cost of a tick is beyond it. */
#define AMOUNT_MOST 1e12

struct gv_dataset {
    gv_safetensors **files; /* [file_count]; NULL in a part, which borrows */
    size_t file_count;
    size_t tick_count;
    gv_episode *episodes; /* [count] */
    uint64_t *first;      /* [count + 1]: places before each episode */
    size_t count;
    size_t capacity;
    gv_imprints imprints;
};

/* The tensors of one file. */
typedef struct file_view {
    const char *path;
    size_t count;
    size_t tick_count;
    const double *state;
    const double *action;
    const double *reward;
    const double *reward_continuous;
    const double *oracle;  /* NULL, both: the file has none */
    const uint8_t *expert; /* [count] */
    const int64_t *length;
    const int64_t *period;
    const int64_t *advertiser;
    const int64_t *category;
    const double *budget;
    const double *cpa;
    const double *spend;
    const double *conversions;
    const double *score;
    gv_episode_landscape landscape; /* of the first episode */
} file_view;

static gv_status no_memory(size_t count)
{
    return GV_FAIL(GV_ENOMEM, "no memory for %zu trajectories", count);
}

static gv_status view_reals(const gv_safetensors *file, const char *name, size_t rank,
                            const uint64_t *shape, const double **out)
{
    const gv_tensor *tensor = NULL;
    GV_TRY(gv_safetensors_expect(file, name, GV_TENSOR_F64, rank, shape, &tensor));
    *out = tensor->data;
    return GV_OK;
}

static gv_status view_integers(const gv_safetensors *file, const char *name, const uint64_t *shape,
                               const int64_t **out)
{
    const gv_tensor *tensor = NULL;
    GV_TRY(gv_safetensors_expect(file, name, GV_TENSOR_I64, 1, shape, &tensor));
    *out = tensor->data;
    return GV_OK;
}

/* Both or neither: an expert without answers would be imitated by nobody. */
static gv_status view_expert(const gv_safetensors *file, file_view *view)
{
    const uint64_t shape[] = {view->count, view->tick_count};
    const gv_tensor *expert = NULL;
    if (gv_safetensors_find(file, "oracle") == NULL &&
        gv_safetensors_find(file, "expert") == NULL) {
        return GV_OK;
    }
    GV_TRY(view_reals(file, "oracle", 2, shape, &view->oracle));
    GV_TRY(gv_safetensors_expect(file, "expert", GV_TENSOR_U8, 1, shape, &expert));
    view->expert = expert->data;
    return GV_OK;
}

static gv_status view_tensors(const gv_safetensors *file, file_view *view)
{
    const uint64_t any[] = {0, 0, GV_STATE_SIZE};
    const gv_tensor *state = NULL;
    GV_TRY(gv_safetensors_expect(file, "state", GV_TENSOR_F64, 3, any, &state));
    view->count = (size_t)state->shape[0];
    view->tick_count = (size_t)state->shape[1];
    view->state = state->data;
    if (view->count == 0 || view->tick_count == 0) {
        return GV_OK;
    }
    const uint64_t shape[] = {view->count, view->tick_count};
    GV_TRY(view_reals(file, "action", 2, shape, &view->action));
    GV_TRY(view_reals(file, "reward", 2, shape, &view->reward));
    GV_TRY(view_reals(file, "reward_continuous", 2, shape, &view->reward_continuous));
    GV_TRY(view_integers(file, "length", shape, &view->length));
    GV_TRY(view_integers(file, "period", shape, &view->period));
    GV_TRY(view_integers(file, "advertiser", shape, &view->advertiser));
    GV_TRY(view_integers(file, "category", shape, &view->category));
    GV_TRY(view_reals(file, "budget", 1, shape, &view->budget));
    GV_TRY(view_reals(file, "cpa", 1, shape, &view->cpa));
    GV_TRY(view_reals(file, "spend", 1, shape, &view->spend));
    GV_TRY(view_reals(file, "conversions", 1, shape, &view->conversions));
    GV_TRY(view_expert(file, view));
    return view_reals(file, "score", 1, shape, &view->score);
}

static gv_status view_floats(const gv_safetensors *file, const char *name, size_t rank,
                             const uint64_t *shape, const float **out)
{
    const gv_tensor *tensor = NULL;
    GV_TRY(gv_safetensors_expect(file, name, GV_TENSOR_F32, rank, shape, &tensor));
    *out = tensor->data;
    return GV_OK;
}

/* A file has all of a landscape or nothing. */
static gv_status view_landscape(const gv_safetensors *file, file_view *view)
{
    const char *grid = gv_safetensors_note(file, "landscape");
    const uint64_t curves[] = {view->count, view->tick_count, GV_LANDSCAPE_SIZE};
    if (grid == NULL) {
        return GV_OK;
    }
    if (strcmp(grid, GV_LANDSCAPE_GRID) != 0) {
        return GV_FAIL(GV_EINVAL, "%s: its landscapes are on the grid \"%.80s\", expected \"%s\"",
                       view->path, grid, GV_LANDSCAPE_GRID);
    }
    gv_episode_landscape *to = &view->landscape;
    GV_TRY(view_floats(file, "landscape_cost", 3, curves, &to->cost));
    GV_TRY(view_floats(file, "landscape_value", 3, curves, &to->value));
    GV_TRY(view_floats(file, "landscape_true", 2, curves, &to->truth));
    GV_TRY(view_reals(file, "tick_auctions", 2, curves, &to->auctions));
    GV_TRY(view_reals(file, "tick_values", 2, curves, &to->values));
    return view_reals(file, "tick_least_cost", 2, curves, &to->least_cost);
}

/* The entries of the state by name, where the file tells them. */
static gv_status check_entries(const gv_safetensors *file, const char *path)
{
    const char *names = gv_safetensors_note(file, "state");
    for (int entry = 0; names != NULL && entry < GV_STATE_SIZE; entry++) {
        const char *wanted = gv_state_name((gv_state_entry)entry);
        const size_t length = strcspn(names, ",");
        if (length != strlen(wanted) || strncmp(names, wanted, length) != 0) {
            return GV_FAIL(GV_EINVAL,
                           "%s: entry %d of its state is \"%.*s\", expected \"%s\": its "
                           "trajectories were made with another state",
                           path, entry, (int)(length < 80 ? length : 80), names, wanted);
        }
        names += length + (names[length] == ',' ? 1 : 0);
    }
    return GV_OK;
}

static gv_status check_finite(const file_view *view, const char *name, const double *numbers,
                              size_t width)
{
    for (size_t i = 0; i < view->count * width; i++) {
        if (!isfinite(numbers[i])) {
            return GV_FAIL(GV_EINVAL,
                           "%s: \"%s\" of trajectory %zu holds %g at place %zu of it; every number "
                           "must be finite",
                           view->path, name, i / width, numbers[i], i % width);
        }
    }
    return GV_OK;
}

static gv_status check_amounts(const file_view *view, const char *name, const double *numbers)
{
    GV_TRY(check_finite(view, name, numbers, view->tick_count));
    for (size_t i = 0; i < view->count * view->tick_count; i++) {
        if (numbers[i] < 0 || numbers[i] > AMOUNT_MOST) {
            return GV_FAIL(GV_EINVAL, "%s: \"%s\" of trajectory %zu holds %g, expected 0 to %g",
                           view->path, name, i / view->tick_count, numbers[i], AMOUNT_MOST);
        }
    }
    return GV_OK;
}

static gv_status check_curve(const file_view *view, const char *name, const float *numbers,
                             size_t width)
{
    for (size_t i = 0; i < view->count * width; i++) {
        const double number = (double)numbers[i];
        if (!(number >= 0 && number <= AMOUNT_MOST)) {
            return GV_FAIL(GV_EINVAL, "%s: \"%s\" of trajectory %zu holds %g, expected 0 to %g",
                           view->path, name, i / width, number, AMOUNT_MOST);
        }
    }
    return GV_OK;
}

static gv_status check_landscape(const file_view *view)
{
    const gv_episode_landscape *at = &view->landscape;
    if (at->cost == NULL) {
        return GV_OK;
    }
    const size_t width = view->tick_count * GV_LANDSCAPE_SIZE;
    GV_TRY(check_curve(view, "landscape_cost", at->cost, width));
    GV_TRY(check_curve(view, "landscape_value", at->value, width));
    GV_TRY(check_curve(view, "landscape_true", at->truth, view->tick_count));
    GV_TRY(check_amounts(view, "tick_auctions", at->auctions));
    GV_TRY(check_amounts(view, "tick_values", at->values));
    return check_amounts(view, "tick_least_cost", at->least_cost);
}

static gv_status check_lengths(const file_view *view)
{
    for (size_t i = 0; i < view->count; i++) {
        if (view->length[i] < 1 || view->length[i] > (int64_t)view->tick_count) {
            return GV_FAIL(GV_EINVAL,
                           "%s: trajectory %zu has a length of %" PRId64
                           ", expected 1 to its %zu ticks",
                           view->path, i, view->length[i], view->tick_count);
        }
    }
    return GV_OK;
}

static gv_status check_expert(const file_view *view)
{
    if (view->oracle == NULL) {
        return GV_OK;
    }
    GV_TRY(check_finite(view, "oracle", view->oracle, view->tick_count));
    for (size_t i = 0; i < view->count * view->tick_count; i++) {
        if (view->oracle[i] < 0) {
            return GV_FAIL(GV_EINVAL,
                           "%s: \"oracle\" of trajectory %zu holds %g at place %zu of it; a "
                           "multiplier is 0 or above",
                           view->path, i / view->tick_count, view->oracle[i], i % view->tick_count);
        }
    }
    for (size_t i = 0; i < view->count; i++) {
        if (view->expert[i] > 1) {
            return GV_FAIL(GV_EINVAL, "%s: \"expert\" of trajectory %zu is %u, expected 0 or 1",
                           view->path, i, view->expert[i]);
        }
    }
    return GV_OK;
}

static gv_status check_numbers(const file_view *view)
{
    const size_t ticks = view->tick_count;
    GV_TRY(check_lengths(view));
    GV_TRY(check_finite(view, "state", view->state, ticks * GV_STATE_SIZE));
    GV_TRY(check_finite(view, "action", view->action, ticks));
    GV_TRY(check_finite(view, "reward", view->reward, ticks));
    GV_TRY(check_finite(view, "reward_continuous", view->reward_continuous, ticks));
    GV_TRY(check_finite(view, "budget", view->budget, 1));
    GV_TRY(check_finite(view, "cpa", view->cpa, 1));
    GV_TRY(check_finite(view, "spend", view->spend, 1));
    GV_TRY(check_finite(view, "conversions", view->conversions, 1));
    GV_TRY(check_expert(view));
    GV_TRY(check_finite(view, "score", view->score, 1));
    return check_landscape(view);
}

static gv_status reserve(gv_dataset *dataset, size_t more)
{
    if (more <= dataset->capacity - dataset->count) {
        return GV_OK;
    }
    const size_t capacity = dataset->count + more;
    gv_episode *episodes = gv_mem_resize(dataset->episodes, capacity, sizeof *episodes);
    if (episodes == NULL) {
        return no_memory(capacity);
    }
    dataset->episodes = episodes;
    dataset->capacity = capacity;
    return GV_OK;
}

static gv_episode_landscape landscape_of(const file_view *view, size_t i)
{
    const gv_episode_landscape *at = &view->landscape;
    const size_t place = i * view->tick_count;
    if (at->cost == NULL) {
        return *at;
    }
    return (gv_episode_landscape){.cost = at->cost + place * GV_LANDSCAPE_SIZE,
                                  .value = at->value + place * GV_LANDSCAPE_SIZE,
                                  .truth = at->truth + place,
                                  .auctions = at->auctions + place,
                                  .values = at->values + place,
                                  .least_cost = at->least_cost + place};
}

static void add_episode(gv_dataset *dataset, const file_view *view, size_t i)
{
    const size_t place = i * view->tick_count;
    dataset->episodes[dataset->count++] = (gv_episode){
        .state = view->state + place * GV_STATE_SIZE,
        .action = view->action + place,
        .reward = view->reward + place,
        .reward_continuous = view->reward_continuous + place,
        .oracle = view->oracle == NULL ? NULL : view->oracle + place,
        .is_expert = view->expert != NULL && view->expert[i] != 0,
        .landscape = landscape_of(view, i),
        .length = (size_t)view->length[i],
        .period = view->period[i],
        .advertiser = view->advertiser[i],
        .category = view->category[i],
        .budget = view->budget[i],
        .cpa = view->cpa[i],
        .spend = view->spend[i],
        .conversions = view->conversions[i],
        .score = view->score[i],
    };
}

static gv_status add_imprints(gv_dataset *dataset, const gv_safetensors *file, const char *path)
{
    const char *provenance = gv_safetensors_note(file, "provenance");
    return provenance == NULL ? GV_OK : gv_imprints_read(&dataset->imprints, path, provenance);
}

static gv_status add_file(gv_dataset *dataset, const gv_safetensors *file, const char *path)
{
    file_view view = {.path = path};
    GV_TRY(view_tensors(file, &view));
    GV_TRY(check_entries(file, path));
    if (view.count == 0 || view.tick_count == 0) {
        return GV_OK;
    }
    if (dataset->count > 0 && view.tick_count != dataset->tick_count) {
        return GV_FAIL(GV_EINVAL,
                       "%s: its trajectories have %zu ticks, those of the files before it %zu; "
                       "learn from one horizon at a time",
                       path, view.tick_count, dataset->tick_count);
    }
    dataset->tick_count = view.tick_count;
    GV_TRY(view_landscape(file, &view));
    GV_TRY(check_numbers(&view));
    GV_TRY(add_imprints(dataset, file, path));
    GV_TRY(reserve(dataset, view.count));
    for (size_t i = 0; i < view.count; i++) {
        add_episode(dataset, &view, i);
    }
    return GV_OK;
}

static gv_status count_places(gv_dataset *dataset)
{
    dataset->first = gv_mem_alloc(0, dataset->count + 1, sizeof *dataset->first);
    if (dataset->first == NULL) {
        return no_memory(dataset->count);
    }
    for (size_t i = 0; i < dataset->count; i++) {
        dataset->first[i + 1] = dataset->first[i] + dataset->episodes[i].length;
    }
    return GV_OK;
}

/* NULL when there is no memory. */
static gv_dataset *create(size_t file_count)
{
    gv_dataset *dataset = gv_mem_alloc(sizeof *dataset, 0, 0);
    if (dataset != NULL && file_count > 0) {
        dataset->files = gv_mem_alloc(0, file_count, sizeof(gv_safetensors *));
        if (dataset->files == NULL) {
            gv_mem_free(dataset);
            return NULL;
        }
    }
    return dataset;
}

gv_status gv_dataset_open(const char *const *paths, size_t count, gv_dataset **out)
{
    assert(count >= 1);
    gv_dataset *dataset = create(count);
    if (dataset == NULL) {
        return no_memory(0);
    }
    gv_status status = GV_OK;
    for (size_t i = 0; i < count; i++) {
        GV_TRY_GOTO(status, gv_safetensors_open(paths[i], &dataset->files[i]), fail);
        dataset->file_count++;
        GV_TRY_GOTO(status, add_file(dataset, dataset->files[i], paths[i]), fail);
    }
    if (dataset->count == 0) {
        status = GV_FAIL(GV_EINVAL, "%s%s: there is no trajectory to learn from", paths[0],
                         count > 1 ? " and the others" : "");
        goto fail;
    }
    GV_TRY_GOTO(status, count_places(dataset), fail);
    *out = dataset;
    return GV_OK;
fail:
    gv_dataset_destroy(dataset);
    return status;
}

void gv_dataset_destroy(gv_dataset *dataset)
{
    if (dataset == NULL) {
        return;
    }
    for (size_t i = 0; i < dataset->file_count; i++) {
        gv_safetensors_close(dataset->files[i]);
    }
    gv_mem_free(dataset->files);
    gv_mem_free(dataset->episodes);
    gv_mem_free(dataset->first);
    gv_imprints_fini(&dataset->imprints);
    gv_mem_free(dataset);
}

/* ---- parts ----------------------------------------------------------------------------------- */

static int compare_periods(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a;
    const int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The different periods in rising order; the caller frees *periods. */
static gv_status list_periods(const gv_dataset *dataset, int64_t **periods, size_t *count)
{
    int64_t *all = gv_mem_alloc(0, dataset->count + 1, sizeof *all);
    if (all == NULL) {
        return no_memory(dataset->count);
    }
    for (size_t i = 0; i < dataset->count; i++) {
        all[i] = dataset->episodes[i].period;
    }
    qsort(all, dataset->count, sizeof *all, compare_periods);
    size_t kept = 0;
    for (size_t i = 0; i < dataset->count; i++) {
        if (kept == 0 || all[i] != all[kept - 1]) {
            all[kept++] = all[i];
        }
    }
    *periods = all;
    *count = kept;
    return GV_OK;
}

gv_status gv_dataset_split(const gv_dataset *all, double share, gv_dataset_part part,
                           gv_dataset **out)
{
    assert(share >= 0);
    assert(share < 1);
    int64_t *periods = NULL;
    size_t period_count = 0;
    GV_TRY(list_periods(all, &periods, &period_count));
    const size_t held = (size_t)(share * (double)period_count);
    const int64_t last = periods[period_count - held - 1]; /* of the training periods */
    gv_mem_free(periods);
    gv_dataset *dataset = create(0);
    if (dataset == NULL) {
        return no_memory(0);
    }
    gv_status status = GV_OK;
    dataset->tick_count = all->tick_count;
    GV_TRY_GOTO(status, reserve(dataset, all->count), fail);
    for (size_t i = 0; i < all->count; i++) {
        if ((all->episodes[i].period > last) == (part == GV_PART_VALIDATION)) {
            dataset->episodes[dataset->count++] = all->episodes[i];
        }
    }
    for (size_t i = 0; i < all->imprints.count; i++) {
        if ((all->imprints.items[i].period > last) == (part == GV_PART_VALIDATION)) {
            GV_TRY_GOTO(status, gv_imprints_add(&dataset->imprints, all->imprints.items[i]), fail);
        }
    }
    GV_TRY_GOTO(status, count_places(dataset), fail);
    *out = dataset;
    return GV_OK;
fail:
    gv_dataset_destroy(dataset);
    return status;
}

/* ---- reading --------------------------------------------------------------------------------- */

size_t gv_dataset_count(const gv_dataset *dataset)
{
    return dataset->count;
}

size_t gv_dataset_ticks(const gv_dataset *dataset)
{
    return dataset->tick_count;
}

const gv_episode *gv_dataset_at(const gv_dataset *dataset, size_t index)
{
    assert(index < dataset->count);
    return &dataset->episodes[index];
}

const gv_imprints *gv_dataset_imprints(const gv_dataset *dataset)
{
    return &dataset->imprints;
}

uint64_t gv_dataset_places(const gv_dataset *dataset)
{
    return dataset->first[dataset->count];
}

gv_place gv_dataset_place(const gv_dataset *dataset, uint64_t number)
{
    assert(number < gv_dataset_places(dataset));
    size_t low = 0;
    size_t high = dataset->count;
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (dataset->first[middle] <= number) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return (gv_place){.episode = low, .tick = (size_t)(number - dataset->first[low])};
}

gv_place gv_dataset_draw(const gv_dataset *dataset, uint64_t seed, uint64_t step, uint64_t index)
{
    const gv_random random = gv_random_key(seed, GV_STREAM_SAMPLE, step);
    return gv_dataset_place(dataset, gv_random_below(&random, index, gv_dataset_places(dataset)));
}

/* Each episode's numbers by themselves, then the hashes in a row: parts need no stream. */
static uint64_t hash_episode(const gv_episode *episode, size_t tick_count)
{
    const uint64_t parts[] = {
        gv_hash(episode->state, tick_count * GV_STATE_SIZE * sizeof(double)),
        gv_hash(episode->action, tick_count * sizeof(double)),
        gv_hash(episode->reward, tick_count * sizeof(double)),
        gv_hash(episode->reward_continuous, tick_count * sizeof(double)),
        gv_hash(&episode->length, sizeof *episode - offsetof(gv_episode, length)),
    };
    const uint64_t hash = gv_hash(parts, sizeof parts);
    if (episode->oracle == NULL) {
        return hash;
    }
    const uint64_t taught[] = {hash, gv_hash(episode->oracle, tick_count * sizeof(double)),
                               episode->is_expert};
    return gv_hash(taught, sizeof taught);
}

static uint64_t hash_landscape(const gv_episode_landscape *landscape, size_t tick_count)
{
    const size_t curve = tick_count * GV_LANDSCAPE_SIZE * sizeof(float);
    const uint64_t parts[] = {
        gv_hash(landscape->cost, curve),
        gv_hash(landscape->value, curve),
        gv_hash(landscape->truth, tick_count * sizeof(float)),
        gv_hash(landscape->auctions, tick_count * sizeof(double)),
        gv_hash(landscape->values, tick_count * sizeof(double)),
        gv_hash(landscape->least_cost, tick_count * sizeof(double)),
    };
    return gv_hash(parts, sizeof parts);
}

uint64_t gv_dataset_hash(const gv_dataset *dataset)
{
    uint64_t hash = dataset->tick_count;
    for (size_t i = 0; i < dataset->count; i++) {
        const gv_episode *episode = &dataset->episodes[i];
        const uint64_t parts[] = {hash, hash_episode(episode, dataset->tick_count),
                                  episode->landscape.cost == NULL
                                      ? 0
                                      : hash_landscape(&episode->landscape, dataset->tick_count)};
        hash = gv_hash(parts, episode->landscape.cost == NULL ? 2 * sizeof *parts : sizeof parts);
    }
    return hash;
}

/* Appends to a text that may be full; returns the new length. */
static size_t append(char *text, size_t size, size_t used, const char *more)
{
    const size_t length = strlen(more);
    if (used + length + 1 > size) {
        (void)memcpy(text + size - sizeof "...", "...", sizeof "...");
        return size;
    }
    memcpy(text + used, more, length + 1);
    return used + length;
}

void gv_dataset_periods(const gv_dataset *dataset, char *text, size_t size)
{
    assert(size >= 32);
    int64_t *periods = NULL;
    size_t count = 0;
    size_t used = 0;
    text[0] = '\0';
    if (list_periods(dataset, &periods, &count) != GV_OK) {
        (void)snprintf(text, size, "%zu trajectories", dataset->count);
        return;
    }
    for (size_t from = 0; from < count && used < size;) {
        size_t to = from;
        char part[64];
        while (to + 1 < count && periods[to + 1] == periods[to] + 1) {
            to++;
        }
        const char *gap = from == 0 ? "" : ", ";
        if (to == from) {
            (void)snprintf(part, sizeof part, "%s%" PRId64, gap, periods[from]);
        } else {
            (void)snprintf(part, sizeof part, "%s%" PRId64 "..%" PRId64, gap, periods[from],
                           periods[to]);
        }
        used = append(text, size, used, part);
        from = to + 1;
    }
    gv_mem_free(periods);
}
