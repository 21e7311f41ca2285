#include "policies/learn/dd.h"

#include <assert.h>
#include <math.h>
#include <pthread.h>
#include <string.h>

#include "models/nn/dense.h"
#include "models/nn/tape.h"
#include "policies/learn/egdb_impl.h"
#include "policies/learn/learners_impl.h"
#include "sim/base/mem.h"
#include "sim/base/random.h"

/* A campaign's passes, each a guess under more: the batch of its own. */
typedef enum pass { NOTHING, RETURN, EXPERT, PASSES } pass;

struct gv_dd_kind {
    const gv_type_info *info; /* the learner's */
    gv_dd_traits (*traits)(const void *config);
};

#define SEAT_TAG "dd_seat"
#define PAST_TAG "dd_past"

/* Of whatever kind; both begin with the first. */
typedef union any_config {
    gv_dd_config dd;
    gv_egdb_config egdb;
} any_config;

/* Whose embedding is decoded: one campaign's, when its period begins. */
typedef struct embedder {
    gv_graph *graph; /* NULL: there are no embeddings */
    gv_egdb_inputs inputs;
    gv_node z;
    gv_tape *tape;
} embedder;

typedef struct dd_network {
    any_config config;
    gv_dd_serving serving;
    gv_dd_sizes sizes;
    gv_scaling scaling;
    gv_diffusion diffusion;
    gv_jumps jumps;
    gv_params *params;
    pass passes[PASSES];   /* those that are made */
    float factors[PASSES]; /* of their guesses */
    size_t pass_count;
    gv_graph *graph; /* of pass_count periods */
    gv_unet_inputs inputs;
    gv_node guess;
    gv_tape *tape;
    embedder embedder;
    gv_dense_mlp *inverse;
    float *x;      /* [horizon][width] */
    float *noise;  /* the same */
    double *drawn; /* the same */
    gv_dd_counts counts;
    pthread_mutex_t lock;
    bool has_lock;
} dd_network;

/* What is only read points to what its calls write, under its lock. */
struct gv_dd {
    dd_network *network;
    const char *path; /* both behind it */
};

struct gv_dd_seat {
    dd_network *dd;
    gv_dd_owner owner;
    size_t length;  /* ticks seen */
    size_t planned; /* ticks that had been seen when the plan was made */
    double action;  /* the latest, scaled */
    float *states;  /* [ticks][width]; all behind the seat */
    float *plan;    /* [horizon][width] */
    float *z;       /* [latent] */
};

/* ---- the network ----------------------------------------------------------------------------- */

static gv_status build_inverse(dd_network *dd)
{
    gv_graph *graph = NULL;
    const gv_graph_config config = {.params = dd->params};
    GV_TRY(gv_graph_create(&config, &graph));
    const gv_node seen =
        gv_graph_input(graph, "seen", gv_shape_of(2, (size_t[]){1, dd->sizes.inverse_inputs}));
    gv_graph_keep(graph, gv_dd_build_inverse(graph, &dd->sizes, seen));
    const gv_status status = gv_graph_finish(graph, GV_NODE_NONE);
    gv_graph_destroy(graph); /* it has named the parameters */
    return status;
}

static gv_status build_embedder(dd_network *dd)
{
    embedder *to = &dd->embedder;
    if (dd->sizes.traits.latent == 0) {
        return GV_OK;
    }
    const gv_graph_config config = {.params = dd->params};
    GV_TRY(gv_graph_create(&config, &to->graph));
    to->z = gv_egdb_build_embedding(to->graph, &dd->sizes, 1, false, &to->inputs);
    gv_graph_keep(to->graph, to->z);
    return gv_graph_finish(to->graph, GV_NODE_NONE);
}

static gv_status build(dd_network *dd)
{
    GV_TRY(gv_params_create(GV_F32, &dd->params));
    const gv_graph_config config = {.params = dd->params};
    GV_TRY(gv_graph_create(&config, &dd->graph));
    dd->guess = gv_dd_build_noise(dd->graph, &dd->sizes, dd->pass_count, GV_NODE_NONE, &dd->inputs);
    gv_graph_keep(dd->graph, dd->guess);
    GV_TRY(gv_graph_finish(dd->graph, GV_NODE_NONE));
    GV_TRY(build_inverse(dd));
    GV_TRY(build_embedder(dd));
    return gv_params_draw(dd->params, 0);
}

static gv_status make_room(dd_network *dd)
{
    const size_t numbers = dd->sizes.horizon * dd->sizes.width;
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
    dd->diffusion = gv_diffusion_cosine((size_t)dd->config.dd.diffusion_steps, GV_DIFFUSION_OFFSET);
    dd->jumps =
        (gv_jumps){.count = asked == 0 || asked > dd->diffusion.steps ? dd->diffusion.steps : asked,
                   .eta = dd->serving.eta,
                   .bound = dd->sizes.bound,
                   .noise_scale = dd->serving.noise_scale};
}

static void add_pass(dd_network *dd, pass one, double factor)
{
    if (factor != 0) {
        dd->passes[dd->pass_count] = one;
        dd->factors[dd->pass_count] = (float)factor;
        dd->pass_count++;
    }
}

/* The guidance of gv_dd_serving as a sum of guesses; the factors add up to 1, so there is one. */
static void set_passes(dd_network *dd)
{
    const double guidance = dd->serving.guidance;
    const double expert = dd->sizes.traits.latent > 0 ? dd->serving.expert_guidance : 0;
    add_pass(dd, NOTHING, 1 - guidance);
    add_pass(dd, RETURN, guidance - expert);
    add_pass(dd, EXPERT, expert);
}

static gv_status take_weights(dd_network *dd, const gv_dd_kind *kind, const gv_weights *weights)
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
    GV_TRY(gv_tape_create(dd->graph, dd->params, &dd->tape));
    if (dd->embedder.graph != NULL) {
        GV_TRY(gv_tape_create(dd->embedder.graph, dd->params, &dd->embedder.tape));
    }
    GV_TRY(gv_dense_mlp_create(dd->params, GV_DD_INVERSE, &dd->sizes.inverse, 1, &dd->inverse));
    return make_room(dd);
}

static gv_status open_on(dd_network *dd, const gv_dd_kind *kind, const char *path)
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

static void network_destroy(dd_network *dd)
{
    gv_dense_mlp_destroy(dd->inverse);
    gv_tape_destroy(dd->embedder.tape);
    gv_graph_destroy(dd->embedder.graph);
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

gv_status gv_dd_open(const gv_dd_kind *kind, const char *path, const gv_dd_serving *serving,
                     gv_dd **out)
{
    const size_t length = strlen(path) + 1;
    gv_dd *dd = gv_mem_alloc(sizeof *dd + sizeof *dd->network, length, 1);
    if (dd == NULL) {
        return GV_FAIL(GV_ENOMEM, "%s: no memory for its network", path);
    }
    dd->network = (dd_network *)(dd + 1);
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

gv_dd_counts gv_dd_counted(const gv_dd *dd)
{
    lock(dd->network);
    const gv_dd_counts counts = dd->network->counts;
    unlock(dd->network);
    return counts;
}

/* ---- seats ----------------------------------------------------------------------------------- */

static size_t remembered(const dd_network *dd)
{
    return (dd->sizes.ticks + dd->sizes.horizon) * dd->sizes.width + dd->sizes.traits.latent;
}

gv_status gv_dd_seat_create(const gv_dd *shared, const gv_dd_owner *owner, gv_dd_seat **out)
{
    dd_network *dd = shared->network;
    gv_dd_seat *seat = gv_mem_alloc(sizeof *seat, remembered(dd), sizeof(float));
    if (seat == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for what a campaign remembers");
    }
    *seat = (gv_dd_seat){.dd = dd, .owner = *owner};
    seat->states = (float *)(seat + 1);
    seat->plan = seat->states + dd->sizes.ticks * dd->sizes.width;
    seat->z = seat->plan + dd->sizes.horizon * dd->sizes.width;
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

static gv_account account_of(const gv_dd_seat *seat)
{
    return (gv_account){.budget = seat->owner.budget, .cpa = seat->owner.cpa};
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
    gv_scaling_state(&dd->scaling, state, seat->states + seat->length * dd->sizes.width);
    seat->length++;
}

/* z of an expert as the campaign may have one; its first state has been seen. */
static void embed(dd_network *dd, gv_dd_seat *seat)
{
    const gv_tape_step step = {.is_training = false};
    const gv_account account = account_of(seat);
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
static void draw(const dd_network *dd, const gv_dd_seat *seat, size_t i, float *noise)
{
    const size_t count = dd->sizes.horizon * dd->sizes.width;
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

/* What each pass is told, the same for a whole denoising. */
static void put_conditions(dd_network *dd, const gv_dd_seat *seat)
{
    const gv_dd_sizes *sizes = &dd->sizes;
    for (size_t i = 0; i < dd->pass_count; i++) {
        const gv_dd_told told = {.reached = dd->serving.target,
                                 .keeps_cpa = true,
                                 .is_hidden = dd->passes[i] == NOTHING,
                                 .account = account_of(seat)};
        float *row = gv_tape_f32(dd->tape, dd->inputs.condition) + i * sizes->condition;
        gv_dd_tell(sizes, &told, row);
        memset(row + sizes->told, 0, sizes->traits.latent * sizeof *row);
        if (dd->passes[i] == EXPERT) {
            memcpy(row + sizes->told, seat->z, sizes->traits.latent * sizeof *row);
        }
        gv_tape_f32(dd->tape, dd->inputs.keep)[i] = dd->passes[i] == NOTHING ? 0 : 1;
    }
}

/* The passes' guesses, one behind the other, as the guidance has it; the last becomes it. */
static float *guided(const dd_network *dd, float *guesses)
{
    const size_t numbers = dd->sizes.horizon * dd->sizes.width;
    float *last = guesses + (dd->pass_count - 1) * numbers;
    if (dd->pass_count == 2) {
        gv_diffusion_guide(guesses, (double)dd->factors[1], numbers, last);
    } else if (dd->pass_count == PASSES) {
        const gv_guidance by = {.some = dd->serving.guidance, .more = dd->serving.expert_guidance};
        gv_diffusion_guide_twice(guesses, guesses + numbers, &by, numbers, last);
    }
    return last;
}

/* The guided guess at the noise in dd->x; valid until the next. */
static const float *guess(dd_network *dd, const gv_dd_seat *seat, size_t k)
{
    const gv_tape_step step = {.is_training = false};
    const size_t numbers = dd->sizes.horizon * dd->sizes.width;
    const size_t base = dd->sizes.unet.base;
    float *x = gv_tape_f32(dd->tape, dd->inputs.x);
    float *features = gv_tape_f32(dd->tape, dd->inputs.step);
    for (size_t i = 0; i < dd->pass_count; i++) {
        memcpy(x + i * numbers, dd->x, numbers * sizeof *x);
        gv_unet_step_features((double)(k - 1), base, features + i * base);
    }
    put_conditions(dd, seat);
    gv_tape_forward(dd->tape, &step);
    return guided(dd, gv_tape_f32(dd->tape, dd->guess));
}

/* The last jump's guess at the states is the plan: whether one to come has to be held. */
static void count_clamped(dd_network *dd, const gv_dd_seat *seat, const float *eps)
{
    const size_t known = seat->length * dd->sizes.width;
    const size_t numbers = dd->sizes.ticks * dd->sizes.width;
    dd->counts.plans++;
    if (known < numbers && gv_diffusion_exceeds(&dd->diffusion, &dd->jumps, 1, eps + known,
                                                numbers - known, dd->x + known)) {
        dd->counts.clamped++;
    }
}

/* dd->x becomes a period of the seat. */
static void imagine(dd_network *dd, const gv_dd_seat *seat)
{
    const size_t numbers = dd->sizes.horizon * dd->sizes.width;
    draw(dd, seat, 0, dd->x);
    for (size_t n = 0; n < numbers; n++) {
        dd->x[n] *= (float)dd->serving.noise_scale;
    }
    put_past(seat, dd->x);
    for (size_t i = dd->jumps.count; i >= 1; i--) {
        const float *eps = guess(dd, seat, gv_diffusion_stop(&dd->diffusion, &dd->jumps, i));
        if (gv_diffusion_sigma(&dd->diffusion, &dd->jumps, i) > 0) {
            draw(dd, seat, i, dd->noise);
        }
        if (i == 1) {
            count_clamped(dd, seat, eps);
        }
        gv_diffusion_jump(&dd->diffusion, &dd->jumps, i, eps, dd->noise, numbers, dd->x);
        put_past(seat, dd->x);
    }
}

/* How far the latest state is from where the plan has it. */
static double strayed(const dd_network *dd, const gv_dd_seat *seat)
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

static bool is_due(const dd_network *dd, const gv_dd_seat *seat)
{
    const size_t every = dd->serving.replan > 0 ? dd->serving.replan : 1;
    if (seat->length == 1 || seat->length >= seat->planned + every) {
        return true;
    }
    return dd->serving.band > 0 && strayed(dd, seat) > dd->serving.band;
}

static void plan(dd_network *dd, gv_dd_seat *seat)
{
    if (is_due(dd, seat)) {
        imagine(dd, seat);
        memcpy(seat->plan, dd->x, dd->sizes.horizon * dd->sizes.width * sizeof *seat->plan);
        seat->planned = seat->length;
        return;
    }
    put_past(seat, seat->plan);
}

static void act(dd_network *dd, gv_dd_seat *seat)
{
    float seen[GV_DD_SEEN * GV_STATE_SIZE + GV_DD_CAMPAIGN];
    float action = 0;
    const gv_account account = account_of(seat);
    const bool is_last = seat->length == dd->sizes.ticks;
    if (is_last && seat->length > 1) {
        return;
    }
    if (seat->length == 1 && dd->embedder.tape != NULL) {
        embed(dd, seat);
    }
    plan(dd, seat);
    const size_t next = is_last ? seat->length - 1 : seat->length;
    gv_dd_gather(&dd->sizes, seat->states, seat->length - 1, seat->plan + next * dd->sizes.width,
                 &account, seen);
    gv_dense_mlp_apply(dd->inverse, seen, 1, &action);
    seat->action = (double)action;
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
        actions[i] =
            gv_dd_action_out(&dd->sizes, &dd->scaling, seats[i]->action, seats[i]->owner.cpa);
    }
    unlock(dd);
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
    const dd_network *dd = seat->dd;
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
