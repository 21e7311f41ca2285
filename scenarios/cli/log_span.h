/*
 * log_span.h - the options that say which samples of which log: --from, --to, --impression-weight.
 */
#ifndef SCENARIOS_CLI_LOG_SPAN_H
#define SCENARIOS_CLI_LOG_SPAN_H

#include <argp.h>
#include <stdbool.h>

#include "models/predict/model_file.h"
#include "sim/base/status.h"
#include "sim/log/log.h"
#include "sim/market/predictor.h"

/* Keys of the three; a command's own are others. */
enum { GV_KEY_FROM = 512, GV_KEY_TO, GV_KEY_WEIGHT };

/* A row each, for a command's table of options. */
#define GV_CLI_SPAN_OPTIONS                                                                        \
    {"from", GV_KEY_FROM, "TIME", 0, "Samples from then on, in the log's zone (default: all)", 0}, \
        {"to", GV_KEY_TO, "TIME", 0, "Samples before then (default: all)", 0},                     \
    {                                                                                              \
        "impression-weight", GV_KEY_WEIGHT, "NUMBER", 0,                                           \
            "Each logged impression stands for so many, such as 1/0.00343 where a sample of "      \
            "0.343 % was kept",                                                                    \
            0                                                                                      \
    }

typedef struct gv_cli_span {
    const char *from; /* NULL: not given */
    const char *to;
    double weight; /* 0: not given */
} gv_cli_span;

/* ARGP_ERR_UNKNOWN: none of the three. */
error_t gv_cli_span_take(gv_cli_span *span, int key, const char *text, struct argp_state *state);

/* fallback_weight: where none is given. GV_EUSAGE: a time that is none, an empty span. */
GV_MUST_CHECK gv_status gv_cli_span_of(const gv_cli_span *span, const gv_log *log,
                                       double fallback_weight, gv_predictor_training *out);

/* Talks where the model was trained on a part of the span: nobody should take that for a test. */
void gv_cli_warn_of_overlap(bool quiet, const gv_model_about *about,
                            const gv_predictor_training *training);

#endif
