#include <assert.h>
#include <inttypes.h>

#include "policies/price_impl.h"
#include "policies/sequence_impl.h"
#include "sim/base/money.h"

#define TAG "sequence"

const char *const gv_sequence_windows[] = {"latest", "first", NULL};

gv_status gv_sequence_serving(const char *name, const gv_sequence_config *config,
                              gv_dt_serving *serving)
{
    if (config->weights == NULL) {
        return GV_FAIL(GV_EINVAL, "%s needs `weights:`, a file of `gavel train %s`", name, name);
    }
    *serving = (gv_dt_serving){.target = config->target,
                               .used = config->constraint_used,
                               .window = (gv_state_window)config->window,
                               .context = (size_t)config->context,
                               .recomputes = config->recompute,
                               .shade = config->shade};
    return GV_OK;
}

void gv_sequence_unload(void *model)
{
    gv_dt_close(model);
}

static gv_status check_ticks(const gv_policy_setup *setup)
{
    const gv_campaign *campaign = setup->campaign;
    const int64_t length_us = campaign->end_us - campaign->start_us;
    const int64_t ticks = (length_us + campaign->tick_us - 1) / campaign->tick_us;
    const int64_t known = (int64_t)gv_dt_ticks(setup->model);
    if (ticks != known) {
        return GV_FAIL(GV_EINVAL,
                       "%s: its network was trained on periods of %" PRId64
                       " ticks, and this campaign has %" PRId64
                       ": train it on such periods, or sell such ones",
                       ((const gv_sequence_config *)setup->config)->weights, known, ticks);
    }
    return GV_OK;
}

/* A campaign's seat writes into the network's caches, which have a lock of their own. */
gv_status gv_sequence_init(void *state, const gv_policy_setup *setup)
{
    gv_sequence_state *self = state;
    assert(setup->model != NULL);
    GV_TRY(check_ticks(setup));
    const gv_campaign *campaign = setup->campaign;
    const double unit = (double)GV_NANOS_PER_UNIT;
    const double cpa = campaign->cpa_nanos > 0 ? (double)campaign->cpa_nanos / unit : 0;
    return gv_dt_seat_create(setup->model, (double)campaign->budget_nanos / unit, cpa, &self->seat);
}

void gv_sequence_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    gv_price_scale(batch->pcvr, batch->count, ((const gv_sequence_state *)state)->multiplier, bids);
}

void gv_sequence_tick(void *const *states, const gv_observation *observations, size_t count)
{
    enum { PART = 64 };
    for (size_t from = 0; from < count; from += PART) {
        const size_t part = count - from < PART ? count - from : PART;
        gv_dt_seat *seats[PART];
        double actions[PART];
        for (size_t i = 0; i < part; i++) {
            seats[i] = ((const gv_sequence_state *)states[from + i])->seat;
        }
        gv_dt_act(seats, observations + from, part, actions);
        for (size_t i = 0; i < part; i++) {
            ((gv_sequence_state *)states[from + i])->multiplier =
                actions[i] * (double)GV_NANOS_PER_UNIT;
        }
    }
}

gv_status gv_sequence_save(const void *state, gv_writer *writer)
{
    const gv_sequence_state *self = state;
    GV_TRY(gv_writer_put(writer, TAG, &self->multiplier, sizeof self->multiplier));
    return gv_dt_seat_save(self->seat, writer);
}

gv_status gv_sequence_restore(void *state, gv_reader *reader)
{
    gv_sequence_state *self = state;
    GV_TRY(gv_reader_get(reader, TAG, &self->multiplier, sizeof self->multiplier));
    return gv_dt_seat_restore(self->seat, reader);
}

void gv_sequence_fini(void *state)
{
    const gv_sequence_state *self = state;
    gv_dt_seat_destroy(self->seat);
}

void gv_sequence_explain(const void *state, gv_explanation *out)
{
    const gv_sequence_state *sequence = state;
    out->multiplier = sequence->multiplier / (double)GV_NANOS_PER_UNIT;
    gv_dt_explain(sequence->seat, out);
    out->plan_ticks = 0;
}
