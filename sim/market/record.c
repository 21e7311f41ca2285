#include "sim/market/record.h"

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/vector.h"

enum { STRIP = 1024 };

static void copy_piece(void *context, const gv_exchange_piece *piece)
{
    gv_record *record = context;
    assert(piece->first == record->filled);
    assert(piece->first + piece->count <= record->count);
    memcpy(record->time_us + piece->first, piece->time_us, piece->count * sizeof *record->time_us);
    for (size_t place = 0; place <= record->slot_count; place++) {
        memcpy(record->keys + place * record->count + piece->first,
               piece->keys + place * piece->stride, piece->count * sizeof *record->keys);
    }
    record->filled += piece->count;
}

gv_status gv_record_create(const gv_exchange_config *config, gv_record **out)
{
    gv_record *record = gv_mem_alloc(sizeof *record, 0, 0);
    const uint64_t count = gv_traffic_before(config->traffic, config->tick_count);
    if (record != NULL) {
        record->count = count;
        record->slot_count = config->slot_count;
        record->ranking = gv_ranking_of(config->seat_count, config->slot_count + 1);
        record->reserve_nanos = config->mechanism.reserve_nanos;
        record->tap = (gv_exchange_tap){copy_piece, record};
        record->time_us = gv_mem_alloc_vector(count, sizeof *record->time_us);
        record->keys = gv_mem_alloc_vector(count * record->ranking.places, sizeof *record->keys);
    }
    if (record == NULL || record->time_us == NULL || record->keys == NULL) {
        gv_record_destroy(record);
        return GV_FAIL(GV_ENOMEM, "no memory to record %" PRIu64 " opportunities", count);
    }
    *out = record;
    return GV_OK;
}

void gv_record_destroy(gv_record *record)
{
    if (record == NULL) {
        return;
    }
    gv_mem_free(record->time_us);
    gv_mem_free(record->keys);
    gv_mem_free(record);
}

const gv_exchange_tap *gv_record_tap(const gv_record *record)
{
    return &record->tap;
}

/* Where the bidder stands in `row`, what is `behind` moves up. */
GV_VECTOR static void move_up(const gv_ranking *ranking, uint32_t bidder, const int64_t *row,
                              const int64_t *behind, size_t count, int64_t *keys)
{
    const int64_t mask = (INT64_C(1) << ranking->bidder_bits) - 1;
    const int64_t tail = mask - (int64_t)bidder;
    for (size_t i = 0; i < count; i++) {
        keys[i] = (row[i] & mask) == tail ? behind[i] : keys[i];
    }
}

/*
 * The keys of `count` opportunities, which begin at `rows`. An empty row that is taken for the
 * bidder's has only empty ones behind it.
 */
static void find_strip(const gv_record *record, uint32_t bidder, size_t place, const int64_t *rows,
                       size_t count, int64_t *keys)
{
    int64_t nobody[STRIP];
    memset(nobody, 0xff, sizeof nobody);
    const bool is_last = place == record->slot_count;
    const int64_t *behind = is_last ? nobody : rows + (place + 1) * record->count;
    memcpy(keys, rows + place * record->count, count * sizeof *keys);
    for (size_t row = 0; row <= place; row++) {
        move_up(&record->ranking, bidder, rows + row * record->count, behind, count, keys);
    }
}

void gv_record_place(const gv_record *record, uint32_t bidder, size_t place, int64_t *keys)
{
    assert(place <= record->slot_count);
    for (uint64_t done = 0; done < record->count; done += STRIP) {
        const uint64_t left = record->count - done;
        find_strip(record, bidder, place, record->keys + done, left < STRIP ? left : STRIP,
                   keys + done);
    }
}

GV_VECTOR static void read_prices(uint32_t bidder_bits, int64_t reserve, size_t count,
                                  int64_t *keys)
{
    for (size_t i = 0; i < count; i++) {
        const int64_t offer = keys[i] >> bidder_bits; /* that of no key is -1 */
        keys[i] = offer > reserve ? offer : reserve;
    }
}

void gv_record_prices(const gv_record *record, uint32_t bidder, int64_t *prices)
{
    for (size_t slot = 0; slot < record->slot_count; slot++) {
        int64_t *row = prices + slot * record->count;
        gv_record_place(record, bidder, slot, row);
        read_prices(record->ranking.bidder_bits, record->reserve_nanos, record->count, row);
    }
}
