#include "scenarios/run/period_log.h"

#include <inttypes.h>
#include <stdio.h>

enum { PATH_SIZE = 4096 };

static void tell_both(void *context, const gv_exchange_piece *piece)
{
    const gv_period_log *log = context;
    const gv_exchange_tap *file = gv_auctionnet_tap_of(log->file);
    file->piece(file->context, piece);
    if (log->next != NULL) {
        log->next->piece(log->next->context, piece);
    }
}

gv_status gv_period_log_open(gv_period_log *log, const char *folder, uint64_t number,
                             const gv_exchange_tap *next)
{
    char path[PATH_SIZE];
    *log = (gv_period_log){.next = next};
    if (folder == NULL) {
        return GV_OK;
    }
    const int size = snprintf(path, sizeof path, "%s/period-%" PRIu64 ".csv", folder, number);
    if (size >= (int)sizeof path) {
        return GV_FAIL(GV_EIO, "%s: the path is too long", folder);
    }
    return gv_auctionnet_tap_create(path, &log->file);
}

gv_status gv_period_log_begin(gv_period_log *log, gv_exchange_config *config, uint64_t number)
{
    config->tap = log->next;
    if (log->file == NULL) {
        return GV_OK;
    }
    GV_TRY(gv_auctionnet_tap_begin(log->file, config, number));
    log->both = (gv_exchange_tap){tell_both, log};
    config->tap = &log->both;
    return GV_OK;
}

gv_status gv_period_log_close(gv_period_log *log, gv_status status)
{
    if (log->file == NULL) {
        return status;
    }
    gv_auctionnet_tap *file = log->file;
    log->file = NULL;
    if (status == GV_OK) {
        return gv_auctionnet_tap_commit(file);
    }
    gv_auctionnet_tap_abandon(file);
    return status;
}
