/*
 * number.h - numbers in text, read to exact values from spans that need no NUL.
 *
 * Money, times and counts go from decimal digits to int64_t without a double on the way, so
 * what a log says is what the sums hold. Reals are correctly rounded, as strtod() in the "C"
 * locale rounds, on every machine and in every locale. Accepted: an optional sign, digits with
 * an optional point, an optional exponent ("12", "-0.5", ".5", "6.06e-05"); nothing else, not
 * even spaces.
 */
#ifndef SIM_BASE_NUMBER_H
#define SIM_BASE_NUMBER_H

#include <stddef.h>
#include <stdint.h>

/* What to do with digits that the result cannot hold. */
typedef enum gv_rounding {
    GV_ROUND_NEVER,   /* they are a fault */
    GV_ROUND_NEAREST, /* to the nearest integer, ties to even */
} gv_rounding;

/* Text times factor x 10^exponent: {1, 6} reads CPM into nanos, {60, 6} minutes into us. */
typedef struct gv_scale {
    int64_t factor;   /* 1 and up */
    int32_t exponent; /* -18 to 18 */
} gv_scale;

/* The scale of a plain multiplier, in lowest terms. */
gv_scale gv_scale_of(int64_t multiplier);

/*
 * Reads text x scale into *value. Returns NULL, or what is wrong as a phrase that ends a sentence
 * ("is not a number"); then *value is untouched. Exact for any number of digits; only what has
 * more than 19 significant ones and a factor that is no power of ten, or no decimals left to
 * round, is refused. Some 5 ns for a short number.
 */
const char *gv_number_scaled(const char *text, size_t size, gv_scale scale, gv_rounding rounding,
                             int64_t *value);

/* The same for a double. What is too large to be finite is a fault; what is too small is 0. */
const char *gv_number_real(const char *text, size_t size, double *value);

#endif
