/* The reader of sweep files: any bytes, and what is accepted tried on a scenario. */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "scenarios/sweep/sweep.h"

static const char base[] = "log: {path: a.gvlog}\n"
                           "campaigns: [{name: a, budget: 1}]\n"
                           "policies: [{name: lin, type: linear, b0: 1}]\n";

/* No two points may be told apart by nothing: the values of neighbours differ. */
static void check_points(const gv_sweep *sweep)
{
    size_t values[GV_SWEEP_AXES_MAX];
    size_t before[GV_SWEEP_AXES_MAX] = {0};
    const size_t count = sweep->setting_count < 100 ? sweep->setting_count : 100;
    if (sweep->point_count < sweep->setting_count || sweep->point_count > GV_SWEEP_POINTS_MAX) {
        abort();
    }
    for (size_t setting = 0; setting < count; setting++) {
        gv_sweep_setting(sweep, setting, values);
        bool differs = setting == 0;
        for (size_t i = 0; i < sweep->axis_count; i++) {
            if (values[i] >= sweep->axes[i].count) {
                abort();
            }
            differs = differs || values[i] != before[i];
            before[i] = values[i];
        }
        if (!differs) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    gv_sweep *sweep = NULL;
    if (gv_sweep_parse("x.yaml", (const char *)data, size, &sweep) == GV_OK) {
        check_points(sweep);
        const gv_status status = gv_sweep_bind_text(sweep, base, sizeof base - 1, NULL, 0);
        if (status == GV_OK) {
            const char *sets[GV_SWEEP_AXES_MAX + 1];
            char seed[GV_SWEEP_SEED_SIZE];
            if (gv_sweep_point_sets(sweep, sweep->point_count - 1, sets, seed) !=
                sweep->axis_count + 1) {
                abort();
            }
        }
    }
    gv_sweep_destroy(sweep);
    return 0;
}
