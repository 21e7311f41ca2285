/* From the number of a point to what --set would be given for it. */
#include <inttypes.h>
#include <stdio.h>

#include "scenarios/sweep/sweep.h"

void gv_sweep_setting(const gv_sweep *sweep, size_t setting, size_t *values)
{
    for (size_t i = sweep->axis_count; i-- > 0;) {
        const gv_sweep_axis *axis = &sweep->axes[i];
        if (axis->leader == i) {
            values[i] = setting % axis->count;
            setting /= axis->count;
        }
    }
    for (size_t i = 0; i < sweep->axis_count; i++) {
        values[i] = values[sweep->axes[i].leader];
    }
}

int64_t gv_sweep_seed(const gv_sweep *sweep, size_t point)
{
    const size_t replication = point % sweep->seed_count;
    return sweep->seeds == NULL ? sweep->base->top->seed + (int64_t)replication
                                : sweep->seeds[replication];
}

size_t gv_sweep_point_sets(const gv_sweep *sweep, size_t point, const char **sets, char *seed)
{
    size_t values[GV_SWEEP_AXES_MAX];
    size_t count = 0;
    gv_sweep_setting(sweep, point / sweep->seed_count, values);
    for (size_t i = 0; i < sweep->extra_set_count; i++) {
        sets[count++] = sweep->extra_sets[i];
    }
    for (size_t i = 0; i < sweep->axis_count; i++) {
        sets[count++] = sweep->axes[i].sets[values[i]];
    }
    (void)snprintf(seed, GV_SWEEP_SEED_SIZE, "seed=%" PRId64, gv_sweep_seed(sweep, point));
    sets[count++] = seed;
    return count;
}
