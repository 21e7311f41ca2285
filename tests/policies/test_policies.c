/* What must hold of every registered policy: nothing here names a type but where its own
 * parameters make a case harder. */
#include "market_properties.h"
#include "policies/types_impl.h"
#include "policy_fixture.h"

enum { ROWS = 1200, CASES = 25, CUTS = 40, BATCH = 600 };

static const log_recipe past_recipe = {.count = ROWS,
                                       .seed = 1,
                                       .start_us = 0,
                                       .price_cpm = 6,
                                       .pctr = 0.05};

/* A campaign behind the past, as dear as half of it. */
static gv_campaign campaign_after(const made_log *past)
{
    gv_campaign campaign = made_campaign(past, 0.5);
    const int64_t length_us = campaign.end_us - campaign.start_us;
    campaign.start_us += length_us;
    campaign.end_us += length_us;
    return campaign;
}

static policy_config fitted(const gv_policy_type *type, const made_log *past)
{
    const gv_campaign campaign = campaign_after(past);
    policy_config config = made_config(type, NULL);
    made_fit(type, &config, past, &campaign, made_mechanism(&gv_mechanism_second_price));
    return config;
}

/* Dynamic programmes: a table small enough for many, and small enough to be left and coarsened. */
static void shrink_table(const gv_policy_type *type, policy_config *config)
{
    const gv_param *rows = gv_param_find(type->info.params, "table_auctions");
    const gv_param *cells = gv_param_find(type->info.params, "table_cells");
    if (rows != NULL && cells != NULL) {
        assert_int_equal(gv_param_parse(rows, "40", 0, config), GV_OK);
        assert_int_equal(gv_param_parse(cells, "20000", 0, config), GV_OK);
    }
}

/* test_market.c has them. */
static bool plays_in_markets_alone(const gv_policy_type *type)
{
    return type->sees_future || type->needs_market;
}

/* For each type that plays in a replay: a config fitted on the past, which is its history. */
typedef void (*check)(const market_subject *subject, test_random *random);

static void for_every_type(check property)
{
    test_random random = test_random_seeded();
    made_log *past = made_log_create(&past_recipe);
    for (const gv_policy_type *const *type = gv_policy_types; *type != NULL; type++) {
        if (plays_in_markets_alone(*type)) {
            continue;
        }
        policy_config config = fitted(*type, past);
        shrink_table(*type, &config);
        const market_subject subject = {*type, &config, &past->history};
        property(&subject, &random);
    }
    made_log_destroy(past);
}

static void check_reference(const market_subject *subject, test_random *random)
{
    market_batches_equal_reference(subject, random, CASES);
}

static void batches_and_the_reference_path_agree_within_budget(void **state)
{
    (void)state;
    for_every_type(check_reference);
}

static void check_future(const market_subject *subject, test_random *random)
{
    market_future_changes_no_bid(subject, random, CASES);
}

static void no_bid_knows_the_future(void **state)
{
    (void)state;
    for_every_type(check_future);
}

static char checkpoint_path[512];

static void check_resume(const market_subject *subject, test_random *random)
{
    market_resumes_to_the_same_bytes(subject, random, CASES, checkpoint_path);
}

static void stopped_and_restored_it_ends_the_same(void **state)
{
    const test_folder *folder = *state;
    (void)snprintf(checkpoint_path, sizeof checkpoint_path, "%s/policy.checkpoint", folder->path);
    for_every_type(check_resume);
}

/* The same opportunities in one batch and in random cuts. */
static void check_cuts(const market_subject *subject, test_random *random)
{
    const gv_policy_type *type = subject->type;
    static double pctr[BATCH];
    static int64_t time_us[BATCH];
    static int64_t whole[BATCH];
    static int64_t parts[BATCH];
    drawn_market market = market_drawn(random, type->reads);
    for (size_t i = 0; i < BATCH; i++) {
        pctr[i] = (double)test_random_below(random, 1001) / 1000;
        time_us[i] = market.campaign.start_us + (int64_t)i;
    }
    gv_policy *policy = market_policy(subject, &market);
    gv_batch all = {.first_id = 90,
                    .time_us = time_us,
                    .pctr = pctr,
                    .pcvr = pctr,
                    .budget_left_nanos = market.campaign.budget_nanos,
                    .auctions_left = GV_AUCTIONS_UNKNOWN};
    for (int cut = 0; cut < CUTS; cut++) {
        int64_t *bids = cut == 0 ? whole : parts;
        for (size_t from = 0; from < BATCH;) {
            const size_t rest = BATCH - from;
            size_t count = cut == 0 ? BATCH : 1 + (size_t)test_random_below(random, BATCH);
            count = type->one_by_one ? 1 : (count < rest ? count : rest);
            gv_batch batch = all;
            batch.count = count;
            batch.first_id += from;
            batch.time_us += from;
            batch.pctr += from;
            batch.pcvr += from;
            gv_policy_bid(policy, &batch, bids + from);
            from += count;
        }
        assert_memory_equal(whole, bids, sizeof whole);
    }
    for (size_t i = 0; i < BATCH; i++) {
        assert_true(whole[i] >= 0);
        assert_true(whole[i] <= GV_OFFER_MAX);
    }
    gv_policy_destroy(policy);
    market_free(&market);
}

static void bids_do_not_depend_on_how_batches_are_cut(void **state)
{
    (void)state;
    for_every_type(check_cuts);
}

static void assert_reads_back(const gv_policy_type *type, const policy_config *config)
{
    policy_config again = made_config(type, NULL);
    for (const gv_param *param = type->info.params; param->name != NULL; param++) {
        char text[64];
        char twice[64];
        gv_param_print(param, config, text, sizeof text);
        if (gv_param_is_set(param, config)) {
            assert_int_equal(gv_param_parse(param, text, 0, &again), GV_OK);
        }
        gv_param_print(param, &again, twice, sizeof twice);
        assert_string_equal(text, twice);
    }
}

static void parameters_print_and_read_back(void **state)
{
    (void)state;
    made_log *past = made_log_create(&past_recipe);
    for (const gv_policy_type *const *type = gv_policy_types; *type != NULL; type++) {
        const policy_config defaults = made_config(*type, NULL);
        const policy_config found = fitted(*type, past);
        assert_reads_back(*type, &defaults);
        assert_reads_back(*type, &found);
        for (const gv_param *param = (*type)->info.params; param->name != NULL; param++) {
            assert_non_null(param->help);
            assert_non_null(param->source);
            assert_true(param->offset < (*type)->info.config_size);
        }
    }
    made_log_destroy(past);
}

static void a_type_is_found_by_its_name_alone(void **state)
{
    (void)state;
    for (const gv_policy_type *const *type = gv_policy_types; *type != NULL; type++) {
        assert_ptr_equal(gv_policy_find((*type)->info.name), *type);
        assert_non_null((*type)->info.summary);
        assert_non_null((*type)->info.source);
    }
    assert_null(gv_policy_find("Linear"));
    assert_null(gv_policy_find(""));
}

/* Twice the same; and a policy made from it needs nothing more. */
static void a_fit_is_repeatable_and_leaves_nothing_to_fit(void **state)
{
    (void)state;
    made_log *past = made_log_create(&past_recipe);
    const gv_campaign campaign = campaign_after(past);
    for (const gv_policy_type *const *type = gv_policy_types; *type != NULL; type++) {
        const policy_config once = fitted(*type, past);
        policy_config again = fitted(*type, past);
        assert_memory_equal(&once, &again, sizeof once);
        const gv_fit_input input = {.history = &past->history, .campaign = &campaign};
        assert_int_equal(gv_policy_fit(*type, &again, &input, NULL), GV_OK);
        assert_memory_equal(&once, &again, sizeof once);
    }
    made_log_destroy(past);
}

static bool stop_at_once(void *context, const char *what, uint64_t done, uint64_t total)
{
    (void)context;
    assert_non_null(what);
    assert_true(done <= total);
    return false;
}

static void a_fit_stops_when_told(void **state)
{
    (void)state;
    made_log *past = made_log_create(&past_recipe);
    const gv_campaign campaign = campaign_after(past);
    const gv_progress progress = {stop_at_once, NULL};
    const gv_mechanism mechanism = made_mechanism(&gv_mechanism_second_price);
    size_t stopped = 0;
    for (const gv_policy_type *const *type = gv_policy_types; *type != NULL; type++) {
        policy_config config = made_config(*type, NULL);
        const policy_config before = config;
        const gv_status status =
            made_fit_status(*type, &config, past, &campaign, mechanism, &progress);
        if (status != GV_OK) {
            assert_int_equal(status, GV_ESTOPPED);
            assert_memory_equal(&config, &before, sizeof config);
            stopped++;
        }
    }
    assert_true(stopped >= 5);
    made_log_destroy(past);
}

static void failing_memory_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    made_log *past = made_log_create(&past_recipe);
    const gv_campaign campaign = campaign_after(past);
    for (const gv_policy_type *const *type = gv_policy_types; *type != NULL; type++) {
        const policy_config config = fitted(*type, past);
        const gv_policy_setup setup = {.config = &config,
                                       .campaign = &campaign,
                                       .rules = {.price_step_nanos = GV_NANOS_PER_CPM},
                                       .history = &past->history};
        gv_status status = plays_in_markets_alone(*type) ? GV_OK : GV_ENOMEM;
        for (int n = 0; status != GV_OK; n++) {
            gv_policy *policy = NULL;
            gv_mem_fail_after(n);
            status = gv_policy_create(*type, &setup, &policy);
            gv_mem_fail_after(-1);
            assert_true(status == GV_OK || status == GV_ENOMEM);
            assert_true(n < 20);
            gv_policy_destroy(policy);
        }
    }
    made_log_destroy(past);
}

/* Fit and replay: either it works, or the fit says in a sentence why it cannot. */
static size_t run_everywhere(const log_recipe *recipe, double share)
{
    made_log *past = made_log_create(recipe);
    log_recipe later = *recipe;
    later.start_us += past->history.end_us;
    made_log *next = made_log_create(&later);
    const gv_campaign campaign = made_campaign(next, share);
    size_t refused = 0;
    for (const gv_policy_type *const *type = gv_policy_types; *type != NULL; type++) {
        for (size_t m = 0; gv_mechanism_types[m] != NULL && !plays_in_markets_alone(*type); m++) {
            const gv_mechanism mechanism = made_mechanism(gv_mechanism_types[m]);
            policy_config config = made_config(*type, NULL);
            const gv_status status =
                made_fit_status(*type, &config, past, &campaign, mechanism, NULL);
            if (status != GV_OK) {
                assert_int_equal(status, GV_EINVAL);
                assert_non_null(strstr(gv_status_detail(), "made"));
                refused++;
                continue;
            }
            const gv_tally total =
                made_replay(*type, &config, &past->history, next, &campaign, mechanism, NULL);
            assert_true(total.spend_nanos <= campaign.budget_nanos);
            assert_true(total.wins == 0 || share > 0 || total.spend_nanos == 0);
        }
    }
    made_log_destroy(past);
    made_log_destroy(next);
    return refused;
}

/* Learns from the clicks of its history: not constant and random, which read nothing, nor who
   reads conversions. */
static bool learns_clicks(const gv_policy_type *type)
{
    return type->needs_history && type->reads != 0 && (type->reads & GV_READS_PCVR) == 0;
}

static void odd_markets_are_survived(void **state)
{
    (void)state;
    const log_recipe flat = {
        .count = 50, .start_us = 0, .price_cpm = 7, .pctr = 0.1, .is_flat = true};
    assert_int_equal(run_everywhere(&flat, 0.5), 0); /* all prices and rates equal */
    log_recipe certain = flat;
    certain.pctr = 1;
    assert_int_equal(run_everywhere(&certain, 0.5), 0);
    assert_int_equal(run_everywhere(&flat, 0), 0);    /* no budget */
    assert_int_equal(run_everywhere(&flat, 1000), 0); /* more than there is to buy */
    log_recipe one = flat;
    one.count = 1;
    assert_int_equal(run_everywhere(&one, 0.5), 0);
    log_recipe cheap = flat;
    cheap.price_cpm = 0; /* all free */
    assert_int_equal(run_everywhere(&cheap, 0), 0);
    log_recipe hopeless = flat;
    hopeless.pctr = 0;
    size_t learners = 0;
    for (const gv_policy_type *const *type = gv_policy_types; *type != NULL; type++) {
        learners += learns_clicks(*type);
    }
    assert_true(learners >= 5);
    size_t mechanisms = 0;
    while (gv_mechanism_types[mechanisms] != NULL) {
        mechanisms++;
    }
    assert_int_equal(run_everywhere(&hopeless, 0.5), mechanisms * learners);
}

/* Whatever a type misses, it says what, with its own name or the history's. */
static void without_history_the_missing_is_named(void **state)
{
    (void)state;
    const uint64_t none[] = {0};
    const gv_history empty = {.name = "empty",
                              .mean_pctr = NAN,
                              .price_step_nanos = 1,
                              .price_count = 1,
                              .price_counts = none};
    const gv_campaign campaign = {.name = "c", .budget_nanos = 1, .end_us = 1};
    const gv_fit_input input = {.history = &empty, .campaign = &campaign};
    for (const gv_policy_type *const *type = gv_policy_types; *type != NULL; type++) {
        policy_config config = made_config(*type, NULL);
        if (!(*type)->needs_history) {
            continue;
        }
        assert_int_equal(gv_policy_fit(*type, &config, &input, NULL), GV_EINVAL);
        assert_non_null(strstr(gv_status_detail(), "\"empty\" has no impressions"));
        const gv_policy_setup setup = {
            .config = &config, .campaign = &campaign, .rules = {.price_step_nanos = 1}};
        gv_policy *policy = NULL;
        assert_int_equal(gv_policy_create(*type, &setup, &policy), GV_EINVAL);
        assert_null(policy);
        assert_non_null(strstr(gv_status_detail(), "is not set"));
    }
}

static void a_history_without_clicks_is_named(void **state)
{
    (void)state;
    const uint64_t prices[] = {0, 5, 5};
    const gv_history clickless = {.name = "clickless",
                                  .impressions = 10,
                                  .mean_pctr = NAN,
                                  .price_step_nanos = GV_NANOS_PER_CPM,
                                  .price_count = 3,
                                  .price_counts = prices};
    const gv_campaign campaign = {.name = "c", .budget_nanos = 1, .end_us = 1};
    const gv_fit_input input = {.history = &clickless, .campaign = &campaign};
    for (const gv_policy_type *const *type = gv_policy_types; *type != NULL; type++) {
        policy_config config = made_config(*type, NULL);
        const gv_status status = gv_policy_fit(*type, &config, &input, NULL);
        if (learns_clicks(*type)) {
            assert_int_equal(status, GV_EINVAL);
            assert_non_null(strstr(gv_status_detail(), "\"clickless\" has no clicks"));
        }
    }
}

static void who_sees_the_future_is_refused_where_there_is_none(void **state)
{
    (void)state;
    const gv_campaign campaign = {
        .name = "c", .budget_nanos = 1, .end_us = 1, .cpa_nanos = GV_NANOS_PER_UNIT};
    size_t seers = 0;
    for (const gv_policy_type *const *type = gv_policy_types; *type != NULL; type++) {
        if (!(*type)->sees_future) {
            continue;
        }
        const policy_config config = made_config(*type, NULL);
        const gv_policy_setup setup = {
            .config = &config, .campaign = &campaign, .rules = {.price_step_nanos = 1}};
        gv_policy *policy = NULL;
        assert_int_equal(gv_policy_create(*type, &setup, &policy), GV_EINVAL);
        assert_null(policy);
        assert_non_null(strstr(gv_status_detail(), (*type)->info.name));
        assert_non_null(strstr(gv_status_detail(), "the future"));
        seers++;
    }
    assert_true(seers >= 1);
}

/* One bid with `left` auctions and `steps` CPM to go, in CPM. */
static double dp_bid(const made_log *past, const char *const *text, uint64_t left, int64_t steps)
{
    const gv_campaign campaign = {.name = "c",
                                  .budget_nanos = 160 * GV_NANOS_PER_CPM,
                                  .bid_cap_nanos = INT64_MAX,
                                  .end_us = 1};
    const policy_config config = made_config(&gv_policy_rlb, text);
    const gv_policy_setup setup = {.config = &config,
                                   .campaign = &campaign,
                                   .rules = {.price_step_nanos = GV_NANOS_PER_CPM},
                                   .history = &past->history};
    const int64_t time_us = 0;
    const double pctr = 0.05;
    const gv_batch batch = {.count = 1,
                            .time_us = &time_us,
                            .pctr = &pctr,
                            .budget_left_nanos = steps * GV_NANOS_PER_CPM,
                            .auctions_left = left};
    gv_policy *policy = NULL;
    int64_t bid = 0;
    assert_int_equal(gv_policy_create(&gv_policy_rlb, &setup, &policy), GV_OK);
    gv_policy_bid(policy, &batch, &bid);
    gv_policy_destroy(policy);
    return (double)bid / (double)GV_NANOS_PER_CPM;
}

/* With more auctions left than the table has rows: as if the budget were spread evenly. */
static void a_short_table_spreads_the_budget(void **state)
{
    (void)state;
    made_log *past = made_log_create(&past_recipe);
    const char *const text[] = {"click_rate=0.05", "auctions=40", "table_auctions=10", NULL};
    assert_true(dp_bid(past, text, 40, 160) == dp_bid(past, text, 10, 40));
    assert_true(dp_bid(past, text, 20, 60) == dp_bid(past, text, 10, 30));
    assert_true(dp_bid(past, text, 20, 0) == 0);
    assert_true(dp_bid(past, text, 40, 160) < dp_bid(past, text, 10, 80));
    made_log_destroy(past);
}

/* Coarsened prices bid in multiples of a coarser step, near what the fine table bids. */
static void a_small_table_bids_in_coarser_steps(void **state)
{
    (void)state;
    made_log *past = made_log_create(&past_recipe);
    const char *const fine[] = {"click_rate=0.05", "auctions=40", NULL};
    const char *const coarse[] = {"click_rate=0.05", "auctions=40", "table_cells=4000", NULL};
    for (int64_t budget = 60; budget <= 160; budget += 20) {
        const double bid = dp_bid(past, coarse, 40, budget);
        assert_true(fmod(bid, 2) == 0); /* 41 rows leave 97 columns for 160 CPM */
        const double finest = dp_bid(past, fine, 40, budget);
        assert_true(bid <= finest); /* a price is never taken for less than it is */
        assert_true(finest - bid <= 4);
    }
    made_log_destroy(past);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_and_the_reference_path_agree_within_budget),
        cmocka_unit_test(no_bid_knows_the_future),
        test_in_folder(stopped_and_restored_it_ends_the_same),
        cmocka_unit_test(bids_do_not_depend_on_how_batches_are_cut),
        cmocka_unit_test(parameters_print_and_read_back),
        cmocka_unit_test(a_type_is_found_by_its_name_alone),
        cmocka_unit_test(a_fit_is_repeatable_and_leaves_nothing_to_fit),
        cmocka_unit_test(a_fit_stops_when_told),
        cmocka_unit_test(failing_memory_is_reported_and_leaks_nothing),
        cmocka_unit_test(odd_markets_are_survived),
        cmocka_unit_test(who_sees_the_future_is_refused_where_there_is_none),
        cmocka_unit_test(a_short_table_spreads_the_budget),
        cmocka_unit_test(a_small_table_bids_in_coarser_steps),
        cmocka_unit_test(without_history_the_missing_is_named),
        cmocka_unit_test(a_history_without_clicks_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
