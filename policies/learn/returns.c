#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "policies/learn/returns_impl.h"
#include "sim/base/mem.h"

static const double used_max = 2;
static const double log_cpa_mean = 4;    /* C of 55; AuctionNet's are 6 to 130 */
static const double log_budget_mean = 8; /* 2981; AuctionNet's are 2000 to 4850 */

const char *const gv_return_names[] = {"plain", "score", NULL};

double gv_return_reached(const gv_return_law *law, const gv_account *account)
{
    double reached = account->conversions;
    if (law->kind == GV_RETURN_SCORE && account->spend > account->cpa * account->conversions) {
        reached *= pow(account->cpa * account->conversions / account->spend, law->power);
    }
    const double unit = account->cpa > 0 ? account->budget / account->cpa : 0;
    return law->is_relative && unit > 0 ? reached / unit : reached;
}

gv_account gv_episode_account(const gv_episode *episode, size_t t)
{
    assert(t <= episode->length);
    gv_account account = {.spend = episode->spend, .budget = episode->budget, .cpa = episode->cpa};
    for (size_t i = 0; i < t; i++) {
        account.conversions += episode->reward[i];
    }
    if (t < episode->length) {
        const double left = episode->state[t * GV_STATE_SIZE + GV_STATE_BUDGET_LEFT];
        account.spend = fmax(episode->budget * (1 - left), 0);
    }
    return account;
}

void gv_return_to_go(const gv_return_law *law, const gv_episode *episode, double *to_go)
{
    const gv_account total = gv_episode_account(episode, episode->length);
    const double all = gv_return_reached(law, &total);
    double conversions = 0;
    for (size_t t = 0; t < episode->length; t++) {
        gv_account before = gv_episode_account(episode, 0);
        const double left = episode->state[t * GV_STATE_SIZE + GV_STATE_BUDGET_LEFT];
        before.spend = fmax(episode->budget * (1 - left), 0);
        before.conversions = conversions;
        to_go[t] = all - gv_return_reached(law, &before);
        conversions += episode->reward[t];
    }
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

gv_status gv_return_quantile(const gv_return_law *law, const gv_dataset *dataset, double share,
                             double *value)
{
    const size_t count = gv_dataset_count(dataset);
    double *reached = gv_mem_alloc(0, count, sizeof *reached);
    if (reached == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the returns of %zu episodes", count);
    }
    for (size_t i = 0; i < count; i++) {
        const gv_episode *episode = gv_dataset_at(dataset, i);
        const gv_account total = gv_episode_account(episode, episode->length);
        reached[i] = gv_return_reached(law, &total);
    }
    qsort(reached, count, sizeof *reached, compare);
    const double rank = ceil(share * (double)count);
    *value = reached[rank < 1 ? 0 : (size_t)rank - 1];
    gv_mem_free(reached);
    return GV_OK;
}

double gv_constraint_used(const gv_account *account)
{
    const double allowed = account->cpa * account->conversions;
    if (account->spend <= 0) {
        return 0;
    }
    return account->spend < used_max * allowed ? account->spend / allowed : used_max;
}

void gv_constraint_token(double used, const gv_account *account, float *token)
{
    token[0] = (float)used;
    token[1] = (float)(account->cpa > 0 ? log(account->cpa) - log_cpa_mean : 0);
    token[2] = (float)(account->budget > 0 ? log(account->budget) - log_budget_mean : 0);
}
