/* The one place that calls a predictor type's methods; state lies behind the base object. */
#include "sim/market/predictor.h"

#include <assert.h>
#include <string.h>

#include "sim/base/mem.h"

enum { STATE_ALIGNMENT = 64 };

struct gv_predictor {
    const gv_predictor_type *type;
    /* The state follows at the next multiple of STATE_ALIGNMENT. */
};

static void *state_of(gv_predictor *predictor)
{
    return (unsigned char *)predictor + STATE_ALIGNMENT;
}

static gv_status prepare(gv_predictor *predictor, const void *config, const gv_log *log,
                         const gv_predictor_training *training, const gv_progress *progress)
{
    const gv_predictor_type *type = predictor->type;
    if (type->init != NULL) {
        GV_TRY(type->init(state_of(predictor), config, log));
    }
    const bool is_fitted = type->fit != NULL && training != NULL;
    return is_fitted ? type->fit(state_of(predictor), training, progress) : GV_OK;
}

gv_status gv_predictor_create(const gv_predictor_type *type, const void *config, const gv_log *log,
                              const gv_predictor_training *training, const gv_progress *progress,
                              gv_predictor **out)
{
    assert(type->predict != NULL);
    assert(training == NULL || training->start_us <= training->end_us);
    assert(config != NULL || type->info.config_size == 0);

    if (type->needs_training && training == NULL) {
        return GV_FAIL(GV_EINVAL, "predictor %s needs a log to be fitted on", type->info.name);
    }
    const size_t size = STATE_ALIGNMENT + type->state_size;
    gv_predictor *predictor = gv_mem_alloc_vector(size, 1);
    if (predictor == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for predictor %s", type->info.name);
    }
    memset(predictor, 0, size);
    predictor->type = type;
    const gv_status status = prepare(predictor, config, log, training, progress);
    if (status != GV_OK) {
        gv_predictor_destroy(predictor);
        return status;
    }
    *out = predictor;
    return GV_OK;
}

void gv_predictor_destroy(gv_predictor *predictor)
{
    if (predictor == NULL) {
        return;
    }
    if (predictor->type->fini != NULL) {
        predictor->type->fini(state_of(predictor));
    }
    gv_mem_free(predictor);
}

/* A NaN compares false with everything, so it fails the assert, too. */
gv_status gv_predictor_predict(const gv_predictor *predictor, const uint64_t *rows, size_t count,
                               double *pctr)
{
    const void *state = (const unsigned char *)predictor + STATE_ALIGNMENT;
    GV_TRY(predictor->type->predict(state, rows, count, pctr));
    for (size_t i = 0; i < count; i++) {
        assert(pctr[i] >= 0.0);
        assert(pctr[i] <= 1.0);
    }
    return GV_OK;
}
