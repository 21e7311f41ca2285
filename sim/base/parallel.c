/*
 * Threads take the next index from one counter, so a long task never holds up the rest. Of
 * several failures the one with the lowest index wins: every index below it has been started by
 * then and is waited for, so the sentence that a caller sees does not depend on the threads.
 */
#include "sim/base/parallel.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>

#include "sim/base/mem.h"

typedef struct work_crew {
    pthread_mutex_t lock;
    gv_task task;
    void *context;
    size_t count;
    size_t next;
    size_t failed_index; /* count: none failed */
    gv_status failure;
    char sentence[1024];
} work_crew;

typedef struct work_hand {
    work_crew *crew;
    size_t worker;
    pthread_t thread;
} work_hand;

static bool take_index(work_crew *crew, size_t *index)
{
    (void)pthread_mutex_lock(&crew->lock);
    const bool is_left = crew->failure == GV_OK && crew->next < crew->count;
    if (is_left) {
        *index = crew->next++;
    }
    (void)pthread_mutex_unlock(&crew->lock);
    return is_left;
}

static void note_failure(work_crew *crew, size_t index, gv_status status)
{
    (void)pthread_mutex_lock(&crew->lock);
    if (index < crew->failed_index) {
        crew->failed_index = index;
        crew->failure = status;
        const size_t length = strlen(gv_status_detail());
        assert(length < sizeof crew->sentence);
        memcpy(crew->sentence, gv_status_detail(), length + 1);
    }
    (void)pthread_mutex_unlock(&crew->lock);
}

static void work(work_crew *crew, size_t worker)
{
    size_t index = 0;
    while (take_index(crew, &index)) {
        const gv_status status = crew->task(crew->context, index, worker);
        if (status != GV_OK) {
            note_failure(crew, index, status);
        }
    }
}

static void *start(void *argument)
{
    work_hand *hand = argument;
    work(hand->crew, hand->worker);
    return NULL;
}

/* A thread that cannot be started is no failure: the others, at least the caller, do its work. */
static void work_together(work_crew *crew, work_hand *hands, size_t jobs)
{
    size_t started = 0;
    for (size_t worker = 1; worker < jobs; worker++) {
        work_hand *hand = &hands[started];
        hand->crew = crew;
        hand->worker = worker;
        if (pthread_create(&hand->thread, NULL, start, hand) != 0) {
            break;
        }
        started++;
    }
    work(crew, 0);
    for (size_t i = 0; i < started; i++) {
        (void)pthread_join(hands[i].thread, NULL);
    }
}

gv_status gv_parallel_for(size_t jobs, size_t count, gv_task task, void *context)
{
    assert(task != NULL);

    const size_t useful = jobs < count ? jobs : count;
    work_hand *hands = NULL;
    if (useful > 1) {
        hands = gv_mem_alloc(0, useful - 1, sizeof *hands);
        if (hands == NULL) {
            return GV_FAIL(GV_ENOMEM, "no memory for %zu threads", useful);
        }
    }
    work_crew crew = {.task = task, .context = context, .count = count, .failed_index = count};
    (void)pthread_mutex_init(&crew.lock, NULL);
    work_together(&crew, hands, useful);
    (void)pthread_mutex_destroy(&crew.lock);
    gv_mem_free(hands);
    return crew.failure == GV_OK ? GV_OK : GV_FAIL(crew.failure, "%s", crew.sentence);
}

size_t gv_parallel_processors(void)
{
    cpu_set_t usable;
    CPU_ZERO(&usable);
    if (sched_getaffinity(0, sizeof usable, &usable) != 0) {
        return 1;
    }
    const int count = CPU_COUNT(&usable);
    return count < 1 ? 1 : (size_t)count;
}
