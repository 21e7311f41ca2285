/*
 * progress.h - how long work tells of its advance, and learns that it should stop.
 *
 * The library never prints. Whoever starts long work may hand it a gv_progress; the command
 * line draws a bar with it and sets stop on Ctrl-C.
 */
#ifndef SIM_BASE_PROGRESS_H
#define SIM_BASE_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Called often, from one thread at a time; must be cheap. total 0: not known. False: stop. */
typedef struct gv_progress {
    bool (*report)(void *context, const char *what, uint64_t done, uint64_t total);
    void *context;
} gv_progress;

/* True to go on. `progress` may be NULL: then always true. */
static inline bool gv_progress_report(const gv_progress *progress, const char *what, uint64_t done,
                                      uint64_t total)
{
    return progress == NULL || progress->report(progress->context, what, done, total);
}

#endif
