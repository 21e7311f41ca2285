/*
 * What `ss_mdp` and `rlb` share around the table: its size, its units and where in it the
 * campaign stands.
 *
 * An episode of many auctions, or a budget of many price steps, would need a table of
 * gigabytes. Then (our choices, none of them the paper's) the table covers the last
 * `table_auctions` of an episode, an earlier auction is bid as if the budget left were spread
 * evenly over the auctions left, and prices are taken in multiples of the step, rounded up.
 */
#include <assert.h>
#include <math.h>

#include "policies/dp_impl.h"
#include "policies/plan_impl.h"
#include "policies/price_impl.h"
#include "sim/base/mem.h"

/* Columns beyond an even share of the budget, for an episode that has spent too little so far. */
#define HEADROOM 2.0

const gv_param gv_dp_params[] = {
    {.name = "click_rate",
     .kind = GV_PARAM_REAL,
     .fallback = "auto",
     .maximum = 1,
     .offset = offsetof(gv_dp_config, click_rate),
     .help = "theta, the mean click rate; auto: the history's",
     .source = "theta_avg of Cai et al., WSDM 2017"},
    {.name = "rate_from",
     .kind = GV_PARAM_CHOICE,
     .fallback = "auto",
     .choices = gv_plan_rate_choices,
     .offset = offsetof(gv_dp_config, rate_from),
     .help = GV_PLAN_RATE_HELP,
     .source = "logged: public code of Cai et al., WSDM 2017; predicted: ours, for sampled logs"},
    {.name = "auctions",
     .kind = GV_PARAM_INTEGER,
     .fallback = "auto",
     .minimum = 1,
     .maximum = 1e12,
     .offset = offsetof(gv_dp_config, auctions),
     .help = "auctions in an episode; auto: as the campaign says, else at the history's rate",
     .source = "N of Cai et al., WSDM 2017; the estimate is ours"},
    {.name = "table_auctions",
     .kind = GV_PARAM_INTEGER,
     .fallback = "1000",
     .minimum = 1,
     .maximum = 1e6,
     .offset = offsetof(gv_dp_config, table_auctions),
     .help = "auctions that the table covers; with more left, the budget left is spread evenly",
     .source = "ours; 1000 is the episode of Cai et al., WSDM 2017"},
    {.name = "table_cells",
     .kind = GV_PARAM_INTEGER,
     .fallback = "4194304",
     .minimum = 1024,
     .maximum = 1e9,
     .offset = offsetof(gv_dp_config, table_cells),
     .help = "largest table, 8 bytes a cell; prices are coarsened until it suffices",
     .source = "ours"},
    {0},
};

gv_status gv_dp_fit(void *config, const gv_fit_input *input, const gv_progress *progress)
{
    (void)progress;
    gv_dp_config draft = *(gv_dp_config *)config;
    if (isnan(draft.click_rate)) {
        GV_TRY(gv_plan_click_rate(input->history, "dynamic programme", &draft.rate_from,
                                  &draft.click_rate));
    }
    if (draft.auctions == GV_PARAM_UNSET) {
        GV_TRY(gv_plan_need(input->history, "dynamic programme", "auctions"));
        draft.auctions = (int64_t)gv_plan_auctions(input->campaign, input->history);
    }
    *(gv_dp_config *)config = draft;
    return GV_OK;
}

static gv_status check(const gv_policy_setup *setup)
{
    const gv_dp_config *config = setup->config;
    if (isnan(config->click_rate) || config->auctions == GV_PARAM_UNSET) {
        return GV_FAIL(GV_EINVAL, "dynamic programme: %s is not set and was not fitted",
                       isnan(config->click_rate) ? "click_rate" : "auctions");
    }
    if (!(config->click_rate > 0)) {
        return GV_FAIL(GV_EINVAL, "dynamic programme: click_rate is 0; give one above 0");
    }
    GV_TRY(gv_plan_need(setup->history, "dynamic programme", "the market prices"));
    if (setup->history->price_count == 0) {
        return GV_FAIL(GV_EINVAL, "dynamic programme: the history \"%s\" has no market prices",
                       setup->history->name);
    }
    return GV_OK;
}

/* Sizes of the table when a step is `coarse` steps of the history. */
static void size_table(gv_dp_state *state, const gv_policy_setup *setup, double coarse)
{
    const gv_dp_config *config = setup->config;
    const double step = (double)setup->history->price_step_nanos * coarse;
    const double prices = ceil((double)(setup->history->price_count - 1) / coarse);
    const double cap = floor((double)setup->campaign->bid_cap_nanos / step);
    const double rows = fmin((double)config->auctions, (double)config->table_auctions);
    const double budget = floor((double)setup->campaign->budget_nanos / step);
    const double shared = ceil(HEADROOM * budget * rows / (double)config->auctions);
    const double top = fmin(prices, cap);
    state->step_nanos = (int64_t)step;
    state->table.auctions = (size_t)rows;
    state->table.top = (size_t)top;
    /* More than the dearest price for every auction is never spent. */
    state->table.budget = (size_t)fmin(fmin(budget, shared), rows * top);
}

static size_t coarsen(size_t price, size_t coarse)
{
    return (price + coarse - 1) / coarse;
}

/* m(d) of the header, over the prices in coarse steps. Cells beyond `top` are summed, not kept. */
static void fill_market(const gv_history *history, size_t coarse, size_t top, double *market)
{
    const size_t prices = coarsen(history->price_count - 1, coarse) + 1;
    double total = (double)prices;
    for (size_t d = 0; d <= top; d++) {
        market[d] = 1;
    }
    for (size_t i = 0; i < history->price_count; i++) {
        const size_t d = coarsen(i, coarse);
        total += (double)history->price_counts[i];
        if (d <= top) {
            market[d] += (double)history->price_counts[i];
        }
    }
    for (size_t d = 0; d <= top; d++) {
        market[d] /= total;
    }
}

static double cells(const gv_dp_table *table)
{
    return ((double)table->auctions + 1) * ((double)table->budget + 1);
}

gv_status gv_dp_init(void *state, const gv_policy_setup *setup)
{
    GV_TRY(check(setup));
    const gv_dp_config *config = setup->config;
    gv_dp_state *dp = state;
    dp->theta = config->click_rate;
    dp->auctions = (double)config->auctions;
    dp->episode_start_us = setup->campaign->start_us;
    dp->episode_end_us = setup->campaign->end_us;
    size_t coarse = 1;
    size_table(dp, setup, 1);
    while (cells(&dp->table) > (double)config->table_cells && dp->table.budget > 1) {
        coarse += 1 + coarse / 16;
        size_table(dp, setup, (double)coarse);
    }
    double *market = gv_mem_alloc_vector(dp->table.top + 1, sizeof *market);
    if (market == NULL) {
        return GV_FAIL(GV_ENOMEM, "%zu market prices", dp->table.top + 1);
    }
    fill_market(setup->history, coarse, dp->table.top, market);
    const gv_status status = gv_dp_solve(&dp->table, market, dp->theta);
    gv_mem_free(market);
    return status;
}

/* Auctions left in the episode, this one included: told, or by the time left. */
static double auctions_left(const gv_dp_state *state, const gv_batch *batch)
{
    if (batch->auctions_left != GV_AUCTIONS_UNKNOWN) {
        return (double)batch->auctions_left;
    }
    const double span = (double)state->episode_end_us - (double)state->episode_start_us;
    if (!(span > 0)) {
        return state->auctions;
    }
    const double left = (double)state->episode_end_us - (double)batch->time_us[0];
    return ceil(state->auctions * fmin(fmax(left / span, 0), 1));
}

int64_t gv_dp_price(const gv_dp_state *state, const gv_batch *batch, double t)
{
    assert(batch->count == 1);
    const gv_dp_table *table = &state->table;
    const double rows = (double)table->auctions;
    const double left = fmax(auctions_left(state, batch), 1);
    const double share = left > rows ? rows / left : 1;
    const double steps = floor((double)batch->budget_left_nanos / (double)state->step_nanos);
    const double budget = fmin(floor(steps * share), (double)table->budget);
    const size_t bid = gv_dp_bid(table, (size_t)fmin(left, rows), (size_t)budget, t);
    return gv_price_round((double)bid * (double)state->step_nanos);
}

void gv_dp_tick(void *const *states, const gv_observation *observations, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        gv_dp_state *state = states[i];
        if (observations[i].tick == 0) {
            state->episode_start_us = observations[i].episode_start_us;
            state->episode_end_us = observations[i].episode_end_us;
        }
    }
}

gv_status gv_dp_save(const void *state, gv_writer *writer)
{
    const gv_dp_state *dp = state;
    const int64_t episode[2] = {dp->episode_start_us, dp->episode_end_us};
    return gv_writer_put(writer, "dp", episode, sizeof episode);
}

gv_status gv_dp_restore(void *state, gv_reader *reader)
{
    gv_dp_state *dp = state;
    int64_t episode[2];
    GV_TRY(gv_reader_get(reader, "dp", episode, sizeof episode));
    dp->episode_start_us = episode[0];
    dp->episode_end_us = episode[1];
    return GV_OK;
}

void gv_dp_end(void *state)
{
    gv_dp_fini(&((gv_dp_state *)state)->table);
}
