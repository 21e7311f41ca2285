#include "models/predict/samples.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"

enum { REPORT_ROWS = 65536, FIRST_ROOM = 4096 };

/* Clicks of impressions in the log: ascending by row, then by time. */
typedef struct joined_clicks {
    const int64_t *rows;
    const int64_t *times; /* both [count] */
    uint64_t count;
    uint64_t next;
} joined_clicks;

/* `row` and `time` of clicks or conversions. */
static gv_status bind_joined(joined_clicks *joined, const gv_log *log, gv_log_table table)
{
    *joined = (joined_clicks){.count = gv_log_rows(log, table)};
    if (joined->count == 0) {
        return GV_OK;
    }
    const gv_log_column *row = gv_log_find(log, table, gv_log_role_name(GV_ROLE_ROW));
    const gv_log_column *time = gv_log_find(log, table, gv_log_role_name(GV_ROLE_TIME));
    if (row == NULL || time == NULL) {
        return GV_FAIL(GV_ECORRUPT, "%s: the %s table has no %s", gv_log_path(log),
                       gv_log_table_name(table), row == NULL ? "row" : "time");
    }
    GV_TRY(gv_log_check(row, 0, joined->count));
    GV_TRY(gv_log_check(time, 0, joined->count));
    joined->rows = gv_log_integers(row);
    joined->times = gv_log_integers(time);
    return GV_OK;
}

/* The next impression with a click in the span, or -1; each once. */
static int64_t next_clicked(joined_clicks *joined, const gv_predictor_training *training)
{
    assert(joined->count == 0 || joined->rows != NULL);
    assert(joined->count == 0 || joined->times != NULL);
    while (joined->next < joined->count) {
        const int64_t row = joined->rows[joined->next];
        bool in_span = false;
        for (; joined->next < joined->count && joined->rows[joined->next] == row; joined->next++) {
            const int64_t time = joined->times[joined->next];
            in_span = in_span || (training->start_us <= time && time < training->end_us);
        }
        if (in_span) {
            return row;
        }
    }
    return -1;
}

static bool go_on(const gv_progress *progress, const char *what, uint64_t done, uint64_t total)
{
    return done % REPORT_ROWS != 0 || gv_progress_report(progress, what, done, total);
}

/* Clicked impressions of any time, and the unclicked of the span. */
static gv_status each_impression(const gv_predictor_training *training, const char *what,
                                 const gv_progress *progress, gv_sample_visit visit, void *context)
{
    const gv_log *log = training->log;
    joined_clicks joined;
    uint64_t first = 0;
    uint64_t end = 0;
    GV_TRY(gv_log_lower_bound(log, GV_LOG_IMPRESSION, training->start_us, &first));
    GV_TRY(gv_log_lower_bound(log, GV_LOG_IMPRESSION, training->end_us, &end));
    GV_TRY(bind_joined(&joined, log, GV_LOG_CLICK));
    int64_t clicked = next_clicked(&joined, training);
    uint64_t row = first;
    while (clicked >= 0 || row < end) {
        if (!go_on(progress, what, row - first, end - first)) {
            return GV_FAIL(GV_ESTOPPED, "%s was stopped", what);
        }
        const bool click_first = clicked >= 0 && (row >= end || (uint64_t)clicked <= row);
        if (click_first) {
            const gv_sample sample = {.row = (uint64_t)clicked, .is_clicked = true};
            GV_TRY(visit(context, &sample));
            row += (uint64_t)clicked == row && row < end ? 1 : 0;
            clicked = next_clicked(&joined, training);
        } else {
            const gv_sample sample = {.row = row};
            GV_TRY(visit(context, &sample));
            row++;
        }
    }
    return GV_OK;
}

typedef struct bid_text {
    const char *bytes;
    size_t size;
    uint64_t row;
} bid_text;

static int compare_texts(const bid_text *a, const bid_text *b)
{
    const int order = memcmp(a->bytes, b->bytes, a->size < b->size ? a->size : b->size);
    return order != 0 ? order : (a->size > b->size) - (a->size < b->size);
}

/* By text, then by row. */
static int compare_bids(const void *one, const void *other)
{
    const bid_text *a = one;
    const bid_text *b = other;
    const int order = compare_texts(a, b);
    return order != 0 ? order : (a->row > b->row) - (a->row < b->row);
}

/* Bids of rows [first, end) of a table, sorted. The caller frees *bids. */
static gv_status list_bids(const gv_log *log, gv_log_table table, uint64_t first, uint64_t end,
                           bid_text **bids)
{
    const gv_log_column *bid_id = gv_log_find(log, table, gv_log_role_name(GV_ROLE_BID_ID));
    if (bid_id == NULL) {
        return GV_FAIL(GV_ENOTFOUND,
                       "%s: the %s table has no bid_id, so repeated clicks cannot be told apart",
                       gv_log_path(log), gv_log_table_name(table));
    }
    GV_TRY(gv_log_check(bid_id, first, end - first));
    const size_t count = (size_t)(end - first);
    bid_text *list = gv_mem_alloc(0, count, sizeof *list);
    if (list == NULL) {
        return GV_FAIL(GV_ENOMEM, "%zu bids", count);
    }
    for (size_t i = 0; i < count; i++) {
        list[i].row = first + i;
        list[i].bytes = gv_log_text(bid_id, list[i].row, &list[i].size);
    }
    qsort(list, count, sizeof *list, compare_bids);
    *bids = list;
    return GV_OK;
}

/* Clicks of the span whose impression is not in the log; a bid's first click stands for it. */
static gv_status each_orphan(const gv_predictor_training *training, gv_sample_visit visit,
                             void *context)
{
    const gv_log_table table = GV_LOG_ORPHAN_CLICK;
    uint64_t first = 0;
    uint64_t end = 0;
    bid_text *bids = NULL;
    if (gv_log_rows(training->log, table) == 0) {
        return GV_OK;
    }
    GV_TRY(gv_log_lower_bound(training->log, table, training->start_us, &first));
    GV_TRY(gv_log_lower_bound(training->log, table, training->end_us, &end));
    GV_TRY(list_bids(training->log, table, first, end, &bids));
    assert(bids != NULL);
    gv_status status = GV_OK;
    for (size_t i = 0; i < (size_t)(end - first) && status == GV_OK; i++) {
        if (i == 0 || compare_texts(&bids[i], &bids[i - 1]) != 0) {
            const gv_sample sample = {.row = bids[i].row, .is_orphan = true, .is_clicked = true};
            status = visit(context, &sample);
        }
    }
    gv_mem_free(bids);
    return status;
}

gv_status gv_samples_each(const gv_predictor_training *training, const char *what,
                          const gv_progress *progress, gv_sample_visit visit, void *context)
{
    assert(training->impression_weight > 0);
    GV_TRY(each_impression(training, what, progress, visit, context));
    return each_orphan(training, visit, context);
}

/* ---- a list ---------------------------------------------------------------------------------- */

typedef struct gathering {
    gv_sample_list *list;
    size_t room;
} gathering;

static gv_status add_sample(void *context, const gv_sample *sample)
{
    gathering *state = context;
    gv_sample_list *list = state->list;
    if (list->count == state->room) {
        const size_t room = state->room == 0 ? FIRST_ROOM : state->room * 2;
        gv_sample *grown = gv_mem_resize(list->items, room, sizeof *grown);
        if (grown == NULL) {
            return GV_FAIL(GV_ENOMEM, "a list of %zu samples", room);
        }
        list->items = grown;
        state->room = room;
    }
    list->items[list->count++] = *sample;
    list->click_count += sample->is_clicked ? 1 : 0;
    return GV_OK;
}

static gv_status set_times(gv_sample_list *list, const gv_log *log, gv_log_table table)
{
    const bool is_orphan = table == GV_LOG_ORPHAN_CLICK;
    if (gv_log_rows(log, table) == 0) {
        return GV_OK;
    }
    const gv_log_column *time = gv_log_find(log, table, gv_log_role_name(GV_ROLE_TIME));
    if (time == NULL) {
        return GV_FAIL(GV_ENOTFOUND, "%s: the %s table has no time", gv_log_path(log),
                       gv_log_table_name(table));
    }
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].is_orphan == is_orphan) {
            GV_TRY(gv_log_check(time, list->items[i].row, 1));
            list->items[i].time_us = gv_log_integers(time)[list->items[i].row];
        }
    }
    return GV_OK;
}

/* Whether the impression has a conversion before `end_us`; conversions ascend by (row, time). */
static bool has_joined(const joined_clicks *conversions, uint64_t row, int64_t end_us)
{
    uint64_t low = 0;
    uint64_t high = conversions->count;
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        if ((uint64_t)conversions->rows[middle] < row) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < conversions->count && (uint64_t)conversions->rows[low] == row &&
           conversions->times[low] < end_us;
}

static gv_status join_conversions(gv_sample_list *list, const gv_predictor_training *training)
{
    joined_clicks conversions;
    GV_TRY(bind_joined(&conversions, training->log, GV_LOG_CONVERSION));
    for (size_t i = 0; i < list->count && conversions.count > 0; i++) {
        gv_sample *sample = &list->items[i];
        if (sample->is_clicked && !sample->is_orphan) {
            sample->is_converted = has_joined(&conversions, sample->row, training->end_us);
        }
    }
    return GV_OK;
}

static gv_status mark_converted(gv_sample_list *list, const gv_log *log, const bid_text *converted,
                                size_t count)
{
    const gv_log_column *bid_id =
        gv_log_find(log, GV_LOG_ORPHAN_CLICK, gv_log_role_name(GV_ROLE_BID_ID));
    for (size_t i = 0; i < list->count; i++) {
        gv_sample *sample = &list->items[i];
        if (!sample->is_orphan) {
            continue;
        }
        bid_text bid = {.row = 0};
        GV_TRY(gv_log_check(bid_id, sample->row, 1));
        bid.bytes = gv_log_text(bid_id, sample->row, &bid.size);
        size_t low = 0;
        size_t high = count;
        while (low < high) {
            const size_t middle = low + (high - low) / 2;
            if (compare_texts(&converted[middle], &bid) < 0) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        sample->is_converted = low < count && compare_texts(&converted[low], &bid) == 0;
    }
    return GV_OK;
}

/* Of orphaned clicks: conversions of the same bid. */
static gv_status match_conversions(gv_sample_list *list, const gv_predictor_training *training)
{
    const gv_log *log = training->log;
    uint64_t end = 0;
    bid_text *bids = NULL;
    if (gv_log_rows(log, GV_LOG_ORPHAN_CONVERSION) == 0 ||
        gv_log_rows(log, GV_LOG_ORPHAN_CLICK) == 0) {
        return GV_OK;
    }
    GV_TRY(gv_log_lower_bound(log, GV_LOG_ORPHAN_CONVERSION, training->end_us, &end));
    GV_TRY(list_bids(log, GV_LOG_ORPHAN_CONVERSION, 0, end, &bids));
    const gv_status status = mark_converted(list, log, bids, (size_t)end);
    gv_mem_free(bids);
    return status;
}

static int compare_samples(const void *one, const void *other)
{
    const gv_sample *a = one;
    const gv_sample *b = other;
    if (a->time_us != b->time_us) {
        return a->time_us < b->time_us ? -1 : 1;
    }
    if (a->is_orphan != b->is_orphan) {
        return a->is_orphan ? 1 : -1;
    }
    return (a->row > b->row) - (a->row < b->row);
}

static gv_status finish_list(gv_sample_list *list, const gv_predictor_training *training)
{
    const gv_log *log = training->log;
    GV_TRY(set_times(list, log, GV_LOG_IMPRESSION));
    GV_TRY(set_times(list, log, GV_LOG_ORPHAN_CLICK));
    GV_TRY(join_conversions(list, training));
    GV_TRY(match_conversions(list, training));
    list->tells_conversions =
        gv_log_rows(log, GV_LOG_CONVERSION) > 0 || gv_log_rows(log, GV_LOG_ORPHAN_CONVERSION) > 0;
    for (size_t i = 0; i < list->count; i++) {
        list->conversion_count += list->items[i].is_converted ? 1 : 0;
    }
    if (list->count > 0) {
        qsort(list->items, list->count, sizeof *list->items, compare_samples);
    }
    return GV_OK;
}

gv_status gv_samples_gather(const gv_predictor_training *training, const char *what,
                            const gv_progress *progress, gv_sample_list *out)
{
    gv_sample_list list = {.count = 0};
    gathering state = {.list = &list};
    gv_status status = gv_samples_each(training, what, progress, add_sample, &state);
    if (status == GV_OK) {
        status = finish_list(&list, training);
    }
    if (status != GV_OK) {
        gv_samples_fini(&list);
        return status;
    }
    *out = list;
    return GV_OK;
}

void gv_samples_fini(gv_sample_list *list)
{
    gv_mem_free(list->items);
    *list = (gv_sample_list){.count = 0};
}
