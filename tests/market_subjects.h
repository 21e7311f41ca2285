/*
 * market_subjects.h - policies of every kind, as subjects of market_properties.h.
 */
#ifndef TESTS_MARKET_SUBJECTS_H
#define TESTS_MARKET_SUBJECTS_H

#include "market_policies.h"
#include "market_properties.h"

static const linear_config linear_100 = {.nanos_per_click = 1e8};

static const market_subject subjects[] = {
    {.type = &whim},
    {.type = &test_linear, .config = &linear_100},
    {.type = &listener},
    {.type = &clinger},
};

enum { SUBJECTS = sizeof subjects / sizeof subjects[0] };

#endif
