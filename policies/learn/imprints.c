#include "policies/learn/imprints.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"

enum { FIRST_ROOM = 16, HEX_DIGITS = 16, ENTRY_SIZE = 48 };

void gv_imprints_fini(gv_imprints *imprints)
{
    gv_mem_free(imprints->items);
    *imprints = (gv_imprints){.items = NULL};
}

static bool comes_before(gv_imprint one, gv_imprint other)
{
    return one.period != other.period ? one.period < other.period : one.hash < other.hash;
}

/* Where it is, or belongs. */
static size_t place_of(const gv_imprints *imprints, gv_imprint imprint)
{
    size_t low = 0;
    size_t high = imprints->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (comes_before(imprints->items[middle], imprint)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

gv_status gv_imprints_add(gv_imprints *imprints, gv_imprint imprint)
{
    const size_t at = place_of(imprints, imprint);
    if (at < imprints->count && !comes_before(imprint, imprints->items[at])) {
        return GV_OK;
    }
    if (imprints->count == imprints->capacity) {
        const size_t wider = imprints->capacity == 0 ? FIRST_ROOM : 2 * imprints->capacity;
        gv_imprint *items = gv_mem_resize(imprints->items, wider, sizeof *items);
        if (items == NULL) {
            return GV_FAIL(GV_ENOMEM, "no memory for the imprints of %zu periods", wider);
        }
        imprints->items = items;
        imprints->capacity = wider;
    }
    memmove(imprints->items + at + 1, imprints->items + at,
            (imprints->count - at) * sizeof imprint);
    imprints->items[at] = imprint;
    imprints->count++;
    return GV_OK;
}

/* ---- as text --------------------------------------------------------------------------------- */

/* A whole number, all of `text`. */
static bool parse_period(const char *text, int64_t *period)
{
    const size_t length = strlen(text);
    if (length == 0 || length > 18 || strspn(text, "0123456789") != length) {
        return false;
    }
    *period = (int64_t)strtoull(text, NULL, 10);
    return true;
}

/* A word of hex digits at the start of `text`; 0: none is there. */
static size_t parse_hash(const char *text, uint64_t *hash)
{
    if (strspn(text, "0123456789abcdef") != HEX_DIGITS) {
        return 0;
    }
    *hash = strtoull(text, NULL, 16);
    return HEX_DIGITS;
}

static gv_status refuse(const char *name, const char *key, const char *hex)
{
    return GV_FAIL(
        GV_ECORRUPT,
        "%s: the imprint of period \"%.40s\" is \"%.40s\", expected the number of a period "
        "and 16 hex digits",
        name, key, hex == NULL ? "no text" : hex);
}

static gv_status add_entry(gv_imprints *imprints, const char *name, const char *key,
                           const json_t *value)
{
    const char *hex = json_string_value(value);
    gv_imprint imprint = {0};
    if (hex == NULL || !parse_period(key, &imprint.period)) {
        return refuse(name, key, hex);
    }
    for (const char *word = hex; *word != '\0';) {
        const size_t length = parse_hash(word, &imprint.hash);
        if (length == 0) {
            return refuse(name, key, hex);
        }
        GV_TRY(gv_imprints_add(imprints, imprint));
        word += length + (word[length] == ' ' ? 1 : 0);
    }
    return GV_OK;
}

static gv_status add_all(gv_imprints *imprints, const char *name, json_t *periods)
{
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(periods, key, value)
    {
        GV_TRY(add_entry(imprints, name, key, value));
    }
    return GV_OK;
}

gv_status gv_imprints_read(gv_imprints *imprints, const char *name, const char *text)
{
    json_error_t error;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(root)) {
        json_decref(root);
        return GV_FAIL(GV_ECORRUPT, "%s: where it came from is no JSON object: %.200s", name,
                       root == NULL ? error.text : "it is something else");
    }
    json_t *periods = json_object_get(root, "periods");
    gv_status status = GV_OK;
    if (periods != NULL && !json_is_object(periods)) {
        status = GV_FAIL(GV_ECORRUPT, "%s: \"periods\" is no object of periods and hashes", name);
    } else if (periods != NULL) {
        status = add_all(imprints, name, periods);
    }
    json_decref(root);
    return status;
}

gv_status gv_imprints_print(const gv_imprints *imprints, char **text)
{
    const size_t size = imprints->count * ENTRY_SIZE + sizeof "{\"periods\":{}}";
    char *room = gv_mem_alloc(0, size, 1);
    if (room == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the imprints of %zu periods", imprints->count);
    }
    size_t used = (size_t)snprintf(room, size, "{\"periods\":{");
    for (size_t i = 0; i < imprints->count; i++) {
        const gv_imprint *imprint = &imprints->items[i];
        if (i > 0 && imprint[-1].period == imprint->period) {
            used += (size_t)snprintf(room + used, size - used, " %016" PRIx64, imprint->hash);
            continue;
        }
        used += (size_t)snprintf(room + used, size - used, "%s\"%" PRId64 "\":\"%016" PRIx64,
                                 i == 0 ? "" : "\",", imprint->period, imprint->hash);
    }
    (void)snprintf(room + used, size - used, "%s}}", imprints->count == 0 ? "" : "\"");
    *text = room;
    return GV_OK;
}

const gv_imprint *gv_imprints_find(const gv_imprints *imprints, uint64_t hash)
{
    for (size_t i = 0; i < imprints->count; i++) {
        if (imprints->items[i].hash == hash) {
            return &imprints->items[i];
        }
    }
    return NULL;
}
