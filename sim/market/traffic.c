/* The dispatcher of traffic types, and where each tick's opportunities begin. */
#include "sim/market/traffic.h"

#include <assert.h>
#include <string.h>

#include "sim/base/clock.h"
#include "sim/base/hash.h"
#include "sim/base/mem.h"
#include "sim/market/traffic_impl.h"

enum { TICKS_MAX = 1000000, CELLS_MAX = 1 << 28, VALUE_STRIP = 4096 };

struct gv_traffic {
    const gv_traffic_type *type;
    void *state;
    size_t tick_count;
    size_t advertiser_count;
    uint64_t before[]; /* [tick_count + 1] */
};

const gv_traffic_type *const gv_traffic_types[] = {
    &gv_traffic_auctionnet,
    &gv_traffic_poisson,
    &gv_traffic_log,
    NULL,
};

const gv_traffic_type *gv_traffic_find(const char *name)
{
    for (const gv_traffic_type *const *type = gv_traffic_types; *type != NULL; type++) {
        if (strcmp((*type)->info.name, name) == 0) {
            return *type;
        }
    }
    return NULL;
}

gv_status gv_traffic_check(const gv_traffic_type *type, const void *config, size_t tick_count)
{
    return type->check == NULL ? GV_OK : type->check(config, tick_count);
}

/* Within the years that Gavel accepts, so that no sum of times overflows. */
static gv_status check_times(const gv_traffic_type *type, const gv_traffic_setup *setup)
{
    if (setup->tick_count == 0 || setup->tick_us <= 0) {
        return GV_FAIL(GV_EINVAL, "%s traffic has no ticks: give at least one, of at least 1 us",
                       type->info.name);
    }
    if (setup->tick_count > TICKS_MAX) {
        return GV_FAIL(GV_EINVAL, "%s traffic of %zu ticks: expected at most %d", type->info.name,
                       setup->tick_count, TICKS_MAX);
    }
    if (setup->start_us < GV_TIME_MIN_US || setup->start_us > GV_TIME_MAX_US ||
        setup->tick_us > (GV_TIME_MAX_US - setup->start_us) / (int64_t)setup->tick_count) {
        return GV_FAIL(GV_EINVAL,
                       "%s traffic of %zu ticks of %lld us leaves the years 1900 to 2200",
                       type->info.name, setup->tick_count, (long long)setup->tick_us);
    }
    return GV_OK;
}

/* What keys of draws have room for, and memory. */
static gv_status check_advertisers(const gv_traffic_type *type, const gv_traffic_setup *setup)
{
    if (setup->advertiser_count == 0) {
        return GV_FAIL(GV_EINVAL, "%s traffic has no advertiser: give at least one campaign",
                       type->info.name);
    }
    if (setup->advertiser_count > CELLS_MAX / setup->tick_count) {
        return GV_FAIL(GV_EINVAL,
                       "%s traffic of %zu ticks and %zu advertisers: expected at most %zu "
                       "advertisers for so many ticks",
                       type->info.name, setup->tick_count, setup->advertiser_count,
                       CELLS_MAX / setup->tick_count);
    }
    for (size_t i = 0; i < setup->advertiser_count; i++) {
        if (i >> GV_TRAFFIC_SUBJECT_BITS != 0 ||
            setup->categories[i] >> GV_TRAFFIC_SUBJECT_BITS != 0) {
            return GV_FAIL(GV_EINVAL,
                           "advertiser %zu has the category %u: expected both below 2^%d", i,
                           setup->categories[i], GV_TRAFFIC_SUBJECT_BITS);
        }
    }
    return GV_OK;
}

static gv_status check_setup(const gv_traffic_type *type, const gv_traffic_setup *setup)
{
    GV_TRY(check_times(type, setup));
    if (setup->period >> GV_TRAFFIC_PERIOD_BITS != 0) {
        return GV_FAIL(GV_EINVAL, "period %llu is too large: expected less than 2^%d",
                       (unsigned long long)setup->period, GV_TRAFFIC_PERIOD_BITS);
    }
    GV_TRY(gv_traffic_check(type, setup->config, setup->tick_count));
    return check_advertisers(type, setup);
}

gv_status gv_traffic_create(const gv_traffic_type *type, const gv_traffic_setup *setup,
                            gv_traffic **out)
{
    GV_TRY(check_setup(type, setup));

    gv_traffic *traffic = gv_mem_alloc(sizeof *traffic, setup->tick_count + 1, sizeof(uint64_t));
    if (traffic == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for %zu ticks of traffic", setup->tick_count);
    }
    traffic->type = type;
    traffic->tick_count = setup->tick_count;
    traffic->advertiser_count = setup->advertiser_count;
    gv_status status = GV_OK;
    traffic->state = gv_mem_alloc(0, 1, type->state_size);
    if (traffic->state == NULL) {
        status = GV_FAIL(GV_ENOMEM, "no memory for %s traffic", type->info.name);
        goto fail;
    }
    GV_TRY_GOTO(status, type->init(traffic->state, setup), fail);
    for (size_t tick = 0; tick < setup->tick_count; tick++) {
        traffic->before[tick + 1] = traffic->before[tick] + type->count(traffic->state, tick);
    }
    *out = traffic;
    return GV_OK;
fail:
    gv_traffic_destroy(traffic);
    return status;
}

void gv_traffic_destroy(gv_traffic *traffic)
{
    if (traffic == NULL) {
        return;
    }
    if (traffic->state != NULL && traffic->type->fini != NULL) {
        traffic->type->fini(traffic->state);
    }
    gv_mem_free(traffic->state);
    gv_mem_free(traffic);
}

uint64_t gv_traffic_before(const gv_traffic *traffic, size_t tick)
{
    assert(tick <= traffic->tick_count);
    return traffic->before[tick];
}

uint64_t gv_traffic_count(const gv_traffic *traffic, size_t tick)
{
    assert(tick < traffic->tick_count);
    return traffic->before[tick + 1] - traffic->before[tick];
}

size_t gv_traffic_tick_of(const gv_traffic *traffic, uint64_t opportunity)
{
    assert(opportunity < traffic->before[traffic->tick_count]);
    size_t low = 0; /* it lies in low .. high - 1 */
    size_t high = traffic->tick_count;
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (traffic->before[middle] <= opportunity) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

static void assert_piece(const gv_traffic *traffic, size_t tick, uint64_t first, size_t count)
{
    assert(tick < traffic->tick_count);
    assert(first >= traffic->before[tick]);
    assert(first + count <= traffic->before[tick + 1]);
}

void gv_traffic_times(const gv_traffic *traffic, size_t tick, uint64_t first, size_t count,
                      int64_t *time_us)
{
    assert_piece(traffic, tick, first, count);
    traffic->type->times(traffic->state, tick, first, count, time_us);
}

void gv_traffic_values(const gv_traffic *traffic, const gv_traffic_piece *piece, size_t stride,
                       float *values)
{
    assert_piece(traffic, piece->tick, piece->first, piece->count);
    assert(piece->count <= stride);
    assert(piece->advertiser % GV_TRAFFIC_GROUP == 0);
    assert(piece->advertiser + piece->advertiser_count <= traffic->advertiser_count);
    traffic->type->values(traffic->state, piece, stride, values);
}

double gv_traffic_sigma(const gv_traffic *traffic, uint64_t opportunity, uint32_t advertiser,
                        double value)
{
    const double sigma = traffic->type->sigma(traffic->state, opportunity, advertiser, value);
    assert(sigma >= 0.0);
    assert(sigma <= value);
    return sigma;
}

/* values: [advertiser_count][VALUE_STRIP], room. */
static void add_strip(const gv_traffic *traffic, const gv_traffic_piece *piece, float *values,
                      double *sums)
{
    gv_traffic_values(traffic, piece, VALUE_STRIP, values);
    for (size_t who = 0; who < traffic->advertiser_count; who++) {
        const float *row = values + who * VALUE_STRIP;
        for (size_t i = 0; i < piece->count; i++) {
            sums[who] += (double)row[i];
        }
    }
}

gv_status gv_traffic_add_up(const gv_traffic *traffic, size_t tick, double *sums)
{
    const size_t advertisers = traffic->advertiser_count;
    const uint64_t end = traffic->before[tick + 1];
    float *values = gv_mem_alloc_vector(advertisers * VALUE_STRIP, sizeof *values);
    if (values == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to add up the values of a tick");
    }
    for (uint64_t at = traffic->before[tick]; at < end; at += VALUE_STRIP) {
        const size_t count = end - at < VALUE_STRIP ? (size_t)(end - at) : VALUE_STRIP;
        const gv_traffic_piece piece = {
            .tick = tick, .first = at, .count = count, .advertiser_count = advertisers};
        add_strip(traffic, &piece, values, sums);
    }
    gv_mem_free(values);
    return GV_OK;
}

static void hash_strip(const gv_traffic *traffic, const gv_traffic_piece *piece, gv_hasher *hasher)
{
    int64_t time_us[VALUE_STRIP];
    float values[VALUE_STRIP];
    gv_traffic_times(traffic, piece->tick, piece->first, piece->count, time_us);
    gv_traffic_values(traffic, piece, VALUE_STRIP, values);
    gv_hasher_add(hasher, time_us, piece->count * sizeof *time_us);
    gv_hasher_add(hasher, values, piece->count * sizeof *values);
}

gv_status gv_traffic_hash(const gv_traffic *traffic, uint64_t *hash)
{
    gv_hasher *hasher = gv_hasher_create();
    if (hasher == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to identify the traffic of a period");
    }
    for (size_t tick = 0; tick < traffic->tick_count; tick++) {
        const uint64_t end = traffic->before[tick + 1];
        for (uint64_t at = traffic->before[tick]; at < end; at += VALUE_STRIP) {
            const gv_traffic_piece piece = {.tick = tick,
                                            .first = at,
                                            .count = end - at < VALUE_STRIP ? (size_t)(end - at)
                                                                            : VALUE_STRIP,
                                            .advertiser_count = 1};
            hash_strip(traffic, &piece, hasher);
        }
    }
    *hash = gv_hasher_value(hasher);
    gv_hasher_destroy(hasher);
    return GV_OK;
}
