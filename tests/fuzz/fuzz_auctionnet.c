/* Any bytes as AuctionNet's log: what is accepted holds what its reader promises. */
#include <assert.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "sim/log/auctionnet.h"

static void check_tick(const gv_auctionnet_tick *tick)
{
    assert(tick->count >= 1 && tick->advertiser_count >= 1 && tick->count <= tick->stride);
    for (size_t i = 0; i < tick->advertiser_count; i++) {
        for (size_t k = 0; k < tick->count; k++) {
            const size_t at = i * tick->stride + k;
            assert(tick->values[at] >= 0.0 && tick->values[at] <= 1.0);
            assert(tick->sigmas[at] >= 0.0 && tick->bids[at] >= 0.0 && tick->costs[at] >= 0.0);
            assert(tick->won[at] <= 1 && tick->exposed[at] <= 1 && tick->converted[at] <= 1);
            assert(tick->least_costs[at] - tick->least_costs[at] == 0.0);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    gv_auctionnet_reader *reader = NULL;
    const int file = memfd_create("log", MFD_CLOEXEC);
    assert(file >= 0);
    const ssize_t written = size == 0 ? 0 : write(file, data, size);
    assert(written == (ssize_t)size);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    gv_status status = gv_auctionnet_open(path, GV_AUCTIONNET_ALL, &reader);
    bool found = status == GV_OK;
    while (status == GV_OK && found) {
        gv_auctionnet_tick tick;
        status = gv_auctionnet_next(reader, &tick, &found);
        if (status == GV_OK && found) {
            check_tick(&tick);
        }
    }
    assert(status == GV_OK || status == GV_EPARSE || status == GV_EIO || status == GV_ENOMEM);
    gv_auctionnet_close(reader);
    (void)close(file);
    return 0;
}
