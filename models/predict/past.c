#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "models/predict/past_impl.h"
#include "sim/base/hash.h"
#include "sim/base/mem.h"

/* Kinds of event, in the low bits of a place. */
enum { SEEN = 0, CLICKED = 1, ORPHAN = 2, KIND_BITS = 2, KIND_MASK = 3 };

/* The user of a row; false: nobody that could be known again. */
static bool user_of(const gv_log_column *column, uint64_t row, uint64_t *user)
{
    size_t size = 0;
    const char *text = gv_log_text(column, row, &size);
    const bool is_nobody =
        size == 0 || (size == 1 && text[0] == '-') || (size == 4 && memcmp(text, "null", 4) == 0);
    *user = gv_hash(text, size);
    return !is_nobody;
}

typedef struct source {
    gv_log_table table;
    uint64_t kind;
    const gv_log_column *users;
    const gv_log_column *times;
    const gv_log_column *rows; /* NULL: the table's own */
} source;

static gv_status add_events(gv_past *past, const gv_log *log, const source *from)
{
    const uint64_t count = gv_log_rows(log, from->table);
    if (count == 0) {
        return GV_OK;
    }
    GV_TRY(gv_log_check(from->times, 0, count));
    if (from->rows == NULL) {
        GV_TRY(gv_log_check(from->users, 0, count));
    } else {
        GV_TRY(gv_log_check(from->rows, 0, count));
    }
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t row = from->rows == NULL ? i : (uint64_t)gv_log_integers(from->rows)[i];
        gv_past_event *event = &past->events[past->count];
        if (user_of(from->users, row, &event->user)) {
            event->time_us = gv_log_integers(from->times)[i];
            event->place = row << KIND_BITS | from->kind;
            past->count++;
        }
    }
    return GV_OK;
}

static int compare_events(const void *one, const void *other)
{
    const gv_past_event *a = one;
    const gv_past_event *b = other;
    if (a->user != b->user) {
        return a->user < b->user ? -1 : 1;
    }
    if (a->time_us != b->time_us) {
        return a->time_us < b->time_us ? -1 : 1;
    }
    return (a->place > b->place) - (a->place < b->place);
}

/* The source of a table; its columns must be there when it has rows. */
static gv_status find_source(const gv_log *log, gv_log_table table, uint64_t kind, source *out)
{
    const bool is_joined = table == GV_LOG_CLICK;
    *out =
        (source){.table = table,
                 .kind = kind,
                 .users = gv_log_find(log, is_joined ? GV_LOG_IMPRESSION : table,
                                      gv_log_role_name(GV_ROLE_USER)),
                 .times = gv_log_find(log, table, gv_log_role_name(GV_ROLE_TIME)),
                 .rows = is_joined ? gv_log_find(log, table, gv_log_role_name(GV_ROLE_ROW)) : NULL};
    const bool is_whole =
        out->users != NULL && out->times != NULL && (!is_joined || out->rows != NULL);
    if (gv_log_rows(log, table) > 0 && !is_whole) {
        return GV_FAIL(GV_ENOTFOUND, "%s: the %s table has no %s, so users have no past",
                       gv_log_path(log), gv_log_table_name(table),
                       out->users == NULL ? "user" : "time");
    }
    return GV_OK;
}

gv_status gv_past_init(gv_past *past, const gv_log *log)
{
    source sources[3];
    size_t room = 0;
    GV_TRY(find_source(log, GV_LOG_IMPRESSION, SEEN, &sources[0]));
    GV_TRY(find_source(log, GV_LOG_CLICK, CLICKED, &sources[1]));
    GV_TRY(find_source(log, GV_LOG_ORPHAN_CLICK, ORPHAN, &sources[2]));
    for (size_t i = 0; i < 3; i++) {
        room += (size_t)gv_log_rows(log, sources[i].table);
    }
    *past = (gv_past){.users = {sources[0].users, sources[2].users}};
    past->events = gv_mem_alloc(0, room, sizeof *past->events);
    if (past->events == NULL) {
        return GV_FAIL(GV_ENOMEM, "an index of %zu events", room);
    }
    for (size_t i = 0; i < 3; i++) {
        GV_TRY(add_events(past, log, &sources[i]));
    }
    if (past->count > 0) {
        qsort(past->events, past->count, sizeof *past->events, compare_events);
    }
    return GV_OK;
}

void gv_past_fini(gv_past *past)
{
    gv_mem_free(past->events);
    *past = (gv_past){.count = 0};
}

/* The first event that is not before (user, time). */
static size_t lower_bound(const gv_past *past, uint64_t user, int64_t time_us)
{
    size_t low = 0;
    size_t high = past->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const gv_past_event *event = &past->events[middle];
        const bool is_before =
            event->user < user || (event->user == user && event->time_us < time_us);
        low = is_before ? middle + 1 : low;
        high = is_before ? high : middle;
    }
    return low;
}

size_t gv_past_before(const gv_past *past, const gv_value_place *row, size_t most,
                      const gv_past_event **first)
{
    uint64_t user = 0;
    *first = NULL;
    if (!user_of(past->users[row->is_orphan ? 1 : 0], row->row, &user)) {
        return 0;
    }
    const size_t end = lower_bound(past, user, row->time_us);
    size_t begin = end;
    while (begin > 0 && end - begin < most && past->events[begin - 1].user == user) {
        begin--;
        assert(past->events[begin].time_us < row->time_us);
    }
    *first = past->events + begin;
    return end - begin;
}

gv_value_place gv_past_place(const gv_past_event *event)
{
    const uint64_t kind = event->place & KIND_MASK;
    return (gv_value_place){.row = event->place >> KIND_BITS,
                            .time_us = event->time_us,
                            .is_orphan = kind == ORPHAN,
                            .is_click = kind != SEEN};
}
