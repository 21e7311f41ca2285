/*
 * The one place that calls a policy type's methods. State lies behind the base object in one
 * block, on a cache line of its own, so that campaigns on different threads share none.
 */
#include "sim/market/policy.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "sim/base/mem.h"

enum { STATE_ALIGNMENT = 64, TOGETHER_MAX = 256 };

#define TYPE_TAG  "policy_type"
#define STATE_TAG "policy_state"

struct gv_policy {
    const gv_policy_type *type;
    const void *model; /* NULL: nothing is shared */
    void *own_model;   /* the same, where this policy loaded it */
    bool is_begun;     /* init() was due, so fini() is */
    /* The state follows at the next multiple of STATE_ALIGNMENT. */
};

static_assert(sizeof(gv_policy) <= STATE_ALIGNMENT, "the state begins at the next cache line");

static void *state_of(gv_policy *policy)
{
    return (unsigned char *)policy + STATE_ALIGNMENT;
}

static const void *state_read(const gv_policy *policy)
{
    return (const unsigned char *)policy + STATE_ALIGNMENT;
}

gv_market_rules gv_market_rules_of(const gv_mechanism *mechanism)
{
    return (gv_market_rules){.pays_own_bid = mechanism->type->pays_own_bid,
                             .pays_harm = mechanism->type->price_slot != NULL,
                             .has_soft_reserve = mechanism->soft_reserve_nanos > 0,
                             .price_step_nanos = mechanism->price_step_nanos};
}

static void assert_setup(const gv_policy_type *type, const gv_policy_setup *setup)
{
    assert(type->bid != NULL);
    assert((type->save == NULL) == (type->restore == NULL));
    assert((type->load == NULL) == (type->unload == NULL));
    assert(type->tell == NULL || type->load != NULL);
    assert(setup->model == NULL || type->load != NULL);
    assert((type->info.config_size == 0) == (type->info.params == NULL));
    assert(setup->campaign != NULL);
    assert(setup->config != NULL || type->info.config_size == 0);
    assert(setup->rules.price_step_nanos >= 1);
}

/* A type gets only what it declares, whatever the caller had at hand. */
static gv_policy_setup what_it_declares(const gv_policy_type *type, const gv_policy_setup *setup)
{
    gv_policy_setup shown = *setup;
    if (!type->needs_history) {
        shown.history = NULL;
    }
    if (!type->sees_future) {
        shown.future = NULL;
    }
    return shown;
}

gv_status gv_policy_create(const gv_policy_type *type, const gv_policy_setup *setup,
                           gv_policy **out)
{
    assert_setup(type, setup);

    const size_t size = STATE_ALIGNMENT + type->state_size;
    gv_policy *policy = gv_mem_alloc_vector(size, 1);
    if (policy == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a %s policy (%zu bytes)", type->info.name, size);
    }
    memset(policy, 0, size);
    policy->type = type;
    gv_status status = GV_OK;
    if (setup->model == NULL) {
        GV_TRY_GOTO(status, gv_policy_load(type, setup->config, &policy->own_model), fail);
    }
    policy->model = setup->model == NULL ? policy->own_model : setup->model;
    policy->is_begun = true;
    if (type->init != NULL) {
        gv_policy_setup shown = what_it_declares(type, setup);
        shown.model = policy->model;
        GV_TRY_GOTO(status, type->init(state_of(policy), &shown), fail);
    }
    *out = policy;
    return GV_OK;
fail:
    gv_policy_destroy(policy);
    return status;
}

void gv_policy_destroy(gv_policy *policy)
{
    if (policy == NULL) {
        return;
    }
    if (policy->type->fini != NULL && policy->is_begun) {
        policy->type->fini(state_of(policy));
    }
    gv_policy_unload(policy->type, policy->own_model);
    gv_mem_free(policy);
}

const void *gv_policy_model_of(const gv_policy *policy)
{
    return policy->model;
}

bool gv_policy_plan_as_one(const gv_policy *a, const gv_policy *b)
{
    return a->type == b->type && a->model == b->model;
}

gv_status gv_policy_load(const gv_policy_type *type, const void *config, void **model)
{
    *model = NULL;
    return type->load == NULL ? GV_OK : type->load(config, model);
}

void gv_policy_unload(const gv_policy_type *type, void *model)
{
    if (model != NULL) {
        type->unload(model);
    }
}

void gv_policy_tell(const gv_policy_type *type, const void *model, char *text, size_t size)
{
    assert(size >= 1);
    text[0] = '\0';
    if (type->tell != NULL && model != NULL) {
        type->tell(model, text, size);
    }
}

const gv_policy_type *gv_policy_type_of(const gv_policy *policy)
{
    return policy->type;
}

gv_status gv_policy_fit(const gv_policy_type *type, void *config, const gv_fit_input *input,
                        const gv_progress *progress)
{
    assert(input->campaign != NULL);

    return type->fit == NULL ? GV_OK : type->fit(config, input, progress);
}

static void assert_batch(const gv_policy_type *type, const gv_batch *batch)
{
    assert(batch->count >= 1);
    assert(batch->count == 1 || !type->one_by_one);
    assert(batch->budget_left_nanos >= 0);
    assert(batch->auctions_left >= 1);
    assert(batch->pctr != NULL || (type->reads & GV_READS_PCTR) == 0);
    assert(batch->pcvr != NULL || (type->reads & GV_READS_PCVR) == 0);
    assert(batch->time_us != NULL || (type->reads & GV_READS_TIME) == 0);
    assert(batch->floor_nanos != NULL || (type->reads & GV_READS_FLOOR) == 0);
}

/* What the type did not ask for it does not get: a column that it reads is one that it names. */
void gv_policy_bid(gv_policy *policy, const gv_batch *batch, int64_t *bids)
{
    const gv_policy_type *type = policy->type;
    assert_batch(type, batch);

    gv_batch shown = *batch;
    shown.pctr = (type->reads & GV_READS_PCTR) != 0 ? batch->pctr : NULL;
    shown.pcvr = (type->reads & GV_READS_PCVR) != 0 ? batch->pcvr : NULL;
    shown.time_us = (type->reads & GV_READS_TIME) != 0 ? batch->time_us : NULL;
    shown.floor_nanos = (type->reads & GV_READS_FLOOR) != 0 ? batch->floor_nanos : NULL;
    type->bid(state_of(policy), &shown, bids);
}

static void assert_observation(const gv_observation *observation)
{
    assert(observation->episode_start_us <= observation->time_us);
    assert(observation->time_us <= observation->episode_end_us);
    assert(observation->budget_left_nanos >= 0);
    assert(observation->budget_left_nanos <= observation->budget_nanos);
    assert(observation->tick < observation->tick_count || observation->tick_count == 0);
}

void gv_policy_tick(gv_policy *const *policies, const gv_observation *observations, size_t count)
{
    for (size_t done = 0; done < count;) {
        const gv_policy_type *type = policies[done]->type;
        void *states[TOGETHER_MAX];
        size_t together = 0;
        while (together < TOGETHER_MAX && done + together < count) {
            assert(policies[done + together]->type == type);
            assert_observation(&observations[done + together]);
            states[together] = state_of(policies[done + together]);
            together++;
        }
        if (type->tick != NULL) {
            type->tick(states, observations + done, together);
        }
        done += together;
    }
}

static void assert_outcome(const gv_outcome *outcome)
{
    if (outcome->kind == GV_OUTCOME_AUCTION) {
        assert(outcome->price_nanos >= 0);
        assert(!outcome->won || outcome->price_nanos <= outcome->bid_nanos);
        assert(outcome->won || outcome->price_nanos == 0);
    } else {
        assert(outcome->won);
    }
}

/* "Visible" is an order: what is told never lies before what was told. */
void gv_policy_observe(gv_policy *policy, const gv_outcome *outcomes, size_t count)
{
    if (policy->type->observe == NULL || count == 0) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        assert_outcome(&outcomes[i]);
        assert(i == 0 || outcomes[i - 1].time_us <= outcomes[i].time_us);
    }
    policy->type->observe(state_of(policy), outcomes, count);
}

bool gv_policy_listens(const gv_policy *policy)
{
    return policy->type->observe != NULL;
}

bool gv_policy_plans(const gv_policy *policy)
{
    return policy->type->tick != NULL;
}

void gv_policy_explain(const gv_policy *policy, gv_explanation *out)
{
    out->multiplier = (double)NAN;
    out->return_target = (double)NAN;
    out->expertness = (double)NAN;
    if (policy->type->explain == NULL) {
        out->plan_ticks = 0;
        return;
    }
    policy->type->explain(state_read(policy), out);
}

gv_status gv_policy_save(const gv_policy *policy, gv_writer *writer)
{
    const gv_policy_type *type = policy->type;
    GV_TRY(gv_writer_put(writer, TYPE_TAG, type->info.name, strlen(type->info.name)));
    if (type->save != NULL) {
        return type->save(state_read(policy), writer);
    }
    return gv_writer_put(writer, STATE_TAG, state_read(policy), type->state_size);
}

static gv_status check_type(const gv_policy_type *type, gv_reader *reader)
{
    char name[64] = "";
    size_t size = 0;
    GV_TRY(gv_reader_peek(reader, TYPE_TAG, &size));
    if (size >= sizeof name) {
        return GV_FAIL(GV_ECORRUPT, "the checkpoint names a policy type of %zu bytes", size);
    }
    GV_TRY(gv_reader_get(reader, TYPE_TAG, name, size));
    if (strcmp(name, type->info.name) != 0) {
        return GV_FAIL(GV_ECORRUPT, "the checkpoint is of a %s policy, expected %s", name,
                       type->info.name);
    }
    return GV_OK;
}

gv_status gv_policy_restore(gv_policy *policy, gv_reader *reader)
{
    const gv_policy_type *type = policy->type;
    GV_TRY(check_type(type, reader));
    if (type->restore != NULL) {
        return type->restore(state_of(policy), reader);
    }
    return gv_reader_get(reader, STATE_TAG, state_of(policy), type->state_size);
}
