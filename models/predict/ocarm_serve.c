/* What a trained network says: a student row by row through dense.h, a teacher by its graph. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "models/predict/ocarm_impl.h"

static double sigmoid(double x)
{
    return 1.0 / (1.0 + exp(-x));
}

/* ---- a student ------------------------------------------------------------------------------- */

static void close_server(gv_ocarm_server *server)
{
    gv_dense_mlp_destroy(server->past);
    gv_dense_mlp_destroy(server->inner);
    gv_dense_mlp_destroy(server->body);
    gv_dense_destroy(server->score);
    gv_dense_destroy(server->head);
    *server = (gv_ocarm_server){.past = NULL};
}

static gv_status open_server(gv_ocarm *ocarm)
{
    gv_ocarm_server *server = &ocarm->server;
    const gv_params *params = ocarm->params;
    const gv_mlp past = gv_ocarm_layer(GV_OCARM_PAST_WIDTH, gv_op_silu);
    const gv_mlp inner = gv_ocarm_layer(GV_OCARM_PAST_WIDTH, gv_op_tanh);
    const gv_mlp body = gv_ocarm_body((size_t)ocarm->config.width);
    close_server(server);
    GV_TRY(gv_dense_mlp_create(params, "student.past", &past, GV_USER_PAST, &server->past));
    GV_TRY(gv_dense_mlp_create(params, "student.pool.inner", &inner, GV_USER_PAST, &server->inner));
    GV_TRY(gv_dense_mlp_create(params, "student.body", &body, 1, &server->body));
    GV_TRY(gv_dense_create(params, "student.pool.score", &server->score));
    return gv_dense_create(params, "student.head", &server->head);
}

/* The mean of h [count][GV_OCARM_PAST_WIDTH] by softmax of the scores; zeros of none. */
static void pool(const float *h, const float *scores, size_t count, float *out)
{
    double weights[GV_USER_PAST];
    double top = -HUGE_VAL;
    double sum = 0;
    memset(out, 0, GV_OCARM_PAST_WIDTH * sizeof *out);
    for (size_t i = 0; i < count; i++) {
        top = fmax(top, (double)scores[i]);
    }
    for (size_t i = 0; i < count; i++) {
        weights[i] = exp((double)scores[i] - top);
        sum += weights[i];
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < GV_OCARM_PAST_WIDTH; k++) {
            out[k] += (float)(weights[i] / sum) * h[i * GV_OCARM_PAST_WIDTH + k];
        }
    }
}

void gv_ocarm_serve(const gv_ocarm *ocarm, const gv_bid_sight *sight, double *p)
{
    const gv_ocarm_server *server = &ocarm->server;
    float tokens[GV_USER_PAST * GV_OCARM_PAST_TOKEN];
    float h[GV_USER_PAST * GV_OCARM_PAST_WIDTH];
    float inner[GV_USER_PAST * GV_OCARM_PAST_WIDTH];
    float scores[GV_USER_PAST];
    float seen[GV_USER_FEATURES + GV_OCARM_PAST_WIDTH];
    float r[GV_OCARM_WIDTH_MAX];
    float logit = 0;
    assert(ocarm->role == GV_OCARM_STUDENT);
    assert(sight->past_count <= GV_USER_PAST);
    gv_ocarm_put_past(sight, tokens);
    gv_dense_mlp_apply(server->past, tokens, sight->past_count, h);
    gv_dense_mlp_apply(server->inner, h, sight->past_count, inner);
    gv_dense_apply(server->score, inner, sight->past_count, scores);
    memcpy(seen, sight->x, GV_USER_FEATURES * sizeof *seen);
    pool(h, scores, sight->past_count, seen + GV_USER_FEATURES);
    gv_dense_mlp_apply(server->body, seen, 1, r);
    gv_dense_apply(server->head, r, 1, &logit);
    *p = sigmoid((double)logit);
}

static void serve_row(const gv_ocarm *ocarm, const gv_reentry_view *view, size_t row, double *p)
{
    gv_past_event past[GV_USER_PAST];
    const size_t count = (size_t)view->past_count[row];
    for (size_t i = 0; i < count; i++) {
        const size_t at = row * GV_USER_PAST + i;
        past[i] = (gv_past_event){.type = (uint32_t)view->past_type[at],
                                  .dwell = view->past_dwell[at],
                                  .age = view->past_age[at]};
    }
    const gv_bid_sight sight = {
        .x = view->x + row * GV_USER_FEATURES, .past = past, .past_count = count};
    gv_ocarm_serve(ocarm, &sight, p);
}

/* ---- a teacher ------------------------------------------------------------------------------- */

static void close_reader(gv_ocarm_reader *reader)
{
    gv_tape_destroy(reader->tape);
    gv_graph_destroy(reader->graph);
    *reader = (gv_ocarm_reader){.graph = NULL};
}

static gv_status open_reader(gv_ocarm *ocarm)
{
    gv_ocarm_reader *reader = &ocarm->reader;
    const gv_graph_config config = {.params = ocarm->params};
    close_reader(reader);
    GV_TRY(gv_graph_create(&config, &reader->graph));
    reader->sight = gv_ocarm_sight_inputs(reader->graph, GV_OCARM_PIECE);
    reader->content = gv_ocarm_content_inputs(reader->graph, GV_OCARM_PIECE);
    reader->said =
        gv_ocarm_teacher(reader->graph, &ocarm->config, &reader->sight, &reader->content);
    gv_graph_keep(reader->graph, reader->said.r);
    gv_graph_keep(reader->graph, reader->said.logit);
    GV_TRY(gv_graph_finish(reader->graph, GV_NODE_NONE));
    return gv_tape_create(reader->graph, ocarm->params, &reader->tape);
}

/* The last piece is filled up with the view's last row. */
void gv_ocarm_read(gv_ocarm *ocarm, const gv_reentry_view *view, float *r, float *logits)
{
    const gv_ocarm_reader *reader = &ocarm->reader;
    const size_t width = (size_t)ocarm->config.width;
    assert(ocarm->role == GV_OCARM_TEACHER);
    for (size_t first = 0; first < view->count; first += GV_OCARM_PIECE) {
        const size_t left = view->count - first;
        const size_t count = left < GV_OCARM_PIECE ? left : GV_OCARM_PIECE;
        for (size_t i = 0; i < GV_OCARM_PIECE; i++) {
            const size_t row = first + (i < count ? i : count - 1);
            gv_ocarm_put_sight(reader->tape, &reader->sight, view, row, i);
            gv_ocarm_put_content(reader->tape, &reader->content, view, row, i);
        }
        gv_tape_forward(reader->tape, &(gv_tape_step){.seed = 0});
        memcpy(logits + first, gv_tape_f32(reader->tape, reader->said.logit),
               count * sizeof *logits);
        if (r != NULL) {
            memcpy(r + first * width, gv_tape_f32(reader->tape, reader->said.r),
                   count * width * sizeof *r);
        }
    }
}

static void read_rows(gv_ocarm *ocarm, const gv_reentry_view *view, double *p)
{
    for (size_t first = 0; first < view->count; first += GV_OCARM_PIECE) {
        float logits[GV_OCARM_PIECE] = {0};
        const size_t left = view->count - first;
        const size_t count = left < GV_OCARM_PIECE ? left : GV_OCARM_PIECE;
        const gv_reentry_view piece = gv_reentry_rows(view, first, count);
        gv_ocarm_read(ocarm, &piece, NULL, logits);
        for (size_t i = 0; i < count; i++) {
            p[first + i] = sigmoid((double)logits[i]);
        }
    }
}

/* ---- both ------------------------------------------------------------------------------------ */

gv_status gv_ocarm_ready(gv_ocarm *ocarm)
{
    return ocarm->role == GV_OCARM_TEACHER ? open_reader(ocarm) : open_server(ocarm);
}

void gv_ocarm_close(gv_ocarm *ocarm)
{
    close_reader(&ocarm->reader);
    close_server(&ocarm->server);
}

void gv_ocarm_predict(gv_ocarm *ocarm, const gv_reentry_view *view, double *p)
{
    if (ocarm->role == GV_OCARM_TEACHER) {
        read_rows(ocarm, view, p);
        return;
    }
    for (size_t row = 0; row < view->count; row++) {
        serve_row(ocarm, view, row, &p[row]);
    }
}

static void predict_bids(void *context, const gv_bid_sight *sights, const gv_onboarding *contents,
                         size_t count, double *p)
{
    assert(contents == NULL);
    for (size_t i = 0; i < count; i++) {
        gv_ocarm_serve(context, &sights[i], &p[i]);
    }
}

gv_return_model gv_ocarm_model(gv_ocarm *ocarm)
{
    return (gv_return_model){.name = gv_ocarm_types[ocarm->role].name,
                             .context = ocarm,
                             .reads_content = ocarm->role == GV_OCARM_TEACHER,
                             .predict = predict_bids};
}
