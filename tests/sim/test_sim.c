/*
 * The total order by hand; whole random simulations against an engine that looks at everything
 * each time; what running must not do.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmocka_all.h"
#include "sim/base/mem.h"
#include "sim/core/sim.h"
#include "storm.h"
#include "test_random.h"

enum { STORMS = 3000, NOTES = 64 };

/* Handlers that write down what came, as one letter each. */
typedef struct notes {
    char text[NOTES];
    size_t length;
    gv_status answer;
    bool stops;
    uint64_t next;           /* of the stream's letters */
    const int64_t *times_us; /* the stream's, GV_NEVER_US last */
} notes;

static gv_status note(void *context, gv_sim *sim, const gv_event *event)
{
    notes *n = context;
    n->text[n->length++] = (char)event->kind;
    if (n->stops) {
        gv_sim_stop(sim);
    }
    return n->answer;
}

static gv_event letter(int64_t time_us, int32_t priority, char kind)
{
    return (gv_event){.time_us = time_us, .priority = priority, .kind = (unsigned char)kind};
}

static gv_sim *make(notes *n, const gv_arrivals *arrivals, size_t count)
{
    const gv_sim_config config = {.handle = note,
                                  .context = n,
                                  .pending_max = 8,
                                  .arrivals = arrivals,
                                  .arrival_count = count};
    gv_sim *sim = NULL;
    assert_int_equal(gv_sim_create(&config, &sim), GV_OK);
    return sim;
}

static void order_is_time_then_priority_then_sequence(void **state)
{
    (void)state;
    notes n = {0};
    gv_sim *sim = make(&n, NULL, 0);
    (void)gv_sim_schedule(sim, letter(20, 0, 'f'));
    (void)gv_sim_schedule(sim, letter(10, 1, 'd'));
    (void)gv_sim_schedule(sim, letter(10, 0, 'b'));
    (void)gv_sim_schedule(sim, letter(10, 1, 'e'));
    (void)gv_sim_schedule(sim, letter(10, 0, 'c'));
    (void)gv_sim_schedule(sim, letter(10, INT32_MIN, 'a'));
    (void)gv_sim_schedule(sim, letter(20, INT32_MAX, 'g'));
    assert_int_equal(gv_sim_run(sim, GV_NEVER_US), GV_OK);
    assert_string_equal(n.text, "abcdefg");
    assert_int_equal(gv_sim_now(sim), 20);
    assert_int_equal(gv_sim_event_count(sim), 7);
    gv_sim_destroy(sim);
}

static void negative_times_come_first(void **state)
{
    (void)state;
    notes n = {0};
    const gv_sim_config config = {
        .handle = note, .context = &n, .pending_max = 4, .start_us = INT64_MIN};
    gv_sim *sim = NULL;
    assert_int_equal(gv_sim_create(&config, &sim), GV_OK);
    (void)gv_sim_schedule(sim, letter(GV_NEVER_US - 1, 0, 'd'));
    (void)gv_sim_schedule(sim, letter(0, 0, 'c'));
    (void)gv_sim_schedule(sim, letter(-1, 0, 'b'));
    (void)gv_sim_schedule(sim, letter(INT64_MIN, 0, 'a'));
    assert_int_equal(gv_sim_run(sim, GV_NEVER_US), GV_OK);
    assert_string_equal(n.text, "abcd");
    gv_sim_destroy(sim);
}

static void run_until_leaves_what_is_due_then(void **state)
{
    (void)state;
    notes n = {0};
    gv_sim *sim = make(&n, NULL, 0);
    (void)gv_sim_schedule(sim, letter(9, 0, 'a'));
    (void)gv_sim_schedule(sim, letter(10, -5, 'b'));
    assert_int_equal(gv_sim_run(sim, 10), GV_OK);
    assert_string_equal(n.text, "a");
    assert_int_equal(gv_sim_now(sim), 10);
    assert_int_equal(gv_sim_pending(sim), 1);
    assert_int_equal(gv_sim_run(sim, 11), GV_OK);
    assert_string_equal(n.text, "ab");
    assert_int_equal(gv_sim_now(sim), 11);
    gv_sim_destroy(sim);
}

static void stop_and_failure_end_a_run_that_can_go_on(void **state)
{
    (void)state;
    notes n = {.stops = true};
    gv_sim *sim = make(&n, NULL, 0);
    for (int kind = 'a'; kind < 'e'; kind++) {
        (void)gv_sim_schedule(sim, letter(kind, 0, (char)kind));
    }
    assert_int_equal(gv_sim_run(sim, 1000), GV_OK);
    assert_string_equal(n.text, "a");
    assert_int_equal(gv_sim_now(sim), 'a');
    n.stops = false;
    n.answer = GV_EIO;
    assert_int_equal(gv_sim_run(sim, 1000), GV_EIO);
    assert_string_equal(n.text, "ab");
    assert_int_equal(gv_sim_now(sim), 'b');
    n.answer = GV_OK;
    assert_int_equal(gv_sim_run(sim, 1000), GV_OK);
    assert_string_equal(n.text, "abcd");
    assert_int_equal(gv_sim_now(sim), 1000);
    gv_sim_destroy(sim);
}

static void cancelled_events_never_come(void **state)
{
    (void)state;
    notes n = {0};
    gv_sim *sim = make(&n, NULL, 0);
    uint64_t sequences[8];
    for (int i = 0; i < 8; i++) {
        sequences[i] = gv_sim_schedule(sim, letter(i / 2, 0, (char)('a' + i)));
    }
    assert_true(gv_sim_cancel(sim, sequences[0]));
    assert_true(gv_sim_cancel(sim, sequences[5]));
    assert_true(gv_sim_cancel(sim, sequences[7]));
    assert_false(gv_sim_cancel(sim, sequences[5]));
    assert_false(gv_sim_cancel(sim, 99));
    assert_int_equal(gv_sim_pending(sim), 5);
    assert_int_equal(gv_sim_run(sim, GV_NEVER_US), GV_OK);
    assert_string_equal(n.text, "bcdeg");
    assert_false(gv_sim_cancel(sim, sequences[1]));
    gv_sim_destroy(sim);
}

static int64_t letters_next_us(void *context)
{
    const notes *n = context;
    return n->times_us[n->next];
}

/* Writes one capital for each batch: "A" a single arrival, "B" two, ... */
static gv_status letters_take(void *context, gv_sim *sim, int64_t until_us)
{
    notes *n = context;
    char size = 'A' - 1;
    for (; n->times_us[n->next] < until_us; n->next++) {
        gv_sim_advance(sim, n->times_us[n->next]);
        size++;
    }
    n->text[n->length++] = size;
    return n->answer;
}

/* Batches end where an event comes between; at equal times the priority decides. */
static void streams_are_handled_in_batches_between_events(void **state)
{
    (void)state;
    static const int64_t times_us[] = {1, 2, 3, 10, 10, 11, 30, 31, GV_NEVER_US};
    for (int32_t priority = -1; priority <= 1; priority++) {
        notes n = {.times_us = times_us};
        const gv_arrivals arrivals = {&n, priority, letters_next_us, letters_take};
        gv_sim *sim = make(&n, &arrivals, 1);
        (void)gv_sim_schedule(sim, letter(5, 0, 'x'));
        (void)gv_sim_schedule(sim, letter(10, 0, 'y'));
        (void)gv_sim_schedule(sim, letter(40, 0, 'z'));
        assert_int_equal(gv_sim_run(sim, 31), GV_OK);
        assert_int_equal(gv_sim_run(sim, GV_NEVER_US), GV_OK);
        assert_string_equal(n.text, priority <= 0 ? "CxByBAz" : "CxyDAz");
        gv_sim_destroy(sim);
    }
}

static void failing_streams_end_the_run(void **state)
{
    (void)state;
    static const int64_t times_us[] = {1, 7, GV_NEVER_US};
    notes n = {.times_us = times_us, .answer = GV_EPARSE};
    const gv_arrivals arrivals = {&n, 0, letters_next_us, letters_take};
    gv_sim *sim = make(&n, &arrivals, 1);
    assert_int_equal(gv_sim_run(sim, 5), GV_EPARSE);
    assert_int_equal(gv_sim_now(sim), 1);
    gv_sim_destroy(sim);
}

enum { CROWD = 30000 };

typedef struct crowd {
    gv_event expected[CROWD]; /* sorted */
    size_t count;
    size_t seen;
} crowd;

static gv_status meet(void *context, gv_sim *sim, const gv_event *event)
{
    (void)sim;
    crowd *c = context;
    assert_true(c->seen < c->count);
    assert_memory_equal(event, &c->expected[c->seen], sizeof *event);
    c->seen++;
    return GV_OK;
}

static bool event_precedes(const gv_event *a, const gv_event *b)
{
    if (a->time_us != b->time_us) {
        return a->time_us < b->time_us;
    }
    if (a->priority != b->priority) {
        return a->priority < b->priority;
    }
    return a->sequence < b->sequence;
}

static int compare_events(const void *a, const void *b)
{
    return event_precedes(a, b) ? -1 : 1;
}

/* A large heap against a sorted array: few times, so nearly all tie; a tenth are cancelled. */
static void crowds_come_out_sorted(void **state)
{
    (void)state;
    static crowd c;
    test_random random = test_random_seeded();
    for (int64_t times = 1; times < 100000000; times *= 100) {
        const gv_sim_config config = {.handle = meet, .context = &c, .pending_max = CROWD};
        gv_sim *sim = NULL;
        assert_int_equal(gv_sim_create(&config, &sim), GV_OK);
        c = (crowd){0};
        for (int i = 0; i < CROWD; i++) {
            gv_event event = {.time_us = test_random_below(&random, times),
                              .priority = (int32_t)test_random_below(&random, 3) - 1,
                              .subject = (uint64_t)i};
            event.sequence = gv_sim_schedule(sim, event);
            c.expected[c.count++] = event;
        }
        for (int i = 0; i < CROWD / 10; i++) {
            const size_t victim = (size_t)test_random_below(&random, (int64_t)c.count);
            assert_true(gv_sim_cancel(sim, c.expected[victim].sequence));
            c.expected[victim] = c.expected[--c.count];
        }
        qsort(c.expected, c.count, sizeof c.expected[0], compare_events);
        assert_int_equal(gv_sim_run(sim, GV_NEVER_US), GV_OK);
        assert_int_equal(c.seen, c.count);
        gv_sim_destroy(sim);
    }
}

/* The engine to agree with: an unsorted array, and every candidate looked at each time. */
typedef struct slow_engine {
    storm s;
    int64_t now_us;
    uint64_t next_sequence;
    bool is_stopped;
    size_t pending;
    gv_event events[STORM_PENDING];
} slow_engine;

static uint64_t slow_schedule(void *engine, gv_event event)
{
    slow_engine *slow = engine;
    event.sequence = slow->next_sequence++;
    slow->events[slow->pending++] = event;
    return event.sequence;
}

static bool slow_cancel(void *engine, uint64_t sequence)
{
    slow_engine *slow = engine;
    for (size_t i = 0; i < slow->pending; i++) {
        if (slow->events[i].sequence == sequence) {
            slow->events[i] = slow->events[--slow->pending];
            return true;
        }
    }
    return false;
}

static size_t slow_pending(const void *engine)
{
    const slow_engine *slow = engine;
    return slow->pending;
}

static void slow_stop(void *engine)
{
    slow_engine *slow = engine;
    slow->is_stopped = true;
}

static const storm_engine slowly = {slow_schedule, slow_cancel, slow_pending, slow_stop};

static size_t slow_first_event(const slow_engine *slow)
{
    size_t first = 0;
    for (size_t i = 1; i < slow->pending; i++) {
        first = event_precedes(&slow->events[i], &slow->events[first]) ? i : first;
    }
    return first;
}

/* The stream that goes before `event` (none: NULL) and all other streams, or NULL. */
static storm_stream *slow_first_stream(slow_engine *slow, const gv_event *event)
{
    int64_t time_us = event != NULL ? event->time_us : GV_NEVER_US;
    int32_t priority = event != NULL ? event->priority : INT32_MIN;
    storm_stream *first = NULL;
    for (uint64_t i = slow->s.stream_count; i-- > 0;) {
        storm_stream *stream = &slow->s.streams[i];
        const int64_t next_us = storm_next_us(stream);
        if (next_us < time_us ||
            (next_us == time_us && next_us != GV_NEVER_US && stream->priority <= priority)) {
            first = stream;
            time_us = next_us;
            priority = stream->priority;
        }
    }
    return first;
}

static void slow_run(slow_engine *slow, int64_t until_us)
{
    slow->is_stopped = false;
    while (!slow->is_stopped) {
        const size_t index = slow_first_event(slow);
        const gv_event event = slow->events[index];
        storm_stream *stream = slow_first_stream(slow, slow->pending > 0 ? &event : NULL);
        const int64_t event_us = slow->pending > 0 ? event.time_us : GV_NEVER_US;
        const int64_t time_us = stream != NULL ? stream->next_us : event_us;
        if (time_us >= until_us) {
            slow->now_us = until_us == GV_NEVER_US ? slow->now_us : until_us;
            return;
        }
        slow->now_us = time_us;
        if (stream != NULL) {
            (void)storm_arrival(&slow->s, &slowly, slow, stream);
        } else {
            slow->events[index] = slow->events[--slow->pending];
            storm_event(&slow->s, &slowly, slow, &event);
        }
    }
}

static void any_storm_goes_as_on_the_slow_engine(void **state)
{
    (void)state;
    static storm_run run;
    static slow_engine slow;
    test_random random = test_random_seeded();
    uint64_t steps = 0;
    for (uint64_t seed = 0; seed < STORMS; seed++) {
        storm_init(&run.s, seed);
        memset(&slow, 0, sizeof slow);
        slow.s = run.s;
        assert_int_equal(storm_create(&run), GV_OK);
        storm_begin(&run.s, &storm_on_sim, run.sim);
        storm_begin(&slow.s, &slowly, &slow);
        for (int leg = 0; leg < 100; leg++) {
            const int64_t until_us =
                leg < 60 ? gv_sim_now(run.sim) + test_random_below(&random, 30) : GV_NEVER_US;
            assert_int_equal(gv_sim_run(run.sim, until_us), GV_OK);
            slow_run(&slow, until_us);
            assert_int_equal(gv_sim_now(run.sim), slow.now_us);
            assert_int_equal(gv_sim_pending(run.sim), slow.pending);
        }
        assert_int_equal(run.s.step_count, slow.s.step_count);
        assert_memory_equal(&run.s, &slow.s, sizeof run.s);
        steps += run.s.step_count;
        gv_sim_destroy(run.sim);
    }
    printf("%d storms of %.0f steps in the mean\n", STORMS, (double)steps / STORMS);
}

/* A fault stays armed from create to the end: nothing ran into it. */
static void nothing_is_allocated_while_running(void **state)
{
    (void)state;
    static storm_run run;
    for (uint64_t seed = 0; seed < 50; seed++) {
        storm_init(&run.s, seed);
        assert_int_equal(storm_create(&run), GV_OK);
        gv_mem_fail_after(0);
        storm_begin(&run.s, &storm_on_sim, run.sim);
        for (int leg = 0; leg < 100; leg++) {
            assert_int_equal(gv_sim_run(run.sim, GV_NEVER_US), GV_OK);
        }
        assert_null(gv_mem_alloc(0, 1, 1));
        gv_sim_destroy(run.sim);
    }
}

static void failed_create_leaves_output_alone(void **state)
{
    (void)state;
    notes n = {0};
    const gv_sim_config config = {.handle = note, .context = &n, .pending_max = 8};
    gv_sim *sim = NULL;
    int failures = 0;
    for (;; failures++) {
        gv_mem_fail_after(failures);
        if (gv_sim_create(&config, &sim) == GV_OK) {
            break;
        }
        assert_null(sim);
    }
    gv_mem_fail_after(-1);
    assert_true(failures >= 3);
    gv_sim_destroy(sim);
    gv_sim_destroy(NULL);

    const gv_sim_config huge = {.handle = note, .context = &n, .pending_max = SIZE_MAX / 2};
    gv_sim *none = NULL;
    assert_int_equal(gv_sim_create(&huge, &none), GV_EINVAL);
    assert_null(none);
}

/* Runs `breach` in a child and expects its assert. */
static void expect_abort(void (*breach)(gv_sim *sim))
{
    notes n = {0};
    gv_sim *sim = make(&n, NULL, 0);
    (void)fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        const struct rlimit no_core = {0, 0};
        (void)setrlimit(RLIMIT_CORE, &no_core);
        (void)signal(SIGABRT, SIG_DFL);
        (void)fclose(stderr);
        breach(sim);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    gv_sim_destroy(sim);
}

static void schedule_in_the_past(gv_sim *sim)
{
    if (gv_sim_run(sim, 100) == GV_OK) {
        (void)gv_sim_schedule(sim, letter(99, 0, 'a'));
    }
}

static void schedule_at_never(gv_sim *sim)
{
    (void)gv_sim_schedule(sim, letter(GV_NEVER_US, 0, 'a'));
}

static void schedule_too_many(gv_sim *sim)
{
    for (int i = 0; i < 9; i++) {
        (void)gv_sim_schedule(sim, letter(1, 0, 'a'));
    }
}

static void advance_outside_take(gv_sim *sim)
{
    gv_sim_advance(sim, 5);
}

static void broken_contracts_abort(void **state)
{
    (void)state;
    expect_abort(schedule_in_the_past);
    expect_abort(schedule_at_never);
    expect_abort(schedule_too_many);
    expect_abort(advance_outside_take);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_is_time_then_priority_then_sequence),
        cmocka_unit_test(negative_times_come_first),
        cmocka_unit_test(run_until_leaves_what_is_due_then),
        cmocka_unit_test(stop_and_failure_end_a_run_that_can_go_on),
        cmocka_unit_test(cancelled_events_never_come),
        cmocka_unit_test(streams_are_handled_in_batches_between_events),
        cmocka_unit_test(failing_streams_end_the_run),
        cmocka_unit_test(crowds_come_out_sorted),
        cmocka_unit_test(any_storm_goes_as_on_the_slow_engine),
        cmocka_unit_test(nothing_is_allocated_while_running),
        cmocka_unit_test(failed_create_leaves_output_alone),
        cmocka_unit_test(broken_contracts_abort),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
