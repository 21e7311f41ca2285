/* Clicks and conversions that a truth decides on, one opportunity after another. */
#include <assert.h>

#include "sim/base/mem.h"
#include "sim/base/random.h"
#include "sim/market/logged_impl.h"

enum { FIRST_ROOM = 256 };

/* The draws of one opportunity. */
enum { DRAW_CLICK, DRAW_CLICK_DELAY, DRAW_CONVERSION, DRAW_CONVERSION_DELAY };

typedef struct drawing {
    const gv_truth *truth;
    double click_scale;
    double conversion_scale;
    gv_event_record *events; /* [room] */
    size_t count;
    size_t room;
} drawing;

static gv_status add(drawing *drawn, gv_event_record event)
{
    if (drawn->count == drawn->room) {
        const size_t room = drawn->room == 0 ? FIRST_ROOM : 2 * drawn->room;
        gv_event_record *grown = gv_mem_resize(drawn->events, room, sizeof *grown);
        if (grown == NULL) {
            return GV_FAIL(GV_ENOMEM, "no memory for %zu clicks", room);
        }
        drawn->events = grown;
        drawn->room = room;
    }
    drawn->events[drawn->count++] = event;
    return GV_OK;
}

static gv_status draw_row(drawing *drawn, const gv_opportunities *piece, size_t i)
{
    const gv_truth *truth = drawn->truth;
    const uint64_t id = piece->ids == NULL ? piece->first_id + i : piece->ids[i];
    const gv_random own = gv_random_key(truth->seed, GV_STREAM_CLICK, id);
    if (!gv_random_bernoulli(&own, DRAW_CLICK, piece->truth[i])) {
        return GV_OK;
    }
    gv_event_record event = {.opportunity = id, .time_us = piece->time_us[i]};
    event.time_us += gv_delay_draw(&truth->click_delay, drawn->click_scale, &own, DRAW_CLICK_DELAY);
    GV_TRY(add(drawn, event));
    if (piece->pcvr == NULL || !gv_random_bernoulli(&own, DRAW_CONVERSION, piece->pcvr[i])) {
        return GV_OK;
    }
    event.is_conversion = 1;
    event.time_us += gv_delay_draw(&truth->conversion_delay, drawn->conversion_scale, &own,
                                   DRAW_CONVERSION_DELAY);
    return add(drawn, event);
}

static gv_status draw_all(drawing *drawn, gv_source *source)
{
    uint64_t position = source->begin;
    for (;;) {
        gv_opportunities piece;
        GV_TRY(source->load(source, position, &piece, &position));
        if (piece.count == 0) {
            return GV_OK;
        }
        assert(piece.truth != NULL);
        for (size_t i = 0; i < piece.count; i++) {
            GV_TRY(draw_row(drawn, &piece, i));
        }
    }
}

gv_status gv_logged_draw_events(gv_source *source, const gv_truth *truth, gv_event_record **events,
                                size_t *count)
{
    drawing drawn = {.truth = truth,
                     .click_scale = gv_delay_scale(&truth->click_delay),
                     .conversion_scale = gv_delay_scale(&truth->conversion_delay)};
    const gv_status status = draw_all(&drawn, source);
    if (status != GV_OK) {
        gv_mem_free(drawn.events);
        return status;
    }
    *events = drawn.events;
    *count = drawn.count;
    return GV_OK;
}
