/*
 * egdb_impl.h - what the expert-guided diffusion planner (EGDB; arXiv 2508.08687) adds to a
 * decision diffuser: an embedding of how an expert's period looks, for training and for serving.
 *
 * STATED there: expert trajectories guide the diffusion, teacher forcing blends with decode
 * forcing through a VAE, two conditions, fewer steps. How, is a CHOICE of ours:
 *   embedding     z = mean of q(z | tau), models/nn/vae.h
 *   teacher       tau is what the expert did for this advertiser and period, or for the nearest
 *   decode        tau is decoded from z' ~ p(z | context): all there is in serving
 *   context       log C, log budget and the first scaled state; the category is not told to a
 *                 policy, and the values announced in the first state stand for it
 */
#ifndef POLICIES_LEARN_EGDB_IMPL_H
#define POLICIES_LEARN_EGDB_IMPL_H

#include "policies/learn/dd_impl.h"

typedef enum gv_egdb_experts { GV_EGDB_MARKED, GV_EGDB_ALL } gv_egdb_experts;

typedef struct gv_egdb_config {
    gv_dd_config dd; /* first */
    bool anneals;
    bool standardises;
    bool is_log;
    bool has_flag;
    bool has_campaign;
    bool has_outlook;
    int64_t latent;
    int32_t experts;
    int32_t labels;
    double forcing;
    int64_t forcing_steps;
    double beta;
    int64_t beta_steps;
} gv_egdb_config;

gv_dd_traits gv_egdb_traits(const gv_egdb_config *config);

/* From 0 at step 0 to `end` at `steps` and for good. */
double gv_egdb_risen(double end, int64_t steps, uint64_t step);

/* What an embedding is made of; B campaigns. */
typedef struct gv_egdb_inputs {
    gv_node context; /* [B, vae.context] */
    gv_node noise;   /* [B, latent], of z' */
    gv_node expert;  /* [B, positions, width]; the last two of teacher forcing alone */
    gv_node decodes; /* [B]: 1 where tau is decoded, 0 where the expert's is taken */
} gv_egdb_inputs;

/* -> z [B, latent]; tensors below GV_DD_VAE. Not `has_teacher`: always decoded. */
gv_node gv_egdb_build_embedding(gv_graph *graph, const gv_dd_sizes *sizes, size_t batch,
                                bool has_teacher, gv_egdb_inputs *inputs);

/* row: [vae.context]; first: the scaled first state */
void gv_egdb_context(const gv_dd_sizes *sizes, const gv_account *account, const float *first,
                     float *row);

/* ---- experts --------------------------------------------------------------------------------- */

/* Whose states an episode is taught by. */
typedef struct gv_expert_index gv_expert_index;

/* GV_EINVAL: there is no expert in the set. The dataset is borrowed. */
GV_MUST_CHECK gv_status gv_expert_index_create(const gv_dataset *dataset, gv_egdb_experts kind,
                                               gv_expert_index **out);
void gv_expert_index_destroy(gv_expert_index *index); /* accepts NULL */

size_t gv_expert_count(const gv_expert_index *index);
const gv_episode *gv_expert_at(const gv_expert_index *index, size_t number);

/*
 * That of the same advertiser and period, of several the one of the nearest budget and C; where
 * there is none, of the same category the nearest in (log budget, log C), each over its standard
 * deviation; and of another category where it has none. The earlier of two as near.
 */
const gv_episode *gv_expert_of(const gv_expert_index *index, size_t episode);

#endif
