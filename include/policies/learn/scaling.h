/*
 * scaling.h - how a network sees states, actions and rewards.
 *
 *   state:   (x - offset) / divisor, entry by entry
 *   action:  a / action_divisor
 *   reward:  (r - reward_offset) / reward_divisor
 *
 * Fitted on the training data, kept in the weights file, and used by the policy that serves it.
 * The kinds are those of AuctionNet's public baselines.
 */
#ifndef POLICIES_LEARN_SCALING_H
#define POLICIES_LEARN_SCALING_H

#include <stdbool.h>

#include "policies/learn/dataset.h"
#include "sim/market/outlook.h"

typedef enum gv_scaling_kind {
    GV_SCALING_ZSCORE, /* of all entries: mean, standard deviation + 1e-6; DT's */
    GV_SCALING_COUNTS /* of entries 13 to 15 alone: least, largest - least + 0.01; IQL's and BC's */
} gv_scaling_kind;

/* Which numbers of an observation a network sees. */
typedef enum gv_features {
    GV_FEATURES_STATE,  /* gv_state_of() */
    GV_FEATURES_OUTLOOK /* gv_outlook_of() */
} gv_features;

enum { GV_FEATURES_MAX = 64 };

size_t gv_features_size(gv_features features);
const char *gv_features_entry(gv_features features, size_t entry); /* its name */

typedef struct gv_scaling {
    gv_features features;
    size_t width; /* gv_features_size(): of what follows so many count */
    double offset[GV_FEATURES_MAX];
    double divisor[GV_FEATURES_MAX];
    double action_divisor;
    double action_largest; /* of the data, as it is there: what a bounded actor stays below */
    double reward_offset;
    double reward_divisor;
} gv_scaling;

typedef struct gv_scaling_config {
    gv_scaling_kind kind;
    bool scales_actions; /* by their root mean square; otherwise by 1, as the public code */
    bool scales_rewards; /* least to 0, largest to about 1; otherwise as they are */
    bool is_continuous;  /* the reward meant is reward_continuous */
} gv_scaling_config;

/*
 * The dataset is not empty. An entry that was constant has a small divisor, and is 0 to a network
 * as long as it keeps its value; should it change in serving, it stops at +-GV_SCALED_MAX, as every
 * entry does whose divisor is not 1.
 */
gv_scaling gv_scaling_fit(const gv_dataset *dataset, const gv_scaling_config *config);

#define GV_SCALED_MAX 10.0

/*
 * Of rows that the caller makes instead of a dataset: [count][gv_features_size()]. Each entry by
 * its mean and its standard deviation, or `least` where that is more. Actions and rewards as they
 * are.
 */
gv_scaling gv_scaling_fit_rows(gv_features features, const double *rows, size_t count,
                               double least);

/* state, scaled: [width] */
void gv_scaling_state(const gv_scaling *scaling, const double *state, float *scaled);

/* The state behind scaled numbers, where none was stopped at GV_SCALED_MAX. */
void gv_scaling_state_back(const gv_scaling *scaling, const float *scaled, double *state);

#endif
