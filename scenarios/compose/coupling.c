/* How predictions and outcomes of a replay hang together: what is predicted, believed and true. */
#include <math.h>

#include "models/predict/model_file.h"
#include "scenarios/compose/compose_impl.h"
#include "sim/base/clock.h"
#include "sim/base/money.h"

enum { TIME_SIZE = 64 };

/* A scenario's mistake, at the key that made it. */
static gv_status refuse(gv_composition *composition, const gv_section *section, const char *row,
                        const char *sentence)
{
    gv_problems_add(&composition->scenario->problems, gv_section_mark(section, row), "%s%s%s: %s",
                    section->path, row == NULL ? "" : ".", row == NULL ? "" : row, sentence);
    return gv_problems_fail(&composition->scenario->problems);
}

static gv_status fit(gv_composition *composition, const gv_predictor_type *type,
                     const gv_section *section, const gv_predictor_training *training,
                     const gv_progress *progress, gv_predictor **out)
{
    if (type->needs_training && composition->past_log != composition->log) {
        gv_problems_add(&composition->scenario->problems, gv_section_mark(section, "type"),
                        "%s: %s learns from an earlier span of the log itself: give "
                        "`history: {from: ..., to: ...}` without a path",
                        section->path, type->info.name);
        return gv_problems_fail(&composition->scenario->problems);
    }
    const gv_status status =
        gv_predictor_create(type, section->config, composition->log,
                            type->needs_training ? training : NULL, progress, out);
    if (status == GV_ENOTFOUND || status == GV_EINVAL) {
        return refuse(composition, section, "type", gv_status_detail());
    }
    return status;
}

static gv_predictor_training training_of(const gv_composition *composition)
{
    const gv_history_plan *history = composition->scenario->history;
    return (gv_predictor_training){.log = composition->past_log,
                                   .start_us = composition->past_from_us,
                                   .end_us = composition->past_to_us,
                                   .impression_weight =
                                       history == NULL ? 1 : history->impression_weight};
}

/* A believed model must not price what it has learned from; a true one may. */
static gv_status check_model(gv_composition *composition)
{
    gv_scenario *scenario = composition->scenario;
    const gv_section *section = &scenario->predictor_section;
    const char *path = gv_predictor_model_path(scenario->predictor, section->config);
    gv_model_file *file = NULL;
    if (path == NULL) {
        return GV_OK;
    }
    GV_TRY(gv_model_file_open(path, &file));
    const gv_model_about *about = gv_model_file_about(file);
    const bool is_leak = about->log_identity == gv_log_identity(composition->log) &&
                         composition->from_us < about->to_us && about->from_us < composition->to_us;
    if (is_leak) {
        char from[TIME_SIZE];
        char to[TIME_SIZE];
        gv_time_print(about->from_us, composition->zone_us, from, sizeof from);
        gv_time_print(about->to_us, composition->zone_us, to, sizeof to);
        gv_problems_add(&scenario->problems, gv_section_mark(section, "weights"),
                        "predictor.weights: %s was trained on this very log from %s to %s, and a "
                        "part of that is replayed: train it on what comes before (`gavel train "
                        "--to`), or replay what comes behind (`log.from`)",
                        path, from, to);
    }
    gv_model_file_close(file);
    return is_leak ? gv_problems_fail(&scenario->problems) : GV_OK;
}

static gv_status fit_predictor(gv_composition *composition, const gv_progress *progress)
{
    const gv_scenario *scenario = composition->scenario;
    const int64_t stale_us = scenario->belief == NULL ? 0 : scenario->belief->stale_us;
    gv_predictor_training training = training_of(composition);
    if (stale_us > 0 && (scenario->predictor == NULL || !scenario->predictor->needs_training)) {
        return refuse(composition, &scenario->belief_section, "stale",
                      "only a predictor that is fitted in the run can be stale: give one under "
                      "`predictor`");
    }
    if (stale_us > 0 && scenario->response != NULL && scenario->truth == NULL) {
        return refuse(composition, &scenario->belief_section, "stale",
                      "what is predicted is stale as well, so the truth cannot be drawn by it: "
                      "give the response a predictor of its own, `response: {type: "
                      "historical_rate}`");
    }
    if (scenario->predictor == NULL) {
        return GV_OK;
    }
    if (stale_us > 0 && stale_us >= training.end_us - training.start_us) {
        return refuse(composition, &scenario->belief_section, "stale",
                      "nothing of the history is left to fit a predictor on; give a shorter time, "
                      "or a longer history");
    }
    GV_TRY(check_model(composition));
    training.end_us -= stale_us;
    return fit(composition, scenario->predictor, &scenario->predictor_section, &training, progress,
               &composition->predictor);
}

/* ---- what is true ---------------------------------------------------------------------------- */

static gv_status check_truth(gv_composition *composition)
{
    const gv_scenario *scenario = composition->scenario;
    const bool has_pctr = scenario->predictor != NULL || scenario->truth != NULL ||
                          gv_log_find(composition->log, GV_LOG_IMPRESSION, "pctr") != NULL;
    if (!has_pctr) {
        return refuse(composition, &scenario->response_section, "type",
                      "clicks are to be drawn by what is predicted, and the log holds no "
                      "predictions: give `predictor: {type: ...}`");
    }
    if (composition->past_log != NULL && composition->past_log != composition->log) {
        return refuse(composition, &scenario->response_section, "type",
                      "where clicks are drawn, the history has to be an earlier span of the log "
                      "itself: give `history: {from: ..., to: ...}` without a path");
    }
    return GV_OK;
}

static gv_status make_truth(gv_composition *composition, const gv_progress *progress)
{
    const gv_scenario *scenario = composition->scenario;
    if (scenario->response == NULL) {
        return GV_OK;
    }
    GV_TRY(check_truth(composition));
    const gv_predictor_training training = training_of(composition);
    if (scenario->truth != NULL) {
        GV_TRY(fit(composition, scenario->truth, &scenario->truth_section, &training, progress,
                   &composition->truth_predictor));
    }
    composition->truth = (gv_truth){
        .predictor = composition->truth_predictor,
        .click_delay = {.type = &gv_delay_exponential,
                        .mean_us = scenario->response->click_delay_us},
        .conversion_delay = {.type = &gv_delay_exponential,
                             .mean_us = scenario->response->conversion_delay_us},
        .seed = (uint64_t)scenario->top->seed,
    };
    return GV_OK;
}

/* ---- what is believed ------------------------------------------------------------------------ */

static gv_status find_mean(gv_composition *composition)
{
    const gv_scenario *scenario = composition->scenario;
    if (composition->past_log == composition->log) {
        const gv_logged_config past = {.log = composition->log,
                                       .start_us = composition->past_from_us,
                                       .end_us = composition->past_to_us,
                                       .filters = scenario->log_filters,
                                       .filter_count = scenario->log_filter_count,
                                       .predictor = composition->predictor};
        gv_history *history = NULL;
        GV_TRY(gv_logged_history_create(&past, "", GV_NANOS_PER_CPM, &history));
        composition->belief.mean = history->mean_pctr;
        gv_history_destroy(history);
    }
    const double mean = composition->belief.mean;
    if (!(mean > 0 && mean < 1)) {
        return refuse(composition, &scenario->belief_section, "mean",
                      "slope and cold draw to a mean prediction, and the scenario has no history "
                      "of the log itself, with predictions, to find it in: give it");
    }
    return GV_OK;
}

static gv_status make_belief(gv_composition *composition)
{
    const gv_scenario *scenario = composition->scenario;
    const gv_belief_plan *plan = scenario->belief;
    composition->belief = (gv_belief){.scale = 1, .slope = 1};
    if (plan == NULL) {
        return GV_OK;
    }
    composition->belief = (gv_belief){.scale = plan->scale,
                                      .slope = plan->slope,
                                      .noise = plan->noise,
                                      .cold = plan->cold,
                                      .mean = plan->mean,
                                      .seed = (uint64_t)scenario->top->seed};
    const bool lacks_mean = gv_belief_needs_mean(&composition->belief) && isnan(plan->mean);
    return lacks_mean ? find_mean(composition) : GV_OK;
}

gv_status gv_compose_coupling(gv_composition *composition, const gv_progress *progress)
{
    GV_TRY(fit_predictor(composition, progress));
    GV_TRY(make_truth(composition, progress));
    return make_belief(composition);
}

void gv_couple_rows(const gv_composition *composition, gv_logged_config *rows)
{
    const gv_scenario *scenario = composition->scenario;
    rows->belief = scenario->belief == NULL ? NULL : &composition->belief;
    rows->cold_by = scenario->belief == NULL ? NULL : scenario->belief->cold_by;
    rows->truth = scenario->response == NULL ? NULL : &composition->truth;
}
