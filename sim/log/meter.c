#include <assert.h>
#include <stddef.h>

#include "sim/log/meter_impl.h"

void gv_meter_init(gv_meter *meter, const gv_progress *progress, const char *what, uint64_t total)
{
    *meter = (gv_meter){.progress = progress, .what = what, .total = total};
    const int error = pthread_mutex_init(&meter->lock, NULL);
    assert(error == 0);
}

void gv_meter_fini(gv_meter *meter)
{
    (void)pthread_mutex_destroy(&meter->lock);
}

gv_status gv_meter_add(gv_meter *meter, uint64_t done)
{
    if (meter == NULL) {
        return GV_OK;
    }
    (void)pthread_mutex_lock(&meter->lock);
    meter->done += done;
    if (!meter->has_stopped) {
        meter->has_stopped =
            !gv_progress_report(meter->progress, meter->what, meter->done, meter->total);
    }
    const bool stops = meter->has_stopped;
    (void)pthread_mutex_unlock(&meter->lock);
    return stops ? GV_FAIL(GV_ESTOPPED, "stopped before the log was whole; none was left") : GV_OK;
}
