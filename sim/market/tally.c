#include "sim/market/tally.h"

#include <assert.h>

/* Both are at least 0, so this gives the same sum in any order. */
static int64_t add_money(int64_t a, int64_t b)
{
    assert(a >= 0);
    assert(b >= 0);
    return a > INT64_MAX - b ? INT64_MAX : a + b;
}

void gv_tally_add(gv_tally *sum, const gv_tally *part)
{
    sum->auctions += part->auctions;
    sum->bids += part->bids;
    sum->wins += part->wins;
    sum->bid_nanos = add_money(sum->bid_nanos, part->bid_nanos);
    sum->spend_nanos = add_money(sum->spend_nanos, part->spend_nanos);
    sum->expected_nanoclicks += part->expected_nanoclicks;
    sum->expected_nanoconversions += part->expected_nanoconversions;
    sum->clicks += part->clicks;
    sum->conversions += part->conversions;
}

gv_tally gv_tally_since(const gv_tally *sum, const gv_tally *part)
{
    assert(sum->auctions >= part->auctions);
    assert(sum->spend_nanos >= part->spend_nanos);
    return (gv_tally){
        .auctions = sum->auctions - part->auctions,
        .bids = sum->bids - part->bids,
        .wins = sum->wins - part->wins,
        .bid_nanos = sum->bid_nanos - part->bid_nanos,
        .spend_nanos = sum->spend_nanos - part->spend_nanos,
        .expected_nanoclicks = sum->expected_nanoclicks - part->expected_nanoclicks,
        .expected_nanoconversions = sum->expected_nanoconversions - part->expected_nanoconversions,
        .clicks = sum->clicks - part->clicks,
        .conversions = sum->conversions - part->conversions,
    };
}
