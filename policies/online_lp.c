/*
 * AuctionNet's baseline "OnlineLp": the multiplier that would have spent the budget left in a
 * period of the past, from this tick to the end.
 *
 *     keep rows with value > 0 and cost > cost_min;   r = cost / (value + value_more)
 *     of each tick t: the rows of ticks >= t by rising r, with their costs added up; of those below
 *     cost_max one for each `interval` of cost, and the last
 *     alpha = the first r of tick t whose sum exceeds the budget left; none: CPA
 *     bid = min(alpha, most_cpas x CPA) x pCVR
 *
 * Public code of Su et al., AuctionNet (arXiv 2412.10798). The cost of a row is the least winning
 * cost; a category's rows come from its eight advertisers there, of which an eighth is drawn, so
 * that the rows cost what one advertiser's would: whoever makes the history draws it. Here as
 * there the sums are a table made beforehand, of the rows that the budget reaches (ladder_impl.h
 * sorts them); a block of rows of which none is kept is passed by its sum. Values are kept as
 * floats, so r is exact to 1e-7. Rows dearer than 64 times the most that is bid are not told apart.
 */
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#include "policies/cpa_impl.h"
#include "policies/ladder_impl.h"
#include "policies/price_impl.h"
#include "policies/types_impl.h"
#include "sim/base/mem.h"
#include "sim/base/vector.h"

enum { TICKS_MAX = 10000, BLOCK = 32, TABLE_FIRST = 1024 };

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

/* A row of the table: the first whose sum exceeds the budget left is the answer. */
typedef struct lp_row {
    int64_t sum_nanos;
    double ratio; /* nanos a conversion */
} lp_row;

typedef struct lp_state {
    double cpa_nanos;
    double most_nanos;
    int64_t cost_max_nanos;
    int64_t interval_nanos;
    double multiplier; /* nanos a conversion */
    size_t tick_count; /* of the past */
    size_t *first;     /* [tick_count + 1]: where each tick's rows begin */
    lp_row *table;     /* [first[tick_count]], of each tick by rising sums */
    size_t room;       /* rows that the table has room for */
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
        return GV_FAIL(GV_EINVAL, NAME ": there is no history to learn from: give the "
                                       "scenario one");
    }
    if (history->impressions == 0) {
        return GV_FAIL(GV_EINVAL,
                       NAME ": the history \"%s\" has no impressions to learn from: give "
                            "another history",
                       history->name);
    }
    if (history->source == NULL) {
        return GV_FAIL(GV_EINVAL,
                       NAME ": the history \"%s\" is a summary, and it learns from the auctions "
                            "themselves: give it a log",
                       history->name);
    }
    return GV_OK;
}

static gv_status lp_fit(void *config, const gv_fit_input *input, const gv_progress *progress)
{
    GV_TRY(check_history(input->history));
    return gv_cpa_fit(config, input, progress);
}

/* ---- the past -------------------------------------------------------------------------------- */

/* Rows that count, in order of time. */
typedef struct past_rows {
    float *values; /* [room] */
    int64_t *costs;
    uint64_t count;
    uint64_t *tick_first; /* [tick_count + 1]: rows before each tick */
    double *costs_left;   /* [tick_count + 1]: of all rows of a tick and later ones */
} past_rows;

/* Those within reach, by rising r; whole blocks: behind the last they cost nothing. */
typedef struct sorted_rows {
    size_t count;
    double *ratios;
    int64_t *costs;
    uint16_t *ticks;
} sorted_rows;

/* Adds a piece; rows before each tick up to the piece's last are known then. */
static void add_piece(const lp_state *lp, const gv_policy_setup *setup,
                      const gv_opportunities *piece, past_rows *rows)
{
    const lp_config *config = setup->config;
    for (size_t i = 0; i < piece->count; i++) {
        const int64_t cost = piece->rival_nanos[i];
        const double value = piece->pcvr[i];
        if (!(value > 0) || cost <= config->cost_min_nanos) {
            continue;
        }
        const int64_t since_us = piece->time_us[i] - setup->history->start_us;
        const size_t tick = (size_t)(since_us / setup->campaign->tick_us);
        assert(tick < lp->tick_count);
        rows->tick_first[tick + 1]++;
        rows->costs_left[tick] += (double)cost;
        rows->values[rows->count] = (float)(value + config->value_more);
        rows->costs[rows->count++] = cost;
    }
}

static gv_status read_past(const lp_state *lp, const gv_policy_setup *setup, past_rows *rows)
{
    gv_source *source = setup->history->source;
    for (uint64_t position = source->begin;;) {
        gv_opportunities piece;
        uint64_t next = position;
        GV_TRY(source->load(source, position, &piece, &next));
        if (piece.count == 0) {
            break;
        }
        if (piece.pcvr == NULL) {
            return GV_FAIL(GV_EINVAL, NAME ": the history \"%s\" has no pCVR",
                           setup->history->name);
        }
        add_piece(lp, setup, &piece, rows);
        position = next;
    }
    for (size_t tick = 0; tick < lp->tick_count; tick++) {
        rows->tick_first[tick + 1] += rows->tick_first[tick];
    }
    for (size_t tick = lp->tick_count; tick > 0; tick--) {
        rows->costs_left[tick - 1] += rows->costs_left[tick];
    }
    return GV_OK;
}

/* Whatever budget is left: the first row whose sum exceeds it lies within this and an interval. */
static int64_t reach_of(const lp_state *lp, int64_t budget)
{
    const int64_t reach =
        budget < INT64_MAX - lp->interval_nanos ? budget + lp->interval_nanos : INT64_MAX;
    return reach < lp->cost_max_nanos ? reach : lp->cost_max_nanos;
}

/* The tick that a row lies in. */
static uint16_t tick_of(const lp_state *lp, const past_rows *rows, uint64_t row)
{
    size_t low = 0;
    size_t high = lp->tick_count;
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        const bool is_below = row < rows->tick_first[middle];
        high = is_below ? middle : high;
        low = is_below ? low : middle;
    }
    return (uint16_t)low;
}

static gv_status keep_sorted(const lp_state *lp, const past_rows *rows, gv_ladder *ladder,
                             sorted_rows *out)
{
    size_t count = 0;
    for (size_t at = 0; at < GV_LADDER_BUCKETS; at++) {
        count += gv_ladder_sum(ladder, 0, at).count;
    }
    out->count = (count + BLOCK) / BLOCK * BLOCK;
    out->ratios = gv_mem_alloc(0, out->count, sizeof *out->ratios);
    out->costs = gv_mem_alloc(0, out->count, sizeof *out->costs);
    out->ticks = gv_mem_alloc(0, out->count, sizeof *out->ticks);
    if (out->ratios == NULL || out->costs == NULL || out->ticks == NULL) {
        return GV_FAIL(GV_ENOMEM, NAME ": no memory for %zu rows of the past", count);
    }
    size_t row = 0;
    for (size_t at = 0; at < GV_LADDER_BUCKETS; at++) {
        const gv_rungs found = gv_ladder_bucket(ladder, 0, at);
        for (size_t i = 0; i < found.count; i++, row++) {
            out->ratios[row] = found.rungs[i].multiplier;
            out->costs[row] = (int64_t)found.rungs[i].cost_nanos;
            out->ticks[row] = tick_of(lp, rows, found.rungs[i].opportunity);
        }
    }
    return GV_OK;
}

static gv_status sort_rows(const lp_state *lp, const past_rows *rows, int64_t budget,
                           sorted_rows *out)
{
    static const double always[] = {1};
    const gv_future past = {.slot_count = 1,
                            .exposure = always,
                            .tick_count = lp->tick_count,
                            .tick_first = rows->tick_first,
                            .values = rows->values,
                            .prices = rows->costs};
    const gv_ladder_config config = {.future = &past,
                                     .ceiling_nanos = 64 * lp->most_nanos,
                                     .reach_nanos = reach_of(lp, budget),
                                     .offer_max_nanos = INT64_MAX,
                                     .price_step_nanos = 1};
    gv_ladder *ladder = NULL;
    GV_TRY(gv_ladder_create(&config, &ladder));
    const gv_status status = keep_sorted(lp, rows, ladder, out);
    gv_ladder_destroy(ladder);
    return status;
}

/* ---- the table ------------------------------------------------------------------------------- */

/* A walk by rising r over the rows of a tick and later ones, until the budget is exceeded. */
typedef struct lp_walk {
    lp_state *lp;
    const sorted_rows *rows;
    uint16_t tick;
    int64_t budget;
    int64_t sum;       /* of the costs so far */
    int64_t last_kept; /* the sum of the last row kept */
    size_t end;        /* the row behind the last that is summed up */
    bool is_over;      /* no more rows are needed, or the table ends here */
    bool has_memory;
} lp_walk;

static void keep_row(lp_walk *walk, int64_t sum, double ratio)
{
    lp_state *lp = walk->lp;
    size_t *count = &lp->first[walk->tick + 1];
    if (*count == lp->room) {
        const size_t room = lp->room == 0 ? TABLE_FIRST : 2 * lp->room;
        lp_row *table = gv_mem_resize(lp->table, room, sizeof *table);
        walk->has_memory = table != NULL;
        walk->is_over = table == NULL;
        if (table == NULL) {
            return;
        }
        lp->table = table;
        lp->room = room;
    }
    lp->table[(*count)++] = (lp_row){sum, ratio};
    walk->last_kept = sum;
}

GV_VECTOR static int64_t sum_block(const int64_t *costs, const uint16_t *ticks, uint16_t tick)
{
    int64_t sum = 0;
    for (size_t i = 0; i < BLOCK; i++) {
        sum += ticks[i] >= tick ? costs[i] : 0;
    }
    return sum;
}

/* Rows of earlier ticks cost nothing. */
static void walk_block(lp_walk *walk, size_t first)
{
    const lp_state *lp = walk->lp;
    const sorted_rows *rows = walk->rows;
    for (size_t i = first; i < first + BLOCK && !walk->is_over; i++) {
        if (rows->ticks[i] < walk->tick || rows->costs[i] == 0) {
            continue;
        }
        const int64_t sum = walk->sum + rows->costs[i];
        if (sum >= lp->cost_max_nanos) {
            walk->is_over = true;
            return;
        }
        walk->sum = sum;
        walk->end = i + 1;
        if (sum - walk->last_kept >= lp->interval_nanos) {
            walk->is_over = sum > walk->budget;
            keep_row(walk, sum, rows->ratios[i]);
        }
    }
}

static void walk_rows(lp_walk *walk)
{
    const lp_state *lp = walk->lp;
    const sorted_rows *rows = walk->rows;
    for (size_t first = 0; first < rows->count && !walk->is_over; first += BLOCK) {
        const int64_t sum =
            walk->sum + sum_block(rows->costs + first, rows->ticks + first, walk->tick);
        if (sum < lp->cost_max_nanos && sum - walk->last_kept < lp->interval_nanos) {
            walk->sum = sum;
            walk->end = first + BLOCK;
        } else {
            walk_block(walk, first);
        }
    }
}

/* The r of the last row that the walk summed up. */
static double last_ratio(const lp_walk *walk)
{
    const sorted_rows *rows = walk->rows;
    size_t end = walk->end;
    while (end > 0 && (rows->ticks[end - 1] < walk->tick || rows->costs[end - 1] == 0)) {
        end--;
    }
    return end == 0 ? 0 : rows->ratios[end - 1];
}

/* The last row of a tick is always kept; where there is more, it is too dear to be told apart. */
static void end_tick(lp_walk *walk, double costs_left)
{
    const lp_state *lp = walk->lp;
    if (!walk->is_over && costs_left > (double)walk->sum) {
        keep_row(walk, costs_left < 0x1p62 ? (int64_t)costs_left : INT64_MAX, lp->most_nanos);
    } else if (walk->sum > walk->last_kept) {
        keep_row(walk, walk->sum, last_ratio(walk));
    }
}

static gv_status make_table(lp_state *lp, const past_rows *past, const sorted_rows *rows,
                            int64_t budget)
{
    for (size_t tick = 0; tick < lp->tick_count; tick++) {
        lp_walk walk = {
            .lp = lp, .rows = rows, .tick = (uint16_t)tick, .budget = budget, .has_memory = true};
        lp->first[tick + 1] = lp->first[tick];
        walk_rows(&walk);
        if (walk.has_memory) {
            end_tick(&walk, past->costs_left[tick]);
        }
        if (!walk.has_memory) {
            return GV_FAIL(GV_ENOMEM, NAME ": no memory for a table of %zu rows", lp->room);
        }
    }
    return GV_OK;
}

/* Rows as they come, rows sorted, rows kept. */
static gv_status fill_table(lp_state *lp, const gv_policy_setup *setup, past_rows *past,
                            sorted_rows *rows)
{
    const gv_history *history = setup->history;
    const size_t room = (size_t)(history->source->end - history->source->begin);
    const int64_t budget = setup->campaign->budget_nanos;
    past->values = gv_mem_alloc_vector(room + 1, sizeof *past->values);
    past->costs = gv_mem_alloc_vector(room + 1, sizeof *past->costs);
    past->tick_first = gv_mem_alloc(0, lp->tick_count + 1, sizeof *past->tick_first);
    past->costs_left = gv_mem_alloc(0, lp->tick_count + 1, sizeof *past->costs_left);
    if (past->values == NULL || past->costs == NULL || past->tick_first == NULL ||
        past->costs_left == NULL) {
        return GV_FAIL(GV_ENOMEM, NAME ": no memory for the %zu rows of \"%s\"", room,
                       history->name);
    }
    GV_TRY(read_past(lp, setup, past));
    GV_TRY(sort_rows(lp, past, budget, rows));
    return make_table(lp, past, rows, budget);
}

static gv_status learn(lp_state *lp, const gv_policy_setup *setup)
{
    past_rows past = {.count = 0};
    sorted_rows rows = {.count = 0};
    const gv_status status = fill_table(lp, setup, &past, &rows);
    void *const blocks[] = {past.values, past.costs, past.tick_first, past.costs_left,
                            rows.ratios, rows.costs, rows.ticks};
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        gv_mem_free(blocks[i]);
    }
    return status;
}

static gv_status count_ticks(const gv_policy_setup *setup, size_t *tick_count)
{
    const gv_history *history = setup->history;
    const int64_t tick_us = setup->campaign->tick_us;
    assert(tick_us > 0);
    const int64_t ticks = (history->end_us - history->start_us - 1) / tick_us + 1;
    if (ticks > TICKS_MAX) {
        return GV_FAIL(GV_EINVAL,
                       NAME ": the history \"%s\" spans %" PRId64
                            " ticks, expected at most %d: give longer ticks or a shorter history",
                       history->name, ticks, TICKS_MAX);
    }
    *tick_count = (size_t)ticks;
    return GV_OK;
}

static gv_status lp_init(void *state, const gv_policy_setup *setup)
{
    const lp_config *config = setup->config;
    lp_state *lp = state;
    GV_TRY(gv_cpa_find(config->cpa_nanos, setup->campaign, NAME, &lp->cpa_nanos));
    GV_TRY(check_history(setup->history));
    GV_TRY(count_ticks(setup, &lp->tick_count));
    lp->most_nanos = lp->cpa_nanos * config->most_cpas;
    lp->multiplier = fmin(lp->cpa_nanos, lp->most_nanos);
    lp->cost_max_nanos = config->cost_max_nanos;
    lp->interval_nanos = config->interval_nanos;
    lp->first = gv_mem_alloc(0, lp->tick_count + 1, sizeof *lp->first);
    if (lp->first == NULL) {
        return GV_FAIL(GV_ENOMEM, NAME ": no memory for %zu ticks", lp->tick_count);
    }
    return learn(lp, setup);
}

/* ---- bidding --------------------------------------------------------------------------------- */

/* The first r of the tick whose sum exceeds `left`; the CPA where there is none. */
static double solve(const lp_state *lp, uint64_t tick, int64_t left)
{
    if (tick >= lp->tick_count) {
        return lp->cpa_nanos;
    }
    size_t low = lp->first[tick];
    size_t high = lp->first[tick + 1];
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const bool exceeds = lp->table[middle].sum_nanos > left;
        high = exceeds ? middle : high;
        low = exceeds ? low : middle + 1;
    }
    return low < lp->first[tick + 1] ? lp->table[low].ratio : lp->cpa_nanos;
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
        lp->multiplier = fmin(solve(lp, seen->tick, seen->budget_left_nanos), lp->most_nanos);
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
