/* What `gavel inspect` shows of a model of clicks. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "models/predict/served.h"
#include "scenarios/cli/inspect.h"
#include "sim/base/clock.h"
#include "sim/base/param.h"

enum { TEXT_SIZE = 96 };

/* How what was learnt becomes what is told. */
static void print_recalibration(const char *label, const gv_recalibration *map)
{
    if (map->kind == GV_RECALIBRATE_NONE && map->shift == 0) {
        (void)printf("%-8s as learnt\n", label);
        return;
    }
    (void)printf("%-8s log odds shifted by %.10g", label, map->shift);
    if (map->kind == GV_RECALIBRATE_PLATT) {
        (void)printf(", then platt: slope %.10g, offset %.10g", map->slope, map->offset);
    } else if (map->kind == GV_RECALIBRATE_ISOTONIC) {
        (void)printf(", then isotonic: %zu knots", map->knot_count);
    }
    (void)putchar('\n');
}

static void print(const char *path, const gv_served *served)
{
    const gv_model_about *about = gv_served_about(served);
    const gv_type_info *type = &about->type->info;
    char fields[GV_FIELDS_TEXT_SIZE];
    char text[2][TEXT_SIZE];
    gv_fields_print(&about->fields, fields, sizeof fields);
    gv_time_print(about->from_us, 0, text[0], TEXT_SIZE);
    gv_time_print(about->to_us, 0, text[1], TEXT_SIZE);
    (void)printf("%s: %s, %s\n\n", path, type->name, type->summary);
    (void)printf("sees     %s; 2^%u buckets\n", fields, about->bits);
    (void)printf("learnt   %s to %s of log %016" PRIx64 ", %" PRIu64 " pass%s, seed %" PRIu64
                 ", gavel %s\n",
                 text[0], text[1], about->log_identity, about->epochs,
                 about->epochs == 1 ? "" : "es", about->seed, about->version);
    (void)printf("samples  a negative weighs %.10g, by sampling=%s\n", about->impression_weight,
                 gv_sampling_names[about->sampling]);
    for (const gv_param *row = type->params; row != NULL && row->name != NULL; row++) {
        gv_param_print(row, about->config, text[0], TEXT_SIZE);
        (void)printf("%s%s=%s", row == type->params ? "set      " : " ", row->name, text[0]);
    }
    (void)putchar('\n');
    print_recalibration("clicks", &about->recalibrations[GV_RATE_CLICK]);
    if (about->type->tells_conversions) {
        print_recalibration("converts", &about->recalibrations[GV_RATE_CONVERSION]);
    }
    if (gv_served_sharing(served) != NULL) {
        (void)printf("served   %s\n", gv_served_sharing(served));
    }
}

static void set(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value);
}

static json_t *params_of(const gv_model_about *about)
{
    json_t *object = json_object();
    const gv_param *row = about->type->info.params;
    for (; row != NULL && row->name != NULL; row++) {
        char text[TEXT_SIZE];
        gv_param_print(row, about->config, text, sizeof text);
        set(object, row->name, json_string(text));
    }
    return object;
}

static json_t *numbers_of(const double *numbers, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        (void)json_array_append_new(list, json_real(numbers[i]));
    }
    return list;
}

/* null: a rate that the model does not tell. */
static json_t *recalibration_of(const gv_model_about *about, gv_rate rate)
{
    const gv_recalibration *map = &about->recalibrations[rate];
    if (rate == GV_RATE_CONVERSION && !about->type->tells_conversions) {
        return json_null();
    }
    json_t *object = json_object();
    set(object, "kind", json_string(gv_recalibration_names[map->kind]));
    set(object, "shift", json_real(map->shift));
    if (map->kind == GV_RECALIBRATE_PLATT) {
        set(object, "slope", json_real(map->slope));
        set(object, "offset", json_real(map->offset));
    } else if (map->kind == GV_RECALIBRATE_ISOTONIC) {
        set(object, "knots", numbers_of(map->knots, map->knot_count));
        set(object, "values", numbers_of(map->values, map->knot_count));
    }
    return object;
}

static gv_status print_json(const gv_served *served)
{
    const gv_model_about *about = gv_served_about(served);
    const char *sharing = gv_served_sharing(served);
    char fields[GV_FIELDS_TEXT_SIZE];
    char log[TEXT_SIZE];
    json_t *object = json_object();
    gv_fields_print(&about->fields, fields, sizeof fields);
    (void)snprintf(log, sizeof log, "%016" PRIx64, about->log_identity);
    set(object, "type", json_string(about->type->info.name));
    set(object, "fields", json_string(fields));
    set(object, "bits", json_integer(about->bits));
    set(object, "parameters", params_of(about));
    set(object, "log", json_string(log));
    set(object, "from_us", json_integer(about->from_us));
    set(object, "to_us", json_integer(about->to_us));
    set(object, "epochs", json_integer((json_int_t)about->epochs));
    set(object, "seed", json_integer((json_int_t)about->seed));
    set(object, "impression_weight", json_real(about->impression_weight));
    set(object, "sampling", json_string(gv_sampling_names[about->sampling]));
    set(object, "version", json_string(about->version));
    set(object, "recalibration_of_clicks", recalibration_of(about, GV_RATE_CLICK));
    set(object, "recalibration_of_conversions", recalibration_of(about, GV_RATE_CONVERSION));
    set(object, "sharing", sharing == NULL ? json_null() : json_string(sharing));
    const int failed = json_dumpf(object, stdout, JSON_INDENT(2));
    json_decref(object);
    if (failed != 0) {
        return GV_FAIL(GV_EIO, "the report could not be written");
    }
    (void)putchar('\n');
    return GV_OK;
}

gv_status gv_inspect_model(const char *path, bool as_json)
{
    gv_served *served = NULL;
    GV_TRY(gv_served_open(path, 1, &served));
    gv_status status = GV_OK;
    if (as_json) {
        status = print_json(served);
    } else {
        print(path, served);
    }
    gv_served_close(served);
    return status;
}
