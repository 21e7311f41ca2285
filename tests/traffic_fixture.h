/*
 * traffic_fixture.h - traffic of any type with what it borrows, for tests.
 *
 *   static traffic_stage stage;
 *   traffic_stage_init(&stage, &gv_traffic_poisson);
 *   traffic_stage_set(&stage, "rate", "4800");
 *   gv_traffic *traffic = traffic_stage_open(&stage);
 */
#ifndef TESTS_TRAFFIC_FIXTURE_H
#define TESTS_TRAFFIC_FIXTURE_H

#include <string.h>

#include "cmocka_all.h"
#include "sim/base/clock.h"
#include "sim/market/traffic.h"
#include "test_folder.h"

enum { TRAFFIC_ADVERTISERS = 48, TRAFFIC_TICKS = 48 };

typedef struct traffic_stage {
    const gv_traffic_type *type;
    unsigned char config[1024];
    uint32_t categories[TRAFFIC_ADVERTISERS];
    gv_traffic_setup setup;
} traffic_stage;

/* A day of 48 half-hours from 1970, 48 advertisers in six categories, all defaults. */
static inline void traffic_stage_init(traffic_stage *stage, const gv_traffic_type *type)
{
    memset(stage, 0, sizeof *stage);
    stage->type = type;
    gv_param_defaults(type->info.params, stage->config);
    for (uint32_t a = 0; a < TRAFFIC_ADVERTISERS; a++) {
        stage->categories[a] = a / 8;
    }
    stage->setup = (gv_traffic_setup){
        .config = stage->config,
        .seed = 21,
        .tick_us = 30 * GV_US_PER_MINUTE,
        .tick_count = TRAFFIC_TICKS,
        .advertiser_count = TRAFFIC_ADVERTISERS,
        .categories = stage->categories,
    };
}

/* `value` outlives the stage where the parameter is a text. */
static inline void traffic_stage_set(traffic_stage *stage, const char *name, const char *value)
{
    const gv_param *param = gv_param_find(stage->type->info.params, name);
    assert_non_null(param);
    assert_int_equal(gv_param_parse(param, value, 0, stage->config), GV_OK);
}

/* The same where the type has such a parameter. */
static inline void traffic_stage_try(traffic_stage *stage, const char *name, const char *value)
{
    if (gv_param_find(stage->type->info.params, name) != NULL) {
        traffic_stage_set(stage, name, value);
    }
}

static inline gv_traffic *traffic_stage_open(const traffic_stage *stage)
{
    gv_traffic *traffic = NULL;
    const gv_status status = gv_traffic_create(stage->type, &stage->setup, &traffic);
    if (status != GV_OK) {
        print_error("%s\n", gv_status_detail());
    }
    assert_int_equal(status, GV_OK);
    return traffic;
}

/* It is refused, with `words` in the sentence. */
static inline void traffic_stage_refused(const traffic_stage *stage, gv_status status,
                                         const char *words)
{
    gv_traffic *traffic = NULL;
    assert_int_equal(gv_traffic_create(stage->type, &stage->setup, &traffic), status);
    assert_null(traffic);
    if (strstr(gv_status_detail(), words) == NULL) {
        fail_msg("'%s' is not in: %s", words, gv_status_detail());
    }
}

/* A file of that text in the folder. */
static inline void traffic_write(const test_folder *folder, const char *name, const char *text,
                                 char path[TEST_PATH_SIZE])
{
    test_folder_path(folder, name, path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fputs(text, file) >= 0, 1);
    assert_int_equal(fclose(file), 0);
}

#endif
