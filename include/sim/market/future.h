/*
 * future.h - what a policy may see that knows a whole period beforehand.
 *
 * One campaign's own values and its rivals' best offers, as a market of the same period recorded
 * them. It stands still: rivals do not react to what the campaign does with it. Given to a type
 * that sees_future through gv_policy_setup.future, and to no other.
 */
#ifndef SIM_MARKET_FUTURE_H
#define SIM_MARKET_FUTURE_H

#include <stddef.h>
#include <stdint.h>

typedef struct gv_future {
    size_t slot_count;
    const double *exposure; /* [slot_count]: the chance that a slot is seen, best slot first,
                               cascade included: 1, 0.8, 0.48 */
    size_t tick_count;
    const uint64_t *tick_first; /* [tick_count + 1]: opportunities before each tick; then all */
    const float *values;        /* [opportunity]: this campaign's own */
    /*
     * [slot_count][opportunity]: the best offers of the others, best first, each no less than the
     * reserve. An offer above row d takes slot d or a better one, and slot d costs row d.
     */
    const int64_t *prices;
} gv_future;

#endif
