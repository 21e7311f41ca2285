/* The league of a market: worked figures, sums by hand, and intervals that hold the truth. */
#include <math.h>

#include "cmocka_all.h"
#include "league_fixture.h"
#include "outcome_fixture.h"
#include "sim/base/mem.h"
#include "sim/base/random.h"
#include "sim/estimate/compare.h"
#include "sim/estimate/league.h"

enum { TRIALS = 400, SEATS = 12, PERIODS_MAX = 20, SAMPLE_MAX = SEATS * PERIODS_MAX };

static void assert_close(double found, double expected, double tolerance)
{
    if (!(fabs(found - expected) <= tolerance)) {
        fail_msg("%.17g is not %.17g within %g", found, expected, tolerance);
    }
}

static gv_league_config config_of(const gv_cell_record *cells, size_t count)
{
    return (gv_league_config){.cells = cells,
                              .cell_count = count,
                              .bootstrap = {.replicates = 400, .seed = 5},
                              .interval = GV_INTERVAL_BCA,
                              .level = 0.95};
}

static gv_league *league_of(const gv_league_config *config)
{
    gv_league *league = NULL;
    if (gv_league_create(config, &league) != GV_OK) {
        fail_msg("%s", gv_status_detail());
    }
    return league;
}

static void assert_same_interval(const gv_interval *a, const gv_interval *b)
{
    assert_int_equal(a->state, GV_INTERVAL_GIVEN);
    assert_int_equal(b->state, GV_INTERVAL_GIVEN);
    assert_true(a->estimate == b->estimate);
    assert_true(a->low == b->low);
    assert_true(a->high == b->high);
}

static const gv_league_row *row_of(const gv_league_table *table, const char *policy)
{
    for (size_t i = 0; i < table->row_count; i++) {
        if (strcmp(table->rows[i].policy, policy) == 0) {
            return &table->rows[i];
        }
    }
    fail_msg("no row %s", policy);
    abort(); /* which fail_msg() is not known to do */
}

/* One cell that a sample is made of: all that matters of it is in the total. */
typedef struct small_cell {
    gv_campaign campaign;
    gv_tally total;
    gv_seat_record seat;
    gv_seat_tick ticks[3];
} small_cell;

static gv_cell_record make_small(small_cell *cell, const char *campaign, uint64_t period,
                                 uint64_t conversions, int64_t spend_units)
{
    const int64_t spend = spend_units * INT64_C(1000000000);
    *cell = (small_cell){
        .campaign = {.name = campaign,
                     .budget_nanos = INT64_C(400000000000),
                     .cpa_nanos = INT64_C(40000000000)},
        .total = {.auctions = 100, .spend_nanos = spend, .conversions = conversions},
        .ticks = {{.tally = {.spend_nanos = spend / 4}}, {.tally = {.spend_nanos = spend * 3 / 4}}},
        .seat = {.period = period, .rivals = "fixed", .tick_count = 3}};
    cell->seat.ticks = cell->ticks;
    return (gv_cell_record){.campaign = &cell->campaign,
                            .policy = "lp",
                            .policy_type = "online_lp",
                            .budget_label = "",
                            .total = &cell->total,
                            .episodes = 1,
                            .seat = &cell->seat};
}

/*
 * lp: 4 conversions for 200 (score 2.56), 3 for 60 (3), 5 for 200 (5, at the target exactly); the
 * oracle has the first two seats: 4 for 100 (4) and 5 for 80 (5). Share: 5.56 / 9.
 */
static void figures_are_ratios_of_sums(void **state)
{
    (void)state;
    small_cell parts[5];
    gv_cell_record cells[] = {
        make_small(&parts[0], "a", 7, 4, 200), make_small(&parts[1], "b", 7, 3, 60),
        make_small(&parts[2], "a", 8, 5, 200), make_small(&parts[3], "a", 7, 4, 100),
        make_small(&parts[4], "b", 7, 5, 80)};
    cells[3].policy = cells[4].policy = "best";
    cells[3].policy_type = cells[4].policy_type = GV_ORACLE_TYPE;
    const gv_league_config config = config_of(cells, 5);
    gv_league *league = league_of(&config);
    assert_int_equal(league->table_count, 1);
    const gv_league_table *table = &league->tables[0];
    assert_string_equal(table->rivals, "fixed");
    assert_int_equal(table->row_count, 2);
    assert_int_equal(table->period_count, 2);
    assert_int_equal(table->campaign_count, 2);
    assert_int_equal(table->block, GV_BLOCK_SEAT);
    assert_int_equal(table->ranking, GV_LEAGUE_SCORE); /* the oracle lacks a seat */
    assert_string_equal(table->rows[0].policy, "best");
    const gv_league_row *lp = row_of(table, "lp");
    assert_int_equal(lp->seat_count, 3);
    assert_int_equal(lp->paired_count, 2);
    const double expected[GV_LEAGUE_FIGURES] = {(2.56 + 3 + 5) / 3, 5.56 / 9,    4,      460.0 / 3,
                                                460.0 / 1200,       460.0 / 480, 1.0 / 3};
    for (size_t f = 0; f < GV_LEAGUE_FIGURES; f++) {
        assert_close(lp->figures[f].estimate, expected[f], 1e-12);
        assert_int_equal(lp->figures[f].state, GV_INTERVAL_TOO_FEW);
    }
    assert_int_equal(lp->tick_count, 2);
    assert_close(lp->pace[0], 460.0 / 4 / 1200, 1e-12);
    assert_close(lp->pace[1], 460.0 * 3 / 4 / 1200, 1e-12);
    gv_league_destroy(league);
}

static void without_budget_or_target_shares_are_undefined(void **state)
{
    (void)state;
    small_cell parts[2];
    gv_cell_record cells[] = {make_small(&parts[0], "a", 1, 4, 200),
                              make_small(&parts[1], "b", 1, 0, 0)};
    for (size_t i = 0; i < 2; i++) {
        parts[i].campaign.budget_nanos = INT64_MAX;
        parts[i].campaign.cpa_nanos = GV_PARAM_UNSET;
    }
    const gv_league_config config = config_of(cells, 2);
    gv_league *league = league_of(&config);
    const gv_league_row *lp = &league->tables[0].rows[0];
    assert_close(lp->figures[GV_LEAGUE_SCORE].estimate, 2, 0);
    assert_int_equal(lp->figures[GV_LEAGUE_SCORE_SHARE].state, GV_INTERVAL_UNDEFINED);
    assert_int_equal(lp->figures[GV_LEAGUE_BUDGET_USED].state, GV_INTERVAL_UNDEFINED);
    assert_int_equal(lp->figures[GV_LEAGUE_OVER_CPA].state, GV_INTERVAL_UNDEFINED);
    assert_close(lp->pace[1], 0.75 / 2, 1e-12); /* of its own spend; the other spent nothing */
    gv_league_destroy(league);
}

/* Every figure of every row of the fixture's run, added up the slow way. */
static void a_whole_run_is_as_added_up_slowly(void **state)
{
    (void)state;
    league_market market = league_create(3, 7);
    const gv_league_config config = config_of(market.cells, market.cell_count);
    gv_league *league = league_of(&config);
    assert_int_equal(league->table_count, 2);
    for (size_t t = 0; t < 2; t++) {
        const gv_league_table *table = &league->tables[t];
        assert_string_equal(table->rivals, t == 0 ? "market" : "fixed");
        assert_int_equal(table->row_count, t == 0 ? 6 : 7);
        assert_int_equal(table->ranking, GV_LEAGUE_SCORE_SHARE);
        for (size_t r = 0; r < table->row_count; r++) {
            const gv_league_row *row = &table->rows[r];
            double score = 0;
            double best = 0;
            size_t seats = 0;
            for (size_t i = 0; i < market.cell_count; i++) {
                const size_t arm = i / 7 % LEAGUE_ARMS;
                if ((arm == 0) == (t == 0) && strcmp(market.cells[i].policy, row->policy) == 0) {
                    score += gv_cell_score(&market.cells[i]);
                    best += gv_cell_score(&market.cells[i + 7 * (LEAGUE_ARMS - 1 - arm)]);
                    seats++;
                }
            }
            assert_int_equal(row->seat_count, seats);
            assert_int_equal(row->paired_count, seats);
            assert_close(row->figures[GV_LEAGUE_SCORE].estimate, score / (double)seats, 1e-9);
            assert_close(row->figures[GV_LEAGUE_SCORE_SHARE].estimate, score / best, 1e-12);
            assert_true(r == 0 || row->figures[GV_LEAGUE_SCORE_SHARE].estimate <=
                                      row[-1].figures[GV_LEAGUE_SCORE_SHARE].estimate);
        }
    }
    assert_string_equal(league->tables[1].rows[0].policy, "oracle");
    gv_league_destroy(league);
    league_destroy(&market);
}

/* A policy that does what another does has its figures and intervals to the bit. */
static void policies_with_the_same_seats_are_drawn_alike(void **state)
{
    (void)state;
    league_market market = league_create(12, 5);
    for (size_t i = 0; i < market.cell_count; i++) {
        const size_t arm = i / 5 % LEAGUE_ARMS;
        if (arm == 2 || arm == 7) { /* abid does as the arm before it, and so does the oracle */
            market.cells[i].total = market.cells[i - 5].total;
        }
    }
    const gv_league_config config = config_of(market.cells, market.cell_count);
    gv_league *league = league_of(&config);
    const gv_league_table *table = &league->tables[1];
    assert_int_equal(table->block, GV_BLOCK_PERIOD);
    const gv_league_row *pid = row_of(table, "pid");
    const gv_league_row *abid = row_of(table, "abid");
    assert_int_equal(pid->cluster_count, 12);
    assert_same_interval(&pid->figures[GV_LEAGUE_SCORE], &abid->figures[GV_LEAGUE_SCORE]);
    assert_true(pid->figures[GV_LEAGUE_SCORE].low < pid->figures[GV_LEAGUE_SCORE].high);
    const gv_interval *share = &row_of(table, "minpace")->figures[GV_LEAGUE_SCORE_SHARE];
    assert_true(share->low == 1 && share->high == 1); /* it is the oracle in every resample */
    gv_league_destroy(league);
    league_destroy(&market);
}

/*
 * Scores of SEATS campaigns of different size, each 1,000 conversions and more so that rounding
 * says nothing, under a shock that a period's seats share and one of their own.
 */
typedef struct sample {
    small_cell parts[SAMPLE_MAX];
    gv_cell_record cells[SAMPLE_MAX];
    size_t count;
} sample;

static const char *const sample_names[SEATS] = {"a", "b", "c", "d", "e", "f",
                                                "g", "h", "i", "j", "k", "l"};

static double size_of_seat(size_t seat)
{
    return 1000 * (1 + (double)(seat % 4));
}

static void draw_sample(sample *made, uint64_t trial, size_t periods, double common, double own)
{
    const gv_random random = gv_random_key(31, GV_STREAM_TEST, trial);
    made->count = 0;
    for (size_t p = 0; p < periods; p++) {
        const double shock = common * gv_random_normal(&random, 1000 + p);
        for (size_t s = 0; s < SEATS; s++) {
            const double noise = own * gv_random_normal(&random, p * SEATS + s);
            const double conversions = fmax(0, size_of_seat(s) * (1 + shock + noise));
            made->cells[made->count] = make_small(&made->parts[made->count], sample_names[s], p,
                                                  (uint64_t)llround(conversions), 1);
            made->count++;
        }
    }
}

/* The share of samples whose interval of the mean score holds E(score), the mean size. */
static double coverage(size_t periods, gv_block_kind kind, double common)
{
    static sample made;
    double truth = 0;
    for (size_t s = 0; s < SEATS; s++) {
        truth += size_of_seat(s) / SEATS;
    }
    size_t held = 0;
    for (size_t trial = 0; trial < TRIALS; trial++) {
        draw_sample(&made, trial, periods, common, 0.3);
        gv_league_config config = config_of(made.cells, made.count);
        config.block.kind = kind;
        gv_league *league = league_of(&config);
        const gv_interval *score = &league->tables[0].rows[0].figures[GV_LEAGUE_SCORE];
        assert_int_equal(score->state, GV_INTERVAL_GIVEN);
        held += score->low <= truth && truth <= score->high;
        gv_league_destroy(league);
    }
    return (double)held / TRIALS;
}

/*
 * 400 trials know a coverage of 95 % to 1.1 points. Whole periods hold the truth whether or not
 * their seats share a shock. Seats drawn as if independent do so when they are (they add the
 * difference between campaigns, which the truth for these campaigns has not: too wide), and
 * are far too short when a period is shared: which is why periods are drawn where there are ten.
 */
static void whole_periods_hold_the_truth_where_seats_do_not(void **state)
{
    (void)state;
    const double periods = coverage(20, GV_BLOCK_PERIOD, 0.3);
    const double ten = coverage(10, GV_BLOCK_AUTO, 0.3);
    const double apart = coverage(20, GV_BLOCK_PERIOD, 0);
    const double seats = coverage(20, GV_BLOCK_SEAT, 0.3);
    const double independent = coverage(20, GV_BLOCK_SEAT, 0);
    printf("20 periods %.1f %%, 10 periods %.1f %%, nothing shared %.1f %%; seats %.1f %%, "
           "independent %.1f %%\n",
           100 * periods, 100 * ten, 100 * apart, 100 * seats, 100 * independent);
    assert_close(periods, 0.95, 0.04);
    assert_close(ten, 0.95, 0.05);
    assert_close(apart, 0.95, 0.04);
    assert_true(seats < 0.85);
    assert_true(independent >= 0.95);
}

/* With a lone shock of 0.3 by period, the half width is t(19) x 0.3 x mean / sqrt(20). */
static void an_interval_is_as_wide_as_theory_says(void **state)
{
    (void)state;
    static sample made;
    double width = 0;
    for (size_t trial = 0; trial < TRIALS; trial++) {
        draw_sample(&made, trial, 20, 0.2, 0);
        gv_league_config config = config_of(made.cells, made.count);
        config.interval = GV_INTERVAL_PERCENTILE;
        config.bootstrap.replicates = 4000; /* of few, the outermost lie too far in */
        gv_league *league = league_of(&config);
        const gv_interval *score = &league->tables[0].rows[0].figures[GV_LEAGUE_SCORE];
        width += (score->high - score->low) / 2 / TRIALS;
        gv_league_destroy(league);
    }
    /* E of the sample's deviation over 19 degrees of freedom is 0.987 of the true one. */
    assert_close(width / (2.093 * 0.987 * 0.2 * 2500 / sqrt(20)), 1, 0.03);
}

static void replays_have_no_league(void **state)
{
    (void)state;
    fixture_cell cell;
    fixture_cell_fill(&cell, 0);
    const gv_league_config config = config_of(&cell.record, 1);
    gv_league *league = league_of(&config);
    assert_int_equal(league->table_count, 0);
    gv_league_destroy(league);
    gv_league_destroy(NULL);
}

static void a_league_survives_every_allocation_failing(void **state)
{
    (void)state;
    league_market market = league_create(1, 6);
    const gv_league_config config = config_of(market.cells, market.cell_count);
    gv_status status = GV_ENOMEM;
    int n = 0;
    for (; status != GV_OK; n++) {
        gv_league *league = NULL;
        gv_mem_fail_after(n);
        status = gv_league_create(&config, &league);
        gv_mem_fail_after(-1);
        assert_true(status == GV_OK || status == GV_ENOMEM);
        assert_true((status == GV_OK) == (league != NULL));
        gv_league_destroy(league);
        assert_true(n < 1000);
    }
    assert_true(n > 10);
    league_destroy(&market);
}

static void a_market_is_grouped_by_what_policies_met(void **state)
{
    (void)state;
    league_market market = league_create(2, 3);
    gv_grouping *grouping = NULL;
    assert_int_equal(gv_grouping_create(market.cells, market.cell_count, &grouping), GV_OK);
    assert_int_equal(grouping->single_count, 6); /* campaigns, in the market and against it */
    assert_int_equal(grouping->group_count, 8);
    assert_string_equal(grouping->groups[6].rivals, "market");
    assert_string_equal(grouping->groups[7].rivals, "fixed");
    assert_int_equal(grouping->groups[7].part_count, 3);
    gv_grouping_destroy(grouping);
    const size_t second = (size_t)3 * LEAGUE_ARMS; /* the first cell of the second period */
    assert_ptr_equal(
        gv_cell_partner(&market.cells[second + 4], "oracle", market.cells, market.cell_count),
        &market.cells[second + 22]);
    assert_null(gv_cell_partner(&market.cells[second], "oracle", market.cells, market.cell_count));
    league_destroy(&market);
}

static const gv_comparison *comparison_of(const gv_comparisons *comparisons, const char *campaign,
                                          const char *policy)
{
    for (size_t i = 0; i < comparisons->row_count; i++) {
        const gv_comparison *row = &comparisons->rows[i];
        const char *name = row->group->campaign;
        if (strcmp(row->policy, policy) == 0 &&
            (campaign == NULL ? name == NULL : name != NULL && strcmp(name, campaign) == 0)) {
            return row;
        }
    }
    fail_msg("no comparison of %s", policy);
    abort();
}

static gv_status compare(const league_market *market, gv_block_kind kind, gv_comparisons **out)
{
    static const gv_metric *metrics[2];
    metrics[0] = gv_metric_find("score");
    metrics[1] = gv_metric_find("budget_used");
    const gv_compare_config config = {.cells = market->cells,
                                      .cell_count = market->cell_count,
                                      .baseline_cells = market->cells,
                                      .baseline_cell_count = market->cell_count,
                                      .baseline = "pid",
                                      .metrics = metrics,
                                      .metric_count = 2,
                                      .block = {.kind = kind},
                                      .bootstrap = {.replicates = 400, .seed = 5},
                                      .interval = GV_INTERVAL_BCA,
                                      .level = 0.95};
    return gv_compare(&config, out);
}

/* Arm 1 is pid, arm 3 lp; each campaign and period is one pair. */
static void policies_are_compared_seat_by_seat(void **state)
{
    (void)state;
    league_market market = league_create(11, 5);
    double sum = 0;
    double lone = 0;
    for (size_t p = 0; p < 11; p++) {
        for (size_t s = 0; s < 5; s++) {
            const size_t pid = (p * LEAGUE_ARMS + 1) * 5 + s;
            const double gain =
                gv_cell_score(&market.cells[pid + 10]) - gv_cell_score(&market.cells[pid]);
            sum += gain;
            lone += s == 2 ? gain : 0;
        }
    }
    gv_comparisons *comparisons = NULL;
    assert_int_equal(compare(&market, GV_BLOCK_AUTO, &comparisons), GV_OK);
    assert_int_equal(comparisons->row_count, 6 * 7); /* the market itself has no pairs */
    const gv_comparison *pool = comparison_of(comparisons, NULL, "lp");
    assert_int_equal(pool->part_count, 55);
    assert_int_equal(pool->campaign_count, 5);
    assert_int_equal(pool->cluster_count, 11);
    assert_int_equal(pool->block.kind, GV_BLOCK_PERIOD);
    assert_close(pool->differences[0].difference.estimate, sum / 55, 1e-9);
    assert_int_equal(pool->differences[0].difference.state, GV_INTERVAL_GIVEN);
    const gv_comparison *single = comparison_of(comparisons, "a02", "lp");
    assert_int_equal(single->part_count, 11);
    assert_close(single->differences[0].difference.estimate, lone / 11, 1e-9);
    gv_comparisons_destroy(comparisons);

    assert_int_equal(compare(&market, GV_BLOCK_SEAT, &comparisons), GV_OK);
    assert_int_equal(comparison_of(comparisons, NULL, "lp")->cluster_count, 55);
    assert_close(comparison_of(comparisons, NULL, "lp")->differences[0].difference.estimate,
                 sum / 55, 1e-9);
    gv_comparisons_destroy(comparisons);
    league_destroy(&market);
}

/* Both draw the same clusters with the same seed, so they must agree to the bit. */
static void a_comparison_has_the_intervals_of_the_league(void **state)
{
    (void)state;
    league_market market = league_create(3, 7);
    gv_league_config config = config_of(market.cells, market.cell_count);
    gv_league *league = league_of(&config);
    gv_comparisons *comparisons = NULL;
    assert_int_equal(compare(&market, GV_BLOCK_SEAT, &comparisons), GV_OK);
    for (size_t p = 0; p < LEAGUE_POLICIES; p++) {
        const gv_league_row *row = row_of(&league->tables[1], league_policies[p]);
        const gv_difference *differences =
            comparison_of(comparisons, NULL, league_policies[p])->differences;
        assert_same_interval(&differences[0].value, &row->figures[GV_LEAGUE_SCORE]);
        assert_same_interval(&differences[1].value, &row->figures[GV_LEAGUE_BUDGET_USED]);
    }
    gv_comparisons_destroy(comparisons);
    gv_league_destroy(league);
    league_destroy(&market);
}

static void blocks_that_a_run_does_not_have_are_refused(void **state)
{
    (void)state;
    league_market market = league_create(1, 3);
    gv_comparisons *comparisons = NULL;
    assert_int_equal(compare(&market, GV_BLOCK_DAY, &comparisons), GV_EUSAGE);
    assert_non_null(strstr(gv_status_detail(), "a market is drawn in blocks of periods or seats"));
    fixture_cell replay;
    fixture_cell_fill(&replay, 0);
    replay.record.policy = "pid";
    const league_market other = {.cells = &replay.record, .cell_count = 1};
    assert_int_equal(compare(&other, GV_BLOCK_SEAT, &comparisons), GV_EUSAGE);
    assert_non_null(strstr(gv_status_detail(), "a replay is drawn in blocks of days"));
    league_destroy(&market);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_are_ratios_of_sums),
        cmocka_unit_test(without_budget_or_target_shares_are_undefined),
        cmocka_unit_test(a_whole_run_is_as_added_up_slowly),
        cmocka_unit_test(policies_with_the_same_seats_are_drawn_alike),
        cmocka_unit_test(whole_periods_hold_the_truth_where_seats_do_not),
        cmocka_unit_test(an_interval_is_as_wide_as_theory_says),
        cmocka_unit_test(replays_have_no_league),
        cmocka_unit_test(a_league_survives_every_allocation_failing),
        cmocka_unit_test(a_market_is_grouped_by_what_policies_met),
        cmocka_unit_test(policies_are_compared_seat_by_seat),
        cmocka_unit_test(a_comparison_has_the_intervals_of_the_league),
        cmocka_unit_test(blocks_that_a_run_does_not_have_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
