/*
 * delay.h - how long until something becomes known: laws of delay with a mean and a shape.
 *
 * A law is a constant table. A draw is a function of a uniform keyed by opportunity and
 * advertiser, so another law moves what happens in time and changes nothing else.
 */
#ifndef SIM_MARKET_DELAY_H
#define SIM_MARKET_DELAY_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/base/param.h"
#include "sim/base/random.h"
#include "sim/base/status.h"

/* No delay is longer: a hundred years, so that times stay far from the end of int64_t. */
#define GV_DELAY_MAX_US (INT64_C(100) * 366 * 24 * 3600 * 1000000)

typedef struct gv_delay gv_delay;

typedef struct gv_delay_type {
    gv_type_info info; /* its params are the fields of gv_delay that a scenario sets */
    bool has_shape;    /* then it must be above 0 */
    /* In units of `scale`; NULL: always 0. */
    double (*draw)(double shape, const gv_random *random, uint64_t index);
    /* The scale whose mean delay is 1. NULL: 1. */
    double (*unit_scale)(double shape);
} gv_delay_type;

extern const gv_delay_type gv_delay_none;
extern const gv_delay_type gv_delay_fixed;
extern const gv_delay_type gv_delay_exponential;
extern const gv_delay_type gv_delay_log_normal;
extern const gv_delay_type gv_delay_weibull;
extern const gv_delay_type *const gv_delay_types[]; /* every type, then NULL */

const gv_delay_type *gv_delay_find(const char *name); /* NULL: none of that name */

/* A law with its parameters, as a scenario sets them. Zeroed it is none. */
struct gv_delay {
    const gv_delay_type *type; /* NULL: none */
    int64_t mean_us;           /* at least 0 */
    double shape;              /* log_normal: standard deviation of the logarithm; weibull: k */
};

/* GV_EINVAL with a sentence; `what` is delayed, as in "conversions". */
GV_MUST_CHECK gv_status gv_delay_validate(const gv_delay *delay, const char *what);

/* Whether there is any: false for none and for a mean of 0. */
bool gv_delay_is_any(const gv_delay *delay);

/* What gv_delay_draw() multiplies by, in us: found once, as it is dear. Of a valid delay. */
double gv_delay_scale(const gv_delay *delay);

/* In us, 0 to GV_DELAY_MAX_US. */
int64_t gv_delay_draw(const gv_delay *delay, double scale, const gv_random *random, uint64_t index);

#endif
