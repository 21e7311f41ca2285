/*
 * record.h - a period of the market as sold: when each opportunity came, and its best offers.
 *
 * A record is filled by a running exchange through its tap. It keeps the best D + 1 offers of D
 * slots with their bidders, so that for any one campaign the best D offers of the others are known,
 * which is all that decides what that campaign would have won and paid with other bids. Rivals in
 * a record stand still. 8 (D + 2) bytes an opportunity.
 */
#ifndef SIM_MARKET_RECORD_H
#define SIM_MARKET_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"
#include "sim/market/exchange.h"
#include "sim/market/rank.h"

/* Complete once the exchange has run to its end. */
struct gv_record {
    uint64_t count; /* opportunities of the period */
    uint64_t filled;
    size_t slot_count;
    gv_ranking ranking; /* reads the keys */
    int64_t reserve_nanos;
    int64_t *time_us; /* [count] */
    int64_t *keys;    /* [slot_count + 1][count]: best first, -1: none; see rank.h */
    gv_exchange_tap tap;
};

/* For a market of `config`, whose own tap is not asked. On GV_OK the caller owns *out. */
GV_MUST_CHECK gv_status gv_record_create(const gv_exchange_config *config, gv_record **out);
void gv_record_destroy(gv_record *record); /* accepts NULL */

/* Goes into the exchange's config; lives as long as the record. */
const gv_exchange_tap *gv_record_tap(const gv_record *record);

/*
 * prices: [slot_count][count]: the best offers of all bidders but `bidder`, best first, each no
 * less than the reserve: row d is what it would have to beat, and to pay, for slot d.
 */
void gv_record_prices(const gv_record *record, uint32_t bidder, int64_t *prices);

/*
 * keys: [count]: the key in one place among all bidders but `bidder`, from 0 to slot_count: place
 * slot_count - 1 is what it must beat to have a slot. -1 where nobody stands there, and in the last
 * place where the bidder's own offer hid who does.
 */
void gv_record_place(const gv_record *record, uint32_t bidder, size_t place, int64_t *keys);

#endif
