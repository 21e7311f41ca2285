/*
 * Batch-constrained Q-learning against itself written out (bcq_fixture.h): its losses, its steps
 * and its decisions.
 */
#include "bcq_fixture.h"
#include "policies/learn/batch_impl.h"
#include "policies/learn/bcq.h"

/* ---- losses, written out --------------------------------------------------------------------- */

/* The batch and the draws of the first step. */
typedef struct lesson {
    gv_transitions *batch;
    double encoded[BATCH * LATENT];
    double candidates[BATCH * SAMPLES * LATENT];
    double acted[BATCH * LATENT];
} lesson;

static double held(double x)
{
    return fmin(fmax(x, -0.5), 0.5);
}

static uint64_t draw_numbers(const gv_random *random, uint64_t at, size_t count, double *to)
{
    for (size_t i = 0; i < count; i++) {
        to[i] = gv_random_normal(random, at + i);
    }
    return at + count;
}

static void draw_lesson(const gv_dataset *dataset, const networks *of, lesson *out)
{
    const gv_transition_source source = {
        .dataset = dataset, .scaling = &of->scaling, .is_continuous = true, .seed = SEED};
    const gv_random random = gv_random_key(SEED, GV_STREAM_NOISE, 0);
    const size_t numbers = sizeof out->encoded / sizeof(double);
    uint64_t at = 0;
    assert_int_equal(gv_transitions_create(BATCH, &out->batch), GV_OK);
    gv_transitions_draw(out->batch, &source, 0);
    at = draw_numbers(&random, at, numbers, out->encoded);
    at = draw_numbers(&random, at, SAMPLES * numbers, out->candidates);
    (void)draw_numbers(&random, at, numbers, out->acted);
    for (size_t i = 0; i < SAMPLES * numbers; i++) {
        out->candidates[i] = held(out->candidates[i]);
    }
    for (size_t i = 0; i < numbers; i++) {
        out->acted[i] = held(out->acted[i]);
    }
}

static void row_of(const float *rows, size_t i, double state[GV_STATE_SIZE])
{
    for (size_t k = 0; k < GV_STATE_SIZE; k++) {
        state[k] = (double)rows[i * GV_STATE_SIZE + k];
    }
}

static double vae_loss(const networks *of, const lesson *one)
{
    double loss = 0;
    for (size_t i = 0; i < BATCH; i++) {
        double state[GV_STATE_SIZE];
        double x[WIDE] = {0};
        double y[WIDE] = {0};
        double mean[LATENT] = {0};
        double log_deviation[LATENT] = {0};
        double z[LATENT];
        const double action = (double)one->batch->actions[i];
        row_of(one->batch->states, i, state);
        join(state, &action, 1, x);
        hidden(of, "bcq.vae.encoder.trunk.0", x, y);
        hidden(of, "bcq.vae.encoder.trunk.2", y, x);
        linear(of, "bcq.vae.encoder.mean", x, mean);
        linear(of, "bcq.vae.encoder.log_deviation", x, log_deviation);
        for (size_t k = 0; k < LATENT; k++) {
            const double sigma = exp(fmin(fmax(log_deviation[k], -4), 15));
            z[k] = mean[k] + sigma * one->encoded[i * LATENT + k];
            const double kl = (mean[k] * mean[k] + sigma * sigma - 1) / 2 - log(sigma);
            loss += of->config.beta * kl / (BATCH * LATENT);
        }
        const double missed = generated(of, state, z, of->config.clamps_hidden) - action;
        loss += missed * missed / BATCH;
    }
    return loss;
}

/* Targets are those of the first step, where target networks are the networks. */
static double target_of(const networks *of, const lesson *one, size_t i)
{
    double next[GV_STATE_SIZE];
    double best = -HUGE_VAL;
    row_of(one->batch->nexts, i, next);
    for (size_t k = 0; k < SAMPLES; k++) {
        const double made =
            generated(of, next, one->candidates + (i * SAMPLES + k) * LATENT, false);
        const double action = perturbed(of, next, made);
        const double first = judged(of, "bcq.critic.1", next, action);
        const double second = judged(of, "bcq.critic.2", next, action);
        const double soft =
            of->config.lambda * fmin(first, second) + (1 - of->config.lambda) * fmax(first, second);
        best = fmax(best, soft);
    }
    return (double)one->batch->rewards[i] +
           of->config.gamma * (double)one->batch->goes_on[i] * best;
}

/* The square of the difference; of bins, the cross entropy with the two between which it lies. */
static double apart(const networks *of, const char *name, const double *state, double action,
                    double target)
{
    const double bins = (double)of->config.bins;
    double told[WIDE] = {0};
    double sum = 0;
    if (of->config.told == GV_BCQ_NUMBER) {
        return pow(judged(of, name, state, action) - target, 2);
    }
    tell(of, name, state, action, told);
    for (int64_t i = 0; i < of->config.bins; i++) {
        sum += exp(told[i]);
    }
    const double place = log1p(fmax(target, 0)) / 5 * (of->config.is_uneven ? bins : bins - 1);
    const size_t below = (size_t)place;
    const double share = place - (double)below;
    return log(sum) - (1 - share) * told[below] - share * told[below + 1];
}

static double critic_loss(const networks *of, const lesson *one, const double targets[BATCH])
{
    double loss = 0;
    for (size_t i = 0; i < BATCH; i++) {
        double state[GV_STATE_SIZE];
        const double action = (double)one->batch->actions[i];
        row_of(one->batch->states, i, state);
        loss += apart(of, "bcq.critic.1", state, action, targets[i]) / BATCH;
        loss += apart(of, "bcq.critic.2", state, action, targets[i]) / BATCH;
    }
    return loss;
}

static double actor_loss(const networks *of, const lesson *one)
{
    double loss = 0;
    for (size_t i = 0; i < BATCH; i++) {
        double state[GV_STATE_SIZE];
        row_of(one->batch->states, i, state);
        const double made = generated(of, state, one->acted + i * LATENT, false);
        loss -= judged(of, "bcq.critic.1", state, perturbed(of, state, made)) / BATCH;
    }
    return loss;
}

/* ---- learning -------------------------------------------------------------------------------- */

/* The defaults; the published critics; and the public code's faults, which change all of it. */
static const char *const mended[] = {NULL};
static const char *const binned[] = {"activation", "mish", "critics", "bins", NULL};
static const char *const faulty[] = {
    "activation", "mish",       "critics", "bins",         "uneven_bins", "on", "signed",
    "on",         "max_action", "100",     "clamp_hidden", "on",          NULL};
static const char *const *const variants[] = {mended, binned, faulty};

enum { VARIANTS = sizeof variants / sizeof variants[0] };

static void losses_are_those_written_out(void **state)
{
    gv_dataset *dataset = planted(state, plant_choice, 8, 3);
    for (size_t i = 0; i < VARIANTS; i++) {
        char path[TEST_PATH_SIZE];
        double losses[GV_LOSSES_MAX];
        double targets[BATCH];
        lesson one;
        learner_config config = tiny_config(variants[i]);
        set_value(&gv_learner_bcq, &config, "rate", "0");
        gv_learner *learner = learner_of(dataset, &config);
        export(state, learner, "start.safetensors", path);
        assert_int_equal(gv_learner_step(learner, losses), GV_OK);
        networks nets = read_networks(path);
        draw_lesson(dataset, &nets, &one);
        size_t ends = 0;
        for (size_t k = 0; k < BATCH; k++) {
            targets[k] = target_of(&nets, &one, k);
            ends += one.batch->goes_on[k] == 0;
        }
        printf("%zu: %g %g %g, %zu of %d transitions end\n", i, losses[0], losses[1], losses[2],
               ends, BATCH);
        assert_true(ends > 0 && ends < BATCH);
        assert_true(fabs(losses[0] - vae_loss(&nets, &one)) < 1e-5 * losses[0]);
        assert_true(fabs(losses[1] - critic_loss(&nets, &one, targets)) < 1e-5 * losses[1]);
        assert_true(fabs(losses[2] - actor_loss(&nets, &one)) < 2e-5);
        gv_transitions_destroy(one.batch);
        free_networks(&nets);
        gv_learner_destroy(learner);
    }
    gv_dataset_destroy(dataset);
}

/* The loss that trains a tensor of that name. */
static double loss_for(const char *name, const networks *of, const lesson *one,
                       const double targets[BATCH])
{
    if (strncmp(name, GV_BCQ_VAE, strlen(GV_BCQ_VAE)) == 0) {
        return vae_loss(of, one);
    }
    return strncmp(name, GV_BCQ_ACTOR, strlen(GV_BCQ_ACTOR)) == 0 ? actor_loss(of, one)
                                                                  : critic_loss(of, one, targets);
}

/*
 * Adam's first step moves a weight by the rate against the sign of its slope, whatever its size:
 * the sign that central differences give. Slopes near 0, and those at a kink, are passed over.
 */
static void goes_down(void **state, const char *const *values)
{
    static const double h = 1e-5;
    char path[TEST_PATH_SIZE];
    double losses[GV_LOSSES_MAX];
    double targets[BATCH];
    lesson one;
    gv_dataset *dataset = planted(state, plant_choice, 8, 3);
    learner_config config = tiny_config(values);
    set_value(&gv_learner_bcq, &config, "rate", "0.000001");
    gv_learner *learner = learner_of(dataset, &config);
    export(state, learner, "before.safetensors", path);
    networks nets = read_networks(path);
    assert_int_equal(gv_learner_step(learner, losses), GV_OK);
    export(state, learner, "after.safetensors", path);
    networks after = read_networks(path);
    draw_lesson(dataset, &nets, &one);
    for (size_t k = 0; k < BATCH; k++) {
        targets[k] = target_of(&nets, &one, k);
    }
    size_t checked = 0;
    for (size_t t = 0; t < nets.count; t++) {
        size_t of_tensor = 0;
        for (size_t k = 0; k < nets.tensor[t].count; k++) {
            double *number = &nets.tensor[t].numbers[k];
            const double kept = *number;
            *number = kept + h;
            const double above = loss_for(nets.tensor[t].name, &nets, &one, targets);
            *number = kept - h;
            const double below = loss_for(nets.tensor[t].name, &nets, &one, targets);
            *number = kept;
            const double slope = (above - below) / (2 * h);
            const double moved = after.tensor[t].numbers[k] - kept;
            if (fabs(slope) > 1e-4) {
                assert_true(fabs(moved + copysign(1e-6, slope)) < 1e-7);
                of_tensor++;
            }
        }
        checked += of_tensor;
    }
    printf("%zu weights of %zu tensors\n", checked, nets.count);
    assert_true(checked > 500);
    gv_transitions_destroy(one.batch);
    free_networks(&nets);
    free_networks(&after);
    gv_learner_destroy(learner);
    gv_dataset_destroy(dataset);
}

static void each_weight_goes_down_its_own_loss(void **state)
{
    goes_down(state, (const char *const[]){"activation", "mish", NULL});
    goes_down(state, binned);
}

/* Losses of the first step and of the tenth. */
static void lose(const gv_dataset *dataset, const char *tau, double losses[2][GV_LOSSES_MAX])
{
    const learner_config config = tiny_config((const char *const[]){"tau", tau, NULL});
    gv_learner *learner = learner_of(dataset, &config);
    assert_int_equal(gv_learner_step(learner, losses[0]), GV_OK);
    for (int step = 1; step < 10; step++) {
        assert_int_equal(gv_learner_step(learner, losses[1]), GV_OK);
    }
    gv_learner_destroy(learner);
}

/* Of the three losses the critics' alone looks at targets, at once; the actor's by way of them. */
static void targets_follow_at_tau(void **state)
{
    double still[2][GV_LOSSES_MAX];
    double at_once[2][GV_LOSSES_MAX];
    gv_dataset *dataset = planted(state, plant_choice, 8, 3);
    lose(dataset, "0", still);
    lose(dataset, "1", at_once);
    assert_memory_equal(still[0], at_once[0], 3 * sizeof(double));
    assert_true(still[1][0] == at_once[1][0]);
    assert_true(fabs(still[1][1] - at_once[1][1]) > 1e-3 * still[1][1]);
    gv_dataset_destroy(dataset);
}

/* ---- decisions ------------------------------------------------------------------------------- */

enum { ASKED = 40, CANDIDATES = 9 };

/* What bcq.h says, of a state as it is: the largest worth, and the action that has it. */
static double best_of(const networks *of, const double *state, const gv_random *draws,
                      uint64_t tick, double *action)
{
    float scaled[GV_STATE_SIZE];
    double seen[GV_STATE_SIZE];
    double best = -HUGE_VAL;
    gv_scaling_state(&of->scaling, state, scaled);
    row_of(scaled, 0, seen);
    for (uint64_t i = 0; i < CANDIDATES; i++) {
        double z[LATENT];
        for (uint64_t k = 0; k < LATENT; k++) {
            z[k] = held(gv_random_normal(draws, (tick * CANDIDATES + i) * LATENT + k));
        }
        const double one = perturbed(of, seen, generated(of, seen, z, false));
        const double worth = judged(of, "bcq.critic.1", seen, one);
        if (worth > best) {
            best = worth;
            *action = one * of->scaling.action_divisor;
        }
    }
    return best;
}

static void a_decision_is_the_best_of_its_candidates(void **state)
{
    gv_dataset *dataset = planted(state, plant_choice, 8, TICKS);
    for (size_t i = 0; i < VARIANTS; i++) {
        char path[TEST_PATH_SIZE];
        double losses[GV_LOSSES_MAX];
        gv_bcq *bcq = NULL;
        gv_bcq_hand *hand = NULL;
        const learner_config config = tiny_config(variants[i]);
        gv_learner *learner = learner_of(dataset, &config);
        for (int step = 0; step < 200; step++) {
            assert_int_equal(gv_learner_step(learner, losses), GV_OK);
        }
        export(state, learner, "taught.safetensors", path);
        gv_learner_destroy(learner);
        networks nets = read_networks(path);
        assert_int_equal(gv_bcq_open(path, CANDIDATES, &bcq), GV_OK);
        assert_int_equal(gv_bcq_ticks(bcq), TICKS);
        assert_int_equal(gv_bcq_hand_create(bcq, &hand), GV_OK);
        for (uint64_t k = 0; k < ASKED; k++) {
            double seen[GV_STATE_SIZE];
            double expected = 0;
            const gv_random draw = gv_random_key(99, GV_STREAM_TEST, k);
            const gv_random own = gv_random_key(5, GV_STREAM_CANDIDATE, k);
            planted_state(&draw, TICKS, k % TICKS, seen);
            (void)best_of(&nets, seen, &own, k % TICKS, &expected);
            const double found = gv_bcq_act(hand, seen, &own, k % TICKS);
            assert_true(fabs(found - expected) < 1e-3 * fabs(expected));
            assert_true(found == gv_bcq_act(hand, seen, &own, k % TICKS));
        }
        gv_bcq_hand_destroy(hand);
        gv_bcq_close(bcq);
        free_networks(&nets);
    }
    gv_dataset_destroy(dataset);
}

/* Actions of a taught network in states that it has not seen. */
static void ask(void **state, planting plant, const char *const *values, size_t candidates,
                double states[ASKED][GV_STATE_SIZE], double actions[ASKED])
{
    char path[TEST_PATH_SIZE];
    double losses[GV_LOSSES_MAX];
    gv_bcq *bcq = NULL;
    gv_bcq_hand *hand = NULL;
    gv_dataset *dataset = planted(state, plant, 60, TICKS);
    learner_config config = tiny_config(values);
    set_value(&gv_learner_bcq, &config, "hidden_1", "32");
    set_value(&gv_learner_bcq, &config, "hidden_2", "32");
    set_value(&gv_learner_bcq, &config, "vae", "32");
    set_value(&gv_learner_bcq, &config, "batch", "64");
    set_value(&gv_learner_bcq, &config, "rate", "0.002");
    gv_learner *learner = learner_of(dataset, &config);
    for (int step = 0; step < 2000; step++) {
        assert_int_equal(gv_learner_step(learner, losses), GV_OK);
    }
    export(state, learner, "asked.safetensors", path);
    gv_learner_destroy(learner);
    assert_int_equal(gv_bcq_open(path, candidates, &bcq), GV_OK);
    assert_int_equal(gv_bcq_hand_create(bcq, &hand), GV_OK);
    for (uint64_t k = 0; k < ASKED; k++) {
        const gv_random draw = gv_random_key(99, GV_STREAM_TEST, k);
        const gv_random own = gv_random_key(5, GV_STREAM_CANDIDATE, k);
        planted_state(&draw, TICKS, k % TICKS, states[k]);
        actions[k] = gv_bcq_act(hand, states[k], &own, k % TICKS);
    }
    gv_bcq_hand_destroy(hand);
    gv_bcq_close(bcq);
    gv_dataset_destroy(dataset);
}

/* Unperturbed and with nothing to choose from, it does what was done. */
static void the_generator_clones(void **state)
{
    static const char *const values[] = {"phi", "0", NULL};
    double states[ASKED][GV_STATE_SIZE];
    double actions[ASKED];
    double error = 0;
    ask(state, plant_policy, values, 1, states, actions);
    for (size_t i = 0; i < ASKED; i++) {
        error += fabs(actions[i] - planted_policy(states[i])) / ASKED;
    }
    printf("generator: mean error %.2f\n", error);
    assert_true(error < 3);
}

static double mean_choice(void **state, const char *beta, const char *phi, size_t candidates,
                          double *largest)
{
    const char *const values[] = {"gamma", "0.5", "beta", beta, "phi", phi, NULL};
    double states[ASKED][GV_STATE_SIZE];
    double actions[ASKED];
    double mean = 0;
    ask(state, plant_choice, values, candidates, states, actions);
    *largest = 0;
    for (size_t i = 0; i < ASKED; i++) {
        mean += actions[i] / ASKED;
        *largest = fmax(*largest, actions[i]);
    }
    printf("phi %s, %zu candidates: mean action %.2f\n", phi, candidates, mean);
    return mean;
}

/* Of two behaviours, 50 and the better 100, one candidate is either; of many the better is bid. */
static void the_critic_chooses_the_better_of_what_was_done(void **state)
{
    double largest = 0;
    const double any = mean_choice(state, "0.005", "0", 1, &largest);
    assert_true(any > 60 && any < 90);
    const double best = mean_choice(state, "0.005", "0", 100, &largest);
    assert_true(best > any + 10);
    assert_true(largest < 110);
}

/* The same state: another campaign and another tick have other candidates, another asking none. */
static void draws_are_keyed_by_campaign_and_tick(void **state)
{
    char path[TEST_PATH_SIZE];
    gv_bcq *bcq = NULL;
    gv_bcq_hand *hand = NULL;
    double seen[GV_STATE_SIZE];
    gv_dataset *dataset = planted(state, plant_choice, 8, TICKS);
    const learner_config config = tiny_config(mended);
    gv_learner *learner = learner_of(dataset, &config);
    export(state, learner, "keyed.safetensors", path);
    assert_int_equal(gv_bcq_open(path, 3, &bcq), GV_OK);
    assert_int_equal(gv_bcq_hand_create(bcq, &hand), GV_OK);
    const gv_random draw = gv_random_key(99, GV_STREAM_TEST, 0);
    const gv_random first = gv_random_key(5, GV_STREAM_CANDIDATE, 1);
    const gv_random second = gv_random_key(5, GV_STREAM_CANDIDATE, 2);
    planted_state(&draw, TICKS, 3, seen);
    const double action = gv_bcq_act(hand, seen, &first, 3);
    assert_true(gv_bcq_act(hand, seen, &second, 3) != action);
    assert_true(gv_bcq_act(hand, seen, &first, 4) != action);
    assert_true(gv_bcq_act(hand, seen, &first, 3) == action);
    gv_bcq_hand_destroy(hand);
    gv_bcq_close(bcq);
    gv_learner_destroy(learner);
    gv_dataset_destroy(dataset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(losses_are_those_written_out),
        cmocka_unit_test(each_weight_goes_down_its_own_loss),
        cmocka_unit_test(targets_follow_at_tau),
        cmocka_unit_test(a_decision_is_the_best_of_its_candidates),
        cmocka_unit_test(the_generator_clones),
        cmocka_unit_test(the_critic_chooses_the_better_of_what_was_done),
        cmocka_unit_test(draws_are_keyed_by_campaign_and_tick),
    };
    return cmocka_run_group_tests(tests, test_folder_make, test_folder_remove);
}
