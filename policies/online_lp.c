/*
 * AuctionNet's baseline "OnlineLp": a table, made from one period of the past, of what each
 * multiplier would have spent from each tick to the end.
 *
 *     keep rows with value > 0 and cost > cost_min;   r = cost / (value + value_more)
 *     of each tick t: the rows of ticks >= t by rising r, with their costs added up; those below
 *     cost_max, one for each `interval` of cost and the last
 *     alpha = the first r of tick t whose sum exceeds the budget left; none: CPA
 *     bid = min(alpha, most_cpas x CPA) x pCVR
 *
 * Public code of Su et al., AuctionNet (arXiv 2412.10798). The cost of a row is the least winning
 * cost; a category's rows come from its eight advertisers there, of which an eighth is drawn, so
 * that the rows cost what one advertiser's would: whoever makes the history draws it. Sums are
 * whole nanos, and rows of equal r are added in the order of their costs.
 */
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#include "policies/cpa_impl.h"
#include "policies/price_impl.h"
#include "policies/types_impl.h"
#include "sim/base/mem.h"

enum { TICKS_MAX = 10000 };

#define NAME   "online_lp"
#define SOURCE "public code of AuctionNet, arXiv 2412.10798"

typedef struct lp_config {
    int64_t cpa_nanos;
    double most_cpas;
    int64_t cost_min_nanos;
    double value_more;
    int64_t cost_max_nanos;
    int64_t interval_nanos;
} lp_config;

/* A row of the past; then, of those that a tick keeps, one of the table. */
typedef struct past_row {
    double ratio; /* nanos a conversion */
    int64_t cost_nanos;
    uint64_t tick;
} past_row;

typedef struct table_row {
    double ratio;
    int64_t sum_nanos; /* of this and all cheaper rows */
} table_row;

typedef struct lp_state {
    double cpa_nanos;
    double most_nanos;
    double multiplier; /* nanos a conversion */
    size_t tick_count; /* of the table */
    size_t *first;     /* [tick_count + 1] */
    table_row *table;  /* [first[tick_count]] */
} lp_state;

static const gv_param lp_params[] = {
    GV_CPA_PARAM,
    GV_CPA_MOST_PARAM(lp_config, "1.5", SOURCE),
    {.name = "cost_min",
     .kind = GV_PARAM_MONEY,
     .unit = "currency",
     .fallback = "0.0001",
     .maximum = HUGE_VAL,
     .offset = offsetof(lp_config, cost_min_nanos),
     .help = "rows of the past are kept whose cost is above this",
     .source = SOURCE ": the reserve of its market"},
    {.name = "value_more",
     .kind = GV_PARAM_REAL,
     .fallback = "0.0001",
     .maximum = 1,
     .offset = offsetof(lp_config, value_more),
     .help = "added to each value of the past before its cost is divided by it",
     .source = SOURCE},
    {.name = "cost_max",
     .kind = GV_PARAM_MONEY,
     .unit = "currency",
     .fallback = "6000",
     .maximum = HUGE_VAL,
     .offset = offsetof(lp_config, cost_max_nanos),
     .help = "a tick's table ends where its costs add up to this",
     .source = SOURCE},
    {.name = "interval",
     .kind = GV_PARAM_MONEY,
     .unit = "currency",
     .fallback = "10",
     .maximum = HUGE_VAL,
     .offset = offsetof(lp_config, interval_nanos),
     .help = "a tick's table has one row for so much of cost",
     .source = SOURCE},
    {0},
};

static gv_status check_history(const gv_history *history)
{
    if (history == NULL) {
        return GV_FAIL(GV_EINVAL, NAME ": there is no history to make its table of: give the "
                                       "scenario one");
    }
    if (history->impressions == 0) {
        return GV_FAIL(GV_EINVAL,
                       NAME ": the history \"%s\" has no impressions to make its table of: give "
                            "another history",
                       history->name);
    }
    if (history->source == NULL) {
        return GV_FAIL(GV_EINVAL,
                       NAME ": the history \"%s\" is a summary, and the table is made of the "
                            "auctions themselves: give it a log",
                       history->name);
    }
    return GV_OK;
}

static gv_status lp_fit(void *config, const gv_fit_input *input, const gv_progress *progress)
{
    GV_TRY(check_history(input->history));
    return gv_cpa_fit(config, input, progress);
}

/* ---- the table ------------------------------------------------------------------------------- */

static int compare_rows(const void *a, const void *b)
{
    const past_row *one = a;
    const past_row *other = b;
    if (one->ratio != other->ratio) {
        return one->ratio < other->ratio ? -1 : 1;
    }
    if (one->cost_nanos != other->cost_nanos) {
        return one->cost_nanos < other->cost_nanos ? -1 : 1;
    }
    return (one->tick > other->tick) - (one->tick < other->tick);
}

/* The past's rows that count, in order of their ratio. rows: room for all. */
static gv_status read_past(const gv_policy_setup *setup, past_row *rows, size_t *count)
{
    const lp_config *config = setup->config;
    const gv_history *history = setup->history;
    size_t kept = 0;
    for (uint64_t position = history->source->begin; position < history->source->end;) {
        gv_opportunities piece;
        uint64_t next = position;
        GV_TRY(history->source->load(history->source, position, &piece, &next));
        if (piece.count > 0 && piece.pcvr == NULL) {
            return GV_FAIL(GV_EINVAL, NAME ": the history \"%s\" has no pCVR", history->name);
        }
        for (size_t i = 0; i < piece.count; i++) {
            const int64_t cost = piece.rival_nanos[i];
            const double value = piece.pcvr[i];
            if (value > 0 && cost > config->cost_min_nanos) {
                const int64_t since_us = piece.time_us[i] - history->start_us;
                rows[kept++] = (past_row){.ratio = (double)cost / (value + config->value_more),
                                          .cost_nanos = cost,
                                          .tick = (uint64_t)(since_us / setup->campaign->tick_us)};
            }
        }
        if (piece.count == 0) {
            break;
        }
        position = next;
    }
    qsort(rows, kept, sizeof *rows, compare_rows);
    *count = kept;
    return GV_OK;
}

/* One tick's table into `table`, or, where that is NULL, only how many rows it has. */
static size_t thin(const lp_config *config, const past_row *rows, size_t count, size_t tick,
                   table_row *table)
{
    size_t kept = 0;
    table_row row = {0};
    int64_t last_nanos = 0;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].tick < tick) {
            continue;
        }
        if (rows[i].cost_nanos >= config->cost_max_nanos - row.sum_nanos) {
            break;
        }
        row.ratio = rows[i].ratio;
        row.sum_nanos += rows[i].cost_nanos;
        if (row.sum_nanos - last_nanos >= config->interval_nanos) {
            if (table != NULL) {
                table[kept] = row;
            }
            kept++;
            last_nanos = row.sum_nanos;
        }
    }
    if (row.sum_nanos > last_nanos) {
        if (table != NULL) {
            table[kept] = row;
        }
        kept++;
    }
    return kept;
}

static gv_status make_table(lp_state *lp, const lp_config *config, const past_row *rows,
                            size_t count)
{
    lp->first = gv_mem_alloc(0, lp->tick_count + 1, sizeof *lp->first);
    if (lp->first == NULL) {
        return GV_FAIL(GV_ENOMEM, NAME ": no memory for a table of %zu ticks", lp->tick_count);
    }
    for (size_t tick = 0; tick < lp->tick_count; tick++) {
        lp->first[tick + 1] = lp->first[tick] + thin(config, rows, count, tick, NULL);
    }
    const size_t size = lp->first[lp->tick_count];
    lp->table = gv_mem_alloc(0, size + 1, sizeof *lp->table);
    if (lp->table == NULL) {
        return GV_FAIL(GV_ENOMEM, NAME ": no memory for a table of %zu rows", size);
    }
    for (size_t tick = 0; tick < lp->tick_count; tick++) {
        (void)thin(config, rows, count, tick, lp->table + lp->first[tick]);
    }
    return GV_OK;
}

static gv_status count_ticks(const gv_policy_setup *setup, size_t *tick_count)
{
    const gv_history *history = setup->history;
    const int64_t tick_us = setup->campaign->tick_us;
    assert(tick_us > 0);
    const int64_t ticks = (history->end_us - history->start_us - 1) / tick_us + 1;
    if (ticks > TICKS_MAX) {
        return GV_FAIL(GV_EINVAL,
                       NAME ": the history \"%s\" spans %" PRId64 " ticks, and the table holds up "
                            "to %d: give longer ticks or a shorter history",
                       history->name, ticks, TICKS_MAX);
    }
    *tick_count = (size_t)ticks;
    return GV_OK;
}

static gv_status lp_init(void *state, const gv_policy_setup *setup)
{
    const lp_config *config = setup->config;
    const gv_history *history = setup->history;
    lp_state *lp = state;
    GV_TRY(gv_cpa_find(config->cpa_nanos, setup->campaign, NAME, &lp->cpa_nanos));
    GV_TRY(check_history(history));
    GV_TRY(count_ticks(setup, &lp->tick_count));
    lp->most_nanos = lp->cpa_nanos * config->most_cpas;
    lp->multiplier = fmin(lp->cpa_nanos, lp->most_nanos);

    const size_t room = (size_t)(history->source->end - history->source->begin);
    past_row *rows = gv_mem_alloc_vector(room + 1, sizeof *rows);
    if (rows == NULL) {
        return GV_FAIL(GV_ENOMEM, NAME ": no memory for the %zu rows of \"%s\"", room,
                       history->name);
    }
    size_t count = 0;
    gv_status status = read_past(setup, rows, &count);
    if (status == GV_OK) {
        status = make_table(lp, config, rows, count);
    }
    gv_mem_free(rows);
    return status;
}

/* ---- serving --------------------------------------------------------------------------------- */

/* The first ratio of the tick whose costs exceed `left`; the CPA where there is none. */
static double look_up(const lp_state *lp, uint64_t tick, int64_t left)
{
    if (tick >= lp->tick_count) {
        return lp->cpa_nanos;
    }
    size_t low = lp->first[tick];
    size_t high = lp->first[tick + 1];
    const size_t end = high;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (lp->table[middle].sum_nanos > left) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low < end ? lp->table[low].ratio : lp->cpa_nanos;
}

static void lp_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    gv_price_scale(batch->pcvr, batch->count, ((const lp_state *)state)->multiplier, bids);
}

static void lp_tick(void *const *states, const gv_observation *observations, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        lp_state *lp = states[i];
        const gv_observation *seen = &observations[i];
        lp->multiplier = fmin(look_up(lp, seen->tick, seen->budget_left_nanos), lp->most_nanos);
    }
}

/* The table is the history's, and is there again after init. */
static gv_status lp_save(const void *state, gv_writer *writer)
{
    const lp_state *lp = state;
    return gv_writer_put(writer, NAME, &lp->multiplier, sizeof lp->multiplier);
}

static gv_status lp_restore(void *state, gv_reader *reader)
{
    lp_state *lp = state;
    return gv_reader_get(reader, NAME, &lp->multiplier, sizeof lp->multiplier);
}

static void lp_fini(void *state)
{
    lp_state *lp = state;
    gv_mem_free(lp->first);
    gv_mem_free(lp->table);
}

const gv_policy_type gv_policy_online_lp = {
    .info = {.name = NAME,
             .summary = "the multiplier that would have spent the budget left in a past period",
             .source = "OnlineLp baseline of AuctionNet, public code",
             .params = lp_params,
             .config_size = sizeof(lp_config)},
    .state_size = sizeof(lp_state),
    .reads = GV_READS_PCVR,
    .needs_history = true,
    .fit = lp_fit,
    .init = lp_init,
    .bid = lp_bid,
    .tick = lp_tick,
    .save = lp_save,
    .restore = lp_restore,
    .fini = lp_fini,
};
