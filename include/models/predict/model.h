/*
 * model.h - what predicts clicks and conversions from examples: one constant type a method.
 *
 * A model is trained on examples, written to a file with the declaration of its fields, and served
 * from that file alone. Learning is a pure function of (examples, their order, seed), for any
 * number of threads; a prediction depends on its own row alone, whichever others are asked with it.
 */
#ifndef MODELS_PREDICT_MODEL_H
#define MODELS_PREDICT_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/predict/examples.h"
#include "sim/base/param.h"
#include "sim/base/progress.h"
#include "sim/base/safetensors.h"
#include "sim/base/status.h"

typedef struct gv_model_setup {
    const void *config; /* the type's parameters, complete; borrowed while it lives */
    gv_example_shape shape;
    uint64_t seed;
    size_t jobs; /* threads, at least 1 */
    bool learns; /* false: only to be restored and asked */
    /* [field_count] whose each field is; NULL: not known. Only of what does not learn. While it
       lives; what the candidates of one request share is then computed once a request. */
    const gv_side *sides;
    /* Told of the rows that a pass has learnt, of all of it, and asked whether to go on, some times
       a second; NULL: nobody listens. While it lives. */
    const gv_progress *progress;
} gv_model_setup;

/* Tensors of what was learnt, in the order in which they were added. */
typedef struct gv_model_tensors {
    size_t count;
    gv_tensor *tensors; /* [count]; data borrowed from the model until it learns on */
} gv_model_tensors;

enum { GV_MODEL_TENSORS_MAX = 1024 };

typedef struct gv_model_type {
    gv_type_info info; /* with a row "epochs", the usual number of passes over the examples */
    size_t state_size; /* the dispatcher allocates it, zeroed */
    bool tells_conversions;
    /* May fail, and then fini() is called on what it left. */
    gv_status (*init)(void *state, const gv_model_setup *setup);
    /*
     * One pass over rows[0 .. count) of labelled examples in that order, in batches of its own.
     * *loss: the mean weighted loss over them, each before its batch was learnt. A number that is
     * not finite is GV_EINVAL and names the batch or tensor; GV_ESTOPPED: progress said so, and
     * what was learnt is of no use.
     */
    gv_status (*learn)(void *state, const gv_examples *examples, const uint32_t *rows, size_t count,
                       double *loss);
    /* pctr, pcvr: [examples->count], in [0, 1]; pcvr, of a click to convert, may be NULL. */
    gv_status (*predict)(void *state, const gv_examples *examples, float *pctr, float *pcvr);
    /* How rows of one request are priced, behind restore(), as a sentence for people; NULL: each by
       itself, and nothing could be shared. */
    const char *(*sharing)(const void *state);
    /* Fills tensors [GV_MODEL_TENSORS_MAX], count with it; all that predict() needs. */
    void (*tensors)(const void *state, gv_model_tensors *out);
    /* Into a state fresh from init; refuses another shape with a sentence. */
    gv_status (*restore)(void *state, const gv_safetensors *file);
    void (*fini)(void *state);
} gv_model_type;

extern const gv_model_type *const gv_model_types[]; /* every type, then NULL */

/* NULL when there is none of that name. */
const gv_model_type *gv_model_find(const char *name);

/* A model of some type; its methods through the type's table, with what they owe checked. */
typedef struct gv_model gv_model;

/* Borrows the config. */
GV_MUST_CHECK gv_status gv_model_create(const gv_model_type *type, const gv_model_setup *setup,
                                        gv_model **out);
void gv_model_destroy(gv_model *model); /* accepts NULL */

const gv_model_type *gv_model_type_of(const gv_model *model);

/* See gv_model_type. The examples' shape is the setup's, and each label and weight is sound. */
GV_MUST_CHECK gv_status gv_model_learn(gv_model *model, const gv_examples *examples,
                                       const uint32_t *rows, size_t count, double *loss);

/*
 * Each in [0, 1], asserted; GV_EINVAL: a NaN, of numbers too large to be added. pcvr NULL: not
 * wanted; 1 throughout where the type tells of none.
 */
GV_MUST_CHECK gv_status gv_model_predict(gv_model *model, const gv_examples *examples, float *pctr,
                                         float *pcvr);

/* What the type says; NULL where it says nothing. Lives as long as the model. */
const char *gv_model_sharing(const gv_model *model);
void gv_model_list_tensors(const gv_model *model, gv_model_tensors *out);
GV_MUST_CHECK gv_status gv_model_restore(gv_model *model, const gv_safetensors *file);

/* The fallback of the type's row "epochs". */
uint64_t gv_model_usual_epochs(const gv_model_type *type);

#endif
