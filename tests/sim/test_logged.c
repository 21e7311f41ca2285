/* A log as a source and as a history, against plain loops over the rows that it was made of. */
#include <math.h>
#include <string.h>

#include "market_policies.h"
#include "sim/base/mem.h"
#include "sim/base/parallel.h"
#include "sim/market/logged.h"
#include "sim/market/replay.h"
#include "test_log.h"
#include "test_random.h"

enum { ROWS = 11000, EVENTS = 700, CASES = 60, ADVERTISERS = 4, JOBS = 4 };

/* The rows as the log should give them back, times in seconds. */
typedef struct plain_log {
    int64_t time_us[ROWS];
    int64_t price[ROWS];
    int64_t bid[ROWS];
    int64_t floor[ROWS];
    double pctr[ROWS];
    int64_t advertiser[ROWS];
    int64_t width[ROWS];
    gv_event_record events[EVENTS]; /* by row, then time, clicks first */
    size_t event_count;
    char texts[ROWS + EVENTS][160];
    const char *rows[ROWS + EVENTS + 1];
    gv_log *log;
} plain_log;

static void draw_row(plain_log *plain, test_random *random, size_t row)
{
    const int64_t before = row == 0 ? 0 : plain->time_us[row - 1];
    plain->time_us[row] = before + test_random_below(random, 3);
    plain->price[row] = test_random_below(random, 300);
    plain->bid[row] = 300 + test_random_below(random, 5);
    plain->floor[row] = test_random_below(random, 50);
    plain->pctr[row] = (double)test_random_below(random, 1000) / 1024.0;
    plain->advertiser[row] = test_random_below(random, ADVERTISERS);
    plain->width[row] = test_random_below(random, 2) * 100;
    (void)snprintf(plain->texts[row], sizeof plain->texts[row],
                   "impression time=%" PRId64 " bid_id=b%zu price=%" PRId64 " bid=%" PRId64
                   " floor=%" PRId64 " pctr=%.17g advertiser=a%" PRId64 " slot_width=%" PRId64,
                   plain->time_us[row], row, plain->price[row], plain->bid[row], plain->floor[row],
                   plain->pctr[row], plain->advertiser[row], plain->width[row]);
}

/* Two events a chosen row at most: a click, and now and then a conversion at or behind it. */
static void draw_events(plain_log *plain, test_random *random)
{
    for (size_t row = 0; row < ROWS && plain->event_count + 2 <= EVENTS; row++) {
        if (test_random_below(random, 32) != 0) {
            continue;
        }
        const int64_t time = plain->time_us[row] + test_random_below(random, 40) - 10;
        plain->events[plain->event_count++] =
            (gv_event_record){.opportunity = row, .time_us = time};
        if (test_random_below(random, 3) == 0) {
            plain->events[plain->event_count++] =
                (gv_event_record){.opportunity = row,
                                  .time_us = time + test_random_below(random, 2),
                                  .is_conversion = 1};
        }
    }
    for (size_t e = 0; e < plain->event_count; e++) {
        const gv_event_record *event = &plain->events[e];
        (void)snprintf(plain->texts[ROWS + e], sizeof plain->texts[ROWS + e],
                       "%s time=%" PRId64 " bid_id=b%" PRIu64,
                       event->is_conversion ? "conversion" : "click", event->time_us,
                       event->opportunity);
    }
}

static plain_log *plain_log_make(const test_folder *folder)
{
    test_random random = test_random_seeded();
    plain_log *plain = gv_mem_alloc(sizeof *plain, 0, 0);
    assert_non_null(plain);
    for (size_t row = 0; row < ROWS; row++) {
        draw_row(plain, &random, row);
    }
    draw_events(plain, &random);
    for (size_t i = 0; i < ROWS + plain->event_count; i++) {
        plain->rows[i] = plain->texts[i];
    }
    plain->log = test_log_make(folder, "plain.gvlog", plain->rows);
    return plain;
}

static void plain_log_free(plain_log *plain)
{
    gv_log_close(plain->log);
    gv_mem_free(plain);
}

static const gv_filter both_filters[] = {{"advertiser", "a2"}, {"slot_width", "100"}};

static bool matches(const plain_log *plain, const gv_logged_config *config, size_t row)
{
    if (plain->time_us[row] < config->start_us || plain->time_us[row] >= config->end_us) {
        return false;
    }
    for (size_t f = 0; f < config->filter_count; f++) {
        const bool is_width = strcmp(config->filters[f].column, "slot_width") == 0;
        if (is_width ? plain->width[row] != 100 : plain->advertiser[row] != 2) {
            return false;
        }
    }
    return true;
}

static gv_logged_config drawn_config(const plain_log *plain, test_random *random)
{
    const int64_t last = plain->time_us[ROWS - 1];
    const int64_t start = test_random_below(random, 3) == 0 ? 0 : test_random_below(random, last);
    const size_t skip = (size_t)test_random_below(random, 2);
    return (gv_logged_config){
        .log = plain->log,
        .start_us = start,
        .end_us = start + 1 + test_random_below(random, 2 * last),
        .filters = both_filters + skip,
        .filter_count = (size_t)test_random_below(random, 3 - (int64_t)skip),
        .rival = test_random_below(random, 2) == 0 ? GV_RIVAL_PRICE : GV_RIVAL_BID,
        .use_floor = test_random_below(random, 2) == 0,
    };
}

/* Where a walk over the plain rows and events has got to. */
typedef struct walk {
    size_t row;
    size_t event;
} walk;

static void check_row(const plain_log *plain, const gv_logged_config *config,
                      const gv_opportunities *piece, size_t i, size_t row)
{
    const int64_t *rivals = config->rival == GV_RIVAL_BID ? plain->bid : plain->price;
    assert_int_equal(piece->ids == NULL ? piece->first_id + i : piece->ids[i], row);
    assert_int_equal(piece->time_us[i], plain->time_us[row]);
    assert_int_equal(piece->rival_nanos[i], rivals[row]);
    assert_int_equal(piece->floor_nanos != NULL, config->use_floor);
    assert_int_equal(config->use_floor ? piece->floor_nanos[i] : 0,
                     config->use_floor ? plain->floor[row] : 0);
    assert_true(piece->pctr[i] == plain->pctr[row]);
    assert_null(piece->pcvr);
}

/* All events of matching rows up to and with `row`, in order. */
static size_t check_events(const plain_log *plain, const gv_logged_config *config,
                           const gv_opportunities *piece, walk *at)
{
    size_t seen = 0;
    while (at->event < plain->event_count && plain->events[at->event].opportunity < at->row) {
        const gv_event_record *event = &plain->events[at->event++];
        if (matches(plain, config, event->opportunity)) {
            assert_true(seen < piece->event_count);
            assert_memory_equal(&piece->events[seen], event, sizeof *event);
            seen++;
        }
    }
    return seen;
}

static void check_piece(const plain_log *plain, const gv_logged_config *config,
                        const gv_opportunities *piece, walk *at)
{
    for (size_t i = 0; i < piece->count; i++) {
        while (!matches(plain, config, at->row)) {
            at->row++;
            assert_true(at->row < ROWS);
        }
        check_row(plain, config, piece, i, at->row);
        at->row++;
    }
    assert_int_equal(check_events(plain, config, piece, at), piece->event_count);
}

static void check_source(const plain_log *plain, const gv_logged_config *config)
{
    gv_source *source = NULL;
    assert_int_equal(gv_logged_source_create(config, &source), GV_OK);
    walk at = {0};
    size_t rows = 0;
    size_t events = 0;
    for (uint64_t position = source->begin;;) {
        gv_opportunities piece;
        assert_int_equal(source->load(source, position, &piece, &position), GV_OK);
        if (piece.count == 0) {
            break;
        }
        check_piece(plain, config, &piece, &at);
        rows += piece.count;
        events += piece.event_count;
    }
    assert_true(rows <= source->end - source->begin);
    assert_int_equal(events, source->event_max);
    while (at.row < ROWS) {
        assert_false(matches(plain, config, at.row++));
    }
    source->destroy(source);
}

static void a_source_gives_the_rows_of_its_span_that_match(void **state)
{
    plain_log *plain = plain_log_make(*state);
    test_random random = test_random_seeded();
    for (int i = 0; i < CASES; i++) {
        const gv_logged_config config = drawn_config(plain, &random);
        check_source(plain, &config);
    }
    plain_log_free(plain);
}

static void a_position_gives_the_same_piece_every_time(void **state)
{
    plain_log *plain = plain_log_make(*state);
    const gv_logged_config config = {
        .log = plain->log, .end_us = INT64_MAX, .filters = both_filters, .filter_count = 1};
    gv_source *source = NULL;
    gv_source *fresh = NULL;
    assert_int_equal(gv_logged_source_create(&config, &source), GV_OK);
    for (uint64_t position = 0; position < source->end;) {
        gv_opportunities piece;
        gv_opportunities again;
        uint64_t next = 0;
        uint64_t next_again = 0;
        assert_int_equal(source->load(source, position, &piece, &next), GV_OK);
        assert_int_equal(gv_logged_source_create(&config, &fresh), GV_OK);
        assert_int_equal(fresh->load(fresh, position, &again, &next_again), GV_OK);
        assert_int_equal(next, next_again);
        assert_int_equal(piece.count, again.count);
        assert_memory_equal(piece.ids, again.ids, piece.count * sizeof *piece.ids);
        assert_int_equal(piece.event_count, again.event_count);
        fresh->destroy(fresh);
        position = next;
    }
    source->destroy(source);
    plain_log_free(plain);
}

static void a_history_sums_its_span_up(void **state)
{
    plain_log *plain = plain_log_make(*state);
    const gv_logged_config config = {.log = plain->log,
                                     .start_us = 500,
                                     .end_us = 9000,
                                     .filters = both_filters,
                                     .filter_count = 1};
    gv_history *history = NULL;
    assert_int_equal(gv_logged_history_create(&config, "june", 10, &history), GV_OK);
    gv_history sum = {0};
    uint64_t counts[30] = {0};
    double pctr = 0.0;
    for (size_t row = 0; row < ROWS; row++) {
        if (matches(plain, &config, row)) {
            sum.impressions++;
            sum.cost_nanos += plain->price[row];
            pctr += plain->pctr[row];
            counts[plain->price[row] / 10]++;
        }
    }
    for (size_t e = 0; e < plain->event_count; e++) {
        if (matches(plain, &config, plain->events[e].opportunity)) {
            sum.clicks += 1 - plain->events[e].is_conversion;
            sum.conversions += plain->events[e].is_conversion;
        }
    }
    assert_string_equal(history->name, "june");
    assert_int_equal(history->impressions, sum.impressions);
    assert_int_equal(history->clicks, sum.clicks);
    assert_int_equal(history->conversions, sum.conversions);
    assert_int_equal(history->cost_nanos, sum.cost_nanos);
    assert_int_equal(history->price_count, 30);
    assert_memory_equal(history->price_counts, counts, sizeof counts);
    assert_true(fabs(history->mean_pctr - pctr / (double)sum.impressions) < 1e-12);
    assert_non_null(history->source);
    gv_history_destroy(history);
    plain_log_free(plain);
}

static const char *const small_rows[] = {
    "impression time=5 bid_id=a advertiser=x price=70 user=u1 pctr=0.5 weight=2",
    "impression time=6 bid_id=b advertiser=y price=80 user=u2 pctr=1.5 weight=2",
    "click time=9 bid_id=a",
    NULL,
};

static gv_status try_filter(const gv_log *log, const char *column, const char *value)
{
    const gv_filter filter = {column, value};
    const gv_logged_config config = {
        .log = log, .end_us = 100, .filters = &filter, .filter_count = 1};
    gv_source *source = NULL;
    const gv_status status = gv_logged_source_create(&config, &source);
    assert_true((status == GV_OK) == (source != NULL));
    if (source != NULL) {
        source->destroy(source);
    }
    return status;
}

static void what_the_log_lacks_is_named(void **state)
{
    gv_log *log = test_log_make(*state, "small.gvlog", small_rows);
    assert_int_equal(try_filter(log, "advertiser", "x"), GV_OK);
    assert_int_equal(try_filter(log, "advertiser", "z"), GV_ENOTFOUND);
    assert_non_null(strstr(gv_status_detail(), "\"z\""));
    assert_int_equal(try_filter(log, "colour", "red"), GV_ENOTFOUND);
    assert_non_null(strstr(gv_status_detail(), "colour"));
    assert_int_equal(try_filter(log, "user", "u1"), GV_EINVAL);
    assert_int_equal(try_filter(log, "weight", "2"), GV_EINVAL);
    assert_int_equal(try_filter(log, "price", "70"), GV_OK);
    assert_int_equal(try_filter(log, "price", "70x"), GV_EINVAL);
    assert_int_equal(try_filter(log, "price", ""), GV_EINVAL);

    gv_source *source = NULL;
    gv_logged_config config = {.log = log, .end_us = 100, .rival = GV_RIVAL_BID};
    assert_int_equal(gv_logged_source_create(&config, &source), GV_ENOTFOUND);
    assert_non_null(strstr(gv_status_detail(), "bid"));
    config.rival = GV_RIVAL_PRICE;
    config.use_floor = true;
    assert_int_equal(gv_logged_source_create(&config, &source), GV_ENOTFOUND);
    assert_non_null(strstr(gv_status_detail(), "floor"));
    assert_null(source);
    gv_log_close(log);
}

static void a_logged_rate_that_is_none_is_refused_with_its_row(void **state)
{
    gv_log *log = test_log_make(*state, "small.gvlog", small_rows);
    gv_source *source = NULL;
    const gv_logged_config config = {.log = log, .end_us = 100};
    assert_int_equal(gv_logged_source_create(&config, &source), GV_OK);
    gv_opportunities piece;
    uint64_t next = 0;
    assert_int_equal(source->load(source, 0, &piece, &next), GV_ECORRUPT);
    assert_non_null(strstr(gv_status_detail(), "pctr of row 1 is 1.5"));
    source->destroy(source);
    gv_log_close(log);
}

/* A predictor that tells rows apart. */
static gv_status by_row(const void *state, const uint64_t *rows, size_t count, double *pctr)
{
    (void)state;
    for (size_t i = 0; i < count; i++) {
        pctr[i] = (double)rows[i] / ROWS;
    }
    return GV_OK;
}

static const gv_predictor_type row_predictor = {.info = {.name = "row"}, .predict = by_row};

static void a_predictor_is_asked_for_the_rows_chosen(void **state)
{
    plain_log *plain = plain_log_make(*state);
    gv_predictor *predictor = NULL;
    assert_int_equal(gv_predictor_create(&row_predictor, NULL, plain->log, NULL, NULL, &predictor),
                     GV_OK);
    for (size_t filter_count = 0; filter_count < 2; filter_count++) {
        const gv_logged_config config = {.log = plain->log,
                                         .start_us = 3000,
                                         .end_us = INT64_MAX,
                                         .filters = both_filters,
                                         .filter_count = filter_count,
                                         .predictor = predictor};
        gv_source *source = NULL;
        gv_opportunities piece;
        uint64_t next = 0;
        assert_int_equal(gv_logged_source_create(&config, &source), GV_OK);
        assert_int_equal(source->load(source, source->begin, &piece, &next), GV_OK);
        for (size_t i = 0; i < piece.count; i++) {
            const uint64_t row = piece.ids == NULL ? piece.first_id + i : piece.ids[i];
            assert_true(piece.pctr[i] == (double)row / ROWS);
        }
        source->destroy(source);
    }
    gv_predictor_destroy(predictor);
    gv_predictor_destroy(NULL);
    plain_log_free(plain);
}

static void a_predictor_that_needs_a_log_says_so(void **state)
{
    (void)state;
    gv_predictor_type type = row_predictor;
    type.needs_training = true;
    gv_predictor *predictor = NULL;
    assert_int_equal(gv_predictor_create(&type, NULL, NULL, NULL, NULL, &predictor), GV_EINVAL);
    gv_mem_fail_after(0);
    assert_int_equal(gv_predictor_create(&row_predictor, NULL, NULL, NULL, NULL, &predictor),
                     GV_ENOMEM);
    gv_mem_fail_after(-1);
    assert_null(predictor);
}

static void every_allocation_may_fail(void **state)
{
    gv_log *log = test_log_make(*state, "small.gvlog", small_rows);
    const gv_filter filter = {"advertiser", "x"};
    const gv_logged_config config = {
        .log = log, .end_us = 100, .filters = &filter, .filter_count = 1};
    gv_status status = GV_ENOMEM;
    for (int n = 0; status == GV_ENOMEM; n++) {
        gv_history *history = NULL;
        gv_mem_fail_after(n);
        status = gv_logged_history_create(&config, "small", 1, &history);
        gv_mem_fail_after(-1);
        assert_true(status == GV_OK || status == GV_ENOMEM);
        assert_true((status == GV_OK) == (history != NULL));
        gv_history_destroy(history);
    }
    gv_log_close(log);
}

/* Replays of one log on several threads, each with a source and a policy of its own. */
typedef struct shared_log {
    const gv_log *log;
    gv_tally tallies[JOBS * 4];
} shared_log;

static gv_status replay_shared(void *context, size_t index, size_t worker)
{
    (void)worker;
    shared_log *shared = context;
    const gv_logged_config config = {.log = shared->log,
                                     .end_us = INT64_MAX,
                                     .filters = both_filters,
                                     .filter_count = index % 3};
    gv_source *source = NULL;
    GV_TRY(gv_logged_source_create(&config, &source));
    const gv_campaign campaign = {.name = "shared",
                                  .end_us = INT64_C(3) * ROWS,
                                  .budget_nanos = 100000,
                                  .bid_cap_nanos = INT64_MAX,
                                  .tick_us = 1000};
    const linear_config slope = {.nanos_per_click = 600.0};
    const gv_policy_setup setup = {
        .config = &slope, .campaign = &campaign, .rules = {.price_step_nanos = 1}};
    gv_policy *policy = NULL;
    GV_TRY(gv_policy_create(&test_linear, &setup, &policy));
    const gv_replay_config replay_config = {
        .source = source,
        .campaign = &campaign,
        .mechanism = {&gv_mechanism_second_price, true, 1, 0},
        .policy = policy,
    };
    gv_replay *replay = NULL;
    GV_TRY(gv_replay_create(&replay_config, &replay));
    GV_TRY(gv_replay_run(replay, NULL));
    shared->tallies[index] = *gv_replay_total(replay);
    gv_replay_destroy(replay);
    gv_policy_destroy(policy);
    source->destroy(source);
    return GV_OK;
}

static void threads_share_a_log_and_agree(void **state)
{
    plain_log *plain = plain_log_make(*state);
    char path[TEST_PATH_SIZE];
    test_folder_path(*state, "plain.gvlog", path);
    shared_log alone = {0};
    shared_log together = {0};
    gv_log *fresh = NULL; /* blocks not yet checked: the threads meet at it */
    assert_int_equal(gv_log_open(path, &fresh), GV_OK);
    alone.log = plain->log;
    together.log = fresh;
    assert_int_equal(gv_parallel_for(1, (size_t)JOBS * 4, replay_shared, &alone), GV_OK);
    assert_int_equal(gv_parallel_for(JOBS, (size_t)JOBS * 4, replay_shared, &together), GV_OK);
    assert_memory_equal(alone.tallies, together.tallies, sizeof alone.tallies);
    assert_true(alone.tallies[0].wins > 0);
    gv_log_close(fresh);
    plain_log_free(plain);
}

/* Turns one bit somewhere in the file over. */
static void damage(const char *path, long offset)
{
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, offset, SEEK_SET), 0);
    const int byte = fgetc(file);
    assert_int_equal(fseek(file, offset, SEEK_SET), 0);
    assert_int_not_equal(fputc(byte ^ 4, file), EOF);
    assert_int_equal(fclose(file), 0);
}

static void a_flipped_bit_is_found_or_was_in_nothing_read(void **state)
{
    plain_log *plain = plain_log_make(*state);
    char path[TEST_PATH_SIZE];
    test_folder_path(*state, "plain.gvlog", path);
    const gv_logged_config whole = {.log = plain->log, .end_us = INT64_MAX};
    gv_history *expected = NULL;
    assert_int_equal(gv_logged_history_create(&whole, "plain", 1, &expected), GV_OK);
    int found = 0;
    for (int i = 1; i < 60; i++) {
        damage(path, i * 9973L);
        gv_log *log = NULL;
        gv_history *history = NULL;
        gv_status status = gv_log_open(path, &log);
        if (status == GV_OK) {
            const gv_logged_config config = {.log = log, .end_us = INT64_MAX};
            status = gv_logged_history_create(&config, "plain", 1, &history);
        }
        found += status == GV_ECORRUPT;
        assert_true(status == GV_OK || status == GV_ECORRUPT);
        if (history != NULL) {
            assert_true(history->cost_nanos == expected->cost_nanos);
        }
        gv_history_destroy(history);
        gv_log_close(log);
        damage(path, i * 9973L); /* and back */
    }
    assert_true(found > 10);
    gv_history_destroy(expected);
    plain_log_free(plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(a_source_gives_the_rows_of_its_span_that_match),
        test_in_folder(a_position_gives_the_same_piece_every_time),
        test_in_folder(a_history_sums_its_span_up),
        test_in_folder(what_the_log_lacks_is_named),
        test_in_folder(a_logged_rate_that_is_none_is_refused_with_its_row),
        test_in_folder(a_predictor_is_asked_for_the_rows_chosen),
        cmocka_unit_test(a_predictor_that_needs_a_log_says_so),
        test_in_folder(every_allocation_may_fail),
        test_in_folder(threads_share_a_log_and_agree),
        test_in_folder(a_flipped_bit_is_found_or_was_in_nothing_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
