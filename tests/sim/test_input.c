/* Files in every compression, and files that are no logs. */
#include <archive.h>
#include <archive_entry.h>
#include <string.h>
#include <unistd.h>

#include "cmocka_all.h"
#include "sim/base/hash.h"
#include "sim/base/mem.h"
#include "sim/log/input_impl.h"
#include "test_folder.h"
#include "test_random.h"

static void write_bytes(const char *path, const void *bytes, size_t size, const char *mode)
{
    FILE *file = fopen(path, mode);
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static size_t file_size(const char *path)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    const long size = ftell(file);
    assert_int_equal(fclose(file), 0);
    return (size_t)size;
}

/* Writes `text` compressed by libarchive's filter of that name ("none": plain). */
static void write_compressed(const char *path, const char *filter, const char *text, size_t size)
{
    if (strcmp(filter, "none") == 0) {
        write_bytes(path, text, size, "wb");
        return;
    }
    struct archive *archive = archive_write_new();
    struct archive_entry *entry = archive_entry_new();
    assert_int_equal(archive_write_set_format_raw(archive), ARCHIVE_OK);
    assert_int_equal(archive_write_add_filter_by_name(archive, filter), ARCHIVE_OK);
    assert_int_equal(archive_write_open_filename(archive, path), ARCHIVE_OK);
    archive_entry_set_filetype(entry, AE_IFREG);
    assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
    assert_int_equal(archive_write_data(archive, text, size), (la_ssize_t)size);
    archive_entry_free(entry);
    assert_int_equal(archive_write_close(archive), ARCHIVE_OK);
    assert_int_equal(archive_write_free(archive), ARCHIVE_OK);
}

/* All pieces in a row: the text as the splitter would see it. NULL on failure. */
static char *read_all(const char *path, size_t *size, gv_status *status)
{
    char *buffer = gv_mem_alloc_vector(GV_INPUT_ROOM + GV_INPUT_PAD, 1);
    char *text = NULL;
    gv_input *input = NULL;
    gv_piece piece = {.size = 1};
    *size = 0;
    *status = gv_input_open(path, &input);
    while (*status == GV_OK && piece.size > 0) {
        *status = gv_input_lines(input, buffer, &piece);
        if (*status == GV_OK && piece.size > 0) {
            assert_false(piece.is_overlong);
            assert_int_equal(piece.text[piece.size - 1], '\n');
            text = gv_mem_resize(text, *size + piece.size, 1);
            memcpy(text + *size, piece.text, piece.size);
            *size += piece.size;
        }
    }
    if (*status == GV_OK) {
        uint64_t hash = 0;
        assert_int_equal(gv_hash_file(path, &hash), GV_OK);
        assert_int_equal(gv_input_hash(input), hash);
        assert_int_equal(gv_input_consumed(input), file_size(path));
    }
    gv_input_close(input);
    gv_mem_free(buffer);
    return text;
}

static const char *const filters[] = {"none", "gzip", "bzip2", "zstd", "xz", "lz4"};

enum { FILTERS = sizeof filters / sizeof filters[0], TEXT_SIZE = 3000000 };

/* Lines of 0 to 99 letters. */
static char *make_text(void)
{
    test_random random = test_random_seeded();
    char *text = gv_mem_alloc(0, TEXT_SIZE, 1);
    for (size_t i = 0; i < TEXT_SIZE; i++) {
        const bool ends = test_random_below(&random, 50) == 0;
        text[i] = (char)(ends ? '\n' : 'a' + test_random_below(&random, 26));
    }
    text[TEXT_SIZE - 1] = '\n';
    return text;
}

static void every_compression_gives_the_same_text(void **state)
{
    char path[TEST_PATH_SIZE];
    char *text = make_text();
    test_folder_path(*state, "log", path);
    for (size_t i = 0; i < FILTERS; i++) {
        size_t size = 0;
        gv_status status = GV_OK;
        write_compressed(path, filters[i], text, TEXT_SIZE);
        char *found = read_all(path, &size, &status);
        assert_int_equal(status, GV_OK);
        assert_int_equal(size, TEXT_SIZE);
        assert_memory_equal(found, text, size);
        gv_mem_free(found);
    }
    gv_mem_free(text);
}

static void members_may_be_concatenated(void **state)
{
    char path[TEST_PATH_SIZE];
    char part[TEST_PATH_SIZE];
    test_folder_path(*state, "log", path);
    test_folder_path(*state, "part", part);
    for (size_t i = 1; i < FILTERS; i++) {
        char bytes[256];
        write_compressed(path, filters[i], "a\nb", 3);
        write_compressed(part, filters[i], "c\nd\n", 4);
        const size_t added = file_size(part);
        FILE *file = fopen(part, "rb");
        assert_non_null(file);
        assert_int_equal(fread(bytes, 1, sizeof bytes, file), added);
        assert_int_equal(fclose(file), 0);
        write_bytes(path, bytes, added, "ab");
        size_t size = 0;
        gv_status status = GV_OK;
        char *found = read_all(path, &size, &status);
        assert_int_equal(status, GV_OK);
        assert_int_equal(size, 7);
        assert_memory_equal(found, "a\nbc\nd\n", 7);
        gv_mem_free(found);
    }
}

static void truncated_files_are_named_with_the_place(void **state)
{
    char path[TEST_PATH_SIZE];
    char *text = make_text();
    test_folder_path(*state, "log", path);
    for (size_t i = 1; i < FILTERS; i++) {
        write_compressed(path, filters[i], text, TEXT_SIZE);
        assert_int_equal(truncate(path, (off_t)file_size(path) / 2), 0);
        size_t size = 0;
        gv_status status = GV_OK;
        char *found = read_all(path, &size, &status);
        assert_int_equal(status, GV_EIO);
        assert_non_null(strstr(gv_status_detail(), path));
        assert_non_null(strstr(gv_status_detail(), "near byte"));
        gv_mem_free(found);
    }
    gv_mem_free(text);
}

static void empty_contents_end_at_once(void **state)
{
    char path[TEST_PATH_SIZE];
    test_folder_path(*state, "log", path);
    for (size_t i = 0; i < FILTERS - 1; i++) { /* libarchive cannot write an empty lz4 */
        size_t size = 1;
        gv_status status = GV_OK;
        write_compressed(path, filters[i], "", 0);
        char *found = read_all(path, &size, &status);
        assert_int_equal(status, GV_OK);
        assert_int_equal(size, 0);
        gv_mem_free(found);
    }
}

static void what_is_no_log_is_refused_in_a_sentence(void **state)
{
    const struct {
        const char *bytes;
        size_t size;
        const char *part;
    } cases[] = {
        {"PK\x03\x04zipped", 10, "zip archive"},
        {"\xff\xfe\x61\0", 4, "UTF-16"},
        {"\x1f\x8bgarbage", 9, "near byte"},
    };
    char path[TEST_PATH_SIZE];
    size_t size = 0;
    gv_status status = GV_OK;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        test_folder_path(*state, "log", path);
        write_bytes(path, cases[i].bytes, cases[i].size, "wb");
        gv_mem_free(read_all(path, &size, &status));
        if (status != GV_OK) { /* what only looks compressed may be read as it stands */
            assert_int_equal(status, GV_EIO);
            assert_non_null(strstr(gv_status_detail(), cases[i].part));
        } else {
            assert_int_equal(i, 2);
        }
    }
    gv_mem_free(read_all(((const test_folder *)*state)->path, &size, &status));
    assert_int_equal(status, GV_EIO);
    assert_non_null(strstr(gv_status_detail(), "is a directory"));
    test_folder_path(*state, "absent", path);
    gv_mem_free(read_all(path, &size, &status));
    assert_int_equal(status, GV_EIO);
    assert_non_null(strstr(gv_status_detail(), "cannot be opened"));
}

static void a_byte_order_mark_is_skipped_and_a_last_line_ended(void **state)
{
    char path[TEST_PATH_SIZE];
    size_t size = 0;
    gv_status status = GV_OK;
    test_folder_path(*state, "log", path);
    write_bytes(path, "\xef\xbb\xbfone\r\n\ntwo", 12, "wb");
    char *found = read_all(path, &size, &status);
    assert_int_equal(size, 10);
    assert_memory_equal(found, "one\r\n\ntwo\n", 10);
    gv_mem_free(found);
}

/* Lines of exactly the limit pass; one byte more, or a hundred times more, is overlong. */
static void overlong_lines_are_cut_out_and_reading_goes_on(void **state)
{
    const size_t lengths[] = {GV_LINE_MAX, GV_LINE_MAX + 1, (size_t)GV_LINE_MAX * 9 + 7};
    char path[TEST_PATH_SIZE];
    test_folder_path(*state, "log", path);
    char *buffer = gv_mem_alloc_vector(GV_INPUT_ROOM + GV_INPUT_PAD, 1);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        char *line = gv_mem_alloc(0, lengths[i] + 1, 1);
        memset(line, 'x', lengths[i]);
        line[lengths[i]] = '\n';
        write_bytes(path, "first\n", 6, "wb");
        write_bytes(path, line, lengths[i] + 1, "ab");
        write_bytes(path, "last\n", 5, "ab");
        gv_mem_free(line);
        gv_input *input = NULL;
        assert_int_equal(gv_input_open(path, &input), GV_OK);
        size_t overlong = 0;
        size_t bytes = 0;
        gv_piece piece = {.size = 1};
        while (piece.size > 0) {
            assert_int_equal(gv_input_lines(input, buffer, &piece), GV_OK);
            overlong += piece.is_overlong;
            bytes += piece.is_overlong ? 0 : piece.size;
        }
        gv_input_close(input);
        const bool is_cut = bytes == 11;
        assert_int_equal(is_cut, overlong == 1);
        assert_true(i > 0 || !is_cut);
        assert_true(i < 2 || is_cut);
        assert_true(is_cut || bytes == 11 + lengths[i] + 1);
    }
    gv_mem_free(buffer);
}

static void opening_survives_failing_memory(void **state)
{
    char path[TEST_PATH_SIZE];
    test_folder_path(*state, "log", path);
    write_bytes(path, "text\n", 5, "wb");
    for (int count = 0;; count++) {
        gv_input *input = NULL;
        gv_mem_fail_after(count);
        const gv_status status = gv_input_open(path, &input);
        gv_mem_fail_after(-1);
        gv_input_close(input);
        if (status == GV_OK) {
            assert_true(count > 1);
            break;
        }
        assert_int_equal(status, GV_ENOMEM);
        assert_null(input);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(every_compression_gives_the_same_text),
        test_in_folder(members_may_be_concatenated),
        test_in_folder(truncated_files_are_named_with_the_place),
        test_in_folder(empty_contents_end_at_once),
        test_in_folder(what_is_no_log_is_refused_in_a_sentence),
        test_in_folder(a_byte_order_mark_is_skipped_and_a_last_line_ended),
        test_in_folder(overlong_lines_are_cut_out_and_reading_goes_on),
        test_in_folder(opening_survives_failing_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
