/*
 * money.h - money is int64_t nanos of the account's currency.
 *
 * One CPM unit (a price per thousand impressions) is 1,000,000 nanos an impression, one unit
 * of the currency 1,000,000,000. Sums are exact, so a result never depends on the order in
 * which threads or batches added it.
 */
#ifndef SIM_BASE_MONEY_H
#define SIM_BASE_MONEY_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"

#define GV_NANOS_PER_CPM  INT64_C(1000000)
#define GV_NANOS_PER_UNIT INT64_C(1000000000)

/*
 * Reads a decimal such as "12.5", "12.5 CPM", "3 currency" or "700 nanos" into nanos, exactly:
 * no double is involved. Without a unit a number counts `default_nanos` each. More decimals
 * than a nano can hold, a sign where the result is negative and anything after the unit are
 * GV_EPARSE.
 */
GV_MUST_CHECK gv_status gv_money_parse(const char *text, int64_t default_nanos, int64_t *nanos);

/* Writes the shortest decimal of `nanos / unit_nanos`, without a unit name. `text`: [size]. */
void gv_money_print(int64_t nanos, int64_t unit_nanos, char *text, size_t size);

#endif
