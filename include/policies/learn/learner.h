/*
 * learner.h - what can be trained: one constant type a method, and the steps of its training.
 *
 * A learner minimises its losses over a dataset, a step at a time. A step is a pure function of
 * (what was learnt so far, seed, its number), for any number of threads: the batch is cut into
 * `shards`, a parameter of the learner, whose gradients are added in a fixed order. So a learner
 * saved at any step and restored goes on to the same bits.
 *
 * Each type's parameter table has a row "steps", its usual number of steps, and holds the sizes of
 * its networks: it is written into the weights file, from which the policy of the same name builds
 * the network anew. Defaults are sized for a processor; the published sizes are presets.
 */
#ifndef POLICIES_LEARN_LEARNER_H
#define POLICIES_LEARN_LEARNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policies/learn/dataset.h"
#include "policies/learn/weights.h"
#include "sim/base/param.h"
#include "sim/base/status.h"
#include "sim/core/checkpoint.h"

enum { GV_LOSSES_MAX = 6 };

typedef struct gv_learner_setup {
    const void *config;        /* the type's parameters, complete; borrowed while it lives */
    const gv_dataset *dataset; /* borrowed while it lives; not empty */
    uint64_t seed;
    size_t jobs; /* threads, at least 1 */
} gv_learner_setup;

/* Parameters under a name: "published", "the sizes of ...", {"hidden_1=756", NULL}. */
typedef struct gv_preset {
    const char *name;
    const char *summary;
    const char *const *values; /* "name=value", NULL-ended */
} gv_preset;

typedef struct gv_learner_type {
    gv_type_info info;        /* the policy that serves its weights has the same name */
    size_t state_size;        /* the dispatcher allocates it, zeroed */
    const gv_preset *presets; /* ended by a name of NULL; NULL: there are none */
    const char *losses[GV_LOSSES_MAX + 1]; /* names of what a step reports, NULL-ended */
    /* Factors of an episode's budget and CPA between which it draws others; zeroed: it does not. */
    gv_reach stretch;
    /* May allocate; may fail, and then fini() is called on what it left. */
    gv_status (*init)(void *state, const gv_learner_setup *setup);
    /*
     * Step `step`, from 0; losses: [as many as it names]. A loss or gradient that is not finite is
     * GV_EINVAL and names the loss or tensor; what was learnt may be spoilt then.
     */
    gv_status (*step)(void *state, uint64_t step, double *losses);
    /* What to write into a weights file; valid until the next step. */
    gv_network_view (*network)(const void *state);
    /* All that steps change. */
    gv_status (*save)(const void *state, gv_writer *writer);
    gv_status (*restore)(void *state, gv_reader *reader); /* into a state fresh from init */
    void (*fini)(void *state);
} gv_learner_type;

extern const gv_learner_type *const gv_learner_types[]; /* every type, then NULL */

/* NULL when there is none of that name. */
const gv_learner_type *gv_learner_find(const char *name);

/* Puts a preset's values into `config`; GV_EUSAGE with the names that there are. */
GV_MUST_CHECK gv_status gv_learner_preset(const gv_learner_type *type, const char *name,
                                          void *config);

/* The value of the row "steps". */
uint64_t gv_learner_usual_steps(const gv_learner_type *type, const void *config);

/* "name=value" of every row, one a line, but for "steps". `text`: [size], asserted to suffice. */
void gv_learner_print(const gv_type_info *info, const void *config, char *text, size_t size);

enum { GV_LEARNER_TEXT_SIZE = 4096 };

/* One learner at work: type and state. Only these functions touch the type's methods. */
typedef struct gv_learner gv_learner;

GV_MUST_CHECK gv_status gv_learner_create(const gv_learner_type *type,
                                          const gv_learner_setup *setup, gv_learner **out);
void gv_learner_destroy(gv_learner *learner); /* accepts NULL */

/* The next step; a failure's sentence names the step. */
GV_MUST_CHECK gv_status gv_learner_step(gv_learner *learner, double *losses);

uint64_t gv_learner_steps(const gv_learner *learner); /* done so far */
size_t gv_learner_losses(const gv_learner_type *type);

/* The weights as they are now, for the policy of the same name; their reach is as stretched. */
GV_MUST_CHECK gv_status gv_learner_export(const gv_learner *learner, const char *version,
                                          const char *path);

/* Of another type, config, seed or dataset: GV_ECORRUPT with a sentence. */
GV_MUST_CHECK gv_status gv_learner_save(const gv_learner *learner, gv_writer *writer);
GV_MUST_CHECK gv_status gv_learner_restore(gv_learner *learner, gv_reader *reader);

#endif
