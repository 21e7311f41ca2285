/*
 * random_lanes.h - single-precision draws for many entities at once: four from each Philox block.
 *
 * Where millions of opportunities each need a number for every advertiser, a 64-bit draw costs
 * twice what is needed. One block of a lane gives four 32-bit words. Their counters are
 *
 *   entity (64 bits), stream (8 bits), 1 (1 bit), block (55 bits)
 *
 * and the draws of random.h have 0 in that one bit, so the two can never meet.
 */
#ifndef SIM_BASE_RANDOM_LANES_H
#define SIM_BASE_RANDOM_LANES_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/random.h"

enum { GV_LANE_DRAWS = 4 };

/* The block's four words for one entity. */
void gv_random_lane_words(uint64_t seed, gv_stream stream, uint64_t entity, uint64_t block,
                          uint32_t words[GV_LANE_DRAWS]);

/* The same for `count` consecutive entities: word j of entity first_entity + i, at
   words[j * stride + i]. */
void gv_random_lanes_words(uint64_t seed, gv_stream stream, uint64_t first_entity, size_t count,
                           uint64_t block, size_t stride, uint32_t *words);

/*
 * Four standard normals in single precision for each of `count` consecutive entities:
 * out[j * stride + i] is draw j of entity first_entity + i. The same bits on every machine.
 */
void gv_random_lanes_normal(uint64_t seed, gv_stream stream, uint64_t first_entity, size_t count,
                            uint64_t block, size_t stride, float *out);

#endif
