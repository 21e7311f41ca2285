#include "scenarios/cli/log_span.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "scenarios/cli/cli.h"
#include "sim/base/clock.h"

/* "291.5" or "1/0.00343"; 0: neither. */
static double weight_of(const char *text)
{
    char *end = NULL;
    double value = strtod(text, &end);
    if (end == text) {
        return 0;
    }
    if (*end == '/') {
        char *last = NULL;
        value /= strtod(end + 1, &last);
        end = last == end + 1 ? end : last;
    }
    return *end == '\0' && isfinite(value) && value > 0 ? value : 0;
}

error_t gv_cli_span_take(gv_cli_span *span, int key, const char *text, struct argp_state *state)
{
    switch (key) {
    case GV_KEY_FROM:
        span->from = text;
        return 0;
    case GV_KEY_TO:
        span->to = text;
        return 0;
    case GV_KEY_WEIGHT:
        span->weight = weight_of(text);
        if (span->weight == 0) {
            argp_error(state,
                       "--impression-weight: expected a number above 0 or a fraction such as "
                       "1/0.00343, found '%s'",
                       text);
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static gv_status parse_time(const char *option, const char *text, const gv_log *log,
                            int64_t *time_us)
{
    char detail[300];
    if (gv_time_parse(text, gv_log_zone_us(log), time_us) == GV_OK) {
        return GV_OK;
    }
    (void)snprintf(detail, sizeof detail, "%s", gv_status_detail());
    return GV_FAIL(GV_EUSAGE, "%s: %s", option, detail);
}

/* All impressions, clicks and conversions whose impression is not there. */
static void whole_span(const gv_log *log, int64_t *first_us, int64_t *last_us)
{
    static const gv_log_table tables[] = {GV_LOG_IMPRESSION, GV_LOG_CLICK, GV_LOG_ORPHAN_CLICK,
                                          GV_LOG_CONVERSION, GV_LOG_ORPHAN_CONVERSION};
    *first_us = INT64_MAX;
    *last_us = INT64_MIN;
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        int64_t first = 0;
        int64_t last = 0;
        if (gv_log_time_range(log, tables[i], &first, &last)) {
            *first_us = first < *first_us ? first : *first_us;
            *last_us = last > *last_us ? last : *last_us;
        }
    }
}

gv_status gv_cli_span_of(const gv_cli_span *span, const gv_log *log, double fallback_weight,
                         gv_predictor_training *out)
{
    int64_t first_us = 0;
    int64_t last_us = 0;
    whole_span(log, &first_us, &last_us);
    if (first_us > last_us) {
        return GV_FAIL(GV_EINVAL, "%s: it has no rows", gv_log_path(log));
    }
    *out = (gv_predictor_training){.log = log, .start_us = first_us, .end_us = last_us + 1};
    if (span->from != NULL) {
        GV_TRY(parse_time("--from", span->from, log, &out->start_us));
    }
    if (span->to != NULL) {
        GV_TRY(parse_time("--to", span->to, log, &out->end_us));
    }
    out->impression_weight = span->weight > 0 ? span->weight : fallback_weight;
    if (out->start_us >= out->end_us || out->start_us > last_us || out->end_us <= first_us) {
        char first[64];
        char last[64];
        gv_time_print(first_us, gv_log_zone_us(log), first, sizeof first);
        gv_time_print(last_us, gv_log_zone_us(log), last, sizeof last);
        return GV_FAIL(GV_EUSAGE, "%s: the span holds nothing; the log's rows are from %s to %s",
                       gv_log_path(log), first, last);
    }
    return GV_OK;
}

void gv_cli_warn_of_overlap(bool quiet, const gv_model_about *about,
                            const gv_predictor_training *training)
{
    if (about->log_identity == gv_log_identity(training->log) &&
        training->start_us < about->to_us && about->from_us < training->end_us) {
        gv_cli_talk(quiet, "gavel: the model was trained on a part of this span: it is no test\n");
    }
}
