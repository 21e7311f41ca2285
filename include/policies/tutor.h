/*
 * tutor.h - a policy that plays as another does, and writes down what the hindsight oracle would
 * have done in its place.
 *
 * It is no type that a scenario can name: whoever runs a campaign wraps the policy that bids and
 * hands the exchange the wrapper. Bids and outcomes are those of the wrapped policy, to the byte.
 * The oracle is asked at every tick with the budget, spend and conversions that the campaign
 * really has; its answers are the labels that imitation learns from, on whatever path the pupil
 * strayed to (Ross, Gordon and Bagnell, "A Reduction of Imitation Learning", AISTATS 2011).
 */
#ifndef POLICIES_TUTOR_H
#define POLICIES_TUTOR_H

#include "policies/oracle.h"
#include "sim/market/policy.h"

typedef struct gv_tutor {
    gv_policy_type type; /* of gv_tutor_type(): what the wrapped policy reads and hears */
    gv_policy *pupil;    /* who bids; not owned. NULL: the oracle itself */
    gv_oracle *oracle;   /* aimed at this campaign; not owned */
    const double *noise; /* [tick]: the oracle's own bids are so many times its answer; NULL: 1 */
    double *labels;      /* [tick]: written; nanos a conversion, 0: it would buy nothing */
    /* Is told of the pupil after each of its ticks. NULL: nobody listens. */
    void (*listen)(void *context, size_t tick, const gv_policy *pupil);
    void *context;
} gv_tutor;

/* Who bids (NULL: the oracle itself) decides what the wrapper's type reads, hears and needs. */
gv_policy_type gv_tutor_type(const gv_policy *pupil);

/*
 * `tutor` and what it points to are borrowed while the policy lives; its type is set here. On
 * GV_OK the caller owns *out, and still the pupil.
 */
GV_MUST_CHECK gv_status gv_tutor_create(gv_tutor *tutor, const gv_campaign *campaign,
                                        gv_policy **out);

#endif
