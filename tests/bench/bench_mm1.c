/*
 * The M/M/1 queue: a million customers at load 0.9 through the event core, beside the same
 * queue as a bare loop over two clocks, which is what a generic core can at best approach.
 * The comparison with cimba is taken by hand, process against process, and quoted from
 * results/mm1.md; `bench_mm1 --once` is our side of it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bench/timing.h"
#include "queue_model.h"

enum { CUSTOMERS = 1000000, TURNS = 9 };

static const double load = 0.9;

static double mean_stay(const queue_model *queue)
{
    return (double)queue->sum_us / QUEUE_SERVICE_US / (double)queue->served;
}

static void run_core(void *context)
{
    static queue_model queue;
    const bool *is_streamed = context;
    queue = queue_model_of(1, load, CUSTOMERS);
    const gv_status status = queue_run(&queue, *is_streamed);
    assert(status == GV_OK);
    assert(queue.served == CUSTOMERS);
}

/* The two clocks are variables and the next event is the earlier of them. */
static void run_bare(void *context)
{
    (void)context;
    static queue_model queue;
    queue = queue_model_of(1, load, CUSTOMERS);
    int64_t arrival_us = queue_draw(&queue.gaps);
    int64_t departure_us = GV_NEVER_US;
    while (queue.served < CUSTOMERS) {
        const bool is_arrival = arrival_us < departure_us;
        const int64_t now_us = is_arrival ? arrival_us : departure_us;
        bool serves = true;
        if (is_arrival) {
            serves = queue_join(&queue, now_us);
            arrival_us = queue.arrived < CUSTOMERS ? now_us + queue_draw(&queue.gaps) : GV_NEVER_US;
        } else {
            queue_leave(&queue, now_us);
            departure_us = GV_NEVER_US;
            serves = queue.arrived > queue.served;
        }
        if (serves) {
            departure_us = now_us + queue_draw(&queue.services);
        }
    }
}

static int run_once(void)
{
    static queue_model queue;
    queue = queue_model_of(1, load, CUSTOMERS);
    const gv_status status = queue_run(&queue, false);
    printf("Average system time %f (expected %f)\n", mean_stay(&queue), 1.0 / (1.0 - load));
    return status == GV_OK ? 0 : 1;
}

/* The lines of results/mm1.md that state the recorded comparison. */
static void quote_recorded(void)
{
    FILE *file = fopen("results/mm1.md", "r");
    char line[512];
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "Recorded:", 9) == 0) {
            printf("\n%s", line);
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--once") == 0) {
        return run_once();
    }
    static bool is_streamed[] = {false, true};
    const bench_side sides[] = {
        {"both as events on the heap", run_core, &is_streamed[0]},
        {"arrivals as a sorted stream", run_core, &is_streamed[1]},
        {"bare loop over two clocks", run_bare, NULL},
    };
    enum { SIDES = sizeof sides / sizeof sides[0] };
    const bench_times times = bench_measure(sides, SIDES, TURNS);

    printf("## M/M/1 queue on the event core\n\n");
    printf("%d customers at load %.1f, each with two exponential draws, a place in the queue and "
           "a counted stay; one thread, median of %d turns.\n\n",
           CUSTOMERS, load, TURNS);
    printf("| form | ns a customer | million customers a second | speed against the first |\n");
    printf("|---|---:|---:|---:|\n");
    for (size_t i = 0; i < SIDES; i++) {
        printf("| %s | %.1f | %.1f | %.2f |\n", sides[i].name, times.median[i] * 1e9 / CUSTOMERS,
               CUSTOMERS / times.median[i] * 1e-6, times.ratio[i]);
    }
    quote_recorded();
    return 0;
}
