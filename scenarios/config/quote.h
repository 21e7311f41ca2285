/*
 * quote.h - a text as a YAML scalar that reads back to the same text.
 */
#ifndef SCENARIOS_CONFIG_QUOTE_H
#define SCENARIOS_CONFIG_QUOTE_H

#include "scenarios/config/region.h"

/* Plain where that is safe, in a flow collection too; else in quotes. NULL: no memory. */
const char *gv_quote(gv_region *region, const char *text);

#endif
