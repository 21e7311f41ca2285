/*
 * Periods imagined by a diffuser: of all campaigns that are due at a tick, and every pass of
 * guidance of each, in one batch.
 */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "models/nn/diffusion.h"
#include "policies/learn/dd_serve_impl.h"
#include "sim/base/random.h"

/* z of an expert as the campaign may have one; its first state has been seen. */
static void embed(gv_dd_network *dd, gv_dd_seat *seat)
{
    const gv_tape_step step = {.is_training = false};
    const gv_account account = gv_dd_account(seat);
    const size_t latent = dd->sizes.traits.latent;
    const gv_random random = gv_random_key(seat->owner.seed, GV_STREAM_EGDB, seat->owner.number);
    float *noise = gv_tape_f32(dd->embedder.tape, dd->embedder.inputs.noise);
    for (size_t i = 0; i < latent; i++) {
        noise[i] = (float)(dd->serving.spread * gv_random_normal(&random, i));
    }
    gv_egdb_context(&dd->sizes, &account, seat->states,
                    gv_tape_f32(dd->embedder.tape, dd->embedder.inputs.context));
    gv_tape_forward(dd->embedder.tape, &step);
    memcpy(seat->z, gv_tape_f32(dd->embedder.tape, dd->embedder.z), latent * sizeof *seat->z);
}

/* Normal numbers of the seat's tick, drawn before jump i; number 0: the start. */
static void draw(const gv_dd_network *dd, const gv_dd_seat *seat, size_t i, float *noise)
{
    const size_t count = gv_dd_numbers(dd);
    const gv_random random = gv_random_key(seat->owner.seed, GV_STREAM_NOISE, seat->owner.number);
    const uint64_t each = dd->jumps.count + 1;
    const uint64_t first = ((seat->length - 1) * each + i) * count;
    gv_random_fill_normal(&random, first, count, dd->drawn);
    for (size_t n = 0; n < count; n++) {
        noise[n] = (float)dd->drawn[n];
    }
}

static void put_past(const gv_dd_seat *seat, float *x)
{
    memcpy(x, seat->states, seat->length * seat->dd->sizes.width * sizeof *x);
}

/* What each pass of a seat is told, the same for a whole denoising. */
static void put_conditions(const gv_dd_network *dd, const gv_dd_seat *seat, size_t place)
{
    const gv_dd_sizes *sizes = &dd->sizes;
    for (size_t i = 0; i < dd->pass_count; i++) {
        const gv_dd_told told = {.reached = dd->serving.target,
                                 .keeps_cpa = true,
                                 .is_hidden = dd->passes[i] == GV_DD_NOTHING,
                                 .account = gv_dd_account(seat)};
        const size_t at = place * dd->pass_count + i;
        float *row = dd->conditions + at * sizes->condition;
        gv_dd_tell(sizes, &told, row);
        memset(row + sizes->told, 0, sizes->traits.latent * sizeof *row);
        if (dd->passes[i] == GV_DD_EXPERT) {
            memcpy(row + sizes->told, seat->z, sizes->traits.latent * sizeof *row);
        }
        dd->keep[at] = dd->passes[i] == GV_DD_NOTHING ? 0 : 1;
    }
}

/* The passes' guesses, one behind the other, as the guidance has it; the last becomes it. */
static float *guided(const gv_dd_network *dd, float *guesses)
{
    const size_t numbers = dd->sizes.horizon * dd->sizes.width;
    float *last = guesses + (dd->pass_count - 1) * numbers;
    if (dd->pass_count == 2) {
        gv_diffusion_guide(guesses, (double)dd->factors[1], numbers, last);
    } else if (dd->pass_count == GV_DD_PASSES) {
        const gv_guidance by = {.some = dd->serving.guidance, .more = dd->serving.expert_guidance};
        gv_diffusion_guide_twice(guesses, guesses + numbers, &by, numbers, last);
    }
    return last;
}

/* The period of the seat at that place, and what its other passes begin at behind it. */
static float *period_of(const gv_dd_network *dd, size_t place)
{
    return dd->x + place * dd->pass_count * gv_dd_numbers(dd);
}

/* The guesses of all passes at the noise in the periods of `count` seats, into dd->eps. */
static void guess(gv_dd_network *dd, size_t count, size_t k)
{
    const size_t numbers = gv_dd_numbers(dd);
    for (size_t s = 0; s < count; s++) {
        float *x = period_of(dd, s);
        for (size_t i = 1; i < dd->pass_count; i++) {
            memcpy(x + i * numbers, x, numbers * sizeof *x);
        }
    }
    const gv_denoiser_batch batch = {.count = count * dd->pass_count,
                                     .x = dd->x,
                                     .step = (double)(k - 1),
                                     .condition = dd->conditions,
                                     .keep = dd->keep};
    gv_denoiser_apply(dd->denoiser, &batch, dd->eps);
}

/* The last jump's guess at the states is the plan: whether one to come has to be held. */
static void count_clamped(gv_dd_network *dd, const gv_dd_seat *seat, const float *eps, float *x)
{
    const size_t known = seat->length * dd->sizes.width;
    const size_t numbers = dd->sizes.ticks * dd->sizes.width;
    dd->counts.plans++;
    if (known < numbers && gv_diffusion_exceeds(&dd->diffusion, &dd->jumps, 1, eps + known,
                                                numbers - known, x + known)) {
        dd->counts.clamped++;
    }
}

/* Noise, behind what was seen. */
static void start(gv_dd_network *dd, const gv_dd_seat *seat, size_t place)
{
    float *x = period_of(dd, place);
    draw(dd, seat, 0, x);
    for (size_t n = 0; n < gv_dd_numbers(dd); n++) {
        x[n] *= (float)dd->serving.noise_scale;
    }
    put_past(seat, x);
    put_conditions(dd, seat, place);
}

static void jump(gv_dd_network *dd, const gv_dd_seat *seat, size_t place, size_t i)
{
    const size_t numbers = gv_dd_numbers(dd);
    float *x = period_of(dd, place);
    const float *eps = guided(dd, dd->eps + place * dd->pass_count * numbers);
    if (gv_diffusion_sigma(&dd->diffusion, &dd->jumps, i) > 0) {
        draw(dd, seat, i, dd->noise);
    }
    if (i == 1) {
        count_clamped(dd, seat, eps, x);
    }
    gv_diffusion_jump(&dd->diffusion, &dd->jumps, i, eps, dd->noise, numbers, x);
    put_past(seat, x);
}

/* A period of each seat into its plan: all of them go through the network together. */
static void imagine(gv_dd_network *dd, gv_dd_seat *const *seats, size_t count)
{
    for (size_t s = 0; s < count; s++) {
        start(dd, seats[s], s);
    }
    for (size_t i = dd->jumps.count; count > 0 && i >= 1; i--) {
        guess(dd, count, gv_diffusion_stop(&dd->diffusion, &dd->jumps, i));
        for (size_t s = 0; s < count; s++) {
            jump(dd, seats[s], s, i);
        }
    }
    for (size_t s = 0; s < count; s++) {
        memcpy(seats[s]->plan, period_of(dd, s), gv_dd_numbers(dd) * sizeof *dd->x);
        seats[s]->planned = seats[s]->length;
    }
}

/* How far the latest state is from where the plan has it. */
static double strayed(const gv_dd_network *dd, const gv_dd_seat *seat)
{
    const size_t width = dd->sizes.width;
    const size_t at = (seat->length - 1) * width;
    double square = 0;
    for (size_t k = 0; k < width; k++) {
        const double apart = (double)seat->states[at + k] - (double)seat->plan[at + k];
        square += apart * apart;
    }
    return sqrt(square / (double)width);
}

static bool is_due(const gv_dd_network *dd, const gv_dd_seat *seat)
{
    const size_t every = dd->serving.replan > 0 ? dd->serving.replan : 1;
    if (seat->length == 1 || seat->length >= seat->planned + every) {
        return true;
    }
    return dd->serving.band > 0 && strayed(dd, seat) > dd->serving.band;
}

void gv_dd_plan_all(gv_dd_network *dd, gv_dd_seat *const *seats, size_t count)
{
    gv_dd_seat *due[GV_DD_TOGETHER];
    size_t some = 0;
    for (size_t s = 0; s < count; s++) {
        if (!gv_dd_acts(seats[s])) {
            continue;
        }
        if (seats[s]->length == 1 && dd->embedder.tape != NULL) {
            embed(dd, seats[s]);
        }
        if (is_due(dd, seats[s])) {
            due[some++] = seats[s];
        } else {
            put_past(seats[s], seats[s]->plan);
        }
    }
    imagine(dd, due, some);
}
