/*
 * example_reader.h - rows of a log as examples: the one function for training and for pricing.
 *
 * The value of a field is hashed by its text, never by its code, so that every log gives the same
 * bucket to the same value:
 *
 *   H = XXH3, bucket = H(H(name), H(value of part 1), ...) >> (64 - bits)
 *
 * where the name is the field's as it is printed and a whole number's text is its decimal digits.
 * An empty cell is a value of its own; an empty cell of `tags` or `features` has no values.
 *
 * The past of a row are its user's impressions and clicks strictly before it, each click at its
 * own time, whether their impression is in the log or not. Rows without a user ("", "null", "-")
 * have none. Users are told apart by 64 bits of hash. An index of 24 bytes an event is made once,
 * so a user of a million events costs what a million users do.
 */
#ifndef MODELS_PREDICT_EXAMPLE_READER_H
#define MODELS_PREDICT_EXAMPLE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/predict/examples.h"
#include "models/predict/fields.h"
#include "models/predict/samples.h"
#include "sim/base/status.h"
#include "sim/log/log.h"

typedef struct gv_example_reader gv_example_reader;

/*
 * Borrows the log; copies the fields. `who` begins the sentence ("model ctr.safetensors").
 * GV_ENOTFOUND: columns that the log lacks, or whose kind is no field's, all of them.
 */
GV_MUST_CHECK gv_status gv_example_reader_create(const gv_log *log, const gv_fields *fields,
                                                 unsigned bits, const char *who,
                                                 gv_example_reader **out);
void gv_example_reader_destroy(gv_example_reader *reader); /* accepts NULL */

/* Examples with the memory behind them; zeroed, it is empty and may be read into. */
typedef struct gv_example_set {
    gv_examples view; /* valid until the next reading */
    size_t row_room;
    size_t bucket_room;
    uint32_t *starts;
    uint32_t *buckets;
    uint32_t *past_counts;
    uint32_t *past_buckets;
    float *past_ages;
    float *clicks;
    float *conversions;
    float *weights;
} gv_example_set;

/* Clicks, and what else is wanted. */
typedef struct gv_example_labels {
    bool conversions;       /* 0 throughout where the log tells of none */
    double negative_weight; /* of a sample without click; one with a click weighs 1 */
} gv_example_labels;

/*
 * Reads samples [count], in their order, over what was in `set`. labels NULL: rows to be priced.
 * One reader serves one thread at a time.
 */
GV_MUST_CHECK gv_status gv_example_reader_read(gv_example_reader *reader, const gv_sample *samples,
                                               size_t count, const gv_example_labels *labels,
                                               gv_example_set *set);
void gv_example_set_fini(gv_example_set *set);

#endif
