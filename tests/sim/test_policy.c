/* The dispatcher: defaults of what a type leaves out, what it is shown, what a save holds. */
#include <stdio.h>
#include <string.h>

#include "cmocka_all.h"
#include "market_policies.h"
#include "sim/base/mem.h"
#include "sim/market/policy.h"

enum { MANY = 600 };

static const gv_campaign campaign = {.name = "dispatched",
                                     .end_us = 100,
                                     .bid_cap_nanos = INT64_MAX,
                                     .tick_us = 10};

static gv_policy_setup setup_of(const void *config)
{
    return (gv_policy_setup){
        .config = config, .campaign = &campaign, .rules = {.price_step_nanos = 1}};
}

static gv_policy *make(const gv_policy_type *type, const void *config)
{
    const gv_policy_setup setup = setup_of(config);
    gv_policy *policy = NULL;
    assert_int_equal(gv_policy_create(type, &setup, &policy), GV_OK);
    return policy;
}

static void a_type_may_leave_out_all_but_bid(void **state)
{
    (void)state;
    gv_policy *policy = make(&whim, NULL);
    int64_t bid = -7;
    gv_policy_bid(policy, &(gv_batch){.count = 1, .auctions_left = GV_AUCTIONS_UNKNOWN}, &bid);
    assert_int_not_equal(bid, -7);
    gv_policy_tick(&policy, &(gv_observation){.tick_count = 1}, 1);
    gv_policy_observe(policy, &(gv_outcome){.kind = GV_OUTCOME_AUCTION}, 1);
    assert_false(gv_policy_listens(policy));
    assert_false(gv_policy_plans(policy));
    assert_ptr_equal(gv_policy_type_of(policy), &whim);
    gv_policy_destroy(policy);
    gv_policy_destroy(NULL);
    assert_int_equal(gv_policy_fit(&whim, NULL, &(gv_fit_input){.campaign = &campaign}, NULL),
                     GV_OK);
}

/* State that looks at its own address, and fails as it is told to. */
typedef struct nosy_config {
    bool fails;
    int *finished;
} nosy_config;

typedef struct nosy_state {
    int *finished;
    bool was_zeroed;
    bool was_aligned;
    bool saw_history;
    bool saw_future;
    bool saw_pctr;
    bool saw_time;
} nosy_state;

static gv_status nosy_init(void *state, const gv_policy_setup *setup)
{
    const nosy_config *config = setup->config;
    nosy_state *self = state;
    const nosy_state zeroed = {0};
    /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison,cert-*): its padding counts too */
    const bool was_zeroed = memcmp(self, &zeroed, sizeof zeroed) == 0;
    *self = (nosy_state){.finished = config->finished,
                         .was_zeroed = was_zeroed,
                         .was_aligned = (uintptr_t)state % 64 == 0,
                         .saw_history = setup->history != NULL,
                         .saw_future = setup->future != NULL};
    return config->fails ? GV_FAIL(GV_EINVAL, "told to fail") : GV_OK;
}

static void nosy_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    nosy_state *self = state;
    self->saw_pctr = batch->pctr != NULL;
    self->saw_time = batch->time_us != NULL;
    memset(bids, 0, batch->count * sizeof *bids);
    bids[0] = self->was_zeroed + 2 * self->was_aligned + 4 * self->saw_history +
              8 * self->saw_future + 16 * self->saw_pctr + 32 * self->saw_time;
}

static void nosy_fini(void *state)
{
    (*((nosy_state *)state)->finished)++;
}

static const gv_param no_params[] = {{.name = NULL}};

static const gv_policy_type nosy = {
    .info = {.name = "nosy", .params = no_params, .config_size = sizeof(nosy_config)},
    .state_size = sizeof(nosy_state),
    .init = nosy_init,
    .bid = nosy_bid,
    .fini = nosy_fini,
};

static int64_t what_it_saw(const gv_policy_type *type)
{
    int finished = 0;
    const nosy_config config = {false, &finished};
    gv_policy_setup setup = setup_of(&config);
    setup.history = &(const gv_history){.name = "past"};
    setup.future = &config;
    gv_policy *policy = NULL;
    assert_int_equal(gv_policy_create(type, &setup, &policy), GV_OK);
    const double pctr = 0.5;
    const int64_t time_us = 3;
    int64_t bid = 0;
    gv_policy_bid(policy,
                  &(gv_batch){.count = 1, .auctions_left = 1, .pctr = &pctr, .time_us = &time_us},
                  &bid);
    gv_policy_destroy(policy);
    assert_int_equal(finished, 1);
    return bid;
}

static void a_policy_is_shown_what_its_type_declares_and_no_more(void **state)
{
    (void)state;
    gv_policy_type type = nosy;
    assert_int_equal(what_it_saw(&type), 1 + 2);
    type.needs_history = true;
    type.reads = GV_READS_PCTR;
    assert_int_equal(what_it_saw(&type), 1 + 2 + 4 + 16);
    type.sees_future = true;
    type.reads = GV_READS_PCTR | GV_READS_TIME;
    assert_int_equal(what_it_saw(&type), 1 + 2 + 4 + 8 + 16 + 32);
}

static void a_failed_init_is_cleaned_up_and_leaves_output_alone(void **state)
{
    (void)state;
    int finished = 0;
    const nosy_config config = {true, &finished};
    const gv_policy_setup setup = setup_of(&config);
    gv_policy *policy = NULL;
    assert_int_equal(gv_policy_create(&nosy, &setup, &policy), GV_EINVAL);
    assert_int_equal(finished, 1);
    assert_null(policy);
    gv_mem_fail_after(0);
    assert_int_equal(gv_policy_create(&nosy, &setup, &policy), GV_ENOMEM);
    assert_null(policy);
}

static void many_campaigns_plan_in_order(void **state)
{
    (void)state;
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
    gv_policy **policies = gv_mem_alloc(0, MANY, sizeof *policies);
    gv_observation *observations = gv_mem_alloc(0, MANY, sizeof *observations);
    assert_non_null(policies);
    assert_non_null(observations);
    for (int i = 0; i < MANY; i++) {
        policies[i] = make(&listener, NULL);
        observations[i] = (gv_observation){.time_us = i, .episode_end_us = MANY, .tick_count = 1};
    }
    gv_policy_tick(policies, observations, MANY);
    for (int i = 0; i < MANY; i++) {
        gv_policy *alone = make(&listener, NULL);
        gv_policy_tick(&alone, &observations[i], 1);
        gv_writer together = {0};
        gv_writer apart = {0};
        assert_int_equal(gv_policy_save(policies[i], &together), GV_OK);
        assert_int_equal(gv_policy_save(alone, &apart), GV_OK);
        assert_int_equal(together.size, apart.size);
        assert_memory_equal(together.bytes, apart.bytes, apart.size);
        gv_writer_fini(&together);
        gv_writer_fini(&apart);
        gv_policy_destroy(alone);
        gv_policy_destroy(policies[i]);
    }
    gv_mem_free(policies);
    gv_mem_free(observations);
}

static void a_save_is_of_one_type(void **state)
{
    (void)state;
    gv_policy *saved = make(&listener, NULL);
    gv_writer writer = {0};
    assert_int_equal(gv_policy_save(saved, &writer), GV_OK);

    gv_policy *other = make(&clinger, NULL);
    gv_reader reader = {.bytes = writer.bytes, .size = writer.size};
    assert_int_equal(gv_policy_restore(other, &reader), GV_ECORRUPT);
    assert_non_null(strstr(gv_status_detail(), "listener"));

    gv_policy *same = make(&listener, NULL);
    reader = (gv_reader){.bytes = writer.bytes, .size = writer.size};
    assert_int_equal(gv_policy_restore(same, &reader), GV_OK);
    reader = (gv_reader){.bytes = writer.bytes, .size = writer.size - 1};
    assert_int_not_equal(gv_policy_restore(same, &reader), GV_OK);
    gv_writer_fini(&writer);
    gv_policy_destroy(saved);
    gv_policy_destroy(other);
    gv_policy_destroy(same);
}

/* A model that counts who holds it. */
static int models_alive = 0;

static gv_status lend_load(const void *config, void **model)
{
    if (config == NULL) {
        return GV_FAIL(GV_EINVAL, "no weights");
    }
    models_alive++;
    *model = &models_alive;
    return GV_OK;
}

static void lend_unload(void *model)
{
    assert_ptr_equal(model, &models_alive);
    models_alive--;
}

static gv_status lend_init(void *state, const gv_policy_setup *setup)
{
    memcpy(state, &setup->model, sizeof setup->model);
    return GV_OK;
}

static void lend_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    (void)state;
    memset(bids, 0, batch->count * sizeof *bids);
}

static void lend_tell(const void *model, char *text, size_t size)
{
    (void)snprintf(text, size, "%d are alive", *(const int *)model);
}

static const gv_policy_type lending = {.info = {.name = "lending"},
                                       .state_size = sizeof(void *),
                                       .load = lend_load,
                                       .unload = lend_unload,
                                       .tell = lend_tell,
                                       .init = lend_init,
                                       .bid = lend_bid};

static void a_model_is_shared_or_the_policys_own(void **state)
{
    (void)state;
    static const int weights = 3;
    gv_policy *own = make(&lending, &weights);
    assert_int_equal(models_alive, 1);
    assert_ptr_equal(gv_policy_model_of(own), &models_alive);
    gv_policy_destroy(own);
    assert_int_equal(models_alive, 0);

    void *model = NULL;
    gv_policy *pair[2] = {NULL, NULL};
    gv_policy_setup setup = setup_of(&weights);
    assert_int_equal(gv_policy_load(&lending, &weights, &model), GV_OK);
    setup.model = model;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(gv_policy_create(&lending, &setup, &pair[i]), GV_OK);
        assert_int_equal(models_alive, 1);
    }
    gv_policy_destroy(pair[0]);
    gv_policy_destroy(pair[1]);
    assert_int_equal(models_alive, 1);
    gv_policy_unload(&lending, model);
    assert_int_equal(models_alive, 0);

    gv_policy *none = NULL;
    setup = setup_of(NULL);
    assert_int_equal(gv_policy_create(&lending, &setup, &none), GV_EINVAL);
    assert_null(none);
    assert_int_equal(gv_policy_load(&whim, NULL, &model), GV_OK);
    assert_null(model);
}

static void a_model_is_told_of(void **state)
{
    (void)state;
    static const int weights = 3;
    void *model = NULL;
    char text[16] = "before";
    gv_policy_tell(&whim, NULL, text, sizeof text);
    assert_string_equal(text, "");
    gv_policy_tell(&lending, NULL, text, sizeof text);
    assert_string_equal(text, "");
    assert_int_equal(gv_policy_load(&lending, &weights, &model), GV_OK);
    gv_policy_tell(&lending, model, text, sizeof text);
    assert_string_equal(text, "1 are alive");
    gv_policy_tell(&lending, model, text, 4);
    assert_string_equal(text, "1 a");
    gv_policy_unload(&lending, model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_type_may_leave_out_all_but_bid),
        cmocka_unit_test(a_policy_is_shown_what_its_type_declares_and_no_more),
        cmocka_unit_test(a_failed_init_is_cleaned_up_and_leaves_output_alone),
        cmocka_unit_test(many_campaigns_plan_in_order),
        cmocka_unit_test(a_save_is_of_one_type),
        cmocka_unit_test(a_model_is_shared_or_the_policys_own),
        cmocka_unit_test(a_model_is_told_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
