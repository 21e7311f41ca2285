#include "models/predict/example_reader.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "models/predict/past_impl.h"
#include "models/predict/values_impl.h"
#include "sim/base/clock.h"
#include "sim/base/hash.h"
#include "sim/base/mem.h"

enum {
    SOURCES_MAX = (GV_FIELDS_MAX + GV_PAST_FIELDS_MAX) * GV_FIELD_PARTS_MAX + 2,
    NAMES_SIZE = 700,
    ROW_VALUES_MAX = 1 << 20,
};

typedef struct bound_field {
    uint64_t name; /* its hash */
    size_t part_count;
    size_t parts[GV_FIELD_PARTS_MAX]; /* among the reader's sources */
    uint32_t *code_buckets; /* of a single column of texts: as its hashes lie; NULL: of none */
} bound_field;

struct gv_example_reader {
    const gv_log *log;
    gv_example_shape shape;
    unsigned shift; /* 64 - bits */
    size_t source_count;
    gv_values *sources; /* [SOURCES_MAX] */
    bound_field fields[GV_FIELDS_MAX];
    bound_field past_fields[GV_PAST_FIELDS_MAX];
    gv_past past;
};

/* ---- binding --------------------------------------------------------------------------------- */

typedef struct faults {
    char missing[NAMES_SIZE];
    char real[NAMES_SIZE];
} faults;

static void add_name(char *names, const char *name)
{
    const size_t used = strlen(names);
    (void)snprintf(names + used, NAMES_SIZE - used, "%s%s", used == 0 ? "" : ", ", name);
}

/* The source of that name, which is found at its first use. */
static size_t source_of(gv_example_reader *reader, const char *name, faults *found)
{
    for (size_t i = 0; i < reader->source_count; i++) {
        if (strcmp(reader->sources[i].name, name) == 0) {
            return i;
        }
    }
    assert(reader->source_count < SOURCES_MAX);
    const size_t place = reader->source_count++;
    const gv_values_fault fault = gv_values_find(&reader->sources[place], reader->log, name);
    if (fault == GV_VALUES_MISSING) {
        add_name(found->missing, name);
    } else if (fault == GV_VALUES_REAL) {
        add_name(found->real, name);
    }
    return place;
}

static void bind_list(gv_example_reader *reader, const gv_field *list, size_t count,
                      bound_field *bound, faults *found)
{
    for (size_t f = 0; f < count; f++) {
        char name[GV_FIELD_PARTS_MAX * GV_FIELD_NAME_SIZE];
        gv_field_print(&list[f], name, sizeof name);
        bound[f].name = gv_hash(name, strlen(name));
        bound[f].part_count = list[f].part_count;
        for (size_t p = 0; p < list[f].part_count; p++) {
            bound[f].parts[p] = source_of(reader, list[f].parts[p], found);
        }
    }
}

static gv_status bind(gv_example_reader *reader, const gv_fields *fields, const char *who)
{
    faults found = {.missing = ""};
    const char *user = gv_log_role_name(GV_ROLE_USER);
    bind_list(reader, fields->list, fields->count, reader->fields, &found);
    bind_list(reader, fields->past, fields->past_count, reader->past_fields, &found);
    if (fields->past_length > 0 && gv_log_find(reader->log, GV_LOG_IMPRESSION, user) == NULL) {
        add_name(found.missing, "user (for a past)");
    }
    const bool lacks = found.missing[0] != '\0';
    const bool has_reals = found.real[0] != '\0';
    if (!lacks && !has_reals) {
        return GV_OK;
    }
    return GV_FAIL(GV_ENOTFOUND, "%s: the log lacks what %s sees: %s%s%s%s",
                   gv_log_path(reader->log), who, found.missing,
                   lacks && has_reals ? "; and no field are columns of real numbers: " : "",
                   !lacks ? "texts or whole numbers in " : "", found.real);
}

static uint32_t bucket_of(const gv_example_reader *reader, const bound_field *field,
                          const uint64_t *values)
{
    uint64_t words[1 + GV_FIELD_PARTS_MAX] = {field->name};
    memcpy(words + 1, values, field->part_count * sizeof *values);
    return (uint32_t)(gv_hash(words, (1 + field->part_count) * sizeof *words) >> reader->shift);
}

/* A field that is one column of texts: its buckets, once for all rows. */
static gv_status prepare_field(gv_example_reader *reader, bound_field *field)
{
    const gv_values *values = &reader->sources[field->parts[0]];
    if (field->part_count != 1 || values->kind != GV_VALUE_CODE) {
        return GV_OK;
    }
    const size_t count = values->starts[gv_log_code_count(values->columns[0])];
    field->code_buckets = gv_mem_alloc(0, count + 1, sizeof *field->code_buckets);
    if (field->code_buckets == NULL) {
        return GV_FAIL(GV_ENOMEM, "%zu buckets of %s", count, values->name);
    }
    for (size_t i = 0; i < count; i++) {
        field->code_buckets[i] = bucket_of(reader, field, &values->hashes[i]);
    }
    return GV_OK;
}

static gv_status prepare(gv_example_reader *reader, const gv_fields *fields, const char *who)
{
    GV_TRY(bind(reader, fields, who));
    for (size_t i = 0; i < reader->source_count; i++) {
        GV_TRY(gv_values_prepare(&reader->sources[i]));
    }
    for (size_t f = 0; f < fields->count; f++) {
        GV_TRY(prepare_field(reader, &reader->fields[f]));
    }
    for (size_t f = 0; f < fields->past_count; f++) {
        GV_TRY(prepare_field(reader, &reader->past_fields[f]));
    }
    return fields->past_length == 0 ? GV_OK : gv_past_init(&reader->past, reader->log);
}

gv_status gv_example_reader_create(const gv_log *log, const gv_fields *fields, unsigned bits,
                                   const char *who, gv_example_reader **out)
{
    gv_example_reader *reader = gv_mem_alloc(sizeof *reader, 0, 0);
    if (reader == NULL) {
        return GV_FAIL(GV_ENOMEM, "a reader of examples");
    }
    reader->log = log;
    reader->shape = gv_fields_shape(fields, bits);
    reader->shift = 64 - bits;
    reader->sources = gv_mem_alloc(0, SOURCES_MAX, sizeof *reader->sources);
    gv_status status = GV_OK;
    if (reader->sources == NULL) {
        status = GV_FAIL(GV_ENOMEM, "a reader of examples");
    } else {
        status = prepare(reader, fields, who);
    }
    if (status != GV_OK) {
        gv_example_reader_destroy(reader);
        return status;
    }
    *out = reader;
    return GV_OK;
}

void gv_example_reader_destroy(gv_example_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    for (size_t i = 0; i < reader->source_count; i++) {
        gv_values_fini(&reader->sources[i]);
    }
    for (size_t f = 0; f < GV_FIELDS_MAX; f++) {
        gv_mem_free(reader->fields[f].code_buckets);
    }
    for (size_t f = 0; f < GV_PAST_FIELDS_MAX; f++) {
        gv_mem_free(reader->past_fields[f].code_buckets);
    }
    gv_past_fini(&reader->past);
    gv_mem_free(reader->sources);
    gv_mem_free(reader);
}

/* ---- room ------------------------------------------------------------------------------------ */

static gv_status resize(void **block, size_t count, size_t size)
{
    void *grown = gv_mem_resize(*block, count, size);
    if (grown == NULL) {
        return GV_FAIL(GV_ENOMEM, "examples of %zu numbers", count);
    }
    *block = grown;
    return GV_OK;
}

static gv_status reserve_rows(gv_example_set *set, const gv_example_shape *shape, size_t count)
{
    if (count <= set->row_room) {
        return GV_OK;
    }
    const size_t places = count * shape->past_length;
    GV_TRY(resize((void **)&set->starts, count * shape->field_count + 1, sizeof(uint32_t)));
    GV_TRY(resize((void **)&set->clicks, count, sizeof(float)));
    GV_TRY(resize((void **)&set->conversions, count, sizeof(float)));
    GV_TRY(resize((void **)&set->weights, count, sizeof(float)));
    if (places > 0) {
        GV_TRY(resize((void **)&set->past_counts, count, sizeof(uint32_t)));
        GV_TRY(resize((void **)&set->past_buckets, places * shape->past_field_count,
                      sizeof(uint32_t)));
        GV_TRY(resize((void **)&set->past_ages, places, sizeof(float)));
    }
    set->row_room = count;
    return GV_OK;
}

static gv_status reserve_buckets(gv_example_set *set, size_t count)
{
    if (count <= set->bucket_room) {
        return GV_OK;
    }
    if (count > UINT32_MAX / 2) {
        return GV_FAIL(GV_EINVAL, "more than %u values in all rows: take a shorter span",
                       UINT32_MAX / 2);
    }
    const size_t room = count + count / 2 + 1024;
    GV_TRY(resize((void **)&set->buckets, room, sizeof(uint32_t)));
    set->bucket_room = room;
    return GV_OK;
}

void gv_example_set_fini(gv_example_set *set)
{
    gv_mem_free(set->starts);
    gv_mem_free(set->buckets);
    gv_mem_free(set->past_counts);
    gv_mem_free(set->past_buckets);
    gv_mem_free(set->past_ages);
    gv_mem_free(set->clicks);
    gv_mem_free(set->conversions);
    gv_mem_free(set->weights);
    *set = (gv_example_set){.row_room = 0};
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Every column of the rows that are asked for, from the first to the last. */
static gv_status check_rows(const gv_example_reader *reader, const gv_sample *samples, size_t count)
{
    for (size_t side = 0; side < 2; side++) {
        uint64_t first = UINT64_MAX;
        uint64_t last = 0;
        for (size_t i = 0; i < count; i++) {
            if (samples[i].is_orphan == (side == 1)) {
                first = samples[i].row < first ? samples[i].row : first;
                last = samples[i].row > last ? samples[i].row : last;
            }
        }
        for (size_t s = 0; s < reader->source_count && first != UINT64_MAX; s++) {
            GV_TRY(gv_values_check(&reader->sources[s], side == 1, first, last - first + 1));
        }
    }
    return GV_OK;
}

/* Every combination of the parts' values, the last part's fastest. */
static gv_status add_cross(gv_example_reader *reader, const bound_field *field,
                           const gv_value_place *place, gv_example_set *set, uint32_t *used)
{
    const uint64_t *values[GV_FIELD_PARTS_MAX];
    size_t counts[GV_FIELD_PARTS_MAX];
    size_t total = 1;
    for (size_t p = 0; p < field->part_count; p++) {
        GV_TRY(gv_values_at(&reader->sources[field->parts[p]], place, &values[p], &counts[p]));
        total = counts[p] > ROW_VALUES_MAX || total * counts[p] > ROW_VALUES_MAX
                    ? ROW_VALUES_MAX + 1
                    : total * counts[p];
    }
    if (total > ROW_VALUES_MAX) {
        return GV_FAIL(GV_EINVAL, "%s: row %llu has more than %d values of one field",
                       gv_log_path(reader->log), (unsigned long long)place->row, ROW_VALUES_MAX);
    }
    GV_TRY(reserve_buckets(set, *used + total));
    for (size_t i = 0; i < total; i++) {
        uint64_t chosen[GV_FIELD_PARTS_MAX] = {0};
        size_t rest = i;
        for (size_t p = field->part_count; p-- > 0;) {
            chosen[p] = values[p][rest % counts[p]];
            rest /= counts[p];
        }
        set->buckets[(*used)++] = bucket_of(reader, field, chosen);
    }
    return GV_OK;
}

static gv_status add_field(gv_example_reader *reader, const bound_field *field,
                           const gv_value_place *place, gv_example_set *set, uint32_t *used)
{
    if (field->code_buckets == NULL) {
        return add_cross(reader, field, place, set, used);
    }
    const gv_values *values = &reader->sources[field->parts[0]];
    const uint32_t code = gv_log_codes(values->columns[place->is_orphan ? 1 : 0])[place->row];
    const uint32_t first = values->starts[code];
    const uint32_t count = values->starts[code + 1] - first;
    GV_TRY(reserve_buckets(set, (size_t)*used + count));
    for (uint32_t i = 0; i < count; i++) {
        set->buckets[*used + i] = field->code_buckets[first + i];
    }
    *used += count;
    return GV_OK;
}

/* One value each: fields with several are refused in a past. */
static gv_status past_bucket(gv_example_reader *reader, const bound_field *field,
                             const gv_value_place *place, uint32_t *bucket)
{
    uint64_t chosen[GV_FIELD_PARTS_MAX] = {0};
    for (size_t p = 0; p < field->part_count; p++) {
        gv_values *values = &reader->sources[field->parts[p]];
        const uint64_t *found = NULL;
        size_t count = 0;
        GV_TRY(gv_values_check(values, place->is_orphan, place->row, 1));
        GV_TRY(gv_values_at(values, place, &found, &count));
        assert(count == 1);
        chosen[p] = found[0];
    }
    *bucket = bucket_of(reader, field, chosen);
    return GV_OK;
}

static gv_status add_past(gv_example_reader *reader, const gv_value_place *row, size_t number,
                          gv_example_set *set)
{
    const gv_example_shape *shape = &reader->shape;
    const gv_past_event *events = NULL;
    const size_t count = gv_past_before(&reader->past, row, shape->past_length, &events);
    uint32_t *buckets = set->past_buckets + number * shape->past_length * shape->past_field_count;
    float *ages = set->past_ages + number * shape->past_length;
    memset(buckets, 0, shape->past_length * shape->past_field_count * sizeof *buckets);
    memset(ages, 0, shape->past_length * sizeof *ages);
    set->past_counts[number] = (uint32_t)count;
    for (size_t e = 0; e < count; e++) {
        const gv_value_place place = gv_past_place(&events[e]);
        ages[e] = (float)((double)(row->time_us - place.time_us) / (double)GV_US_PER_SECOND);
        for (size_t f = 0; f < shape->past_field_count; f++) {
            GV_TRY(past_bucket(reader, &reader->past_fields[f], &place,
                               &buckets[e * shape->past_field_count + f]));
        }
    }
    return GV_OK;
}

static gv_status add_row(gv_example_reader *reader, const gv_sample *sample, size_t number,
                         gv_example_set *set, uint32_t *used)
{
    const size_t field_count = reader->shape.field_count;
    const gv_value_place place = {
        .row = sample->row, .time_us = sample->time_us, .is_orphan = sample->is_orphan};
    for (size_t f = 0; f < field_count; f++) {
        GV_TRY(add_field(reader, &reader->fields[f], &place, set, used));
        set->starts[number * field_count + f + 1] = *used;
    }
    return reader->shape.past_length == 0 ? GV_OK : add_past(reader, &place, number, set);
}

static void add_labels(const gv_sample *samples, size_t count, const gv_example_labels *labels,
                       gv_example_set *set)
{
    for (size_t i = 0; i < count; i++) {
        set->clicks[i] = samples[i].is_clicked ? 1 : 0;
        set->conversions[i] = samples[i].is_clicked && samples[i].is_converted ? 1 : 0;
        set->weights[i] = samples[i].is_clicked ? 1 : (float)labels->negative_weight;
    }
    set->view.clicks = set->clicks;
    set->view.conversions = labels->conversions ? set->conversions : NULL;
    set->view.weights = set->weights;
}

gv_status gv_example_reader_read(gv_example_reader *reader, const gv_sample *samples, size_t count,
                                 const gv_example_labels *labels, gv_example_set *set)
{
    uint32_t used = 0;
    set->view = (gv_examples){.count = 0};
    GV_TRY(check_rows(reader, samples, count));
    GV_TRY(reserve_rows(set, &reader->shape, count > 0 ? count : 1));
    set->starts[0] = 0;
    for (size_t i = 0; i < count; i++) {
        GV_TRY(add_row(reader, &samples[i], i, set, &used));
    }
    set->view = (gv_examples){
        .shape = reader->shape, .count = count, .starts = set->starts, .buckets = set->buckets};
    if (reader->shape.past_length > 0) {
        set->view.past_counts = set->past_counts;
        set->view.past_buckets = set->past_buckets;
        set->view.past_ages = set->past_ages;
    }
    if (labels != NULL) {
        add_labels(samples, count, labels, set);
    }
    return GV_OK;
}
