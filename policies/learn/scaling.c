#include "policies/learn/scaling.h"

#include <assert.h>
#include <math.h>

static const double deviation_more = 1e-6; /* public DT code */
static const double range_more = 0.01;     /* public IQL and BC code */

enum { FIRST_COUNTED = GV_STATE_COUNT_NOW };

static_assert((int)GV_STATE_SIZE <= (int)GV_FEATURES_MAX,
              "a scaling has room for every kind of features");
static_assert((int)GV_OUTLOOK_SIZE <= (int)GV_FEATURES_MAX,
              "a scaling has room for every kind of features");

size_t gv_features_size(gv_features features)
{
    return features == GV_FEATURES_STATE ? (size_t)GV_STATE_SIZE : (size_t)GV_OUTLOOK_SIZE;
}

const char *gv_features_entry(gv_features features, size_t entry)
{
    return features == GV_FEATURES_STATE ? gv_state_name((gv_state_entry)entry)
                                         : gv_outlook_name((gv_outlook_entry)entry);
}

/* What is summed over all places. */
typedef struct sums {
    double mean[GV_STATE_SIZE];
    double square[GV_STATE_SIZE]; /* of the differences from the mean */
    double least[GV_STATE_SIZE];
    double largest[GV_STATE_SIZE];
    double action_square;
    double action_largest;
    double reward_least;
    double reward_largest;
    double count;
} sums;

/* Welford's update: a constant entry's deviation is exactly 0. */
static void add_state(sums *sum, const double *state)
{
    for (size_t k = 0; k < GV_STATE_SIZE; k++) {
        const double before = state[k] - sum->mean[k];
        sum->mean[k] += before / sum->count;
        sum->square[k] += before * (state[k] - sum->mean[k]);
        sum->least[k] = fmin(sum->least[k], state[k]);
        sum->largest[k] = fmax(sum->largest[k], state[k]);
    }
}

static sums sum_up(const gv_dataset *dataset, bool is_continuous)
{
    sums sum = {.reward_least = HUGE_VAL, .reward_largest = -HUGE_VAL};
    for (size_t k = 0; k < GV_STATE_SIZE; k++) {
        sum.least[k] = HUGE_VAL;
        sum.largest[k] = -HUGE_VAL;
    }
    for (size_t i = 0; i < gv_dataset_count(dataset); i++) {
        const gv_episode *episode = gv_dataset_at(dataset, i);
        const double *rewards = is_continuous ? episode->reward_continuous : episode->reward;
        for (size_t tick = 0; tick < episode->length; tick++) {
            sum.count += 1;
            add_state(&sum, episode->state + tick * GV_STATE_SIZE);
            sum.action_largest = fmax(sum.action_largest, episode->action[tick]);
            sum.action_square += episode->action[tick] * episode->action[tick];
            sum.reward_least = fmin(sum.reward_least, rewards[tick]);
            sum.reward_largest = fmax(sum.reward_largest, rewards[tick]);
        }
    }
    return sum;
}

static void fit_entry(const sums *sum, gv_scaling_kind kind, size_t k, gv_scaling *scaling)
{
    scaling->offset[k] = 0;
    scaling->divisor[k] = 1;
    if (kind == GV_SCALING_ZSCORE) {
        scaling->offset[k] = sum->mean[k];
        scaling->divisor[k] = sqrt(sum->square[k] / sum->count) + deviation_more;
    } else if (k >= FIRST_COUNTED) {
        scaling->offset[k] = sum->least[k];
        scaling->divisor[k] = sum->largest[k] - sum->least[k] + range_more;
    }
}

gv_scaling gv_scaling_fit(const gv_dataset *dataset, const gv_scaling_config *config)
{
    const sums sum = sum_up(dataset, config->is_continuous);
    gv_scaling scaling = {.features = GV_FEATURES_STATE,
                          .width = GV_STATE_SIZE,
                          .action_divisor = 1,
                          .action_largest = sum.action_largest,
                          .reward_divisor = 1};
    assert(sum.count > 0);
    for (size_t k = 0; k < GV_STATE_SIZE; k++) {
        fit_entry(&sum, config->kind, k, &scaling);
    }
    if (config->scales_actions && sum.action_square > 0) {
        scaling.action_divisor = sqrt(sum.action_square / sum.count);
    }
    if (config->scales_rewards) {
        scaling.reward_offset = sum.reward_least;
        scaling.reward_divisor = sum.reward_largest - sum.reward_least + range_more;
    }
    return scaling;
}

gv_scaling gv_scaling_fit_rows(gv_features features, const double *rows, size_t count, double least)
{
    gv_scaling scaling = {.features = features,
                          .width = gv_features_size(features),
                          .action_divisor = 1,
                          .reward_divisor = 1};
    assert(count > 0);
    for (size_t k = 0; k < scaling.width; k++) {
        double mean = 0;
        double square = 0;
        for (size_t i = 0; i < count; i++) {
            const double before = rows[i * scaling.width + k] - mean;
            mean += before / (double)(i + 1);
            square += before * (rows[i * scaling.width + k] - mean);
        }
        scaling.offset[k] = mean;
        scaling.divisor[k] = fmax(sqrt(square / (double)count), least);
    }
    return scaling;
}

void gv_scaling_state(const gv_scaling *scaling, const double *state, float *scaled)
{
    for (size_t k = 0; k < scaling->width; k++) {
        const double x = (state[k] - scaling->offset[k]) / scaling->divisor[k];
        const bool is_scaled = scaling->divisor[k] != 1;
        scaled[k] = (float)(is_scaled ? fmin(fmax(x, -GV_SCALED_MAX), GV_SCALED_MAX) : x);
    }
}

void gv_scaling_state_back(const gv_scaling *scaling, const float *scaled, double *state)
{
    for (size_t k = 0; k < GV_STATE_SIZE; k++) {
        state[k] = (double)scaled[k] * scaling->divisor[k] + scaling->offset[k];
    }
}
