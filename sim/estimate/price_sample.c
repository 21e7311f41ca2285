#include "sim/estimate/price_sample.h"

#include <math.h>

#include "sim/base/mem.h"

static gv_status check(const gv_price_sample *samples, size_t count)
{
    bool is_any_won = false;
    for (size_t i = 0; i < count; i++) {
        if (!(samples[i].weight > 0 && samples[i].weight < HUGE_VAL)) {
            return GV_FAIL(GV_EINVAL, "auction %zu has the weight %g, expected one above 0", i,
                           samples[i].weight);
        }
        is_any_won = is_any_won || samples[i].won;
    }
    return is_any_won ? GV_OK
                      : GV_FAIL(GV_EINVAL,
                                "no auction of %zu was won, so no price is known: bid more", count);
}

gv_status gv_price_curve_create(const gv_price_sample *samples, size_t count, bool tie_wins,
                                gv_survival **out)
{
    GV_TRY(check(samples, count));
    double *times = gv_mem_alloc(0, 2 * count, sizeof *times);
    uint8_t *observed = gv_mem_alloc(0, count, 1);
    if (times == NULL || observed == NULL) {
        gv_mem_free(times);
        gv_mem_free(observed);
        return GV_FAIL(GV_ENOMEM, "no memory for %zu prices", count);
    }
    double *weights = times + count;
    for (size_t i = 0; i < count; i++) {
        times[i] = (double)samples[i].nanos;
        weights[i] = samples[i].weight;
        observed[i] = samples[i].won ? 1 : 0;
    }
    const gv_survival_data data = {.count = count,
                                   .times = times,
                                   .observed = observed,
                                   .values = {times},
                                   .weights = weights,
                                   .censored_first = !tie_wins};
    const gv_status status = gv_survival_create(&data, out);
    gv_mem_free(times);
    gv_mem_free(observed);
    return status;
}
