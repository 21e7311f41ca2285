#include "scenarios/run/auctions.h"

#include <math.h>
#include <string.h>

#include "scenarios/run/auctions_impl.h"
#include "sim/base/mem.h"
#include "sim/base/number.h"

/* The factor of "scale:FACTOR"; NaN: it is the name of a policy. */
static gv_status read_factor(const char *policy, double *factor)
{
    const char *number = policy + strlen("scale:");
    *factor = (double)NAN;
    if (strncmp(policy, "scale:", strlen("scale:")) != 0) {
        return GV_OK;
    }
    if (gv_number_real(number, strlen(number), factor) != NULL || !(*factor >= 0)) {
        return GV_FAIL(GV_EUSAGE, "the policy is '%s', expected scale: and a factor of 0 or more",
                       policy);
    }
    return GV_OK;
}

static gv_status find_type(const char *name, const gv_policy_type **out)
{
    *out = gv_policy_find(name);
    if (*out != NULL) {
        return GV_OK;
    }
    const char *nearest = gv_policy_nearest(name);
    return GV_FAIL(GV_EUSAGE,
                   "the policy is '%s', expected scale:FACTOR of the logged bids, or the name of a "
                   "policy%s%s: `gavel list policies` lists them",
                   name, nearest == NULL ? "" : " such as ", nearest == NULL ? "" : nearest);
}

static gv_status scale(const gv_auctions_request *request, double factor, gv_auctions *out)
{
    const gv_decisions *log = out->log;
    for (size_t i = 0; i < log->count; i++) {
        if (isinf(log->doses[i])) {
            return GV_FAIL(GV_EUSAGE,
                           "%s has no logged bids to scale: give the name of a policy instead, "
                           "such as linear",
                           request->log);
        }
        out->judged[i] = factor * log->doses[i];
    }
    out->has_chosen_bids = true;
    return GV_OK;
}

static gv_status judge(const gv_auctions_request *request, const gv_auction_play *play,
                       double factor, gv_auctions *out)
{
    int64_t cost_nanos = 0;
    GV_TRY(gv_auction_rows_read(request, play->composition, &out->log, &cost_nanos, &out->facts));
    const size_t count = out->log->count;
    out->judged = gv_mem_alloc(0, count, sizeof *out->judged);
    if (out->judged == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for %zu bids", count);
    }
    return isnan(factor)
               ? gv_auction_play_run(play, request, cost_nanos, count, out->judged, &out->facts)
               : scale(request, factor, out);
}

gv_status gv_auctions_read(const gv_auctions_request *request, gv_auctions *out)
{
    double factor = (double)NAN;
    const gv_policy_type *type = NULL;
    gv_auction_play play = {.scenario = NULL};
    *out = (gv_auctions){.facts = {.budget = (double)NAN}};
    GV_TRY(read_factor(request->policy, &factor));
    if (isnan(factor)) {
        GV_TRY(find_type(request->policy, &type));
    }
    gv_status status = gv_auction_play_open(request, type, &play);
    if (status == GV_OK) {
        status = judge(request, &play, factor, out);
    }
    gv_auction_play_close(&play);
    if (status != GV_OK) {
        gv_auctions_fini(out);
    }
    return status;
}

void gv_auctions_fini(gv_auctions *auctions)
{
    gv_decisions_destroy(auctions->log);
    gv_mem_free(auctions->judged);
    auctions->log = NULL;
    auctions->judged = NULL;
}
