#include <float.h>

#include "sim/base/clock.h"
#include "sim/log/role_impl.h"

enum { PIXELS_MAX = 1000000, EVENTS_MAX = 1000 };

bool gv_role_is_money(gv_log_role role)
{
    return role == GV_ROLE_FLOOR || role == GV_ROLE_BID || role == GV_ROLE_PRICE;
}

gv_binding gv_kind_binding(gv_log_kind kind)
{
    switch (kind) {
    case GV_LOG_INTEGER:
        return (gv_binding){.form = GV_CELL_NUMBER,
                            .scale = {1, 0},
                            .minimum = -INT64_MAX,
                            .maximum = INT64_MAX,
                            .expected = "a whole number"};
    case GV_LOG_REAL:
        return (gv_binding){.form = GV_CELL_REAL,
                            .real_minimum = -DBL_MAX,
                            .real_maximum = DBL_MAX,
                            .expected = "a number"};
    case GV_LOG_CODE:
    case GV_LOG_TEXT:
    case GV_LOG_KIND_COUNT:
        break;
    }
    return (gv_binding){.form = GV_CELL_TEXT, .expected = "a text"};
}

gv_binding gv_role_binding(gv_log_role role)
{
    gv_binding binding = gv_kind_binding(gv_log_role_kind(role));
    if (gv_role_is_money(role)) {
        binding.scale = (gv_scale){1, 6};
        binding.rounding = GV_ROUND_NEAREST;
        binding.minimum = 0;
        binding.maximum = GV_CELL_MONEY_MAX;
        binding.expected = "an amount of money, 0 or more";
    } else if (role == GV_ROLE_TIME) {
        binding.form = GV_CELL_TIME_ISO;
        binding.minimum = GV_TIME_MIN_US;
        binding.maximum = GV_TIME_MAX_US;
        binding.expected = "an ISO time, such as 2013-06-06 12:30:05.25";
    } else if (role == GV_ROLE_SLOT_WIDTH || role == GV_ROLE_SLOT_HEIGHT) {
        binding.minimum = 0;
        binding.maximum = PIXELS_MAX;
        binding.expected = "a size in pixels, 0 or more";
    } else if (role == GV_ROLE_CLICKS || role == GV_ROLE_CONVERSIONS) {
        binding.minimum = 0;
        binding.maximum = EVENTS_MAX;
        binding.expected = "a count from 0 to 1000";
    } else if (role == GV_ROLE_PCTR || role == GV_ROLE_PCVR) {
        binding.real_minimum = 0;
        binding.real_maximum = 1;
        binding.expected = "a probability from 0 to 1";
    }
    return binding;
}
