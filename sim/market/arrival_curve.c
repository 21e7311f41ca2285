#include <string.h>

#include "sim/base/clock.h"
#include "sim/base/number.h"
#include "sim/log/sheet.h"
#include "sim/market/arrival_curve_impl.h"

enum { HOURS = 24, DAYS = 7 };

#define MONDAY_US (4 * GV_US_PER_DAY) /* 1970-01-05 */
#define SHARE_MAX 1e12

const double gv_arrival_shape[GV_ARRIVAL_SHAPE_BUCKETS] = {
    23.0, 10.8, 8.8,  4.8,  4.8,  3.3,  3.4,  3.0,  4.3,  4.9,  11.1, 12.4, 18.5, 17.3, 26.1, 24.1,
    36.4, 33.1, 38.1, 32.4, 37.2, 32.9, 33.5, 25.5, 23.7, 22.2, 26.2, 20.1, 22.2, 20.5, 22.7, 20.8,
    24.1, 20.6, 20.0, 16.5, 17.5, 16.9, 20.4, 19.8, 25.0, 25.1, 31.1, 28.6, 30.1, 25.7, 25.4, 25.3,
};

/* Numbers of the columns that matter; what is optional is there or not. */
typedef struct layout {
    size_t hour;
    size_t share;
    size_t day;
    size_t region;
    bool has_day;
    bool has_region;
} layout;

static gv_status find_columns(const gv_sheet *sheet, const char *column, const char *region,
                              layout *out)
{
    if (!gv_sheet_find(sheet, "hour", &out->hour)) {
        return GV_FAIL(GV_EPARSE,
                       "%s: no column `hour`: expected hour, traffic_share and perhaps "
                       "dow in the header",
                       gv_sheet_path(sheet));
    }
    if (!gv_sheet_find(sheet, "traffic_share", &out->share) &&
        !gv_sheet_find(sheet, "share", &out->share)) {
        return GV_FAIL(GV_EPARSE, "%s: no column `traffic_share` or `share` in the header",
                       gv_sheet_path(sheet));
    }
    out->has_day = gv_sheet_find(sheet, "dow", &out->day);
    out->has_region = region != NULL;
    if (out->has_region && !gv_sheet_find(sheet, column, &out->region)) {
        return GV_FAIL(GV_EPARSE, "%s: no column `%s`, which curve_column names",
                       gv_sheet_path(sheet), column);
    }
    return GV_OK;
}

static gv_status read_whole(const gv_sheet *sheet, size_t row, size_t column, int64_t bounds[2],
                            int64_t *value)
{
    const gv_span cell = gv_sheet_cell(sheet, row, column);
    const char *fault =
        gv_number_scaled(cell.bytes, cell.size, gv_scale_of(1), GV_ROUND_NEVER, value);
    if (fault != NULL || *value < bounds[0] || *value > bounds[1]) {
        return GV_FAIL(GV_EPARSE, "%s:%llu: '%.*s' is no whole number from %lld to %lld",
                       gv_sheet_path(sheet), (unsigned long long)gv_sheet_line(sheet, row),
                       (int)cell.size, cell.bytes, (long long)bounds[0], (long long)bounds[1]);
    }
    return GV_OK;
}

static gv_status add_row(const gv_sheet *sheet, const layout *columns, size_t row,
                         gv_arrival_curve *curve)
{
    int64_t hour = 0;
    int64_t day = 1;
    double share = 0.0;
    const gv_span cell = gv_sheet_cell(sheet, row, columns->share);
    GV_TRY(read_whole(sheet, row, columns->hour, (int64_t[]){0, HOURS - 1}, &hour));
    if (columns->has_day) {
        GV_TRY(read_whole(sheet, row, columns->day, (int64_t[]){1, DAYS}, &day));
    }
    const char *fault = gv_number_real(cell.bytes, cell.size, &share);
    if (fault != NULL || share < 0.0 || share > SHARE_MAX) {
        return GV_FAIL(GV_EPARSE, "%s:%llu: '%.*s' is no share: expected a number from 0 to 1e12",
                       gv_sheet_path(sheet), (unsigned long long)gv_sheet_line(sheet, row),
                       (int)cell.size, cell.bytes);
    }
    double *weight = &curve->weights[(day - 1) * HOURS + hour];
    *weight = *weight < 0.0 ? share : *weight + share;
    return GV_OK;
}

static bool is_of_region(const gv_sheet *sheet, const layout *columns, size_t row,
                         const char *region)
{
    if (!columns->has_region) {
        return true;
    }
    const gv_span cell = gv_sheet_cell(sheet, row, columns->region);
    return cell.size == strlen(region) && memcmp(cell.bytes, region, cell.size) == 0;
}

/* A bucket that no row spoke of is still negative. */
static gv_status check_whole(const gv_sheet *sheet, const gv_arrival_curve *curve,
                             const char *region)
{
    double total = 0.0;
    for (size_t i = 0; i < curve->bucket_count; i++) {
        if (curve->weights[i] < 0.0) {
            return GV_FAIL(GV_EPARSE, "%s: no row for hour %zu of day %zu%s%s",
                           gv_sheet_path(sheet), i % HOURS, i / HOURS + 1,
                           region == NULL ? "" : " with curve_region ",
                           region == NULL ? "" : region);
        }
        total += curve->weights[i];
    }
    if (!(total > 0.0)) {
        return GV_FAIL(GV_EPARSE, "%s: all shares are 0", gv_sheet_path(sheet));
    }
    return GV_OK;
}

static gv_status fill(const gv_sheet *sheet, const char *column, const char *region,
                      gv_arrival_curve *curve)
{
    layout columns = {0};
    size_t taken = 0;
    GV_TRY(find_columns(sheet, column, region, &columns));
    curve->bucket_us = GV_US_PER_HOUR;
    curve->bucket_count = columns.has_day ? (size_t)DAYS * HOURS : HOURS;
    curve->origin_us = MONDAY_US;
    for (size_t i = 0; i < curve->bucket_count; i++) {
        curve->weights[i] = -1.0;
    }
    for (size_t row = 0; row < gv_sheet_row_count(sheet); row++) {
        if (is_of_region(sheet, &columns, row, region)) {
            GV_TRY(add_row(sheet, &columns, row, curve));
            taken++;
        }
    }
    if (taken == 0 && region != NULL) {
        return GV_FAIL(GV_EPARSE, "%s: no row has the curve_region '%s' in its column `%s`",
                       gv_sheet_path(sheet), region, column);
    }
    return check_whole(sheet, curve, region);
}

gv_status gv_arrival_curve_read(const char *name, const char *column, const char *region,
                                gv_arrival_curve *curve)
{
    *curve = (gv_arrival_curve){.bucket_count = 1, .bucket_us = GV_US_PER_DAY, .weights = {1.0}};
    if (strcmp(name, "flat") == 0) {
        return GV_OK;
    }
    if (strcmp(name, "auctionnet") == 0) {
        curve->bucket_count = GV_ARRIVAL_SHAPE_BUCKETS;
        curve->bucket_us = GV_US_PER_DAY / GV_ARRIVAL_SHAPE_BUCKETS;
        memcpy(curve->weights, gv_arrival_shape, sizeof gv_arrival_shape);
        return GV_OK;
    }
    gv_sheet *sheet = NULL;
    GV_TRY(gv_sheet_read(name, &sheet));
    const gv_status status = fill(sheet, column, region, curve);
    gv_sheet_destroy(sheet);
    return status;
}

size_t gv_arrival_curve_bucket(const gv_arrival_curve *curve, int64_t local_us, int64_t *end_us)
{
    const int64_t cycle_us = (int64_t)curve->bucket_count * curve->bucket_us;
    const int64_t rest = (local_us - curve->origin_us) % cycle_us;
    const int64_t phase = rest < 0 ? rest + cycle_us : rest;
    const int64_t bucket = phase / curve->bucket_us;
    *end_us = local_us + (bucket + 1) * curve->bucket_us - phase;
    return (size_t)bucket;
}
