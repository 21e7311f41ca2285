/* One point's scenario; and what a sweep is known by. */
#include <inttypes.h>
#include <string.h>

#include "scenarios/sweep/sweep_run_impl.h"
#include "sim/base/hash.h"

void gv_sweep_part_fini(gv_sweep_part *part)
{
    gv_composition_destroy(part->composition);
    gv_scenario_destroy(part->scenario);
    gv_region_fini(&part->region);
}

gv_status gv_sweep_part_list(const gv_sweep *sweep, size_t point, gv_sweep_part *part)
{
    const size_t room = sweep->extra_set_count + sweep->axis_count + 1;
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
    part->sets = gv_region_alloc(&part->region, room, sizeof *part->sets);
    if (part->sets == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a point of a sweep");
    }
    part->set_count = gv_sweep_point_sets(sweep, point, part->sets, part->seed);
    return GV_OK;
}

gv_status gv_sweep_part_compose(const gv_sweep *sweep, const gv_progress *progress,
                                gv_sweep_part *part)
{
    GV_TRY(gv_scenario_parse(sweep->scenario_path, sweep->scenario_text, sweep->scenario_size,
                             part->sets, part->set_count, &part->scenario));
    return gv_compose(part->scenario, 1, progress, &part->composition);
}

static uint64_t fold_text(uint64_t hash, const char *text)
{
    const uint64_t pair[2] = {hash, gv_hash(text, strlen(text))};
    return gv_hash(pair, sizeof pair);
}

static uint64_t fold_number(uint64_t hash, uint64_t number)
{
    const uint64_t pair[2] = {hash, number};
    return gv_hash(pair, sizeof pair);
}

/* What the points are, whatever the file's layout and comments. */
static uint64_t hash_points(const gv_sweep *sweep)
{
    uint64_t hash = fold_number(0, sweep->seed_count);
    for (size_t i = 0; i < sweep->seed_count; i++) {
        hash = fold_number(hash, (uint64_t)gv_sweep_seed(sweep, i));
    }
    for (size_t i = 0; i < sweep->axis_count; i++) {
        const gv_sweep_axis *axis = &sweep->axes[i];
        hash = fold_number(fold_text(hash, axis->name), axis->leader);
        for (size_t value = 0; value < axis->count; value++) {
            hash = fold_text(hash, axis->sets[value]);
        }
    }
    return hash;
}

/*
 * A point's own identity, its inputs included. One that cannot be composed is no obstacle: it
 * will fail by itself, with its sentence, and counts here by the text of its scenario alone.
 */
static gv_status fold_point(const gv_sweep *sweep, const gv_progress *progress, gv_sweep_part *part,
                            uint64_t *hash)
{
    const gv_status status = gv_sweep_part_compose(sweep, progress, part);
    if (status == GV_ENOMEM || status == GV_ESTOPPED) {
        return status;
    }
    *hash = status == GV_OK ? fold_number(*hash, part->composition->hash)
                            : fold_text(*hash, sweep->scenario_text);
    return GV_OK;
}

/* Whether the axis may name another file. */
static bool names_files(const gv_sweep_axis *axis)
{
    static const char *const keys[] = {"path", "mapping", "format"};
    const char *dot = strrchr(axis->path, '.');
    for (size_t i = 0; dot != NULL && i < sizeof keys / sizeof keys[0]; i++) {
        if (strcmp(dot + 1, keys[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* The first point with `axis` at another value. */
static gv_status fold_value(const gv_sweep *sweep, const gv_progress *progress, size_t axis,
                            size_t value, uint64_t *hash)
{
    gv_sweep_part part = {.set_count = 0};
    gv_status status = gv_sweep_part_list(sweep, 0, &part);
    if (status == GV_OK) {
        if (axis < sweep->axis_count) {
            part.sets[sweep->extra_set_count + axis] = sweep->axes[axis].sets[value];
        }
        status = fold_point(sweep, progress, &part, hash);
    }
    gv_sweep_part_fini(&part);
    return status;
}

gv_status gv_sweep_identify(const gv_sweep *sweep, const gv_progress *progress, uint64_t *hash)
{
    uint64_t folded = hash_points(sweep);
    GV_TRY(fold_value(sweep, progress, sweep->axis_count, 0, &folded));
    for (size_t i = 0; i < sweep->axis_count; i++) {
        for (size_t value = 1; names_files(&sweep->axes[i]) && value < sweep->axes[i].count;
             value++) {
            GV_TRY(fold_value(sweep, progress, i, value, &folded));
        }
    }
    *hash = folded;
    return GV_OK;
}
