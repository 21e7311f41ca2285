#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "policies/learn/episode_file_impl.h"
#include "policies/learn/scaling.h"
#include "sim/market/landscape.h"
#include "sim/market/outlook.h"

/* No count, value or cost of a tick is beyond it. */
#define AMOUNT_MOST 1e12

static gv_status view_reals(const gv_safetensors *file, const char *name, size_t rank,
                            const uint64_t *shape, const double **out)
{
    const gv_tensor *tensor = NULL;
    GV_TRY(gv_safetensors_expect(file, name, GV_TENSOR_F64, rank, shape, &tensor));
    *out = tensor->data;
    return GV_OK;
}

static gv_status view_floats(const gv_safetensors *file, const char *name, size_t rank,
                             const uint64_t *shape, const float **out)
{
    const gv_tensor *tensor = NULL;
    GV_TRY(gv_safetensors_expect(file, name, GV_TENSOR_F32, rank, shape, &tensor));
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

/* Files of before there were outlooks have none. */
static gv_status view_outlook(const gv_safetensors *file, gv_episode_file *view)
{
    const uint64_t shape[] = {view->count, view->tick_count, GV_OUTLOOK_SIZE};
    return gv_safetensors_find(file, "outlook") == NULL
               ? GV_OK
               : view_floats(file, "outlook", 3, shape, &view->outlook);
}

/* Both or neither: an expert without answers would be imitated by nobody. */
static gv_status view_expert(const gv_safetensors *file, gv_episode_file *view)
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

static gv_status view_tensors(const gv_safetensors *file, gv_episode_file *view)
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
    GV_TRY(view_outlook(file, view));
    GV_TRY(view_expert(file, view));
    return view_reals(file, "score", 1, shape, &view->score);
}

/* A file has all of a landscape or nothing. */
static gv_status view_landscape(const gv_safetensors *file, gv_episode_file *view)
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

/* The entries of what a network sees by name, where the file tells them in such a note. */
static gv_status check_entries(const gv_safetensors *file, const char *path, const char *note,
                               gv_features features)
{
    const char *names = gv_safetensors_note(file, note);
    for (size_t entry = 0; names != NULL && entry < gv_features_size(features); entry++) {
        const char *wanted = gv_features_entry(features, entry);
        const size_t length = strcspn(names, ",");
        if (length != strlen(wanted) || strncmp(names, wanted, length) != 0) {
            return GV_FAIL(GV_EINVAL,
                           "%s: entry %zu of its %s is \"%.*s\", expected \"%s\": its "
                           "trajectories were made with another %s",
                           path, entry, note, (int)(length < 80 ? length : 80), names, wanted,
                           note);
        }
        names += length + (names[length] == ',' ? 1 : 0);
    }
    return GV_OK;
}

static gv_status check_finite(const gv_episode_file *view, const char *name, const double *numbers,
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

static gv_status check_amounts(const gv_episode_file *view, const char *name, const double *numbers)
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

static gv_status check_curve(const gv_episode_file *view, const char *name, const float *numbers,
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

static gv_status check_landscape(const gv_episode_file *view)
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

static gv_status check_lengths(const gv_episode_file *view)
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

static gv_status check_expert(const gv_episode_file *view)
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

static gv_status check_outlook(const gv_episode_file *view)
{
    const size_t width = view->tick_count * GV_OUTLOOK_SIZE;
    for (size_t i = 0; view->outlook != NULL && i < view->count * width; i++) {
        if (!(fabs((double)view->outlook[i]) <= GV_OUTLOOK_MOST)) {
            return GV_FAIL(GV_EINVAL,
                           "%s: \"outlook\" of trajectory %zu holds %g at place %zu of it, "
                           "expected a number within %g",
                           view->path, i / width, (double)view->outlook[i], i % width,
                           GV_OUTLOOK_MOST);
        }
    }
    return GV_OK;
}

static gv_status check_numbers(const gv_episode_file *view)
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
    GV_TRY(check_outlook(view));
    GV_TRY(check_expert(view));
    GV_TRY(check_finite(view, "score", view->score, 1));
    return check_landscape(view);
}

static gv_episode_landscape landscape_of(const gv_episode_file *view, size_t i)
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

gv_episode gv_episode_file_at(const gv_episode_file *view, size_t i)
{
    const size_t place = i * view->tick_count;
    return (gv_episode){
        .state = view->state + place * GV_STATE_SIZE,
        .outlook = view->outlook == NULL ? NULL : view->outlook + place * GV_OUTLOOK_SIZE,
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

gv_status gv_episode_file_view(const gv_safetensors *file, const char *path, gv_episode_file *out)
{
    *out = (gv_episode_file){.path = path};
    GV_TRY(view_tensors(file, out));
    GV_TRY(check_entries(file, path, "state", GV_FEATURES_STATE));
    return check_entries(file, path, "outlook", GV_FEATURES_OUTLOOK);
}

gv_status gv_episode_file_check(const gv_safetensors *file, gv_episode_file *view)
{
    GV_TRY(view_landscape(file, view));
    return check_numbers(view);
}
