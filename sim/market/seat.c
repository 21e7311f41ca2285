#include "sim/market/seat.h"

#include <math.h>

void gv_seat_tick_add(gv_seat_tick *sum, const gv_seat_tick *part)
{
    gv_tally_add(&sum->tally, &part->tally);
    sum->exposures += part->exposures;
    sum->value_units += part->value_units;
    sum->won_value_units += part->won_value_units;
    sum->exposed_value_units += part->exposed_value_units;
    /* Absurd offers wrap it, as in exchange_settle.c. */
    sum->least_cost_nanos =
        (int64_t)((uint64_t)sum->least_cost_nanos + (uint64_t)part->least_cost_nanos);
}

/* score = min((C / CPA)^2, 1) conversions, CPA = spend / conversions. */
double gv_seat_score(const gv_seat_tick *total, int64_t cpa_nanos)
{
    const double conversions = (double)total->tally.conversions;
    const double spend = (double)total->tally.spend_nanos;
    if (conversions == 0.0 || spend == 0.0) {
        return conversions;
    }
    const double ratio = (double)cpa_nanos * conversions / spend;
    return fmin(ratio * ratio, 1.0) * conversions;
}
