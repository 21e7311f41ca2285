/*
 * episodes.h - a log of decisions as episodes: each cluster's rows, in their order, are the steps.
 */
#ifndef SCENARIOS_RUN_EPISODES_H
#define SCENARIOS_RUN_EPISODES_H

#include "sim/base/status.h"
#include "sim/estimate/episodes.h"
#include "sim/estimate/experiment.h"
#include "sim/estimate/rounds.h"

typedef struct gv_episode_table gv_episode_table;

/*
 * Step-major copies of the rounds and of the target's rows. GV_EUSAGE when clusters have not the
 * same number of rounds. On GV_OK the caller owns *out.
 */
GV_MUST_CHECK gv_status gv_episode_table_create(const gv_rounds *rounds, const gv_target *target,
                                                double discount, gv_episode_table **out);
void gv_episode_table_destroy(gv_episode_table *table); /* accepts NULL */

/* A test that deals whole episodes; one day is as long as the log. unit_count 0: one alone. */
GV_MUST_CHECK gv_status gv_episode_table_design(const gv_episode_table *table, gv_design *out);

/* Valid while the table lives. */
const gv_episodes *gv_episode_table_episodes(const gv_episode_table *table);

#endif
