/* A sweep's axes tried on its scenario, so that a typing error costs no run. */
#include <stdint.h>
#include <string.h>

#include "scenarios/sweep/sweep.h"
#include "sim/base/file.h"
#include "sim/base/mem.h"

enum { SENTENCE_SIZE = 1024 };

/* One reading of the scenario. */
typedef struct trial {
    gv_sweep *sweep;
    const char **sets; /* room for all there can be */
    bool others_too;   /* the other axes are at their first value; else as the scenario has them */
    char sentence[SENTENCE_SIZE]; /* what it refused; "" when it took all */
} trial;

/* Reads it with `axis` at `value` (axis_count: no axis in particular). */
static gv_status try_value(trial *at, size_t axis, size_t value)
{
    const gv_sweep *sweep = at->sweep;
    size_t count = 0;
    for (size_t i = 0; i < sweep->extra_set_count; i++) {
        at->sets[count++] = sweep->extra_sets[i];
    }
    for (size_t i = 0; i < sweep->axis_count; i++) {
        if (i == axis) {
            at->sets[count++] = sweep->axes[i].sets[value];
        } else if (at->others_too) {
            at->sets[count++] = sweep->axes[i].sets[0];
        }
    }
    gv_scenario *scenario = NULL;
    const gv_status status = gv_scenario_parse(sweep->scenario_path, sweep->scenario_text,
                                               sweep->scenario_size, at->sets, count, &scenario);
    at->sentence[0] = '\0';
    if (status == GV_EUSAGE) {
        const gv_problem *first = scenario == NULL ? NULL : scenario->problems.first;
        (void)snprintf(at->sentence, sizeof at->sentence, "%s",
                       first == NULL ? gv_status_detail() : first->sentence);
    }
    gv_scenario_destroy(scenario);
    return status == GV_EUSAGE ? GV_OK : status;
}

/* A range is tried at its ends, a list at every value. */
static size_t next_value(const gv_sweep_axis *axis, size_t value)
{
    const bool is_range = axis->count > 1 && axis->marks[0].line == axis->marks[1].line &&
                          axis->marks[0].column == axis->marks[1].column;
    return is_range && value + 1 < axis->count ? axis->count - 1 : value + 1;
}

static gv_status try_axis(trial *at, size_t number)
{
    gv_sweep *sweep = at->sweep;
    const gv_sweep_axis *axis = &sweep->axes[number];
    size_t tried = 0;
    size_t refused = 0;
    for (size_t value = 0; value < axis->count; value = next_value(axis, value)) {
        GV_TRY(try_value(at, number, value));
        tried++;
        refused += at->sentence[0] == '\0' ? 0 : 1;
    }
    if (refused == tried) {
        GV_TRY(try_value(at, number, 0));
        gv_problems_add(&sweep->problems, axis->path_mark, "%s=%s: %s", axis->path, axis->values[0],
                        at->sentence);
        return GV_OK;
    }
    for (size_t value = 0; refused > 0 && value < axis->count; value = next_value(axis, value)) {
        GV_TRY(try_value(at, number, value));
        if (at->sentence[0] != '\0') {
            gv_problems_add(&sweep->problems, axis->marks[value], "%s=%s: %s", axis->path,
                            axis->values[value], at->sentence);
        }
    }
    return GV_OK;
}

static gv_status try_all(trial *at)
{
    gv_sweep *sweep = at->sweep;
    at->others_too = true;
    GV_TRY(try_value(at, sweep->axis_count, 0));
    char sentence[SENTENCE_SIZE];
    memcpy(sentence, at->sentence, sizeof sentence);
    at->others_too = sentence[0] == '\0'; /* else whoever is to blame must be found alone */
    for (size_t i = 0; i < sweep->axis_count; i++) {
        GV_TRY(try_axis(at, i));
    }
    if (sweep->problems.count == 0 && sentence[0] != '\0') {
        gv_problems_add(&sweep->problems, sweep->axes_mark,
                        "the first value of every axis together: %s", sentence);
    }
    return GV_OK;
}

static gv_status check_seeds(gv_sweep *sweep)
{
    if (sweep->seeds == NULL && sweep->base->top->seed > INT64_MAX - (int64_t)sweep->seed_count) {
        gv_problems_add(&sweep->problems, sweep->axes_mark,
                        "the scenario's seed is too large to count %zu on from it",
                        sweep->seed_count);
    }
    return gv_problems_fail(&sweep->problems);
}

gv_status gv_sweep_bind_text(gv_sweep *sweep, const char *text, size_t size,
                             const char *const *sets, size_t set_count)
{
    sweep->extra_sets = sets;
    sweep->extra_set_count = set_count;
    sweep->scenario_text = gv_region_text(&sweep->region, text, size);
    sweep->scenario_size = size;
    if (sweep->scenario_text == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the scenario %s", sweep->scenario_path);
    }
    GV_TRY(gv_scenario_parse(sweep->scenario_path, sweep->scenario_text, size, sets, set_count,
                             &sweep->base));
    trial at = {.sweep = sweep};
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
    at.sets = gv_region_alloc(&sweep->region, set_count + sweep->axis_count, sizeof *at.sets);
    if (at.sets == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to try the axes of a sweep");
    }
    GV_TRY(try_all(&at));
    return check_seeds(sweep);
}

/* A file that cannot be read is the sweep's mistake: it names the file. */
gv_status gv_sweep_bind(gv_sweep *sweep, const char *const *sets, size_t set_count)
{
    char *text = NULL;
    size_t size = 0;
    gv_status status = gv_file_read_text(sweep->scenario_path, GV_TREE_BYTES_MAX, &text, &size);
    if (status == GV_EIO || status == GV_EPARSE) {
        gv_problems_add(&sweep->problems, sweep->scenario_mark, "scenario: %s", gv_status_detail());
        return gv_problems_fail(&sweep->problems);
    }
    GV_TRY(status);
    status = gv_sweep_bind_text(sweep, text, size, sets, set_count);
    gv_mem_free(text);
    return status;
}
