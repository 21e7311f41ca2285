/*
 * join_impl.h - which impression each click and conversion belongs to, by bid id.
 *
 * The hashes of all events' bid ids, and of those that are repeated among impressions, are
 * watched for while the impressions' hashes stream by once; texts are compared only where
 * hashes agree. Memory grows with events and repeats, not with impressions.
 */
#ifndef SIM_LOG_JOIN_IMPL_H
#define SIM_LOG_JOIN_IMPL_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"
#include "sim/log/chunk.h"

#define GV_JOIN_ORPHAN UINT64_MAX

/* The impressions of a log, in its order. */
typedef struct gv_join_impressions {
    uint64_t rows;
    const uint64_t *hashes; /* [rows], gv_gather_hash() of the bid ids */
    const uint64_t *starts; /* [rows + 1] into the heap */
    const char *heap;
    const int64_t *times; /* [rows], ascending */
} gv_join_impressions;

typedef struct gv_join_event {
    uint64_t hash;
    gv_span bid_id;
    int64_t time;
    uint64_t row; /* out: of its impression, or GV_JOIN_ORPHAN */
} gv_join_event;

/*
 * Of several impressions with the bid id an event gets the latest that is not later than it,
 * else the earliest. *repeated: impressions whose bid id an earlier one had. Empty bid ids
 * never match and never repeat. events: [event_count]
 */
GV_MUST_CHECK gv_status gv_join(const gv_join_impressions *impressions, gv_join_event *events,
                                size_t event_count, uint64_t *repeated);

/* Distinct bid ids that are not empty among the events. */
GV_MUST_CHECK gv_status gv_join_distinct(const gv_join_event *events, size_t event_count,
                                         uint64_t *distinct);

#endif
