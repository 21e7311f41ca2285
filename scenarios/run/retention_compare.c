/* Policies that win users back, beside one of them: a paired bootstrap over clusters of users. */
#include <assert.h>
#include <math.h>

#include "scenarios/run/retention.h"
#include "sim/base/mem.h"
#include "sim/base/money.h"

/* Columns of a cluster: spend and retained users of each policy. */
enum { SPEND, RETAINED, COLUMNS };

static double per_unit(const double *totals, size_t policy)
{
    const double spend = totals[COLUMNS * policy + SPEND];
    return spend > 0.0 ? totals[COLUMNS * policy + RETAINED] / spend : (double)NAN;
}

typedef struct policy_pair {
    size_t policy;
    size_t baseline;
} policy_pair;

static double value_of(const void *context, const double *totals)
{
    return per_unit(totals, ((const policy_pair *)context)->policy);
}

static double difference_of(const void *context, const double *totals)
{
    const policy_pair *pair = context;
    return per_unit(totals, pair->policy) - per_unit(totals, pair->baseline);
}

static void add_up(const gv_retention_run *run, size_t policies, size_t clusters, double *sums)
{
    for (size_t policy = 0; policy < policies; policy++) {
        const gv_winback_cluster *own = gv_retention_outcome(run, policy)->clusters;
        for (size_t i = 0; i < clusters; i++) {
            double *to = sums + COLUMNS * (i * policies + policy);
            to[SPEND] = (double)own[i].spend_nanos / (double)GV_NANOS_PER_UNIT;
            to[RETAINED] = (double)own[i].retained;
        }
    }
}

static void compare(size_t policies, size_t baseline, gv_bootstrap *bootstrap,
                    gv_retention_figure *figures)
{
    for (size_t policy = 0; policy < policies; policy++) {
        const policy_pair pair = {policy, baseline};
        figures[policy].value =
            gv_bootstrap_interval(bootstrap, value_of, &pair, GV_INTERVAL_PERCENTILE, 0.95);
        figures[policy].difference =
            gv_bootstrap_interval(bootstrap, difference_of, &pair, GV_INTERVAL_PERCENTILE, 0.95);
    }
}

gv_status gv_retention_compare(const gv_retention_run *run, size_t baseline, uint64_t seed,
                               gv_retention_figure *figures)
{
    const size_t policies = gv_retention_policies(run);
    const size_t count = gv_retention_clusters(run);
    const gv_bootstrap_config config = {.replicates = 1000, .seed = seed};
    gv_bootstrap *bootstrap = NULL;
    double *sums = gv_mem_alloc(0, count * COLUMNS * policies, sizeof *sums);
    assert(baseline < policies);
    if (sums == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to compare policies");
    }
    add_up(run, policies, count, sums);
    const gv_clusters clusters = {.sums = sums,
                                  .cluster_count = count,
                                  .column_count = COLUMNS * policies,
                                  .stratum_sizes = &count,
                                  .stratum_count = 1};
    const gv_status status = gv_bootstrap_create(&clusters, &config, &bootstrap);
    if (status == GV_OK) {
        compare(policies, baseline, bootstrap, figures);
    }
    gv_bootstrap_destroy(bootstrap);
    gv_mem_free(sums);
    return status;
}
