/* Expert episodes: against what a run of the same market gives, and against their own labels. */
#include <math.h>
#include <string.h>

#include "cmocka_all.h"
#include "scenarios/run/experts.h"
#include "scenarios/run/period.h"
#include "sim/base/mem.h"
#include "sim/base/money.h"
#include "sim/base/safetensors.h"
#include "sim/market/observation.h"
#include "test_folder.h"

enum { SEATS = 6, TICKS = 8, PERIODS = 3 };

static const char market_text[] =
    "name: small\n"
    "seed: 5\n"
    "market: {periods: 3, first_period: 40, ticks: 8, tick: 3h, contenders: [oracle_slot, mcpa]}\n"
    "traffic: {type: auctionnet, opportunities: 4000, value_mean: 0.02}\n"
    "mechanism: {type: second_price, reserve: 0.1 CPM}\n"
    "advertisers: {count: 6, categories: 2, budget: [60, 40, 90], cpa: [3], policies: [abid, "
    "mcpa]}\n"
    "policies: [{type: mcpa}, {type: abid}, {type: oracle_slot}]\n";

/* The same, with pupils and no one else. */
static const char pupil_text[] = "market.contenders=[mcpa]";

typedef struct made {
    gv_scenario *scenario;
    gv_composition *composition;
    gv_trajectories *set;
    gv_expert_summary summary;
    uint64_t hashes[PERIODS];
    gv_safetensors *file;
} made;

static void composed(const char *set, made *out)
{
    if (gv_scenario_parse("small.yaml", market_text, strlen(market_text), &set, set == NULL ? 0 : 1,
                          &out->scenario) != GV_OK ||
        gv_compose(out->scenario, 1, NULL, &out->composition) != GV_OK) {
        fail_msg("%s", gv_status_detail());
    }
}

static void make(void **state, const gv_expert_options *options, made *out)
{
    char path[TEST_PATH_SIZE];
    composed(pupil_text, out);
    if (gv_experts_make(out->composition, options, out->hashes, &out->set, &out->summary) !=
        GV_OK) {
        fail_msg("%s", gv_status_detail());
    }
    test_folder_path(*state, "experts.safetensors", path);
    assert_int_equal(gv_trajectories_write(out->set, path, "a test", NULL), GV_OK);
    assert_int_equal(gv_safetensors_open(path, &out->file), GV_OK);
}

static void unmake(made *all)
{
    gv_safetensors_close(all->file);
    gv_trajectories_destroy(all->set);
    gv_composition_destroy(all->composition);
    gv_scenario_destroy(all->scenario);
}

static const void *data_of(const gv_safetensors *file, const char *name)
{
    const gv_tensor *tensor = gv_safetensors_find(file, name);
    assert_non_null(tensor);
    return tensor->data;
}

static const gv_expert_options nominal = {.copies = 1,
                                          .budget_least = 1,
                                          .budget_most = 1,
                                          .cpa_least = (double)NAN,
                                          .cpa_most = (double)NAN,
                                          .jobs = 1};

/* ---- beside a run ---------------------------------------------------------------------------- */

/* What contenders got in a run, in the order of the period's cells. */
static gv_status keep_contenders(void *context, const gv_cell_record *records, size_t count)
{
    gv_trajectories *set = context;
    for (size_t i = SEATS; i < count; i++) {
        const gv_cell_record *cell = &records[i];
        const gv_trajectory_about about = {.period = cell->seat->period,
                                           .advertiser = (uint32_t)cell->campaign->number,
                                           .category = cell->seat->category,
                                           .budget_nanos = cell->campaign->budget_nanos,
                                           .cpa_nanos = cell->campaign->cpa_nanos};
        GV_TRY(gv_trajectories_add_seat(set, &about, cell->seat->ticks));
    }
    return GV_OK;
}

/* The file of a run's contenders: of each period oracle_slot in every seat, then mcpa. */
static gv_safetensors *run_contenders(void **state)
{
    char path[TEST_PATH_SIZE];
    made run = {.scenario = NULL};
    gv_safetensors *file = NULL;
    composed(NULL, &run);
    assert_int_equal(gv_trajectories_create(TICKS, &run.set), GV_OK);
    for (size_t index = 0; index < PERIODS; index++) {
        gv_period_notes notes = {.policy = NULL};
        const gv_period_job job = {.market = run.composition->market,
                                   .index = index,
                                   .notes = &notes,
                                   .finish = keep_contenders,
                                   .context = run.set};
        assert_int_equal(gv_period_run(&job), GV_OK);
    }
    test_folder_path(*state, "run.safetensors", path);
    assert_int_equal(gv_trajectories_write(run.set, path, "a test", NULL), GV_OK);
    assert_int_equal(gv_safetensors_open(path, &file), GV_OK);
    unmake(&run);
    return file;
}

/* Every number of episode i of one file and j of another. */
static void assert_same_episode(const gv_safetensors *one, size_t i, const gv_safetensors *other,
                                size_t j)
{
    static const char *const names[] = {"state",       "action",     "reward", "reward_continuous",
                                        "period",      "advertiser", "budget", "cpa",
                                        "conversions", "spend",      "score",  "category"};
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
        const gv_tensor *tensor = gv_safetensors_find(one, names[k]);
        assert_non_null(tensor);
        const size_t size = gv_tensor_size(tensor) / tensor->shape[0];
        assert_memory_equal((const unsigned char *)data_of(one, names[k]) + i * size,
                            (const unsigned char *)data_of(other, names[k]) + j * size, size);
    }
}

/* With the nominal budgets and CPAs experts and pupils do what contenders do in a run. */
static void nominal_episodes_are_those_of_a_run(void **state)
{
    made all = {.scenario = NULL};
    gv_safetensors *run = run_contenders(state);
    make(state, &nominal, &all);
    const uint8_t *expert = data_of(all.file, "expert");
    const int64_t *period = data_of(all.file, "period");
    const int64_t *advertiser = data_of(all.file, "advertiser");
    size_t expert_count = 0;
    for (size_t i = 0; i < gv_trajectories_count(all.set); i++) {
        const size_t first = (size_t)(period[i] - 40) * 2 * SEATS + (size_t)advertiser[i];
        const bool is_last =
            i + 1 == gv_trajectories_count(all.set) || advertiser[i + 1] != advertiser[i];
        if (expert[i] != 0) {
            assert_same_episode(all.file, i, run, first);
            expert_count++;
        }
        if (is_last) {
            assert_same_episode(all.file, i, run, first + SEATS);
        }
    }
    assert_int_equal(expert_count, all.summary.experts);
    assert_int_equal(all.summary.experts + all.summary.not_kept, PERIODS * SEATS);
    assert_int_equal(all.summary.pupils, PERIODS * SEATS);
    assert_true(expert_count > PERIODS);
    gv_safetensors_close(run);
    unmake(&all);
}

/* ---- by themselves --------------------------------------------------------------------------- */

static const gv_expert_options spread = {.copies = 4,
                                         .budget_least = 0.5,
                                         .budget_most = 1.5,
                                         .cpa_least = 2e9,
                                         .cpa_most = 4e9,
                                         .noise = 0.3,
                                         .jobs = 2};

/* Bids are cut to whole nanos, and lowered at last to what is left; else label and action agree. */
static void an_experts_actions_are_its_labels(void **state)
{
    made all = {.scenario = NULL};
    make(state, &spread, &all);
    const uint8_t *expert = data_of(all.file, "expert");
    const double *oracle = data_of(all.file, "oracle");
    const double *action = data_of(all.file, "action");
    size_t compared = 0;
    size_t apart = 0;
    for (size_t i = 0; i < gv_trajectories_count(all.set); i++) {
        for (size_t tick = 0; tick + 1 < TICKS; tick++) {
            const size_t at = i * TICKS + tick;
            assert_true(oracle[at] >= 0 && oracle[at] <= 8 * 4.0);
            if (expert[i] != 0) {
                compared++;
                apart += fabs(action[at] - oracle[at]) > 1e-6 * oracle[at];
            }
        }
    }
    assert_true(compared > 100);
    assert_true(apart * 20 < compared);
    unmake(&all);
}

/* Of each draw: log, the oracle where it was better, the noisy oracle, the pupil. */
static void draws_are_within_their_ranges_and_experts_beat_the_log(void **state)
{
    made all = {.scenario = NULL};
    make(state, &spread, &all);
    const uint8_t *expert = data_of(all.file, "expert");
    const double *budget = data_of(all.file, "budget");
    const double *cpa = data_of(all.file, "cpa");
    const double *score = data_of(all.file, "score");
    const int64_t *advertiser = data_of(all.file, "advertiser");
    static const double nominals[] = {60, 40, 90};
    double lowest = INFINITY;
    double highest = 0;
    for (size_t i = 0; i < gv_trajectories_count(all.set); i++) {
        const double share = budget[i] / nominals[advertiser[i] % 3];
        assert_true(share >= 0.5 && share <= 1.5 && cpa[i] >= 2 && cpa[i] <= 4);
        assert_true(expert[i] == 0 || (i > 0 && score[i] > score[i - 1] &&
                                       budget[i] == budget[i - 1] && cpa[i] == cpa[i - 1]));
        lowest = fmin(lowest, share);
        highest = fmax(highest, share);
    }
    const gv_expert_summary *sum = &all.summary;
    assert_true(lowest < 0.6 && highest > 1.4);
    assert_int_equal(sum->draws, PERIODS * SEATS * 4);
    assert_int_equal(gv_trajectories_count(all.set),
                     sum->draws + sum->experts + sum->noisy + sum->pupils);
    assert_true(sum->oracle_score > sum->log_score && sum->oracle_score > sum->pupil_score);
    assert_true(all.hashes[0] != all.hashes[1] && all.hashes[1] != all.hashes[2]);
    unmake(&all);
}

static void what_cannot_be_made_is_refused(void **state)
{
    (void)state;
    made all = {.scenario = NULL};
    composed(NULL, &all);
    assert_int_equal(gv_experts_make(all.composition, &nominal, all.hashes, &all.set, &all.summary),
                     GV_EUSAGE);
    assert_non_null(strstr(gv_status_detail(), "oracle_slot sees the future"));
    assert_null(all.set);
    unmake(&all);
    all = (made){.scenario = NULL};
    composed(pupil_text, &all);
    all.composition->market->advertisers[2].campaign.cpa_nanos = 0;
    assert_int_equal(gv_experts_make(all.composition, &nominal, all.hashes, &all.set, &all.summary),
                     GV_EUSAGE);
    assert_non_null(strstr(gv_status_detail(), "no CPA"));
    unmake(&all);
}

/* Each failing in turn: nothing is lost, and nothing left behind. */
static void failed_allocations_are_survived(void **state)
{
    (void)state;
    made all = {.scenario = NULL};
    composed(pupil_text, &all);
    gv_status status = GV_ENOMEM;
    for (int n = 0; status != GV_OK; n += 1 + n / 8) {
        gv_mem_fail_after(n);
        status = gv_experts_make(all.composition, &nominal, all.hashes, &all.set, &all.summary);
        gv_mem_fail_after(-1);
        assert_true(status == GV_OK || status == GV_ENOMEM);
        assert_true(n < 100000);
    }
    unmake(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nominal_episodes_are_those_of_a_run),
        cmocka_unit_test(an_experts_actions_are_its_labels),
        cmocka_unit_test(draws_are_within_their_ranges_and_experts_beat_the_log),
        cmocka_unit_test(what_cannot_be_made_is_refused),
        cmocka_unit_test(failed_allocations_are_survived),
    };
    return cmocka_run_group_tests(tests, test_folder_make, test_folder_remove);
}
