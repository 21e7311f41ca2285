/*
 * reach.h - the campaigns that a network has learned from: their least and largest budget and CPA.
 *
 * A training writes it into its weights, and whoever lets them bid compares the campaigns to come:
 * outside of it the network guesses, also where what it sees is free of scale, since a budget is
 * large or small beside the market that it is spent in.
 */
#ifndef POLICIES_LEARN_REACH_H
#define POLICIES_LEARN_REACH_H

#include <stdbool.h>
#include <stddef.h>

#include "sim/base/status.h"

/* From the one to the other, both included, 0 < least <= most. Zeroed: nothing is known. */
typedef struct gv_reach_span {
    double least;
    double most;
} gv_reach_span;

typedef struct gv_reach {
    gv_reach_span budget; /* in units of currency, as cpa */
    gv_reach_span cpa;
} gv_reach;

/* Widens it to hold the value, but for what is no money, as 0 where a campaign has no CPA. */
void gv_reach_add(gv_reach_span *span, double value);

/* True also where nothing is known, or of 0; a rounding error is not outside. */
bool gv_reach_holds(gv_reach_span span, double value);

/* "2000 6000" of a span that is known; `text`: [size], at least 64. */
void gv_reach_print(gv_reach_span span, char *text, size_t size);

/*
 * Reads such a text. GV_ECORRUPT: it is something else, such as a number that is not finite or a
 * least above the most; the sentence begins with `name`, a file's, and says `key`.
 */
GV_MUST_CHECK gv_status gv_reach_read(gv_reach_span *span, const char *name, const char *key,
                                      const char *text);

#endif
