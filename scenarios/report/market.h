/*
 * market.h - what a market's run came to: the league table of its policies, with intervals.
 *
 * One table for each kind of rivals (store.h): the market itself, and every policy in every seat.
 */
#ifndef SCENARIOS_REPORT_MARKET_H
#define SCENARIOS_REPORT_MARKET_H

#include <stdio.h>

#include "scenarios/report/table.h"
#include "sim/base/status.h"
#include "sim/estimate/league.h"
#include "sim/outcome/read.h"

/* The tables that are printed, plotted and in the JSON: 95 %, BCa, 4,000 resamples, seed 1. */
gv_league_config gv_market_league(const gv_outcomes *outcomes);

GV_MUST_CHECK gv_status gv_market_print(FILE *stream, const gv_outcomes *outcomes,
                                        const gv_report_options *options);

#endif
