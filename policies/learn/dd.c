#include "policies/learn/dd.h"

#include <assert.h>
#include <math.h>
#include <pthread.h>
#include <string.h>

#include "models/nn/dense.h"
#include "models/nn/tape.h"
#include "policies/learn/dd_impl.h"
#include "policies/learn/learners_impl.h"
#include "sim/base/mem.h"
#include "sim/base/random.h"

/* A campaign's passes, with the return and without: the batch of its own. */
enum { PASSES = 2 };

#define SEAT_TAG "dd_seat"
#define PAST_TAG "dd_past"

typedef struct dd_network {
    gv_dd_config config;
    gv_dd_serving serving;
    gv_dd_sizes sizes;
    gv_scaling scaling;
    gv_diffusion diffusion;
    gv_jumps jumps;
    gv_params *params;
    gv_graph *graph; /* of PASSES periods */
    gv_unet_inputs inputs;
    gv_node guess;
    gv_tape *tape;
    gv_dense_mlp *inverse;
    float *x;      /* [horizon][GV_STATE_SIZE] */
    float *noise;  /* the same */
    double *drawn; /* [horizon][GV_STATE_SIZE] */
    pthread_mutex_t lock;
    bool has_lock;
} dd_network;

/* What is only read points to what its calls write, under its lock. */
struct gv_dd {
    dd_network *network;
};

struct gv_dd_seat {
    dd_network *dd;
    uint64_t seed;
    uint64_t number;
    size_t length; /* ticks seen */
    double action; /* the latest, scaled */
    float *states; /* [ticks][GV_STATE_SIZE]; both behind the seat */
    float *plan;   /* [horizon][GV_STATE_SIZE] */
};

/* ---- the network ----------------------------------------------------------------------------- */

static gv_status build_inverse(dd_network *dd)
{
    gv_graph *graph = NULL;
    const gv_graph_config config = {.params = dd->params};
    GV_TRY(gv_graph_create(&config, &graph));
    const gv_node seen =
        gv_graph_input(graph, "seen", gv_shape_of(2, (size_t[]){1, GV_DD_INVERSE_INPUTS}));
    gv_graph_keep(graph, gv_dd_build_inverse(graph, &dd->sizes, seen));
    const gv_status status = gv_graph_finish(graph, GV_NODE_NONE);
    gv_graph_destroy(graph); /* it has named the parameters */
    return status;
}

static gv_status build(dd_network *dd)
{
    GV_TRY(gv_params_create(GV_F32, &dd->params));
    const gv_graph_config config = {.params = dd->params};
    GV_TRY(gv_graph_create(&config, &dd->graph));
    dd->guess = gv_dd_build_noise(dd->graph, &dd->sizes, PASSES, &dd->inputs);
    gv_graph_keep(dd->graph, dd->guess);
    GV_TRY(gv_graph_finish(dd->graph, GV_NODE_NONE));
    GV_TRY(build_inverse(dd));
    return gv_params_draw(dd->params, 0);
}

static gv_status make_room(dd_network *dd)
{
    const size_t numbers = dd->sizes.horizon * GV_STATE_SIZE;
    dd->x = gv_mem_alloc(0, numbers, sizeof *dd->x);
    dd->noise = gv_mem_alloc(0, numbers, sizeof *dd->noise);
    dd->drawn = gv_mem_alloc(0, numbers, sizeof *dd->drawn);
    if (dd->x == NULL || dd->noise == NULL || dd->drawn == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the periods of a decision diffuser");
    }
    return GV_OK;
}

static void set_jumps(dd_network *dd)
{
    const size_t asked = dd->serving.jumps;
    dd->diffusion = gv_diffusion_cosine((size_t)dd->config.diffusion_steps, GV_DIFFUSION_OFFSET);
    dd->jumps =
        (gv_jumps){.count = asked == 0 || asked > dd->diffusion.steps ? dd->diffusion.steps : asked,
                   .eta = dd->serving.eta,
                   .bound = 1,
                   .noise_scale = dd->serving.noise_scale};
}

static gv_status take_weights(dd_network *dd, const gv_weights *weights)
{
    dd->scaling = *gv_weights_scaling(weights);
    if (gv_dd_sizes_of(&dd->config, gv_weights_ticks(weights), &dd->sizes) != GV_OK) {
        return GV_FAIL(GV_ECORRUPT, "%s: %.500s", gv_weights_path(weights), gv_status_detail());
    }
    set_jumps(dd);
    GV_TRY(build(dd));
    GV_TRY(gv_weights_fill(weights, GV_DD_PREFIX, dd->params));
    GV_TRY(gv_tape_create(dd->graph, dd->params, &dd->tape));
    GV_TRY(gv_dense_mlp_create(dd->params, GV_DD_INVERSE, &dd->sizes.inverse, 1, &dd->inverse));
    return make_room(dd);
}

static gv_status open_on(dd_network *dd, const char *path)
{
    gv_weights *weights = NULL;
    if (pthread_mutex_init(&dd->lock, NULL) != 0) {
        return GV_FAIL(GV_ENOMEM, "%s: no lock for its network", path);
    }
    dd->has_lock = true;
    GV_TRY(gv_weights_open(path, &gv_learner_dd.info, &dd->config, &weights));
    const gv_status status = take_weights(dd, weights);
    gv_weights_close(weights);
    return status;
}

static void network_destroy(dd_network *dd)
{
    gv_dense_mlp_destroy(dd->inverse);
    gv_tape_destroy(dd->tape);
    gv_graph_destroy(dd->graph);
    gv_params_destroy(dd->params);
    gv_mem_free(dd->x);
    gv_mem_free(dd->noise);
    gv_mem_free(dd->drawn);
    if (dd->has_lock) {
        (void)pthread_mutex_destroy(&dd->lock);
    }
}

gv_status gv_dd_open(const char *path, const gv_dd_serving *serving, gv_dd **out)
{
    gv_dd *dd = gv_mem_alloc(sizeof *dd, 1, sizeof *dd->network);
    if (dd == NULL) {
        return GV_FAIL(GV_ENOMEM, "%s: no memory for its network", path);
    }
    dd->network = (dd_network *)(dd + 1);
    dd->network->serving = *serving;
    const gv_status status = open_on(dd->network, path);
    if (status != GV_OK) {
        gv_dd_close(dd);
        return status;
    }
    *out = dd;
    return GV_OK;
}

void gv_dd_close(gv_dd *dd)
{
    if (dd != NULL) {
        network_destroy(dd->network);
        gv_mem_free(dd);
    }
}

size_t gv_dd_ticks(const gv_dd *dd)
{
    return dd->network->sizes.ticks;
}

/* ---- seats ----------------------------------------------------------------------------------- */

static size_t remembered(const dd_network *dd)
{
    return (dd->sizes.ticks + dd->sizes.horizon) * GV_STATE_SIZE;
}

gv_status gv_dd_seat_create(const gv_dd *shared, uint64_t seed, uint64_t number, gv_dd_seat **out)
{
    dd_network *dd = shared->network;
    gv_dd_seat *seat = gv_mem_alloc(sizeof *seat, remembered(dd), sizeof(float));
    if (seat == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for what a campaign remembers");
    }
    *seat = (gv_dd_seat){.dd = dd, .seed = seed, .number = number};
    seat->states = (float *)(seat + 1);
    seat->plan = seat->states + dd->sizes.ticks * GV_STATE_SIZE;
    *out = seat;
    return GV_OK;
}

void gv_dd_seat_destroy(gv_dd_seat *seat)
{
    gv_mem_free(seat);
}

const float *gv_dd_plan(const gv_dd_seat *seat)
{
    return seat->plan;
}

/* ---- a tick ---------------------------------------------------------------------------------- */

static void see(gv_dd_seat *seat, const gv_observation *seen)
{
    const dd_network *dd = seat->dd;
    double state[GV_STATE_SIZE];
    seat->length = seen->tick == 0 ? 0 : seat->length;
    assert(seen->tick == seat->length);
    assert(seen->tick < dd->sizes.ticks);
    gv_state_of(seen, dd->serving.window, state);
    gv_scaling_state(&dd->scaling, state, seat->states + seat->length * GV_STATE_SIZE);
    seat->length++;
}

/* Normal numbers of the seat's tick, drawn before jump i; number 0: the start. */
static void draw(const dd_network *dd, const gv_dd_seat *seat, size_t i, float *noise)
{
    const size_t count = dd->sizes.horizon * GV_STATE_SIZE;
    const gv_random random = gv_random_key(seat->seed, GV_STREAM_NOISE, seat->number);
    const uint64_t each = dd->jumps.count + 1;
    const uint64_t first = ((seat->length - 1) * each + i) * count;
    gv_random_fill_normal(&random, first, count, dd->drawn);
    for (size_t n = 0; n < count; n++) {
        noise[n] = (float)dd->drawn[n];
    }
}

static void put_past(const gv_dd_seat *seat, float *x)
{
    memcpy(x, seat->states, seat->length * GV_STATE_SIZE * sizeof *x);
}

/* The guided guess at the noise in dd->x; valid until the next. */
static const float *guess(dd_network *dd, size_t k)
{
    const gv_tape_step step = {.is_training = false};
    const size_t numbers = dd->sizes.horizon * GV_STATE_SIZE;
    const size_t base = dd->sizes.unet.base;
    float *x = gv_tape_f32(dd->tape, dd->inputs.x);
    float *features = gv_tape_f32(dd->tape, dd->inputs.step);
    for (size_t pass = 0; pass < PASSES; pass++) {
        memcpy(x + pass * numbers, dd->x, numbers * sizeof *x);
        gv_unet_step_features((double)(k - 1), base, features + pass * base);
        gv_tape_f32(dd->tape, dd->inputs.condition)[pass] = (float)dd->serving.target;
        gv_tape_f32(dd->tape, dd->inputs.keep)[pass] = pass == 0 ? 1 : 0;
    }
    gv_tape_forward(dd->tape, &step);
    float *eps = gv_tape_f32(dd->tape, dd->guess);
    gv_diffusion_guide(eps + numbers, dd->serving.guidance, numbers, eps);
    return eps;
}

/* dd->x becomes a period of the seat. */
static void imagine(dd_network *dd, const gv_dd_seat *seat)
{
    const size_t numbers = dd->sizes.horizon * GV_STATE_SIZE;
    draw(dd, seat, 0, dd->x);
    for (size_t n = 0; n < numbers; n++) {
        dd->x[n] *= (float)dd->serving.noise_scale;
    }
    put_past(seat, dd->x);
    for (size_t i = dd->jumps.count; i >= 1; i--) {
        const float *eps = guess(dd, gv_diffusion_stop(&dd->diffusion, &dd->jumps, i));
        if (gv_diffusion_sigma(&dd->diffusion, &dd->jumps, i) > 0) {
            draw(dd, seat, i, dd->noise);
        }
        gv_diffusion_jump(&dd->diffusion, &dd->jumps, i, eps, dd->noise, numbers, dd->x);
        put_past(seat, dd->x);
    }
}

static void act(dd_network *dd, gv_dd_seat *seat)
{
    float seen[GV_DD_INVERSE_INPUTS];
    float action = 0;
    const bool is_last = seat->length == dd->sizes.ticks;
    if (is_last && seat->length > 1) {
        return;
    }
    imagine(dd, seat);
    memcpy(seat->plan, dd->x, dd->sizes.horizon * GV_STATE_SIZE * sizeof *seat->plan);
    const size_t next = is_last ? seat->length - 1 : seat->length;
    gv_dd_gather(seat->states, seat->length - 1, seat->plan + next * GV_STATE_SIZE, seen);
    gv_dense_mlp_apply(dd->inverse, seen, 1, &action);
    seat->action = (double)action;
}

static void lock(dd_network *dd)
{
    const int error = pthread_mutex_lock(&dd->lock);
    assert(error == 0);
}

static void unlock(dd_network *dd)
{
    const int error = pthread_mutex_unlock(&dd->lock);
    assert(error == 0);
}

void gv_dd_act(gv_dd_seat *const *seats, const gv_observation *observations, size_t count,
               double *actions)
{
    if (count == 0) {
        return;
    }
    dd_network *dd = seats[0]->dd;
    lock(dd);
    for (size_t i = 0; i < count; i++) {
        assert(seats[i]->dd == dd);
        see(seats[i], &observations[i]);
    }
    for (size_t i = 0; i < count; i++) {
        act(dd, seats[i]);
        actions[i] = seats[i]->action * dd->scaling.action_divisor;
    }
    unlock(dd);
}

/* ---- going on -------------------------------------------------------------------------------- */

/* Without gaps. */
typedef struct kept {
    uint64_t length;
    double action;
} kept;

gv_status gv_dd_seat_save(const gv_dd_seat *seat, gv_writer *writer)
{
    const kept now = {.length = seat->length, .action = seat->action};
    GV_TRY(gv_writer_put(writer, SEAT_TAG, &now, sizeof now));
    return gv_writer_put(writer, PAST_TAG, seat->states, remembered(seat->dd) * sizeof(float));
}

gv_status gv_dd_seat_restore(gv_dd_seat *seat, gv_reader *reader)
{
    const dd_network *dd = seat->dd;
    kept now;
    GV_TRY(gv_reader_get(reader, SEAT_TAG, &now, sizeof now));
    if (now.length > dd->sizes.ticks) {
        return GV_FAIL(GV_ECORRUPT,
                       "the saved campaign remembers %llu ticks, the network knows %zu",
                       (unsigned long long)now.length, dd->sizes.ticks);
    }
    GV_TRY(gv_reader_get(reader, PAST_TAG, seat->states, remembered(dd) * sizeof(float)));
    seat->length = (size_t)now.length;
    seat->action = now.action;
    return GV_OK;
}
