#include "policies/tutor.h"

#include <stddef.h>

#include "policies/price_impl.h"

typedef struct tutor_state {
    const gv_tutor *tutor;
    double multiplier; /* of the oracle's own bids, nanos a conversion */
} tutor_state;

static gv_status tutor_init(void *state, const gv_policy_setup *setup)
{
    ((tutor_state *)state)->tutor = setup->config;
    return GV_OK;
}

static void tutor_tick(void *const *states, const gv_observation *observations, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        tutor_state *self = states[i];
        const gv_tutor *tutor = self->tutor;
        const size_t tick = (size_t)observations[i].tick;
        const double answer = gv_oracle_solve(tutor->oracle, &observations[i]);
        tutor->labels[tick] = answer;
        self->multiplier = tutor->noise == NULL ? answer : answer * tutor->noise[tick];
        if (tutor->pupil != NULL) {
            gv_policy_tick(&tutor->pupil, &observations[i], 1);
        }
        if (tutor->pupil != NULL && tutor->listen != NULL) {
            tutor->listen(tutor->context, tick, tutor->pupil);
        }
    }
}

static void tutor_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    const tutor_state *self = state;
    if (self->tutor->pupil != NULL) {
        gv_policy_bid(self->tutor->pupil, batch, bids);
        return;
    }
    gv_price_scale(batch->pcvr, batch->count, self->multiplier, bids);
}

static void tutor_observe(void *state, const gv_outcome *outcomes, size_t count)
{
    gv_policy_observe(((tutor_state *)state)->tutor->pupil, outcomes, count);
}

static const gv_param no_params[] = {{0}};

gv_policy_type gv_tutor_type(const gv_policy *pupil)
{
    const gv_policy_type *played = pupil == NULL ? NULL : gv_policy_type_of(pupil);
    const bool listens = played != NULL && gv_policy_listens(pupil);
    return (gv_policy_type){
        .info = {.name = "tutor",
                 .summary = "another policy, with the oracle's answers beside it",
                 .source = "Ross, Gordon and Bagnell, AISTATS 2011",
                 .params = no_params,
                 .config_size = sizeof(gv_tutor)},
        .state_size = sizeof(tutor_state),
        .reads = played == NULL ? (unsigned)GV_READS_PCVR : played->reads,
        .one_by_one = played != NULL && played->one_by_one,
        .needs_market = true,
        .init = tutor_init,
        .bid = tutor_bid,
        .tick = tutor_tick,
        .observe = listens ? tutor_observe : NULL,
    };
}

gv_status gv_tutor_create(gv_tutor *tutor, const gv_campaign *campaign, gv_policy **out)
{
    tutor->type = gv_tutor_type(tutor->pupil);
    const gv_policy_setup setup = {
        .config = tutor, .campaign = campaign, .rules = {.price_step_nanos = 1}};
    return gv_policy_create(&tutor->type, &setup, out);
}
