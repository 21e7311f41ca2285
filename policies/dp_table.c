/*
 * The solver. a(b) comes from two pointers: V(n, .) does not fall, so j(b) = b - a(b), the
 * smallest budget that is worth at least V(b) - theta, does not fall either, and all of a row's
 * bounds cost one pass. The sums run over blocks of LANES neighbouring budgets at once.
 */
#include <assert.h>
#include <string.h>

#include "policies/dp_impl.h"
#include "sim/base/mem.h"
#include "sim/base/vector.h"

enum { LANES = 16 };

/* One row from the one before it. `raised` is theta + V(n-1, .); both: [budget + 1]. */
typedef struct row {
    const double *before;
    const double *raised;
    const double *market;
    const uint32_t *highest; /* a(b) */
    double *after;
} row;

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void find_highest(const gv_dp_table *table, const row *r, uint32_t *highest)
{
    size_t lowest = 0; /* j(b) */
    for (size_t b = 0; b <= table->budget; b++) {
        while (r->raised[lowest] - r->before[b] < 0) {
            lowest++;
        }
        assert(lowest <= b);
        highest[b] = (uint32_t)smaller(b - lowest, table->top);
    }
}

/* The terms d = from..a(b), added to `sum`. */
static double add_terms(const row *r, size_t b, size_t from, double sum)
{
    for (size_t d = from; d <= r->highest[b]; d++) {
        sum += r->market[d] * (r->raised[b - d] - r->before[b]);
    }
    return sum;
}

/* Budgets b..b+LANES-1: what all of them bid in lanes, the rest of each by itself. */
GV_VECTOR
static void sum_block(const row *r, size_t b)
{
    double sums[LANES] = {0};
    double own[LANES];
    memcpy(own, r->before + b, sizeof own);
    size_t common = r->highest[b];
    for (size_t lane = 1; lane < LANES; lane++) {
        common = smaller(common, r->highest[b + lane]);
    }
    for (size_t d = 0; d <= common; d++) {
        const double *raised = r->raised + (b - d);
        const double chance = r->market[d];
        for (size_t lane = 0; lane < LANES; lane++) {
            sums[lane] += chance * (raised[lane] - own[lane]);
        }
    }
    for (size_t lane = 0; lane < LANES; lane++) {
        r->after[b + lane] = own[lane] + add_terms(r, b + lane, common + 1, sums[lane]);
    }
}

static void solve_row(const gv_dp_table *table, const row *r)
{
    r->after[0] = 0;
    size_t b = 1;
    for (; b + LANES <= table->budget + 1; b += LANES) {
        sum_block(r, b);
    }
    for (; b <= table->budget; b++) {
        r->after[b] = r->before[b] + add_terms(r, b, 0, 0);
    }
}

gv_status gv_dp_solve(gv_dp_table *table, const double *market, double theta)
{
    assert(theta > 0);
    assert(table->top < UINT32_MAX);
    const size_t columns = table->budget + 1;
    double *raised = gv_mem_alloc_vector(columns, sizeof *raised);
    uint32_t *highest = gv_mem_alloc_vector(columns, sizeof *highest);
    double *values = gv_mem_alloc_vector(columns, (table->auctions + 1) * sizeof *values);
    if (raised == NULL || highest == NULL || values == NULL) {
        gv_mem_free(raised);
        gv_mem_free(highest);
        gv_mem_free(values);
        return GV_FAIL(GV_ENOMEM, "a bidding table of %zu auctions and %zu budgets",
                       table->auctions, columns);
    }
    memset(values, 0, columns * sizeof *values);
    for (size_t n = 1; n <= table->auctions; n++) {
        double *before = values + (n - 1) * columns;
        for (size_t b = 0; b < columns; b++) {
            raised[b] = theta + before[b];
        }
        const row r = {before, raised, market, highest, before + columns};
        find_highest(table, &r, highest);
        solve_row(table, &r);
    }
    gv_mem_free(raised);
    gv_mem_free(highest);
    table->values = values;
    return GV_OK;
}

void gv_dp_fini(gv_dp_table *table)
{
    gv_mem_free(table->values);
    table->values = NULL;
}

size_t gv_dp_bid(const gv_dp_table *table, size_t n, size_t b, double t)
{
    assert(1 <= n && n <= table->auctions);
    assert(b <= table->budget);
    const double *before = table->values + (n - 1) * (table->budget + 1);
    size_t good = 0; /* a bid of 0 is always made: it can only win for nothing */
    size_t bad = smaller(b, table->top) + 1;
    while (bad - good > 1) {
        const size_t middle = good + (bad - good) / 2;
        if (t + before[b - middle] - before[b] >= 0) {
            good = middle;
        } else {
            bad = middle;
        }
    }
    return good;
}
