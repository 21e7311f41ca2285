/* Campaigns that win users back: events, money, what is refused, what is the same under all. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cmocka_all.h"
#include "population_fixture.h"
#include "sim/base/mem.h"
#include "sim/base/money.h"
#include "sim/base/safetensors.h"
#include "sim/market/reentries.h"
#include "sim/market/winback.h"
#include "test_folder.h"

enum { USERS = 400, DAYS = 24 };

static gv_retention_truth truth;

static void predict_truth(void *context, const gv_bid_sight *sights, const gv_onboarding *contents,
                          size_t count, double *p)
{
    assert_null(contents);
    for (size_t i = 0; i < count; i++) {
        p[i] = gv_retention_truth_of(context, &sights[i], NULL);
    }
}

static const gv_return_model honest = {.name = "truth",
                                       .context = &truth,
                                       .predict = predict_truth};

static gv_winback_config config_of(const gv_population *population)
{
    gv_retention_truth_make(&truth, &population->law);
    return (gv_winback_config){.population = population,
                               .user_count = USERS,
                               .days = DAYS,
                               .budget_nanos = 20 * GV_NANOS_PER_UNIT,
                               .paces = true,
                               .multiplier = 1.0,
                               .aim = GV_AIM_RETENTION,
                               .click_nanos = GV_NANOS_PER_UNIT / 5,
                               .reentry_nanos = GV_NANOS_PER_UNIT / 10,
                               .lifetime_nanos = GV_NANOS_PER_UNIT,
                               .model = &honest};
}

static gv_winback *play(const gv_winback_config *config)
{
    gv_winback *winback = NULL;
    assert_int_equal(gv_winback_create(config, &winback), GV_OK);
    const gv_status status = gv_winback_run(winback, NULL);
    if (status != GV_OK) {
        print_message("%s\n", gv_status_detail());
    }
    assert_int_equal(status, GV_OK);
    return winback;
}

static void expect_same(const gv_winback *a, const gv_winback *b)
{
    size_t count = 0;
    size_t other = 0;
    const gv_winback_tally total = gv_winback_total(a);
    const gv_winback_tally total_b = gv_winback_total(b);
    assert_memory_equal(&total, &total_b, sizeof total);
    assert_memory_equal(gv_winback_users(a), gv_winback_users(b), USERS * sizeof total);
    const gv_winback_day *days = gv_winback_days(a, &count);
    assert_memory_equal(days, gv_winback_days(b, &other), count * sizeof *days);
    assert_int_equal(count, other);
    const gv_winback_entry *entries = gv_winback_entries(a, &count);
    const gv_winback_entry *entries_b = gv_winback_entries(b, &other);
    assert_int_equal(count, other);
    assert_memory_equal(entries, entries_b, count * sizeof *entries);
    assert_true(gv_winback_events(a) == gv_winback_events(b));
}

static void a_day_priced_at_once_is_a_day_priced_ad_by_ad(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 4; seed++) {
        const gv_population population = fixture_population(seed);
        gv_winback_config config = config_of(&population);
        gv_winback *batch = play(&config);
        config.reference = true;
        gv_winback *reference = play(&config);
        expect_same(batch, reference);
        assert_true(gv_winback_total(batch).reentries > 50);
        gv_winback_destroy(batch);
        gv_winback_destroy(reference);
    }
}

static void budgets_hold_and_pacing_spends_them(void **state)
{
    (void)state;
    const gv_population population = fixture_population(1);
    gv_winback_config config = config_of(&population);
    for (int aim = GV_AIM_REACH; aim <= GV_AIM_RETENTION; aim++) {
        config.aim = (gv_winback_aim)aim;
        for (int64_t budget = 2; budget <= 20; budget += 9) {
            config.budget_nanos = budget * GV_NANOS_PER_UNIT;
            gv_winback *winback = play(&config);
            const gv_winback_tally total = gv_winback_total(winback);
            assert_true(total.spend_nanos <= config.budget_nanos);
            assert_true(total.spend_nanos >= config.budget_nanos * 9 / 10);
            gv_winback_destroy(winback);
        }
    }
}

/* What a user does after an ad's re-entry is drawn before anyone bids: retained there, here too. */
static void users_are_the_same_under_every_policy(void **state)
{
    (void)state;
    const gv_population population = fixture_population(2);
    gv_winback_config config = config_of(&population);
    gv_winback *rich = play(&config);
    config.aim = GV_AIM_CLICKS;
    config.budget_nanos = 10 * GV_NANOS_PER_UNIT;
    gv_winback *poor = play(&config);
    config.multiplier = 0.0;
    config.paces = false;
    gv_winback *none = play(&config);
    size_t count = 0;
    size_t count_poor = 0;
    size_t both = 0;
    const gv_winback_entry *entries = gv_winback_entries(rich, &count);
    const gv_winback_entry *others = gv_winback_entries(poor, &count_poor);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count_poor; j++) {
            if (entries[i].user == others[j].user && entries[i].spell == others[j].spell) {
                assert_int_equal(entries[i].is_retained, others[j].is_retained);
                both++;
            }
        }
    }
    assert_true(both > 20);
    for (size_t user = 0; user < USERS; user++) {
        const gv_winback_tally with = gv_winback_users(rich)[user];
        const gv_winback_tally without = gv_winback_users(none)[user];
        if (with.reentries == 0) {
            assert_int_equal(with.auctions, without.auctions);
            assert_int_equal(with.organic, without.organic);
            assert_int_equal(with.visits, without.visits);
        }
    }
    gv_winback_destroy(rich);
    gv_winback_destroy(poor);
    gv_winback_destroy(none);
}

/* Retention as counted off the events is the label that the population tells. */
static void retention_is_what_visits_say(void **state)
{
    (void)state;
    const gv_population population = fixture_population(3);
    const gv_winback_config config = config_of(&population);
    gv_winback *winback = play(&config);
    size_t count = 0;
    uint64_t retained = 0;
    const gv_winback_entry *entries = gv_winback_entries(winback, &count);
    for (size_t i = 0; i < count; i++) {
        gv_spell spell;
        gv_population_spell(&population, entries[i].user, entries[i].spell, &spell);
        assert_int_equal(entries[i].is_retained, gv_population_is_retained(&population, &spell));
        retained += entries[i].is_retained;
        assert_true(entries[i].entry_us > entries[i].bid_us);
    }
    assert_int_equal(gv_winback_total(winback).retained, retained);
    assert_int_equal(gv_winback_total(winback).reentries, count);
    assert_true(retained > 0);
    gv_winback_destroy(winback);
}

static void users_who_came_back_leave_the_auctions_until_they_lapse_again(void **state)
{
    (void)state;
    gv_population population = fixture_population(4);
    population.law.stagger_us = 0;
    population.law.click_rate = 0.5;
    gv_winback_config config = config_of(&population);
    config.aim = GV_AIM_REACH;
    config.click_nanos = GV_NANOS_PER_UNIT;
    config.budget_nanos = INT64_MAX;
    config.days = 40;
    gv_winback *winback = play(&config);
    size_t count = 0;
    size_t again = 0;
    int64_t last_us[USERS];
    uint32_t spell[USERS];
    memset(last_us, 0, sizeof last_us);
    memset(spell, 0, sizeof spell);
    const gv_winback_entry *entries = gv_winback_entries(winback, &count);
    for (size_t i = 0; i < count; i++) {
        const uint64_t user = entries[i].user;
        if (last_us[user] != 0) {
            assert_true(entries[i].bid_us - last_us[user] >= population.law.lapse_us);
            assert_true(entries[i].spell > spell[user]);
            assert_true(entries[i].lapsed_us <=
                        entries[i].bid_us - last_us[user] - population.law.lapse_us);
            again++;
        }
        last_us[user] = entries[i].entry_us;
        spell[user] = entries[i].spell;
    }
    printf("%zu re-entries, %zu of users who had been won back before\n", count, again);
    assert_true(again > USERS / 2);
    const gv_winback_tally total = gv_winback_total(winback);
    config.multiplier = 0.0;
    gv_winback *none = play(&config);
    assert_true(total.auctions < gv_winback_total(none).auctions / 2);
    gv_winback_destroy(winback);
    gv_winback_destroy(none);
}

/* ---- leaks ----------------------------------------------------------------------------------- */

static void a_model_that_reads_content_is_refused_at_the_first_bid(void **state)
{
    (void)state;
    gv_population population = fixture_population(5);
    gv_return_model teacher = honest;
    teacher.name = "teacher";
    teacher.reads_content = true;
    for (int i = 0; i < 2; i++) {
        population.law.bounce = i; /* without any content it is refused, too */
        gv_winback_config config = config_of(&population);
        config.model = &teacher;
        gv_winback *winback = NULL;
        assert_int_equal(gv_winback_create(&config, &winback), GV_OK);
        assert_int_equal(gv_winback_run(winback, NULL), GV_EINVAL);
        assert_non_null(strstr(gv_status_detail(), "the model teacher cannot be asked at a bid"));
        assert_non_null(strstr(gv_status_detail(), "content comes after the re-entry"));
        assert_int_equal(gv_winback_total(winback).auctions, 0);
        gv_winback_destroy(winback);
    }
}

/* A cheat: it finds out who is bid on, and looks at the content with a clock of its own. */
typedef struct cheat {
    const gv_population *population;
    gv_spell spells[USERS];
} cheat;

static void predict_early(void *context, const gv_bid_sight *sights, const gv_onboarding *contents,
                          size_t count, double *p)
{
    (void)contents;
    const cheat *cheats = context;
    for (size_t i = 0; i < count; i++) {
        const size_t at = GV_FEATURE_TENURE;
        p[i] = 0.2;
        for (size_t user = 0; user < USERS; user++) {
            gv_onboarding content;
            if (cheats->spells[user].x[at] == sights[i].x[at]) {
                assert_int_equal(gv_population_onboarding(cheats->population, &cheats->spells[user],
                                                          0, INT64_MAX, &content),
                                 GV_OK);
                p[i] = 0.1 + 0.2 * (double)content.session_count;
            }
        }
    }
}

/*
 * The leak test: two populations that differ in nothing but what comes after a re-entry. Whoever
 * does not look ahead bids the same in both until the first re-entry.
 */
static bool bids_hang_on_the_future(const gv_return_model *model, cheat *cheats)
{
    gv_winback_tally first[2];
    for (int i = 0; i < 2; i++) {
        gv_population population = fixture_population(6);
        population.law.bounce = i == 0 ? 0.1 : 0.9;
        population.law.click_rate = 1e-6;
        cheats->population = &population;
        for (uint64_t user = 0; user < USERS; user++) {
            gv_population_spell(&population, user, 0, &cheats->spells[user]);
        }
        gv_winback_config config = config_of(&population);
        config.model = model;
        config.reentry_nanos = 0;
        config.lifetime_nanos = 100000 * GV_NANOS_PER_UNIT;
        config.budget_nanos = INT64_MAX;
        gv_winback *winback = play(&config);
        first[i] = gv_winback_total(winback);
        gv_winback_destroy(winback);
    }
    assert_true(first[0].wins > 100);
    assert_true(first[0].wins < first[0].auctions);
    return memcmp(&first[0], &first[1], sizeof first[0]) != 0;
}

static void the_leak_test_passes_the_honest_and_finds_the_cheat(void **state)
{
    (void)state;
    static cheat cheats;
    const gv_return_model early = {.name = "early", .context = &cheats, .predict = predict_early};
    assert_false(bids_hang_on_the_future(&honest, &cheats));
    assert_true(bids_hang_on_the_future(&early, &cheats));
}

/* ---- going on -------------------------------------------------------------------------------- */

static bool stop_at(void *context, const char *what, uint64_t done, uint64_t total)
{
    (void)what;
    (void)total;
    return done != *(const uint64_t *)context;
}

static void stopped_at_any_midnight_it_goes_on_to_the_same_end(void **state)
{
    (void)state;
    const gv_population population = fixture_population(7);
    const gv_winback_config config = config_of(&population);
    gv_winback *whole = play(&config);
    for (uint64_t day = 1; day < DAYS + 8; day += 6) {
        const gv_progress progress = {.report = stop_at, .context = &day};
        gv_winback *broken = NULL;
        gv_winback *resumed = NULL;
        gv_writer writer = {0};
        assert_int_equal(gv_winback_create(&config, &broken), GV_OK);
        assert_int_equal(gv_winback_run(broken, &progress), GV_ESTOPPED);
        assert_int_equal(gv_winback_save(broken, &writer), GV_OK);
        gv_winback_destroy(broken);
        gv_reader reader = {.bytes = writer.bytes, .size = writer.size};
        assert_int_equal(gv_winback_create(&config, &resumed), GV_OK);
        assert_int_equal(gv_winback_restore(resumed, &reader), GV_OK);
        assert_int_equal(gv_winback_run(resumed, NULL), GV_OK);
        expect_same(whole, resumed);
        gv_winback_destroy(resumed);
        gv_writer_fini(&writer);
    }
    gv_winback_destroy(whole);
}

static void every_failed_allocation_is_survived(void **state)
{
    (void)state;
    const gv_population population = fixture_population(7);
    const gv_winback_config config = config_of(&population);
    gv_status status = GV_ENOMEM;
    int count = 0;
    for (; status == GV_ENOMEM; count++) {
        gv_winback *winback = NULL;
        gv_mem_fail_after(count);
        status = gv_winback_create(&config, &winback);
        gv_mem_fail_after(-1);
        gv_winback_destroy(winback);
    }
    assert_int_equal(status, GV_OK);
    assert_true(count > 8);
}

static void configs_that_cannot_be_are_refused(void **state)
{
    (void)state;
    const gv_population population = fixture_population(7);
    gv_winback_config configs[5];
    for (size_t i = 0; i < 5; i++) {
        configs[i] = config_of(&population);
    }
    configs[0].user_count = 0;
    configs[1].days = 0;
    configs[2].multiplier = NAN;
    configs[3].model = NULL;
    configs[4].first_user = GV_POPULATION_USERS_MAX;
    for (size_t i = 0; i < 5; i++) {
        gv_winback *winback = NULL;
        assert_int_equal(gv_winback_create(&configs[i], &winback), GV_EINVAL);
        assert_null(winback);
    }
}

/* ---- examples -------------------------------------------------------------------------------- */

/* Writes the file at `path` again, the content of one row dated as its bid. */
static void show_early(const char *path, const char *again, size_t row)
{
    gv_safetensors *file = NULL;
    gv_tensor tensors[32];
    int64_t content[USERS];
    assert_int_equal(gv_safetensors_open(path, &file), GV_OK);
    const size_t count = gv_safetensors_count(file);
    const int64_t *bids = gv_safetensors_find(file, "bid_us")->data;
    assert_true(count <= 32);
    for (size_t i = 0; i < count; i++) {
        tensors[i] = *gv_safetensors_at(file, i);
        if (strcmp(tensors[i].name, "content_us") == 0) {
            assert_true(tensors[i].shape[0] <= USERS);
            memcpy(content, tensors[i].data, tensors[i].shape[0] * sizeof *content);
            content[row] = bids[row];
            tensors[i].data = content;
        }
    }
    assert_int_equal(gv_safetensors_write(again, tensors, count, NULL, 0), GV_OK);
    gv_safetensors_close(file);
}

static void examples_come_back_from_a_file_and_early_content_does_not(void **state)
{
    char path[TEST_PATH_SIZE];
    char early[TEST_PATH_SIZE];
    test_folder_path(*state, "examples.safetensors", path);
    const gv_population population = fixture_population(8);
    const gv_winback_config config = config_of(&population);
    gv_winback *winback = play(&config);
    gv_reentries *made = NULL;
    gv_reentries *opened = NULL;
    assert_int_equal(gv_reentries_of(&population, winback, &made), GV_OK);
    assert_int_equal(gv_reentries_write(made, path), GV_OK);
    assert_int_equal(gv_reentries_open(path, &opened), GV_OK);
    const gv_reentry_view *a = gv_reentries_view(made);
    const gv_reentry_view *b = gv_reentries_view(opened);
    assert_int_equal(a->count, gv_winback_total(winback).reentries);
    assert_int_equal(a->count, b->count);
#define X(type, name, tensor, first, second)                                     \
    assert_memory_equal(a->name, b->name,                                        \
                        a->count * sizeof(type) * ((first) == 0 ? 1 : (first)) * \
                            ((second) == 0 ? 1 : (second)));
    GV_REENTRY_COLUMNS(X)
#undef X
    gv_reentries_destroy(opened);
    opened = NULL;
    test_folder_path(*state, "early.safetensors", early);
    show_early(path, early, 3);
    assert_int_equal(gv_reentries_open(early, &opened), GV_EINVAL);
    assert_non_null(strstr(gv_status_detail(), "row 3: its content"));
    assert_null(opened);
    gv_reentries_destroy(made);
    gv_winback_destroy(winback);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_day_priced_at_once_is_a_day_priced_ad_by_ad),
        cmocka_unit_test(budgets_hold_and_pacing_spends_them),
        cmocka_unit_test(users_are_the_same_under_every_policy),
        cmocka_unit_test(retention_is_what_visits_say),
        cmocka_unit_test(users_who_came_back_leave_the_auctions_until_they_lapse_again),
        cmocka_unit_test(a_model_that_reads_content_is_refused_at_the_first_bid),
        cmocka_unit_test(the_leak_test_passes_the_honest_and_finds_the_cheat),
        cmocka_unit_test(stopped_at_any_midnight_it_goes_on_to_the_same_end),
        cmocka_unit_test(every_failed_allocation_is_survived),
        cmocka_unit_test(configs_that_cannot_be_are_refused),
        test_in_folder(examples_come_back_from_a_file_and_early_content_does_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
