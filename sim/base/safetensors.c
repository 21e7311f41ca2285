/*
 * The reader. The header is parsed by jansson, whose tree is kept: names and notes are read from
 * it as long as the file is open.
 */
#include "sim/base/safetensors.h"

#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/file.h"
#include "sim/base/mem.h"
#include "sim/base/safetensors_impl.h"

/* A tensor, and where the header says that it lies. */
typedef struct entry {
    gv_tensor tensor;
    uint64_t begin;
    uint64_t end;
} entry;

struct gv_safetensors {
    const char *name;
    gv_file_map map; /* of its own; bytes NULL when they are borrowed */
    json_t *header;
    const unsigned char *data;
    uint64_t data_size;
    size_t count;
    entry *entries; /* [count], as they lie */
    char own_name[];
};

static gv_status find_type(const char *file, const char *tensor, const json_t *about,
                           gv_tensor_type *out)
{
    const char *const name = json_string_value(json_object_get(about, "dtype"));
    for (size_t i = 0; name != NULL && i < GV_TENSOR_TYPE_COUNT; i++) {
        if (strcmp(name, gv_tensor_type_name((gv_tensor_type)i)) == 0) {
            *out = (gv_tensor_type)i;
            return GV_OK;
        }
    }
    return GV_FAIL(GV_EPARSE, "%s: the tensor '%s' has the dtype %s, expected such as F32 or I64",
                   file, tensor, name == NULL ? "of no text" : name);
}

/* A whole number of at least 0. */
static bool take_count(const json_t *value, uint64_t *out)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0) {
        return false;
    }
    *out = (uint64_t)json_integer_value(value);
    return true;
}

static gv_status read_shape(const char *file, const json_t *about, gv_tensor *tensor)
{
    const json_t *shape = json_object_get(about, "shape");
    if (!json_is_array(shape) || json_array_size(shape) > GV_TENSOR_RANK_MAX) {
        return GV_FAIL(GV_EPARSE, "%s: the tensor '%s' has no shape of at most %d sizes", file,
                       tensor->name, GV_TENSOR_RANK_MAX);
    }
    tensor->rank = json_array_size(shape);
    for (size_t i = 0; i < tensor->rank; i++) {
        if (!take_count(json_array_get(shape, i), &tensor->shape[i])) {
            return GV_FAIL(GV_EPARSE, "%s: the tensor '%s' has a size that is no whole number",
                           file, tensor->name);
        }
    }
    return GV_OK;
}

static gv_status read_place(const char *file, const json_t *about, entry *one)
{
    const json_t *place = json_object_get(about, "data_offsets");
    if (!json_is_array(place) || json_array_size(place) != 2 ||
        !take_count(json_array_get(place, 0), &one->begin) ||
        !take_count(json_array_get(place, 1), &one->end) || one->begin > one->end) {
        return GV_FAIL(GV_EPARSE, "%s: the tensor '%s' has no data_offsets [begin, end]", file,
                       one->tensor.name);
    }
    return GV_OK;
}

/* Bytes of the shape; false where 64 bits cannot hold them. */
static bool shape_bytes(const gv_tensor *tensor, uint64_t *out)
{
    uint64_t bytes = gv_tensor_type_size(tensor->type);
    bool fits = true;
    for (size_t i = 0; i < tensor->rank; i++) {
        if (tensor->shape[i] == 0) {
            *out = 0;
            return true;
        }
        fits = !__builtin_mul_overflow(bytes, tensor->shape[i], &bytes) && fits;
    }
    *out = bytes;
    return fits;
}

static gv_status check_place(const gv_safetensors *file, const entry *one)
{
    uint64_t bytes = 0;
    const char *const name = one->tensor.name;
    if (!shape_bytes(&one->tensor, &bytes) || bytes != one->end - one->begin) {
        return GV_FAIL(GV_ECORRUPT,
                       "%s: the tensor '%s' has %" PRIu64 " bytes, which is not its shape's size",
                       file->name, name, one->end - one->begin);
    }
    if (one->end > file->data_size) {
        return GV_FAIL(GV_ECORRUPT,
                       "%s: the tensor '%s' ends at byte %" PRIu64
                       " of the data, which have %" PRIu64 ": is the file complete?",
                       file->name, name, one->end, file->data_size);
    }
    if (one->begin % gv_tensor_type_size(one->tensor.type) != 0) {
        return GV_FAIL(GV_ECORRUPT,
                       "%s: the tensor '%s' begins at byte %" PRIu64
                       " of the data, no multiple of its elements' size: write it again with a "
                       "later safetensors",
                       file->name, name, one->begin);
    }
    return GV_OK;
}

static gv_status read_entry(const gv_safetensors *file, const char *name, const json_t *about,
                            entry *one)
{
    one->tensor.name = name;
    GV_TRY(find_type(file->name, name, about, &one->tensor.type));
    GV_TRY(read_shape(file->name, about, &one->tensor));
    GV_TRY(read_place(file->name, about, one));
    GV_TRY(check_place(file, one));
    one->tensor.data = file->data + one->begin;
    return GV_OK;
}

static int compare_places(const void *a, const void *b)
{
    const entry *left = a;
    const entry *right = b;
    if (left->begin != right->begin) {
        return left->begin < right->begin ? -1 : 1;
    }
    if (left->end != right->end) {
        return left->end < right->end ? -1 : 1;
    }
    return strcmp(left->tensor.name, right->tensor.name);
}

/* Every byte of the data belongs to one tensor: nothing hides in a gap. */
static gv_status check_order(const gv_safetensors *file)
{
    uint64_t at = 0;
    for (size_t i = 0; i < file->count; i++) {
        const entry *one = &file->entries[i];
        if (one->begin < at) {
            return GV_FAIL(GV_ECORRUPT, "%s: the tensors '%s' and '%s' overlap at byte %" PRIu64,
                           file->name, one[-1].tensor.name, one->tensor.name, one->begin);
        }
        if (one->begin > at) {
            return GV_FAIL(GV_ECORRUPT,
                           "%s: bytes %" PRIu64 " to %" PRIu64 " of the data, before the tensor "
                           "'%s', belong to none",
                           file->name, at, one->begin, one->tensor.name);
        }
        at = one->end;
    }
    if (at != file->data_size) {
        return GV_FAIL(GV_ECORRUPT,
                       "%s: %" PRIu64 " bytes lie behind the last tensor, and belong to none",
                       file->name, file->data_size - at);
    }
    return GV_OK;
}

static gv_status check_notes(const gv_safetensors *file, json_t *notes)
{
    if (!json_is_object(notes)) {
        return GV_FAIL(GV_EPARSE, "%s: %s is no object of texts", file->name, GV_SAFETENSORS_NOTES);
    }
    const char *key = NULL;
    const json_t *text = NULL;
    json_object_foreach(notes, key, text)
    {
        if (!json_is_string(text)) {
            return GV_FAIL(GV_EPARSE, "%s: '%s' in %s is no text", file->name, key,
                           GV_SAFETENSORS_NOTES);
        }
    }
    return GV_OK;
}

static gv_status read_entries(gv_safetensors *file)
{
    const char *name = NULL;
    json_t *about = NULL;
    file->entries = gv_mem_alloc(0, json_object_size(file->header) + 1, sizeof *file->entries);
    if (file->entries == NULL) {
        return GV_FAIL(GV_ENOMEM, "%s: no memory for its tensors", file->name);
    }
    json_object_foreach(file->header, name, about)
    {
        if (strcmp(name, GV_SAFETENSORS_NOTES) == 0) {
            GV_TRY(check_notes(file, about));
        } else {
            GV_TRY(read_entry(file, name, about, &file->entries[file->count]));
            file->count++;
        }
    }
    qsort(file->entries, file->count, sizeof *file->entries, compare_places);
    return check_order(file);
}

static gv_status parse_header(gv_safetensors *file, const char *text, size_t size)
{
    json_error_t error;
    file->header = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    if (file->header == NULL && json_error_code(&error) == json_error_duplicate_key) {
        return GV_FAIL(GV_EPARSE, "%s: two tensors have one name (header, %s)", file->name,
                       error.text);
    }
    if (file->header == NULL) {
        return GV_FAIL(GV_EPARSE, "%s: the header is no JSON at its byte %d: %s", file->name,
                       error.position, error.text);
    }
    if (!json_is_object(file->header)) {
        return GV_FAIL(GV_EPARSE, "%s: the header is no JSON object", file->name);
    }
    return GV_OK;
}

/* What is often named in a safetensors file's place, by its first bytes. */
static gv_status refuse_other(const char *name, const unsigned char *bytes)
{
    static const struct {
        const char start[GV_SAFETENSORS_PREFIX];
        const char *what;
    } others[] = {
        {{'\x89', 'G', 'V', 'L', 'O', 'G', '\r', '\n'}, "a log (.gvlog)"},
        {{'S', 'Q', 'L', 'i', 't', 'e', ' ', 'f'}, "an SQLite database"},
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (memcmp(bytes, others[i].start, GV_SAFETENSORS_PREFIX) == 0) {
            return GV_FAIL(GV_EPARSE,
                           "%s: is %s, expected tensors (a safetensors file: a model, weights, "
                           "examples): name such a file in its place",
                           name, others[i].what);
        }
    }
    return GV_OK;
}

static gv_status read_all(gv_safetensors *file, const unsigned char *bytes, size_t size)
{
    uint64_t header_size = 0;
    if (size < GV_SAFETENSORS_PREFIX) {
        return GV_FAIL(GV_EPARSE, "%s: has %zu bytes: no safetensors file is as short", file->name,
                       size);
    }
    GV_TRY(refuse_other(file->name, bytes));
    memcpy(&header_size, bytes, sizeof header_size);
    if (header_size > GV_SAFETENSORS_HEADER_MAX) {
        return GV_FAIL(GV_EPARSE,
                       "%s: is no safetensors file, or its header of %" PRIu64
                       " bytes is longer than the %" PRIu64 " that are read",
                       file->name, header_size, GV_SAFETENSORS_HEADER_MAX);
    }
    if (header_size > size - GV_SAFETENSORS_PREFIX) {
        return GV_FAIL(GV_ECORRUPT,
                       "%s: has %zu bytes, but its header alone should have %" PRIu64
                       ": is the file complete?",
                       file->name, size, header_size);
    }
    file->data = bytes + GV_SAFETENSORS_PREFIX + header_size;
    file->data_size = size - GV_SAFETENSORS_PREFIX - header_size;
    if (header_size % GV_SAFETENSORS_PREFIX != 0) {
        return GV_FAIL(GV_EPARSE,
                       "%s: the header of %" PRIu64
                       " bytes is not padded to a multiple of %d: write "
                       "it again with a later safetensors",
                       file->name, header_size, GV_SAFETENSORS_PREFIX);
    }
    GV_TRY(parse_header(file, (const char *)bytes + GV_SAFETENSORS_PREFIX, (size_t)header_size));
    return read_entries(file);
}

/* NULL: no memory. */
static gv_safetensors *create(const char *name)
{
    gv_safetensors *file = gv_mem_alloc(sizeof *file, strlen(name) + 1, 1);
    if (file != NULL) {
        memcpy(file->own_name, name, strlen(name) + 1);
        file->name = file->own_name;
    }
    return file;
}

gv_status gv_safetensors_open_bytes(const char *name, const void *bytes, size_t size,
                                    gv_safetensors **out)
{
    assert((uintptr_t)bytes % GV_SAFETENSORS_PREFIX == 0);
    gv_safetensors *file = create(name);
    if (file == NULL) {
        return GV_FAIL(GV_ENOMEM, "%s: no memory to read it", name);
    }
    const gv_status status = read_all(file, bytes, size);
    if (status != GV_OK) {
        gv_safetensors_close(file);
        return status;
    }
    *out = file;
    return GV_OK;
}

gv_status gv_safetensors_open(const char *path, gv_safetensors **out)
{
    gv_status status = GV_OK;
    gv_safetensors *file = create(path);
    if (file == NULL) {
        return GV_FAIL(GV_ENOMEM, "%s: no memory to read it", path);
    }
    GV_TRY_GOTO(status, gv_file_map_open(path, &file->map), fail);
    GV_TRY_GOTO(status, read_all(file, file->map.bytes, file->map.size), fail);
    *out = file;
    return GV_OK;
fail:
    gv_safetensors_close(file);
    return status;
}

void gv_safetensors_close(gv_safetensors *file)
{
    if (file == NULL) {
        return;
    }
    json_decref(file->header);
    if (file->map.bytes != NULL) {
        gv_file_map_close(&file->map);
    }
    gv_mem_free(file->entries);
    gv_mem_free(file);
}

size_t gv_safetensors_count(const gv_safetensors *file)
{
    return file->count;
}

const gv_tensor *gv_safetensors_at(const gv_safetensors *file, size_t index)
{
    assert(index < file->count);
    return &file->entries[index].tensor;
}

const gv_tensor *gv_safetensors_find(const gv_safetensors *file, const char *name)
{
    for (size_t i = 0; i < file->count; i++) {
        if (strcmp(file->entries[i].tensor.name, name) == 0) {
            return &file->entries[i].tensor;
        }
    }
    return NULL;
}

gv_status gv_safetensors_expect(const gv_safetensors *file, const char *name, gv_tensor_type type,
                                size_t rank, const uint64_t *shape, const gv_tensor **out)
{
    const gv_tensor *found = gv_safetensors_find(file, name);
    if (found == NULL) {
        return GV_FAIL(GV_ENOTFOUND, "%s: holds no tensor '%s'", file->name, name);
    }
    if (found->type != type || found->rank != rank) {
        return GV_FAIL(GV_EINVAL, "%s: the tensor '%s' is %s of %zu dimensions, expected %s of %zu",
                       file->name, name, gv_tensor_type_name(found->type), found->rank,
                       gv_tensor_type_name(type), rank);
    }
    for (size_t i = 0; i < rank; i++) {
        if (shape[i] != 0 && found->shape[i] != shape[i]) {
            return GV_FAIL(GV_EINVAL,
                           "%s: the tensor '%s' has size %" PRIu64 " in dimension %zu, expected "
                           "%" PRIu64,
                           file->name, name, found->shape[i], i + 1, shape[i]);
        }
    }
    *out = found;
    return GV_OK;
}

const char *gv_safetensors_note(const gv_safetensors *file, const char *key)
{
    return json_string_value(
        json_object_get(json_object_get(file->header, GV_SAFETENSORS_NOTES), key));
}
