/*
 * mapping_impl.h - a mapping file (YAML), read and checked: how the columns of a log become roles.
 */
#ifndef SIM_LOG_MAPPING_IMPL_H
#define SIM_LOG_MAPPING_IMPL_H

#include "sim/log/reader_impl.h"

/* Every error in the file is reported, each with file:line:column; GV_EUSAGE. */
GV_MUST_CHECK gv_status gv_mapping_load(const char *path, gv_mapping **out);

/* The same from a text, for which `path` is only a name in messages. */
GV_MUST_CHECK gv_status gv_mapping_parse(const char *path, const char *text, size_t size,
                                         gv_mapping **out);
void gv_mapping_destroy(gv_mapping *mapping); /* accepts NULL */

/* Dies with the mapping. */
const gv_plan *gv_mapping_plan(const gv_mapping *mapping);

#endif
