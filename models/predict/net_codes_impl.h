/* net_codes_impl.h - the codes of a network, and who tells of a past by them. */
#ifndef MODELS_PREDICT_NET_CODES_IMPL_H
#define MODELS_PREDICT_NET_CODES_IMPL_H

#include "models/predict/net_impl.h"
#include "models/predict/vql.h"

/* Events of one run of the graph that tells their keys and values. */
enum { GV_NET_TILE = 64 };

/* Of one thread. */
typedef struct gv_net_teller gv_net_teller;

struct gv_net_codes {
    size_t width; /* D, of all heads */
    size_t codes_at[GV_NET_READS_MAX];
    size_t shares_at[GV_NET_READS_MAX];
    gv_vql_book *books[GV_NET_READS_MAX];
    gv_vql_tally *tallies[GV_NET_READS_MAX][GV_NET_SHARDS]; /* NULL: it does not learn */
    uint32_t *counts;                                       /* [GV_NET_SHARDS][shard_rows] */
    gv_graph *encoder;
    gv_node events;          /* [GV_NET_TILE, E W] */
    gv_node pairs;           /* [GV_NET_TILE, reads 2 D] */
    gv_net_teller **tellers; /* [jobs] */
};

/* The numbers of a parameter. */
float *gv_net_codes_param(const gv_net *net, size_t index);

/* Of a network whose parameters are drawn, with its codes. */
GV_MUST_CHECK gv_status gv_net_teller_create(const gv_net *net, gv_net_teller **out);
void gv_net_teller_destroy(gv_net_teller *teller); /* accepts NULL */

/* The network has learnt on: what is known of kinds of events holds no more. */
void gv_net_teller_forget(gv_net_teller *teller);

#endif
