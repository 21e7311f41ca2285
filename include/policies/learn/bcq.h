/*
 * bcq.h - a trained network of batch-constrained Q-learning (Fujimoto et al., ICML 2019), as
 * policies ask it: of `candidates` actions such as the data hold in that state, each moved a
 * little, the one that the first critic thinks most of.
 *
 * The network is shared and only read; each asker has a hand, which is its scratch. An answer is a
 * pure function of the state and the draws: it depends neither on companions nor on the processor.
 */
#ifndef POLICIES_LEARN_BCQ_H
#define POLICIES_LEARN_BCQ_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/random.h"
#include "sim/base/status.h"

typedef struct gv_bcq gv_bcq;

/* From a weights file (weights.h), which may be gone afterwards; candidates: 1 or more. */
GV_MUST_CHECK gv_status gv_bcq_open(const char *path, size_t candidates, gv_bcq **out);
void gv_bcq_close(gv_bcq *bcq); /* accepts NULL */

size_t gv_bcq_ticks(const gv_bcq *bcq);     /* of the periods that it was trained on */
const char *gv_bcq_path(const gv_bcq *bcq); /* of the file that it came from */

typedef struct gv_bcq_hand gv_bcq_hand;

GV_MUST_CHECK gv_status gv_bcq_hand_create(const gv_bcq *bcq, gv_bcq_hand **out);
void gv_bcq_hand_destroy(gv_bcq_hand *hand); /* accepts NULL */

/*
 * state: as gv_state_of() gives it. The action is in units of currency a conversion; of candidates
 * that are worth the same, the first. `draws` are the asker's own, of which each tick has a part.
 * One hand serves one thread at a time. Allocates nothing.
 */
double gv_bcq_act(gv_bcq_hand *hand, const double *state, const gv_random *draws, uint64_t tick);

#endif
