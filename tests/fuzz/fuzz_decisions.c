/* Any bytes as a table of decisions: what is read of it is whole, and what is not is told. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "sim/estimate/target.h"
#include "sim/log/decisions.h"

static void check(const gv_decisions *log)
{
    for (size_t i = 0; i < log->count; i++) {
        assert(log->actions[i] < gv_decisions_action_count(log));
        assert(log->clusters[i] < log->cluster_count);
        assert(isfinite(log->rewards[i]));
        assert(log->propensities[i] > 0 && log->propensities[i] <= 1);
        for (size_t j = 0; j < log->context_count; j++) {
            assert(log->contexts[j][i] < gv_decisions_level_count(log, j));
        }
    }
    assert((log->reject_count > 0) == (log->first_reject[0] != '\0'));
    gv_target_owned policy;
    const gv_status status = gv_target_frequent(log, log, &policy);
    assert(status == GV_OK && policy.lost == 0);
    gv_target_fini(&policy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    gv_decision_columns columns = gv_decision_columns_plain();
    columns.position = "position";
    columns.cluster = "time";
    columns.cluster_bytes = 4;
    columns.contexts[columns.context_count++] = "context";
    columns.reject_share_max = 1;
    columns.spend = size % 2 == 0 ? NULL : columns.reward; /* which may then not be below 0 */
    char path[64];
    const int file = memfd_create("log", MFD_CLOEXEC);
    assert(file >= 0);
    const ssize_t written = size == 0 ? 0 : write(file, data, size);
    assert(written == (ssize_t)size);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    gv_decisions *log = NULL;
    const gv_status status = gv_decisions_read(path, &columns, &log);
    assert(status == GV_OK || status == GV_EIO || status == GV_EPARSE || status == GV_EUSAGE);
    if (status == GV_OK) {
        check(log);
    } else {
        assert(strstr(gv_status_detail(), path) != NULL);
    }
    gv_decisions_destroy(log);
    (void)close(file);
    return 0;
}
