/* A bidding policy on the rows of a .gvlog: a scenario of one campaign, replayed. */
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "scenarios/config/quote.h"
#include "scenarios/run/auctions_impl.h"
#include "scenarios/run/cell.h"
#include "sim/base/money.h"
#include "sim/market/replay.h"

enum { SETS_MAX = 512 };

static gv_status no_memory(const char *log)
{
    return GV_FAIL(GV_ENOMEM, "no memory to judge a policy on %s", log);
}

/* Whether the argument sets a key of that section. */
static bool is_of(const char *set, const char *section)
{
    const size_t size = strlen(section);
    return strncmp(set, section, size) == 0 && set[size] == '.';
}

static bool has_set(const gv_auctions_request *request, const char *start)
{
    for (size_t i = 0; i < request->set_count; i++) {
        if (strncmp(request->sets[i], start, strlen(start)) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether the request gives the policy's parameter. */
static bool is_given(const gv_auctions_request *request, const gv_policy_type *type,
                     const char *name)
{
    const size_t size = strlen(name);
    for (size_t i = 0; i < request->set_count; i++) {
        const char *set = request->sets[i];
        const char *dot = strchr(set, '.');
        const bool is_own = is_of(set, "policy") || is_of(set, type->info.name);
        if (is_own && strncmp(dot + 1, name, size) == 0 && dot[1 + size] == '=') {
            return true;
        }
    }
    return false;
}

/* A parameter that is still to be learnt. */
static gv_status lacks_parameter(gv_auction_play *play, const gv_auctions_request *request,
                                 const gv_policy_type *type, bool *lacks)
{
    void *config = gv_region_alloc(&play->region, 1, type->info.config_size + 1);
    *lacks = false;
    if (config == NULL) {
        return no_memory(request->log);
    }
    gv_param_defaults(type->info.params, config);
    for (const gv_param *row = type->info.params; row->name != NULL; row++) {
        *lacks = *lacks || (!gv_param_is_set(row, config) && !is_given(request, type, row->name));
    }
    return GV_OK;
}

/* What the policy needs beside the rows: a history to learn from, a predictor. */
static gv_status find_needs(gv_auction_play *play, const gv_auctions_request *request,
                            const gv_policy_type *type, bool *has_past, bool *has_predictor)
{
    gv_log *log = NULL;
    GV_TRY(gv_log_open(request->log, &log));
    const bool has_pctr = gv_log_find(log, GV_LOG_IMPRESSION, "pctr") != NULL;
    gv_log_close(log);
    *has_predictor = type != NULL && (type->reads & GV_READS_PCTR) != 0 && !has_pctr &&
                     !has_set(request, "predictor.");
    *has_past = *has_predictor;
    if (type != NULL && type->needs_history && type->info.params != NULL) {
        bool lacks = false;
        GV_TRY(lacks_parameter(play, request, type, &lacks));
        *has_past = *has_past || lacks;
    }
    *has_past = *has_past && !has_set(request, "history.");
    return GV_OK;
}

/* "linear.b0=40" as "policies.0.b0=40", "campaign.budget=9" as "campaigns.0.budget=9". */
static gv_status translate(gv_auction_play *play, const gv_auctions_request *request,
                           const gv_policy_type *type, const char *set, const char **out)
{
    const char *rest = strchr(set, '.');
    const bool is_policy = type != NULL && (is_of(set, "policy") || is_of(set, type->info.name));
    *out = set;
    if (is_policy || is_of(set, "campaign")) {
        *out = gv_region_print(&play->region, "%s.0%s", is_policy ? "policies" : "campaigns", rest);
        return *out == NULL ? no_memory(request->log) : GV_OK;
    }
    if (is_of(set, "log") || is_of(set, "history") || is_of(set, "predictor")) {
        return GV_OK;
    }
    return GV_FAIL(GV_EUSAGE,
                   "--set %s: on a .gvlog expected %s.KEY=VALUE, or log.from, history.share, "
                   "predictor.type, campaign.budget and the like, as `gavel list scenario` shows "
                   "them",
                   set, type == NULL ? "POLICY" : type->info.name);
}

static gv_status list_sets(gv_auction_play *play, const gv_auctions_request *request,
                           const gv_policy_type *type, const char *sets[SETS_MAX])
{
    const char *path = gv_quote(&play->region, request->log);
    sets[0] = path == NULL ? NULL : gv_region_print(&play->region, "log.path=%s", path);
    if (sets[0] == NULL || request->set_count >= SETS_MAX) {
        return no_memory(request->log);
    }
    for (size_t i = 0; i < request->set_count; i++) {
        GV_TRY(translate(play, request, type, request->sets[i], &sets[i + 1]));
    }
    return GV_OK;
}

static gv_status compose(gv_auction_play *play, const gv_auctions_request *request,
                         const gv_policy_type *type)
{
    bool has_past = false;
    bool has_predictor = false;
    const char *sets[SETS_MAX];
    GV_TRY(find_needs(play, request, type, &has_past, &has_predictor));
    play->has_own_budget = has_set(request, "campaign.budget");
    const char *text = gv_region_print(
        &play->region,
        "log: {format: gvlog}\n%s%scampaigns: [{name: log%s}]\npolicies: [{type: %s}]\n",
        has_past ? "history: {share: 1/2}\n" : "",
        has_predictor ? "predictor: {type: historical_rate}\n" : "",
        play->has_own_budget ? "" : ", budget: 0",
        type == NULL ? "constant, bid: 1" : type->info.name);
    if (text == NULL) {
        return no_memory(request->log);
    }
    GV_TRY(list_sets(play, request, type, sets));
    GV_TRY(gv_scenario_parse("gavel evaluate", text, strlen(text), sets, request->set_count + 1,
                             &play->scenario));
    return gv_compose(play->scenario, 1, request->progress, &play->composition);
}

gv_status gv_auction_play_open(const gv_auctions_request *request, const gv_policy_type *type,
                               gv_auction_play *play)
{
    const gv_status status = compose(play, request, type);
    if (status == GV_EUSAGE && play->scenario != NULL && play->scenario->problems.count > 0) {
        return gv_problems_fail(&play->scenario->problems);
    }
    return status;
}

void gv_auction_play_close(gv_auction_play *play)
{
    gv_composition_destroy(play->composition);
    gv_scenario_destroy(play->scenario);
    gv_region_fini(&play->region);
}

/* ---- the replay ------------------------------------------------------------------------------ */

typedef struct listener {
    double *judged;
    size_t count; /* rows that were bid on so far */
    size_t room;
    const gv_auction_play *play;
    gv_auctions_facts *facts;
} listener;

static void take_bids(void *context, const gv_replay_piece *piece)
{
    listener *at = context;
    assert(at->count + piece->count <= at->room);
    for (size_t i = 0; i < piece->count; i++) {
        const int64_t offer = piece->offers[i];
        at->judged[at->count++] = offer < 0 ? -1 : (double)offer / (double)GV_NANOS_PER_CPM;
    }
}

/* "b0=41.3, from june.gvlog ...": what was fitted. */
static gv_status take_facts(void *context, const gv_cell_record *records, size_t count)
{
    const listener *at = context;
    gv_auctions_facts *facts = at->facts;
    size_t size = 0;
    assert(count == 1);
    for (size_t i = 0; i < records->parameter_count; i++) {
        const gv_fact *fact = &records->parameters[i];
        if (strcmp(fact->origin, gv_origin_name(GV_FROM_FIT)) != 0 ||
            size >= sizeof facts->learnt) {
            continue;
        }
        const bool is_source = strcmp(fact->name, "fit") == 0;
        const int written =
            snprintf(facts->learnt + size, sizeof facts->learnt - size, "%s%s%s%s",
                     size == 0 ? "" : (is_source ? " by " : ", "), is_source ? "" : fact->name,
                     is_source ? "" : "=", fact->value);
        size += written > 0 ? (size_t)written : 0;
    }
    facts->spent = (double)records->total->spend_nanos / (double)GV_NANOS_PER_UNIT;
    return GV_OK;
}

gv_status gv_auction_play_run(const gv_auction_play *play, const gv_auctions_request *request,
                              int64_t budget_nanos, size_t count, double *judged,
                              gv_auctions_facts *facts)
{
    listener at = {.judged = judged, .room = count, .play = play, .facts = facts};
    gv_cell cell = play->composition->cells[0];
    const gv_replay_tap tap = {.piece = take_bids, .context = &at};
    const gv_cell_job job = {.cell = &cell,
                             .progress = request->progress,
                             .tap = &tap,
                             .finish = take_facts,
                             .context = &at};
    gv_writer writer = {.bytes = NULL};
    gv_cell_worker worker = {.composition = NULL};
    if (!play->has_own_budget) {
        cell.campaign.budget_nanos = budget_nanos;
    }
    facts->budget = (double)cell.campaign.budget_nanos / (double)GV_NANOS_PER_UNIT;
    gv_status status = gv_cell_worker_init(&worker, play->composition);
    if (status == GV_OK) {
        status = gv_cell_run(&worker, &job, &writer);
    }
    gv_writer_fini(&writer);
    gv_cell_worker_fini(&worker);
    for (; at.count < count; at.count++) {
        judged[at.count] = -1; /* behind the campaign's end */
    }
    return status;
}
