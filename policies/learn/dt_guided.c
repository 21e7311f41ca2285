/*
 * A guided tick: the action before it and the state enter the cache; off the state the return is
 * predicted and one is chosen; it and the expertness asked for enter; off that the action is read.
 * That each campaign's numbers are sums of their own keeps it apart from its companions.
 */
#include <assert.h>
#include <math.h>

#include "policies/learn/dt_serve_impl.h"

/* Places of a guided tick's tokens. */
enum { STATE, RETURN, EXPERTNESS, ACTION };

static double log_sigmoid(double logit)
{
    return logit < 0 ? logit - log1p(exp(logit)) : -log1p(exp(-logit));
}

/* The return's token: what is asked for, where the network is told. */
static void embed_return(const gv_dt_network *dt, float to_go, size_t tick, float *row)
{
    const float told = dt->lens.hides_returns ? 0 : to_go;
    gv_dt_cached_embed(dt, RETURN, &told, tick, row);
}

/* Logits of the expertness of every bin of return, were it asked for. */
static void try_returns(gv_dt_network *dt, const gv_dt_seat *seat, float *logits)
{
    gv_dt_cached *cached = &dt->cached;
    const size_t bins = dt->sizes.bins;
    const size_t width = dt->sizes.decoder.width;
    for (size_t i = 0; i < bins; i++) {
        const float to_go = (float)gv_return_of_bin(i, bins);
        embed_return(dt, to_go, seat->length - 1, cached->x + i * width);
    }
    gv_decoder_cache_try(cached->chunks[seat->chunk], seat->slot, bins, cached->x, cached->y);
    gv_dense_apply(cached->predict_expertness, cached->y, bins, logits);
}

/* The return that is asked for, from the logits read off the state. */
static float choose_return(gv_dt_network *dt, const gv_dt_seat *seat, const float *returns)
{
    const gv_guidance *guidance = &dt->guidance;
    const size_t bins = dt->sizes.bins;
    float *expertness = dt->cached.logits + GV_DT_CHUNK * bins;
    size_t best = 0;
    double most = -HUGE_VAL;
    if (guidance->tilt == GV_TILT_EXPERTNESS) {
        try_returns(dt, seat, expertness);
    }
    for (size_t i = 0; i < bins; i++) {
        const double tilt = guidance->tilt == GV_TILT_EXPERTNESS
                                ? log_sigmoid((double)expertness[i])
                                : (double)i / (double)(bins - 1);
        const double merit = (double)returns[i] + guidance->kappa * tilt;
        if (merit > most) {
            most = merit;
            best = i;
        }
    }
    return (float)gv_return_of_bin(best, bins);
}

/* The action before, unless there is none, and the state; returns the number of tokens. */
static size_t embed_seen(const gv_dt_network *dt, const gv_dt_seat *seat, float *rows)
{
    const size_t tick = seat->length - 1;
    const size_t width = dt->sizes.decoder.width;
    if (tick > 0) {
        gv_dt_cached_embed(dt, ACTION, &seat->done[tick - 1], tick - 1, rows);
        rows += width;
    }
    gv_dt_cached_embed(dt, STATE, seat->states + tick * dt->sizes.features, tick, rows);
    return tick > 0 ? 2 : 1;
}

/* Takes in what is seen, and where it is not fixed chooses the return. */
static void see_states(gv_dt_network *dt, gv_dt_seat *const *seats, const size_t *slots,
                       size_t count)
{
    gv_dt_cached *cached = &dt->cached;
    const size_t width = dt->sizes.decoder.width;
    const size_t tokens = seats[0]->length == 1 ? 1 : 2;
    const size_t bins = dt->sizes.bins;
    for (size_t i = 0; i < count; i++) {
        const size_t made = embed_seen(dt, seats[i], cached->x + i * tokens * width);
        assert(made == tokens);
        assert(seats[i]->chunk == seats[0]->chunk);
    }
    gv_decoder_cache_advance(cached->chunks[seats[0]->chunk], slots, count, tokens, cached->x,
                             cached->y);
    if (dt->guidance.tilt == GV_TILT_NONE) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        gv_dense_apply(cached->predict_return, cached->y + ((i + 1) * tokens - 1) * width, 1,
                       cached->logits + i * bins);
    }
    for (size_t i = 0; i < count; i++) {
        seats[i]->to_go[seats[i]->length - 1] =
            choose_return(dt, seats[i], cached->logits + i * bins);
    }
}

void gv_dt_guided_act(gv_dt_network *dt, gv_dt_seat *const *seats, size_t count)
{
    gv_dt_cached *cached = &dt->cached;
    const size_t width = dt->sizes.decoder.width;
    const float wanted = (float)dt->guidance.expertness;
    size_t slots[GV_DT_CHUNK] = {0};
    assert(count >= 1);
    assert(count <= GV_DT_CHUNK);
    for (size_t i = 0; i < count; i++) {
        slots[i] = seats[i]->slot;
    }
    see_states(dt, seats, slots, count);
    for (size_t i = 0; i < count; i++) {
        const size_t tick = seats[i]->length - 1;
        float *rows = cached->x + 2 * i * width;
        embed_return(dt, seats[i]->to_go[tick], tick, rows);
        gv_dt_cached_embed(dt, EXPERTNESS, &wanted, tick, rows + width);
    }
    gv_decoder_cache_advance(cached->chunks[seats[0]->chunk], slots, count, 2, cached->x,
                             cached->y);
    for (size_t i = 0; i < count; i++) {
        float action = 0;
        float expertness = 0;
        gv_dense_apply(cached->predict_expertness, cached->y + 2 * i * width, 1, &expertness);
        gv_dense_apply(cached->predict, cached->y + (2 * i + 1) * width, 1, &action);
        seats[i]->action = (double)action;
        seats[i]->expertness = exp(log_sigmoid((double)expertness));
    }
}

/* ---- candidates ------------------------------------------------------------------------------ */

/* In units of currency; number 0 is the action itself. */
static double candidate(const gv_guidance *guidance, double action, size_t number)
{
    if (number == 0) {
        return action;
    }
    const double place = ((double)number - 0.5) / (double)guidance->candidates;
    return action * (1 + guidance->reach * (2 * place - 1));
}

static void choose_action(const gv_dt_network *dt, gv_dt_seat *seat)
{
    const size_t tick = seat->length - 1;
    const size_t count = dt->guidance.candidates + 1;
    const double cpa = seat->account.cpa;
    const double action = gv_lens_undo(&dt->lens, &dt->scaling, cpa, seat->action);
    float x[(GV_CANDIDATES_MAX + 1) * GV_JUDGE_INPUTS];
    float expertness[GV_CANDIDATES_MAX + 1];
    size_t best = 0;
    for (size_t i = 0; i < count; i++) {
        const gv_judge_case seen = {.state = seat->states + tick * dt->sizes.features,
                                    .account = seat->account,
                                    .action = candidate(&dt->guidance, action, i),
                                    .time = (double)tick / (double)dt->sizes.ticks};
        gv_judge_see(&seen, x + i * GV_JUDGE_INPUTS);
    }
    gv_judge_rate(dt->judge, x, count, expertness);
    for (size_t i = 1; i < count; i++) {
        best = expertness[i] > expertness[best] ? i : best;
    }
    if (best > 0) {
        const double better = candidate(&dt->guidance, action, best);
        seat->action = gv_lens_action(&dt->lens, &dt->scaling, cpa, better);
    }
}

void gv_dt_guided_choose(const gv_dt_network *dt, gv_dt_seat *const *seats, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        choose_action(dt, seats[i]);
    }
}
