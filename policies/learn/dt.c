#include "policies/learn/dt.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "policies/learn/dt_serve_impl.h"
#include "policies/learn/learners_impl.h"
#include "sim/base/mem.h"
#include "sim/base/money.h"
#include "sim/market/seat.h"

/* ---- the network ----------------------------------------------------------------------------- */

static bool is_cached(const gv_dt_network *dt)
{
    return dt->tape == NULL;
}

/* The graph of windows is also what names the parameters. */
static gv_status build(gv_dt_network *dt, const gv_weights *weights)
{
    GV_TRY(gv_params_create(GV_F32, &dt->params));
    const gv_graph_config config = {.params = dt->params};
    GV_TRY(gv_graph_create(&config, &dt->graph));
    dt->nodes = gv_dt_inputs(dt->graph, &dt->sizes, 1, dt->sizes.context);
    dt->action = gv_dt_build(dt->graph, &dt->sizes, &dt->nodes).action;
    gv_graph_keep(dt->graph, dt->action);
    GV_TRY(gv_graph_finish(dt->graph, GV_NODE_NONE));
    GV_TRY(gv_weights_expect(weights, GV_DT_PREFIX, dt->params));
    return gv_params_draw(dt->params, 0);
}

static gv_status check_weights(const gv_dt_network *dt, const gv_weights *weights)
{
    const gv_decoder *decoder = &dt->sizes.decoder;
    if (!(dt->scaling.reward_divisor > 0)) {
        return GV_FAIL(GV_ECORRUPT, "%s: returns are scaled by %g, expected above 0",
                       gv_weights_path(weights), dt->scaling.reward_divisor);
    }
    if (decoder->width % decoder->heads != 0) {
        return GV_FAIL(GV_ECORRUPT, "%s: %zu heads do not divide a width of %zu",
                       gv_weights_path(weights), decoder->heads, decoder->width);
    }
    return GV_OK;
}

gv_status gv_dt_fill(gv_dt_network *dt, const gv_weights *weights)
{
    const size_t asked = dt->serving.context;
    GV_TRY(gv_weights_expect_features(weights, GV_FEATURES_STATE));
    dt->scaling = *gv_weights_scaling(weights);
    GV_TRY(check_weights(dt, weights));
    if (asked > 0 && asked < dt->sizes.context) {
        dt->sizes.context = asked;
    }
    GV_TRY(build(dt, weights));
    GV_TRY(gv_weights_fill(weights, GV_DT_PREFIX, dt->params));
    if (dt->sizes.context == dt->sizes.ticks && !dt->serving.recomputes) {
        return gv_dt_cached_open(dt);
    }
    return gv_tape_create(dt->graph, dt->params, &dt->tape);
}

static gv_status open_on(gv_dt_network *dt, const char *path)
{
    gv_dt_config config;
    gv_weights *weights = NULL;
    GV_TRY(gv_weights_open(path, &gv_learner_dt.info, &config, &weights));
    dt->sizes = gv_dt_sizes_of(&config, gv_weights_ticks(weights));
    dt->law = gv_dt_law(&config);
    dt->bags = (gv_bag_law){.length = 1};
    const gv_status status = gv_dt_fill(dt, weights);
    gv_weights_close(weights);
    return status;
}

static void network_destroy(gv_dt_network *dt)
{
    gv_dt_cached_close(dt);
    gv_judge_close(dt->judge);
    gv_tape_destroy(dt->tape);
    gv_graph_destroy(dt->graph);
    gv_params_destroy(dt->params);
    (void)pthread_mutex_destroy(&dt->lock);
}

gv_dt *gv_dt_create(void)
{
    gv_dt *dt = gv_mem_alloc(sizeof *dt, 1, sizeof *dt->network);
    if (dt == NULL) {
        return NULL;
    }
    dt->network = (gv_dt_network *)(dt + 1);
    if (pthread_mutex_init(&dt->network->lock, NULL) != 0) {
        gv_mem_free(dt);
        return NULL;
    }
    return dt;
}

gv_status gv_dt_open(const char *path, const gv_dt_serving *serving, gv_dt **out)
{
    gv_dt *dt = gv_dt_create();
    if (dt == NULL) {
        return GV_FAIL(GV_ENOMEM, "%s: no memory for its network", path);
    }
    dt->network->serving = *serving;
    const gv_status status = open_on(dt->network, path);
    if (status != GV_OK) {
        gv_dt_close(dt);
        return status;
    }
    *out = dt;
    return GV_OK;
}

void gv_dt_close(gv_dt *dt)
{
    if (dt != NULL) {
        network_destroy(dt->network);
        gv_mem_free(dt);
    }
}

size_t gv_dt_ticks(const gv_dt *dt)
{
    return dt->network->sizes.ticks;
}

static void lock(gv_dt_network *dt)
{
    const int error = pthread_mutex_lock(&dt->lock);
    assert(error == 0);
}

static void unlock(gv_dt_network *dt)
{
    const int error = pthread_mutex_unlock(&dt->lock);
    assert(error == 0);
}

/* ---- seats ----------------------------------------------------------------------------------- */

static size_t remembered(const gv_dt_network *dt)
{
    return dt->sizes.ticks * (dt->sizes.features + 2);
}

gv_status gv_dt_seat_create(const gv_dt *shared, double budget, double cpa, gv_dt_seat **out)
{
    gv_dt_network *dt = shared->network;
    gv_dt_seat *seat = gv_mem_alloc(sizeof *seat, remembered(dt), sizeof(float));
    if (seat == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for what a campaign remembers");
    }
    *seat = (gv_dt_seat){
        .dt = dt, .account = {.budget = budget, .cpa = cpa}, .expertness = (double)NAN};
    seat->to_go = (float *)(seat + 1);
    seat->done = seat->to_go + dt->sizes.ticks;
    seat->states = seat->done + dt->sizes.ticks;
    if (is_cached(dt)) {
        lock(dt);
        const gv_status status = gv_dt_cached_take(dt, &seat->chunk, &seat->slot);
        unlock(dt);
        if (status != GV_OK) {
            gv_mem_free(seat);
            return status;
        }
    }
    *out = seat;
    return GV_OK;
}

void gv_dt_seat_destroy(gv_dt_seat *seat)
{
    if (seat == NULL) {
        return;
    }
    if (is_cached(seat->dt)) {
        lock(seat->dt);
        gv_dt_cached_give(seat->dt, seat->chunk, seat->slot);
        unlock(seat->dt);
    }
    gv_mem_free(seat);
}

void gv_dt_explain(const gv_dt_seat *seat, gv_explanation *out)
{
    if (seat->length > 0) {
        out->return_target =
            (double)seat->to_go[seat->length - 1] * seat->dt->scaling.reward_divisor;
    }
    out->expertness = seat->expertness;
}

/* ---- a tick ---------------------------------------------------------------------------------- */

static double money_of(int64_t nanos)
{
    return (double)nanos / (double)GV_NANOS_PER_UNIT;
}

static int64_t nanos_of(double money)
{
    return llround(money * (double)GV_NANOS_PER_UNIT);
}

/* As a trajectory has it: the sum of bids over the sum of values. */
static double action_done(const gv_seat_tick *tick)
{
    const double values = (double)tick->value_units / GV_VALUE_UNITS;
    return values > 0 ? money_of(tick->tally.bid_nanos) / values : 0;
}

static void begin_period(gv_dt_seat *seat)
{
    seat->length = 0;
    seat->purse = (gv_bag_purse){0};
    if (is_cached(seat->dt)) {
        gv_decoder_cache_reset(seat->dt->cached.chunks[seat->chunk], seat->slot);
    }
}

/* Writes down a tick. */
static void see(gv_dt_seat *seat, const gv_observation *seen)
{
    const gv_dt_network *dt = seat->dt;
    double state[GV_STATE_SIZE];
    float outlook[GV_OUTLOOK_SIZE];
    const gv_sight sight = {.state = state, .account = &seat->account, .outlook = outlook};
    if (seen->tick == 0) {
        begin_period(seat);
    }
    const size_t tick = (size_t)seen->tick;
    assert(tick == seat->length);
    assert(tick < dt->sizes.ticks);
    gv_state_of(seen, dt->serving.window, state);
    seat->account.conversions = (double)seen->episode.conversions;
    seat->account.spend = money_of(seen->budget_nanos - seen->budget_left_nanos);
    if (dt->lens.has_outlook) {
        gv_outlook_told(seen, nanos_of(seat->account.cpa), outlook);
    }
    gv_lens_see(&dt->lens, &dt->scaling, &sight, seat->states + tick * dt->sizes.features);
    if (tick > 0) {
        const gv_seat_tick *last = &seen->market.ticks[tick - 1];
        const double done =
            gv_lens_action(&dt->lens, &dt->scaling, seat->account.cpa, action_done(last));
        seat->done[tick - 1] = dt->lens.hides_actions ? 0 : (float)done;
        gv_bag_put(&dt->bags, &dt->law, &seat->purse, tick,
                   (double)last->exposed_value_units / GV_VALUE_UNITS, &seat->account);
    }
    const double reached = gv_bag_reached(&dt->bags, &seat->purse);
    seat->to_go[tick] = (float)(dt->serving.target - reached / dt->scaling.reward_divisor);
    seat->length = tick + 1;
}

/* Tick `tick` of a seat as position `at` of its window; behind the latest there is nothing. */
static void put_tick(const gv_dt_network *dt, const gv_dt_seat *seat, size_t tick, size_t at)
{
    const gv_dt_nodes *nodes = &dt->nodes;
    gv_tape *tape = dt->tape;
    const bool is_seen = tick < seat->length;
    const bool is_done = tick + 1 < seat->length;
    const size_t index = tick < dt->sizes.tick_end ? tick : dt->sizes.tick_end;
    const size_t width = dt->sizes.features;
    float *state = gv_tape_f32(tape, nodes->state) + at * width;
    gv_tape_f32(tape, nodes->to_go)[at] = is_seen ? seat->to_go[tick] : 0;
    gv_tape_f32(tape, nodes->action)[at] = is_done ? seat->done[tick] : 0;
    gv_tape_indices(tape, nodes->tick)[at] = is_seen ? (int32_t)index : 0;
    if (is_seen) {
        memcpy(state, seat->states + tick * width, width * sizeof *state);
    } else {
        memset(state, 0, width * sizeof *state);
    }
    if (nodes->constraint != GV_NODE_NONE) {
        gv_constraint_token(dt->serving.used, &seat->account,
                            gv_tape_f32(tape, nodes->constraint) + at * GV_CONSTRAINT_SIZE);
    }
}

/* Its window, anew. */
static void act_alone(gv_dt_network *dt, gv_dt_seat *seat)
{
    const size_t context = dt->sizes.context;
    const size_t first = seat->length > context ? seat->length - context : 0;
    const gv_tape_step step = {.is_training = false};
    for (size_t k = 0; k < context; k++) {
        put_tick(dt, seat, first + k, k);
    }
    gv_tape_forward(dt->tape, &step);
    seat->action = (double)gv_tape_f32(dt->tape, dt->action)[seat->length - 1 - first];
}

/* Whether two seats' next tokens are of one number and go into one cache. */
static bool go_together(const gv_dt_seat *a, const gv_dt_seat *b)
{
    return a->chunk == b->chunk && (a->length == 1) == (b->length == 1);
}

/* Runs of neighbours that go together, as many at a time as a cache takes. */
static void act_together(gv_dt_network *dt, gv_dt_seat *const *seats, size_t count)
{
    for (size_t from = 0; from < count;) {
        size_t end = from + 1;
        while (end < count && end - from < GV_DT_CHUNK && go_together(seats[from], seats[end])) {
            end++;
        }
        if (dt->sizes.bins > 0) {
            gv_dt_guided_act(dt, seats + from, end - from);
        } else {
            gv_dt_cached_act(dt, seats + from, end - from);
        }
        from = end;
    }
}

void gv_dt_act(gv_dt_seat *const *seats, const gv_observation *observations, size_t count,
               double *actions)
{
    if (count == 0) {
        return;
    }
    gv_dt_network *dt = seats[0]->dt;
    lock(dt);
    for (size_t i = 0; i < count; i++) {
        assert(seats[i]->dt == dt);
        see(seats[i], &observations[i]);
    }
    if (is_cached(dt)) {
        act_together(dt, seats, count);
    }
    for (size_t i = 0; !is_cached(dt) && i < count; i++) {
        act_alone(dt, seats[i]);
    }
    if (dt->guidance.candidates > 0) {
        gv_dt_guided_choose(dt, seats, count);
    }
    const double shade = dt->serving.shade > 0 ? dt->serving.shade : 1;
    for (size_t i = 0; i < count; i++) {
        actions[i] =
            shade * gv_lens_undo(&dt->lens, &dt->scaling, seats[i]->account.cpa, seats[i]->action);
    }
    unlock(dt);
}

/* ---- going on -------------------------------------------------------------------------------- */

#define SEAT_TAG  "dt_seat"
#define PAST_TAG  "dt_past"
#define CACHE_TAG "dt_cache"

/* Without gaps. */
typedef struct kept {
    uint64_t length;
    double action;
    double conversions;
    double spend;
    gv_bag_purse purse;
    double expertness;
} kept;

/* The caches' list may grow meanwhile; a cache stays where it is. */
static gv_decoder_cache *cache_of(const gv_dt_seat *seat)
{
    lock(seat->dt);
    gv_decoder_cache *cache = seat->dt->cached.chunks[seat->chunk];
    unlock(seat->dt);
    return cache;
}

gv_status gv_dt_seat_save(const gv_dt_seat *seat, gv_writer *writer)
{
    gv_dt_network *dt = seat->dt;
    const kept now = {.length = seat->length,
                      .action = seat->action,
                      .conversions = seat->account.conversions,
                      .spend = seat->account.spend,
                      .purse = seat->purse,
                      .expertness = seat->expertness};
    GV_TRY(gv_writer_put(writer, SEAT_TAG, &now, sizeof now));
    GV_TRY(gv_writer_put(writer, PAST_TAG, seat->to_go, remembered(dt) * sizeof(float)));
    if (!is_cached(dt)) {
        return GV_OK;
    }
    const gv_decoder_cache *cache = cache_of(seat);
    const size_t size = gv_decoder_cache_slot_size(cache) * sizeof(float);
    float *numbers = gv_mem_alloc_vector(size, 1);
    if (numbers == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to save what a campaign remembers");
    }
    lock(dt);
    gv_decoder_cache_save(cache, seat->slot, numbers);
    unlock(dt);
    const gv_status status = gv_writer_put(writer, CACHE_TAG, numbers, size);
    gv_mem_free(numbers);
    return status;
}

static gv_status restore_cache(gv_dt_seat *seat, gv_reader *reader)
{
    gv_dt_network *dt = seat->dt;
    gv_decoder_cache *cache = cache_of(seat);
    const size_t size = gv_decoder_cache_slot_size(cache);
    const size_t tokens = seat->length == 0 ? 0 : seat->length * dt->sizes.tokens - 1;
    float *numbers = gv_mem_alloc_vector(size, sizeof *numbers);
    if (numbers == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to restore what a campaign remembers");
    }
    const gv_status status = gv_reader_get(reader, CACHE_TAG, numbers, size * sizeof *numbers);
    if (status == GV_OK) {
        lock(dt);
        gv_decoder_cache_restore(cache, seat->slot, numbers, tokens);
        unlock(dt);
    }
    gv_mem_free(numbers);
    return status;
}

gv_status gv_dt_seat_restore(gv_dt_seat *seat, gv_reader *reader)
{
    const gv_dt_network *dt = seat->dt;
    kept now;
    GV_TRY(gv_reader_get(reader, SEAT_TAG, &now, sizeof now));
    if (now.length > dt->sizes.ticks) {
        return GV_FAIL(GV_ECORRUPT,
                       "the saved campaign remembers %llu ticks, the network knows %zu",
                       (unsigned long long)now.length, dt->sizes.ticks);
    }
    GV_TRY(gv_reader_get(reader, PAST_TAG, seat->to_go, remembered(dt) * sizeof(float)));
    seat->length = (size_t)now.length;
    seat->action = now.action;
    seat->account.conversions = now.conversions;
    seat->account.spend = now.spend;
    seat->purse = now.purse;
    seat->expertness = now.expertness;
    return is_cached(dt) ? restore_cache(seat, reader) : GV_OK;
}
