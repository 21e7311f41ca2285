#include "models/predict/fields.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { CULPRITS_SIZE = 700, SHOWN = 40 };

#define EXAMPLE "such as \"advertiser, creative*hour; past(20): creative\""

/*
 * Known only after the bid, or another predictor's answer. Roles of a log first, then what other
 * logs call the same: a mapping file names its columns as it likes.
 */
static const char *const leaks[] = {
    "bid",          "price",      "row",       "clicks",    "conversions",
    "pctr",         "pcvr",       "click",     "clicked",   "conversion",
    "converted",    "label",      "y",         "z",         "outcome",
    "win",          "won",        "cost",      "spend",     "paid",
    "payment",      "pay_price",  "payprice",  "win_price", "winprice",
    "market_price", "price_paid", "bid_price", "bidprice",  "bidding_price",
    "paying_price", "revenue",    "reward",    "value",     "sale",
    "purchase",     NULL,
};

/* Columns that are the user's, or the request's, where nothing else is said. */
static const char *const users[] = {
    "user", "user_agent", "ip",   "region", "city",    "exchange", "domain",
    "url",  "url_id",     "tags", "hour",   "weekday", NULL,
};

typedef struct scanner {
    const char *text;
    size_t size;
    size_t at;
} scanner;

/* Names for one sentence, and whether some did not fit. */
typedef struct culprits {
    char names[CULPRITS_SIZE];
    size_t count;
} culprits;

static void add_culprit(culprits *list, const char *name)
{
    const size_t used = strlen(list->names);
    (void)snprintf(list->names + used, sizeof list->names - used, "%s%s", used == 0 ? "" : ", ",
                   name);
    list->count++;
}

static void skip_blanks(scanner *in)
{
    while (in->at < in->size && (in->text[in->at] == ' ' || in->text[in->at] == '\t' ||
                                 in->text[in->at] == '\n' || in->text[in->at] == '\r')) {
        in->at++;
    }
}

static bool take(scanner *in, char wanted)
{
    skip_blanks(in);
    if (in->at < in->size && in->text[in->at] == wanted) {
        in->at++;
        return true;
    }
    return false;
}

static gv_status refuse(scanner *in, const char *expected)
{
    skip_blanks(in);
    char found[SHOWN + 1];
    const size_t left = in->size - in->at;
    size_t shown = left < SHOWN ? left : SHOWN;
    for (size_t i = 0; i < shown; i++) {
        found[i] = in->text[in->at + i];
        if (found[i] < '!' || found[i] > '~') {
            found[i] = ' ';
        }
    }
    found[shown] = '\0';
    return GV_FAIL(
        GV_EUSAGE, "fields: expected %s at character %zu, found %s%s%s: write a list " EXAMPLE,
        expected, in->at + 1, shown == 0 ? "the end" : "'", found, shown == 0 ? "" : "'");
}

static bool is_of_name(char byte)
{
    return ('a' <= byte && byte <= 'z') || ('A' <= byte && byte <= 'Z') ||
           ('0' <= byte && byte <= '9') || byte == '_' || byte == '-' || byte == '.';
}

/* name: [GV_FIELD_NAME_SIZE]. */
static gv_status take_name(scanner *in, char *name)
{
    skip_blanks(in);
    const size_t first = in->at;
    while (in->at < in->size && is_of_name(in->text[in->at])) {
        in->at++;
    }
    const size_t size = in->at - first;
    if (size == 0 || size >= GV_FIELD_NAME_SIZE) {
        in->at = first;
        return refuse(in, size == 0 ? "a column's name" : "a name of at most 39 characters");
    }
    memcpy(name, in->text + first, size);
    name[size] = '\0';
    return GV_OK;
}

static bool is_usually_users(const char *name)
{
    for (size_t i = 0; users[i] != NULL; i++) {
        if (strcmp(users[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* "@user", "@item", or nothing. */
static gv_status take_side(scanner *in, bool *is_users)
{
    char side[GV_FIELD_NAME_SIZE];
    if (!take(in, '@')) {
        return GV_OK;
    }
    const size_t first = in->at;
    GV_TRY(take_name(in, side));
    *is_users = strcmp(side, "user") == 0;
    if (!*is_users && strcmp(side, "item") != 0) {
        in->at = first;
        return refuse(in, "user or item behind '@'");
    }
    return GV_OK;
}

static gv_status take_field(scanner *in, gv_field *field, bool is_past)
{
    do {
        const size_t part = field->part_count;
        if (part == GV_FIELD_PARTS_MAX) {
            return refuse(in, "at most three columns in a cross");
        }
        GV_TRY(take_name(in, field->parts[part]));
        field->is_users[part] = is_past || is_usually_users(field->parts[part]);
        if (!is_past) {
            GV_TRY(take_side(in, &field->is_users[part]));
        }
        field->part_count++;
    } while (take(in, '*'));
    return GV_OK;
}

static gv_status take_list(scanner *in, gv_field *list, size_t most, size_t *count)
{
    do {
        const bool is_past = most == GV_PAST_FIELDS_MAX;
        if (*count == most) {
            return refuse(in, is_past ? "at most 8 fields of a past event" : "at most 64 fields");
        }
        GV_TRY(take_field(in, &list[*count], is_past));
        (*count)++;
    } while (take(in, ','));
    return GV_OK;
}

static gv_status take_length(scanner *in, size_t *length)
{
    skip_blanks(in);
    const size_t first = in->at;
    while (in->at < in->size && '0' <= in->text[in->at] && in->text[in->at] <= '9' &&
           *length <= GV_PAST_LENGTH_MAX) {
        *length = *length * 10 + (size_t)(in->text[in->at++] - '0');
    }
    if (*length < 1 || *length > GV_PAST_LENGTH_MAX) {
        in->at = first;
        return refuse(in, "a number of events from 1 to 4096");
    }
    return GV_OK;
}

static gv_status take_past(scanner *in, gv_fields *fields)
{
    char word[GV_FIELD_NAME_SIZE];
    GV_TRY(take_name(in, word));
    if (strcmp(word, "past") != 0) {
        in->at -= strlen(word);
        return refuse(in, "past(NUMBER):");
    }
    if (!take(in, '(')) {
        return refuse(in, "'('");
    }
    GV_TRY(take_length(in, &fields->past_length));
    if (!take(in, ')') || !take(in, ':')) {
        return refuse(in, "'):'");
    }
    return take_list(in, fields->past, GV_PAST_FIELDS_MAX, &fields->past_count);
}

/* ---- what may not be seen -------------------------------------------------------------------- */

static bool is_leak(const char *name)
{
    for (size_t i = 0; leaks[i] != NULL; i++) {
        if (strcmp(leaks[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_named_before(const gv_fields *fields, const char *name, size_t end)
{
    for (size_t f = 0; f < end; f++) {
        const gv_field *field =
            f < fields->count ? &fields->list[f] : &fields->past[f - fields->count];
        for (size_t p = 0; p < field->part_count; p++) {
            if (strcmp(field->parts[p], name) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* Each name once. */
static gv_status check_leaks(const gv_fields *fields)
{
    culprits found = {.count = 0};
    for (size_t f = 0; f < fields->count + fields->past_count; f++) {
        const gv_field *field =
            f < fields->count ? &fields->list[f] : &fields->past[f - fields->count];
        for (size_t p = 0; p < field->part_count; p++) {
            if (is_leak(field->parts[p]) && !is_named_before(fields, field->parts[p], f)) {
                add_culprit(&found, field->parts[p]);
            }
        }
    }
    if (found.count == 0) {
        return GV_OK;
    }
    return GV_FAIL(GV_EUSAGE,
                   "fields: %s %s known only after the bid, or of another predictor, so no "
                   "prediction may see %s: leave %s out",
                   found.names, found.count == 1 ? "is" : "are", found.count == 1 ? "it" : "them",
                   found.count == 1 ? "it" : "them");
}

static bool holds_several(const char *name)
{
    return strcmp(name, "tags") == 0 || strcmp(name, "features") == 0;
}

bool gv_field_has_several(const gv_field *field)
{
    bool has = false;
    for (size_t p = 0; p < field->part_count; p++) {
        has = has || holds_several(field->parts[p]);
    }
    return has;
}

/* What has no meaning where it stands: event outside of a past, many values inside, raw times. */
static gv_status check_places(const gv_fields *fields)
{
    culprits found = {.count = 0};
    for (size_t f = 0; f < fields->count + fields->past_count; f++) {
        const bool is_past = f >= fields->count;
        const gv_field *field = is_past ? &fields->past[f - fields->count] : &fields->list[f];
        for (size_t p = 0; p < field->part_count; p++) {
            const char *name = field->parts[p];
            if (strcmp(name, "event") == 0 && !is_past) {
                add_culprit(&found, "event (only of a past)");
            } else if (holds_several(name) && is_past) {
                add_culprit(&found, "tags or features in a past (they have many values)");
            } else if (strcmp(name, "time") == 0) {
                add_culprit(&found, "time (give hour or weekday)");
            }
        }
    }
    return found.count == 0
               ? GV_OK
               : GV_FAIL(GV_EUSAGE, "fields: these cannot stand there: %s", found.names);
}

static bool is_same(const gv_field *a, const gv_field *b)
{
    bool same = a->part_count == b->part_count;
    for (size_t p = 0; same && p < a->part_count; p++) {
        same = strcmp(a->parts[p], b->parts[p]) == 0;
    }
    return same;
}

static void find_repeats(const gv_field *list, size_t count, culprits *found)
{
    for (size_t i = 0; i < count; i++) {
        bool repeats = false;
        for (size_t j = 0; j < i && !repeats; j++) {
            repeats = is_same(&list[i], &list[j]);
        }
        for (size_t p = 1; p < list[i].part_count && !repeats; p++) {
            repeats = strcmp(list[i].parts[p], list[i].parts[p - 1]) == 0 ||
                      strcmp(list[i].parts[p], list[i].parts[0]) == 0;
        }
        if (repeats) {
            char name[GV_FIELD_PARTS_MAX * GV_FIELD_NAME_SIZE];
            gv_field_print(&list[i], name, sizeof name);
            add_culprit(found, name);
        }
    }
}

static gv_status check_repeats(const gv_fields *fields)
{
    culprits found = {.count = 0};
    find_repeats(fields->list, fields->count, &found);
    find_repeats(fields->past, fields->past_count, &found);
    return found.count == 0
               ? GV_OK
               : GV_FAIL(GV_EUSAGE, "fields: given twice: %s: give each once", found.names);
}

gv_status gv_fields_parse(const char *text, size_t size, gv_fields *fields)
{
    scanner in = {.text = text, .size = size};
    gv_fields parsed = {.count = 0};
    GV_TRY(take_list(&in, parsed.list, GV_FIELDS_MAX, &parsed.count));
    if (take(&in, ';')) {
        GV_TRY(take_past(&in, &parsed));
    }
    skip_blanks(&in);
    if (in.at != in.size) {
        return refuse(&in, "a comma or the end");
    }
    GV_TRY(check_leaks(&parsed));
    GV_TRY(check_places(&parsed));
    GV_TRY(check_repeats(&parsed));
    *fields = parsed;
    return GV_OK;
}

/* ---- printing -------------------------------------------------------------------------------- */

void gv_field_print(const gv_field *field, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t p = 0; p < field->part_count && used < size; p++) {
        used +=
            (size_t)snprintf(text + used, size - used, "%s%s", p == 0 ? "" : "*", field->parts[p]);
    }
}

/* A field with the sides that are not the usual ones. */
static void print_whole(const gv_field *field, bool is_past, char *text, size_t size)
{
    size_t used = 0;
    for (size_t p = 0; p < field->part_count && used < size; p++) {
        const bool is_usual = is_past || field->is_users[p] == is_usually_users(field->parts[p]);
        const char *side = is_usual ? "" : field->is_users[p] ? "@user" : "@item";
        used += (size_t)snprintf(text + used, size - used, "%s%s%s", p == 0 ? "" : "*",
                                 field->parts[p], side);
    }
}

static void print_list(const gv_field *list, size_t count, bool is_past, char *text, size_t size)
{
    for (size_t f = 0; f < count; f++) {
        char name[GV_FIELD_PARTS_MAX * (GV_FIELD_NAME_SIZE + 5)];
        const size_t used = strlen(text);
        print_whole(&list[f], is_past, name, sizeof name);
        (void)snprintf(text + used, size - used, "%s%s", f == 0 ? "" : ", ", name);
    }
}

void gv_fields_print(const gv_fields *fields, char *text, size_t size)
{
    text[0] = '\0';
    print_list(fields->list, fields->count, false, text, size);
    if (fields->past_length > 0) {
        char past[GV_PAST_FIELDS_MAX * (GV_FIELD_PARTS_MAX * GV_FIELD_NAME_SIZE + 2)] = "";
        const size_t used = strlen(text);
        print_list(fields->past, fields->past_count, true, past, sizeof past);
        (void)snprintf(text + used, size - used, "; past(%zu): %s", fields->past_length, past);
    }
}

void gv_fields_sides(const gv_fields *fields, gv_side *sides)
{
    for (size_t f = 0; f < fields->count; f++) {
        const gv_field *field = &fields->list[f];
        size_t users_parts = 0;
        for (size_t p = 0; p < field->part_count; p++) {
            users_parts += field->is_users[p] ? 1 : 0;
        }
        sides[f] = users_parts == field->part_count ? GV_SIDE_USER
                   : users_parts == 0               ? GV_SIDE_ITEM
                                                    : GV_SIDE_CROSS;
    }
}

/* ---- the usual ------------------------------------------------------------------------------- */

static const char *const usual[] = {
    "advertiser",
    "exchange",
    "region",
    "city",
    "domain",
    "slot",
    "slot_width*slot_height",
    "slot_visibility",
    "slot_format",
    "creative",
    "hour",
    "weekday",
    "tags",
    "features",
    "advertiser*exchange",
    "advertiser*domain",
    "advertiser*tags",
    NULL,
};

static bool has_all(const gv_log *log, const gv_field *field)
{
    for (size_t p = 0; p < field->part_count; p++) {
        const char *name = field->parts[p];
        const bool is_derived = strcmp(name, "hour") == 0 || strcmp(name, "weekday") == 0;
        if (gv_log_find(log, GV_LOG_IMPRESSION, is_derived ? "time" : name) == NULL) {
            return false;
        }
    }
    return true;
}

gv_status gv_fields_usual(const gv_log *log, gv_fields *fields)
{
    gv_fields found = {.count = 0};
    for (size_t i = 0; usual[i] != NULL; i++) {
        gv_fields one = {.count = 0};
        GV_TRY(gv_fields_parse(usual[i], strlen(usual[i]), &one));
        if (has_all(log, &one.list[0])) {
            found.list[found.count++] = one.list[0];
        }
    }
    if (found.count == 0) {
        return GV_FAIL(GV_ENOTFOUND,
                       "%s: its impressions have none of the usual fields: declare which columns "
                       "a predictor sees",
                       gv_log_path(log));
    }
    *fields = found;
    return GV_OK;
}

gv_example_shape gv_fields_shape(const gv_fields *fields, unsigned bits)
{
    assert(GV_FIELD_BITS_MIN <= bits && bits <= GV_FIELD_BITS_MAX);
    return (gv_example_shape){.field_count = fields->count,
                              .bucket_count = UINT32_C(1) << bits,
                              .past_length = fields->past_length,
                              .past_field_count = fields->past_count};
}
