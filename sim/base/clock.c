/* Calendar arithmetic after Howard Hinnant, "chrono-compatible low-level date algorithms". */
#include "sim/base/clock.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "sim/base/number.h"

enum { YEAR_MIN = 1900, YEAR_MAX = 2200, ZONE_HOURS_MAX = 15 };

int64_t gv_date_days(int year, int month, int day)
{
    const int64_t y = year - (month <= 2);
    const int64_t era = (y >= 0 ? y : y - 399) / 400;
    const int64_t year_of_era = y - era * 400;
    const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    const int64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

bool gv_date_is_valid(int year, int month, int day)
{
    static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (year < YEAR_MIN || year > YEAR_MAX || month < 1 || month > 12) {
        return false;
    }
    const bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return day >= 1 && day <= month_days[month - 1] + (month == 2 && is_leap);
}

/* What is left of the text. */
typedef struct cursor {
    const char *at;
    const char *end;
} cursor;

/* Exactly `count` digits, else -1. */
static int take_digits(cursor *text, int count)
{
    int value = 0;
    if (text->end - text->at < count) {
        return -1;
    }
    for (int i = 0; i < count; i++) {
        const char c = text->at[i];
        if (c < '0' || c > '9') {
            return -1;
        }
        value = value * 10 + (c - '0');
    }
    text->at += count;
    return value;
}

static bool take(cursor *text, char expected)
{
    const bool is_there = text->at < text->end && *text->at == expected;
    text->at += is_there;
    return is_there;
}

/* "+08:00", "+0800", "+08", "+8" behind the sign that is still there. */
static bool take_offset(cursor *text, int64_t *offset_us)
{
    const bool is_negative = take(text, '-');
    if (!is_negative && !take(text, '+')) {
        return false;
    }
    int hours = take_digits(text, 2);
    if (hours < 0) {
        hours = take_digits(text, 1);
    }
    const bool has_colon = take(text, ':');
    int minutes = take_digits(text, 2);
    if (minutes < 0 && !has_colon) {
        minutes = 0;
    }
    if (hours < 0 || hours > ZONE_HOURS_MAX || minutes < 0 || minutes > 59) {
        return false;
    }
    const int64_t magnitude = hours * GV_US_PER_HOUR + minutes * GV_US_PER_MINUTE;
    *offset_us = is_negative ? -magnitude : magnitude;
    return true;
}

gv_status gv_zone_parse(const char *text, int64_t *offset_us)
{
    cursor left = {text, text + strlen(text)};
    const bool is_named = strncmp(text, "UTC", 3) == 0 || strncmp(text, "GMT", 3) == 0;
    left.at += is_named ? 3 : 0;
    int64_t found = 0;
    const bool is_bare = (is_named && left.at == left.end) || strcmp(text, "Z") == 0;
    if (!is_bare && (!take_offset(&left, &found) || left.at != left.end)) {
        return GV_FAIL(GV_EPARSE, "'%s' is no time zone: expected such as UTC, UTC+8 or +08:00",
                       text);
    }
    *offset_us = found;
    return GV_OK;
}

static bool take_date(cursor *text, int64_t *days)
{
    const int year = take_digits(text, 4);
    const bool first = take(text, '-');
    const int month = take_digits(text, 2);
    const bool second = take(text, '-');
    const int day = take_digits(text, 2);
    if (!first || !second || !gv_date_is_valid(year, month, day)) {
        return false;
    }
    *days = gv_date_days(year, month, day);
    return true;
}

/* ".25": digits behind the sixth are beyond a microsecond and dropped. */
static bool take_fraction(cursor *text, int64_t *us)
{
    int64_t each = GV_US_PER_SECOND / 10;
    const char *const start = text->at;
    for (; text->at < text->end && *text->at >= '0' && *text->at <= '9'; text->at++) {
        *us += (*text->at - '0') * each;
        each /= 10;
    }
    return text->at > start;
}

static bool take_clock(cursor *text, int64_t *us)
{
    const int hour = take_digits(text, 2);
    const bool has_colon = take(text, ':');
    const int minute = take_digits(text, 2);
    int second = 0;
    if (take(text, ':')) {
        second = take_digits(text, 2);
    }
    if (hour < 0 || hour > 23 || !has_colon || minute < 0 || minute > 59 || second < 0 ||
        second > 59) {
        return false;
    }
    *us = hour * GV_US_PER_HOUR + minute * GV_US_PER_MINUTE + second * GV_US_PER_SECOND;
    return !take(text, '.') || take_fraction(text, us);
}

const char *gv_time_scan(const char *text, size_t size, int64_t zone_offset_us, int64_t *time_us)
{
    cursor left = {text, text + size};
    int64_t days = 0;
    int64_t us = 0;
    int64_t offset = zone_offset_us;
    if (!take_date(&left, &days)) {
        return "is no ISO date, such as 2013-06-06, of the years 1900 to 2200";
    }
    if (left.at < left.end) {
        if ((!take(&left, 'T') && !take(&left, ' ')) || !take_clock(&left, &us)) {
            return "is no ISO time, such as 2013-06-06 12:30:05.25";
        }
        (void)take(&left, ' ');
        if (take(&left, 'Z')) {
            offset = 0;
        } else if (left.at < left.end && !take_offset(&left, &offset)) {
            return "ends in no time zone, such as Z or +08:00";
        }
        if (left.at != left.end) {
            return "goes on behind the time";
        }
    }
    const int64_t found = days * GV_US_PER_DAY + us - offset;
    if (found < GV_TIME_MIN_US || found > GV_TIME_MAX_US) {
        return "is outside the years 1900 to 2200";
    }
    *time_us = found;
    return NULL;
}

gv_status gv_time_parse(const char *text, int64_t zone_offset_us, int64_t *time_us)
{
    const char *const complaint = gv_time_scan(text, strlen(text), zone_offset_us, time_us);
    if (complaint != NULL) {
        return GV_FAIL(GV_EPARSE, "'%s' %s", text, complaint);
    }
    return GV_OK;
}

/* Floors: the day before 1970 is -1. */
static int64_t floor_divide(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

/* The civil date of a day number; Hinnant's civil_from_days. */
static void date_of(int64_t days, int *year, int *month, int *day)
{
    const int64_t z = days + 719468;
    const int64_t era = floor_divide(z, 146097);
    const int64_t day_of_era = z - era * 146097;
    const int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const int64_t day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const int64_t shifted = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
    *month = (int)(shifted + (shifted < 10 ? 3 : -9));
    *year = (int)(year_of_era + era * 400 + (*month <= 2));
}

static void print_fraction(int64_t us, char text[24])
{
    text[0] = '\0';
    if (us % 1000 != 0) {
        (void)snprintf(text, 24, ".%06" PRId64, us);
    } else if (us != 0) {
        (void)snprintf(text, 24, ".%03" PRId64, us / 1000);
    }
}

void gv_time_print(int64_t time_us, int64_t zone_offset_us, char *text, size_t size)
{
    const int64_t local = time_us + zone_offset_us;
    const int64_t days = floor_divide(local, GV_US_PER_DAY);
    const int64_t us = local - days * GV_US_PER_DAY;
    int year;
    int month;
    int day;
    date_of(days, &year, &month, &day);
    char fraction[24];
    print_fraction(us % GV_US_PER_SECOND, fraction);
    char zone[16] = "Z";
    if (zone_offset_us != 0) {
        const int64_t minutes =
            (zone_offset_us < 0 ? -zone_offset_us : zone_offset_us) / GV_US_PER_MINUTE;
        (void)snprintf(zone, sizeof zone, "%c%02d:%02d", zone_offset_us < 0 ? '-' : '+',
                       (int)(minutes / 60 % 100), (int)(minutes % 60));
    }
    const int seconds = (int)(us / GV_US_PER_SECOND);
    (void)snprintf(text, size, "%04d-%02d-%02dT%02d:%02d:%02d%s%s", year, month, day,
                   seconds / 3600, seconds / 60 % 60, seconds % 60, fraction, zone);
}

/* Largest first: printing takes the first that divides. The bare number's unit is seconds. */
static const struct duration_unit {
    const char *name;
    int64_t us;
} duration_units[] = {
    {"d", GV_US_PER_DAY},    {"h", GV_US_PER_HOUR}, {"min", GV_US_PER_MINUTE},
    {"s", GV_US_PER_SECOND}, {"ms", GV_US_PER_MS},  {"us", 1},
};

enum { DURATION_UNITS = sizeof duration_units / sizeof duration_units[0] };

static int64_t duration_unit_us(const char *name)
{
    if (*name == '\0') {
        return GV_US_PER_SECOND;
    }
    for (size_t i = 0; i < DURATION_UNITS; i++) {
        if (strcmp(name, duration_units[i].name) == 0) {
            return duration_units[i].us;
        }
    }
    return 0;
}

gv_status gv_duration_parse(const char *text, int64_t *duration_us)
{
    const char *const start = text + strspn(text, " ");
    const size_t size = strspn(start, "+-.0123456789");
    const char *const unit = start + size + strspn(start + size, " ");
    const int64_t each = duration_unit_us(unit);
    if (size == 0 || each == 0) {
        return GV_FAIL(GV_EPARSE,
                       "'%s' is no duration: expected such as 30 min, with a unit of us, ms, s, "
                       "min, h or d",
                       text);
    }
    int64_t found = 0;
    const char *const complaint =
        gv_number_scaled(start, size, gv_scale_of(each), GV_ROUND_NEVER, &found);
    if (complaint != NULL) {
        return GV_FAIL(GV_EPARSE, "'%s' is no duration: '%.*s' %s", text, (int)size, start,
                       complaint);
    }
    if (found < 0) {
        return GV_FAIL(GV_EPARSE, "'%s' is negative: expected a duration of 0 or more", text);
    }
    *duration_us = found;
    return GV_OK;
}

void gv_duration_print(int64_t duration_us, char *text, size_t size)
{
    if (duration_us == 0) {
        (void)snprintf(text, size, "0 s");
        return;
    }
    size_t i = 0;
    while (duration_us % duration_units[i].us != 0) {
        i++;
        assert(i < DURATION_UNITS);
    }
    (void)snprintf(text, size, "%" PRId64 " %s", duration_us / duration_units[i].us,
                   duration_units[i].name);
}

int64_t gv_wall_us(void)
{
    struct timespec now;
    const int failed = clock_gettime(CLOCK_MONOTONIC, &now);
    assert(failed == 0);
    return (int64_t)now.tv_sec * GV_US_PER_SECOND + now.tv_nsec / 1000;
}
