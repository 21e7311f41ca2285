#include "sim/estimate/target.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "sim/base/mem.h"

static size_t position_count(const gv_decisions *log)
{
    return log->has_position ? gv_decisions_level_count(log, 0) : 1;
}

static size_t position_of(const gv_decisions *log, size_t round)
{
    return log->has_position ? log->contexts[0][round] : 0;
}

static gv_status make_table(const gv_decisions *log, gv_target_owned *out)
{
    const size_t actions = gv_decisions_action_count(log);
    const size_t rows = position_count(log);
    double *table = gv_mem_alloc(0, rows * actions, sizeof *table);
    if (table == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a policy of %zu actions", actions);
    }
    *out = (gv_target_owned){
        .target = {.table = table,
                   .row_count = rows,
                   .rows = log->has_position ? log->contexts[0] : NULL},
        .table = table,
    };
    return GV_OK;
}

void gv_target_fini(gv_target_owned *target)
{
    gv_mem_free(target->table);
    *target = (gv_target_owned){.table = NULL};
}

gv_status gv_target_uniform(const gv_decisions *log, gv_target_owned *out)
{
    GV_TRY(make_table(log, out));
    const size_t actions = gv_decisions_action_count(log);
    for (size_t i = 0; i < out->target.row_count * actions; i++) {
        out->table[i] = 1 / (double)actions;
    }
    return GV_OK;
}

static bool find_action(const gv_decisions *log, gv_span name, uint32_t *code)
{
    for (uint32_t i = 0; i < gv_decisions_action_count(log); i++) {
        const gv_span mine = gv_decisions_action(log, i);
        if (mine.size == name.size && memcmp(mine.bytes, name.bytes, name.size) == 0) {
            *code = i;
            return true;
        }
    }
    return false;
}

gv_status gv_target_constant(const gv_decisions *log, const char *action, gv_target_owned *out)
{
    uint32_t code = 0;
    const gv_span name = {.bytes = action, .size = strlen(action)};
    if (!find_action(log, name, &code)) {
        return GV_FAIL(GV_ENOTFOUND, "the log has no action '%s'", action);
    }
    GV_TRY(make_table(log, out));
    const size_t actions = gv_decisions_action_count(log);
    for (size_t row = 0; row < out->target.row_count; row++) {
        out->table[row * actions + code] = 1;
    }
    return GV_OK;
}

/* --- the policy of another log ------------------------------------------------------------- */

static bool find_position(const gv_decisions *log, gv_span name, uint32_t *code)
{
    for (uint32_t i = 0; i < position_count(log); i++) {
        const gv_span mine = gv_decisions_level(log, 0, i);
        if (mine.size == name.size && memcmp(mine.bytes, name.bytes, name.size) == 0) {
            *code = i;
            return true;
        }
    }
    return false;
}

/* Codes of the other log in this one's; UINT32_MAX: unknown here. */
typedef struct translation {
    uint32_t *actions;   /* of the other's */
    uint32_t *positions; /* of the other's */
} translation;

static gv_status translate(const gv_decisions *log, const gv_decisions *other, translation *out)
{
    const size_t actions = gv_decisions_action_count(other);
    const size_t positions = position_count(other);
    out->actions = gv_mem_alloc(0, actions, sizeof *out->actions);
    out->positions = gv_mem_alloc(0, positions, sizeof *out->positions);
    if (out->actions == NULL || out->positions == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the names of %zu actions", actions);
    }
    for (uint32_t i = 0; i < actions; i++) {
        if (!find_action(log, gv_decisions_action(other, i), &out->actions[i])) {
            out->actions[i] = UINT32_MAX;
        }
    }
    for (uint32_t i = 0; log->has_position && i < positions; i++) {
        if (!find_position(log, gv_decisions_level(other, 0, i), &out->positions[i])) {
            out->positions[i] = UINT32_MAX;
        }
    }
    return GV_OK;
}

/* Counts into shares; a row that the other log has no round of is a failure. */
static gv_status to_shares(const gv_decisions *log, const double *totals, gv_target_owned *out)
{
    const size_t actions = gv_decisions_action_count(log);
    for (size_t row = 0; row < out->target.row_count; row++) {
        double known = 0;
        for (size_t a = 0; a < actions; a++) {
            known += out->table[row * actions + a];
        }
        if (!(known > 0)) {
            const gv_span name =
                log->has_position ? gv_decisions_level(log, 0, (uint32_t)row) : (gv_span){"any", 3};
            return GV_FAIL(GV_EUSAGE,
                           "the policy's log has no round in position '%.*s' with an action of the "
                           "judged log: are they of the same campaign?",
                           (int)name.size, name.bytes);
        }
        out->lost += (1 - known / totals[row]) * totals[row];
        for (size_t a = 0; a < actions; a++) {
            out->table[row * actions + a] /= known;
        }
    }
    return GV_OK;
}

static gv_status count_shares(const gv_decisions *log, const gv_decisions *other,
                              const translation *codes, double *totals, gv_target_owned *out)
{
    const size_t actions = gv_decisions_action_count(log);
    double used = 0;
    assert(codes->actions != NULL);
    assert(codes->positions != NULL || !log->has_position);
    for (size_t i = 0; i < other->count; i++) {
        const uint32_t row = log->has_position ? codes->positions[position_of(other, i)] : 0;
        const uint32_t action = codes->actions[other->actions[i]];
        if (row == UINT32_MAX) {
            continue;
        }
        totals[row] += 1;
        used += 1;
        if (action != UINT32_MAX) {
            out->table[row * actions + action] += 1;
        }
    }
    GV_TRY(to_shares(log, totals, out));
    out->lost /= used;
    return GV_OK;
}

gv_status gv_target_frequent(const gv_decisions *log, const gv_decisions *other,
                             gv_target_owned *out)
{
    if (log->has_position && !other->has_position) {
        return GV_FAIL(GV_EUSAGE, "the policy's log has no position, the judged one has");
    }
    GV_TRY(make_table(log, out));
    translation codes = {.actions = NULL};
    double *totals = gv_mem_alloc(0, out->target.row_count, sizeof *totals);
    gv_status status = totals == NULL ? GV_FAIL(GV_ENOMEM, "no memory for a policy")
                                      : translate(log, other, &codes);
    if (status == GV_OK) {
        status = count_shares(log, other, &codes, totals, out);
    }
    gv_mem_free(totals);
    gv_mem_free(codes.actions);
    gv_mem_free(codes.positions);
    if (status != GV_OK) {
        gv_target_fini(out);
    }
    return status;
}

/* --- the best of this log ------------------------------------------------------------------ */

gv_status gv_target_greedy(const gv_decisions *log, gv_target_owned *out)
{
    GV_TRY(make_table(log, out));
    const size_t actions = gv_decisions_action_count(log);
    const size_t cells = out->target.row_count * actions;
    double *counts = gv_mem_alloc(0, cells, sizeof *counts);
    if (counts == NULL) {
        gv_target_fini(out);
        return GV_FAIL(GV_ENOMEM, "no memory for a policy of %zu actions", actions);
    }
    for (size_t i = 0; i < log->count; i++) {
        const size_t cell = position_of(log, i) * actions + log->actions[i];
        counts[cell] += 1;
        out->table[cell] += log->rewards[i];
    }
    for (size_t row = 0; row < out->target.row_count; row++) {
        double *means = out->table + row * actions;
        size_t best = SIZE_MAX;
        for (size_t a = 0; a < actions; a++) {
            const double count = counts[row * actions + a];
            means[a] = count > 0 ? means[a] / count : 0;
            if (count > 0 && (best == SIZE_MAX || means[a] > means[best])) {
                best = a;
            }
        }
        assert(best != SIZE_MAX);
        memset(means, 0, actions * sizeof *means);
        means[best] = 1;
    }
    gv_mem_free(counts);
    return GV_OK;
}
