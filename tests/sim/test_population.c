/* The population's draws against its law, and what is known of it against what happens. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cmocka_all.h"
#include "population_fixture.h"
#include "sim/market/population_impl.h"

enum { USERS = 24000, BINS = 8 };

typedef struct bin {
    double count, p, y, variance;
} bin;

static void add(bin *bins, double p, bool y)
{
    bin *at = &bins[(size_t)fmin(BINS - 1, p * BINS)];
    at->count += 1;
    at->p += p;
    at->y += y;
    at->variance += p * (1 - p);
}

/* The sum of labels is within 4 standard errors of the sum of probabilities, bin by bin. */
static void expect_calibrated(const char *name, const bin *bins)
{
    for (size_t i = 0; i < BINS; i++) {
        if (bins[i].count >= 50) {
            const double error = sqrt(bins[i].variance);
            printf("%s %zu: %5.0f users, %7.1f expected, %5.0f retained, error %.1f\n", name, i,
                   bins[i].count, bins[i].p, bins[i].y, error);
            assert_true(fabs(bins[i].p - bins[i].y) <= 4.0 * error);
        }
    }
}

static double log_loss(double p, bool y)
{
    return -log(y ? p : 1.0 - p);
}

/* A group of users by something else than p. */
static void add_to(bin *group, double p, bool y)
{
    *group = (bin){group->count + 1, group->p + p, group->y + y, group->variance + p * (1 - p)};
}

/* Labels of first spells against both truths: by p, by device, and by days since the lapse. */
static void expect_truth(const gv_population *population)
{
    bin at_bid[BINS] = {0};
    bin after[BINS] = {0};
    bin by_device[BINS] = {0};
    bin by_lapse[BINS] = {0};
    double losses[3] = {0};
    double mean = 0;
    double count = 0;
    gv_retention_truth truth;
    gv_retention_truth_make(&truth, &population->law);
    for (uint64_t user = 0; user < USERS; user++) {
        fixture_user seen;
        gv_onboarding content;
        const int64_t lapsed_us = (int64_t)(user % 20) * GV_US_PER_DAY;
        if (!fixture_user_at(population, user, lapsed_us, &seen)) {
            continue;
        }
        assert_int_equal(gv_population_onboarding(population, &seen.spell, 0, INT64_MAX, &content),
                         GV_OK);
        const bool y = gv_population_is_retained(population, &seen.spell);
        const double p = gv_retention_truth_of(&truth, &seen.sight, NULL);
        const double q = gv_retention_truth_of(&truth, &seen.sight, &content);
        add(at_bid, p, y);
        add(after, q, y);
        add_to(&by_device[seen.spell.device], p, y);
        add_to(&by_lapse[user % 20 / 5], p, y);
        losses[0] += log_loss(0.25, y);
        losses[1] += log_loss(p, y);
        losses[2] += log_loss(q, y);
        mean += y;
        count += 1;
    }
    expect_calibrated("at the bid", at_bid);
    expect_calibrated("with content", after);
    expect_calibrated("by device", by_device);
    expect_calibrated("by lapse", by_lapse);
    printf("retained %.3f of %.0f; log loss %.4f of a constant, %.4f at the bid, %.4f after\n",
           mean / count, count, losses[0] / count, losses[1] / count, losses[2] / count);
    assert_true(losses[1] < losses[0] - 0.01 * count);
    assert_true(losses[2] < losses[1] - 0.01 * count);
}

static void the_truth_is_calibrated_and_content_tells_more(void **state)
{
    (void)state;
    const gv_population population = fixture_population(3);
    expect_truth(&population);
}

/* Where users of much interest soon return on their own, those still away have little. */
static void to_be_still_away_is_part_of_the_truth(void **state)
{
    (void)state;
    gv_population population = fixture_population(9);
    population.law.organic_rate = 0.05;
    population.law.organic_slope = 1.5;
    expect_truth(&population);
}

static void a_visit_comes_as_often_as_the_law_says(void **state)
{
    (void)state;
    const gv_population population = fixture_population(4);
    for (unsigned day = 1; day <= GV_VISIT_DAYS; day++) {
        double expected = 0;
        double variance = 0;
        double found = 0;
        for (uint64_t user = 0; user < USERS / 4; user++) {
            gv_spell spell;
            int64_t offset_us = 0;
            gv_population_spell(&population, user, 2, &spell);
            const double p = gv_population_visit_rate(&population.law, spell.interest, day);
            found += gv_population_visits(&population, &spell, day, &offset_us);
            expected += p;
            variance += p * (1 - p);
            assert_true(offset_us >= day * GV_US_PER_DAY);
            assert_true(offset_us < (day + 1) * GV_US_PER_DAY);
        }
        assert_true(fabs(found - expected) <= 4.0 * sqrt(variance));
    }
}

static void interest_is_standard_normal_and_partly_for_good(void **state)
{
    (void)state;
    const gv_population population = fixture_population(5);
    double sum = 0;
    double squares = 0;
    double products = 0;
    for (uint64_t user = 0; user < USERS; user++) {
        gv_spell first;
        gv_spell second;
        gv_population_spell(&population, user, 0, &first);
        gv_population_spell(&population, user, 1, &second);
        sum += first.interest;
        squares += first.interest * first.interest;
        products += first.interest * second.interest;
        assert_true(first.curiosity == second.curiosity);
    }
    const double error = 4.0 / sqrt(USERS);
    assert_true(fabs(sum / USERS) <= error);
    assert_true(fabs(squares / USERS - 1.0) <= error * sqrt(2.0));
    assert_true(fabs(products / USERS - population.law.loyalty) <= error * 1.2);
}

static void the_same_user_does_the_same_whenever_asked(void **state)
{
    (void)state;
    const gv_population population = fixture_population(6);
    for (uint64_t user = 100; user-- > 0;) {
        gv_spell once;
        gv_spell again;
        gv_spell other;
        gv_chance ads[GV_CHANCES_MAX];
        gv_chance later[GV_CHANCES_MAX];
        gv_population_spell(&population, user, 1, &once);
        gv_population_spell(&population, user, 2, &other);
        gv_population_spell(&population, user, 1, &again);
        assert_memory_equal(&once, &again, sizeof once);
        assert_true(once.interest != other.interest);
        const size_t count = gv_population_chances(&population, &once, 7, ads);
        assert_int_equal(gv_population_chances(&population, &other, 7, later), count);
        assert_memory_equal(ads, later, count * sizeof *ads);
        for (size_t i = 0; i < count; i++) {
            assert_true(i == 0 || ads[i - 1].time_us <= ads[i].time_us);
            assert_int_equal(ads[i].slot, i);
        }
    }
}

static void content_is_shown_to_nobody_whose_clock_is_before_it(void **state)
{
    (void)state;
    const gv_population population = fixture_population(7);
    const int64_t entry_us = 50 * GV_US_PER_HOUR;
    size_t empty = 0;
    for (uint64_t user = 0; user < 2000; user++) {
        gv_spell spell;
        gv_onboarding content = {.session_count = 77};
        gv_population_spell(&population, user, 0, &spell);
        assert_int_equal(
            gv_population_onboarding(&population, &spell, entry_us, entry_us - 1, &content),
            GV_EINVAL);
        assert_non_null(strstr(gv_status_detail(), "cannot be known at a bid"));
        assert_int_equal(content.session_count, 77);
        assert_int_equal(
            gv_population_onboarding(&population, &spell, entry_us, INT64_MAX, &content), GV_OK);
        int64_t last_us = entry_us;
        for (size_t s = 0; s < content.session_count; s++) {
            for (size_t j = 0; j < GV_ONBOARDING_ITEMS; j++) {
                assert_true(content.items[s][j].time_us > last_us);
                last_us = content.items[s][j].time_us;
            }
        }
        assert_true(last_us < entry_us + GV_US_PER_DAY);
        assert_int_equal(gv_population_onboarding(&population, &spell, entry_us, last_us, &content),
                         GV_OK);
        assert_int_equal(
            gv_population_onboarding(&population, &spell, entry_us, last_us - 1, &content),
            GV_EINVAL);
        empty += content.session_count == 0;
    }
    assert_true(empty > 100);
}

static void users_without_history_and_with_a_vast_one_are_users_like_others(void **state)
{
    (void)state;
    gv_population population = fixture_population(8);
    gv_retention_truth truth;
    gv_retention_truth_make(&truth, &population.law);
    size_t without = 0;
    uint64_t most = 0;
    for (uint64_t user = 0; user < 20000; user++) {
        fixture_user seen;
        (void)fixture_user_at(&population, user, GV_US_PER_DAY, &seen);
        const double p = gv_retention_truth_of(&truth, &seen.sight, NULL);
        assert_true(p > 0.0);
        assert_true(p < 1.0);
        without += seen.spell.past_visits == 0;
        most = seen.spell.past_visits > most ? seen.spell.past_visits : most;
        assert_true(seen.spell.past_count <= GV_USER_PAST);
    }
    printf("%zu without history, the longest of %llu visits\n", without, (unsigned long long)most);
    assert_true(without > 500);
    assert_true(most > 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_truth_is_calibrated_and_content_tells_more),
        cmocka_unit_test(to_be_still_away_is_part_of_the_truth),
        cmocka_unit_test(a_visit_comes_as_often_as_the_law_says),
        cmocka_unit_test(interest_is_standard_normal_and_partly_for_good),
        cmocka_unit_test(the_same_user_does_the_same_whenever_asked),
        cmocka_unit_test(content_is_shown_to_nobody_whose_clock_is_before_it),
        cmocka_unit_test(users_without_history_and_with_a_vast_one_are_users_like_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
