/* ocarm_impl.h - the graphs of teacher and student, what fills them, and how a student serves. */
#ifndef MODELS_PREDICT_OCARM_IMPL_H
#define MODELS_PREDICT_OCARM_IMPL_H

#include "models/nn/dense.h"
#include "models/nn/graph.h"
#include "models/nn/layers.h"
#include "models/nn/params.h"
#include "models/nn/tape.h"
#include "models/predict/ocarm.h"

enum {
    GV_OCARM_PAST_TOKEN = GV_ITEM_TYPES + 2, /* one of the types, dwell, age */
    GV_OCARM_ITEM_TOKEN = GV_ITEM_TYPES + 2, /* one of the types, dwell, like */
    GV_OCARM_PAST_WIDTH = 16,
    GV_OCARM_HIDDEN = 64,
    GV_OCARM_HEADS = 2,
    GV_OCARM_WIDTH_MAX = 256,
    GV_OCARM_PIECE = 64 /* rows that a teacher is asked about at once */
};

/* Temperature of InfoNCE. */
#define GV_OCARM_CONTRAST_TEMPERATURE 0.1

/* What is seen at a bid: of B rows. */
typedef struct gv_sight_nodes {
    gv_node x;     /* [B, GV_USER_FEATURES] */
    gv_node past;  /* [B, GV_USER_PAST, GV_OCARM_PAST_TOKEN] */
    gv_node valid; /* [B, GV_USER_PAST], 0 where there was no event */
} gv_sight_nodes;

/* What is seen after it. */
typedef struct gv_content_nodes {
    gv_node items; /* [B S, m, GV_OCARM_ITEM_TOKEN] */
    gv_node gaps;  /* [B, S, 1] */
    gv_node valid; /* [B, S], 0 where there was no session */
} gv_content_nodes;

/* What a network says. */
typedef struct gv_retention_nodes {
    gv_node r;     /* [B, width] */
    gv_node logit; /* [B] */
} gv_retention_nodes;

/* What a student's loss compares with. */
typedef struct gv_lesson_nodes {
    gv_node label;   /* [B] */
    gv_node r;       /* [B, width]: r_T */
    gv_node share;   /* [B]: p_T(T), sigmoid(logit / T) */
    gv_node match;   /* [B]: 1 / rows with content of the whole batch, 0 for those without */
    gv_node valid;   /* [B]: 1 with content, 0 without */
    gv_node numbers; /* [B] indices 0, 1, ... */
} gv_lesson_nodes;

/* The layers that a student serves, too: one linear layer and what follows it, and r_x's last. */
gv_mlp gv_ocarm_layer(size_t width, gv_activation activation);
gv_mlp gv_ocarm_body(size_t width);

gv_sight_nodes gv_ocarm_sight_inputs(gv_graph *graph, size_t count);
gv_content_nodes gv_ocarm_content_inputs(gv_graph *graph, size_t count);
gv_lesson_nodes gv_ocarm_lesson_inputs(gv_graph *graph, size_t count, size_t width);

/* Parameters below "teacher." and "student.". */
gv_retention_nodes gv_ocarm_teacher(gv_graph *graph, const gv_ocarm_config *config,
                                    const gv_sight_nodes *sight, const gv_content_nodes *content);
gv_retention_nodes gv_ocarm_student(gv_graph *graph, const gv_ocarm_config *config,
                                    const gv_sight_nodes *sight);

/* All four terms; those whose weight is 0 are left out. `align`: parameters of A. */
gv_node gv_ocarm_loss(gv_graph *graph, const gv_ocarm_config *config,
                      const gv_retention_nodes *student, const gv_lesson_nodes *lesson);

/* Row `row` of the view into place `place` of the inputs. */
void gv_ocarm_put_sight(gv_tape *tape, const gv_sight_nodes *nodes, const gv_reentry_view *view,
                        size_t row, size_t place);
/* tokens: [sight->past_count][GV_OCARM_PAST_TOKEN] */
void gv_ocarm_put_past(const gv_bid_sight *sight, float *tokens);
void gv_ocarm_put_content(gv_tape *tape, const gv_content_nodes *nodes, const gv_reentry_view *view,
                          size_t row, size_t place);

/* A teacher's graph for GV_OCARM_PIECE rows, forward alone. */
typedef struct gv_ocarm_reader {
    gv_graph *graph;
    gv_tape *tape;
    gv_sight_nodes sight;
    gv_content_nodes content;
    gv_retention_nodes said;
} gv_ocarm_reader;

/* A student's layers (dense.h): each row's bits are its own. */
typedef struct gv_ocarm_server {
    gv_dense_mlp *past, *inner, *body;
    gv_dense *score, *head;
} gv_ocarm_server;

struct gv_ocarm {
    gv_ocarm_role role;
    gv_ocarm_config config;
    gv_params *params;
    gv_ocarm_reader reader; /* of a teacher */
    gv_ocarm_server server; /* of a student */
};

/* Declares the network's parameters, draws them, and leaves it without reader and server. */
GV_MUST_CHECK gv_status gv_ocarm_create(gv_ocarm_role role, const gv_ocarm_config *config,
                                        uint64_t seed, gv_ocarm **out);

GV_MUST_CHECK gv_status gv_ocarm_check(gv_ocarm_role role, const gv_ocarm_config *config);

/* Makes it able to predict by its parameters as they are now; once more after they have changed. */
GV_MUST_CHECK gv_status gv_ocarm_ready(gv_ocarm *ocarm);

/*
 * A teacher's r_T [count][width], unless NULL, and logits [count] of all rows. A row's bits may
 * depend on its place in the view.
 */
void gv_ocarm_read(gv_ocarm *ocarm, const gv_reentry_view *view, float *r, float *logits);

void gv_ocarm_serve(const gv_ocarm *ocarm, const gv_bid_sight *sight, double *p);

/* Ends what gv_ocarm_ready() began. */
void gv_ocarm_close(gv_ocarm *ocarm);

#endif
