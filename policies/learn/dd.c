#include "policies/learn/dd.h"

#include <assert.h>
#include <math.h>
#include <pthread.h>
#include <string.h>

#include "models/nn/denoiser.h"
#include "models/nn/dense.h"
#include "models/nn/tape.h"
#include "policies/learn/dd_serve_impl.h"
#include "policies/learn/learners_impl.h"
#include "sim/base/mem.h"
#include "sim/base/money.h"
#include "sim/base/random.h"

struct gv_dd_kind {
    const gv_type_info *info; /* the learner's */
    gv_dd_traits (*traits)(const void *config);
};

#define SEAT_TAG "dd_seat"
#define PAST_TAG "dd_past"

/* What is only read points to what its calls write, under its lock. */
struct gv_dd {
    gv_dd_network *network;
    const char *path; /* both behind it */
};

/* ---- the network ----------------------------------------------------------------------------- */

/* The graphs of these two are never run: they name the parameters, which the file then fills. */
static gv_status name_noise(const gv_dd_network *dd)
{
    gv_graph *graph = NULL;
    gv_unet_inputs inputs;
    GV_TRY(gv_graph_create(&(gv_graph_config){.params = dd->params}, &graph));
    gv_graph_keep(graph, gv_dd_build_noise(graph, &dd->sizes, 1, GV_NODE_NONE, &inputs));
    const gv_status status = gv_graph_finish(graph, GV_NODE_NONE);
    gv_graph_destroy(graph);
    return status;
}

static gv_status name_inverse(const gv_dd_network *dd)
{
    gv_graph *graph = NULL;
    GV_TRY(gv_graph_create(&(gv_graph_config){.params = dd->params}, &graph));
    const gv_node seen =
        gv_graph_input(graph, "seen", gv_shape_of(2, (size_t[]){1, dd->sizes.inverse_inputs}));
    gv_graph_keep(graph, gv_dd_build_inverse(graph, &dd->sizes, seen));
    const gv_status status = gv_graph_finish(graph, GV_NODE_NONE);
    gv_graph_destroy(graph);
    return status;
}

static gv_status build_embedder(gv_dd_network *dd)
{
    gv_dd_embedder *to = &dd->embedder;
    if (dd->sizes.traits.latent == 0) {
        return GV_OK;
    }
    const gv_graph_config config = {.params = dd->params};
    GV_TRY(gv_graph_create(&config, &to->graph));
    to->z = gv_egdb_build_embedding(to->graph, &dd->sizes, 1, false, &to->inputs);
    gv_graph_keep(to->graph, to->z);
    return gv_graph_finish(to->graph, GV_NODE_NONE);
}

static gv_status build(gv_dd_network *dd)
{
    GV_TRY(gv_params_create(GV_F32, &dd->params));
    GV_TRY(name_noise(dd));
    GV_TRY(name_inverse(dd));
    GV_TRY(build_embedder(dd));
    return gv_params_draw(dd->params, 0);
}

/* The networks that serve, out of the filled parameters. */
static gv_status make_servers(gv_dd_network *dd)
{
    const gv_denoiser_config config = {.params = dd->params,
                                       .name = GV_DD_UNET,
                                       .unet = dd->sizes.unet,
                                       .channels = dd->sizes.width,
                                       .ticks = dd->sizes.horizon,
                                       .conditions = dd->sizes.condition};
    GV_TRY(gv_denoiser_create(&config, &dd->denoiser));
    if (dd->embedder.graph != NULL) {
        GV_TRY(gv_tape_create(dd->embedder.graph, dd->params, &dd->embedder.tape));
    }
    return gv_dense_mlp_create(dd->params, GV_DD_INVERSE, &dd->sizes.inverse, 1, &dd->inverse);
}

static gv_status make_room(gv_dd_network *dd)
{
    const size_t numbers = gv_dd_numbers(dd);
    const size_t passes = GV_DD_TOGETHER * dd->pass_count;
    dd->x = gv_mem_alloc(0, passes * numbers, sizeof *dd->x);
    dd->eps = gv_mem_alloc(0, passes * numbers, sizeof *dd->eps);
    dd->conditions = gv_mem_alloc(0, passes * dd->sizes.condition, sizeof *dd->conditions);
    dd->keep = gv_mem_alloc(0, passes, sizeof *dd->keep);
    dd->noise = gv_mem_alloc(0, numbers, sizeof *dd->noise);
    dd->drawn = gv_mem_alloc(0, numbers, sizeof *dd->drawn);
    if (dd->x == NULL || dd->eps == NULL || dd->conditions == NULL || dd->keep == NULL ||
        dd->noise == NULL || dd->drawn == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the periods of a decision diffuser");
    }
    return GV_OK;
}

static void set_jumps(gv_dd_network *dd)
{
    const size_t asked = dd->serving.jumps;
    dd->diffusion = gv_diffusion_cosine((size_t)dd->config.dd.diffusion_steps, GV_DIFFUSION_OFFSET);
    dd->jumps =
        (gv_jumps){.count = asked == 0 || asked > dd->diffusion.steps ? dd->diffusion.steps : asked,
                   .eta = dd->serving.eta,
                   .bound = dd->sizes.bound,
                   .noise_scale = dd->serving.noise_scale};
}

static void add_pass(gv_dd_network *dd, gv_dd_pass one, double factor)
{
    if (factor != 0) {
        dd->passes[dd->pass_count] = one;
        dd->factors[dd->pass_count] = (float)factor;
        dd->pass_count++;
    }
}

/* The guidance of gv_dd_serving as a sum of guesses; the factors add up to 1, so there is one. */
static void set_passes(gv_dd_network *dd)
{
    const double guidance = dd->serving.guidance;
    const double expert = dd->sizes.traits.latent > 0 ? dd->serving.expert_guidance : 0;
    add_pass(dd, GV_DD_NOTHING, 1 - guidance);
    add_pass(dd, GV_DD_RETURN, guidance - expert);
    add_pass(dd, GV_DD_EXPERT, expert);
}

static gv_status take_weights(gv_dd_network *dd, const gv_dd_kind *kind, const gv_weights *weights)
{
    const gv_dd_traits traits = kind->traits(&dd->config);
    GV_TRY(gv_weights_expect_features(weights, GV_FEATURES_STATE));
    dd->scaling = *gv_weights_scaling(weights);
    if (gv_dd_sizes_of(&dd->config.dd, &traits, gv_weights_ticks(weights), &dd->sizes) != GV_OK) {
        return GV_FAIL(GV_ECORRUPT, "%s: %.500s", gv_weights_path(weights), gv_status_detail());
    }
    set_jumps(dd);
    set_passes(dd);
    GV_TRY(build(dd));
    GV_TRY(gv_weights_fill(weights, GV_DD_PREFIX, dd->params));
    GV_TRY(make_servers(dd));
    return make_room(dd);
}

static gv_status open_on(gv_dd_network *dd, const gv_dd_kind *kind, const char *path)
{
    gv_weights *weights = NULL;
    if (pthread_mutex_init(&dd->lock, NULL) != 0) {
        return GV_FAIL(GV_ENOMEM, "%s: no lock for its network", path);
    }
    dd->has_lock = true;
    GV_TRY(gv_weights_open(path, kind->info, &dd->config, &weights));
    const gv_status status = take_weights(dd, kind, weights);
    gv_weights_close(weights);
    return status;
}

static void network_destroy(gv_dd_network *dd)
{
    gv_dense_mlp_destroy(dd->inverse);
    gv_tape_destroy(dd->embedder.tape);
    gv_graph_destroy(dd->embedder.graph);
    gv_denoiser_destroy(dd->denoiser);
    gv_params_destroy(dd->params);
    gv_mem_free(dd->x);
    gv_mem_free(dd->eps);
    gv_mem_free(dd->conditions);
    gv_mem_free(dd->keep);
    gv_mem_free(dd->noise);
    gv_mem_free(dd->drawn);
    if (dd->has_lock) {
        (void)pthread_mutex_destroy(&dd->lock);
    }
}

gv_status gv_dd_open(const gv_dd_kind *kind, const char *path, const gv_dd_serving *serving,
                     gv_dd **out)
{
    const size_t length = strlen(path) + 1;
    gv_dd *dd = gv_mem_alloc(sizeof *dd + sizeof *dd->network, length, 1);
    if (dd == NULL) {
        return GV_FAIL(GV_ENOMEM, "%s: no memory for its network", path);
    }
    dd->network = (gv_dd_network *)(dd + 1);
    dd->network->serving = *serving;
    dd->path = memcpy(dd->network + 1, path, length);
    const gv_status status = open_on(dd->network, kind, path);
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

const char *gv_dd_path(const gv_dd *dd)
{
    return dd->path;
}

static void lock(gv_dd_network *dd)
{
    const int error = pthread_mutex_lock(&dd->lock);
    assert(error == 0);
}

static void unlock(gv_dd_network *dd)
{
    const int error = pthread_mutex_unlock(&dd->lock);
    assert(error == 0);
}

gv_dd_counts gv_dd_counted(const gv_dd *dd)
{
    lock(dd->network);
    const gv_dd_counts counts = dd->network->counts;
    unlock(dd->network);
    return counts;
}

/* ---- seats ----------------------------------------------------------------------------------- */

static size_t remembered(const gv_dd_network *dd)
{
    const gv_dd_traits *traits = &dd->sizes.traits;
    return (dd->sizes.ticks + dd->sizes.horizon) * dd->sizes.width + traits->latent +
           (traits->has_outlook ? (size_t)GV_OUTLOOK_SIZE : 0);
}

gv_status gv_dd_seat_create(const gv_dd *shared, const gv_dd_owner *owner, gv_dd_seat **out)
{
    gv_dd_network *dd = shared->network;
    gv_dd_seat *seat = gv_mem_alloc(sizeof *seat, remembered(dd), sizeof(float));
    if (seat == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for what a campaign remembers");
    }
    *seat = (gv_dd_seat){.dd = dd, .owner = *owner};
    seat->states = (float *)(seat + 1);
    seat->plan = seat->states + dd->sizes.ticks * dd->sizes.width;
    seat->z = seat->plan + dd->sizes.horizon * dd->sizes.width;
    seat->outlook = seat->z + dd->sizes.traits.latent;
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
    const gv_dd_network *dd = seat->dd;
    double state[GV_STATE_SIZE];
    seat->length = seen->tick == 0 ? 0 : seat->length;
    assert(seen->tick == seat->length);
    assert(seen->tick < dd->sizes.ticks);
    gv_state_of(seen, dd->serving.window, state);
    gv_scaling_state(&dd->scaling, state, seat->states + seat->length * dd->sizes.width);
    seat->length++;
    if (dd->sizes.traits.has_outlook) {
        const double nanos = seat->owner.cpa * (double)GV_NANOS_PER_UNIT;
        gv_outlook_told(seen, llround(nanos), seat->outlook);
    }
}

/* The action that leads on along the seat's plan. */
static void act(gv_dd_network *dd, gv_dd_seat *seat)
{
    float seen[GV_DD_INPUTS_MAX];
    float action = 0;
    const gv_dd_sight sight = {.account = gv_dd_account(seat), .outlook = seat->outlook};
    if (!gv_dd_acts(seat)) {
        return;
    }
    const size_t next = gv_dd_is_last(seat) ? seat->length - 1 : seat->length;
    gv_dd_gather(&dd->sizes, seat->states, seat->length - 1, seat->plan + next * dd->sizes.width,
                 &sight, seen);
    gv_dense_mlp_apply(dd->inverse, seen, 1, &action);
    seat->action = (double)action;
}

void gv_dd_act(gv_dd_seat *const *seats, const gv_observation *observations, size_t count,
               double *actions)
{
    if (count == 0) {
        return;
    }
    gv_dd_network *dd = seats[0]->dd;
    lock(dd);
    for (size_t i = 0; i < count; i++) {
        assert(seats[i]->dd == dd);
        see(seats[i], &observations[i]);
    }
    for (size_t first = 0; first < count; first += GV_DD_TOGETHER) {
        gv_dd_plan_all(dd, seats + first,
                       count - first < GV_DD_TOGETHER ? count - first : GV_DD_TOGETHER);
    }
    for (size_t i = 0; i < count; i++) {
        act(dd, seats[i]);
        actions[i] =
            gv_dd_action_out(&dd->sizes, &dd->scaling, seats[i]->action, seats[i]->owner.cpa) *
            (dd->serving.shade > 0 ? dd->serving.shade : 1);
    }
    unlock(dd);
}

/* A plan's past is what was seen, which the plan itself has only up to where it was made. */
static void tell_plan(const gv_dd_seat *seat, double *plan)
{
    const gv_dd_network *dd = seat->dd;
    for (size_t tick = 0; tick < dd->sizes.ticks; tick++) {
        const float *from = tick < seat->length ? seat->states : seat->plan;
        gv_scaling_state_back(&dd->scaling, from + tick * dd->sizes.width,
                              plan + tick * GV_STATE_SIZE);
    }
}

void gv_dd_explain(const gv_dd_seat *seat, gv_explanation *out)
{
    const gv_dd_network *dd = seat->dd;
    out->return_target =
        dd->scaling.reward_offset + dd->serving.target * dd->scaling.reward_divisor;
    if (out->plan == NULL || out->plan_ticks != dd->sizes.ticks || seat->length == 0) {
        out->plan_ticks = 0;
        return;
    }
    tell_plan(seat, out->plan);
}

/* ---- kinds ----------------------------------------------------------------------------------- */

static gv_dd_traits no_traits(const void *config)
{
    (void)config;
    return (gv_dd_traits){.latent = 0};
}

static gv_dd_traits egdb_traits(const void *config)
{
    return gv_egdb_traits(config);
}

const gv_dd_kind gv_dd_diffuser = {.info = &gv_learner_dd.info, .traits = no_traits};
const gv_dd_kind gv_dd_egdb = {.info = &gv_learner_egdb.info, .traits = egdb_traits};

/* ---- going on -------------------------------------------------------------------------------- */

/* Without gaps. */
typedef struct kept {
    uint64_t length;
    uint64_t planned;
    double action;
} kept;

gv_status gv_dd_seat_save(const gv_dd_seat *seat, gv_writer *writer)
{
    const kept now = {.length = seat->length, .planned = seat->planned, .action = seat->action};
    GV_TRY(gv_writer_put(writer, SEAT_TAG, &now, sizeof now));
    return gv_writer_put(writer, PAST_TAG, seat->states, remembered(seat->dd) * sizeof(float));
}

gv_status gv_dd_seat_restore(gv_dd_seat *seat, gv_reader *reader)
{
    const gv_dd_network *dd = seat->dd;
    kept now;
    GV_TRY(gv_reader_get(reader, SEAT_TAG, &now, sizeof now));
    if (now.length > dd->sizes.ticks || now.planned > now.length) {
        return GV_FAIL(GV_ECORRUPT,
                       "the saved campaign remembers %llu ticks, the network knows %zu",
                       (unsigned long long)now.length, dd->sizes.ticks);
    }
    GV_TRY(gv_reader_get(reader, PAST_TAG, seat->states, remembered(dd) * sizeof(float)));
    seat->length = (size_t)now.length;
    seat->planned = (size_t)now.planned;
    seat->action = now.action;
    return GV_OK;
}
