/* Interrupted storms go on as if nothing had happened; whatever is not such a file is refused. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmocka_all.h"
#include "sim/base/mem.h"
#include "sim/core/checkpoint.h"
#include "sim/core/checkpoint_impl.h"
#include "sim/core/sim_impl.h"
#include "storm.h"
#include "test_folder.h"
#include "test_random.h"

enum { STORMS = 150, LEGS = 100, RANDOM_LEGS = 40, FILE_MAX = 1 << 16 };

static void finish(storm_run *run)
{
    for (int leg = 0; leg < LEGS; leg++) {
        assert_int_equal(gv_sim_run(run->sim, GV_NEVER_US), GV_OK);
    }
    assert_int_equal(gv_sim_pending(run->sim), 0);
}

static void save(const storm_run *run, gv_writer *writer)
{
    assert_int_equal(gv_writer_put(writer, "storm", &run->s, sizeof run->s), GV_OK);
    assert_int_equal(gv_sim_save(run->sim, writer), GV_OK);
}

static void save_to(const storm_run *run, const char *path)
{
    gv_writer writer = {0};
    save(run, &writer);
    assert_int_equal(gv_checkpoint_write(path, &writer), GV_OK);
    gv_writer_fini(&writer);
}

/* Into a struct and a simulator that know nothing yet. */
static void restore_from(storm_run *run, const char *path)
{
    gv_writer saved = {0};
    assert_int_equal(gv_checkpoint_read(path, &saved), GV_OK);
    gv_reader reader = {.bytes = saved.bytes, .size = saved.size};
    memset(run, 0xa5, sizeof *run);
    assert_int_equal(gv_reader_get(&reader, "storm", &run->s, sizeof run->s), GV_OK);
    assert_int_equal(storm_create(run), GV_OK);
    assert_int_equal(gv_sim_restore(run->sim, &reader), GV_OK);
    assert_true(gv_reader_is_done(&reader));

    gv_writer again = {0};
    save(run, &again);
    assert_int_equal(again.size, saved.size);
    assert_memory_equal(again.bytes, saved.bytes, saved.size);
    gv_writer_fini(&again);
    gv_writer_fini(&saved);
}

static void start(storm_run *run, uint64_t seed)
{
    storm_init(&run->s, seed);
    assert_int_equal(storm_create(run), GV_OK);
    storm_begin(&run->s, &storm_on_sim, run->sim);
}

/* Whole, against cut at random times, each time through a file into a new simulator. */
static void interrupted_runs_end_byte_for_byte_alike(void **state)
{
    static storm_run whole;
    static storm_run cut;
    char path[TEST_PATH_SIZE];
    test_folder_path(*state, "storm.checkpoint", path);
    test_random random = test_random_seeded();
    for (uint64_t seed = 0; seed < STORMS; seed++) {
        start(&whole, seed);
        finish(&whole);
        start(&cut, seed);
        for (int leg = 0; leg < RANDOM_LEGS; leg++) {
            const int64_t until_us = gv_sim_now(cut.sim) + test_random_below(&random, 30);
            assert_int_equal(gv_sim_run(cut.sim, until_us), GV_OK);
            if (test_random_below(&random, 10) == 0) {
                save_to(&cut, path);
                gv_sim_destroy(cut.sim);
                restore_from(&cut, path);
            }
        }
        finish(&cut);
        assert_memory_equal(&whole.s, &cut.s, sizeof whole.s);
        assert_int_equal(whole.sim->next_sequence, cut.sim->next_sequence);
        gv_sim_destroy(whole.sim);
        gv_sim_destroy(cut.sim);
    }
    assert_int_equal(test_folder_count(*state), 1);
}

static void write_bytes(const char *path, const unsigned char *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static size_t read_bytes(const char *path, unsigned char *bytes)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    const size_t size = fread(bytes, 1, FILE_MAX, file);
    assert_int_equal(fclose(file), 0);
    return size;
}

/* One sentence that names the file; nothing is given out. */
static void expect_refusal(const char *path, gv_status expected, const char *phrase)
{
    gv_writer writer = {0};
    assert_int_equal(gv_checkpoint_read(path, &writer), expected);
    assert_null(writer.bytes);
    assert_non_null(strstr(gv_status_detail(), path));
    assert_non_null(strstr(gv_status_detail(), phrase));
}

/* A small, real checkpoint. Returns its size. */
static size_t small_file(const char *path, unsigned char *bytes)
{
    gv_writer writer = {0};
    assert_int_equal(gv_writer_put(&writer, "name", "linear", 6), GV_OK);
    assert_int_equal(gv_writer_put(&writer, "empty", NULL, 0), GV_OK);
    assert_int_equal(gv_checkpoint_write(path, &writer), GV_OK);
    gv_writer_fini(&writer);
    return read_bytes(path, bytes);
}

static void every_flipped_bit_is_found(void **state)
{
    static unsigned char bytes[FILE_MAX];
    char path[TEST_PATH_SIZE];
    test_folder_path(*state, "small.checkpoint", path);
    const size_t size = small_file(path, bytes);
    for (size_t bit = 0; bit < size * 8; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1U << bit % 8);
        write_bytes(path, bytes, size);
        expect_refusal(path, GV_ECORRUPT, "checkpoint");
        bytes[bit / 8] ^= (unsigned char)(1U << bit % 8);
    }
}

static void every_truncation_is_found(void **state)
{
    static unsigned char bytes[FILE_MAX];
    char path[TEST_PATH_SIZE];
    test_folder_path(*state, "small.checkpoint", path);
    const size_t size = small_file(path, bytes);
    for (size_t kept = 0; kept < size; kept++) {
        write_bytes(path, bytes, kept);
        expect_refusal(path, GV_ECORRUPT,
                       kept < sizeof(gv_checkpoint_header) ? "too few" : "cut short");
    }
    bytes[size] = 0;
    write_bytes(path, bytes, size + 1);
    expect_refusal(path, GV_ECORRUPT, "too long");
}

static void foreign_files_are_named_as_what_they_are(void **state)
{
    static unsigned char bytes[FILE_MAX];
    const test_folder *folder = *state;
    char path[TEST_PATH_SIZE];
    test_folder_path(folder, "small.checkpoint", path);
    expect_refusal(path, GV_EIO, "small.checkpoint");
    const size_t size = small_file(path, bytes);
    gv_checkpoint_header header;
    memcpy(&header, bytes, sizeof header);

    const char text[] = "traffic: {source: iPinYou}\npolicies: [lin, ortb1, rlb]\n";
    write_bytes(path, (const unsigned char *)text, sizeof text);
    expect_refusal(path, GV_ECORRUPT, "not a checkpoint");

    header.version++;
    memcpy(bytes, &header, sizeof header);
    write_bytes(path, bytes, size);
    expect_refusal(path, GV_ECORRUPT, "format version 2, this program reads 1");

    header.version = UINT32_C(0x01000000);
    header.byte_order = UINT32_C(0x04030201);
    memcpy(bytes, &header, sizeof header);
    write_bytes(path, bytes, size);
    expect_refusal(path, GV_ECORRUPT, "other byte order");

    expect_refusal(folder->path, GV_EIO, folder->path);
}

static void unwritable_places_are_an_error(void **state)
{
    char path[TEST_PATH_SIZE];
    test_folder_path(*state, "absent/storm.checkpoint", path);
    const gv_writer writer = {0};
    assert_int_equal(gv_checkpoint_write(path, &writer), GV_EIO);
    assert_non_null(strstr(gv_status_detail(), path));
}

static gv_reader reader_of(const gv_writer *writer)
{
    return (gv_reader){.bytes = writer->bytes, .size = writer->size};
}

static void sections_are_read_as_they_were_written(void **state)
{
    (void)state;
    gv_writer writer = {0};
    assert_int_equal(gv_writer_put(&writer, "clock", "1234567", 7), GV_OK);
    assert_int_equal(gv_writer_put(&writer, "a tag of 23 characters.", "x", 1), GV_OK);
    assert_int_equal(gv_writer_put(&writer, "none", NULL, 0), GV_OK);
    gv_reader reader = reader_of(&writer);
    char text[8] = "";
    size_t size = 0;
    assert_int_equal(gv_reader_peek(&reader, "clock", &size), GV_OK);
    assert_int_equal(size, 7);
    assert_int_equal(gv_reader_get(&reader, "clock", text, 7), GV_OK);
    assert_string_equal(text, "1234567");
    const unsigned char *bytes = NULL;
    assert_int_equal(gv_reader_view(&reader, "a tag of 23 characters.", &bytes, &size), GV_OK);
    assert_int_equal(size, 1);
    assert_int_equal(bytes[0], 'x');
    assert_false(gv_reader_is_done(&reader));
    assert_int_equal(gv_reader_get(&reader, "none", NULL, 0), GV_OK);
    assert_true(gv_reader_is_done(&reader));
    gv_writer_fini(&writer);
}

/* Equal states give equal bytes, whatever lay in the memory before. */
static void padding_is_zero(void **state)
{
    (void)state;
    gv_writer writer = {.bytes = gv_mem_resize(NULL, 256, 1), .capacity = 256};
    assert_non_null(writer.bytes);
    memset(writer.bytes, 0xa5, 256);
    assert_int_equal(gv_writer_put(&writer, "clock", "1", 1), GV_OK);
    static const unsigned char zeros[7];
    assert_memory_equal(writer.bytes + writer.size - sizeof zeros, zeros, sizeof zeros);
    gv_writer_fini(&writer);
}

static void other_sections_are_refused(void **state)
{
    (void)state;
    gv_writer writer = {0};
    assert_int_equal(gv_writer_put(&writer, "clock", "1234567", 7), GV_OK);
    gv_reader reader = reader_of(&writer);
    char text[8] = "kept";
    assert_int_equal(gv_reader_get(&reader, "policy", text, 7), GV_ECORRUPT);
    assert_string_equal(gv_status_detail(), "the checkpoint has part 'clock' at byte 0, expected "
                                            "'policy'; it is of another scenario or version");
    assert_int_equal(gv_reader_get(&reader, "clock", text, 6), GV_ECORRUPT);
    assert_non_null(strstr(gv_status_detail(), "7 bytes, expected 6"));
    assert_string_equal(text, "kept");
    assert_int_equal(gv_reader_get(&reader, "clock", text, 7), GV_OK);
    assert_int_equal(gv_reader_get(&reader, "clock", text, 7), GV_ECORRUPT);
    assert_non_null(strstr(gv_status_detail(), "ends at byte"));

    /* A size beyond the end, and a tag that is no text. */
    gv_reader again = reader_of(&writer);
    writer.bytes[GV_TAG_MAX + 1 + 7] = 0xff;
    assert_int_equal(gv_reader_get(&again, "clock", text, 7), GV_ECORRUPT);
    assert_non_null(strstr(gv_status_detail(), "claims"));
    writer.bytes[0] = 0x1b;
    assert_int_equal(gv_reader_get(&again, "clock", text, 7), GV_ECORRUPT);
    assert_non_null(strstr(gv_status_detail(), "(unreadable)"));
    gv_writer_fini(&writer);
}

static gv_status ignore(void *context, gv_sim *sim, const gv_event *event)
{
    (void)context;
    (void)sim;
    (void)event;
    return GV_OK;
}

static gv_sim *sim_of(size_t pending_max)
{
    const gv_sim_config config = {.handle = ignore, .pending_max = pending_max};
    gv_sim *sim = NULL;
    assert_int_equal(gv_sim_create(&config, &sim), GV_OK);
    return sim;
}

/* The saved bytes of three events at 10, 20 and 30, the clock at 5. */
static gv_writer three_events(void)
{
    gv_sim *sim = sim_of(3);
    assert_int_equal(gv_sim_run(sim, 5), GV_OK);
    for (int64_t time_us = 10; time_us <= 30; time_us += 10) {
        (void)gv_sim_schedule(sim, (gv_event){.time_us = time_us});
    }
    gv_writer writer = {0};
    assert_int_equal(gv_sim_save(sim, &writer), GV_OK);
    gv_sim_destroy(sim);
    return writer;
}

/* Overwrites the int64 whose value is `old` by `value`; expects a refusal that changes nothing. */
static void expect_damage_found(int64_t old, int64_t value, const char *phrase)
{
    gv_writer writer = three_events();
    bool is_done = false;
    for (size_t i = 0; i + sizeof old <= writer.size && !is_done; i += sizeof old) {
        if (memcmp(writer.bytes + i, &old, sizeof old) == 0) {
            memcpy(writer.bytes + i, &value, sizeof value);
            is_done = true;
        }
    }
    assert_true(is_done);
    gv_sim *sim = sim_of(3);
    (void)gv_sim_schedule(sim, (gv_event){.time_us = 77});
    gv_reader reader = reader_of(&writer);
    assert_int_equal(gv_sim_restore(sim, &reader), GV_ECORRUPT);
    assert_non_null(strstr(gv_status_detail(), phrase));
    assert_int_equal(gv_sim_now(sim), 0);
    assert_int_equal(gv_sim_pending(sim), 1);
    assert_int_equal(gv_sim_run(sim, GV_NEVER_US), GV_OK);
    assert_int_equal(gv_sim_now(sim), 77);
    gv_sim_destroy(sim);
    gv_writer_fini(&writer);
}

static void damaged_simulators_are_refused_whole(void **state)
{
    (void)state;
    expect_damage_found(10, 4, "pending event 0 is out of range");
    expect_damage_found(30, INT64_MAX, "pending event 2 is out of range");
    expect_damage_found(5, 11, "pending event 0 is out of range");
    expect_damage_found(3, 2, "pending event 2 is out of range"); /* next sequence */
    expect_damage_found(3 * (int64_t)sizeof(gv_event), 2 * (int64_t)sizeof(gv_event), "bytes");
}

static void a_smaller_pool_refuses_what_does_not_fit(void **state)
{
    (void)state;
    gv_writer writer = three_events();
    gv_sim *sim = sim_of(2);
    gv_reader reader = reader_of(&writer);
    assert_int_equal(gv_sim_restore(sim, &reader), GV_ECORRUPT);
    assert_non_null(strstr(gv_status_detail(), "room for 2"));
    gv_sim_destroy(sim);
    gv_writer_fini(&writer);
}

static void restoring_drops_what_was_pending(void **state)
{
    (void)state;
    gv_writer writer = three_events();
    gv_sim *sim = sim_of(3);
    for (int64_t time_us = 1; time_us <= 3; time_us++) {
        (void)gv_sim_schedule(sim, (gv_event){.time_us = time_us});
    }
    gv_reader reader = reader_of(&writer);
    assert_int_equal(gv_sim_restore(sim, &reader), GV_OK);
    assert_int_equal(gv_sim_now(sim), 5);
    assert_int_equal(gv_sim_pending(sim), 3);
    assert_int_equal(gv_sim_run(sim, 25), GV_OK);
    assert_int_equal(gv_sim_pending(sim), 1);
    gv_sim_destroy(sim);
    gv_writer_fini(&writer);
}

static void every_failed_allocation_is_survived(void **state)
{
    char path[TEST_PATH_SIZE];
    test_folder_path(*state, "small.checkpoint", path);
    gv_writer writer = {0};
    gv_mem_fail_after(0);
    assert_int_equal(gv_writer_put(&writer, "clock", "1234567", 7), GV_ENOMEM);
    assert_int_equal(writer.size, 0);
    assert_int_equal(gv_writer_put(&writer, "clock", "1234567", 7), GV_OK);
    gv_mem_fail_after(0);
    static char large[10000];
    assert_int_equal(gv_writer_put(&writer, "large", large, sizeof large), GV_ENOMEM);
    gv_reader reader = reader_of(&writer);
    assert_int_equal(gv_reader_get(&reader, "clock", large, 7), GV_OK);
    assert_true(gv_reader_is_done(&reader));

    gv_status status = GV_ENOMEM;
    for (int n = 0; status != GV_OK; n++) {
        gv_mem_fail_after(n);
        status = gv_checkpoint_write(path, &writer);
        assert_true(status == GV_OK || status == GV_ENOMEM);
        assert_int_equal(test_folder_count(*state), status == GV_OK ? 1 : 0);
    }
    gv_writer back = {0};
    status = GV_ENOMEM;
    for (int n = 0; status != GV_OK; n++) {
        gv_mem_fail_after(n);
        status = gv_checkpoint_read(path, &back);
        assert_true(status == GV_OK || status == GV_ENOMEM);
    }
    gv_mem_fail_after(-1);
    assert_memory_equal(back.bytes, writer.bytes, writer.size);
    gv_writer_fini(&back);
    gv_writer_fini(&writer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(interrupted_runs_end_byte_for_byte_alike),
        test_in_folder(every_flipped_bit_is_found),
        test_in_folder(every_truncation_is_found),
        test_in_folder(foreign_files_are_named_as_what_they_are),
        test_in_folder(unwritable_places_are_an_error),
        cmocka_unit_test(sections_are_read_as_they_were_written),
        cmocka_unit_test(padding_is_zero),
        cmocka_unit_test(other_sections_are_refused),
        cmocka_unit_test(damaged_simulators_are_refused_whole),
        cmocka_unit_test(a_smaller_pool_refuses_what_does_not_fit),
        cmocka_unit_test(restoring_drops_what_was_pending),
        test_in_folder(every_failed_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
