/* RLB's *.info.json: a campaign's training totals and the counts of its market prices. */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "scenarios/compose/inputs.h"
#include "sim/base/file.h"
#include "sim/base/hash.h"
#include "sim/base/mem.h"
#include "sim/base/money.h"

enum { INFO_BYTES_MAX = 16 << 20, PRICES_MAX = 1 << 20 };

static gv_status read_counter(const char *path, const json_t *root, const char *name, uint64_t *out)
{
    const json_t *value = json_object_get(root, name);
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        json_integer_value(value) > INT64_C(1) << 50) {
        return GV_FAIL(GV_EPARSE, "%s: expected '%s', a whole number of at least 0", path, name);
    }
    *out = (uint64_t)json_integer_value(value);
    return GV_OK;
}

static gv_status read_prices(gv_region *region, const char *path, const json_t *root,
                             gv_history *history)
{
    const json_t *list = json_object_get(root, "price_counter_train");
    const size_t count = json_array_size(list);
    if (count == 0 || count > PRICES_MAX) {
        return GV_FAIL(GV_EPARSE, "%s: expected 'price_counter_train', a list of counts", path);
    }
    uint64_t *counts = gv_region_alloc(region, count, sizeof *counts);
    if (counts == NULL) {
        return GV_FAIL(GV_ENOMEM, "%s: no memory for %zu prices", path, count);
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(list, i);
        if (!json_is_integer(item) || json_integer_value(item) < 0) {
            return GV_FAIL(GV_EPARSE, "%s: price_counter_train[%zu] is no count", path, i);
        }
        counts[i] = (uint64_t)json_integer_value(item);
    }
    history->price_counts = counts;
    history->price_count = count;
    history->price_step_nanos = GV_NANOS_PER_CPM;
    return GV_OK;
}

static gv_status read_root(gv_region *region, const char *path, const json_t *root,
                           gv_history *history)
{
    uint64_t cost = 0;
    GV_TRY(read_counter(path, root, "imp_train", &history->impressions));
    GV_TRY(read_counter(path, root, "clk_train", &history->clicks));
    GV_TRY(read_counter(path, root, "cost_train", &cost));
    if (cost > (uint64_t)(INT64_MAX / GV_NANOS_PER_CPM)) {
        return GV_FAIL(GV_EPARSE, "%s: cost_train is beyond what money can hold", path);
    }
    history->cost_nanos = (int64_t)cost * GV_NANOS_PER_CPM;
    history->mean_pctr = (double)NAN;
    history->name = gv_region_text(region, path, strlen(path));
    if (history->name == NULL) {
        return GV_FAIL(GV_ENOMEM, "%s: no memory for its name", path);
    }
    return read_prices(region, path, root, history);
}

gv_status gv_inputs_read_info(gv_inputs *inputs, const char *path, gv_history **out)
{
    char *text = NULL;
    size_t size = 0;
    json_error_t error;
    gv_history *history = gv_region_alloc(inputs->region, 1, sizeof *history);
    const char *copy = gv_region_text(inputs->region, path, strlen(path));
    if (history == NULL || copy == NULL) {
        return GV_FAIL(GV_ENOMEM, "%s: no memory for a history", path);
    }
    if (inputs->count == GV_INPUTS_MAX) {
        return GV_FAIL(GV_EUSAGE, "more than %d input files", GV_INPUTS_MAX);
    }
    GV_TRY(gv_file_read_text(path, INFO_BYTES_MAX, &text, &size));
    const uint64_t hash = gv_hash(text, size);
    json_t *root = json_loadb(text, size, 0, &error);
    gv_mem_free(text);
    if (root == NULL) {
        return GV_FAIL(GV_EPARSE, "%s:%d:%d: %s", path, error.line, error.column, error.text);
    }
    const gv_status status = read_root(inputs->region, path, root, history);
    json_decref(root);
    if (status == GV_OK) {
        inputs->items[inputs->count++] = (gv_input){.path = copy, .hash = hash, .kind = "rlb-info"};
        *out = history;
    }
    return status;
}
