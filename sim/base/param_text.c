/*
 * Parameter values as text: read strictly, checked against the row's range, printed so that
 * reading gives the same bits. Every refusal says what was expected and what was found.
 */
#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/clock.h"
#include "sim/base/money.h"
#include "sim/base/param.h"

static const char auto_text[] = "auto";

static void *field_of(const gv_param *param, void *config)
{
    return (char *)config + param->offset;
}

static const void *field_in(const gv_param *param, const void *config)
{
    return (const char *)config + param->offset;
}

static bool is_auto(const gv_param *param)
{
    return param->fallback != NULL && strcmp(param->fallback, auto_text) == 0;
}

static int64_t money_unit(const gv_param *param)
{
    assert(param->unit != NULL);
    return strcmp(param->unit, "CPM") == 0 ? GV_NANOS_PER_CPM : GV_NANOS_PER_UNIT;
}

/* What a person may write here, for messages: "a number from 0 to 300 CPM". */
static void describe(const gv_param *param, char *text, size_t size)
{
    static const char *const nouns[] = {
        [GV_PARAM_INTEGER] = "a whole number",
        [GV_PARAM_REAL] = "a number",
        [GV_PARAM_MONEY] = "an amount",
        [GV_PARAM_DURATION] = "a duration such as '30 min'",
        [GV_PARAM_TIME] = "a time",
        [GV_PARAM_SWITCH] = "on or off",
        [GV_PARAM_CHOICE] = "a choice",
        [GV_PARAM_TEXT] = "a text",
        [GV_PARAM_PATH] = "a path",
    };
    char range[96] = "";
    if (param->minimum == 0 && param->maximum == 0) {
        range[0] = '\0';
    } else if (isinf(param->maximum)) {
        (void)snprintf(range, sizeof range, " of at least %.10g", param->minimum);
    } else {
        (void)snprintf(range, sizeof range, " from %.10g to %.10g", param->minimum, param->maximum);
    }
    const bool names_unit = param->unit != NULL && param->kind != GV_PARAM_DURATION;
    const bool seconds = param->kind == GV_PARAM_DURATION && range[0] != '\0';
    (void)snprintf(text, size, "%s%s%s%s", nouns[param->kind], range,
                   names_unit || seconds ? " " : "",
                   names_unit ? param->unit : (seconds ? "seconds" : ""));
}

static gv_status refuse(const gv_param *param, const char *text)
{
    char expected[192];
    describe(param, expected, sizeof expected);
    return GV_FAIL(GV_EPARSE, "%s: expected %s%s, found '%.80s'", param->name, expected,
                   is_auto(param) ? " (or auto)" : "", text);
}

static bool in_range(const gv_param *param, double value)
{
    const bool unbounded = param->minimum == 0 && param->maximum == 0;
    return unbounded || (value >= param->minimum && value <= param->maximum);
}

/* Digits, with a sign and, in a number with a point or exponent, no hexadecimal, nan or inf. */
static bool read_integer(const char *text, int64_t *value)
{
    char *end = NULL;
    errno = 0;
    const long long read = strtoll(text, &end, 10);
    const bool starts = (text[0] >= '0' && text[0] <= '9') ||
                        ((text[0] == '-' || text[0] == '+') && text[1] >= '0' && text[1] <= '9');
    if (!starts || *end != '\0' || errno != 0 || read == GV_PARAM_UNSET) {
        return false;
    }
    *value = read;
    return true;
}

static bool read_decimal(const char *text, const char *end, double *value)
{
    const size_t length = (size_t)(end - text);
    char *stop = NULL;
    if (length == 0 || strspn(text, "+-.0123456789eE") < length || strchr("eE", text[0]) != NULL) {
        return false;
    }
    const double read = strtod(text, &stop);
    if (stop != end || !isfinite(read)) {
        return false;
    }
    *value = read;
    return true;
}

/* A decimal, or a fraction of two: "1/0.00343". */
static bool read_real(const char *text, double *value)
{
    const char *slash = strchr(text, '/');
    if (slash == NULL) {
        return read_decimal(text, text + strlen(text), value);
    }
    double above = 0;
    double below = 0;
    if (!read_decimal(text, slash, &above) ||
        !read_decimal(slash + 1, text + strlen(text), &below) || !isfinite(above / below)) {
        return false;
    }
    *value = above / below;
    return true;
}

static gv_status parse_integer(const gv_param *param, const char *text, void *config)
{
    int64_t value = 0;
    if (!read_integer(text, &value) || !in_range(param, (double)value)) {
        return refuse(param, text);
    }
    memcpy(field_of(param, config), &value, sizeof value);
    return GV_OK;
}

static gv_status parse_real(const gv_param *param, const char *text, void *config)
{
    double value = 0;
    if (!read_real(text, &value) || !in_range(param, value)) {
        return refuse(param, text);
    }
    memcpy(field_of(param, config), &value, sizeof value);
    return GV_OK;
}

static gv_status parse_money(const gv_param *param, const char *text, void *config)
{
    const int64_t unit = money_unit(param);
    int64_t nanos = 0;
    if (gv_money_parse(text, unit, &nanos) != GV_OK ||
        !in_range(param, (double)nanos / (double)unit)) {
        return refuse(param, text);
    }
    memcpy(field_of(param, config), &nanos, sizeof nanos);
    return GV_OK;
}

static gv_status parse_duration(const gv_param *param, const char *text, void *config)
{
    int64_t us = 0;
    if (gv_duration_parse(text, &us) != GV_OK ||
        !in_range(param, (double)us / (double)GV_US_PER_SECOND)) {
        return refuse(param, text);
    }
    memcpy(field_of(param, config), &us, sizeof us);
    return GV_OK;
}

static gv_status parse_time(const gv_param *param, const char *text, int64_t zone_offset_us,
                            void *config)
{
    int64_t us = 0;
    if (gv_time_parse(text, zone_offset_us, &us) != GV_OK) {
        char reason[256];
        (void)snprintf(reason, sizeof reason, "%s", gv_status_detail());
        return GV_FAIL(GV_EPARSE, "%s: %s", param->name, reason);
    }
    memcpy(field_of(param, config), &us, sizeof us);
    return GV_OK;
}

static gv_status parse_switch(const gv_param *param, const char *text, void *config)
{
    static const char *const names[] = {"on", "true", "yes", "off", "false", "no"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(text, names[i]) == 0) {
            const bool value = i < 3;
            memcpy(field_of(param, config), &value, sizeof value);
            return GV_OK;
        }
    }
    return refuse(param, text);
}

static gv_status refuse_choice(const gv_param *param, const char *text)
{
    char list[256] = "";
    size_t count = 0;
    for (; param->choices[count] != NULL; count++) {
        const size_t used = strlen(list);
        (void)snprintf(list + used, sizeof list - used, "%s%s", count == 0 ? "" : ", ",
                       param->choices[count]);
    }
    const char *nearest = gv_param_nearest(param->choices, count, text);
    return GV_FAIL(GV_EPARSE, "%s: expected one of %s, found '%.80s'%s%s%s", param->name, list,
                   text, nearest == NULL ? "" : "; did you mean '", nearest == NULL ? "" : nearest,
                   nearest == NULL ? "" : "'?");
}

static gv_status parse_choice(const gv_param *param, const char *text, void *config)
{
    for (int32_t i = 0; param->choices[i] != NULL; i++) {
        if (strcmp(text, param->choices[i]) == 0) {
            memcpy(field_of(param, config), &i, sizeof i);
            return GV_OK;
        }
    }
    return refuse_choice(param, text);
}

static void unset(const gv_param *param, void *config)
{
    const double nan = (double)NAN;
    const int64_t none = GV_PARAM_UNSET;
    const int32_t no_choice = -1;
    const char *no_text = NULL;
    void *field = field_of(param, config);
    switch (param->kind) {
    case GV_PARAM_REAL:
        memcpy(field, &nan, sizeof nan);
        return;
    case GV_PARAM_INTEGER:
    case GV_PARAM_MONEY:
    case GV_PARAM_DURATION:
    case GV_PARAM_TIME:
        memcpy(field, &none, sizeof none);
        return;
    case GV_PARAM_CHOICE:
        memcpy(field, &no_choice, sizeof no_choice);
        return;
    case GV_PARAM_TEXT:
    case GV_PARAM_PATH:
        memcpy(field, &no_text, sizeof no_text);
        return;
    case GV_PARAM_SWITCH:
        return;
    }
    assert(false); /* a kind that there is not */
}

gv_status gv_param_parse(const gv_param *param, const char *text, int64_t zone_offset_us,
                         void *config)
{
    if (is_auto(param) && strcmp(text, auto_text) == 0) {
        unset(param, config);
        return GV_OK;
    }
    switch (param->kind) {
    case GV_PARAM_INTEGER:
        return parse_integer(param, text, config);
    case GV_PARAM_REAL:
        return parse_real(param, text, config);
    case GV_PARAM_MONEY:
        return parse_money(param, text, config);
    case GV_PARAM_DURATION:
        return parse_duration(param, text, config);
    case GV_PARAM_TIME:
        return parse_time(param, text, zone_offset_us, config);
    case GV_PARAM_SWITCH:
        return parse_switch(param, text, config);
    case GV_PARAM_CHOICE:
        return parse_choice(param, text, config);
    case GV_PARAM_TEXT:
    case GV_PARAM_PATH:
        memcpy(field_of(param, config), &text, sizeof text);
        return GV_OK;
    }
    assert(false); /* a kind that there is not */
    return GV_EINVAL;
}

void gv_param_defaults(const gv_param *params, void *config)
{
    for (const gv_param *row = params; row != NULL && row->name != NULL; row++) {
        if (row->fallback == NULL) {
            unset(row, config);
            continue;
        }
        const gv_status status = gv_param_parse(row, row->fallback, 0, config);
        assert(status == GV_OK); /* a default outside its own row's range */
        (void)status;
    }
}

/* The fewest digits, from 15 up, that read back to the same double. */
static void print_real(double value, char *text, size_t size)
{
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, size, "%.*g", digits, value);
        double back = 0;
        if (read_decimal(text, text + strlen(text), &back) && back == value) {
            return;
        }
    }
}

static int64_t integer_in(const gv_param *param, const void *config)
{
    int64_t value = 0;
    memcpy(&value, field_in(param, config), sizeof value);
    return value;
}

static double real_in(const gv_param *param, const void *config)
{
    double value = 0;
    memcpy(&value, field_in(param, config), sizeof value);
    return value;
}

static int32_t choice_in(const gv_param *param, const void *config)
{
    int32_t value = 0;
    memcpy(&value, field_in(param, config), sizeof value);
    return value;
}

static const char *text_in(const gv_param *param, const void *config)
{
    const char *value = NULL;
    memcpy(&value, field_in(param, config), sizeof value);
    return value;
}

bool gv_param_is_set(const gv_param *param, const void *config)
{
    switch (param->kind) {
    case GV_PARAM_REAL:
        return !isnan(real_in(param, config));
    case GV_PARAM_INTEGER:
    case GV_PARAM_MONEY:
    case GV_PARAM_DURATION:
    case GV_PARAM_TIME:
        return integer_in(param, config) != GV_PARAM_UNSET;
    case GV_PARAM_CHOICE:
        return choice_in(param, config) >= 0;
    case GV_PARAM_TEXT:
    case GV_PARAM_PATH:
        return text_in(param, config) != NULL;
    case GV_PARAM_SWITCH:
        return true;
    }
    assert(false); /* a kind that there is not */
    return false;
}

bool gv_param_is_file(const gv_param *param, const void *config)
{
    if (param->kind != GV_PARAM_PATH || !gv_param_is_set(param, config)) {
        return false;
    }
    const char *text = text_in(param, config);
    for (size_t i = 0; param->choices != NULL && param->choices[i] != NULL; i++) {
        if (strcmp(param->choices[i], text) == 0) {
            return false;
        }
    }
    return true;
}

void gv_param_print(const gv_param *param, const void *config, char *text, size_t size)
{
    if (!gv_param_is_set(param, config)) {
        (void)snprintf(text, size, "%s", auto_text);
        return;
    }
    switch (param->kind) {
    case GV_PARAM_INTEGER:
        (void)snprintf(text, size, "%lld", (long long)integer_in(param, config));
        return;
    case GV_PARAM_REAL:
        print_real(real_in(param, config), text, size);
        return;
    case GV_PARAM_MONEY:
        gv_money_print(integer_in(param, config), money_unit(param), text, size);
        return;
    case GV_PARAM_DURATION:
        gv_duration_print(integer_in(param, config), text, size);
        return;
    case GV_PARAM_TIME:
        gv_time_print(integer_in(param, config), 0, text, size);
        return;
    case GV_PARAM_SWITCH: {
        bool value = false;
        memcpy(&value, field_in(param, config), sizeof value);
        (void)snprintf(text, size, "%s", value ? "on" : "off");
        return;
    }
    case GV_PARAM_CHOICE:
        (void)snprintf(text, size, "%s", param->choices[choice_in(param, config)]);
        return;
    case GV_PARAM_TEXT:
    case GV_PARAM_PATH:
        (void)snprintf(text, size, "%s", text_in(param, config));
        return;
    }
    assert(false); /* a kind that there is not */
}
