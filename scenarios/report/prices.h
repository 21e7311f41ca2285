/*
 * prices.h - laws of market prices beside one another: for people, for programs, as a picture.
 */
#ifndef SCENARIOS_REPORT_PRICES_H
#define SCENARIOS_REPORT_PRICES_H

#include <stdio.h>

#include "scenarios/report/table.h"
#include "scenarios/run/prices.h"

GV_MUST_CHECK gv_status gv_prices_print(FILE *stream, const gv_prices *prices,
                                        const gv_report_options *options);

/* One object; money in nanos. */
GV_MUST_CHECK gv_status gv_prices_json(FILE *stream, const gv_prices *prices);

/* STEM.png and STEM.svg: win rates over bids. `title` names the file. */
GV_MUST_CHECK gv_status gv_prices_plot(const gv_prices *prices, const char *title,
                                       const char *stem);

#endif
