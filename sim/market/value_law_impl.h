/*
 * value_law_impl.h - what an opportunity is worth to an advertiser, and how sure that is:
 * AuctionNet's law (Su et al., NeurIPS 2024 datasets track; its public environment), shared by
 * every type of traffic.
 *
 *   mean[a][t] = base c[category][t / 8] g[a][t / 8], c ~ U(1 -+ 0.7), g ~ U(1 -+ 0.5), at most 1;
 *                the first advertiser of a run of one category has g = 1
 *   std[a][t]  = mean[a][t] r[a][t], r[a][t] ~ N(r[a], 0.2 r[a]), r[a] ~ N(0.5, 0.1); a negative
 *                r[a] or r[a][t] counts 0.1, one above 1 counts 1
 *   value      ~ N(mean, std), cut to [0, 1], independent over opportunities and advertisers
 *   sigma      = value |s|, s ~ N(m[a], m[a] / 2), at most 0.3; m[a] = |N(0.15, 0.06)|, those
 *                above 0.3 count 0.2
 *
 * The numbers are the defaults of parameters, but for 0.1, 1, the half in s, and the 0.3 and 0.2
 * of m[a]. Two departures, both of the public code's seeds and not of its law: there a category's
 * factors equal those of the advertiser with the same number, and r and m share their draws. Here
 * each has draws of its own.
 *
 * The base is the parameter value_mean or, while that is auto, the preset's: 0.0005 for `sparse`,
 * as the public code has it, 0.005 for `dense`. Dense data has about ten times the conversions of
 * sparse data; that the one mean makes the difference is ours. An explicit value_mean rules
 * whatever the preset. CPA constraints belong to the advertisers: those of the public data are 60
 * to 130 for sparse and 6 to 12 for dense values.
 *
 * Ours: a demand shock (shock_impl.h) multiplies the base of its ticks.
 *
 * Ours, for a log that knows how good each opportunity is: the law relative to a base that differs
 * by opportunity, value ~ N(base f, base f r) with f = c g, which may exceed 1, and the same cut.
 */
#ifndef SIM_MARKET_VALUE_LAW_IMPL_H
#define SIM_MARKET_VALUE_LAW_IMPL_H

#include "sim/market/shock_impl.h"
#include "sim/market/traffic.h"

typedef struct gv_value_law_config {
    int32_t preset;
    double value_mean; /* NaN: the preset's */
    double category_spread;
    double advertiser_spread;
    int64_t value_window;
    double deviation_mean;
    double deviation_spread;
    double deviation_tick_spread;
    double sigma_mean;
    double sigma_spread;
    double sigma_max;
    gv_shock shock; /* its rows stand beside the law's */
} gv_value_law_config;

extern const char *const gv_value_law_presets[]; /* sparse, dense, NULL */

/* One of the law's rows: a real within [0, 1], called as its field. */
#define GV_VALUE_LAW_REAL(type, field, value, text)                                             \
    {                                                                                           \
        .name = #field, .kind = GV_PARAM_REAL, .fallback = (value), .minimum = 0, .maximum = 1, \
        .offset = offsetof(type, law.field), .help = (text)                                     \
    }

/*
 * The law's rows of a type's parameter table; `type` is its config struct, which has a member
 * gv_value_law_config `law`.
 */
#define GV_VALUE_LAW_ROWS(type)                                                                    \
    {.name = "preset",                                                                             \
     .kind = GV_PARAM_CHOICE,                                                                      \
     .fallback = "sparse",                                                                         \
     .choices = gv_value_law_presets,                                                              \
     .offset = offsetof(type, law.preset),                                                         \
     .help = "Mean value while value_mean is auto: sparse 0.0005, as published; dense 0.005, ten " \
             "times the conversions. The public data's advertisers ask a CPA of 60 to 130 in "     \
             "sparse data, of 6 to 12 in dense."},                                                 \
        GV_VALUE_LAW_REAL(type, value_mean, "auto",                                                \
                          "Mean value before the factors; auto: the preset's. A number rules, "    \
                          "whatever the preset."),                                                 \
        GV_VALUE_LAW_REAL(type, category_spread, "0.7",                                            \
                          "Each category and block has its mean multiplied by a uniform in 1 -+ "  \
                          "this."),                                                                \
        GV_VALUE_LAW_REAL(type, advertiser_spread, "0.5",                                          \
                          "The same for each advertiser but the first of its category."),          \
        {.name = "value_window",                                                                   \
         .kind = GV_PARAM_INTEGER,                                                                 \
         .unit = "ticks",                                                                          \
         .fallback = "8",                                                                          \
         .minimum = 1,                                                                             \
         .maximum = 1e6,                                                                           \
         .offset = offsetof(type, law.value_window),                                               \
         .help = "Ticks in a block of values."},                                                   \
        GV_VALUE_LAW_REAL(type, deviation_mean, "0.5",                                             \
                          "Mean of the ratio of a value's standard deviation to its mean."),       \
        GV_VALUE_LAW_REAL(type, deviation_spread, "0.1",                                           \
                          "Standard deviation of that ratio over advertisers."),                   \
        GV_VALUE_LAW_REAL(type, deviation_tick_spread, "0.2",                                      \
                          "Standard deviation over ticks, as a share of the advertiser's ratio."), \
        GV_VALUE_LAW_REAL(                                                                         \
            type, sigma_mean, "0.15",                                                              \
            "Mean over advertisers of a prediction's uncertainty, as a share of the "              \
            "value."),                                                                             \
        GV_VALUE_LAW_REAL(type, sigma_spread, "0.06", "Its standard deviation over advertisers."), \
        GV_VALUE_LAW_REAL(type, sigma_max, "0.3",                                                  \
                          "No prediction is more uncertain than this share of its value.")

/* One period's law, drawn; part of its type's state. */
typedef struct gv_value_law {
    uint64_t seed;
    uint64_t period;
    size_t advertiser_count;
    double sigma_max;
    double *block;      /* everything below lies in it */
    double *sigma_mean; /* [advertiser] */
    float *mean;        /* [tick][advertiser]: relative, the factor of the base */
    float *deviation;   /* [tick][advertiser] */
} gv_value_law;

/* Draws what lasts for ticks. `law` is zeroed; fini releases it whether or not this succeeds. */
GV_MUST_CHECK gv_status gv_value_law_init(gv_value_law *law, const gv_value_law_config *config,
                                          const gv_traffic_setup *setup);
GV_MUST_CHECK gv_status gv_value_law_init_relative(gv_value_law *law,
                                                   const gv_value_law_config *config,
                                                   const gv_traffic_setup *setup);
void gv_value_law_fini(gv_value_law *law);

/* values: [piece->advertiser_count][stride], as a type's values(). Not of a relative law. */
void gv_value_law_values(const gv_value_law *law, const gv_traffic_piece *piece, size_t stride,
                         float *values);

/* The same of a relative law; bases: [piece->count], each in [0, 1]. */
void gv_value_law_values_around(const gv_value_law *law, const gv_traffic_piece *piece,
                                const double *bases, size_t stride, float *values);

/* As a type's sigma(). */
double gv_value_law_sigma(const gv_value_law *law, uint64_t opportunity, uint32_t advertiser,
                          double value);

#endif
