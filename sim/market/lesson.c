#include "sim/market/lesson.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/random.h"

enum { STRIP = 4096 };

/* Straight columns; loading one twice, or from two threads, gives the same pointers. */
typedef struct lesson {
    gv_source base;
    int64_t *time_us;     /* [end] */
    int64_t *rival_nanos; /* [end] */
    double *pcvr;         /* [end] */
} lesson;

static gv_status lesson_load(gv_source *source, uint64_t position, gv_opportunities *out,
                             uint64_t *next)
{
    const lesson *self = (const lesson *)source;
    assert(position <= source->end);
    const uint64_t rest = source->end - position;
    const size_t count = rest < GV_OPPORTUNITY_PIECE ? (size_t)rest : GV_OPPORTUNITY_PIECE;
    *out = (gv_opportunities){
        .count = count,
        .first_id = position,
        .time_us = self->time_us + position,
        .rival_nanos = self->rival_nanos + position,
        .pcvr = self->pcvr + position,
    };
    *next = position + count;
    return GV_OK;
}

static void lesson_destroy(gv_source *source)
{
    lesson *self = (lesson *)source;
    gv_mem_free(self->time_us);
    gv_mem_free(self->rival_nanos);
    gv_mem_free(self->pcvr);
    gv_mem_free(self);
}

/* NULL: no memory. */
static lesson *allocate(uint64_t count)
{
    lesson *self = gv_mem_alloc(sizeof *self, 0, 0);
    if (self != NULL) {
        self->base = (gv_source){.load = lesson_load, .destroy = lesson_destroy, .end = count};
        self->time_us = gv_mem_alloc_vector(count, sizeof *self->time_us);
        self->rival_nanos = gv_mem_alloc_vector(count, sizeof *self->rival_nanos);
        self->pcvr = gv_mem_alloc_vector(count, sizeof *self->pcvr);
    }
    if (self == NULL || self->time_us == NULL || self->rival_nanos == NULL || self->pcvr == NULL) {
        if (self != NULL) {
            lesson_destroy(&self->base);
        }
        return NULL;
    }
    return self;
}

/* What one bidder had to beat for the last slot. */
static int64_t least_cost(const gv_lesson_config *config, uint64_t i, uint32_t bidder)
{
    const gv_record *record = config->record;
    const size_t last = record->slot_count;
    bool is_behind = config->exchange->least_cost == GV_LEAST_COST_AUCTIONNET;
    for (size_t slot = 0; slot < last && !is_behind; slot++) {
        const int64_t key = record->keys[slot * record->count + i];
        is_behind = key >= 0 && gv_ranking_bidder(&record->ranking, key) == bidder;
    }
    const int64_t key = record->keys[(is_behind ? last : last - 1) * record->count + i];
    const int64_t offer = gv_ranking_offer(&record->ranking, key);
    return offer > record->reserve_nanos ? offer : record->reserve_nanos;
}

/* Whose row each opportunity gives: one of the category's `member_count`, by lot. */
static void draw_members(const gv_lesson_config *config, const gv_traffic_piece *piece,
                         size_t member_count, size_t *members)
{
    for (size_t i = 0; i < piece->count; i++) {
        const gv_random key = gv_random_key(config->seed, GV_STREAM_LESSON, piece->first + i);
        members[i] = (size_t)gv_random_below(&key, config->category, member_count);
    }
}

/* A strip of one tick: the values of one member, where they are its rows. */
static void fill_member(const gv_lesson_config *config, lesson *self, const gv_traffic_piece *piece,
                        const size_t *members, size_t member)
{
    static const size_t stride = STRIP;
    float values[GV_TRAFFIC_GROUP * STRIP];
    gv_traffic_piece group = *piece;
    group.advertiser = piece->advertiser / GV_TRAFFIC_GROUP * GV_TRAFFIC_GROUP;
    group.advertiser_count = piece->advertiser - group.advertiser + 1;
    gv_traffic_values(config->exchange->traffic, &group, stride, values);
    const float *own = values + (group.advertiser_count - 1) * stride;
    for (size_t i = 0; i < piece->count; i++) {
        const uint64_t row = piece->first + i;
        if (members[i] == member) {
            self->pcvr[row] = (double)own[i];
            self->rival_nanos[row] = least_cost(config, row, piece->advertiser);
        }
    }
}

static void fill_strip(const gv_lesson_config *config, lesson *self, const gv_traffic_piece *piece,
                       size_t member_count)
{
    size_t members[STRIP];
    gv_traffic_piece own = *piece;
    size_t member = 0;
    draw_members(config, piece, member_count, members);
    for (uint32_t a = 0; a < config->record->ranking.bidder_count; a++) {
        if (config->categories[a] == config->category) {
            own.advertiser = a;
            fill_member(config, self, &own, members, member++);
        }
    }
}

static void fill(const gv_lesson_config *config, lesson *self, size_t member_count)
{
    const gv_traffic *traffic = config->exchange->traffic;
    for (size_t tick = 0; tick < config->exchange->tick_count; tick++) {
        const uint64_t end = gv_traffic_before(traffic, tick + 1);
        for (uint64_t at = gv_traffic_before(traffic, tick); at < end; at += STRIP) {
            const gv_traffic_piece piece = {
                .tick = tick, .first = at, .count = end - at < STRIP ? (size_t)(end - at) : STRIP};
            fill_strip(config, self, &piece, member_count);
        }
    }
}

static size_t count_members(const gv_lesson_config *config)
{
    size_t count = 0;
    for (size_t a = 0; a < config->record->ranking.bidder_count; a++) {
        count += config->categories[a] == config->category;
    }
    return count;
}

static gv_history totals_of(const gv_lesson_config *config, const lesson *self)
{
    const gv_exchange_config *exchange = config->exchange;
    gv_history totals = {
        .name = config->name,
        .impressions = self->base.end,
        .price_step_nanos = 1,
        .start_us = exchange->start_us,
        .end_us = exchange->start_us + (int64_t)exchange->tick_count * exchange->tick_us,
    };
    for (uint64_t i = 0; i < self->base.end; i++) {
        totals.cost_nanos += self->rival_nanos[i];
    }
    totals.mean_pctr = (double)NAN;
    return totals;
}

gv_status gv_lesson_create(const gv_lesson_config *config, gv_history **out)
{
    const size_t member_count = count_members(config);
    if (member_count == 0) {
        return GV_FAIL(GV_EINVAL, "category %u has no advertiser to learn from", config->category);
    }
    lesson *self = allocate(config->record->count);
    if (self == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for what policies learn from");
    }
    memcpy(self->time_us, config->record->time_us, config->record->count * sizeof *self->time_us);
    fill(config, self, member_count);
    gv_history totals = totals_of(config, self);
    const gv_status status = gv_history_create(&totals, out);
    if (status != GV_OK) {
        lesson_destroy(&self->base);
        return status;
    }
    (*out)->source = &self->base;
    return GV_OK;
}
