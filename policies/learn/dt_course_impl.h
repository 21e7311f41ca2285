/*
 * dt_course_impl.h - what a decision transformer is taught: numbers of every tick of a dataset, the
 * batches made of them, and the loss.
 *
 *     loss = mean over the valid ticks of  w_t (action(..., R_t, s_t) - target_t)^2
 *          + return_share CE(return(..., s_t), bin of R_t)                   both only where guided
 *          + expertness_share BCE(expertness(..., R_t), e_t)
 *
 * Sequences are drawn in proportion to their length, begin anywhere, or with a context of the
 * whole period at its first tick. Of experts and the log each gets its share of a batch.
 */
#ifndef POLICIES_LEARN_DT_COURSE_IMPL_H
#define POLICIES_LEARN_DT_COURSE_IMPL_H

#include "policies/learn/bags_impl.h"
#include "policies/learn/dt_impl.h"
#include "policies/learn/objective_impl.h"
#include "policies/learn/pool_impl.h"

/* Of one tick, as the network sees it. */
typedef struct gv_dt_lesson {
    float to_go;
    float action;     /* what was done */
    float target;     /* what should be */
    float weight;     /* of that */
    float expertness; /* not looked at unless guided */
} gv_dt_lesson;

typedef struct gv_dt_course {
    const gv_dataset *dataset;
    const gv_scaling *scaling;
    gv_dt_sizes sizes;
    gv_lens lens;
    uint64_t seed;
    double expert_share; /* of a batch; 0: all episodes alike, whoever played them */
    double return_share; /* of the loss */
    double expertness_share;
    gv_dt_lesson *lessons; /* [episode][ticks], owned */
    gv_pool *pools[GV_POOL_KINDS];
    double valid; /* ticks of this step's batch */
    gv_dt_nodes nodes;
    gv_node target;
    gv_node weights;
    gv_node labels; /* GV_NODE_NONE unless guided, as is the next */
    gv_node valids; /* 1 / valid ticks, 0 behind an episode's end */
} gv_dt_course;

/* GV_EUSAGE: sizes of the learner of that name that do not go together. */
GV_MUST_CHECK gv_status gv_dt_check(const char *name, const gv_dt_config *config);

/*
 * The scaling's reward is the return to go: `scale` of it, or where that is 0 what one episode in
 * twenty exceeds, will be a return of 1.
 */
GV_MUST_CHECK gv_status gv_dt_scale_returns(const gv_return_law *law, double scale,
                                            const gv_dataset *dataset, gv_scaling *scaling);

/*
 * Makes room for the lessons, and the pools; the fields above `lessons` are set.
 * gv_dt_course_fini() is due even after a failure.
 */
GV_MUST_CHECK gv_status gv_dt_course_init(gv_dt_course *course);
void gv_dt_course_fini(gv_dt_course *course);

gv_dt_lesson *gv_dt_course_lessons(const gv_dt_course *course, size_t episode); /* [ticks] */

/* Every tick's lesson: to do what was done, with weight 1 and the expertness of who played. */
GV_MUST_CHECK gv_status gv_dt_course_teach(const gv_dt_course *course, const gv_return_law *law,
                                           const gv_bag_law *bags);

/* Before each step, on one thread: looks at its batch. */
void gv_dt_course_begin(gv_dt_course *course, uint64_t step, size_t batch);

/* The loss as an objective of a workshop; the course stays where it is, and may be filled later. */
gv_objective_config gv_dt_objective(const gv_dt_config *config, gv_dt_course *course);

#endif
