/*
 * provenance.h - where trajectories came from, as the JSON of their file's metadata.
 *
 *   {"version": "0.2.0", "commit": "...", "scenario": "market48", "scenario_hash": "16 hex digits",
 *    "seed": 1, "behaviours": ["log", "oracle", ...], "draws": {...},
 *    "periods": {"1000": "16 hex digits", ...}}
 *
 * `periods` has gv_traffic_hash() of each, by which a training notices that it is judged by what
 * it has learned from.
 */
#ifndef SCENARIOS_RUN_PROVENANCE_H
#define SCENARIOS_RUN_PROVENANCE_H

#include <stddef.h>
#include <stdint.h>

#include "scenarios/compose/compose.h"
#include "scenarios/run/experts.h"

/*
 * options: NULL: nobody but the log played, and its budgets and CPAs are the market's own.
 * hashes: [periods of the composition]. On GV_OK the caller frees *text with gv_mem_free(). It has
 * no path, time or number of threads: the same episodes give the same text.
 */
GV_MUST_CHECK gv_status gv_provenance_of_experts(const gv_composition *composition,
                                                 const gv_expert_options *options,
                                                 const uint64_t *hashes, char **text);

#endif
