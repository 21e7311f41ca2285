/*
 * The predictions that the log itself carries, in its column `pctr`.
 */
#include "models/predict/types_impl.h"

typedef struct logged_state {
    const gv_log *log;
    const gv_log_column *pctr;
} logged_state;

static gv_status logged_init(void *state, const void *config, const gv_log *log)
{
    (void)config;
    logged_state *logged = state;
    logged->log = log;
    logged->pctr = gv_log_find(log, GV_LOG_IMPRESSION, gv_log_role_name(GV_ROLE_PCTR));
    if (logged->pctr == NULL) {
        return GV_FAIL(GV_ENOTFOUND,
                       "%s: the impression table lacks what predictor logged needs: pctr. Choose "
                       "another predictor, or ingest a log that has it",
                       gv_log_path(log));
    }
    return GV_OK;
}

static gv_status logged_predict(const void *state, const uint64_t *rows, size_t count, double *pctr)
{
    const logged_state *logged = state;
    const double *cells = gv_log_reals(logged->pctr);
    for (size_t i = 0; i < count; i++) {
        GV_TRY(gv_log_check(logged->pctr, rows[i], 1));
        pctr[i] = cells[rows[i]];
        if (!(0 <= pctr[i] && pctr[i] <= 1)) {
            return GV_FAIL(GV_EINVAL,
                           "%s: pctr of impression %llu is %g, expected a number from 0 to 1",
                           gv_log_path(logged->log), (unsigned long long)rows[i], pctr[i]);
        }
    }
    return GV_OK;
}

const gv_predictor_type gv_predictor_logged = {
    .info = {.name = "logged", .summary = "the pCTR that the log carries"},
    .state_size = sizeof(logged_state),
    .init = logged_init,
    .predict = logged_predict,
};
