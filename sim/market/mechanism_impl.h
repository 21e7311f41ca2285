/* mechanism_impl.h - the vector forms of the pricing rules, for the tables in mechanism.c. */
#ifndef SIM_MARKET_MECHANISM_IMPL_H
#define SIM_MARKET_MECHANISM_IMPL_H

#include <stddef.h>
#include <stdint.h>

void gv_mechanism_pay_own_all(const int64_t *offers, size_t count, int64_t *prices);
void gv_mechanism_pay_next_all(const int64_t *offers, size_t count, int64_t *prices);

#endif
