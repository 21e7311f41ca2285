/*
 * What the slots of a page cost.
 *
 * VCG, with x[d] the chance that slot d is seen, b[d] the offer in it, and b[D] the best offer that
 * got none: the winner of slot d pushes everybody below one slot down, so it owes a page
 *
 *   sum over j = d .. D-1 of (x[j] - x[j+1]) b[j+1],   x[D] = 0
 *
 * and, as it pays only when it is seen, that over x[d]. Written from the last slot up, with
 * s[d] = x[d+1] / x[d]:
 *
 *   p[d] = b[d+1] - s[d] (b[d+1] - p[d+1]).
 *
 * An offer below the reserve counts as the reserve, which is the threshold of its slot. A price
 * is rounded down to whole nanos, once, so truth is best within a nano.
 */
#include <assert.h>

#include "sim/market/mechanism_impl.h"

gv_status gv_slots_of(const double *exposure, size_t count, gv_slots *slots)
{
    if (count == 0 || count > GV_SLOTS_MAX) {
        return GV_FAIL(GV_EINVAL, "%zu slots, expected 1 to %d", count, GV_SLOTS_MAX);
    }
    for (size_t slot = 0; slot < count; slot++) {
        if (!(exposure[slot] >= 0.0 && exposure[slot] <= 1.0)) {
            return GV_FAIL(GV_EINVAL, "slot %zu is seen with probability %g, expected 0 to 1",
                           slot + 1, exposure[slot]);
        }
    }
    *slots = (gv_slots){.count = count};
    for (size_t slot = 0; slot < count; slot++) {
        const double next = slot + 1 < count ? exposure[slot + 1] : 0.0;
        slots->exposure[slot] = exposure[slot];
        slots->next_share[slot] = next > 0.0 && exposure[slot] > 0.0 ? next / exposure[slot] : 0.0;
    }
    return GV_OK;
}

gv_status gv_mechanism_validate_slots(const gv_mechanism *mechanism, const gv_slots *slots)
{
    const double *exposure = slots->exposure;
    for (size_t slot = 1; slot < slots->count && mechanism->type->needs_falling_exposure; slot++) {
        if (exposure[slot] > exposure[slot - 1]) {
            return GV_FAIL(GV_EINVAL,
                           "slot %zu is seen more often (%g) than slot %zu (%g), where %s has no "
                           "prices: order the slots, or let each hide those below",
                           slot + 1, exposure[slot], slot, exposure[slot - 1],
                           mechanism->type->info.name);
        }
    }
    return GV_OK;
}

void gv_mechanism_pay_own_slots(const gv_slots *slots, const int64_t *offers, size_t sold,
                                int64_t *prices)
{
    (void)slots;
    for (size_t slot = 0; slot < sold; slot++) {
        prices[slot] = offers[slot];
    }
}

void gv_mechanism_pay_next_slots(const gv_slots *slots, const int64_t *offers, size_t sold,
                                 int64_t *prices)
{
    (void)slots;
    for (size_t slot = 0; slot < sold; slot++) {
        prices[slot] = offers[slot + 1];
    }
}

void gv_mechanism_pay_harm_slots(const gv_slots *slots, const int64_t *offers, size_t sold,
                                 int64_t *prices)
{
    double below = (double)offers[sold]; /* the price of the slot below */
    for (size_t slot = sold; slot-- > 0;) {
        const double next = (double)offers[slot + 1];
        below = next - slots->next_share[slot] * (next - below);
        const int64_t price = (int64_t)below;
        prices[slot] = price > offers[sold] ? price : offers[sold];
    }
}

static void price_each_slot(const gv_mechanism_type *type, const int64_t *offers, size_t sold,
                            int64_t *prices)
{
    for (size_t slot = 0; slot < sold; slot++) {
        prices[slot] = type->price(offers[slot], offers[slot + 1]);
    }
}

void gv_mechanism_price_slots(const gv_mechanism *mechanism, const gv_slots *slots,
                              const int64_t *offers, size_t sold, int64_t *prices)
{
    const gv_mechanism_type *type = mechanism->type;
    const int64_t soft = mechanism->soft_reserve_nanos;
    assert(sold <= slots->count);

    if (type->price_slots != NULL) {
        type->price_slots(slots, offers, sold, prices);
    } else {
        price_each_slot(type, offers, sold, prices);
    }
    for (size_t slot = 0; slot < sold; slot++) {
        prices[slot] = gv_mechanism_soften(soft, offers[slot], prices[slot]);
        assert(prices[slot] >= offers[sold]);
        assert(prices[slot] <= offers[slot]);
    }
}
