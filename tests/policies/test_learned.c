/* Weights files that are not what they should be, and policies that serve those that are. */
#include "policies/learn/actor.h"
#include "policies/learn/learners_impl.h"
#include "policies/learn/weights.h"
#include "policies/types_impl.h"
#include "policy_fixture.h"
#include "sim/base/file.h"
#include "sim/market/seat.h"
#include "test_random.h"
#include "weights_fixture.h"

enum { TICKS = 48, MOST = 48 };

#define TICK_US (30 * GV_US_PER_MINUTE)

static const gv_policy_type *const learned[] = {&gv_policy_bc,  &gv_policy_iql,
                                                &gv_policy_cql, &gv_policy_td3bc,
                                                &gv_policy_bcq, &gv_policy_direct};

static gv_campaign campaign_of(size_t ticks)
{
    return (gv_campaign){.name = "c",
                         .end_us = (int64_t)ticks * TICK_US,
                         .budget_nanos = 1000 * GV_NANOS_PER_UNIT,
                         .bid_cap_nanos = INT64_MAX,
                         .tick_us = TICK_US,
                         .cpa_nanos = 100 * GV_NANOS_PER_UNIT};
}

static policy_config config_of(const gv_policy_type *type, const char *weights)
{
    policy_config config = made_config(type, NULL);
    const gv_param *row = gv_param_find(type->info.params, "weights");
    assert_int_equal(gv_param_parse(row, weights, 0, &config), GV_OK);
    return config;
}

static gv_status make(const gv_policy_type *type, const policy_config *config,
                      const gv_campaign *campaign, const void *model, gv_policy **out)
{
    const gv_policy_setup setup = {
        .config = config, .campaign = campaign, .rules = {.price_step_nanos = 1}, .model = model};
    *out = NULL;
    return gv_policy_create(type, &setup, out);
}

/* ---- companions ------------------------------------------------------------------------------ */

/* What one campaign sees at tick 5. */
typedef struct sight {
    gv_seat_tick ticks[TICKS];
    gv_observation seen;
} sight;

static void draw_sight(test_random *random, sight *out)
{
    for (size_t tick = 0; tick < TICKS; tick++) {
        out->ticks[tick] = (gv_seat_tick){
            .tally = {.auctions = 1 + (uint64_t)test_random_below(random, 9000),
                      .wins = (uint64_t)test_random_below(random, 500),
                      .bid_nanos = test_random_below(random, 500 * GV_NANOS_PER_UNIT),
                      .conversions = (uint64_t)test_random_below(random, 5)},
            .value_units = test_random_below(random, (int64_t)GV_VALUE_UNITS),
            .least_cost_nanos = test_random_below(random, 500 * GV_NANOS_PER_UNIT)};
    }
    out->seen = (gv_observation){
        .time_us = 5 * TICK_US,
        .tick = 5,
        .tick_count = TICKS,
        .episode_end_us = TICKS * TICK_US,
        .budget_nanos = 1000 * GV_NANOS_PER_UNIT,
        .budget_left_nanos = test_random_below(random, 1000 * GV_NANOS_PER_UNIT),
        .market = {.is_market = true,
                   .announced_count = (uint64_t)test_random_below(random, 9000),
                   .announced_value = (double)test_random_below(random, 1000) / 1e6,
                   .ticks = out->ticks}};
}

static int64_t bid_of(gv_policy *policy)
{
    const double value = 1.0;
    const gv_batch batch = {.count = 1, .pcvr = &value, .auctions_left = 1};
    int64_t bid = -1;
    gv_policy_bid(policy, &batch, &bid);
    return bid;
}

/* Campaigns in the places that `order` says plan as one; bids[campaign]. */
static void bids_together(gv_policy *const *policies, const sight *sights, const size_t *order,
                          size_t count, int64_t *bids)
{
    gv_policy *together[MOST] = {NULL};
    gv_observation seen[MOST] = {{0}};
    for (size_t i = 0; i < count; i++) {
        together[i] = policies[order[i]];
        seen[i] = sights[order[i]].seen;
    }
    gv_policy_tick(together, seen, count);
    for (size_t i = 0; i < count; i++) {
        bids[order[i]] = bid_of(together[i]);
    }
}

/* Each campaign alone, seven in a row, and all 48 in a shuffled order: the same bids. */
static void a_bid_depends_neither_on_companions_nor_on_place(void **state)
{
    (void)state;
    static sight sights[MOST];
    test_random random = test_random_seeded();
    const gv_campaign campaign = campaign_of(TICKS);
    for (size_t t = 0; t < sizeof learned / sizeof learned[0]; t++) {
        const policy_config config = config_of(learned[t], weights_of(learned[t]->info.name));
        gv_policy *policies[MOST];
        int64_t alone[MOST];
        int64_t bids[MOST];
        size_t order[MOST];
        void *model = NULL;
        assert_int_equal(gv_policy_load(learned[t], &config, &model), GV_OK);
        for (size_t i = 0; i < MOST; i++) {
            draw_sight(&random, &sights[i]);
            assert_int_equal(make(learned[t], &config, &campaign, model, &policies[i]), GV_OK);
            order[i] = i;
            bids_together(policies, sights, &order[i], 1, alone);
        }
        for (size_t first = 0; first + 7 <= MOST; first++) {
            bids_together(policies, sights, order + first, 7, bids);
            assert_memory_equal(bids + first, alone + first, 7 * sizeof *bids);
        }
        for (size_t i = MOST - 1; i > 0; i--) {
            const size_t j = (size_t)test_random_below(&random, (int64_t)i + 1);
            const size_t kept = order[i];
            order[i] = order[j];
            order[j] = kept;
        }
        bids_together(policies, sights, order, MOST, bids);
        assert_memory_equal(bids, alone, sizeof bids);
        size_t different = 0;
        for (size_t i = 1; i < MOST; i++) {
            different += alone[i] != alone[0];
        }
        assert_true(different > MOST / 2);
        for (size_t i = 0; i < MOST; i++) {
            gv_policy_destroy(policies[i]);
        }
        gv_policy_unload(learned[t], model);
    }
}

/* The public agents' fault, restored, is another state and so another bid. */
static void the_first_three_ticks_are_a_flag(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    static sight seen;
    const gv_campaign campaign = campaign_of(TICKS);
    const policy_config latest = config_of(&gv_policy_bc, weights_of("bc"));
    policy_config first = latest;
    const gv_param *row = gv_param_find(gv_policy_bc.info.params, "last_three");
    gv_policy *policies[2];
    draw_sight(&random, &seen);
    assert_int_equal(gv_param_parse(row, "first", 0, &first), GV_OK);
    assert_int_equal(make(&gv_policy_bc, &latest, &campaign, NULL, &policies[0]), GV_OK);
    assert_int_equal(make(&gv_policy_bc, &first, &campaign, NULL, &policies[1]), GV_OK);
    gv_policy_tick(&policies[0], &seen.seen, 1);
    gv_policy_tick(&policies[1], &seen.seen, 1);
    assert_true(bid_of(policies[0]) != bid_of(policies[1]));
    gv_policy_destroy(policies[0]);
    gv_policy_destroy(policies[1]);
}

/* ---- files ----------------------------------------------------------------------------------- */

static void assert_refused(const gv_policy_type *type, const policy_config *config,
                           const gv_campaign *campaign, const char *words)
{
    gv_policy *policy = NULL;
    assert_int_not_equal(make(type, config, campaign, NULL, &policy), GV_OK);
    assert_null(policy);
    if (strstr(gv_status_detail(), words) == NULL) {
        fail_msg("\"%s\" does not hold \"%s\"", gv_status_detail(), words);
    }
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    const gv_campaign campaign = campaign_of(TICKS);
    const gv_campaign shorter = campaign_of(TICKS / 2);
    const policy_config none = made_config(&gv_policy_bc, NULL);
    const policy_config missing = config_of(&gv_policy_bc, "/nonexistent/bc.safetensors");
    const policy_config other = config_of(&gv_policy_bc, weights_of("iql"));
    const policy_config right = config_of(&gv_policy_bc, weights_of("bc"));
    assert_refused(&gv_policy_bc, &none, &campaign, "needs `weights:`");
    assert_refused(&gv_policy_bc, &missing, &campaign, "/nonexistent/bc.safetensors");
    assert_refused(&gv_policy_bc, &other, &campaign,
                   "the weights are those of type iql, expected bc");
    assert_refused(&gv_policy_bc, &right, &shorter,
                   "trained on periods of 48 ticks, and this campaign has 24");
}

/* The weights of bc with one text changed, by bytes of the same length, or cut at `size`. */
static void write_spoilt(void **state, const char *from, const char *to, size_t size,
                         char path[TEST_PATH_SIZE])
{
    gv_file_map map = {0};
    gv_file_writer *writer = NULL;
    assert_int_equal(gv_file_map_open(weights_of("bc"), &map), GV_OK);
    unsigned char *bytes = gv_mem_alloc(0, map.size, 1);
    assert_non_null(bytes);
    memcpy(bytes, map.bytes, map.size);
    unsigned char *found = memmem(bytes, map.size, from, strlen(from));
    assert_non_null(found);
    memcpy(found, to, strlen(to));
    test_folder_path(*state, "spoilt.safetensors", path);
    assert_int_equal(gv_file_writer_create(path, &writer), GV_OK);
    assert_int_equal(gv_file_write(writer, bytes, size < map.size ? size : map.size), GV_OK);
    assert_int_equal(gv_file_commit(writer), GV_OK);
    gv_mem_free(bytes);
    gv_file_map_close(&map);
}

static void spoilt_files_are_named(void **state)
{
    static const char *const cases[][3] = {
        {"gavel weights 1", "gavel weights 2", "expected \"gavel weights 1\""},
        {"time_left,budget_left", "budget_left,time_left", "was trained on the state"},
        {"\"ticks\":\"48\"", "\"ticks\":\"4x\"", "\"ticks\" is \"4x\""},
        {"\"bc.hidden_1\":\"128\"", "\"bc.hidden_1\":\"-12\"", "\"bc.hidden_1\""},
        {"\"bc.hidden_1\":\"128\"", "\"bc.hidden_1\":\"129\"", "actor.0.weight"},
        {"\"bc.hidden_1\":\"128\",\"bc.hidden_2\":\"128\"",
         "\"bc.hidden_1\":\"65536\",\"bc.hidden_2\":\"9\"", "actor.0.weight"},
        {"\"bc.hidden_2\"", "\"xx.hidden_2\"", "has no \"bc.hidden_2\""},
        {"actor.4.bias", "actor.4.bies", "actor.4.bias"},
    };
    const gv_campaign campaign = campaign_of(TICKS);
    char path[TEST_PATH_SIZE];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_spoilt(state, cases[i][0], cases[i][1], SIZE_MAX, path);
        const policy_config config = config_of(&gv_policy_bc, path);
        assert_refused(&gv_policy_bc, &config, &campaign, cases[i][2]);
        assert_non_null(strstr(gv_status_detail(), "spoilt.safetensors"));
    }
}

static void cut_files_are_refused_at_every_length(void **state)
{
    const gv_campaign campaign = campaign_of(TICKS);
    char path[TEST_PATH_SIZE];
    gv_file_map map = {0};
    assert_int_equal(gv_file_map_open(weights_of("bc"), &map), GV_OK);
    const size_t whole = map.size;
    gv_file_map_close(&map);
    for (size_t size = 0; size < whole; size += 1 + whole / 40) {
        write_spoilt(state, "gavel", "gavel", size, path);
        const policy_config config = config_of(&gv_policy_bc, path);
        assert_refused(&gv_policy_bc, &config, &campaign, "spoilt.safetensors");
    }
}

/* A number of the network that is none. */
static void weights_that_are_no_numbers_are_named(void **state)
{
    char path[TEST_PATH_SIZE];
    const gv_campaign campaign = campaign_of(TICKS);
    gv_safetensors *file = NULL;
    assert_int_equal(gv_safetensors_open(weights_of("bc"), &file), GV_OK);
    const float *weight = gv_safetensors_find(file, "actor.2.weight")->data;
    char from[2 * sizeof(float) + 1] = "";
    memcpy(from, &weight[10], 2 * sizeof(float));
    const bool is_text = strlen(from) == 2 * sizeof(float);
    gv_safetensors_close(file);
    if (!is_text) {
        skip();
    }
    write_spoilt(state, from, "\xff\xff\xff\xff", SIZE_MAX, path);
    const policy_config config = config_of(&gv_policy_bc, path);
    assert_refused(&gv_policy_bc, &config, &campaign, "\"actor.2.weight\" holds");
}

/* ---- what they have learned from ------------------------------------------------------------- */

static void assert_span(gv_reach_span span, double least, double most)
{
    assert_true(fabs(span.least - least) < 1e-9 * most);
    assert_true(fabs(span.most - most) < 1e-9 * most);
}

/* All planted episodes have one budget and one CPA; `direct` draws others around them. */
static void weights_say_what_campaigns_they_learned_from(void **state)
{
    (void)state;
    for (size_t i = 0; gv_learner_types[i] != NULL; i++) {
        const char *name = gv_learner_types[i]->info.name;
        const bool draws = strcmp(name, "direct") == 0;
        gv_reach reach;
        assert_int_equal(gv_weights_reach(weights_of(name), &reach), GV_OK);
        assert_span(reach.budget, draws ? 0.5 * PLANTED_BUDGET : PLANTED_BUDGET,
                    draws ? 1.5 * PLANTED_BUDGET : PLANTED_BUDGET);
        assert_span(reach.cpa, draws ? 0.7 * PLANTED_CPA : PLANTED_CPA,
                    draws ? 1.4 * PLANTED_CPA : PLANTED_CPA);
    }
}

static void weights_that_do_not_say_have_no_reach(void **state)
{
    const gv_campaign campaign = campaign_of(TICKS);
    char path[TEST_PATH_SIZE];
    gv_policy *policy = NULL;
    gv_reach reach;
    write_spoilt(state, "\"trained.budget\"", "\"another.budget\"", SIZE_MAX, path);
    assert_int_equal(gv_weights_reach(path, &reach), GV_OK);
    assert_true(reach.budget.least == 0 && reach.budget.most == 0);
    assert_span(reach.cpa, PLANTED_CPA, PLANTED_CPA);
    const policy_config config = config_of(&gv_policy_bc, path);
    assert_int_equal(make(&gv_policy_bc, &config, &campaign, NULL, &policy), GV_OK);
    gv_policy_destroy(policy);
    assert_int_equal(gv_weights_reach("models/weights/direct.safetensors", &reach), GV_OK);
    assert_true(reach.budget.most == 0 && reach.cpa.most == 0);
}

static void a_spoilt_reach_is_named(void **state)
{
    static const char *const cases[][2] = {
        {"\"1000 1000\"", "\"1000 0999\""}, {"\"1000 1000\"", "\"1000 1e9x\""},
        {"\"1000 1000\"", "\"0000 1000\""}, {"\"1000 1000\"", "\"-100 1000\""},
        {"\"1000 1000\"", "\"1000,1000\""}, {"\"1000 1000\"", "\" nan 1000\""},
        {"\"100 100\"", "\"100 inf\""},     {"\"100 100\"", "\"100 10x\""},
    };
    char path[TEST_PATH_SIZE];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        gv_reach reach;
        write_spoilt(state, cases[i][0], cases[i][1], SIZE_MAX, path);
        assert_int_equal(gv_weights_reach(path, &reach), GV_ECORRUPT);
        assert_non_null(strstr(gv_status_detail(), "spoilt.safetensors: \"trained."));
    }
}

static void failing_memory_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    const gv_campaign campaign = campaign_of(TICKS);
    for (size_t t = 0; t < sizeof learned / sizeof learned[0]; t++) {
        const policy_config config = config_of(learned[t], weights_of(learned[t]->info.name));
        gv_status status = GV_ENOMEM;
        for (int n = 0; status != GV_OK; n++) {
            gv_policy *policy = NULL;
            gv_mem_fail_after(n);
            status = make(learned[t], &config, &campaign, NULL, &policy);
            gv_mem_fail_after(-1);
            assert_true(status == GV_OK || status == GV_ENOMEM);
            assert_true(n < 500);
            gv_policy_destroy(policy);
        }
    }
}

static int make_weights(void **state)
{
    return made_weights_for(state, TICKS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bid_depends_neither_on_companions_nor_on_place),
        cmocka_unit_test(the_first_three_ticks_are_a_flag),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(spoilt_files_are_named),
        cmocka_unit_test(cut_files_are_refused_at_every_length),
        cmocka_unit_test(weights_that_are_no_numbers_are_named),
        cmocka_unit_test(weights_say_what_campaigns_they_learned_from),
        cmocka_unit_test(weights_that_do_not_say_have_no_reach),
        cmocka_unit_test(a_spoilt_reach_is_named),
        cmocka_unit_test(failing_memory_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, make_weights, test_folder_remove);
}
