#include "sim/outcome/metric.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "sim/base/money.h"

/* Powers of ten as divisors are exact, as factors they are not: 307751 CPM must not gain a bit. */
#define CPM  ((double)GV_NANOS_PER_CPM)
#define UNIT ((double)GV_NANOS_PER_UNIT)

const gv_metric gv_metrics[] = {
    {.name = "impressions",
     .title = "impressions",
     .unit = "count",
     .summary = "Auctions won.",
     .divisor = 1,
     .over = GV_QUANTITY_WINS,
     .under = GV_QUANTITY_NONE,
     .better = GV_BETTER_HIGHER},
    {.name = "spend_cpm",
     .title = "spend",
     .unit = "CPM",
     .summary = "Sum of the CPM prices paid: thousandths of the account's currency.",
     .divisor = CPM,
     .over = GV_QUANTITY_SPEND_NANOS,
     .under = GV_QUANTITY_NONE,
     .better = GV_BETTER_NEITHER},
    {.name = "ecpm",
     .title = "eCPM",
     .unit = "CPM",
     .summary = "Mean price of an impression.",
     .divisor = CPM,
     .over = GV_QUANTITY_SPEND_NANOS,
     .under = GV_QUANTITY_WINS,
     .better = GV_BETTER_LOWER},
    {.name = "win_rate",
     .title = "win rate",
     .unit = "fraction",
     .summary = "Auctions won, of all that the campaign could bid on.",
     .divisor = 1,
     .over = GV_QUANTITY_WINS,
     .under = GV_QUANTITY_AUCTIONS,
     .better = GV_BETTER_NEITHER},
    {.name = "budget_used",
     .title = "budget used",
     .unit = "fraction",
     .summary = "Spend, of the budget of all episodes.",
     .divisor = 1,
     .over = GV_QUANTITY_SPEND_NANOS,
     .under = GV_QUANTITY_BUDGET_NANOS,
     .better = GV_BETTER_NEITHER},
    {.name = "expected_clicks",
     .title = "exp. clicks",
     .unit = "clicks",
     .summary = "Sum of the predicted click probability over the impressions won.",
     .divisor = GV_NANO_EVENTS,
     .over = GV_QUANTITY_NANOCLICKS,
     .under = GV_QUANTITY_NONE,
     .better = GV_BETTER_HIGHER},
    {.name = "clicks",
     .title = "clicks",
     .unit = "clicks",
     .summary = "Logged clicks of the impressions won.",
     .divisor = 1,
     .over = GV_QUANTITY_CLICKS,
     .under = GV_QUANTITY_NONE,
     .better = GV_BETTER_HIGHER},
    {.name = "expected_conversions",
     .title = "exp. conversions",
     .unit = "conversions",
     .summary = "Sum of the predicted conversion probability over the impressions won.",
     .divisor = GV_NANO_EVENTS,
     .over = GV_QUANTITY_NANOCONVERSIONS,
     .under = GV_QUANTITY_NONE,
     .better = GV_BETTER_HIGHER},
    {.name = "conversions",
     .title = "conversions",
     .unit = "conversions",
     .summary = "Logged conversions of the impressions won.",
     .divisor = 1,
     .over = GV_QUANTITY_CONVERSIONS,
     .under = GV_QUANTITY_NONE,
     .better = GV_BETTER_HIGHER},
    {.name = "ctr",
     .title = "CTR",
     .unit = "fraction",
     .summary = "Logged clicks per impression won.",
     .divisor = 1,
     .over = GV_QUANTITY_CLICKS,
     .under = GV_QUANTITY_WINS,
     .better = GV_BETTER_HIGHER},
    {.name = "expected_ctr",
     .title = "exp. CTR",
     .unit = "fraction",
     .summary = "Mean predicted click probability of the impressions won.",
     .divisor = GV_NANO_EVENTS,
     .over = GV_QUANTITY_NANOCLICKS,
     .under = GV_QUANTITY_WINS,
     .better = GV_BETTER_HIGHER},
    {.name = "ecpc",
     .title = "eCPC",
     .unit = "currency",
     .summary = "Spend per logged click, in units of the account's currency.",
     .divisor = UNIT,
     .over = GV_QUANTITY_SPEND_NANOS,
     .under = GV_QUANTITY_CLICKS,
     .better = GV_BETTER_LOWER},
    {.name = "expected_ecpc",
     .title = "exp. eCPC",
     .unit = "currency",
     .summary = "Spend per expected click, in units of the account's currency.",
     .divisor = UNIT / GV_NANO_EVENTS,
     .over = GV_QUANTITY_SPEND_NANOS,
     .under = GV_QUANTITY_NANOCLICKS,
     .better = GV_BETTER_LOWER},
    {.name = "mean_bid",
     .title = "mean bid",
     .unit = "CPM",
     .summary = "Mean of the bids above 0.",
     .divisor = CPM,
     .over = GV_QUANTITY_BID_NANOS,
     .under = GV_QUANTITY_BIDS,
     .better = GV_BETTER_NEITHER},
    {.name = NULL},
};

const gv_metric *gv_metric_find(const char *name)
{
    for (const gv_metric *metric = gv_metrics; metric->name != NULL; metric++) {
        if (strcmp(metric->name, name) == 0) {
            return metric;
        }
    }
    return NULL;
}

void gv_quantities_of(const gv_tally *tally, double *quantities)
{
    quantities[GV_QUANTITY_AUCTIONS] = (double)tally->auctions;
    quantities[GV_QUANTITY_BIDS] = (double)tally->bids;
    quantities[GV_QUANTITY_WINS] = (double)tally->wins;
    quantities[GV_QUANTITY_BID_NANOS] = (double)tally->bid_nanos;
    quantities[GV_QUANTITY_SPEND_NANOS] = (double)tally->spend_nanos;
    quantities[GV_QUANTITY_NANOCLICKS] = (double)tally->expected_nanoclicks;
    quantities[GV_QUANTITY_NANOCONVERSIONS] = (double)tally->expected_nanoconversions;
    quantities[GV_QUANTITY_CLICKS] = (double)tally->clicks;
    quantities[GV_QUANTITY_CONVERSIONS] = (double)tally->conversions;
    quantities[GV_QUANTITY_BUDGET_NANOS] = 0;
}

double gv_budget_total(const gv_campaign *campaign, uint64_t episodes)
{
    if (campaign->budget_nanos == INT64_MAX) {
        return 0;
    }
    return (double)campaign->budget_nanos * (double)episodes;
}

double gv_metric_value(const gv_metric *metric, const double *quantities)
{
    assert(metric->over < GV_QUANTITY_COUNT);
    const double over = quantities[metric->over] / metric->divisor;
    if (metric->under == GV_QUANTITY_NONE) {
        return over;
    }
    const double under = quantities[metric->under];
    return under == 0 ? (double)NAN : over / under;
}
