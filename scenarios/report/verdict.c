#include "scenarios/report/verdict.h"

#include <math.h>

void gv_verdict_print(FILE *stream, const gv_verdict_case *verdict)
{
    const gv_interval *difference = &verdict->difference;
    const double level = 100 * verdict->level;
    (void)fprintf(stream, "\n  verdict   ");
    switch (verdict->verdict) {
    case GV_VERDICT_THIN:
        (void)fprintf(stream, "too thin: %s\n", verdict->complaint);
        return;
    case GV_VERDICT_UNCLEAR:
        if (difference->state != GV_INTERVAL_GIVEN) {
            (void)fprintf(stream,
                          "unclear: clusters are too few, or too much alike, for an interval\n");
            return;
        }
        (void)fprintf(stream,
                      "unclear: the difference to the logged policy may be %.4g to %.4g %s (%g %%, "
                      "%s)\n",
                      difference->low, difference->high, verdict->unit, level, verdict->by);
        return;
    case GV_VERDICT_BETTER:
    case GV_VERDICT_WORSE:
        (void)fprintf(
            stream,
            "%s than the logged policy by %.4g %s (%+.1f %%), %g %% interval %.4g to %.4g (%s)\n",
            gv_verdict_name(verdict->verdict), fabs(difference->estimate), verdict->unit,
            100 * difference->estimate / fabs(verdict->logged), level, difference->low,
            difference->high, verdict->by);
        return;
    }
}

double gv_verdict_test_length(const gv_verdict_case *verdict)
{
    const gv_test_plan plan = {.share = 0.5, .level = verdict->level, .power = 0.8, .kept = 1};
    const double effect = fabs(verdict->difference.estimate);
    const bool can_plan = verdict->design->unit_count > 0 && verdict->design->variance > 0;
    return can_plan && effect > 0 ? gv_design_days(verdict->design, &plan, effect)
                                  : (double)INFINITY;
}

void gv_verdict_print_test(FILE *stream, const gv_verdict_case *verdict)
{
    const double length = gv_verdict_test_length(verdict);
    if (verdict->verdict == GV_VERDICT_THIN || !isfinite(length)) {
        return;
    }
    (void)fprintf(stream,
                  "  test      %s sees such a difference 80 times in 100 after "
                  "%.3g %s; `gavel experiment` plans it\n",
                  verdict->split, length, verdict->has_days ? "days" : "times this log");
}
