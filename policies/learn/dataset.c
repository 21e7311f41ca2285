/* Trajectory sets: files mapped, every number checked once, episodes in the order of the files. */
#include "policies/learn/dataset.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policies/learn/episode_file_impl.h"
#include "sim/base/hash.h"
#include "sim/base/mem.h"
#include "sim/base/random.h"
#include "sim/base/safetensors.h"
#include "sim/market/landscape.h"

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

static gv_status no_memory(size_t count)
{
    return GV_FAIL(GV_ENOMEM, "no memory for %zu trajectories", count);
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

static gv_status add_imprints(gv_dataset *dataset, const gv_safetensors *file, const char *path)
{
    const char *provenance = gv_safetensors_note(file, "provenance");
    return provenance == NULL ? GV_OK : gv_imprints_read(&dataset->imprints, path, provenance);
}

static gv_status add_file(gv_dataset *dataset, const gv_safetensors *file, const char *path)
{
    gv_episode_file view;
    GV_TRY(gv_episode_file_view(file, path, &view));
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
    GV_TRY(gv_episode_file_check(file, &view));
    GV_TRY(add_imprints(dataset, file, path));
    GV_TRY(reserve(dataset, view.count));
    for (size_t i = 0; i < view.count; i++) {
        dataset->episodes[dataset->count++] = gv_episode_file_at(&view, i);
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

gv_status gv_dataset_expect_outlook(const gv_dataset *dataset, const char *learner)
{
    for (size_t i = 0; i < dataset->count; i++) {
        const gv_episode *episode = &dataset->episodes[i];
        if (episode->outlook == NULL || !(episode->cpa > 0)) {
            return GV_FAIL(GV_EINVAL,
                           "%s: the episode of advertiser %" PRId64 " in period %" PRId64
                           " has no %s: set outlook=off, or make the trajectories anew%s",
                           learner, episode->advertiser, episode->period,
                           episode->outlook == NULL ? "outlook" : "CPA, so no outlook",
                           episode->outlook == NULL ? "" : " with one");
        }
    }
    return GV_OK;
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
    uint64_t hash = gv_hash(parts, sizeof parts);
    if (episode->outlook != NULL) {
        const uint64_t seen[] = {
            hash, gv_hash(episode->outlook, tick_count * GV_OUTLOOK_SIZE * sizeof(float))};
        hash = gv_hash(seen, sizeof seen);
    }
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

gv_reach gv_dataset_reach(const gv_dataset *dataset)
{
    gv_reach reach = {.budget = {.least = 0}};
    for (size_t i = 0; i < dataset->count; i++) {
        gv_reach_add(&reach.budget, dataset->episodes[i].budget);
        gv_reach_add(&reach.cpa, dataset->episodes[i].cpa);
    }
    return reach;
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
