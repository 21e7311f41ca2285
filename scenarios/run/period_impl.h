/* Between the running of a period and the writing of its cells. */
#ifndef SCENARIOS_RUN_PERIOD_IMPL_H
#define SCENARIOS_RUN_PERIOD_IMPL_H

#include "scenarios/run/period.h"
#include "sim/market/record.h"

/* What a period has come to so far. */
typedef struct gv_period_run_state {
    const gv_period_job *job;
    gv_market_period period;
    gv_record *record;   /* NULL: there are no contenders */
    size_t arm_count;    /* the market, then the contenders */
    size_t row;          /* ticks of one seat: ticks + 1 */
    gv_seat_tick *ticks; /* [arm][seat][row] */
    int64_t *wall_us;    /* [arm] */
} gv_period_run_state;

static inline gv_seat_tick *gv_period_ticks(const gv_period_run_state *run, size_t arm, size_t seat)
{
    return run->ticks + (arm * run->job->market->seat_count + seat) * run->row;
}

/* Who bids in that arm and seat. */
static inline const gv_policy_plan *gv_period_plan(const gv_period_run_state *run, size_t arm,
                                                   size_t seat)
{
    const gv_market *market = run->job->market;
    return arm == 0 ? market->advertisers[seat].policy : market->contenders[arm - 1];
}

/* Makes the records of all cells and gives them to job->finish. */
GV_MUST_CHECK gv_status gv_period_finish(const gv_period_run_state *run);

#endif
