/*
 * predictor.h - click and conversion probabilities at bid time, as the exchange asks for them.
 *
 * A predictor is fitted on a log's rows before the campaign and sees only what is known when a
 * bid is made: the engine hands it the log's feature columns and row numbers, never prices,
 * clicks or anything later.
 */
#ifndef SIM_MARKET_PREDICTOR_H
#define SIM_MARKET_PREDICTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/param.h"
#include "sim/base/progress.h"
#include "sim/base/status.h"
#include "sim/log/log.h"

/* What a predictor learns from: impressions and all click rows, joined or not, of a span. */
typedef struct gv_predictor_training {
    const gv_log *log;
    int64_t start_us; /* [start, end) */
    int64_t end_us;
    /*
     * Each logged impression stands for this many (a sampled log's 1 / sampling rate): the
     * case-control weight of the rows without click.
     */
    double impression_weight;
} gv_predictor_training;

typedef struct gv_predictor_type {
    gv_type_info info;
    size_t state_size;
    bool needs_training;
    /* Binds the feature columns of `log` that it needs; names all that the log lacks. */
    gv_status (*init)(void *state, const void *config, const gv_log *log);
    /* NULL: nothing is fitted. */
    gv_status (*fit)(void *state, const gv_predictor_training *training,
                     const gv_progress *progress);
    /* pctr: [count], for the impression rows listed. Each in [0, 1]. Reads only the fitted state:
       any number of threads may ask one predictor. */
    gv_status (*predict)(const void *state, const uint64_t *rows, size_t count, double *pctr);
    void (*fini)(void *state); /* NULL: nothing to release */
} gv_predictor_type;

typedef struct gv_predictor gv_predictor;

/*
 * Creates and, where the type fits and `training` is given, fits. `log` and `config` are borrowed
 * while it lives. A type that needs training and gets NULL is GV_EINVAL.
 */
GV_MUST_CHECK gv_status gv_predictor_create(const gv_predictor_type *type, const void *config,
                                            const gv_log *log,
                                            const gv_predictor_training *training,
                                            const gv_progress *progress, gv_predictor **out);
void gv_predictor_destroy(gv_predictor *predictor); /* accepts NULL */

/* Asserts that each probability lies in [0, 1]. */
GV_MUST_CHECK gv_status gv_predictor_predict(const gv_predictor *predictor, const uint64_t *rows,
                                             size_t count, double *pctr);

#endif
