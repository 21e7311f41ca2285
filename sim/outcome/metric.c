#include "sim/outcome/metric.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "sim/base/money.h"
#include "sim/market/seat.h"

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
     .better = GV_BETTER_HIGHER,
     .scope = GV_SCOPE_REPLAY},
    {.name = "clicks",
     .title = "clicks",
     .unit = "clicks",
     .summary = "Logged clicks of the impressions won.",
     .divisor = 1,
     .over = GV_QUANTITY_CLICKS,
     .under = GV_QUANTITY_NONE,
     .better = GV_BETTER_HIGHER,
     .scope = GV_SCOPE_REPLAY},
    {.name = "expected_conversions",
     .title = "exp. conversions",
     .unit = "conversions",
     .summary = "Sum of the predicted conversion probability over the impressions won.",
     .divisor = GV_NANO_EVENTS,
     .over = GV_QUANTITY_NANOCONVERSIONS,
     .under = GV_QUANTITY_NONE,
     .better = GV_BETTER_HIGHER,
     .scope = GV_SCOPE_REPLAY},
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
     .better = GV_BETTER_HIGHER,
     .scope = GV_SCOPE_REPLAY},
    {.name = "expected_ctr",
     .title = "exp. CTR",
     .unit = "fraction",
     .summary = "Mean predicted click probability of the impressions won.",
     .divisor = GV_NANO_EVENTS,
     .over = GV_QUANTITY_NANOCLICKS,
     .under = GV_QUANTITY_WINS,
     .better = GV_BETTER_HIGHER,
     .scope = GV_SCOPE_REPLAY},
    {.name = "ecpc",
     .title = "eCPC",
     .unit = "currency",
     .summary = "Spend per logged click, in units of the account's currency.",
     .divisor = UNIT,
     .over = GV_QUANTITY_SPEND_NANOS,
     .under = GV_QUANTITY_CLICKS,
     .better = GV_BETTER_LOWER,
     .scope = GV_SCOPE_REPLAY},
    {.name = "expected_ecpc",
     .title = "exp. eCPC",
     .unit = "currency",
     .summary = "Spend per expected click, in units of the account's currency.",
     .divisor = UNIT / GV_NANO_EVENTS,
     .over = GV_QUANTITY_SPEND_NANOS,
     .under = GV_QUANTITY_NANOCLICKS,
     .better = GV_BETTER_LOWER,
     .scope = GV_SCOPE_REPLAY},
    {.name = "mean_bid",
     .title = "mean bid",
     .unit = "CPM",
     .summary = "Mean of the bids above 0.",
     .divisor = CPM,
     .over = GV_QUANTITY_BID_NANOS,
     .under = GV_QUANTITY_BIDS,
     .better = GV_BETTER_NEITHER},
    {.name = "score",
     .title = "score",
     .unit = "conversions",
     .summary = "Mean of min((target / CPA)^2, 1) x conversions over campaigns and periods.",
     .divisor = 1,
     .over = GV_QUANTITY_SCORE,
     .under = GV_QUANTITY_SEATS,
     .better = GV_BETTER_HIGHER,
     .scope = GV_SCOPE_MARKET},
    {.name = "over_cpa",
     .title = "over CPA",
     .unit = "fraction",
     .summary = "Campaigns and periods whose conversions cost more than the target, of those with "
                "one.",
     .divisor = 1,
     .over = GV_QUANTITY_OVER_CPA,
     .under = GV_QUANTITY_TARGETS,
     .better = GV_BETTER_LOWER,
     .scope = GV_SCOPE_MARKET},
    {.name = "cpa",
     .title = "CPA",
     .unit = "currency",
     .summary = "Spend per conversion, in units of the account's currency.",
     .divisor = UNIT,
     .over = GV_QUANTITY_SPEND_NANOS,
     .under = GV_QUANTITY_CONVERSIONS,
     .better = GV_BETTER_LOWER,
     .scope = GV_SCOPE_MARKET},
    {.name = "cpa_of_target",
     .title = "CPA of target",
     .unit = "fraction",
     .summary = "Spend, of what the conversions might have cost by their targets.",
     .divisor = 1,
     .over = GV_QUANTITY_SPEND_NANOS,
     .under = GV_QUANTITY_ALLOWED_NANOS,
     .better = GV_BETTER_NEITHER,
     .scope = GV_SCOPE_MARKET},
    {.name = "spend",
     .title = "spend",
     .unit = "currency",
     .summary = "Sum of the prices paid, in units of the account's currency.",
     .divisor = UNIT,
     .over = GV_QUANTITY_SPEND_NANOS,
     .under = GV_QUANTITY_NONE,
     .better = GV_BETTER_NEITHER,
     .scope = GV_SCOPE_MARKET},
    {.name = "exposures",
     .title = "exposures",
     .unit = "count",
     .summary = "Slots won that users saw.",
     .divisor = 1,
     .over = GV_QUANTITY_EXPOSURES,
     .under = GV_QUANTITY_NONE,
     .better = GV_BETTER_HIGHER,
     .scope = GV_SCOPE_MARKET},
    {.name = "won_value",
     .title = "value won",
     .unit = "conversions",
     .summary = "Sum of the predicted conversion probability over the slots won.",
     .divisor = GV_VALUE_UNITS,
     .over = GV_QUANTITY_WON_VALUE_UNITS,
     .under = GV_QUANTITY_NONE,
     .better = GV_BETTER_HIGHER,
     .scope = GV_SCOPE_MARKET},
    {.name = "exposed_value",
     .title = "value seen",
     .unit = "conversions",
     .summary = "Sum of the predicted conversion probability over the slots that users saw.",
     .divisor = GV_VALUE_UNITS,
     .over = GV_QUANTITY_EXPOSED_VALUE_UNITS,
     .under = GV_QUANTITY_NONE,
     .better = GV_BETTER_HIGHER,
     .scope = GV_SCOPE_MARKET},
    {.name = "value_share",
     .title = "of value",
     .unit = "fraction",
     .summary = "Predicted conversions seen, of those of all opportunities.",
     .divisor = 1,
     .over = GV_QUANTITY_EXPOSED_VALUE_UNITS,
     .under = GV_QUANTITY_VALUE_UNITS,
     .better = GV_BETTER_HIGHER,
     .scope = GV_SCOPE_MARKET},
    {.name = "least_cost",
     .title = "least cost",
     .unit = "currency",
     .summary = "Mean of what had to be beaten for the last slot.",
     .divisor = UNIT,
     .over = GV_QUANTITY_LEAST_COST_NANOS,
     .under = GV_QUANTITY_AUCTIONS,
     .better = GV_BETTER_NEITHER,
     .scope = GV_SCOPE_MARKET},
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

bool gv_metric_fits(const gv_metric *metric, const gv_cell_record *cell)
{
    return metric->scope == GV_SCOPE_ALL ||
           (metric->scope == GV_SCOPE_MARKET) == (cell->seat != NULL);
}

void gv_quantities_of(const gv_tally *tally, double *quantities)
{
    memset(quantities, 0, GV_QUANTITY_COUNT * sizeof *quantities);
    quantities[GV_QUANTITY_AUCTIONS] = (double)tally->auctions;
    quantities[GV_QUANTITY_BIDS] = (double)tally->bids;
    quantities[GV_QUANTITY_WINS] = (double)tally->wins;
    quantities[GV_QUANTITY_BID_NANOS] = (double)tally->bid_nanos;
    quantities[GV_QUANTITY_SPEND_NANOS] = (double)tally->spend_nanos;
    quantities[GV_QUANTITY_NANOCLICKS] = (double)tally->expected_nanoclicks;
    quantities[GV_QUANTITY_NANOCONVERSIONS] = (double)tally->expected_nanoconversions;
    quantities[GV_QUANTITY_CLICKS] = (double)tally->clicks;
    quantities[GV_QUANTITY_CONVERSIONS] = (double)tally->conversions;
}

double gv_budget_total(const gv_campaign *campaign, uint64_t episodes)
{
    if (campaign->budget_nanos == INT64_MAX) {
        return 0;
    }
    return (double)campaign->budget_nanos * (double)episodes;
}

bool gv_cell_has_target(const gv_cell_record *cell)
{
    return cell->seat != NULL && cell->campaign->cpa_nanos > 0;
}

/* In doubles: both products are far below 2^53 where a market is sane, and none may wrap. */
static double allowed_nanos(const gv_cell_record *cell)
{
    return (double)cell->campaign->cpa_nanos * (double)cell->total->conversions;
}

bool gv_cell_is_over_cpa(const gv_cell_record *cell)
{
    return gv_cell_has_target(cell) && (double)cell->total->spend_nanos > allowed_nanos(cell);
}

double gv_cell_score(const gv_cell_record *cell)
{
    assert(cell->seat != NULL);
    const gv_seat_tick total = {.tally = *cell->total};
    return gv_cell_has_target(cell) ? gv_seat_score(&total, cell->campaign->cpa_nanos)
                                    : (double)total.tally.conversions;
}

/* In doubles, as a damaged database may hold what would wrap. */
static void add_seat(const gv_cell_record *cell, double *quantities)
{
    for (size_t i = 0; i < cell->seat->tick_count; i++) {
        const gv_seat_tick *tick = &cell->seat->ticks[i];
        quantities[GV_QUANTITY_EXPOSURES] += (double)tick->exposures;
        quantities[GV_QUANTITY_VALUE_UNITS] += (double)tick->value_units;
        quantities[GV_QUANTITY_WON_VALUE_UNITS] += (double)tick->won_value_units;
        quantities[GV_QUANTITY_EXPOSED_VALUE_UNITS] += (double)tick->exposed_value_units;
        quantities[GV_QUANTITY_LEAST_COST_NANOS] += (double)tick->least_cost_nanos;
    }
    quantities[GV_QUANTITY_SEATS] = 1;
    quantities[GV_QUANTITY_SCORE] = gv_cell_score(cell);
    if (gv_cell_has_target(cell)) {
        quantities[GV_QUANTITY_TARGETS] = 1;
        quantities[GV_QUANTITY_OVER_CPA] = gv_cell_is_over_cpa(cell) ? 1 : 0;
        quantities[GV_QUANTITY_ALLOWED_NANOS] = allowed_nanos(cell);
    }
}

void gv_cell_quantities(const gv_cell_record *cell, double *quantities)
{
    gv_quantities_of(cell->total, quantities);
    quantities[GV_QUANTITY_BUDGET_NANOS] = gv_budget_total(cell->campaign, cell->episodes);
    if (cell->seat != NULL) {
        add_seat(cell, quantities);
    }
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
