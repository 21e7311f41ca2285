/*
 * Each law from one uniform of its own, of which it is an increasing function:
 *
 *   exponential  m E,                           E = -log(1 - U)
 *   weibull      m / G(1 + 1/k) E^(1/k)         G the gamma function; k = 1 is the exponential
 *   log_normal   m exp(s Z - s^2 / 2)           Z = Phi^-1(U)
 */
#include "sim/market/delay.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

static double draw_one(double shape, const gv_random *random, uint64_t index)
{
    (void)shape;
    (void)random;
    (void)index;
    return 1.0;
}

static double draw_exponential(double shape, const gv_random *random, uint64_t index)
{
    (void)shape;
    return gv_random_exponential(random, index);
}

static double draw_weibull(double shape, const gv_random *random, uint64_t index)
{
    return pow(gv_random_exponential(random, index), 1.0 / shape);
}

static double draw_log_normal(double shape, const gv_random *random, uint64_t index)
{
    return exp(shape * gv_random_normal(random, index));
}

static double scale_weibull(double shape)
{
    return 1.0 / tgamma(1.0 + 1.0 / shape);
}

static double scale_log_normal(double shape)
{
    return exp(-0.5 * shape * shape);
}

static const gv_param no_params[] = {{.name = NULL}};

#define MEAN                                                                                      \
    {                                                                                             \
        .name = "mean", .kind = GV_PARAM_DURATION, .unit = "s", .fallback = NULL, .minimum = 0.0, \
        .maximum = 3e9, .offset = offsetof(gv_delay, mean_us), .help = "The mean delay."          \
    }

static const gv_param mean_params[] = {MEAN, {.name = NULL}};

static const gv_param weibull_params[] = {
    MEAN,
    {.name = "shape",
     .kind = GV_PARAM_REAL,
     .fallback = "0.5",
     .minimum = 0.1,
     .maximum = 20.0,
     .offset = offsetof(gv_delay, shape),
     .help = "k: 1 is exponential, less has more at once and a longer tail."},
    {.name = NULL},
};

static const gv_param log_normal_params[] = {
    MEAN,
    {.name = "shape",
     .kind = GV_PARAM_REAL,
     .fallback = "1",
     .minimum = 0.01,
     .maximum = 5.0,
     .offset = offsetof(gv_delay, shape),
     .help = "Standard deviation of the delay's logarithm."},
    {.name = NULL},
};

#undef MEAN

const gv_delay_type gv_delay_none = {
    .info = {.name = "none",
             .summary = "At once.",
             .params = no_params,
             .config_size = sizeof(gv_delay)},
};

const gv_delay_type gv_delay_fixed = {
    .info = {.name = "fixed",
             .summary = "Always the mean.",
             .params = mean_params,
             .config_size = sizeof(gv_delay)},
    .draw = draw_one,
};

const gv_delay_type gv_delay_exponential = {
    .info = {.name = "exponential",
             .summary = "Exponential: as likely to end in the next hour whenever it has lasted.",
             .source = "Chapelle, KDD 2014, models conversion delays so",
             .params = mean_params,
             .config_size = sizeof(gv_delay)},
    .draw = draw_exponential,
};

const gv_delay_type gv_delay_log_normal = {
    .info = {.name = "log_normal",
             .summary = "Log-normal, given by its mean and the spread of its logarithm.",
             .params = log_normal_params,
             .config_size = sizeof(gv_delay)},
    .has_shape = true,
    .draw = draw_log_normal,
    .unit_scale = scale_log_normal,
};

const gv_delay_type gv_delay_weibull = {
    .info = {.name = "weibull",
             .summary = "Weibull, given by its mean and shape.",
             .params = weibull_params,
             .config_size = sizeof(gv_delay)},
    .has_shape = true,
    .draw = draw_weibull,
    .unit_scale = scale_weibull,
};

const gv_delay_type *const gv_delay_types[] = {
    &gv_delay_none,       &gv_delay_fixed,   &gv_delay_exponential,
    &gv_delay_log_normal, &gv_delay_weibull, NULL,
};

const gv_delay_type *gv_delay_find(const char *name)
{
    for (const gv_delay_type *const *type = gv_delay_types; *type != NULL; type++) {
        if (strcmp((*type)->info.name, name) == 0) {
            return *type;
        }
    }
    return NULL;
}

gv_status gv_delay_validate(const gv_delay *delay, const char *what)
{
    if (delay->type == NULL) {
        return GV_OK;
    }
    if (delay->mean_us < 0 || delay->mean_us > GV_DELAY_MAX_US) {
        return GV_FAIL(GV_EINVAL, "the mean delay of %s is %" PRId64 " us, expected 0 to %" PRId64,
                       what, delay->mean_us, GV_DELAY_MAX_US);
    }
    if (delay->type->has_shape && !(delay->shape > 0.0 && delay->shape <= 1e3)) {
        return GV_FAIL(GV_EINVAL, "the %s delay of %s has shape %g, expected above 0, at most 1000",
                       delay->type->info.name, what, delay->shape);
    }
    return GV_OK;
}

bool gv_delay_is_any(const gv_delay *delay)
{
    return delay->type != NULL && delay->type->draw != NULL && delay->mean_us > 0;
}

double gv_delay_scale(const gv_delay *delay)
{
    if (!gv_delay_is_any(delay)) {
        return 0.0;
    }
    const gv_delay_type *type = delay->type;
    return (double)delay->mean_us *
           (type->unit_scale == NULL ? 1.0 : type->unit_scale(delay->shape));
}

int64_t gv_delay_draw(const gv_delay *delay, double scale, const gv_random *random, uint64_t index)
{
    if (!gv_delay_is_any(delay)) {
        return 0;
    }
    const double delay_us = scale * delay->type->draw(delay->shape, random, index);
    assert(delay_us >= 0.0);
    return delay_us < (double)GV_DELAY_MAX_US ? (int64_t)delay_us : GV_DELAY_MAX_US;
}
