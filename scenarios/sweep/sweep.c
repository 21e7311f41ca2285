/* The file as a whole: its text, its keys, how many points it asks for. */
#include "scenarios/sweep/sweep.h"

#include <stdlib.h>
#include <string.h>

#include "scenarios/config/expand.h"
#include "scenarios/sweep/sweep_impl.h"
#include "sim/base/file.h"
#include "sim/base/mem.h"

void gv_sweep_destroy(gv_sweep *sweep)
{
    if (sweep == NULL) {
        return;
    }
    gv_scenario_destroy(sweep->base);
    gv_region_fini(&sweep->region);
    gv_mem_free(sweep);
}

/* The sweep's name: its own, else its file's without folder and ending. */
static const char *name_of(gv_sweep *sweep, const gv_sweep_top *top)
{
    if (top->name != NULL) {
        return top->name;
    }
    const char *slash = strrchr(sweep->path, '/');
    const char *file = slash == NULL ? sweep->path : slash + 1;
    const char *dot = strrchr(file, '.');
    return gv_region_text(&sweep->region, file,
                          dot == NULL || dot == file ? strlen(file) : (size_t)(dot - file));
}

static gv_status read_seeds(gv_sweep *sweep, const gv_reading *reading, const gv_section *top)
{
    const gv_tree *tree = reading->tree;
    const gv_param *row = gv_param_find(gv_scenario_top_section.info.params, "seed");
    const size_t list = gv_tree_find(tree, 0, "seeds");
    sweep->seed_count = (size_t)((const gv_sweep_top *)top->config)->replications;
    if (list == GV_TREE_NONE) {
        return GV_OK;
    }
    const gv_mark mark = tree->nodes[list].mark;
    if (tree->nodes[list].kind != GV_NODE_LIST || gv_tree_children(tree, list) == 0) {
        gv_problems_add(reading->problems, mark, "seeds: expected a list such as [1, 2, 3]");
        return GV_OK;
    }
    if (gv_section_mark(top, "replications").source != NULL &&
        gv_tree_find(tree, 0, "replications") != GV_TREE_NONE) {
        gv_problems_add(reading->problems, mark, "give either replications or seeds, not both");
    }
    int64_t *seeds = gv_region_alloc(reading->region, gv_tree_children(tree, list), sizeof *seeds);
    if (seeds == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the seeds of a sweep");
    }
    size_t count = 0;
    for (size_t item = gv_tree_first(tree, list); item != GV_TREE_NONE;
         item = gv_tree_next(tree, list, item)) {
        const gv_node *node = &tree->nodes[item];
        gv_scenario_top value = {.seed = 0};
        if (gv_param_parse(row, node->kind == GV_NODE_SCALAR ? node->text : "a list", 0, &value) !=
            GV_OK) {
            gv_problems_add(reading->problems, node->mark, "seeds: %s", gv_status_detail());
        }
        seeds[count++] = value.seed;
    }
    sweep->seeds = seeds;
    sweep->seed_count = count;
    return GV_OK;
}

static int by_value(const void *a, const void *b)
{
    const int64_t first = *(const int64_t *)a;
    const int64_t second = *(const int64_t *)b;
    return (first > second) - (first < second);
}

/* The same seed twice would be one run counted twice. */
static gv_status refuse_repeated_seeds(gv_sweep *sweep, const gv_reading *reading)
{
    const size_t list = gv_tree_find(reading->tree, 0, "seeds");
    if (sweep->seeds == NULL) {
        return GV_OK;
    }
    int64_t *sorted = gv_mem_alloc(0, sweep->seed_count, sizeof *sorted);
    if (sorted == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the seeds of a sweep");
    }
    memcpy(sorted, sweep->seeds, sweep->seed_count * sizeof *sorted);
    qsort(sorted, sweep->seed_count, sizeof *sorted, by_value);
    for (size_t i = 1; i < sweep->seed_count; i++) {
        if (sorted[i] == sorted[i - 1]) {
            gv_problems_add(reading->problems, reading->tree->nodes[list].mark,
                            "seeds: %lld is given twice", (long long)sorted[i]);
            break;
        }
    }
    gv_mem_free(sorted);
    return GV_OK;
}

/* Every axis that leads multiplies; no product here can overflow, since it is cut at the most. */
static void count_points(gv_sweep *sweep)
{
    size_t settings = 1;
    for (size_t i = 0; i < sweep->axis_count && settings <= GV_SWEEP_POINTS_MAX; i++) {
        settings *= sweep->axes[i].leader == i ? sweep->axes[i].count : 1;
    }
    sweep->setting_count = settings;
    sweep->point_count = settings <= GV_SWEEP_POINTS_MAX ? settings * sweep->seed_count : settings;
    if (sweep->point_count > GV_SWEEP_POINTS_MAX) {
        gv_problems_add(&sweep->problems, sweep->axes_mark,
                        "the sweep has more than %d points, the most there may be",
                        GV_SWEEP_POINTS_MAX);
    }
}

static gv_status read_top(gv_sweep *sweep, const gv_reading *reading)
{
    static const char *const others[] = {"axes", "seeds", "zip", NULL};
    gv_section section = {.path = "sweep"};
    GV_TRY(gv_section_read(reading, 0, &gv_sweep_top_section.info, others, &section));
    const gv_sweep_top *top = section.config;
    sweep->name = name_of(sweep, top);
    if (sweep->name == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the name of a sweep");
    }
    sweep->scenario_mark = gv_section_mark(&section, "scenario");
    if (top->scenario != NULL) {
        const gv_status status =
            gv_expand_path(reading->region, sweep->path, top->scenario, &sweep->scenario_path);
        if (status == GV_EUSAGE) {
            gv_problems_add(reading->problems, gv_section_mark(&section, "scenario"),
                            "scenario: %s", gv_status_detail());
        } else if (status != GV_OK) {
            return status;
        }
    }
    GV_TRY(read_seeds(sweep, reading, &section));
    return refuse_repeated_seeds(sweep, reading);
}

static gv_status read_sections(gv_sweep *sweep, const gv_reading *reading)
{
    if (reading->tree->nodes[0].kind != GV_NODE_MAP) {
        gv_problems_add(reading->problems, reading->tree->nodes[0].mark,
                        "a sweep is a mapping of keys such as scenario and axes");
        return GV_OK;
    }
    GV_TRY(read_top(sweep, reading));
    GV_TRY(gv_sweep_read_axes(sweep, reading));
    if (reading->problems->count == 0) {
        gv_sweep_read_zip(sweep, reading);
    }
    if (reading->problems->count == 0) {
        count_points(sweep);
    }
    return GV_OK;
}

static gv_status read_all(gv_sweep *sweep, const gv_text_source *source)
{
    gv_tree tree = {.region = &sweep->region};
    const gv_reading reading = {
        .tree = &tree, .region = &sweep->region, .problems = &sweep->problems};
    gv_status status = gv_tree_read(&tree, source, &sweep->problems);
    if (status == GV_OK && sweep->problems.count == 0) {
        status = read_sections(sweep, &reading);
    }
    gv_tree_fini(&tree);
    return status == GV_OK ? gv_problems_fail(&sweep->problems) : status;
}

gv_status gv_sweep_parse(const char *path, const char *text, size_t size, gv_sweep **out)
{
    gv_sweep *sweep = gv_mem_alloc(sizeof *sweep, 0, 0);
    *out = sweep;
    if (sweep == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a sweep");
    }
    sweep->problems.region = &sweep->region;
    gv_text_source *source = gv_region_alloc(&sweep->region, 1, sizeof *source);
    sweep->path = gv_region_text(&sweep->region, path, strlen(path));
    sweep->text = gv_region_text(&sweep->region, text, size);
    if (source == NULL || sweep->path == NULL || sweep->text == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the sweep %s", path);
    }
    *source = (gv_text_source){.name = sweep->path, .text = sweep->text, .size = size};
    return read_all(sweep, source);
}

gv_status gv_sweep_load(const char *path, gv_sweep **out)
{
    char *text = NULL;
    size_t size = 0;
    *out = NULL;
    GV_TRY(gv_file_read_text(path, GV_TREE_BYTES_MAX, &text, &size));
    const gv_status status = gv_sweep_parse(path, text, size, out);
    gv_mem_free(text);
    return status;
}
