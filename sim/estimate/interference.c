#include "sim/estimate/interference.h"

#include <math.h>
#include <stdio.h>

#include "sim/base/mem.h"
#include "sim/estimate/mean_bounds.h"

typedef struct cluster_sums {
    size_t count;
    size_t met; /* rounds so far, while they are gone through once more */
    double spend;
    double weight;
    double weighted; /* spend */
    double fade;
} cluster_sums;

typedef struct action_sums {
    double count;
    double spend;
} action_sums;

typedef struct reckoning {
    const gv_rounds *rounds;
    cluster_sums *clusters; /* [rounds->cluster_count] */
    action_sums *actions;   /* [rounds->action_count] */
    cluster_sums total;
} reckoning;

static cluster_sums *cluster_of(const reckoning *at, size_t round)
{
    const uint32_t *clusters = at->rounds->clusters;
    return &at->clusters[clusters == NULL ? round : clusters[round]];
}

static void add_up(reckoning *at, const double *weights)
{
    const gv_rounds *rounds = at->rounds;
    for (size_t i = 0; i < rounds->count; i++) {
        const double spend = rounds->spends[i];
        cluster_sums *sums[] = {cluster_of(at, i), &at->total};
        for (size_t k = 0; k < 2; k++) {
            sums[k]->count++;
            sums[k]->spend += spend;
            sums[k]->weight += weights[i];
            sums[k]->weighted += weights[i] * spend;
        }
        at->actions[rounds->actions[i]].count += 1;
        at->actions[rounds->actions[i]].spend += spend;
    }
}

/* The middle round of an odd number is of neither half. */
static void add_halves(reckoning *at)
{
    const gv_rounds *rounds = at->rounds;
    for (size_t i = 0; i < rounds->count; i++) {
        cluster_sums *cluster = cluster_of(at, i);
        const action_sums *action = &at->actions[rounds->actions[i]];
        const double off = rounds->spends[i] - action->spend / action->count;
        const size_t place = cluster->met++;
        if (place < cluster->count / 2) {
            cluster->fade -= off;
        } else if (place >= cluster->count - cluster->count / 2) {
            cluster->fade += off;
        }
    }
}

/* Of the first half, given the difference over the mean half. */
static double share_of_first(double difference)
{
    return difference >= 2 ? (double)INFINITY : difference / (1 - difference / 2);
}

static gv_interval fade_of(const reckoning *at, double level)
{
    double n = 0;
    double mean = 0;
    double squares = 0;
    for (size_t c = 0; c < at->rounds->cluster_count; c++) {
        if (at->clusters[c].count > 1) {
            const double off = at->clusters[c].fade - mean;
            n += 1;
            mean += off / n;
            squares += off * (at->clusters[c].fade - mean);
        }
    }
    const double half = at->total.spend / (double)at->rounds->cluster_count / 2;
    const double deviation = n > 1 ? sqrt(squares / (n - 1)) : 0;
    gv_interval fade = gv_student_interval(mean / half, deviation / half, (size_t)n, level);
    fade.estimate = share_of_first(fade.estimate);
    fade.low = share_of_first(fade.low);
    fade.high = share_of_first(fade.high);
    return fade;
}

static gv_interval shift_of(const reckoning *at, double level)
{
    const cluster_sums *total = &at->total;
    const double judged = total->weighted / total->weight;
    const double logged = total->spend / (double)total->count;
    const double n = (double)at->rounds->cluster_count;
    double squares = 0;
    for (size_t c = 0; c < at->rounds->cluster_count; c++) {
        const cluster_sums *sums = &at->clusters[c];
        const double influence = (sums->weighted - sums->weight * judged) / total->weighted -
                                 (sums->spend - (double)sums->count * logged) / total->spend;
        squares += influence * influence;
    }
    const double ratio = judged / logged;
    const double deviation = n > 1 ? ratio * sqrt(squares * n / (n - 1)) * sqrt(n) : 0;
    return gv_student_interval(ratio - 1, deviation, at->rounds->cluster_count, level);
}

gv_status gv_interference_of(const gv_rounds *rounds, const double *weights, double level,
                             gv_interference *out)
{
    *out = (gv_interference){.is_checked = rounds->spends != NULL};
    if (rounds->spends == NULL) {
        return GV_OK;
    }
    reckoning at = {.rounds = rounds,
                    .clusters = gv_mem_alloc(0, rounds->cluster_count, sizeof *at.clusters),
                    .actions = gv_mem_alloc(0, rounds->action_count, sizeof *at.actions)};
    gv_status status = GV_OK;
    if (at.clusters == NULL || at.actions == NULL) {
        status =
            GV_FAIL(GV_ENOMEM, "no memory for the spend of %zu clusters", rounds->cluster_count);
    } else {
        add_up(&at, weights);
        add_halves(&at);
        out->fade = fade_of(&at, level);
        out->shift = shift_of(&at, level);
    }
    gv_mem_free(at.clusters);
    gv_mem_free(at.actions);
    return status;
}

const char *gv_interference_fade_warning(const gv_interference *of, char *text, size_t size)
{
    const gv_interval *fade = &of->fade;
    if (!of->is_checked || fade->state != GV_INTERVAL_GIVEN ||
        !(fade->high < 0 && fade->estimate < -GV_INTERFERENCE_FADE_MAX)) {
        return NULL;
    }
    (void)snprintf(
        text, size,
        "spend falls by %.0f %% within clusters (%.0f to %.0f): where a budget runs out, "
        "rounds hang on what earlier ones spent, and no interval here holds that",
        -100 * fade->estimate, -100 * fade->high, -100 * fade->low);
    return text;
}

const char *gv_interference_shift_warning(const gv_interference *of, char *text, size_t size)
{
    const gv_interval *shift = &of->shift;
    if (!of->is_checked || shift->state != GV_INTERVAL_GIVEN ||
        (shift->low >= -GV_INTERFERENCE_SHIFT_MAX && shift->high <= GV_INTERFERENCE_SHIFT_MAX)) {
        return NULL;
    }
    (void)snprintf(
        text, size,
        "the policy would spend %+.0f %% of what the log did (%+.0f to %+.0f): budgets may "
        "end sooner and rivals answer, which this log cannot show; a budget split can",
        100 * shift->estimate, 100 * shift->low, 100 * shift->high);
    return text;
}
