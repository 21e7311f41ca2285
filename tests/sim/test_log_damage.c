/*
 * What is not a whole log of this version is said so in one sentence, and never believed: every
 * byte of a small log is flipped, every shorter file opened.
 */
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "log_walk.h"
#include "sim/base/file.h"
#include "sim/base/hash.h"
#include "sim/base/mem.h"
#include "sim/log/format_impl.h"
#include "test_log.h"

static const char *const rows[] = {
    "impression time=10 bid_id=a1 advertiser=x city=Oslo price=11 pctr=0.5",
    "impression time=20 bid_id=b2 advertiser=y city=Rome price=20 pctr=0.25",
    "impression time=30 bid_id=c3 advertiser=x city=Oslo price=30 pctr=0.125",
    "click time=15 bid_id=a1 advertiser=x",
    "click time=40 bid_id=zz advertiser=q",
    "conversion time=90 bid_id=b2 advertiser=y",
    "reject reason=broken text=what",
    NULL,
};

/* A copy of a small log's bytes, aligned as a map is. */
typedef struct log_image {
    unsigned char *bytes; /* [size] */
    size_t size;
} log_image;

static log_image make_image(const test_folder *folder)
{
    char path[TEST_PATH_SIZE];
    gv_file_map map = {NULL, 0};
    gv_builder_counts counts = {.lines = 0};
    test_folder_path(folder, "a.gvlog", path);
    assert_int_equal(test_log_build(path, rows, (test_log_options){0}, &counts), GV_OK);
    assert_int_equal(gv_file_map_open(path, &map), GV_OK);
    const log_image copy = {gv_mem_alloc_vector(map.size, 1), map.size};
    assert_non_null(copy.bytes);
    memcpy(copy.bytes, map.bytes, map.size);
    gv_file_map_close(&map);
    return copy;
}

/* True when the bytes open and all blocks agree; *sum then tells what was read. */
static bool is_believed(const log_image *image, uint64_t *sum)
{
    gv_log *log = NULL;
    *sum = 0;
    const gv_status status = gv_log_open_bytes("image", image->bytes, image->size, &log);
    if (status != GV_OK) {
        assert_int_equal(status, GV_ECORRUPT);
        assert_non_null(strstr(gv_status_detail(), "image: "));
        return false;
    }
    const bool is_whole = log_walk(log, sum);
    gv_log_close(log);
    return is_whole;
}

static void every_flipped_byte_is_found_or_harmless(void **state)
{
    const log_image image = make_image(*state);
    uint64_t expected = 0;
    size_t harmless = 0;
    assert_true(is_believed(&image, &expected));
    for (size_t i = 0; i < image.size; i++) {
        for (unsigned bit = 0; bit < 8; bit += 7) {
            uint64_t sum = 0;
            image.bytes[i] ^= (unsigned char)(1U << bit);
            if (is_believed(&image, &sum)) {
                assert_int_equal(sum, expected); /* a byte between regions, which nobody reads */
                assert_int_equal(image.bytes[i] ^ 1U << bit, 0);
                harmless++;
            }
            image.bytes[i] ^= (unsigned char)(1U << bit);
        }
    }
    assert_true(harmless < image.size);
    gv_mem_free(image.bytes);
}

static void every_shorter_or_longer_file_is_refused(void **state)
{
    const log_image whole = make_image(*state);
    uint64_t sum = 0;
    for (size_t size = 0; size < whole.size; size++) {
        const log_image cut = {whole.bytes, size};
        assert_false(is_believed(&cut, &sum));
    }
    log_image longer = {gv_mem_alloc_vector(whole.size + 64, 1), whole.size + 64};
    assert_non_null(longer.bytes);
    memset(longer.bytes, 0, longer.size);
    memcpy(longer.bytes, whole.bytes, whole.size);
    assert_false(is_believed(&longer, &sum));
    gv_mem_free(longer.bytes);
    gv_mem_free(whole.bytes);
}

/* Makes the checksums of header and directory agree with what they cover. */
static void seal(const log_image *image)
{
    gv_format_header header;
    memcpy(&header, image->bytes, sizeof header);
    header.directory_hash = gv_hash(image->bytes + header.directory_offset, header.directory_size);
    header.header_hash = gv_hash(&header, offsetof(gv_format_header, header_hash));
    memcpy(image->bytes, &header, sizeof header);
}

/* A forger has the checksums right: each word of the directory becomes each of these. */
static void forged_directory_leads_nowhere(void **state)
{
    static const uint64_t words[] = {0,
                                     1,
                                     7,
                                     8,
                                     64,
                                     1U << 31,
                                     UINT32_MAX,
                                     UINT64_C(1) << 48,
                                     INT64_MAX,
                                     UINT64_MAX,
                                     UINT64_MAX - 63,
                                     UINT64_C(1) << 61};
    const log_image image = make_image(*state);
    gv_format_header header;
    memcpy(&header, image.bytes, sizeof header);
    for (uint64_t at = header.directory_offset; at < image.size; at += 8) {
        uint64_t kept = 0;
        uint64_t sum = 0;
        memcpy(&kept, image.bytes + at, sizeof kept);
        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
            memcpy(image.bytes + at, &words[i], sizeof kept);
            seal(&image);
            (void)is_believed(&image, &sum);
        }
        const uint64_t near[] = {kept + 1, kept - 1, kept ^ 64};
        for (size_t i = 0; i < 3; i++) {
            memcpy(image.bytes + at, &near[i], sizeof kept);
            seal(&image);
            (void)is_believed(&image, &sum);
        }
        memcpy(image.bytes + at, &kept, sizeof kept);
    }
    gv_mem_free(image.bytes);
}

/* Rows 0 and 2 change places in the column `time`; every checksum is made to agree. */
static void forged_times_out_of_order_are_refused(void **state)
{
    static const int64_t times[] = {10, 20, 30};
    static const int64_t swapped[] = {30, 20, 10};
    const log_image image = make_image(*state);
    const uint64_t old_hash = gv_hash(times, sizeof times);
    const uint64_t new_hash = gv_hash(swapped, sizeof swapped);
    size_t changed = 0;
    for (size_t at = 64; at + sizeof times <= image.size; at += 8) {
        if (memcmp(image.bytes + at, times, sizeof times) == 0) {
            memcpy(image.bytes + at, swapped, sizeof swapped);
            changed++;
        } else if (memcmp(image.bytes + at, &old_hash, sizeof old_hash) == 0) {
            memcpy(image.bytes + at, &new_hash, sizeof new_hash);
            changed++;
        }
    }
    assert_int_equal(changed, 2);
    seal(&image);
    gv_log *log = NULL;
    assert_int_equal(gv_log_open_bytes("image", image.bytes, image.size, &log), GV_OK);
    const gv_log_column *time = gv_log_find(log, GV_LOG_IMPRESSION, "time");
    assert_int_equal(gv_log_check(time, 0, 3), GV_ECORRUPT);
    assert_non_null(strstr(gv_status_detail(), "do not ascend"));
    gv_log_close(log);
    gv_mem_free(image.bytes);
}

static void opening_survives_every_failing_allocation(void **state)
{
    const log_image image = make_image(*state);
    gv_status status = GV_ENOMEM;
    for (int n = 0; status == GV_ENOMEM; n++) {
        gv_log *log = NULL;
        gv_mem_fail_after(n);
        status = gv_log_open_bytes("image", image.bytes, image.size, &log);
        gv_mem_fail_after(-1);
        gv_log_close(log);
    }
    assert_int_equal(status, GV_OK);
    gv_mem_free(image.bytes);
}

static void assert_refused(const char *path, gv_status expected, const char *reason)
{
    gv_log *log = NULL;
    assert_int_equal(gv_log_open(path, &log), expected);
    assert_null(log);
    assert_non_null(strstr(gv_status_detail(), path));
    assert_non_null(strstr(gv_status_detail(), reason));
}

static void what_is_no_log_is_said_so(void **state)
{
    const test_folder *folder = *state;
    char path[TEST_PATH_SIZE];
    gv_file_writer *writer = NULL;
    assert_refused(folder->path, GV_EIO, "is a directory");
    test_folder_path(folder, "absent", path);
    assert_refused(path, GV_EIO, "No such file");
    test_folder_path(folder, "empty", path);
    assert_int_equal(gv_file_writer_create(path, &writer), GV_OK);
    assert_int_equal(gv_file_commit(writer), GV_OK);
    assert_refused(path, GV_ECORRUPT, "is empty");
    assert_int_equal(gv_file_writer_create(path, &writer), GV_OK);
    assert_int_equal(gv_file_write(writer, "click price pCTR\n0 1 0.5\n", 25), GV_OK);
    assert_int_equal(gv_file_commit(writer), GV_OK);
    assert_refused(path, GV_ECORRUPT, "gavel ingest");
}

static void other_version_is_said_so(void **state)
{
    const log_image image = make_image(*state);
    uint64_t sum = 0;
    image.bytes[8] = 2;
    assert_false(is_believed(&image, &sum));
    assert_non_null(strstr(gv_status_detail(), "version 2, expected 1"));
    gv_mem_free(image.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(every_flipped_byte_is_found_or_harmless),
        test_in_folder(every_shorter_or_longer_file_is_refused),
        test_in_folder(forged_directory_leads_nowhere),
        test_in_folder(forged_times_out_of_order_are_refused),
        test_in_folder(opening_survives_every_failing_allocation),
        test_in_folder(what_is_no_log_is_said_so),
        test_in_folder(other_version_is_said_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
