/*
 * shock_impl.h - a demand shock: from one tick on, up to another, more opportunities or fewer,
 * worth more or less. Ours; shared by every type of traffic that it makes sense for.
 *
 * Factors alone, no draws: a shock of 1 is none to the byte, and what a period draws stays a pure
 * function of (seed, period, opportunity). Opportunities are numbered as they come, so behind a
 * shock of the volume they have other numbers, and with them other draws, than without it.
 */
#ifndef SIM_MARKET_SHOCK_IMPL_H
#define SIM_MARKET_SHOCK_IMPL_H

#include "sim/market/traffic.h"

/* Zeroed it is none. */
typedef struct gv_shock {
    int64_t from; /* its first tick; GV_PARAM_UNSET: there is none */
    int64_t to;   /* the first tick behind it; GV_PARAM_UNSET: it lasts to the period's end */
    double volume;
    double value;
} gv_shock;

#define GV_SHOCK_TICK(type, field, key, text)                                                      \
    {                                                                                              \
        .name = (key), .kind = GV_PARAM_INTEGER, .unit = "tick", .fallback = "auto", .minimum = 0, \
        .maximum = 1e6, .offset = offsetof(type, law.shock.field), .help = (text)                  \
    }

#define GV_SHOCK_FACTOR(type, field, key, most, text)                                           \
    {                                                                                           \
        .name = (key), .kind = GV_PARAM_REAL, .fallback = "1", .minimum = 0, .maximum = (most), \
        .offset = offsetof(type, law.shock.field), .help = (text)                               \
    }

/* Rows of a type whose config struct has a gv_value_law_config `law`, which holds the shock. */
#define GV_SHOCK_ROWS(type)                                                                       \
    GV_SHOCK_TICK(type, from, "shock_from",                                                       \
                  "The first tick of a demand shock, counted from 0; auto: there is none. The "   \
                  "period that policies learn from has none."),                                   \
        GV_SHOCK_TICK(type, to, "shock_to",                                                       \
                      "The first tick behind the shock; auto: it lasts to the period's end."),    \
        GV_SHOCK_FACTOR(type, value, "shock_value", 100,                                          \
                        "The shock multiplies the mean and the deviation of values, and so what " \
                        "users do, by this.")

#define GV_SHOCK_VOLUME_ROW(type)                     \
    GV_SHOCK_FACTOR(type, volume, "shock_volume", 10, \
                    "The shock multiplies the number of opportunities by this.")

/* GV_EINVAL with a sentence: a shock without a beginning, empty, or outside the period. */
GV_MUST_CHECK gv_status gv_shock_check(const gv_shock *shock, size_t tick_count);

/* What multiplies the tick's opportunities and its values; 1 outside the shock. */
double gv_shock_volume(const gv_shock *shock, const gv_traffic_setup *setup, size_t tick);
double gv_shock_value(const gv_shock *shock, const gv_traffic_setup *setup, size_t tick);

#endif
