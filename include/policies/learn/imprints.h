/*
 * imprints.h - by which traffic a period is known again: the guard against being judged by what
 * was learned from.
 *
 * Trajectories carry the imprint of each period that they were made of (gv_traffic_hash()), a
 * training hands those on into its weights, and whoever is about to judge the weights compares
 * them with the imprints of the periods to come. As text it is JSON, with a blank between them
 * where a period of that number has several, as of several seeds:
 *
 *   {"periods": {"1000": "16 hex digits"}}
 */
#ifndef POLICIES_LEARN_IMPRINTS_H
#define POLICIES_LEARN_IMPRINTS_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"

typedef struct gv_imprint {
    int64_t period;
    uint64_t hash;
} gv_imprint;

/* Zeroed it is an empty list. */
typedef struct gv_imprints {
    gv_imprint *items; /* [count]: by period, then hash, each pair once */
    size_t count;
    size_t capacity;
} gv_imprints;

void gv_imprints_fini(gv_imprints *imprints);

/* Does nothing where it is there already. */
GV_MUST_CHECK gv_status gv_imprints_add(gv_imprints *imprints, gv_imprint imprint);

/*
 * Adds all of a text, a JSON object whose other entries are passed over; no "periods" are no
 * imprints. GV_ECORRUPT: it is something else; the sentence begins with `name`.
 */
GV_MUST_CHECK gv_status gv_imprints_read(gv_imprints *imprints, const char *name, const char *text);

/* On GV_OK the caller frees *text with gv_mem_free(). */
GV_MUST_CHECK gv_status gv_imprints_print(const gv_imprints *imprints, char **text);

/* The first with that hash; NULL: none. */
const gv_imprint *gv_imprints_find(const gv_imprints *imprints, uint64_t hash);

#endif
