/* Which time each part of a scenario covers, and every way in which the parts contradict. */
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "scenarios/compose/compose_impl.h"
#include "sim/base/clock.h"

enum { TICKS_MAX = 10000000, AUTO_TICKS = 100, PERIOD_SIZE = 96 };

#define AUTO_TICK_US (30 * GV_US_PER_MINUTE)

gv_status gv_compose_span(const gv_log *log, int64_t *from_us, int64_t *to_us, bool *has_times)
{
    const gv_log_column *time = gv_log_find(log, GV_LOG_IMPRESSION, "time");
    const uint64_t rows = gv_log_rows(log, GV_LOG_IMPRESSION);
    const char *ordinal = gv_log_fact(log, "ordinal_time");
    if (time == NULL || rows == 0) {
        return GV_FAIL(GV_EIO, "%s: the log has no impressions to replay", gv_log_path(log));
    }
    GV_TRY(gv_log_check(time, 0, 1));
    GV_TRY(gv_log_check(time, rows - 1, 1));
    *from_us = gv_log_integers(time)[0];
    *to_us = gv_log_integers(time)[rows - 1] + 1;
    *has_times = ordinal == NULL || strcmp(ordinal, "yes") != 0;
    return GV_OK;
}

/* "2013-06-06T00:00:00+08:00 to ..." */
static void print_period(const gv_composition *composition, int64_t from_us, int64_t to_us,
                         char text[PERIOD_SIZE])
{
    char from[40];
    char to[40];
    gv_time_print(from_us, composition->zone_us, from, sizeof from);
    gv_time_print(to_us, composition->zone_us, to, sizeof to);
    (void)snprintf(text, PERIOD_SIZE, "%s to %s", from, to);
}

/*
 * [from, to) where given, the log's own span where not. `section` and the names of its two rows
 * are for complaints.
 */
static void choose_span(gv_composition *composition, const gv_section *section,
                        const int64_t span[2], int64_t *from_us, int64_t *to_us)
{
    char period[PERIOD_SIZE];
    *from_us = *from_us == GV_PARAM_UNSET ? span[0] : *from_us;
    *to_us = *to_us == GV_PARAM_UNSET ? span[1] : *to_us;
    if (*from_us >= span[1] || *to_us <= span[0]) {
        print_period(composition, span[0], span[1], period);
        gv_problems_add(&composition->scenario->problems, gv_section_mark(section, "from"),
                        "%s: its span lies outside the log, which covers %s", section->path,
                        period);
    } else if (*from_us >= *to_us) {
        gv_problems_add(&composition->scenario->problems, gv_section_mark(section, "to"),
                        "%s: it ends (to) before it begins (from)", section->path);
    }
}

/* `history.share`: the log is cut once, and what lies behind the cut is replayed. */
static void cut_log(gv_composition *composition, const int64_t span[2])
{
    gv_scenario *scenario = composition->scenario;
    const gv_history_plan *history = scenario->history;
    if (history == NULL || isnan(history->share)) {
        return;
    }
    if (history->path != NULL || history->to_us != GV_PARAM_UNSET ||
        scenario->log->from_us != GV_PARAM_UNSET) {
        gv_problems_add(&scenario->problems, gv_section_mark(&scenario->history_section, "share"),
                        "history.share cuts the log in two: give it without history.path, "
                        "history.to and log.from");
        return;
    }
    const double part_us = (double)(span[1] - span[0]) * history->share;
    composition->from_us = span[0] + (int64_t)part_us;
}

static gv_status span_log(gv_composition *composition)
{
    const gv_scenario *scenario = composition->scenario;
    int64_t span[2] = {0, 0};
    GV_TRY(gv_compose_span(composition->log, &span[0], &span[1], &composition->has_times));
    composition->from_us = scenario->log->from_us;
    composition->to_us = scenario->log->to_us;
    cut_log(composition, span);
    choose_span(composition, &scenario->log_section, span, &composition->from_us,
                &composition->to_us);
    return GV_OK;
}

/* Until when the past reaches by default: the first campaign's start. */
static int64_t first_start(const gv_composition *composition)
{
    int64_t first_us = INT64_MAX;
    for (size_t i = 0; i < composition->scenario->campaign_count; i++) {
        const int64_t start_us = composition->scenario->campaigns[i].settings->start_us;
        const int64_t known_us = start_us == GV_PARAM_UNSET ? composition->from_us : start_us;
        first_us = known_us < first_us ? known_us : first_us;
    }
    return first_us;
}

static gv_status span_past(gv_composition *composition)
{
    const gv_scenario *scenario = composition->scenario;
    int64_t span[2] = {0, 0};
    if (composition->past_log == NULL) {
        return GV_OK;
    }
    GV_TRY(
        gv_compose_span(composition->past_log, &span[0], &span[1], &composition->past_has_times));
    composition->past_from_us = scenario->history->from_us;
    composition->past_to_us = scenario->history->to_us;
    const bool is_same = composition->past_log == composition->log;
    const bool compares = is_same || (composition->has_times && composition->past_has_times);
    if (composition->past_to_us == GV_PARAM_UNSET && compares &&
        first_start(composition) < span[1]) {
        composition->past_to_us = first_start(composition);
        if (composition->past_to_us <= span[0]) {
            gv_problems_add(&composition->scenario->problems, scenario->history_section.mark,
                            "history: nothing of its log lies before the first campaign: set "
                            "log.from, or history.path to another log");
            return GV_OK;
        }
    }
    choose_span(composition, &scenario->history_section, span, &composition->past_from_us,
                &composition->past_to_us);
    return GV_OK;
}

/* What is learnt must be over before the campaign begins, or the outcome would be a forecast of
   itself. Times that are mere numbers of rows compare within one log only. */
static void refuse_leak(gv_composition *composition, const gv_campaign_plan *plan, int64_t start_us)
{
    const gv_scenario *scenario = composition->scenario;
    const bool is_same = composition->past_log == composition->log;
    const bool compares = is_same || (composition->has_times && composition->past_has_times);
    if (composition->past_log == NULL || !compares || composition->past_to_us <= start_us) {
        return;
    }
    char period[PERIOD_SIZE];
    print_period(composition, composition->past_from_us, composition->past_to_us, period);
    gv_problems_add(&composition->scenario->problems,
                    gv_section_mark(&scenario->history_section, "to"),
                    "history: its span, %s, reaches into the campaign %s: what is learnt must end "
                    "before the campaign starts",
                    period, plan->name);
}

static void choose_tick(gv_composition *composition, gv_campaign_plan *plan)
{
    gv_campaign_settings *settings = plan->settings;
    const int64_t length_us = settings->end_us - settings->start_us;
    if (settings->tick_us == GV_PARAM_UNSET) {
        const int64_t part_us = length_us / AUTO_TICKS + (length_us % AUTO_TICKS != 0 ? 1 : 0);
        const bool is_usual = composition->has_times && part_us >= AUTO_TICK_US / 5;
        settings->tick_us = is_usual ? AUTO_TICK_US : part_us;
    }
    if (length_us / settings->tick_us > TICKS_MAX) {
        gv_problems_add(&composition->scenario->problems, gv_section_mark(&plan->section, "tick"),
                        "%s.tick: %" PRId64 " ticks from start to end; at most %d are kept",
                        plan->section.path, length_us / settings->tick_us, TICKS_MAX);
    }
}

static void span_campaign(gv_composition *composition, gv_campaign_plan *plan)
{
    gv_campaign_settings *settings = plan->settings;
    gv_problems *problems = &composition->scenario->problems;
    settings->start_us =
        settings->start_us == GV_PARAM_UNSET ? composition->from_us : settings->start_us;
    settings->end_us = settings->end_us == GV_PARAM_UNSET ? composition->to_us : settings->end_us;
    if (settings->start_us >= settings->end_us) {
        gv_problems_add(problems, gv_section_mark(&plan->section, "end"),
                        "%s: the campaign ends before it starts", plan->section.path);
        return;
    }
    if (settings->start_us >= composition->to_us || settings->end_us <= composition->from_us) {
        char period[PERIOD_SIZE];
        print_period(composition, composition->from_us, composition->to_us, period);
        gv_problems_add(problems, gv_section_mark(&plan->section, "start"),
                        "%s: the campaign lies outside what is replayed, %s", plan->section.path,
                        period);
    }
    choose_tick(composition, plan);
    refuse_leak(composition, plan, settings->start_us);
}

gv_status gv_compose_spans(gv_composition *composition)
{
    gv_scenario *scenario = composition->scenario;
    GV_TRY(span_log(composition));
    if (scenario->problems.count > 0) {
        return gv_problems_fail(&scenario->problems);
    }
    GV_TRY(span_past(composition));
    for (size_t i = 0; i < scenario->campaign_count; i++) {
        span_campaign(composition, &scenario->campaigns[i]);
    }
    return gv_problems_fail(&scenario->problems);
}
