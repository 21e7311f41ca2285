/*
 * actor.h - a trained network that maps one state to one action, as policies ask it.
 *
 * The network is shared and only read; each asker has a hand, which is its scratch. Its products
 * are those of models/nn/dense.h: what one campaign gets depends neither on its companions nor on
 * its place among them, nor on the processor.
 */
#ifndef POLICIES_LEARN_ACTOR_H
#define POLICIES_LEARN_ACTOR_H

#include <stddef.h>

#include "sim/base/status.h"

/* Which learner's network: how its actor is built from its parameters. */
typedef struct gv_actor_kind gv_actor_kind;

extern const gv_actor_kind gv_actor_bc;
extern const gv_actor_kind gv_actor_iql;
extern const gv_actor_kind gv_actor_cql;
extern const gv_actor_kind gv_actor_td3bc;
extern const gv_actor_kind gv_actor_direct;

typedef struct gv_actor gv_actor;

/* From a weights file (weights.h), which may be gone afterwards. */
GV_MUST_CHECK gv_status gv_actor_open(const gv_actor_kind *kind, const char *path, gv_actor **out);
void gv_actor_close(gv_actor *actor); /* accepts NULL */

size_t gv_actor_ticks(const gv_actor *actor);     /* of the periods that it was trained on */
const char *gv_actor_path(const gv_actor *actor); /* of the file that it came from */

typedef struct gv_actor_hand gv_actor_hand;

GV_MUST_CHECK gv_status gv_actor_hand_create(const gv_actor *actor, gv_actor_hand **out);
void gv_actor_hand_destroy(gv_actor_hand *hand); /* accepts NULL */

/*
 * states: [count][width], as gv_state_of() or, for gv_actor_direct, gv_outlook_of() gives them.
 * actions: [count]: in units of currency a conversion; of gv_actor_direct, the logarithm of the
 * multiplier over the CPA. One hand serves one thread at a time.
 */
void gv_actor_act(gv_actor_hand *hand, const double *states, size_t count, double *actions);

#endif
