/* The discriminator of EBaReT: its prior, its risk, whom it tells apart. */
#include "expert_fixture.h"
#include "policies/learn/discriminator_impl.h"

static void assert_near(double found, double expected, double error)
{
    if (!(fabs(found - expected) <= error)) {
        fail_msg("%.9g, expected %.9g within %g", found, expected, error);
    }
}

static void the_prior_is_the_share_of_the_log_near_the_oracle(void **state)
{
    gv_dataset *dataset = dataset_of(state, plant_experts, 60, 3);
    gv_dataset *alike = dataset_of(state, plant_alike, 6, 3);
    gv_dataset *unknown = dataset_of(state, plant_alike, 6, 0);
    /* 0.3 of the log is near, and of a normal of 0.05 within a tenth 0.954 of that. */
    assert_near(gv_judge_prior(dataset), 0.3 * 0.954, 0.03);
    assert_near(gv_judge_prior(alike), 0.5, 0);
    assert_near(gv_judge_prior(unknown), 0.2, 0);
    gv_dataset_destroy(dataset);
    gv_dataset_destroy(alike);
    gv_dataset_destroy(unknown);
}

typedef struct bench_of {
    gv_params *params;
    gv_pool *pools[GV_POOL_KINDS];
    gv_scaling scaling;
    gv_judge_course course;
    gv_objective *objective;
} bench_of;

/* Trains a discriminator alone; returns the least risk that it met. */
static double train_judge(bench_of *bench, const gv_dataset *dataset, double prior, size_t steps)
{
    const gv_scaling_config scaling = {.kind = GV_SCALING_ZSCORE};
    double least = HUGE_VAL;
    bench->scaling = gv_scaling_fit(dataset, &scaling);
    assert_int_equal(gv_params_create(GV_F32, &bench->params), GV_OK);
    for (int kind = 0; kind < GV_POOL_KINDS; kind++) {
        assert_int_equal(gv_pool_create(dataset, (gv_pool_kind)kind, &bench->pools[kind]), GV_OK);
    }
    bench->course = (gv_judge_course){.dataset = dataset,
                                      .scaling = &bench->scaling,
                                      .pools = bench->pools,
                                      .seed = 2,
                                      .hidden = 32,
                                      .prior = prior};
    gv_objective_config config = gv_judge_objective(&bench->course, 128, 0.002);
    config.params = bench->params;
    config.shards = 1;
    config.jobs = 1;
    assert_int_equal(gv_objective_build(&config, &bench->objective), GV_OK);
    assert_int_equal(gv_params_draw(bench->params, 5), GV_OK);
    assert_int_equal(gv_objective_begin(bench->objective), GV_OK);
    for (size_t i = 0; i < steps; i++) {
        double risk = 0;
        assert_int_equal(gv_objective_run(bench->objective, &risk), GV_OK);
        least = fmin(least, risk);
    }
    return least;
}

static void drop_judge(bench_of *bench)
{
    gv_objective_destroy(bench->objective);
    gv_pool_destroy(bench->pools[GV_POOL_EXPERTS]);
    gv_pool_destroy(bench->pools[GV_POOL_LOG]);
    gv_params_destroy(bench->params);
}

enum { ASKED = 600 };

/* What it says of transitions of a dataset, and whose they are. */
static void ask_judge(const bench_of *bench, const gv_dataset *dataset, float *said,
                      bool *is_expert)
{
    gv_judge *judge = NULL;
    gv_judge_course course = bench->course;
    course.dataset = dataset;
    assert_int_equal(gv_judge_open(bench->params, 32, &judge), GV_OK);
    for (size_t i = 0; i < ASKED; i++) {
        float x[GV_JUDGE_INPUTS];
        const gv_place place = gv_dataset_draw(dataset, 8, 1, i);
        gv_judge_case_of(&course, place, x);
        gv_judge_rate(judge, x, 1, &said[i]);
        is_expert[i] = gv_dataset_at(dataset, place.episode)->is_expert;
    }
    gv_judge_close(judge);
}

static void of_experts_like_the_log_it_says_the_prior(void **state)
{
    float said[ASKED];
    bool is_expert[ASKED];
    bench_of bench = {.params = NULL};
    gv_dataset *dataset = dataset_of(state, plant_alike, 600, 3);
    const double least = train_judge(&bench, dataset, 0.3, 400);
    double mean = 0;
    ask_judge(&bench, dataset, said, is_expert);
    for (size_t i = 0; i < ASKED; i++) {
        mean += (double)said[i] / ASKED;
    }
    printf("P = U, prior 0.3: mean %.3f, least risk %.3f\n", mean, least);
    assert_near(mean, 0.3, 0.05);
    assert_true(least >= 0);
    drop_judge(&bench);
    gv_dataset_destroy(dataset);
}

static double area_under_curve(const float *said, const bool *is_expert)
{
    double above = 0;
    double pairs = 0;
    for (size_t i = 0; i < ASKED; i++) {
        for (size_t k = 0; is_expert[i] && k < ASKED; k++) {
            if (!is_expert[k]) {
                pairs += 1;
                above += said[i] > said[k] ? 1 : 0;
                above += said[i] == said[k] ? 0.5 : 0;
            }
        }
    }
    return above / pairs;
}

/* Half a log of obvious laymen is told apart; over-fitted as far as it goes the risk stays. */
static void it_tells_experts_apart_in_periods_that_it_has_not_seen(void **state)
{
    float said[ASKED];
    bool is_expert[ASKED];
    bench_of bench = {.params = NULL};
    gv_dataset *all = dataset_of(state, plant_experts, 180, 3);
    gv_dataset *training = NULL;
    gv_dataset *held = NULL;
    assert_int_equal(gv_dataset_split(all, 0.3, GV_PART_TRAINING, &training), GV_OK);
    assert_int_equal(gv_dataset_split(all, 0.3, GV_PART_VALIDATION, &held), GV_OK);
    const double least = train_judge(&bench, training, gv_judge_prior(training), 400);
    ask_judge(&bench, held, said, is_expert);
    const double area = area_under_curve(said, is_expert);
    printf("held-out AUC %.3f (at most 0.85 can be reached), least risk %.4f\n", area, least);
    assert_true(area > 0.7);
    assert_true(least >= 0);
    drop_judge(&bench);
    gv_dataset_destroy(training);
    gv_dataset_destroy(held);
    gv_dataset_destroy(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_prior_is_the_share_of_the_log_near_the_oracle),
        cmocka_unit_test(of_experts_like_the_log_it_says_the_prior),
        cmocka_unit_test(it_tells_experts_apart_in_periods_that_it_has_not_seen),
    };
    return cmocka_run_group_tests(tests, test_folder_make, test_folder_remove);
}
