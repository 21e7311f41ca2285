#include "models/nn/trainer.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "models/nn/real_impl.h"
#include "sim/base/mem.h"
#include "sim/base/parallel.h"

/* Numbers of a gradient that one task sums. */
enum { SUM_PIECE = 16384 };

struct gv_trainer {
    gv_trainer_config config;
    size_t size;       /* of a block of gradients */
    gv_tape **tapes;   /* [jobs] */
    float *gradients;  /* [shards][size] */
    double *losses;    /* [shards] */
    gv_tape_step step; /* what the shards of this step have in common */
    bool goes_back;
};

static gv_status make_tapes(gv_trainer *trainer)
{
    const gv_trainer_config *config = &trainer->config;
    trainer->tapes = gv_mem_alloc(0, config->jobs, sizeof(gv_tape *));
    trainer->losses = gv_mem_alloc(0, config->shards, sizeof *trainer->losses);
    trainer->gradients = gv_mem_alloc_vector(config->shards * trainer->size, sizeof(float));
    if (trainer->tapes == NULL || trainer->losses == NULL || trainer->gradients == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the gradients of %zu shards", config->shards);
    }
    memset(trainer->gradients, 0, config->shards * trainer->size * sizeof(float));
    for (size_t i = 0; i < config->jobs; i++) {
        GV_TRY(gv_tape_create(config->graph, config->params, &trainer->tapes[i]));
    }
    return GV_OK;
}

gv_status gv_trainer_create(const gv_trainer_config *config, gv_trainer **out)
{
    gv_trainer *trainer = gv_mem_alloc(sizeof *trainer, 0, 0);
    if (trainer == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a trainer");
    }
    trainer->config = *config;
    trainer->config.shards = config->shards == 0 ? 1 : config->shards;
    trainer->config.jobs = config->jobs == 0 ? 1 : config->jobs;
    if (trainer->config.jobs > trainer->config.shards) {
        trainer->config.jobs = trainer->config.shards;
    }
    trainer->size = gv_params_size(config->params);
    const gv_status status = make_tapes(trainer);
    if (status != GV_OK) {
        gv_trainer_destroy(trainer);
        return status;
    }
    *out = trainer;
    return GV_OK;
}

void gv_trainer_destroy(gv_trainer *trainer)
{
    if (trainer == NULL) {
        return;
    }
    for (size_t i = 0; trainer->tapes != NULL && i < trainer->config.jobs; i++) {
        gv_tape_destroy(trainer->tapes[i]);
    }
    gv_mem_free(trainer->tapes);
    gv_mem_free(trainer->gradients);
    gv_mem_free(trainer->losses);
    gv_mem_free(trainer);
}

static gv_status run_shard(void *context, size_t shard, size_t worker)
{
    gv_trainer *trainer = context;
    gv_tape *tape = trainer->tapes[worker];
    gv_tape_step step = trainer->step;
    step.shard = shard;
    trainer->config.fill(trainer->config.context, tape, step.step, shard);
    gv_tape_forward(tape, &step);
    trainer->losses[shard] = gv_tape_loss(tape);
    if (trainer->goes_back) {
        gv_tape_backward(tape, trainer->gradients + shard * trainer->size);
        if (trainer->config.collect != NULL) {
            trainer->config.collect(trainer->config.context, tape, shard);
        }
    }
    return GV_OK;
}

GV_VECTOR static void add_to(float *sum, const float *x, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        sum[i] += x[i];
    }
}

/* The whole tree over one piece of the blocks. */
static gv_status sum_piece(void *context, size_t index, size_t worker)
{
    (void)worker;
    gv_trainer *trainer = context;
    const size_t first = index * SUM_PIECE;
    const size_t left = trainer->size - first;
    const size_t count = left < SUM_PIECE ? left : SUM_PIECE;
    const size_t shards = trainer->config.shards;
    for (size_t stride = 1; stride < shards; stride *= 2) {
        for (size_t i = 0; i + stride < shards; i += 2 * stride) {
            float *sum = trainer->gradients + i * trainer->size + first;
            add_to(sum, sum + stride * trainer->size, count);
        }
    }
    return GV_OK;
}

static gv_status run_shards(gv_trainer *trainer, uint64_t step, double *loss)
{
    GV_TRY(gv_parallel_for(trainer->config.jobs, trainer->config.shards, run_shard, trainer));
    double total = 0;
    for (size_t i = 0; i < trainer->config.shards; i++) {
        total += trainer->losses[i];
    }
    if (!isfinite(total)) {
        return GV_FAIL(GV_EINVAL, "step %llu: the loss is not finite", (unsigned long long)step);
    }
    *loss = total;
    return GV_OK;
}

gv_status gv_trainer_step(gv_trainer *trainer, gv_trainer_report *report)
{
    gv_optimizer *optimizer = trainer->config.optimizer;
    trainer->goes_back = true;
    trainer->step = (gv_tape_step){
        .seed = trainer->config.seed, .step = gv_optimizer_steps(optimizer), .is_training = true};
    double loss = 0;
    GV_TRY(run_shards(trainer, trainer->step.step, &loss));
    if (trainer->config.shards > 1) {
        const size_t pieces = (trainer->size + SUM_PIECE - 1) / SUM_PIECE;
        GV_TRY(gv_parallel_for(trainer->config.jobs, pieces, sum_piece, trainer));
    }
    double norm = 0;
    GV_TRY(gv_optimizer_step(optimizer, trainer->gradients, &norm));
    *report = (gv_trainer_report){.loss = loss, .gradient_norm = norm};
    return GV_OK;
}

gv_status gv_trainer_loss(gv_trainer *trainer, uint64_t step, double *loss)
{
    trainer->goes_back = false;
    trainer->step = (gv_tape_step){.seed = trainer->config.seed, .step = step};
    return run_shards(trainer, step, loss);
}

const float *gv_trainer_gradients(const gv_trainer *trainer)
{
    return trainer->gradients;
}
