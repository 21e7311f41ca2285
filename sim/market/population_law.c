/* The law of a population: its parameters, and each probability given the interest z. */
#include <math.h>
#include <stddef.h>

#include "sim/market/population_impl.h"

/* Anything that a double can be. */
#define REAL_ROW(field, usual, low, high, text)                                         \
    {                                                                                   \
        .name = #field, .kind = GV_PARAM_REAL, .fallback = (usual), .minimum = (low),   \
        .maximum = (high), .offset = offsetof(gv_population_law, field), .help = (text) \
    }

const gv_param gv_population_params[] = {
    REAL_ROW(loyalty, "0.5", 0, 1,
             "share of the variance of a user's interest that is the same in all its spells"),
    REAL_ROW(signal, "0.3", 0, 3, "slope of each of 16 bid-time signals on the interest"),
    REAL_ROW(past_signal, "0.1", 0, 3, "slope of an event before the lapse on the interest"),
    REAL_ROW(content_signal, "0.6", 0, 3, "slope of an onboarding item on the interest"),
    REAL_ROW(bounce, "0.1", 0, 1, "share of re-entries without content, at mean interest"),
    REAL_ROW(visit_base, "-3.2", -20, 20, "log-odds of a visit on a day, at mean interest"),
    REAL_ROW(visit_slope, "1.2", -10, 10, "their slope on the interest"),
    REAL_ROW(visit_fade, "0.05", 0, 10, "what they lose with every day since the re-entry"),
    REAL_ROW(organic_rate, "0.005", 0, 1,
             "returns a day of a lapsed user without an ad, at mean interest"),
    REAL_ROW(organic_slope, "0.3", -10, 10, "slope of its logarithm on the interest"),
    REAL_ROW(new_share, "0.05", 0, 1, "share of spells of users without any history"),
    REAL_ROW(heavy_share, "0.01", 0, 1,
             "share of spells of users with a thousand times the usual history"),
    REAL_ROW(chances, "1", 0, 4, "ads that a lapsed user is shown in a day"),
    REAL_ROW(click_rate, "0.06", 1e-6, 0.999999, "probability of a click at mean curiosity"),
    REAL_ROW(click_slope, "0.8", -10, 10, "slope of its log-odds on curiosity"),
    REAL_ROW(reopen_rate, "0.6", 0, 1, "probability that a click ends in a re-entry"),
    {.name = "rival_price",
     .kind = GV_PARAM_MONEY,
     .unit = "CPM",
     .fallback = "10",
     .minimum = 0.001,
     .maximum = 1e6,
     .offset = offsetof(gv_population_law, rival_nanos),
     .help = "median of the best other offer"},
    REAL_ROW(rival_spread, "0.6", 0, 5, "standard deviation of its logarithm"),
    REAL_ROW(rival_curiosity, "0.4", -5, 5, "slope of its logarithm on curiosity"),
    {.name = "lapse",
     .kind = GV_PARAM_DURATION,
     .unit = "s",
     .fallback = "8 d",
     .minimum = 8 * 86400.0,
     .maximum = 365 * 86400.0,
     .offset = offsetof(gv_population_law, lapse_us),
     .help =
         "without a visit for so long a user has lapsed; all of the days that y looks at, or more"},
    {.name = "stagger",
     .kind = GV_PARAM_DURATION,
     .unit = "s",
     .fallback = "14 d",
     .minimum = 0,
     .maximum = 365 * 86400.0,
     .offset = offsetof(gv_population_law, stagger_us),
     .help = "users lapse for the first time within so long of the start"},
    {0},
};

double gv_population_sigmoid(double x)
{
    return 1.0 / (1.0 + exp(-x));
}

double gv_population_sign(uint32_t device, size_t signal)
{
    if (signal < GV_POPULATION_SIGNALS / 2) {
        return 1.0;
    }
    return (device >> (signal & 1U) & 1U) == 0 ? 1.0 : -1.0;
}

void gv_population_types(double slope, double z, double *p)
{
    double sum = 0;
    for (size_t k = 0; k < GV_ITEM_TYPES; k++) {
        p[k] = exp(slope * z * (0.4 * (double)k - 1.4));
        sum += p[k];
    }
    for (size_t k = 0; k < GV_ITEM_TYPES; k++) {
        p[k] /= sum;
    }
}

double gv_population_bounce(const gv_population_law *law, double z)
{
    if (law->bounce <= 0.0 || law->bounce >= 1.0) {
        return law->bounce;
    }
    const double odds = log(law->bounce / (1.0 - law->bounce));
    return gv_population_sigmoid(odds - law->content_signal * z);
}

double gv_population_further(const gv_population_law *law, double z)
{
    return gv_population_sigmoid(law->content_signal * z);
}

double gv_population_visit_rate(const gv_population_law *law, double z, unsigned day)
{
    return gv_population_sigmoid(law->visit_base + law->visit_slope * z - law->visit_fade * day);
}

double gv_population_retention(const gv_population_law *law, double z)
{
    double away = 1.0;
    for (unsigned day = GV_RETAINED_FROM; day <= GV_RETAINED_TO; day++) {
        away *= 1.0 - gv_population_visit_rate(law, z, day);
    }
    return 1.0 - away;
}

double gv_population_organic(const gv_population_law *law, double z)
{
    return law->organic_rate * exp(law->organic_slope * z);
}
