#include <assert.h>
#include <limits.h>
#include <math.h>

#include "policies/learn/egdb_impl.h"
#include "sim/base/mem.h"

struct gv_expert_index {
    const gv_dataset *dataset;
    struct terms *terms; /* [count] */
    size_t *experts;     /* [count]: their episodes */
    size_t *of;          /* [episodes]: number of its expert */
    size_t count;
    double budget_scale; /* 1 / standard deviation of log budget */
    double cpa_scale;
};

static bool is_expert(const gv_episode *episode, gv_egdb_experts kind)
{
    return kind == GV_EGDB_ALL || episode->is_expert;
}

/* Of a campaign, each over the experts' standard deviation. */
typedef struct terms {
    double budget;
    double cpa;
} terms;

static double log_of(double amount)
{
    return amount > 0 ? log(amount) : 0;
}

static terms terms_of(const gv_expert_index *index, const gv_episode *episode)
{
    return (terms){.budget = log_of(episode->budget) * index->budget_scale,
                   .cpa = log_of(episode->cpa) * index->cpa_scale};
}

/* 1 over the experts' standard deviation; 1 where they are alike. */
static double scale_of(const gv_expert_index *index, bool is_budget)
{
    double mean = 0;
    double square = 0;
    for (size_t i = 0; i < index->count; i++) {
        const gv_episode *episode = gv_expert_at(index, i);
        const double x = log_of(is_budget ? episode->budget : episode->cpa);
        const double before = x - mean;
        mean += before / (double)(i + 1);
        square += before * (x - mean);
    }
    return square > 0 ? 1 / sqrt(square / (double)index->count) : 1;
}

/* Of one class the nearer; a class is never outweighed by a distance. */
typedef struct nearness {
    int class; /* 0: same advertiser and period, 1: same category, 2: another */
    double distance;
} nearness;

static int class_of(const gv_episode *a, const gv_episode *b)
{
    if (a->period == b->period && a->advertiser == b->advertiser) {
        return 0;
    }
    return a->category == b->category ? 1 : 2;
}

static size_t nearest(const gv_expert_index *index, const gv_episode *episode)
{
    const terms own = terms_of(index, episode);
    size_t best = 0;
    nearness least = {.class = INT_MAX};
    for (size_t i = 0; i < index->count; i++) {
        const double budget = own.budget - index->terms[i].budget;
        const double cpa = own.cpa - index->terms[i].cpa;
        const nearness now = {.class = class_of(episode, gv_expert_at(index, i)),
                              .distance = budget * budget + cpa * cpa};
        if (now.class < least.class ||
            (now.class == least.class && now.distance < least.distance)) {
            least = now;
            best = i;
        }
    }
    return best;
}

static gv_status find_experts(gv_expert_index *index, gv_egdb_experts kind)
{
    const size_t count = gv_dataset_count(index->dataset);
    for (size_t i = 0; i < count; i++) {
        if (is_expert(gv_dataset_at(index->dataset, i), kind)) {
            index->experts[index->count++] = i;
        }
    }
    if (index->count == 0) {
        return GV_FAIL(GV_EINVAL,
                       "none of the %zu episodes is an expert's: train on a set of `gavel "
                       "experts`, set experts=all where the oracle alone played, or latent=0 to "
                       "plan without experts",
                       count);
    }
    index->budget_scale = scale_of(index, true);
    index->cpa_scale = scale_of(index, false);
    for (size_t i = 0; i < index->count; i++) {
        index->terms[i] = terms_of(index, gv_expert_at(index, i));
    }
    for (size_t i = 0; i < count; i++) {
        index->of[i] = nearest(index, gv_dataset_at(index->dataset, i));
    }
    return GV_OK;
}

gv_status gv_expert_index_create(const gv_dataset *dataset, gv_egdb_experts kind,
                                 gv_expert_index **out)
{
    const size_t count = gv_dataset_count(dataset);
    gv_expert_index *index = gv_mem_alloc(sizeof *index, count, sizeof(terms) + 2 * sizeof(size_t));
    if (index == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to find the experts of %zu episodes", count);
    }
    *index = (gv_expert_index){.dataset = dataset};
    index->terms = (terms *)(index + 1);
    index->experts = (size_t *)(index->terms + count);
    index->of = index->experts + count;
    const gv_status status = find_experts(index, kind);
    if (status != GV_OK) {
        gv_expert_index_destroy(index);
        return status;
    }
    *out = index;
    return GV_OK;
}

void gv_expert_index_destroy(gv_expert_index *index)
{
    gv_mem_free(index);
}

size_t gv_expert_count(const gv_expert_index *index)
{
    return index->count;
}

const gv_episode *gv_expert_at(const gv_expert_index *index, size_t number)
{
    assert(number < index->count);
    return gv_dataset_at(index->dataset, index->experts[number]);
}

const gv_episode *gv_expert_of(const gv_expert_index *index, size_t episode)
{
    return gv_expert_at(index, index->of[episode]);
}
