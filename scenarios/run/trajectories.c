#include "scenarios/run/trajectories.h"

#include <inttypes.h>
#include <string.h>

static bool is_chosen(const gv_trajectory_choice *choice, const gv_cell_record *cell)
{
    if (cell->seat == NULL ||
        (choice->rivals != NULL && strcmp(choice->rivals, cell->seat->rivals) != 0)) {
        return false;
    }
    for (size_t i = 0; i < choice->policy_count; i++) {
        if (strcmp(choice->policies[i], cell->policy) == 0) {
            return true;
        }
    }
    return choice->policy_count == 0;
}

static gv_status add_cell(gv_trajectories *set, const gv_cell_record *cell)
{
    const gv_trajectory_about about = {.period = cell->seat->period,
                                       .advertiser = (uint32_t)cell->campaign->number,
                                       .category = cell->seat->category,
                                       .budget_nanos = cell->campaign->budget_nanos,
                                       .cpa_nanos = cell->campaign->cpa_nanos};
    return gv_trajectories_add_seat(set, &about, cell->seat->ticks);
}

/* The ticks of a period, the same in all cells; 0: the run has none. */
static size_t ticks_of(const gv_outcomes *outcomes)
{
    for (size_t i = 0; i < outcomes->cell_count; i++) {
        if (outcomes->cells[i].seat != NULL) {
            return outcomes->cells[i].seat->tick_count - 1;
        }
    }
    return 0;
}

static gv_status add_all(const gv_outcomes *outcomes, const gv_trajectory_choice *choice,
                         gv_trajectories *set)
{
    for (size_t i = 0; i < outcomes->cell_count; i++) {
        const gv_cell_record *cell = &outcomes->cells[i];
        if (!is_chosen(choice, cell)) {
            continue;
        }
        if (cell->seat->tick_count != gv_trajectories_ticks(set) + 1) {
            return GV_FAIL(GV_ECORRUPT, "cell %zu of run %" PRId64 " has %zu ticks, expected %zu",
                           cell->cell, outcomes->run.id, cell->seat->tick_count - 1,
                           gv_trajectories_ticks(set));
        }
        GV_TRY(add_cell(set, cell));
    }
    if (gv_trajectories_count(set) == 0) {
        return GV_FAIL(GV_EINVAL, "run %" PRId64 " has no campaign of that policy and those rivals",
                       outcomes->run.id);
    }
    return GV_OK;
}

gv_status gv_trajectories_of_run(const gv_outcomes *outcomes, const gv_trajectory_choice *choice,
                                 gv_trajectories **out)
{
    const size_t tick_count = ticks_of(outcomes);
    gv_trajectories *set = NULL;
    if (tick_count == 0) {
        return GV_FAIL(GV_EINVAL,
                       "run %" PRId64 " is no market, or kept no ticks: run a scenario with "
                       "`market: {keep_ticks: on}`",
                       outcomes->run.id);
    }
    GV_TRY(gv_trajectories_create(tick_count, &set));
    const gv_status status = add_all(outcomes, choice, set);
    if (status != GV_OK) {
        gv_trajectories_destroy(set);
        return status;
    }
    *out = set;
    return GV_OK;
}
