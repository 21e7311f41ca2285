/* The values of one axis: a list as it is written, a range and a log range counted out. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "scenarios/config/quote.h"
#include "scenarios/sweep/sweep_impl.h"
#include "sim/base/mem.h"

enum { NUMBER_SIZE = 40 };

static gv_status no_memory(const char *path)
{
    return GV_FAIL(GV_ENOMEM, "no memory for the values of %s", path);
}

static gv_status make_room(const gv_reading *reading, const char *path, size_t count,
                           gv_sweep_axis *axis)
{
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): arrays of pointers */
    axis->values = gv_region_alloc(reading->region, count, sizeof *axis->values);
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): arrays of pointers */
    axis->sets = gv_region_alloc(reading->region, count, sizeof *axis->sets);
    axis->marks = gv_region_alloc(reading->region, count, sizeof *axis->marks);
    return axis->values == NULL || axis->sets == NULL || axis->marks == NULL ? no_memory(path)
                                                                             : GV_OK;
}

/* Appends one value; there is room. */
static gv_status add_value(const gv_reading *reading, const char *text, gv_mark mark,
                           gv_sweep_axis *axis)
{
    const char *copy = gv_region_text(reading->region, text, strlen(text));
    const char *quoted = gv_quote(reading->region, text);
    const char *set =
        quoted == NULL ? NULL : gv_region_print(reading->region, "%s=%s", axis->path, quoted);
    if (copy == NULL || set == NULL) {
        return no_memory(axis->path);
    }
    axis->values[axis->count] = copy;
    axis->sets[axis->count] = set;
    axis->marks[axis->count] = mark;
    axis->count++;
    return GV_OK;
}

static gv_status read_list(const gv_reading *reading, size_t list, const char *path,
                           gv_sweep_axis *axis)
{
    const gv_tree *tree = reading->tree;
    const gv_mark mark = tree->nodes[list].mark;
    if (tree->nodes[list].kind != GV_NODE_LIST) {
        gv_problems_add(reading->problems, mark, "%s.list: expected a list, such as [1, 2, 5]",
                        path);
        return GV_OK;
    }
    if (gv_tree_children(tree, list) == 0) {
        gv_problems_add(reading->problems, mark, "%s.list is empty: an axis needs a value at least",
                        path);
        return GV_OK;
    }
    GV_TRY(make_room(reading, path, gv_tree_children(tree, list), axis));
    for (size_t item = gv_tree_first(tree, list); item != GV_TREE_NONE;
         item = gv_tree_next(tree, list, item)) {
        const gv_node *node = &tree->nodes[item];
        if (node->kind != GV_NODE_SCALAR || node->text[0] == '\0') {
            gv_problems_add(reading->problems, node->mark, "%s.list: expected one value", path);
            continue;
        }
        GV_TRY(add_value(reading, node->text, node->mark, axis));
    }
    return GV_OK;
}

static gv_status add_number(const gv_reading *reading, double value, int digits, gv_mark mark,
                            gv_sweep_axis *axis)
{
    char text[NUMBER_SIZE];
    (void)snprintf(text, sizeof text, "%.*g", digits, value == 0 ? 0.0 : value);
    return add_value(reading, text, mark, axis);
}

/* How many steps lead from `from` to no further than `to`; 0: none can, which is a problem. */
static size_t count_steps(const gv_reading *reading, const gv_section *section,
                          const gv_sweep_range *range)
{
    const double span = range->to - range->from;
    if (!isfinite(span) || !isfinite(range->step)) {
        gv_problems_add(reading->problems, section->mark, "%s: its numbers are too large",
                        section->path);
        return 0;
    }
    if (range->step == 0) {
        gv_problems_add(reading->problems, gv_section_mark(section, "step"),
                        "%s.step is 0: no step leads from %g to %g", section->path, range->from,
                        range->to);
        return 0;
    }
    /* A step that meets `to` but for rounding meets it. */
    const double steps = floor(span / range->step * (1 + 1e-12) + 1e-9);
    if (span != 0 && steps < 0) {
        gv_problems_add(reading->problems, gv_section_mark(section, "step"),
                        "%s.step leads away from %g: it must be %s to get there from %g",
                        section->path, range->to, span > 0 ? "positive" : "negative", range->from);
        return 0;
    }
    if (!(steps < GV_SWEEP_POINTS_MAX)) {
        gv_problems_add(reading->problems, gv_section_mark(section, "step"),
                        "%s has more than %d values", section->path, GV_SWEEP_POINTS_MAX);
        return 0;
    }
    return (size_t)steps + 1;
}

static gv_status read_range(const gv_reading *reading, size_t node, const char *path,
                            gv_sweep_axis *axis)
{
    gv_section section = {.path = gv_region_print(reading->region, "%s.range", path)};
    const size_t before = reading->problems->count;
    if (section.path == NULL) {
        return no_memory(path);
    }
    GV_TRY(gv_section_read(reading, node, &gv_sweep_range_section.info, NULL, &section));
    if (reading->problems->count > before) {
        return GV_OK;
    }
    const gv_sweep_range *range = section.config;
    const size_t count = count_steps(reading, &section, range);
    if (count == 0) {
        return GV_OK;
    }
    GV_TRY(make_room(reading, path, count, axis));
    for (size_t i = 0; i < count; i++) {
        const double value = range->from + (double)i * range->step;
        GV_TRY(add_number(reading, value, 15, section.mark, axis));
    }
    return GV_OK;
}

static bool is_log_range(const gv_reading *reading, const gv_section *section,
                         const gv_sweep_log_range *range)
{
    if (!isfinite(range->from) || !isfinite(range->to)) {
        gv_problems_add(reading->problems, section->mark, "%s: its numbers are too large",
                        section->path);
        return false;
    }
    if (range->from <= 0 || range->to <= 0) {
        gv_problems_add(reading->problems,
                        gv_section_mark(section, range->from <= 0 ? "from" : "to"),
                        "%s: equal ratios lead from no number above 0 to 0 or below; both ends "
                        "must be above 0",
                        section->path);
        return false;
    }
    return true;
}

static gv_status read_log_range(const gv_reading *reading, size_t node, const char *path,
                                gv_sweep_axis *axis)
{
    gv_section section = {.path = gv_region_print(reading->region, "%s.log_range", path)};
    const size_t before = reading->problems->count;
    if (section.path == NULL) {
        return no_memory(path);
    }
    GV_TRY(gv_section_read(reading, node, &gv_sweep_log_range_section.info, NULL, &section));
    if (reading->problems->count > before) {
        return GV_OK;
    }
    const gv_sweep_log_range *range = section.config;
    if (!is_log_range(reading, &section, range)) {
        return GV_OK;
    }
    const size_t count = (size_t)range->count;
    GV_TRY(make_room(reading, path, count, axis));
    for (size_t i = 0; i < count; i++) {
        const double share = (double)i / (double)(count - 1);
        /* 12 digits: what pow() rounds is not to be seen. The ends are as they were given. */
        const double inner = exp((1 - share) * log(range->from) + share * log(range->to));
        const double value = i == 0 ? range->from : (i + 1 == count ? range->to : inner);
        GV_TRY(add_number(reading, value, i == 0 || i + 1 == count ? 15 : 12, section.mark, axis));
    }
    return GV_OK;
}

typedef struct numbered {
    const char *text;
    size_t number;
} numbered;

static int by_text(const void *a, const void *b)
{
    const numbered *first = a;
    const numbered *second = b;
    const int order = strcmp(first->text, second->text);
    if (order != 0) {
        return order;
    }
    return first->number < second->number ? -1 : 1;
}

/* Twice the same value would make two points that nothing tells apart. */
static gv_status refuse_repeats(const gv_reading *reading, const gv_sweep_axis *axis)
{
    numbered *sorted = gv_mem_alloc(0, axis->count, sizeof *sorted);
    if (sorted == NULL) {
        return no_memory(axis->path);
    }
    for (size_t i = 0; i < axis->count; i++) {
        sorted[i] = (numbered){.text = axis->values[i], .number = i};
    }
    qsort(sorted, axis->count, sizeof *sorted, by_text);
    for (size_t i = 1; i < axis->count; i++) {
        if (strcmp(sorted[i].text, sorted[i - 1].text) == 0) {
            gv_problems_add(reading->problems, axis->marks[sorted[i].number],
                            "%s has the value %s twice", axis->name, sorted[i].text);
        }
    }
    gv_mem_free(sorted);
    return GV_OK;
}

gv_status gv_sweep_read_values(const gv_reading *reading, size_t node, const char *path,
                               gv_sweep_axis *axis)
{
    static const char *const kinds[] = {"list", "range", "log_range"};
    size_t found[3];
    size_t count = 0;
    for (size_t i = 0; i < 3; i++) {
        found[i] = gv_tree_find(reading->tree, node, kinds[i]);
        count += found[i] == GV_TREE_NONE ? 0 : 1;
    }
    if (count != 1) {
        gv_problems_add(reading->problems, reading->tree->nodes[node].mark,
                        "%s: %s of list, range and log_range must be given", path,
                        count == 0 ? "one" : "only one");
        return GV_OK;
    }
    if (found[0] != GV_TREE_NONE) {
        GV_TRY(read_list(reading, found[0], path, axis));
    } else if (found[1] != GV_TREE_NONE) {
        GV_TRY(read_range(reading, found[1], path, axis));
    } else {
        GV_TRY(read_log_range(reading, found[2], path, axis));
    }
    return axis->count == 0 ? GV_OK : refuse_repeats(reading, axis);
}
