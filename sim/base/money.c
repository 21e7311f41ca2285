#include "sim/base/money.h"

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "sim/base/number.h"

/* Where the number ends and, behind spaces, the unit begins. */
static size_t number_size(const char *text)
{
    size_t size = strspn(text, "+-.0123456789");
    const bool has_exponent = text[size] == 'e' || text[size] == 'E';
    if (size > 0 && has_exponent && strspn(text + size + 1, "+-0123456789") > 0) {
        size += 1 + strspn(text + size + 1, "+-0123456789");
    }
    return size;
}

/* Nanos of one such unit, `default_nanos` without one, 0 for an unknown unit. */
static int64_t unit_nanos(const char *unit, int64_t default_nanos)
{
    if (*unit == '\0') {
        return default_nanos;
    }
    if (strcasecmp(unit, "CPM") == 0) {
        return GV_NANOS_PER_CPM;
    }
    if (strcasecmp(unit, "currency") == 0) {
        return GV_NANOS_PER_UNIT;
    }
    return strcasecmp(unit, "nanos") == 0 ? 1 : 0;
}

gv_status gv_money_parse(const char *text, int64_t default_nanos, int64_t *nanos)
{
    assert(default_nanos >= 1);
    const char *const start = text + strspn(text, " ");
    const size_t size = number_size(start);
    if (size == 0) {
        return GV_FAIL(GV_EPARSE, "'%s' is no amount of money: expected such as 12.5 CPM", text);
    }
    const char *const unit = start + size + strspn(start + size, " ");
    const int64_t each = unit_nanos(unit, default_nanos);
    if (each == 0) {
        return GV_FAIL(GV_EPARSE,
                       "'%s' is no amount of money: the unit '%s' is none of CPM, currency, nanos",
                       text, unit);
    }
    int64_t found = 0;
    const char *const complaint =
        gv_number_scaled(start, size, gv_scale_of(each), GV_ROUND_NEVER, &found);
    if (complaint != NULL) {
        return GV_FAIL(GV_EPARSE, "'%s' is no amount of money: '%.*s' %s", text, (int)size, start,
                       complaint);
    }
    if (found < 0) {
        return GV_FAIL(GV_EPARSE, "'%s' is negative: expected an amount of 0 or more", text);
    }
    *nanos = found;
    return GV_OK;
}

void gv_money_print(int64_t nanos, int64_t unit_nanos_each, char *text, size_t size)
{
    assert(unit_nanos_each >= 1);
    assert(unit_nanos_each <= INT64_C(100000000000000000));
    const uint64_t unit = (uint64_t)unit_nanos_each;
    const uint64_t magnitude = nanos < 0 ? 0 - (uint64_t)nanos : (uint64_t)nanos;
    char digits[20];
    size_t count = 0;
    for (uint64_t rest = magnitude % unit * 10; rest != 0 && count < 18; rest = rest % unit * 10) {
        digits[count++] = (char)('0' + rest / unit);
    }
    digits[count] = '\0';
    (void)snprintf(text, size, "%s%" PRIu64 "%s%s", nanos < 0 ? "-" : "", magnitude / unit,
                   count == 0 ? "" : ".", digits);
}
