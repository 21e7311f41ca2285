/*
 * weights.h - a trained network in a file, with all that a policy needs to serve it.
 *
 * A safetensors file: the network's tensors under their names; "scaling.*", what maps states and
 * actions to the numbers that the network sees; and under "__metadata__" the type of learner, each
 * of its parameters (which are the architecture), the names of what it sees, the ticks of a
 * period, and where it came from: seed, step, identity, periods, imprints and reach of the training
 * data, program version. No time and no host: the same training gives the same bytes.
 */
#ifndef POLICIES_LEARN_WEIGHTS_H
#define POLICIES_LEARN_WEIGHTS_H

#include <stddef.h>
#include <stdint.h>

#include "policies/learn/imprints.h"
#include "policies/learn/reach.h"
#include "policies/learn/scaling.h"
#include "sim/base/param.h"
#include "sim/base/status.h"

/* The layout of a file; another one is refused. */
#define GV_WEIGHTS_FORMAT "1"

struct gv_params; /* models/nn/params.h */

/* What the learner knows of its network. */
typedef struct gv_network_view {
    const struct gv_params *params; /* borrowed */
    const char *prefix;             /* of the tensors that serve: "actor."; "": all */
    const gv_scaling *scaling;      /* borrowed */
} gv_network_view;

typedef struct gv_weights_about {
    const gv_type_info *type; /* the learner's */
    const void *config;       /* its parameters, complete */
    gv_network_view network;
    size_t tick_count;
    uint64_t seed;
    uint64_t step;
    uint64_t data_hash;
    const char *periods;         /* of the training data, see gv_dataset_periods() */
    const gv_imprints *imprints; /* likewise */
    gv_reach reach;              /* of what it learned from; what is not known is left out */
    const char *version;         /* of the program */
} gv_weights_about;

/* Whole or not at all. */
GV_MUST_CHECK gv_status gv_weights_write(const char *path, const gv_weights_about *about);

typedef struct gv_weights gv_weights;

/*
 * Opens weights of that type of learner and reads its parameters into `config`, which is
 * [type->config_size]. Another type, another state, parameters that this program does not know
 * and whatever does not hold together is refused with a sentence that names the file.
 */
GV_MUST_CHECK gv_status gv_weights_open(const char *path, const gv_type_info *type, void *config,
                                        gv_weights **out);
void gv_weights_close(gv_weights *weights); /* accepts NULL */

const char *gv_weights_path(const gv_weights *weights);
size_t gv_weights_ticks(const gv_weights *weights); /* of the periods that it was trained on */
const gv_scaling *gv_weights_scaling(const gv_weights *weights);

/* GV_EINVAL with a sentence where the network sees others. */
GV_MUST_CHECK gv_status gv_weights_expect_features(const gv_weights *weights, gv_features features);

/*
 * Adds the imprints of the periods that the weights in the file were trained on, whatever their
 * type; a safetensors file without any adds none.
 */
GV_MUST_CHECK gv_status gv_weights_imprints(const char *path, gv_imprints *imprints);

/*
 * The least and largest budget and CPA of what the weights in the file were trained on, whatever
 * their type; zeroed where the file does not say, as one of before this was written. GV_ECORRUPT:
 * what it says is no such thing.
 */
GV_MUST_CHECK gv_status gv_weights_reach(const char *path, gv_reach *reach);

/*
 * Whether the file holds every tensor of `params` whose name begins with `prefix`, in its shape:
 * to be asked before the set is drawn, so that a file that claims a vast network costs no memory.
 */
GV_MUST_CHECK gv_status gv_weights_expect(const gv_weights *weights, const char *prefix,
                                          const struct gv_params *params);

/*
 * Copies those tensors into `params`, which are drawn; one with a number that is not finite is
 * GV_ECORRUPT, as is all that gv_weights_expect() refuses.
 */
GV_MUST_CHECK gv_status gv_weights_fill(const gv_weights *weights, const char *prefix,
                                        struct gv_params *params);

#endif
