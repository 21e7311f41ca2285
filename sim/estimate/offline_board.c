#include "sim/estimate/offline_board.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/money.h"

enum { REPLICATES = 2000, FIRST_CAMPAIGNS = 64 };

/* What is summed of a campaign under one ratio. */
enum { SUM_SCORE, SUM_CONVERSIONS, SUM_SPEND, SUM_OVER, SUM_BUDGET, SUM_CAMPAIGNS, SUMS };

/* Each figure is a ratio of two sums. */
static const int parts[GV_OFFLINE_FIGURES][2] = {
    [GV_OFFLINE_SCORE] = {SUM_SCORE, SUM_CAMPAIGNS},
    [GV_OFFLINE_CONVERSIONS] = {SUM_CONVERSIONS, SUM_CAMPAIGNS},
    [GV_OFFLINE_SPEND_SHARE] = {SUM_SPEND, SUM_BUDGET},
    [GV_OFFLINE_OVER_CPA] = {SUM_OVER, SUM_CAMPAIGNS},
};

struct gv_offline_board {
    size_t ratio_count;
    size_t campaign_count;
    size_t capacity;
    double *sums; /* [capacity][ratio][SUMS] */
};

gv_status gv_offline_board_create(size_t ratio_count, gv_offline_board **out)
{
    assert(ratio_count >= 1);
    gv_offline_board *board = gv_mem_alloc(sizeof *board, 0, 0);
    if (board == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a table of scores");
    }
    board->ratio_count = ratio_count;
    *out = board;
    return GV_OK;
}

void gv_offline_board_destroy(gv_offline_board *board)
{
    if (board != NULL) {
        gv_mem_free(board->sums);
        gv_mem_free(board);
    }
}

static gv_status grow(gv_offline_board *board)
{
    const size_t capacity = board->capacity == 0 ? FIRST_CAMPAIGNS : 2 * board->capacity;
    double *sums = gv_mem_resize(board->sums, capacity * board->ratio_count * SUMS, sizeof *sums);
    if (sums == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the scores of %zu campaigns", capacity);
    }
    board->sums = sums;
    board->capacity = capacity;
    return GV_OK;
}

/* Spending without a conversion is above any CPA. */
static bool is_over(const gv_offline_record *record)
{
    const double allowed =
        (double)record->campaign->cpa_nanos * (double)record->total.tally.conversions;
    return (double)record->total.tally.spend_nanos > allowed;
}

gv_status gv_offline_board_take(void *context, const gv_offline_record *record)
{
    gv_offline_board *board = context;
    assert(record->ratio < board->ratio_count);
    if (record->ratio == 0) {
        if (board->campaign_count == board->capacity) {
            GV_TRY(grow(board));
        }
        board->campaign_count++;
    }
    const gv_tally *tally = &record->total.tally;
    double *sums =
        board->sums + ((board->campaign_count - 1) * board->ratio_count + record->ratio) * SUMS;
    sums[SUM_SCORE] = gv_seat_score(&record->total, record->campaign->cpa_nanos);
    sums[SUM_CONVERSIONS] = (double)tally->conversions;
    sums[SUM_SPEND] = (double)tally->spend_nanos / (double)GV_NANOS_PER_UNIT;
    sums[SUM_OVER] = is_over(record) ? 1.0 : 0.0;
    sums[SUM_BUDGET] = (double)record->campaign->budget_nanos / (double)GV_NANOS_PER_UNIT;
    sums[SUM_CAMPAIGNS] = 1.0;
    return GV_OK;
}

size_t gv_offline_board_campaigns(const gv_offline_board *board)
{
    return board->campaign_count;
}

/* Which figure of which ratio. */
typedef struct figure_key {
    size_t ratio;
    size_t figure;
} figure_key;

static double figure_of(const void *context, const double *totals)
{
    const figure_key *key = context;
    const double *sums = totals + key->ratio * SUMS;
    return sums[parts[key->figure][0]] / sums[parts[key->figure][1]];
}

gv_status gv_offline_board_sum(const gv_offline_board *board, uint64_t seed, gv_interval *intervals)
{
    assert(board->campaign_count >= 1);
    const gv_clusters clusters = {
        .sums = board->sums,
        .cluster_count = board->campaign_count,
        .column_count = board->ratio_count * SUMS,
        .stratum_sizes = &board->campaign_count,
        .stratum_count = 1,
    };
    const gv_bootstrap_config config = {.replicates = REPLICATES, .seed = seed};
    gv_bootstrap *bootstrap = NULL;
    GV_TRY(gv_bootstrap_create(&clusters, &config, &bootstrap));
    for (size_t ratio = 0; ratio < board->ratio_count; ratio++) {
        for (size_t figure = 0; figure < GV_OFFLINE_FIGURES; figure++) {
            const figure_key key = {ratio, figure};
            intervals[ratio * GV_OFFLINE_FIGURES + figure] =
                gv_bootstrap_interval(bootstrap, figure_of, &key, GV_INTERVAL_BCA, 0.95);
        }
    }
    gv_bootstrap_destroy(bootstrap);
    return GV_OK;
}
