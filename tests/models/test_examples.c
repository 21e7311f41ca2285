/* Rows of logs as examples: by their texts, with the past that was visible, labelled by hand. */
#include <math.h>

#include "cmocka_all.h"
#include "models/predict/example_reader.h"
#include "sim/base/clock.h"
#include "sim/base/hash.h"
#include "sim/base/mem.h"
#include "test_log.h"

enum { BITS = 16 };

/* Clicks of a (twice), of b outside of the span, of the orphans o (twice) and p; c converts. */
static const char *const rows[] = {
    "impression time=10 bid_id=a user=u advertiser=x exchange=1 tags=t1,t2 slot_width=3 price=1",
    "impression time=20 bid_id=b user=u advertiser=y exchange=2 tags=t2 slot_width=4 price=1",
    "impression time=30 bid_id=c user=v advertiser=x exchange=1 tags= slot_width=3 price=1",
    "impression time=30 bid_id=d user=null advertiser=x exchange=1 tags=t9 slot_width=3 price=1",
    "impression time=40 bid_id=e user=u advertiser=x exchange=2 tags=t1 slot_width=3 price=1",
    "click time=12 bid_id=a",
    "click time=14 bid_id=a",
    "click time=33 bid_id=c",
    "click time=900 bid_id=b",
    "click time=25 bid_id=o user=u advertiser=z exchange=1 tags=t1 slot_width=3 price=0",
    "click time=35 bid_id=o user=u advertiser=z exchange=1 tags=t1 slot_width=3 price=0",
    "click time=26 bid_id=p user=w advertiser=z exchange=1 tags=t1 slot_width=3 price=0",
    "conversion time=50 bid_id=c",
    "conversion time=51 bid_id=p user=w advertiser=z exchange=1 tags=t1 slot_width=3 price=0",
    NULL,
};

static gv_fields fields_of(const char *text)
{
    gv_fields fields;
    assert_int_equal(gv_fields_parse(text, strlen(text), &fields), GV_OK);
    return fields;
}

static gv_predictor_training training_of(const gv_log *log)
{
    return (gv_predictor_training){
        .log = log, .start_us = 0, .end_us = 100, .impression_weight = 10};
}

static gv_example_reader *reader_of(const gv_log *log, const char *text)
{
    const gv_fields fields = fields_of(text);
    gv_example_reader *reader = NULL;
    assert_int_equal(gv_example_reader_create(log, &fields, BITS, "the test", &reader), GV_OK);
    return reader;
}

/* The bucket as the header says it: H(H(name), H(value), ...). */
static uint32_t bucket(const char *name, const char *const *values, size_t count)
{
    uint64_t words[4] = {gv_hash(name, strlen(name))};
    for (size_t i = 0; i < count; i++) {
        words[1 + i] = gv_hash(values[i], strlen(values[i]));
    }
    return (uint32_t)(gv_hash(words, (1 + count) * sizeof *words) >> (64 - BITS));
}

static uint32_t single(const char *name, const char *value)
{
    return bucket(name, &value, 1);
}

static void samples_are_those_of_the_case_control_rule(void **state)
{
    gv_log *log = test_log_make(*state, "a.gvlog", rows);
    const gv_predictor_training training = training_of(log);
    gv_sample_list list;
    assert_int_equal(gv_samples_gather(&training, "testing", NULL, &list), GV_OK);
    static const struct {
        int64_t time_us;
        bool is_orphan;
        bool is_clicked;
        bool is_converted;
    } expected[] = {
        {10, false, true, false},  {20, false, false, false}, {25, true, true, false},
        {26, true, true, true},    {30, false, true, true},   {30, false, false, false},
        {40, false, false, false},
    };
    assert_int_equal(list.count, 7);
    for (size_t i = 0; i < list.count; i++) {
        assert_int_equal(list.items[i].time_us, expected[i].time_us);
        assert_int_equal(list.items[i].is_orphan, expected[i].is_orphan);
        assert_int_equal(list.items[i].is_clicked, expected[i].is_clicked);
        assert_int_equal(list.items[i].is_converted, expected[i].is_converted);
    }
    assert_int_equal(list.click_count, 4);
    assert_int_equal(list.conversion_count, 2);
    assert_true(list.tells_conversions);
    gv_samples_fini(&list);
    gv_log_close(log);
}

/* A conversion behind the span's end is not seen. */
static void a_conversion_that_came_later_is_not_known(void **state)
{
    gv_log *log = test_log_make(*state, "a.gvlog", rows);
    gv_predictor_training training = training_of(log);
    gv_sample_list list;
    training.end_us = 51;
    assert_int_equal(gv_samples_gather(&training, "testing", NULL, &list), GV_OK);
    assert_int_equal(list.conversion_count, 1);
    gv_samples_fini(&list);
    gv_log_close(log);
}

static void buckets_are_hashes_of_names_and_texts(void **state)
{
    gv_log *log = test_log_make(*state, "a.gvlog", rows);
    gv_example_reader *reader = reader_of(log, "advertiser, tags, slot_width*advertiser, hour");
    gv_example_set set = {.row_room = 0};
    const gv_sample sample = {.row = 0, .time_us = 10};
    assert_int_equal(gv_example_reader_read(reader, &sample, 1, NULL, &set), GV_OK);
    assert_int_equal(set.view.count, 1);
    assert_int_equal(set.view.starts[4], 5);
    assert_int_equal(set.view.buckets[0], single("advertiser", "x"));
    assert_int_equal(set.view.starts[1], 1);
    assert_int_equal(set.view.buckets[1], single("tags", "t1"));
    assert_int_equal(set.view.buckets[2], single("tags", "t2"));
    assert_int_equal(set.view.starts[2], 3);
    static const char *const cross[] = {"3", "x"};
    assert_int_equal(set.view.buckets[3], bucket("slot_width*advertiser", cross, 2));
    assert_int_equal(set.view.buckets[4], single("hour", "0"));
    assert_null(set.view.clicks);
    gv_example_set_fini(&set);
    gv_example_reader_destroy(reader);
    gv_log_close(log);
}

static void no_tags_are_no_values_and_crosses_multiply(void **state)
{
    gv_log *log = test_log_make(*state, "a.gvlog", rows);
    gv_example_reader *reader = reader_of(log, "tags, tags*exchange");
    gv_example_set set = {.row_room = 0};
    const gv_sample samples[] = {{.row = 0, .time_us = 10}, {.row = 2, .time_us = 30}};
    assert_int_equal(gv_example_reader_read(reader, samples, 2, NULL, &set), GV_OK);
    const uint32_t starts[] = {0, 2, 4, 4, 4};
    assert_memory_equal(set.view.starts, starts, sizeof starts);
    static const char *const first[] = {"t1", "1"};
    static const char *const second[] = {"t2", "1"};
    assert_int_equal(set.view.buckets[2], bucket("tags*exchange", first, 2));
    assert_int_equal(set.view.buckets[3], bucket("tags*exchange", second, 2));
    gv_example_set_fini(&set);
    gv_example_reader_destroy(reader);
    gv_log_close(log);
}

/* Another log's codes are others; its texts are the same, in an orphan as in an impression. */
static void another_log_gives_the_same_buckets(void **state)
{
    static const char *const other_rows[] = {
        "impression time=1 bid_id=q user=k advertiser=new exchange=7 tags=t9,t8 slot_width=1",
        "impression time=10 bid_id=a user=u advertiser=x exchange=1 tags=t1,t2 slot_width=3",
        "click time=10 bid_id=z user=u advertiser=x exchange=1 tags=t1,t2 slot_width=3", NULL};
    static const char text[] = "advertiser, exchange*tags, tags, slot_width, user, weekday";
    gv_log *one = test_log_make(*state, "a.gvlog", rows);
    gv_log *other = test_log_make(*state, "b.gvlog", other_rows);
    gv_example_reader *readers[] = {reader_of(one, text), reader_of(other, text)};
    gv_example_set sets[3] = {{.row_room = 0}};
    const gv_sample first = {.row = 0, .time_us = 10};
    const gv_sample second = {.row = 1, .time_us = 10};
    const gv_sample orphan = {.row = 0, .time_us = 10, .is_orphan = true};
    assert_int_equal(gv_example_reader_read(readers[0], &first, 1, NULL, &sets[0]), GV_OK);
    assert_int_equal(gv_example_reader_read(readers[1], &second, 1, NULL, &sets[1]), GV_OK);
    assert_int_equal(gv_example_reader_read(readers[1], &orphan, 1, NULL, &sets[2]), GV_OK);
    const size_t count = sets[0].view.starts[6];
    assert_int_equal(count, 8);
    for (size_t s = 1; s < 3; s++) {
        assert_memory_equal(sets[s].view.starts, sets[0].view.starts, 7 * sizeof(uint32_t));
        assert_memory_equal(sets[s].view.buckets, sets[0].view.buckets, count * sizeof(uint32_t));
    }
    for (size_t s = 0; s < 3; s++) {
        gv_example_set_fini(&sets[s]);
    }
    gv_example_reader_destroy(readers[0]);
    gv_example_reader_destroy(readers[1]);
    gv_log_close(one);
    gv_log_close(other);
}

/* Of user u before 40: seen at 10, clicked at 12 and 14, seen at 20, clicked o at 25 and 35. */
static void a_past_is_what_was_before_and_nothing_else(void **state)
{
    gv_log *log = test_log_make(*state, "a.gvlog", rows);
    gv_example_reader *reader = reader_of(log, "hour; past(5): event, advertiser");
    gv_example_set set = {.row_room = 0};
    const gv_sample samples[] = {
        {.row = 4, .time_us = 40},                    /* five of six */
        {.row = 0, .time_us = 10},                    /* nothing before */
        {.row = 2, .time_us = 30},                    /* v was never seen */
        {.row = 3, .time_us = 30},                    /* nobody */
        {.row = 0, .time_us = 25, .is_orphan = true}, /* o's own time: itself is not before */
    };
    assert_int_equal(gv_example_reader_read(reader, samples, 5, NULL, &set), GV_OK);
    const uint32_t counts[] = {5, 0, 0, 0, 4};
    assert_memory_equal(set.view.past_counts, counts, sizeof counts);
    static const char *const events[] = {"click", "click", "impression", "click", "click"};
    static const char *const advertisers[] = {"x", "x", "y", "z", "z"};
    static const int64_t times[] = {12, 14, 20, 25, 35};
    for (size_t e = 0; e < 5; e++) {
        assert_int_equal(set.view.past_buckets[2 * e], single("event", events[e]));
        assert_int_equal(set.view.past_buckets[2 * e + 1], single("advertiser", advertisers[e]));
        const double age = (double)(40 - times[e]) / (double)GV_US_PER_SECOND;
        assert_true(fabs((double)set.view.past_ages[e] - age) < 1e-10);
    }
    gv_example_set_fini(&set);
    gv_example_reader_destroy(reader);
    gv_log_close(log);
}

static void a_user_of_very_many_events_is_read_in_bounded_memory(void **state)
{
    enum { EVENTS = 60000, SIZE = 64 };
    char(*heap)[SIZE] = gv_mem_alloc(0, EVENTS, SIZE);
    const char **text = gv_mem_alloc(0, EVENTS + 1, sizeof *text);
    char path[TEST_PATH_SIZE];
    gv_builder_counts counts;
    gv_log *log = NULL;
    for (size_t i = 0; i < EVENTS; i++) {
        (void)snprintf(heap[i], SIZE, "impression time=%zu bid_id=b%zu user=u exchange=%zu", i, i,
                       i % 3);
        text[i] = heap[i];
    }
    test_folder_path(*state, "many.gvlog", path);
    const test_log_options options = {.rows_per_chunk = 1000};
    assert_int_equal(test_log_build(path, text, options, &counts), GV_OK);
    assert_int_equal(gv_log_open(path, &log), GV_OK);
    gv_example_reader *reader = reader_of(log, "hour; past(4): exchange");
    gv_example_set set = {.row_room = 0};
    const gv_sample samples[] = {{.row = EVENTS - 1, .time_us = EVENTS - 1},
                                 {.row = 2, .time_us = 2}};
    assert_int_equal(gv_example_reader_read(reader, samples, 2, NULL, &set), GV_OK);
    assert_int_equal(set.view.past_counts[0], 4);
    assert_int_equal(set.view.past_counts[1], 2);
    for (size_t e = 0; e < 4; e++) {
        char exchange[8];
        (void)snprintf(exchange, sizeof exchange, "%zu", (EVENTS - 5 + e) % 3);
        assert_int_equal(set.view.past_buckets[e], single("exchange", exchange));
    }
    gv_example_set_fini(&set);
    gv_example_reader_destroy(reader);
    gv_log_close(log);
    gv_mem_free(heap);
    gv_mem_free(text);
}

/* The epoch was a Thursday; hours and days are those of the log's zone, before 1970 as after. */
static void hours_and_weekdays_are_those_of_the_zone(void **state)
{
    static const char *const hourly[] = {"impression time=0 bid_id=a", NULL};
    char path[TEST_PATH_SIZE];
    gv_builder_counts counts;
    gv_log *log = NULL;
    test_folder_path(*state, "zone.gvlog", path);
    const test_log_options options = {.zone_us = -5 * GV_US_PER_HOUR};
    assert_int_equal(test_log_build(path, hourly, options, &counts), GV_OK);
    assert_int_equal(gv_log_open(path, &log), GV_OK);
    gv_example_reader *reader = reader_of(log, "hour, weekday");
    static const struct {
        int64_t hours;
        const char *hour;
        const char *weekday;
    } cases[] = {{0, "19", "3"},    {5, "0", "4"},  {4, "23", "3"},
                 {-100, "15", "6"}, {77, "0", "7"}, {76, "23", "6"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        gv_example_set set = {.row_room = 0};
        const gv_sample sample = {.row = 0, .time_us = cases[i].hours * GV_US_PER_HOUR};
        assert_int_equal(gv_example_reader_read(reader, &sample, 1, NULL, &set), GV_OK);
        assert_int_equal(set.view.buckets[0], single("hour", cases[i].hour));
        assert_int_equal(set.view.buckets[1], single("weekday", cases[i].weekday));
        gv_example_set_fini(&set);
    }
    gv_example_reader_destroy(reader);
    gv_log_close(log);
}

static void all_columns_that_are_missing_are_named(void **state)
{
    static const char *const poor[] = {"impression time=1 bid_id=a exchange=1 score=0.5", NULL};
    gv_log *log = test_log_make(*state, "poor.gvlog", poor);
    const gv_fields fields = fields_of("advertiser*exchange, city, score; past(2): city, domain");
    gv_example_reader *reader = NULL;
    assert_int_equal(gv_example_reader_create(log, &fields, BITS, "the test", &reader),
                     GV_ENOTFOUND);
    assert_non_null(strstr(gv_status_detail(), "poor.gvlog"));
    assert_non_null(
        strstr(gv_status_detail(),
               "lacks what the test sees: advertiser, city, domain, user (for a past)"));
    assert_non_null(strstr(gv_status_detail(), "real numbers: score"));
    gv_log_close(log);
}

static void labels_and_weights_are_those_of_the_samples(void **state)
{
    gv_log *log = test_log_make(*state, "a.gvlog", rows);
    const gv_predictor_training training = training_of(log);
    gv_example_reader *reader = reader_of(log, "exchange");
    gv_example_set set = {.row_room = 0};
    gv_sample_list list;
    assert_int_equal(gv_samples_gather(&training, "testing", NULL, &list), GV_OK);
    const gv_example_labels labels = {.conversions = true, .negative_weight = 10};
    assert_int_equal(gv_example_reader_read(reader, list.items, list.count, &labels, &set), GV_OK);
    for (size_t i = 0; i < list.count; i++) {
        assert_true((set.view.clicks[i] > 0) == list.items[i].is_clicked);
        assert_true((set.view.conversions[i] > 0) == list.items[i].is_converted);
        assert_true(set.view.weights[i] == (list.items[i].is_clicked ? 1.0F : 10.0F));
    }
    gv_example_set_fini(&set);
    gv_example_reader_destroy(reader);
    gv_samples_fini(&list);
    gv_log_close(log);
}

static gv_status read_everything(const gv_log *log)
{
    const gv_fields fields = fields_of("advertiser*tags, tags, hour, user; past(2): event");
    const gv_predictor_training training = training_of(log);
    const gv_example_labels labels = {.negative_weight = 1};
    gv_example_reader *reader = NULL;
    gv_example_set set = {.row_room = 0};
    gv_sample_list list = {.count = 0};
    gv_status status = gv_samples_gather(&training, "testing", NULL, &list);
    if (status == GV_OK) {
        status = gv_example_reader_create(log, &fields, BITS, "the test", &reader);
    }
    if (status == GV_OK) {
        status = gv_example_reader_read(reader, list.items, list.count, &labels, &set);
    }
    gv_example_set_fini(&set);
    gv_example_reader_destroy(reader);
    gv_samples_fini(&list);
    return status;
}

static void failing_memory_is_reported_and_leaks_nothing(void **state)
{
    gv_log *log = test_log_make(*state, "a.gvlog", rows);
    gv_status status = GV_ENOMEM;
    for (int n = 0; status != GV_OK; n++) {
        gv_mem_fail_after(n);
        status = read_everything(log);
        gv_mem_fail_after(-1);
        assert_true(status == GV_OK || status == GV_ENOMEM);
        assert_true(n < 60);
    }
    gv_log_close(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(samples_are_those_of_the_case_control_rule),
        test_in_folder(a_conversion_that_came_later_is_not_known),
        test_in_folder(buckets_are_hashes_of_names_and_texts),
        test_in_folder(no_tags_are_no_values_and_crosses_multiply),
        test_in_folder(another_log_gives_the_same_buckets),
        test_in_folder(a_past_is_what_was_before_and_nothing_else),
        test_in_folder(a_user_of_very_many_events_is_read_in_bounded_memory),
        test_in_folder(hours_and_weekdays_are_those_of_the_zone),
        test_in_folder(all_columns_that_are_missing_are_named),
        test_in_folder(labels_and_weights_are_those_of_the_samples),
        test_in_folder(failing_memory_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
