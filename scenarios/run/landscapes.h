/*
 * landscapes.h - a market's own episodes with the bid landscape of each: what a learner needs that
 * rolls out policies of its own.
 *
 * Each period is sold once with the advertisers' own policies and recorded; every advertiser's
 * episode in it is a trajectory, and has its landscape against the others' recorded offers (see
 * sim/market/landscape.h). In the order of period and advertiser; a pure function of the scenario,
 * whatever `jobs`. The file has, beside the tensors of trajectories,
 *
 *   landscape_cost, landscape_value   F32 [N][T][GV_LANDSCAPE_SIZE]
 *   landscape_true                    F32 [N][T]   true over predicted probability, of a sample of
 *                                                  the tick's opportunities: what a conversion
 *                                                  really costs, which no policy may know
 *   tick_auctions, tick_values, tick_least_cost   F64 [N][T]
 *
 * and the grid in its metadata, under "landscape".
 */
#ifndef SCENARIOS_RUN_LANDSCAPES_H
#define SCENARIOS_RUN_LANDSCAPES_H

#include <stddef.h>
#include <stdint.h>

#include "scenarios/compose/compose.h"
#include "sim/base/progress.h"

typedef struct gv_landscapes gv_landscapes;

/*
 * On GV_OK the caller owns *out. GV_EINVAL: prices depend on the own bid. GV_ESTOPPED: progress,
 * which may be NULL, said so. All is held in memory: 42 KB an episode of 48 ticks, beside some 60
 * bytes an opportunity and job.
 */
GV_MUST_CHECK gv_status gv_landscapes_make(const gv_composition *composition, size_t jobs,
                                           const gv_progress *progress, gv_landscapes **out);
void gv_landscapes_destroy(gv_landscapes *landscapes); /* accepts NULL */

size_t gv_landscapes_count(const gv_landscapes *landscapes); /* episodes */

/* source, for people; with the provenance of scenarios/run/provenance.h. */
GV_MUST_CHECK gv_status gv_landscapes_write(const gv_landscapes *landscapes, const char *path,
                                            const char *source);

#endif
