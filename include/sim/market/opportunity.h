/*
 * opportunity.h - auctions in time order, by columns, and where they come from.
 *
 * A source yields opportunities in pieces small enough for the cache: straight pointers into a
 * mapped log, or rows gathered into its own scratch. Positions are plain numbers, so a
 * checkpoint holds one and a source can be read again from any.
 */
#ifndef SIM_MARKET_OPPORTUNITY_H
#define SIM_MARKET_OPPORTUNITY_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"

enum { GV_OPPORTUNITY_PIECE = 4096 };

/* A click or conversion of one of the opportunities: seen only by who won it. */
typedef struct gv_event_record {
    uint64_t opportunity; /* id */
    int64_t time_us;      /* its own time; may lie before the impression's (a logged oddity) */
    uint32_t is_conversion;
} gv_event_record;

/* Columns of `count` opportunities; those that the source lacks are NULL. */
typedef struct gv_opportunities {
    size_t count;
    uint64_t first_id;          /* ids are first_id + i, */
    const uint64_t *ids;        /* unless this is not NULL. Ascending; key of random streams */
    const int64_t *time_us;     /* ascending; never NULL */
    const int64_t *rival_nanos; /* the best competing offer; never NULL */
    const int64_t *floor_nanos; /* NULL: no floor */
    const double *pctr;         /* as the campaign's predictor believes, in [0, 1] */
    const double *pcvr;
    const double *truth; /* true click probabilities, for tallies alone; NULL: pctr is taken */
    const gv_event_record *events; /* of these opportunities, by id then time */
    size_t event_count;
} gv_opportunities;

typedef struct gv_source gv_source;

/* One thread, one source: it owns scratch. */
struct gv_source {
    /*
     * Fills `out` with the opportunities at `position` and on, up to GV_OPPORTUNITY_PIECE, and
     * sets *next to the position behind them; count 0 with GV_OK: the end. The same position
     * gives the same piece, every time. What `out` points to is valid until the next call.
     */
    gv_status (*load)(gv_source *source, uint64_t position, gv_opportunities *out, uint64_t *next);
    /* The first position, and that behind the last: at most end - begin opportunities. */
    uint64_t begin;
    uint64_t end;
    uint64_t event_max; /* at most so many event records lie between: room for those that wait */
    void (*destroy)(gv_source *source);
};

#endif
