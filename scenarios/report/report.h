/*
 * report.h - what a run came to, for a person at a terminal, or as JSON.
 *
 * One table for each campaign and budget, policies ranked; with more of them than a screen
 * holds, one for each budget with the campaigns added up.
 */
#ifndef SCENARIOS_REPORT_REPORT_H
#define SCENARIOS_REPORT_REPORT_H

#include <stdint.h>
#include <stdio.h>

#include "scenarios/report/table.h"
#include "sim/base/status.h"
#include "sim/outcome/read.h"

/* Reads the run back from the store (GV_RUN_LATEST: the last) and prints it. */
GV_MUST_CHECK gv_status gv_report_run(FILE *stream, gv_store *store, int64_t run_id,
                                      const gv_report_options *options);

/* The same of outcomes that are in memory. */
GV_MUST_CHECK gv_status gv_report_print(FILE *stream, const gv_outcomes *outcomes,
                                        const gv_report_options *options);

/* The same as one JSON object: {"run": {...}, "cells": [{..., "metrics": {...}}]}. */
GV_MUST_CHECK gv_status gv_report_json(FILE *stream, gv_store *store, int64_t run_id);

#endif
