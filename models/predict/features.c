#include <stdio.h>
#include <string.h>

#include "models/predict/features_impl.h"
#include "sim/base/clock.h"

enum { COLUMN_COUNT = 5 };

static const gv_log_role roles[COLUMN_COUNT] = {
    GV_ROLE_ADVERTISER, GV_ROLE_EXCHANGE, GV_ROLE_SLOT_WIDTH, GV_ROLE_SLOT_HEIGHT, GV_ROLE_TIME,
};

static gv_status say_missing(const gv_log *log, gv_log_table table, const char *predictor,
                             const gv_log_column *const *columns)
{
    char names[256] = "";
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        if (columns[i] == NULL) {
            const size_t used = strlen(names);
            (void)snprintf(names + used, sizeof names - used, "%s%s", used == 0 ? "" : ", ",
                           gv_log_role_name(roles[i]));
        }
    }
    return GV_FAIL(GV_ENOTFOUND,
                   "%s: the %s table lacks what predictor %s needs: %s. Ingest a log that has "
                   "them, or choose another predictor",
                   gv_log_path(log), gv_log_table_name(table), predictor, names);
}

gv_status gv_features_bind(gv_features *features, const gv_log *log, gv_log_table table,
                           const char *predictor)
{
    const gv_log_column *columns[COLUMN_COUNT];
    bool is_whole = true;
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        columns[i] = gv_log_find(log, table, gv_log_role_name(roles[i]));
        is_whole = is_whole && columns[i] != NULL;
    }
    if (!is_whole) {
        return say_missing(log, table, predictor, columns);
    }
    *features = (gv_features){
        .advertiser = columns[0],
        .exchange = columns[1],
        .width = columns[2],
        .height = columns[3],
        .time = columns[4],
        .zone_us = gv_log_zone_us(log),
    };
    return GV_OK;
}

gv_status gv_features_check(const gv_features *features, uint64_t first, uint64_t count)
{
    GV_TRY(gv_log_check(features->advertiser, first, count));
    GV_TRY(gv_log_check(features->exchange, first, count));
    GV_TRY(gv_log_check(features->width, first, count));
    GV_TRY(gv_log_check(features->height, first, count));
    return gv_log_check(features->time, first, count);
}

static uint64_t code(const gv_log_column *column, const uint32_t *codes, uint64_t row)
{
    const uint32_t found = gv_log_codes(column)[row];
    return codes == NULL || found == GV_LOG_NO_CODE ? found : codes[found];
}

static uint64_t hour(int64_t local_us)
{
    const int64_t of_day = local_us % GV_US_PER_DAY;
    return (uint64_t)((of_day < 0 ? of_day + GV_US_PER_DAY : of_day) / GV_US_PER_HOUR);
}

void gv_features_read(const gv_features *features, uint64_t row, uint64_t *values)
{
    const uint64_t width = (uint64_t)gv_log_integers(features->width)[row];
    const uint64_t height = (uint64_t)gv_log_integers(features->height)[row];
    values[0] = code(features->advertiser, features->advertiser_codes, row);
    values[1] = code(features->exchange, features->exchange_codes, row);
    values[2] = width << 32 | (height & UINT32_MAX);
    values[3] = hour(gv_log_integers(features->time)[row] + features->zone_us);
}
