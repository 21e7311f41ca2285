#include "scenarios/compose/unlearned.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "policies/learn/weights.h"
#include "sim/base/money.h"

enum { PER_POLICY = 2, TEXT_SIZE = 64 };

static gv_status no_memory(void)
{
    return GV_FAIL(GV_ENOMEM, "no memory for what policies have not learned");
}

/* One number of all campaigns that a policy bids for. */
typedef struct survey {
    gv_reach_span learned;
    gv_reach_span outside; /* of those that are outside of it */
    size_t outside_count;
    size_t count;
} survey;

typedef struct surveys {
    survey budget;
    survey cpa;
} surveys;

static void look(survey *all, int64_t nanos)
{
    const double units = (double)nanos / (double)GV_NANOS_PER_UNIT;
    all->count++;
    if (!gv_reach_holds(all->learned, units)) {
        all->outside_count++;
        gv_reach_add(&all->outside, units);
    }
}

static bool is_contender(const gv_market *market, const gv_policy_plan *plan)
{
    for (size_t i = 0; i < market->contender_count; i++) {
        if (market->contenders[i] == plan) {
            return true;
        }
    }
    return false;
}

/* Budgets and CPAs are the same in every period. */
static void look_at_all(const gv_market *market, const gv_policy_plan *plan, surveys *found)
{
    const gv_market_period any = {.number = 0};
    const bool contends = is_contender(market, plan);
    for (size_t seat = 0; seat < market->seat_count; seat++) {
        const bool plays[] = {market->advertisers[seat].policy == plan, contends};
        for (size_t as = 0; as < sizeof plays / sizeof plays[0]; as++) {
            if (plays[as]) {
                const gv_campaign campaign = gv_market_campaign(market, &any, seat, as == 1);
                look(&found->budget, campaign.budget_nanos);
                look(&found->cpa, campaign.cpa_nanos);
            }
        }
    }
}

/* "2000 to 6000", "2000". */
static void print_span(gv_reach_span span, char text[TEXT_SIZE])
{
    (void)snprintf(text, TEXT_SIZE, span.least == span.most ? "%.10g" : "%.10g to %.10g",
                   span.least, span.most);
}

static gv_status add(const survey *found, const char *what, const char *policy, gv_region *region,
                     gv_unlearned *list, size_t *count)
{
    char learned[TEXT_SIZE];
    char outside[TEXT_SIZE];
    if (found->outside_count == 0) {
        return GV_OK;
    }
    print_span(found->learned, learned);
    print_span(found->outside, outside);
    const char *text = gv_region_print(
        region, "%zu of %zu campaigns %s a %s outside what its weights were trained on (%s): %s",
        found->outside_count, found->count, found->outside_count == 1 ? "has" : "have", what,
        learned, outside);
    list[(*count)++] = (gv_unlearned){.policy = policy, .campaigns = text};
    return text == NULL ? no_memory() : GV_OK;
}

static gv_status add_policy(const gv_market *market, const gv_policy_plan *plan, gv_region *region,
                            gv_unlearned *list, size_t *count)
{
    const char *weights = gv_market_weights(market, plan);
    gv_reach reach;
    if (weights == NULL) {
        return GV_OK;
    }
    GV_TRY(gv_weights_reach(weights, &reach));
    surveys found = {.budget = {.learned = reach.budget}, .cpa = {.learned = reach.cpa}};
    look_at_all(market, plan, &found);
    GV_TRY(add(&found.budget, "budget", plan->name, region, list, count));
    return add(&found.cpa, "CPA", plan->name, region, list, count);
}

gv_status gv_unlearned_list(const gv_market *market, gv_region *region, const gv_unlearned **list,
                            size_t *count)
{
    const gv_scenario *scenario = market->scenario;
    gv_unlearned *all = gv_region_alloc(region, PER_POLICY * scenario->policy_count, sizeof *all);
    *count = 0;
    if (all == NULL) {
        return no_memory();
    }
    for (size_t i = 0; i < scenario->policy_count; i++) {
        GV_TRY(add_policy(market, &scenario->policies[i], region, all, count));
    }
    *list = all;
    return GV_OK;
}
