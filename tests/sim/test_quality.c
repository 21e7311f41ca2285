/* Figures of predictions against pair counting, closed forms, and rows that are repeated. */
#include <math.h>

#include "cmocka_all.h"
#include "sim/base/mem.h"
#include "sim/base/random.h"
#include "sim/estimate/quality.h"
#include "test_random.h"

enum { ROWS_MAX = 600, CLUSTERS = 12 };

static const gv_quality_config config = {.replicates = 200, .seed = 3, .level = 0.95};

typedef struct made {
    float p[ROWS_MAX];
    float labels[ROWS_MAX];
    float weights[ROWS_MAX];
    uint32_t clusters[ROWS_MAX];
    uint64_t groups[ROWS_MAX];
    size_t count;
} made;

static uint64_t test_seed(void)
{
    return test_random_seeded().state;
}

static gv_quality_data data_of(const made *m)
{
    return (gv_quality_data){.count = m->count,
                             .p = m->p,
                             .labels = m->labels,
                             .weights = m->weights,
                             .clusters = m->clusters,
                             .cluster_count = CLUSTERS,
                             .groups = m->groups};
}

/* Predictions of 1 / 20 steps, so that ties abound; labels follow them loosely. */
static void make(made *m, uint64_t seed, size_t count)
{
    m->count = count;
    for (size_t i = 0; i < count; i++) {
        const gv_random random = gv_random_key(seed, GV_STREAM_TEST, i);
        const double p = (double)(1 + gv_random_below(&random, 0, 19)) / 20;
        m->p[i] = (float)p;
        m->labels[i] = gv_random_bernoulli(&random, 1, p * p) ? 1 : 0;
        m->weights[i] = (float)(1 + gv_random_below(&random, 2, 4));
        m->clusters[i] = (uint32_t)gv_random_below(&random, 3, CLUSTERS);
        m->groups[i] = gv_random_below(&random, 4, 7) * 1000;
    }
}

static double pairs_of(const made *m, const uint64_t *group, double *weight)
{
    double right = 0;
    double all = 0;
    *weight = 0;
    for (size_t i = 0; i < m->count; i++) {
        if (group != NULL && m->groups[i] != *group) {
            continue;
        }
        *weight += (double)m->weights[i];
        for (size_t j = 0; j < m->count; j++) {
            const bool is_in = group == NULL || m->groups[j] == *group;
            if (is_in && m->labels[i] > 0 && m->labels[j] == 0) {
                const double both = (double)m->weights[i] * (double)m->weights[j];
                all += both;
                right += m->p[i] > m->p[j] ? both : m->p[i] == m->p[j] ? both / 2 : 0;
            }
        }
    }
    return all > 0 ? right / all : (double)NAN;
}

static gv_quality measured(const made *m)
{
    const gv_quality_data data = data_of(m);
    gv_quality quality;
    assert_int_equal(gv_quality_measure(&data, &config, &quality), GV_OK);
    return quality;
}

static double figure(const gv_quality *quality, gv_quality_figure which)
{
    return quality->figures[which].estimate;
}

static void auc_is_what_counting_pairs_gives(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 5; seed++) {
        made m;
        double weight = 0;
        make(&m, test_seed() + seed, 300);
        const gv_quality quality = measured(&m);
        assert_true(fabs(figure(&quality, GV_QUALITY_AUC) - pairs_of(&m, NULL, &weight)) < 1e-12);
        assert_true(fabs(quality.weight - weight) < 1e-9);
    }
}

static void gauc_averages_groups_of_both_classes_by_weight(void **state)
{
    (void)state;
    made m;
    make(&m, test_seed(), 60);
    for (size_t i = 0; i < m.count; i++) {
        m.labels[i] = m.groups[i] == 2000 ? 0 : m.labels[i];
    }
    double sum = 0;
    double all = 0;
    size_t used = 0;
    for (uint64_t g = 0; g < 7; g++) {
        const uint64_t group = g * 1000;
        double weight = 0;
        const double auc = pairs_of(&m, &group, &weight);
        if (!isnan(auc)) {
            sum += weight * auc;
            all += weight;
            used++;
        }
    }
    const gv_quality quality = measured(&m);
    assert_true(fabs(figure(&quality, GV_QUALITY_GAUC) - sum / all) < 1e-12);
    assert_int_equal(quality.group_count, used);
    assert_true(used < 7);
}

/* Weight 3 is three rows of weight 1. */
static void a_weight_is_so_many_rows(void **state)
{
    (void)state;
    made weighted;
    made repeated = {.count = 0};
    make(&weighted, test_seed(), 120);
    for (size_t i = 0; i < weighted.count; i++) {
        for (int k = 0; k < (int)weighted.weights[i]; k++) {
            repeated.p[repeated.count] = weighted.p[i];
            repeated.labels[repeated.count] = weighted.labels[i];
            repeated.weights[repeated.count] = 1;
            repeated.clusters[repeated.count] = weighted.clusters[i];
            repeated.groups[repeated.count++] = weighted.groups[i];
        }
    }
    const gv_quality a = measured(&weighted);
    const gv_quality b = measured(&repeated);
    for (size_t f = 0; f < GV_QUALITY_FIGURES; f++) {
        assert_true(fabs(a.figures[f].estimate - b.figures[f].estimate) < 1e-9);
        assert_true(fabs(a.figures[f].low - b.figures[f].low) < 1e-9);
        assert_true(fabs(a.figures[f].high - b.figures[f].high) < 1e-9);
    }
    assert_int_equal(a.bin_count, b.bin_count);
}

/*
 * All p = 1/4, and 1/4 of the weight clicked: AUC 1/2, the log loss is the entropy of 1/4, so RIG
 * 0, and nothing is out of calibration. Then p = 1/2 of the same rows: log loss log 2.
 */
static void closed_forms(void **state)
{
    (void)state;
    made m = {.count = 240};
    for (size_t i = 0; i < m.count; i++) {
        m.p[i] = 0.25F;
        m.labels[i] = i % 4 == 0 ? 1 : 0;
        m.weights[i] = 2;
        m.clusters[i] = (uint32_t)(i / 20);
    }
    const double entropy = -0.25 * log(0.25) - 0.75 * log(0.75);
    gv_quality quality = measured(&m);
    assert_true(fabs(figure(&quality, GV_QUALITY_AUC) - 0.5) < 1e-12);
    assert_true(fabs(figure(&quality, GV_QUALITY_LOG_LOSS) - entropy) < 1e-12);
    assert_true(fabs(figure(&quality, GV_QUALITY_RIG)) < 1e-12);
    assert_true(fabs(figure(&quality, GV_QUALITY_BIAS) - 1) < 1e-12);
    assert_true(figure(&quality, GV_QUALITY_ECE) < 1e-12);
    assert_int_equal(quality.bin_count, 1);
    assert_int_equal(quality.positives, 60);
    for (size_t i = 0; i < m.count; i++) {
        m.p[i] = 0.5F;
    }
    quality = measured(&m);
    assert_true(fabs(figure(&quality, GV_QUALITY_LOG_LOSS) - log(2)) < 1e-12);
    assert_true(fabs(figure(&quality, GV_QUALITY_RIG) - (1 - log(2) / entropy)) < 1e-12);
    assert_true(fabs(figure(&quality, GV_QUALITY_BIAS) - 2) < 1e-12);
    assert_true(fabs(figure(&quality, GV_QUALITY_ECE) - 0.25) < 1e-12);
    assert_true(fabs(figure(&quality, GV_QUALITY_RELATIVE_ECE) - 1) < 1e-12);
}

static void bins_hold_equal_weight_and_part_no_tie(void **state)
{
    (void)state;
    made m = {.count = 500};
    for (size_t i = 0; i < m.count; i++) {
        m.p[i] = (float)((double)((i * 7) % 500 + 1) / 1000);
        m.labels[i] = i % 3 == 0 ? 1 : 0;
        m.weights[i] = 3;
        m.clusters[i] = (uint32_t)(i % CLUSTERS);
    }
    const gv_quality quality = measured(&m);
    assert_int_equal(quality.bin_count, GV_QUALITY_BINS);
    for (size_t b = 0; b < quality.bin_count; b++) {
        assert_int_equal(quality.bins[b].count, 50);
        assert_true(fabs(quality.bins[b].weight - 150) < 1e-9);
        assert_true(fabs(quality.bins[b].predicted - (25.5 + 50 * (double)b) / 1000) < 1e-6);
        assert_true(quality.bins[b].observed.low <= quality.bins[b].observed.estimate);
        assert_true(quality.bins[b].observed.estimate <= quality.bins[b].observed.high);
    }
}

static void one_class_has_no_auc_and_says_so(void **state)
{
    (void)state;
    made m;
    make(&m, test_seed(), 100);
    for (size_t i = 0; i < m.count; i++) {
        m.labels[i] = 0;
    }
    const gv_quality quality = measured(&m);
    assert_int_equal(quality.figures[GV_QUALITY_AUC].state, GV_INTERVAL_UNDEFINED);
    assert_int_equal(quality.figures[GV_QUALITY_GAUC].state, GV_INTERVAL_UNDEFINED);
    assert_int_equal(quality.figures[GV_QUALITY_RIG].state, GV_INTERVAL_UNDEFINED);
    assert_int_equal(quality.figures[GV_QUALITY_LOG_LOSS].state, GV_INTERVAL_GIVEN);
    const gv_quality_data data = {.count = m.count,
                                  .p = m.p,
                                  .labels = m.labels,
                                  .weights = m.weights,
                                  .clusters = m.clusters,
                                  .cluster_count = CLUSTERS};
    gv_quality without;
    assert_int_equal(gv_quality_measure(&data, &config, &without), GV_OK);
    assert_int_equal(without.figures[GV_QUALITY_GAUC].state, GV_INTERVAL_UNDEFINED);
}

/*
 * 400 samples of a law whose AUC is known: of two normal scores a distance d apart it is
 * Phi(d / sqrt 2). 95 % intervals of independent rows hold it some 95 times in 100.
 */
static void intervals_hold_a_known_auc_as_often_as_they_say(void **state)
{
    (void)state;
    enum { TRIALS = 120, ROWS = 240 };
    const double truth = 0.5 * erfc(-1.0 / sqrt(2) / sqrt(2)); /* d = 1 */
    size_t held = 0;
    for (uint64_t trial = 0; trial < TRIALS; trial++) {
        made m = {.count = ROWS};
        for (size_t i = 0; i < ROWS; i++) {
            const gv_random random = gv_random_key(trial + 77, GV_STREAM_TEST, i);
            const bool is_click = i % 3 == 0;
            const double score = gv_random_normal(&random, 0) + (is_click ? 1 : 0);
            m.p[i] = (float)(1 / (1 + exp(-score)));
            m.labels[i] = is_click ? 1 : 0;
            m.weights[i] = 1;
            m.clusters[i] = (uint32_t)(i / 3 % CLUSTERS);
        }
        const gv_quality quality = measured(&m);
        const gv_interval *auc = &quality.figures[GV_QUALITY_AUC];
        held += auc->low <= truth && truth <= auc->high ? 1 : 0;
    }
    printf("the interval held the AUC in %zu of %d\n", held, TRIALS);
    assert_true(held >= 105); /* 95 % of 120 is 114, one in 1,000 times below 105 */
}

static void failing_memory_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    made m;
    make(&m, test_seed(), 50);
    const gv_quality_data data = data_of(&m);
    gv_status status = GV_ENOMEM;
    for (int n = 0; status != GV_OK; n++) {
        gv_quality quality;
        gv_mem_fail_after(n);
        status = gv_quality_measure(&data, &config, &quality);
        gv_mem_fail_after(-1);
        assert_true(status == GV_OK || status == GV_ENOMEM);
        assert_true(n < 30);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(auc_is_what_counting_pairs_gives),
        cmocka_unit_test(gauc_averages_groups_of_both_classes_by_weight),
        cmocka_unit_test(a_weight_is_so_many_rows),
        cmocka_unit_test(closed_forms),
        cmocka_unit_test(bins_hold_equal_weight_and_part_no_tie),
        cmocka_unit_test(one_class_has_no_auc_and_says_so),
        cmocka_unit_test(intervals_hold_a_known_auc_as_often_as_they_say),
        cmocka_unit_test(failing_memory_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
