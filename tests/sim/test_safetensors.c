/* Safetensors: what is written is read back, by us and, as bytes, as Python writes it. */
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "sim/base/file.h"
#include "sim/base/mem.h"
#include "sim/base/safetensors.h"
#include "test_folder.h"
#include "test_random.h"

enum { BYTES_MAX = 1024 };

/* What safetensors 0.8 wrote in Python from three NumPy arrays. */
static const char python_header[] =
    "{\"__metadata__\":{\"source\":\"python\"},"
    "\"n\":{\"dtype\":\"I64\",\"shape\":[2],\"data_offsets\":[0,16]},"
    "\"a\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[16,40]},"
    "\"flag\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[40,43]}}    ";
static const unsigned char python_data[43] = {
    7,    0,    0, 0, 0,    0,    0, 0,    0xf8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0,    0, 0, 0,    0,    0, 0x80, 0x3e, 0,    0,    0,    0x3f, 0,    0,
    0x40, 0x3f, 0, 0, 0x80, 0x3f, 0, 0,    0xa0, 0x3f, 1,    0,    1};

typedef struct image {
    _Alignas(8) unsigned char bytes[BYTES_MAX];
    size_t size;
} image;

/* A file of that header, padded, and so many zero bytes of data. */
static image image_of(const char *header, size_t data_size)
{
    image made = {.size = 8};
    const uint64_t size = (strlen(header) + 7) / 8 * 8;
    memset(made.bytes + 8, ' ', size);
    memcpy(made.bytes, &size, sizeof size);
    memcpy(made.bytes + 8, header, strlen(header));
    made.size += size + data_size;
    assert_true(made.size <= BYTES_MAX);
    return made;
}

static void assert_refused(const image *made, const char *phrase)
{
    gv_safetensors *file = NULL;
    assert_int_not_equal(gv_safetensors_open_bytes("x.st", made->bytes, made->size, &file), GV_OK);
    assert_null(file);
    assert_non_null(strstr(gv_status_detail(), "x.st: "));
    if (strstr(gv_status_detail(), phrase) == NULL) {
        fail_msg("no \"%s\" in: %s", phrase, gv_status_detail());
    }
}

static void python_s_file_is_read(void **state)
{
    (void)state;
    image made = image_of(python_header, sizeof python_data);
    memcpy(made.bytes + made.size - sizeof python_data, python_data, sizeof python_data);
    gv_safetensors *file = NULL;
    assert_int_equal(gv_safetensors_open_bytes("py", made.bytes, made.size, &file), GV_OK);
    assert_int_equal(gv_safetensors_count(file), 3);
    assert_string_equal(gv_safetensors_note(file, "source"), "python");
    assert_null(gv_safetensors_note(file, "absent"));
    const uint64_t shape[] = {2, 0};
    const gv_tensor *a = NULL;
    assert_int_equal(gv_safetensors_expect(file, "a", GV_TENSOR_F32, 2, shape, &a), GV_OK);
    assert_int_equal(a->shape[1], 3);
    for (size_t i = 0; i < 6; i++) {
        assert_true(((const float *)a->data)[i] == (float)i / 4.0F);
    }
    const gv_tensor *n = gv_safetensors_find(file, "n");
    assert_true(((const int64_t *)n->data)[1] == -8);
    assert_true(gv_safetensors_at(file, 0) == n);
    assert_int_equal(gv_tensor_size(gv_safetensors_find(file, "flag")), 3);
    gv_safetensors_close(file);
}

/* The writer's bytes are Python's, which settles the layout: header, blanks, wide types first. */
static void the_file_is_byte_for_byte_python_s(void **state)
{
    char path[TEST_PATH_SIZE];
    test_folder_path(*state, "a.safetensors", path);
    static const float a[] = {0.0F, 0.25F, 0.5F, 0.75F, 1.0F, 1.25F};
    static const int64_t n[] = {7, -8};
    static const uint8_t flag[] = {1, 0, 1};
    const gv_tensor tensors[] = {
        {.name = "a", .type = GV_TENSOR_F32, .rank = 2, .shape = {2, 3}, .data = a},
        {.name = "flag", .type = GV_TENSOR_U8, .rank = 1, .shape = {3}, .data = flag},
        {.name = "n", .type = GV_TENSOR_I64, .rank = 1, .shape = {2}, .data = n},
    };
    const gv_tensor_note note = {"source", "python"};
    assert_int_equal(gv_safetensors_write(path, tensors, 3, &note, 1), GV_OK);
    image expected = image_of(python_header, sizeof python_data);
    memcpy(expected.bytes + expected.size - sizeof python_data, python_data, sizeof python_data);
    gv_file_map map;
    assert_int_equal(gv_file_map_open(path, &map), GV_OK);
    assert_int_equal(map.size, expected.size);
    assert_memory_equal(map.bytes, expected.bytes, expected.size);
    gv_file_map_close(&map);
}

static void drawn_tensors_come_back(void **state)
{
    enum { TENSORS = 12, ELEMENTS = 64 };
    char path[TEST_PATH_SIZE];
    test_folder_path(*state, "drawn.safetensors", path);
    test_random random = test_random_seeded();
    static uint64_t data[TENSORS][ELEMENTS];
    char names[TENSORS][8];
    for (int round = 0; round < 50; round++) {
        gv_tensor tensors[TENSORS];
        for (size_t i = 0; i < TENSORS; i++) {
            (void)snprintf(names[i], sizeof names[i], "t%zu", i);
            tensors[i] = (gv_tensor){
                .name = names[i],
                .type = (gv_tensor_type)test_random_below(&random, GV_TENSOR_TYPE_COUNT),
                .rank = (size_t)test_random_below(&random, 4),
                .data = data[i]};
            for (size_t k = 0; k < tensors[i].rank; k++) {
                tensors[i].shape[k] = (uint64_t)test_random_below(&random, 5);
            }
            for (size_t k = 0; k < ELEMENTS; k++) {
                data[i][k] = (uint64_t)test_random_below(&random, INT32_MAX);
            }
        }
        gv_safetensors *file = NULL;
        assert_int_equal(gv_safetensors_write(path, tensors, TENSORS, NULL, 0), GV_OK);
        assert_int_equal(gv_safetensors_open(path, &file), GV_OK);
        for (size_t i = 0; i < TENSORS; i++) {
            const gv_tensor *found = NULL;
            assert_int_equal(gv_safetensors_expect(file, names[i], tensors[i].type, tensors[i].rank,
                                                   tensors[i].shape, &found),
                             GV_OK);
            assert_memory_equal(found->data, data[i], gv_tensor_size(&tensors[i]));
            assert_true((uintptr_t)found->data % gv_tensor_type_size(found->type) == 0);
        }
        gv_safetensors_close(file);
    }
    assert_int_equal(test_folder_count(*state), 1);
}

#define TENSOR(type, shape, place) \
    "{\"dtype\":\"" type "\",\"shape\":" shape ",\"data_offsets\":" place "}"

static void every_fault_of_a_header_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        size_t data_size;
        const char *phrase;
    } cases[] = {
        {"{\"a\":" TENSOR("F32", "[2]", "[0,8]") ",\"b\":" TENSOR("F32", "[2]", "[4,12]") "}", 12,
         "'a' and 'b' overlap at byte 4"},
        {"{\"a\":" TENSOR("U8", "[2]", "[0,2]") ",\"b\":" TENSOR("U8", "[1]", "[3,4]") "}", 4,
         "bytes 2 to 3 of the data, before the tensor 'b', belong to none"},
        {"{\"a\":" TENSOR("U8", "[2]", "[0,2]") "}", 5, "3 bytes lie behind the last tensor"},
        {"{\"a\":" TENSOR("F32", "[2]", "[0,8]") "}", 4,
         "ends at byte 8 of the data, which have 4"},
        {"{\"a\":" TENSOR("F32", "[3]", "[0,8]") "}", 8, "has 8 bytes, which is not its shape's"},
        {"{\"a\":" TENSOR("U8", "[1]", "[0,1]") ",\"b\":" TENSOR("F32", "[1]", "[1,5]") "}", 5,
         "'b' begins at byte 1 of the data, no multiple"},
        {"{\"a\":" TENSOR("F64", "[4294967296,4294967296]", "[0,0]") "}", 0,
         "not its shape's size"},
        {"{\"a\":" TENSOR("F31", "[1]", "[0,4]") "}", 4, "has the dtype F31, expected such as F32"},
        {"{\"a\":{\"shape\":[],\"data_offsets\":[0,4]}}", 4, "has the dtype of no text"},
        {"{\"a\":" TENSOR("F32", "[-1]", "[0,4]") "}", 4, "a size that is no whole number"},
        {"{\"a\":" TENSOR("F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]") "}", 4, "no shape of at most 8"},
        {"{\"a\":" TENSOR("F32", "[1]", "[4,0]") "}", 4, "no data_offsets [begin, end]"},
        {"{\"a\":" TENSOR("F32", "[1]", "[0.0,4]") "}", 4, "no data_offsets [begin, end]"},
        {"{\"a\":" TENSOR("U8", "[1]", "[0,1]") ",\"a\":" TENSOR("U8", "[1]", "[1,2]") "}", 2,
         "two tensors have one name"},
        {"{\"__metadata__\":{\"k\":1}}", 0, "'k' in __metadata__ is no text"},
        {"{\"__metadata__\":[]}", 0, "__metadata__ is no object"},
        {"[]", 0, "no JSON object"},
        {"{\"a\":", 0, "the header is no JSON at its byte"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const image made = image_of(cases[i].header, cases[i].data_size);
        assert_refused(&made, cases[i].phrase);
    }
}

static void a_cut_file_is_refused_at_every_length(void **state)
{
    (void)state;
    image made = image_of(python_header, sizeof python_data);
    const size_t whole = made.size;
    for (made.size = 0; made.size < whole; made.size++) {
        assert_refused(&made, "");
    }
    const uint64_t long_header = UINT64_C(1) << 40;
    memcpy(made.bytes, &long_header, sizeof long_header);
    assert_refused(&made, "is no safetensors file, or its header");
    memcpy(made.bytes, "\x89GVLOG\r\n", sizeof long_header);
    assert_refused(&made, "is a log (.gvlog), expected tensors");
    memcpy(made.bytes, "SQLite format 3", sizeof long_header);
    assert_refused(&made, "is an SQLite database, expected tensors");
    const uint64_t unpadded = 201;
    memcpy(made.bytes, &unpadded, sizeof unpadded);
    assert_refused(&made, "not padded");
}

static void another_type_or_shape_is_told(void **state)
{
    (void)state;
    const image made = image_of("{\"a\":" TENSOR("F32", "[2,3]", "[0,24]") "}", 24);
    const uint64_t shape[] = {2, 4};
    const gv_tensor *found = NULL;
    gv_safetensors *file = NULL;
    assert_int_equal(gv_safetensors_open_bytes("x", made.bytes, made.size, &file), GV_OK);
    assert_int_equal(gv_safetensors_expect(file, "b", GV_TENSOR_F32, 2, shape, &found),
                     GV_ENOTFOUND);
    assert_int_equal(gv_safetensors_expect(file, "a", GV_TENSOR_F64, 2, shape, &found), GV_EINVAL);
    assert_int_equal(gv_safetensors_expect(file, "a", GV_TENSOR_F32, 2, shape, &found), GV_EINVAL);
    assert_non_null(strstr(gv_status_detail(), "has size 3 in dimension 2, expected 4"));
    gv_safetensors_close(file);
}

static void no_file_and_no_memory_are_told(void **state)
{
    char path[TEST_PATH_SIZE];
    gv_safetensors *file = NULL;
    test_folder_path(*state, "absent", path);
    assert_int_equal(gv_safetensors_open(path, &file), GV_EIO);
    const image made = image_of(python_header, sizeof python_data);
    gv_status status = GV_ENOMEM;
    int count = 0;
    for (; status == GV_ENOMEM; count++) {
        gv_mem_fail_after(count);
        status = gv_safetensors_open_bytes("x", made.bytes, made.size, &file);
    }
    gv_mem_fail_after(-1);
    assert_int_equal(status, GV_OK);
    assert_true(count > 2);
    gv_safetensors_close(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(python_s_file_is_read),
        test_in_folder(the_file_is_byte_for_byte_python_s),
        test_in_folder(drawn_tensors_come_back),
        cmocka_unit_test(every_fault_of_a_header_is_named),
        cmocka_unit_test(a_cut_file_is_refused_at_every_length),
        cmocka_unit_test(another_type_or_shape_is_told),
        test_in_folder(no_file_and_no_memory_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
