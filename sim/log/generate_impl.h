/* generate_impl.h - the kinds of logs that gv_generate() chooses from. */
#ifndef SIM_LOG_GENERATE_IMPL_H
#define SIM_LOG_GENERATE_IMPL_H

#include "sim/log/generate.h"

GV_MUST_CHECK gv_status gv_generate_planted(const gv_generate_config *config,
                                            const gv_progress *progress, gv_builder_counts *counts);

#endif
