/*
 * What the slots of a page cost, from the last slot up: one page by the plain rules, and many by
 * rows, strip by strip, so that what passes from slot to slot stays in the first-level cache.
 */
#include <assert.h>

#include "sim/base/vector.h"
#include "sim/market/mechanism_impl.h"

enum { STRIP = 64 };

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

void gv_mechanism_price_slots(const gv_mechanism *mechanism, const gv_slots *slots,
                              const int64_t *offers, size_t sold, int64_t *prices)
{
    const gv_mechanism_type *type = mechanism->type;
    int64_t below = offers[sold];
    assert(sold <= slots->count);

    for (size_t slot = sold; slot-- > 0;) {
        const int64_t own = offers[slot];
        const int64_t next = offers[slot + 1];
        const int64_t price = type->price_slot == NULL
                                  ? type->price(own, next)
                                  : type->price_slot(own, next, below, slots->next_share[slot]);
        assert(price >= below);
        assert(price <= own);
        prices[slot] = gv_mechanism_soften(mechanism->soft_reserve_nanos, own, price);
        below = price;
    }
}

GV_VECTOR static void raise_row(const int64_t *offers, int64_t reserve, size_t count,
                                int64_t *raised)
{
    for (size_t i = 0; i < count; i++) {
        raised[i] = offers[i] > reserve ? offers[i] : reserve;
    }
}

/* offers: as they were made; costs: what the type asks. */
GV_VECTOR static void finish_row(const gv_mechanism *mechanism, const int64_t *offers,
                                 const int64_t *costs, size_t count, int64_t *prices)
{
    const int64_t soft = mechanism->soft_reserve_nanos;
    const int64_t reserve = mechanism->reserve_nanos;
    for (size_t i = 0; i < count; i++) {
        const int64_t price = gv_mechanism_soften(soft, offers[i], costs[i]);
        prices[i] = offers[i] < reserve ? -1 : price;
    }
}

static void price_row_each(const gv_mechanism_type *type, const gv_slot_row *row, double next_share,
                           int64_t *prices)
{
    for (size_t i = 0; i < row->count; i++) {
        prices[i] = type->price_slot == NULL
                        ? type->price(row->own[i], row->next[i])
                        : type->price_slot(row->own[i], row->next[i], row->below[i], next_share);
    }
}

/* Up to STRIP pages. */
static void price_strip(const gv_mechanism *mechanism, const gv_slots *slots,
                        const gv_page_rows *pages, int64_t *prices)
{
    const gv_mechanism_type *type = mechanism->type;
    const size_t count = pages->count;
    int64_t raised[2][STRIP]; /* the offers in this place and in the one below, in turn */
    int64_t costs[2][STRIP];
    const int64_t *below = raised[slots->count % 2];
    raise_row(pages->offers + slots->count * pages->stride, mechanism->reserve_nanos, count,
              raised[slots->count % 2]);
    for (size_t slot = slots->count; slot-- > 0;) {
        const int64_t *offers = pages->offers + slot * pages->stride;
        int64_t *own = raised[slot % 2];
        int64_t *asked = costs[slot % 2];
        raise_row(offers, mechanism->reserve_nanos, count, own);
        const gv_slot_row row = {own, raised[(slot + 1) % 2], below, count};
        if (type->price_row != NULL) {
            type->price_row(&row, slots->next_share[slot], asked);
        } else {
            price_row_each(type, &row, slots->next_share[slot], asked);
        }
        finish_row(mechanism, offers, asked, count, prices + slot * pages->stride);
        below = asked;
    }
}

void gv_mechanism_price_pages(const gv_mechanism *mechanism, const gv_slots *slots,
                              const gv_page_rows *pages, int64_t *prices)
{
    for (size_t done = 0; done < pages->count; done += STRIP) {
        const size_t left = pages->count - done;
        const gv_page_rows strip = {pages->offers + done, pages->stride,
                                    left < STRIP ? left : STRIP};
        price_strip(mechanism, slots, &strip, prices + done);
    }
}
