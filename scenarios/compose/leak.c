#include "scenarios/compose/leak.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "policies/learn/weights.h"

enum { TEXT_SIZE = 256, NUMBER_SIZE = 24 };

gv_status gv_leaks_find(const gv_market *market, const gv_imprints *imprints, gv_imprints *found)
{
    const gv_market_settings *settings = market->plan->settings;
    for (int64_t i = 0; i < settings->periods && imprints->count > 0; i++) {
        gv_traffic *traffic = NULL;
        gv_imprint own = {.period = settings->first_period + i};
        GV_TRY(gv_market_traffic(market, (uint64_t)own.period, false, &traffic));
        gv_status status = gv_traffic_hash(traffic, &own.hash);
        gv_traffic_destroy(traffic);
        if (status == GV_OK && gv_imprints_find(imprints, own.hash) != NULL) {
            status = gv_imprints_add(found, own);
        }
        GV_TRY(status);
    }
    return GV_OK;
}

/* NULL: no memory. */
static const char *print_periods(const gv_imprints *found, gv_region *region)
{
    char text[TEXT_SIZE] = "";
    size_t used = 0;
    for (size_t i = 0; i < found->count; i++) {
        const bool is_full = used + NUMBER_SIZE + sizeof ", ..." > sizeof text;
        used += is_full ? (size_t)snprintf(text + used, sizeof text - used, ", ...")
                        : (size_t)snprintf(text + used, sizeof text - used, "%s%" PRId64,
                                           i == 0 ? "" : ", ", found->items[i].period);
        if (is_full) {
            break;
        }
    }
    return gv_region_text(region, text, used);
}

static gv_status add_leak(const gv_market *market, const gv_policy_plan *plan, gv_region *region,
                          gv_leak *leaks, size_t *count)
{
    const char *weights = gv_market_weights(market, plan);
    gv_imprints learned = {.items = NULL};
    gv_imprints found = {.items = NULL};
    gv_status status = weights == NULL ? GV_OK : gv_weights_imprints(weights, &learned);
    if (status == GV_OK) {
        status = gv_leaks_find(market, &learned, &found);
    }
    if (status == GV_OK && found.count > 0) {
        const char *periods = print_periods(&found, region);
        leaks[(*count)++] = (gv_leak){.policy = plan->name, .periods = periods};
        status = periods == NULL ? GV_FAIL(GV_ENOMEM, "no memory for what policies know") : GV_OK;
    }
    gv_imprints_fini(&learned);
    gv_imprints_fini(&found);
    return status;
}

gv_status gv_leaks_list(const gv_market *market, gv_region *region, const gv_leak **leaks,
                        size_t *count)
{
    const gv_scenario *scenario = market->scenario;
    gv_leak *list = gv_region_alloc(region, scenario->policy_count, sizeof *list);
    *count = 0;
    if (list == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for what %zu policies know", scenario->policy_count);
    }
    for (size_t i = 0; i < scenario->policy_count; i++) {
        GV_TRY(add_leak(market, &scenario->policies[i], region, list, count));
    }
    *leaks = list;
    return GV_OK;
}
