/*
 * ebaret.h - a trained EBaReT (expert-guided bag reward transformer, arXiv 2507.16186), as its
 * policy asks it: a decision transformer (dt.h), with the same seats, that may be guided.
 *
 * Inference is a CHOICE of ours; the paper states that it is guided towards the experts, not how.
 *   A, tilt: the return asked for is not a fixed target less what was reached, but
 *      R_t = argmax over bins of  log p(R | s_<=t) + kappa log p(e = 1 | s_<=t, R)
 *      from the network's own heads (the expert-action inference of Lee et al., NeurIPS 2022);
 *      GV_TILT_RETURN has (R - R_min) / (R_max - R_min) in place of the second logarithm.
 *   B, candidates: of the action and so many more, evenly over (1 +- reach) of it, the one that the
 *      discriminator takes for an expert's most; on a tie the earlier, the action itself first.
 * Both off it is served as a decision transformer is.
 */
#ifndef POLICIES_LEARN_EBARET_H
#define POLICIES_LEARN_EBARET_H

#include "policies/learn/dt.h"

typedef enum gv_tilt { GV_TILT_NONE, GV_TILT_RETURN, GV_TILT_EXPERTNESS } gv_tilt;

typedef struct gv_guidance {
    gv_tilt tilt;
    double kappa;
    double expertness; /* that is asked for: the token e_t */
    size_t candidates; /* beside the action itself; 0: none; at most GV_CANDIDATES_MAX */
    double reach;      /* in (0, 1] */
} gv_guidance;

enum { GV_CANDIDATES_MAX = 64 };

/*
 * From a weights file (weights.h), which may be gone afterwards. A tilt needs weights with
 * expertness, candidates such with a discriminator: GV_EINVAL with a sentence otherwise. Of
 * guided weights the whole period is looked at (the serving's context and recomputes are refused).
 */
GV_MUST_CHECK gv_status gv_ebaret_open(const char *path, const gv_dt_serving *serving,
                                       const gv_guidance *guidance, gv_dt **out);

/* What the last tick of the seat predicted of it: the return asked for and p(e = 1); or NaN. */
void gv_ebaret_thought(const gv_dt_seat *seat, double *to_go, double *expertness);

#endif
