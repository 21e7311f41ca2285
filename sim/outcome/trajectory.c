#include "sim/outcome/trajectory.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/money.h"
#include "sim/base/safetensors.h"
#include "sim/market/observation.h"
#include "sim/market/outlook.h"

enum { FIRST_COUNT = 64, NAMES_SIZE = 1024 };

/*
 * The tensors: field, type in the file, C type, whether one number a tick or one in all, and how
 * many numbers that is.
 */
#define TENSOR_LIST(X)                                      \
    X(state, GV_TENSOR_F64, double, true, GV_STATE_SIZE)    \
    X(action, GV_TENSOR_F64, double, true, 1)               \
    X(reward, GV_TENSOR_F64, double, true, 1)               \
    X(reward_continuous, GV_TENSOR_F64, double, true, 1)    \
    X(outlook, GV_TENSOR_F32, float, true, GV_OUTLOOK_SIZE) \
    X(done, GV_TENSOR_U8, uint8_t, true, 1)                 \
    X(length, GV_TENSOR_I64, int64_t, false, 1)             \
    X(period, GV_TENSOR_I64, int64_t, false, 1)             \
    X(advertiser, GV_TENSOR_I64, int64_t, false, 1)         \
    X(category, GV_TENSOR_I64, int64_t, false, 1)           \
    X(budget, GV_TENSOR_F64, double, false, 1)              \
    X(cpa, GV_TENSOR_F64, double, false, 1)                 \
    X(spend, GV_TENSOR_F64, double, false, 1)               \
    X(conversions, GV_TENSOR_F64, double, false, 1)         \
    X(score, GV_TENSOR_F64, double, false, 1)               \
    X(oracle, GV_TENSOR_F64, double, true, 1)               \
    X(expert, GV_TENSOR_U8, uint8_t, false, 1)

/* All of them, and the last, which only a set that was taught has in its file. */
enum {
#define X(name, type, c_type, by_tick, width) TENSOR_##name,
    TENSOR_LIST(X)
#undef X
        TENSORS,
    TAUGHT_TENSORS = 2
};

struct gv_trajectories {
    size_t tick_count;
    size_t count;
    size_t capacity;
    bool is_taught;
    gv_seat_tick *history;       /* [tick_count]: scratch, what a state looks back on */
    gv_trajectory_tick *scratch; /* [tick_count] */
#define X(name, type, c_type, by_tick, width) c_type *name;
    TENSOR_LIST(X)
#undef X
};

gv_status gv_trajectories_create(size_t tick_count, gv_trajectories **out)
{
    assert(tick_count >= 1);
    gv_trajectories *set = gv_mem_alloc(sizeof *set, 0, 0);
    if (set == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for trajectories");
    }
    set->tick_count = tick_count;
    set->history = gv_mem_alloc(0, tick_count, sizeof *set->history);
    set->scratch = gv_mem_alloc(0, tick_count, sizeof *set->scratch);
    if (set->history == NULL || set->scratch == NULL) {
        gv_trajectories_destroy(set);
        return GV_FAIL(GV_ENOMEM, "no memory for trajectories of %zu ticks", tick_count);
    }
    *out = set;
    return GV_OK;
}

void gv_trajectories_destroy(gv_trajectories *set)
{
    if (set == NULL) {
        return;
    }
#define X(name, type, c_type, by_tick, width) gv_mem_free(set->name);
    TENSOR_LIST(X)
#undef X
    gv_mem_free(set->history);
    gv_mem_free(set->scratch);
    gv_mem_free(set);
}

size_t gv_trajectories_count(const gv_trajectories *set)
{
    return set->count;
}

size_t gv_trajectories_ticks(const gv_trajectories *set)
{
    return set->tick_count;
}

/* The old content stays; what is new is zero. On NULL the old block is kept. */
static void *lengthen(void *block, size_t from, size_t to, size_t size)
{
    unsigned char *longer = gv_mem_resize(block, to, size);
    if (longer != NULL) {
        memset(longer + from * size, 0, (to - from) * size);
    }
    return longer;
}

static gv_status widen(gv_trajectories *set, size_t wider)
{
    bool is_whole = true;
#define X(name, type, c_type, by_tick, width)                                                      \
    {                                                                                              \
        const size_t each = ((by_tick) ? set->tick_count : 1) * (size_t)(width);                   \
        void *longer = lengthen(set->name, set->capacity * each, wider * each, sizeof *set->name); \
        set->name = longer != NULL ? longer : set->name;                                           \
        is_whole = longer != NULL && is_whole;                                                     \
    }
    TENSOR_LIST(X)
#undef X
    if (!is_whole) {
        return GV_FAIL(GV_ENOMEM, "no memory for %zu trajectories of %zu ticks", wider,
                       set->tick_count);
    }
    set->capacity = wider;
    return GV_OK;
}

static gv_status make_room(gv_trajectories *set)
{
    if (set->count < set->capacity) {
        return GV_OK;
    }
    return widen(set, set->capacity == 0 ? FIRST_COUNT : 2 * set->capacity);
}

gv_status gv_trajectories_reserve(gv_trajectories *set, size_t count)
{
    return count <= set->capacity ? GV_OK : widen(set, count);
}

static double money_of(int64_t nanos)
{
    return (double)nanos / (double)GV_NANOS_PER_UNIT;
}

/* As it would have been announced at the tick's start. */
static gv_observation observe(const gv_trajectories *set, const gv_trajectory_about *about,
                              const gv_trajectory_tick *now, size_t tick)
{
    const double count = (double)now->got.tally.auctions;
    return (gv_observation){
        .tick = tick,
        .tick_count = set->tick_count,
        .budget_nanos = about->budget_nanos,
        .budget_left_nanos = now->left_nanos,
        .market = {.is_market = true,
                   .announced_count = now->got.tally.auctions,
                   .announced_value =
                       count > 0.0 ? (double)now->got.value_units / GV_VALUE_UNITS / count : 0.0,
                   .ticks = set->history},
    };
}

static void write_tick(gv_trajectories *set, const gv_trajectory_about *about,
                       const gv_trajectory_tick *now, size_t tick)
{
    const size_t at = set->count * set->tick_count + tick;
    const double values = (double)now->got.value_units / GV_VALUE_UNITS;
    const gv_observation observation = observe(set, about, now, tick);
    gv_state_of(&observation, GV_STATE_LATEST_THREE, set->state + at * GV_STATE_SIZE);
    gv_outlook_told(&observation, about->cpa_nanos, set->outlook + at * GV_OUTLOOK_SIZE);
    set->action[at] = values > 0.0 ? money_of(now->got.tally.bid_nanos) / values : 0.0;
    set->reward[at] = (double)now->rewarded;
    set->reward_continuous[at] = (double)now->got.exposed_value_units / GV_VALUE_UNITS;
    set->history[tick] = now->got;
}

static void write_facts(gv_trajectories *set, const gv_trajectory_about *about,
                        const gv_seat_tick *total)
{
    const size_t at = set->count;
    set->period[at] = (int64_t)about->period;
    set->advertiser[at] = (int64_t)about->advertiser;
    set->category[at] = (int64_t)about->category;
    set->budget[at] = money_of(about->budget_nanos);
    set->cpa[at] = money_of(about->cpa_nanos);
    set->spend[at] = money_of(total->tally.spend_nanos);
    set->conversions[at] = (double)total->tally.conversions;
    set->score[at] = gv_seat_score(total, about->cpa_nanos);
}

/* `after`: what came behind the period. */
static gv_status add(gv_trajectories *set, const gv_trajectory_about *about,
                     const gv_trajectory_tick *ticks, const gv_seat_tick *after)
{
    GV_TRY(make_room(set));
    gv_seat_tick total = *after;
    size_t length = set->tick_count;
    for (size_t tick = 0; tick < set->tick_count; tick++) {
        write_tick(set, about, &ticks[tick], tick);
        gv_seat_tick_add(&total, &ticks[tick].got);
        if (ticks[tick].has_ended) {
            set->done[set->count * set->tick_count + tick] = 1;
            length = tick + 1 < length ? tick + 1 : length;
        }
    }
    set->done[set->count * set->tick_count + set->tick_count - 1] = 1;
    set->length[set->count] = (int64_t)length;
    write_facts(set, about, &total);
    set->count++;
    return GV_OK;
}

gv_status gv_trajectories_add(gv_trajectories *set, const gv_trajectory_about *about,
                              const gv_trajectory_tick *ticks)
{
    const gv_seat_tick nothing = {0};
    return add(set, about, ticks, &nothing);
}

gv_status gv_trajectories_add_seat(gv_trajectories *set, const gv_trajectory_about *about,
                                   const gv_seat_tick *ticks)
{
    int64_t left = about->budget_nanos;
    for (size_t tick = 0; tick < set->tick_count; tick++) {
        set->scratch[tick] = (gv_trajectory_tick){
            .got = ticks[tick], .left_nanos = left, .rewarded = ticks[tick].tally.conversions};
        left -= ticks[tick].tally.spend_nanos;
    }
    return add(set, about, set->scratch, &ticks[set->tick_count]);
}

void gv_trajectories_teach(gv_trajectories *set, const double *oracle, bool is_expert)
{
    assert(set->count > 0);
    const size_t last = set->count - 1;
    memcpy(set->oracle + last * set->tick_count, oracle, set->tick_count * sizeof *oracle);
    set->expert[last] = is_expert ? 1 : 0;
    set->is_taught = true;
}

double gv_trajectories_last_score(const gv_trajectories *set)
{
    assert(set->count > 0);
    return set->score[set->count - 1];
}

/* Its numbers become zero again, which is what new ones begin with. */
void gv_trajectories_drop(gv_trajectories *set)
{
    assert(set->count > 0);
    set->count--;
#define X(name, type, c_type, by_tick, width)                                    \
    {                                                                            \
        const size_t each = ((by_tick) ? set->tick_count : 1) * (size_t)(width); \
        memset(set->name + set->count * each, 0, each * sizeof *set->name);      \
    }
    TENSOR_LIST(X)
#undef X
}

gv_status gv_trajectories_append(gv_trajectories *set, const gv_trajectories *more)
{
    assert(set->tick_count == more->tick_count);
    GV_TRY(gv_trajectories_reserve(set, set->count + more->count));
#define X(name, type, c_type, by_tick, width)                                                      \
    {                                                                                              \
        const size_t each = ((by_tick) ? set->tick_count : 1) * (size_t)(width);                   \
        memcpy(set->name + set->count * each, more->name, more->count * each * sizeof *set->name); \
    }
    if (more->count > 0) {
        TENSOR_LIST(X)
    }
#undef X
    set->count += more->count;
    set->is_taught = set->is_taught || more->is_taught;
    return GV_OK;
}

static const char *name_in_state(size_t entry)
{
    return gv_state_name((gv_state_entry)entry);
}

static const char *name_in_outlook(size_t entry)
{
    return gv_outlook_name((gv_outlook_entry)entry);
}

/* text: [NAMES_SIZE] */
static void print_names(const char *(*name_of)(size_t entry), size_t count, char *text)
{
    size_t size = 0;
    for (size_t entry = 0; entry < count; entry++) {
        size += (size_t)snprintf(text + size, NAMES_SIZE - size, "%s%s", entry == 0 ? "" : ",",
                                 name_of(entry));
        assert(size < NAMES_SIZE);
    }
}

/* Returns how many there are. */
static size_t list_tensors(const gv_trajectories *set, gv_tensor *tensors)
{
    const gv_tensor all[] = {
#define X(field, kind, c_type, by_tick, width)                        \
    {.name = #field,                                                  \
     .type = (kind),                                                  \
     .rank = 1U + ((by_tick) ? 1U : 0U) + ((width) > 1 ? 1U : 0U),    \
     .shape = {set->count, (by_tick) ? set->tick_count : 0, (width)}, \
     .data = set->field},
        TENSOR_LIST(X)
#undef X
    };
    const size_t count = TENSORS - (set->is_taught ? 0 : TAUGHT_TENSORS);
    memcpy(tensors, all, count * sizeof *tensors);
    return count;
}

gv_status gv_trajectories_write_more(const gv_trajectories *set, const char *path,
                                     const char *source, const char *provenance,
                                     const gv_trajectory_more *more)
{
    char state[NAMES_SIZE];
    char outlook[NAMES_SIZE];
    gv_tensor tensors[TENSORS + GV_TRAJECTORY_MORE_MAX];
    gv_tensor_note notes[] = {{"kind", "trajectories"},   {"state", state},
                              {"outlook", outlook},       {"source", source},
                              {"provenance", provenance}, {NULL, NULL}};
    size_t note_count = provenance == NULL ? 4 : 5;
    print_names(name_in_state, GV_STATE_SIZE, state);
    print_names(name_in_outlook, GV_OUTLOOK_SIZE, outlook);
    const size_t own = list_tensors(set, tensors);
    assert(more->tensor_count <= GV_TRAJECTORY_MORE_MAX);
    for (size_t i = 0; i < more->tensor_count; i++) {
        tensors[own + i] = more->tensors[i];
    }
    if (more->note != NULL) {
        notes[note_count++] = *more->note;
    }
    return gv_safetensors_write(path, tensors, own + more->tensor_count, notes, note_count);
}

gv_status gv_trajectories_write(const gv_trajectories *set, const char *path, const char *source,
                                const char *provenance)
{
    return gv_trajectories_write_more(set, path, source, provenance, &(gv_trajectory_more){0});
}
