/* The training loop: what it judges, keeps, tells and saves; and that killing changes nothing. */
#include <signal.h>
#include <sys/wait.h>

#include "learner_fixture.h"
#include "policies/learn/learners_impl.h"
#include "policies/learn/train.h"
#include "sim/base/file.h"
#include "test_random.h"
#include "trajectory_fixture.h"

enum { STEPS = 60, ROWS_MAX = 64 };

/* A training with all that it needs, and what it told. */
typedef struct rehearsal {
    gv_dataset *dataset;
    learner_config config;
    char path[TEST_PATH_SIZE];
    gv_train_row rows[ROWS_MAX];
    size_t row_count;
    size_t judged;
    uint64_t stop_after; /* reports; UINT64_MAX: never */
    uint64_t stop_judge; /* the judgement that asks to stop; UINT64_MAX: none */
} rehearsal;

static bool report(void *context, const char *what, uint64_t done, uint64_t total)
{
    rehearsal *self = context;
    assert_non_null(what);
    assert_true(done <= total);
    return self->stop_after-- > 0;
}

/* Best after 20 steps, then worse: a function of the step alone, read off the file's own note. */
static gv_status judge(void *context, const char *weights_path, double *score)
{
    rehearsal *self = context;
    gv_safetensors *file = NULL;
    if (self->stop_judge-- == 0) {
        return GV_FAIL(GV_ESTOPPED, "stopped while judging");
    }
    assert_int_equal(gv_safetensors_open(weights_path, &file), GV_OK);
    const long step = strtol(gv_safetensors_note(file, "trained.step"), NULL, 10);
    gv_safetensors_close(file);
    *score = (double)(step <= 20 ? step : 40 - step);
    self->judged++;
    return GV_OK;
}

static void tell(void *context, const gv_train_row *row)
{
    rehearsal *self = context;
    assert_true(self->row_count < ROWS_MAX);
    self->rows[self->row_count++] = *row;
}

static void rehearse_open(void **state, const gv_learner_type *type, rehearsal *self)
{
    const planted_set set = {
        .plant = plant_choice, .episodes = 6, .ticks = 48, .teach = planted_oracle, .expert = 1};
    char path[TEST_PATH_SIZE];
    const char *const paths[] = {path};
    *self = (rehearsal){.stop_after = UINT64_MAX, .stop_judge = UINT64_MAX};
    test_folder_path(*state, "planted.safetensors", path);
    test_folder_path(*state, "out.safetensors", self->path);
    planted_write(&set, path);
    assert_int_equal(gv_dataset_open(paths, 1, &self->dataset), GV_OK);
    self->config = smallest_config(type);
}

static gv_train_config plan_of(const gv_learner_type *type, rehearsal *self,
                               const gv_progress *progress)
{
    return (gv_train_config){
        .type = type,
        .setup = {.config = &self->config, .dataset = self->dataset, .seed = 3, .jobs = 1},
        .steps = STEPS,
        .report_step = 10,
        .save_step = 7,
        .judge_step = 10,
        .path = self->path,
        .version = "test",
        .tell = tell,
        .context = self,
        .progress = progress};
}

static gv_file_map map_of(const char *path)
{
    gv_file_map map = {0};
    assert_int_equal(gv_file_map_open(path, &map), GV_OK);
    return map;
}

/* The weights of a training that nobody disturbed; the caller unmaps. */
static gv_file_map undisturbed(void **state, const gv_learner_type *type, rehearsal *self,
                               bool is_judged)
{
    char path[TEST_PATH_SIZE];
    gv_train_result result;
    gv_train_config plan = plan_of(type, self, NULL);
    test_folder_path(*state, "whole.safetensors", path);
    plan.path = path;
    plan.judge = is_judged ? judge : NULL;
    assert_int_equal(gv_train(&plan, &result), GV_OK);
    assert_int_equal(result.steps, STEPS);
    self->row_count = 0;
    return map_of(path);
}

static void assert_same(const char *path, const gv_file_map *expected)
{
    gv_file_map found = map_of(path);
    assert_int_equal(found.size, expected->size);
    assert_memory_equal(found.bytes, expected->bytes, found.size);
    gv_file_map_close(&found);
}

static void the_best_weights_are_kept(void **state)
{
    rehearsal self;
    gv_train_result result;
    rehearse_open(state, &gv_learner_bc, &self);
    gv_train_config plan = plan_of(&gv_learner_bc, &self, NULL);
    plan.judge = judge;
    assert_int_equal(gv_train(&plan, &result), GV_OK);
    assert_true(result.is_judged && !result.is_early);
    assert_int_equal(result.best_step, 20);
    assert_true(result.best_score == 20);
    assert_int_equal(self.row_count, 6);
    assert_true(self.rows[0].is_best && self.rows[1].is_best && !self.rows[2].is_best);
    assert_true(self.rows[5].step == STEPS && self.rows[5].score == -20);
    gv_safetensors *file = NULL;
    assert_int_equal(gv_safetensors_open(self.path, &file), GV_OK);
    assert_string_equal(gv_safetensors_note(file, "trained.step"), "20");
    gv_safetensors_close(file);
    gv_dataset_destroy(self.dataset);
}

static void patience_runs_out(void **state)
{
    rehearsal self;
    gv_train_result result;
    rehearse_open(state, &gv_learner_bc, &self);
    gv_train_config plan = plan_of(&gv_learner_bc, &self, NULL);
    plan.judge = judge;
    plan.patience = 2;
    assert_int_equal(gv_train(&plan, &result), GV_OK);
    assert_true(result.is_early);
    assert_int_equal(result.steps, 40);
    assert_int_equal(result.best_step, 20);
    gv_dataset_destroy(self.dataset);
}

/* Stopped by report or in a judgement, again and again, and resumed: the same file and rows. */
static void stops_change_nothing(void **state)
{
    test_random random = test_random_seeded();
    rehearsal self;
    rehearse_open(state, &gv_learner_iql, &self);
    gv_file_map whole = undisturbed(state, &gv_learner_iql, &self, true);
    for (int c = 0; c < 3; c++) {
        const gv_progress progress = {report, &self};
        gv_train_result result;
        gv_train_config plan = plan_of(&gv_learner_iql, &self, &progress);
        gv_status status = GV_ESTOPPED;
        plan.judge = judge;
        self.row_count = 0;
        for (int run = 0; status == GV_ESTOPPED; run++) {
            plan.resume = run > 0;
            self.stop_after = (uint64_t)test_random_below(&random, 40);
            self.stop_judge = (uint64_t)test_random_below(&random, 3);
            if (run > 5) {
                self.stop_after = UINT64_MAX;
                self.stop_judge = UINT64_MAX;
            }
            status = gv_train(&plan, &result);
        }
        assert_int_equal(status, GV_OK);
        assert_int_equal(result.best_step, 20);
        assert_int_equal(self.row_count, 6);
        for (size_t i = 0; i < self.row_count; i++) {
            assert_int_equal(self.rows[i].step, 10 * (i + 1));
        }
        assert_same(self.path, &whole);
    }
    gv_file_map_close(&whole);
    gv_dataset_destroy(self.dataset);
}

/* In a process of its own, which dies without a word after `reports` reports. */
typedef struct death {
    uint64_t reports;
} death;

static bool die(void *context, const char *what, uint64_t done, uint64_t total)
{
    death *self = context;
    (void)what;
    (void)done;
    (void)total;
    if (self->reports-- == 0) {
        (void)kill(getpid(), SIGKILL);
    }
    return true;
}

static void train_and_die(const gv_train_config *plan, uint64_t reports)
{
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        death end = {reports};
        const gv_progress progress = {die, &end};
        gv_train_config mortal = *plan;
        gv_train_result result;
        mortal.progress = &progress;
        _exit(gv_train(&mortal, &result) == GV_OK ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) ||
                (WIFEXITED(status) && WEXITSTATUS(status) == 0));
}

static void killed_and_resumed_it_gives_the_same_bytes(void **state)
{
    test_random random = test_random_seeded();
    for (size_t i = 0; gv_learner_types[i] != NULL; i++) {
        rehearsal self;
        gv_train_result result;
        rehearse_open(state, gv_learner_types[i], &self);
        gv_file_map whole = undisturbed(state, gv_learner_types[i], &self, false);
        gv_train_config plan = plan_of(gv_learner_types[i], &self, NULL);
        for (int run = 0; run < 3; run++) {
            plan.resume = run > 0;
            train_and_die(&plan, (uint64_t)test_random_below(&random, 30));
        }
        plan.resume = true;
        assert_int_equal(gv_train(&plan, &result), GV_OK);
        assert_int_equal(result.steps, STEPS);
        assert_same(self.path, &whole);
        gv_file_map_close(&whole);
        gv_dataset_destroy(self.dataset);
    }
}

/* A finished training can go on: 40 steps and 20 more are 60. */
static void more_steps_go_on(void **state)
{
    rehearsal self;
    gv_train_result result;
    rehearse_open(state, &gv_learner_bc, &self);
    gv_file_map whole = undisturbed(state, &gv_learner_bc, &self, false);
    gv_train_config plan = plan_of(&gv_learner_bc, &self, NULL);
    plan.steps = 40;
    assert_int_equal(gv_train(&plan, &result), GV_OK);
    plan.steps = STEPS;
    plan.resume = true;
    assert_int_equal(gv_train(&plan, &result), GV_OK);
    assert_int_equal(result.first_step, 40);
    assert_same(self.path, &whole);
    gv_file_map_close(&whole);
    gv_dataset_destroy(self.dataset);
}

/* What was saved before a loss that is no number stays. */
static void a_spoilt_step_leaves_the_last_save(void **state)
{
    rehearsal self;
    gv_train_result result;
    rehearse_open(state, &gv_learner_bc, &self);
    const gv_param *rate = gv_param_find(gv_learner_bc.info.params, "rate");
    gv_train_config plan = plan_of(&gv_learner_bc, &self, NULL);
    plan.steps = 7;
    assert_int_equal(gv_train(&plan, &result), GV_OK);
    gv_file_map good = map_of(self.path);
    assert_int_equal(gv_param_parse(rate, "1e6", 0, &self.config), GV_OK);
    plan.steps = 5000;
    plan.save_step = 5000;
    assert_int_equal(gv_train(&plan, &result), GV_EINVAL);
    assert_non_null(strstr(gv_status_detail(), "bc, step "));
    assert_non_null(strstr(gv_status_detail(), "not finite"));
    assert_same(self.path, &good);
    gv_file_map_close(&good);
    gv_dataset_destroy(self.dataset);
}

static void a_foreign_resume_is_refused(void **state)
{
    rehearsal self;
    gv_train_result result;
    rehearse_open(state, &gv_learner_bc, &self);
    gv_train_config plan = plan_of(&gv_learner_bc, &self, NULL);
    assert_int_equal(gv_train(&plan, &result), GV_OK);
    plan.setup.seed = 4;
    plan.resume = true;
    assert_int_equal(gv_train(&plan, &result), GV_ECORRUPT);
    assert_non_null(strstr(gv_status_detail(), "out.safetensors.resume"));
    assert_non_null(strstr(gv_status_detail(), "\"seed=3\", and this training has \"seed=4\""));
    assert_non_null(strstr(gv_status_detail(), "without --resume"));
    gv_dataset_destroy(self.dataset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_weights_are_kept),
        cmocka_unit_test(patience_runs_out),
        cmocka_unit_test(stops_change_nothing),
        cmocka_unit_test(killed_and_resumed_it_gives_the_same_bytes),
        cmocka_unit_test(more_steps_go_on),
        cmocka_unit_test(a_spoilt_step_leaves_the_last_save),
        cmocka_unit_test(a_foreign_resume_is_refused),
    };
    return cmocka_run_group_tests(tests, test_folder_make, test_folder_remove);
}
