/*
 * A column at a time: the form of the cells is decided once, then one tight loop reads them all.
 * The common short cases are read in the loop; the rest and every complaint go by the slow,
 * plain readers, which decide alone what is right.
 */
#include <assert.h>
#include <string.h>

#include "sim/base/clock.h"
#include "sim/log/reader_impl.h"

/* The cell, or an empty one where the row ends before it. */
static inline gv_span cell_at(const gv_cells *cells, size_t i, uint32_t column, bool has_rest)
{
    if (column >= cells->widths[i]) {
        return (gv_span){cells->rows->text, 0};
    }
    gv_span cell = gv_rows_field(cells->rows, cells->firsts[i] + column);
    if (has_rest && column + 1 < cells->widths[i]) {
        const gv_span last = gv_rows_field(cells->rows, cells->firsts[i] + cells->widths[i] - 1);
        cell.size = (size_t)(last.bytes + last.size - cell.bytes);
    }
    return cell;
}

static void mark_bad(gv_cells *cells, size_t i, uint8_t mark)
{
    if (cells->is_bad[i] == 0) {
        cells->is_bad[i] = mark;
        cells->bad_count++;
    }
}

static gv_span fill_empty(const gv_binding *binding, gv_span text)
{
    if (binding->empty == NULL || text.size > 0) {
        return text;
    }
    return (gv_span){binding->empty, strlen(binding->empty)};
}

/* Two digits, or a number above 99. */
static inline unsigned two_digits(const char *at)
{
    const unsigned high = (unsigned char)(at[0] - '0');
    const unsigned low = (unsigned char)(at[1] - '0');
    return high > 9 || low > 9 ? 1000 : high * 10 + low;
}

static const char *check_time(int64_t found, int64_t *time_us)
{
    if (found < GV_TIME_MIN_US || found > GV_TIME_MAX_US) {
        return "is outside the years 1900 to 2200";
    }
    *time_us = found;
    return NULL;
}

/* Microseconds of yyyyMMdd, or false. */
static bool read_date(const char *at, int64_t *us)
{
    const int year = (int)(two_digits(at) * 100 + two_digits(at + 2));
    const int month = (int)two_digits(at + 4);
    const int day = (int)two_digits(at + 6);
    if (!gv_date_is_valid(year, month, day)) {
        return false;
    }
    *us = gv_date_days(year, month, day) * GV_US_PER_DAY;
    return true;
}

/* Microseconds of HHmmss or HHmmssSSS, or false. */
static inline bool read_clock(const char *at, size_t size, int64_t *us)
{
    const unsigned hour = two_digits(at);
    const unsigned minute = two_digits(at + 2);
    const unsigned second = two_digits(at + 4);
    unsigned ms = 0;
    if (size == 9) {
        const unsigned last = (unsigned char)(at[8] - '0');
        ms = two_digits(at + 6) * 10 + last;
        if (last > 9 || ms > 999) {
            return false;
        }
    }
    if (hour > 23 || minute > 59 || second > 59) {
        return false;
    }
    *us = hour * GV_US_PER_HOUR + minute * GV_US_PER_MINUTE + second * GV_US_PER_SECOND +
          ms * GV_US_PER_MS;
    return true;
}

static const char *scan_digits_time(gv_span text, int64_t zone_us, int64_t *time_us)
{
    int64_t date_us = 0;
    int64_t clock_us = 0;
    if ((text.size != 17 && text.size != 14) || !read_date(text.bytes, &date_us) ||
        !read_clock(text.bytes + 8, text.size - 8, &clock_us)) {
        return "is no such time of the years 1900 to 2200";
    }
    return check_time(date_us + clock_us - zone_us, time_us);
}

static const char *scan_number(const gv_binding *binding, gv_span text, int64_t *value)
{
    int64_t found = 0;
    const char *const complaint =
        gv_number_scaled(text.bytes, text.size, binding->scale, binding->rounding, &found);
    if (complaint != NULL) {
        return complaint;
    }
    if (__builtin_add_overflow(found, binding->offset, &found) || found < binding->minimum ||
        found > binding->maximum) {
        return found < 0 && binding->minimum == 0 ? "is negative" : "is out of range";
    }
    *value = found;
    return NULL;
}

static const char *scan_real(const gv_binding *binding, gv_span text, double *value)
{
    double found = 0;
    const char *const complaint = gv_number_real(text.bytes, text.size, &found);
    if (complaint != NULL) {
        return complaint;
    }
    if (found < binding->real_minimum || found > binding->real_maximum) {
        return "is out of range";
    }
    *value = found;
    return NULL;
}

static const char *scan_integer(const gv_binding *binding, gv_span text, int64_t zone_us,
                                int64_t *value)
{
    switch (binding->form) {
    case GV_CELL_TIME_DIGITS:
        return scan_digits_time(text, zone_us, value);
    case GV_CELL_TIME_ISO:
        return gv_time_scan(text.bytes, text.size, zone_us, value);
    case GV_CELL_TIME_PATTERN:
        return gv_pattern_scan(binding->pattern, text, zone_us, value);
    case GV_CELL_NUMBER:
        return scan_number(binding, text, value);
    case GV_CELL_TEXT:
    case GV_CELL_REAL:
    case GV_CELL_FORM_COUNT:
        break;
    }
    assert(binding->form == GV_CELL_NUMBER); /* no form of integers */
    return NULL;
}

const char *gv_cell_complaint(const gv_binding *binding, gv_span text, int64_t zone_us)
{
    const gv_span filled = fill_empty(binding, text);
    if (binding->form == GV_CELL_TEXT) {
        return NULL;
    }
    if (binding->form == GV_CELL_REAL) {
        double real = 0;
        return scan_real(binding, filled, &real);
    }
    int64_t value = 0;
    return scan_integer(binding, filled, zone_us, &value);
}

static void read_texts(const gv_cells *cells, const gv_binding *binding, uint32_t column,
                       bool has_rest, gv_span *out)
{
    const size_t missing_size = binding->missing == NULL ? 0 : strlen(binding->missing);
    for (size_t i = 0; i < cells->count; i++) {
        gv_span text = cell_at(cells, i, column, has_rest);
        if (text.size == missing_size && missing_size > 0 &&
            memcmp(text.bytes, binding->missing, missing_size) == 0) {
            text.size = 0;
        }
        out[i] = fill_empty(binding, text);
    }
}

static void read_reals(gv_cells *cells, const gv_binding *binding, uint32_t column, uint8_t mark,
                       double *out)
{
    for (size_t i = 0; i < cells->count; i++) {
        const gv_span text = fill_empty(binding, cell_at(cells, i, column, false));
        if (scan_real(binding, text, &out[i]) != NULL) {
            mark_bad(cells, i, mark);
        }
    }
}

/* Up to nine digits, and at most ".0" behind, as pandas writes counts: most counts and prices. */
static inline bool read_short(gv_span text, uint64_t *value)
{
    uint64_t found = 0;
    if (text.size > 2 && text.bytes[text.size - 2] == '.' && text.bytes[text.size - 1] == '0') {
        text.size -= 2;
    }
    if (text.size - 1 >= 9) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        const unsigned digit = (unsigned char)(text.bytes[i] - '0');
        if (digit > 9) {
            return false;
        }
        found = found * 10 + digit;
    }
    *value = found;
    return true;
}

/* What a short integer counts each, or 0 where the scale needs more care. */
static int64_t short_unit(const gv_binding *binding)
{
    int64_t unit = binding->scale.factor;
    for (int32_t i = 0; i < binding->scale.exponent; i++) {
        unit *= 10;
        if (unit > INT64_C(1000000000)) {
            return 0;
        }
    }
    return binding->scale.exponent < 0 || binding->offset != 0 || unit > INT64_C(1000000000) ? 0
                                                                                             : unit;
}

static void read_numbers(gv_cells *cells, const gv_binding *binding, uint32_t column, uint8_t mark,
                         int64_t *out)
{
    const int64_t unit = short_unit(binding);
    for (size_t i = 0; i < cells->count; i++) {
        const gv_span text = fill_empty(binding, cell_at(cells, i, column, false));
        uint64_t value = 0;
        if (unit != 0 && read_short(text, &value)) {
            out[i] = (int64_t)value * unit;
            if (out[i] >= binding->minimum && out[i] <= binding->maximum) {
                continue;
            }
        }
        if (scan_number(binding, text, &out[i]) != NULL) {
            mark_bad(cells, i, mark);
        }
    }
}

/* Rows of a log mostly share their date: it is worked out when it changes. */
static void read_digit_times(gv_cells *cells, uint32_t column, uint8_t mark, int64_t *out)
{
    char date[8] = "";
    int64_t date_us = 0;
    for (size_t i = 0; i < cells->count; i++) {
        const gv_span text = cell_at(cells, i, column, false);
        int64_t clock_us = 0;
        if (text.size == 17 && memcmp(text.bytes, date, sizeof date) == 0 &&
            read_clock(text.bytes + 8, 9, &clock_us)) {
            out[i] = date_us + clock_us;
        } else if (scan_digits_time(text, cells->zone_us, &out[i]) != NULL) {
            mark_bad(cells, i, mark);
        } else if (out[i] - GV_TIME_MIN_US > GV_US_PER_DAY &&
                   GV_TIME_MAX_US - out[i] > GV_US_PER_DAY) {
            memcpy(date, text.bytes, sizeof date);
            (void)read_date(date, &date_us);
            date_us -= cells->zone_us;
        }
    }
}

static void read_integers(gv_cells *cells, const gv_binding *binding, uint32_t column, uint8_t mark,
                          int64_t *out)
{
    for (size_t i = 0; i < cells->count; i++) {
        const gv_span text = fill_empty(binding, cell_at(cells, i, column, false));
        if (scan_integer(binding, text, cells->zone_us, &out[i]) != NULL) {
            mark_bad(cells, i, mark);
        }
    }
}

void gv_cells_read(gv_cells *cells, const gv_binding *binding, uint32_t column, bool has_rest,
                   uint8_t mark, void *out)
{
    assert(mark != 0);
    switch (binding->form) {
    case GV_CELL_TEXT:
        read_texts(cells, binding, column, has_rest, out);
        break;
    case GV_CELL_REAL:
        read_reals(cells, binding, column, mark, out);
        break;
    case GV_CELL_NUMBER:
        read_numbers(cells, binding, column, mark, out);
        break;
    case GV_CELL_TIME_DIGITS:
        read_digit_times(cells, column, mark, out);
        break;
    case GV_CELL_TIME_ISO:
    case GV_CELL_TIME_PATTERN:
        read_integers(cells, binding, column, mark, out);
        break;
    case GV_CELL_FORM_COUNT:
        assert(binding->form < GV_CELL_FORM_COUNT);
    }
}
