/*
 * examples.h - rows of a log as a predictor sees them: hashed fields, a user's past, and labels.
 *
 * Every field has a name ("advertiser", "exchange*hour", "tags"), and a value of it is the hash of
 * name and value, cut to a number of bits: one table of `bucket_count` numbers serves all fields,
 * and a value that training never met has a bucket like any other. A field has one value a row, or,
 * like a user's tags, any number of them. A row's past are the same user's events before it, the
 * latest last, each told by the same few fields.
 *
 * This is a plain view: whoever filled it owns the arrays.
 */
#ifndef MODELS_PREDICT_EXAMPLES_H
#define MODELS_PREDICT_EXAMPLES_H

#include <stddef.h>
#include <stdint.h>

/*
 * Whose a field is, where a request has several candidates: what they share (the user, the time,
 * the page), or not (the ad, its advertiser, a slot), or of both.
 */
typedef enum gv_side { GV_SIDE_ITEM, GV_SIDE_USER, GV_SIDE_CROSS } gv_side;

/* What is the same for training and serving: the shape of a row. */
typedef struct gv_example_shape {
    size_t field_count;      /* F, at least 1 */
    uint32_t bucket_count;   /* a power of two */
    size_t past_length;      /* L: events of the past that a row can hold; 0: none */
    size_t past_field_count; /* E: fields of each event */
} gv_example_shape;

typedef struct gv_examples {
    gv_example_shape shape;
    size_t count; /* N rows */
    /* [N F + 1]: field f of row r has those from starts[r F + f] up to starts[r F + f + 1]. */
    const uint32_t *starts;
    const uint32_t *buckets; /* [starts[N F]], each below bucket_count */
    /* The past of row r: its first past_counts[r] of L places, oldest first. */
    const uint32_t *past_counts;  /* [N], each at most L; NULL when L is 0 */
    const uint32_t *past_buckets; /* [N][L][E] */
    const float *past_ages;       /* [N][L] seconds before the row, at least 0 */
    /* Labels; NULL when rows are only to be priced. */
    const float *clicks;      /* [N] 0 or 1 */
    const float *conversions; /* [N] 0 or 1, 1 only where the click is; NULL: not known */
    const float *weights;     /* [N] what a row stands for, above 0; NULL: 1 */
} gv_examples;

#endif
