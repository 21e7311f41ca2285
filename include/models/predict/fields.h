/*
 * fields.h - which columns of a log a predictor sees, as one line of text.
 *
 *   advertiser, slot_width*slot_height, hour, tags, creative*hour; past(20): creative, exchange
 *
 * A field is a column of the log (texts or whole numbers), `hour` (0 to 23) or `weekday` (1,
 * Monday, to 7) in the log's zone, or a cross of two or three of those. A cell of `tags` holds
 * several values between commas and one of `features` between blanks: such a field has any number
 * of values, a cross each combination. Behind `; past(L):` stand the fields that tell of each of
 * the same user's L latest events; there, `event` is "impression" or "click".
 *
 * Where a request has several candidates, a column is the user's and the request's (user,
 * user_agent, ip, region, city, exchange, domain, url, url_id, tags, hour, weekday; the past is so
 * too) or the item's (all others), and a cross of both sides is of both; "segment@user" and
 * "exchange@item" say otherwise. That changes no value and no bucket of a field: networks compute
 * what is the user's once for all rows that follow each other and have it alike, whatever it is
 * called.
 *
 * The same text serves training and pricing, and is kept with the model. What is known only after
 * the bid (prices, bids, clicks, conversions) or is another predictor's answer is refused, all of
 * it at once.
 */
#ifndef MODELS_PREDICT_FIELDS_H
#define MODELS_PREDICT_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/predict/examples.h"
#include "sim/base/status.h"
#include "sim/log/log.h"

enum {
    GV_FIELDS_MAX = 64,
    GV_FIELD_PARTS_MAX = 3,
    GV_PAST_FIELDS_MAX = 8,
    GV_PAST_LENGTH_MAX = 4096,
    GV_FIELD_NAME_SIZE = 40,
    GV_FIELDS_TEXT_SIZE = 10240, /* holds every declaration, printed */
    GV_FIELD_BITS_MIN = 4,
    GV_FIELD_BITS_MAX = 28,
};

typedef struct gv_field {
    size_t part_count; /* 1 to GV_FIELD_PARTS_MAX */
    char parts[GV_FIELD_PARTS_MAX][GV_FIELD_NAME_SIZE];
    bool is_users[GV_FIELD_PARTS_MAX]; /* the part is the user's; else the item's */
} gv_field;

typedef struct gv_fields {
    size_t count; /* at least 1 */
    gv_field list[GV_FIELDS_MAX];
    size_t past_length; /* 0: no past */
    size_t past_count;
    gv_field past[GV_PAST_FIELDS_MAX];
} gv_fields;

/*
 * text: [size]. GV_EUSAGE: malformed, with the place; names that may not be seen, all of them;
 * fields that are there twice, likewise.
 */
GV_MUST_CHECK gv_status gv_fields_parse(const char *text, size_t size, gv_fields *fields);

/* The declaration in one form: parsed again it gives the same fields. text: [size]. */
void gv_fields_print(const gv_fields *fields, char *text, size_t size);

/* "creative*hour", without sides: what its values are hashed with. text: [size]. */
void gv_field_print(const gv_field *field, char *text, size_t size);

/* Whether a row can have several values of it: it has a part `tags` or `features`. */
bool gv_field_has_several(const gv_field *field);

/* sides: [fields->count]. */
void gv_fields_sides(const gv_fields *fields, gv_side *sides);

/* What is usual, as far as the log's impressions have it; GV_ENOTFOUND: nothing of it. */
GV_MUST_CHECK gv_status gv_fields_usual(const gv_log *log, gv_fields *fields);

/* bits: of GV_FIELD_BITS_MIN to GV_FIELD_BITS_MAX. */
gv_example_shape gv_fields_shape(const gv_fields *fields, unsigned bits);

#endif
