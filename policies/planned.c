#include <assert.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#include "policies/planned_impl.h"
#include "policies/price_impl.h"
#include "sim/base/money.h"

#define TAG "planned"

const char *const gv_planned_windows[] = {"latest", "first", NULL};

void gv_planned_unload(void *model)
{
    gv_dd_close(model);
}

void gv_planned_tell(const void *model, char *text, size_t size)
{
    const gv_dd_counts counts = gv_dd_counted(model);
    if (counts.clamped > 0) {
        (void)snprintf(text, size,
                       "%" PRIu64 " of %" PRIu64
                       " plans had states out of bounds and were held at them",
                       counts.clamped, counts.plans);
    }
}

static gv_status check_ticks(const gv_policy_setup *setup)
{
    const gv_campaign *campaign = setup->campaign;
    const int64_t length_us = campaign->end_us - campaign->start_us;
    const int64_t ticks = (length_us + campaign->tick_us - 1) / campaign->tick_us;
    const int64_t known = (int64_t)gv_dd_ticks(setup->model);
    if (ticks != known) {
        return GV_FAIL(GV_EINVAL,
                       "%s: its network was trained on periods of %" PRId64
                       " ticks, and this campaign has %" PRId64
                       ": train it on such periods, or sell such ones",
                       gv_dd_path(setup->model), known, ticks);
    }
    return GV_OK;
}

static double units_of(int64_t nanos)
{
    return nanos > 0 ? (double)nanos / (double)GV_NANOS_PER_UNIT : 0;
}

gv_status gv_planned_init(void *state, const gv_policy_setup *setup)
{
    gv_planned_state *planned = state;
    assert(setup->model != NULL);
    GV_TRY(check_ticks(setup));
    const gv_dd_owner owner = {.seed = setup->seed,
                               .number = setup->campaign->number,
                               .budget = units_of(setup->campaign->budget_nanos),
                               .cpa = units_of(setup->campaign->cpa_nanos)};
    return gv_dd_seat_create(setup->model, &owner, &planned->seat);
}

void gv_planned_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    gv_price_scale(batch->pcvr, batch->count, ((const gv_planned_state *)state)->multiplier, bids);
}

void gv_planned_tick(void *const *states, const gv_observation *observations, size_t count)
{
    enum { PART = 64 };
    for (size_t from = 0; from < count; from += PART) {
        const size_t part = count - from < PART ? count - from : PART;
        gv_dd_seat *seats[PART];
        double actions[PART];
        for (size_t i = 0; i < part; i++) {
            seats[i] = ((const gv_planned_state *)states[from + i])->seat;
        }
        gv_dd_act(seats, observations + from, part, actions);
        for (size_t i = 0; i < part; i++) {
            ((gv_planned_state *)states[from + i])->multiplier =
                actions[i] * (double)GV_NANOS_PER_UNIT;
        }
    }
}

gv_status gv_planned_save(const void *state, gv_writer *writer)
{
    const gv_planned_state *planned = state;
    GV_TRY(gv_writer_put(writer, TAG, &planned->multiplier, sizeof planned->multiplier));
    return gv_dd_seat_save(planned->seat, writer);
}

gv_status gv_planned_restore(void *state, gv_reader *reader)
{
    gv_planned_state *planned = state;
    GV_TRY(gv_reader_get(reader, TAG, &planned->multiplier, sizeof planned->multiplier));
    return gv_dd_seat_restore(planned->seat, reader);
}

void gv_planned_fini(void *state)
{
    const gv_planned_state *planned = state;
    gv_dd_seat_destroy(planned->seat);
}

void gv_planned_explain(const void *state, gv_explanation *out)
{
    const gv_planned_state *planned = state;
    out->multiplier = planned->multiplier / (double)GV_NANOS_PER_UNIT;
    gv_dd_explain(planned->seat, out);
}
