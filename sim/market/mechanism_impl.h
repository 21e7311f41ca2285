/* mechanism_impl.h - the pricing rules for many, for the tables in mechanism.c. */
#ifndef SIM_MARKET_MECHANISM_IMPL_H
#define SIM_MARKET_MECHANISM_IMPL_H

#include <stddef.h>
#include <stdint.h>

#include "sim/market/mechanism.h"

void gv_mechanism_pay_own_all(const int64_t *offers, size_t count, int64_t *prices);
void gv_mechanism_pay_next_all(const int64_t *offers, size_t count, int64_t *prices);

void gv_mechanism_pay_own_row(const gv_slot_row *row, double next_share, int64_t *prices);
void gv_mechanism_pay_next_row(const gv_slot_row *row, double next_share, int64_t *prices);
void gv_mechanism_pay_harm_row(const gv_slot_row *row, double next_share, int64_t *prices);

/* What a soft reserve makes of a price. */
static inline int64_t gv_mechanism_soften(int64_t soft, int64_t own, int64_t price)
{
    const int64_t raised = price > soft ? price : soft;
    return own < soft ? own : raised;
}

#endif
