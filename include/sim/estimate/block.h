/*
 * block.h - a cell's ticks cut into the clusters that a bootstrap draws.
 *
 * Neighbouring ticks hang together (the hour's traffic, the policy's pace), so they are drawn
 * together. AUTO takes the natural clusters where there are enough of them, 10 and more:
 * episodes by auctions, each of which starts anew with a full budget; or else days. Otherwise
 * it takes runs of the cube root of the number of ticks, the rate at which the length of a
 * block should grow (Hall, Horowitz and Jing, Biometrika 82, 1995). What an interval then says
 * is how the figure varies with the traffic, policies as fitted; not how a fit would vary.
 *
 * In a market a cell is one campaign in one period, its seat, and a score does not add up over
 * ticks: so a cell is never cut. All seats of a period share its traffic, its prices and each
 * other as rivals; with 10 periods and more AUTO therefore draws whole periods, and an interval
 * says how a figure varies from period to period for these campaigns. With fewer it draws seats,
 * as if they were independent: that says how a figure varies over campaigns such as these, and
 * leaves out what a whole period has in common.
 */
#ifndef SIM_ESTIMATE_BLOCK_H
#define SIM_ESTIMATE_BLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"
#include "sim/outcome/metric.h"
#include "sim/outcome/store.h"

typedef enum gv_block_kind {
    GV_BLOCK_AUTO,
    GV_BLOCK_EPISODE,
    GV_BLOCK_DAY,
    GV_BLOCK_TICKS,
    GV_BLOCK_PERIOD, /* of markets only, as is the next; the others of replays only */
    GV_BLOCK_SEAT,
} gv_block_kind;

typedef struct gv_block_rule {
    gv_block_kind kind;
    uint64_t ticks; /* in a block of TICKS; 0: worked out */
} gv_block_rule;

/* PERIOD or SEAT for cells of a market; `rule` is AUTO or one of them. */
gv_block_kind gv_block_choose_seats(gv_block_rule rule, size_t period_count);

/* AUTO and 0 ticks made definite for a replay's cell that has its ticks. */
gv_block_rule gv_block_choose(gv_block_rule rule, const gv_cell_record *cell);

/* How many blocks the ticks make: one and each change from one tick to the next; at least 1. */
size_t gv_block_count(gv_block_rule rule, const gv_cell_record *cell);

/*
 * Adds the cell's quantities to sums[block * stride + q]; a seat's all to the first block. What the
 * total has beyond the ticks (clicks that came after the end) goes to the last block; the budget
 * is spread evenly over `block_count` blocks, at least gv_block_count().
 */
void gv_block_add(gv_block_rule rule, const gv_cell_record *cell, size_t block_count, double *sums,
                  size_t stride);

#endif
