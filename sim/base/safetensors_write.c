#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "sim/base/file.h"
#include "sim/base/mem.h"
#include "sim/base/safetensors.h"
#include "sim/base/safetensors_impl.h"

static const struct {
    const char *name;
    size_t size;
} types[GV_TENSOR_TYPE_COUNT] = {
#define X(id, text, bytes) [id] = {(text), (bytes)},
    GV_TENSOR_LIST(X)
#undef X
};

const char *gv_tensor_type_name(gv_tensor_type type)
{
    assert(type < GV_TENSOR_TYPE_COUNT);
    return types[type].name;
}

size_t gv_tensor_type_size(gv_tensor_type type)
{
    assert(type < GV_TENSOR_TYPE_COUNT);
    return types[type].size;
}

size_t gv_tensor_size(const gv_tensor *tensor)
{
    size_t size = types[tensor->type].size;
    for (size_t i = 0; i < tensor->rank; i++) {
        size *= (size_t)tensor->shape[i];
    }
    return size;
}

static json_t *describe(const gv_tensor *tensor, uint64_t begin)
{
    json_t *shape = json_array();
    assert(tensor->rank <= GV_TENSOR_RANK_MAX);
    for (size_t i = 0; i < tensor->rank; i++) {
        (void)json_array_append_new(shape, json_integer((json_int_t)tensor->shape[i]));
    }
    const uint64_t end = begin + gv_tensor_size(tensor);
    return json_pack("{s:s,s:o,s:[I,I]}", "dtype", types[tensor->type].name, "shape", shape,
                     "data_offsets", (json_int_t)begin, (json_int_t)end);
}

static json_t *gather_notes(const gv_tensor_note *notes, size_t count)
{
    json_t *object = json_object();
    for (size_t i = 0; i < count; i++) {
        assert(json_object_get(object, notes[i].key) == NULL);
        (void)json_object_set_new(object, notes[i].key, json_string(notes[i].text));
    }
    return object;
}

typedef struct layout {
    const gv_tensor *tensors;
    size_t count;
} layout;

typedef gv_status (*tensor_taker)(void *context, const gv_tensor *tensor);

static gv_status each_of_width(const layout *all, size_t width, tensor_taker take, void *context)
{
    for (size_t i = 0; i < all->count; i++) {
        if (types[all->tensors[i].type].size == width) {
            GV_TRY(take(context, &all->tensors[i]));
        }
    }
    return GV_OK;
}

/* Wide elements first: then each tensor begins at a multiple of its own. */
static gv_status each_in_order(const layout *all, tensor_taker take, void *context)
{
    for (size_t width = 8; width >= 1; width /= 2) {
        GV_TRY(each_of_width(all, width, take, context));
    }
    return GV_OK;
}

typedef struct header_state {
    json_t *object;
    uint64_t end;
} header_state;

static gv_status add_to_header(void *context, const gv_tensor *tensor)
{
    header_state *state = context;
    assert(json_object_get(state->object, tensor->name) == NULL);
    if (json_object_set_new(state->object, tensor->name, describe(tensor, state->end)) != 0) {
        return GV_FAIL(GV_EINVAL, "the tensor '%s' has no name in UTF-8, or there is no memory",
                       tensor->name);
    }
    state->end += gv_tensor_size(tensor);
    return GV_OK;
}

static gv_status print_header(const json_t *object, char **out)
{
    const size_t size = json_dumpb(object, NULL, 0, JSON_COMPACT);
    char *text = gv_mem_alloc(0, size + 1, 1);
    if (text == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a header of %zu bytes", size);
    }
    (void)json_dumpb(object, text, size, JSON_COMPACT);
    *out = text;
    return GV_OK;
}

static gv_status compose_header(const layout *all, const gv_tensor_note *notes, size_t note_count,
                                char **out)
{
    header_state state = {.object = json_object()};
    if (note_count > 0) {
        (void)json_object_set_new(state.object, GV_SAFETENSORS_NOTES,
                                  gather_notes(notes, note_count));
    }
    gv_status status = each_in_order(all, add_to_header, &state);
    if (status == GV_OK) {
        status = print_header(state.object, out);
    }
    json_decref(state.object);
    return status;
}

static gv_status add_data(void *context, const gv_tensor *tensor)
{
    return gv_file_write(context, tensor->data, gv_tensor_size(tensor));
}

/* Blanks behind the JSON bring the data to a multiple of the widest element. */
static gv_status write_all(gv_file_writer *writer, const char *header, const layout *all)
{
    static const char blanks[GV_SAFETENSORS_PREFIX] = "       ";
    const size_t size = strlen(header);
    const size_t pad =
        (GV_SAFETENSORS_PREFIX - size % GV_SAFETENSORS_PREFIX) % GV_SAFETENSORS_PREFIX;
    const uint64_t prefix = size + pad;
    GV_TRY(gv_file_write(writer, &prefix, sizeof prefix));
    GV_TRY(gv_file_write(writer, header, size));
    GV_TRY(gv_file_write(writer, blanks, pad));
    return each_in_order(all, add_data, writer);
}

gv_status gv_safetensors_write(const char *path, const gv_tensor *tensors, size_t tensor_count,
                               const gv_tensor_note *notes, size_t note_count)
{
    const layout all = {.tensors = tensors, .count = tensor_count};
    gv_file_writer *writer = NULL;
    char *header = NULL;
    gv_status status = GV_OK;
    GV_TRY_GOTO(status, gv_file_writer_create(path, &writer), done);
    GV_TRY_GOTO(status, compose_header(&all, notes, note_count, &header), done);
    GV_TRY_GOTO(status, write_all(writer, header, &all), done);
    status = gv_file_commit(writer);
    writer = NULL;
done:
    gv_file_abandon(writer);
    gv_mem_free(header);
    return status;
}
