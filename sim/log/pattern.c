/* Times as a mapping file's own pattern spells them. */
#include <string.h>

#include "sim/base/clock.h"
#include "sim/log/reader_impl.h"

typedef struct moment {
    int year;
    int month;
    int day;
    int64_t clock_us;
    int64_t zone_us;
} moment;

static const char fields[] = "YmdHMSfzyb%";

const char *gv_pattern_complaint(const char *pattern)
{
    bool has_date = false;
    for (const char *at = strchr(pattern, '%'); at != NULL; at = strchr(at + 2, '%')) {
        if (at[1] == '\0' || strchr(fields, at[1]) == NULL) {
            return "knows only %Y %y %m %b %d %H %M %S %f %z and %%";
        }
        has_date = has_date || at[1] == 'Y' || at[1] == 'y';
    }
    return has_date ? NULL : "has no year (%Y or %y)";
}

/* At most `most` digits (18 or fewer: they fit), at least one; -1 without. */
static int64_t take_digits(gv_span *text, size_t most)
{
    int64_t value = 0;
    size_t count = 0;
    while (count < most && count < text->size && text->bytes[count] >= '0' &&
           text->bytes[count] <= '9') {
        value = value * 10 + (text->bytes[count] - '0');
        count++;
    }
    text->bytes += count;
    text->size -= count;
    return count == 0 ? -1 : value;
}

static void skip_digits(gv_span *text)
{
    while (text->size > 0 && text->bytes[0] >= '0' && text->bytes[0] <= '9') {
        text->bytes++;
        text->size--;
    }
}

static int take_month_name(gv_span *text)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (int month = 0; month < 12 && text->size >= 3; month++) {
        if (memcmp(text->bytes, names + (ptrdiff_t)month * 3, 3) == 0) {
            text->bytes += 3;
            text->size -= 3;
            return month + 1;
        }
    }
    return -1;
}

/* Decimals of a second; those behind the sixth are dropped. */
static int64_t take_fraction(gv_span *text)
{
    const size_t before = text->size;
    int64_t value = take_digits(text, 6);
    for (size_t count = before - text->size; count < 6; count++) {
        value *= 10;
    }
    skip_digits(text);
    return value;
}

/* "Z", "+08:00", "+0800". */
static bool take_zone(gv_span *text, int64_t *zone_us)
{
    size_t size = 0;
    while (size < text->size && strchr("+-:Z0123456789", text->bytes[size]) != NULL &&
           text->bytes[size] != '\0') {
        size++;
    }
    char zone[8];
    if (size == 0 || size >= sizeof zone) {
        return false;
    }
    memcpy(zone, text->bytes, size);
    zone[size] = '\0';
    text->bytes += size;
    text->size -= size;
    return gv_zone_parse(zone, zone_us) == GV_OK;
}

static bool in_range(int64_t value, int64_t maximum)
{
    return value >= 0 && value <= maximum;
}

/* One % field; false where the text does not fit. */
static bool take_field(char field, gv_span *text, moment *out)
{
    int64_t value = 0;
    switch (field) {
    case 'Y':
        out->year = (int)take_digits(text, 4);
        return out->year >= 0;
    case 'y':
        value = take_digits(text, 2);
        out->year = (int)(value < 69 ? 2000 + value : 1900 + value);
        return value >= 0;
    case 'm':
        out->month = (int)take_digits(text, 2);
        return out->month >= 0;
    case 'b':
        out->month = take_month_name(text);
        return out->month >= 0;
    case 'd':
        out->day = (int)take_digits(text, 2);
        return out->day >= 0;
    case 'H':
        value = take_digits(text, 2);
        out->clock_us += value * GV_US_PER_HOUR;
        return in_range(value, 23);
    case 'M':
        value = take_digits(text, 2);
        out->clock_us += value * GV_US_PER_MINUTE;
        return in_range(value, 59);
    case 'S':
        value = take_digits(text, 2);
        out->clock_us += value * GV_US_PER_SECOND;
        return in_range(value, 59);
    case 'f':
        value = take_fraction(text);
        out->clock_us += value;
        return in_range(value, GV_US_PER_SECOND - 1);
    default:
        return take_zone(text, &out->zone_us);
    }
}

const char *gv_pattern_scan(const char *pattern, gv_span text, int64_t zone_us, int64_t *time_us)
{
    moment found = {.month = 1, .day = 1, .zone_us = zone_us};
    for (const char *at = pattern; *at != '\0'; at++) {
        const bool is_field = at[0] == '%' && at[1] != '%';
        at += at[0] == '%';
        if (is_field) {
            if (!take_field(*at, &text, &found)) {
                return "does not fit the pattern";
            }
            continue;
        }
        if (text.size == 0 || *text.bytes != *at) {
            return "does not fit the pattern";
        }
        text.bytes++;
        text.size--;
    }
    if (text.size > 0) {
        return "goes on behind the pattern";
    }
    if (!gv_date_is_valid(found.year, found.month, found.day)) {
        return "is no date of the years 1900 to 2200";
    }
    const int64_t us = gv_date_days(found.year, found.month, found.day) * GV_US_PER_DAY +
                       found.clock_us - found.zone_us;
    if (us < GV_TIME_MIN_US || us > GV_TIME_MAX_US) {
        return "is outside the years 1900 to 2200";
    }
    *time_us = us;
    return NULL;
}
