/*
 * interference.h - whether what was spent in one round can have changed what others brought.
 *
 * An evaluation of rounds takes each as it would have come under the judged policy, too. In a
 * market two things break that, and both show in what the log spent, s:
 *
 *   fade    a budget that runs out: by which share the second halves of clusters (days) spend less
 *           than their first, with what they did alike. d, the sum of s - m(action) in the second
 *           half less that in the first, m an action's mean spend, is d / (h - d / 2) of the first
 *           where h is the mean half: -1 where nothing is left, 0 where rounds of a cluster are
 *           alike. Prices that drift within a day show in it as well
 *   shift   the judged policy spends otherwise than the log, so that a budget which lasted would
 *           not, and rivals lose other auctions than they did and may answer: sum w s / sum w over
 *           the mean of s, less 1. No log of one policy shows what rivals would do
 *
 * Intervals are Student's t of clusters, the fade's of their mean d, the shift's by their influence
 * on the log of the ratio. The limits below are a choice of ours.
 */
#ifndef SIM_ESTIMATE_INTERFERENCE_H
#define SIM_ESTIMATE_INTERFERENCE_H

#include <stdbool.h>
#include <stddef.h>

#include "sim/base/status.h"
#include "sim/estimate/bootstrap.h"
#include "sim/estimate/rounds.h"

#define GV_INTERFERENCE_FADE_MAX  0.1 /* with an interval that leaves out 0 */
#define GV_INTERFERENCE_SHIFT_MAX 0.1 /* that the whole interval must be within */

enum { GV_INTERFERENCE_TEXT_SIZE = 256 };

typedef struct gv_interference {
    bool is_checked; /* the log says what was spent */
    gv_interval fade;
    gv_interval shift;
} gv_interference;

/* weights: [rounds->count], of the judged policy. Without spends nothing is checked. */
GV_MUST_CHECK gv_status gv_interference_of(const gv_rounds *rounds, const double *weights,
                                           double level, gv_interference *out);

/* What is to be feared, as a sentence for people; NULL: nothing. text: [size]. */
const char *gv_interference_fade_warning(const gv_interference *of, char *text, size_t size);
const char *gv_interference_shift_warning(const gv_interference *of, char *text, size_t size);

#endif
