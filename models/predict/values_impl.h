/* The values of one column, or of the time, as hashes of their texts. */
#ifndef MODELS_PREDICT_VALUES_IMPL_H
#define MODELS_PREDICT_VALUES_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/predict/fields.h"
#include "sim/base/status.h"
#include "sim/log/log.h"

enum { GV_VALUE_CACHE = 256 };

typedef enum gv_value_kind {
    GV_VALUE_CODE,
    GV_VALUE_INTEGER,
    GV_VALUE_TEXT,
    GV_VALUE_HOUR,
    GV_VALUE_WEEKDAY,
    GV_VALUE_EVENT,
} gv_value_kind;

/* A row of a log at a time of its own: an impression's, or that of a click on it. */
typedef struct gv_value_place {
    uint64_t row;
    int64_t time_us;
    bool is_orphan;
    bool is_click; /* for `event` */
} gv_value_place;

typedef struct gv_values {
    char name[GV_FIELD_NAME_SIZE];
    gv_value_kind kind;
    char separator; /* 0: a cell is one value */
    int64_t zone_us;
    const gv_log_column *columns[2]; /* of impressions; of orphaned clicks, NULL: there are none */
    /* CODE: hashes of code c from starts[c] to starts[c + 1]. */
    uint32_t *starts;
    uint64_t *hashes;
    /* INTEGER: what was hashed last, by the number's low bits. */
    int64_t cache_keys[GV_VALUE_CACHE];
    uint64_t cache_hashes[GV_VALUE_CACHE]; /* 0: empty */
    uint64_t *scratch;                     /* [scratch_room] */
    size_t scratch_room;
} gv_values;

/* What keeps a column from being a field. */
typedef enum gv_values_fault {
    GV_VALUES_FIT,
    GV_VALUES_MISSING,
    GV_VALUES_REAL,
} gv_values_fault;

/* Finds the columns; allocates nothing. */
gv_values_fault gv_values_find(gv_values *values, const gv_log *log, const char *name);

/* Makes what is known beforehand: the hashes of a dictionary. */
GV_MUST_CHECK gv_status gv_values_prepare(gv_values *values);
void gv_values_fini(gv_values *values);

/* Rows [first, first + count) may be asked then. */
GV_MUST_CHECK gv_status gv_values_check(const gv_values *values, bool is_orphan, uint64_t first,
                                        uint64_t count);

/* *hashes: [*count], valid until the next call for the same values. */
GV_MUST_CHECK gv_status gv_values_at(gv_values *values, const gv_value_place *place,
                                     const uint64_t **hashes, size_t *count);

#endif
