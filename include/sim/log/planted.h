/*
 * planted.h - impressions whose law of clicks and conversions is known: users with an interest,
 * creatives of advertisers, and what earlier events do.
 *
 * A user has one of 8 interests, which a tag tells four times in five (another tag is noise), and
 * meets three advertisers more often than the others. With k the interest, a the advertiser, c its
 * creative, e the exchange, s the slot, and events i of the user's past, their age in days t_i:
 *   m_w = sum over past events of advertiser a of w[e_i] exp(-t_i)
 *   logit pCTR = -1.6 + 0.6 A[k][a] + 0.4 B[e][s] + 0.3 C[c] + 1.8 tanh(m_w)
 *   logit pCVR = -1.2 + 0.5 D[k][e] + 0.3 F[c] + 1.8 tanh(m_v)
 * A, B, C, D and F are standard normal and fixed by the seed; w and v are +1 of some exchanges and
 * -1 of others, so neither the advertisers alone nor the exchanges alone of a past say anything:
 * only an event's two together, held against the advertiser at hand. Row i is a pure function of
 * (seed, i) and of the same user's earlier rows.
 */
#ifndef SIM_LOG_PLANTED_H
#define SIM_LOG_PLANTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"

enum {
    GV_PLANTED_INTERESTS = 8,
    GV_PLANTED_ADVERTISERS = 8,
    GV_PLANTED_CREATIVES = 32, /* creative c is advertiser c / 4's */
    GV_PLANTED_EXCHANGES = 4,
    GV_PLANTED_SLOTS = 4
};

typedef struct gv_planted_config {
    uint64_t count; /* rows */
    uint64_t users;
    uint64_t seed;
    size_t past_length; /* events of a past that still act and are told, at least 1 */
    int64_t start_us;
    int64_t span_us; /* rows lie within it, in order of time */
} gv_planted_config;

typedef struct gv_planted_event {
    uint32_t advertiser;
    uint32_t exchange;
    int64_t time_us;
} gv_planted_event;

typedef struct gv_planted_row {
    int64_t time_us;
    uint64_t user;
    uint32_t tags[2]; /* interests; the second is noise */
    uint32_t advertiser;
    uint32_t creative;
    uint32_t exchange;
    uint32_t slot;
    double pctr; /* the truth */
    double pcvr; /* of a click */
    bool is_clicked;
    bool is_converted;            /* only where clicked */
    const gv_planted_event *past; /* oldest first; valid until the next row */
    size_t past_count;
} gv_planted_row;

typedef struct gv_planted gv_planted;

GV_MUST_CHECK gv_status gv_planted_create(const gv_planted_config *config, gv_planted **out);
void gv_planted_destroy(gv_planted *planted); /* accepts NULL */

/* The rows one after another; false behind the last. */
bool gv_planted_next(gv_planted *planted, gv_planted_row *row);

#endif
