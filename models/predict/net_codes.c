/*
 * A past that a network reads by codes (VQL, vql.h): how the codes learn beside the network, and
 * what they tell of a past when it is served.
 *
 * While it learns, the graph attends over all events of a row, their keys taken for the nearest
 * codes (gv_op_nearest()): the same numbers, and slopes for values, queries and the kernel. Codes
 * follow each step's keys; shards count theirs, and the counts are added in the order of shards.
 * Served, events go one by one through a graph of their own into the sums of their codes, and the
 * network sees no more than C codes with their means and weights, however many events there were.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "models/predict/net_codes_impl.h"
#include "sim/base/mem.h"

/* Steps without a key until a code becomes one. A pass over a log may have few hundred steps. */
enum { IDLE_STEPS = 100 };

const double gv_net_decay_rates[GV_NET_DECAYS] = {0, 1.0 / 3600, 1.0 / 86400};

const gv_init gv_net_codes_init = {.law = GV_INIT_NORMAL, .scale = 1};
const gv_init gv_net_shares_init = {.law = GV_INIT_CONSTANT, .scale = 0};

gv_shape gv_net_codes_shape(const gv_net_reading *reading, size_t width)
{
    return gv_shape_of(3, (size_t[]){reading->heads, reading->codes, width / reading->heads});
}

static gv_status add_param(const gv_net *net, const char *what, size_t read, gv_shape shape,
                           gv_init init, size_t *index)
{
    char name[GV_NN_NAME_MAX];
    (void)snprintf(name, sizeof name, GV_NET_READ_SCOPE ".%s", read, what);
    return gv_params_add(net->params, name, &shape, init, index);
}

static gv_status add_params(const gv_net *net, gv_net_codes *codes)
{
    const gv_net_reading *reading = &net->reading;
    const gv_shape of_codes = gv_net_codes_shape(reading, codes->width);
    const gv_shape of_shares = gv_shape_of(2, (size_t[]){reading->heads, GV_NET_DECAYS});
    for (size_t i = 0; i < reading->reads; i++) {
        GV_TRY(add_param(net, "codes", i, of_codes, gv_net_codes_init, &codes->codes_at[i]));
        GV_TRY(add_param(net, "shares", i, of_shares, gv_net_shares_init, &codes->shares_at[i]));
    }
    return GV_OK;
}

static gv_status build_encoder(const gv_net *net, gv_net_codes *codes)
{
    const gv_graph_config config = {.params = net->params, .rows_alone = true};
    const size_t numbers = net->setup.shape.past_field_count * net->table_width;
    GV_TRY(gv_graph_create(&config, &codes->encoder));
    codes->events =
        gv_graph_input(codes->encoder, "events", gv_shape_of(2, (size_t[]){GV_NET_TILE, numbers}));
    codes->pairs = net->kind->encode(codes->encoder, codes->events, net->setup.config);
    gv_graph_keep(codes->encoder, codes->pairs);
    codes->width = gv_graph_width(codes->encoder, codes->pairs) / (2 * net->reading.reads);
    return gv_graph_finish(codes->encoder, GV_NODE_NONE);
}

static gv_status create_books(const gv_net *net, gv_net_codes *codes)
{
    const gv_net_reading *reading = &net->reading;
    gv_vql_config config = {.groups = reading->heads,
                            .width = codes->width / reading->heads,
                            .decays = GV_NET_DECAYS,
                            .idle_steps = IDLE_STEPS};
    assert(reading->heads <= GV_VQL_GROUPS_MAX);
    for (size_t g = 0; g < reading->heads; g++) {
        config.codes[g] = reading->codes;
    }
    for (size_t r = 0; r < GV_NET_DECAYS; r++) {
        config.share[r] = 1;
        config.rate[r] = gv_net_decay_rates[r];
    }
    for (size_t i = 0; i < reading->reads; i++) {
        config.seed = net->setup.seed + i;
        GV_TRY(gv_vql_book_create(&config, &codes->books[i]));
        for (size_t s = 0; net->setup.learns && s < GV_NET_SHARDS; s++) {
            GV_TRY(gv_vql_tally_create(codes->books[i], &codes->tallies[i][s]));
        }
    }
    return GV_OK;
}

gv_status gv_net_codes_create(gv_net *net, gv_net_codes **out)
{
    gv_net_codes *codes = gv_mem_alloc(sizeof *codes, 0, 0);
    if (codes == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the codes of a past");
    }
    *out = codes;
    GV_TRY(build_encoder(net, codes));
    GV_TRY(add_params(net, codes));
    GV_TRY(create_books(net, codes));
    codes->counts = gv_mem_alloc(0, GV_NET_SHARDS * net->shard_rows, sizeof *codes->counts);
    codes->tellers = gv_mem_alloc(0, net->setup.jobs, sizeof(gv_net_teller *));
    if (codes->counts == NULL || codes->tellers == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the codes of a past");
    }
    return GV_OK;
}

void gv_net_codes_destroy(const gv_net *net, gv_net_codes *codes)
{
    if (codes == NULL) {
        return;
    }
    for (size_t i = 0; codes->tellers != NULL && i < net->setup.jobs; i++) {
        gv_net_teller_destroy(codes->tellers[i]);
    }
    for (size_t i = 0; i < GV_NET_READS_MAX; i++) {
        for (size_t s = 0; s < GV_NET_SHARDS; s++) {
            gv_vql_tally_destroy(codes->tallies[i][s]);
        }
        gv_vql_book_destroy(codes->books[i]);
    }
    gv_graph_destroy(codes->encoder);
    gv_mem_free(codes->tellers);
    gv_mem_free(codes->counts);
    gv_mem_free(codes);
}

size_t gv_net_codes_width(const gv_net_codes *codes)
{
    return codes->width;
}

float *gv_net_codes_param(const gv_net *net, size_t index)
{
    return gv_params_f32(net->params) + gv_params_at(net->params, index)->offset;
}

/* Numbers of one head's codes. */
static size_t head_size(const gv_net *net)
{
    return net->reading.codes * net->codes->width / net->reading.heads;
}

static void read_codes(const gv_net *net)
{
    for (size_t i = 0; i < net->reading.reads; i++) {
        const float *from = gv_net_codes_param(net, net->codes->codes_at[i]);
        for (size_t g = 0; g < net->reading.heads; g++) {
            gv_vql_set_codes(net->codes->books[i], g, from + g * head_size(net));
        }
    }
}

static void forget(const gv_net *net)
{
    for (size_t job = 0; job < net->setup.jobs; job++) {
        gv_net_teller_forget(net->codes->tellers[job]);
    }
}

gv_status gv_net_codes_begin(const gv_net *net)
{
    gv_net_teller **tellers = net->codes->tellers;
    for (size_t job = 0; job < net->setup.jobs; job++) {
        if (tellers[job] == NULL) {
            GV_TRY(gv_net_teller_create(net, &tellers[job]));
        }
    }
    read_codes(net);
    forget(net);
    return GV_OK;
}

/* ---- learning -------------------------------------------------------------------------------- */

void gv_net_codes_collect(const gv_net *net, const gv_tape *tape, size_t shard)
{
    gv_net_codes *codes = net->codes;
    uint32_t *counts = codes->counts + shard * net->shard_rows;
    for (size_t place = 0; place < net->shard_rows; place++) {
        const size_t at = shard * net->shard_rows + place;
        counts[place] = at < net->row_count ? net->examples->past_counts[net->rows[at]] : 0;
    }
    for (size_t i = 0; i < net->reading.reads; i++) {
        const gv_vql_keys keys = {.keys = gv_tape_read_f32(tape, net->training_nodes.keys[i]),
                                  .rows = net->shard_rows,
                                  .length = net->setup.shape.past_length,
                                  .counts = counts};
        gv_vql_tally_take(codes->tallies[i][shard], codes->books[i], &keys);
    }
}

void gv_net_codes_learn(const gv_net *net)
{
    for (size_t i = 0; i < net->reading.reads; i++) {
        gv_vql_book *book = net->codes->books[i];
        float *to = gv_net_codes_param(net, net->codes->codes_at[i]);
        gv_vql_learn(book, net->codes->tallies[i], GV_NET_SHARDS);
        for (size_t g = 0; g < net->reading.heads; g++) {
            memcpy(to + g * head_size(net), gv_vql_codes(book, g), head_size(net) * sizeof *to);
        }
    }
    forget(net);
}
