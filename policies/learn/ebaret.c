#include "policies/learn/ebaret.h"

#include <assert.h>
#include <math.h>

#include "policies/learn/dt_serve_impl.h"
#include "policies/learn/ebaret_impl.h"
#include "policies/learn/learners_impl.h"

gv_lens gv_ebaret_lens(const gv_ebaret_config *config)
{
    return (gv_lens){.has_account = config->account,
                     .has_outlook = config->outlook,
                     .unit = (gv_action_unit)config->action_unit,
                     .hides_actions = !config->shows_actions,
                     .hides_returns = config->expertness && !config->shows_returns};
}

gv_bag_law gv_ebaret_bags(const gv_ebaret_config *config)
{
    return (gv_bag_law){.length = (size_t)config->bag_length, .weight = config->bag_weight};
}

gv_dt_sizes gv_ebaret_sizes(const gv_ebaret_config *config, size_t ticks)
{
    const gv_lens lens = gv_ebaret_lens(config);
    gv_dt_sizes sizes = gv_dt_sizes_of(&config->dt, ticks);
    sizes.features = gv_lens_width(&lens);
    if (config->expertness) {
        sizes.bins = (size_t)config->bins;
        sizes.tokens = 4;
    }
    return sizes;
}

/* ---- serving --------------------------------------------------------------------------------- */

static gv_status check(const char *path, const gv_ebaret_config *config, const gv_dt_network *dt)
{
    const gv_guidance *guidance = &dt->guidance;
    const bool is_whole = dt->sizes.context == dt->sizes.ticks;
    if (guidance->tilt != GV_TILT_NONE && !config->expertness) {
        return GV_FAIL(GV_EINVAL,
                       "%s: was trained without expertness, so no return can be tilted by it: set "
                       "tilt: off, or train with expertness=on",
                       path);
    }
    if (guidance->candidates > 0 && config->pu_steps == 0) {
        return GV_FAIL(GV_EINVAL,
                       "%s: was trained without a discriminator to choose among candidates: set "
                       "candidates: 0, or train with pu_steps above 0",
                       path);
    }
    if (config->expertness && (!is_whole || dt->serving.context > 0 || dt->serving.recomputes)) {
        return GV_FAIL(GV_EINVAL,
                       "%s: a guided network looks at the whole period and keeps its keys and "
                       "values: set context: 0 and recompute: off, and train with a context of the "
                       "period's %zu ticks",
                       path, dt->sizes.ticks);
    }
    return GV_OK;
}

static gv_status open_judge(gv_dt_network *dt, const gv_weights *weights,
                            const gv_ebaret_config *config)
{
    const size_t hidden = (size_t)config->pu_hidden;
    gv_params *params = NULL;
    GV_TRY(gv_params_create(GV_F32, &params));
    gv_status status = gv_judge_declare(params, hidden);
    status = status == GV_OK ? gv_weights_expect(weights, GV_JUDGE_PREFIX, params) : status;
    status = status == GV_OK ? gv_params_draw(params, 0) : status;
    status = status == GV_OK ? gv_weights_fill(weights, GV_JUDGE_PREFIX, params) : status;
    status = status == GV_OK ? gv_judge_open(params, hidden, &dt->judge) : status;
    gv_params_destroy(params);
    return status;
}

static gv_status take(gv_dt_network *dt, const gv_weights *weights, const gv_ebaret_config *config)
{
    dt->sizes = gv_ebaret_sizes(config, gv_weights_ticks(weights));
    dt->law = gv_dt_law(&config->dt);
    dt->bags = gv_ebaret_bags(config);
    dt->lens = gv_ebaret_lens(config);
    GV_TRY(check(gv_weights_path(weights), config, dt));
    if (dt->guidance.candidates > 0) {
        GV_TRY(open_judge(dt, weights, config));
    }
    return gv_dt_fill(dt, weights);
}

static gv_status open_on(gv_dt_network *dt, const char *path)
{
    gv_ebaret_config config;
    gv_weights *weights = NULL;
    GV_TRY(gv_weights_open(path, &gv_learner_ebaret.info, &config, &weights));
    const gv_status status = take(dt, weights, &config);
    gv_weights_close(weights);
    return status;
}

gv_status gv_ebaret_open(const char *path, const gv_dt_serving *serving,
                         const gv_guidance *guidance, gv_dt **out)
{
    assert(guidance->candidates <= GV_CANDIDATES_MAX);
    gv_dt *dt = gv_dt_create();
    if (dt == NULL) {
        return GV_FAIL(GV_ENOMEM, "%s: no memory for its network", path);
    }
    dt->network->serving = *serving;
    dt->network->guidance = *guidance;
    const gv_status status = open_on(dt->network, path);
    if (status != GV_OK) {
        gv_dt_close(dt);
        return status;
    }
    *out = dt;
    return GV_OK;
}

void gv_ebaret_thought(const gv_dt_seat *seat, double *to_go, double *expertness)
{
    *to_go = seat->length == 0 ? (double)NAN : (double)seat->to_go[seat->length - 1];
    *expertness = seat->expertness;
}
