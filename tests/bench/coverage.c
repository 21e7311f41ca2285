/*
 * coverage FILE REPLICATIONS MOST: whether 95 % intervals hold the truth, cell by cell.
 *
 * A cell is a kind of log of a bidding policy: its size, how well it overlaps the judged policy,
 * how rare conversions are, whether a day's budget binds, whether rivals react. In each replication
 * a log is drawn and evaluated; the truth comes from the model that drew it. A line a finished cell
 * is appended to FILE, so a killed study goes on where it was; cells of more than MOST rounds are
 * left out, and those of 100,000 and more have a tenth of the replications.
 *
 * The market: a bid is one of five multipliers m, drawn by the policy's chances in one of four
 * contexts x; it wins with chance m / (m + k (1 + 0.3 x)), costs m / 2, and converts at the cell's
 * rate times (1 + x / 2). k is 1; rivals that react have k = (mean m of the policy that bids)^2
 * over that of the logging one. A day has 100 rounds; a tight budget is 60 % of the logging
 * policy's mean daily spend, behind which a day's rounds win nothing.
 */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/random.h"
#include "sim/estimate/evaluation.h"

enum { ACTIONS = 5, CONTEXTS = 4, DAY = 100, TRUTH_DAYS = 20000, METHODS = 5, LINE_SIZE = 512 };

static const double multipliers[ACTIONS] = {0.5, 0.75, 1, 1.5, 2.25};
static const double judged[ACTIONS] = {0.05, 0.1, 0.15, 0.6, 0.1};
static const double chances[2][ACTIONS] = {{0.2, 0.2, 0.2, 0.2, 0.2},
                                           {0.55, 0.3, 0.13, 0.01, 0.01}};

typedef struct cell {
    size_t size;
    bool is_poor; /* overlap */
    double rate;
    bool is_tight;
    bool reacts;
} cell;

/* What is judged in each replication: an estimator and an interval. */
static const struct {
    const char *estimator;
    gv_reach reach;
} methods[METHODS] = {
    {"dr", GV_REACH_BCA},    {"dr", GV_REACH_STUDENT},           {"ips", GV_REACH_BCA},
    {"snips", GV_REACH_BCA}, {"clipped_ips", GV_REACH_SEQUENCE},
};

typedef struct study_log {
    uint32_t *actions;
    uint32_t *contexts;
    uint32_t *clusters;
    double *rewards;
    double *propensities;
} study_log;

static double mean_multiplier(const double *policy)
{
    double mean = 0;
    for (size_t a = 0; a < ACTIONS; a++) {
        mean += policy[a] * multipliers[a];
    }
    return mean;
}

static double hardness(const cell *of, const double *policy)
{
    const double ratio = mean_multiplier(policy) / mean_multiplier(chances[of->is_poor]);
    return of->reacts ? ratio * ratio : 1;
}

static double chance_to_win(double k, size_t action, size_t context)
{
    const double m = multipliers[action];
    return m / (m + k * (1 + 0.3 * (double)context));
}

static double conversion_rate(const cell *of, size_t context)
{
    return of->rate * (1 + (double)context / 2);
}

/* Mean daily spend of the logging policy, without a budget. */
static double daily_spend(const cell *of)
{
    double spend = 0;
    for (size_t x = 0; x < CONTEXTS; x++) {
        for (size_t a = 0; a < ACTIONS; a++) {
            spend += chances[of->is_poor][a] * chance_to_win(1, a, x) * multipliers[a] / 2;
        }
    }
    return spend * DAY / CONTEXTS;
}

static size_t pick(const double *policy, double uniform)
{
    size_t a = 0;
    for (; a + 1 < ACTIONS && uniform >= policy[a]; a++) {
        uniform -= policy[a];
    }
    return a;
}

typedef struct round_drawn {
    size_t context;
    size_t action;
    double chance; /* to convert, were it drawn: 0 where nothing was won */
    bool converts;
} round_drawn;

/* One round of a day whose budget is what is left of it. */
static round_drawn draw_round(const cell *of, const double *policy, const gv_random *random,
                              double *budget)
{
    round_drawn made = {.context = (size_t)gv_random_below(random, 0, CONTEXTS)};
    made.action = pick(policy, gv_random_uniform(random, 1));
    const double cost = multipliers[made.action] / 2;
    const double k = hardness(of, policy);
    const bool wins = gv_random_bernoulli(random, 2, chance_to_win(k, made.action, made.context));
    if (wins && (!of->is_tight || *budget >= cost)) {
        *budget -= cost;
        made.chance = conversion_rate(of, made.context);
        made.converts = gv_random_bernoulli(random, 3, made.chance);
    }
    return made;
}

/* The judged policy's reward a round when it bids itself. */
static double truth_of(const cell *of)
{
    if (!of->is_tight) {
        double value = 0;
        for (size_t x = 0; x < CONTEXTS; x++) {
            for (size_t a = 0; a < ACTIONS; a++) {
                value += judged[a] * chance_to_win(hardness(of, judged), a, x) *
                         conversion_rate(of, x) / CONTEXTS;
            }
        }
        return value;
    }
    double sum = 0;
    for (uint64_t i = 0; i < TRUTH_DAYS; i++) {
        double budget = 0.6 * daily_spend(of);
        for (uint64_t t = 0; t < DAY; t++) {
            const gv_random random = gv_random_key(9, GV_STREAM_TEST, i * DAY + t);
            sum += draw_round(of, judged, &random, &budget).chance;
        }
    }
    return sum / TRUTH_DAYS / DAY;
}

static void draw_log(const cell *of, uint64_t seed, study_log *log)
{
    const double *policy = chances[of->is_poor];
    double budget = 0;
    for (size_t i = 0; i < of->size; i++) {
        const gv_random random = gv_random_key(seed, GV_STREAM_TEST, i);
        if (i % DAY == 0) {
            budget = 0.6 * daily_spend(of);
        }
        const round_drawn made = draw_round(of, policy, &random, &budget);
        log->actions[i] = (uint32_t)made.action;
        log->contexts[i] = (uint32_t)made.context;
        log->clusters[i] = (uint32_t)(i / DAY);
        log->rewards[i] = made.converts ? 1 : 0;
        log->propensities[i] = policy[made.action];
    }
}

typedef struct tally {
    size_t trusted;               /* replications that were not refused */
    size_t held[METHODS];         /* of the trusted */
    size_t refused_held[METHODS]; /* of the others */
} tally;

static void evaluate(const cell *of, const study_log *log, double truth, uint64_t seed, tally *sums)
{
    static const double penalty = 1;
    static const double most = 10;
    static gv_evaluation result;
    const gv_estimator_type *types[METHODS];
    const void *configs[METHODS];
    for (size_t m = 0; m < METHODS; m++) {
        types[m] = gv_estimator_find(methods[m].estimator);
        configs[m] = types[m]->info.params == NULL ? NULL : &most;
    }
    const gv_rounds rounds = {.count = of->size,
                              .action_count = ACTIONS,
                              .actions = log->actions,
                              .rewards = log->rewards,
                              .propensities = log->propensities,
                              .clusters = log->clusters,
                              .cluster_count = (of->size + DAY - 1) / DAY,
                              .contexts = {log->contexts},
                              .level_counts = {CONTEXTS},
                              .context_count = 1};
    const gv_target target = {.table = judged, .row_count = 1};
    const gv_evaluation_config config = {
        .rounds = &rounds,
        .target = &target,
        .types = types,
        .type_configs = configs,
        .type_count = METHODS,
        .fit = {&gv_value_logistic, &penalty, 2, seed},
        .bootstrap = {.replicates = 1000, .seed = seed},
        .level = 0.95,
        .cluster_max = 1000,
        .weight_most = most,
        .reward_low = 0,
        .reward_high = 1,
    };
    const gv_status status = gv_evaluate(&config, &result);
    if (status != GV_OK) {
        (void)fprintf(stderr, "coverage: %s\n", gv_status_detail());
        exit(1);
    }
    sums->trusted += result.is_thin ? 0 : 1;
    for (size_t m = 0; m < METHODS; m++) {
        const gv_interval *interval = &result.estimates[m].intervals[methods[m].reach];
        const size_t held = interval->low <= truth && interval->high >= truth ? 1 : 0;
        sums->held[m] += result.is_thin ? 0 : held;
        sums->refused_held[m] += result.is_thin ? held : 0;
    }
}

static void name_of(const cell *of, char *name, size_t size)
{
    (void)snprintf(name, size, "%zu\t%s\t%g\t%s\t%s", of->size, of->is_poor ? "poor" : "good",
                   of->rate, of->is_tight ? "tight" : "loose", of->reacts ? "reacting" : "fixed");
}

static bool is_done(const char *path, const char *name)
{
    FILE *file = fopen(path, "r");
    char line[LINE_SIZE];
    bool found = false;
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        found = found || (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == '\t');
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return found;
}

static int append(const char *path, const char *name, size_t replications, const tally *sums)
{
    FILE *file = fopen(path, "a");
    if (file == NULL) {
        perror(path);
        return 1;
    }
    (void)fprintf(file, "%s\t%zu\t%zu", name, replications, sums->trusted);
    for (size_t m = 0; m < METHODS; m++) {
        (void)fprintf(file, "\t%zu\t%zu", sums->held[m], sums->refused_held[m]);
    }
    (void)fputc('\n', file);
    return fclose(file);
}

static int study(const cell *of, const char *path, size_t replications)
{
    char name[LINE_SIZE];
    name_of(of, name, sizeof name);
    if (is_done(path, name)) {
        return 0;
    }
    tally sums = {0};
    study_log log = {.actions = gv_mem_alloc(0, of->size, sizeof(uint32_t)),
                     .contexts = gv_mem_alloc(0, of->size, sizeof(uint32_t)),
                     .clusters = gv_mem_alloc(0, of->size, sizeof(uint32_t)),
                     .rewards = gv_mem_alloc(0, of->size, sizeof(double)),
                     .propensities = gv_mem_alloc(0, of->size, sizeof(double))};
    const double truth = truth_of(of);
    for (uint64_t r = 0; r < replications; r++) {
        draw_log(of, 1000 + r, &log);
        evaluate(of, &log, truth, 1000 + r, &sums);
    }
    gv_mem_free(log.actions);
    gv_mem_free(log.contexts);
    gv_mem_free(log.clusters);
    gv_mem_free(log.rewards);
    gv_mem_free(log.propensities);
    (void)fprintf(stderr, "coverage: %s: %zu of %zu trusted\n", name, sums.trusted, replications);
    return append(path, name, replications, &sums);
}

int main(int argc, char **argv)
{
    static const size_t sizes[] = {1000, 10000, 100000, 1000000};
    static const double rates[] = {1e-2, 1e-3, 1e-4};
    const unsigned long replications = argc == 4 ? strtoul(argv[2], NULL, 10) : 0;
    const unsigned long most = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
    if (replications < 10 || most == 0) {
        (void)fprintf(stderr, "usage: coverage FILE REPLICATIONS MOST\n");
        return 2;
    }
    /* All of size x overlap x rate, with half of budget x rivals: those of even parity. */
    for (unsigned i = 0; i < 4 * 2 * 3 * 2; i++) {
        cell of = {.size = sizes[i / 12], .is_poor = i / 6 % 2 == 1, .rate = rates[i / 2 % 3]};
        of.is_tight = i % 2 == 1;
        of.reacts = (i / 12 + i / 6 + i / 2 + i) % 2 == 1;
        const unsigned long count = of.size >= 100000 ? (replications + 9) / 10 : replications;
        if (of.size <= most && study(&of, argv[1], count) != 0) {
            return 1;
        }
    }
    return 0;
}
