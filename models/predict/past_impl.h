/* Who did what and when: every event of a log by its user, for the past of a row. */
#ifndef MODELS_PREDICT_PAST_IMPL_H
#define MODELS_PREDICT_PAST_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/predict/values_impl.h"
#include "sim/base/status.h"
#include "sim/log/log.h"

/* 24 bytes. */
typedef struct gv_past_event {
    uint64_t user; /* its text's hash */
    int64_t time_us;
    uint64_t place; /* row, kind: see gv_past_place() */
} gv_past_event;

typedef struct gv_past {
    const gv_log_column *users[2]; /* of impressions; of orphaned clicks, or NULL */
    gv_past_event *events;         /* [count], by user, then time, then place */
    size_t count;
} gv_past;

/* GV_ENOTFOUND: no users. */
GV_MUST_CHECK gv_status gv_past_init(gv_past *past, const gv_log *log);
void gv_past_fini(gv_past *past);

/*
 * The latest events, at most `most`, of the row's user strictly before its time, the latest last.
 * Returns how many; *first is the earliest.
 */
size_t gv_past_before(const gv_past *past, const gv_value_place *row, size_t most,
                      const gv_past_event **first);

gv_value_place gv_past_place(const gv_past_event *event);

#endif
