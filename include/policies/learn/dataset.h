/*
 * dataset.h - what a learner learns from: trajectory sets, read in place and checked.
 *
 * A set is one or several files as sim/outcome/trajectory.h writes them, of the same number of
 * ticks. Every number is looked at once when it is opened: a file with a NaN, a length outside of
 * its ticks, other entries in its state or a negative answer of the oracle is refused with its
 * place. What a training step sees is a pure function of (seed, step): nothing advances, so
 * training that resumes at step 17 draws what it would have drawn there.
 *
 * For validation whole periods are held out, the latest: campaigns of one period share its
 * traffic, so a random share of trajectories would leak it.
 */
#ifndef POLICIES_LEARN_DATASET_H
#define POLICIES_LEARN_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policies/learn/imprints.h"
#include "policies/learn/reach.h"
#include "sim/base/status.h"
#include "sim/market/observation.h"
#include "sim/market/outlook.h"

/* What every multiplier of a grid would have bought: see sim/market/landscape.h. */
typedef struct gv_episode_landscape {
    const float *cost;        /* [tick][GV_LANDSCAPE_SIZE], units of currency */
    const float *value;       /* [tick][GV_LANDSCAPE_SIZE] */
    const float *truth;       /* [tick]: true over predicted probability of a conversion */
    const double *auctions;   /* [tick] */
    const double *values;     /* [tick]: of all its opportunities */
    const double *least_cost; /* [tick] */
} gv_episode_landscape;

/* One campaign in one period. Arrays have the set's number of ticks; `length` of them count. */
typedef struct gv_episode {
    const double *state;  /* [tick][GV_STATE_SIZE] */
    const float *outlook; /* [tick][GV_OUTLOOK_SIZE]; NULL: its file has none */
    const double *action;
    const double *reward;            /* conversions of the tick */
    const double *reward_continuous; /* values of what was seen in it */
    gv_episode_landscape landscape;  /* all NULL: its file has none */
    const double *oracle; /* the hindsight oracle's multiplier at this state; NULL: not known */
    bool is_expert;       /* the oracle itself played */
    size_t length;        /* this and all below is what the dataset's hash takes as one piece */
    int64_t period;
    int64_t advertiser;
    int64_t category;
    double budget; /* in units of currency, as cpa and spend */
    double cpa;
    double spend;
    double conversions;
    double score;
} gv_episode;

/* Of a tick; NULL: there is none. */
static inline const float *gv_episode_outlook(const gv_episode *episode, size_t tick)
{
    return episode->outlook == NULL ? NULL : episode->outlook + tick * GV_OUTLOOK_SIZE;
}

/* One tick of one episode. */
typedef struct gv_place {
    size_t episode;
    size_t tick;
} gv_place;

typedef struct gv_dataset gv_dataset;

/* paths: [count], at least one. On GV_OK the caller owns *out. */
GV_MUST_CHECK gv_status gv_dataset_open(const char *const *paths, size_t count, gv_dataset **out);
void gv_dataset_destroy(gv_dataset *dataset); /* accepts NULL */

typedef enum gv_dataset_part { GV_PART_TRAINING, GV_PART_VALIDATION } gv_dataset_part;

/*
 * The episodes of `all` that are in the part, which borrows from it: of P different periods the
 * last floor(share x P) are for validation. share in [0, 1). A part may be empty.
 */
GV_MUST_CHECK gv_status gv_dataset_split(const gv_dataset *all, double share, gv_dataset_part part,
                                         gv_dataset **out);

size_t gv_dataset_count(const gv_dataset *dataset);
size_t gv_dataset_ticks(const gv_dataset *dataset);
const gv_episode *gv_dataset_at(const gv_dataset *dataset, size_t index);
uint64_t gv_dataset_places(const gv_dataset *dataset); /* ticks that count, of all episodes */

/*
 * Place `number` in [0, gv_dataset_places()), episode by episode. A uniform number is a uniform
 * transition, and for sequences an episode in proportion to its length, begun anywhere.
 */
gv_place gv_dataset_place(const gv_dataset *dataset, uint64_t number);

/* Draw `index` of a step: uniform over all places; the dataset is not empty. */
gv_place gv_dataset_draw(const gv_dataset *dataset, uint64_t seed, uint64_t step, uint64_t index);

/*
 * GV_EINVAL, with a sentence that begins with the learner's name: an episode has no outlook, or no
 * CPA, so that its outlook is empty.
 */
GV_MUST_CHECK gv_status gv_dataset_expect_outlook(const gv_dataset *dataset, const char *learner);

/* Identity of the episodes in it, in their order: of every number of each. */
uint64_t gv_dataset_hash(const gv_dataset *dataset);

/* The imprints of its periods, as far as its files have them. */
const gv_imprints *gv_dataset_imprints(const gv_dataset *dataset);

/* Of its episodes' budgets and CPAs. */
gv_reach gv_dataset_reach(const gv_dataset *dataset);

/* "7..26" or "7, 9, 12..20": its periods. `text`: [size], cut with "..." when too small. */
void gv_dataset_periods(const gv_dataset *dataset, char *text, size_t size);

#endif
