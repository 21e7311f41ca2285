/* population_impl.h - the law of a population, one number z at a time: for draws and for truth. */
#ifndef SIM_MARKET_POPULATION_IMPL_H
#define SIM_MARKET_POPULATION_IMPL_H

#include "sim/market/population.h"

enum { GV_POPULATION_SIGNALS = 16, GV_POPULATION_HEAVY = 1000 };

/* ln past visits = PAST_MEAN + PAST_SLOPE z + PAST_NOISE n, of a heavy user ln 1000 more. */
#define GV_PAST_MEAN  1.5
#define GV_PAST_SLOPE 0.2
#define GV_PAST_NOISE 0.8

/* An item: dwell = slope z + noise, like by log-odds LIKE_BASE + slope z. */
#define GV_DWELL_NOISE 1.0
#define GV_LIKE_BASE   (-1.5)

double gv_population_sigmoid(double x);

/* +1 or -1: whether signal k rises or falls with z on that device. */
double gv_population_sign(uint32_t device, size_t signal);

/* p[GV_ITEM_TYPES]: softmax over types of slope z a_k, the a_k even steps of -1.4 .. 1.4. */
void gv_population_types(double slope, double z, double *p);

/* Given z: no content at all, and one further session, of GV_ONBOARDING_SESSIONS - 1 trials. */
double gv_population_bounce(const gv_population_law *law, double z);
double gv_population_further(const gv_population_law *law, double z);

/* A visit on that day, and y. */
double gv_population_visit_rate(const gv_population_law *law, double z, unsigned day);
double gv_population_retention(const gv_population_law *law, double z);

/* Returns a day without an ad. */
double gv_population_organic(const gv_population_law *law, double z);

#endif
