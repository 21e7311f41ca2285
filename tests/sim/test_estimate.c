/*
 * Estimates: worked figures, quantiles against a full sort, and whether a 95 % interval holds
 * the truth 95 times of 100 on data whose truth is known.
 */
#include <math.h>

#include "cmocka_all.h"
#include "outcome_fixture.h"
#include "sim/base/mem.h"
#include "sim/base/random.h"
#include "sim/estimate/bootstrap.h"
#include "sim/estimate/compare.h"
#include "sim/estimate/summary.h"
#include "test_random.h"

enum { MANY = 1000, TICKS = 480 };

static void assert_close(double found, double expected, double tolerance)
{
    if (!(fabs(found - expected) <= tolerance)) {
        fail_msg("%.17g is not within %g of %.17g", found, tolerance, expected);
    }
}

static void a_sample_is_summed_up(void **state)
{
    (void)state;
    const double values[] = {4, 1, 3, 2};
    const gv_summary summary = gv_summary_of(values, 4);
    assert_close(summary.mean, 2.5, 1e-15);
    assert_close(summary.deviation, sqrt(5.0 / 3), 1e-15);
    assert_true(summary.minimum == 1);
    assert_true(summary.maximum == 4);
    assert_true(gv_summary_of(values, 1).deviation == 0);
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void quantiles_equal_those_of_a_sorted_sample(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    for (int i = 0; i < MANY; i++) {
        double values[40];
        double sorted[40];
        const size_t count = 1 + (size_t)test_random_below(&random, 40);
        const int64_t distinct = 1 + test_random_below(&random, 30);
        for (size_t k = 0; k < count; k++) {
            values[k] = (double)test_random_below(&random, distinct);
        }
        memcpy(sorted, values, sizeof values);
        qsort(sorted, count, sizeof *sorted, ascending);
        const double share = (double)test_random_below(&random, 101) / 100;
        const double place = share * (double)(count - 1);
        const size_t rank = (size_t)place;
        const size_t next = rank + 1 < count ? rank + 1 : rank;
        const double expected =
            sorted[rank] + (place - (double)rank) * (sorted[next] - sorted[rank]);
        assert_close(gv_quantile(values, count, share), expected, 1e-12);
        qsort(values, count, sizeof *values, ascending); /* nothing was lost */
        assert_memory_equal(values, sorted, count * sizeof *values);
    }
}

static double first_column(const void *context, const double *totals)
{
    (void)context;
    return totals[0];
}

static double ratio(const void *context, const double *totals)
{
    (void)context;
    return totals[1] == 0 ? (double)NAN : totals[0] / totals[1];
}

static gv_bootstrap *draw(const double *sums, size_t clusters, size_t columns, size_t replicates,
                          uint64_t seed)
{
    static size_t sizes[1];
    sizes[0] = clusters;
    const gv_clusters table = {sums, clusters, columns, sizes, 1};
    gv_bootstrap *bootstrap = NULL;
    assert_int_equal(
        gv_bootstrap_create(&table, &(gv_bootstrap_config){replicates, seed}, &bootstrap), GV_OK);
    return bootstrap;
}

/* A cluster's two columns: skewed sizes, and a count that goes with them at a rate of 0.2. */
static void draw_clusters(const gv_random *random, double *sums, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        sums[2 * i + 1] = 5 + 5 * gv_random_exponential(random, 2 * i);
        sums[2 * i] = sums[2 * i + 1] * (0.1 + 0.1 * gv_random_exponential(random, 2 * i + 1));
    }
}

/* Of 1,000 samples, those whose interval holds the truth, E(first) / E(second). */
static double coverage(size_t clusters, gv_interval_kind kind)
{
    double sums[200];
    size_t held = 0;
    for (size_t trial = 0; trial < MANY; trial++) {
        const gv_random random = gv_random_key(9, GV_STREAM_TEST, trial);
        draw_clusters(&random, sums, clusters);
        gv_bootstrap *bootstrap = draw(sums, clusters, 2, 1000, trial);
        const gv_interval interval = gv_bootstrap_interval(bootstrap, ratio, NULL, kind, 0.95);
        assert_int_equal(interval.state, GV_INTERVAL_GIVEN);
        held += interval.low <= 0.2 && 0.2 <= interval.high;
        gv_bootstrap_destroy(bootstrap);
    }
    return (double)held / MANY;
}

/*
 * 1,000 trials know a coverage of 95 % to 0.7 points. Found, with clusters whose skewness is
 * that of an exponential: BCa 90.5 % with 20 clusters, 93.8 % with 100; percentile 89.6 % and
 * 94.3 %. So intervals of few and skewed clusters are a little too short: asked to stay within
 * 6 points for 20 clusters and 2.5 for 100.
 */
static void intervals_of_a_skewed_ratio_hold_the_truth(void **state)
{
    (void)state;
    const gv_interval_kind kinds[] = {GV_INTERVAL_BCA, GV_INTERVAL_PERCENTILE};
    for (size_t k = 0; k < 2; k++) {
        const double few = coverage(20, kinds[k]);
        const double many = coverage(100, kinds[k]);
        printf("kind %zu: 20 clusters %.1f %%, 100 clusters %.1f %%\n", k, 100 * few, 100 * many);
        assert_close(few, 0.95, 0.06);
        assert_close(many, 0.95, 0.025);
    }
}

/* Coverage of the mean difference of normal clusters, where the widened interval is near exact. */
static void intervals_of_few_normal_clusters_hold_the_truth(void **state)
{
    (void)state;
    const size_t counts[] = {6, 10};
    for (size_t k = 0; k < 2; k++) {
        size_t held = 0;
        for (size_t trial = 0; trial < MANY; trial++) {
            double sums[10];
            const gv_random random = gv_random_key(11, GV_STREAM_TEST, trial);
            gv_random_fill_normal(&random, 0, counts[k], sums);
            gv_bootstrap *bootstrap = draw(sums, counts[k], 1, 2000, trial);
            const gv_interval interval =
                gv_bootstrap_interval(bootstrap, first_column, NULL, GV_INTERVAL_BCA, 0.95);
            held += interval.low <= 0 && 0 <= interval.high;
            gv_bootstrap_destroy(bootstrap);
        }
        const double share = (double)held / MANY;
        printf("%zu clusters: %.1f %%\n", counts[k], 100 * share);
        assert_close(share, 0.95, 0.03);
    }
}

/* Ticks with memory, x' = 0.6 x + e: a cell whose spend wanders about 1000 a tick. */
static void fill_wandering(fixture_cell *cell, gv_tick_record *ticks, uint64_t trial)
{
    double noise[TICKS];
    const gv_random random = gv_random_key(13, GV_STREAM_TEST, trial);
    gv_random_fill_normal(&random, 0, TICKS, noise);
    double x = 0;
    memset(&cell->total, 0, sizeof cell->total);
    for (size_t i = 0; i < TICKS; i++) {
        x = 0.6 * x + noise[i];
        ticks[i] = (gv_tick_record){.time_us = (int64_t)i};
        ticks[i].tally.auctions = 1;
        ticks[i].tally.wins = 1;
        ticks[i].tally.spend_nanos = (int64_t)(1e9 + 1e8 * x);
        fixture_add(&cell->total, &ticks[i].tally);
    }
    cell->record.ticks = ticks;
    cell->record.tick_count = TICKS;
}

static double coverage_in_blocks(uint64_t block_ticks)
{
    static gv_tick_record ticks[TICKS];
    const gv_metric *metric = gv_metric_find("spend_cpm");
    size_t held = 0;
    for (size_t trial = 0; trial < MANY; trial++) {
        fixture_cell cell;
        fixture_cell_fill(&cell, 0);
        fill_wandering(&cell, ticks, trial);
        const gv_compare_config config = {
            .cells = &cell.record,
            .cell_count = 1,
            .baseline_cells = &cell.record,
            .baseline_cell_count = 1,
            .baseline = cell.record.policy,
            .metrics = &metric,
            .metric_count = 1,
            .block = {GV_BLOCK_TICKS, block_ticks},
            .bootstrap = {400, trial},
            .level = 0.95,
        };
        gv_comparisons *comparisons = NULL;
        assert_int_equal(gv_compare(&config, &comparisons), GV_OK);
        const gv_interval *value = &comparisons->rows[0].differences[0].value;
        held += value->low <= 1000.0 * TICKS && 1000.0 * TICKS <= value->high;
        gv_comparisons_destroy(comparisons);
    }
    return (double)held / MANY;
}

/*
 * Why ticks are drawn in blocks: taken one by one, ticks that resemble their neighbours look
 * like more evidence than they are. Found: 68 % of the intervals hold the truth with single
 * ticks, 92 % with the blocks of 8 that the rule chooses for 480 ticks, 95 % with blocks of 24.
 */
static void blocks_respect_what_neighbours_share(void **state)
{
    (void)state;
    const double single = coverage_in_blocks(1);
    const double chosen = coverage_in_blocks(0);
    const double longer = coverage_in_blocks(24);
    printf("single %.1f %%, chosen %.1f %%, longer %.1f %%\n", 100 * single, 100 * chosen,
           100 * longer);
    assert_true(single < 0.75);
    assert_true(chosen > 0.88);
    assert_close(longer, 0.95, 0.03);
}

static void few_clusters_get_no_interval(void **state)
{
    (void)state;
    const double sums[] = {1, 2, 3, 4, 5};
    for (size_t count = 1; count <= 5; count++) {
        gv_bootstrap *bootstrap = draw(sums, count, 1, 100, 1);
        const gv_interval interval =
            gv_bootstrap_interval(bootstrap, first_column, NULL, GV_INTERVAL_BCA, 0.95);
        assert_int_equal(interval.state, count < 5 ? GV_INTERVAL_TOO_FEW : GV_INTERVAL_GIVEN);
        assert_true(interval.estimate == (double)(count * (count + 1)) / 2);
        assert_true(count < 5 ? isnan(interval.low) : interval.low < interval.high);
        gv_bootstrap_destroy(bootstrap);
    }
}

static void a_ratio_over_nothing_is_undefined(void **state)
{
    (void)state;
    const double sums[] = {1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 1};
    gv_bootstrap *never = draw(sums, 5, 2, 400, 1);
    gv_bootstrap *seldom = draw(sums, 6, 2, 400, 1);
    assert_int_equal(gv_bootstrap_interval(never, ratio, NULL, GV_INTERVAL_BCA, 0.95).state,
                     GV_INTERVAL_UNDEFINED);
    /* A third of the resamples lack the one cluster that has something below the line. */
    assert_int_equal(gv_bootstrap_interval(seldom, ratio, NULL, GV_INTERVAL_BCA, 0.95).state,
                     GV_INTERVAL_UNDEFINED);
    gv_bootstrap_destroy(never);
    gv_bootstrap_destroy(seldom);
}

static void strata_keep_their_number_of_clusters(void **state)
{
    (void)state;
    /* The second column counts clusters of the first stratum: constant in every resample. */
    double sums[20];
    for (size_t i = 0; i < 10; i++) {
        sums[2 * i] = (double)(i + 1);
        sums[2 * i + 1] = i < 4 ? 1 : 0;
    }
    const size_t sizes[] = {4, 6};
    const gv_clusters clusters = {sums, 10, 2, sizes, 2};
    gv_bootstrap *bootstrap = NULL;
    assert_int_equal(gv_bootstrap_create(&clusters, &(gv_bootstrap_config){500, 1}, &bootstrap),
                     GV_OK);
    const gv_interval spread =
        gv_bootstrap_interval(bootstrap, first_column, NULL, GV_INTERVAL_BCA, 0.95);
    assert_true(spread.low < 55 && 55 < spread.high);
    gv_bootstrap_destroy(bootstrap);
}

/* With one column of ones any resample gives n: an interval without width. */
static void what_does_not_vary_has_no_width(void **state)
{
    (void)state;
    const double sums[] = {1, 1, 1, 1, 1, 1, 1};
    gv_bootstrap *bootstrap = draw(sums, 7, 1, 200, 1);
    const gv_interval interval =
        gv_bootstrap_interval(bootstrap, first_column, NULL, GV_INTERVAL_BCA, 0.95);
    assert_true(interval.low == 7);
    assert_true(interval.high == 7);
    gv_bootstrap_destroy(bootstrap);
}

static void the_same_seed_gives_the_same_interval(void **state)
{
    (void)state;
    double sums[40];
    const gv_random random = gv_random_key(1, GV_STREAM_TEST, 0);
    draw_clusters(&random, sums, 20);
    gv_interval found[3];
    for (size_t i = 0; i < 3; i++) {
        gv_bootstrap *bootstrap = draw(sums, 20, 2, 300, i == 2 ? 8 : 7);
        found[i] = gv_bootstrap_interval(bootstrap, ratio, NULL, GV_INTERVAL_BCA, 0.95);
        gv_bootstrap_destroy(bootstrap);
    }
    assert_true(found[0].low == found[1].low);
    assert_true(found[0].high == found[1].high);
    assert_true(found[0].low != found[2].low);
}

static void bootstrap_survives_every_allocation_failing(void **state)
{
    (void)state;
    const double sums[] = {1, 2, 3, 4, 5};
    const size_t sizes[] = {5};
    const gv_clusters clusters = {sums, 5, 1, sizes, 1};
    gv_status status = GV_ENOMEM;
    for (int n = 0; status != GV_OK; n++) {
        gv_bootstrap *bootstrap = NULL;
        gv_mem_fail_after(n);
        status = gv_bootstrap_create(&clusters, &(gv_bootstrap_config){100, 1}, &bootstrap);
        gv_mem_fail_after(-1);
        assert_true((status == GV_OK) == (bootstrap != NULL));
        gv_bootstrap_destroy(bootstrap);
        assert_true(n < 20);
    }
}

/* The fixture's cells: two campaigns, three policies. */
typedef struct sample_cells {
    fixture_cell parts[6];
    gv_cell_record cells[6];
} sample_cells;

static void fill_cells(sample_cells *sample)
{
    for (size_t i = 0; i < 6; i++) {
        fixture_cell_fill(&sample->parts[i], i);
        sample->cells[i] = sample->parts[i].record;
    }
}

static const gv_metric *two_metrics[2];

static gv_compare_config config_of(const sample_cells *sample, const char *baseline)
{
    two_metrics[0] = gv_metric_find("clicks");
    two_metrics[1] = gv_metric_find("ecpm");
    return (gv_compare_config){
        .cells = sample->cells,
        .cell_count = 6,
        .baseline_cells = sample->cells,
        .baseline_cell_count = 6,
        .baseline = baseline,
        .metrics = two_metrics,
        .metric_count = 2,
        .bootstrap = {400, 1},
        .level = 0.95,
    };
}

static void every_policy_meets_the_baseline_in_every_group(void **state)
{
    (void)state;
    static sample_cells sample;
    fill_cells(&sample);
    const gv_compare_config config = config_of(&sample, "mcpc");
    gv_comparisons *comparisons = NULL;
    assert_int_equal(gv_compare(&config, &comparisons), GV_OK);
    assert_int_equal(comparisons->row_count, 9); /* two campaigns and their pool */
    const gv_comparison *lin = &comparisons->rows[1];
    assert_string_equal(lin->policy, "lin-10");
    assert_int_equal(lin->block.kind, GV_BLOCK_TICKS);
    assert_int_equal(lin->block.ticks, 4); /* the cube root of 48 */
    assert_int_equal(lin->cluster_count, 12);
    double wanted[2][GV_QUANTITY_COUNT];
    gv_quantities_of(&sample.parts[1].total, wanted[0]);
    gv_quantities_of(&sample.parts[0].total, wanted[1]);
    for (size_t m = 0; m < 2; m++) {
        const gv_difference *difference = &lin->differences[m];
        const double value = gv_metric_value(two_metrics[m], wanted[0]);
        const double baseline = gv_metric_value(two_metrics[m], wanted[1]);
        assert_close(difference->value.estimate, value, 1e-12);
        assert_close(difference->baseline, baseline, 1e-12);
        assert_close(difference->difference.estimate, value - baseline, 1e-12);
        assert_close(difference->relative.estimate, (value - baseline) / baseline, 1e-12);
        assert_int_equal(difference->difference.state, GV_INTERVAL_GIVEN);
    }
    const gv_comparison *pool = &comparisons->rows[7];
    assert_int_equal(pool->campaign_count, 2);
    assert_int_equal(pool->cluster_count, 24);
    const double clicks = (double)(sample.parts[1].total.clicks + sample.parts[4].total.clicks);
    assert_close(pool->differences[0].value.estimate, clicks, 1e-12);
    gv_comparisons_destroy(comparisons);
}

static void the_baseline_differs_from_itself_by_nothing(void **state)
{
    (void)state;
    static sample_cells sample;
    fill_cells(&sample);
    const gv_compare_config config = config_of(&sample, "rlb");
    gv_comparisons *comparisons = NULL;
    assert_int_equal(gv_compare(&config, &comparisons), GV_OK);
    const gv_comparison *row = &comparisons->rows[2];
    assert_true(row->is_baseline);
    assert_true(row->differences[1].difference.low == 0);
    assert_true(row->differences[1].difference.high == 0);
    assert_false(gv_difference_is_clear(&row->differences[1]));
    gv_comparisons_destroy(comparisons);
}

/* A policy that gains one click in every block is clearly better; late clicks are not lost. */
static void a_steady_gain_is_clear_and_late_clicks_count(void **state)
{
    (void)state;
    static sample_cells sample;
    fill_cells(&sample);
    for (size_t i = 0; i < FIXTURE_TICKS; i++) {
        sample.parts[1].ticks[i].tally.clicks = sample.parts[0].ticks[i].tally.clicks + 1;
    }
    sample.parts[1].total.clicks = sample.parts[0].total.clicks + FIXTURE_TICKS + 3;
    const gv_compare_config config = config_of(&sample, "mcpc");
    gv_comparisons *comparisons = NULL;
    assert_int_equal(gv_compare(&config, &comparisons), GV_OK);
    const gv_difference *clicks = &comparisons->rows[1].differences[0];
    assert_true(clicks->difference.estimate == FIXTURE_TICKS + 3);
    assert_true(gv_difference_is_clear(clicks));
    assert_true(clicks->difference.low >= FIXTURE_TICKS);
    gv_comparisons_destroy(comparisons);
}

static void a_missing_partner_leaves_a_cell_out(void **state)
{
    (void)state;
    static sample_cells sample;
    fill_cells(&sample);
    gv_compare_config config = config_of(&sample, "mcpc");
    config.baseline_cell_count = 3; /* none for the second campaign */
    gv_comparisons *comparisons = NULL;
    assert_int_equal(gv_compare(&config, &comparisons), GV_OK);
    assert_int_equal(comparisons->row_count, 6);
    assert_int_equal(comparisons->rows[5].part_count, 1); /* the pool has one campaign left */
    gv_comparisons_destroy(comparisons);
    config.baseline = "none";
    assert_int_equal(gv_compare(&config, &comparisons), GV_ENOTFOUND);
}

static void cells_without_ticks_or_traffic_have_figures_but_no_interval(void **state)
{
    (void)state;
    static sample_cells sample;
    fill_cells(&sample);
    for (size_t i = 0; i < 6; i++) {
        sample.cells[i].tick_count = 0;
    }
    sample.parts[3].total = (gv_tally){0}; /* the whole second campaign: nothing */
    sample.parts[4].total = (gv_tally){0};
    sample.parts[5].total = (gv_tally){0};
    const gv_compare_config config = config_of(&sample, "mcpc");
    gv_comparisons *comparisons = NULL;
    assert_int_equal(gv_compare(&config, &comparisons), GV_OK);
    const gv_difference *clicks = &comparisons->rows[1].differences[0];
    assert_true(clicks->value.estimate == (double)sample.parts[1].total.clicks);
    assert_int_equal(clicks->value.state, GV_INTERVAL_TOO_FEW);
    const gv_comparison *nothing = &comparisons->rows[4];
    assert_int_equal(nothing->cluster_count, 0);
    assert_true(nothing->differences[0].value.estimate == 0);
    assert_int_equal(nothing->differences[1].value.state, GV_INTERVAL_UNDEFINED);
    gv_comparisons_destroy(comparisons);
}

static void comparing_survives_every_allocation_failing(void **state)
{
    (void)state;
    static sample_cells sample;
    fill_cells(&sample);
    const gv_compare_config config = config_of(&sample, "mcpc");
    gv_status status = GV_ENOMEM;
    for (int n = 0; status != GV_OK; n++) {
        gv_comparisons *comparisons = NULL;
        gv_mem_fail_after(n);
        status = gv_compare(&config, &comparisons);
        gv_mem_fail_after(-1);
        assert_true(status == GV_OK || status == GV_ENOMEM);
        gv_comparisons_destroy(comparisons);
        assert_true(n < 200);
    }
}

static void blocks_are_episodes_days_or_ticks(void **state)
{
    (void)state;
    static gv_tick_record ticks[200];
    fixture_cell cell;
    fixture_cell_fill(&cell, 0);
    cell.record.ticks = ticks;
    cell.record.tick_count = 200;
    for (size_t i = 0; i < 200; i++) {
        ticks[i].time_us = FIXTURE_START_US + (int64_t)i * GV_US_PER_HOUR;
        ticks[i].episode = i / 3;
    }
    gv_block_rule rule = gv_block_choose((gv_block_rule){0}, &cell.record);
    assert_int_equal(rule.kind, GV_BLOCK_TICKS); /* 9 days are too few */
    assert_int_equal(rule.ticks, 6);
    for (size_t i = 0; i < 200; i++) {
        ticks[i].time_us = FIXTURE_START_US + (int64_t)i * 2 * GV_US_PER_HOUR;
    }
    rule = gv_block_choose((gv_block_rule){0}, &cell.record);
    assert_int_equal(rule.kind, GV_BLOCK_DAY);
    assert_int_equal(gv_block_count(rule, &cell.record), 17); /* of 12 ticks, the last of 8 */
    double sums[17][GV_QUANTITY_COUNT] = {0};
    ticks[11].tally.wins = 3; /* 22:00 in China */
    ticks[12].tally.wins = 5; /* midnight */
    cell.total = (gv_tally){.wins = 8, .clicks = 2};
    gv_block_add(rule, &cell.record, 17, sums[0], GV_QUANTITY_COUNT);
    assert_true(sums[0][GV_QUANTITY_WINS] == 3);
    assert_true(sums[1][GV_QUANTITY_WINS] == 5);
    assert_true(sums[16][GV_QUANTITY_CLICKS] == 2); /* late, so in the last */
    cell.campaign.episode = GV_EPISODE_AUCTIONS;
    rule = gv_block_choose((gv_block_rule){0}, &cell.record);
    assert_int_equal(rule.kind, GV_BLOCK_EPISODE);
    assert_int_equal(gv_block_count(rule, &cell.record), 67);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sample_is_summed_up),
        cmocka_unit_test(quantiles_equal_those_of_a_sorted_sample),
        cmocka_unit_test(intervals_of_a_skewed_ratio_hold_the_truth),
        cmocka_unit_test(intervals_of_few_normal_clusters_hold_the_truth),
        cmocka_unit_test(blocks_respect_what_neighbours_share),
        cmocka_unit_test(few_clusters_get_no_interval),
        cmocka_unit_test(a_ratio_over_nothing_is_undefined),
        cmocka_unit_test(strata_keep_their_number_of_clusters),
        cmocka_unit_test(what_does_not_vary_has_no_width),
        cmocka_unit_test(the_same_seed_gives_the_same_interval),
        cmocka_unit_test(bootstrap_survives_every_allocation_failing),
        cmocka_unit_test(every_policy_meets_the_baseline_in_every_group),
        cmocka_unit_test(the_baseline_differs_from_itself_by_nothing),
        cmocka_unit_test(a_steady_gain_is_clear_and_late_clicks_count),
        cmocka_unit_test(a_missing_partner_leaves_a_cell_out),
        cmocka_unit_test(cells_without_ticks_or_traffic_have_figures_but_no_interval),
        cmocka_unit_test(comparing_survives_every_allocation_failing),
        cmocka_unit_test(blocks_are_episodes_days_or_ticks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
