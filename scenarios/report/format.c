#include "scenarios/report/format.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

void gv_format_number(double value, int decimals, char *text, size_t size)
{
    if (isnan(value)) {
        (void)snprintf(text, size, "-");
        return;
    }
    char plain[64];
    (void)snprintf(plain, sizeof plain, "%.*f", decimals, fabs(value) < 1e30 ? value : 1e30);
    const char *from = plain;
    size_t used = 0;
    if (*from == '-') {
        const bool is_zero = strspn(from, "-0.") == strlen(from);
        from++;
        if (!is_zero && size > 1) {
            text[used++] = '-';
        }
    }
    const size_t whole = strcspn(from, ".");
    for (size_t i = 0; from[i] != '\0' && used + 2 < size; i++) {
        if (i > 0 && i < whole && (whole - i) % 3 == 0) {
            text[used++] = ',';
        }
        text[used++] = from[i];
    }
    text[used] = '\0';
}

static bool is_fraction(const gv_metric *metric)
{
    return strcmp(metric->unit, "fraction") == 0;
}

const char *gv_format_unit(const gv_metric *metric)
{
    return is_fraction(metric) ? "%" : metric->unit;
}

/* Three significant digits below 100, one decimal up to 10,000, whole numbers above. */
static int decimals_of(double value)
{
    const double magnitude = fabs(value);
    if (magnitude >= 1e4) {
        return 0;
    }
    if (magnitude >= 100) {
        return 1;
    }
    if (magnitude >= 10 || magnitude == 0) {
        return 2;
    }
    return magnitude >= 1 ? 3 : 4;
}

void gv_format_metric_like(const gv_metric *metric, double value, double like, char *text,
                           size_t size)
{
    const bool counts = metric->under == GV_QUANTITY_NONE && metric->divisor == 1;
    if (counts) {
        gv_format_number(value, 0, text, size);
    } else if (is_fraction(metric)) {
        const bool is_click_rate = metric->under == GV_QUANTITY_WINS;
        gv_format_number(100 * value, is_click_rate ? 3 : 1, text, size);
    } else {
        gv_format_number(value, decimals_of(like), text, size);
    }
}

void gv_format_metric(const gv_metric *metric, double value, char *text, size_t size)
{
    gv_format_metric_like(metric, value, value, text, size);
}

/* The mean of each of `width` equal spans of the values, so that a spike is not drawn wider. */
static double span_mean(const double *values, size_t count, size_t width, size_t span)
{
    const size_t first = span * count / width;
    const size_t end = (span + 1) * count / width;
    double sum = 0;
    for (size_t i = first; i < end; i++) {
        assert(values[i] >= 0);
        sum += values[i];
    }
    return sum / (double)(end - first);
}

void gv_format_sparkline(const double *values, size_t count, size_t width, bool utf8, char *text,
                         size_t size)
{
    static const char *const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const marks[] = {" ", ".", ":", "-", "=", "+", "*", "#", "@"};
    assert(size > 3 * width);
    width = count < width ? count : width;
    text[0] = '\0';
    double top = 0;
    for (size_t i = 0; i < width; i++) {
        const double mean = span_mean(values, count, width, i);
        top = mean > top ? mean : top;
    }
    char *end = text;
    for (size_t i = 0; i < width; i++) {
        const double mean = span_mean(values, count, width, i);
        const size_t step = mean == 0 ? 0 : 1 + (size_t)(mean / top * 7.999);
        end = stpcpy(end, utf8 ? blocks[step] : marks[step]);
    }
}
