/*
 * bcq_impl.h - the networks of batch-constrained Q-learning, for its learner and for serving alike.
 *
 *     generator     G(s, z): what was done in such states, as a VAE of actions given states has it
 *     perturbation  xi(s, a) = phi limit tanh(net(s, a)), added to a and held within the bounds
 *     critics       Q1, Q2(s, a)
 *
 * Of scaled rows: state [B, GV_STATE_SIZE], z [B, latent], action [B, 1]. Tensors that are served
 * are below "bcq.", those of targets likewise below "target.".
 */
#ifndef POLICIES_LEARN_BCQ_IMPL_H
#define POLICIES_LEARN_BCQ_IMPL_H

#include "models/nn/layers.h"
#include "models/nn/tape.h"
#include "policies/learn/common_impl.h"
#include "sim/base/random.h"

#define GV_BCQ_SERVED  "bcq."
#define GV_BCQ_VAE     "bcq.vae."
#define GV_BCQ_ENCODER "bcq.vae.encoder"
#define GV_BCQ_DECODER "bcq.vae.decoder"
#define GV_BCQ_ACTOR   "bcq.actor"
#define GV_BCQ_CRITIC  "bcq.critic." /* then 1 or 2 */

typedef enum gv_bcq_activation { GV_BCQ_RELU, GV_BCQ_MISH } gv_bcq_activation;

/* What a critic tells: a number, or a distribution of its symlog over evenly spaced bins. */
typedef enum gv_bcq_told { GV_BCQ_NUMBER, GV_BCQ_BINS } gv_bcq_told;

#define GV_BCQ_HIGHEST 5.0 /* the highest bin; the lowest is 0 */

typedef struct gv_bcq_config {
    gv_learner_common common;
    int64_t hidden_1;
    int64_t hidden_2;
    int64_t vae;
    int64_t latent;
    int32_t activation; /* gv_bcq_activation */
    double gamma;
    double tau;
    double phi;
    double lambda;
    double beta;
    int64_t samples;
    int32_t told; /* gv_bcq_told */
    int64_t bins;
    bool is_uneven;
    double max_action;
    bool is_signed;
    bool clamps_hidden;
    bool continuous;
} gv_bcq_config;

typedef struct gv_bcq_net {
    const gv_bcq_config *config; /* borrowed */
    double limit;                /* the largest scaled action */
    double least;                /* the least: 0, or -limit */
    gv_node levels;              /* [bins], of the graph at hand; GV_NODE_NONE: no bins */
} gv_bcq_net;

gv_bcq_net gv_bcq_net_of(const gv_bcq_config *config, const gv_scaling *scaling);

/* Before critics are built: the input of a graph that has the places of the bins, if there are. */
void gv_bcq_add_levels(gv_graph *graph, gv_bcq_net *net);
void gv_bcq_put_levels(const gv_bcq_net *net, gv_tape *tape);

/* The encoder: of z, mean and logarithm of the deviation [B, latent]. */
gv_node gv_bcq_encode(gv_graph *graph, const gv_bcq_net *net, gv_node state, gv_node action,
                      gv_node *log_deviation);

/* G(s, z); `clamps`: the first hidden layer is held within +-GV_BCQ_BOUND. */
gv_node gv_bcq_decode(gv_graph *graph, const gv_bcq_net *net, gv_node state, gv_node z,
                      bool clamps);

/* Of a generator that is asked for candidates, each number of z stays within it. */
#define GV_BCQ_BOUND 0.5

/* a + xi(s, a), of the network whose tensors are below `actor`: "bcq.actor". */
gv_node gv_bcq_perturb(gv_graph *graph, const gv_bcq_net *net, const char *actor, gv_node state,
                       gv_node action);

/* Q(s, a) [B, 1], of the critic whose tensors are below `critic`: "target.critic.2". */
gv_node gv_bcq_worth(gv_graph *graph, const gv_bcq_net *net, const char *critic, gv_node state,
                     gv_node action);

/*
 * How far Q(s, a) is from `target` [B, 1], a mean: squares, or of bins the cross entropy with the
 * target as two neighbours share it, each the more the nearer it is (Farebrother et al., arXiv
 * 2403.03950).
 */
gv_node gv_bcq_critic_loss(gv_graph *graph, const gv_bcq_net *net, const char *critic,
                           const gv_node pair[2], gv_node target);

/* Count standard normal numbers from `first` on, each held within +-GV_BCQ_BOUND. */
void gv_bcq_draw_latents(const gv_random *random, uint64_t first, size_t count, float *to);

#endif
