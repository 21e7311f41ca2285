/*
 * price_net.h - a network that tells the law of an auction's market price from what is known at the
 * bid, taught by auctions of which some were lost.
 *
 * The price is log-normal, with a mean and a variance of its logarithm that the network gives for
 * each auction: embeddings of its fields, two hidden layers. An auction that was won is taught by
 * the density at its price, one that was lost by the probability that the price lies above the own
 * bid (gv_op_beyond): Tobin's model with a network in place of a line. (Wu, Yeh and Chen, KDD 2015,
 * and Ren, Qin and others, Deep Landscape Forecasting, KDD 2019, fit prices so, by a line and by a
 * recurrent network; this network is ours.) Logarithms are standardised by the one log-normal law
 * that fits all auctions. The last tenth of the auctions teaches nothing: twenty times the network
 * is judged by it, and the likeliest is kept.
 */
#ifndef MODELS_PREDICT_PRICE_NET_H
#define MODELS_PREDICT_PRICE_NET_H

#include <stddef.h>
#include <stdint.h>

#include "models/predict/examples.h"
#include "sim/base/status.h"
#include "sim/estimate/log_normal_price.h"
#include "sim/estimate/price_sample.h"

typedef struct gv_price_net_config {
    size_t width;  /* of an embedding */
    size_t hidden; /* of each hidden layer */
    size_t batch;  /* auctions a step, a multiple of 8 */
    uint64_t steps;
    double rate; /* of Adam, which falls to 0 over the steps */
    uint64_t seed;
    size_t jobs;
    int64_t least; /* nanos: the smallest price told apart from 0 */
} gv_price_net_config;

extern const gv_price_net_config gv_price_net_usual;

typedef struct gv_price_net gv_price_net;

/*
 * samples: [examples->count], at least 2, of the same auctions. The examples have no past, and at
 * most one value of a field (gv_field_has_several() tells of others). The embeddings are a dense
 * table: a few thousand buckets. The same bits for any number of jobs. GV_EINVAL: what
 * gv_log_normal_price_fit() refuses, or a loss that is not finite.
 */
GV_MUST_CHECK gv_status gv_price_net_fit(const gv_price_net_config *config,
                                         const gv_examples *examples,
                                         const gv_price_sample *samples, gv_price_net **out);
void gv_price_net_destroy(gv_price_net *net); /* accepts NULL */

/* laws: [examples->count]; each depends on its own auction alone. Likelihoods are left at 0. */
GV_MUST_CHECK gv_status gv_price_net_laws(gv_price_net *net, const gv_examples *examples,
                                          gv_log_normal_price *laws);

/* The one law of all auctions. */
gv_log_normal_price gv_price_net_start(const gv_price_net *net);

/*
 * The mean log-likelihood of samples [count] under laws of their own: what a better landscape
 * raises.
 */
double gv_price_likelihood(const gv_log_normal_price *laws, const gv_price_sample *samples,
                           size_t count);

#endif
