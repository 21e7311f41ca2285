#include "sim/outcome/group.h"

#include <assert.h>
#include <string.h>

#include "sim/base/mem.h"

/* Room for the worst case, every name and every group distinct. */
typedef struct grouping_block {
    gv_grouping grouping;
    const char **policies;
    const char **campaigns;
    const char **budgets;
    gv_group *groups;
} grouping_block;

static bool matches(const char *wanted, const char *found)
{
    return wanted == NULL || strcmp(wanted, found) == 0;
}

static const char *rivals_of(const gv_cell_record *cell)
{
    return cell->seat == NULL ? NULL : cell->seat->rivals;
}

static bool same_rivals(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

bool gv_group_holds(const gv_group *group, const gv_cell_record *cell)
{
    return matches(group->campaign, cell->campaign->name) &&
           matches(group->budget_label, cell->budget_label) &&
           same_rivals(group->rivals, rivals_of(cell));
}

/* Numbers are compared first: most cells of a market are of another period. */
static bool met_the_same(const gv_cell_record *a, const gv_cell_record *b)
{
    if ((a->seat == NULL) != (b->seat == NULL) ||
        (a->seat != NULL && a->seat->period != b->seat->period)) {
        return false;
    }
    return strcmp(a->campaign->name, b->campaign->name) == 0 &&
           strcmp(a->budget_label, b->budget_label) == 0 && same_rivals(rivals_of(a), rivals_of(b));
}

const gv_cell_record *gv_cell_partner(const gv_cell_record *cell, const char *policy,
                                      const gv_cell_record *cells, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (met_the_same(cell, &cells[i]) && strcmp(cells[i].policy, policy) == 0) {
            return &cells[i];
        }
    }
    return NULL;
}

static void add_name(const char **names, size_t *count, const char *name)
{
    for (size_t i = 0; i < *count; i++) {
        if (strcmp(names[i], name) == 0) {
            return;
        }
    }
    names[(*count)++] = name;
}

static void add_single(grouping_block *block, const gv_cell_record *cell)
{
    gv_grouping *grouping = &block->grouping;
    for (size_t i = 0; i < grouping->group_count; i++) {
        if (gv_group_holds(&block->groups[i], cell)) {
            return;
        }
    }
    block->groups[grouping->group_count++] = (gv_group){.campaign = cell->campaign->name,
                                                        .budget_label = cell->budget_label,
                                                        .rivals = rivals_of(cell),
                                                        .part_count = 1};
}

static size_t count_parts(const grouping_block *block, const gv_group *pool)
{
    size_t count = 0;
    for (size_t i = 0; i < block->grouping.single_count; i++) {
        count += matches(pool->budget_label, block->groups[i].budget_label) &&
                 same_rivals(pool->rivals, block->groups[i].rivals);
    }
    return count;
}

static void add_pool(grouping_block *block, gv_group pool)
{
    pool.part_count = count_parts(block, &pool);
    if (pool.part_count > 1) {
        block->groups[block->grouping.group_count++] = pool;
    }
}

/* The pools of one kind of rivals. */
static void add_pools(grouping_block *block, const char *rivals)
{
    const gv_grouping *grouping = &block->grouping;
    for (size_t i = 0; i < grouping->budget_count; i++) {
        add_pool(block, (gv_group){.budget_label = block->budgets[i], .rivals = rivals});
    }
    if (grouping->budget_count > 1) {
        add_pool(block, (gv_group){.rivals = rivals});
    }
}

/* True when a single group before `number` has the same rivals. */
static bool is_known(const grouping_block *block, size_t number)
{
    for (size_t i = 0; i < number; i++) {
        if (same_rivals(block->groups[i].rivals, block->groups[number].rivals)) {
            return true;
        }
    }
    return false;
}

static void add_all(grouping_block *block, const gv_cell_record *cells, size_t count)
{
    gv_grouping *grouping = &block->grouping;
    for (size_t i = 0; i < count; i++) {
        add_name(block->policies, &grouping->policy_count, cells[i].policy);
        add_name(block->campaigns, &grouping->campaign_count, cells[i].campaign->name);
        add_name(block->budgets, &grouping->budget_count, cells[i].budget_label);
        add_single(block, &cells[i]);
    }
    grouping->single_count = grouping->group_count;
    for (size_t i = 0; i < grouping->single_count; i++) {
        if (!is_known(block, i)) {
            add_pools(block, block->groups[i].rivals);
        }
    }
}

gv_status gv_grouping_create(const gv_cell_record *cells, size_t count, gv_grouping **out)
{
    grouping_block *block = gv_mem_alloc(sizeof *block, 0, 0);
    if (block == NULL) {
        return GV_FAIL(GV_ENOMEM, "grouping %zu cells", count);
    }
    block->policies = gv_mem_alloc(0, count, sizeof *block->policies);
    block->campaigns = gv_mem_alloc(0, count, sizeof *block->campaigns);
    block->budgets = gv_mem_alloc(0, count, sizeof *block->budgets);
    block->groups = gv_mem_alloc(0, 2 * count + 1, sizeof *block->groups);
    block->grouping.policies = block->policies;
    block->grouping.campaigns = block->campaigns;
    block->grouping.budgets = block->budgets;
    block->grouping.groups = block->groups;
    if (block->policies == NULL || block->campaigns == NULL || block->budgets == NULL ||
        block->groups == NULL) {
        gv_grouping_destroy(&block->grouping);
        return GV_FAIL(GV_ENOMEM, "grouping %zu cells", count);
    }
    add_all(block, cells, count);
    *out = &block->grouping;
    return GV_OK;
}

void gv_grouping_destroy(gv_grouping *grouping)
{
    if (grouping == NULL) {
        return;
    }
    grouping_block *block = (grouping_block *)grouping; /* its first member */
    gv_mem_free(block->policies);
    gv_mem_free(block->campaigns);
    gv_mem_free(block->budgets);
    gv_mem_free(block->groups);
    gv_mem_free(block);
}
