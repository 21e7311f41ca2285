/*
 * coverage FILE REPLICATIONS LEAST MOST: whether 95 % intervals hold the truth, cell by cell.
 *
 * A cell is a kind of log of a bidding policy: its size, how well it overlaps the judged policy,
 * how rare conversions are, whether a day's budget binds, whether rivals react, and whether the
 * judged policy bids more than the log did or as much. In each replication
 * a log is drawn and evaluated, as rounds (evaluation.h) and as auctions whose prices show to the
 * winner or to all (priced.h); the truth comes from the model that drew it. A line a finished cell
 * is appended to FILE, so a killed study goes on where it was; cells of less than LEAST and more
 * than MOST rounds are left out, and those of a million have a tenth of the replications.
 *
 * The market: a bid is one of five multipliers m, drawn by the policy's chances in one of four
 * contexts x; the price to beat is k (1 + 0.3 x) u / (1 - u), u uniform, so that m wins with chance
 * m / (m + k (1 + 0.3 x)). A win pays the price and converts at the cell's rate times (1 + x / 2).
 * k is 1; rivals that react have k = (mean m of the policy that bids)^2 over that of the logging
 * one. A day has 100 rounds; a tight budget is 60 % of the logging policy's mean daily spend,
 * behind which a day's rounds win nothing.
 *
 * A line: the cell, replications, those not refused, those warned of a budget that runs out, of
 * spend that shifts, then for each method how many were judged and how many held. Rewards are
 * judged where the evaluation of rounds is not refused, priced ones where as many rewards carry
 * them; spend always.
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
#include "sim/estimate/priced.h"

enum { ACTIONS = 5, CONTEXTS = 4, DAY = 100, TRUTH_DAYS = 20000, LINE_SIZE = 512 };
enum { ROUND_METHODS = 5, PRICED_METHODS = 5, METHODS = ROUND_METHODS + PRICED_METHODS };
enum { GROUPS = 20, MILLION = 1000000 };

static const double multipliers[ACTIONS] = {0.5, 0.75, 1, 1.5, 2.25};
static const double chances[2][ACTIONS] = {{0.2, 0.2, 0.2, 0.2, 0.2},
                                           {0.55, 0.3, 0.13, 0.01, 0.01}};

/* Judged: one that bids more, and ones that bid as the log does on the mean, by the overlap. */
static const double bold[ACTIONS] = {0.05, 0.1, 0.15, 0.6, 0.1};
static const double even[2][ACTIONS] = {{0.05, 0.2, 0.5, 0.05, 0.2},
                                        {0.85, 0.02, 0.02, 0.06, 0.05}};

typedef struct cell {
    size_t size;
    bool is_poor; /* overlap */
    double rate;
    bool is_tight;
    bool reacts;
    bool is_bold;
} cell;

static const double *judged_of(const cell *of)
{
    return of->is_bold ? bold : even[of->is_poor];
}

/* What is judged in each replication: an estimator and an interval. */
static const struct {
    const char *estimator;
    gv_reach reach;
} methods[ROUND_METHODS] = {
    {"dr", GV_REACH_BCA},    {"dr", GV_REACH_STUDENT},           {"ips", GV_REACH_BCA},
    {"snips", GV_REACH_BCA}, {"clipped_ips", GV_REACH_SEQUENCE},
};

/* Likewise of priced logs; the names of both are those of the columns of results/coverage.md. */
static const struct {
    gv_priced_method method;
    gv_priced_figure figure;
    bool shows_all;
} priced_methods[PRICED_METHODS] = {
    {GV_PRICED_KM, GV_PRICED_REWARD, false}, {GV_PRICED_IPC, GV_PRICED_REWARD, false},
    {GV_PRICED_KM, GV_PRICED_SPEND, false},  {GV_PRICED_KM, GV_PRICED_REWARD, true},
    {GV_PRICED_KM, GV_PRICED_SPEND, true},
};

typedef struct study_log {
    uint32_t *actions;
    uint32_t *contexts;
    uint32_t *clusters;
    double *rewards;
    double *propensities;
    double *spends;
    double *prices; /* all, whether won or not */
    double *bids;
    double *judged; /* bids drawn from the judged policy */
    uint8_t *won;
} study_log;

/* What is true of a round under the judged policy. */
typedef struct truths {
    double reward;
    double spend;
} truths;

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

/* Of the prices of a context: k (1 + 0.3 x) as above. */
static double price_scale(double k, size_t context)
{
    return k * (1 + 0.3 * (double)context);
}

static double chance_to_win(double scale, size_t action)
{
    return multipliers[action] / (multipliers[action] + scale);
}

/* The integral of scale u / (1 - u) up to the chance to win. */
static double expected_spend(double scale, size_t action)
{
    const double chance = chance_to_win(scale, action);
    return scale * (-chance - log1p(-chance));
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
            spend += chances[of->is_poor][a] * expected_spend(price_scale(1, x), a);
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
    double price;
    bool wins;
    double chance; /* to convert, were it drawn: 0 where nothing was won */
    bool converts;
} round_drawn;

/* One round of a day whose budget is what is left of it. */
static round_drawn draw_round(const cell *of, const double *policy, const gv_random *random,
                              double *budget)
{
    round_drawn made = {.context = (size_t)gv_random_below(random, 0, CONTEXTS)};
    made.action = pick(policy, gv_random_uniform(random, 1));
    const double u = gv_random_uniform(random, 2);
    made.price = price_scale(hardness(of, policy), made.context) * u / (1 - u);
    made.wins = multipliers[made.action] >= made.price && (!of->is_tight || *budget >= made.price);
    if (made.wins) {
        *budget -= made.price;
        made.chance = conversion_rate(of, made.context);
        made.converts = gv_random_bernoulli(random, 3, made.chance);
    }
    return made;
}

static truths truth_without_budget(const cell *of)
{
    const double *judged = judged_of(of);
    truths sum = {0, 0};
    for (size_t x = 0; x < CONTEXTS; x++) {
        const double scale = price_scale(hardness(of, judged), x);
        for (size_t a = 0; a < ACTIONS; a++) {
            const double share = judged[a] / CONTEXTS;
            sum.reward += share * chance_to_win(scale, a) * conversion_rate(of, x);
            sum.spend += share * expected_spend(scale, a);
        }
    }
    return sum;
}

/* The judged policy's, a round, when it bids itself. */
static truths truth_of(const cell *of)
{
    if (!of->is_tight) {
        return truth_without_budget(of);
    }
    truths sum = {0, 0};
    for (uint64_t i = 0; i < TRUTH_DAYS; i++) {
        double budget = 0.6 * daily_spend(of);
        for (uint64_t t = 0; t < DAY; t++) {
            const gv_random random = gv_random_key(9, GV_STREAM_TEST, i * DAY + t);
            const round_drawn made = draw_round(of, judged_of(of), &random, &budget);
            sum.reward += made.chance / TRUTH_DAYS / DAY;
            sum.spend += (made.wins ? made.price : 0) / TRUTH_DAYS / DAY;
        }
    }
    return sum;
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
        log->spends[i] = made.wins ? made.price : 0;
        log->prices[i] = made.price;
        log->bids[i] = multipliers[made.action];
        log->judged[i] = multipliers[pick(judged_of(of), gv_random_uniform(&random, 4))];
        log->won[i] = made.wins ? 1 : 0;
    }
}

typedef struct tally {
    size_t trusted; /* replications that were not refused */
    size_t faded;   /* warned of a budget that runs out */
    size_t shifted; /* warned of spend that is not the log's */
    size_t judged[METHODS];
    size_t held[METHODS];
} tally;

static void count(tally *sums, size_t method, const gv_interval *interval, double truth)
{
    sums->judged[method]++;
    sums->held[method] += interval->low <= truth && interval->high >= truth ? 1 : 0;
}

static void stop(void)
{
    (void)fprintf(stderr, "coverage: %s\n", gv_status_detail());
    exit(1);
}

static gv_rounds rounds_of(const cell *of, const study_log *log)
{
    return (gv_rounds){.count = of->size,
                       .action_count = ACTIONS,
                       .actions = log->actions,
                       .rewards = log->rewards,
                       .propensities = log->propensities,
                       .spends = log->spends,
                       .clusters = log->clusters,
                       .cluster_count = (of->size + DAY - 1) / DAY,
                       .contexts = {log->contexts},
                       .level_counts = {CONTEXTS},
                       .context_count = 1};
}

static void evaluate(const gv_rounds *rounds, const double *judged, truths truth, uint64_t seed,
                     tally *sums)
{
    static const double penalty = 1;
    static const double most = 10;
    static gv_evaluation result;
    const gv_estimator_type *types[ROUND_METHODS];
    const void *configs[ROUND_METHODS];
    char text[GV_INTERFERENCE_TEXT_SIZE];
    for (size_t m = 0; m < ROUND_METHODS; m++) {
        types[m] = gv_estimator_find(methods[m].estimator);
        configs[m] = types[m]->info.params == NULL ? NULL : &most;
    }
    const gv_target target = {.table = judged, .row_count = 1};
    const gv_evaluation_config config = {
        .rounds = rounds,
        .target = &target,
        .types = types,
        .type_configs = configs,
        .type_count = ROUND_METHODS,
        .fit = {&gv_value_logistic, &penalty, 2, seed},
        .bootstrap = {.replicates = 1000, .seed = seed},
        .level = 0.95,
        .cluster_max = 1000,
        .weight_most = most,
        .reward_low = 0,
        .reward_high = 1,
    };
    if (gv_evaluate(&config, &result) != GV_OK) {
        stop();
    }
    const gv_interference *found = &result.interference;
    sums->trusted += result.is_thin ? 0 : 1;
    sums->faded += gv_interference_fade_warning(found, text, sizeof text) != NULL ? 1 : 0;
    sums->shifted += gv_interference_shift_warning(found, text, sizeof text) != NULL ? 1 : 0;
    for (size_t m = 0; m < ROUND_METHODS && !result.is_thin; m++) {
        count(sums, m, &result.estimates[m].intervals[methods[m].reach], truth.reward);
    }
}

static void evaluate_priced(const cell *of, const study_log *log, truths truth, tally *sums)
{
    gv_priced_result results[2];
    gv_priced priced = {.count = of->size,
                        .bids = log->bids,
                        .prices = log->prices,
                        .won = log->won,
                        .rewards = log->rewards,
                        .judged = log->judged,
                        .clusters = log->clusters,
                        .cluster_count = (of->size + DAY - 1) / DAY};
    for (size_t k = 0; k < 2; k++) {
        priced.shows_all = k == 1;
        if (gv_priced_evaluate(&priced, GROUPS, 0.95, &results[k]) != GV_OK) {
            stop();
        }
    }
    for (size_t m = 0; m < PRICED_METHODS; m++) {
        const gv_priced_result *result = &results[priced_methods[m].shows_all ? 1 : 0];
        const gv_priced_figure figure = priced_methods[m].figure;
        const bool is_reward = figure == GV_PRICED_REWARD;
        if (!is_reward || result->earning >= GV_OVERLAP_EARNING_MIN) {
            count(sums, ROUND_METHODS + m, &result->figures[priced_methods[m].method][figure],
                  is_reward ? truth.reward : truth.spend);
        }
    }
}

static void name_of(const cell *of, char *name, size_t size)
{
    (void)snprintf(name, size, "%zu\t%s\t%g\t%s\t%s\t%s", of->size, of->is_poor ? "poor" : "good",
                   of->rate, of->is_tight ? "tight" : "loose", of->reacts ? "reacting" : "fixed",
                   of->is_bold ? "bold" : "even");
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
    (void)fprintf(file, "%s\t%zu\t%zu\t%zu\t%zu", name, replications, sums->trusted, sums->faded,
                  sums->shifted);
    for (size_t m = 0; m < METHODS; m++) {
        (void)fprintf(file, "\t%zu\t%zu", sums->judged[m], sums->held[m]);
    }
    (void)fputc('\n', file);
    return fclose(file);
}

static study_log make_log(size_t size)
{
    return (study_log){.actions = gv_mem_alloc(0, size, sizeof(uint32_t)),
                       .contexts = gv_mem_alloc(0, size, sizeof(uint32_t)),
                       .clusters = gv_mem_alloc(0, size, sizeof(uint32_t)),
                       .rewards = gv_mem_alloc(0, size, sizeof(double)),
                       .propensities = gv_mem_alloc(0, size, sizeof(double)),
                       .spends = gv_mem_alloc(0, size, sizeof(double)),
                       .prices = gv_mem_alloc(0, size, sizeof(double)),
                       .bids = gv_mem_alloc(0, size, sizeof(double)),
                       .judged = gv_mem_alloc(0, size, sizeof(double)),
                       .won = gv_mem_alloc(0, size, 1)};
}

static void drop_log(study_log *log)
{
    void *arrays[] = {log->actions, log->contexts, log->clusters, log->rewards, log->propensities,
                      log->spends,  log->prices,   log->bids,     log->judged,  log->won};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++) {
        gv_mem_free(arrays[i]);
    }
}

static int study(const cell *of, const char *path, size_t replications)
{
    char name[LINE_SIZE];
    name_of(of, name, sizeof name);
    if (is_done(path, name)) {
        return 0;
    }
    tally sums = {0};
    study_log log = make_log(of->size);
    const gv_rounds rounds = rounds_of(of, &log);
    const truths truth = truth_of(of);
    for (uint64_t r = 0; r < replications; r++) {
        draw_log(of, 1000 + r, &log);
        evaluate(&rounds, judged_of(of), truth, 1000 + r, &sums);
        evaluate_priced(of, &log, truth, &sums);
    }
    drop_log(&log);
    (void)fprintf(stderr, "coverage: %s: %zu of %zu trusted\n", name, sums.trusted, replications);
    return append(path, name, replications, &sums);
}

int main(int argc, char **argv)
{
    static const size_t sizes[] = {1000, 10000, 100000, MILLION};
    static const double rates[] = {1e-2, 1e-3, 1e-4};
    const unsigned long replications = argc == 5 ? strtoul(argv[2], NULL, 10) : 0;
    const unsigned long least = argc == 5 ? strtoul(argv[3], NULL, 10) : 0;
    const unsigned long most = argc == 5 ? strtoul(argv[4], NULL, 10) : 0;
    if (replications < 10 || most == 0) {
        (void)fprintf(stderr, "usage: coverage FILE REPLICATIONS LEAST MOST\n");
        return 2;
    }
    /* All of size x overlap x rate, each with two of budget x rivals x policy, in balance. */
    for (unsigned i = 0; i < 4 * 2 * 3 * 2; i++) {
        const unsigned size = i / 12;
        const unsigned overlap = i / 6 % 2;
        const unsigned rate = i / 2 % 3;
        const unsigned tight = i % 2;
        const cell of = {.size = sizes[size],
                         .is_poor = overlap == 1,
                         .rate = rates[rate],
                         .is_tight = tight == 1,
                         .reacts = (size + overlap + rate + tight) % 2 == 1,
                         .is_bold = (size / 2 + overlap + tight) % 2 == 1};
        const unsigned long times = of.size >= MILLION ? (replications + 9) / 10 : replications;
        const bool is_asked = of.size >= least && of.size <= most;
        if (is_asked && study(&of, argv[1], times) != 0) {
            return 1;
        }
    }
    return 0;
}
