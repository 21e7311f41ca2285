#include "sim/estimate/evaluation.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/estimate/mean_bounds.h"

/* Columns of a cluster: its rounds, their reward, then each estimator's terms. */
enum { COLUMN_COUNT, COLUMN_REWARD, COLUMN_TERMS, TERMS = 3 };

/* The asymptotic sequence is narrowest at so many clusters; fixed, not by the data. */
enum { TUNED_CLUSTERS = 200 };

typedef struct reckoning {
    const gv_evaluation_config *config;
    const gv_rounds *rounds;
    size_t column_count;
    size_t group_count;
    double *weights; /* [count], as all three */
    double *logged;
    double *target;
    double *sums;   /* [group_count][column_count] */
    double *totals; /* [column_count] */
    gv_sequence sequences[GV_EVALUATION_ESTIMATORS_MAX];
    gv_range ranges[GV_EVALUATION_ESTIMATORS_MAX];
    double squares[GV_EVALUATION_ESTIMATORS_MAX]; /* of `plain` over rounds */
    double means[GV_EVALUATION_ESTIMATORS_MAX];
} reckoning;

static const char *const reach_names[] = {
#define X(name, text, promise) [name] = (text),
    GV_REACH_LIST(X)
#undef X
};

static const char *const reach_promises[] = {
#define X(name, text, promise) [name] = (promise),
    GV_REACH_LIST(X)
#undef X
};

const char *gv_reach_name(gv_reach reach)
{
    return reach_names[reach];
}

const char *gv_reach_promise(gv_reach reach)
{
    return reach_promises[reach];
}

const char *gv_verdict_name(gv_verdict verdict)
{
    static const char *const names[] = {
        [GV_VERDICT_BETTER] = "better",
        [GV_VERDICT_WORSE] = "worse",
        [GV_VERDICT_UNCLEAR] = "unclear",
        [GV_VERDICT_THIN] = "too thin",
    };
    return names[verdict];
}

/* --- weights and values of each round ------------------------------------------------------ */

static void weigh(reckoning *at)
{
    const gv_rounds *rounds = at->rounds;
    if (at->config->doses != NULL) {
        gv_kernel_weights(at->config->doses, rounds->propensities, rounds->count, at->weights);
        return;
    }
    for (size_t i = 0; i < rounds->count; i++) {
        const double *pi = gv_target_row(at->config->target, rounds, i);
        at->weights[i] = pi[rounds->actions[i]] / rounds->propensities[i];
    }
}

static gv_status value(reckoning *at)
{
    const gv_evaluation_config *config = at->config;
    if (config->given != NULL) {
        memcpy(at->logged, config->given->logged, at->rounds->count * sizeof *at->logged);
        memcpy(at->target, config->given->target, at->rounds->count * sizeof *at->target);
        return GV_OK;
    }
    for (size_t e = 0; e < config->type_count; e++) {
        if (config->types[e]->needs_model) {
            const gv_values values = {.logged = at->logged, .target = at->target};
            GV_TRY(gv_cross_fit(&config->fit, at->rounds, config->target, &values));
            break;
        }
    }
    if (config->doses != NULL) {
        memcpy(at->logged, at->target, at->rounds->count * sizeof *at->logged);
    }
    return GV_OK;
}

/* --- what the bounded intervals may count on ----------------------------------------------- */

static gv_range reward_range(const gv_evaluation_config *config)
{
    const gv_rounds *rounds = config->rounds;
    gv_range range = {.low = rounds->rewards[0], .high = rounds->rewards[0]};
    for (size_t i = 0; i < rounds->count; i++) {
        range.low = fmin(range.low, rounds->rewards[i]);
        range.high = fmax(range.high, rounds->rewards[i]);
    }
    if (range.low >= 0 && range.high <= 1) {
        range = (gv_range){.low = 0, .high = 1};
    }
    range.low = isnan(config->reward_low) ? range.low : config->reward_low;
    range.high = isnan(config->reward_high) ? range.high : config->reward_high;
    return range;
}

/*
 * Of `plain` with rewards of [low, high] and a factor of at most b: b times a reward without a
 * model; a value, plus b times a residual of at most the range, with one.
 */
static gv_range term_range(const gv_estimator_type *type, gv_range reward, double b)
{
    const double span = reward.high - reward.low;
    if (type->needs_model) {
        return (gv_range){.low = reward.low - b * span, .high = reward.high + b * span};
    }
    return (gv_range){.low = fmin(b * reward.low, 0), .high = fmax(b * reward.high, 0)};
}

static void begin_sequences(reckoning *at, double weight_most)
{
    const gv_evaluation_config *config = at->config;
    const gv_range reward = reward_range(config);
    for (size_t e = 0; e < config->type_count; e++) {
        const double b = config->types[e]->weight_most(config->type_configs[e], weight_most);
        at->ranges[e] = term_range(config->types[e], reward, b);
        if (at->ranges[e].low < at->ranges[e].high) {
            at->sequences[e] = gv_sequence_begin(at->ranges[e], config->level);
        }
    }
}

/* --- sums over clusters -------------------------------------------------------------------- */

static void add_terms(reckoning *at, size_t e, const gv_evidence *evidence, double *columns)
{
    const gv_evaluation_config *config = at->config;
    const gv_terms terms = config->types[e]->terms(config->type_configs[e], evidence);
    columns[0] += terms.plain;
    columns[1] += terms.corrected;
    columns[2] += terms.normaliser;
    if (!config->types[e]->is_self_normalised && at->ranges[e].low < at->ranges[e].high) {
        const double n = (double)at->sequences[e].count + 1; /* Welford's mean and squares */
        const double off = terms.plain - at->means[e];
        at->means[e] += off / n;
        at->squares[e] += off * (terms.plain - at->means[e]);
        gv_sequence_add(&at->sequences[e], terms.plain);
    }
}

static void add_rounds(reckoning *at)
{
    const gv_rounds *rounds = at->rounds;
    for (size_t i = 0; i < rounds->count; i++) {
        const size_t cluster = rounds->clusters == NULL ? i : rounds->clusters[i];
        const size_t group = cluster * at->group_count / rounds->cluster_count;
        double *columns = at->sums + group * at->column_count;
        const gv_evidence evidence = {.weight = at->weights[i],
                                      .reward = rounds->rewards[i],
                                      .logged = at->logged[i],
                                      .target = at->target[i]};
        columns[COLUMN_COUNT] += 1;
        columns[COLUMN_REWARD] += evidence.reward;
        for (size_t e = 0; e < at->config->type_count; e++) {
            add_terms(at, e, &evidence, columns + COLUMN_TERMS + e * TERMS);
        }
    }
    for (size_t g = 0; g < at->group_count; g++) {
        for (size_t k = 0; k < at->column_count; k++) {
            at->totals[k] += at->sums[g * at->column_count + k];
        }
    }
}

/* --- figures ------------------------------------------------------------------------------- */

typedef struct figure {
    size_t first; /* of its columns */
    bool is_self_normalised;
} figure;

static double figure_value(const void *context, const double *totals)
{
    const figure *of = context;
    const double *terms = totals + of->first;
    const double plain = terms[0] / totals[COLUMN_COUNT];
    if (!of->is_self_normalised) {
        return totals[COLUMN_COUNT] > 0 ? plain : (double)NAN;
    }
    return totals[COLUMN_COUNT] > 0 && terms[2] > 0 ? plain + terms[1] / terms[2] : (double)NAN;
}

static double logged_value(const void *context, const double *totals)
{
    (void)context;
    return totals[COLUMN_COUNT] > 0 ? totals[COLUMN_REWARD] / totals[COLUMN_COUNT] : (double)NAN;
}

static double figure_difference(const void *context, const double *totals)
{
    return figure_value(context, totals) - logged_value(NULL, totals);
}

/*
 * Standard error by the influence of each cluster on the figure,
 *
 *     (plain_c - n_c P / N) / N + (corrected_c - normaliser_c C / W) / W
 *
 * which adds up to 0 over clusters (capitals: totals).
 */
static double standard_error(const reckoning *at, const figure *of)
{
    const double *totals = at->totals;
    const double *all = totals + of->first;
    const double mean = all[0] / totals[COLUMN_COUNT];
    const double ratio = of->is_self_normalised ? all[1] / all[2] : 0;
    double squares = 0;
    for (size_t g = 0; g < at->group_count; g++) {
        const double *columns = at->sums + g * at->column_count;
        const double *terms = columns + of->first;
        double influence = (terms[0] - columns[COLUMN_COUNT] * mean) / totals[COLUMN_COUNT];
        if (of->is_self_normalised) {
            influence += (terms[1] - terms[2] * ratio) / all[2];
        }
        squares += influence * influence;
    }
    const double groups = (double)at->group_count;
    return groups > 1 ? sqrt(squares * groups / (groups - 1)) : (double)NAN;
}

static void fill_estimate(const reckoning *at, size_t e, gv_bootstrap *bootstrap, gv_estimate *out)
{
    const gv_evaluation_config *config = at->config;
    const double level = config->level;
    const gv_estimator_type *type = config->types[e];
    const figure of = {.first = COLUMN_TERMS + e * TERMS,
                       .is_self_normalised = type->is_self_normalised};
    const double estimate = figure_value(&of, at->totals);
    const gv_interval none = {.state = GV_INTERVAL_TOO_FEW,
                              .estimate = estimate,
                              .low = (double)NAN,
                              .high = (double)NAN};
    gv_interval *intervals = out->intervals;
    out->type = type;
    out->error = standard_error(at, &of);
    intervals[GV_REACH_BCA] =
        gv_bootstrap_interval(bootstrap, figure_value, &of, GV_INTERVAL_BCA, level);
    intervals[GV_REACH_PERCENTILE] =
        gv_bootstrap_interval(bootstrap, figure_value, &of, GV_INTERVAL_PERCENTILE, level);
    out->difference =
        gv_bootstrap_interval(bootstrap, figure_difference, &of, GV_INTERVAL_BCA, level);
    const size_t groups = at->group_count;
    const double deviation = out->error * sqrt((double)groups);
    intervals[GV_REACH_STUDENT] = gv_student_interval(estimate, deviation, groups, level);
    intervals[GV_REACH_ASYMPTOTIC] =
        gv_asymptotic_interval(estimate, deviation, groups, TUNED_CLUSTERS, level);
    intervals[GV_REACH_BERNSTEIN] = none;
    intervals[GV_REACH_SEQUENCE] = none;
    const gv_sequence *sequence = &at->sequences[e];
    if (sequence->count > 1) {
        const double spread = sqrt(at->squares[e] / (double)(sequence->count - 1));
        intervals[GV_REACH_BERNSTEIN] =
            gv_bernstein_interval(estimate, spread, sequence->count, at->ranges[e], level);
        intervals[GV_REACH_SEQUENCE] = gv_sequence_interval(sequence);
    }
}

static gv_status fill(reckoning *at, gv_evaluation *out)
{
    const gv_evaluation_config *config = at->config;
    const gv_clusters clusters = {
        .sums = at->sums,
        .cluster_count = at->group_count,
        .column_count = at->column_count,
        .stratum_sizes = &at->group_count,
        .stratum_count = 1,
    };
    gv_bootstrap *bootstrap = NULL;
    GV_TRY(gv_bootstrap_create(&clusters, &config->bootstrap, &bootstrap));
    for (size_t e = 0; e < config->type_count; e++) {
        fill_estimate(at, e, bootstrap, &out->estimates[e]);
    }
    out->logged =
        gv_bootstrap_interval(bootstrap, logged_value, NULL, GV_INTERVAL_BCA, config->level);
    const figure logged = {.first = COLUMN_REWARD};
    out->logged_error = standard_error(at, &logged);
    gv_bootstrap_destroy(bootstrap);
    return GV_OK;
}

/* Of doses: how many judged ones are out of all that the log took. */
static double share_outside(const gv_doses *doses, size_t count)
{
    double low = doses->logged[0];
    double high = low;
    for (size_t i = 0; i < count; i++) {
        low = fmin(low, doses->logged[i]);
        high = fmax(high, doses->logged[i]);
    }
    double outside = 0;
    for (size_t i = 0; i < count; i++) {
        outside += doses->target[i] < low || doses->target[i] > high ? 1 : 0;
    }
    return outside / (double)count;
}

static gv_status judge_overlap(reckoning *at, gv_evaluation *out)
{
    const gv_evaluation_config *config = at->config;
    GV_TRY(gv_overlap_of(at->rounds, config->target, at->weights, &out->overlap));
    if (config->doses != NULL) {
        out->overlap.unsupported = share_outside(config->doses, at->rounds->count);
    }
    out->overlap.unsupported = config->lost + (1 - config->lost) * out->overlap.unsupported;
    out->is_thin =
        gv_overlap_complaint(&out->overlap, out->complaint, sizeof out->complaint) != NULL;
    return GV_OK;
}

static bool allocate(reckoning *at)
{
    const size_t count = at->rounds->count;
    at->weights = gv_mem_alloc(0, count, sizeof(double));
    at->logged = gv_mem_alloc(0, count, sizeof(double));
    at->target = gv_mem_alloc(0, count, sizeof(double));
    at->sums = gv_mem_alloc(0, at->group_count * at->column_count, sizeof(double));
    at->totals = gv_mem_alloc(0, at->column_count, sizeof(double));
    return at->weights != NULL && at->logged != NULL && at->target != NULL && at->sums != NULL &&
           at->totals != NULL;
}

static gv_status reckon(reckoning *at, gv_evaluation *out)
{
    const gv_evaluation_config *config = at->config;
    if (!allocate(at)) {
        return GV_FAIL(GV_ENOMEM, "no memory to evaluate %zu rounds", at->rounds->count);
    }
    weigh(at);
    GV_TRY(judge_overlap(at, out));
    GV_TRY(gv_interference_of(at->rounds, at->weights, config->level, &out->interference));
    GV_TRY(value(at));
    begin_sequences(at,
                    isnan(config->weight_most) ? out->overlap.largest_weight : config->weight_most);
    add_rounds(at);
    return fill(at, out);
}

gv_status gv_evaluate(const gv_evaluation_config *config, gv_evaluation *out)
{
    const gv_rounds *rounds = config->rounds;
    assert(config->type_count <= GV_EVALUATION_ESTIMATORS_MAX && rounds->count > 0);
    reckoning *at = gv_mem_alloc(sizeof *at, 0, 0);
    if (at == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to evaluate %zu rounds", rounds->count);
    }
    at->config = config;
    at->rounds = rounds;
    at->column_count = COLUMN_TERMS + TERMS * config->type_count;
    at->group_count =
        rounds->cluster_count < config->cluster_max ? rounds->cluster_count : config->cluster_max;
    *out = (gv_evaluation){.type_count = config->type_count, .lost = config->lost};
    out->group_count = at->group_count;
    out->is_range_seen =
        isnan(config->weight_most) || isnan(config->reward_low) || isnan(config->reward_high);
    const gv_status status = reckon(at, out);
    gv_mem_free(at->weights);
    gv_mem_free(at->logged);
    gv_mem_free(at->target);
    gv_mem_free(at->sums);
    gv_mem_free(at->totals);
    gv_mem_free(at);
    return status;
}

gv_verdict gv_verdict_of(bool is_thin, const gv_interval *difference)
{
    if (is_thin) {
        return GV_VERDICT_THIN;
    }
    if (difference->state != GV_INTERVAL_GIVEN || (difference->low <= 0 && difference->high >= 0)) {
        return GV_VERDICT_UNCLEAR;
    }
    return difference->low > 0 ? GV_VERDICT_BETTER : GV_VERDICT_WORSE;
}

gv_verdict gv_evaluation_verdict(const gv_evaluation *evaluation, const gv_estimate *estimate)
{
    return gv_verdict_of(evaluation->is_thin, &estimate->difference);
}
