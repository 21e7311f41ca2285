/*
 * episode_file_impl.h - the episodes of one trajectory file (sim/outcome/trajectory.h), looked at
 * where they lie and checked number by number.
 */
#ifndef POLICIES_LEARN_EPISODE_FILE_IMPL_H
#define POLICIES_LEARN_EPISODE_FILE_IMPL_H

#include <stddef.h>
#include <stdint.h>

#include "policies/learn/dataset.h"
#include "sim/base/safetensors.h"
#include "sim/base/status.h"

/* The tensors of one file. */
typedef struct gv_episode_file {
    const char *path;
    size_t count;
    size_t tick_count;
    const double *state;
    const double *action;
    const double *reward;
    const double *reward_continuous;
    const float *outlook;  /* NULL: the file has none */
    const double *oracle;  /* NULL, both: the file has none */
    const uint8_t *expert; /* [count] */
    const int64_t *length;
    const int64_t *period;
    const int64_t *advertiser;
    const int64_t *category;
    const double *budget;
    const double *cpa;
    const double *spend;
    const double *conversions;
    const double *score;
    gv_episode_landscape landscape; /* of the first episode */
} gv_episode_file;

/* Finds the tensors; what it gives points into `file`, and to `path`. */
GV_MUST_CHECK gv_status gv_episode_file_view(const gv_safetensors *file, const char *path,
                                             gv_episode_file *out);

/* Finds the landscapes, where there are any, and looks at every number. It is not empty. */
GV_MUST_CHECK gv_status gv_episode_file_check(const gv_safetensors *file, gv_episode_file *view);

/* Number i, below view->count. */
gv_episode gv_episode_file_at(const gv_episode_file *view, size_t i);

#endif
