#include "sim/base/money.h"
#include "sim/base/vector.h"
#include "sim/market/mechanism.h"
#include "sim/market/offline.h"
#include "sim/market/offline_impl.h"

GV_VECTOR void gv_offline_nanos(const double *money, size_t count, int64_t *nanos)
{
    const double end = (double)GV_OFFLINE_PRICE_END;
    for (size_t i = 0; i < count; i++) {
        const double found = money[i] * (double)GV_NANOS_PER_UNIT + 0.5;
        nanos[i] = (int64_t)(found < end ? found : end);
    }
}

GV_VECTOR int64_t gv_offline_value_units(const double *values, size_t count)
{
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += (int64_t)(values[i] * GV_VALUE_UNITS + 0.5);
    }
    return sum;
}

GV_VECTOR void gv_offline_lower(int64_t *bids, size_t count, int64_t limit)
{
    for (size_t i = 0; i < count; i++) {
        const int64_t lowered = bids[i] < limit ? bids[i] : limit;
        bids[i] = lowered < 0 ? GV_NO_BID : lowered;
    }
}

GV_VECTOR gv_offline_sums gv_offline_sum(const int64_t *bids, const int64_t *least, size_t count)
{
    gv_offline_sums sums = {0};
    for (size_t i = 0; i < count; i++) {
        const int64_t won = bids[i] >= least[i] ? -1 : 0;
        const int64_t offered = bids[i] > 0 ? -1 : 0;
        sums.bids -= offered;
        sums.bid_nanos += bids[i] & offered;
        sums.wins -= won;
        sums.cost_nanos += least[i] & won;
    }
    return sums;
}

GV_VECTOR int64_t gv_offline_total_nanos(const int64_t *nanos, size_t count)
{
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += nanos[i];
    }
    return sum;
}

size_t gv_offline_winners(const int64_t *bids, const int64_t *least, size_t count,
                          uint32_t *indices)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        indices[found] = (uint32_t)i;
        found += bids[i] >= least[i];
    }
    return found;
}
