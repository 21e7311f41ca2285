/*
 * What codes tell of a past. What an event is to the network depends on its buckets alone, and most
 * events are of kinds that came before: a table keeps the codes of their keys and their values, one
 * kind a slot, until the network learns on.
 */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "models/predict/net_codes_impl.h"
#include "sim/base/hash.h"
#include "sim/base/mem.h"

enum { SLOTS = 4096 };

/* Of some events, all readings: values [values], and codes [chosen] that each key chose. */
typedef struct kinds {
    float *values;
    uint32_t *codes;
} kinds;

struct gv_net_teller {
    gv_tape *tape;
    gv_vql_cache *caches[GV_NET_READS_MAX];
    size_t fields;     /* E */
    size_t values;     /* reads D */
    size_t chosen;     /* reads heads */
    bool *is_filled;   /* [SLOTS] */
    uint32_t *buckets; /* [SLOTS][E] */
    kinds kept;        /* [SLOTS] */
    kinds tile;        /* [GV_NET_TILE] of the events at hand */
};

static gv_status allocate(gv_net_teller *t)
{
    t->is_filled = gv_mem_alloc(0, SLOTS, sizeof *t->is_filled);
    t->buckets = gv_mem_alloc(0, SLOTS * t->fields, sizeof *t->buckets);
    t->kept.values = gv_mem_alloc(0, SLOTS * t->values, sizeof(float));
    t->kept.codes = gv_mem_alloc(0, SLOTS * t->chosen, sizeof(uint32_t));
    t->tile.values = gv_mem_alloc(0, GV_NET_TILE * t->values, sizeof(float));
    t->tile.codes = gv_mem_alloc(0, GV_NET_TILE * t->chosen, sizeof(uint32_t));
    if (t->is_filled == NULL || t->buckets == NULL || t->kept.values == NULL ||
        t->kept.codes == NULL || t->tile.values == NULL || t->tile.codes == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for %d kinds of events", SLOTS);
    }
    return GV_OK;
}

static gv_status fill(const gv_net *net, gv_net_teller *t)
{
    const gv_net_codes *codes = net->codes;
    t->fields = net->setup.shape.past_field_count;
    t->values = net->reading.reads * codes->width;
    t->chosen = net->reading.reads * net->reading.heads;
    GV_TRY(allocate(t));
    for (size_t i = 0; i < net->reading.reads; i++) {
        GV_TRY(gv_vql_cache_create(codes->books[i], &t->caches[i]));
    }
    return gv_tape_create(codes->encoder, net->params, &t->tape);
}

gv_status gv_net_teller_create(const gv_net *net, gv_net_teller **out)
{
    gv_net_teller *teller = gv_mem_alloc(sizeof *teller, 0, 0);
    if (teller == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to tell of a past");
    }
    const gv_status status = fill(net, teller);
    if (status != GV_OK) {
        gv_net_teller_destroy(teller);
        return status;
    }
    *out = teller;
    return GV_OK;
}

void gv_net_teller_destroy(gv_net_teller *teller)
{
    if (teller == NULL) {
        return;
    }
    for (size_t i = 0; i < GV_NET_READS_MAX; i++) {
        gv_vql_cache_destroy(teller->caches[i]);
    }
    gv_tape_destroy(teller->tape);
    gv_mem_free(teller->is_filled);
    gv_mem_free(teller->buckets);
    gv_mem_free(teller->kept.values);
    gv_mem_free(teller->kept.codes);
    gv_mem_free(teller->tile.values);
    gv_mem_free(teller->tile.codes);
    gv_mem_free(teller);
}

void gv_net_teller_forget(gv_net_teller *teller)
{
    memset(teller->is_filled, 0, SLOTS * sizeof *teller->is_filled);
}

/* ---- kinds of events ------------------------------------------------------------------------- */

static size_t slot_of(const gv_net_teller *t, const uint32_t *buckets)
{
    return (size_t)(gv_hash(buckets, t->fields * sizeof *buckets) % SLOTS);
}

/* from[i] into to[k] */
static void copy_kind(const gv_net_teller *t, kinds from, size_t i, kinds to, size_t k)
{
    memcpy(to.values + k * t->values, from.values + i * t->values, t->values * sizeof(float));
    memcpy(to.codes + k * t->chosen, from.codes + i * t->chosen, t->chosen * sizeof(uint32_t));
}

/* Into the tile if the kind is known. */
static bool recall(const gv_net_teller *t, const uint32_t *buckets, size_t place)
{
    const size_t slot = slot_of(t, buckets);
    const size_t size = t->fields * sizeof *buckets;
    if (!t->is_filled[slot] || memcmp(t->buckets + slot * t->fields, buckets, size) != 0) {
        return false;
    }
    copy_kind(t, t->kept, slot, t->tile, place);
    return true;
}

/* A kind that was not known, from its keys and values [reads][2][D], into the tile and the slot. */
static void learn_kind(const gv_net *net, gv_net_teller *t, const float *pairs,
                       const uint32_t *buckets, size_t place)
{
    const size_t width = net->codes->width;
    const size_t slot = slot_of(t, buckets);
    for (size_t i = 0; i < net->reading.reads; i++) {
        const float *key = pairs + i * 2 * width;
        gv_vql_choose(net->codes->books[i], key,
                      t->tile.codes + place * t->chosen + i * net->reading.heads);
        memcpy(t->tile.values + place * t->values + i * width, key + width, width * sizeof *key);
    }
    t->is_filled[slot] = true;
    memcpy(t->buckets + slot * t->fields, buckets, t->fields * sizeof *buckets);
    copy_kind(t, t->tile, place, t->kept, slot);
}

/* Events [count][E], at most GV_NET_TILE, into the tile. */
static void take_events(const gv_net *net, gv_net_teller *t, const uint32_t *buckets, size_t count)
{
    const size_t numbers = t->fields * net->table_width;
    size_t unknown[GV_NET_TILE];
    size_t missing = 0;
    float *events = gv_tape_f32(t->tape, net->codes->events);
    for (size_t i = 0; i < count; i++) {
        const uint32_t *own = buckets + i * t->fields;
        if (recall(t, own, i)) {
            continue;
        }
        for (size_t f = 0; f < t->fields; f++) {
            gv_embeddings_mean(net->table, own + f, 1,
                               events + missing * numbers + f * net->table_width);
        }
        unknown[missing++] = i;
    }
    if (missing == 0) {
        return;
    }
    memset(events + missing * numbers, 0, (GV_NET_TILE - missing) * numbers * sizeof *events);
    gv_tape_forward(t->tape, &(gv_tape_step){.seed = 0});
    const float *pairs = gv_tape_read_f32(t->tape, net->codes->pairs);
    for (size_t i = 0; i < missing; i++) {
        learn_kind(net, t, pairs + i * 2 * t->values, buckets + unknown[i] * t->fields, unknown[i]);
    }
}

/* ---- telling --------------------------------------------------------------------------------- */

/* Events of the tile at -ages [count] into the sums of their codes. */
static void append(const gv_net *net, gv_net_teller *t, const float *ages, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t r = 0; r < net->reading.reads; r++) {
            gv_vql_append(t->caches[r], t->tile.codes + i * t->chosen + r * net->reading.heads,
                          t->tile.values + i * t->values + r * net->codes->width, -(double)ages[i]);
        }
    }
}

/* What each reading's sums say now. */
static void say(const gv_net *net, const gv_net_teller *t, const gv_net_places *places,
                size_t place)
{
    const gv_net_reading *reading = &net->reading;
    const size_t pairs = reading->codes * 2 * net->codes->width;
    for (size_t i = 0; i < reading->reads; i++) {
        double shares[GV_VQL_GROUPS_MAX * GV_NET_DECAYS];
        const float *logs = gv_net_codes_param(net, net->codes->shares_at[i]);
        for (size_t k = 0; k < reading->heads * GV_NET_DECAYS; k++) {
            shares[k] = exp((double)logs[k]);
        }
        gv_vql_tell(t->caches[i], shares, 0, places->code_pairs[i] + place * pairs,
                    places->code_weights[i] + place * reading->heads * reading->codes);
    }
}

void gv_net_codes_tell(const gv_net *net, const gv_net_places *places, size_t row, size_t place,
                       size_t worker)
{
    gv_net_teller *t = net->codes->tellers[worker];
    const size_t length = net->setup.shape.past_length;
    const size_t count = net->examples->past_counts[row];
    const float *ages = net->examples->past_ages + row * length;
    const uint32_t *buckets = net->examples->past_buckets + row * length * t->fields;
    for (size_t i = 0; i < net->reading.reads; i++) {
        gv_vql_cache_clear(t->caches[i]);
    }
    for (size_t first = 0; first < count; first += GV_NET_TILE) {
        const size_t some = count - first < GV_NET_TILE ? count - first : GV_NET_TILE;
        take_events(net, t, buckets + first * t->fields, some);
        append(net, t, ages + first, some);
    }
    say(net, t, places, place);
}
