/* Examples of retention: made of a campaign, written, and opened again with every doubt. */
#include "sim/market/reentries.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/safetensors.h"
#include "sim/market/population_truth.h"

enum {
#define X(type, name, tensor, first, second) COLUMN_##name,
    GV_REENTRY_COLUMNS(X)
#undef X
        COLUMN_COUNT
};

struct gv_reentries {
    gv_reentry_view view;
    void *columns[COLUMN_COUNT]; /* those that are ours; NULL in a file */
    gv_safetensors *file;        /* NULL unless opened */
};

typedef struct column_form {
    const char *name;
    gv_tensor_type type;
    size_t size;  /* bytes of a number */
    size_t first; /* axes of a row, 0: none */
    size_t second;
} column_form;

static const column_form forms[COLUMN_COUNT] = {
#define X(type, name, tensor, first, second) {#name, tensor, sizeof(type), first, second},
    GV_REENTRY_COLUMNS(X)
#undef X
};

static size_t width_of(const column_form *form)
{
    return (form->first == 0 ? 1 : form->first) * (form->second == 0 ? 1 : form->second);
}

static size_t rank_of(const column_form *form)
{
    return 1U + (form->first != 0) + (form->second != 0);
}

static const void *column_at(const gv_reentry_view *view, size_t column)
{
    const void *const columns[COLUMN_COUNT] = {
#define X(type, name, tensor, first, second) view->name,
        GV_REENTRY_COLUMNS(X)
#undef X
    };
    return columns[column];
}

gv_reentry_view gv_reentry_rows(const gv_reentry_view *view, size_t first, size_t count)
{
    return (gv_reentry_view){.count = count,
#define X(type, name, tensor, one, two) \
    .name = view->name + first * width_of(&forms[COLUMN_##name]),
                             GV_REENTRY_COLUMNS(X)
#undef X
    };
}

/* ---- of a campaign --------------------------------------------------------------------------- */

/* Columns to be written. */
typedef struct writing {
#define X(type, name, tensor, first, second) type *name;
    GV_REENTRY_COLUMNS(X)
#undef X
} writing;

static void put_past(const writing *to, size_t row, const gv_spell *spell)
{
    assert(to->past_count != NULL);
    to->past_count[row] = (int32_t)spell->past_count;
    for (size_t i = 0; i < spell->past_count; i++) {
        const size_t at = row * GV_USER_PAST + i;
        to->past_type[at] = (int32_t)spell->past[i].type;
        to->past_dwell[at] = spell->past[i].dwell;
        to->past_age[at] = spell->past[i].age;
    }
}

static void put_content(const writing *to, size_t row, const gv_onboarding *content)
{
    to->session_count[row] = (int32_t)content->session_count;
    for (size_t s = 0; s < content->session_count; s++) {
        to->session_gap[row * GV_ONBOARDING_SESSIONS + s] = content->gap[s];
        for (size_t j = 0; j < GV_ONBOARDING_ITEMS; j++) {
            const gv_onboarding_item *item = &content->items[s][j];
            const size_t at = (row * GV_ONBOARDING_SESSIONS + s) * GV_ONBOARDING_ITEMS + j;
            to->item_type[at] = (int32_t)item->type;
            to->item_dwell[at] = item->dwell;
            to->item_like[at] = item->is_liked ? 1.0F : 0.0F;
        }
    }
}

/* Content is drawn at the clock at which all labels are known. */
static gv_status put_row(const writing *to, size_t row, const gv_population *population,
                         const gv_retention_truth *truth, const gv_winback_entry *entry)
{
    gv_spell spell;
    gv_onboarding content;
    float *x = &to->x[row * GV_USER_FEATURES];
    gv_population_spell(population, entry->user, entry->spell, &spell);
    GV_TRY(gv_population_onboarding(population, &spell, entry->entry_us, INT64_MAX, &content));
    gv_population_features(&spell, &entry->chance, entry->lapsed_us, x);
    put_past(to, row, &spell);
    put_content(to, row, &content);
    const gv_bid_sight sight = {.x = x, .past = spell.past, .past_count = spell.past_count};
    to->retained[row] = (float)entry->is_retained;
    to->truth_bid[row] = gv_retention_truth_of(truth, &sight, NULL);
    to->truth_content[row] = gv_retention_truth_of(truth, &sight, &content);
    to->user[row] = (int64_t)entry->user;
    to->spell[row] = (int64_t)entry->spell;
    to->bid_us[row] = entry->bid_us;
    to->content_us[row] = content.session_count > 0 ? content.items[0][0].time_us : entry->entry_us;
    return GV_OK;
}

static gv_status allocate(gv_reentries *reentries, size_t count, writing *to)
{
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        const size_t width = width_of(&forms[i]) * forms[i].size;
        reentries->columns[i] = gv_mem_alloc(0, count == 0 ? 1 : count, width);
        if (reentries->columns[i] == NULL) {
            return GV_FAIL(GV_ENOMEM, "no memory for %zu re-entries", count);
        }
    }
    reentries->view.count = count;
#define X(type, name, tensor, first, second)      \
    to->name = reentries->columns[COLUMN_##name]; \
    reentries->view.name = reentries->columns[COLUMN_##name];
    GV_REENTRY_COLUMNS(X)
#undef X
    return GV_OK;
}

static gv_status fill(gv_reentries *reentries, const gv_population *population,
                      const gv_winback *winback)
{
    size_t count = 0;
    const gv_winback_entry *entries = gv_winback_entries(winback, &count);
    gv_retention_truth truth;
    writing to = {0};
    gv_retention_truth_make(&truth, &population->law);
    GV_TRY(allocate(reentries, count, &to));
    for (size_t row = 0; row < count; row++) {
        GV_TRY(put_row(&to, row, population, &truth, &entries[row]));
    }
    return GV_OK;
}

gv_status gv_reentries_of(const gv_population *population, const gv_winback *winback,
                          gv_reentries **out)
{
    gv_reentries *reentries = gv_mem_alloc(sizeof *reentries, 0, 0);
    if (reentries == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for re-entries");
    }
    const gv_status status = fill(reentries, population, winback);
    if (status != GV_OK) {
        gv_reentries_destroy(reentries);
        return status;
    }
    *out = reentries;
    return GV_OK;
}

/* ---- files ----------------------------------------------------------------------------------- */

gv_status gv_reentries_write(const gv_reentries *reentries, const char *path)
{
    gv_tensor tensors[COLUMN_COUNT];
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        tensors[i] = (gv_tensor){.name = forms[i].name,
                                 .type = forms[i].type,
                                 .rank = rank_of(&forms[i]),
                                 .shape = {reentries->view.count, forms[i].first, forms[i].second},
                                 .data = column_at(&reentries->view, i)};
    }
    const gv_tensor_note note = {.key = "gavel", .text = "examples of retention"};
    return gv_safetensors_write(path, tensors, COLUMN_COUNT, &note, 1);
}

static gv_status find_columns(gv_reentries *reentries, const char *path)
{
    const void *columns[COLUMN_COUNT];
    uint64_t count = 0;
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        const uint64_t shape[] = {count, forms[i].first, forms[i].second};
        const gv_tensor *tensor = NULL;
        GV_TRY(gv_safetensors_expect(reentries->file, forms[i].name, forms[i].type,
                                     rank_of(&forms[i]), shape, &tensor));
        if (i > 0 && tensor->shape[0] != count) {
            return GV_FAIL(GV_ECORRUPT, "%s: %s has %" PRIu64 " rows, but %s has %" PRIu64, path,
                           forms[i].name, tensor->shape[0], forms[0].name, count);
        }
        count = tensor->shape[0];
        columns[i] = tensor->data;
    }
    reentries->view.count = (size_t)count;
#define X(type, name, tensor, first, second) reentries->view.name = columns[COLUMN_##name];
    GV_REENTRY_COLUMNS(X)
#undef X
    return GV_OK;
}

static bool is_within(const int32_t *numbers, size_t count, int32_t end)
{
    for (size_t i = 0; i < count; i++) {
        if (numbers[i] < 0 || numbers[i] >= end) {
            return false;
        }
    }
    return true;
}

static bool is_finite(const float *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(numbers[i])) {
            return false;
        }
    }
    return true;
}

static gv_status check_row(const gv_reentry_view *view, size_t row)
{
    const size_t items = (size_t)GV_ONBOARDING_SESSIONS * GV_ONBOARDING_ITEMS;
    const bool fits =
        is_within(&view->past_count[row], 1, GV_USER_PAST + 1) &&
        is_within(&view->session_count[row], 1, GV_ONBOARDING_SESSIONS + 1) &&
        is_within(&view->past_type[row * GV_USER_PAST], GV_USER_PAST, GV_ITEM_TYPES) &&
        is_within(&view->item_type[row * items], items, GV_ITEM_TYPES);
    const bool finite =
        is_finite(&view->x[row * GV_USER_FEATURES], GV_USER_FEATURES) &&
        is_finite(&view->past_dwell[row * GV_USER_PAST], GV_USER_PAST) &&
        is_finite(&view->past_age[row * GV_USER_PAST], GV_USER_PAST) &&
        is_finite(&view->session_gap[row * GV_ONBOARDING_SESSIONS], GV_ONBOARDING_SESSIONS) &&
        is_finite(&view->item_dwell[row * items], items) &&
        is_finite(&view->item_like[row * items], items);
    const float label = view->retained[row];
    if (!fits || !finite || (label != 0.0F && label != 1.0F)) {
        return GV_FAIL(GV_ECORRUPT, "row %zu holds a count, type, number or label that cannot be",
                       row);
    }
    if (view->content_us[row] <= view->bid_us[row]) {
        return GV_FAIL(GV_EINVAL,
                       "row %zu: its content is of %" PRId64 " us and its bid of %" PRId64
                       " us, but content comes after the bid: this file shows what a bid cannot "
                       "know",
                       row, view->content_us[row], view->bid_us[row]);
    }
    return GV_OK;
}

static gv_status open_checked(gv_reentries *reentries, const char *path)
{
    GV_TRY(gv_safetensors_open(path, &reentries->file));
    GV_TRY(find_columns(reentries, path));
    for (size_t row = 0; row < reentries->view.count; row++) {
        const gv_status status = check_row(&reentries->view, row);
        if (status != GV_OK) {
            return GV_FAIL(status, "%s: %.900s", path, gv_status_detail());
        }
    }
    return GV_OK;
}

gv_status gv_reentries_open(const char *path, gv_reentries **out)
{
    gv_reentries *reentries = gv_mem_alloc(sizeof *reentries, 0, 0);
    if (reentries == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to open %s", path);
    }
    const gv_status status = open_checked(reentries, path);
    if (status != GV_OK) {
        gv_reentries_destroy(reentries);
        return status;
    }
    *out = reentries;
    return GV_OK;
}

void gv_reentries_destroy(gv_reentries *reentries)
{
    if (reentries == NULL) {
        return;
    }
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        gv_mem_free(reentries->columns[i]);
    }
    gv_safetensors_close(reentries->file);
    gv_mem_free(reentries);
}

const gv_reentry_view *gv_reentries_view(const gv_reentries *reentries)
{
    return &reentries->view;
}
