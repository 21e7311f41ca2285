/* Examples into a network's inputs, and slopes back to the rows of the table. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "models/predict/net_impl.h"

void gv_net_age(double seconds, float out[GV_NET_AGES])
{
    out[0] = (float)(log1p(seconds / 60) / 8);
    out[1] = (float)exp(-seconds / 3600);
    out[2] = (float)exp(-seconds / 86400);
}

void gv_net_decays(double seconds, float out[GV_NET_DECAYS])
{
    for (size_t r = 0; r < GV_NET_DECAYS; r++) {
        out[r] = (float)exp(-gv_net_decay_rates[r] * seconds);
    }
}

/* Which tokens of a row with `count` events there are. */
static void tell_lengths(const gv_net *net, const gv_net_places *places, size_t place, size_t count)
{
    const size_t length = net->setup.shape.past_length;
    const size_t fields = net->setup.shape.field_count;
    const size_t tokens = fields + length + GV_NET_TASKS;
    assert(places->seen != NULL);
    assert(places->shares != NULL);
    float *seen = places->seen + place * tokens;
    float *shares = places->shares + place * length;
    for (size_t i = 0; i < tokens; i++) {
        seen[i] = i < fields + count || i >= fields + length ? 1.0F : 0.0F;
    }
    for (size_t i = 0; i < length; i++) {
        shares[i] = i < count ? 1.0F / (float)count : 0.0F;
    }
}

/* Ages of a row's events as tokens. */
static void gather_ages(const gv_net *net, const gv_net_places *places, size_t row, size_t place)
{
    const size_t length = net->setup.shape.past_length;
    const size_t count = net->examples->past_counts[row];
    float *ages = places->ages + place * length * GV_NET_AGES;
    tell_lengths(net, places, place, count);
    for (size_t i = 0; i < count; i++) {
        gv_net_age((double)net->examples->past_ages[row * length + i], ages + i * GV_NET_AGES);
    }
    memset(ages + count * GV_NET_AGES, 0, (length - count) * GV_NET_AGES * sizeof *ages);
}

/* What is left of a row's events that are read. */
static void gather_decays(const gv_net *net, const gv_net_places *places, size_t row, size_t place)
{
    const size_t length = net->setup.shape.past_length;
    const size_t count = net->examples->past_counts[row];
    float *decays = places->decays + place * length * GV_NET_DECAYS;
    for (size_t i = 0; i < count; i++) {
        gv_net_decays((double)net->examples->past_ages[row * length + i],
                      decays + i * GV_NET_DECAYS);
    }
    memset(decays + count * GV_NET_DECAYS, 0, (length - count) * GV_NET_DECAYS * sizeof *decays);
}

static void gather_events(const gv_net *net, const gv_net_places *places, size_t row, size_t place)
{
    const gv_examples *examples = net->examples;
    const size_t length = net->setup.shape.past_length;
    const size_t fields = net->setup.shape.past_field_count;
    const size_t numbers = fields * net->table_width;
    const size_t count = examples->past_counts[row];
    const uint32_t *buckets = examples->past_buckets + row * length * fields;
    float *past = places->past + place * length * numbers;
    for (size_t i = 0; i < count * fields; i++) {
        gv_embeddings_mean(net->table, buckets + i, 1, past + i * net->table_width);
    }
    memset(past + count * numbers, 0, (length - count) * numbers * sizeof *past);
    (net->reading.form == GV_NET_TOKENS ? gather_ages : gather_decays)(net, places, row, place);
}

/* Of each of an event's fields the mean over events. */
static void gather_means(const gv_net *net, const gv_net_places *places, size_t row, size_t place)
{
    const gv_examples *examples = net->examples;
    const size_t fields = net->setup.shape.past_field_count;
    const size_t width = net->table_width;
    const size_t count = examples->past_counts[row];
    const uint32_t *buckets = examples->past_buckets + row * net->setup.shape.past_length * fields;
    const float *values = gv_embeddings_values(net->table);
    float *past = places->past + place * fields * width;
    memset(past, 0, fields * width * sizeof *past);
    for (size_t i = 0; i < count * fields; i++) {
        float *to = past + i % fields * width;
        for (size_t k = 0; k < width; k++) {
            to[k] += values[buckets[i] * width + k] / (float)count;
        }
    }
}

static float *place_on_tape(void *tape, gv_node node)
{
    return gv_tape_f32(tape, node);
}

gv_net_places gv_net_places_of(const gv_net_nodes *nodes, gv_net_finder find, void *from)
{
    gv_net_places places = {.past = NULL};
    for (size_t i = 0; i < nodes->part_count; i++) {
        places.parts[i] = find(from, nodes->parts[i].node);
    }
    places.past = nodes->past == GV_NODE_NONE ? NULL : find(from, nodes->past);
    places.ages = nodes->ages == GV_NODE_NONE ? NULL : find(from, nodes->ages);
    places.decays = nodes->decays == GV_NODE_NONE ? NULL : find(from, nodes->decays);
    places.seen = nodes->seen == GV_NODE_NONE ? NULL : find(from, nodes->seen);
    places.shares = nodes->shares == GV_NODE_NONE ? NULL : find(from, nodes->shares);
    for (size_t i = 0; i < GV_NET_READS_MAX && nodes->code_pairs[i] != GV_NODE_NONE; i++) {
        places.code_pairs[i] = find(from, nodes->code_pairs[i]);
        places.code_weights[i] = find(from, nodes->code_weights[i]);
    }
    return places;
}

void gv_net_gather_part(const gv_net *net, const gv_net_part *part, float *values, size_t row,
                        size_t place)
{
    const gv_examples *examples = net->examples;
    const size_t fields = net->setup.shape.field_count;
    float *out = values + place * part->count * net->table_width;
    for (size_t f = 0; f < part->count; f++) {
        const uint32_t *starts = examples->starts + row * fields + part->first + f;
        gv_embeddings_mean(net->table, examples->buckets + starts[0], starts[1] - starts[0],
                           out + f * net->table_width);
    }
}

void gv_net_gather_past(const gv_net *net, const gv_net_places *places, size_t row, size_t place,
                        size_t worker)
{
    if (places->code_pairs[0] != NULL) {
        gv_net_codes_tell(net, places, row, place, worker);
    } else if (net->past_slots > 0) {
        (net->reading.form == GV_NET_POOLED ? gather_means : gather_events)(net, places, row,
                                                                            place);
    }
}

void gv_net_gather(const gv_net *net, gv_tape *tape, const gv_net_nodes *nodes, size_t row,
                   size_t place, size_t worker)
{
    const gv_net_places places = gv_net_places_of(nodes, place_on_tape, tape);
    for (size_t i = 0; i < nodes->part_count; i++) {
        gv_net_gather_part(net, &nodes->parts[i], places.parts[i], row, place);
    }
    gv_net_gather_past(net, &places, row, place, worker);
}

void gv_net_gather_none(const gv_net *net, gv_tape *tape, const gv_net_nodes *nodes, size_t place)
{
    const gv_net_places places = gv_net_places_of(nodes, place_on_tape, tape);
    const size_t past = net->past_slots * net->table_width;
    for (size_t i = 0; i < nodes->part_count; i++) {
        const size_t numbers = nodes->parts[i].count * net->table_width;
        memset(places.parts[i] + place * numbers, 0, numbers * sizeof(float));
    }
    if (places.past != NULL) {
        memset(places.past + place * past, 0, past * sizeof(float));
    }
    const size_t length = net->setup.shape.past_length;
    if (places.ages != NULL) {
        memset(places.ages + place * length * GV_NET_AGES, 0, length * GV_NET_AGES * sizeof(float));
        tell_lengths(net, &places, place, 0);
    }
    if (places.decays != NULL) {
        memset(places.decays + place * length * GV_NET_DECAYS, 0,
               length * GV_NET_DECAYS * sizeof(float));
    }
    for (size_t i = 0; i < GV_NET_READS_MAX && places.code_weights[i] != NULL; i++) {
        const size_t weights = net->reading.heads * net->reading.codes;
        memset(places.code_weights[i] + place * weights, 0, weights * sizeof(float));
    }
}

static gv_status touch_past(const gv_net *net, size_t row, const float *slopes)
{
    const gv_examples *examples = net->examples;
    const size_t fields = net->setup.shape.past_field_count;
    const size_t count = examples->past_counts[row];
    const uint32_t *buckets = examples->past_buckets + row * net->setup.shape.past_length * fields;
    const bool pools = net->reading.form == GV_NET_POOLED;
    for (size_t i = 0; i < count * fields; i++) {
        const size_t slot = pools ? i % fields : i;
        GV_TRY(gv_embeddings_touch(net->table, buckets[i], slopes + slot * net->table_width,
                                   pools ? 1.0F / (float)count : 1.0F));
    }
    return GV_OK;
}

gv_status gv_net_touch(const gv_net *net, size_t row, const float *slopes)
{
    const gv_examples *examples = net->examples;
    const size_t fields = net->setup.shape.field_count;
    for (size_t f = 0; f < fields; f++) {
        const uint32_t first = examples->starts[row * fields + f];
        const uint32_t end = examples->starts[row * fields + f + 1];
        for (uint32_t i = first; i < end; i++) {
            GV_TRY(gv_embeddings_touch(net->table, examples->buckets[i],
                                       slopes + f * net->table_width, 1.0F / (float)(end - first)));
        }
    }
    return net->past_slots == 0 ? GV_OK : touch_past(net, row, slopes + fields * net->table_width);
}
