#include <inttypes.h>

#include "sim/market/shock_impl.h"

/* Where it ends in a period of so many ticks. */
static int64_t end_of(const gv_shock *shock, size_t tick_count)
{
    return shock->to == GV_PARAM_UNSET ? (int64_t)tick_count : shock->to;
}

gv_status gv_shock_check(const gv_shock *shock, size_t tick_count)
{
    if (shock->from == GV_PARAM_UNSET) {
        if (shock->to != GV_PARAM_UNSET || shock->volume != 1.0 || shock->value != 1.0) {
            return GV_FAIL(GV_EINVAL, "the demand shock has no beginning: give shock_from, its "
                                      "first tick");
        }
        return GV_OK;
    }
    if (shock->from >= (int64_t)tick_count) {
        return GV_FAIL(GV_EINVAL,
                       "shock_from is %" PRId64 ", expected a tick of the period: 0 to %zu",
                       shock->from, tick_count - 1);
    }
    const int64_t end = end_of(shock, tick_count);
    if (end <= shock->from || end > (int64_t)tick_count) {
        return GV_FAIL(GV_EINVAL,
                       "shock_to is %" PRId64 ", expected one of %" PRId64 " to %zu: the first "
                       "tick behind the shock",
                       end, shock->from + 1, tick_count);
    }
    return GV_OK;
}

static bool is_in_shock(const gv_shock *shock, const gv_traffic_setup *setup, size_t tick)
{
    return !setup->is_calm && shock->from != GV_PARAM_UNSET && (int64_t)tick >= shock->from &&
           (int64_t)tick < end_of(shock, setup->tick_count);
}

double gv_shock_volume(const gv_shock *shock, const gv_traffic_setup *setup, size_t tick)
{
    return is_in_shock(shock, setup, tick) ? shock->volume : 1.0;
}

double gv_shock_value(const gv_shock *shock, const gv_traffic_setup *setup, size_t tick)
{
    return is_in_shock(shock, setup, tick) ? shock->value : 1.0;
}
