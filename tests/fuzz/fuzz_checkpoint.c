/*
 * Any bytes as a checkpoint: as a whole file, then as its sections behind a header that fits,
 * so that the checksum does not shield what lies behind it. What is accepted must run.
 */
#include <assert.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "sim/core/checkpoint_impl.h"

enum { PENDING = 64 };

typedef struct order {
    gv_event last;
    uint64_t count;
} order;

/* Restored events must still come in time. */
static gv_status handle(void *context, gv_sim *sim, const gv_event *event)
{
    order *seen = context;
    assert(gv_sim_now(sim) == event->time_us);
    assert(seen->count == 0 || seen->last.time_us <= event->time_us);
    seen->last = *event;
    seen->count++;
    return GV_OK;
}

static void restore_and_run(const uint8_t *data, size_t size)
{
    order seen = {0};
    const gv_sim_config config = {.handle = handle, .context = &seen, .pending_max = PENDING};
    gv_sim *sim = NULL;
    if (gv_sim_create(&config, &sim) != GV_OK) {
        return;
    }
    gv_reader reader = {.bytes = data, .size = size};
    if (gv_sim_restore(sim, &reader) == GV_OK) {
        const size_t pending = gv_sim_pending(sim);
        gv_writer writer = {0};
        if (gv_sim_save(sim, &writer) == GV_OK) {
            assert(reader.position == writer.size);
        }
        gv_writer_fini(&writer);
        const gv_status status = gv_sim_run(sim, GV_NEVER_US);
        assert(status == GV_OK);
        assert(seen.count == pending);
    }
    gv_sim_destroy(sim);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (gv_checkpoint_check("input", data, size) == GV_OK) {
        const size_t head = sizeof(gv_checkpoint_header);
        restore_and_run(data + head, size - head);
    }
    restore_and_run(data, size);
    return 0;
}
