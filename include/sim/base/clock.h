/*
 * clock.h - simulated time is int64_t microseconds since 1970-01-01 00:00:00 UTC.
 *
 * A log's local times are turned into UTC by its zone as it is read; everything behind the
 * readers is UTC, and only text for people is turned back.
 */
#ifndef SIM_BASE_CLOCK_H
#define SIM_BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"

#define GV_US_PER_MS     INT64_C(1000)
#define GV_US_PER_SECOND INT64_C(1000000)
#define GV_US_PER_MINUTE (60 * GV_US_PER_SECOND)
#define GV_US_PER_HOUR   (60 * GV_US_PER_MINUTE)
#define GV_US_PER_DAY    (24 * GV_US_PER_HOUR)

/* The earliest and the latest time that Gavel accepts: years 1900 to 2200. */
#define GV_TIME_MIN_US (-INT64_C(2208988800) * GV_US_PER_SECOND)
#define GV_TIME_MAX_US (INT64_C(7258118400) * GV_US_PER_SECOND)

/* Days since 1970-01-01 of a date of the Gregorian calendar; month 1 to 12, day 1 to 31. */
int64_t gv_date_days(int year, int month, int day);

/* A day that the calendar has, in years that Gavel accepts. */
bool gv_date_is_valid(int year, int month, int day);

/* "UTC", "+08:00", "UTC+8", "-0330": the offset that local time is ahead of UTC. */
GV_MUST_CHECK gv_status gv_zone_parse(const char *text, int64_t *offset_us);

/*
 * "2013-06-06", "2013-06-06 12:30", "2013-06-06T12:30:05.25", with an optional "Z" or "+08:00"
 * behind, else in the zone given. GV_EPARSE names what is wrong with the text.
 */
GV_MUST_CHECK gv_status gv_time_parse(const char *text, int64_t zone_offset_us, int64_t *time_us);

/*
 * The same for a span that needs no NUL. NULL, or what is wrong as a phrase that ends a
 * sentence ("is no ISO time"); then *time_us is untouched.
 */
const char *gv_time_scan(const char *text, size_t size, int64_t zone_offset_us, int64_t *time_us);

/* "2013-06-06T12:30:05.250Z"-like ISO text with the zone's offset; `text`: [size], 36 suffice. */
void gv_time_print(int64_t time_us, int64_t zone_offset_us, char *text, size_t size);

/* "30 min", "1.5 h", "250 ms", "2 d", "10 s", "5 us"; a bare number is seconds. */
GV_MUST_CHECK gv_status gv_duration_parse(const char *text, int64_t *duration_us);

/* The shortest exact text in the largest unit that gives a whole number: "30 min". */
void gv_duration_print(int64_t duration_us, char *text, size_t size);

/* Microseconds since an arbitrary start, for wall-time figures and progress, never for results. */
int64_t gv_wall_us(void);

#endif
