/*
 * A training: rows split by user, epochs of shuffled batches, and the epoch kept that did best on
 * the users set aside. Shards of a batch are filled on any thread from what the epoch has fixed.
 */
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "models/nn/optimizer.h"
#include "models/nn/trainer.h"
#include "models/predict/ocarm_impl.h"
#include "sim/base/mem.h"
#include "sim/base/random.h"

/* Entities of GV_STREAM_RETENTION: epochs, and users behind them. */
#define USER_ENTITY (UINT64_C(1) << 40)

typedef struct ocarm_course {
    const gv_ocarm_training *training;
    gv_ocarm *ocarm;
    uint32_t *order; /* [row_count]: rows learned from, in this epoch's order; behind them the
                        others */
    size_t learned;
    float *taught; /* [rows][width]: r_T; NULL: nobody teaches */
    float *logits; /* [rows]: the teacher's */
    double *said;  /* [rows]: probabilities, to choose the epoch by */
    float *best;   /* parameters of the best epoch */
    double best_loss;
    gv_graph *graph;
    gv_sight_nodes sight;
    gv_content_nodes content;
    gv_lesson_nodes lesson;
    gv_optimizer *optimizer;
    gv_trainer *trainer;
} ocarm_course;

static bool is_aligned(const gv_ocarm_training *training)
{
    const gv_ocarm_config *config = training->config;
    return training->role == GV_OCARM_STUDENT &&
           (config->align > 0.0 || config->distil > 0.0 || config->contrast > 0.0);
}

static size_t shard_size(const ocarm_course *course)
{
    return (size_t)course->training->config->batch / GV_OCARM_SHARDS;
}

static size_t steps_of(const ocarm_course *course)
{
    return course->learned / (size_t)course->training->config->batch;
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* A user is learned from or set aside with all its rows. */
static bool is_set_aside(const ocarm_course *course, size_t row)
{
    const uint64_t user = (uint64_t)course->training->examples->user[row];
    const gv_random random =
        gv_random_key(course->training->seed, GV_STREAM_RETENTION, USER_ENTITY + user);
    return gv_random_uniform(&random, 0) < course->training->config->hold_out;
}

static void split(ocarm_course *course)
{
    size_t behind = course->training->examples->count;
    for (size_t row = course->training->examples->count; row-- > 0;) {
        if (is_set_aside(course, row)) {
            course->order[--behind] = (uint32_t)row;
        }
    }
    for (size_t row = 0; row < course->training->examples->count; row++) {
        if (!is_set_aside(course, row)) {
            course->order[course->learned++] = (uint32_t)row;
        }
    }
    assert(course->learned == behind);
}

static void shuffle(ocarm_course *course, uint64_t epoch)
{
    const gv_random random = gv_random_key(course->training->seed, GV_STREAM_RETENTION, epoch);
    for (size_t i = course->learned; i > 1; i--) {
        const size_t other = (size_t)gv_random_below(&random, i, i);
        const uint32_t kept = course->order[i - 1];
        course->order[i - 1] = course->order[other];
        course->order[other] = kept;
    }
}

static gv_status check_rows(const ocarm_course *course)
{
    const gv_ocarm_training *training = course->training;
    const char *name = gv_ocarm_types[training->role].name;
    size_t retained = 0;
    for (size_t i = 0; i < course->learned; i++) {
        retained += training->examples->retained[course->order[i]] > 0.0F;
    }
    if (steps_of(course) == 0) {
        return GV_FAIL(GV_EINVAL, "%s: %zu examples to learn from, expected a batch of %" PRId64,
                       name, course->learned, training->config->batch);
    }
    if (retained == 0 || retained == course->learned) {
        return GV_FAIL(GV_EINVAL, "%s: of %zu examples %zu are retained; expected both kinds", name,
                       course->learned, retained);
    }
    return GV_OK;
}

/* ---- the graph ------------------------------------------------------------------------------- */

static gv_node teacher_loss(ocarm_course *course, size_t size)
{
    course->content = gv_ocarm_content_inputs(course->graph, size);
    course->lesson.label =
        gv_graph_input(course->graph, "positive", gv_shape_of(1, (size_t[]){size}));
    const gv_retention_nodes said =
        gv_ocarm_teacher(course->graph, course->training->config, &course->sight, &course->content);
    return gv_op_bce(course->graph, said.logit, course->lesson.label, GV_NODE_NONE);
}

static gv_node student_loss(ocarm_course *course, size_t size)
{
    const gv_ocarm_config *config = course->training->config;
    const gv_retention_nodes said = gv_ocarm_student(course->graph, config, &course->sight);
    if (!is_aligned(course->training)) {
        course->lesson.label =
            gv_graph_input(course->graph, "positive", gv_shape_of(1, (size_t[]){size}));
        return gv_op_bce(course->graph, said.logit, course->lesson.label, GV_NODE_NONE);
    }
    course->lesson = gv_ocarm_lesson_inputs(
        course->graph, size, (size_t)gv_ocarm_configured(course->training->teacher)->width);
    return gv_ocarm_loss(course->graph, config, &said, &course->lesson);
}

static gv_status build_graph(ocarm_course *course)
{
    const size_t size = shard_size(course);
    const gv_graph_config config = {.params = course->ocarm->params, .shards = GV_OCARM_SHARDS};
    GV_TRY(gv_graph_create(&config, &course->graph));
    course->sight = gv_ocarm_sight_inputs(course->graph, size);
    const gv_node loss = course->training->role == GV_OCARM_TEACHER ? teacher_loss(course, size)
                                                                    : student_loss(course, size);
    return gv_graph_finish(course->graph, loss);
}

/* Rows with content of the batch that begins at `first` of the order. */
static size_t count_content(const ocarm_course *course, size_t first)
{
    size_t count = 0;
    for (size_t i = 0; i < (size_t)course->training->config->batch; i++) {
        count += course->training->examples->session_count[course->order[first + i]] > 0;
    }
    return count;
}

static void put_lesson(const ocarm_course *course, gv_tape *tape, size_t row, size_t place,
                       size_t content_count)
{
    const gv_lesson_nodes *lesson = &course->lesson;
    const double t = course->training->config->temperature;
    const size_t width = (size_t)gv_ocarm_configured(course->training->teacher)->width;
    const bool has_content = course->training->examples->session_count[row] > 0;
    const double share = 1.0 / (1.0 + exp(-(double)course->logits[row] / t));
    memcpy(gv_tape_f32(tape, lesson->r) + place * width, course->taught + row * width,
           width * sizeof(float));
    gv_tape_f32(tape, lesson->share)[place] = (float)share;
    gv_tape_f32(tape, lesson->match)[place] = has_content ? 1.0F / (float)content_count : 0.0F;
    gv_tape_f32(tape, lesson->valid)[place] = has_content ? 1.0F : 0.0F;
    gv_tape_indices(tape, lesson->numbers)[place] = (int32_t)place;
}

static void fill(void *context, gv_tape *tape, uint64_t step, size_t shard)
{
    const ocarm_course *course = context;
    const gv_ocarm_training *training = course->training;
    const size_t size = shard_size(course);
    const size_t first = step % steps_of(course) * (size_t)training->config->batch;
    const bool aligned = is_aligned(training);
    const size_t content_count = aligned ? count_content(course, first) : 0;
    for (size_t i = 0; i < size; i++) {
        const size_t row = course->order[first + shard * size + i];
        gv_ocarm_put_sight(tape, &course->sight, training->examples, row, i);
        gv_tape_f32(tape, course->lesson.label)[i] = training->examples->retained[row];
        if (training->role == GV_OCARM_TEACHER) {
            gv_ocarm_put_content(tape, &course->content, training->examples, row, i);
        }
        if (aligned) {
            put_lesson(course, tape, row, i, content_count);
        }
    }
}

/* ---- epochs ---------------------------------------------------------------------------------- */

/* Log loss on the rows set aside; NaN without any. */
static double held_loss(ocarm_course *course)
{
    const gv_reentry_view *view = course->training->examples;
    const size_t count = view->count - course->learned;
    double sum = 0;
    gv_ocarm_predict(course->ocarm, view, course->said);
    for (size_t i = course->learned; i < view->count; i++) {
        const size_t row = course->order[i];
        const double p = fmin(1.0 - 1e-9, fmax(1e-9, course->said[row]));
        sum -= log(view->retained[row] > 0.0F ? p : 1.0 - p);
    }
    return count == 0 ? (double)NAN : sum / (double)count;
}

static gv_status run_epoch(ocarm_course *course, uint64_t epoch)
{
    const size_t bytes = gv_params_size(course->ocarm->params) * sizeof(float);
    gv_ocarm_epoch told = {.epoch = epoch + 1};
    shuffle(course, epoch);
    for (size_t step = 0; step < steps_of(course); step++) {
        gv_trainer_report report;
        GV_TRY(gv_trainer_step(course->trainer, &report));
        told.loss += report.loss / (double)steps_of(course);
    }
    GV_TRY(gv_ocarm_ready(course->ocarm));
    told.held_loss = held_loss(course);
    told.is_best = isnan(told.held_loss) || told.held_loss < course->best_loss;
    if (told.is_best) {
        course->best_loss = told.held_loss;
        memcpy(course->best, gv_params_read_f32(course->ocarm->params), bytes);
    }
    if (course->training->tell != NULL) {
        course->training->tell(course->training->context, &told);
    }
    return GV_OK;
}

static gv_status run_epochs(ocarm_course *course)
{
    for (uint64_t epoch = 0; epoch < (uint64_t)course->training->config->epochs; epoch++) {
        GV_TRY(run_epoch(course, epoch));
    }
    memcpy(gv_params_f32(course->ocarm->params), course->best,
           gv_params_size(course->ocarm->params) * sizeof(float));
    return gv_ocarm_ready(course->ocarm);
}

/* ---- life ------------------------------------------------------------------------------------ */

static gv_status allocate(ocarm_course *course)
{
    const size_t rows = course->training->examples->count + 1;
    course->order = gv_mem_alloc(0, rows, sizeof *course->order);
    course->said = gv_mem_alloc(0, rows, sizeof *course->said);
    course->best = gv_mem_alloc(0, gv_params_size(course->ocarm->params), sizeof *course->best);
    bool is_whole = course->order != NULL && course->said != NULL && course->best != NULL;
    if (is_aligned(course->training)) {
        const size_t width = (size_t)gv_ocarm_configured(course->training->teacher)->width;
        course->taught = gv_mem_alloc(0, rows, width * sizeof *course->taught);
        course->logits = gv_mem_alloc(0, rows, sizeof *course->logits);
        is_whole = is_whole && course->taught != NULL && course->logits != NULL;
    }
    return is_whole ? GV_OK : GV_FAIL(GV_ENOMEM, "no memory to learn from %zu examples", rows - 1);
}

static gv_status make_trainer(ocarm_course *course)
{
    const gv_ocarm_config *config = course->training->config;
    const gv_optimizer_config optimizer = {.type = &gv_optimizer_adamw,
                                           .schedule = &gv_schedule_cosine,
                                           .total = (uint64_t)config->epochs * steps_of(course),
                                           .rate = config->rate,
                                           .weight_decay = config->weight_decay,
                                           .clip_norm = 10.0};
    GV_TRY(gv_optimizer_create(&optimizer, course->ocarm->params, &course->optimizer));
    const gv_trainer_config trainer = {.graph = course->graph,
                                       .params = course->ocarm->params,
                                       .optimizer = course->optimizer,
                                       .shards = GV_OCARM_SHARDS,
                                       .jobs = course->training->jobs,
                                       .seed = course->training->seed,
                                       .fill = fill,
                                       .context = course};
    return gv_trainer_create(&trainer, &course->trainer);
}

static gv_status run(ocarm_course *course)
{
    GV_TRY(allocate(course));
    split(course);
    GV_TRY(check_rows(course));
    if (is_aligned(course->training)) {
        gv_ocarm_read(course->training->teacher, course->training->examples, course->taught,
                      course->logits);
    }
    course->best_loss = HUGE_VAL;
    GV_TRY(build_graph(course));
    GV_TRY(make_trainer(course));
    return run_epochs(course);
}

static void end(ocarm_course *course)
{
    gv_trainer_destroy(course->trainer);
    gv_optimizer_destroy(course->optimizer);
    gv_graph_destroy(course->graph);
    gv_mem_free(course->order);
    gv_mem_free(course->taught);
    gv_mem_free(course->logits);
    gv_mem_free(course->said);
    gv_mem_free(course->best);
}

static gv_status check(const gv_ocarm_training *training)
{
    const gv_ocarm *teacher = training->teacher;
    if (is_aligned(training) && teacher == NULL) {
        return GV_FAIL(GV_EINVAL, "ocarm_student: align, distil or contrast is above 0, but there "
                                  "is no teacher to learn from");
    }
    if (teacher != NULL &&
        (training->role == GV_OCARM_TEACHER || gv_ocarm_role_of(teacher) != GV_OCARM_TEACHER)) {
        return GV_FAIL(GV_EINVAL, "ocarm: a teacher teaches students, and nobody else does");
    }
    return GV_OK;
}

gv_status gv_ocarm_train(const gv_ocarm_training *training, gv_ocarm **out)
{
    assert(training->jobs >= 1);
    GV_TRY(check(training));
    ocarm_course course = {.training = training};
    GV_TRY(gv_ocarm_create(training->role, training->config, training->seed, &course.ocarm));
    const gv_status status = run(&course);
    end(&course);
    if (status != GV_OK) {
        gv_ocarm_destroy(course.ocarm);
        return status;
    }
    *out = course.ocarm;
    return GV_OK;
}
