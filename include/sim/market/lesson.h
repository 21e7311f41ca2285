/*
 * lesson.h - a recorded period of a market as a history that policies learn from.
 *
 * One row an opportunity: its time, the value for one advertiser of a category, and what that
 * advertiser had to beat. Which advertiser it is, is drawn for each opportunity alike, so the rows
 * are an even sample of all rows of the category, as many as one advertiser met (the published
 * online LP learns from such a sample: an eighth of the rows of eight advertisers).
 */
#ifndef SIM_MARKET_LESSON_H
#define SIM_MARKET_LESSON_H

#include <stddef.h>
#include <stdint.h>

#include "sim/market/history.h"
#include "sim/market/record.h"

typedef struct gv_lesson_config {
    const gv_record *record;            /* complete; not needed afterwards */
    const gv_exchange_config *exchange; /* it was recorded from; likewise */
    const uint32_t *categories;         /* [advertisers] */
    uint32_t category;
    uint64_t seed; /* of the draws */
    const char *name;
} gv_lesson_config;

/*
 * Its source hands out its own arrays and may be read by any number of threads. GV_EINVAL: the
 * category has no advertiser. 24 bytes an opportunity.
 */
GV_MUST_CHECK gv_status gv_lesson_create(const gv_lesson_config *config, gv_history **out);

#endif
