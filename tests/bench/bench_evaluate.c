/*
 * Off-policy evaluation of a million logged rounds: every estimator with its bootstrap, beside Open
 * Bandit Pipeline on the same arrays. PYTHON names a Python that has it.
 */
#include <fcntl.h>
#include <math.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/timing.h"
#include "sim/base/mem.h"
#include "sim/base/random.h"
#include "sim/base/safetensors.h"
#include "sim/estimate/evaluation.h"

enum {
    COUNT = 1000000,
    ACTIONS = 10,
    DEVICES = 4,
    SITES = 30,
    TOGETHER = 5, /* rounds of a user */
    REPLICATES = 1000,
    TURNS = 5,
    PATH_SIZE = 512,
    WORD_SIZE = 32,
};

typedef struct bench_log {
    uint32_t *actions;
    uint32_t *devices;
    uint32_t *sites;
    uint32_t *users;
    double *rewards;
    double *propensities;
    double policy[ACTIONS];
    double *logged; /* modelled values, as the peer is handed them */
    double *values;
    gv_values given;
    gv_rounds rounds;
    gv_target target;
    gv_evaluation_config config;
    gv_evaluation result;
} bench_log;

static const double penalty = 1;
static const double bound = 10;
static const double lambda = 100;

static const void *config_of(const gv_estimator_type *type)
{
    const char *name = type->info.name;
    if (type->info.params == NULL) {
        return NULL;
    }
    return strcmp(name, "clipped_ips") == 0 || strcmp(name, "switch") == 0 ? &bound : &lambda;
}

/* The less of two draws is the action: the first ones are far more frequent. */
static void draw_round(bench_log *log, size_t i)
{
    const gv_random random = gv_random_key(1, GV_STREAM_TEST, i);
    const uint64_t one = gv_random_below(&random, 0, ACTIONS);
    const uint64_t two = gv_random_below(&random, 1, ACTIONS);
    const uint64_t action = one < two ? one : two;
    log->actions[i] = (uint32_t)action;
    log->devices[i] = (uint32_t)gv_random_below(&random, 2, DEVICES);
    log->sites[i] = (uint32_t)gv_random_below(&random, 3, SITES);
    log->users[i] = (uint32_t)(i / TOGETHER);
    log->propensities[i] = (double)(2 * (ACTIONS - action) - 1) / (ACTIONS * ACTIONS);
    const double chance = 0.01 * (1 + 0.2 * (double)action + 0.1 * (double)log->devices[i]);
    log->rewards[i] = gv_random_bernoulli(&random, 4, chance) ? 1 : 0;
}

static void make(bench_log *log)
{
    static const void *configs[GV_EVALUATION_ESTIMATORS_MAX];
    log->actions = gv_mem_alloc(0, COUNT, sizeof(uint32_t));
    log->devices = gv_mem_alloc(0, COUNT, sizeof(uint32_t));
    log->sites = gv_mem_alloc(0, COUNT, sizeof(uint32_t));
    log->users = gv_mem_alloc(0, COUNT, sizeof(uint32_t));
    log->rewards = gv_mem_alloc(0, COUNT, sizeof(double));
    log->propensities = gv_mem_alloc(0, COUNT, sizeof(double));
    assert(log->actions != NULL && log->devices != NULL && log->sites != NULL);
    log->logged = gv_mem_alloc(0, COUNT, sizeof(double));
    log->values = gv_mem_alloc(0, COUNT, sizeof(double));
    log->given = (gv_values){.logged = log->logged, .target = log->values};
    assert(log->logged != NULL && log->values != NULL);
    assert(log->users != NULL && log->rewards != NULL && log->propensities != NULL);
    for (size_t i = 0; i < COUNT; i++) {
        draw_round(log, i);
    }
    for (size_t a = 0; a < ACTIONS; a++) {
        log->policy[a] = 1.0 / ACTIONS;
    }
    log->rounds = (gv_rounds){.count = COUNT,
                              .action_count = ACTIONS,
                              .actions = log->actions,
                              .rewards = log->rewards,
                              .propensities = log->propensities,
                              .clusters = log->users,
                              .cluster_count = COUNT / TOGETHER,
                              .contexts = {log->devices, log->sites},
                              .level_counts = {DEVICES, SITES},
                              .context_count = 2};
    log->target = (gv_target){.table = log->policy, .row_count = 1};
    log->config = (gv_evaluation_config){
        .rounds = &log->rounds,
        .target = &log->target,
        .types = gv_estimator_types,
        .type_configs = configs,
        .fit = {.model = &gv_value_logistic, .model_config = &penalty, .fold_count = 3, .seed = 1},
        .bootstrap = {.replicates = REPLICATES, .seed = 1},
        .level = 0.95,
        .cluster_max = 2000,
        .weight_most = (double)NAN,
        .reward_low = 0,
        .reward_high = 1,
    };
    for (size_t e = 0; gv_estimator_types[e] != NULL; e++) {
        configs[e] = config_of(gv_estimator_types[e]);
        log->config.type_count = e + 1;
    }
}

static void evaluate(void *context)
{
    bench_log *log = context;
    const gv_status status = gv_evaluate(&log->config, &log->result);
    assert(status == GV_OK);
}

/* --- the peer ------------------------------------------------------------------------------ */

typedef struct peer {
    char version[WORD_SIZE];                      /* "": not there */
    double seconds[GV_EVALUATION_ESTIMATORS_MAX]; /* by estimator; 0: it has none such */
    double values[GV_EVALUATION_ESTIMATORS_MAX];
} peer;

static bool write_input(bench_log *log, const char *path)
{
    double *q = gv_mem_alloc(0, (size_t)COUNT * ACTIONS, sizeof *q);
    double *rows = gv_mem_alloc(0, COUNT, sizeof *rows);
    assert(q != NULL && rows != NULL);
    const gv_values values = {.all = q, .logged = log->logged, .target = log->values};
    gv_status status = gv_cross_fit(&log->config.fit, &log->rounds, &log->target, &values);
    assert(status == GV_OK);
    const gv_tensor tensors[] = {
        {"reward", GV_TENSOR_F64, 1, {COUNT}, log->rewards},
        {"propensity", GV_TENSOR_F64, 1, {COUNT}, log->propensities},
        {"row", GV_TENSOR_F64, 1, {COUNT}, rows},
        {"policy", GV_TENSOR_F64, 2, {1, ACTIONS}, log->policy},
        {"value", GV_TENSOR_F64, 2, {COUNT, ACTIONS}, q},
        {"action", GV_TENSOR_U32, 1, {COUNT}, log->actions},
    };
    status = gv_safetensors_write(path, tensors, sizeof tensors / sizeof tensors[0], NULL, 0);
    gv_mem_free(q);
    gv_mem_free(rows);
    return status == GV_OK;
}

static void read_line(peer *of, char *line)
{
    char *rest = NULL;
    const char *name = strtok_r(line, " \n", &rest);
    const char *first = strtok_r(NULL, " \n", &rest);
    const char *second = strtok_r(NULL, " \n", &rest);
    if (name == NULL || first == NULL) {
        return;
    }
    if (strcmp(name, "version") == 0) {
        (void)snprintf(of->version, sizeof of->version, "%s", first);
    }
    for (size_t e = 0; gv_estimator_types[e] != NULL && second != NULL; e++) {
        if (strcmp(gv_estimator_types[e]->info.name, name) == 0) {
            of->seconds[e] = strtod(first, NULL);
            of->values[e] = strtod(second, NULL);
        }
    }
}

static void run_python(char *python, char *input, const char *output)
{
    char script[] = "tests/bench/bench_evaluate.py";
    char replicates[WORD_SIZE];
    (void)snprintf(replicates, sizeof replicates, "%d", REPLICATES);
    char *const argv[] = {python, script, input, replicates, NULL};
    posix_spawn_file_actions_t actions;
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output,
                                           O_WRONLY | O_CREAT | O_TRUNC, 0600);
    (void)posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t child = 0;
    if (posix_spawnp(&child, python, &actions, NULL, argv, environ) == 0) {
        (void)waitpid(child, NULL, 0);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
}

static void ask_peer(bench_log *log, peer *of)
{
    char debian[] = "/usr/bin/python3";
    char *python = getenv("PYTHON");
    const char *temporary = getenv("TMPDIR");
    char folder[PATH_SIZE / 2];
    char input[PATH_SIZE];
    char output[PATH_SIZE];
    (void)snprintf(folder, sizeof folder, "%s/gavel-bench-XXXXXX",
                   temporary == NULL ? "/tmp" : temporary);
    if (mkdtemp(folder) == NULL) {
        return;
    }
    (void)snprintf(input, sizeof input, "%s/rounds.safetensors", folder);
    (void)snprintf(output, sizeof output, "%s/times", folder);
    if (write_input(log, input)) {
        run_python(python == NULL ? debian : python, input, output);
    }
    FILE *file = fopen(output, "r");
    char line[PATH_SIZE];
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        read_line(of, line);
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    (void)unlink(input);
    (void)unlink(output);
    (void)rmdir(folder);
}

/* An estimator alone, handed the peer's values: weights, overlap and draws are then in each. */
static double alone(bench_log *log, size_t e)
{
    bench_log one = *log;
    one.config.types = &gv_estimator_types[e];
    one.config.type_configs = log->config.type_configs + e;
    one.config.type_count = 1;
    one.config.given = &log->given;
    const bench_side side = {"one", evaluate, &one};
    return bench_measure(&side, 1, TURNS).median[0];
}

static void print_row(bench_log *log, const peer *of, size_t e)
{
    const double seconds = alone(log, e);
    const double value = log->result.estimates[e].intervals[GV_REACH_BCA].estimate;
    printf("| %s | %.6f | %.2f |", gv_estimator_types[e]->info.name, value, seconds);
    if (of->seconds[e] > 0) {
        printf(" %.2f | %.0fx |\n", of->seconds[e], of->seconds[e] / seconds);
    } else {
        printf(" - | - |\n");
    }
}

int main(void)
{
    static bench_log log;
    static peer obp;
    make(&log);
    ask_peer(&log, &obp);
    const bench_side side = {"all", evaluate, &log};
    const double all = bench_measure(&side, 1, TURNS).median[0];
    double theirs = 0;
    for (size_t e = 0; e < log.config.type_count; e++) {
        theirs += obp.seconds[e];
    }
    printf("## Off-policy evaluation\n\n");
    printf("%d rounds of %d users, %d actions, two contexts; one thread, processor time, median of "
           "%d turns. Gavel weighs the rounds, judges the overlap and gives all six intervals, %d "
           "bootstrap replicates of 2,000 groups of users among them; Open Bandit Pipeline (%s; "
           "PYTHON names a Python that has it) draws %d replicates of single rounds, once. Each "
           "row is an estimator alone, with modelled values handed to both; in the last one Gavel "
           "also fits its model (logistic, three folds) to all rounds.\n\n",
           COUNT, COUNT / TOGETHER, ACTIONS, TURNS, REPLICATES,
           obp.version[0] == '\0' ? "not there" : obp.version, REPLICATES);
    printf("| estimator | value | Gavel, s | Open Bandit Pipeline, s | speed |\n"
           "|---|---:|---:|---:|---:|\n");
    for (size_t e = 0; e < log.config.type_count; e++) {
        print_row(&log, &obp, e);
    }
    printf("| all %zu in one evaluation, and the model | | %.2f |", log.config.type_count, all);
    if (theirs > 0) {
        printf(" %.2f | %.0fx |\n", theirs, theirs / all);
    } else {
        printf(" - | - |\n");
    }
    return 0;
}
