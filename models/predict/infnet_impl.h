/* infnet_impl.h - an INFNet while it is built: its parameters, groups of tokens, hubs. */
#ifndef MODELS_PREDICT_INFNET_IMPL_H
#define MODELS_PREDICT_INFNET_IMPL_H

#include "models/nn/operators.h"
#include "models/predict/net_impl.h"

/* Groups of tokens; then what the choices of a config say. */
enum { FIELDS, PAST, TASKS, GROUPS };
enum { HUBS_ATTEND, HUBS_MEAN };
enum { TASKS_FIRST, TASKS_END };
enum { START_SAMPLE, START_LEARNED };
enum { BROADCAST_HUB, BROADCAST_TOKEN, BROADCAST_OFF };
enum { SEQUENCE_TOKENS, SEQUENCE_EVENTS, SEQUENCE_CODES };

typedef struct infnet_config {
    gv_net_common common;
    int64_t blocks;
    int64_t heads;
    int64_t field_hubs;
    int64_t past_hubs;
    int64_t inner;
    int64_t hidden;
    int64_t codes;
    int32_t hubs;
    int32_t hub_start;
    int32_t broadcast;
    int32_t tasks;
    int32_t sequence;
} infnet_config;

/* One group as it stands between two blocks. */
typedef struct group {
    const char *name;
    gv_node tokens;   /* [B, n, d]; GV_NODE_NONE: it has none */
    gv_node shares;   /* [B, n] that average them; GV_NODE_NONE: all alike */
    gv_node hubs;     /* [B, m, d] */
    size_t hub_count; /* 0: there is no such group */
} group;

typedef struct flow {
    gv_graph *graph;
    const infnet_config *config;
    gv_net_nodes *nodes;
    size_t rows;
    size_t width;
    gv_node seen;   /* of all tokens; GV_NODE_NONE: all */
    gv_node events; /* [B, L, d] that are read; GV_NODE_NONE: none are */
    group groups[GROUPS];
} flow;

static inline bool exists(const group *g)
{
    return g->hub_count > 0;
}

static inline bool has_tokens(const group *g)
{
    return g->tokens != GV_NODE_NONE;
}

/* One more behind all that there are along `axis`; all GV_NODE_NONE: it alone. */
static inline gv_node behind(gv_graph *graph, gv_node all, gv_node one, size_t axis)
{
    return all == GV_NODE_NONE ? one : gv_op_concat(graph, all, one, axis);
}

/* What is read of an event: [..., E W] -> [..., d] */
gv_node gv_infnet_events(gv_graph *graph, gv_node events, size_t width);

/* Whether the past is read, and reading number `read` by all hubs, in its block's scope. */
bool gv_infnet_reads(const flow *f);
void gv_infnet_read(flow *f, size_t read);

/* See gv_net_kind. */
gv_net_reading gv_infnet_reading(const void *config);
gv_node gv_infnet_encode(gv_graph *graph, gv_node events, const void *config);

#endif
