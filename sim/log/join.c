#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/log/join_impl.h"
#include "sim/log/repeats_impl.h"

enum { AHEAD = 16 };

/* An open-addressed set of hashes; each has the rows of the impressions that carry it. */
typedef struct watch_set {
    uint64_t *hashes; /* [slot_count]; 0: empty */
    size_t slot_count;
    size_t *starts; /* [slot_count + 1]: where the rows of a slot start, once grouped */
    uint64_t *rows;
    gv_words found; /* slot, row, slot, row... in the order of rows */
} watch_set;

static size_t slot_of(const watch_set *watch, uint64_t hash)
{
    size_t at = hash & (watch->slot_count - 1);
    while (watch->hashes[at] != 0 && watch->hashes[at] != hash) {
        at = (at + 1) & (watch->slot_count - 1);
    }
    return at;
}

static gv_status start_watch(watch_set *watch, size_t hashes_max)
{
    watch->slot_count = 2;
    while (watch->slot_count < 2 * hashes_max + 2) {
        watch->slot_count *= 2;
    }
    watch->hashes = gv_mem_alloc(0, watch->slot_count, sizeof *watch->hashes);
    watch->starts = gv_mem_alloc(0, watch->slot_count + 1, sizeof *watch->starts);
    if (watch->hashes == NULL || watch->starts == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to join %zu events", hashes_max);
    }
    return GV_OK;
}

static void stop_watch(watch_set *watch)
{
    gv_mem_free(watch->hashes);
    gv_mem_free(watch->starts);
    gv_mem_free(watch->rows);
    gv_mem_free(watch->found.words);
}

static gv_status find_rows(watch_set *watch, const gv_join_impressions *impressions)
{
    const size_t mask = watch->slot_count - 1;
    for (uint64_t row = 0; row < impressions->rows; row++) {
        if (row + AHEAD < impressions->rows) {
            __builtin_prefetch(&watch->hashes[impressions->hashes[row + AHEAD] & mask]);
        }
        const uint64_t hash = impressions->hashes[row];
        if (hash == 0) {
            continue;
        }
        const size_t slot = slot_of(watch, hash);
        if (watch->hashes[slot] != 0) {
            GV_TRY(gv_words_add(&watch->found, slot));
            GV_TRY(gv_words_add(&watch->found, row));
        }
    }
    return GV_OK;
}

/* A counting sort of what was found by slot keeps the rows of each ascending. */
static gv_status group_rows(watch_set *watch)
{
    const size_t count = watch->found.count / 2;
    watch->rows = gv_mem_alloc_vector(count, sizeof *watch->rows);
    if (watch->rows == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to join %zu impressions", count);
    }
    for (size_t i = 0; i < count; i++) {
        watch->starts[watch->found.words[2 * i] + 1]++;
    }
    for (size_t slot = 0; slot < watch->slot_count; slot++) {
        watch->starts[slot + 1] += watch->starts[slot];
    }
    for (size_t i = count; i-- > 0;) { /* backwards: starts[slot + 1] counts down to its start */
        watch->rows[--watch->starts[watch->found.words[2 * i] + 1]] = watch->found.words[2 * i + 1];
    }
    memmove(watch->starts, watch->starts + 1, watch->slot_count * sizeof *watch->starts);
    watch->starts[watch->slot_count] = count;
    return GV_OK;
}

static gv_span bid_id_of(const gv_join_impressions *impressions, uint64_t row)
{
    const uint64_t start = impressions->starts[row];
    return (gv_span){impressions->heap + start, impressions->starts[row + 1] - start};
}

static bool equals(gv_span left, gv_span right)
{
    return left.size == right.size && memcmp(left.bytes, right.bytes, left.size) == 0;
}

/* Rows of one hash whose bid id a row before them has. rows: [count], spoilt. */
static uint64_t count_repeated(const gv_join_impressions *impressions, uint64_t *rows, size_t count)
{
    size_t distinct = 0;
    for (size_t i = 0; i < count; i++) {
        const gv_span bid_id = bid_id_of(impressions, rows[i]);
        size_t same = 0;
        while (same < distinct && !equals(bid_id, bid_id_of(impressions, rows[same]))) {
            same++;
        }
        if (same == distinct) {
            rows[distinct++] = rows[i];
        }
    }
    return count - distinct;
}

static uint64_t choose_row(const gv_join_impressions *impressions, const gv_join_event *event,
                           const uint64_t *rows, size_t count)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) { /* the first that is later than the event */
        const size_t middle = low + (high - low) / 2;
        if (impressions->times[rows[middle]] <= event->time) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (size_t i = low; i-- > 0;) {
        if (equals(event->bid_id, bid_id_of(impressions, rows[i]))) {
            return rows[i];
        }
    }
    for (size_t i = low; i < count; i++) {
        if (equals(event->bid_id, bid_id_of(impressions, rows[i]))) {
            return rows[i];
        }
    }
    return GV_JOIN_ORPHAN;
}

static gv_status watch_all(watch_set *watch, const gv_join_event *events, size_t event_count,
                           const gv_words *repeats)
{
    GV_TRY(start_watch(watch, event_count + repeats->count));
    for (size_t i = 0; i < event_count; i++) {
        if (events[i].hash != 0) {
            watch->hashes[slot_of(watch, events[i].hash)] = events[i].hash;
        }
    }
    for (size_t i = 0; i < repeats->count; i++) {
        watch->hashes[slot_of(watch, repeats->words[i])] = repeats->words[i];
    }
    return GV_OK;
}

static void resolve(watch_set *watch, const gv_join_impressions *impressions, gv_join_event *events,
                    size_t event_count, uint64_t *repeated)
{
    for (size_t i = 0; i < event_count; i++) {
        events[i].row = GV_JOIN_ORPHAN;
        if (events[i].hash != 0) {
            const size_t slot = slot_of(watch, events[i].hash);
            const size_t first = watch->starts[slot];
            events[i].row = choose_row(impressions, &events[i], watch->rows + first,
                                       watch->starts[slot + 1] - first);
        }
    }
    uint64_t sum = 0;
    for (size_t slot = 0; slot < watch->slot_count; slot++) {
        const size_t first = watch->starts[slot];
        sum += count_repeated(impressions, watch->rows + first, watch->starts[slot + 1] - first);
    }
    *repeated = sum;
}

gv_status gv_join(const gv_join_impressions *impressions, gv_join_event *events, size_t event_count,
                  uint64_t *repeated)
{
    watch_set watch = {.slot_count = 0};
    gv_words repeats = {.count = 0};
    gv_status status = GV_OK;
    GV_TRY_GOTO(status, gv_repeats_find(impressions->hashes, impressions->rows, &repeats), end);
    GV_TRY_GOTO(status, watch_all(&watch, events, event_count, &repeats), end);
    GV_TRY_GOTO(status, find_rows(&watch, impressions), end);
    GV_TRY_GOTO(status, group_rows(&watch), end);
    resolve(&watch, impressions, events, event_count, repeated);
end:
    gv_mem_free(repeats.words);
    stop_watch(&watch);
    return status;
}

gv_status gv_join_distinct(const gv_join_event *events, size_t event_count, uint64_t *distinct)
{
    size_t slot_count = 2;
    while (slot_count < 2 * event_count + 2) {
        slot_count *= 2;
    }
    const gv_join_event **slots = gv_mem_alloc(0, slot_count, sizeof(const gv_join_event *));
    if (slots == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to count %zu events", event_count);
    }
    uint64_t count = 0;
    for (size_t i = 0; i < event_count; i++) {
        size_t at = events[i].hash & (slot_count - 1);
        while (slots[at] != NULL && !equals(slots[at]->bid_id, events[i].bid_id)) {
            at = (at + 1) & (slot_count - 1);
        }
        if (slots[at] == NULL && events[i].hash != 0) {
            slots[at] = &events[i];
            count++;
        }
    }
    gv_mem_free(slots);
    *distinct = count;
    return GV_OK;
}
