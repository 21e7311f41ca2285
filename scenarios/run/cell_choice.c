#include "scenarios/run/cell_choice.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "policies/policies.h"

enum { LIST_SIZE = 600, NUMBER_SIZE = 24 };

/* What a cell is called in one of three respects; `number`: [NUMBER_SIZE]. */
typedef const char *(*naming)(const gv_cell_record *cell, char *number);

/* NOLINTNEXTLINE(readability-non-const-parameter): naming's type */
static const char *campaign_of(const gv_cell_record *cell, char *number)
{
    (void)number;
    return cell->campaign->name;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): naming's type */
static const char *policy_of(const gv_cell_record *cell, char *number)
{
    (void)number;
    return cell->policy;
}

static const char *period_of(const gv_cell_record *cell, char *number)
{
    (void)snprintf(number, NUMBER_SIZE, "%" PRIu64, cell->seat->period);
    return number;
}

static bool is_of(const gv_cell_record *cell, const gv_explain_choice *choice)
{
    return (choice->campaign == NULL || strcmp(cell->campaign->name, choice->campaign) == 0) &&
           (choice->policy == NULL || strcmp(cell->policy, choice->policy) == 0) &&
           (choice->period < 0 || (uint64_t)choice->period == cell->seat->period);
}

/* Whether that name is already among the list's, which are between commas. */
static bool is_listed(const char *list, const char *name)
{
    const size_t length = strlen(name);
    for (const char *at = strstr(list, name); at != NULL; at = strstr(at + 1, name)) {
        const bool begins = at == list || at[-1] == ' ';
        if (begins && (at[length] == ',' || at[length] == '\0')) {
            return true;
        }
    }
    return false;
}

/* The different names of the cells that `among` lets through. */
static void list_names(const gv_outcomes *outcomes, const gv_explain_choice *among, naming name_of,
                       char list[LIST_SIZE])
{
    size_t used = 0;
    list[0] = '\0';
    for (size_t i = 0; i < outcomes->cell_count; i++) {
        char number[NUMBER_SIZE];
        const gv_cell_record *cell = &outcomes->cells[i];
        const char *name = name_of(cell, number);
        if (!is_of(cell, among) || is_listed(list, name)) {
            continue;
        }
        if (used + strlen(name) + sizeof ", ..." >= LIST_SIZE) {
            (void)snprintf(list + used, LIST_SIZE - used, ", ...");
            return;
        }
        used +=
            (size_t)snprintf(list + used, LIST_SIZE - used, "%s%s", used == 0 ? "" : ", ", name);
    }
}

static bool has_any(const gv_outcomes *outcomes, const gv_explain_choice *choice)
{
    for (size_t i = 0; i < outcomes->cell_count; i++) {
        if (is_of(&outcomes->cells[i], choice)) {
            return true;
        }
    }
    return false;
}

/* One respect after another, so that what is listed goes with what is right already. */
static gv_status check_choice(const gv_outcomes *outcomes, const gv_explain_choice *choice)
{
    char list[LIST_SIZE];
    const int64_t id = outcomes->run.id;
    gv_explain_choice part = {.period = -1};
    const gv_explain_choice all = part;
    part.campaign = choice->campaign;
    if (!has_any(outcomes, &part)) {
        list_names(outcomes, &all, campaign_of, list);
        return GV_FAIL(GV_EUSAGE, "run %" PRId64 " has no campaign '%s'; it has %s", id,
                       choice->campaign, list);
    }
    const gv_explain_choice of_campaign = part;
    part.policy = choice->policy;
    if (!has_any(outcomes, &part)) {
        list_names(outcomes, &of_campaign, policy_of, list);
        return GV_FAIL(GV_EUSAGE, "in run %" PRId64 " %s has no policy '%s'; it has %s", id,
                       choice->campaign, choice->policy, list);
    }
    const gv_explain_choice of_policy = part;
    part.period = choice->period;
    if (!has_any(outcomes, &part)) {
        list_names(outcomes, &of_policy, period_of, list);
        return GV_FAIL(GV_EUSAGE, "run %" PRId64 " has no period %" PRId64 "; it has %s", id,
                       choice->period, list);
    }
    return GV_OK;
}

/* The higher the better. */
static int merit(const gv_cell_record *cell)
{
    const gv_policy_type *type = gv_policy_find(cell->policy_type);
    if (strcmp(cell->seat->rivals, "market") == 0) {
        return 0;
    }
    if (type == NULL || type->sees_future) {
        return 0;
    }
    return type->explain != NULL ? 2 : 1;
}

gv_status gv_cell_choose(const gv_outcomes *outcomes, const gv_explain_choice *choice,
                         const gv_cell_record **out)
{
    if (outcomes->cell_count == 0) {
        return GV_FAIL(GV_EINVAL, "run %" PRId64 " has no cell to explain yet", outcomes->run.id);
    }
    if (outcomes->cells[0].seat == NULL) {
        return GV_FAIL(GV_EINVAL,
                       "run %" PRId64 " replays a log; what is explained is a campaign of a market",
                       outcomes->run.id);
    }
    GV_TRY(check_choice(outcomes, choice));
    const gv_cell_record *best = NULL;
    for (size_t i = 0; i < outcomes->cell_count; i++) {
        const gv_cell_record *cell = &outcomes->cells[i];
        if (is_of(cell, choice) && (best == NULL || merit(cell) > merit(best))) {
            best = cell;
        }
    }
    *out = best;
    return GV_OK;
}
